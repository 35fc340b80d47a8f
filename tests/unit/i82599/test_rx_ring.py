# SPDX-License-Identifier: BSD-3-Clause
"""Rx rings: what software finds in memory after frames came in, and what happens when its ring is wrong."""

import os
from collections.abc import Callable, Iterator
from zlib import crc32

import pytest
from scapy.compat import raw
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

from device.i82599.core import VECTORS
from device.machine.core import ffi, lib
from device.machine.function import DMA_READ
from device.machine.irq import IrqFds, IrqKind
from device.regs.core import Register
from device.regs.i82599 import (
    CRCERRS,
    DROPEN,
    EICR,
    EIMS_EX,
    ETQF,
    ETQS,
    FCTRL,
    GPIE,
    GPRC,
    HLREG0,
    IVAR,
    MAXFRS,
    MPC,
    MRQC,
    QBRC_L,
    QPRC,
    QPRDC,
    RDBAH,
    RDBAL,
    RDH,
    RDLEN,
    RDRXCTL,
    RDT,
    RETA,
    ROC,
    RQSMR,
    RSSRK,
    RXCSUM,
    RXCTRL,
    RXDCTL,
    RXPBSIZE,
    SECRXCTRL,
    SECRXSTAT,
    SRRCTL,
)
from device.regs.i82599.desc import RXD, RXDADV, RXDCSUM, RXDETQF, RXDLEG, PktType, RssType
from device.regs.i82599.rx import DescType
from tests.rigs.rx import IOVA, Rig, one
from tests.twins.parse import parse
from tests.twins.rss import toeplitz

L2 = Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02")
FRAME = raw(L2 / IP(src="192.0.2.1", dst="198.51.100.2") / TCP(sport=1, dport=2) / Raw(b"x" * 100))


@pytest.fixture
def rig(made: Rig) -> Iterator[Rig]:
    made.renew()
    yield made
    assert made.guards_whole()


def numbered(n: int, size: int = 64) -> bytes:
    return raw(Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02", type=0x88B5)) + n.to_bytes(4, "big") * (
        size // 4
    )


# -- what a descriptor says ----------------------------------------------------------------------------------------


def test_one_frame(rig: Rig) -> None:
    ring = rig.ring()
    ring.post(4)
    rig.receive(FRAME)
    data, q0, q1 = one(ring.take())
    assert data == FRAME
    assert PktType(q0.PKTTYPE) == PktType.IPV4 | PktType.TCP
    promiscuous = {"STAT_PIF": 1}
    assert q1 == RXD.of(STAT_DD=1, STAT_EOP=1, STAT_IPCS=1, STAT_L4CS=1, LENGTH=len(FRAME), **promiscuous)
    assert rig.read(RDH) == 1
    assert ring.desc(1)[1] == 0xFFFF_FFFF_FFFF_FFF0
    assert (rig.count.rx_frames, rig.count.rx_bytes) == (1, len(FRAME))


def test_short_frames_are_padded_as_on_a_wire(rig: Rig) -> None:
    ring = rig.ring()
    ring.post(4)
    rig.receive(FRAME[:42])
    assert one(ring.take())[0] == FRAME[:42] + bytes(18)


def test_every_write_order_and_wrap(rig: Rig) -> None:
    ring = rig.ring(count=8)
    ring.post(7)
    sent = [numbered(i) for i in range(50)]
    got = []
    for i in range(0, 50, 5):
        rig.receive(*sent[i : i + 5])
        got += [data for data, _, _ in ring.take()]
        ring.post(5)
    assert got == sent


def test_all_but_one_descriptor_can_be_used(rig: Rig) -> None:
    ring = rig.ring(count=8, DROP_EN=1)
    ring.post(7)
    rig.receive(*[numbered(i) for i in range(9)])
    assert [data for data, _, _ in ring.take()] == [numbered(i) for i in range(7)]
    assert rig.count.rx_no_desc == 2


