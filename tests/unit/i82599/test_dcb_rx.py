# SPDX-License-Identifier: BSD-3-Clause
"""Traffic classes on receive: after what Linux's mqprio has ixgbe write, and what DPDK's DCB writes.

User priority to class (RTRUP2TC), class to queues (MRQC, RQTC) and to a part of the packet buffer (RXPBSIZE), and
priority pause by class.
"""

from collections.abc import Iterator, Sequence

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import ARP, Dot1Q, Ether

from device.i82599.card import Card
from device.machine.core import ffi, lib
from device.machine.wire import PeerPort
from device.regs.i82599 import (
    CTRL_EXT,
    DROPEN,
    ETQF,
    ETQS,
    FCCFG,
    FCRTH,
    GPRC,
    LXOFFTXC,
    MPC,
    MRQC,
    PXOFFTXC,
    PXONTXC,
    QPRC,
    QPRDC,
    RDBAL,
    RDH,
    RDT,
    RETA,
    RQTC,
    RSSRK,
    RTRPCS,
    RTRUP2TC,
    RXCTRL,
    RXPBSIZE,
    TDH,
    TDT,
)
from device.regs.i82599.filters import MrqeMode
from tests.rigs import dcb
from tests.rigs.rx import IOVA, RING_SPACE, Rig, Ring
from tests.rigs.tx import TxRig, data_desc
from tests.rigs.wire import Wire

MAP4 = [0, 0, 1, 1, 2, 2, 3, 3]  # tc qdisc add dev eth0 root mqprio num_tc 4 map 0 0 1 1 2 2 3 3
MAP8 = [7, 0, 6, 1, 5, 2, 4, 3]
RING_BYTES = 0x4000


def tagged(priority: int, flow: int = 7, *, size: int = 60) -> bytes:
    ether = Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02")
    frame = ether / Dot1Q(prio=priority, vlan=5) / IP(src=f"10.0.0.{flow}", dst="10.9.8.7") / UDP(sport=7, dport=9)
    return bytes(frame).ljust(size, b"\0")


def bare() -> bytes:
    ether = Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02")
    return bytes(ether / IP(src="10.0.0.1", dst="10.9.8.7") / UDP(sport=7, dport=9)).ljust(60, b"\0")


def rings_on(rig: Rig, queues: Sequence[int], post: int = 7) -> dict[int, Ring]:
    """A small ring for each queue, all in the rig's memory."""
    rings = {}
    for slot, queue in enumerate(queues):
        ring = rings[queue] = rig.ring(queue)
        ring.base = slot * 0x100
        ring.buffers = RING_SPACE + slot * RING_BYTES
        rig.write(RDBAL, (IOVA + ring.base) & 0xFFFF_FFFF, queue)
        ring.post(post)
    return rings


def landed(rings: dict[int, Ring]) -> list[int]:
    """Queues, once for each frame."""
    return [queue for queue, ring in rings.items() for _ in ring.take()]


def hash_of(rig: Rig, data: bytes) -> int:
    packet, kind = ffi.new("struct packet *"), ffi.new("uint32_t *")
    lib.parse_tagged(data, len(data), 0x8100, 0, packet)
    return int(lib.rss_hash(ffi.addressof(rig.nic.c, "rss"), data, packet, kind))


