# SPDX-License-Identifier: BSD-3-Clause
"""A client that owns every byte of its rings, to take them away, or to fill registers with nonsense, while they run.

It sends to itself through the MAC's loopback, so that no link is needed.  Ring and buffer of each direction are files
of their own.
"""

import mmap
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from tests.rigs.client import CONFIG, Client

DMATXCTL, RXCTRL, FCTRL, HLREG0 = 0x4A80, 0x3000, 0x5080, 0x4240
TXDCTL_ENABLE, UNICAST_ALL, LOOPBACK = 1 << 25, 1 << 9, 1 << 15
RDBAL, TDBAL = 0x1000, 0x6000
BASE_LOW, BASE_HIGH, LEN, HEAD, SRRCTL, TAIL, CONTROL = 0x00, 0x04, 0x08, 0x10, 0x14, 0x18, 0x28
PARTS = ("tx_ring", "tx_buffer", "rx_ring", "rx_buffer")
PART_BYTES = 0x1_0000
COUNT = 64  # descriptors of a ring
FRAME_BYTES = 60
HEADER_BYTES = bytes.fromhex("020000000002 020000000001 88b5")
TX_COMMAND = 0x0B << 24  # EOP, IFCS, RS of a legacy descriptor
PAGE = mmap.PAGESIZE
SETTLE_S = 0.005  # a queue switched off by a plain store is off soon, and drivers wait 1 ms and more


def memfd(name: str, len_bytes: int) -> int:
    fd = os.memfd_create(name, os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, len_bytes)
    return fd


def punch_hole(fd: int, len_bytes: int) -> None:
    """Give a file's pages back to the system; its size stays."""
    with mmap.mmap(fd, len_bytes) as memory:
        memory.madvise(mmap.MADV_REMOVE)


class Rings(Client):
    """One Tx and one Rx queue on four files.

    Args:
        path: The device's socket.
        make: Gives the file of a part, by its name and size; the rings' owner closes it.
    """

    def __init__(self, path: Path, make: Callable[[str, int], int] = memfd) -> None:
        super().__init__(path)
        self.fd: dict[str, int] = {}
        self.memory: dict[str, mmap.mmap] = {}
        self.iova = {part: (n + 1) << 24 for n, part in enumerate(PARTS)}
        self.tail = 0
        self.areas: dict[int, mmap.mmap] = {}
        _, _, areas, fds = self.region_info(0)
        for offset, len_bytes in areas:
            self.areas[offset] = mmap.mmap(fds[0], len_bytes, offset=offset)
        self.bar_fds = fds
        self.write(CONFIG, 4, b"\x06\x00")
        for part in PARTS:
            self.bring(part, make(part, PART_BYTES))

    def bring(self, part: str, fd: int) -> None:
        """Map a file as one of the parts, filled in."""
        self.fd[part] = fd
        memory = self.memory[part] = mmap.mmap(fd, PART_BYTES)
        if part == "tx_ring":
            for n in range(COUNT):
                struct.pack_into("<QQ", memory, 16 * n, self.iova["tx_buffer"], FRAME_BYTES | TX_COMMAND)
        elif part == "tx_buffer":
            memory[:14] = b"\2\0\0\0\0\2\2\0\0\0\0\1\x88\xb5"
        elif part == "rx_ring":
            self.fill_rx(memory)
        self.map(fd, self.iova[part], PART_BYTES)

    def fill_rx(self, memory: mmap.mmap) -> None:
        for n in range(COUNT):
            struct.pack_into("<QQ", memory, 16 * n, self.iova["rx_buffer"] + 1024 * (n % 32), 0)

    def store(self, offset: int, value: int) -> None:
        """Write a register: a plain store where that is how the device hands it out.

        Observed: ``struct.pack_into`` clears the bytes before it fills them, and a tail that is 0 for a moment asks for
        the rest of the ring once more; an element of a memoryview is one store of 32 bits.
        """
        area = self.areas.get(offset & -PAGE)
        if area is None:
            self.write32(0, offset, value)
        else:
            with memoryview(area) as page, page.cast("I") as words:
                words[offset % PAGE // 4] = value

    def load(self, offset: int) -> int:
        area = self.areas.get(offset & -PAGE)
        return self.read32(0, offset) if area is None else int(struct.unpack_from("<I", area, offset % PAGE)[0])

    def start(self) -> None:
        """Rings up, as drivers do it."""
        self.tail = 0
        self.store(HLREG0, self.load(HLREG0) | LOOPBACK)
        self.store(FCTRL, UNICAST_ALL)
        self.store(DMATXCTL, 1)
        for queue in (RDBAL, TDBAL):
            self.store(queue + CONTROL, 0)
        time.sleep(SETTLE_S)
        for queue, ring in ((RDBAL, "rx_ring"), (TDBAL, "tx_ring")):
            self.store(queue + BASE_LOW, self.iova[ring])
            self.store(queue + BASE_HIGH, 0)
            self.store(queue + LEN, 16 * COUNT)
            self.store(queue + HEAD, 0)
            self.store(queue + TAIL, 0)
        self.store(RDBAL + SRRCTL, 2)
        self.store(RXCTRL, 1)
        for queue in (RDBAL, TDBAL):
            self.store(queue + CONTROL, TXDCTL_ENABLE)
        self.fill_rx(self.memory["rx_ring"])
        self.store(RDBAL + TAIL, COUNT - 1)

    def post(self, frames: int) -> None:
        """Post frames; nobody waits."""
        self.tail = (self.tail + frames) % COUNT
        self.store(TDBAL + TAIL, self.tail)

    def sent(self) -> bool:
        """Whether the device has taken what was posted."""
        return self.load(TDBAL + HEAD) == self.tail

    def received(self) -> int:
        """Frames in the Rx ring."""
        ring = self.memory["rx_ring"]
        return sum(struct.unpack_from("<Q", ring, 16 * n + 8)[0] >> 32 & 1 for n in range(COUNT))

    def close(self) -> None:
        super().close()
        for memory in (*self.memory.values(), *self.areas.values()):
            memory.close()
        for fd in (*self.fd.values(), *self.bar_fds):
            os.close(fd)
        self.fd, self.memory, self.areas, self.bar_fds = {}, {}, {}, []

    def __enter__(self) -> Self:
        return self
