# SPDX-License-Identifier: BSD-3-Clause
"""A probe under way: what the user decided, who watches, and what the steps (driver/ixgbe/probe.py) have so far."""

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from device.regs.i82599 import Register
from driver.claim import Claim
from driver.core.bar import Bar
from driver.core.dma import IOVA_BASE_64
from driver.core.itr import ITR_20K_US
from driver.core.vector_options import VectorOptions
from driver.doors.config import Config
from driver.doors.door import Door, IrqKind
from driver.errors import DriverError
from driver.ixgbe.adapter import Adapter
from driver.ixgbe.hw.common import Clock, SystemClock
from driver.ixgbe.hw.hw import Hw
from driver.ixgbe.hw.link import FlowControl
from driver.ixgbe.interrupts import KINDS
from driver.ixgbe.sw_init import RING_DEFAULT, SwState

log = logging.getLogger(__name__)


class QuietLog:
    """Nobody watches; the log has it at debug level."""

    def step(self, name: str, detail: str) -> None:
        """Log the step."""
        log.debug("%s: %s", name, detail)


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """What a user may decide.

    Attributes:
        allow_unsupported_sfp: Drive modules of vendors that the card does not list.
        queues: Ring pairs to make vectors for; one per CPU if not given.
        ring_count: Descriptors per ring.
        itr_us: Moderation interval of queue vectors, in µs.
        interrupts: Kinds of interrupt to try, in this order.
        flow_control: Which pauses to obey and to send.
        cpus: Online CPUs; counted if not given.
        clock: Time; the system's if not given.
        claim_dir: Where claims live; the usual place if not given.
        register: Makes the interface, where Linux registers the netdev; what it returns removes it.
        vectors: How to share out interrupt vectors.
        make_bar: Makes the register window; whoever explains a probe listens there.
    """

    allow_unsupported_sfp: bool = False
    queues: int | None = None
    ring_count: int = RING_DEFAULT
    itr_us: int = ITR_20K_US
    interrupts: Sequence[IrqKind] = KINDS
    flow_control: FlowControl = FlowControl.FULL
    cpus: int | None = None
    clock: Clock | None = None
    claim_dir: Path | None = None
    register: Callable[[Adapter], Callable[[], object]] | None = None
    vectors: VectorOptions = field(default_factory=VectorOptions)
    make_bar: Callable[..., Bar] = Bar


@dataclass
class Probing:
    """A probe under way: what the steps have so far."""

    door: Door
    options: ProbeOptions
    undo: ExitStack = field(default_factory=ExitStack)
    clock: Clock = field(default_factory=SystemClock)
    cpus: int = 1
    device_id: int = 0
    subsystem_id: int = 0
    iova_base: int = IOVA_BASE_64
    saved_state: dict[type[Register], Register] = field(default_factory=dict)
    claim_made: Claim | None = None
    bar_made: Bar | None = None
    hw_made: Hw | None = None
    sw_made: SwState | None = None
    adapter_made: Adapter | None = None
    planned: list[str] = field(default_factory=list)  # what will be undone, first taken first
    undone: list[str] = field(default_factory=list)

    def undo_with(self, what: str, action: Callable[[], object]) -> None:
        """Undo something later, with ``action``; a dead function cannot stop the rest from being undone."""
        self.planned.append(what)
        self.undo.callback(self._undo_one, what, action)

    def _undo_one(self, what: str, action: Callable[[], object]) -> None:
        try:
            action()
        except (DriverError, OSError) as err:
            log.debug("undoing %s: %s", what, err)
            self.undone.append(f"{what}: {err}")
        else:
            self.undone.append(what)

    @property
    def claim(self) -> Claim:
        """The claim, once made."""
        assert self.claim_made is not None
        return self.claim_made

    @property
    def bar(self) -> Bar:
        """The registers, once mapped."""
        assert self.bar_made is not None
        return self.bar_made

    @property
    def hw(self) -> Hw:
        """The hardware, once its operations are bound."""
        assert self.hw_made is not None
        return self.hw_made

    @property
    def sw(self) -> SwState:
        """The driver's own state, once initialised."""
        assert self.sw_made is not None
        return self.sw_made

    @property
    def adapter(self) -> Adapter:
        """The adapter, once there is one."""
        assert self.adapter_made is not None
        return self.adapter_made

    @property
    def config(self) -> Config:
        """Configuration space."""
        return Config(self.door)
