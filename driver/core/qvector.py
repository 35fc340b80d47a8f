# SPDX-License-Identifier: BSD-3-Clause
"""A q_vector: one interrupt, the rings it serves, their moderation, and the CPU it prefers.

The shape is that of ``ice_vsi_alloc_q_vector`` and ``ice_free_q_vector``.  The VSI owns its q_vectors; a q_vector owns
its interrupt; rings belong to whoever made them and are only listed here.
"""

import errno
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from driver.core.irq import MsiMap
from driver.core.itr import (
    ITR_20K_US,
    RX_PROFILES_US,
    TX_PROFILES_US,
    Dim,
    DimSample,
    ItrIndex,
    ItrMode,
    intrl_reg,
)

if TYPE_CHECKING:
    from driver.core.vsi import Vsi

log = logging.getLogger(__name__)

DYNAMIC_INTRL_US = 4


class Ring(Protocol):
    """What a q_vector needs to know of a ring."""

    q_vector: "QVector | None"


class VectorHw(Protocol):
    """The registers behind a vector, as one family has them."""

    def write_itr(self, itr_idx: ItrIndex, reg_idx: int, itr_us: int) -> None:
        """Set the interval of container ``itr_idx`` of vector ``reg_idx``, in µs."""

    def write_intrl(self, reg_idx: int, value: int) -> None:
        """Set the rate limit (``itr.intrl_reg``); a family without one does nothing."""

    def map_tx(self, queue: int, reg_idx: int, itr_idx: ItrIndex) -> None:
        """Let Tx queue ``queue`` interrupt through vector ``reg_idx``."""

    def map_rx(self, queue: int, reg_idx: int, itr_idx: ItrIndex) -> None:
        """Let Rx queue ``queue`` interrupt through vector ``reg_idx``."""


@dataclass(slots=True)
class RingContainer:
    """The Rx or the Tx side of a vector: its queues and how they are moderated.

    ``queues`` is the plan, made when vectors are shared out; ``rings`` are the rings once they exist.
    """

    itr_idx: ItrIndex
    dim: Dim
    queues: list[int] = field(default_factory=list)
    rings: list[Any] = field(default_factory=list)
    itr_us: int = ITR_20K_US
    itr_mode: ItrMode = ItrMode.DYNAMIC

    def attach(self, ring: Ring, q_vector: "QVector") -> None:
        """Put ``ring`` at the head of the list, so that the list runs from the highest queue to the lowest."""
        ring.q_vector = q_vector
        self.rings.insert(0, ring)

    def detach_all(self) -> None:
        """Forget every ring, and let each forget its vector."""
        for ring in self.rings:
            ring.q_vector = None
        self.rings.clear()


class QVector:
    """One interrupt vector of a VSI.  Made by ``alloc_q_vector``."""

    def __init__(self, vsi: "Vsi", v_idx: int) -> None:
        """Set the defaults; no interrupt is taken yet."""
        self.vsi = vsi
        self.v_idx = v_idx
        self.reg_idx = 0
        self.vf_reg_idx = 0
        self.irq = MsiMap()
        self.rx_container = RingContainer(ItrIndex.RX, Dim(RX_PROFILES_US))
        self.tx_container = RingContainer(ItrIndex.TX, Dim(TX_PROFILES_US))
        self.affinity: frozenset[int] = frozenset()
        self.napi: object | None = None
        self.intrl_us = 0
        self.total_events = 0
        self.wb_on_itr = False
        self.name = ""

    @property
    def rx(self) -> list[Any]:
        """Rx rings, highest queue first."""
        return self.rx_container.rings

    @property
    def tx(self) -> list[Any]:
        """Tx rings, highest queue first."""
        return self.tx_container.rings

    @property
    def containers(self) -> tuple[RingContainer, RingContainer]:
        """Rx and Tx."""
        return self.rx_container, self.tx_container

    def affinity_notify(self, cpus: frozenset[int]) -> None:
        """The system moved the interrupt to ``cpus``."""
        self.affinity = cpus

    def cfg_itr(self, hw: VectorHw) -> None:
        """Write the intervals of the containers that have queues, and the rate limit."""
        for container in self.containers:
            if container.queues:
                hw.write_itr(container.itr_idx, self.reg_idx, container.itr_us)
        dynamic = any(container.itr_mode is ItrMode.DYNAMIC for container in self.containers)
        hw.write_intrl(self.reg_idx, intrl_reg(DYNAMIC_INTRL_US if dynamic else self.intrl_us))

    def cfg_map(self, hw: VectorHw) -> None:
        """Route every queue of this vector to it, in the order of their numbers."""
        for queue in sorted(self.tx_container.queues):
            hw.map_tx(queue, self.reg_idx, ItrIndex.TX)
        for queue in sorted(self.rx_container.queues):
            hw.map_rx(queue, self.reg_idx, ItrIndex.RX)

    def init_moderation(self, hw: VectorHw) -> None:
        """Start every dynamic container at profile 1."""
        for container, profiles_us in zip(self.containers, (RX_PROFILES_US, TX_PROFILES_US), strict=True):
            if container.itr_mode is ItrMode.DYNAMIC:
                container.dim = Dim(profiles_us)
                container.itr_us = container.dim.itr_us
                if container.queues:
                    hw.write_itr(container.itr_idx, self.reg_idx, container.itr_us)

    def net_dim(self, hw: VectorHw, now_us: int, totals: Callable[[Any], tuple[int, int]]) -> None:
        """Let DIM look at the load, and write the intervals that change.

        Args:
            hw: The registers.
            now_us: Time of the sample.
            totals: Packets and bytes of a ring so far.
        """
        for container in self.containers:
            if container.itr_mode is ItrMode.STATIC or not container.rings:
                continue
            counts = [totals(ring) for ring in container.rings]
            packets, total_bytes = sum(count[0] for count in counts), sum(count[1] for count in counts)
            if container.dim.sample(DimSample(now_us, self.total_events, packets, total_bytes)):
                container.itr_us = container.dim.itr_us
                hw.write_itr(container.itr_idx, self.reg_idx, container.itr_us)
                container.dim.applied()


