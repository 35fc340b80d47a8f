# SPDX-License-Identifier: BSD-3-Clause
"""Flow control's water marks where they are unusual: when the other end is told what, and what it is counted as."""

from collections.abc import Iterator

import pytest

from device.machine.core import ffi, lib
from device.machine.wire import PeerPort
from device.regs import i82599 as regs
from device.regs.i82599 import (
    FCRTH,
    FCRTL,
    FCRTV,
    FCTTV,
    HLREG0,
    LXOFFTXC,
    LXONTXC,
    MAXFRS,
    PXON2OFFCNT,
    PXONTXC,
    RXPBSIZE,
)
from tests.rigs.rx import Rig
from tests.unit.i82599.test_flow import HIGH, LOW, XOFF_QUANTA, Receiver, frame, pause, set_up, sleeps_ns

FOR_EVER = 2**64 - 1


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    with made.rig, made.ours, made.far:
        yield made


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as made:
        yield made


# ---- what is said


def test_a_reset_forgets_what_was_said(receiver: Receiver) -> None:
    set_up(receiver.rig)
    receiver.bring(HIGH + 4000)
    assert receiver.rig.nic.c.flow.xoff
    receiver.rig.nic.pf.reset(software=True)
    assert not receiver.rig.nic.c.flow.xoff
    assert sleeps_ns(receiver.rig.nic) == FOR_EVER


def test_software_that_wants_no_more_of_it(receiver: Receiver) -> None:
    """What was said lapses: no XOFF follows, no XON when it is wanted again, and the loop sleeps."""
    set_up(receiver.rig)
    receiver.bring(HIGH + 4000)
    assert len(receiver.heard()) == 1
    receiver.rig.write(regs.FCCFG, 0)
    receiver.rig.nic.advance(XOFF_QUANTA * 52)
    receiver.rig.nic.settle()
    assert sleeps_ns(receiver.rig.nic) == FOR_EVER
    receiver.ring.post(63)
    receiver.rig.nic.settle()
    set_up(receiver.rig)
    receiver.rig.nic.settle()
    assert (receiver.heard(), receiver.read(LXOFFTXC, LXONTXC)) == ([], [1, 0])


def test_without_xone_no_xon_is_sent(receiver: Receiver) -> None:
    """ixgbe sets XONE with every low mark; without it the pause ends by itself."""
    set_up(receiver.rig)
    receiver.rig.write(FCRTL, LOW)
    receiver.bring(HIGH + 4000)
    assert len(receiver.heard()) == 1
    receiver.ring.post(63)
    receiver.rig.nic.settle()
    assert (receiver.heard(), receiver.read(LXOFFTXC, LXONTXC)) == ([], [1, 0])
    assert sleeps_ns(receiver.rig.nic) == FOR_EVER


def test_a_high_mark_of_0_says_nothing_of_an_empty_buffer(receiver: Receiver) -> None:
    set_up(receiver.rig)
    receiver.rig.write(FCRTH, FCRTH.of(FCEN=1))
    receiver.rig.write(FCRTL, FCRTL.of(XONE=1))
    receiver.bring(1514)
    assert len(receiver.heard()) == 1
    receiver.ring.post(63)
    receiver.rig.nic.settle()
    assert receiver.heard() == [pause(0).replace(bytes.fromhex("020000000002"), bytes(6))]
    receiver.bring(1514)  # straight to its ring
    assert receiver.heard() == []


def test_between_the_marks_it_is_said_again(receiver: Receiver) -> None:
    set_up(receiver.rig)
    receiver.bring(HIGH + 4000)
    receiver.ring.post(10)
    receiver.rig.nic.settle()
    assert LOW < receiver.rig.nic.c.rx.fifo.used_bytes < HIGH
    receiver.heard()
    receiver.rig.nic.advance(XOFF_QUANTA * 52)
    receiver.rig.nic.settle()
    assert len(receiver.heard()) == 1
    receiver.bring(3028)  # up, but not to the high mark again: that is no new one
    assert (receiver.heard(), receiver.read(PXON2OFFCNT)) == ([], [0])


