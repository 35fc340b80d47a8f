# SPDX-License-Identifier: BSD-3-Clause
"""A VSI: queues and vectors that belong together (a port's traffic, a VF, a control queue).

The shape is that of ``ice_vsi_cfg`` without the parts only an E810 has (admin queue, scheduler).  The ``Pf`` owns what
VSIs share: free queues, the vector tracker, the list of VSIs.  A VSI owns its q_vectors and its queues.
"""

import enum
import errno
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from driver.core.cpus import Place, online_cpus, own_cpu
from driver.core.irq import IrqTracker
from driver.core.queues import QueuePool, share
from driver.core.qvector import QVector, VectorHw
from driver.core.vf_vectors import VfVectors

log = logging.getLogger(__name__)


class VsiType(enum.IntEnum):
    """Kinds of VSI, with ice's numbers."""

    PF = 0
    VF = 1
    CTRL = 3
    CHNL = 4
    LB = 6
    SF = 9


@dataclass
class Pf:
    """What the VSIs of one function share."""

    tracker: IrqTracker
    txqs: QueuePool
    rxqs: QueuePool
    num_lan_msix: int
    cpus: int = field(default_factory=lambda: os.cpu_count() or 1)
    rss: bool = True
    vsis: list["Vsi"] = field(default_factory=list)
    new_q_vector: Callable[[int], QVector] = QVector
    new_napi: Callable[[QVector], object] = lambda _q_vector: object()
    online_cpus: frozenset[int] = field(default_factory=online_cpus)
    place: Callable[[int, frozenset[int]], Place] = own_cpu

    def vf_ctrl_vsi(self, vsi: "Vsi") -> "Vsi | None":
        """A VF's CTRL VSI other than ``vsi``, if there is one."""
        return next((other for other in self.vsis if other is not vsi and other.is_ctrl and other.vf is not None), None)


class Vsi:
    """Queues and vectors that belong together."""

    def __init__(
        self,
        pf: Pf,
        kind: VsiType | int,
        *,
        vf: VfVectors | None = None,
        channel: object | None = None,
        req_txq: int = 0,
        req_rxq: int = 0,
        req_xdp: int = 0,
        irq_dyn_alloc: bool = False,
        netdev: object | None = None,
    ) -> None:
        """Describe the VSI; nothing is taken until ``setup``.

        Args:
            pf: Where queues and vectors come from.
            kind: What it is for.
            vf: The VF it serves (VF, and CTRL on behalf of a VF).
            channel: The traffic channel of a CHNL VSI.
            req_txq: Tx queues asked for; 0 lets the CPUs decide.
            req_rxq: Rx queues asked for; 0 lets the CPUs decide.
            req_xdp: Tx queues beside those, for XDP.
            irq_dyn_alloc: Passed to the tracker.
            netdev: The interface, if it exists yet.
        """
        self.pf = pf
        self.kind = kind
        self.vf = vf
        self.channel = channel
        self.req_txq = req_txq
        self.req_rxq = req_rxq
        self.num_xdp = req_xdp
        self.irq_dyn_alloc = irq_dyn_alloc
        self.netdev = netdev
        self.num_txq = self.num_rxq = self.num_q_vectors = 0
        self.txq_map: list[int] = []
        self.rxq_map: list[int] = []
        self.xdp_map: list[int] = []
        self.q_vectors: list[QVector | None] = []

    @property
    def is_vf(self) -> bool:
        """Whether a guest drives the queues."""
        return self.kind == VsiType.VF

    @property
    def is_ctrl(self) -> bool:
        """Whether it is a control VSI."""
        return self.kind == VsiType.CTRL

    @property
    def live_q_vectors(self) -> Iterator[QVector]:
        """The q_vectors that exist."""
        return (q_vector for q_vector in self.q_vectors if q_vector is not None)

    def set_num_qs(self) -> int:
        """Decide how many queues and vectors: 0, -EINVAL (a channel VSI without channel), -ENODEV (an unknown kind).

        Ref: ice ice_vsi_set_num_qs.
        """
        pf = self.pf
        room = min(pf.num_lan_msix, pf.cpus)
        if self.kind == VsiType.PF:
            self.num_txq = self.req_txq or min(room, pf.txqs.free)
            self.num_rxq = (self.req_rxq or min(room, pf.rxqs.free)) if pf.rss else 1
            self.num_q_vectors = min(pf.num_lan_msix, max(self.num_rxq, self.num_txq))
        elif self.kind == VsiType.VF and self.vf is not None:
            self.num_txq = self.num_rxq = self.vf.queues
            self.num_q_vectors = self.vf.count - 1
        elif self.kind in {VsiType.CTRL, VsiType.SF}:
            self.num_txq = self.num_rxq = self.num_q_vectors = 1
        elif self.kind == VsiType.LB:
            self.num_txq = self.num_rxq = 1
            self.num_q_vectors = 0
        elif self.kind == VsiType.CHNL:
            if self.channel is None:
                return -errno.EINVAL
            self.num_txq = self.num_rxq = self.num_q_vectors = 0
        else:
            return -errno.ENODEV
        return 0

    def get_qs(self) -> int:
        """Take the queues: 0 or -ENOMEM with nothing taken."""
        tx = self.pf.txqs.get(self.num_txq)
        if isinstance(tx, int):
            return tx
        xdp = self.pf.txqs.get(self.num_xdp)
        if isinstance(xdp, int):
            self.pf.txqs.put(tx)
            return xdp
        rx = self.pf.rxqs.get(self.num_rxq)
        if isinstance(rx, int):
            self.pf.txqs.put([*tx, *xdp])
            return rx
        self.txq_map, self.xdp_map, self.rxq_map = tx, xdp, rx
        self.num_txq, self.num_xdp, self.num_rxq = len(tx), len(xdp), len(rx)
        return 0

    def put_qs(self) -> None:
        """Give the queues back."""
        self.pf.txqs.put([*self.txq_map, *self.xdp_map])
        self.pf.rxqs.put(self.rxq_map)
        self.txq_map, self.xdp_map, self.rxq_map = [], [], []

    def setup(self) -> int:
        """Take queues and vectors and share the rings out: 0, or a negative errno with everything given back."""
        err = self.set_num_qs()
        if err:
            return err
        err = self.get_qs()
        if err:
            return err
        self.pf.vsis.append(self)
        err = alloc_q_vectors(self)
        if err:
            self.pf.vsis.remove(self)
            self.put_qs()
            return err
        self.map_rings()
        return 0

    def release(self) -> None:
        """Give everything back; safe to call twice."""
        free_q_vectors(self)
        self.q_vectors.clear()
        self.num_q_vectors = 0
        self.put_qs()
        if self in self.pf.vsis:
            self.pf.vsis.remove(self)

    def map_rings(self) -> None:
        """Share the queues out: each vector takes the next run, rounded up, so that early vectors carry more.

        Ref: ice ice_vsi_map_rings_to_vectors.
        """
        vectors = list(self.live_q_vectors)
        for container, total in (("tx_container", self.num_txq), ("rx_container", self.num_rxq)):
            for q_vector, run in zip(vectors, share(total, len(vectors)), strict=True):
                getattr(q_vector, container).queues[:] = run
        for q_vector, run in zip(vectors, share(self.num_xdp, len(vectors)), strict=True):
            q_vector.xdp_queues[:] = [self.xdp_map[ring] for ring in run]

    def cfg_msix(self, hw: VectorHw) -> None:
        """Write moderation and routing of every vector; VF vectors are the guest's own to moderate."""
        for q_vector in self.live_q_vectors:
            if not self.is_vf:
                q_vector.cfg_itr(hw)
            q_vector.cfg_map(hw)

    def attach_netdev(self, netdev: object) -> None:
        """The interface exists now: give every vector its NAPI context."""
        self.netdev = netdev
        for q_vector in self.live_q_vectors:
            if q_vector.napi is None:
                q_vector.napi, q_vector.napi_when = self.pf.new_napi(q_vector), "by the later load"


