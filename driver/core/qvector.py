# SPDX-License-Identifier: BSD-3-Clause
"""A q_vector: one interrupt, the rings it serves, their moderation, and the CPU it prefers.

A VSI (vsi.py) makes and owns its q_vectors; a q_vector owns its interrupt; rings belong to whoever made them and are
only listed here.

Who calls ``init_moderation`` and ``net_dim``: moderation.py.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from driver.core.cpus import NO_NODE
from driver.core.irq import MsiMap
from driver.core.itr import (
    EVENT_WRAP,
    ITR_20K_US,
    RX_PROFILES_US,
    TX_PROFILES_US,
    Dim,
    DimSample,
    ItrIndex,
    ItrMode,
    intrl_reg,
)

DYNAMIC_INTRL_US = 4


class Ring(Protocol):
    """What a q_vector needs to know of a ring."""

    q_vector: "QVector | None"


class Polling(Protocol):
    """Who polls a vector, as far as others ask."""

    def stats(self) -> dict[str, int]:
        """What it did so far; ``irqs`` is how many interrupts it took."""


class VectorHw(Protocol):
    """The registers behind a vector, as one family has them."""

    def write_itr(self, itr_idx: ItrIndex, reg_idx: int, itr_us: int) -> None:
        """Set the interval of container ``itr_idx`` of vector ``reg_idx``, in µs."""

    def let_go_itr(self, itr_idx: ItrIndex, reg_idx: int) -> None:
        """Container ``itr_idx`` carries nothing: where containers share a register, its interval does not count."""

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
    """One interrupt vector of a VSI.  Made by ``alloc_q_vector``.

    Attributes:
        v_idx: Its place among the q_vectors of its VSI.
        reg_idx: Its number in the device's registers.
        xdp_queues: Hardware Tx queues of its XDP rings; their rings are in ``tx`` with the others.
        affinity: CPUs that should serve it; empty: any.
        numa_node: Where its memory should be; -1: anywhere.
        napi: What it is to the interface, from ``netif_napi_add`` on; None before.
        napi_when: Whether that was "with the vector" or "by the later load"; empty before.
        polling: Who polls it while the port is up.
        told: Interrupts that were read by somebody who does not poll.
    """

    def __init__(self, v_idx: int) -> None:
        """Set the defaults; no interrupt is taken yet."""
        self.v_idx = v_idx
        self.reg_idx = 0
        self.vf_reg_idx = 0
        self.irq = MsiMap()
        self.rx_container = RingContainer(ItrIndex.RX, Dim(RX_PROFILES_US))
        self.tx_container = RingContainer(ItrIndex.TX, Dim(TX_PROFILES_US))
        self.xdp_queues: list[int] = []
        self.affinity: frozenset[int] = frozenset()
        self.numa_node = NO_NODE
        self.napi: object | None = None
        self.napi_when = ""
        self.polling: Polling | None = None
        self.told = 0
        self.intrl_us = 0
        self.total_events = 0
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

    @property
    def has_rx(self) -> bool:
        """Whether it serves Rx queues."""
        return bool(self.rx_container.queues)

    @property
    def has_tx(self) -> bool:
        """Whether it serves Tx queues, the interface's or those of XDP."""
        return bool(self.tx_container.queues or self.xdp_queues)

    @property
    def irqs(self) -> int:
        """Interrupts that were taken note of so far; what waits in the eventfd is not among them."""
        return self.told + (self.polling.stats()["irqs"] if self.polling is not None else 0)

    def cfg_itr(self, hw: VectorHw) -> None:
        """Write the intervals of the containers that have queues, and the rate limit."""
        for container, used in zip(self.containers, (self.has_rx, self.has_tx), strict=True):
            if used:
                hw.write_itr(container.itr_idx, self.reg_idx, container.itr_us)
        dynamic = any(container.itr_mode is ItrMode.DYNAMIC for container in self.containers)
        hw.write_intrl(self.reg_idx, intrl_reg(DYNAMIC_INTRL_US if dynamic else self.intrl_us))

    def cfg_map(self, hw: VectorHw) -> None:
        """Route every queue of this vector to it, in the order of their numbers."""
        for queue in sorted([*self.tx_container.queues, *self.xdp_queues]):
            hw.map_tx(queue, self.reg_idx, ItrIndex.TX)
        for queue in sorted(self.rx_container.queues):
            hw.map_rx(queue, self.reg_idx, ItrIndex.RX)

    def init_moderation(self, hw: VectorHw) -> None:
        """Start every dynamic container at profile 1."""
        profiles, used = (RX_PROFILES_US, TX_PROFILES_US), (self.has_rx, self.has_tx)
        for container, profiles_us, has_queues in zip(self.containers, profiles, used, strict=True):
            if container.itr_mode is ItrMode.DYNAMIC:
                container.dim = Dim(profiles_us)
                container.itr_us = container.dim.itr_us
                if has_queues:
                    hw.write_itr(container.itr_idx, self.reg_idx, container.itr_us)

    def net_dim(self, hw: VectorHw, now_us: int, totals: Callable[[Any], tuple[int, int]]) -> None:
        """Let DIM look at the load, and write the intervals that change.

        A container without a packet would stay at its profile for ever; where it shares the register it would hold the
        other one there, so it is let go until packets come.

        Args:
            hw: The registers.
            now_us: Time of the sample.
            totals: Packets and bytes of a ring so far.
        """
        for container in self.containers:
            if container.itr_mode is ItrMode.STATIC or not container.rings:
                continue
            dim = container.dim
            counts = [totals(ring) for ring in container.rings]
            packets, total_bytes = sum(count[0] for count in counts), sum(count[1] for count in counts)
            sample = DimSample(now_us, self.total_events % EVENT_WRAP, packets, total_bytes)
            was_silent = dim.silent
            changed = dim.sample(sample)
            if changed:
                container.itr_us = dim.itr_us
                dim.applied()
                dim.sample(sample)  # the next measurement starts here
            if dim.silent:
                if not was_silent:
                    hw.let_go_itr(container.itr_idx, self.reg_idx)
            elif changed or was_silent:
                hw.write_itr(container.itr_idx, self.reg_idx, container.itr_us)


def irq_name(driver: str, netdev: str, q_vector: QVector, numbers: dict[str, int]) -> str:
    """Name of the interrupt as /proc/interrupts would show it; empty for a vector without rings.

    ``numbers`` counts the names of each kind given so far.
    """
    both = q_vector.has_rx, q_vector.has_tx
    kind = {(True, True): "TxRx", (True, False): "rx", (False, True): "tx"}.get(both)
    if kind is None:
        return ""
    number = numbers.get(kind, 0)
    numbers[kind] = number + 1
    return f"{driver}-{netdev}-{kind}-{number}"


def request_irqs(
    q_vectors: Iterable[QVector],
    request: Callable[[str, QVector], int],
    release: Callable[[QVector], None],
    driver: str,
    netdev: str,
) -> int:
    """Attach a handler to the interrupt of each vector that has rings: 0, or the first refusal's errno, all undone.

    Args:
        q_vectors: Whose interrupts.
        request: Called with the interrupt's name and the vector; 0 or a negative errno.
        release: Undoes one ``request``; it gets the same vector.
        driver: First part of the interrupt's name.
        netdev: Second part.
    """
    numbers: dict[str, int] = {}
    done: list[QVector] = []
    for q_vector in q_vectors:
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
