# SPDX-License-Identifier: BSD-3-Clause
"""PTP's time stamps through our driver: the driver's clock, frames that are stamped, and two NICs on one cable.

What stock ixgbe does at the same places stands beside each test.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from device.machine.wire.peer import PeerPort
from device.regs.i82599 import ETQF, LINKS, RXSTMPH, SYSTIMH, SYSTIML, TSYNCRXCTL, TSYNCTXCTL
from device.regs.i82599.desc import PktType, RssType
from device.regs.i82599.mac import LinkSpeed
from driver.core.rings import RxFrame
from driver.errors import DriverError
from driver.ixgbe.timesync import TimeStamps
from tests.rigs.pair import MAC, Rig, Wire, flow, offload, plain, rig
from tests.rigs.ptp import udp, v2

PTP = bytes.fromhex("011b19000000 020000000009 88f7")
SYNC, DELAY_REQ, ANNOUNCE = 0, 1, 11
GRAIN_NS = 32  # of the driver's clock at 10 Gb/s


def message(kind: int) -> bytes:
    """A version 2 message on Ethernet."""
    return (PTP + bytes([kind, 2, 0, 44])).ljust(60, b"\0")


def stamping() -> Any:
    """An offload that only asks for a stamp."""
    off = offload(l4_csum=False, ipv4=False)
    off.stamp = 1
    return off


def start(up: Rig) -> TimeStamps:
    """As ixgbe_ptp_start_cyclecounter and ixgbe_ptp_set_timestamp_mode do it."""
    stamps = TimeStamps(up.adapter.bar)
    stamps.start(up.adapter.link.speed_mbps)
    up.adapter.set_rx_mode(promiscuous=True)
    return stamps


def harvest(up: Rig) -> list[RxFrame]:
    """What waits on queue 0."""
    up.settle()
    frames: list[RxFrame] = up.adapter.rx_rings[0].harvest()
    return frames


@pytest.mark.parametrize("shared", [False, True])
def test_frames_say_what_they_are_and_when_they_came(wire: Wire, *, shared: bool) -> None:
    # ixgbe_process_skb_fields: hash and its type, packet type, and ixgbe_ptp_rx_hwtstamp for a frame with the bit.
    with rig(wire, manual_clock=True) as up:
        if shared:
            up.nic.core.share_doorbells()
        stamps = start(up)
        up.advance_us(3.2)
        assert stamps.now_ns() == 3200
        wire.inject(plain(1), flow(1), message(SYNC), message(ANNOUNCE), flow(2, v6=True, udp=True))
        frames = harvest(up)
        assert [frame.stamp_ns for frame in frames] == [None, None, 3200, None, None]
        assert [PktType(frame.packet_type) for frame in frames[:2]] == [PktType(0), PktType.IPV4 | PktType.TCP]
        assert PktType(frames[4].packet_type) == PktType.IPV6 | PktType.UDP
        assert PktType.ETQF in PktType(frames[2].packet_type)
        assert [frame.rss_type for frame in frames] == [0, RssType.IPV4_TCP, 0, 0, RssType.IPV6]
        assert [bool(frame.rss_hash) for frame in frames] == [False, True, False, False, True]


@pytest.mark.parametrize("shared", [False, True])
def test_a_sent_frame_is_stamped_if_it_asks(wire: Wire, *, shared: bool) -> None:
    # ixgbe_xmit_frame_ring sets the bit, ixgbe_ptp_tx_hwtstamp_work reads the stamp.
    with rig(wire, manual_clock=True) as up:
        if shared:
            up.nic.core.share_doorbells()
        stamps = start(up)
        up.advance_us(3.2)
        up.send([message(SYNC)])
        assert stamps.sent_ns() is None
        up.send([message(SYNC)], offload=stamping())
        assert stamps.sent_ns() == 3200
        assert stamps.sent_ns() is None
        assert wire.sent() == [message(SYNC)] * 2


def test_a_stamp_that_is_not_read_is_the_only_one(wire: Wire) -> None:
    # ixgbe_ptp_rx_rgtstamp reads at once, so that the next frame can have one.
    with rig(wire, manual_clock=True) as up:
        start(up)
        wire.inject(message(SYNC), message(DELAY_REQ))
        assert [frame.stamp_ns for frame in harvest(up)] == [0, None]
        wire.inject(message(DELAY_REQ))
        assert [frame.stamp_ns for frame in harvest(up)] == [0]


def test_a_stamp_that_somebody_else_took_is_not_shown(wire: Wire) -> None:
    # ixgbe_ptp_rx_rgtstamp looks at TSYNCRXCTL: the bit of the descriptor is no proof.
    with rig(wire, manual_clock=True) as up:
        start(up)
        wire.inject(message(SYNC))
        up.settle()
        up.adapter.bar.read(RXSTMPH)
        assert [frame.stamp_ns for frame in harvest(up)] == [None]


def test_start_begins_anew(wire: Wire) -> None:
    # ixgbe_ptp_set_timestamp_mode reads both high halves, "clear TX/RX time stamp registers, just to be sure".
    with rig(wire, manual_clock=True) as up:
        stamps = start(up)
        up.adapter.bar.write(SYSTIMH, 7)
        wire.inject(message(SYNC))
        up.send([message(SYNC)], offload=stamping())
        assert up.adapter.bar.read(TSYNCRXCTL).VALID
        assert up.adapter.bar.read(TSYNCTXCTL).VALID
        stamps.start(up.adapter.link.speed_mbps)
        assert not up.adapter.bar.read(TSYNCRXCTL).VALID
        assert (stamps.now_ns(), stamps.sent_ns()) == (0, None)


def test_both_halves_are_of_one_moment(wire: Wire) -> None:
    # ixgbe_ptp_read_82599 reads SYSTIML first: that latches SYSTIMH.
    with rig(wire, manual_clock=True) as up:
        stamps = start(up)
        up.adapter.bar.write(SYSTIML, 0xFFFF_FFFF)
        up.advance_us(3.2)
        assert stamps.now_ns() == 0x1_0000_0000 + 3199


def test_messages_in_udp_are_stamped_too(wire: Wire) -> None:
    # ixgbe_ptp_set_timestamp_mode, HWTSTAMP_FILTER_PTP_V2_EVENT.
    with rig(wire, manual_clock=True) as up:
        start(up)
        wire.inject(udp(v2(DELAY_REQ)))
        assert [frame.stamp_ns for frame in harvest(up)] == [0]


def test_stop_ends_it(wire: Wire) -> None:
    # ixgbe_ptp_set_timestamp_mode with HWTSTAMP_FILTER_NONE; ixgbe_ptp_stop.
    with rig(wire, manual_clock=True) as up:
        stamps = start(up)
        stamps.stop()
        up.advance_us(10)
        wire.inject(message(SYNC))
        assert [frame.stamp_ns for frame in harvest(up)] == [None]
        up.send([message(SYNC)], offload=stamping())
        assert (stamps.now_ns(), stamps.sent_ns()) == (0, None)
        assert not up.adapter.bar.read(TSYNCRXCTL).VALID
        assert int(up.nic.regs.get(ETQF, 3)) == 0, "whose EtherType other software may want"


def test_the_clock_needs_a_link_and_follows_it(wire: Wire) -> None:
    # ixgbe_ptp_start_cyclecounter, called by ixgbe_watchdog_link_is_up.
    with rig(wire, manual_clock=True) as up:
        stamps = start(up)
        with pytest.raises(DriverError, match="0 Mb/s: wait until it is up"):
            stamps.start(0)
        up.advance_us(32)
        up.nic.regs.put(LINKS, 0, LINKS.of(UP=1, SPEED=LinkSpeed.SPEED_1G))
        up.nic.core.link_up = True
        stamps.follow(1000)
        up.advance_us(32)
        assert stamps.now_ns() == 64_000
        up.nic.regs.put(LINKS, 0, LINKS.of(UP=1, SPEED=LinkSpeed.SPEED_100))
        up.nic.core.link_up = True
        stamps.follow(100)
        up.advance_us(32)
        assert stamps.now_ns() == 96_000


# -- two NICs on one cable ---------------------------------------------------------------------------------------------


@pytest.fixture
def ends() -> Iterator[tuple[PeerPort, PeerPort]]:
    both = PeerPort.pair()
    yield both
    for end in both:
        end.close()


def link(one: Rig, other: Rig) -> None:
    """Let either see the other's light, and their drivers the link."""
    for _ in range(3):
        for up in (one, other):
            up.settle()
            up.nic.port.poll()  # type: ignore[union-attr]  # both have one
            up.nic.link.evaluate()
            up.adapter.service()
    assert (one.link_up(), other.link_up()) == (True, True)


