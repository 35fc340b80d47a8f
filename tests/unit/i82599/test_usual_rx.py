# SPDX-License-Identifier: BSD-3-Clause
"""Received frames give the same descriptors, bytes, queues, counters and causes whichever of the two ways they go."""

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.regs.i82599 import (
    CTRL_EXT,
    DROPEN,
    ETQF,
    FCTRL,
    FDIRCTRL,
    FTQF,
    HLREG0,
    IVAR,
    MAXFRS,
    MRQC,
    RAH,
    RAL,
    RDH,
    RETA,
    RSSRK,
    RXCSUM,
    RXDCTL,
    SYNQF,
    TSYNCRXCTL,
    VFTA,
    VLNCTRL,
    Register,
)
from tests.rigs.rx import IOVA, MAC, RING_SPACE
from tests.rigs.usual import TCP, UDP, ipv4, tcp, udp
from tests.rigs.usual_rx import Twins

PEER = bytes.fromhex("020000000001")
US = MAC + PEER
ELSEWHERE = bytes.fromhex("0200000000ff") + PEER
BROADCAST = b"\xff" * 6 + PEER
GROUP = bytes.fromhex("01005e000001") + PEER
RSS_ALL = MRQC.of(MRQE=1) | 0x01FF0000
PLAIN = US + b"\x88\xb5" + bytes(range(46))


def at_least(frame: bytes) -> bytes:
    """With the padding that a MAC adds."""
    return frame.ljust(60, b"\x00")


