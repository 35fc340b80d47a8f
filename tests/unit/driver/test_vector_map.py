# SPDX-License-Identifier: BSD-3-Clause
"""Which rings a vector serves in ixgbe's way, how many are asked for, and which CPU and node a vector prefers."""

import logging
from pathlib import Path

import pytest

from driver.core.cpus import NO_NODE, Place, near_cpu, node_of, own_cpu
from driver.core.qvector import QVector
from driver.core.vector_options import VectorOptions
from driver.errors import DriverError, ProbeError
from driver.ixgbe.acquire import tell_homeless, vectors_to_ask_for
from driver.ixgbe.interrupts import assign
from driver.ixgbe.sw_init import check_queues
from tests.rigs.memory_door import MemoryDoor


def by_the_note(q_vectors: int, rx: int, tx: int, xdp: int) -> list[tuple[list[int], list[int], list[int]]]:
    """ixgbe_alloc_q_vectors as the note prints it, counters and all; ixgbe_alloc_q_vector steps within a vector."""
    plan: list[tuple[list[int], list[int], list[int]]] = []
    rxr, txr, xdpr = rx, tx, xdp
    rxr_idx = txr_idx = xdp_idx = v_idx = 0
    if q_vectors >= rxr + txr + xdpr:
        while rxr:
            plan.append(([rxr_idx], [], []))
            rxr -= 1
            rxr_idx += 1
            v_idx += 1
    while v_idx < q_vectors:
        rqpv, tqpv, xqpv = (-(-left // (q_vectors - v_idx)) for left in (rxr, txr, xdpr))
        plan.append(
            (
                [rxr_idx + n * q_vectors for n in range(rqpv)],
                [txr_idx + n * q_vectors for n in range(tqpv)],
                [xdp_idx + n for n in range(xqpv)],
            )
        )
        rxr, txr, xdpr = rxr - rqpv, txr - tqpv, xdpr - xqpv
        rxr_idx, txr_idx, xdp_idx = rxr_idx + 1, txr_idx + 1, xdp_idx + xqpv
        v_idx += 1
    return plan


def test_rings_are_shared_as_the_note_shares_them() -> None:
    for q_vectors in range(1, 24):
        for rings in range(1, 17):
            for xdp in (0, 1, 2, 3, 5, 8, 16):
                plan = assign(q_vectors, rings, rings, xdp)
                assert plan == by_the_note(q_vectors, rings, rings, xdp)
                for way, total in enumerate((rings, rings, xdp)):
                    served = sorted(ring for share in plan for ring in share[way])
                    assert served == list(range(total)), (q_vectors, rings, xdp)


def test_with_enough_vectors_every_rx_ring_has_its_own() -> None:
    none: tuple[list[int], list[int], list[int]] = ([], [], [])
    assert assign(6, 2, 2, 2) == [([0], [], []), ([1], [], []), ([], [0], [0]), ([], [1], [1]), none, none]
    assert assign(5, 2, 2, 2)[0] == ([0], [0], [0]), "one too few for that"


def test_shares_are_rounded_up_and_step_by_the_number_of_vectors() -> None:
    assert assign(2, 5, 5, 3) == [([0, 2, 4], [0, 2, 4], [0, 1]), ([1, 3], [1, 3], [2])]


@pytest.mark.parametrize(
    ("queues", "xdp", "cpus", "options", "ask"),
    [
        (4, 0, 8, {}, 5),
        (4, 0, 2, {}, 5),  # who asks for queues has a vector for each
        (4, 0, 8, {"cpus": 2}, 3),
        (1, 4, 8, {}, 5),
        (1, 4, 2, {}, 3),  # XDP rings are not asked for one by one
        (1, 4, 8, {"cpus": 3}, 4),
        (64, 0, 8, {}, 64),
        (2, 0, 8, {"vectors": 9}, 9),
        (8, 0, 8, {"vectors": 3}, 3),
        (8, 0, 8, {"vectors": 1}, 1),
        (8, 0, 8, {"vectors": 9, "cpus": 2}, 9),
    ],
)
def test_how_many_are_asked_for(queues: int, xdp: int, cpus: int, options: dict[str, int], ask: int) -> None:
    wanted = VectorOptions(**options)  # type: ignore[arg-type]  # numbers all
    assert vectors_to_ask_for(MemoryDoor(), wanted, cpus, queues, xdp) == ask


@pytest.mark.parametrize("asked", [0, 65, -1])
def test_more_vectors_than_the_table_or_none_are_refused(asked: int) -> None:
    with pytest.raises(ProbeError, match=rf"{asked} vectors were asked for, .* table has 64: give 1 to 64") as caught:
        vectors_to_ask_for(MemoryDoor(), VectorOptions(vectors=asked), 2, 2, 0)
    assert caught.value.errno_name == "EINVAL"


@pytest.mark.parametrize(("queues", "xdp", "left"), [(64, 1, 0), (60, 5, 4), (1, 64, 63), (1, -1, 63)])
def test_the_chip_has_64_tx_queues(queues: int, xdp: int, left: int) -> None:
    assert check_queues(queues, left) == queues
    with pytest.raises(DriverError, match=rf"{xdp} XDP rings beside {queues} queues: .* 64 .* leaves 0 to {left}"):
        check_queues(queues, xdp)


def nodes(folder: Path, *cpus: set[int]) -> Path:
    """A machine with these CPUs a node."""
    for number, members in enumerate(cpus):
        (folder / f"node{number}").mkdir()
        for cpu in members:
            (folder / f"node{number}" / f"cpu{cpu}").mkdir()
    return folder


def test_vectors_are_spread_over_the_cards_node_first(tmp_path: Path) -> None:
    root = nodes(tmp_path, {0, 1, 4}, {2, 3, 5})
    online = frozenset(range(6))
    places = [near_cpu(v_idx, 1, online, root) for v_idx in range(7)]
    assert [sorted(place.cpus) for place in places] == [[2], [3], [5], [0], [1], [4], []]
    assert [place.node for place in places] == [1, 1, 1, 0, 0, 0, NO_NODE]
    assert near_cpu(0, NO_NODE, online, root) == Place(frozenset({0}), 0)
    assert near_cpu(1, NO_NODE, frozenset({0, 3}), root) == Place(frozenset({3}), 1), "offline CPUs are left out"
    assert node_of(77, root) == NO_NODE


def test_ice_takes_the_cpu_of_the_vectors_own_number() -> None:
    assert own_cpu(2, {0, 2}) == Place(frozenset({2}))
    assert own_cpu(1, {0, 2}) == Place()


def test_who_reckons_with_more_cpus_than_there_are_is_told(caplog: pytest.LogCaptureFixture) -> None:
    vectors = [QVector(n) for n in range(3)]
    for vector in vectors:
        vector.reg_idx = vector.v_idx
    vectors[0].affinity = frozenset({0})
    with caplog.at_level(logging.WARNING):
        tell_homeless("nic", VectorOptions(), vectors)
        assert not caplog.records
        tell_homeless("nic", VectorOptions(cpus=3), vectors)
    assert "3 CPUs were to be reckoned with" in caplog.text
    assert "no CPU of their own for vectors 1, 2" in caplog.text
