# SPDX-License-Identifier: BSD-3-Clause
"""The door to a PCI function, whoever is behind it: one Protocol.

``driver/doors/vfio_user.py`` is a device in another process, ``driver/doors/vfio.py`` one in this machine.  Everything
above this line is the same for both.
"""

import enum
from collections.abc import Sequence
from typing import Protocol


class IrqKind(enum.IntEnum):
    """Interrupt kinds by their VFIO index.

    Ref: linux/vfio.h VFIO_PCI_*_IRQ_INDEX; vfio-user uses the same numbers.
    """

    INTX = 0
    MSI = 1
    MSIX = 2


class Door(Protocol):
    """A claimed PCI function."""

    name: str

    def config_read(self, offset: int, len_bytes: int) -> bytes:
        """Read configuration space."""

    def config_write(self, offset: int, data: bytes) -> None:
        """Write configuration space."""

    def bar_mmio(self, index: int) -> object:
        """Return the cffi ``struct mmio *`` of BAR ``index``; lives as long as the door.  Raises OSError if absent."""

    def bar_len_bytes(self, index: int) -> int:
        """Size of BAR ``index``; 0 if the function does not have it."""

    def irq_count(self, kind: IrqKind) -> int:
        """How many interrupts of this kind the function offers."""

    def irq_enable(self, kind: IrqKind, eventfds: Sequence[int]) -> None:
        """Enable ``kind`` with one eventfd per vector (and the bit in configuration space where that is ours)."""

    def irq_disable(self, kind: IrqKind) -> None:
        """Disable ``kind``; no eventfd fires after the return."""

    def irq_unmask(self, kind: IrqKind) -> None:
        """INTx: the handler is done, the line may fire again."""

    def dma_map(self, fd: int, fd_offset: int, ptr: int, iova: int, len_bytes: int) -> None:
        """Make memory visible to the device: a memfd range (vfio-user) that is also mapped at ``ptr`` (VFIO)."""

    def dma_unmap(self, iova: int, len_bytes: int) -> None:
        """Take it back; the device no longer touches it after the return."""

    def reset(self) -> None:
        """Function level reset."""

    def close(self) -> None:
        """Give everything back; safe to call twice."""
