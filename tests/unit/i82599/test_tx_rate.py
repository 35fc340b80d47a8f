# SPDX-License-Identifier: BSD-3-Clause
"""Rate limits of Tx queues, as Linux's ixgbe_tx_maxrate (``tx_maxrate`` in sysfs) and ixgbe_set_vf_rate_limit, and
DPDK's rte_eth_set_queue_rate_limit program them.  Time is the device's: it moves when the test moves it."""

import time
from collections.abc import Iterator

import pytest

from device.i82599.core import CardCore
from device.machine.loop import Loop
from device.machine.wire import PeerPort
from device.regs.i82599 import DMATXCTL, LINKS, RTTBCNRC, RTTBCNRM, RTTDQSEL, RTTDT1C, TDH, TDT, TXDCTL
from device.regs.i82599.mac import LinkSpeed
from tests.rigs.tx import TxRig, context_desc, data_desc
from tests.rigs.wire import Wire
from tests.twins.tso import Offload

MBPS = {LinkSpeed.SPEED_10G: 10_000, LinkSpeed.SPEED_1G: 1000, LinkSpeed.SPEED_100: 100}
NEVER = 2**64 - 1
START_NS = 1_000_000_000


def frame(size: int) -> bytes:
    return (bytes.fromhex("020000000001020000000002") + b"\x88\xb5").ljust(size, b"\0")


class Sender:
    """A transmitter and the far end of its cable."""

    def __init__(self) -> None:
        ours, self.far = PeerPort.pair()
        self.tx = TxRig(ours)
        self.nic: CardCore = self.tx.nic
        self.nic.manual_clock(START_NS)
        self.wire = Wire(self.far)
        self.speed = LinkSpeed.SPEED_10G
        self.link(LinkSpeed.SPEED_10G)

    def link(self, speed: LinkSpeed) -> None:
        self.speed = speed
        self.tx.regs.put(LINKS, 0, LINKS.of(UP=1, SPEED=speed))

    def limit(self, queue: int, mbps: int) -> None:
        """As ixgbe_tx_maxrate; 0: none."""
        value = 1 << 31 | (MBPS[self.speed] << 14) // mbps if mbps else 0
        self.tx.write(RTTDQSEL, queue)
        self.tx.write(RTTBCNRC, value)

    def now_ns(self) -> int:
        return int(self.nic.now_ns()) - START_NS

    def sleeps_ns(self) -> int:
        return int(self.nic.ops.may_sleep(self.nic.c))

    def post(self, size: int, n: int, queue: int = 0) -> int:
        """As many of n frames as there is room for."""
        count = self.tx.count[queue]
        room = (self.tx.read(TDH, queue) - self.tx.read(TDT, queue) - 1) % count
        for _ in range(min(room, n)):
            self.tx.send(frame(size), q=queue)
        return min(room, n)

    def times(self, size: int, n: int, queue: int = 0) -> list[int]:
        """When each of n frames left, in ns from the start; the loop sleeps as long as the device lets it."""
        left = n
        gone: list[int] = []
        while len(gone) < n:
            left -= self.post(size, left, queue)
            self.nic.settle()
            gone += [self.now_ns()] * len(self.wire.all())
            if len(gone) < n:
                wait_ns = self.sleeps_ns()
                assert 0 < wait_ns < NEVER, f"{len(gone)} frames have left, and nobody wakes for the next"
                self.nic.advance(wait_ns)
        return gone


@pytest.fixture
def sender() -> Iterator[Sender]:
    made = Sender()
    with made.tx, made.far:
        made.tx.enable(0, 64)
        yield made


@pytest.mark.parametrize("speed", MBPS)
@pytest.mark.parametrize("mbps", [10, 33, 100])
def test_every_frame_leaves_in_its_time(sender: Sender, speed: LinkSpeed, mbps: int) -> None:
    sender.link(speed)
    sender.limit(0, mbps)
    step_ns = 1500 * 8 * 1000 / mbps
    factor = (MBPS[speed] << 14) // mbps / (MBPS[speed] / mbps) / 2**14  # what the register can say of it
    for n, at_ns in enumerate(sender.times(1500, 300)):
        assert at_ns == pytest.approx(n * step_ns * factor, abs=2)


def test_10_mbps_for_2000_frames_of_1500_bytes_take_2400_ms(sender: Sender) -> None:
    sender.limit(0, 10)
    assert sender.times(1500, 2000)[-1] == 1999 * 1_200_000
    sender.post(1500, 1)
    sender.nic.settle()
    assert (sender.sleeps_ns(), sender.wire.all()) == (1_200_000, [])


@pytest.mark.parametrize("shared", [False, True], ids=["trapped", "shared"])
def test_a_limited_queue_leaves_the_others_alone(sender: Sender, shared: bool) -> None:
    if shared:
        sender.nic.share_doorbells()
    sender.tx.enable(5, 64)
    sender.tx.enable(64, 64)
    sender.limit(5, 10)
    sender.limit(64, 100)
    for queue, n in ((0, 40), (5, 20), (64, 20)):
        sender.post(1500, n, queue)
    sender.nic.settle()
    assert [sender.tx.read(TDH, queue) for queue in (0, 5, 64)] == [40, 1, 1]
    sender.nic.advance(1_200_000)
    sender.nic.settle()
    assert [sender.tx.read(TDH, queue) for queue in (5, 64)] == [2, 11]


