# SPDX-License-Identifier: BSD-3-Clause
"""Header split, as ixgbe up to Linux 3.5 uses it (always, PSRTYPE 0x1330): two buffers a descriptor.

That driver takes HDR_LEN bytes from the header buffer, at most as many as it holds, and LENGTH bytes from the packet
buffer; scapy builds the frames.
"""

from typing import NamedTuple

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.packet import Packet, Raw

from device.regs.i82599 import CTRL_EXT, HLREG0, PSRTYPE, RDRXCTL, RDT, SRRCTL
from device.regs.i82599.rx import DescType
from tests.rigs.rx import IOVA, Rig, Ring

ALL = PSRTYPE.of(TCPHDR=1, UDPHDR=1, IPV4HDR=1, IPV6HDR=1, L2HDR=1)
HEADERS = 0xC0000  # where header buffers lie, 1 KiB each
ETHER = Ether(dst="ff:ff:ff:ff:ff:ff", src="02:00:00:00:00:01")
V4 = IP(src="10.0.0.1", dst="10.0.0.2")
V6 = IPv6(src="fd00::1", dst="fd00::2")
DATA = Raw(bytes(range(256)))


class Taken(NamedTuple):
    """What a driver finds of one frame."""

    header: bytes
    payload: bytes
    said: int
    is_split: bool
    overflow: bool
    lengths: list[int]


@pytest.fixture
def rig(made: Rig) -> Rig:
    made.renew()
    made.write(PSRTYPE, ALL)
    return made


