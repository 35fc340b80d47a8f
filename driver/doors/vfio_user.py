# SPDX-License-Identifier: BSD-3-Clause
"""A door to a device in another process: our own vfio-user client.

The connection is one UNIX socket.  Set-up and control messages are composed here, registers and the byte stream are C
(driver/core/csrc/vfu_client.c).  Everything the server tells us is checked: it may be another program, another
version, or wrong.

Ref: vfio-user protocol specification 0.9.1 (libvfio-user, docs/vfio-user.rst).
"""

import errno
import struct
from collections.abc import Sequence
from pathlib import Path

from driver import claim, compiled
from driver.doors.config import CONFIG_BYTES, Config, set_irq_enable
from driver.doors.door import Door, IrqKind
from driver.doors.vfio_user_connection import Connection
from driver.doors.vfio_user_regions import Region, get_region

CONFIG_REGION = 7
BARS = 6
# Commands and flags, by their names in the specification.
DMA_MAP, DMA_UNMAP, DEVICE_GET_INFO = 2, 3, 4
DEVICE_GET_IRQ_INFO, DEVICE_SET_IRQS, REGION_READ, REGION_WRITE, DEVICE_RESET = 7, 8, 9, 10, 13
INFO_RESET, INFO_PCI = 1, 2
IRQ_DATA_NONE, IRQ_DATA_EVENTFD, IRQ_UNMASK, IRQ_TRIGGER = 1, 4, 16, 32
IRQ_INFO_NORESIZE = 8
DMA_READ_WRITE = 3


