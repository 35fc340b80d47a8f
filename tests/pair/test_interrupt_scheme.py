# SPDX-License-Identifier: BSD-3-Clause
"""The interrupt scheme by itself: what it takes and gives back, and what it writes to the vectors' registers."""

import errno
from collections.abc import Iterator

import pytest

from device.i82599.card import Card
from device.machine import irq
from device.regs.i82599 import EIMS_EX, EITR, IVAR
from driver.core.bar import Bar
from driver.core.itr import ItrIndex
from driver.doors.door import IrqKind
from driver.errors import ProbeError
from driver.ixgbe.adapter import Adapter
from driver.ixgbe.interrupts import IxgbeVectors
from driver.ixgbe.probe import ProbeOptions, probe
from tests.rigs.counts import fd_count
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair_door import PairDoor


@pytest.fixture
def adapter(door: PairDoor, kind: IrqKind) -> Iterator[Adapter]:
    with probe(door, ProbeOptions(clock=NoWait(), cpus=4, interrupts=[kind])) as adapter:
        yield adapter


def is_armed(door: PairDoor) -> bool:
    return door.config.armed is not irq.IrqKind.NONE


@pytest.mark.parametrize("kind", IrqKind)
def test_what_was_taken_is_given_back_with_its_files(door: PairDoor, adapter: Adapter, kind: IrqKind) -> None:
    adapter.scheme.clear()
    before = fd_count()
    for _ in range(3):
        adapter.scheme.init(4)
        assert fd_count() > before
        assert is_armed(door)
        adapter.scheme.clear()
        assert fd_count() == before
        assert not is_armed(door)
        adapter.scheme.clear()  # safe to call twice


@pytest.mark.parametrize("kind", [IrqKind.MSIX, IrqKind.MSI])
def test_what_was_taken_before_a_failure_is_given_back(
    door: PairDoor, adapter: Adapter, kind: IrqKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter.scheme.clear()
    before = fd_count()
    monkeypatch.setattr("driver.ixgbe.interrupts.IxgbeVsi.setup", lambda _: -errno.ENOMEM)
    with pytest.raises(ProbeError, match="interrupt vectors: Cannot allocate memory"):
        adapter.scheme.init(4)
    assert fd_count() == before
    assert not is_armed(door)
    assert adapter.scheme.kind is None


@pytest.mark.parametrize("kind", [IrqKind.MSIX])
def test_routes_of_whoever_was_here_before_are_gone(nic: Card, adapter: Adapter) -> None:
    nic.regs.put(IVAR, 20, 0x8080_8080)
    adapter.up(queues=2)
    assert [int(nic.regs.get(IVAR, n)) for n in range(2, IVAR.count)] == [0] * (IVAR.count - 2)


@pytest.mark.parametrize("kind", [IrqKind.MSIX])
def test_vectors_above_the_31st_are_let_go_too(nic: Card, adapter: Adapter) -> None:
    adapter.up(queues=40)
    assert [int(nic.regs.get(EIMS_EX, n)) for n in range(2)] == [0xFFFF_FFFF] * 2


def test_the_shorter_interval_of_a_vector_counts_and_none_is_too_long(nic: Card, bar: Bar, door: PairDoor) -> None:
    """Rx and Tx of a vector share EITR: ixgbe_set_itr writes one value."""
    door.config_write(0x04, b"\x02\x00")
    vectors = IxgbeVectors(bar)
    vectors.write_itr(ItrIndex.RX, 2, 100)
    assert nic.regs.get(EITR, 2).ITR_INTERVAL == 50
    vectors.write_itr(ItrIndex.TX, 2, 40)
    assert nic.regs.get(EITR, 2).ITR_INTERVAL == 20
    vectors.write_itr(ItrIndex.RX, 3, 60)
    assert nic.regs.get(EITR, 3).ITR_INTERVAL == 30, "another vector's is its own"
    vectors.write_itr(ItrIndex.TX, 2, 10**6)
    assert nic.regs.get(EITR, 2).ITR_INTERVAL == 50
    vectors.write_itr(ItrIndex.RX, 2, 10**6)
    assert EITR.ITR_INTERVAL.max == nic.regs.get(EITR, 2).ITR_INTERVAL
