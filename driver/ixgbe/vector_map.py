# SPDX-License-Identifier: BSD-3-Clause
"""Which rings each vector serves, in ixgbe's way.

Ref: ixgbe_set_num_queues, ixgbe_acquire_msix_vectors, ixgbe_alloc_q_vectors, ixgbe_alloc_q_vector.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from driver.core.cpus import Place, near_cpu
from driver.core.vsi import Vsi


class Share(NamedTuple):
    """The rings of one vector, by their numbers."""

    rx: list[int]
    tx: list[int]
    xdp: list[int]


def assign(q_vectors: int, rx: int, tx: int, xdp: int = 0) -> list[Share]:
    """Which Rx, Tx and XDP rings each vector serves.

    With a vector for every ring, each Rx ring has its own, and the others get one Tx and one XDP ring each while there
    are some.  Otherwise a vector takes its share of what is left, rounded up: Rx and Tx rings are dealt out like cards,
    vector v has rings v, v + q_vectors and so on; XDP rings are cut into runs.

    Ref: ixgbe_alloc_q_vectors, where txr_idx and rxr_idx go on by one a vector and by v_count within it, and xdp_idx by
    xqpv a vector and by one within it.
    """
    plan: list[Share] = []
    rx_left, tx_left, xdp_left = rx, tx, xdp
    if q_vectors >= rx + tx + xdp:
        plan += [Share([ring], [], []) for ring in range(rx)]
        rx_left = 0
    shared = q_vectors - len(plan)
    for first in range(shared):
        left = shared - first
        rx_count, tx_count, xdp_count = (-(-rings // left) for rings in (rx_left, tx_left, xdp_left))
        xdp_first = xdp - xdp_left
        plan.append(
            Share(
                [first + n * q_vectors for n in range(rx_count)],
                [first + n * q_vectors for n in range(tx_count)],
                list(range(xdp_first, xdp_first + xdp_count)),
            )
        )
        rx_left -= rx_count
        tx_left -= tx_count
        xdp_left -= xdp_count
    return plan


def near(numa_node: int) -> Callable[[int, frozenset[int]], Place]:
    """Where vectors of a card on this NUMA node are served: on CPUs of that node first."""
    return partial(_near, numa_node)


def _near(numa_node: int, v_idx: int, online: frozenset[int]) -> Place:
    return near_cpu(v_idx, numa_node, online)


class IxgbeVsi(Vsi):
    """The port's VSI: it has the queues that were asked for, all the vectors there are, and deals out in this way."""

    def set_num_qs(self) -> int:
        """The numbers are settled: the interrupt scheme did that."""
        self.num_txq, self.num_rxq, self.num_q_vectors = self.req_txq, self.req_rxq, self.pf.num_lan_msix
        return 0

    def map_rings(self) -> None:
        """Write down which queues each vector serves."""
        vectors = list(self.live_q_vectors)
        plan = assign(len(vectors), self.num_rxq, self.num_txq, self.num_xdp)
        for q_vector, share in zip(vectors, plan, strict=True):
            q_vector.rx_container.queues[:] = share.rx
            q_vector.tx_container.queues[:] = share.tx
            q_vector.xdp_queues[:] = [self.xdp_map[ring] for ring in share.xdp]
