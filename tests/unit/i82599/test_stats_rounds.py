# SPDX-License-Identifier: BSD-3-Clause
"""Counters of queues with shared doorbells: rounds of a driver, long counts, and what a reset leaves.

The driver is any that reads CRCERRS or another counter first and each counter once: ixgbe, DPDK, FreeBSD.
"""

from collections.abc import Iterator

import pytest

from device.regs.i82599 import CRCERRS, GPRC, MPC, QBRC_H, QBRC_L, QPRC, QPRDC, TQSM
from tests.rigs.rx import Rig
from tests.rigs.tx import TxRig, rig
from tests.unit.i82599.test_stats_shared import FRAME, QBTC_82598, QPTC_82598, mapped

ALL = 0xFFFF_FFFF


@pytest.fixture
def rx() -> Iterator[Rig]:
    with Rig() as made:
        made.ring(count=32).post(31)
        made.nic.share_doorbells()
        yield made


@pytest.fixture
def tx() -> Iterator[TxRig]:
    with rig(32) as made:
        yield made


def test_a_round_shows_the_same_to_its_end(rx: Rig) -> None:
    for n in range(4):
        rx.receive(*[FRAME] * (n + 1))
        rx.read(CRCERRS)
        for other in (GPRC, MPC, QPRDC):
            assert mapped(rx, QPRC.offset(0)) == n + 1
            rx.read(other)
        assert mapped(rx, QPRC.offset(0)) == n + 1


def test_a_trapped_read_of_a_queues_counter_begins_no_round(rx: Rig) -> None:
    for _ in range(3):
        rx.receive(FRAME)
        rx.read(QPRDC)
        rx.read(QBRC_H)
    assert mapped(rx, QPRC.offset(0)) == 0
    rx.read(CRCERRS)
    assert mapped(rx, QPRC.offset(0)) == 3


def test_drops_that_were_not_shown_are_in_a_trapped_read(rx: Rig) -> None:
    rx.nic.c.stats.late[0].rx_dropped = 5
    assert [rx.nic.pf.peek(QPRDC.offset(0)), rx.read(QPRDC), rx.read(QPRDC)] == [5, 5, 0]


def test_after_a_reset_whoever_reads_first_leads(rx: Rig) -> None:
    rx.read(CRCERRS)
    rx.renew()
    rx.ring(count=32).post(31)
    rx.receive(FRAME)
    rx.read(MPC)
    assert mapped(rx, QPRC.offset(0)) == 1


def test_a_reset_clears_where_the_82598_had_them(tx: TxRig) -> None:
    tx.nic.share_doorbells()
    tx.write(TQSM, 3)
    tx.send(FRAME)
    tx.run()
    tx.read(CRCERRS)
    places = [QPTC_82598 + 3 * 0x40, QBTC_82598 + 3 * 0x40]
    assert [mapped(tx, place) for place in places] == [1, 64]
    tx.nic.pf.reset(software=True)
    assert [mapped(tx, place) for place in places] == [0, 0]


def test_a_count_longer_than_its_register_stays_at_the_end(rx: Rig) -> None:
    """Statistics stick at their largest value, 32 bits of frames and 36 of bytes."""
    late = rx.nic.c.stats.late[0]
    late.rx_frames, late.rx_dropped, late.rx_bytes = 2**32 + 5, 2**33, 2**36 + 5
    assert (rx.nic.pf.peek(QPRC.offset(0)), rx.nic.pf.peek(QPRDC.offset(0))) == (ALL, ALL)
    rx.read(CRCERRS)
    assert [mapped(rx, each.offset(0)) for each in (QPRC, QPRDC, QBRC_L, QBRC_H)] == [ALL, ALL, ALL, 0xF]


def test_both_halves_of_bytes(rx: Rig) -> None:
    late = rx.nic.c.stats.late[0]
    late.rx_bytes = 5 << 32 | 7
    rx.read(CRCERRS)
    assert [mapped(rx, each.offset(0)) for each in (QBRC_L, QBRC_H)] == [7, 5]
    late.rx_bytes = 2 << 32 | 0xFFFF_FFFE
    assert [rx.nic.pf.peek(each.offset(0)) for each in (QBRC_L, QBRC_H)] == [5, 8], "what is shown and what is not"
    assert rx.read(QBRC_L) == 5
    assert mapped(rx, QBRC_H.offset(0)) == 8
    assert [rx.read(QBRC_H), rx.read(QBRC_H), rx.read(QBRC_L)] == [8, 0, 0]
