# SPDX-License-Identifier: BSD-3-Clause
"""DMA memory: one shared mapping that the device sees at addresses of our choice, cut up first-fit.

The arena owns the memory and its mapping in the device; a buffer is a piece of it that the caller owns until it is
freed.  Nothing here runs per packet.
"""

import bisect
import fcntl
import logging
import mmap
import os

from driver import compiled
from driver.doors.door import Door
from driver.errors import DeviceGone, DriverError, RingError

log = logging.getLogger(__name__)

IOVA_BASE_64 = 1 << 32  # above the 32-bit hole where interrupt messages live; 39-bit IOMMUs still reach it
IOVA_BASE_32 = 0x1000_0000  # for devices, or IOMMUs, that reach 32 bits only
MIN_ALIGN = 128  # a descriptor ring's base; also two cache lines, so that buffers do not share one
SEALS = fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL


class DmaBuffer:
    """A piece of DMA memory.

    Attributes:
        iova: Its address as the device sees it.
        len_bytes: Its size.
        ptr: cffi ``uint8_t[]`` over it.  Holding it keeps the memory mapped here, even after ``Arena.close()``.
        view: The same bytes as a memoryview.
        label: What it is for, as leak reports say it.
    """

    __slots__ = ("iova", "label", "len_bytes", "offset", "ptr", "view")

    def __init__(self, arena_memory: mmap.mmap, iova: int, offset: int, len_bytes: int, label: str) -> None:
        self.iova = iova
        self.offset = offset
        self.len_bytes = len_bytes
        self.label = label
        self.ptr = compiled.buffer_at(arena_memory, offset, len_bytes)
        with memoryview(arena_memory) as whole:
            self.view = whole[offset : offset + len_bytes]

    def __repr__(self) -> str:
        return f"<DmaBuffer {self.label or '?'} iova=0x{self.iova:x} {self.len_bytes} bytes>"


