# SPDX-License-Identifier: BSD-3-Clause
"""SYSTIM, which time stamps are taken from.  Each test names the call of a public driver that needs what it checks."""

from collections.abc import Iterator

import pytest

from device.regs.i82599 import LINKS, SYSTIMH, SYSTIML, TIMADJH, TIMADJL, TIMINCA
from device.regs.i82599.mac import LinkSpeed
from tests.rigs.ptp import NS, PtpRig
from tests.rigs.rx import Rig


@pytest.fixture
def rig() -> Iterator[PtpRig]:
    with PtpRig() as rig:
        yield rig


def systim(rig: Rig) -> int:
    return rig.read(SYSTIML) | rig.read(SYSTIMH) << 32


@pytest.mark.parametrize(
    ("speed", "inca", "per_s"),
    [
        # ixgbe_ptp_start_cyclecounter: 0x66666666, 0x40000000, 0x50000000, each >> 7; the shift makes ns of it.
        (LinkSpeed.SPEED_10G, 0x66666666 >> 7, 10**9 << 21),
        (LinkSpeed.SPEED_1G, 0x40000000 >> 7, 10**9 << 17),
        (LinkSpeed.SPEED_100, 0x50000000 >> 7, 10**9 << 14),
    ],
)
def test_the_rate_follows_the_links_speed(rig: Rig, speed: int, inca: int, per_s: int) -> None:
    rig.rf.put(LINKS, 0, LINKS.of(UP=1, SPEED=speed))
    rig.nic.link_up = True
    rig.write(TIMINCA, TIMINCA.of(INCPERIOD=1, INCVALUE=inca))
    rig.write(SYSTIML, 0)
    rig.write(SYSTIMH, 0)
    rig.nic.advance(10**9)
    assert systim(rig) == pytest.approx(per_s, rel=1e-7)


def test_a_change_of_speed_keeps_the_time_so_far(rig: Rig) -> None:
    # ixgbe_ptp_start_cyclecounter, called by ixgbe_watchdog_link_is_up.
    rig.nic.advance(3200)
    rig.rf.put(LINKS, 0, LINKS.of(UP=1, SPEED=LinkSpeed.SPEED_1G))
    rig.nic.link_up = True
    assert systim(rig) == 3200
    rig.nic.advance(3200)
    assert systim(rig) == 3520
    rig.rf.put(LINKS, 0, LINKS.of())
    rig.nic.link_up = False
    rig.nic.advance(3200)
    assert systim(rig) == 3840, "a lost link changes nothing"


def test_writing_the_increment_often_loses_no_time(rig: Rig) -> None:
    # ixgbe_ptp_adjfine_82599, up to 128 times a second under ptp4l.
    for _ in range(1000):
        rig.nic.advance(31)
        rig.write(TIMINCA, NS)
    assert systim(rig) == 31_000 // 32 * 32


@pytest.mark.parametrize(("high", "expected"), [(0, 1_000_000 + 500), (1 << 31, 1_000_000 - 500)])
def test_timadj_moves_the_clock(rig: Rig, high: int, expected: int) -> None:
    # libmoon's syncClocks.
    rig.write(SYSTIML, 1_000_000)
    rig.write(TIMADJL, 500)
    assert systim(rig) == 1_000_000
    rig.write(TIMADJH, high)
    assert systim(rig) == expected


def test_a_look_latches_nothing(rig: Rig) -> None:
    # ixgbe_ptp_read_82599 reads the low half, then the high one; `regs` may look in between.
    rig.write(SYSTIML, 0xFFFF_FFFF)
    assert rig.read(SYSTIML) == 0xFFFF_FFFF
    rig.nic.advance(3200)
    assert rig.rf.get(SYSTIML) == 3199
    assert rig.read(SYSTIMH) == 0