class VfioUserDoor(Door):
    """A PCI function behind a vfio-user socket.

    Args:
        path: The server's socket.
        timeout_s: How long any reply may take; a later one breaks the connection for good. 0: for ever, or until a
            signal, for a device that stands at a breakpoint.
        handshake_timeout_s: How long connecting and the first reply may take; 0: for ever.

    Raises:
        Busy: The server does not answer, most likely because it serves another client.
        DoorError: No server there, or not one we can talk to.  The message says what to do.

    Two threads may use one door.  Mapped pages and messages are not ordered against each other: read any register
    through a message between the two if the order matters.
    """

    def __init__(self, path: str | Path, *, timeout_s: float = 5.0, handshake_timeout_s: float = 2.0) -> None:
        self.path = str(path)
        self.name = f"{claim.VFIO_USER}{self.path}"
        self._mmio: dict[int, object] = {}
        self._maps: list[object] = []
        self._regions: dict[int, Region] = {}
        self._dma: dict[int, int] = {}
        self._closed = False
        self._connection = Connection(self.path, timeout_s=timeout_s, handshake_timeout_s=handshake_timeout_s)
        self._client = self._connection.client
        self._ask = self._connection.ask
        try:
            self._get_info()
            for index in (*range(BARS), CONFIG_REGION):
                self._regions[index] = get_region(self._connection, index)
            self._irqs = {kind: self._get_irq_info(kind) for kind in IrqKind}
        except BaseException:
            self.close()
            raise

    def _get_info(self) -> None:
        body, _ = self._ask(DEVICE_GET_INFO, struct.pack("<IIII", 16, 0, 0, 0), 16)
        _, flags, regions, irqs = struct.unpack("<IIII", body)
        if not flags & INFO_PCI:
            self._connection.refuse(errno.ENODEV, f"not a PCI function (flags 0x{flags:x})", "this driver wants one")
        if regions <= CONFIG_REGION or irqs <= IrqKind.MSIX:
            self._connection.refuse(
                errno.EPROTO, f"{regions} regions and {irqs} interrupt kinds", "a PCI function has 8 and 3 at least"
            )
        self._can_reset = bool(flags & INFO_RESET)

    def _get_irq_info(self, kind: IrqKind) -> tuple[int, int]:
        body, _ = self._ask(DEVICE_GET_IRQ_INFO, struct.pack("<IIII", 16, 0, kind, 0), 16)
        _, flags, index, count = struct.unpack("<IIII", body)
        if index != kind or count > 2048:
            self._connection.refuse(
                errno.EPROTO, f"IRQ_INFO {kind.name} answers index {index}, count {count}", "the server is wrong"
            )
        return int(flags), int(count)

    # ---- talking ---------------------------------------------------------------------------------------------------

    def config_read(self, offset: int, len_bytes: int) -> bytes:
        """Read configuration space.

        Raises:
            DeviceGone: The server died.
            OSError: It refused, or the offset is outside.
        """
        self._check_config(offset, len_bytes)
        ask = struct.pack("<QII", offset, CONFIG_REGION, len_bytes)
        reply, _ = self._ask(REGION_READ, ask, 16 + len_bytes)
        return reply[16:]

    def config_write(self, offset: int, data: bytes) -> None:
        """Write configuration space, in pieces of 1, 2 or 4 aligned bytes as a bus does.

        Raises:
            DeviceGone: The server died.
            OSError: It refused, or the offset is outside.
        """
        self._check_config(offset, len(data))
        at = 0
        while at < len(data):
            size = next(n for n in (4, 2, 1) if (offset + at) % n == 0 and at + n <= len(data))
            ask = struct.pack("<QII", offset + at, CONFIG_REGION, size) + data[at : at + size]
            self._ask(REGION_WRITE, ask, 16)
            at += size

    def _check_config(self, offset: int, len_bytes: int) -> None:
        if not 0 <= offset <= CONFIG_BYTES - len_bytes:
            raise OSError(errno.EINVAL, f"{self.path}: {len_bytes} bytes at configuration offset 0x{offset:x}")

    def bar_len_bytes(self, index: int) -> int:
        """Size of BAR ``index``; 0 if the function does not have it."""
        region = self._regions.get(index) if 0 <= index < BARS else None
        return region.len_bytes if region else 0

    def bar_mmio(self, index: int) -> object:
        """Return the ``struct mmio *`` of BAR ``index``: messages, and plain memory where the server offers pages.

        Raises:
            OSError: The function does not have it, or its pages cannot be mapped.
        """
        if index in self._mmio:
            return self._mmio[index]
        len_bytes = self.bar_len_bytes(index)
        if self._closed or not len_bytes:
            raise OSError(errno.ENXIO, f"{self.path}: no BAR {index}")
        mmio = self._client.window(index, len_bytes)
        region = self._regions[index]
        for at, (offset, _) in enumerate(region.areas):
            memory = region.map_area(self.path, at)
            self._maps.append(memory)
            compiled.mmio_map(mmio, offset, memory)
        self._mmio[index] = mmio
        return mmio

    # ---- interrupts ------------------------------------------------------------------------------------------------

    def irq_count(self, kind: IrqKind) -> int:
        """How many interrupts of this kind the function offers."""
        return self._irqs[kind][1]

    def irq_dynamic(self, kind: IrqKind) -> bool:
        """Whether the server takes single vectors of this kind while others are armed."""
        flags, count = self._irqs[kind]
        return count > 1 and not flags & IRQ_INFO_NORESIZE

    def _set_irqs(self, kind: IrqKind, flags: int, start: int, fds: Sequence[int], count: int) -> None:
        self._ask(DEVICE_SET_IRQS, struct.pack("<IIIII", 20, flags, kind, start, count), fds=fds)

    def irq_enable(self, kind: IrqKind, eventfds: Sequence[int]) -> None:
        """Enable ``kind``: eventfds first, in messages of as many as the server takes, then the bit in config space.

        Raises:
            ValueError: No eventfd, or more than the function has interrupts.
            DeviceGone: The server died.
            OSError: It refused.
        """
        if not 0 < len(eventfds) <= self.irq_count(kind):
            raise ValueError(f"{self.path}: {len(eventfds)} eventfds for {self.irq_count(kind)} {kind.name} interrupts")
        for start in range(0, len(eventfds), self._connection.max_fds):
            some = eventfds[start : start + self._connection.max_fds]
            self._set_irqs(kind, IRQ_DATA_EVENTFD | IRQ_TRIGGER, start, some, len(some))
        set_irq_enable(Config(self), kind, enable=True, vectors=len(eventfds))

    def irq_disable(self, kind: IrqKind) -> None:
        """Disable ``kind``; no eventfd fires after the return.

        Raises:
            DeviceGone: The server died.
            OSError: It refused.
        """
        set_irq_enable(Config(self), kind, enable=False)
        self._set_irqs(kind, IRQ_DATA_NONE | IRQ_TRIGGER, 0, (), 0)

    def irq_arm(self, kind: IrqKind, index: int, eventfd: int) -> None:
        """Let vector ``index`` of an enabled ``kind`` fire ``eventfd``; the others stay as they are.

        Raises:
            DeviceGone: The server died.
            OSError: It refused.
        """
        self._set_irqs(kind, IRQ_DATA_EVENTFD | IRQ_TRIGGER, index, [eventfd], 1)

    def irq_disarm(self, kind: IrqKind, index: int) -> None:
        """Take vector ``index`` back alone: the same message without an eventfd.

        Raises:
            DeviceGone: The server died.
            OSError: It refused.
        """
        self._set_irqs(kind, IRQ_DATA_EVENTFD | IRQ_TRIGGER, index, (), 1)

    def irq_unmask(self, kind: IrqKind) -> None:
        """INTx: the handler is done, the line may fire again."""
        self._set_irqs(kind, IRQ_DATA_NONE | IRQ_UNMASK, 0, (), 1)

    # ---- memory, reset, end ----------------------------------------------------------------------------------------

    def dma_map(self, fd: int, fd_offset: int, ptr: int, iova: int, len_bytes: int) -> None:
        """Let the server map ``len_bytes`` of ``fd`` and know them by ``iova``; ``ptr`` is of no use to it.

        Raises:
            ValueError: Not whole pages.
            DeviceGone: The server died.
            OSError: It refused (EINVAL, EEXIST: overlaps another mapping).
        """
        del ptr
        page = compiled.PAGE_BYTES
        if fd_offset % page or iova % page or len_bytes % page or len_bytes <= 0:
            raise ValueError(f"{self.path}: DMA map of 0x{len_bytes:x} bytes at iova 0x{iova:x} is not whole pages")
        self._ask(DMA_MAP, struct.pack("<IIQQQ", 32, DMA_READ_WRITE, fd_offset, iova, len_bytes), fds=[fd])
        self._dma[iova] = len_bytes

    def dma_unmap(self, iova: int, len_bytes: int) -> None:
        """Take a mapping back; it must be one that was made, not a part of it.

        Raises:
            DeviceGone: The server died, and the mapping with it.
            OSError: There is no such mapping.
        """
        if self._dma.get(iova) != len_bytes:  # servers that follow the kernel's VFIO say nothing of it
            raise OSError(errno.ENOENT, f"{self.path}: no DMA map of 0x{len_bytes:x} bytes at iova 0x{iova:x}")
        self._ask(DMA_UNMAP, struct.pack("<IIQQ", 24, 0, iova, len_bytes), 0, 24)
        del self._dma[iova]

    def reset(self) -> None:
        """Reset the function.

        Raises:
            DeviceGone: The server died.
            OSError: It cannot.
        """
        if not self._can_reset:
            raise OSError(errno.ENOTSUP, f"{self.path}: the device offers no reset")
        self._ask(DEVICE_RESET, b"")

    def close(self) -> None:
        """Hang up; the server then forgets mappings and interrupts.  Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        for mmio in self._mmio.values():
            compiled.mmio_drop_pages(mmio)
        self._mmio.clear()
        self._maps.clear()
        for region in self._regions.values():
            region.close()
        self._connection.close()
