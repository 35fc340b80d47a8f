# SPDX-License-Identifier: BSD-3-Clause
"""Vectors added, freed and fired by hand, and what the table says of them; bad requests change nothing."""

import os
from collections.abc import Iterator

import pytest

from device.i82599.card import Card
from driver.core.cpus import node_of, numbers, online_cpus
from driver.core.irq_table import waiting
from driver.doors.door import IrqKind
from driver.errors import DriverError
from driver.irq_requests import irq_requests
from driver.ixgbe.adapter import Adapter
from driver.ixgbe.probe import ProbeOptions, probe
from tests.rigs.counts import fd_count
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair_door import PairDoor


class Fixed(PairDoor):
    """A door that enables all vectors at once."""

    def irq_dynamic(self, kind: IrqKind) -> bool:
        return False


@pytest.fixture
def adapter(nic: Card) -> Iterator[Adapter]:
    with probe(PairDoor(nic), ProbeOptions(clock=NoWait(), cpus=2, queues=2, itr_us=0)) as adapter:
        adapter.up(ring_count=64)
        yield adapter


def fired(adapter: Adapter) -> dict[int, int]:
    return {row["index"]: row["fired"] for row in adapter.irq_table.table()["vectors"]}


def state(adapter: Adapter) -> tuple[object, ...]:
    tracker = adapter.scheme.tracker
    assert tracker is not None
    return sorted(tracker.entries), sorted(adapter.scheme.by_hand), fd_count(), adapter.irq_table.table()["vectors"]


def test_vector_7_is_added_beside_0_to_2_and_fires(nic: Card, adapter: Adapter) -> None:
    assert sorted(fired(adapter)) == [0, 1, 2]
    assert adapter.irq_table.add(7) == 7
    assert sorted(fired(adapter)) == [0, 1, 2, 7]
    for times in range(3):
        assert adapter.irq_table.fire(7) == times
        nic.core.settle(100)
        assert fired(adapter)[7] == times + 1
    rows = {row["index"]: row for row in adapter.irq_table.table()["vectors"]}
    assert (rows[7]["kind"], rows[7]["owner"]) == ("dynamic", "added by hand")
    assert (rows[0]["kind"], rows[2]["owner"]) == ("static", "other")
    assert [rows[index]["cpus"] for index in (0, 2, 7)] == [numbers(sorted(adapter.q_vectors[0].affinity)), "", ""]
    assert rows[0]["node"] == adapter.q_vectors[0].numa_node == node_of(min(online_cpus()))
    assert adapter.irq_table.free(7) == 7
    assert sorted(fired(adapter)) == [0, 1, 2]
    assert adapter.irq_table.add(7) == 7
    assert fired(adapter)[7] == 0, "a new one counts anew"


def test_it_stays_when_the_port_goes_down_and_up(nic: Card, adapter: Adapter) -> None:
    adapter.irq_table.add(9)
    adapter.down()
    with pytest.raises(DriverError, match="is down: no vector fires"):
        adapter.irq_table.fire(9)
    adapter.up(ring_count=64)
    adapter.irq_table.fire(9)
    nic.core.settle(100)
    assert fired(adapter)[9] == 1
    adapter.down()
    adapter.up(queues=1, ring_count=64)
    assert sorted(fired(adapter)) == [0, 1], "other vectors altogether"


@pytest.mark.parametrize(
    ("index", "words"),
    [
        (64, "vector 64 is beyond the table, which has 0 to 63"),
        (-1, "vector -1 is beyond the table, which has 0 to 63"),
        (0, r"vector 0 is taken: PF q_vector 0 \(ixlab-.*-TxRx-0\)"),
        (2, "vector 2 is taken: other"),
        (7, "vector 7 is taken: added by hand"),
    ],
)
def test_what_cannot_be_added_changes_nothing(adapter: Adapter, index: int, words: str) -> None:
    adapter.irq_table.add(7)
    before = state(adapter)
    with pytest.raises(DriverError, match=words):
        adapter.irq_table.add(index)
    assert state(adapter) == before


@pytest.mark.parametrize(
    ("index", "words"),
    [
        (9, "vector 9 is not in use; added by hand: 7"),
        (64, "vector 64 is not in use"),
        (0, r"vector 0 is static: PF q_vector 0 .*; only those added by hand are freed: 7"),
        (2, "vector 2 is static: other"),
    ],
)
def test_what_cannot_be_freed_changes_nothing(adapter: Adapter, index: int, words: str) -> None:
    adapter.irq_table.add(7)
    before = state(adapter)
    with pytest.raises(DriverError, match=words):
        adapter.irq_table.free(index)
    assert state(adapter) == before


def test_a_vector_of_nobody_does_not_fire(adapter: Adapter) -> None:
    with pytest.raises(DriverError, match="vector 9 is not in use: nobody would hear it"):
        adapter.irq_table.fire(9)


def test_a_door_that_enables_all_at_once(nic: Card) -> None:
    with probe(Fixed(nic), ProbeOptions(clock=NoWait(), cpus=2, queues=2)) as adapter:
        for index, words in (
            (7, "vector 7 cannot be added while others run.*NORESIZE"),
            (None, "no vector can be armed"),
        ):
            before = state(adapter)
            with pytest.raises(DriverError, match=words):
                adapter.irq_table.add(index)
            assert state(adapter) == before


@pytest.mark.parametrize("kind", [IrqKind.MSI, IrqKind.INTX])
def test_without_msix_there_is_no_table(nic: Card, kind: IrqKind) -> None:
    with probe(PairDoor(nic), ProbeOptions(clock=NoWait(), cpus=2, interrupts=(kind,))) as adapter:
        (row,) = adapter.irq_table.table()["vectors"]
        assert (row["kind"], row["owner"]) == (kind.name, "everything")
        for action in (adapter.irq_table.add, adapter.irq_table.free, adapter.irq_table.fire):
            with pytest.raises(DriverError, match=f"has {kind.name}: only MSI-X has a table"):
                action(0)


def test_requests_of_the_status_socket(nic: Card, adapter: Adapter) -> None:
    ask = irq_requests(adapter)
    assert ask["irq_add"]("7") == {"index": 7}
    assert ask["irq_add"]() == {"index": 3}, "the first that is free"
    assert ask["irq_fire"]("7") == {"index": 7, "fired_before": 0}
    nic.core.settle(100)
    assert ask["irq_fire"]("7") == {"index": 7, "fired_before": 1}
    assert [row["index"] for row in ask["irq_table"]()["vectors"]] == [0, 1, 2, 3, 7]
    assert ask["irq_free"]("3") == {"index": 3}
    for name in ("irq_add", "irq_free", "irq_fire"):
        with pytest.raises(DriverError, match="'seven' is no vector: give its number"):
            ask[name]("seven")


def test_the_kernels_count_of_an_eventfd_is_not_read_away() -> None:
    fd = os.eventfd(0, os.EFD_NONBLOCK)
    os.eventfd_write(fd, 42)
    assert (waiting(fd), waiting(fd), os.eventfd_read(fd), waiting(fd)) == (42, 42, 42, 0)
    os.close(fd)
    assert waiting(fd) == 0


def test_numbers_for_people() -> None:
    assert numbers([7, 0, 1, 2, 9, 10]) == "0-2 7 9-10"
    assert numbers([]) == ""
