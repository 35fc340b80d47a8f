# SPDX-License-Identifier: BSD-3-Clause
"""Frames through a port by hand."""

from device.machine.core import ffi, lib
from device.machine.wire import Port

FRAMES = [bytes([i]) * (60 + i) for i in range(20)]  # each of another length


class Wire:
    """What C does with a port, for Python."""

    def __init__(self, port: Port) -> None:
        self.port = port

    def send(self, frames: list[bytes]) -> int:
        """Returns how many were accepted."""
        kept = [ffi.new("uint8_t[]", frame) for frame in frames]
        batch = ffi.new("struct frame[]", [(data, len(frame)) for data, frame in zip(kept, frames, strict=True)])
        return int(lib.port_send(self.port.c, batch, len(frames)))

    def recv(self, now_ns: int = 0) -> list[bytes]:
        """One batch."""
        batch = ffi.new("struct frame[]", lib.FRAME_BATCH)
        clock = ffi.new("struct clock *", {"now": ffi.addressof(lib, "clock_manual"), "manual_ns": now_ns})
        clock.arg = clock
        n = lib.port_recv(self.port.c, batch, lib.FRAME_BATCH, clock)
        return [bytes(ffi.buffer(batch[i].data, batch[i].len_bytes)) for i in range(n)]

    def all(self) -> list[bytes]:
        """Batches until there is none."""
        left: list[bytes] = []
        while batch := self.recv():
            left += batch
        return left
