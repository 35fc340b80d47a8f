# SPDX-License-Identifier: BSD-3-Clause
"""rx_checksum_status(): scapy computes the checksums, the device must agree, and notice every damaged one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.compat import raw
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_Router_Alert
from scapy.layers.inet6 import (
    HAO,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.l2 import Dot1Q, Ether
from scapy.layers.sctp import SCTP, SCTPChunkData
from scapy.packet import Packet, Raw

from device.machine.core import ffi, lib
from device.regs.i82599.desc import RXD
from tests.twins.parse import parse

L2 = Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02")
V4 = IP(src="192.0.2.1", dst="198.51.100.2")
V6 = IPv6(src="2001:db8::1", dst="2001:db8::2")


def status(data: bytes) -> RXD:
    exact = ffi.new("uint8_t[]", data)
    packet = ffi.new("struct packet *")
    lib.parse_frame(exact, len(data), 0, packet)
    return RXD(lib.rx_checksum_status(exact, len(data), packet))


GOOD4 = RXD.of(STAT_IPCS=1, STAT_L4CS=1)
GOOD6 = RXD.of(STAT_L4CS=1)


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (L2 / V4 / TCP() / Raw(b"odd"), GOOD4),
        (L2 / V4 / UDP() / Raw(b"even"), GOOD4.replace(STAT_UDPCS=1)),
        (L2 / V4 / SCTP() / SCTPChunkData(data=b"hello"), GOOD4),
        (L2 / IP(options=[IPOption_Router_Alert()]) / TCP(), GOOD4),
        (L2 / Dot1Q(vlan=1) / V4 / TCP(), GOOD4),
        (L2 / V6 / TCP() / Raw(b"odd"), GOOD6),
        (L2 / V6 / UDP() / Raw(b"x"), GOOD6.replace(STAT_UDPCS=1)),
        (L2 / V6 / SCTP() / SCTPChunkData(data=b"hello"), GOOD6),
        (L2 / V6 / IPv6ExtHdrHopByHop() / TCP(), GOOD6),
        (L2 / V4 / ICMP(), RXD.of(STAT_IPCS=1)),
        (L2 / V4 / UDP(chksum=0) / Raw(b"x"), RXD.of(STAT_IPCS=1)),
        (L2 / IP(flags="MF") / UDP() / Raw(b"x"), RXD.of(STAT_IPCS=1)),
        (L2 / V6 / IPv6ExtHdrFragment() / UDP(), RXD(0)),
        (L2 / V6 / IPv6ExtHdrRouting(type=2, addresses=["::8"]) / TCP(), RXD(0)),
        (L2 / V6 / IPv6ExtHdrDestOpt(options=[HAO(hoa="::9")]) / TCP(), RXD(0)),
        (Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02", type=0x88B5) / Raw(bytes(60)), RXD(0)),
    ],
)
def test_good_frames(frame: Packet, expected: RXD) -> None:
    data = raw(frame)
    assert status(data) == expected
    assert status(data + bytes(20)) == expected, "padding is not summed"


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (L2 / IP(chksum=1) / TCP(), GOOD4.replace(ERR_IPE=1)),
        (L2 / V4 / TCP(chksum=1), GOOD4.replace(ERR_TCPE=1)),
        (L2 / V4 / UDP(chksum=1), GOOD4.replace(STAT_UDPCS=1, ERR_TCPE=1)),
        (L2 / V4 / SCTP(chksum=1), GOOD4.replace(ERR_TCPE=1)),
        (L2 / V6 / TCP(chksum=1), GOOD6.replace(ERR_TCPE=1)),
    ],
)
def test_wrong_checksums(frame: Packet, expected: RXD) -> None:
    assert status(raw(frame)) == expected


def test_a_udp_length_that_contradicts_ip_is_not_judged() -> None:
    assert status(raw(L2 / V4 / UDP(len=100, chksum=1) / Raw(b"x"))) == RXD.of(STAT_IPCS=1)
    assert status(raw(L2 / V4 / UDP(len=7, chksum=1) / Raw(b"x"))) == RXD.of(STAT_IPCS=1)


@given(
    layer=st.sampled_from([V4 / TCP(), V4 / UDP(), V6 / TCP(), V6 / UDP(), V4 / SCTP()]),
    payload=st.binary(min_size=1, max_size=300),
    bit=st.integers(0, 7),
    data=st.data(),
)
def test_every_flipped_payload_bit_is_noticed(layer: Packet, payload: bytes, bit: int, data: st.DataObject) -> None:
    sent = bytearray(raw(L2 / layer / Raw(payload)))
    assert not status(bytes(sent)).ERR_TCPE
    sent[-data.draw(st.integers(1, len(payload)))] ^= 1 << bit
    assert status(bytes(sent)).ERR_TCPE


def test_fragment_word() -> None:
    data = raw(L2 / IP(id=0x1234, flags="MF", proto=17) / Raw(b"\x00\x01\xff\xff\x80"))
    exact, packet = ffi.new("uint8_t[]", data), ffi.new("struct packet *")
    lib.parse_frame(exact, len(data), 0, packet)
    assert parse(data).fragment
    assert lib.rx_fragment_word(exact, len(data), packet) == 0x8001 << 16 | 0x1234
