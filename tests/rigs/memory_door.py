# SPDX-License-Identifier: BSD-3-Clause
"""A door whose BAR is plain memory and whose configuration space is a bytearray, for tests of what lies above."""

import mmap
from collections.abc import Sequence

from driver import compiled
from driver.doors.door import Door, IrqKind


class MemoryDoor(Door):
    def __init__(self, name: str = "memory", bar_bytes: int = 0x20000) -> None:
        self.name = name
        self.memory = mmap.mmap(-1, bar_bytes)
        self.config = bytearray(4096)
        self.maps: dict[int, int] = {}
        self.enabled: dict[IrqKind, list[int]] = {}
        self.fail_map: OSError | None = None
        self.fail_unmap: Exception | None = None
        self.ptr = 0
        self.fd = -1
        self._pages = compiled.buffer_at(self.memory)
        self.mmio = compiled.mmio_new(bar_bytes)
        compiled.mmio_map(self.mmio, 0, self._pages)

    def word(self, offset: int, value: int) -> None:
        self.memory[offset : offset + 4] = value.to_bytes(4, "little")

    def config_read(self, offset: int, len_bytes: int) -> bytes:
        return bytes(self.config[offset : offset + len_bytes])

    def config_write(self, offset: int, data: bytes) -> None:
        self.config[offset : offset + len(data)] = data

    def bar_mmio(self, index: int) -> object:
        return self.mmio

    def bar_len_bytes(self, index: int) -> int:
        return len(self.memory) if index == 0 else 0

    def irq_count(self, kind: IrqKind) -> int:
        return 64 if kind == IrqKind.MSIX else 1

    def irq_enable(self, kind: IrqKind, eventfds: Sequence[int]) -> None:
        self.enabled[kind] = list(eventfds)

    def irq_disable(self, kind: IrqKind) -> None:
        self.enabled.pop(kind, None)

    def irq_unmask(self, kind: IrqKind) -> None:
        pass

    def dma_map(self, fd: int, fd_offset: int, ptr: int, iova: int, len_bytes: int) -> None:
        if self.fail_map:
            raise self.fail_map
        self.fd, self.ptr = fd, ptr
        self.maps[iova] = len_bytes

    def dma_unmap(self, iova: int, len_bytes: int) -> None:
        if self.fail_unmap:
            raise self.fail_unmap
        assert self.maps.pop(iova) == len_bytes

    def reset(self) -> None:
        pass

    def close(self) -> None:
        compiled.mmio_drop_pages(self.mmio)
