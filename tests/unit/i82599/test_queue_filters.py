# SPDX-License-Identifier: BSD-3-Clause
"""EtherType, SYN and 5-tuple filters, programmed with the register values that DPDK's ixgbe writes."""

from ipaddress import IPv4Address

import pytest
from scapy.compat import raw
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.layers.sctp import SCTP
from scapy.packet import Packet

from device.regs.i82599 import (
    DAQF,
    ETQF,
    ETQS,
    FDIRCTRL,
    FDIRMATCH,
    FDIRMISS,
    FTQF,
    L34TIMIR,
    MRQC,
    RETA,
    RSSRK,
    SAQF,
    SDPQF,
    SYNQF,
    VFRE,
    VT_CTL,
)
from device.regs.i82599.desc import RXD, RXDADV, RXDETQF, RssType
from device.regs.i82599.filters import MrqeMode, TupleProtocol
from tests.rigs import fdir
from tests.rigs.rx import Rig, Ring
from tests.twins.fdir import TCP as FDIR_TCP
from tests.twins.fdir import Flow

L2 = Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02")
HOSTS = IP(src="10.1.2.3", dst="10.9.8.7")
FRAME = L2 / HOSTS / TCP(sport=1000, dport=2000, flags="A")
SYN = L2 / HOSTS / TCP(sport=1000, dport=2000, flags="S")
SOURCE, DESTINATION, SPORT, DPORT, PROTOCOL = (1 << n for n in range(5))  # FTQF.MASK
LLDP, EXPERIMENTAL = 0x88CC, 0x88B5


@pytest.fixture
def rings(rig: Rig) -> dict[int, Ring]:
    return fdir.queues(rig, 0, 1, 5, 9)


def arrives(rig: Rig, rings: dict[int, Ring], frame: Packet) -> tuple[int, RXDADV, RXD]:
    return fdir.arrives(rig, rings, bytes(raw(frame)).ljust(60, b"\0"))


def where(rig: Rig, rings: dict[int, Ring], frame: Packet) -> int:
    return arrives(rig, rings, frame)[0]


def as_it_lies(data: bytes) -> int:
    return int.from_bytes(data, "little")


def tuple_filter(
    rig: Rig,
    n: int = 0,
    queue: int = 5,
    *,
    ignore: int = 0,
    src: str = "10.1.2.3",
    dst: str = "10.9.8.7",
    sport: int = 1000,
    dport: int = 2000,
    **ftqf: int,
) -> None:
    """As ixgbe_inject_5tuple_filter of DPDK: addresses and ports in network byte order, every pool."""
    rig.write(SAQF, as_it_lies(IPv4Address(src).packed), n)
    rig.write(DAQF, as_it_lies(IPv4Address(dst).packed), n)
    ports = {"SRC_PORT": as_it_lies(sport.to_bytes(2)), "DST_PORT": as_it_lies(dport.to_bytes(2))}
    rig.write(SDPQF, SDPQF.of(**ports), n)
    fields = {"PROTOCOL": TupleProtocol.TCP, "PRIORITY": 1, "POOL_MASK": 1, "ENABLE": 1, "MASK": ignore}
    rig.write(FTQF, FTQF.of(**(fields | ftqf)), n)
    rig.write(L34TIMIR, L34TIMIR.of(RESERVE=1, QUEUE=queue), n)


def syn_filter(rig: Rig, queue: int = 9, *, first: int = 0) -> None:
    rig.write(SYNQF, SYNQF.of(QUEUE_EN=1, RX_QUEUE=queue, SYNQFP=first))


# ---- 5-tuple


@pytest.mark.parametrize("n", [0, 1, 127])
def test_a_filter_steers_its_connection(rig: Rig, rings: dict[int, Ring], n: int) -> None:
    assert where(rig, rings, FRAME) == 0
    tuple_filter(rig, n)
    assert where(rig, rings, FRAME) == 5
    assert where(rig, rings, L2 / Dot1Q(vlan=7) / FRAME[IP]) == 5
    rig.write(L34TIMIR, L34TIMIR.of(RESERVE=1, QUEUE=9), n)
    assert where(rig, rings, FRAME) == 9
    rig.write(FTQF, 0, n)
    assert where(rig, rings, FRAME) == 0


def test_a_filter_is_looked_at_anew_after_each_of_its_registers(rig: Rig, rings: dict[int, Ring]) -> None:
    tuple_filter(rig)
    for register in (SAQF, DAQF, SDPQF):
        before = rig.read(register)
        assert where(rig, rings, FRAME) == 5
        rig.write(register, before ^ 1)
        assert where(rig, rings, FRAME) == 0
        rig.write(register, before)


