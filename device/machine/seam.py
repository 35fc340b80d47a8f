"""What a block may ask of the world: four small Protocols, and nothing else.

Blocks are handed these in their constructor; the server, a test, or a recording stands behind them.
"""

from typing import Protocol


class Dma(Protocol):
    """Memory of the other side, by iova."""

    def read(self, iova: int, len_bytes: int) -> bytes:
        """Copy ``len_bytes`` in; raises ``OSError`` (EFAULT) outside mapped memory or without Bus Master Enable."""

    def write(self, iova: int, data: bytes) -> None:
        """Copy ``data`` out; raises ``OSError`` (EFAULT) outside mapped memory or without Bus Master Enable."""


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
