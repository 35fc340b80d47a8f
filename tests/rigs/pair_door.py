# SPDX-License-Identifier: BSD-3-Clause
"""A door to a device in the same process: the driver's C calls the device's C, with nothing in between.

Every access is complete when it returns, and each one gives the device a turn, so tests need no thread and no waiting.
"""

import errno
import os
from collections.abc import Sequence

from device.i82599.card import Card
from device.i82599.core import VECTORS
from device.machine import irq
from device.machine.config import BARS, ConfigSpace
from device.machine.core import c_function
from device.machine.irq import IrqFds
from device.regs import pci_vf
from driver import compiled
from driver.doors.config import Config, set_irq_enable
from driver.doors.door import Door, IrqKind

KINDS = {IrqKind.INTX: irq.IrqKind.INTX, IrqKind.MSI: irq.IrqKind.MSI, IrqKind.MSIX: irq.IrqKind.MSIX}  # VFIO's to ours


class PairDoor(Door):
    """A door to ``nic``, which is closed by whoever made it, after the door.

    Attributes:
        function: What it leads to: the physical function, or a virtual one.
        config: The function's configuration space, the device's end of it.
        irqs: What the device sent, and where to.
    """

    def __init__(
        self, nic: Card, name: str = "pair", *, best: irq.IrqKind = irq.IrqKind.MSIX, vf: int | None = None
    ) -> None:
        """``best``: the best kind of interrupt on offer, as the device's ``--interrupts``; ``vf``: a virtual one."""
        self.name = name
        self.nic = nic
        self.vf = vf
        if vf is None:
            self.function, self._bars = nic.pf, BARS
            self.config = ConfigSpace(nic.pf, nic.identity, best=best, vpd=nic.vpd)
        else:
            self.function, self._bars = nic.vfs[vf].function, pci_vf.BARS
            self.config = ConfigSpace(self.function, nic.vfs[vf].identity, registers=pci_vf.CONFIG)
            nic.vfs[vf].is_held = self._is_open
        self.irqs = IrqFds(self.function, VECTORS)
        self._intx_fd = -1
        self._maps: dict[int, int] = {}
        self._closed = False
        self._mmio = compiled.mmio_new(self._bars[0], nic)
        compiled.mmio_functions(
            self._mmio, c_function("function_read32"), c_function("function_write32"), self.function.handle
        )

    def _is_open(self) -> bool:
        return not self._closed

    def _open(self) -> None:
        if self._closed:
            raise OSError(errno.ENODEV, f"{self.name}: closed")

    def config_read(self, offset: int, len_bytes: int) -> bytes:
        self._open()
        return self.config.read(offset, len_bytes)

    def config_write(self, offset: int, data: bytes) -> None:
        self._open()
        self.config.write(offset, data)

    def bar_len_bytes(self, index: int) -> int:
        return self._bars.get(index, 0)

    def bar_mmio(self, index: int) -> object:
        self._open()
        if index != 0:
            raise OSError(errno.ENXIO, f"{self.name}: no BAR {index} here")
        return self._mmio

    def irq_count(self, kind: IrqKind) -> int:
        if not self.config.offers(KINDS[kind]):
            return 0
        return self.config.vectors if kind is IrqKind.MSIX else 1

    def irq_enable(self, kind: IrqKind, eventfds: Sequence[int]) -> None:
        self._open()
        if not 0 < len(eventfds) <= self.irq_count(kind):
            raise ValueError(f"{self.name}: {len(eventfds)} eventfds for {self.irq_count(kind)} {kind.name} interrupts")
        if self._refused(KINDS[kind]):
            raise OSError(errno.ENOSPC, f"{self.name}: no {kind.name} interrupts to be had")
        if kind is IrqKind.INTX:
            self._intx_fd = eventfds[0]
            self.irqs.set_intx(eventfds[0])
        else:
            for vector, fd in enumerate(eventfds):
                self.irqs.set(vector, fd)
        self.config.set_armed(KINDS[kind])
        set_irq_enable(Config(self), kind, enable=True, vectors=len(eventfds))

    def _refused(self, kind: irq.IrqKind) -> bool:
        """Whether a fault refuses these eventfds, as the server would."""
        faults = self.function.c.irq
        if faults.refuse_in:
            faults.refuse_in -= 1
            if not faults.refuse_in:
                return True
        return bool(faults.refused >> kind & 1)

    def irq_dynamic(self, kind: IrqKind) -> bool:
        return kind is IrqKind.MSIX and self.irq_count(kind) > 1

    def irq_arm(self, kind: IrqKind, index: int, eventfd: int) -> None:
        self._open()
        assert self.irq_dynamic(kind)
        if not 0 <= index < self.irq_count(kind):
            raise OSError(errno.EINVAL, f"{self.name}: vector {index} of {self.irq_count(kind)}")
        if self._refused(KINDS[kind]):
            raise OSError(errno.ENOSPC, f"{self.name}: no {kind.name} interrupts to be had")
        self.irqs.set(index, eventfd)

    def irq_disarm(self, kind: IrqKind, index: int) -> None:
        self._open()
        assert self.irq_dynamic(kind)
        self.irqs.set(index, -1)

    def irq_disable(self, kind: IrqKind) -> None:
        self._open()
        set_irq_enable(Config(self), kind, enable=False)
        self.config.set_armed(irq.IrqKind.NONE)
        self._forget_eventfds()

    def _forget_eventfds(self) -> None:
        self._intx_fd = -1
        self.irqs.set_intx(-1)
        for vector in range(VECTORS):
            self.irqs.set(vector, -1)

    def irq_unmask(self, kind: IrqKind) -> None:
        self._open()
        assert kind is IrqKind.INTX
        # The eventfd told of the line's rise; a line that is still up is told again.
        if self.irqs.level and self._intx_fd >= 0:
            os.eventfd_write(self._intx_fd, 1)

    def dma_map(self, fd: int, fd_offset: int, ptr: int, iova: int, len_bytes: int) -> None:
        self._open()
        self.function.dma_add(iova, len_bytes, ptr)
        self._maps[iova] = len_bytes

    def dma_unmap(self, iova: int, len_bytes: int) -> None:
        self._open()
        if self._maps.get(iova) != len_bytes:
            raise OSError(errno.ENOENT, f"{self.name}: nothing mapped at iova 0x{iova:x} of 0x{len_bytes:x} bytes")
        del self._maps[iova]
        self.function.dma_del(iova, len_bytes)

    @property
    def maps(self) -> dict[int, int]:
        """What the device can reach: iova -> bytes."""
        return dict(self._maps)

    def reset(self) -> None:
        self._open()
        self.config.reset()

    def close(self) -> None:
        if self._closed:
            return
        self._forget_eventfds()
        self._closed = True
        compiled.mmio_drop_pages(self._mmio)
        for iova, len_bytes in self._maps.items():
            self.function.dma_del(iova, len_bytes)
        self._maps.clear()
        self.irqs.close()
        if self.vf is not None:
            self.config.reset()
            self.nic.vfs[self.vf].leave()
