# SPDX-License-Identifier: BSD-3-Clause
"""SYSTIM, which time stamps are taken from.  Each test names the call of a public driver that needs what it checks."""

from collections.abc import Iterator

import pytest

from device.regs.i82599 import FRTIMER, LINKS, SYSTIMH, SYSTIML, TIMADJH, TIMADJL, TIMINCA
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


def test_a_clock_that_stood_still_does_not_catch_up(rig: Rig) -> None:
    # ixgbe_ptp_reset: a reset stops the clock, and ixgbe_ptp_start_cyclecounter starts it when the link is up.
    rig.nic.advance(3200)
    rig.write(TIMINCA, 0)
    rig.nic.advance(10**9)
    assert systim(rig) == 3200
    rig.write(TIMINCA, NS)
    rig.nic.advance(3200)
    assert systim(rig) == 6400


def test_a_reset_stops_the_clock(rig: Rig) -> None:
    # ixgbe_ptp_reset.
    rig.write(SYSTIMH, 7)
    rig.nic.advance(3200)
    assert systim(rig) == 7 << 32 | 3200
    rig.renew()
    assert rig.read(SYSTIMH) == 0
    rig.nic.advance(3200)
    assert systim(rig) == 0


def test_the_halves_are_written_in_any_order(rig: Rig) -> None:
    # ixgbe_ptp_start_cyclecounter writes the low one first, Intel's ixgbe for FreeBSD likewise; others need not.
    rig.write(SYSTIML, 5)
    rig.write(SYSTIMH, 7)
    assert rig.read(SYSTIMH) == 7, "what was written, though no low half was read"
    rig.write(SYSTIML, 6)
    assert systim(rig) == 7 << 32 | 6


@pytest.mark.parametrize(
    ("high", "expected"),
    [
        (0, 1_000_000 + 500),
        (1 << 31, 1_000_000 - 500),
        (3, (3 << 32) + 1_000_000 + 500),
        (1 << 31 | 3, 2**64 - (3 << 32) + 1_000_000 - 500),
    ],
)
def test_timadj_moves_the_clock(rig: Rig, high: int, expected: int) -> None:
    # libmoon's syncClocks.
    rig.write(SYSTIML, 1_000_000)
    rig.write(TIMADJL, 500)
    assert systim(rig) == 1_000_000
    rig.write(TIMADJH, high)
    assert systim(rig) == expected


def test_the_free_running_timer_counts_microseconds_since_the_reset(rig: Rig) -> None:
    # ixgbe_get_regs (ethtool -d) dumps it.
    rig.nic.advance(7_000_999)
    assert rig.read(FRTIMER) == 7000
    rig.renew()
    assert rig.read(FRTIMER) == 0
    rig.nic.advance(1_234_567)
    assert rig.read(FRTIMER) == 1234


def test_a_look_latches_nothing(rig: Rig) -> None:
    # ixgbe_ptp_read_82599 reads the low half, then the high one; `regs` may look in between.
    rig.write(SYSTIML, 0xFFFF_FFFF)
    assert rig.read(SYSTIML) == 0xFFFF_FFFF
    rig.nic.advance(3200)
    assert rig.rf.get(SYSTIML) == 3199
    assert rig.read(SYSTIMH) == 0