def alloc_q_vector(vsi: Vsi, v_idx: int) -> int:
    """Make q_vector ``v_idx`` of ``vsi`` and take its interrupt.

    Returns:
        0; -ENOMEM when memory or interrupts ran out; -ENOENT when the CTRL VSI whose interrupt is to be shared has
        none.  On failure the slot stays empty.

    Ref: ice ice_vsi_alloc_q_vector.
    """
    try:
        q_vector = vsi.pf.new_q_vector(v_idx)
    except MemoryError:
        return -errno.ENOMEM
    if vsi.vf is not None and vsi.is_vf:
        q_vector.vf_reg_idx = v_idx + 1
        q_vector.reg_idx = vsi.vf.reg_idx(v_idx)
        vsi.q_vectors[v_idx] = q_vector
        return 0
    shared = vsi.pf.vf_ctrl_vsi(vsi) if vsi.is_ctrl and vsi.vf is not None else None
    if shared is not None:
        owner = shared.q_vectors[0] if shared.q_vectors else None
        if owner is None:
            return -errno.ENOENT
        q_vector.irq = owner.irq
    else:
        q_vector.irq = vsi.pf.tracker.alloc_irq(vsi.irq_dyn_alloc)
        if q_vector.irq.index < 0:
            return -errno.ENOMEM
    q_vector.reg_idx = q_vector.irq.index
    place = vsi.pf.place(v_idx, vsi.pf.online_cpus)
    q_vector.affinity, q_vector.numa_node = place.cpus, place.node
    if vsi.netdev is not None:
        q_vector.napi, q_vector.napi_when = vsi.pf.new_napi(q_vector), "with the vector"
    vsi.q_vectors[v_idx] = q_vector
    return 0


def free_q_vector(vsi: Vsi, v_idx: int) -> None:
    """Undo ``alloc_q_vector``; an empty slot is only noted.

    Ref: ice ice_free_q_vector.
    """
    q_vector = vsi.q_vectors[v_idx]
    if q_vector is None:
        log.debug("queue vector at index %d not found", v_idx)
        return
    for container in q_vector.containers:
        container.detach_all()
    q_vector.napi = None
    if q_vector.irq.index >= 0 and not (vsi.is_ctrl and vsi.vf is not None and vsi.pf.vf_ctrl_vsi(vsi)):
        vsi.pf.tracker.free_irq(q_vector.irq)
    vsi.q_vectors[v_idx] = None


def alloc_q_vectors(vsi: Vsi) -> int:
    """Make all q_vectors of ``vsi``: 0, or the errno of the first failure with every vector freed again, last first.

    A VSI that has q_vectors keeps them: -EEXIST.
    """
    if vsi.q_vectors and vsi.q_vectors[0] is not None:
        return -errno.EEXIST
    vsi.q_vectors[:] = [None] * vsi.num_q_vectors
    for v_idx in range(vsi.num_q_vectors):
        err = alloc_q_vector(vsi, v_idx)
        if err:
            log.error("cannot make q_vector %d: %s", v_idx, os.strerror(-err))
            for made in reversed(range(v_idx)):
                free_q_vector(vsi, made)
            vsi.num_q_vectors = 0
            return err
    return 0


def free_q_vectors(vsi: Vsi) -> None:
    """Free every q_vector of ``vsi``, in order."""
    for v_idx in range(len(vsi.q_vectors)):
        free_q_vector(vsi, v_idx)
