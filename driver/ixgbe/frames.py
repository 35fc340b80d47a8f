# SPDX-License-Identifier: BSD-3-Clause
"""What has to be done between frames: interrupts and the service task."""

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from device.regs.i82599 import EICS_EX, EIMS_EX
from driver.core.frames import RingUser
from driver.core.irq_table import IrqTable
from driver.core.qvector import VectorHw
from driver.doors.door import IrqKind
from driver.errors import DriverError
from driver.ixgbe.interrupts import InterruptScheme, IxgbeVectors
from driver.ixgbe.port import Port
from driver.ixgbe.service import Service
from driver.ixgbe.vector_registers import read_vectors

SERVICE_S = 2.0  # Linux runs its service task this often with a stable link …
SERVICE_LINK_S = 0.1  # … and this often while the link is changing


class Frames(Port, RingUser):
    """The part of an adapter that serves its rings; how frames are sent and taken: driver/core/frames.py.

    Attributes:
        work: The service task.
    """

    work: Service

    @property
    def irqs(self) -> InterruptScheme:
        """Its interrupts."""
        return self.scheme

    @property
    def irq_table(self) -> IrqTable:
        """Who has which vector, and vectors that are added and freed by hand."""
        return IrqTable(self.scheme, self._trigger)

    def _trigger(self, vector: int) -> None:
        """Let the chip fire a vector, whatever masks it.

        Raises:
            DriverError: The port is down, when all of them are silent.
        """
        if not self.running:
            raise DriverError(f"{self.door.name} is down: no vector fires until it is up")
        self.bar.write(EIMS_EX, 2 ** (vector % 32), vector // 32)
        self.bar.write(EICS_EX, 2 ** (vector % 32), vector // 32)
        self.bar.flush()

    @property
    def service_interval_s(self) -> float:
        """Seconds until the service task is due again."""
        mailboxes_s = self.vfs.due_s if self.vfs is not None else SERVICE_S
        return min(mailboxes_s, SERVICE_S if self.link.up or not self.running else SERVICE_LINK_S)

    @property
    def other_vector(self) -> int | None:
        """The vector of everything but rings; None without MSI-X, where one interrupt tells it all."""
        return self.scheme.other.index if self.scheme.msix and self.scheme.other.index >= 0 else None

    def service(self) -> None:
        """One pass of the service task.

        Raises:
            DeviceGone: The function no longer answers.
        """
        self.work.run()

    def other_fds(self) -> list[int]:
        """Eventfds to wait on besides those of the queue vectors; ``other_irq`` answers them."""
        return [self.scheme.other.irq_fd] if self.running and self.scheme.other.irq_fd >= 0 else []

    def other_irq(self) -> None:
        """The miscellaneous interrupt came (with MSI and INTx: the only one)."""
        with suppress(BlockingIOError):
            self.scheme.other_told += os.eventfd_read(self.scheme.other.irq_fd)
        if not self.running:
            return
        if self.scheme.msix:
            self.work.msix_other()
            return
        if self.work.legacy():
            os.eventfd_write(self.scheme.relay_fd, 1)
        if self.scheme.kind is IrqKind.INTX:
            self.door.irq_unmask(IrqKind.INTX)

    def vector_hw(self) -> VectorHw:
        """The registers behind the vectors."""
        return IxgbeVectors(self.bar)

    def read_vectors(self, reg_idxs: Iterable[int]) -> dict[int, dict[str, Any]]:
        """The registers of these vectors as they are now: ``eitr_us``, and ``ivar``, the entries that lead there."""
        return read_vectors(self.bar, reg_idxs)
