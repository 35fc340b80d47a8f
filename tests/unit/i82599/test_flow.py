# SPDX-License-Identifier: BSD-3-Clause
"""Flow control as ixgbe_fc_enable_generic and ixgbe_dcb_config_pfc_82599 set it up: pause frames, both ways."""

from collections.abc import Iterator

import pytest

from device.i82599.core import CardCore
from device.machine.wire import PeerPort
from device.regs import i82599 as regs
from device.regs.core import Register
from device.regs.i82599 import (
    FCCFG,
    FCRTH,
    FCRTL,
    FCRTV,
    FCTTV,
    GPTC,
    HLREG0,
    LINKS,
    LXOFFRXCNT,
    LXOFFTXC,
    LXONRXCNT,
    LXONTXC,
    MAXFRS,
    MFLCN,
    MPC,
    MPTC,
    MTQC,
    QPRDC,
    RAH,
    RAL,
    RTRUP2TC,
    RTTUP2TC,
    TFCS,
    TPR,
)
from device.regs.i82599.mac import LinkSpeed
from tests.rigs.rx import Rig
from tests.rigs.tx import TxRig
from tests.rigs.wire import Wire

RESERVED = bytes.fromhex("0180c2000001")
OURS, OTHER = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
QUANTUM_NS = {LinkSpeed.SPEED_10G: 51.2, LinkSpeed.SPEED_1G: 512, LinkSpeed.SPEED_100: 5120}
XOFF_QUANTA = 0x680
HIGH, LOW = 0x10000, 0x8000


def frame(size: int) -> bytes:
    return (OURS + OTHER + b"\x88\xb5").ljust(size, b"\0")


def pause(quanta: int, to: bytes = RESERVED) -> bytes:
    return (to + OTHER + bytes.fromhex("88080001") + quanta.to_bytes(2, "big")).ljust(60, b"\0")


def priority_pause(quanta: dict[int, int]) -> bytes:
    times = b"".join(quanta.get(up, 0).to_bytes(2, "big") for up in range(8))
    vector = sum(1 << up for up in quanta).to_bytes(2, "big")
    return (RESERVED + OTHER + bytes.fromhex("88080101") + vector + times).ljust(60, b"\0")


