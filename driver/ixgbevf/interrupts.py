# SPDX-License-Identifier: BSD-3-Clause
"""Interrupts of a virtual function: MSI-X only, up to two vectors for queues and the last one for the mailbox.

Ref: ixgbevf_set_interrupt_capability, ixgbevf_configure_msix; 82599 datasheet, VTIVAR and VTIVAR_MISC.
"""

import errno
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from device.regs.i82599.vf import (
    VTEIAC,
    VTEIAM,
    VTEICS,
    VTEIMC,
    VTEIMS,
    VTEITR,
    VTIVAR,
    VTIVAR_MISC,
)
from driver.core.bar import Bar
from driver.core.irq import IrqTracker, MsiMap, MsixBackend
from driver.core.itr import ITR_GRANULARITY_US, ItrIndex
from driver.core.msix import DoorMsix
from driver.core.queues import QueuePool
from driver.core.qvector import QVector
from driver.core.vector_options import Like, VectorOptions
from driver.core.vf_vectors import VfVectors
from driver.core.vsi import Pf, Vsi, VsiType
from driver.doors.door import Door, IrqKind
from driver.errors import DriverError, ProbeError
from driver.i82599.itrs import SharedItrs
from driver.ixgbevf.hw import QUEUES_MAX

log = logging.getLogger(__name__)

QUEUE_VECTORS_MAX = 2
NON_Q_VECTORS = 1
MIN_MSIX_COUNT = 2
MAX_MSIX_COUNT = QUEUE_VECTORS_MAX + NON_Q_VECTORS
ITR_MAX_US = VTEITR.ITR_INTERVAL.max * ITR_GRANULARITY_US
OTHER_ITR_US = 486  # Linux writes 1950 as it stands: 243 units of 2 us
QUEUE_CAUSES = ("RX0", "TX0", "RX1", "TX1")


