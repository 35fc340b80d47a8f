# SPDX-License-Identifier: BSD-3-Clause
"""The interrupts of a function of this machine: VFIO's GET_IRQ_INFO and SET_IRQS.

Ref: linux/vfio.h; the kernel's vfio-pci clears VFIO_IRQ_INFO_NORESIZE of MSI-X where it can add vectors one at a time
(Linux 6.5 and later, and an interrupt domain that can do it).
"""

import struct
from collections.abc import Sequence

from driver.doors.door import Door, FewerIrqsError, IrqKind
from driver.doors.kernel import Kernel

DEVICE_GET_IRQ_INFO, DEVICE_SET_IRQS = 0x3B6D, 0x3B6E  # _IO(';', 100 + 9), _IO(';', 100 + 10)
IRQ_DATA_NONE, IRQ_DATA_EVENTFD, IRQ_UNMASK, IRQ_TRIGGER = 1, 4, 16, 32
IRQ_INFO_NORESIZE = 8
NO_EVENTFD = -1


class VfioIrqs(Door):
    """The part of a VFIO door that has to do with interrupts; ``_ask_irqs`` once the device is open."""

    _kernel: Kernel
    _device: int

    def _ask_irqs(self) -> None:
        self._irqs: dict[IrqKind, tuple[int, int]] = {}
        for kind in IrqKind:
            info = bytearray(struct.pack("<IIII", 16, 0, kind, 0))
            self._kernel.ioctl(self._device, DEVICE_GET_IRQ_INFO, info)
            _, flags, _, count = struct.unpack("<IIII", info)
            self._irqs[kind] = flags, count

    def irq_count(self, kind: IrqKind) -> int:
        """How many interrupts of this kind the function offers."""
        return self._irqs[kind][1]

    def irq_dynamic(self, kind: IrqKind) -> bool:
        """Whether the kernel adds and frees single vectors of this kind while others run."""
        flags, count = self._irqs[kind]
        return count > 1 and not flags & IRQ_INFO_NORESIZE

    def _set_irqs(self, kind: IrqKind, flags: int, start: int, count: int, data: bytes = b"") -> int:
        head = struct.pack("<IIIII", 20 + len(data), flags, kind, start, count)
        return self._kernel.ioctl(self._device, DEVICE_SET_IRQS, bytearray(head + data))

    def irq_enable(self, kind: IrqKind, eventfds: Sequence[int]) -> None:
        """Enable ``kind`` with one eventfd per vector; the kernel sets the bit in configuration space.

        Raises:
            ValueError: No eventfd, or more than the function has interrupts.
            FewerIrqsError: The kernel has fewer vectors than that; none is enabled.
            OSError: The kernel refused.
        """
        if not 0 < len(eventfds) <= self.irq_count(kind):
            raise ValueError(f"{self.name}: {len(eventfds)} eventfds for {self.irq_count(kind)} {kind.name} interrupts")
        data = struct.pack(f"<{len(eventfds)}i", *eventfds)
        granted = self._set_irqs(kind, IRQ_DATA_EVENTFD | IRQ_TRIGGER, 0, len(eventfds), data)
        if granted > 0:
            raise FewerIrqsError(self.name, kind, len(eventfds), granted)

    def irq_disable(self, kind: IrqKind) -> None:
        """Disable ``kind``; no eventfd fires after the return."""
        self._set_irqs(kind, IRQ_DATA_NONE | IRQ_TRIGGER, 0, 0)

    def irq_arm(self, kind: IrqKind, index: int, eventfd: int) -> None:
        """Let vector ``index`` of an enabled ``kind`` fire ``eventfd``; the others stay as they are.

        Raises:
            OSError: The kernel refused: it has no such vector (EINVAL), or none to give (ENOSPC).
        """
        if self._set_irqs(kind, IRQ_DATA_EVENTFD | IRQ_TRIGGER, index, 1, struct.pack("<i", eventfd)) > 0:
            raise FewerIrqsError(self.name, kind, 1, 0)

    def irq_disarm(self, kind: IrqKind, index: int) -> None:
        """Take vector ``index`` back alone: an eventfd of -1.

        Raises:
            OSError: The kernel refused.
        """
        self._set_irqs(kind, IRQ_DATA_EVENTFD | IRQ_TRIGGER, index, 1, struct.pack("<i", NO_EVENTFD))

    def irq_unmask(self, kind: IrqKind) -> None:
        """INTx: the handler is done, the line may fire again (the kernel masked it when it fired)."""
        self._set_irqs(kind, IRQ_DATA_NONE | IRQ_UNMASK, 0, 1)