def set_up(nic: Rig | TxRig, *, priority: bool = False, on: bool = True) -> None:
    """As ixgbe does, with marks of ours."""
    if on:
        nic.write(MFLCN, MFLCN.of(DPF=1, RPFCE=1) if priority else MFLCN.of(DPF=1, RFCE=1))
        nic.write(FCCFG, FCCFG.of(TFCE_PRIORITY=1) if priority else FCCFG.of(TFCE_802_3X=1))
        nic.write(FCRTL, FCRTL.of(XONE=1) | LOW)
        nic.write(FCRTH, FCRTH.of(FCEN=1) | HIGH)
    nic.write(FCTTV, XOFF_QUANTA | XOFF_QUANTA << 16)
    nic.write(FCRTV, XOFF_QUANTA // 2)


def sleeps_ns(nic: CardCore) -> int:
    return int(nic.ops.may_sleep(nic.c))


class Ends:
    """A transmitter with a cable to whoever sends it pause frames."""

    def __init__(self) -> None:
        ours, self.far = PeerPort.pair()
        self.tx = TxRig(ours)
        self.nic: CardCore = self.tx.nic
        self.nic.manual_clock(1_000_000_000)
        self.tx.enable(0, 32)
        self.wire = Wire(self.far)
        self.tx.write(regs.RXCTRL, 1)

    def hear(self, *frames: bytes) -> None:
        self.wire.send(list(frames))
        self.nic.settle()

    def sends(self) -> int:
        """Frames that leave when one is posted, and what waited."""
        self.tx.send(frame(60))
        self.nic.settle()
        return len(self.wire.all())


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    with made.tx, made.far:
        yield made


@pytest.mark.parametrize("speed", QUANTUM_NS)
@pytest.mark.parametrize("quanta", [1, 0x680, 0xFFFF])
def test_a_pause_frame_stops_transmit_for_its_quanta(ends: Ends, speed: LinkSpeed, quanta: int) -> None:
    set_up(ends.tx)
    ends.tx.regs.put(LINKS, 0, LINKS.of(UP=1, SPEED=speed))
    span_ns = int(quanta * QUANTUM_NS[speed])
    ends.hear(pause(quanta))
    assert (ends.sends(), ends.tx.read(TFCS), ends.tx.read(LXOFFRXCNT)) == (0, 0, 1)
    assert sleeps_ns(ends.nic) == span_ns, "the loop wakes when it is over"
    ends.nic.advance(span_ns - 1)
    assert ends.sends() == 0
    ends.nic.advance(1)
    assert (ends.sends(), ends.tx.read(TFCS)) == (3, 0xFF)


def test_xon_ends_it_and_a_new_xoff_begins_anew(ends: Ends) -> None:
    set_up(ends.tx)
    ends.hear(pause(0xFFFF))
    ends.nic.advance(3_000_000)
    ends.hear(pause(0xFFFF))
    ends.nic.advance(3_000_000)
    assert ends.sends() == 0
    ends.hear(pause(0))
    assert (ends.sends(), ends.tx.read(LXONRXCNT), ends.tx.read(LXOFFRXCNT)) == (2, 1, 2)


@pytest.mark.parametrize("case", ["off", "for another", "to us"])
def test_who_is_meant(ends: Ends, case: str) -> None:
    set_up(ends.tx, on=case != "off")
    ends.tx.write(RAL, int.from_bytes(OURS[:4], "little"))
    ends.tx.write(RAH, RAH.of(AV=1) | int.from_bytes(OURS[4:], "little"))
    ends.hear(pause(0xFFFF, {"off": RESERVED, "for another": OTHER, "to us": OURS}[case]))
    assert ends.sends() == (0 if case == "to us" else 1)
    assert ends.tx.read(LXOFFRXCNT) == (1 if case == "to us" else 0)


def test_a_driver_that_switches_it_off_sends_at_once(ends: Ends) -> None:
    set_up(ends.tx)
    ends.hear(pause(0xFFFF))
    ends.tx.write(MFLCN, 0)
    assert ends.sends() == 1


def test_a_reset_forgets_a_pause(ends: Ends) -> None:
    set_up(ends.tx)
    ends.hear(pause(0xFFFF))
    ends.nic.pf.reset(software=True)
    assert (ends.tx.read(TFCS), ends.nic.c.flow.paused) == (0xFF, 0)


# MTQC, and the first queue of each class.
DCB = {
    "8 classes": (0xD, [0, 32, 64, 80, 96, 104, 112, 120]),
    "4 classes": (0x9, [0, 64, 96, 112]),
    "pools of 8": (0xF, [0, 1, 2, 3, 4, 5, 6, 7]),
    "pools of 4": (0xB, [0, 1, 2, 3]),
}


@pytest.mark.parametrize("name", DCB)
def test_a_priority_pause_stops_the_queues_of_its_class(ends: Ends, name: str) -> None:
    mtqc, queues = DCB[name]
    set_up(ends.tx, priority=True)
    ends.tx.write(MTQC, mtqc)
    ends.tx.write(RTTUP2TC, sum(tc << 3 * tc for tc in range(len(queues))))
    for queue in queues[1:]:
        ends.tx.enable(queue, 8)
    ends.hear(priority_pause({2: 0xFFFF, 1: 0}))
    assert ends.tx.read(TFCS) == 0xFF - 4
    for queue in queues:
        ends.tx.send(frame(60), q=queue)
    ends.nic.settle()
    left = [queue for queue in queues if ends.tx.read(regs.TDH, queue) == 0]
    assert (left, len(ends.wire.all())) == ([queues[2]], len(queues) - 1)
    assert [ends.tx.read(regs.PXOFFRXCNT, 2), ends.tx.read(regs.PXONRXCNT, 1), ends.tx.read(LXOFFRXCNT)] == [1, 1, 1]
    ends.nic.advance(4_000_000)
    ends.nic.settle()
    assert len(ends.wire.all()) == 1


class Receiver:
    """A receiver without descriptors, and the far end of its cable."""

    def __init__(self) -> None:
        ours, self.far = PeerPort.pair()
        self.ours = ours
        self.rig = Rig()
        self.rig.nic.manual_clock(1_000_000_000)
        self.rig.nic.set_port(ours.c)
        self.ring = self.rig.ring(count=64)
        self.wire = Wire(self.far)

    def bring(self, len_bytes: int) -> None:
        """As many bytes as that, about."""
        for _ in range(len_bytes // 1514):
            self.wire.send([frame(1514)])
            self.rig.nic.settle()

    def heard(self) -> list[bytes]:
        return self.wire.all()

    def read(self, *registers: type[Register]) -> list[int]:
        return [self.rig.read(register) for register in registers]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    with made.rig, made.ours, made.far:
        yield made


def test_xoff_at_the_high_mark_again_before_it_ends_and_xon_at_the_low_one(receiver: Receiver) -> None:
    set_up(receiver.rig)
    receiver.rig.write(RAL, int.from_bytes(OURS[:4], "little"))
    receiver.rig.write(RAH, int.from_bytes(OURS[4:], "little"))
    receiver.bring(HIGH - 4000)
    assert receiver.heard() == []
    receiver.bring(8000)
    xoff, xon = (pause(quanta).replace(OTHER, OURS) for quanta in (XOFF_QUANTA, 0))
    assert receiver.heard() == [xoff]
    refresh_ns = XOFF_QUANTA // 2 * 512 // 10
    receiver.rig.nic.advance(refresh_ns - 1)
    receiver.rig.nic.settle()
    assert (receiver.heard(), sleeps_ns(receiver.rig.nic)) == ([], 1)
    receiver.rig.nic.advance(1)
    receiver.rig.nic.settle()
    assert receiver.heard() == [xoff]
    receiver.ring.post(15)
    receiver.rig.nic.settle()
    assert receiver.heard() == []
    receiver.ring.post(15)
    receiver.rig.nic.settle()
    assert receiver.heard() == [xon]
    assert receiver.read(LXOFFTXC, LXONTXC, GPTC, MPTC, regs.PTC64) == [2, 1, 3, 3, 3], "drivers subtract the former"
    assert sleeps_ns(receiver.rig.nic) == 2**64 - 1


def test_priority_xoff_names_the_priorities_of_the_class(receiver: Receiver) -> None:
    set_up(receiver.rig, priority=True)
    receiver.rig.write(RTRUP2TC, sum((up >= 4) << 3 * up for up in range(8)))
    receiver.bring(HIGH + 4000)
    (heard,) = receiver.heard()
    assert heard[12:] == priority_pause(dict.fromkeys(range(4), XOFF_QUANTA))[12:]
    counted = [[receiver.rig.read(each, up) for up in (0, 3, 4)] for each in (regs.PXOFFTXC, regs.PXON2OFFCNT)]
    assert counted == [[1, 1, 0]] * 2
    receiver.ring.post(60)
    receiver.rig.nic.settle()
    assert [receiver.rig.read(regs.PXONTXC, up) for up in (0, 3, 4)] == [1, 1, 0]


@pytest.mark.parametrize("missing", ["FCCFG", "FCEN"])
def test_marks_alone_send_nothing(receiver: Receiver, missing: str) -> None:
    """ixgbe sets marks against Tx hangs of the local switch without FCEN."""
    set_up(receiver.rig)
    if missing == "FCCFG":
        receiver.rig.write(FCCFG, 0)
    else:
        receiver.rig.write(FCRTH, HIGH)
    receiver.bring(2 * HIGH)
    assert (receiver.heard(), receiver.read(LXOFFTXC)) == ([], [0])


FRAMES = 2000


class Cable:
    """Two NICs and the cable between them; the receiver's driver has gone for a coffee."""

    def __init__(self, *, on: bool) -> None:
        one, other = PeerPort.pair()
        self.tx, self.rx = TxRig(one), Rig()
        self.rx.nic.set_port(other.c)
        self.other = other
        self.tx.enable(0, 64)
        self.tx.write(regs.RXCTRL, 1)
        self.ring = self.rx.ring(count=64)
        for nic in (self.tx, self.rx):
            set_up(nic, on=on)
            nic.write(HLREG0, nic.read(HLREG0) | HLREG0.of(JUMBOEN=1))
            nic.write(MAXFRS, MAXFRS.of(MFS=9728))
        if on:
            for nic in (self.tx, self.rx):
                nic.write(FCRTH, FCRTH.of(FCEN=1) | 0x60000)
                nic.write(FCRTL, FCRTL.of(XONE=1) | 0x40000)

    def transmit(self, size: int, each: int, left: int = FRAMES) -> int:
        """Post frames until all are posted; the receiver gets a turn after so many. Returns how many stay posted."""
        idle = 0
        while left and idle < 50:
            room = (self.tx.read(regs.TDH) - self.tx.read(regs.TDT) - 1) % 64
            for _ in range(min(room, each, left)):
                self.tx.send(frame(size))
                left -= 1
            idle = 0 if room else idle + 1
            self.tx.nic.step()
            self.rx.nic.step()
        return left

    def collect(self) -> int:
        """The receiver's driver is back."""
        got, idle = len(self.ring.take()), 0
        while idle < 500:
            self.ring.post((self.rx.read(regs.RDH) - self.rx.read(regs.RDT) - 1) % 64)
            self.rx.nic.step()
            self.tx.nic.step()
            new = len(self.ring.take())
            got, idle = got + new, 0 if new else idle + 1
        return got


@pytest.mark.parametrize("size", [60, 1514, 9000])
@pytest.mark.parametrize("each", [1, 63])
def test_with_pause_on_two_nics_lose_nothing(size: int, each: int) -> None:
    cable = Cable(on=True)
    with cable.tx, cable.rx, cable.other:
        left, got = cable.transmit(size, each, FRAMES), 0
        assert bool(left) is (size > 60), "the sender stands still, its frames are its driver's"
        while left:
            got += cable.collect()
            left = cable.transmit(size, each, left)
        got += cable.collect()
        assert got == FRAMES
        assert [cable.rx.read(MPC), cable.rx.read(QPRDC), cable.tx.port.counters()["tx_dropped"]] == [0, 0, 0]


def test_what_comes_before_receives_are_enabled_is_not_counted() -> None:
    """ixgbe clears the counters in its probe, long before RXCTRL.RXEN: a frame of a bridge must not show there."""
    cable = Cable(on=False)
    with cable.tx, cable.rx, cable.other:
        cable.rx.write(regs.RXCTRL, 0)
        assert cable.transmit(60, 1, 3) == 0
        for _ in range(10):
            cable.rx.nic.step()
        assert [cable.rx.read(register) for register in (TPR, regs.TORL, regs.RXNFGPC, MPC)] == [0, 0, 0, 0]
        assert cable.rx.count.rx_disabled == 3


@pytest.mark.parametrize("drops", [False, True])
@pytest.mark.parametrize("size", [60, 1514])
def test_with_pause_off_every_loss_is_counted(size: int, *, drops: bool) -> None:
    cable = Cable(on=False)
    if drops:
        cable.rx.write(regs.SRRCTL, cable.rx.read(regs.SRRCTL) | regs.SRRCTL.of(DROP_EN=1))
    with cable.tx, cable.rx, cable.other:
        assert cable.transmit(size, 32) == 0
        for _ in range(100):
            cable.rx.nic.step()
        lost = cable.rx.read(MPC), cable.rx.read(QPRDC), cable.tx.port.counters()["tx_dropped"]
        assert cable.rx.read(TPR) == cable.tx.read(GPTC) == FRAMES - lost[2]
        assert cable.collect() + sum(lost) == FRAMES
        assert bool(lost[1]) is drops


def test_a_wire_that_nobody_reads_for_long_loses_frames_again(ends: Ends) -> None:
    set_up(ends.tx)
    for _ in range(500):
        ends.tx.send(frame(9000))
        ends.nic.step()
        if ends.nic.c.flow.kept:
            break
    kept = int(ends.nic.c.flow.kept)
    assert kept
    assert ends.tx.port.counters()["tx_dropped"] == 0
    ends.nic.advance(999_999_999)
    ends.nic.step()
    assert int(ends.nic.c.flow.kept) == kept
    ends.nic.advance(1)
    ends.nic.step()
    assert (int(ends.nic.c.flow.kept), ends.tx.port.counters()["tx_dropped"]) == (0, kept)


def test_an_end_that_obeys_no_pause_loses_what_a_full_wire_does_not_take(ends: Ends) -> None:
    set_up(ends.tx, on=False)
    for _ in range(500):
        ends.tx.send(frame(9000))
        ends.nic.step()
    assert ends.tx.port.counters()["tx_dropped"] > 0
    assert int(ends.nic.c.flow.kept) == 0
