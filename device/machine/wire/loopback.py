# SPDX-License-Identifier: BSD-3-Clause
"""A plug that ties the transmit fibre to the receive fibre: every frame comes back."""

from typing import Self

from device.machine.core import ffi
from device.machine.wire.base import Port

SLOTS = 512
SLOTS_MAX = 16384  # 260 MiB of them


class LoopbackPort(Port):
    """Frames come back in order; what exceeds ``slots`` waiting frames is dropped and counted.

    Args:
        slots: Frames that may be under way, 1 to ``SLOTS_MAX``.

    Raises:
        ValueError: More or fewer.
    """

    KIND = "loopback"
    ARG = "[:SLOTS]"

    def __init__(self, slots: int = SLOTS) -> None:
        if not 1 <= slots <= SLOTS_MAX:
            raise ValueError(f"slots={slots}: a loopback has 1 to {SLOTS_MAX}")
        super().__init__("loopback", state=ffi.new("struct loopback_port *"), slots=slots)
        self._lens = ffi.new("uint32_t[]", slots)
        self.state.slots = slots
        self.state.len_bytes = self._lens

    @classmethod
    def from_arg(cls, arg: str) -> Self:
        """What is sent comes back; SLOTS frames may be under way, 512 if not said."""
        if not arg:
            return cls()
        if not (arg.isascii() and arg.isdigit()):
            raise ValueError(f"SLOTS is a number from 1 to {SLOTS_MAX}, not {arg!r}")
        return cls(int(arg))

    def close(self) -> None:
        """Unplug it; frames still under way are gone.  May be called twice."""
        super().close()
        self.state.slots = self.state.first = self.state.under_way = 0