class FirstFit:
    """Free ranges of ``[0, len_bytes)``, sorted, never touching each other."""

    def __init__(self, len_bytes: int) -> None:
        self.len_bytes = len_bytes
        self.free_ranges: list[tuple[int, int]] = [(0, len_bytes)] if len_bytes else []

    @property
    def free_bytes(self) -> int:
        """Bytes not allocated, in however many pieces."""
        return sum(size for _, size in self.free_ranges)

    def take(self, len_bytes: int, align: int, base: int = 0) -> int | None:
        """Take the first range that fits; ``base + offset`` is a multiple of ``align``.

        Returns:
            Its offset, or None if there is none.
        """
        for index, (start, size) in enumerate(self.free_ranges):
            offset = -(-(base + start) // align) * align - base
            if offset + len_bytes <= start + size:
                rest = [(start, offset - start), (offset + len_bytes, start + size - offset - len_bytes)]
                self.free_ranges[index : index + 1] = [piece for piece in rest if piece[1]]
                return offset
        return None

    def give(self, offset: int, len_bytes: int) -> None:
        """Give a range back and join it with its neighbours; the caller knows it was taken."""
        at = bisect.bisect(self.free_ranges, (offset, 0))
        first, last, end = at, at, offset + len_bytes
        if at and sum(self.free_ranges[at - 1]) == offset:
            first, offset = at - 1, self.free_ranges[at - 1][0]
        if at < len(self.free_ranges) and self.free_ranges[at][0] == end:
            last, end = at + 1, sum(self.free_ranges[at])
        self.free_ranges[first:last] = [(offset, end - offset)]


class Arena:
    """Memory that the device may read and write, mapped once and cut up.

    Args:
        door: The function that gets to see it.
        len_bytes: Size; rounded up to whole pages.
        iova_base: Address of its first byte as the device sees it; a multiple of 4096.

    Raises:
        ValueError: The size or the base cannot be.
        OSError: No memory, or the device or its IOMMU refused the mapping.
    """

    def __init__(self, door: Door, len_bytes: int, iova_base: int = IOVA_BASE_64) -> None:
        if len_bytes <= 0 or iova_base < 0 or iova_base % compiled.PAGE_BYTES or iova_base + len_bytes > 1 << 64:
            raise ValueError(
                f"arena of {len_bytes} bytes at iova 0x{iova_base:x}: want a size and a page-aligned address"
            )
        self.door = door
        self.len_bytes = -(-len_bytes // compiled.PAGE_BYTES) * compiled.PAGE_BYTES
        self.iova_base = iova_base
        self._live: dict[int, DmaBuffer] = {}
        self._space = FirstFit(self.len_bytes)
        self._fd = os.memfd_create("ixlab-dma", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        self._memory: mmap.mmap | None = None
        try:
            os.ftruncate(self._fd, self.len_bytes)
            # The other side maps this too: nobody may shrink it under anybody's feet, or seal it further.
            fcntl.fcntl(self._fd, fcntl.F_ADD_SEALS, SEALS)
            self._memory = mmap.mmap(self._fd, self.len_bytes)
            door.dma_map(self._fd, 0, compiled.address_of(compiled.buffer_at(self._memory)), iova_base, self.len_bytes)
        except BaseException:
            self._release()
            raise

    @property
    def live(self) -> list[DmaBuffer]:
        """Buffers not freed yet, by address."""
        return [self._live[iova] for iova in sorted(self._live)]

    @property
    def free_bytes(self) -> int:
        """Bytes not allocated, in however many pieces."""
        return self._space.free_bytes

    def alloc(self, len_bytes: int, align: int = MIN_ALIGN, *, label: str = "") -> DmaBuffer:
        """Allocate zeroed memory.

        Args:
            len_bytes: Size.
            align: The iova is a multiple of it; a power of two.
            label: What it is for.

        Raises:
            RingError: The arena is full or closed.
            ValueError: A size below 1, or an alignment that is no power of two.
        """
        if len_bytes < 1 or align < 1 or align.bit_count() != 1:
            raise ValueError(f"{label or 'buffer'}: {len_bytes} bytes aligned to {align}: want >= 1 and a power of two")
        if self._memory is None:
            raise RingError(f"{label or 'buffer'}: the DMA arena of {self.door.name} is closed")
        offset = self._space.take(len_bytes, align, self.iova_base)
        if offset is None:
            raise RingError(
                f"{label or 'buffer'}: no {len_bytes} bytes left in the DMA arena of {self.door.name} "
                f"({self.free_bytes} of {self.len_bytes} free); use fewer or smaller rings, or a bigger arena"
            )
        buffer = DmaBuffer(self._memory, self.iova_base + offset, offset, len_bytes, label)
        self._memory[offset : offset + len_bytes] = bytes(len_bytes)
        self._live[buffer.iova] = buffer
        return buffer

    def free(self, buffer: DmaBuffer) -> None:
        """Give a buffer back; the device must be done with it.

        Raises:
            RingError: It is not allocated: freed twice, or of another arena.
        """
        if self._live.get(buffer.iova) is not buffer:
            raise RingError(f"{buffer!r} is not allocated here: freed twice, or of another arena")
        del self._live[buffer.iova]
        self._space.give(buffer.offset, buffer.len_bytes)
        buffer.view.release()

    def close(self) -> None:
        """Take the memory back from the device and release it; safe to call twice.

        Buffers still allocated are reported to the log and go too.  A device that is gone cannot stop this: the
        memory is released in any case, and what unmapping said is logged.
        """
        if self._memory is None:
            return
        if self._live:
            names = ", ".join(buffer.label or f"0x{buffer.iova:x}" for buffer in self.live[:8])
            total = sum(buffer.len_bytes for buffer in self.live)
            log.warning("%s: %d DMA buffers (%d bytes) never freed: %s", self.door.name, len(self._live), total, names)
        try:
            self.door.dma_unmap(self.iova_base, self.len_bytes)
        except (OSError, DriverError) as error:
            level = logging.INFO if isinstance(error, DeviceGone) else logging.WARNING  # who is gone does no DMA
            log.log(level, "%s: DMA memory not unmapped, released anyway: %s", self.door.name, error)
        self._release()

    # The mapping itself goes with its last pointer or view, so a late reader sees old bytes, not a fault.
    def _release(self) -> None:
        self._live.clear()
        self._memory = None
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
