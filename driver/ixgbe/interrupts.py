# SPDX-License-Identifier: BSD-3-Clause
"""The interrupt scheme: which kind of interrupt, how many vectors, and what is written to their registers.

MSI-X gives queues 0..n-1 their vectors and the last vector to everything else.  With fewer than two MSI-X vectors there
is one queue pair on MSI, or on INTx.  Which rings a vector serves: vector_map.py.  Another way: ice_scheme.py.

Ref: ixgbe_init_interrupt_scheme, ixgbe_set_interrupt_capability, ixgbe_acquire_msix_vectors, ixgbe_configure_msix,
ixgbe_configure_msi_and_legacy.
"""

import errno
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from device.regs.i82599 import EIAC, EIAM, EIAM_EX, EICR, EIMS, EIMS_EX, EITR, GPIE, IVAR, IVAR_MISC, RXDCTL
from device.regs.i82599.interrupts import VtMode
from driver.core.bar import Bar
from driver.core.irq import IrqTracker, MsiMap, MsixBackend
from driver.core.itr import ITR_GRANULARITY_US, ItrIndex
from driver.core.msix import DoorMsix
from driver.core.queues import QueuePool
from driver.core.qvector import QVector
from driver.core.vector_options import VectorOptions
from driver.core.vf_vectors import VfVectors
from driver.core.vsi import Pf, Vsi, VsiType
from driver.doors.door import Door, IrqKind
from driver.errors import ProbeError
from driver.i82599.itrs import SharedItrs
from driver.ixgbe import acquire
from driver.ixgbe.sriov.pools import Pools
from driver.ixgbe.sw_init import NON_Q_VECTORS, QUEUES_MAX, check_queues
from driver.ixgbe.vector_map import IxgbeVsi, Share, assign, near

__all__ = ["KINDS", "OTHER_CAUSES", "InterruptScheme", "IxgbeVectors", "IxgbeVsi", "Share", "assign"]

log = logging.getLogger(__name__)

MIN_MSIX_COUNT = 2
HARDWARE_QUEUES = RXDCTL.count
OTHER_ITR_US = 486  # Linux writes 1950 as it stands: 243 units of 2 us
ALL = 0xFFFFFFFF
KINDS = (IrqKind.MSIX, IrqKind.MSI, IrqKind.INTX)

OTHER_CAUSES = {"TCP_TIMER": 1, "OTHER": 1, "LSC": 1, "GPI_SDP1": 1, "GPI_SDP2": 1, "ECC": 1, "MAILBOX": 1}