def carry(sender: Rig, sends: TimeStamps, receiver: Rig, kind: int) -> tuple[int, int]:
    """One message: when it left by the one clock, when it came by the other."""
    sender.send([message(kind)], offload=stamping())
    (frame,) = harvest(receiver)
    left_ns = sends.sent_ns()
    assert left_ns is not None
    assert frame.stamp_ns is not None
    came_ns = frame.stamp_ns
    receiver.adapter.rx_rings[0].refill()
    return left_ns, came_ns


def exchange(master: Rig, slave: Rig, clocks: tuple[TimeStamps, TimeStamps]) -> tuple[int, int]:
    """Sync and Delay_Req, as ptp4l reckons: the slave's offset and the way there and back, in ns."""
    t1, t2 = carry(master, clocks[0], slave, SYNC)
    t3, t4 = carry(slave, clocks[1], master, DELAY_REQ)
    return ((t2 - t1) - (t4 - t3)) // 2, (t2 - t1) + (t4 - t3)


def test_two_clocks_find_their_offset(ends: tuple[PeerPort, PeerPort]) -> None:
    # ptp4l -H: ixgbe_ptp_tx_hwtstamp and ixgbe_ptp_rx_rgtstamp on either side.
    with ExitStack() as stack:
        master, slave = (stack.enter_context(rig(end, name=f"pair{n}")) for n, end in enumerate(ends))
        link(master, slave)
        clocks = start(master), start(slave)
        for _ in range(20):
            ours_ns, theirs_ns = clocks[1].now_ns(), clocks[0].now_ns()
            least_ns = ours_ns - theirs_ns  # theirs was read later
            offset_ns, both_ways_ns = exchange(master, slave, clocks)
            theirs_ns, ours_ns = clocks[0].now_ns(), clocks[1].now_ns()
            most_ns = ours_ns - theirs_ns
            assert both_ways_ns >= -2 * GRAIN_NS, "no frame comes before it left"
            slack_ns = both_ways_ns // 2 + 2 * GRAIN_NS
            assert least_ns - slack_ns <= offset_ns <= most_ns + slack_ns


