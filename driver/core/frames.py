# SPDX-License-Identifier: BSD-3-Clause
"""Frames for a program of our own, out of the rings of a NIC that is up; polling contexts for everybody else."""

import os
import select
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Protocol

from driver.core.bar import Bar
from driver.core.dma import Arena
from driver.core.napi import Napi, Rearm
from driver.core.qvector import QVector
from driver.core.rings import RxFrame, RxRing, TxRing
from driver.doors.door import Door
from driver.errors import DriverError


class Scheme(Protocol):
    """The interrupts, as far as whoever polls asks."""

    def rearm(self, q_vector: QVector) -> tuple[int, int]:
        """Offset and value of the write that lets ``q_vector`` interrupt again."""

    def irq_fd(self, q_vector: QVector) -> int:
        """The eventfd that says that rings of ``q_vector`` want polling."""


class RingUser:
    """The part of a NIC that serves its rings.

    Attributes:
        running: Between ``up`` and ``down``.
        arena: Memory of the rings; None while it is down.
        rx_rings: Rings by queue, empty while it is down.
        tx_rings: The same for Tx.
    """

    running: bool
    arena: Arena | None
    rx_rings: list[Any]
    tx_rings: list[Any]

    @property
    def door(self) -> Door:
        """The function's door."""
        raise NotImplementedError

    @property
    def bar(self) -> Bar:
        """The function's registers."""
        raise NotImplementedError

    @property
    def irqs(self) -> Scheme:
        """Its interrupts."""
        raise NotImplementedError

    @property
    def q_vectors(self) -> list[QVector]:
        """The vectors that serve rings."""
        raise NotImplementedError

    @property
    def service_interval_s(self) -> float:
        """Seconds until the service task is due again."""
        raise NotImplementedError

    def service(self) -> None:
        """One pass of the service task."""
        raise NotImplementedError

    def other_fds(self) -> list[int]:
        """Eventfds to wait on besides those of the queue vectors; ``other_irq`` answers them."""
        raise NotImplementedError

    def other_irq(self) -> None:
        """One of ``other_fds`` is readable."""
        raise NotImplementedError

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
        self.bar.write_offset(*self.irqs.rearm(q_vector))
        irq_fd, others = self.irqs.irq_fd(q_vector), self.other_fds()
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
            offset, value = self.irqs.rearm(q_vector)
            irq_fd = self.irqs.irq_fd(q_vector)
            tx = sorted(q_vector.tx, key=lambda ring: ring.xdp)  # the interface's first
            cpus = q_vector.affinity
            napi = Napi(self.bar, q_vector.v_idx, q_vector.rx, tx, irq_fd, Rearm(offset, value), cpus=cpus)
            q_vector.polling = napi
            found.append(napi)
        return found
