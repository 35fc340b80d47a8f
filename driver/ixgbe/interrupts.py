# SPDX-License-Identifier: BSD-3-Clause
"""The interrupt scheme: which kind of interrupt, how many vectors, and which rings each one serves.

MSI-X gives queues 0..n-1 their vectors and the last vector to everything else.  With fewer than two MSI-X vectors there
is one queue pair on MSI, or on INTx.

Ref: ixgbe_init_interrupt_scheme, ixgbe_alloc_q_vectors, ixgbe_configure_msix, ixgbe_configure_msi_and_legacy.
"""

import errno
import logging
import os
from collections.abc import Iterator, Sequence

from device.regs.i82599 import EIAC, EIAM, EIAM_EX, EICR, EIMS, EIMS_EX, EITR, GPIE, IVAR, IVAR_MISC, TXDCTL
from driver.core.bar import Bar
from driver.core.irq import DoorMsix, IrqTracker, MsiMap, MsixBackend
from driver.core.itr import ITR_GRANULARITY_US, ItrIndex
from driver.core.queues import QueuePool
from driver.core.qvector import QVector
from driver.core.vsi import Pf, Vsi, VsiType
from driver.doors.door import Door, IrqKind
from driver.errors import ProbeError
from driver.ixgbe.sw_init import MAX_MSIX_VECTORS, NON_Q_VECTORS

log = logging.getLogger(__name__)

MIN_MSIX_COUNT = 2
HARDWARE_QUEUES = TXDCTL.count
OTHER_ITR_US = 486  # Linux writes 1950 as it stands: 243 units of 2 us
ALL = 0xFFFFFFFF
KINDS = (IrqKind.MSIX, IrqKind.MSI, IrqKind.INTX)

OTHER_CAUSES = {"TCP_TIMER": 1, "OTHER": 1, "LSC": 1, "GPI_SDP1": 1, "GPI_SDP2": 1, "ECC": 1, "MAILBOX": 1}


