# SPDX-License-Identifier: BSD-3-Clause
"""How MRQC deals out the queues to pools, and which queue of its pool a frame gets."""

from collections.abc import Iterator

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Dot1Q, Ether

from device.machine.core import ffi, lib
from device.regs.i82599 import (
    ETQF,
    ETQS,
    FCTRL,
    FDIRCMD,
    FDIRCTRL,
    FDIRDIP4M,
    FDIRM,
    FDIRSIP4M,
    FDIRTCPM,
    FDIRUDPM,
    FTQF,
    L34TIMIR,
    MRQC,
    PFQDE,
    PSRTYPE,
    RDT,
    RTRUP2TC,
    RXDCTL,
    RXPBSIZE,
    SDPQF,
    SRRCTL,
    TSYNCRXCTL,
    VFRE,
    VT_CTL,
)
from device.regs.i82599.desc import RssType
from device.regs.i82599.fdir import FdirCmd
from device.regs.i82599.filters import MrqeMode
from device.regs.i82599.rx import DescType
from device.regs.i82599.timesync import TsyncType
from tests.rigs import dcb, ptp
from tests.rigs.pools import RSS_FIELDS, PoolRig, mac, pool_rig
from tests.rigs.rx import IOVA, one

BROADCAST = b"\xff" * 6
OTHER = bytes.fromhex("020000000fff")


@pytest.fixture
def card() -> Iterator[PoolRig]:
    with pool_rig() as made:
        yield made


def flow(to: bytes, n: int = 1, *, priority: int | None = None, dport: int = 9) -> bytes:
    ether = Ether(dst=to, src=OTHER)
    if priority is not None:
        ether /= Dot1Q(prio=priority, vlan=5)
    return bytes(ether / IP(src=f"10.0.0.{n}", dst="10.9.8.7") / UDP(sport=7, dport=dport)).ljust(60, b"\0")


def hash_of(card: PoolRig, data: bytes) -> int:
    packet, kind = ffi.new("struct packet *"), ffi.new("uint32_t *")
    lib.parse_tagged(data, len(data), 0x8100, 0, packet)
    return int(lib.rss_hash(ffi.addressof(card.nic.c, "rss"), data, packet, kind))


def queues_of(card: PoolRig, to: bytes, flows: int = 24) -> set[int]:
    """Queues that frames to one address reach."""
    seen = set()
    for n in range(flows):
        card.receive(flow(to, n))
        seen |= set(card.got())
    return seen


@pytest.mark.parametrize(("each", "pool"), [(4, 0), (4, 1), (4, 31), (2, 0), (2, 33), (2, 63)])
def test_rss_stays_within_the_pool(card: PoolRig, each: int, pool: int) -> None:
    card.use(each)
    card.address(0, mac(1), pool)
    card.rss(pool, bits=2)
    card.listen(*range(pool * each, pool * each + each))
    for n in range(24):
        data = flow(mac(1), n)
        card.receive(data)
        assert list(card.got()) == [pool * each + hash_of(card, data) % 128 % 4 % each]
    assert queues_of(card, mac(1)) == set(range(pool * each, pool * each + each))


@pytest.mark.parametrize(("bits", "queues"), [(0, 1), (1, 2), (2, 4), (3, 4), (7, 4)])
def test_rqpl_limits_a_pool_to_so_many_queues(card: PoolRig, bits: int, queues: int) -> None:
    """More than the pool has are as many as it has."""
    card.use(4)
    card.address(0, mac(1), 2)
    card.address(1, mac(2), 3)
    card.rss(2, bits=bits)
    card.rss(3, bits=1)
    card.listen(*range(8, 16))
    assert queues_of(card, mac(1)) == set(range(8, 8 + queues))
    assert queues_of(card, mac(2)) == {12, 13}


def test_the_hash_reaches_the_descriptor(card: PoolRig) -> None:
    card.use(4)
    card.address(0, mac(1), 2)
    card.listen(8)
    card.receive(flow(mac(1)))
    _, q0, _ = one(card.rings[8].take())
    assert (RssType.IPV4, hash_of(card, flow(mac(1)))) == (q0.RSSTYPE, q0.RSS_HASH)


