# SPDX-License-Identifier: BSD-3-Clause
"""Checksum insertion and segmentation, judged by scapy and by the twin."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.layers.sctp import SCTP, SCTPChunkData
from scapy.packet import Packet, Raw

from device.machine.core import lib
from device.regs.i82599 import TXDCTL
from tests.rigs.tx import TxRig, context_desc, data_desc, options, rig
from tests.twins import tso as twin
from tests.twins.csum import rfc1071
from tests.twins.tso import Offload

PROTOCOL = {twin.TCP: 6, twin.UDP: 17}


@pytest.fixture
def tx() -> Iterator[TxRig]:
    with rig(count=64) as made:
        yield made


def addresses(frame: bytes, how: Offload) -> bytes:
    ip = frame[how.mac_len :]
    return ip[12:20] if how.ipv4 else ip[8:40]


def seed(frame: bytes, how: Offload, *, length: bool) -> bytes:
    """Put the pseudo-header's sum into the checksum field, as drivers do."""
    proto = PROTOCOL[how.l4t]
    total = rfc1071(addresses(frame, how), proto + (len(frame) - how.l4 if length else 0))
    out = bytearray(frame)
    twin.put16(out, how.l4 + twin.CHECK_AT[how.l4t], total)
    if how.ipv4:
        twin.put16(out, how.mac_len + 10, 0)
    return bytes(out)


def packet(how: Offload, payload: bytes, *, flags: str = "PA", ip_id: int = 7, seq: int = 1000) -> bytes:
    ether = Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02")
    ip = IP(src="10.0.0.1", dst="10.9.8.7", id=ip_id) if how.ipv4 else IPv6(src="fd00::1", dst="fd00::2")
    l4 = TCP(sport=1, dport=2, seq=seq, flags=flags) if how.l4t == twin.TCP else UDP(sport=3, dport=4)
    return bytes(ether / ip / l4 / Raw(payload))


def rebuilt(frame: bytes) -> bytes:
    """The same frame with lengths and checksums as scapy computes them."""
    parsed: Packet = Ether(frame)
    for layer, fields in ((IP, ("chksum", "len")), (IPv6, ("plen",)), (TCP, ("chksum",)), (UDP, ("chksum", "len"))):
        if layer in parsed:
            for field in fields:
                parsed[layer].delfieldval(field)
    return bytes(parsed)


def offload(l4t: int, *, ipv4: bool, mss: int = 0, vlan: int | None = None) -> Offload:
    return Offload(
        ip_len=20 if ipv4 else 40,
        l4_len=20 if l4t == twin.TCP else 8,
        l4t=l4t,
        ipv4=ipv4,
        ixsm=ipv4,
        mss=mss,
        vlan=vlan,
    )


def send(tx: TxRig, frame: bytes, how: Offload, *, tse: bool, cuts: tuple[int, ...] = ()) -> None:
    edges = [0, *sorted(cut for cut in set(cuts) if 0 < cut < len(frame)), len(frame)]
    parts = [frame[a:b] for a, b in pairwise(edges)]
    opts = options(how, len(frame) - how.header if tse else len(frame), tse=tse)
    descs = [context_desc(how)]
    for i, part in enumerate(parts):
        descs.append(data_desc(tx.buffer(part), len(part), eop=i == len(parts) - 1, **(opts if i == 0 else {})))
    tx.post(*descs)


def sent(tx: TxRig) -> list[bytes]:
    left = []
    while tx.run(64):
        left += tx.wire()
    return left


KINDS = [(l4t, ipv4) for l4t in (twin.TCP, twin.UDP) for ipv4 in (True, False)]


@pytest.mark.parametrize(("l4t", "ipv4"), KINDS)
@pytest.mark.parametrize("vlan", [None, 0x6042])
@pytest.mark.parametrize("size", [0, 1, 100, 1400])
def test_inserted_checksums_are_what_scapy_computes(
    tx: TxRig, l4t: int, ipv4: bool, vlan: int | None, size: int
) -> None:
    how = offload(l4t, ipv4=ipv4, vlan=vlan)
    right = rebuilt(packet(how, (bytes(range(256)) * 6)[:size]))
    send(tx, seed(right, how, length=True), how, tse=False, cuts=(20, 50))
    assert sent(tx) == [twin.finish(right, vlan)]


