# SPDX-License-Identifier: BSD-3-Clause
"""A packet that the NIC made of many frames, on its way to a tap: what the kernel is told of it, judged by scapy."""

import errno
import socket
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet, Raw
from scapy.utils import checksum

from driver.compiled import ffi, lib

BUF_BYTES = 2048
NEEDS_CSUM, GSO_TCP4, GSO_TCP6 = 1, 1, 4
ETHER = Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02")
V4, V6 = IP(src="192.0.2.1", dst="192.0.2.2"), IPv6(src="2001:db8::1", dst="2001:db8::2")
STAMPS = [("NOP", None), ("NOP", None), ("Timestamp", (1000, 5))]


class Tap:
    """``write`` does what the driver does; ``read`` is what the kernel gets."""

    def __init__(self) -> None:
        self.kernel, self.ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)

    def write(self, data: bytes, segments: int, *, flags: int = 0, vlan: int = 0) -> int:
        """Give a packet away as it lies in the NIC's buffers; returns what ``vnet_write`` does."""
        frame: Any = ffi.new("struct rx_frame *")
        pieces = [bytearray(data[at : at + BUF_BYTES]) for at in range(0, len(data), BUF_BYTES)]
        parts = [ffi.from_buffer("uint8_t[]", piece) for piece in pieces]
        frame.bufs, frame.total_bytes, frame.segments = len(parts), len(data), segments
        frame.flags, frame.vlan_tci = lib.RX_COALESCED | lib.RX_CSUM_GOOD | flags, vlan
        for n, part in enumerate(parts):
            frame.data[n], frame.len_bytes[n] = part, len(part)
        return int(lib.vnet_write(self.ours.fileno(), frame))

    def read(self) -> tuple[tuple[int, ...], bytes]:
        """The virtio-net header and the packet."""
        data = self.kernel.recv(1 << 17)
        return struct.unpack("=BBHHHH", data[:10]), data[10:]

    def empty(self) -> bool:
        """Whether nothing was written."""
        try:
            self.kernel.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK)
        except BlockingIOError:
            return True
        return False


@pytest.fixture
def tap() -> Iterator[Tap]:
    tap = Tap()
    yield tap
    tap.kernel.close()
    tap.ours.close()


def payload(size: int) -> bytes:
    return bytes(at * 7 % 251 for at in range(size))


@pytest.mark.parametrize("ip", [V4, V6], ids=["v4", "v6"])
@pytest.mark.parametrize("options", [[], STAMPS], ids=["plain", "stamps"])
@pytest.mark.parametrize("tag", [None, 0x2005])
@pytest.mark.parametrize(("size", "segments"), [(2 * 1448, 2), (20 * 1448 + 3, 21), (300, 2)])
def test_the_kernel_learns_how_to_cut_it(
    tap: Tap, ip: Packet, options: list[Any], tag: int | None, size: int, segments: int
) -> None:
    packet = ETHER / ip / TCP(sport=1, dport=2, seq=9, flags="A", options=options) / Raw(payload(size))
    good = bytes(packet)
    wrong = bytearray(good)
    at = len(packet) - len(packet[TCP]) + 16
    wrong[at : at + 2] = b"\xde\xad"  # what the first frame had
    more = {} if tag is None else {"flags": lib.RX_VLAN, "vlan": tag}
    assert tap.write(bytes(wrong), segments, **more) == 0
    (flags, gso_type, header, gso_size, start, offset), data = tap.read()
    tag_bytes = 0 if tag is None else 4
    assert (flags, gso_type) == (NEEDS_CSUM, GSO_TCP4 if ip is V4 else GSO_TCP6)
    assert header == len(good) - size + tag_bytes
    assert gso_size == -(-size // segments)
    assert (start, offset) == (at - 16 + tag_bytes, 16)
    if tag is not None:
        assert Ether(data)[Dot1Q].vlan == tag % 4096
        data = data[:12] + data[16:]
        start -= 4
    summed = bytearray(data)
    summed[start + 16 : start + 18] = int(checksum(data[start:])).to_bytes(2, "big")
    assert bytes(summed) == good, "summing from there on, over the seed, makes a good packet"


TCP4 = ETHER / V4 / TCP(flags="A") / Raw(payload(3000))


def changed(at: int, *values: int) -> bytes:
    data = bytearray(bytes(TCP4))
    data[at : at + len(values)] = bytes(values)
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(bytes(ETHER / V4 / Raw(bytes(3000))), id="not TCP"),
        pytest.param(bytes(Ether(type=0x88B5) / Raw(bytes(3000))), id="not IP"),
        pytest.param(changed(14, 0x65), id="another version of IP"),
        pytest.param(changed(14, 0x44), id="IP header too short"),
        pytest.param(changed(20, 0x20, 0), id="a fragment"),
        pytest.param(changed(16, 0, 40), id="IP says another length"),
        pytest.param(bytes(TCP4)[:-1], id="shorter than IP says"),
        pytest.param(changed(46, 0x40), id="TCP header too short"),
        pytest.param(bytes(ETHER / V4 / TCP()), id="no payload"),
        pytest.param(bytes(ETHER / V6 / Raw(bytes(3000))), id="v6, not TCP"),
        pytest.param(bytes(ETHER), id="no more than Ethernet"),
        pytest.param(b"\x00", id="one byte"),
    ],
)
def test_what_cannot_be_cut_again_is_no_packet_for_the_kernel(tap: Tap, data: bytes) -> None:
    assert tap.write(data, 3) == -errno.EINVAL
    assert tap.empty()