def test_pools_without_rss_use_their_first_queue(card: PoolRig) -> None:
    card.use(2)
    card.write(MRQC, RSS_FIELDS | MrqeMode.VMDQ)
    card.address(0, mac(1), 40)
    card.rss(40, bits=1)
    card.listen(80, 81)
    assert queues_of(card, mac(1)) == {80}


@pytest.mark.parametrize(("mode", "each"), [(MrqeMode.VMDQRT8TC, 8), (MrqeMode.VMDQRT4TC, 4)])
def test_a_class_has_a_queue_in_each_pool(card: PoolRig, mode: MrqeMode, each: int) -> None:
    """And its own part of the packet buffer."""
    card.use(each)
    card.write(MRQC, RSS_FIELDS | mode)
    card.write(RTRUP2TC, dcb.by_priority(range(8)))
    for tc in range(8):
        card.write(RXPBSIZE, 64 * 1024, tc)
    card.address(0, mac(1), 3)
    card.address(1, mac(2), 5)
    card.listen(*range(3 * each, 3 * each + each), *range(5 * each, 5 * each + 2), post=0)
    for priority in range(8):
        card.receive(flow(mac(1), priority=priority))
        assert card.nic.c.rx.fifo.part[priority % each].frames == 1 + priority // each
    for ring in card.rings.values():
        ring.post(7)
    card.drain()
    assert {queue: len(frames) for queue, frames in card.got().items()} == {
        3 * each + tc: 8 // each for tc in range(each)
    }
    card.receive(flow(mac(2), priority=1), flow(mac(2)))
    assert sorted(card.got()) == [5 * each, 5 * each + 1], "no tag is priority 0"


def test_without_pools_the_modes_are_as_they_were(card: PoolRig) -> None:
    """VT_CTL turns pools on, not MRQC."""
    card.use(4, VT_ENABLE=0)
    card.address(0, mac(1), 2)
    card.listen(0, 8)
    assert queues_of(card, mac(1)) == {0}


def test_pools_with_an_mrqc_that_knows_none_choose_frames_and_no_queues(card: PoolRig) -> None:
    card.use(4, DIS_DEFPL=1)
    card.write(MRQC, RSS_FIELDS | MrqeMode.RSS)
    card.address(0, mac(1), 2, 7)
    card.listen(0, 1, 2, 3, 8)
    assert queues_of(card, mac(1)) == {0, 1, 2, 3}
    card.receive(flow(mac(1)))
    assert sum(len(frames) for frames in card.got().values()) == 1, "two pools, and no queues of their own: once"
    card.receive(flow(mac(2)))
    assert card.got() == {}


