# SPDX-License-Identifier: BSD-3-Clause
"""Between the tap and the wire, without a kernel: what a tap would hand us goes in, scapy judges what leaves the NIC.

A SOCK_SEQPACKET socket stands in for the tap: one frame a read, one frame a write.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import GRE, Dot1AD, Dot1Q, Ether
from scapy.packet import Packet, Raw
from scapy.utils import checksum

from driver.compiled import ffi, lib
from driver.core.napi import Poller, Sink
from tests.rigs.pair import FAR, MAC, Rig, Wire, flow, offload, pattern, plain, rig, sums_good

NEEDS_CSUM, DATA_VALID = 1, 2
GSO_TCP4, GSO_TCP6, GSO_UDP_L4 = 1, 4, 5


class Tap:
    """The two ends of a tap: ``kernel`` is what the kernel would hold."""

    def __init__(self) -> None:
        self.kernel, self.ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self.kernel, self.ours):
            end.setblocking(False)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
        self.stats = ffi.new("struct netdev_stats *")

    def send(self, frame: bytes, *, gso: int = 0, size: int = 0, start: int = 0, offset: int = 0) -> None:
        """What the kernel would send; ``start`` 0: with its checksum done."""
        flags = NEEDS_CSUM if start else 0
        self.kernel.send(struct.pack("<BBHHHH", flags, gso, 0, size, start, offset) + frame)

    def tx(self, up: Rig, budget: int = 64) -> int:
        """Move frames to the ring and let the NIC send them."""
        rc = int(lib.netdev_tx(up.adapter.tx_rings[0].c, self.ours.fileno(), budget, self.stats))
        up.settle()
        up.adapter.tx_rings[0].clean()
        return rc

    def rx(self, up: Rig) -> list[tuple[int, bytes]]:
        """Move frames from the ring to the kernel: (flags of the virtio-net header, frame)."""
        up.settle()
        while lib.netdev_rx(up.adapter.rx_rings[0].c, self.ours.fileno(), 64, self.stats) > 0:
            up.settle()
        found: list[tuple[int, bytes]] = []
        while True:
            try:
                data = self.kernel.recv(65536)
            except BlockingIOError:
                return found
            found.append((data[0], data[10:]))

    def close(self) -> None:
        self.kernel.close()
        self.ours.close()


@pytest.fixture
def tap() -> Iterator[Tap]:
    tap = Tap()
    yield tap
    tap.close()


@pytest.fixture
def up(wire: Wire) -> Iterator[Rig]:
    with rig(wire) as made:
        yield made


def pseudo_sum(frame: Packet, proto: int, length: int) -> int:
    """Folded sum of the pseudo header: what the kernel leaves in the checksum field."""
    if IP in frame:
        head = socket.inet_aton(frame[IP].src) + socket.inet_aton(frame[IP].dst) + struct.pack(">HH", proto, length)
    else:
        head = b"".join(socket.inet_pton(socket.AF_INET6, a) for a in (frame[IPv6].src, frame[IPv6].dst))
        head += struct.pack(">II", length, proto)
    return 0xFFFF - int(checksum(head))


def unfinished(frame: Packet, l4: type[Packet]) -> tuple[bytes, dict[str, int]]:
    """The frame as a kernel leaves it to a NIC, and the header fields that say so."""
    whole = bytearray(bytes(frame))
    start = len(frame) - len(frame[l4])
    offset = 16 if l4 is TCP else 6
    seed = pseudo_sum(frame, 6 if l4 is TCP else 17, len(frame) - start)
    whole[start + offset : start + offset + 2] = seed.to_bytes(2, "big")
    return bytes(whole), {"start": start, "offset": offset}


ETHER = Ether(dst=FAR, src=MAC)
V4, V6 = IP(src="192.0.2.1", dst="192.0.2.2"), IPv6(src="2001:db8::1", dst="2001:db8::2")


@pytest.mark.parametrize("ether", [ETHER, ETHER / Dot1Q(vlan=5), ETHER / Dot1AD(vlan=7) / Dot1Q(vlan=5)])
@pytest.mark.parametrize("ip", [V4, V6])
@pytest.mark.parametrize("l4", [TCP(sport=7, dport=9), UDP(sport=7, dport=9)])
def test_a_checksum_left_undone_is_right_on_the_wire(
    up: Rig, wire: Wire, tap: Tap, ether: Packet, ip: Packet, l4: Packet
) -> None:
    for length in (1, 100, 1399):
        frame = ether / ip / l4 / Raw(pattern(length, length))
        data, how = unfinished(frame, type(l4))
        tap.send(data, **how)
        assert tap.tx(up) == 1
        (sent,) = wire.sent()
        assert sent[: len(data)] == bytes(frame)  # scapy's sums
    assert tap.stats.csum_left == 3
    assert tap.stats.csum_soft == 0


@pytest.mark.parametrize("ether", [ETHER, ETHER / Dot1Q(vlan=5), ETHER / Dot1AD(vlan=7) / Dot1Q(vlan=5)])
@pytest.mark.parametrize(
    ("ip", "l4", "kind"), [(V4, TCP, GSO_TCP4), (V6, TCP, GSO_TCP6), (V4, UDP, GSO_UDP_L4), (V6, UDP, GSO_UDP_L4)]
)
def test_a_large_packet_is_cut_into_good_segments(
    up: Rig, wire: Wire, tap: Tap, ether: Packet, ip: Packet, l4: type[Packet], kind: int
) -> None:
    payload = pattern(3, 10_000)
    frame = ether / ip / l4(sport=7, dport=9) / Raw(payload)
    data, how = unfinished(frame, l4)
    tap.send(data, gso=kind, size=1400, **how)
    assert tap.tx(up) == 1
    sent = wire.sent()
    assert [len(Ether(f)[l4].payload) for f in sent] == [1400] * 7 + [200]
    assert b"".join(bytes(Ether(f)[l4].payload) for f in sent) == payload
    assert all(sums_good(f) for f in sent)
    assert tap.stats.tx_gso == 1


def test_a_large_packet_that_is_one_segment_is_one_good_frame(up: Rig, wire: Wire, tap: Tap) -> None:
    frame = ETHER / V4 / TCP() / Raw(bytes(1000))
    data, how = unfinished(frame, TCP)
    tap.send(data, gso=GSO_TCP4, size=1400, **how)
    tap.tx(up)
    assert wire.sent() == [bytes(frame)]
    assert tap.stats.tx_gso == 0


@pytest.mark.parametrize("length", [1, 2, 99, 1300, 5000])
def test_a_checksum_the_nic_does_not_know_is_summed_in_software(tap: Tap, length: int) -> None:
    wire = Wire()
    with rig(wire, mtu=9000) as up:
        frame = ETHER / V4 / GRE(chksum_present=1) / IP(src="10.0.0.1", dst="10.0.0.2") / Raw(pattern(1, length))
        right = bytearray(bytes(frame))
        right[38:40] = bytes(2)
        right[38:40] = int(checksum(bytes(right[34:]))).to_bytes(2, "big")
        for _ in range(70):  # past the end of a 64-slot ring, so that buffers wrap
            data = bytearray(right)
            data[38:40] = bytes(2)
            tap.send(bytes(data), start=34, offset=4)
            assert tap.tx(up) == 1
            (sent,) = wire.sent()
            assert sent[: len(right)] == bytes(right)
        assert tap.stats.csum_soft == 70
    wire.close()


def test_nonsense_from_the_tap_is_dropped_and_counted_and_the_rest_goes_on(up: Rig, wire: Wire, tap: Tap) -> None:
    frame = flow(1, payload=bytes(100))
    tap.send(frame, start=34, offset=60000)
    tap.send(frame[:10])
    tap.kernel.send(b"\0" * 10)
    tap.send(frame, gso=GSO_TCP4, size=0, start=34, offset=16)
    tap.send(frame)
    assert tap.tx(up) == 5
    assert wire.sent() == [frame]
    assert (tap.stats.tx_frames, tap.stats.tx_dropped) == (1, 4)


def test_frames_stay_in_the_tap_while_the_ring_is_full(up: Rig, wire: Wire, tap: Tap) -> None:
    frames = [plain(n, dst=FAR) for n in range(100)]
    for frame in frames:
        tap.send(frame)
    ring = up.adapter.tx_rings[0]
    fd = tap.ours.fileno()
    got = int(lib.netdev_tx(ring.c, fd, 100, tap.stats))
    assert 0 < got < 64
    assert lib.netdev_tx(ring.c, fd, 100, tap.stats) == -errno.EAGAIN
    sent = []
    for _ in range(10):
        up.settle()
        sent += wire.sent()
        ring.clean()
        lib.netdev_tx(ring.c, fd, 100, tap.stats)
    assert sent == frames
    assert ring.stats()["busy"] > 0


def test_a_tap_that_is_gone_is_an_error(up: Rig, tap: Tap) -> None:
    assert lib.netdev_tx(up.adapter.tx_rings[0].c, -1, 64, tap.stats) == -errno.EBADF


@pytest.mark.parametrize("udp", [False, True])
@pytest.mark.parametrize("v6", [False, True])
def test_received_frames_arrive_with_the_nics_verdict(up: Rig, wire: Wire, tap: Tap, *, v6: bool, udp: bool) -> None:
    good = flow(1, v6=v6, udp=udp, payload=b"payload" * 9)
    bad = good[:-1] + b"X"
    wire.inject(good, bad)
    assert tap.rx(up) == [(DATA_VALID, good), (0, bad)]
    assert (tap.stats.rx_frames, tap.stats.csum_good) == (2, 1)


def test_a_stripped_tag_is_back_in_the_frame(up: Rig, wire: Wire, tap: Tap) -> None:
    frame = flow(1, payload=bytes(50), vlan=0x6005)
    wire.inject(frame)
    assert tap.rx(up)[0][1] == frame
    up.adapter.set_vlan_features(stripping=True)
    wire.inject(frame)
    assert tap.rx(up)[0][1] == frame


def test_long_frames_cross_in_one_piece(tap: Tap) -> None:
    wire = Wire()
    with rig(wire, mtu=9710) as up:
        frames = [plain(n, 9724) for n in range(10)]
        for frame in frames:
            wire.inject(frame)
            assert [data for _, data in tap.rx(up)] == [frame]
            tap.send(frame)
            assert tap.tx(up) == 1
            assert wire.sent() == [frame]
    wire.close()


def test_a_tap_without_room_costs_frames_not_time(up: Rig, wire: Wire, tap: Tap) -> None:
    tap.kernel.close()
    wire.inject(plain(1))
    up.settle()
    assert lib.netdev_rx(up.adapter.rx_rings[0].c, tap.ours.fileno(), 64, tap.stats) == 1
    assert tap.stats.rx_dropped == 1


# ---- the poller ----------------------------------------------------------------------------------------------------


def served(up: Rig, tap: Tap, sink: Sink = Sink.NETDEV) -> Poller:
    return Poller(up.adapter.napis(), sink=sink, tap_fds=[tap.ours.fileno()])


def test_a_poller_says_when_the_interface_is_gone(up: Rig) -> None:
    fd = os.open("/dev/null", os.O_WRONLY)  # reading it fails
    poller = Poller(up.adapter.napis(), sink=Sink.NETDEV, tap_fds=[fd])
    poller.start()
    assert os.eventfd_read(_blocking(poller.done_fd())) == 1
    assert "the network interface is gone" in str(poller.error)
    poller.close()
    poller.close()
    os.close(fd)


def test_a_poller_says_when_the_device_is_gone(up: Rig, tap: Tap) -> None:
    poller = served(up, tap)
    poller.start()
    poller.stop()
    assert not poller.alive
    mmio: Any = up.adapter.bar.mmio
    mmio.error = -errno.EPIPE
    poller.start()
    assert os.eventfd_read(_blocking(poller.done_fd())) == 1
    assert "pair: the device no longer answers (Broken pipe)" in str(poller.error)
    poller.close()
    mmio.error = 0


def _blocking(fd: int) -> int:
    os.set_blocking(fd, True)
    return fd


def test_the_echo_sink_swaps_addresses(up: Rig, wire: Wire, tap: Tap) -> None:
    napis = up.adapter.napis()
    Poller(napis, sink=Sink.ECHO).close()
    frame = flow(1, payload=bytes(100))
    wire.inject(frame)
    up.settle()
    napis[0].poll()
    up.settle()
    assert wire.sent() == [frame[6:12] + frame[:6] + frame[12:]]


def test_what_nobody_wants_is_dropped_and_counted(up: Rig, wire: Wire, tap: Tap) -> None:
    napis = up.adapter.napis()
    Poller(napis, sink=Sink.DROP).close()
    wire.inject(*[plain(n) for n in range(3)])
    up.settle()
    assert napis[0].poll() == 3
    assert up.adapter.rx_rings[0].stats()["drops"] == 3


def test_an_offload_of_the_ring_reaches_the_wire(up: Rig, wire: Wire) -> None:
    frame = ETHER / V4 / TCP() / Raw(b"x" * 60)
    data, _ = unfinished(frame, TCP)
    how: Any = offload()
    up.send([data], offload=how)
    assert wire.sent() == [bytes(frame)]
