# SPDX-License-Identifier: BSD-3-Clause
"""What a family of chips is to the rest of the driver, and what a probed NIC of any family can do.

The families themselves stand beside ``driver/core``; ``driver/families.py`` knows which there are.
"""

import errno
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from device.regs.core import Register
from driver.claim import Claim
from driver.core.bar import Bar
from driver.core.irq_table import IrqTable
from driver.core.napi import Napi
from driver.core.qvector import QVector, VectorHw
from driver.core.vector_options import VectorOptions
from driver.core.xdp import XdpPort, XdpTarget
from driver.doors.door import Door
from driver.errors import DriverError, ProbeError
from driver.slices import Slices

Id = tuple[int, int]  # vendor, device


def read_has_effect(register: type[Register]) -> bool:
    """Whether reading changes something in the NIC: a field that is cleared by it."""
    return any("RC" in field.access.name for field in register.FIELDS.values())


def stranger(name: str, vendor: int, device: int, known: Iterable[Id]) -> ProbeError:
    """What to say of a function that nobody drives: ENODEV, with the ids that we do drive."""
    ours = ", ".join(f"{one:04x}:{other:04x}" for one, other in known)
    return ProbeError(errno.ENODEV, f"{name} is {vendor:04x}:{device:04x}; this driver knows {ours}")


@dataclass(frozen=True, slots=True)
class Ids:
    """The functions of a family.

    Attributes:
        driven: Those that it drives, and what they are.
        virtual: Its virtual functions, which the driver of a port must never be given.
    """

    driven: Mapping[Id, str]
    virtual: Mapping[Id, str]

    def has(self, vendor: int, device: int) -> bool:
        """Whether the function is one of the family, driven or refused."""
        return (vendor, device) in self.driven or (vendor, device) in self.virtual

    def check(self, name: str, vendor: int, device: int) -> None:
        """See that this is a function that the family drives.

        Raises:
            ProbeError: EINVAL, a virtual function; ENODEV, something else.
        """
        if what := self.virtual.get((vendor, device)):
            raise ProbeError(
                errno.EINVAL,
                f"{name} ({vendor:04x}:{device:04x}, {what}) should not be a VF: "
                "this driver is for the physical function",
            )
        if (vendor, device) not in self.driven:
            raise stranger(name, vendor, device, sorted(self.driven))


class ProbeLog(Protocol):
    """Who watches the probe."""

    def step(self, name: str, detail: str) -> None:
        """Step ``name`` is done and found ``detail``."""


class LinkState(Protocol):
    """The link, as the service task saw it last."""

    @property
    def up(self) -> bool:
        """Whether there is one."""

    @property
    def speed_mbps(self) -> int:
        """How fast it is; 0 while it is down."""


