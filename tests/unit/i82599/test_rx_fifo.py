# SPDX-License-Identifier: BSD-3-Clause
"""The Rx packet buffer while it is nearly full and runs round its end: each frame that was taken comes out, in order.

The buffer never becomes empty here, where it would begin at its start again.
"""

import random
from collections import deque

import pytest

from device.machine.core import ffi, lib
from device.regs.i82599 import RXPBSIZE
from tests.rigs.rx import Rig, Ring

HEAD = bytes.fromhex("020000000001 020000000002 88b5")
ROUNDS = 4
DESCRIPTORS = 32
RECORD_BYTES = 1024  # a frame, and what is known of it


@pytest.fixture
def rig(made: Rig) -> Rig:
    made.renew()
    return made


def frame(n: int, len_bytes: int) -> bytes:
    """One whose every byte would be a length that cannot be."""
    return (HEAD + n.to_bytes(4, "big")).ljust(len_bytes, b"\xee")


class Buffer:
    """The packet buffer, and what must be in it."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.ring: Ring = rig.ring(count=DESCRIPTORS)
        self.waiting: deque[bytes] = deque()
        self.sent_bytes = 0

    def receive(self, data: bytes) -> bool:
        """Whether there was room."""
        full = self.rig.count.rx_fifo_full
        self.rig.receive(data)
        if self.rig.count.rx_fifo_full > full:
            return False
        self.waiting.append(data)
        self.sent_bytes += len(data)
        return True

    def take(self, frames: int) -> None:
        """Give so many descriptors, and see what comes."""
        self.ring.post(frames)
        self.rig.drain()
        got = [data for data, _, _ in self.ring.take()]
        assert got == [self.waiting.popleft() for _ in got]
        assert len(got) == frames
        assert int(self.rig.nic.c.rx.fifo.frames) == len(self.waiting)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [RXPBSIZE.SIZE.max, 512, 64])
def test_nearly_full_and_round_and_round(rig: Rig, size: int, seed: int) -> None:
    """A size beyond the 512 KiB there are counts as that."""
    rig.write(RXPBSIZE, RXPBSIZE.of(SIZE=size))
    there_bytes = min(size * 1024, lib.RX_FIFO_BYTES)
    buffer, pick, n = Buffer(rig), random.Random(seed), 0
    while buffer.sent_bytes < ROUNDS * lib.RX_FIFO_BYTES:
        while buffer.receive(frame(n, pick.randrange(60, 1515))):
            n += 1
        used_bytes = int(rig.nic.c.rx.fifo.used_bytes)
        assert there_bytes - 2 * 1600 < used_bytes <= there_bytes
        buffer.take(pick.randrange(1, DESCRIPTORS - 1))
        assert rig.guards_whole()
    while buffer.waiting:
        buffer.take(min(DESCRIPTORS - 1, len(buffer.waiting)))
    assert int(rig.nic.c.rx.fifo.used_bytes) == 0


@pytest.mark.parametrize("size", [16, 512])
def test_records_that_end_where_the_buffer_ends(rig: Rig, size: int) -> None:
    """None is wasted, and the next one begins at the start."""
    rig.write(RXPBSIZE, RXPBSIZE.of(SIZE=size))
    buffer, n = Buffer(rig), 0
    for _ in range(ROUNDS * lib.RX_FIFO_BYTES // RECORD_BYTES // (DESCRIPTORS - 1)):
        while buffer.receive(frame(n, RECORD_BYTES - ffi.sizeof("struct rx_info"))):
            n += 1
        assert int(rig.nic.c.rx.fifo.used_bytes) == size * 1024, "full to the last byte"
        buffer.take(min(DESCRIPTORS - 1, len(buffer.waiting) - 1))