def irq_name(driver: str, netdev: str, q_vector: QVector, numbers: dict[str, int]) -> str:
    """Name of the interrupt as /proc/interrupts would show it; empty for a vector without rings.

    ``numbers`` counts the names of each kind given so far.
    """
    rx, tx = bool(q_vector.rx_container.queues), bool(q_vector.tx_container.queues)
    kind = {(True, True): "TxRx", (True, False): "rx", (False, True): "tx"}.get((rx, tx))
    if kind is None:
        return ""
    number = numbers.get(kind, 0)
    numbers[kind] = number + 1
    return f"{driver}-{netdev}-{kind}-{number}"


def alloc_q_vector(vsi: "Vsi", v_idx: int) -> int:
    """Make q_vector ``v_idx`` of ``vsi`` and take its interrupt.

    Returns:
        0; -ENOMEM when memory or interrupts ran out; -ENOENT when the CTRL VSI whose interrupt is to be shared has
        none.  On failure the slot stays empty.

    Ref: ice ice_vsi_alloc_q_vector.
    """
    try:
        q_vector = vsi.pf.new_q_vector(vsi, v_idx)
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
    if v_idx in vsi.pf.online_cpus:
        q_vector.affinity = frozenset({v_idx})
    if vsi.netdev is not None:
        q_vector.napi = vsi.pf.new_napi(q_vector)
    vsi.q_vectors[v_idx] = q_vector
    return 0


def free_q_vector(vsi: "Vsi", v_idx: int) -> None:
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


def alloc_q_vectors(vsi: "Vsi") -> int:
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


def free_q_vectors(vsi: "Vsi") -> None:
    """Free every q_vector of ``vsi``, in order."""
    for v_idx in range(len(vsi.q_vectors)):
        free_q_vector(vsi, v_idx)


def request_irqs(
    vsi: "Vsi", request: Callable[[str, QVector], int], release: Callable[[QVector], None], driver: str, netdev: str
) -> int:
    """Attach a handler to the interrupt of each vector that has rings: 0, or the first refusal's errno, all undone.

    Args:
        vsi: Whose vectors.
        request: Called with the interrupt's name and the vector; 0 or a negative errno.
        release: Undoes one ``request``; it gets the same vector.
        driver: First part of the interrupt's name.
        netdev: Second part.
    """
    numbers: dict[str, int] = {}
    done: list[QVector] = []
    for q_vector in vsi.live_q_vectors:
        q_vector.name = irq_name(driver, netdev, q_vector, numbers)
        if not q_vector.name:
            continue
        err = request(q_vector.name, q_vector)
        if err:
            q_vector.name = ""
            for taken in reversed(done):
                taken.name = ""
                taken.affinity = frozenset()
                release(taken)
            return err
        done.append(q_vector)
    return 0
