# SPDX-License-Identifier: BSD-3-Clause
"""Super-frames between the tap port and the kernel, in a network namespace of its own."""

import os
import socket
import struct
from pathlib import Path

import pytest

from device.machine.core import ffi, lib
from device.machine.wire import TapPort
from tests.host.test_tap_port import Route, eventually, index, ip, link
from tests.twins import tso as twin
from tests.twins.gso import Super
from tests.unit.i82599.test_tso import offload, packet, seed

__all__ = ["ip"]  # a fixture

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: makes a network namespace and taps"),
    pytest.mark.skipif(not Path("/dev/net/tun").exists(), reason="needs /dev/net/tun"),
]
ETH_P_ALL = 3
SOL_PACKET, PACKET_VNET_HDR = 263, 15
SUPERS = lib.PORT_CSUM | lib.PORT_TCP4


def give(port: TapPort, frame: bytes, *, kind: int, mss: int, offset: int) -> int:
    """One super-frame to the port."""
    data = ffi.from_buffer("uint8_t[]", frame)
    fields = {"data": data, "len_bytes": len(frame), "kind": kind, "segment_bytes": mss, "csum_start": 34}
    return int(lib.port_send(port.c, ffi.new("struct frame[]", [fields | {"csum_offset": offset}]), 1))


def to_kernel(ip: Route, frame: bytes) -> bytes:
    """The frame with the interface's own address as its destination, and its sums anew where they cover it."""
    return bytes.fromhex(str(link(ip, "ixtap0")["IFLA_ADDRESS"]).replace(":", "")) + frame[6:]


def test_a_tcp_super_frame_is_one_packet_for_who_looks_at_the_interface(ip: Route) -> None:
    how = offload(twin.TCP, ipv4=True, mss=1000)
    frame = seed(packet(how, bytes(9000)), how, length=True)
    with TapPort("ixtap0") as port, socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as look:
        port.set_offload(on=True)
        port.set_link(up=True)
        look.bind(("ixtap0", 0))
        look.settimeout(3)
        assert give(port, frame, kind=lib.FRAME_TCP4, mss=1000, offset=16) == 1
        seen = b""
        while seen[12:14] != b"\x08\0" or seen[23:24] != b"\6":
            seen = look.recv(65536)
        assert len(seen) == len(frame)
        assert port.counters()["tx_frames"] == 9
        assert port.counters()["tx_bytes"] == 9 * 1054


def test_a_udp_super_frame_is_many_datagrams(ip: Route) -> None:
    with TapPort("ixtap0") as port, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        port.set_offload(on=True)
        if port.c.lacks & lib.PORT_UDP:
            pytest.skip("this kernel's taps take no UDP super-frames")
        port.set_link(up=True)
        ip.addr("add", index=index(ip, "ixtap0"), address="10.9.8.7", prefixlen=8)
        sock.bind(("10.9.8.7", 4))
        sock.settimeout(3)
        how = offload(twin.UDP, ipv4=True, mss=500)
        plain = packet(how, bytes(range(250)) * 10)
        frame = seed(to_kernel(ip, plain), how, length=True)
        frame = twin_header_sum(frame)
        assert give(port, frame, kind=lib.FRAME_UDP, mss=500, offset=6) == 1
        assert [sock.recv(4096) for _ in range(5)] == [(bytes(range(250)) * 2)] * 5


def twin_header_sum(frame: bytes) -> bytes:
    """The IPv4 header's checksum, which nobody else makes."""
    out = bytearray(frame)
    twin.ip_check(out, offload(twin.UDP, ipv4=True))
    return bytes(out)


def test_without_offload_the_port_takes_frames_only(ip: Route) -> None:
    how = offload(twin.TCP, ipv4=True, mss=1000)
    frame = seed(packet(how, bytes(9000)), how, length=True)
    with TapPort("ixtap0") as port:
        port.set_offload(on=True)
        port.set_link(up=True)
        assert not port.c.lacks & SUPERS
        port.set_offload(on=False)
        assert give(port, frame, kind=lib.FRAME_TCP4, mss=1000, offset=16) == 0
        port.set_offload(on=True)
        assert give(port, frame, kind=lib.FRAME_TCP4, mss=1000, offset=16) == 1
        assert eventually(lambda: port.counters()["tx_frames"] == 9)


def from_kernel(frame: bytes, *, mss: int) -> None:
    """Send a TCP super-frame out of the tap's interface."""
    header = struct.pack("<BBHHHH", 1, 1, 54, mss, 34, 16)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as out:
        out.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        out.bind(("ixtap0", 0))
        out.send(header + frame)


def received(port: TapPort, count: int) -> list[Super]:
    """So many TCP frames and super-frames, as the port brings them."""
    found: list[Super] = []
    batch = ffi.new("struct frame[]", lib.FRAME_BATCH)

    def look() -> bool:
        for i in range(lib.port_recv(port.c, batch, lib.FRAME_BATCH, ffi.NULL)):
            one = batch[i]
            data = bytes(ffi.buffer(one.data, one.len_bytes))
            if data[12:14] == b"\x08\0" and data[23] == 6:
                found.append(Super(data, one.kind, one.segment_bytes, one.csum_start, one.csum_offset))
        return len(found) >= count

    assert eventually(look)
    return found


@pytest.mark.parametrize("size", [9001, 64000])
def test_a_super_frame_of_the_kernel_comes_whole_or_as_the_kernel_cuts_it(ip: Route, size: int) -> None:
    """The kernel's own pieces are those of the twin, and so of the cutter that the twin judges."""
    how = offload(twin.TCP, ipv4=True, mss=1000)
    frame = seed(packet(how, (bytes(range(251)) * 300)[:size]), how, length=True)
    with TapPort("ixtap0") as port:
        port.set_link(up=True)
        port.set_offload(on=True)
        assert eventually(lambda: port.carrier)
        from_kernel(frame, mss=1000)
        (whole,) = received(port, 1)
        assert (whole.data[36:], whole.kind, whole.segment_bytes, whole.csum_start) == (frame[36:], 1, 1000, 34)
        before = port.counters()
        port.set_offload(on=False)
        from_kernel(frame, mss=1000)
        pieces = received(port, (size + 999) // 1000)
        assert [piece.data for piece in pieces] == list(whole.pieces())
        assert port.counters()["rx_frames"] >= before["rx_frames"] + len(pieces)
        assert before["rx_frames"] >= len(pieces)
        assert before["rx_bytes"] >= sum(len(piece.data) for piece in pieces)