class Nic(Protocol):
    """A probed NIC, as sessions and people use it; ends with ``close``.

    Attributes:
        claim: Nobody else drives it meanwhile.
        pause: Called by the NIC before it touches running rings: whoever polls them lets go.
        resume: Called afterwards.
        running: Between ``up`` and ``down``.
    """

    claim: Claim
    pause: Callable[[], None]
    resume: Callable[[], None]
    running: bool

    @property
    def bar(self) -> Bar:
        """The function's registers."""

    @property
    def registers(self) -> Sequence[type[Register]]:
        """The registers that a dump may read."""

    @property
    def mac(self) -> str:
        """Our address, as people write it."""

    @property
    def mtu(self) -> int:
        """Largest packet, in bytes."""

    @property
    def link(self) -> LinkState:
        """The link."""

    @property
    def q_vectors(self) -> list[QVector]:
        """The vectors that serve rings."""

    @property
    def other_vector(self) -> int | None:
        """The vector that serves no rings but everything else; None if there is none of its own."""

    @property
    def irq_table(self) -> IrqTable:
        """Who has which vector, and vectors that are added and freed by hand."""

    @property
    def service_interval_s(self) -> float:
        """Seconds until ``service`` is due again."""

    def describe(self) -> dict[str, str]:
        """What the probe found, by name."""

    def up(self, queues: int | None = None, mtu: int | None = None, *, name: str = "") -> None:
        """Make ``queues`` ring pairs and let traffic flow; interrupts are called after ``name``."""

    def attach_netdev(self, netdev: object) -> None:
        """The interface exists now: the vectors get their NAPI."""

    def down(self) -> None:
        """Stop traffic and free the rings; safe to call twice."""

    def napis(self) -> list[Napi]:
        """A polling context per q_vector, for the rings that exist now."""

    def vector_hw(self) -> VectorHw:
        """The registers behind the vectors."""

    def read_vectors(self, reg_idxs: Iterable[int]) -> dict[int, dict[str, Any]]:
        """The registers of these vectors as they are now: ``eitr_us``, and ``ivar``, the entries that lead there."""

    def service(self) -> None:
        """One pass of the service task."""

    def other_fds(self) -> list[int]:
        """Eventfds to wait on besides those of the queue vectors; ``other_irq`` answers them."""

    def other_irq(self) -> None:
        """One of ``other_fds`` is readable."""

    def xdp(self, program: Any, targets: Sequence[XdpTarget] = ()) -> None:
        """Let a program see each frame before the interface does; None: no program."""

    def xdp_port(self, queue: int) -> XdpPort:
        """Where XDP programs of other NICs send what their Rx queue ``queue`` got."""

    def set_lro(self, *, on: bool, fixed_itr_us: int | None = None) -> None:
        """Take TCP in packets of many frames, or not; with vectors that keep this interval, or (None) change it."""

    def why_no_lro(self) -> str:
        """What forbids that; empty: nothing."""

    def set_mtu(self, mtu: int) -> None:
        """Change the largest packet, also while it runs."""

    def set_mac(self, address: bytes) -> None:
        """Change our own address."""

    def set_rx_mode(self, *, promiscuous: bool | None = None) -> None:
        """Take every frame, or only ours."""

    def stats(self) -> dict[str, int]:
        """Totals since the probe."""

    def read_eeprom(self, words: int, first: int = 0) -> list[int]:
        """``words`` 16-bit words of the NVM from ``first`` on; fewer where it ends before."""

    def read_module(self, address: int, offset: int) -> int:
        """One byte of the module in the cage, at I2C address 0xA0 or 0xA2."""

    def about_module(self) -> Slices[dict[str, Any]]:
        """What the module in the cage says of itself, and whether it is driven; in slices."""

    def read_link(self) -> dict[str, Any]:
        """The link as the MAC sees it now."""

    def close(self) -> None:
        """Undo the probe; safe to call twice."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None: ...


class Look(Protocol):
    """A NIC that nobody drives, as it is: it is not reset, and only what is asked for is read.  Ends with ``close``."""

    @property
    def bar(self) -> Bar:
        """The function's registers."""

    @property
    def registers(self) -> Sequence[type[Register]]:
        """The registers that a dump may read."""

    def stats(self) -> dict[str, int]:
        """What the NIC counted since its counters were read last; reading clears them."""

    def about_module(self) -> dict[str, Any]:
        """What the module in the cage says of itself, and whether it would be driven."""

    def read_link(self) -> dict[str, Any]:
        """The link as the MAC sees it now."""

    def close(self) -> None:
        """Let it go as it was; safe to call twice."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None: ...


Registrar = Callable[[Nic], Callable[[], object]]  # makes the interface of a NIC, and returns what removes it


class Explanation(Protocol):
    """A probe with all that was done and why; ends with ``close``, which lets the function go.

    Attributes:
        failure: Why the probe ended early; None if it did not.
    """

    failure: DriverError | None

    def data(self, language: str = "en") -> dict[str, Any]:
        """All of it as plain data."""

    def text(self, language: str = "en") -> str:
        """For a terminal of 80 columns."""

    def markdown(self, language: str = "en") -> str:
        """A page with pictures."""

    def trace(self) -> Iterable[str]:
        """Every register access as a line of a trace, with the steps marked."""

    def close(self) -> None:
        """Let the function go; safe to call twice."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None: ...


class Explain(Protocol):
    """How a family explains a probe: the door is its own from then on."""

    def __call__(
        self, door: Door, *, allow_unsupported_sfp: bool, queues: int | None, vectors: VectorOptions
    ) -> Explanation:
        """Probe the function behind ``door``; a failure is explained, not raised."""


class Probe(Protocol):
    """How a family probes: the door is its own from then on."""

    def __call__(
        self,
        door: Door,
        watch: ProbeLog | None,
        *,
        allow_unsupported_sfp: bool,
        queues: int | None,
        register: Registrar | None,
        vectors: VectorOptions,
    ) -> Nic:
        """Probe the function behind ``door``; what goes wrong is a ``ProbeError`` or another ``DriverError``."""


@dataclass(frozen=True, slots=True)
class Family:
    """A family of chips.

    Attributes:
        name: As its kernel driver is called.
        ids: Its functions.
        probe: From a function to a NIC.
        explain: The same, with all that is done and why.
        look: From a function to its figures, without touching it; the door is its own from then on.
        mtus: Bytes that an MTU may have.
        itr_max_us: The longest interval between two interrupts of a vector, in µs.
        check_mtu: Returns an MTU that is one of them, and raises ``DriverError`` for another.
        registers: Every register there is.
        dumped: Those that a dump may read.
    """

    name: str
    ids: Ids
    probe: Probe
    explain: Explain
    look: Callable[[Door], Look]
    mtus: range
    itr_max_us: int
    check_mtu: Callable[[int], int]
    registers: Sequence[type[Register]]
    dumped: Sequence[type[Register]]
