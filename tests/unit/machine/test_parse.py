# SPDX-License-Identifier: BSD-3-Clause
"""parse_frame(): scapy builds, and a plain Python twin checks what random bytes make of it."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.compat import raw
from scapy.layers.inet import IP, TCP, UDP, IPOption_Router_Alert
from scapy.layers.inet6 import (
    HAO,
    ICMPv6EchoRequest,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.layers.sctp import SCTP, SCTPChunkData
from scapy.packet import Raw

from device.machine.core import ffi, lib
from device.regs.i82599.desc import PktType
from tests.twins.parse import Packet, parse

L2 = Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02")  # given, or scapy asks the network
V4 = IP(src="192.0.2.1", dst="198.51.100.2")
V6 = IPv6(src="2001:db8::1", dst="2001:db8::2")


def c_parse(data: bytes, *, double_vlan: bool = False) -> Packet:
    # Exactly as long as the frame: a sanitizer sees any byte read behind it.
    exact = ffi.new("uint8_t[]", data) if data else ffi.new("uint8_t[]", 1)
    out = ffi.new("struct packet *")
    lib.parse_frame(exact, len(data), int(double_vlan), out)
    return Packet(**{field.name: getattr(out, field.name) for field in fields(Packet)})


def kind(packet: Packet) -> PktType:
    return PktType(int(packet.kind))


@pytest.mark.parametrize(
    ("frame", "types", "l3", "l4"),
    [
        (L2 / V4 / TCP(), PktType.IPV4 | PktType.TCP, 14, 34),
        (L2 / V4 / UDP() / b"hello", PktType.IPV4 | PktType.UDP, 14, 34),
        (L2 / V4 / SCTP() / SCTPChunkData(data=b"x"), PktType.IPV4 | PktType.SCTP, 14, 34),
        (L2 / Dot1Q(vlan=7) / V4 / TCP(), PktType.IPV4 | PktType.TCP, 18, 38),
        (
            L2 / IP(dst="198.51.100.2", options=[IPOption_Router_Alert()]) / UDP(),
            PktType.IPV4 | PktType.IPV4_EX | PktType.UDP,
            14,
            38,
        ),
        (L2 / V6 / TCP(), PktType.IPV6 | PktType.TCP, 14, 54),
        (L2 / V6 / IPv6ExtHdrHopByHop() / UDP(), PktType.IPV6 | PktType.IPV6_EX | PktType.UDP, 14, 62),
        (L2 / V6 / ICMPv6EchoRequest(), PktType.IPV6, 14, 0),
        (L2 / V6 / IPv6ExtHdrFragment(offset=3) / UDP(), PktType.IPV6 | PktType.IPV6_EX, 14, 0),
        (L2 / IP(flags="MF") / UDP(), PktType.IPV4, 14, 0),
        (L2 / IP(frag=5) / UDP(), PktType.IPV4, 14, 0),
        (L2 / IP(proto=47) / Raw(bytes(40)), PktType.IPV4, 14, 0),
        (Ether(type=0x88B5) / Raw(bytes(60)), PktType(0), 0, 0),
    ],
)
def test_types_and_offsets(frame: Ether, types: PktType, l3: int, l4: int) -> None:
    packet = c_parse(raw(frame))
    assert (kind(packet), packet.l3, packet.l4) == (types, l3, l4)
    if l4:
        assert packet.l4_len_bytes == len(raw(frame)) - l4


def test_ethernet_padding_is_not_payload() -> None:
    data = raw(L2 / V4 / UDP(len=12) / b"abcd") + bytes(30)
    assert c_parse(data).l4_len_bytes == 12


def test_vlan_tag() -> None:
    packet = c_parse(raw(L2 / Dot1Q(prio=5, vlan=0x123) / V4 / TCP()))
    assert (packet.has_vlan, packet.vlan_tci, packet.ethertype) == (1, 0xA123, 0x0800)


def test_double_vlan_takes_the_inner_tag() -> None:
    data = raw(L2 / Dot1AD(vlan=9) / Dot1Q(vlan=77) / V4 / TCP())
    packet = c_parse(data, double_vlan=True)
    assert (packet.has_vlan, packet.vlan_tci, packet.l3, packet.l4) == (1, 77, 22, 42)
    assert c_parse(data).has_vlan == 0


def test_a_lone_tag_is_the_outer_one_with_double_vlan() -> None:
    packet = c_parse(raw(L2 / Dot1Q(vlan=9) / V4 / TCP()), double_vlan=True)
    assert (packet.has_vlan, packet.l3) == (0, 18)


def test_mobile_ipv6_addresses() -> None:
    home = IPv6ExtHdrDestOpt(options=[HAO(hoa="2001:db8::99")])
    route = IPv6ExtHdrRouting(type=2, addresses=["2001:db8::42"])
    data = raw(L2 / V6 / route / home / TCP())
    packet = c_parse(data)
    assert data[packet.home_src :][:16] == bytes.fromhex("20010db8000000000000000000000099")
    assert data[packet.route_dst :][:16] == bytes.fromhex("20010db8000000000000000000000042")
    assert packet.rerouted == 1


@pytest.mark.parametrize("layer", [V4 / TCP(), V6 / IPv6ExtHdrHopByHop() / UDP(), V4 / SCTP()])
def test_every_truncation_is_safe_and_agrees_with_the_twin(layer: IP) -> None:
    data = raw(L2 / Dot1Q(vlan=3) / layer)
    for length in range(len(data)):
        assert c_parse(data[:length]) == parse(data[:length])


SEEDS = [
    raw(L2 / layer)
    for layer in (
        V4 / TCP(),
        IP(options=[IPOption_Router_Alert()]) / UDP() / b"data",
        Dot1Q(vlan=2) / V6 / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt(options=[HAO()]) / SCTP(),
        Dot1AD(vlan=1) / Dot1Q(vlan=2) / V6 / IPv6ExtHdrRouting(type=2, addresses=["::1"]) / TCP(),
        V6 / IPv6ExtHdrFragment() / UDP(),
    )
]


@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(st.tuples(st.integers(12, 90), st.integers(0, 255)), max_size=4),
    cut=st.integers(0, 120),
    double_vlan=st.booleans(),
)
def test_damaged_frames_agree_with_the_twin(
    seed: bytes, changes: list[tuple[int, int]], cut: int, double_vlan: bool
) -> None:
    data = bytearray(seed)
    for at, value in changes:
        data[at % len(data)] = value
    cut_data = bytes(data[: max(len(data) - cut // 2, 0)]) + bytes(cut % 3)
    assert c_parse(cut_data, double_vlan=double_vlan) == parse(cut_data, double_vlan=double_vlan)


@given(st.binary(max_size=200), st.booleans())
def test_random_bytes_agree_with_the_twin(data: bytes, double_vlan: bool) -> None:
    assert c_parse(data, double_vlan=double_vlan) == parse(data, double_vlan=double_vlan)
