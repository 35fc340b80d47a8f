# SPDX-License-Identifier: BSD-3-Clause
"""A plug that ties the transmit fibre to the receive fibre: every frame comes back."""

from device.machine.core import ffi, lib
from device.machine.wire.base import Port

SLOTS = 512


class LoopbackPort(Port):
    """Frames come back in order; what exceeds ``slots`` waiting frames is dropped and counted.

    Args:
        slots: Frames that may be under way, 1 or more.
    """

    def __init__(self, slots: int = SLOTS) -> None:
        if slots < 1:
            raise ValueError(f"slots={slots}: a loopback needs at least one")
        super().__init__(lib.PORT_LOOPBACK, "loopback", slots=slots)
        self._lens = ffi.new("uint32_t[]", slots)
        self.c.slots = slots
        self.c.ring_len_bytes = self._lens

    def close(self) -> None:
        """Unplug it; frames still under way are gone.  May be called twice."""
        super().close()
        self.c.slots = 0
        self.c.ring_head = self.c.ring_tail = 0
