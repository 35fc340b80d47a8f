# SPDX-License-Identifier: BSD-3-Clause
"""The MSI-X table of a claimed PCI function, with an eventfd a vector: the tracker's backend on a live device."""

import errno
import logging
import os

from driver.core.irq import MsiMap
from driver.doors.door import Door, FewerIrqsError, IrqKind
from driver.errors import DriverError, code_of

log = logging.getLogger(__name__)


class DoorMsix:
    """Interrupts of one kind: those enabled at once, and where the door can, others added and freed one at a time.

    Attributes:
        table_len: Vectors that the function has.
        can_alloc_dyn: Whether the door arms single vectors while others run.
    """

    def __init__(self, door: Door, kind: IrqKind = IrqKind.MSIX) -> None:
        """Take interrupts of ``kind`` (MSI and INTx have one vector) from ``door``."""
        self.door = door
        self.kind = kind
        self.table_len = door.irq_count(kind)
        self.can_alloc_dyn = kind is IrqKind.MSIX and door.irq_dynamic(kind)
        self._irq_fds: dict[int, int] = {}

    def enable(self, least: int, most: int) -> int:
        """Enable up to ``most`` vectors; -ENOSPC if the function or the system has fewer than ``least``.

        Where the system has fewer than the table, as many as it has are asked for next.
        """
        count, least = min(self.table_len, most), max(least, 1)
        while count >= least:
            try:
                for index in range(count):
                    self._irq_fds[index] = _eventfd()
                self.door.irq_enable(self.kind, list(self._irq_fds.values()))
            except FewerIrqsError as err:
                self._close_irq_fds()
                count = min(err.granted, count - 1)
            except OSError as err:
                log.warning("%s: cannot enable %d %s interrupts: %s", self.door.name, count, self.kind.name, err)
                self._close_irq_fds()
                return -(err.errno or errno.EIO)
            else:
                return count
        return -errno.ENOSPC

    def disable(self) -> None:
        """Disable the interrupts and close their eventfds."""
        if not self._irq_fds:
            return
        try:
            self.door.irq_disable(self.kind)
        except (OSError, DriverError) as err:  # a dead device cannot be asked; its eventfds go all the same
            log.debug("%s: irq_disable: %s", self.door.name, err)
        finally:
            self._close_irq_fds()

    def irq_fd(self, index: int) -> int:
        """The eventfd of vector ``index``, or -EINVAL."""
        return self._irq_fds.get(index, -errno.EINVAL)

    def alloc_at(self, index: int) -> MsiMap:
        """Arm one vector more.

        Returns:
            The interrupt; its index is -ENOTSUP if the door cannot or nothing is enabled, -ERANGE beyond the table,
            -EBUSY if the vector is armed, or the errno with which the door refused.
        """
        err = self._refusal(index)
        if err:
            return MsiMap(err)
        irq_fd = -1
        try:
            irq_fd = _eventfd()
            self.door.irq_arm(self.kind, index, irq_fd)
        except (OSError, DriverError) as exc:
            if irq_fd >= 0:
                os.close(irq_fd)
            return MsiMap(-(code_of(exc) or errno.EIO))
        self._irq_fds[index] = irq_fd
        return MsiMap(index, irq_fd)

    def _refusal(self, index: int) -> int:
        if not self.can_alloc_dyn or not self._irq_fds:
            return -errno.ENOTSUP
        if not 0 <= index < self.table_len:
            return -errno.ERANGE
        return -errno.EBUSY if index in self._irq_fds else 0

    def free_at(self, irq: MsiMap) -> None:
        """Disarm a vector that was added, and close its eventfd."""
        irq_fd = self._irq_fds.pop(irq.index, -1)
        if irq_fd < 0:
            return
        try:
            self.door.irq_disarm(self.kind, irq.index)
        except (OSError, DriverError) as err:  # as in disable
            log.warning("%s: cannot disarm vector %d: %s", self.door.name, irq.index, err)
        finally:
            os.close(irq_fd)

    def _close_irq_fds(self) -> None:
        while self._irq_fds:
            os.close(self._irq_fds.popitem()[1])


def _eventfd() -> int:
    return os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