def assign(q_vectors: int, rx: int, tx: int) -> list[tuple[list[int], list[int]]]:
    """Which Rx and Tx queues each vector serves.

    With a vector for every ring, each ring has its own.  Otherwise a vector takes its share of what is left,
    rounded up, and queues are dealt out like cards: vector v has queues v, v + q_vectors and so on.

    Ref: ixgbe_alloc_q_vectors.
    """
    plan: list[tuple[list[int], list[int]]] = []
    rx_left, tx_left = rx, tx
    if q_vectors >= rx + tx:
        plan += [([queue], []) for queue in range(rx)]
        rx_left = 0
    shared = q_vectors - len(plan)
    for first in range(shared):
        rx_count = -(-rx_left // (shared - first))
        tx_count = -(-tx_left // (shared - first))
        plan.append(
            (
                [first + n * q_vectors for n in range(rx_count)],
                [first + n * q_vectors for n in range(tx_count)],
            )
        )
        rx_left -= rx_count
        tx_left -= tx_count
    return plan


class IxgbeVsi(Vsi):
    """The port's VSI: queues are dealt out in this family's way."""

    def map_rings(self) -> None:
        """Write down which queues each vector serves."""
        vectors = list(self.live_q_vectors)
        for q_vector, (rx, tx) in zip(vectors, assign(len(vectors), self.num_rxq, self.num_txq), strict=True):
            q_vector.rx_container.queues[:] = rx
            q_vector.tx_container.queues[:] = tx


class IxgbeVectors:
    """The vector registers of this family: one EITR per vector, no rate limit, IVAR for queues."""

    def __init__(self, bar: Bar) -> None:
        """Nothing is written yet."""
        self.bar = bar
        self._wanted_us: dict[int, dict[ItrIndex, int]] = {}

    def write_itr(self, itr_idx: ItrIndex, reg_idx: int, itr_us: int) -> None:
        """Rx and Tx share the register: the shorter interval counts, as in Linux."""
        wanted = self._wanted_us.setdefault(reg_idx, {})
        wanted[itr_idx] = itr_us
        units = min(wanted.values()) // ITR_GRANULARITY_US
        self.bar.write(EITR, EITR.of(ITR_INTERVAL=min(units, EITR.ITR_INTERVAL.max), CNT_WDIS=1), reg_idx)

    def write_intrl(self, reg_idx: int, value: int) -> None:
        """There is no such register here."""

    def map_tx(self, queue: int, reg_idx: int, itr_idx: ItrIndex) -> None:
        """Route a Tx queue."""
        self._map("TX", queue, reg_idx)

    def map_rx(self, queue: int, reg_idx: int, itr_idx: ItrIndex) -> None:
        """Route an Rx queue."""
        self._map("RX", queue, reg_idx)

    def _map(self, way: str, queue: int, reg_idx: int) -> None:
        place = f"{way}{queue % 2}"
        self.bar.update(IVAR, queue // 2, **{place: reg_idx, f"{place}_VALID": 1})


class InterruptScheme:
    """Interrupts of one port.  ``init`` takes them, ``clear`` gives them back."""

    def __init__(self, door: Door, bar: Bar, *, cpus: int, kinds: Sequence[IrqKind] = KINDS) -> None:
        """Nothing is taken yet.

        Args:
            door: Where interrupts come from.
            bar: Register window.
            cpus: Online CPUs.
            kinds: What to try, in this order.
        """
        self.door = door
        self.bar = bar
        self.cpus = cpus
        self.kinds = tuple(kinds)
        self.kind: IrqKind | None = None
        self.backend: MsixBackend | None = None
        self.vsi: Vsi | None = None
        self.other = MsiMap()
        self.relay_fd = -1
        self.queues = 0

    @property
    def q_vectors(self) -> list[QVector]:
        """The vectors that serve rings."""
        return list(self.vsi.live_q_vectors) if self.vsi is not None else []

    @property
    def msix(self) -> bool:
        """Whether it is MSI-X."""
        return self.kind is IrqKind.MSIX

    def init(self, queues: int) -> str:
        """Take interrupts for ``queues`` ring pairs; without MSI-X there is one pair, whatever was asked.

        Returns:
            What was taken, for people.

        Raises:
            ProbeError: EIO, no interrupt of any kind; ENOMEM, vectors could not be made.  Nothing stays taken.
        """
        self.clear()
        try:
            vectors = self._set_capability(queues)
            self._alloc(vectors)
        except BaseException:
            self.clear()
            raise
        rings = ", ".join(
            f"{vector.reg_idx}: rx {vector.rx_container.queues} tx {vector.tx_container.queues}"
            for vector in self.q_vectors[:4]
        )
        more = "" if len(self.q_vectors) <= 4 else " …"
        assert self.kind is not None
        fewer = f"; {queues} were asked for" if self.queues < queues else ""
        return f"{self.kind.name}, {vectors} vectors for {self.queues} ring pairs ({rings}{more}){fewer}"

    def _set_capability(self, queues: int) -> int:
        """Choose the kind of interrupt; the number of vectors for queues."""
        for kind in self.kinds:
            backend = DoorMsix(self.door, kind)
            if kind is IrqKind.MSIX:
                wanted = min(queues + NON_Q_VECTORS, MAX_MSIX_VECTORS)
                granted = backend.enable(MIN_MSIX_COUNT, wanted)
                vectors = granted - NON_Q_VECTORS
            else:
                granted = vectors = backend.enable(1, 1)
                queues = 1
            if granted > 0:
                self.kind, self.backend, self.queues = kind, backend, queues
                return vectors
            log.info("%s: no %s interrupts: %s", self.door.name, kind.name, os.strerror(-granted))
        tried = ", ".join(kind.name for kind in self.kinds)
        raise ProbeError(errno.EIO, f"{self.door.name}: no interrupt can be had: tried {tried}")

    def _alloc(self, vectors: int) -> None:
        assert self.backend is not None
        tracker = IrqTracker(self.backend, vectors + (NON_Q_VECTORS if self.msix else 0))
        pf = Pf(tracker, QueuePool(HARDWARE_QUEUES), QueuePool(HARDWARE_QUEUES), vectors, cpus=self.cpus)
        vsi = IxgbeVsi(pf, VsiType.PF, req_txq=self.queues, req_rxq=self.queues)
        err = vsi.setup()
        if err:
            raise ProbeError(-err, f"interrupt vectors: {os.strerror(-err)}")
        self.vsi = vsi
        self.other = tracker.alloc_irq() if self.msix else vectors_first(vsi).irq
        if self.other.index < 0:
            raise ProbeError(-self.other.index, f"no vector left for other causes: {os.strerror(-self.other.index)}")
        if not self.msix:
            # One interrupt tells everything: its eventfd is ours to read, and queues are told through this one.
            self.relay_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def irq_fd(self, q_vector: QVector) -> int:
        """The eventfd that says that rings of ``q_vector`` want polling."""
        return q_vector.irq.irq_fd if self.msix else self.relay_fd

    def clear(self) -> None:
        """Give every interrupt back; safe to call twice."""
        if self.vsi is not None:
            tracker = self.vsi.pf.tracker
            if self.msix and self.other.index >= 0:
                tracker.free_irq(self.other)
            self.vsi.release()
            tracker.deinit()
            self.vsi = None
        self.other = MsiMap()
        if self.relay_fd >= 0:
            os.close(self.relay_fd)
            self.relay_fd = -1
        if self.backend is not None:
            self.backend.disable()
            self.backend = None
        self.kind = None

    # ---- registers ------------------------------------------------------------------------------------------------

    def configure(self, itr_us: int) -> None:
        """Write mode, routing and moderation; causes stay masked.

        Order: auto-mask, mode, routing, intervals, auto-clear.
        """
        bar = self.bar
        assert self.vsi is not None
        if self.msix:
            for n in range(EIAM_EX.count):
                bar.write(EIAM_EX, ALL, n)
            bar.write(GPIE, GPIE.of(MSIX_MODE=1, PBA_SUPPORT=1, OCD=1, EIAME=1, SDP1_GPIEN=1, SDP2_GPIEN=1))
        else:
            # Reading EICR masks the queue causes; the service causes stay enabled.
            bar.write(EIAM, EIAM.of(RTX_QUEUE=EIAM.RTX_QUEUE.max))
            bar.write(GPIE, GPIE.of(SDP1_GPIEN=1, SDP2_GPIEN=1))
        for n in range(IVAR.count):
            bar.write(IVAR, 0, n)
        for q_vector in self.q_vectors:
            for container in q_vector.containers:
                container.itr_us = itr_us
        self.vsi.cfg_msix(IxgbeVectors(bar))
        if self.msix:
            bar.write(IVAR_MISC, IVAR_MISC.of(OTHER=self.other.index, OTHER_VALID=1))
            bar.write(EITR, EITR.of(ITR_INTERVAL=OTHER_ITR_US // ITR_GRANULARITY_US), self.other.index)
            bar.write(EIAC, EIAC.of(RTX_QUEUE=EIAC.RTX_QUEUE.max, TCP_TIMER=1))

    def enable(self) -> None:
        """Forget what is pending and let interrupts come."""
        self.bar.read(EICR)
        self.bar.write(EIMS, EIMS.of(**OTHER_CAUSES))
        for n in range(EIMS_EX.count):
            self.bar.write(EIMS_EX, ALL, n)

    def rearm(self, q_vector: QVector) -> tuple[int, int]:
        """Offset and value of the write that lets ``q_vector`` interrupt again."""
        if self.msix:
            return EIMS_EX.offset(q_vector.reg_idx // 32), 2 ** (q_vector.reg_idx % 32)
        return EIMS.offset(), int(EIMS.of(RTX_QUEUE=2**q_vector.reg_idx))

    def kicks(self) -> Iterator[tuple[int, int]]:
        """EICS_EX words that make every queue vector interrupt."""
        words = [0, 0]
        for q_vector in self.q_vectors:
            words[q_vector.reg_idx // 32] += 2 ** (q_vector.reg_idx % 32)
        return ((n, word) for n, word in enumerate(words) if word)


def vectors_first(vsi: Vsi) -> QVector:
    """The first vector of a VSI that has one."""
    return next(vsi.live_q_vectors)