FRAMES = {
    "plain": PLAIN,
    "plain, long": US + b"\x88\xb5" + bytes(1500),
    "plain, longer than Ethernet allows": US + b"\x88\xb5" + bytes(1501),
    "plain, jumbo": US + b"\x88\xb5" + bytes(8000),
    "longest": US + b"\x88\xb5" + bytes(16370),
    "for somebody else": at_least(ELSEWHERE + b"\x88\xb5"),
    "broadcast": at_least(BROADCAST + b"\x88\xb5"),
    "group": at_least(GROUP + b"\x88\xb5"),
    "a length": at_least(US + b"\x00\x04abcd"),
    "a length that is wrong": US + b"\x00\x00" + bytes(100),
    "pause": at_least(US + b"\x88\x08\x00\x01\x00\x10"),
    "tagged": at_least(US + b"\x81\x00\x20\x05\x88\xb5"),
    "tagged twice": at_least(US + b"\x88\xa8\x00\x07\x81\x00\x20\x05\x88\xb5"),
    "time": at_least(US + b"\x88\xf7\x00\x02"),
    "ipv6": at_least(US + b"\x86\xdd\x60" + bytes(5) + b"\x3b" + bytes(40)),
    "udp": ipv4(US, UDP, udp(bytes(18))),
    "udp, padded": ipv4(US, UDP, udp(b"abc")).ljust(60, b"\x77"),
    "udp, long": ipv4(US, UDP, udp(bytes(1400), 1001), source=0x0A000033),
    "udp, not summed": at_least(ipv4(US, UDP, udp(bytes(18)))[:40] + b"\x00\x00" + bytes(18)),
    "udp, bad sum": ipv4(US, UDP, udp(bytes(18)))[:-1] + b"\x01",
    "udp, bad length": ipv4(US, UDP, udp(bytes(18))[:4] + b"\x00\x99" + bytes(20)),
    "udp, its own length shorter": ipv4(US, UDP, udp(bytes(18))[:4] + b"\x00\x10" + bytes(20)),
    "tcp": at_least(ipv4(US, TCP, tcp(b"", 7))),
    "tcp, long": ipv4(US, TCP, tcp(bytes(1460), 8), source=0x0A000007),
    "tcp, odd": ipv4(US, TCP, tcp(b"x" * 777, 9)),
    "tcp, syn": at_least(ipv4(US, TCP, tcp(b"", 7, flags=2))),
    "tcp, cut short": at_least(ipv4(US, TCP, tcp(b"", 7))[:50]),
    "bad header": at_least(ipv4(US, TCP, tcp(b"", 7)).replace(b"\x40\x06", b"\x41\x06", 1)),
    "options": ipv4(US, UDP, udp(bytes(18)), options=b"\x01\x01\x01\x00"),
    "fragment": ipv4(US, UDP, udp(bytes(18)), fragment=0x2000),
    "last fragment": ipv4(US, UDP, udp(bytes(18)), fragment=0x0007),
    "do not fragment": ipv4(US, UDP, udp(bytes(18)), fragment=0x4000),
    "icmp": at_least(ipv4(US, 1, b"\x08\x00" + bytes(30))),
    "sctp": at_least(ipv4(US, 132, bytes(30))),
    "ip version 5": at_least(US + b"\x08\x00\x55" + bytes(40)),
    "says more than there is": at_least(US + b"\x08\x00\x45\x00\x7f\xff" + bytes(40)),
    "says less than a header": at_least(US + b"\x08\x00\x45\x00\x00\x05" + bytes(40)),
    "ip for somebody else": ipv4(ELSEWHERE, UDP, udp(bytes(18))),
}
WRITES: list[tuple[type[Register], int, int]] = [
    (FCTRL, 0, FCTRL.of(UPE=1, MPE=1, BAM=1)),
    (FCTRL, 0, FCTRL.of(BAM=1)),
    (FCTRL, 0, FCTRL.of(SBP=1, UPE=1, MPE=1, BAM=1)),
    (MRQC, 0, RSS_ALL),
    (MRQC, 0, MRQC.of(MRQE=1) | 1 << 17),
    (MRQC, 0, MRQC.of(MRQE=1) | 1 << 16),
    (MRQC, 0, MRQC.of(MRQE=4)),
    (MRQC, 0, 0),
    (RETA, 0, 0x03020100),
    (RETA, 7, 0x01010101),
    (RSSRK, 0, 0x12345678),
    (RXCSUM, 0, 0),
    (RXCSUM, 0, RXCSUM.of(PCSD=1)),
    (HLREG0, 0, HLREG0.of(JUMBOEN=1, RXCRCSTRP=1, TXCRCEN=1)),
    (HLREG0, 0, HLREG0.of(RXCRCSTRP=1, TXCRCEN=1, RXLNGTHERREN=1)),
    (HLREG0, 0, HLREG0.of(TXCRCEN=1)),
    (MAXFRS, 0, MAXFRS.of(MFS=9000)),
    (MAXFRS, 0, MAXFRS.of(MFS=1000)),
    (CTRL_EXT, 0, CTRL_EXT.of(EXTENDED_VLAN=1)),
    (CTRL_EXT, 0, 0),
    (VLNCTRL, 0, VLNCTRL.of(VFE=1, VET=0x8100)),
    (VLNCTRL, 0, VLNCTRL.of(VET=0x88B5)),
    (VLNCTRL, 0, VLNCTRL.of(VET=0x0800)),
    (VFTA, 0, 0x20),
    (ETQF, 0, ETQF.of(FILTER_EN=1, ETYPE=0x88B5)),
    (ETQF, 0, 0),
    (SYNQF, 0, SYNQF.of(QUEUE_EN=1, RX_QUEUE=2)),
    (SYNQF, 0, 0),
    (FTQF, 3, FTQF.of(ENABLE=1, POOL_MASK=1, MASK=31)),
    (FTQF, 3, 0),
    (FDIRCTRL, 0, FDIRCTRL.of(PBALLOC=1)),
    (FDIRCTRL, 0, FDIRCTRL.of(PBALLOC=1, PERFECT_MATCH=1, REPORT_STATUS_ALWAYS=1)),
    (FDIRCTRL, 0, 0),
    (TSYNCRXCTL, 0, TSYNCRXCTL.of(ENABLED=1, TYPE=4)),
    (TSYNCRXCTL, 0, 0),
    (RAL, 0, int.from_bytes(ELSEWHERE[:4], "little")),
    (RAL, 0, int.from_bytes(MAC[:4], "little")),
    (RAH, 0, 0),
    (RAH, 0, RAH.of(AV=1, RAH=int.from_bytes(MAC[4:], "little"))),
    (DROPEN, 0, 1),
    (DROPEN, 0, 0),
    (IVAR, 0, 0x80818081),
]


