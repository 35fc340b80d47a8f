# SPDX-License-Identifier: BSD-3-Clause
"""RSS against the published verification suite of the Microsoft RSS specification, and a bit-by-bit twin."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.compat import raw
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import HAO, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrRouting
from scapy.layers.l2 import ARP, Ether
from scapy.layers.sctp import SCTP

from device.i82599.card import make_registers
from device.i82599.core import CardCore
from device.machine.core import ffi, lib
from device.regs.i82599 import MRQC, RETA, RSSRK
from device.regs.i82599.desc import RssType
from device.regs.i82599.filters import MrqeMode
from tests.twins.parse import parse
from tests.twins.rss import rss, toeplitz

L2 = Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02")  # given, or scapy asks the network
KEY = bytes.fromhex("6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa")
# source, source port, destination, destination port, hash of addresses, hash of addresses and TCP ports
IPV4 = [
    ("66.9.149.187", 2794, "161.142.100.80", 1766, 0x323E8FC2, 0x51CCC178),
    ("199.92.111.2", 14230, "65.69.140.83", 4739, 0xD718262A, 0xC626B0EA),
    ("24.19.198.95", 12898, "12.22.207.184", 38024, 0xD2D0A5DE, 0x5C2B394A),
    ("38.27.205.30", 48228, "209.142.163.6", 2217, 0x82989176, 0xAFC7327F),
    ("153.39.163.191", 44251, "202.188.127.2", 1303, 0x5D1809C5, 0x10E828A2),
]
IPV6 = [
    ("3ffe:2501:200:1fff::7", 2794, "3ffe:2501:200:3::1", 1766, 0x2CC18CD5, 0x40207D3D),
    ("3ffe:501:8::260:97ff:fe40:efab", 14230, "ff02::1", 4739, 0x0F0C461C, 0xDDE51BBF),
    ("3ffe:1900:4545:3:200:f8ff:fe21:67cf", 44251, "fe80::200:f8ff:fe21:67cf", 38024, 0x4B61E985, 0x02D1FEEF),
]
ALL = MRQC.of(MRQE=MrqeMode.RSS, **{name: 1 for name in MRQC.FIELDS if name.startswith("RSS_FIELD")})


class Hasher:
    def __init__(self, nic: CardCore) -> None:
        self.nic = nic
        self.rf = make_registers(nic)

    def key(self, key: bytes) -> None:
        for i in range(10):
            self.rf.write(RSSRK.ALIAS[i], int.from_bytes(key[4 * i : 4 * i + 4], "little"))

    def mrqc(self, value: int) -> None:
        self.rf.write(MRQC.ALIAS[0], value)

    def hash(self, data: bytes) -> tuple[int, RssType]:
        packet, kind = ffi.new("struct packet *"), ffi.new("uint32_t *")
        lib.parse_frame(data, len(data), 0, packet)
        value = int(lib.rss_hash(ffi.addressof(self.nic.c, "rss"), data, packet, kind))
        return value, RssType(kind[0])


@pytest.fixture(scope="module")
def hasher() -> Iterator[Hasher]:
    with CardCore() as nic:
        made = Hasher(nic)
        made.key(KEY)
        yield made


@pytest.mark.parametrize(("src", "sport", "dst", "dport", "two", "four"), IPV4)
def test_microsoft_ipv4(hasher: Hasher, src: str, sport: int, dst: str, dport: int, two: int, four: int) -> None:
    hasher.mrqc(ALL)
    tcp = raw(L2 / IP(src=src, dst=dst) / TCP(sport=sport, dport=dport))
    assert hasher.hash(tcp) == (four, RssType.IPV4_TCP)
    assert hasher.hash(raw(L2 / IP(src=src, dst=dst, proto=1))) == (two, RssType.IPV4)
    assert hasher.hash(raw(L2 / IP(src=src, dst=dst) / UDP(sport=sport, dport=dport)))[0] == four


@pytest.mark.parametrize(("src", "sport", "dst", "dport", "two", "four"), IPV6)
def test_microsoft_ipv6(hasher: Hasher, src: str, sport: int, dst: str, dport: int, two: int, four: int) -> None:
    hasher.mrqc(ALL)
    tcp = raw(L2 / IPv6(src=src, dst=dst) / TCP(sport=sport, dport=dport))
    assert hasher.hash(tcp) == (four, RssType.IPV6_TCP)
    other = raw(L2 / IPv6(src=src, dst=dst, nh=59))
    assert hasher.hash(other) == (two, RssType.IPV6)


def test_l4_type_falls_back_to_ip_then_to_nothing(hasher: Hasher) -> None:
    src, sport, dst, dport, two, four = IPV4[0]
    tcp = raw(L2 / IP(src=src, dst=dst) / TCP(sport=sport, dport=dport))
    hasher.mrqc(MRQC.of(MRQE=1, RSS_FIELD_IPV4_TCP=1, RSS_FIELD_IPV4=1))
    assert hasher.hash(tcp) == (four, RssType.IPV4_TCP)
    hasher.mrqc(MRQC.of(MRQE=1, RSS_FIELD_IPV4=1))
    assert hasher.hash(tcp) == (two, RssType.IPV4)
    hasher.mrqc(MRQC.of(MRQE=1, RSS_FIELD_IPV6=1))
    assert hasher.hash(tcp) == (0, RssType.NONE)


def test_fragments_and_other_protocols_are_hashed_by_address(hasher: Hasher) -> None:
    src, _, dst, _, two, _ = IPV4[0]
    hasher.mrqc(ALL)
    assert hasher.hash(raw(L2 / IP(src=src, dst=dst, flags="MF") / UDP())) == (two, RssType.IPV4)
    assert hasher.hash(raw(L2 / IP(src=src, dst=dst) / SCTP())) == (two, RssType.IPV4)
    assert hasher.hash(raw(L2 / ARP())) == (0, RssType.NONE)


def test_extended_types_use_home_address_and_final_destination(hasher: Hasher) -> None:
    src, sport, dst, dport, _, four = IPV6[0]
    mobile = (
        IPv6(src="2001:db8::a", dst="2001:db8::b")
        / IPv6ExtHdrRouting(type=2, addresses=[dst])
        / IPv6ExtHdrDestOpt(options=[HAO(hoa=src)])
    )
    frame = raw(L2 / mobile / TCP(sport=sport, dport=dport))
    hasher.mrqc(MRQC.of(MRQE=1, RSS_FIELD_IPV6_EX_TCP=1))
    assert hasher.hash(frame) == (four, RssType.IPV6_EX_TCP)
    hasher.mrqc(MRQC.of(MRQE=1, RSS_FIELD_IPV6_TCP=1))
    assert hasher.hash(frame)[1] == RssType.IPV6_TCP
    assert hasher.hash(frame)[0] != four


@pytest.mark.parametrize("mode", [0, 2, 3, 8, 0xC, 0xD])
def test_modes_without_rss_do_not_hash(hasher: Hasher, mode: int) -> None:
    hasher.mrqc(ALL.replace(MRQE=mode))
    assert hasher.hash(raw(L2 / IP() / TCP())) == (0, RssType.NONE)
    assert lib.rss_queue(ffi.addressof(hasher.nic.c, "rss"), 0x1234) == 0


def test_every_reta_entry(hasher: Hasher) -> None:
    hasher.mrqc(ALL)
    entries = [(7 * i + 3) % 16 for i in range(128)]
    for i in range(32):
        value = RETA.of(**{f"ENTRY{k}": entries[4 * i + k] for k in range(4)})
        hasher.rf.write(RETA.ALIAS[i], value)
    assert [lib.rss_queue(ffi.addressof(hasher.nic.c, "rss"), 0xABCD_EF00 & ~0x7F | i) for i in range(128)] == entries


def test_a_new_key_is_used_at_once(hasher: Hasher) -> None:
    hasher.mrqc(ALL)
    frame = raw(L2 / IP(src="10.0.0.1", dst="10.0.0.2", proto=1))
    try:
        hasher.key(KEY[::-1])
        assert hasher.hash(frame)[0] == toeplitz(KEY[::-1], bytes([10, 0, 0, 1, 10, 0, 0, 2]))
    finally:
        hasher.key(KEY)


FRAMES = [
    raw(L2 / layer)
    for layer in (
        IP() / TCP(),
        IP() / UDP(),
        IPv6() / TCP(),
        IPv6() / UDP(),
        IPv6() / IPv6ExtHdrFragment() / UDP(),
        IPv6() / IPv6ExtHdrDestOpt(options=[HAO(hoa="::9")]) / UDP(),
        IPv6() / IPv6ExtHdrRouting(type=2, addresses=["::8"]) / TCP(),
    )
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    mrqc=st.integers(0, 0x1FF),
    mode=st.sampled_from([1, 1, 1, 4, 5, 0xA, 0xB]),
    key=st.binary(min_size=40, max_size=40),
    frame=st.sampled_from(FRAMES),
    tail=st.binary(min_size=20, max_size=40),
)
def test_random_keys_fields_and_addresses_agree_with_the_twin(
    hasher: Hasher, mrqc: int, mode: int, key: bytes, frame: bytes, tail: bytes
) -> None:
    value = MRQC(mrqc << 16 | mode)
    data = frame[:26] + tail[:20] + frame[46:]  # addresses and, for IPv4, ports
    hasher.key(key)
    hasher.mrqc(value)
    try:
        assert hasher.hash(data) == rss(key, value, data, parse(data))
    finally:
        hasher.key(KEY)
