# SPDX-License-Identifier: BSD-3-Clause
"""What pause frames do to transmit where classes differ, where frames are short, and where the wire is full."""

from collections.abc import Iterator

import pytest

from device.machine.core import ffi, lib
from device.regs import i82599 as regs
from device.regs.i82599 import (
    FCTRL,
    LXOFFRXCNT,
    LXONRXCNT,
    MFLCN,
    MTQC,
    PXOFFRXCNT,
    RTTUP2TC,
    TFCS,
)
from tests.rigs.rx import Rig
from tests.unit.i82599.test_flow import (
    Ends,
    frame,
    pause,
    priority_pause,
    set_up,
    sleeps_ns,
)

QUANTUM_PS = 51_200
FOR_EVER = 2**64 - 1


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    with made.tx, made.far:
        yield made


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as made:
        yield made


# ---- what is stopped

# MTQC, and how many queues each class has one after another (0: the classes take turns).  Ref: ixgbe_cache_ring_dcb.
LAYOUTS = {
    "8 classes": (0xD, [32, 32, 16, 16, 8, 8, 8, 8]),
    "4 classes": (0x9, [64, 32, 16, 16]),
    "pools of 8": (0xF, [0] * 8),
    "pools of 4": (0xB, [0] * 4),
    "no classes": (0x0, [128]),
}