class IxgbeVectors(SharedItrs):
    """The vector registers of this family: one EITR per vector, no rate limit, IVAR for queues."""

    def __init__(self, bar: Bar, first_queue: int = 0) -> None:
        """Nothing is written yet; the registers call the port's queue 0 ``first_queue``."""
        super().__init__(bar, EITR)
        self.first_queue = first_queue

    def map_tx(self, queue: int, reg_idx: int, itr_idx: ItrIndex) -> None:
        """Route a Tx queue."""
        self._map("TX", queue, reg_idx)

    def map_rx(self, queue: int, reg_idx: int, itr_idx: ItrIndex) -> None:
        """Route an Rx queue."""
        self._map("RX", queue, reg_idx)

    def _map(self, way: str, queue: int, reg_idx: int) -> None:
        reg_idx_of_queue = self.first_queue + queue
        place = f"{way}{reg_idx_of_queue % 2}"
        self.bar.update(IVAR, reg_idx_of_queue // 2, **{place: reg_idx, f"{place}_VALID": 1})


class InterruptScheme:
    """Interrupts of one port, ixgbe's way.  ``init`` takes them, ``clear`` gives them back.

    Attributes:
        wanted: What the user decided about vectors.
        kind: What was taken; None: nothing.
        backend: Where single interrupts come from.
        all_irqs: Who has which interrupt.
        vsi: The port's queues and vectors.
        vsis: All of them; the port's is the first.
        other: The interrupt of everything but queues.
        queues: Queue pairs that there are.
        xdp_rings: Tx queues beside those, for XDP.
        by_hand: Vectors that somebody added while it runs.
        pools: How the queues are divided among virtual functions; None: there are none.
        other_told: How often ``other`` fired.
        notes: What to say of a kind of VSI, or of something that this chip does not have.
    """

    notes: Mapping[str, str] = MappingProxyType({})

    def __init__(
        self,
        door: Door,
        bar: Bar,
        *,
        cpus: int,
        kinds: Sequence[IrqKind] = KINDS,
        wanted: VectorOptions | None = None,
    ) -> None:
        """Nothing is taken yet.

        Args:
            door: Where interrupts come from.
            bar: Register window.
            cpus: Online CPUs.
            kinds: What to try, in this order.
            wanted: What the user decided.
        """
        self.door = door
        self.bar = bar
        self.cpus = cpus
        self.kinds = tuple(kinds)
        self.wanted = wanted or VectorOptions()
        self.kind: IrqKind | None = None
        self.backend: MsixBackend | None = None
        self.all_irqs: IrqTracker | None = None
        self.vsi: Vsi | None = None
        self.vsis: list[Vsi] = []
        self.other = MsiMap()
        self.other_told = 0
        self.relay_fd = -1
        self.queues = 0
        self.xdp_rings = self.wanted.xdp_rings
        self.by_hand: dict[int, MsiMap] = {}
        self.netdev: object | None = None
        self.pools: Pools | None = None

    @property
    def q_vectors(self) -> list[QVector]:
        """The vectors that serve rings."""
        return list(self.vsi.live_q_vectors) if self.vsi is not None else []

    @property
    def xdp_queues(self) -> list[int]:
        """Hardware Tx queues of XDP, in the order of its rings."""
        return list(self.vsi.xdp_map) if self.vsi is not None else []

    @property
    def msix(self) -> bool:
        """Whether it is MSI-X."""
        return self.kind is IrqKind.MSIX

    @property
    def tracker(self) -> IrqTracker | None:
        """Who has which vector of the MSI-X table; None without MSI-X."""
        return self.all_irqs if self.msix else None

    @property
    def vfs(self) -> Sequence[VfVectors]:
        """There are none in this way."""
        return ()

    def init(self, queues: int, xdp_rings: int | None = None) -> str:
        """Take interrupts for ``queues`` ring pairs; without MSI-X there is one pair, whatever was asked.

        Args:
            queues: Ring pairs.
            xdp_rings: Tx rings beside those, for XDP; None: as before.

        Returns:
            What was taken, for people.

        Raises:
            DriverError: More queues than the chip has; nothing changed.
            ProbeError: EIO, no interrupt of any kind; EINVAL, more vectors were asked for than there are; ENOMEM,
                vectors could not be made.  Nothing stays taken.
        """
        xdp_rings = self.xdp_rings if xdp_rings is None else xdp_rings
        check_queues(queues, xdp_rings)
        self.clear()
        self.xdp_rings = xdp_rings
        try:
            vectors = self._set_capability(queues)
            self._alloc(vectors)
        except BaseException:
            self.clear()
            raise
        acquire.tell_homeless(self.door.name, self.wanted, self.q_vectors)
        return self._said(vectors, queues)

    def _said(self, vectors: int, queues: int) -> str:
        assert self.kind is not None
        fewer = f"; {queues} were asked for" if self.queues < queues else ""
        xdp = f" and {self.xdp_rings} XDP rings" if self.xdp_rings else ""
        shown = acquire.show(self.q_vectors)
        return f"{self.kind.name}, {vectors} vectors for {self.queues} ring pairs{xdp} ({shown}){fewer}"

    def _set_capability(self, queues: int) -> int:
        """Choose the kind of interrupt; the number of vectors for queues.

        What was granted decides, not what was asked for.
        """
        for kind in self.kinds:
            backend = DoorMsix(self.door, kind)
            if kind is IrqKind.MSIX:
                asked = acquire.vectors_to_ask_for(self.door, self.wanted, self.cpus, queues, self.xdp_rings)
                granted = backend.enable(MIN_MSIX_COUNT, asked)
                vectors = granted - NON_Q_VECTORS
            else:
                granted = vectors = backend.enable(1, 1)
            if granted > 0:
                self.kind, self.backend = kind, backend
                self.queues = queues if kind is IrqKind.MSIX else 1
                return vectors
            acquire.tell_without(self.door, kind, granted, queues)
        tried = ", ".join(kind.name for kind in self.kinds)
        raise ProbeError(errno.EIO, f"{self.door.name}: no interrupt can be had: tried {tried}")

    def _alloc(self, vectors: int) -> None:
        assert self.backend is not None
        tracker = IrqTracker(self.backend, vectors + (NON_Q_VECTORS if self.msix else 0))
        self.all_irqs = tracker
        pf = Pf(
            tracker, QueuePool(QUEUES_MAX), QueuePool(HARDWARE_QUEUES), vectors, cpus=self.cpus,
            place=near(self.door.numa_node),
        )  # fmt: skip
        queues = self.queues
        vsi = IxgbeVsi(pf, VsiType.PF, req_txq=queues, req_rxq=queues, req_xdp=self.xdp_rings, netdev=self.netdev)
        self._set_up(vsi)
        self.vsi = vsi
        self.other = tracker.alloc_irq() if self.msix else vectors_first(vsi).irq
        if self.other.index < 0:
            raise ProbeError(-self.other.index, f"no vector left for other causes: {os.strerror(-self.other.index)}")
        if not self.msix:
            # One interrupt tells everything: its eventfd is ours to read, and queues are told through this one.
            self.relay_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def _set_up(self, vsi: Vsi) -> None:
        err = vsi.setup()
        if err:
            raise ProbeError(-err, f"interrupt vectors: {os.strerror(-err)}")
        self.vsis.append(vsi)

    def attach_netdev(self, netdev: object) -> None:
        """The interface exists now: each vector of the port gets its NAPI; those made from now on have it at once."""
        self.netdev = netdev
        if self.vsi is not None:
            self.vsi.attach_netdev(netdev)

    def irq_fd(self, q_vector: QVector) -> int:
        """The eventfd that says that rings of ``q_vector`` want polling."""
        return q_vector.irq.irq_fd if self.msix else self.relay_fd

    def clear(self) -> None:
        """Give every interrupt back, in reverse; safe to call twice."""
        if self.by_hand:
            log.info("%s: vectors %s, added by hand, go with the others", self.door.name, sorted(self.by_hand))
        tracker, self.all_irqs = self.all_irqs, None
        if tracker is not None:
            while self.by_hand:
                tracker.free_irq(self.by_hand.popitem()[1])
            if self.msix and self.other.index >= 0:
                tracker.free_irq(self.other)
            while self.vsis:
                self.vsis.pop().release()
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
        pools = self.pools
        vt_mode = pools.vt_mode if pools is not None else VtMode.NONE
        if self.msix:
            for n in range(EIAM_EX.count):
                bar.write(EIAM_EX, ALL, n)
            bar.write(
                GPIE, GPIE.of(MSIX_MODE=1, PBA_SUPPORT=1, OCD=1, EIAME=1, SDP1_GPIEN=1, SDP2_GPIEN=1, VTMODE=vt_mode)
            )
        else:
            # Reading EICR masks the queue causes; the service causes stay enabled.
            bar.write(EIAM, EIAM.of(RTX_QUEUE=EIAM.RTX_QUEUE.max))
            bar.write(GPIE, GPIE.of(SDP1_GPIEN=1, SDP2_GPIEN=1, VTMODE=vt_mode))
        for n in range(IVAR.count):
            bar.write(IVAR, 0, n)
        for q_vector in self.q_vectors:
            for container in q_vector.containers:
                container.itr_us = itr_us
        self.vsi.cfg_msix(IxgbeVectors(bar, pools.first_queue if pools is not None else 0))
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