def test_a_udp_sum_of_zero_is_sent_as_all_ones(tx: TxRig) -> None:
    how = offload(twin.UDP, ipv4=True)
    base = packet(how, b"\0\0")
    check = twin.get16(rebuilt(base), how.l4 + 6)
    frame = packet(how, check.to_bytes(2, "big"))  # payload that makes the sum come out as 0
    send(tx, seed(frame, how, length=True), how, tse=False)
    (left,) = sent(tx)
    assert left[how.l4 + 6 : how.l4 + 8] == b"\xff\xff"


@given(st.binary(min_size=1, max_size=300))
def test_sctp_crc_is_what_scapy_computes(data: bytes) -> None:
    how = Offload(l4t=twin.SCTP, l4_len=0)
    frame = bytes(
        Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02")
        / IP(src="10.0.0.1", dst="10.0.0.2")
        / SCTP(sport=1, dport=2, tag=3)
        / SCTPChunkData(data=data)
    )
    broken = bytearray(frame)
    broken[how.l4 + 8 : how.l4 + 12] = b"\xaa\xbb\xcc\xdd"
    twin.put16(broken, how.mac_len + 10, 0)
    with rig() as tx:
        send(tx, bytes(broken), how, tse=False)
        assert sent(tx) == [frame.ljust(60, b"\0")]


@pytest.mark.parametrize(("l4t", "ipv4"), KINDS)
@pytest.mark.parametrize("vlan", [None, 5])
def test_segments_are_good_packets(tx: TxRig, l4t: int, ipv4: bool, vlan: int | None) -> None:
    how = offload(l4t, ipv4=ipv4, mss=1000, vlan=vlan)
    payload = bytes(i * 7 & 255 for i in range(4321))
    send(tx, seed(packet(how, payload, flags="FPAC", ip_id=0xFFFE, seq=2**32 - 1500), how, length=False), how, tse=True)
    left = sent(tx)
    assert len(left) == 5
    assert [rebuilt(frame) for frame in left] == left
    parsed = [Ether(frame) for frame in left]
    assert b"".join(bytes(p[Raw]) for p in parsed) == payload
    if vlan is not None:
        assert {p[Dot1Q].vlan for p in parsed} == {vlan}
    if ipv4:
        assert [p[IP].id for p in parsed] == [0xFFFE, 0xFFFF, 0, 1, 2]
    if l4t == twin.TCP:
        assert [p[TCP].seq for p in parsed] == [(2**32 - 1500 + 1000 * k) % 2**32 for k in range(5)]
        assert [str(p[TCP].flags) for p in parsed] == ["AC", "A", "A", "A", "FPA"]
    assert tx.nic.counters()["tx_packets_tso"] == 1
    assert tx.done(1)
    assert not tx.done(0)


def test_one_segment_keeps_all_flags(tx: TxRig) -> None:
    how = offload(twin.TCP, ipv4=True, mss=1460)
    send(tx, seed(packet(how, b"x" * 100, flags="FPAC"), how, length=False), how, tse=True)
    (left,) = sent(tx)
    assert str(Ether(left)[TCP].flags) == "FPAC"
    assert rebuilt(left) == left