def held(ends: Ends) -> set[int]:
    """Tx queues that stand still."""
    words = ends.nic.c.flow.held
    return {queue for queue in range(128) if int(words[queue // 64]) >> queue % 64 & 1}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_queue_belongs_to_its_class(ends: Ends, name: str) -> None:
    mtqc, counts = LAYOUTS[name]
    set_up(ends.tx, priority=True)
    ends.tx.write(MTQC, mtqc)
    ends.tx.write(RTTUP2TC, sum(tc << 3 * tc for tc in range(len(counts))))
    first = 0
    for tc, count in enumerate(counts):
        ends.hear(priority_pause({tc: 0xFFFF}))
        assert held(ends) == set(range(first, first + count) if count else range(tc, 128, len(counts)))
        assert ends.tx.read(TFCS) == 0xFF - (1 << tc)
        ends.hear(priority_pause({tc: 0}))
        assert (held(ends), ends.tx.read(TFCS)) == (set(), 0xFF)
        first += count


def test_priorities_are_mapped_to_classes(ends: Ends) -> None:
    """ixgbe_dcb_config_pfc_82599 with several priorities of a class."""
    set_up(ends.tx, priority=True)
    ends.tx.write(MTQC, 0xD)
    ends.tx.write(RTTUP2TC, sum({6: 3, 7: 3, 1: 2}.get(up, 0) << 3 * up for up in range(8)))
    ends.hear(priority_pause({7: 0xFFFF}))
    assert ends.tx.read(TFCS) == 0xFF - 8
    ends.hear(priority_pause({1: 0xFFFF, 6: 0}))
    assert ends.tx.read(TFCS) == 0xFF - 4


def test_a_pause_of_one_class_leaves_the_others_ends_alone(ends: Ends) -> None:
    set_up(ends.tx, priority=True)
    ends.tx.write(MTQC, 0xD)
    ends.tx.write(RTTUP2TC, sum(up << 3 * up for up in range(8)))
    ends.hear(priority_pause({1: 1000}))
    ends.hear(priority_pause({2: 10}))
    assert ends.tx.read(TFCS) == 0xFF - 6
    ends.nic.advance(10 * QUANTUM_PS // 1000)
    ends.nic.settle()
    ends.tx.send(frame(60))
    ends.nic.settle()
    assert ends.tx.read(TFCS) == 0xFF - 2
    ends.nic.advance(990 * QUANTUM_PS // 1000)
    ends.tx.send(frame(60))
    ends.nic.settle()
    assert ends.tx.read(TFCS) == 0xFF


def test_what_a_priority_pause_does_not_name_goes_on(ends: Ends) -> None:
    """Its times of such priorities may be anything (802.1Q, 36.2)."""
    set_up(ends.tx, priority=True)
    ends.tx.write(MTQC, 0xD)
    ends.tx.write(RTTUP2TC, sum(up << 3 * up for up in range(8)))
    told = bytearray(priority_pause(dict.fromkeys(range(8), 0xFFFF)))
    told[16:18] = (1 << 3).to_bytes(2, "big")
    ends.hear(bytes(told))
    assert ends.tx.read(TFCS) == 0xFF - 8
    assert [ends.tx.read(PXOFFRXCNT, up) for up in range(8)] == [int(up == 3) for up in range(8)]
    assert (ends.tx.read(LXOFFRXCNT), ends.tx.read(LXONRXCNT)) == (1, 0)
    ends.hear(priority_pause({3: 0, 4: 0}))
    assert (ends.tx.read(LXOFFRXCNT), ends.tx.read(LXONRXCNT)) == (0, 1), "one that stops nothing is an XON"


@pytest.mark.parametrize("cut", [15, 16, 17])
def test_a_pause_frame_without_its_quanta_is_none(rig: Rig, cut: int) -> None:
    """FCTRL.SBP lets runts in, as far as they came."""
    set_up(rig)
    rig.write(FCTRL, rig.read(FCTRL) | FCTRL.of(SBP=1))
    rig.receive(pause(0xFFFF)[:cut], flags=lib.FRAME_EXACT)
    assert (rig.read(LXOFFRXCNT), rig.nic.c.flow.paused) == (0, 0)


@pytest.mark.parametrize("cut", [18, 33])
def test_a_priority_pause_frame_without_all_its_times_is_none(rig: Rig, cut: int) -> None:
    set_up(rig, priority=True)
    rig.write(FCTRL, rig.read(FCTRL) | FCTRL.of(SBP=1))
    rig.receive(priority_pause({7: 0xFFFF})[:cut], flags=lib.FRAME_EXACT)
    assert (rig.read(LXOFFRXCNT), rig.nic.c.flow.paused) == (0, 0)


@pytest.mark.parametrize("damaged", [False, True])
def test_a_damaged_pause_frame_is_stored_and_not_obeyed(rig: Rig, *, damaged: bool) -> None:
    """FCTRL.SBP stores frames with a wrong check sum; a MAC obeys only whole ones (802.3, 31.5.3)."""
    ring = rig.ring()
    ring.post(7)
    set_up(rig)
    rig.write(FCTRL, rig.read(FCTRL) | FCTRL.of(SBP=1, UPE=1, MPE=1))
    rig.receive(pause(0xFFFF), flags=lib.FRAME_BAD_CRC if damaged else 0)
    assert rig.read(LXOFFRXCNT) == int(not damaged)
    assert bool(rig.nic.c.flow.paused) is not damaged
    assert len(ring.take()) == int(damaged)


def test_an_address_that_is_ours_only_by_half_is_not_ours(ends: Ends) -> None:
    set_up(ends.tx)
    ours = bytes.fromhex("020000000001")
    ends.tx.write(regs.RAL, int.from_bytes(ours[:4], "little"))
    ends.tx.write(regs.RAH, int(regs.RAH.of(AV=1)) | int.from_bytes(ours[4:], "little"))
    ends.hear(pause(0xFFFF, ours[:5] + b"\2"))
    assert ends.sends() == 1


def test_a_pause_that_is_over_wakes_the_loop_at_once(ends: Ends) -> None:
    set_up(ends.tx)
    ends.hear(pause(10))
    ends.nic.advance(10_000)
    assert sleeps_ns(ends.nic) == 0


def test_a_driver_that_obeys_no_more_lets_go_of_every_class(ends: Ends) -> None:
    set_up(ends.tx)
    ends.hear(pause(0xFFFF))
    ends.tx.write(MFLCN, 0)
    assert ends.sends() == 1
    assert (ends.tx.read(TFCS), held(ends), sleeps_ns(ends.nic)) == (0xFF, set(), FOR_EVER)


# ---- a wire that is full


def fill(ends: Ends) -> int:
    """Send until the wire is full; how many frames are kept."""
    for _ in range(50):
        for _ in range(20):
            ends.tx.send(frame(9000))
        ends.nic.step()
        if ends.nic.c.flow.kept:
            break
    return int(ends.nic.c.flow.kept)


def take_one(ends: Ends) -> None:
    """The other end reads one frame."""
    got = ffi.new("struct frame *")
    read = (lib.port_recv(ends.far.c, got, 1, ffi.addressof(ends.nic.c, "clock")) for _ in range(3))
    assert any(read), "behind what the two ends say of their lasers"


def test_a_full_wire_is_looked_at_soon(ends: Ends) -> None:
    set_up(ends.tx)
    assert sleeps_ns(ends.nic) == FOR_EVER
    assert fill(ends)
    assert sleeps_ns(ends.nic) == 100_000


def test_a_wire_that_takes_some_has_its_time_anew(ends: Ends) -> None:
    set_up(ends.tx)
    ends.nic.advance(10**9)  # a time before anything was kept does not count
    kept = fill(ends)
    assert kept > 3
    for _ in range(3):
        ends.nic.advance(600_000_000)
        take_one(ends)
        ends.nic.step()
        assert 0 < int(ends.nic.c.flow.kept) < kept
        kept = int(ends.nic.c.flow.kept)
    assert ends.tx.port.counters()["tx_dropped"] == 0