@pytest.mark.parametrize("desctype", [DescType.ADV_ONEBUF, DescType.HDR_SPLIT, DescType.HDR_SPLIT_ALWAYS, 0])
@pytest.mark.parametrize("size", [1024, 1025, 2048, 2049, 9000])
def test_frames_over_several_buffers(rig: Rig, desctype: int, size: int) -> None:
    rig.write(HLREG0, HLREG0.reset().replace(JUMBOEN=1))
    rig.write(MAXFRS, MAXFRS.of(MFS=9018))
    ring = rig.ring(count=16, BSIZEPACKET=1, DESCTYPE=desctype)
    ring.post(15)
    frame = FRAME[:14] + bytes(i * 7 % 251 for i in range(size - 14))
    rig.receive(frame)
    used = -(-size // 1024)
    assert rig.read(RDH) == used
    pieces = []
    for i in range(used):
        raw64 = ring.desc(i)[1]
        length = RXDLEG(raw64).LENGTH if desctype == 0 else raw64.LENGTH
        end = RXDLEG(raw64).STAT_EOP if desctype == 0 else raw64.STAT_EOP
        assert end == (i == used - 1)
        pieces.append(ring.buffer(i, length))
    assert b"".join(pieces) == frame


def test_a_frame_bigger_than_the_whole_ring_is_dropped(rig: Rig) -> None:
    rig.write(HLREG0, HLREG0.reset().replace(JUMBOEN=1))
    rig.write(MAXFRS, MAXFRS.of(MFS=16000))
    ring = rig.ring(count=8, BSIZEPACKET=1)
    ring.post(7)
    rig.receive(numbered(1, 8000), numbered(2))
    assert [data for data, _, _ in ring.take()] == [numbered(2)]
    assert rig.count.rx_no_desc == 1


def test_legacy_descriptor(rig: Rig) -> None:
    ring = rig.ring(DESCTYPE=DescType.LEGACY)
    ring.enable(VME=1)
    ring.post(4)
    tagged = raw(L2 / Dot1Q(vlan=0x234, prio=3) / IP() / TCP(chksum=0x1111))
    rig.receive(tagged)
    q0, q1 = ring.desc(0)
    status = RXDLEG(q1)
    assert q0 == IOVA + ring.buffers, "the address stays"
    assert (status.STAT_DD, status.STAT_EOP, status.STAT_VP, status.VLAN) == (1, 1, 1, 0x6234)
    assert (status.STAT_IPCS, status.STAT_L4CS, status.ERR_TCPE, status.ERR_IPE) == (1, 1, 1, 0)
    assert ring.buffer(0, status.LENGTH) == tagged[:12] + tagged[16:] + bytes(2)


def test_the_descriptor_is_stored_before_nothing_else_changes(rig: Rig) -> None:
    """One-buffer mode ignores what quadword 1 held: Linux leaves stale write-backs there (82599.md 6.3)."""
    ring = rig.ring()
    ring.post(2)
    ring.set(0, IOVA + ring.buffers, 0xDEAD_BEEF_DEAD_BEEF)
    rig.receive(FRAME)
    assert one(ring.take())[0] == FRAME


def test_buffer_size_is_looked_at_when_the_frame_arrives(rig: Rig) -> None:
    ring = rig.ring(BSIZEPACKET=1)
    ring.post(6)
    rig.write(SRRCTL, SRRCTL.of(BSIZEPACKET=2, DESCTYPE=1))
    rig.receive(FRAME[:34] + bytes(1400))
    assert rig.read(RDH) == 1


# -- CRC, VLAN, checksum, hash -------------------------------------------------------------------------------------


def test_the_fcs_is_kept_when_nobody_strips_it(rig: Rig) -> None:
    rig.write(HLREG0, HLREG0.reset().replace(RXCRCSTRP=0))
    rig.write(RDRXCTL, 0)
    ring = rig.ring()
    ring.enable()
    ring.post(4)
    rig.receive(FRAME)
    data, _, q1 = one(ring.take())
    assert data == FRAME + crc32(FRAME).to_bytes(4, "little")
    stored = q1.LENGTH
    assert stored == len(FRAME) + 4


@pytest.mark.parametrize("register", [HLREG0, RDRXCTL])
def test_either_bit_strips_the_fcs(rig: Rig, register: type[HLREG0] | type[RDRXCTL]) -> None:
    rig.write(HLREG0, HLREG0.reset().replace(RXCRCSTRP=int(register is HLREG0)))
    rig.write(RDRXCTL, RDRXCTL.of(CRCSTRIP=int(register is RDRXCTL)))
    ring = rig.ring()
    ring.post(4)
    rig.receive(FRAME)
    assert one(ring.take())[0] == FRAME


def test_vlan_strip_is_per_queue(rig: Rig) -> None:
    tagged = raw(L2 / Dot1Q(vlan=100, prio=2) / IP() / UDP() / Raw(b"y" * 40))
    ring = rig.ring()
    ring.post(4)
    rig.receive(tagged)
    data, _, q1 = one(ring.take())
    assert (data, q1.STAT_VP) == (tagged, 0)
    ring.enable(VME=1)
    rig.receive(tagged)
    data, q0, q1 = one(ring.take())
    assert (data, q1.STAT_VP, q1.VLAN) == (tagged[:12] + tagged[16:], 1, 0x4064)
    assert PktType(q0.PKTTYPE) == PktType.IPV4 | PktType.UDP


def test_vlan_strip_and_fcs_over_two_buffers(rig: Rig) -> None:
    rig.write(HLREG0, HLREG0.reset().replace(RXCRCSTRP=0))
    rig.write(RDRXCTL, 0)
    tagged = raw(L2 / Dot1Q(vlan=1) / IP() / UDP() / Raw(bytes(range(256)) * 4))
    ring = rig.ring(BSIZEPACKET=1)
    ring.enable(VME=1)
    ring.post(4)
    rig.receive(tagged)
    assert one(ring.take())[0] == tagged[:12] + tagged[16:] + crc32(tagged).to_bytes(4, "little")


def test_rss_hash_type_and_queue(rig: Rig) -> None:
    key = bytes(range(40))
    for n in range(10):
        rig.write(RSSRK, int.from_bytes(key[4 * n : 4 * n + 4], "little"), n)
    for n in range(32):
        rig.write(RETA, RETA.of(ENTRY0=0, ENTRY1=1, ENTRY2=2, ENTRY3=3), n)
    rig.write(MRQC, MRQC.of(MRQE=1, RSS_FIELD_IPV4_TCP=1))
    rings = [rig.ring(queue, slot=queue) for queue in range(4)]
    for ring in rings:
        ring.post(4)
    rig.receive(FRAME)
    packet = parse(FRAME)
    expected = toeplitz(key, FRAME[packet.l3 + 12 : packet.l3 + 20] + FRAME[packet.l4 : packet.l4 + 4])
    _, q0, _ = one(rings[expected % 4].take())
    told = q0.RSS_HASH, q0.RSSTYPE
    assert told == (expected, RssType.IPV4_TCP)


def test_fragment_checksum_instead_of_the_hash(rig: Rig) -> None:
    rig.write(RXCSUM, RXCSUM.of(IPPCSE=1))
    ring = rig.ring()
    ring.post(4)
    payload = bytes(range(64))
    rig.receive(raw(L2 / IP(id=0x4321, flags="MF", proto=17) / Raw(payload)))
    _, q0, _ = one(ring.take())
    total = sum(int.from_bytes(payload[i : i + 2], "big") for i in range(0, 64, 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    told = RXDCSUM(q0).IP_ID, RXDCSUM(q0).CSUM
    assert told == (0x4321, total)


def test_ethertype_filter(rig: Rig) -> None:
    rings = [rig.ring(queue, slot=slot) for slot, queue in enumerate((0, 9))]
    for ring in rings:
        ring.post(4)
    rig.write(ETQF, ETQF.of(ETYPE=0x88F7, FILTER_EN=1), 3)
    rig.write(ETQS, ETQS.of(RX_QUEUE=9, QUEUE_EN=1), 3)
    frame = raw(Ether(dst="01:1b:19:00:00:00", src="02:00:00:00:00:02", type=0x88F7) / Raw(bytes(50)))
    rig.receive(frame, numbered(1))
    _, q0, _ = one(rings[1].take())
    assert (RXDETQF(q0).MATCH, RXDETQF(q0).INDEX) == (1, 3)
    assert one(rings[0].take())[0] == numbered(1)


def test_a_damaged_frame_is_dropped_or_kept_as_bad(rig: Rig) -> None:
    ring = rig.ring()
    ring.post(4)
    rig.receive(FRAME, flags=lib.FRAME_BAD_CRC)
    assert (ring.take(), rig.read(CRCERRS), rig.count.rx_filtered) == ([], 1, 1)
    rig.write(FCTRL, FCTRL.of(UPE=1, SBP=1))
    rig.receive(FRAME, flags=lib.FRAME_BAD_CRC)
    _, _, q1 = one(ring.take())
    assert (q1.ERR_RXE, q1.STAT_L4CS) == (1, 0)
    assert rig.read(GPRC) == 0


# -- on and off ----------------------------------------------------------------------------------------------------


def test_enable_and_disable_are_acked_at_once(rig: Rig) -> None:
    ring = rig.ring(queue=77)
    assert RXDCTL(rig.read(RXDCTL, 77)).ENABLE
    ring.disable()
    assert not RXDCTL(rig.read(RXDCTL, 77)).ENABLE


@pytest.mark.parametrize("off", ["queue", "rxen", "link"])
def test_frames_for_what_is_off_are_counted_and_gone(rig: Rig, off: str) -> None:
    ring = rig.ring()
    ring.post(4)
    if off == "queue":
        ring.disable()
    elif off == "rxen":
        rig.write(RXCTRL, 0)
    else:
        rig.nic.link_up = False
    rig.receive(FRAME)
    assert (rig.count.rx_disabled, rig.count.rx_frames, rig.read(RDH)) == (1, 0, 0)


def test_a_tail_written_while_the_queue_is_off_is_stored_but_not_honoured(rig: Rig) -> None:
    ring = rig.ring(DROP_EN=1)
    ring.disable()
    ring.post(4)
    ring.enable()
    assert rig.read(RDT) == 4
    rig.receive(FRAME)
    assert rig.count.rx_no_desc == 1
    rig.write(RDT, 4)
    rig.receive(FRAME)
    assert len(ring.take()) == 1


def test_enabling_again_starts_from_rdh(rig: Rig) -> None:
    ring = rig.ring()
    ring.post(7)
    rig.receive(FRAME, FRAME, FRAME)
    ring.disable()
    rig.write(RDH, 0)
    rig.write(RDT, 0)
    ring.enable()
    ring.next = 0
    ring.post(7)
    rig.receive(numbered(9))
    assert one(ring.take())[0] == numbered(9)


def test_rx_dis_pauses_and_nothing_is_lost(rig: Rig) -> None:
    ring = rig.ring()
    ring.post(7)
    rig.write(SECRXCTRL, SECRXCTRL.of(RX_DIS=1))
    assert SECRXSTAT(rig.read(SECRXSTAT)).SECRX_RDY
    rig.receive(numbered(1), numbered(2))
    assert rig.drain() == 0
    assert ring.take() == []
    rig.write(SECRXCTRL, 0)
    rig.receive(numbered(3))
    assert [data for data, _, _ in ring.take()] == [numbered(i) for i in (1, 2, 3)]


def test_without_bus_master_no_memory_is_written(rig: Rig) -> None:
    ring = rig.ring()
    ring.post(4)
    rig.nic.pf.bus_master = False
    rig.receive(FRAME)
    assert ring.desc(0)[1] == 0xFFFF_FFFF_FFFF_FFF0
    rig.nic.pf.bus_master = True
    assert rig.drain() == 1
    assert len(ring.take()) == 1


def test_rxen_off_empties_the_packet_buffer(rig: Rig) -> None:
    ring = rig.ring()
    rig.receive(FRAME, FRAME)
    assert rig.nic.c.rx.fifo.frames == 2
    rig.write(RXCTRL, 0)
    assert (rig.nic.c.rx.fifo.frames, rig.count.rx_disabled) == (0, 2)
    rig.write(RXCTRL, RXCTRL.of(RXEN=1))
    ring.post(4)
    assert rig.drain() == 0


# -- no descriptors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["SRRCTL", "DROPEN"])
def test_drop_enable_counts_in_qprdc(rig: Rig, where: str) -> None:
    rig.write(DROPEN, int(where == "DROPEN"))
    rig.write(RQSMR, RQSMR.of(MAP2=6), 1)
    rig.write(RETA, RETA.of(ENTRY0=6, ENTRY1=6, ENTRY2=6, ENTRY3=6), 0)
    rig.write(MRQC, MRQC.of(MRQE=1, RSS_FIELD_IPV4=1))  # the key is 0, so is every hash
    rig.ring(queue=6, DROP_EN=int(where == "SRRCTL"))
    rig.receive(FRAME, FRAME, FRAME)
    assert (rig.count.rx_no_desc, rig.read(QPRDC, 6), rig.read(QPRDC, 6)) == (3, 3, 0)
    assert rig.read(GPRC) == 3


def test_frames_wait_for_descriptors_in_order(rig: Rig) -> None:
    ring = rig.ring(count=16)
    sent = [numbered(i, 64 + 4 * i) for i in range(12)]
    rig.receive(*sent)
    assert ring.take() == []
    ring.post(5)
    assert rig.drain() == 5
    ring.post(10)
    rig.receive(numbered(99))
    assert [data for data, _, _ in ring.take()] == [*sent, numbered(99)]
    assert rig.count.rx_no_desc == 0


def test_the_packet_buffer_wraps_and_overflows(rig: Rig) -> None:
    ring = rig.ring(count=8)
    rig.write(RXPBSIZE, RXPBSIZE.of(SIZE=16))
    rig.receive(*[numbered(i, 1024) for i in range(20)])
    waiting = int(rig.nic.c.rx.fifo.frames)
    assert 13 <= waiting <= 15
    assert (rig.count.rx_fifo_full, rig.read(MPC)) == (20 - waiting, 20 - waiting)
    assert rig.read(GPRC) == 20, "drivers compute received = GPRC - MPC"
    ring.post(7)
    assert rig.drain() == 7
    assert [data for data, _, _ in ring.take()] == [numbered(i, 1024) for i in range(7)]


def test_the_packet_buffer_runs_round_its_end(rig: Rig) -> None:
    ring = rig.ring(count=8)
    sent: list[bytes] = []
    got: list[bytes] = []
    n = 0
    for _ in range(150):
        batch = [numbered(n + i, 1000 + n % 400) for i in range(7)]
        n += 7
        sent += batch
        rig.receive(*batch)
        if len(sent) - len(got) > 250:
            for _ in range(10):
                ring.post(7 - (int(rig.rf.get(RDT)) - ring.next) % 8)
                rig.drain()
                got += [data for data, _, _ in ring.take()]
    while rig.nic.c.rx.fifo.frames:
        ring.post(7 - (int(rig.rf.get(RDT)) - ring.next) % 8)
        rig.drain()
        got += [data for data, _, _ in ring.take()]
    assert got == sent
    assert rig.nic.c.rx.fifo.used_bytes == 0


# -- stalls --------------------------------------------------------------------------------------------------------


def unmapped_ring(rig: Rig) -> None:
    rig.write(RDBAL, 0x8000_0000)


def ring_across_the_end(rig: Rig) -> None:
    rig.write(RDBAL, (IOVA + rig.bytes_mapped) & 0xFFFF_FFFF)


def no_length(rig: Rig) -> None:
    rig.write(RDLEN, 0x7F)


@pytest.mark.parametrize(
    ("spoil", "stall"),
    [
        (unmapped_ring, lib.STALL_RING_UNMAPPED),
        (ring_across_the_end, lib.STALL_RING_UNMAPPED),
        (no_length, lib.STALL_RING_LEN),
    ],
)
def test_a_wrong_ring_stops_its_queue_only(rig: Rig, spoil: Callable[[Rig], None], stall: int) -> None:
    rig.write(ETQF, ETQF.of(ETYPE=0x88B5, FILTER_EN=1))
    rig.write(ETQS, ETQS.of(RX_QUEUE=3, QUEUE_EN=1))
    good = rig.ring(3, slot=1)
    good.post(4)
    bad = rig.ring(0)
    bad.disable()
    spoil(rig)
    bad.enable()
    rig.write(RDT, 4)
    assert rig.nic.c.rx.queue[0].stall == stall, "told at the tail write"
    rig.receive(FRAME, numbered(1), FRAME)
    assert one(good.take())[0] == numbered(1)
    assert (rig.count.stalls, rig.count.rx_disabled) == (1, 2)
    assert len(rig.nic.stalls.seen) == 1


@pytest.mark.parametrize("tail", [8, 9, 0xFFFF])
def test_a_tail_beyond_the_ring_stops_the_queue_until_enabled_again(rig: Rig, tail: int) -> None:
    ring = rig.ring(count=8)
    rig.write(RDT, tail)
    assert rig.read(RDT) == tail, "16 bits of storage (self test)"
    rig.receive(FRAME)
    assert (rig.nic.c.rx.queue[0].stall, rig.count.stalls) == (lib.STALL_TAIL, 1)
    rig.write(RDT, 4)
    rig.receive(FRAME)
    assert ring.take() == []
    ring.disable()
    ring.enable()
    rig.write(RDT, 0)
    ring.post(4)
    rig.receive(FRAME)
    assert len(ring.take()) == 1


def test_the_self_test_may_write_any_tail_while_receive_is_off(rig: Rig) -> None:
    rig.ring(count=8)
    rig.write(RXCTRL, 0)
    for pattern in (0x5A5A, 0xA5A5, 0xFFFF, 0):
        rig.write(RDT, pattern)
        assert rig.read(RDT) == pattern
    assert rig.count.stalls == 0


def test_a_head_beyond_the_ring(rig: Rig) -> None:
    ring = rig.ring(count=8)
    ring.disable()
    rig.write(RDH, 100)
    ring.enable()
    rig.receive(FRAME)
    assert rig.nic.c.rx.queue[0].stall == lib.STALL_TAIL


@pytest.mark.parametrize("address", [0, 0xFFFF_FFFF_FFFF_FFFF, IOVA - 8, 0xFFFF_FFFF_FFFF_FF00])
def test_a_buffer_outside_dma_memory(rig: Rig, address: int) -> None:
    good = rig.ring(3, slot=1)
    good.post(4)
    rig.write(ETQF, ETQF.of(ETYPE=0x88B5, FILTER_EN=1))
    rig.write(ETQS, ETQS.of(RX_QUEUE=3, QUEUE_EN=1))
    ring = rig.ring()
    ring.post(4, address=address)
    rig.receive(FRAME, numbered(2))
    assert (rig.nic.c.rx.queue[0].stall, rig.count.stalls) == (lib.STALL_BUFFER, 1)
    assert rig.count.dma_errors >= 1
    assert rig.read(RDH) == 0
    assert one(good.take())[0] == numbered(2)
    ring.disable()
    ring.enable()
    rig.write(RDH, 0)
    rig.write(RDT, 0)
    ring.post(4)
    rig.receive(FRAME)
    assert len(ring.take()) == 1


def test_a_buffer_that_ends_outside_dma_memory(rig: Rig) -> None:
    ring = rig.ring()
    ring.post(4, address=IOVA + rig.bytes_mapped - len(FRAME) + 1)
    rig.receive(FRAME)
    assert rig.nic.c.rx.queue[0].stall == lib.STALL_BUFFER


def test_a_buffer_may_cross_two_regions(rig: Rig) -> None:
    other = bytearray(4096)
    rig.nic.pf.dma_add(IOVA + rig.bytes_mapped, 4096, other)
    ring = rig.ring()
    ring.post(4, address=IOVA + rig.bytes_mapped - 60)
    rig.receive(FRAME)
    assert bytes(rig.memory[-60:]) + bytes(other[: len(FRAME) - 60]) == FRAME


def test_a_ring_may_cross_two_regions(rig: Rig) -> None:
    other = ffi.new("uint8_t[]", 4096 + 64)
    start = (int(ffi.cast("uintptr_t", other)) + 63) // 64 * 64
    rig.nic.pf.dma_add(IOVA + rig.bytes_mapped, 4096, start)
    ring = rig.ring()
    ring.disable()
    base = IOVA + rig.bytes_mapped - 128
    rig.write(RDBAL, base & 0xFFFF_FFFF)
    rig.write(RDBAH, base >> 32)
    rig.write(RDLEN, 256)
    ring.enable()
    for n in range(16):
        rig.nic.pf.dma_write(base + 16 * n, (IOVA + ring.buffers).to_bytes(8, "little") + bytes(8))
    rig.write(RDT, 15)
    rig.receive(*[FRAME] * 12)
    assert rig.read(RDH) == 12
    last = rig.nic.pf.dma_read(base + 16 * 11, 16)
    stored = RXD(int.from_bytes(last[8:], "little")).LENGTH
    assert stored == len(FRAME)


def test_read_only_memory_is_not_written(rig: Rig) -> None:
    other = bytearray(b"\x5a" * 4096)
    rig.nic.pf.dma_add(0x1000, 4096, other, DMA_READ)
    ring = rig.ring()
    ring.post(4, address=0x1000)
    rig.receive(FRAME)
    assert rig.nic.c.rx.queue[0].stall == lib.STALL_BUFFER
    assert set(other) == {0x5A}


def test_a_buffer_size_of_zero(rig: Rig) -> None:
    ring = rig.ring(BSIZEPACKET=0)
    ring.buffer_bytes = 2048
    ring.post(4)
    rig.receive(FRAME)
    assert rig.nic.c.rx.queue[0].stall == lib.STALL_DESC


def test_memory_that_went_away(rig: Rig) -> None:
    ring = rig.ring()
    ring.post(4)
    rig.nic.pf.dma_del(0, 2**63)
    rig.receive(FRAME)
    assert rig.nic.c.rx.queue[0].stall == lib.STALL_RING_UNMAPPED
    assert ring.desc(0)[1] == 0xFFFF_FFFF_FFFF_FFF0


# -- counters and interrupts ---------------------------------------------------------------------------------------


def test_queue_counters_follow_rqsmr(rig: Rig) -> None:
    rig.write(RQSMR, RQSMR.of(MAP0=11), 0)
    ring = rig.ring()
    ring.post(4)
    rig.receive(FRAME, FRAME)
    assert (rig.read(QPRC, 11), rig.read(QBRC_L, 11)) == (2, 2 * len(FRAME))
    assert rig.read(QPRC, 11) == 0


def test_one_interrupt_cause_per_queue_and_batch(rig: Rig) -> None:
    event = os.eventfd(0, os.EFD_NONBLOCK)
    fds = IrqFds(rig.nic.pf, VECTORS)
    fds.set(3, event)
    rig.write(GPIE, GPIE.of(MSIX_MODE=1, PBA_SUPPORT=1, EIAME=1))
    rig.write(IVAR, 0x83, 0)  # Rx queue 0: vector 3, valid
    rig.write(EIMS_EX, 0xFFFF_FFFF, 0)
    rig.nic.pf.irq_kind = IrqKind.MSIX
    ring = rig.ring()
    ring.post(7)
    rig.receive(*[FRAME] * 5)
    lib.intr_run(ffi.addressof(rig.nic.c, "intr"))
    assert fds.sent(3) == 1
    fds.close()
    os.close(event)


@pytest.mark.parametrize("layer", [IP(dst="10.0.0.2"), IPv6(dst="::2")])
def test_jumbo_tcp_arrives_with_a_good_checksum(rig: Rig, layer: IP | IPv6) -> None:
    rig.write(HLREG0, HLREG0.reset().replace(JUMBOEN=1))
    rig.write(MAXFRS, MAXFRS.of(MFS=9728))
    ring = rig.ring(count=16)
    ring.post(15)
    frame = raw(L2 / layer / TCP() / Raw(bytes(range(256)) * 35))
    rig.receive(frame)
    data, q0, q1 = one(ring.take())
    assert data == frame
    assert (q1.STAT_L4CS, q1.ERR_TCPE) == (1, 0)
    assert RXDADV(q0).PKTTYPE & PktType.TCP


def test_longer_than_the_wire_allows(rig: Rig) -> None:
    rig.receive(bytes(lib.FRAME_MAX_BYTES + 1))
    assert (rig.read(ROC), rig.count.rx_filtered) == (1, 1)


def test_an_overflow_raises_rx_miss(rig: Rig) -> None:
    rig.ring()
    rig.write(RXPBSIZE, 0)
    rig.receive(FRAME)
    assert EICR(rig.read(EICR)).RX_MISS


def test_shared_doorbells_are_found_by_polling(rig: Rig) -> None:
    """The tail pages are a copy then: a store is a write once it is noticed, and our head is published there."""

    def store(register: type[Register], value: int) -> None:
        rig.nic.pf.c.regs.shown[register.offset(0) // 4] = value

    ring = rig.ring()
    ring.disable()
    rig.nic.share_doorbells()
    try:
        store(RXDCTL, RXDCTL.of(ENABLE=1))
        for at in range(7):
            ring.set(at, IOVA + ring.buffers + at * ring.buffer_bytes, 0)
        store(RDT, 7)
        assert lib.tails_look(ffi.addressof(rig.nic.c, "tails"), 0, 0)
        rig.receive(FRAME, FRAME)
        store(RDH, 0x7777)
        rig.receive(FRAME)
        assert (int(rig.rf.get(RDH)), rig.nic.pf.c.regs.shown[RDH.offset(0) // 4]) == (3, 3)
        assert [data for data, _, _ in ring.take()] == [FRAME] * 3
        store(RXDCTL, 0)
        lib.tails_look(ffi.addressof(rig.nic.c, "tails"), 0, 0)
        rig.receive(FRAME)
        assert rig.count.rx_disabled == 1
        assert rig.read(QPRC) == 3
    finally:
        rig.nic.pf.c.regs.shared = 0