def splitting(rig: Rig, kind: DescType, *, room: int = 256, buffer_kib: int = 2) -> Ring:
    ring = rig.ring(DESCTYPE=kind, BSIZEHEADER=room // 64, BSIZEPACKET=buffer_kib)
    give(rig, ring, 6)
    return ring


def give(rig: Rig, ring: Ring, count: int) -> None:
    """Descriptors with both buffers; the header's address has bit 0 set, as a driver may leave it."""
    tail = int(rig.rf.get(RDT, ring.queue))
    for at in range(tail, tail + count):
        slot = at % ring.count
        ring.set(slot, IOVA + ring.buffers + slot * ring.buffer_bytes, IOVA + HEADERS + slot * 1024 | 1)
    rig.write(RDT, (tail + count) % ring.count, ring.queue)


def take(rig: Rig, ring: Ring) -> Taken:
    """The next frame, read as the driver does."""
    at = ring.next
    q0, q1 = ring.desc(at)
    room = SRRCTL(rig.read(SRRCTL, ring.queue)).BSIZEHEADER * 64
    header = bytes(rig.memory[HEADERS + at * 1024 :][: min(q0.HDRLEN, room)])
    first, payload, lengths = q0, b"", []
    while True:
        q0, q1 = ring.desc(at)
        assert q1.STAT_DD
        assert at == ring.next or (q0.HDRLEN, q0.SPH) == (0, 0)
        payload += ring.buffer(at, q1.LENGTH)
        lengths.append(int(q1.LENGTH))
        at = (at + 1) % ring.count
        if q1.STAT_EOP:
            break
    ring.next = at
    return Taken(header, payload, first.HDRLEN, bool(first.SPH), bool(q1.ERR_HBO), lengths)


def sent(rig: Rig, packet: Packet) -> bytes:
    frame = bytes(packet)
    frame += bytes(max(0, 60 - len(frame)))
    rig.receive(frame)
    return frame


BOTH = pytest.mark.parametrize("kind", [DescType.HDR_SPLIT, DescType.HDR_SPLIT_ALWAYS])


@BOTH
@pytest.mark.parametrize(
    ("packet", "header_bytes"),
    [
        (ETHER / V4 / TCP() / DATA, 54),
        (ETHER / V4 / TCP(options=[("Timestamp", (1, 2)), ("EOL", None)]) / DATA, 66),
        (ETHER / V4 / UDP() / DATA, 42),
        (ETHER / Dot1Q(vlan=7) / V4 / UDP() / DATA, 46),
        (ETHER / V6 / TCP() / DATA, 74),
        (ETHER / V6 / IPv6ExtHdrDestOpt() / UDP() / DATA, 70),
        (ETHER / V6 / IPv6ExtHdrFragment(m=1) / DATA, 54),
        (ETHER / IP(src="10.0.0.1", dst="10.0.0.2", flags="MF", proto=17) / DATA, 34),
        (ETHER / IP(src="10.0.0.1", dst="10.0.0.2", proto=47) / DATA, 34),
        (ETHER / ARP(), 14),
    ],
)
def test_headers_and_payload_part(rig: Rig, kind: DescType, packet: Packet, header_bytes: int) -> None:
    ring = splitting(rig, kind)
    frame = sent(rig, packet)
    got = take(rig, ring)
    assert (got.header, got.payload) == (frame[:header_bytes], frame[header_bytes:])
    assert (got.said, got.is_split, got.overflow) == (header_bytes, True, False)


@pytest.mark.parametrize(
    ("types", "header_bytes"),
    [
        ({"L2HDR": 1}, 14),
        ({"IPV4HDR": 1}, 34),
        ({"TCPHDR": 1}, 54),
        ({"UDPHDR": 1, "IPV6HDR": 1}, 0),
        ({"UDPHDR": 1, "L2HDR": 1}, 14),
        ({}, 0),
    ],
)
def test_psrtype_says_how_deep(rig: Rig, types: dict[str, int], header_bytes: int) -> None:
    rig.write(PSRTYPE, PSRTYPE.of(**types))
    ring = splitting(rig, DescType.HDR_SPLIT)
    frame = sent(rig, ETHER / V4 / TCP() / DATA)
    got = take(rig, ring)
    assert (got.header, got.payload) == (frame[:header_bytes], frame[header_bytes:])
    assert (got.said, got.is_split) == (header_bytes, header_bytes > 0)


def test_always_fills_the_header_buffer_when_there_is_no_header(rig: Rig) -> None:
    rig.write(PSRTYPE, 0)
    ring = splitting(rig, DescType.HDR_SPLIT_ALWAYS, room=128)
    frame = sent(rig, ETHER / V4 / UDP() / DATA)
    got = take(rig, ring)
    assert (got.header, got.payload, got.said, got.is_split) == (frame[:128], frame[128:], 128, False)
    small = sent(rig, ETHER / ARP())
    got = take(rig, ring)
    assert (got.header, got.payload, got.said, got.is_split, got.lengths) == (small, b"", 60, False, [0])


def test_a_header_that_does_not_fit(rig: Rig) -> None:
    packet = ETHER / V4 / TCP(options=[("Timestamp", (1, 2)), ("EOL", None)]) / DATA
    ring = splitting(rig, DescType.HDR_SPLIT_ALWAYS, room=64)
    frame = sent(rig, packet)
    got = take(rig, ring)
    assert (got.header, got.payload) == (frame[:64], frame[64:])
    assert (got.said, got.is_split, got.overflow) == (66, True, True)
    ring.disable()
    ring = splitting(rig, DescType.HDR_SPLIT, room=64)
    frame = sent(rig, packet)
    got = take(rig, ring)
    assert (got.payload, got.said, got.is_split, got.overflow) == (frame, 66, True, True)


@pytest.mark.parametrize(("data_offset", "len_bytes"), [(4, 256), (0, 256), (15, 10)])
def test_a_tcp_header_of_no_length_that_can_be_is_none(rig: Rig, data_offset: int, len_bytes: int) -> None:
    """Too short, or longer than the segment: the packet is split behind IP."""
    ring = splitting(rig, DescType.HDR_SPLIT_ALWAYS)
    frame = sent(rig, ETHER / V4 / TCP(dataofs=data_offset) / Raw(bytes(len_bytes)))
    got = take(rig, ring)
    assert (got.header, got.payload) == (frame[:34], frame[34:])
    assert (got.said, got.is_split, got.overflow) == (34, True, False)


def test_a_header_buffer_larger_than_hdr_len_can_tell(rig: Rig) -> None:
    """A driver takes HDR_LEN bytes from there, and must not miss one."""
    rig.write(PSRTYPE, 0)
    ring = splitting(rig, DescType.HDR_SPLIT_ALWAYS, room=1024)
    frame = sent(rig, ETHER / V4 / UDP() / Raw(bytes(range(256)) * 5))
    got = take(rig, ring)
    assert (got.header, got.payload, got.said) == (frame[:1023], frame[1023:], 1023)


def test_a_header_longer_than_hdr_len_can_tell(rig: Rig) -> None:
    """IPv6 options may be that long; the length that is told must not run over into other fields."""
    options = Raw(bytes([17, 127]) + bytes(1022))
    ring = splitting(rig, DescType.HDR_SPLIT_ALWAYS, room=1024)
    frame = sent(rig, ETHER / IPv6(src="fd00::1", dst="fd00::2", nh=60) / options / UDP() / Raw(bytes(100)))
    got = take(rig, ring)
    assert (got.header, got.payload) == (frame[:1023], frame[1023:])
    assert (got.said, got.is_split, got.overflow) == (1023, True, True)


@BOTH
def test_only_the_first_descriptor_has_a_header(rig: Rig, kind: DescType) -> None:
    rig.write(HLREG0, HLREG0.of(JUMBOEN=1, RXCRCSTRP=1))
    ring = splitting(rig, kind, buffer_kib=1)
    frame = sent(rig, ETHER / V4 / TCP() / Raw(bytes(1400)))
    got = take(rig, ring)
    assert (got.header, got.payload, got.lengths) == (frame[:54], frame[54:], [1024, 376])


def test_a_full_header_buffer_saves_a_descriptor(rig: Rig) -> None:
    """Payload that fits in one packet buffer takes one descriptor, though the frame does not fit in it."""
    ring = rig.ring(DESCTYPE=DescType.HDR_SPLIT_ALWAYS, BSIZEHEADER=4, BSIZEPACKET=1)
    give(rig, ring, 1)
    frame = sent(rig, ETHER / V4 / TCP() / Raw(bytes(1024)))
    got = take(rig, ring)
    assert (got.header, got.payload, got.lengths) == (frame[:54], frame[54:], [1024])


def test_a_stripped_tag_is_not_in_the_header(rig: Rig) -> None:
    ring = rig.ring(DESCTYPE=DescType.HDR_SPLIT_ALWAYS, BSIZEHEADER=4)
    ring.disable()
    ring.enable(VME=1)
    give(rig, ring, 6)
    frame = sent(rig, ETHER / Dot1Q(vlan=7) / V4 / UDP() / DATA)
    got = take(rig, ring)
    assert (got.header, got.payload, got.said) == (frame[:12] + frame[16:46], frame[46:], 42)


def test_both_tags_are_header(rig: Rig) -> None:
    rig.write(CTRL_EXT, CTRL_EXT.of(EXTENDED_VLAN=1))
    ring = splitting(rig, DescType.HDR_SPLIT_ALWAYS)
    frame = sent(rig, ETHER / Dot1AD(vlan=9) / Dot1Q(vlan=7) / ARP())
    got = take(rig, ring)
    assert (got.header, got.payload) == (frame[:22], frame[22:])


def test_the_fcs_is_payload(rig: Rig) -> None:
    rig.write(RDRXCTL, 0)
    rig.write(HLREG0, 0)
    ring = splitting(rig, DescType.HDR_SPLIT_ALWAYS)
    frame = sent(rig, ETHER / V4 / UDP() / DATA)
    got = take(rig, ring)
    assert (got.header, got.payload[:-4], len(got.payload)) == (frame[:42], frame[42:], len(frame) - 42 + 4)


def test_a_frame_that_waited_is_split_when_it_goes(rig: Rig) -> None:
    ring = rig.ring(DESCTYPE=DescType.HDR_SPLIT_ALWAYS, BSIZEHEADER=4)
    frame = sent(rig, ETHER / V4 / UDP() / DATA)
    assert ring.take() == []
    give(rig, ring, 2)
    assert rig.drain() == 1
    got = take(rig, ring)
    assert (got.header, got.payload) == (frame[:42], frame[42:])


def test_a_header_buffer_outside_memory_stops_the_queue(rig: Rig) -> None:
    ring = rig.ring(DESCTYPE=DescType.HDR_SPLIT_ALWAYS, BSIZEHEADER=4)
    ring.post(4)
    sent(rig, ETHER / V4 / UDP() / DATA)
    assert rig.nic.c.rx.queue[0].stall
    assert rig.guards_whole()


def test_one_buffer_ignores_all_that(rig: Rig) -> None:
    ring = splitting(rig, DescType.ADV_ONEBUF)
    frame = sent(rig, ETHER / V4 / TCP() / DATA)
    got = take(rig, ring)
    assert (got.header, got.payload, got.said, got.is_split) == (b"", frame, 0, False)