@pytest.fixture(scope="module")
def made() -> Iterator[Twins]:
    twins = Twins()
    yield twins
    twins.close()


@pytest.fixture
def twins(made: Twins) -> Twins:
    made.renew()
    return made


USUAL = {"plain", "plain, long", "tagged twice", "time", "udp", "udp, padded", "udp, long", "do not fragment"}
USUAL |= {"tcp", "tcp, long", "tcp, odd", "tcp, syn"}


@pytest.mark.parametrize("name", FRAMES)
def test_each_kind(twins: Twins, name: str) -> None:
    twins.post(15)
    twins.write(MRQC, RSS_ALL)
    twins.write(RETA, 0x03020100)
    before = twins.usual
    twins.receive([FRAMES[name]])
    assert (twins.usual > before) == (name in USUAL)


@pytest.mark.parametrize("flags", [1, 2, 4, 16], ids=["damaged", "looped back", "exact", "summed"])
def test_how_a_frame_came(twins: Twins, flags: int) -> None:
    twins.post(15)
    before = twins.usual
    twins.receive([PLAIN, FRAMES["udp"]], flags=flags)
    assert (twins.usual > before) == (flags in {2, 16})


def test_the_packet_buffer_keeps_the_order(twins: Twins) -> None:
    """What waits goes first; what comes while something waits goes behind it."""
    twins.post(2)
    twins.receive([PLAIN + bytes([n]) for n in range(6)])
    twins.post(3)
    twins.receive([PLAIN + b"x"])
    twins.post(10)
    twins.receive([PLAIN + b"y"] * 3)
    got = [data[60:61] for data, _, _ in twins.rings[0][0].take()]
    assert got == [bytes([n]) for n in range(6)] + [b"x", b"y", b"y", b"y"]


def test_many_in_one_batch(twins: Twins) -> None:
    twins.write(MRQC, RSS_ALL)
    for n in range(10):
        twins.write(RSSRK, 0x6D5A56DA >> n | n << 28, n)
    for n in range(32):
        twins.write(RETA, 0x03020100, n)
    before = twins.usual
    for turn in range(20):
        twins.fill()
        twins.receive([ipv4(US, UDP, udp(bytes(18), port), source=port * 77) for port in range(turn, turn + 30)])
    heads = [int(ring.rig.rf.get(RDH, ring.queue)) for ring in twins.rings[0]]
    assert twins.usual - before > 400
    assert all(heads), heads


def test_a_buffer_that_is_not_there(twins: Twins) -> None:
    twins.post(4)
    for rings in twins.rings:
        rings[0].set(1, 0x5000_0000, 0)
    twins.receive([PLAIN] * 4)


@pytest.mark.parametrize(
    "kind", [{"DESCTYPE": 0}, {"DESCTYPE": 5, "BSIZEHEADER": 2}, {"BSIZEPACKET": 1}, {"DROP_EN": 1}]
)
def test_other_rings(made: Twins, kind: dict[str, int]) -> None:
    made.renew(**kind)
    made.post(7)
    made.write(MRQC, RSS_ALL)
    for frame in FRAMES.values():
        made.receive([frame])
        made.post(2)


def test_link_and_bus_master_are_looked_at(twins: Twins) -> None:
    twins.post(15)
    for card in twins.cards:
        card.nic.link_up = False
    twins.receive([PLAIN])
    for card in twins.cards:
        card.nic.link_up = True
        card.nic.pf.bus_master = False
    twins.receive([PLAIN])
    for card in twins.cards:
        card.nic.pf.bus_master = True
    twins.receive([PLAIN])