OTHERS = {
    SOURCE: L2 / IP(src="10.1.2.4", dst="10.9.8.7") / TCP(sport=1000, dport=2000),
    DESTINATION: L2 / IP(src="10.1.2.3", dst="10.9.8.6") / TCP(sport=1000, dport=2000),
    SPORT: L2 / HOSTS / TCP(sport=1001, dport=2000),
    DPORT: L2 / HOSTS / TCP(sport=1000, dport=2256),
    PROTOCOL: L2 / HOSTS / UDP(sport=1000, dport=2000),
}


@pytest.mark.parametrize("field", OTHERS)
def test_every_field_counts_unless_it_is_masked(rig: Rig, rings: dict[int, Ring], field: int) -> None:
    tuple_filter(rig)
    assert where(rig, rings, OTHERS[field]) == 0
    tuple_filter(rig, ignore=field)
    assert [where(rig, rings, frame) for frame in OTHERS.values()] == [5 if one == field else 0 for one in OTHERS]


@pytest.mark.parametrize(
    ("protocol", "layer"),
    [
        (TupleProtocol.TCP, TCP(sport=1000, dport=2000)),
        (TupleProtocol.UDP, UDP(sport=1000, dport=2000)),
        (TupleProtocol.SCTP, SCTP(sport=1000, dport=2000)),
        (TupleProtocol.OTHER, ICMP()),
    ],
)
def test_protocols(rig: Rig, rings: dict[int, Ring], protocol: TupleProtocol, layer: Packet) -> None:
    for other in TupleProtocol:
        tuple_filter(rig, ignore=SPORT | DPORT, PROTOCOL=other)
        assert where(rig, rings, L2 / HOSTS / layer) == (5 if other == protocol else 0)


def test_what_has_no_ports_and_no_such_addresses(rig: Rig, rings: dict[int, Ring]) -> None:
    """Fragments and ICMP fit no filter with ports, fragments none with a protocol, and IPv6 none at all."""
    fragment = L2 / IP(src="10.1.2.3", dst="10.9.8.7", flags="MF", proto=6) / (b"\0" * 40)
    zero = L2 / HOSTS / ICMP()
    six = L2 / IPv6(src="::1", dst="::2") / TCP(sport=1000, dport=2000)
    tuple_filter(rig, ignore=PROTOCOL, sport=0, dport=0)
    assert (where(rig, rings, fragment), where(rig, rings, zero)) == (0, 0)
    tuple_filter(rig, ignore=SPORT | DPORT, PROTOCOL=TupleProtocol.OTHER)
    assert (where(rig, rings, fragment), where(rig, rings, zero)) == (0, 5)
    tuple_filter(rig, ignore=SOURCE | DESTINATION | SPORT | DPORT | PROTOCOL)
    assert (where(rig, rings, fragment), where(rig, rings, zero), where(rig, rings, six)) == (5, 5, 0)


def test_priority_then_number(rig: Rig, rings: dict[int, Ring]) -> None:
    tuple_filter(rig, 3, 5, PRIORITY=2)
    tuple_filter(rig, 9, 9, PRIORITY=2)
    assert where(rig, rings, FRAME) == 5
    tuple_filter(rig, 9, 9, PRIORITY=7)
    assert where(rig, rings, FRAME) == 9
    tuple_filter(rig, 2, 1, PRIORITY=0)
    assert where(rig, rings, FRAME) == 9
    tuple_filter(rig, 3, 5, PRIORITY=0)
    tuple_filter(rig, 9, 9, PRIORITY=0)
    assert where(rig, rings, FRAME) == 1


def test_pools(rig: Rig, rings: dict[int, Ring]) -> None:
    tuple_filter(rig, POOL_MASK=0, POOL=3)
    assert where(rig, rings, FRAME) == 0
    rig.write(VT_CTL, VT_CTL.of(VT_ENABLE=1, POOL=3))
    rig.write(VFRE, 1 << 3)
    assert where(rig, rings, FRAME) == 5
    tuple_filter(rig, POOL_MASK=0, POOL=4)
    assert where(rig, rings, FRAME) == 0


def test_all_128_at_once(rig: Rig, rings: dict[int, Ring]) -> None:
    for n in range(FTQF.count):
        tuple_filter(rig, n, 9, sport=n, PRIORITY=n % 8)
    tuple_filter(rig, 77, 5)
    assert where(rig, rings, FRAME) == 5
    assert where(rig, rings, L2 / HOSTS / TCP(sport=126, dport=2000)) == 9
    assert where(rig, rings, L2 / HOSTS / TCP(sport=77, dport=2000)) == 0


# ---- SYN


def test_connections_that_begin(rig: Rig, rings: dict[int, Ring]) -> None:
    syn_filter(rig)
    assert where(rig, rings, SYN) == 9
    assert where(rig, rings, FRAME) == 0
    assert where(rig, rings, L2 / HOSTS / TCP(flags="SA")) == 9
    assert where(rig, rings, L2 / IPv6(src="::1", dst="::2") / TCP(flags="S")) == 9
    assert where(rig, rings, L2 / HOSTS / UDP(sport=0x0202, dport=0x0202) / (b"\2" * 30)) == 0
    rig.write(SYNQF, SYNQF.of(RX_QUEUE=9))
    assert where(rig, rings, SYN) == 0