def test_each_queue_has_its_own_behind_the_selector(sender: Sender) -> None:
    for queue in range(128):
        sender.tx.write(RTTDQSEL, queue)
        sender.tx.write(RTTBCNRC, 1 << 31 | queue << 14)
        sender.tx.write(RTTDT1C, queue)
    for queue in (0, 1, 64, 127):
        sender.tx.write(RTTDQSEL, queue)
        assert (sender.tx.read(RTTBCNRC), sender.tx.read(RTTDT1C)) == (1 << 31 | queue << 14, queue)
    sender.nic.pf.reset(software=True)
    sender.tx.write(RTTDQSEL, 127)
    assert (sender.tx.read(RTTBCNRC), sender.tx.read(RTTDT1C)) == (0, 0)


def test_it_holds_when_the_queue_was_off_and_ends_when_it_is_taken_back(sender: Sender) -> None:
    """Linux sets it on a queue that runs, and start_hw takes all of them back."""
    sender.limit(0, 10)
    sender.tx.write(TXDCTL, 0)
    sender.tx.enable(0, 64)
    sender.post(1500, 10)
    sender.nic.settle()
    assert len(sender.wire.all()) == 1
    sender.limit(0, 1000)
    sender.nic.settle()
    sender.nic.advance(12_000)
    sender.nic.settle()
    assert len(sender.wire.all()) == 2, "the new rate holds at once"
    sender.limit(0, 0)
    sender.nic.settle()
    assert (len(sender.wire.all()), sender.sleeps_ns()) == (7, NEVER)


def test_segments_are_frames(sender: Sender) -> None:
    """A packet for TSO does not leave at once: its segments have their times."""
    sender.limit(0, 10)
    data = frame(14 + 20 + 20 + 10 * 1000)
    how = Offload(mss=1000)
    desc = data_desc(sender.tx.buffer(data), len(data), DCMD_TSE=1, POPTS_IXSM=1, POPTS_TXSM=1, PAYLEN=10_000)
    sender.tx.post(context_desc(how), desc)
    gone: list[int] = []
    while len(gone) < 10:
        sender.nic.settle()
        gone += [sender.now_ns()] * len(sender.wire.all())
        assert sender.tx.done(1) is (len(gone) == 10)
        if len(gone) < 10:
            sender.nic.advance(sender.sleeps_ns())
    assert gone == [n * 1054 * 800 for n in range(10)]


@pytest.mark.parametrize("late_ns", [100_000, 1_900_000])
def test_a_loop_that_wakes_late_makes_up_for_it(sender: Sender, late_ns: int) -> None:
    sender.limit(0, 10)
    assert sender.post(1500, 60) == 60
    for _ in range(20):
        sender.nic.settle()
        sender.nic.advance(sender.sleeps_ns() + late_ns)
    sender.nic.settle()
    sent = len(sender.wire.all())
    assert sent - 1 == sender.now_ns() // 1_200_000


def test_a_queue_that_was_idle_saves_nothing_up_but_what_rttbcnrm_says(sender: Sender) -> None:
    sender.limit(0, 10)
    for mmw, burst in ((0, 1), (4, 3)):
        sender.tx.write(RTTBCNRM, mmw)  # ixgbe_set_vf_rate_limit writes 4
        sender.nic.advance(1_000_000_000)
        sender.post(1500, 20)
        sender.nic.settle()
        assert len(sender.wire.all()) == burst
        for _ in range(20):
            sender.nic.advance(1_200_000)
            sender.nic.settle()
        sender.wire.all()


def test_a_reset_forgets_who_waits(sender: Sender) -> None:
    sender.limit(0, 10)
    sender.post(1500, 20)
    sender.nic.settle()
    sender.nic.pf.reset(software=True)
    assert sender.sleeps_ns() == NEVER
    sender.nic.pf.bus_master = True
    sender.tx.write(DMATXCTL, DMATXCTL.of(TE=1, VT=0x8100))
    sender.tx.enable(0, 64)
    sender.post(1500, 20)
    sender.nic.settle()
    assert len(sender.wire.all()) == 21


def test_a_queue_switched_off_while_it_waits_wakes_nobody(sender: Sender) -> None:
    sender.limit(0, 10)
    sender.post(1500, 20)
    sender.nic.settle()
    sender.tx.write(TXDCTL, 0)
    assert sender.sleeps_ns() == NEVER


def test_the_loop_sleeps_between_frames_and_wakes_for_them() -> None:
    """On the machine's clock, which may be late and never early."""
    ours, far = PeerPort.pair()
    with TxRig(ours) as tx, far:
        tx.enable(0, 32)
        tx.write(RTTBCNRC, 1 << 31 | 1000 << 14)
        for _ in range(11):
            tx.send(frame(1500))
        loop = Loop([tx.nic], spin_us=0)
        start_s = time.monotonic()
        while tx.read(TDH) != 11 and time.monotonic() - start_s < 8:
            loop.run(0.005)
        took_s = time.monotonic() - start_s
        loop.close()
        assert tx.read(TDH) == 11
        assert took_s >= 10 * 0.0012
        assert loop.sleeps >= 2, "a late one makes up for it, but nobody spins"