@pytest.mark.parametrize(
    ("quanta", "threshold", "after_ns"),
    [
        (1000, 0, 51_200),
        (1000, 600, 20_480),
        (1000, 1000, 51_200),
        (1000, 2000, 51_200),
        (10, 0, 10_000),
        (0, 0, 10_000),
    ],
)
def test_when_it_is_said_again(receiver: Receiver, quanta: int, threshold: int, after_ns: int) -> None:
    """FCRTV, and at the least 10 us: a driver that writes FCTTV = 0 does not make us send nothing else."""
    set_up(receiver.rig)
    receiver.rig.write(FCTTV, quanta | 0x1234 << 16)
    receiver.rig.write(FCRTV, threshold)
    receiver.bring(HIGH + 4000)
    (told,) = receiver.heard()
    assert told[16:18] == quanta.to_bytes(2, "big"), "of class 0"
    assert sleeps_ns(receiver.rig.nic) == after_ns


def test_priority_xoff_counts_as_a_change_once(receiver: Receiver) -> None:
    set_up(receiver.rig, priority=True)
    receiver.bring(HIGH + 4000)
    for _ in range(3):
        receiver.rig.nic.advance(XOFF_QUANTA * 52)
        receiver.rig.nic.settle()
    assert receiver.read(PXON2OFFCNT, regs.PXOFFTXC) == [1, 4]


class Deaf:
    """A receiver whose wire takes nothing that it says."""

    def __init__(self) -> None:
        self.ours, self.far = PeerPort.pair()
        self.rig = Rig()
        self.rig.nic.manual_clock(1_000_000_000)
        self.ring = self.rig.ring(count=64)
        set_up(self.rig, priority=True)

    def bring(self, len_bytes: int) -> None:
        self.rig.receive(*[frame(1514)] * (len_bytes // 1514))
        self.rig.nic.settle()


def test_what_no_wire_takes_is_not_counted_and_tried_again_soon(rig: Rig) -> None:
    """No cable: nobody hears it."""
    deaf = Deaf()
    with deaf.rig, deaf.ours, deaf.far:
        deaf.bring(HIGH + 4000)
        assert (deaf.rig.read(LXOFFTXC), deaf.rig.read(regs.PXOFFTXC), sleeps_ns(deaf.rig.nic)) == (0, 0, 100_000)
        deaf.ring.post(63)
        deaf.rig.nic.settle()
        assert (deaf.rig.read(LXONTXC), deaf.rig.read(PXONTXC)) == (0, 0)


# ---- room


def room(rig: Rig, used_bytes: int) -> int:
    """Of class 0, the only one with a mark."""
    used_of = ffi.new("uint32_t[]", [used_bytes] + [0] * 7)
    return int(lib.flow_room(ffi.addressof(rig.nic.c, "flow"), used_of))


@pytest.mark.parametrize("jumbo", [False, True])
def test_room_is_for_the_longest_frames_that_may_come(rig: Rig, jumbo: bool) -> None:
    """So many 9728-byte frames, or so many 1518-byte ones with two tags, fit surely: one is left out for the end."""
    set_up(rig)
    rig.write(MAXFRS, MAXFRS.of(MFS=9728))
    rig.write(HLREG0, HLREG0.of(JUMBOEN=int(jumbo)))
    size = int(rig.read(RXPBSIZE))
    longest = 9728 if jumbo else lib.ETH_FRAME_MAX_BYTES
    record = longest + 96
    assert room(rig, size - 5 * record) == 4
    assert room(rig, size - 5 * record + 1) == 3
    assert room(rig, size - 2 * record) == 1
    assert room(rig, size - record) == room(rig, size) == room(rig, size + 1) == 0


def test_a_buffer_smaller_than_a_frame_takes_one_if_it_is_empty(rig: Rig) -> None:
    """RXPBSIZE of a driver that splits the buffer badly: frames come one by one, or are counted as missed."""
    set_up(rig)
    rig.write(RXPBSIZE, RXPBSIZE.of(SIZE=1))
    assert (room(rig, 0), room(rig, 16)) == (1, 0)


def test_a_class_without_a_part_of_the_buffer_holds_nothing_up(rig: Rig) -> None:
    """Observed: ixgbe 6.12 with pause on, which sets FCEN for all classes though all of the buffer is class 0's."""
    set_up(rig)
    rig.write(HLREG0, 0x08012C0F)
    rig.write(MAXFRS, 0x05EE0000)
    rig.write(RXPBSIZE, 0x70000)
    rig.write(FCRTH, 0x8006C400)
    for tc in range(1, 8):
        rig.write(RXPBSIZE, 0, tc)
        rig.write(FCRTH, 0x8007A000, tc)
    assert room(rig, 0) == lib.FRAME_BATCH
    assert room(rig, 0x70000 - 20000) < 20