def test_the_pf_keeps_rss_beside_a_macvlan(card: PoolRig) -> None:
    """ethtool -K eth0 l2-fwd-offload on, and a macvlan: pool 0 is the PF's, pool 1 the macvlan's."""
    card.use(4, pf=0)
    card.write(FCTRL, FCTRL.of(BAM=1))
    card.address(0, mac(1), 0)
    card.address(1, mac(2), 1)
    card.modes(0, 1, AUPE=1, BAM=1, ROMPE=1)
    card.rss(0, 1, bits=2)
    card.listen(*range(8))
    assert queues_of(card, mac(1)) == {0, 1, 2, 3}
    assert queues_of(card, mac(2)) == {4, 5, 6, 7}
    card.receive(flow(b"\xff" * 6))
    assert sorted(queue // 4 for queue in card.got()) == [0, 1]


# -- filters that name a queue ----------------------------------------------------------------------------------------


def steer(card: PoolRig, queue: int, *, pool: int | None = None) -> None:
    """UDP port 77 to this queue."""
    mask = {"MASK": 0x1F & ~8, "POOL_MASK": int(pool is None), "POOL": pool or 0}
    card.write(FTQF, FTQF.of(PROTOCOL=1, PRIORITY=7, ENABLE=1, **mask))
    card.write(SDPQF, SDPQF.of(DST_PORT=int.from_bytes((77).to_bytes(2, "big"), "little")))
    card.write(L34TIMIR, L34TIMIR.of(SIZE_BP=1, QUEUE=queue))


def test_a_filter_of_a_pool_is_asked_for_that_pools_frames_alone(card: PoolRig) -> None:
    card.use(4)
    card.address(0, mac(1), 2)
    card.address(1, mac(2), 3)
    card.listen(8, 11, 12, 15)
    steer(card, 11, pool=2)
    card.receive(flow(mac(1), dport=77), flow(mac(2), dport=77))
    assert sorted(card.got()) == [11, 12]
    steer(card, 15, pool=3)
    card.receive(flow(mac(1), dport=77), flow(mac(2), dport=77))
    assert sorted(card.got()) == [8, 15]


def test_a_filter_may_take_a_frame_to_a_pool_that_receives(card: PoolRig) -> None:
    card.use(4, pools=(2, 3))
    card.address(0, mac(1), 2)
    card.listen(8, 12, 16)
    steer(card, 12)
    card.receive(flow(mac(1), dport=77))
    assert list(card.got()) == [12]
    steer(card, 16)
    card.receive(flow(mac(1), dport=77))
    assert card.got() == {}, "pool 4 does not receive"


def test_of_several_copies_each_stays_in_its_pool(card: PoolRig) -> None:
    card.use(4)
    card.modes(2, 3, 4, BAM=1)
    card.listen(8, 11, 12, 16)
    steer(card, 11)
    card.receive(flow(b"\xff" * 6, dport=77))
    assert {queue: len(found) for queue, found in card.got().items()} == {11: 1, 12: 1, 16: 1}


def test_an_ethertype_filter_with_a_pool_and_a_queue(card: PoolRig) -> None:
    card.use(4)
    card.modes(2, 3, BAM=1)
    card.listen(8, 12, 22)
    lldp = (b"\xff" * 6 + OTHER + b"\x88\xcc").ljust(60, b"\0")
    card.write(ETQF, ETQF.of(FILTER_EN=1, ETYPE=0x88CC, POOL_EN=1, POOL=5))
    card.write(ETQS, ETQS.of(QUEUE_EN=1, RX_QUEUE=22))
    card.receive(lldp)
    assert list(card.got()) == [22]
    card.bits(VFRE, [2, 3])
    card.receive(lldp)
    assert card.got() == {}
    card.write(ETQF, ETQF.of(FILTER_EN=1, ETYPE=0x88CC))
    card.receive(lldp)
    assert sorted(card.got()) == [8, 12]


def test_a_filter_that_drops_takes_every_copy(card: PoolRig) -> None:
    """Software leaves the drop queue off; ixgbe has 127."""
    card.use(4)
    card.modes(2, 3, BAM=1)
    card.listen(8, 12)
    card.write(FDIRCTRL, FDIRCTRL.of(PBALLOC=1, PERFECT_MATCH=1, DROP_Q=127))
    for register in (FDIRTCPM, FDIRUDPM, FDIRSIP4M, FDIRDIP4M):
        card.write(register, 0xFFFF_FFFF)
    card.write(FDIRM, sum(field.mask for field in FDIRM.FIELDS.values()))
    card.receive(flow(BROADCAST))
    assert sorted(card.got()) == [8, 12]
    card.write(FDIRCMD, FDIRCMD.of(CMD=FdirCmd.ADD_FLOW, DROP=1))
    card.receive(flow(BROADCAST))
    assert card.got() == {}


def test_a_filter_for_a_pool_spares_the_others(card: PoolRig) -> None:
    """FDIRM.POOL = 0 compares it."""
    card.use(4)
    card.modes(2, 3, BAM=1)
    card.listen(8, 11, 12)
    card.write(FDIRCTRL, FDIRCTRL.of(PBALLOC=1, PERFECT_MATCH=1))
    for register in (FDIRTCPM, FDIRUDPM, FDIRSIP4M, FDIRDIP4M):
        card.write(register, 0xFFFF_FFFF)
    card.write(FDIRM, sum(field.mask for field in FDIRM.FIELDS.values()) & ~FDIRM.of(POOL=1))
    card.write(FDIRCMD, FDIRCMD.of(CMD=FdirCmd.ADD_FLOW, QUEUE_EN=1, RX_QUEUE=11, VT_POOL=2))
    card.receive(flow(BROADCAST))
    assert sorted(card.got()) == [11, 12]


def test_a_time_stamp_is_told_to_every_pool_and_never_of_a_switched_frame(card: PoolRig) -> None:
    """There is one stamp, and the MAC takes it."""
    card.use(4)
    card.modes(2, 3, MPE=1)
    card.listen(8, 12)
    card.write(ETQF, ETQF.of(FILTER_EN=1, ETYPE=0x88F7, IEEE_1588=1), 3)
    card.write(TSYNCRXCTL, TSYNCRXCTL.of(ENABLED=1, TYPE=TsyncType.EVENT_V2))
    sync = ptp.EVERY["l2 sync"]
    card.send(4, sync)
    assert {queue: [q1.STAT_TS for _, q1 in found] for queue, found in card.taken().items()} == {8: [0], 12: [0]}
    assert not TSYNCRXCTL(card.read(TSYNCRXCTL)).VALID
    card.receive(sync)
    assert {queue: [q1.STAT_TS for _, q1 in found] for queue, found in card.taken().items()} == {8: [1], 12: [1]}
    card.receive(sync)
    assert {queue: [q1.STAT_TS for _, q1 in found] for queue, found in card.taken().items()} == {8: [0], 12: [0]}


# -- what a pool's queues do with it ----------------------------------------------------------------------------------


def tagged(to: bytes, vid: int) -> bytes:
    return bytes(Ether(dst=to, src=OTHER) / Dot1Q(vlan=vid, type=0x88B5) / bytes(range(50)))


@pytest.mark.parametrize("vme", [0, 1])
def test_a_hidden_vlan_is_taken_out_and_not_told(card: PoolRig, vme: int) -> None:
    card.use(4)
    card.address(0, mac(1), 2, 3)
    card.vlan(0, 5, 2, 3)
    card.write(PFQDE, PFQDE.of(HIDE_VLAN=1, QDE=1, IDX=8, WE=1))
    card.listen(8, 12)
    for queue in (8, 12):
        card.rings[queue].disable()
        card.rings[queue].enable(VME=vme)
        card.rings[queue].post(7)
    frame = tagged(mac(1), 5)
    bare = frame[:12] + frame[16:]
    card.receive(frame)
    taken = card.taken()
    (data, q1), (seen, told) = taken[8][0], taken[12][0]
    assert (data, q1.STAT_VP, q1.VLAN) == (bare, 0, 0)
    assert (seen, told.STAT_VP, told.VLAN) == ((bare, 1, 5) if vme else (frame, 0, 0))
    card.write(PFQDE, PFQDE.of(IDX=8, RE=1))
    assert PFQDE(card.read(PFQDE)).HIDE_VLAN == 1
    card.rings[8].disable()
    assert card.read(RXDCTL, 8) & RXDCTL.of(VME=1) == 0


def test_each_pool_has_its_own_header_split(card: PoolRig) -> None:
    card.use(4)
    card.address(0, mac(1), 2)
    card.address(1, mac(2), 3)
    card.write(PSRTYPE, PSRTYPE.of(UDPHDR=1), 3)
    card.listen(8, 12, post=0)
    for queue in (8, 12):
        card.write(SRRCTL, SRRCTL.of(BSIZEPACKET=2, BSIZEHEADER=4, DESCTYPE=DescType.HDR_SPLIT), queue)
        card.rings[queue].set(0, IOVA + 0x90000, IOVA + 0x91000)
        card.write(RDT, 1, queue)
        card.receive(flow(mac(queue // 4 - 1)))
    assert [card.rings[queue].desc(0)[0].HDRLEN for queue in (8, 12)] == [0, 42]


def test_default_pools_out_of_range_are_none(card: PoolRig) -> None:
    card.use(4, pf=40)
    card.listen(0, 32, 127)
    card.receive(flow(mac(9)))
    assert card.got() == {}
    card.write(VT_CTL, VT_CTL.of(VT_ENABLE=1, REPLEN=1, POOL=31))
    card.rings[127].disable()
    card.listen(124)
    card.receive(flow(mac(9)))
    assert list(card.got()) == [124]
