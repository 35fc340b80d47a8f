# SPDX-License-Identifier: BSD-3-Clause
"""A probe under way: what the user decided, who watches, and what the steps (driver/ixgbe/probe.py) have so far."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from driver.core.bar import Bar
from driver.core.clock import Clock
from driver.core.itr import ITR_20K_US
from driver.core.probing import PciProbing
from driver.core.vector_options import VectorOptions
from driver.doors.door import IrqKind
from driver.ixgbe.adapter import Adapter
from driver.ixgbe.hw.hw import Hw
from driver.ixgbe.hw.link import FlowControl
from driver.ixgbe.interrupts import KINDS
from driver.ixgbe.sw_init import RING_DEFAULT, SwState


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
class Probing(PciProbing):
    """A probe under way: what the steps have so far."""

    options: ProbeOptions
    cpus: int = 1
    device_id: int = 0
    subsystem_id: int = 0
    bar_made: Bar | None = None
    hw_made: Hw | None = None
    sw_made: SwState | None = None
    adapter_made: Adapter | None = None

    def __post_init__(self) -> None:
        """The options say where claims live."""
        self.claim_dir = self.options.claim_dir

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
