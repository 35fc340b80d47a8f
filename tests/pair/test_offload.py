# SPDX-License-Identifier: BSD-3-Clause
"""What the driver leaves to the NIC: checksums, segmentation, and the NIC's verdict on what it received.

The judge is scapy: frames are parsed, and every checksum is made again from the rest of the frame.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.layers.sctp import SCTP, SCTPChunkData
from scapy.packet import Packet, Raw
from scapy.utils import checksum

from device.regs.i82599.desc import RXD, L4Type, PktType
from driver.compiled import ffi, lib
from tests.rigs.pair import FAR, MAC, Rig, Wire, flow, offload, pattern, rig, sums_good

MSS = 1460
VNET_DATA_VALID = 2
IP4 = IP(src="10.0.0.2", dst="10.9.8.7", id=0xFFFE, flags="DF", ttl=17)
IP6 = IPv6(src="2001:db8::2", dst="2001:db8::9", tc=0xB8, fl=0x12345, hlim=9)


@pytest.fixture
def up(wire: Wire) -> Iterator[Rig]:
    with rig(wire, ring_count=128, mtu=9000) as made:
        yield made


def undone(ip: Packet, l4: Packet, payload: bytes, *, tso: bool, tag: Packet | None = None) -> bytes:
    """A packet as a stack hands it over: the sum of the pseudo-header in place, without the length if for TSO."""
    head = Ether(src=MAC, dst=FAR)
    whole = (head / tag if tag else head) / ip / l4 / Raw(payload)
    raw = bytearray(bytes(whole))
    shown = Ether(bytes(raw))
    kind, at = (TCP, 16) if TCP in shown else (UDP, 6)
    start = len(raw) - len(bytes(shown[kind]))
    l4_bytes = 0 if tso else len(raw) - start
    if IP in shown:
        raw[start - 10 : start - 8] = bytes(2)
        pseudo = bytes(raw[start - 8 : start]) + bytes([0, shown[IP].proto]) + l4_bytes.to_bytes(2, "big")
    else:
        pseudo = bytes(raw[start - 32 : start]) + l4_bytes.to_bytes(4, "big") + bytes([0, 0, 0, shown[IPv6].nh])
    raw[start + at : start + at + 2] = (0xFFFF - checksum(pseudo)).to_bytes(2, "big")
    return bytes(raw)


# ---- checksums -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tagged", [False, True], ids=["plain", "tagged"])
@pytest.mark.parametrize("length", [0, 1, 2, 99, 1000, 8000])
@pytest.mark.parametrize("l4", [TCP(sport=5, dport=7, flags="PA"), UDP(sport=5, dport=7)], ids=["tcp", "udp"])
@pytest.mark.parametrize("ip", [IP4, IP6], ids=["v4", "v6"])
def test_l4_checksum_is_filled_in(up: Rig, wire: Wire, ip: Packet, l4: Packet, length: int, *, tagged: bool) -> None:
    tag = Dot1Q(vlan=9) if tagged else None
    raw = undone(ip, l4, pattern(1, length), tso=False, tag=tag)
    l3 = 18 if tagged else 14
    up.send(
        [raw],
        offload=offload(
            l3=l3,
            l4=l3 + (20 if ip is IP4 else 40),
            ipv4=ip is IP4,
            ip_csum=ip is IP4,
            l4_type=L4Type.TCP if isinstance(l4, TCP) else L4Type.UDP,
        ),
    )
    (sent,) = wire.sent()
    assert sent[: len(raw)] != raw
    assert sums_good(sent[: len(raw)])
    assert bytes(Ether(sent)[type(l4)].payload)[:length] == pattern(1, length)


def test_a_udp_sum_of_zero_is_sent_as_all_ones(up: Rig, wire: Wire) -> None:
    """RFC 768: 0 would mean that there is no checksum."""
    l4 = UDP(sport=1, dport=2)
    start = bytes(Ether() / IP4 / l4 / Raw(bytes(2)))
    rest = int.from_bytes(start[40:42], "big")  # what the two bytes must be for the sum to come out as 0
    raw = undone(IP4, l4, rest.to_bytes(2, "big"), tso=False)
    up.send([raw], offload=offload(ip_csum=True, l4_type=L4Type.UDP))
    (sent,) = wire.sent()
    assert Ether(sent)[UDP].chksum == 0xFFFF


@pytest.mark.parametrize("ip", [IP4, IP6], ids=["v4", "v6"])
@pytest.mark.parametrize("length", [1, 64, 1000])
def test_sctp_gets_its_crc(up: Rig, wire: Wire, ip: Packet, length: int) -> None:
    whole = Ether(src=MAC, dst=FAR) / ip / SCTP(sport=5, dport=7, tag=99) / SCTPChunkData(data=pattern(3, length))
    right = bytes(whole)
    at = 14 + (20 if ip is IP4 else 40)
    raw = right[: at + 8] + b"\xde\xad\xbe\xef" + right[at + 12 :]
    up.send([raw], offload=offload(l4=at, ipv4=ip is IP4, l4_type=L4Type.SCTP))
    assert wire.sent() == [right.ljust(60, b"\0")]


def test_a_frame_without_offload_is_not_touched(up: Rig, wire: Wire) -> None:
    raw = bytearray(flow(1, payload=bytes(100)))
    raw[24:26], raw[50:52] = b"\x12\x34", b"\x56\x78"
    up.send([bytes(raw)])
    assert wire.sent() == [bytes(raw)]


def test_the_ip_checksum_alone(up: Rig, wire: Wire) -> None:
    right = flow(1, payload=bytes(100))
    raw = right[:24] + bytes(2) + right[26:50] + b"\x11\x11" + right[52:]
    up.send([raw], offload=offload(ip_csum=True, l4_csum=False))
    assert wire.sent() == [right[:50] + b"\x11\x11" + right[52:]]


def test_each_frame_has_its_own_offload(up: Rig, wire: Wire) -> None:
    """Contexts are sticky in the NIC; the driver writes one wherever it needs one."""
    ring = up.adapter.tx_rings[0]
    v4 = undone(IP4, TCP(flags="A"), b"x" * 100, tso=False)
    v6 = undone(IP6, UDP(), b"y" * 100, tso=False)
    off4, off6 = offload(ip_csum=True), offload(l4=54, ipv4=False, l4_type=L4Type.UDP)
    nothing = flow(1, payload=bytes(50))
    for _ in range(5):
        for frame, how in ((v4, off4), (nothing, None), (v6, off6)):
            assert ring.post(frame, how)
    ring.flush()
    up.settle()
    sent = wire.sent()
    assert len(sent) == 15
    assert all(sums_good(frame) for frame in sent)
    assert [frame[12:14].hex() for frame in sent] == ["0800", "0800", "86dd"] * 5


# ---- segmentation ----------------------------------------------------------------------------------------------------


def segments(up: Rig, wire: Wire, raw: bytes, how: Any) -> list[Packet]:
    """Send one large packet; what leaves, parsed, after every checksum was found good."""
    up.send([raw], offload=how)
    sent = wire.sent()
    assert all(sums_good(frame) for frame in sent if len(frame) > 60)
    return [Ether(frame) for frame in sent]


def tcp_payload(frame: Packet) -> bytes:
    ip = frame[IP] if IP in frame else frame[IPv6]
    whole = ip.len - 4 * ip.ihl if IP in frame else ip.plen
    return bytes(frame[TCP])[frame[TCP].dataofs * 4 : whole]


@pytest.mark.parametrize("length", [MSS, MSS + 1, 3 * MSS, 10_000, 64_000])
@pytest.mark.parametrize("ip", [IP4, IP6], ids=["v4", "v6"])
def test_tso_cuts_a_tcp_packet_into_good_segments(up: Rig, wire: Wire, ip: Packet, length: int) -> None:
    payload = pattern(5, length)
    options = [("MSS", 1460), ("NOP", None), ("WScale", 7), ("Timestamp", (1, 2)), ("NOP", None), ("NOP", None)]
    l4 = TCP(sport=5, dport=7, seq=0xFFFFF000, ack=77, flags="PAFC", window=500, options=options)
    l4_len = len(bytes(l4))
    at = 14 + (20 if ip is IP4 else 40)
    raw = undone(ip, l4, payload, tso=True)
    how = offload(l4=at, l4_len_bytes=l4_len, mss=MSS, ipv4=ip is IP4, ip_csum=ip is IP4)
    frames = segments(up, wire, raw, how)
    assert len(frames) == -(-length // MSS)
    assert b"".join(tcp_payload(frame) for frame in frames) == payload
    for n, frame in enumerate(frames):
        first, last = n == 0, n == len(frames) - 1
        part = min(MSS, length - n * MSS)
        assert frame[TCP].seq == (0xFFFFF000 + n * MSS) % 2**32
        assert (frame[TCP].ack, frame[TCP].window, frame[TCP].options) == (77, 500, options)
        assert (("C" in frame[TCP].flags), ("F" in frame[TCP].flags), ("P" in frame[TCP].flags)) == (first, last, last)
        assert "A" in frame[TCP].flags
        if ip is IP4:
            assert frame[IP].id == (0xFFFE + n) % 2**16
            assert frame[IP].len == 20 + l4_len + part
            assert (frame[IP].flags, frame[IP].ttl) == ("DF", 17)
        else:
            assert frame[IPv6].plen == l4_len + part
            assert (frame[IPv6].tc, frame[IPv6].fl, frame[IPv6].hlim) == (0xB8, 0x12345, 9)
    stats = up.adapter.stats()
    assert stats["tx_pkts_nic"] == len(frames)
    assert stats["tx_packets"] == 1  # the ring counts what it was given


def test_tso_with_a_tag_put_in_by_the_nic(up: Rig, wire: Wire) -> None:
    raw = undone(IP4, TCP(flags="A"), pattern(1, 4000), tso=True)
    frames = segments(up, wire, raw, offload(l4_len_bytes=20, mss=1000, ip_csum=True, vlan=55))
    assert [frame[Dot1Q].vlan for frame in frames] == [55] * 4
    assert b"".join(tcp_payload(frame) for frame in frames) == pattern(1, 4000)


def test_tso_with_a_tag_in_the_frame(up: Rig, wire: Wire) -> None:
    raw = undone(IP6, TCP(flags="A"), pattern(1, 4000), tso=True, tag=Dot1Q(vlan=66))
    frames = segments(up, wire, raw, offload(l3=18, l4=58, l4_len_bytes=20, mss=1000, ipv4=False))
    assert [frame[Dot1Q].vlan for frame in frames] == [66] * 4
    assert b"".join(tcp_payload(frame) for frame in frames) == pattern(1, 4000)


def test_tso_of_a_packet_that_fits_is_one_frame(up: Rig, wire: Wire) -> None:
    raw = undone(IP4, TCP(flags="PA"), b"x" * 100, tso=True)
    (frame,) = segments(up, wire, raw, offload(l4_len_bytes=20, mss=MSS, ip_csum=True))
    assert tcp_payload(frame) == b"x" * 100
    assert frame[TCP].flags == "PA"


def test_tiny_segments_come_in_several_turns(up: Rig, wire: Wire) -> None:
    """200 segments are more than one turn may send; the packet goes on where it stopped."""
    raw = undone(IP4, TCP(flags="A", seq=1), pattern(2, 20_000), tso=True)
    frames = segments(up, wire, raw, offload(l4_len_bytes=20, mss=100, ip_csum=True))
    assert len(frames) == 200
    assert b"".join(tcp_payload(frame) for frame in frames) == pattern(2, 20_000)


@pytest.mark.parametrize("ip", [IP4, IP6], ids=["v4", "v6"])
def test_udp_segmentation_gives_each_datagram_its_own_header(up: Rig, wire: Wire, ip: Packet) -> None:
    raw = undone(ip, UDP(sport=5, dport=7), pattern(4, 5000), tso=True)
    at = 14 + (20 if ip is IP4 else 40)
    how = offload(l4=at, l4_len_bytes=8, mss=1200, ipv4=ip is IP4, ip_csum=ip is IP4, l4_type=L4Type.UDP)
    frames = segments(up, wire, raw, how)
    assert [frame[UDP].len for frame in frames] == [1208] * 4 + [208]
    assert b"".join(bytes(frame[UDP].payload) for frame in frames) == pattern(4, 5000)


def test_segments_of_two_queues_do_not_mix() -> None:
    with Wire() as wire, rig(wire, queues=2, ring_count=128) as up:
        for queue in (0, 1):
            raw = undone(IP4, TCP(sport=queue + 1, flags="A"), pattern(queue, 8000), tso=True)
            assert up.adapter.tx_rings[queue].post(raw, offload(l4_len_bytes=20, mss=80, ip_csum=True))
            up.adapter.tx_rings[queue].flush()
        up.settle()
        frames = [Ether(frame) for frame in wire.sent()]
        for queue in (0, 1):
            mine = [tcp_payload(frame) for frame in frames if frame[TCP].sport == queue + 1]
            assert b"".join(mine) == pattern(queue, 8000)


# ---- receive ---------------------------------------------------------------------------------------------------------


def received(up: Rig, wire: Wire, frame: bytes) -> tuple[RXD, bool, int]:
    """Status of one received frame, whether the netdev would call its checksum good, and the packet type."""
    wire.inject(frame)
    up.settle()
    ring = up.adapter.rx_rings[0]
    frames = ffi.new("struct rx_frame[]", 1)
    assert lib.rx_harvest(ring.c, frames, 1) == 1
    vnet = ffi.new("uint8_t[]", lib.VNET_HDR_BYTES)
    lib.vnet_from_flags(frames[0].flags, vnet)
    ring.refill()
    return RXD(frames[0].status), vnet[0] == VNET_DATA_VALID, ring.model.kinds(frames[0].found)[1]


@pytest.mark.parametrize("udp", [False, True], ids=["tcp", "udp"])
@pytest.mark.parametrize("v6", [False, True], ids=["v4", "v6"])
def test_good_and_bad_sums_are_told_apart(up: Rig, wire: Wire, *, v6: bool, udp: bool) -> None:
    right = flow(3, v6=v6, udp=udp, payload=pattern(1, 301))
    status, good, kind = received(up, wire, right)
    assert (status.STAT_L4CS, status.ERR_TCPE, status.STAT_IPCS, good) == (1, 0, int(not v6), True)
    assert kind == (PktType.IPV6 if v6 else PktType.IPV4) | (PktType.UDP if udp else PktType.TCP)
    for at in (-1, 60, 100):
        wrong = bytearray(right)
        wrong[at] ^= 0x40
        status, good, _ = received(up, wire, bytes(wrong))
        assert (status.STAT_L4CS, status.ERR_TCPE, good) == (1, 1, False)
    assert up.adapter.stats()["rx_csum_offload_errors"] == 3


def test_a_bad_ip_header_sum(up: Rig, wire: Wire) -> None:
    wrong = bytearray(flow(3, payload=bytes(100)))
    wrong[24] ^= 1
    status, good, _ = received(up, wire, bytes(wrong))
    assert (status.STAT_IPCS, status.ERR_IPE, good) == (1, 1, False)


def test_udp_without_a_checksum_is_not_called_good_or_bad(up: Rig, wire: Wire) -> None:
    frame = bytes(Ether(dst=MAC, src=FAR) / IP4 / UDP(chksum=0) / Raw(bytes(100)))
    status, good, _ = received(up, wire, frame)
    assert (status.STAT_L4CS, status.ERR_TCPE, good) == (0, 0, False)


def test_fragments_have_no_l4_verdict(up: Rig, wire: Wire) -> None:
    frame = bytes(Ether(dst=MAC, src=FAR) / IP(src="10.0.0.2", dst="10.0.0.1", flags="MF", proto=17) / Raw(bytes(64)))
    status, good, _ = received(up, wire, frame)
    assert (status.STAT_L4CS, status.STAT_IPCS, good) == (0, 1, False)


def test_what_the_nic_segments_it_finds_good_itself() -> None:
    """What left as segments comes in again, and every one has a good verdict."""
    with Wire() as wire, rig(wire, ring_count=128) as up:
        raw = bytearray(undone(IP4, TCP(flags="A"), pattern(9, 20_000), tso=True))
        raw[:6] = bytes.fromhex(MAC.replace(":", ""))
        up.send([bytes(raw)], offload=offload(l4_len_bytes=20, mss=MSS, ip_csum=True))
        frames = wire.sent()
        assert len(frames) == 14
        for frame in frames:
            status, good, _ = received(up, wire, frame)
            assert good
            assert status.STAT_IPCS


def test_sctp_is_reported_as_such(up: Rig, wire: Wire) -> None:
    frame = bytes(Ether(dst=MAC, src=FAR) / IP4 / SCTP() / SCTPChunkData(data=b"abcd"))
    _, _, kind = received(up, wire, frame)
    assert kind == PktType.IPV4 | PktType.SCTP
