# SPDX-License-Identifier: BSD-3-Clause
"""What the parts of a device may ask of each other: small Protocols, and nothing else.

They are handed these in their constructor; the server, a test, or a recording stands behind them.
"""

from collections.abc import Callable
from typing import Any, Protocol

from device.machine.irq import IrqKind


class Irq(Protocol):
    """Interrupt causes other than queues."""

    def cause(self, causes: int) -> None:
        """Latch EICR causes (bits in place, 30:16); moderation and masks decide what follows."""


class Port(Protocol):
    """The wire as the link block sees it."""

    @property
    def carrier(self) -> bool:
        """Whether the other end of the cable is alive."""

    def set_link(self, *, up: bool) -> None:
        """Tell the other end that our side came up or went down."""


class Clock(Protocol):
    """Monotonic time."""

    def now_ns(self) -> int:
        """Nanoseconds since an arbitrary start."""


class PciSide(Protocol):
    """A function as its configuration space sees it (``device.machine.function.Function``)."""

    bus_master: bool  # PCI lets it do DMA
    memory: bool  # it answers in the memory BARs
    irq_kind: IrqKind  # the kind of interrupt in force
    config: Any  # the ConfigSpace, once one is attached
    config_read_faults: list[Callable[[int, bytes], bytes]]  # offset and what would be read, to what is read instead
    config_write_faults: list[Callable[[int, bytes, bytes], bytes]]  # offset, written, stored, to what arrives
    vector_limit: int | None  # a fault: no more MSI-X vectors than this
    missing_irqs: set[IrqKind]  # these kinds of interrupt are not offered
    is_present: bool  # it is on the bus; a virtual function that is not enabled is not

    @property
    def intx_level(self) -> bool:
        """Whether the INTx line is asserted."""

    def on_sriov(self, count: int, *, memory: bool) -> None:
        """So many virtual functions are enabled; ``memory``: they answer in their BARs.  Told again and again."""

    def on_reset(self) -> None:
        """Reset everything but configuration space: FLR, or D3hot to D0."""