class VfVectorHw(SharedItrs):
    """The vector registers of a virtual function: one VTEITR per vector, no rate limit, VTIVAR for queues."""

    def __init__(self, bar: Bar) -> None:
        super().__init__(bar, VTEITR)

    def map_tx(self, queue: int, reg_idx: int, itr_idx: ItrIndex) -> None:
        """Route a Tx queue."""
        self._map(f"TX{queue % 2}", queue, reg_idx)

    def map_rx(self, queue: int, reg_idx: int, itr_idx: ItrIndex) -> None:
        """Route an Rx queue."""
        self._map(f"RX{queue % 2}", queue, reg_idx)

    def _map(self, place: str, queue: int, reg_idx: int) -> None:
        self.bar.update(VTIVAR, queue // 2, **{place: reg_idx, f"{place}_VALID": 1})


def read_vectors(bar: Bar, reg_idxs: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Read the VTEITR of each of these vectors, and every VTIVAR.

    Returns:
        By vector: ``eitr_us`` in µs, and ``ivar``: names of the valid entries that hold it.
    """
    routes: dict[int, list[str]] = {}
    for n in range(VTIVAR.count):
        entry = bar.read(VTIVAR, n)
        for cause in QUEUE_CAUSES:
            if getattr(entry, f"{cause}_VALID"):
                routes.setdefault(int(getattr(entry, cause)), []).append(f"VTIVAR[{n}].{cause}")
    misc = bar.read(VTIVAR_MISC)
    if misc.OTHER_VALID:
        routes.setdefault(misc.OTHER, []).append("VTIVAR_MISC.OTHER")
    return {
        reg_idx: {
            "eitr_us": int(bar.read(VTEITR, reg_idx).ITR_INTERVAL) * ITR_GRANULARITY_US,
            "ivar": routes.get(reg_idx, []),
        }
        for reg_idx in reg_idxs
    }


def check_options(door: Door, wanted: VectorOptions) -> None:
    """See that a virtual function can have its vectors that way.

    Raises:
        ProbeError: EINVAL, it cannot.
    """
    table = door.irq_count(IrqKind.MSIX)
    if wanted.like is not Like.OWN:
        raise ProbeError(
            errno.EINVAL, f"{door.name}: ice's way of sharing out vectors is for ports: leave --vectors-like out"
        )
    if wanted.vectors is not None and not MIN_MSIX_COUNT <= wanted.vectors <= table:
        raise ProbeError(
            errno.EINVAL,
            f"{door.name}: {wanted.vectors} vectors were asked for, and its MSI-X table has {table}: "
            f"give {MIN_MSIX_COUNT} to {table}, one of them for the mailbox",
        )


class OwnVsi(Vsi):
    """The function's VSI: it has the queues that were asked for, and all the vectors there are."""

    def set_num_qs(self) -> int:
        """The numbers are settled: the interrupt scheme did that."""
        self.num_txq, self.num_rxq, self.num_q_vectors = self.req_txq, self.req_rxq, self.pf.num_lan_msix
        return 0


class VfInterrupts:
    """Interrupts of one virtual function.  ``init`` takes them, ``clear`` gives them back.

    Attributes:
        wanted: What the user decided about vectors.
        kind: What was taken; None: nothing.
        backend: Where single interrupts come from.
        all_irqs: Who has which interrupt.
        vsi: The queues and vectors.
        vsis: It alone.
        other: The mailbox's interrupt.
        queues: Queue pairs that there are.
        xdp_rings: Tx queues beside those, for XDP.
        by_hand: Vectors that somebody added while it runs.
        other_told: How often ``other`` fired.
    """

    notes: Mapping[str, str] = MappingProxyType({})

    def __init__(self, door: Door, bar: Bar, *, cpus: int, wanted: VectorOptions | None = None) -> None:
        """Nothing is taken yet."""
        self.door = door
        self.bar = bar
        self.cpus = cpus
        self.wanted = wanted or VectorOptions()
        self.kind: IrqKind | None = None
        self.backend: MsixBackend | None = None
        self.all_irqs: IrqTracker | None = None
        self.vsi: Vsi | None = None
        self.vsis: list[Vsi] = []
        self.other = MsiMap()
        self.other_told = 0
        self.queues = 0
        self.xdp_rings = self.wanted.xdp_rings
        self.by_hand: dict[int, MsiMap] = {}
        self.netdev: object | None = None

    @property
    def q_vectors(self) -> list[QVector]:
        """The vectors that serve rings."""
        return list(self.vsi.live_q_vectors) if self.vsi is not None else []

    @property
    def xdp_queues(self) -> list[int]:
        """Hardware Tx queues of XDP, in the order of its rings."""
        return list(self.vsi.xdp_map) if self.vsi is not None else []

    @property
    def tracker(self) -> IrqTracker | None:
        """Who has which vector of the MSI-X table."""
        return self.all_irqs

    @property
    def vfs(self) -> Sequence[VfVectors]:
        """A virtual function has none of its own."""
        return ()

    def init(self, queues: int, xdp_rings: int | None = None) -> str:
        """Take interrupts for ``queues`` ring pairs, and ``xdp_rings`` Tx rings beside those (None: as before).

        Returns:
            What was taken, for people.

        Raises:
            ProbeError: EIO, there are fewer than two vectors to be had; ENOMEM, they could not be made.  Nothing stays
                taken.
        """
        self.clear()
        self.xdp_rings = self.xdp_rings if xdp_rings is None else xdp_rings
        try:
            self._take(queues)
        except BaseException:
            self.clear()
            raise
        shown = ", ".join(
            f"{vector.reg_idx}: rx {vector.rx_container.queues} tx {vector.tx_container.queues}"
            for vector in self.q_vectors
        )
        return f"MSI-X, {len(self.q_vectors)} vectors for {queues} ring pairs ({shown}), one for the mailbox"

    def _take(self, queues: int) -> None:
        backend = DoorMsix(self.door, IrqKind.MSIX)
        most = self.wanted.vectors or min(max(queues, self.xdp_rings), QUEUE_VECTORS_MAX) + NON_Q_VECTORS
        granted = backend.enable(MIN_MSIX_COUNT, min(most, MAX_MSIX_COUNT))
        if granted < MIN_MSIX_COUNT:
            raise ProbeError(
                errno.EIO,
                f"{self.door.name}: a virtual function needs {MIN_MSIX_COUNT} MSI-X vectors, one of them for its "
                f"mailbox, and has no other interrupts; its table has {backend.table_len}: {os.strerror(-granted)}",
            )
        self.kind, self.backend, self.queues = IrqKind.MSIX, backend, queues
        tracker = self.all_irqs = IrqTracker(backend, granted)
        pf = Pf(tracker, QueuePool(QUEUES_MAX), QueuePool(QUEUES_MAX), granted - NON_Q_VECTORS, cpus=self.cpus)
        vsi = OwnVsi(pf, VsiType.PF, req_txq=queues, req_rxq=queues, req_xdp=self.xdp_rings, netdev=self.netdev)
        err = vsi.setup()
        if err:
            raise ProbeError(-err, f"interrupt vectors: {os.strerror(-err)}")
        self.vsi = vsi
        self.vsis.append(vsi)
        self.other = tracker.alloc_irq()
        if self.other.index < 0:
            raise ProbeError(-self.other.index, f"no vector left for the mailbox: {os.strerror(-self.other.index)}")

    def attach_netdev(self, netdev: object) -> None:
        """The interface exists now: each vector gets its NAPI; those made from now on have it at once."""
        self.netdev = netdev
        if self.vsi is not None:
            self.vsi.attach_netdev(netdev)

    def irq_fd(self, q_vector: QVector) -> int:
        """The eventfd that says that rings of ``q_vector`` want polling."""
        return q_vector.irq.irq_fd

    def clear(self) -> None:
        """Give every interrupt back, in reverse; safe to call twice."""
        tracker, self.all_irqs = self.all_irqs, None
        if tracker is not None:
            while self.by_hand:
                tracker.free_irq(self.by_hand.popitem()[1])
            if self.other.index >= 0:
                tracker.free_irq(self.other)
            while self.vsis:
                self.vsis.pop().release()
            tracker.deinit()
        self.vsi = None
        self.other = MsiMap()
        if self.backend is not None:
            self.backend.disable()
            self.backend = None
        self.kind = None

    # ---- registers -------------------------------------------------------------------------------------------------

    @property
    def mask(self) -> int:
        """Every vector in use, a bit each."""
        return sum(2**vector for vector in {*(q.reg_idx for q in self.q_vectors), self.other.index} if vector >= 0)

    def configure(self, itr_us: int) -> None:
        """Write routing and moderation; the function's reset has cleared what was there.

        Ref: ixgbevf_configure_msix.
        """
        assert self.vsi is not None
        for n in range(VTIVAR.count):
            self.bar.write(VTIVAR, 0, n)
        for q_vector in self.q_vectors:
            for container in q_vector.containers:
                container.itr_us = itr_us
        self.vsi.cfg_msix(VfVectorHw(self.bar))
        self.bar.write(VTIVAR_MISC, VTIVAR_MISC.of(OTHER=self.other.index, OTHER_VALID=1))
        self.bar.write(VTEITR, VTEITR.of(ITR_INTERVAL=OTHER_ITR_US // ITR_GRANULARITY_US), self.other.index)

    def enable(self) -> None:
        """Let interrupts come; each masks itself until it was served.

        Ref: ixgbevf_irq_enable.
        """
        self.bar.write(VTEIAM, self.mask)
        self.bar.write(VTEIAC, self.mask)
        self.bar.write(VTEIMS, self.mask)

    def disable(self) -> None:
        """Mask them all."""
        self.bar.write(VTEIAM, 0)
        self.bar.write(VTEIMC, VTEIMC.VECTORS.max)
        self.bar.write(VTEIAC, 0)

    def rearm(self, q_vector: QVector) -> tuple[int, int]:
        """Offset and value of the write that lets ``q_vector`` interrupt again."""
        return VTEIMS.offset(), 2**q_vector.reg_idx

    def rearm_other(self) -> None:
        """Let the mailbox interrupt again."""
        self.bar.write(VTEIMS, 2**self.other.index)

    def kick(self) -> None:
        """Make every queue vector interrupt once."""
        self.bar.write(VTEICS, sum(2**q_vector.reg_idx for q_vector in self.q_vectors))

    def trigger(self, vector: int) -> None:
        """Let the chip fire a vector, whatever masks it."""
        self.bar.write(VTEIMS, 2**vector)
        self.bar.write(VTEICS, 2**vector)
        self.bar.flush()


def check_queues(door: Door, queues: int, xdp_rings: int, tx: int, rx: int) -> int:
    """A queue count that the function has.

    Args:
        door: The function.
        queues: Queue pairs.
        xdp_rings: Tx queues beside those.
        tx: Tx queues that the peer offers.
        rx: Rx queues that it offers.

    Raises:
        DriverError: More than it has, or none.
    """
    if not 1 <= queues <= min(tx, rx):
        raise DriverError(
            f"{door.name}: {queues} queues: the physical function's driver lets it have 1 to {min(tx, rx)} "
            f"({tx} Tx, {rx} Rx)"
        )
    if not 0 <= xdp_rings <= tx - queues:
        raise DriverError(
            f"{door.name}: {xdp_rings} XDP rings beside {queues} queues: it has {tx} Tx queues, which leaves 0 to "
            f"{tx - queues}"
        )
    return queues
