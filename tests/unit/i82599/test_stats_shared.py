# SPDX-License-Identifier: BSD-3-Clause
"""Counters of queues with shared doorbells: what lies in pages that clients map and read without anybody seeing it.

The rounds are those of ixgbe_update_stats, of DPDK's ixgbe_read_stats_registers and of FreeBSD's
ixgbe_update_stats_counters: CRCERRS first, every counter once.
"""

from collections.abc import Callable, Iterator

import pytest

from device.regs.core import Register
from device.regs.i82599 import (
    CRCERRS,
    GPRC,
    MPC,
    QBRC_H,
    QBRC_L,
    QPRC,
    QPRDC,
    QPTC,
    RQSMR,
    RXDGBCL,
    RXDGPC,
    RXDSTATCTRL,
    SRRCTL,
    TQSM,
)
from tests.rigs.rx import Rig
from tests.rigs.tx import TxRig, rig

FRAME = (bytes.fromhex("020000000001020000000002") + b"\x88\xb5").ljust(60, b"\0")
QPTC_82598, QBTC_82598 = 0x6030, 0x6034


@pytest.fixture
def rx() -> Iterator[Rig]:
    with Rig() as made:
        yield made


@pytest.fixture
def tx() -> Iterator[TxRig]:
    with rig(32) as made:
        yield made


def mapped(machine: Rig | TxRig, offset: int) -> int:
    """As a client reads it that maps the page."""
    return int(machine.nic.pf.c.regs.shown[offset // 4])


def looks(machine: Rig) -> None:
    """The device looks for stores; none of its own counters may be taken for one."""
    for _ in range(3):
        machine.nic.step()


def total(rx: Rig, leader: Callable[[], int], register: type[Register], rounds: int) -> list[int]:
    """What a driver adds up, round by round, of group 11, with two frames and then none before each."""
    got = []
    for turn in range(rounds):
        if turn % 2 == 0:
            rx.receive(FRAME, FRAME)
        looks(rx)
        leader()
        looks(rx)
        got.append(mapped(rx, register.offset(11)))
    return got


@pytest.mark.parametrize("leader", [CRCERRS, GPRC, MPC])
def test_every_frame_is_in_one_round(rx: Rig, leader: type[Register]) -> None:
    rx.ring(count=32).post(31)
    rx.nic.share_doorbells()
    rx.write(RQSMR, 11)
    assert total(rx, lambda: rx.read(leader), QPRC, 5) == [2, 0, 2, 0, 2]
    assert mapped(rx, QBRC_L.offset(11)) == 120
    rx.read(leader)
    assert [mapped(rx, register.offset(11)) for register in (QPRC, QBRC_L, QBRC_H)] == [0, 0, 0]


def test_a_driver_that_reads_the_leader_no_more_gets_another(rx: Rig) -> None:
    rx.ring(count=32).post(31)
    rx.nic.share_doorbells()
    rx.read(CRCERRS)
    rx.receive(FRAME)
    for register in (GPRC, MPC):  # its first round still shows the one before
        rx.read(register)
    assert mapped(rx, QPRC.offset(0)) == 0
    for register in (GPRC, MPC):
        rx.read(register)
    assert mapped(rx, QPRC.offset(0)) == 1


def test_drops_are_counted(rx: Rig) -> None:
    rx.ring(DROP_EN=1)
    assert SRRCTL(rx.read(SRRCTL)).DROP_EN
    rx.nic.share_doorbells()
    rx.receive(FRAME, FRAME, FRAME)
    rx.read(CRCERRS)
    assert mapped(rx, QPRDC.offset(0)) == 3


def test_a_trapped_read_gets_all_and_clears(rx: Rig) -> None:
    rx.ring(count=32).post(31)
    rx.nic.share_doorbells()
    rx.receive(FRAME)
    rx.read(CRCERRS)
    rx.receive(FRAME, FRAME)
    assert rx.nic.pf.peek(QPRC.offset(0)) == 3
    assert rx.nic.pf.peek(QBRC_L.offset(0)) == 180
    assert [rx.read(QPRC), rx.read(QPRC), mapped(rx, QPRC.offset(0))] == [3, 0, 0]
    assert [rx.read(QBRC_L), rx.read(QBRC_L), rx.read(QBRC_H)] == [180, 0, 0]


@pytest.mark.parametrize(("selected", "counted"), [(0, 0), (11, 2), (16, 2)])
@pytest.mark.parametrize("shared", [False, True])
def test_rxdgpc_counts_the_group_that_software_selects(rx: Rig, selected: int, counted: int, *, shared: bool) -> None:
    rx.ring(count=32).post(31)
    if shared:
        rx.nic.share_doorbells()
    rx.write(RQSMR, 11)
    rx.write(RXDSTATCTRL, selected)
    rx.receive(FRAME, FRAME)
    assert (rx.read(RXDGPC), rx.read(RXDGBCL)) == (counted, 60 * counted)


def test_a_reset_clears(rx: Rig) -> None:
    rx.ring(count=32).post(31)
    rx.nic.share_doorbells()
    rx.receive(FRAME)
    rx.read(CRCERRS)
    rx.receive(FRAME)
    rx.nic.pf.reset(software=True)
    assert (mapped(rx, QPRC.offset(0)), rx.read(QPRC)) == (0, 0)


def test_sent_frames_show_where_the_82598_had_them_and_in_the_registers(tx: TxRig) -> None:
    tx.nic.share_doorbells()
    tx.write(TQSM, 3)
    for _ in range(3):
        tx.send(FRAME)
    tx.run()
    tx.read(CRCERRS)
    assert (mapped(tx, QPTC_82598 + 3 * 0x40), mapped(tx, QBTC_82598 + 3 * 0x40)) == (3, 192)
    assert [tx.read(QPTC, 3), tx.read(QPTC, 3)] == [3, 0], "the register itself clears when it is read"
    tx.nic.step()
    tx.read(CRCERRS)
    assert mapped(tx, QPTC_82598 + 3 * 0x40) == 0