def test_syn_and_5_tuple(rig: Rig, rings: dict[int, Ring]) -> None:
    tuple_filter(rig, PRIORITY=7)
    syn_filter(rig)
    assert (where(rig, rings, SYN), where(rig, rings, FRAME)) == (5, 5)
    syn_filter(rig, first=1)
    assert (where(rig, rings, SYN), where(rig, rings, FRAME)) == (9, 5)
    assert where(rig, rings, L2 / HOSTS / TCP(sport=7, flags="S")) == 9


# ---- before RSS and the flow director


def test_they_go_before_rss_which_still_hashes(rig: Rig, rings: dict[int, Ring]) -> None:
    for n in range(RETA.count):
        rig.write(RETA, 0x01010101, n)
    for n in range(RSSRK.count):
        rig.write(RSSRK, 0x9E3779B9 * (n + 1) & 0xFFFF_FFFF, n)
    rig.write(MRQC, MRQC.of(MRQE=MrqeMode.RSS, RSS_FIELD_IPV4_TCP=1))
    queue, before, _ = arrives(rig, rings, FRAME)
    assert queue == 1
    tuple_filter(rig)
    syn_filter(rig)
    queue, q0, q1 = arrives(rig, rings, FRAME)
    assert (queue, q0.RSSTYPE, q0.RSS_HASH) == (5, RssType.IPV4_TCP, before.RSS_HASH)
    assert not q1.STAT_FLM
    assert where(rig, rings, L2 / HOSTS / TCP(sport=9, flags="S")) == 9


def test_they_go_before_the_flow_director(rig: Rig, rings: dict[int, Ring]) -> None:
    fdir.renew(rig)
    rings = fdir.queues(rig, 0, 1, 5, 9)
    fdir.atr(rig, Flow("10.1.2.3", "10.9.8.7", 1000, 2000, FDIR_TCP, flex=0x0800), 1)
    assert where(rig, rings, FRAME) == 1
    rig.read(FDIRMATCH)
    tuple_filter(rig)
    queue, _, q1 = arrives(rig, rings, FRAME)
    assert (queue, q1.STAT_FLM) == (5, 0)
    syn_filter(rig, first=1)
    assert where(rig, rings, SYN) == 9
    assert (rig.read(FDIRMATCH), rig.read(FDIRMISS)) == (0, 0)
    rig.write(FDIRCTRL, 0)
    assert where(rig, rings, FRAME) == 5


# ---- EtherType


def etqf(rig: Rig, n: int, queue: int, **fields: int) -> None:
    rig.write(ETQF, ETQF.of(**({"FILTER_EN": 1, "ETYPE": EXPERIMENTAL} | fields)), n)
    rig.write(ETQS, ETQS.of(QUEUE_EN=1, RX_QUEUE=queue), n)


def test_the_first_of_several_ethertype_filters(rig: Rig, rings: dict[int, Ring]) -> None:
    frame = L2.copy() / (b"\0" * 46)
    frame.type = EXPERIMENTAL
    etqf(rig, 6, 9)
    etqf(rig, 2, 5)
    etqf(rig, 0, 1, ETYPE=LLDP)
    queue, q0, _ = arrives(rig, rings, frame)
    assert (queue, RXDETQF(q0).MATCH, RXDETQF(q0).INDEX) == (5, 1, 2)
    rig.write(ETQF, 0, 2)
    queue, q0, _ = arrives(rig, rings, frame)
    assert (queue, RXDETQF(q0).INDEX) == (9, 6)


def test_user_priority(rig: Rig, rings: dict[int, Ring]) -> None:
    etqf(rig, 0, 5, UP_EN=1, UP=3)
    bare = L2.copy() / (b"\0" * 46)
    bare.type = EXPERIMENTAL
    tagged = {prio: L2 / Dot1Q(prio=prio, vlan=1, type=EXPERIMENTAL) / (b"\0" * 46) for prio in (0, 3)}
    assert [where(rig, rings, frame) for frame in (bare, tagged[0], tagged[3])] == [0, 0, 5]
    etqf(rig, 0, 5, UP_EN=1, UP=0)
    assert [where(rig, rings, frame) for frame in (bare, tagged[0], tagged[3])] == [0, 5, 0], "no tag, no priority"
    etqf(rig, 0, 5, UP=3)
    assert [where(rig, rings, frame) for frame in (bare, tagged[0], tagged[3])] == [5, 5, 5]


def test_ethertype_filters_leave_ip_to_the_others(rig: Rig, rings: dict[int, Ring]) -> None:
    etqf(rig, 0, 9, ETYPE=0x0800)
    tuple_filter(rig)
    queue, q0, _ = arrives(rig, rings, FRAME)
    assert (queue, RXDETQF(q0).MATCH) == (5, 0)