@settings(max_examples=80, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    size=st.integers(1, 6000),
    mss=st.integers(1, 3000),
    cuts=st.lists(st.integers(1, 6000), max_size=20),
    options_len=st.integers(0, 10).map(lambda n: n * 4),
    vlan=st.one_of(st.none(), st.integers(0, 0xFFFF)),
    checks=st.tuples(st.booleans(), st.booleans()),
    noise=st.binary(min_size=130, max_size=130),
)
def test_segments_agree_with_the_twin(
    kind: tuple[int, bool],
    size: int,
    mss: int,
    cuts: list[int],
    options_len: int,
    vlan: int | None,
    checks: tuple[bool, bool],
    noise: bytes,
) -> None:
    l4t, ipv4 = kind
    how = Offload(
        ip_len=20 if ipv4 else 40,
        l4_len=20 + options_len if l4t == twin.TCP else 8,
        l4t=l4t,
        ipv4=ipv4,
        mss=max(mss, size // 100 + 1),
        vlan=vlan,
        ixsm=checks[0],
        txsm=checks[1],
    )
    frame = noise[: how.header] + (noise * 50)[:size]  # headers need no sense: hardware does as it is told
    with rig(count=64) as tx:
        send(tx, frame, how, tse=True, cuts=tuple(cuts))
        assert sent(tx) == list(twin.segments(frame, how))


@settings(max_examples=60, deadline=None)
@given(
    l4t=st.sampled_from([twin.UDP, twin.TCP, twin.SCTP]),
    frame=st.binary(min_size=100, max_size=1600),
    mac_len=st.integers(0, 40),
    ip_len=st.integers(12, 40),
    cuts=st.lists(st.integers(1, 1600), max_size=8),
    vlan=st.one_of(st.none(), st.integers(0, 0xFFFF)),
    checks=st.tuples(st.booleans(), st.booleans()),
)
def test_single_frames_agree_with_the_twin(
    l4t: int,
    frame: bytes,
    mac_len: int,
    ip_len: int,
    cuts: list[int],
    vlan: int | None,
    checks: tuple[bool, bool],
) -> None:
    how = Offload(mac_len=mac_len, ip_len=ip_len, l4_len=0, l4t=l4t, vlan=vlan, ixsm=checks[0], txsm=checks[1])
    with rig(count=64) as tx:
        send(tx, frame, how, tse=False, cuts=tuple(cuts))
        assert sent(tx) == [twin.one(frame, how)]


def test_the_ip_checksum_field_counts_with_what_is_in_it(tx: TxRig) -> None:
    how = offload(twin.TCP, ipv4=True, mss=100)
    frame = bytearray(packet(how, b"x" * 250))
    twin.put16(frame, how.mac_len + 10, 0x1234)
    send(tx, bytes(frame), how, tse=True)
    left = sent(tx)
    assert left == list(twin.segments(bytes(frame), how))
    assert left[0] != rebuilt(left[0])


def test_256_kib_go_out_within_any_budget() -> None:
    how = offload(twin.TCP, ipv4=True, mss=1460)
    payload = bytes(range(256)) * 1023
    frame = seed(packet(how, payload[:1]), how, length=False)[: how.header] + payload
    with rig(count=64) as tx:
        send(tx, frame, how, tse=True, cuts=tuple(range(16000, len(frame), 16000)))
        left: list[bytes] = []
        while n := tx.run(10):
            assert n <= 10
            assert len(left) + n == 180 or not tx.done(1)
            left += tx.wire()
        assert left == list(twin.segments(frame, how))


def test_disabling_forgets_a_half_sent_packet(tx: TxRig) -> None:
    how = offload(twin.TCP, ipv4=True, mss=100)
    frame = seed(packet(how, b"x" * 1000), how, length=False)
    send(tx, frame, how, tse=True)
    assert tx.run(3) == 3
    tx.write(TXDCTL, 0)
    assert tx.run() == 0
    tx.wire()
    tx.enable(0, 64)
    send(tx, frame, how, tse=True)
    assert sent(tx) == list(twin.segments(frame, how))


GOOD = offload(twin.TCP, ipv4=True, mss=100)


@pytest.mark.parametrize(
    ("how", "payload"),
    [
        pytest.param(Offload(mss=0), 200, id="mss 0"),
        pytest.param(Offload(mss=100, l4_len=255, ip_len=400), 0, id="headers longer than the frame"),
        pytest.param(GOOD, 300, id="payload longer than the frame"),
        pytest.param(GOOD, 100, id="payload shorter than the frame"),
        pytest.param(Offload(mss=100, mac_len=13), 201, id="no Ethernet header"),
        pytest.param(Offload(mss=100, ip_len=19), 201, id="no IPv4 header"),
        pytest.param(Offload(mss=100, ip_len=20, ipv4=False), 200, id="no IPv6 header"),
        pytest.param(Offload(mss=100, l4_len=19), 201, id="no TCP header"),
        pytest.param(Offload(mss=100, l4_len=7, l4t=twin.UDP), 213, id="no UDP header"),
        pytest.param(Offload(mss=100, l4t=twin.SCTP), 200, id="SCTP"),
    ],
)
def test_segmentation_that_cannot_be_obeyed_stops_the_queue(tx: TxRig, how: Offload, payload: int) -> None:
    frame = packet(GOOD, b"x" * 200)
    tx.post(context_desc(how), data_desc(tx.buffer(frame), len(frame), **options(how, payload, tse=True)))
    assert tx.run() == 0
    assert tx.stall() == lib.STALL_TSO
    assert not tx.wire()


def test_a_segment_longer_than_any_frame_stops_the_queue(tx: TxRig) -> None:
    how = offload(twin.TCP, ipv4=True, mss=16384)
    frame = packet(how, b"x")[: how.header] + bytes(20000)
    send(tx, frame, how, tse=True, cuts=(10000,))
    assert tx.run() == 0
    assert tx.stall() == lib.STALL_TSO


def test_headers_alone_send_nothing(tx: TxRig) -> None:
    frame = packet(GOOD, b"")
    send(tx, frame, GOOD, tse=True)
    assert tx.run() == 0
    assert not tx.stall()
    assert tx.done(1)
