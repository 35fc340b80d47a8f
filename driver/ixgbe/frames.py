# SPDX-License-Identifier: BSD-3-Clause
"""Frames for a program of our own, and what has to be done between them: interrupts and the service task."""

import os
import select
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from device.regs.i82599 import EICS_EX, EIMS_EX
from driver.core.irq_table import IrqTable
from driver.core.napi import Napi, Rearm
from driver.core.qvector import QVector, VectorHw
from driver.core.rings import RxFrame, RxRing, TxRing
from driver.doors.door import IrqKind
from driver.errors import DriverError
from driver.ixgbe.interrupts import IxgbeVectors
from driver.ixgbe.port import Port
from driver.ixgbe.service import Service
from driver.ixgbe.vector_registers import read_vectors

SERVICE_S = 2.0  # Linux runs its service task this often with a stable link …
SERVICE_LINK_S = 0.1  # … and this often while the link is changing


class Frames(Port):
    """The part of an adapter that serves its rings.

    Attributes:
        work: The service task.
    """

    work: Service

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

    def tx(self, queue: int = 0) -> TxRing:
        """The ring of Tx queue ``queue``: ``post`` frames, ``flush`` once, ``clean`` now and then.

        Raises:
            DriverError: There is no such queue, or the port is down.
        """
        ring: TxRing = self._ring(self.tx_rings, queue)
        return ring

    def rx(self, queue: int = 0, *, timeout_s: float | None = None) -> Iterator[list[RxFrame]]:
        """Yield batches of frames from Rx queue ``queue``; a batch dies when the next is asked for.

        Between batches this does what NAPI does: give buffers back, clean the vector's Tx rings, and if nothing came
        let the vector interrupt again and sleep on it.  The service task runs from here too.  One thread may do this
        per vector, and nobody else may poll its rings meanwhile.

        Args:
            queue: Rx queue, one that exists since ``up``.
            timeout_s: Seconds after which it ends; None: never.

        Raises:
            DriverError: There is no such queue, or the port is down.
            DeviceGone: The function no longer answers.
        """
        ring: RxRing = self._ring(self.rx_rings, queue)
        q_vector = ring.q_vector
        assert q_vector is not None
        end_s = float("inf") if timeout_s is None else time.monotonic() + timeout_s
        service_s = 0.0
        while self.running:
            frames = ring.harvest()
            if frames:
                yield frames
                if self.arena is None:  # the caller took the port down meanwhile
                    return
                ring.refill()
            for tx_ring in q_vector.tx:
                tx_ring.clean()
            now_s = time.monotonic()
            if now_s >= service_s:
                self.service()
                service_s = now_s + self.service_interval_s
            if now_s >= end_s:
                return
            if not frames:
                self._wait_for_irq(q_vector, max(0.0, min(end_s, service_s) - now_s))

    def _ring(self, rings: list[Any], queue: int) -> Any:
        if not self.running:
            raise DriverError(f"{self.door.name} is down: `up` makes the rings")
        if not 0 <= queue < len(rings):
            raise DriverError(f"{self.door.name}: queue {queue} is not one of 0 to {len(rings) - 1}")
        return rings[queue]

    def _wait_for_irq(self, q_vector: QVector, timeout_s: float) -> None:
        """Re-arm, then sleep until the vector interrupts; what came since the last look makes it do so at once."""
        self.bar.write_offset(*self.scheme.rearm(q_vector))
        irq_fd, others = self.scheme.irq_fd(q_vector), self.other_fds()
        poll = select.poll()
        for fd in (irq_fd, *others):
            poll.register(fd, select.POLLIN)
        ready = {fd for fd, _ in poll.poll(timeout_s * 1000)}
        if ready & set(others):
            self.other_irq()  # without MSI-X it is this one that announces rings, too
        with suppress(BlockingIOError):
            q_vector.told += os.eventfd_read(irq_fd)

    def napis(self) -> list[Napi]:
        """A polling context per q_vector, for the rings that exist now."""
        found = []
        for q_vector in self.q_vectors:
            offset, value = self.scheme.rearm(q_vector)
            irq_fd = self.scheme.irq_fd(q_vector)
            tx = sorted(q_vector.tx, key=lambda ring: ring.xdp)  # the interface's first
            cpus = q_vector.affinity
            napi = Napi(self.bar, q_vector.v_idx, q_vector.rx, tx, irq_fd, Rearm(offset, value), cpus=cpus)
            q_vector.polling = napi
            found.append(napi)
        return found

    def vector_hw(self) -> VectorHw:
        """The registers behind the vectors."""
        return IxgbeVectors(self.bar)

    def read_vectors(self, reg_idxs: Iterable[int]) -> dict[int, dict[str, Any]]:
        """The registers of these vectors as they are now: ``eitr_us``, and ``ivar``, the entries that lead there."""
        return read_vectors(self.bar, reg_idxs)