@pytest.mark.parametrize("classes", [4, 8])
def test_mqprio_frames_land_in_queues_of_their_class(rig: Rig, classes: int) -> None:
    prio_tc = MAP4 if classes == 4 else MAP8
    dcb.mqprio(rig, classes, prio_tc, rss=4)
    first = 128 // classes
    rings = rings_on(rig, [tc * first + i for tc in range(classes) for i in range(4)])
    seen = set()
    for priority, tc in enumerate(prio_tc):
        for flow in range(20, 26):
            data = tagged(priority, flow)
            rig.receive(data)
            queue = tc * first + hash_of(rig, data) % 128 % 4
            assert landed(rings) == [queue]
            seen.add(queue % first)
            rings[queue].post(1)
    assert seen == {0, 1, 2, 3}, "within a class RSS spreads"
    rig.receive(bytes(Ether(src="02:00:00:00:00:02", dst="ff:ff:ff:ff:ff:ff") / ARP()).ljust(60, b"\0"))
    assert landed(rings) == [prio_tc[0] * first], "no tag is priority 0, no hash the first queue"
    counts = [rig.read(QPRC, tc * (8 // classes)) for tc in range(classes)]
    each = 8 * 6 // classes
    assert sorted(counts) == [each] * (classes - 1) + [each + 1], "each class has its counters (..._config_tc_stats)"


@pytest.mark.parametrize(("bits", "queues"), [(0, 1), (1, 2), (2, 4), (4, 16)])
def test_rqtc_limits_each_class(rig: Rig, bits: int, queues: int) -> None:
    dcb.mqprio(rig, 8, MAP8, rss=16)
    rig.write(RQTC, 0x44440444 | bits << 12)
    rings = rings_on(rig, range(3 * 16, 4 * 16))
    used = set()
    for flow in range(64):
        rig.receive(tagged(MAP8.index(3), flow))
        for queue in landed(rings):
            rings[queue].post(1)
            used.add(queue - 48)
    assert used <= set(range(queues))
    assert len(used) > queues // 2


def test_dpdk_spreads_within_classes_and_never_writes_rqtc(rig: Rig) -> None:
    rig.write(MRQC, dcb.RSS_FIELDS | 0x00C00000 | MrqeMode.RTRSS4TC)
    rig.write(RTRUP2TC, dcb.by_priority(MAP4))
    for n in range(32):
        rig.write(RETA, 0x03020100, n)
    rig.write(RSSRK, 0x12345678, 0)
    rig.write(RSSRK, 0x9ABCDEF0, 1)
    rings = rings_on(rig, range(64, 68))
    for flow in range(6):
        rig.receive(tagged(4, flow))
    assert len(set(landed(rings))) > 1


@pytest.mark.parametrize(("mode", "first"), [(MrqeMode.RT8TC, 16), (MrqeMode.RT4TC, 32)])
def test_without_rss_a_class_has_one_queue(rig: Rig, mode: MrqeMode, first: int) -> None:
    """FreeBSD's and DPDK's ixgbe_dcb_config_82599 without RSS."""
    rig.write(MRQC, mode)
    rig.write(RTRUP2TC, dcb.by_priority(MAP4))
    rings = rings_on(rig, [0, first, 2 * first, 3 * first])
    for priority, tc in enumerate(MAP4):
        rig.receive(tagged(priority, priority))
        assert landed(rings) == [tc * first]
    rig.receive(bare())
    assert landed(rings) == [0]


def test_filters_that_name_a_queue_go_before_classes(rig: Rig) -> None:
    dcb.mqprio(rig, 4, MAP4)
    rig.write(ETQF, ETQF.of(FILTER_EN=1, ETYPE=0x88F7))
    rig.write(ETQS, ETQS.of(QUEUE_EN=1, RX_QUEUE=2))
    rings = rings_on(rig, [2, 96])
    frame = Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02") / Dot1Q(prio=7, type=0x88F7)
    rig.receive(bytes(frame).ljust(60, b"\0"))
    assert landed(rings) == [2]


def test_of_two_tags_the_inner_one_counts(rig: Rig) -> None:
    dcb.mqprio(rig, 4, MAP4)
    rig.write(CTRL_EXT, CTRL_EXT.of(EXTENDED_VLAN=1))
    rings = rings_on(rig, [0, 96, 97, 98, 99])
    inner = tagged(7)
    rig.receive(inner[:12] + bytes.fromhex("88a80001") + inner[12:])
    assert landed(rings) == [96 + hash_of(rig, inner) % 4]


# -- the packet buffer ------------------------------------------------------------------------------------------------


def test_a_class_that_waits_leaves_the_others_alone(rig: Rig) -> None:
    dcb.mqprio(rig, 4, MAP4, rss=1)
    rings = rings_on(rig, [0, 32, 96], post=0)
    rings[0].post(7)
    rings[96].post(7)
    rig.receive(*[tagged(priority) for _ in range(5) for priority in (0, 2, 7)])
    assert landed(rings) == [0] * 5 + [96] * 5
    assert (rig.nic.c.rx.fifo.frames, rig.nic.c.rx.fifo.part[1].frames) == (5, 5)
    rings[32].post(7)
    assert rig.drain() == 5
    assert landed(rings) == [32] * 5
    assert rig.nic.c.rx.fifo.used_bytes == 0


def test_within_a_class_one_queue_holds_up_the_others(rig: Rig) -> None:
    dcb.mqprio(rig, 4, MAP4, rss=4)
    rings = rings_on(rig, range(4), post=0)
    for queue in (1, 2, 3):
        rings[queue].post(7)
    flows = {hash_of(rig, tagged(0, flow)) % 4: tagged(0, flow) for flow in range(40)}
    rig.receive(flows[0], flows[1], flows[2])
    assert landed(rings) == []


def test_each_part_has_its_size_and_its_counter(rig: Rig) -> None:
    dcb.mqprio(rig, 4, MAP4, rss=1)
    rig.write(RXPBSIZE, 16 * 1024, 2)
    rings_on(rig, [64], post=0)
    rig.receive(*[tagged(4, size=1024) for _ in range(20)])
    waiting = int(rig.nic.c.rx.fifo.part[2].frames)
    assert 13 <= waiting <= 15
    assert [rig.read(MPC, tc) for tc in range(8)] == [0, 0, 20 - waiting, 0, 0, 0, 0, 0]
    assert rig.read(GPRC) == 20


def test_the_parts_are_no_more_than_the_whole(rig: Rig) -> None:
    """After reset each says 512 KiB: class 0 has them."""
    rig.write(MRQC, MrqeMode.RT4TC)
    rig.write(RTRUP2TC, dcb.by_priority(MAP4))
    rings_on(rig, [0, 32], post=0)
    rig.receive(tagged(2), tagged(0))
    assert [rig.read(MPC, tc) for tc in range(2)] == [0, 1]
    rig.write(RXPBSIZE, 256 * 1024, 0)
    rig.receive(tagged(2))
    assert rig.nic.c.rx.fifo.part[1].frames == 1


def test_a_class_may_drop(rig: Rig) -> None:
    """DROPEN has a bit a class."""
    dcb.mqprio(rig, 4, MAP4, rss=1)
    rig.write(DROPEN, 1 << 2)
    rings_on(rig, [32, 64], post=0)
    rig.receive(tagged(2), tagged(4))
    assert (rig.nic.c.rx.fifo.frames, rig.read(QPRDC, 4)) == (1, 1)


# -- priority pause ---------------------------------------------------------------------------------------------------


class Cable:
    """Two NICs with four classes each and a cable between them; the receiver's driver looks after some classes only."""

    def __init__(self) -> None:
        one, other = PeerPort.pair()
        self.tx, self.rx, self.other = TxRig(one), Rig(), other
        self.rx.nic.set_port(other.c)
        for nic in (self.tx, self.rx):
            dcb.mqprio(nic, 4, MAP4, rss=1, lossless=[0, 1, 2, 3])
            nic.nic.manual_clock(1_000_000_000)
        self.tx.write(RXCTRL, 1)
        for queue in QUEUE_OF.values():
            self.tx.enable(queue, 64)
        self.buffer = [self.tx.buffer(tagged(2 * tc, size=1514)) for tc in range(4)]
        self.rings = rings_on(self.rx, [0, 32, 64, 96], post=0)

    def run(self, left: dict[int, int], served: Sequence[int]) -> dict[int, int]:
        """Post and take until nothing moves; what arrived, by class."""
        got, idle = dict.fromkeys(range(4), 0), 0
        while idle < 200:
            moved = 0
            for tc, n in left.items():
                queue = QUEUE_OF[tc]
                room = min(n, (self.tx.read(TDH, queue) - self.tx.read(TDT, queue) - 1) % 64)
                self.tx.post(*[data_desc(self.buffer[tc], 1514)] * room, q=queue)
                left[tc] -= room
                moved += room
            for tc in served:
                ring = self.rings[32 * tc]
                new = len(ring.take())
                got[tc] += new
                moved += new
                free = (self.rx.read(RDH, ring.queue) - self.rx.read(RDT, ring.queue) - 1) % 8
                ring.post(free)
            self.tx.nic.step()
            self.rx.nic.step()
            self.tx.nic.advance(1000)
            self.rx.nic.advance(1000)
            idle = 0 if moved else idle + 1
        return got


QUEUE_OF = {0: 0, 1: 64, 2: 96, 3: 112}  # Tx, 4 classes


@pytest.fixture
def cable() -> Iterator[Cable]:
    made = Cable()
    with made.tx, made.rx, made.other:
        yield made


def test_one_class_is_stopped_the_others_go_on_and_nothing_is_lost(cable: Cable) -> None:
    left = {0: 1000, 1: 1000, 3: 1000}
    got = cable.run(left, served=[0, 3])
    assert (got[0], got[1], got[3]) == (1000, 0, 1000)
    assert left[1] > 0, "its sender stands still"
    assert [bool(cable.rx.read(PXOFFTXC, up)) for up in range(2, 6)] == [True, True, False, False]
    assert [cable.rx.read(PXONTXC, up) for up in range(2, 6)] == [0] * 4
    rest = cable.run(left, served=[0, 1, 3])
    assert rest[1] == 1000
    assert [cable.rx.read(MPC, tc) for tc in range(8)] == [0] * 8
    assert cable.rx.read(PXONTXC, 2) > 0


def test_the_pause_of_8023x_stops_all_while_one_class_wants_it(rig: Rig) -> None:
    ours, far = PeerPort.pair()
    rig.nic.manual_clock(1_000_000_000)
    rig.nic.set_port(ours.c)
    with ours, far:
        dcb.mqprio(rig, 4, MAP4, rss=1, lossless=[1, 2])
        rig.write(FCCFG, FCCFG.of(TFCE_802_3X=1))
        rings = rings_on(rig, [0, 32, 64, 96], post=0)
        wire = Wire(far)
        for priority in (2, 4):
            for _ in range(25):
                wire.send([tagged(priority, size=1514)])
                rig.nic.settle()
        (heard,) = wire.all()
        assert heard[12:18] == bytes.fromhex("88080001ffff")
        rings[32].post(7)
        for _ in range(4):
            rig.nic.settle()
            rings[32].take()
            rings[32].post(7)
        assert wire.all() == [], "the other class is above its mark"
        for _ in range(4):
            rings[64].post(7)
            rig.nic.settle()
            rings[64].take()
        (heard,) = wire.all()
        assert heard[12:18] == bytes.fromhex("880800010000")
        assert rig.read(LXOFFTXC) == 1
    rig.nic.set_port(None)


def test_frames_on_their_way_when_a_class_was_stopped_hold_up_no_other(rig: Rig) -> None:
    """On a socket there are more of them than RXPBSIZE has room for above the mark."""
    ours, far = PeerPort.pair()
    rig.nic.set_port(ours.c)
    with ours, far:
        dcb.mqprio(rig, 8, list(range(8)), rss=1, lossless=[1])
        rings = rings_on(rig, [0, 16], post=0)
        rings[0].post(7)
        wire = Wire(far)
        for _ in range(200):
            wire.send([tagged(1, size=1514)])
            rig.nic.settle()
        wire.send([tagged(0)])
        rig.nic.settle()
        assert landed(rings) == [0]
        assert rig.nic.c.rx.fifo.part[1].frames == 200
        assert [rig.read(MPC, tc) for tc in range(8)] == [0] * 8
    rig.nic.set_port(None)


def test_marks_of_a_class_without_fcen_stop_nobody(rig: Rig) -> None:
    dcb.mqprio(rig, 4, MAP4, rss=1, lossless=[1])
    assert [FCRTH(rig.read(FCRTH, tc)).FCEN for tc in range(4)] == [0, 1, 0, 0]
    rings_on(rig, [0, 32], post=0)
    rig.receive(*[tagged(0, size=1514) for _ in range(64)])
    assert int(rig.nic.c.flow.xoff) == 0


def test_weights_on_receive_are_said_to_be_stored(caplog: pytest.LogCaptureFixture) -> None:
    with Card() as card:
        card.regs.write(RTRPCS.offset(), 0x46)
    assert "weights of receive classes" in caplog.text
