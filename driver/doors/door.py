# SPDX-License-Identifier: BSD-3-Clause
"""The door to a PCI function, whoever is behind it: one Protocol.

``driver/doors/vfio_user.py`` is a device in another process, ``driver/doors/vfio.py`` one in this machine.  Everything
above this line is the same for both.
"""

import enum
import errno
import os
from collections.abc import Sequence
from typing import Protocol


class IrqKind(enum.IntEnum):
    """Interrupt kinds by their VFIO index.

    Ref: linux/vfio.h VFIO_PCI_*_IRQ_INDEX; vfio-user uses the same numbers.
    """

    INTX = 0
    MSI = 1
    MSIX = 2


class FewerIrqsError(OSError):
    """The system has fewer interrupts than were asked for, and has enabled none (errno ENOSPC).

    Attributes:
        granted: How many it would enable.
    """

    def __init__(self, name: str, kind: IrqKind, asked: int, granted: int) -> None:
        super().__init__(errno.ENOSPC, f"{name}: the system has {granted} of {asked} {kind.name} interrupts")
        self.granted = granted


class Door(Protocol):
    """A claimed PCI function."""

    name: str

    @property
    def numa_node(self) -> int:
        """The NUMA node that the function is nearest to; -1 if there is no such thing, or nobody knows."""
        return -1

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

    def irq_dynamic(self, kind: IrqKind) -> bool:
        """Whether one vector may be armed and disarmed while the others stay as they are."""
        return False

    def irq_arm(self, kind: IrqKind, index: int, eventfd: int) -> None:
        """Let vector ``index`` of an enabled ``kind`` fire ``eventfd``; the others stay as they are."""
        raise OSError(errno.EOPNOTSUPP, f"{self.name}: {os.strerror(errno.EOPNOTSUPP)}: one {kind.name} vector alone")

    def irq_disarm(self, kind: IrqKind, index: int) -> None:
        """Take vector ``index`` back alone; its eventfd does not fire after the return."""
        raise OSError(errno.EOPNOTSUPP, f"{self.name}: {os.strerror(errno.EOPNOTSUPP)}: one {kind.name} vector alone")

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