def test_with_time_in_our_hands_the_offset_is_exact(ends: tuple[PeerPort, PeerPort]) -> None:
    # ptp4l -H, as above; ixgbe_ptp_adjtime_82599 then takes the offset away.
    with ExitStack() as stack:
        master, slave = (
            stack.enter_context(rig(end, name=f"pair{n}", manual_clock=True)) for n, end in enumerate(ends)
        )
        link(master, slave)
        clocks = start(master), start(slave)
        slave.advance_us(320)
        assert exchange(master, slave, clocks) == (320_000, 0)
        for up in (master, slave):
            up.advance_us(1_000_000)
        assert exchange(master, slave, clocks) == (320_000, 0), "they run alike"


def test_a_message_for_nobody_does_not_block_the_next(ends: tuple[PeerPort, PeerPort]) -> None:
    # ixgbe_ptp_rx_hang.
    with ExitStack() as stack:
        master, slave = (
            stack.enter_context(rig(end, name=f"pair{n}", manual_clock=True)) for n, end in enumerate(ends)
        )
        link(master, slave)
        clocks = start(master), start(slave)
        master.send([message(ANNOUNCE), plain(1, dst=MAC)])
        assert [frame.stamp_ns for frame in harvest(slave)] == [None, None]
        slave.adapter.rx_rings[0].refill()
        assert carry(master, clocks[0], slave, SYNC) == (0, 0)