def test_what_waits_for_one_queue_is_not_overtaken_by_another(twins: Twins) -> None:
    """Frames of one class leave the packet buffer in the order in which they came."""
    twins.write(MRQC, MRQC.of(MRQE=1) | 1 << 22)
    for n in range(10):
        twins.write(RSSRK, 0x6D5A56DA >> n | n << 28, n)
    for n in range(32):
        twins.write(RETA, 0x00010101 if n % 4 else 0x01010101, n)  # one of five or so to queue 0
    for rings in twins.rings:
        rings[1].post(15)  # and none to queue 0
    for port in range(40):
        twins.receive([ipv4(US, UDP, udp(bytes(18), port))])
    assert not twins.rings[0][0].take()
    assert 0 < len(twins.rings[0][1].take()) < 15


def in_two_regions(twins: Twins) -> None:
    """Rings in one DMA region, their buffers in another."""
    for card in twins.cards:
        card.nic.pf.dma_del(0, 2**64 - 1)
        card.map(0, RING_SPACE)
        card.map(RING_SPACE, card.bytes_mapped - RING_SPACE)
    twins.post(15)


def test_memory_that_was_unmapped_is_not_written(twins: Twins) -> None:
    """A ring is looked at once, as long as nothing is mapped or unmapped."""
    in_two_regions(twins)
    twins.receive([PLAIN])
    before = twins.cards[0].memory[:RING_SPACE]
    for card in twins.cards:
        card.nic.pf.dma_del(IOVA, RING_SPACE)
    twins.receive([PLAIN])
    assert twins.cards[0].memory[:RING_SPACE] == before
    for card in twins.cards:
        card.map(0, RING_SPACE)
        card.write(RXDCTL, 0)
        card.write(RXDCTL, RXDCTL.of(ENABLE=1))
    twins.receive([PLAIN])


def test_buffers_that_were_unmapped_are_not_written(twins: Twins) -> None:
    """Where the last buffer was found says nothing of the next one after something was unmapped."""
    in_two_regions(twins)
    twins.receive([PLAIN] * 2)
    before = twins.cards[0].memory[RING_SPACE:]
    for card in twins.cards:
        card.nic.pf.dma_del(IOVA + RING_SPACE, card.bytes_mapped - RING_SPACE)
    twins.receive([PLAIN] * 2)
    assert twins.cards[0].memory[RING_SPACE:] == before


STEP = st.one_of(
    st.tuples(st.just("receive"), st.lists(st.sampled_from(sorted(FRAMES)), min_size=1, max_size=12)),
    st.tuples(st.just("receive"), st.lists(st.sampled_from(sorted(USUAL)), min_size=1, max_size=12)),
    st.tuples(st.just("write"), st.sampled_from(range(len(WRITES)))),
    st.tuples(st.just("post"), st.integers(0, 14)),
    st.tuples(st.just("spoil"), st.integers(0, 2**32)),
)


@given(st.lists(STEP, min_size=4, max_size=40))
@settings(max_examples=150, deadline=None)
def test_any_sequence(made: Twins, steps: list[tuple[str, object]]) -> None:
    """Frames of all kinds, whole and spoilt, between writes to the registers that decide about them."""
    made.renew()
    made.fill(8)
    for what, with_what in steps:
        if what == "write":
            assert isinstance(with_what, int)
            register, n, value = WRITES[with_what]
            made.write(register, value, n)
        elif what == "post":
            assert isinstance(with_what, int)
            made.fill(with_what)
        elif what == "spoil":
            assert isinstance(with_what, int)
            dice = random.Random(with_what)
            frame = bytearray(FRAMES[dice.choice(sorted(USUAL))])
            for _ in range(dice.randrange(1, 4)):
                frame[dice.randrange(len(frame))] = dice.randrange(256)
            made.receive([bytes(frame[: dice.choice([len(frame), dice.randrange(14, len(frame) + 1)])])])
        else:
            assert isinstance(with_what, list)
            made.receive([FRAMES[name] for name in with_what])
