# SPDX-License-Identifier: BSD-3-Clause
"""Names, MTUs, and what the kernel's virtio-net header asks of the NIC, for frames that scapy built."""

import errno
import fcntl
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt
from scapy.layers.l2 import GRE, Dot1AD, Dot1Q, Ether
from scapy.packet import Packet, Raw

from driver.compiled import ffi, lib
from driver.core import netdev
from driver.core.netdev import NetDev, check_name, groups_of
from driver.errors import DriverError, MissingError

ROOT = Path(__file__).resolve().parents[3]
NEEDS_CSUM, DATA_VALID = 1, 2
GSO_NONE, GSO_TCP4, GSO_UDP, GSO_TCP6, GSO_UDP_L4, ECN = 0, 1, 3, 4, 5, 0x80
TCP_AT, UDP_AT = 16, 6
IP_MAX_BYTES = 100


def vnet(flags: int = NEEDS_CSUM, gso: int = 0, size: int = 0, start: int = 0, offset: int = 0) -> bytes:
    return struct.pack("<BBHHHH", flags, gso, 0, size, start, offset)


def ask(header: bytes, frame: bytes) -> tuple[int, Any]:
    off = ffi.new("struct tx_offload *")
    rc = lib.vnet_to_offload(ffi.from_buffer(header), ffi.from_buffer(frame), len(frame), IP_MAX_BYTES, off)
    return int(rc), off


def start_of(frame: Packet, layer: type[Packet]) -> int:
    return len(frame) - len(frame[layer])


ETHER = Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02")
V4, V6 = IP(src="192.0.2.1", dst="192.0.2.2"), IPv6(src="2001:db8::1", dst="2001:db8::2")
TAGS = [ETHER, ETHER / Dot1Q(vlan=5), ETHER / Dot1AD(vlan=7) / Dot1Q(vlan=5)]


@pytest.mark.parametrize("ether", TAGS, ids=["plain", "tagged", "twice tagged"])
@pytest.mark.parametrize("ip", [V4, V6, V6 / IPv6ExtHdrDestOpt()], ids=["v4", "v6", "v6 options"])
@pytest.mark.parametrize("l4", [TCP(), UDP()], ids=["tcp", "udp"])
def test_a_checksum_left_undone_names_where_the_headers_start(ether: Packet, ip: Packet, l4: Packet) -> None:
    frame = ether / ip / l4 / Raw(b"x" * 100)
    layer = type(l4)
    rc, off = ask(vnet(start=start_of(frame, layer), offset=TCP_AT if layer is TCP else UDP_AT), bytes(frame))
    assert rc == 0
    assert off.l3_offset == start_of(frame, IP if IP in frame else IPv6)
    assert off.l4_offset == start_of(frame, layer)
    assert (off.l4_csum, off.l4_type, off.ipv4) == (1, int(layer is TCP), int(IP in frame))
    assert (off.mss, off.ip_csum, off.vlan) == (0, 0, 0)


def test_a_finished_frame_asks_for_nothing() -> None:
    rc, off = ask(vnet(flags=0), bytes(ETHER / V4 / UDP()))
    assert rc == 0
    assert bytes(ffi.buffer(off)) == bytes(len(ffi.buffer(off)))


@pytest.mark.parametrize(
    ("ip", "l4", "kind", "header"),
    [
        (V4, TCP(options=[("Timestamp", (1, 2))]), GSO_TCP4, 32),
        (V4, TCP(), GSO_TCP4 | ECN, 20),
        (V6, TCP(), GSO_TCP6, 20),
        (V6, UDP(), GSO_UDP_L4, 8),
        (V4, UDP(), GSO_UDP_L4, 8),
    ],
)
def test_segmentation_names_sizes(ip: Packet, l4: Packet, kind: int, header: int) -> None:
    frame = ETHER / ip / l4 / Raw(b"x" * 5000)
    layer = type(l4)
    where = TCP_AT if layer is TCP else UDP_AT
    rc, off = ask(vnet(gso=kind, size=1400, start=start_of(frame, layer), offset=where), bytes(frame))
    assert rc == 0
    assert (off.mss, off.l4_len_bytes, off.l4_csum) == (1400, header, 1)
    assert off.ip_csum == (ip is V4)


def test_a_tunnels_checksum_is_summed_in_software() -> None:
    frame = ETHER / V4 / GRE(chksum_present=1) / V4 / UDP() / Raw(b"x" * 50)
    rc, off = ask(vnet(start=34, offset=4), bytes(frame))
    assert (rc, off.l4_csum) == (1, 0)


def test_a_checksum_too_far_behind_the_ip_header_is_summed_in_software() -> None:
    frame = bytes(ETHER / V4) + bytes(1000)
    assert ask(vnet(start=14 + IP_MAX_BYTES, offset=TCP_AT), frame)[0] == 0
    assert ask(vnet(start=14 + IP_MAX_BYTES + 1, offset=TCP_AT), frame)[0] == 1


TCP4 = ETHER / V4 / TCP() / Raw(b"x" * 3000)
SHORT_TCP = bytes(ETHER / V4 / TCP(dataofs=3) / Raw(b"x" * 3000))


@pytest.mark.parametrize(
    ("header", "frame"),
    [
        (vnet(flags=0), bytes(13)),
        (vnet(flags=0, gso=GSO_TCP4, size=1400), bytes(TCP4)),
        (vnet(start=0, offset=16), bytes(TCP4)),
        (vnet(start=65000, offset=16), bytes(TCP4)),
        (vnet(start=34, offset=65000), bytes(TCP4)),
        (vnet(gso=GSO_TCP4, size=0, start=34, offset=16), bytes(TCP4)),
        (vnet(gso=GSO_TCP4, size=1400, start=34, offset=6), bytes(TCP4)),
        (vnet(gso=GSO_UDP_L4, size=1400, start=34, offset=16), bytes(TCP4)),
        (vnet(gso=GSO_UDP, size=1400, start=34, offset=6), bytes(TCP4)),
        (vnet(gso=GSO_TCP4, size=1400, start=34, offset=16), SHORT_TCP),
        (vnet(gso=GSO_TCP4, size=1400, start=34, offset=4), bytes(TCP4)),
        (vnet(gso=GSO_TCP4, size=1400, start=34, offset=16), bytes(TCP4)[:53]),
        (vnet(gso=GSO_TCP4, size=1400, start=14, offset=16), bytes(12) + b"\x81\0\0\5" * 30),
    ],
)
def test_nonsense_is_refused(header: bytes, frame: bytes) -> None:
    assert ask(header, frame)[0] == -errno.EINVAL


def verdict(flags: int) -> int:
    header = ffi.new("uint8_t[]", lib.VNET_HDR_BYTES)
    lib.vnet_from_flags(flags, header)
    return int(header[0])


def test_the_nics_verdict_reaches_the_kernel() -> None:
    assert verdict(lib.RX_CSUM_GOOD) == verdict(lib.RX_CSUM_GOOD | lib.RX_VLAN) == DATA_VALID
    assert verdict(0) == verdict(lib.RX_L4_CSUM_BAD) == verdict(lib.RX_VLAN) == 0


@pytest.mark.parametrize("name", ["ix%d", "a", "x" * 15, "nic-0.5"])
def test_names_an_interface_can_have(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "x" * 16, "ä" * 8, "a/b", "a b", "a:1", ".", "..", "a\n"])
def test_names_an_interface_cannot_have(name: str) -> None:
    with pytest.raises(DriverError, match="an interface name has 1 to 15 bytes"):
        check_name(name)


def fds() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_a_machine_without_taps_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netdev, "TUN", "/dev/net/no-such-thing")
    with pytest.raises(MissingError, match=r"/dev/net/no-such-thing: No such file.*modprobe tun"):
        NetDev("ix%d", "02:00:00:00:00:01", 1500)


def test_too_many_open_files_is_no_missing_module(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("os.open", full)
    with pytest.raises(MissingError, match=r"Too many open files; .*ulimit -n") as caught:
        NetDev("ix%d", "02:00:00:00:00:01", 1500)
    assert "modprobe" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "error", "text"),
    [
        (errno.EPERM, MissingError, "CAP_NET_ADMIN"),
        (errno.EBUSY, DriverError, "exists already; choose another"),
        (errno.EINVAL, DriverError, "does not take this name"),
        (errno.EIO, DriverError, "Input/output error"),
    ],
)
def test_a_refused_interface_says_why(
    monkeypatch: pytest.MonkeyPatch, code: int, error: type[Exception], text: str
) -> None:
    def refuse(*_: object) -> bytes:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(netdev, "TUN", "/dev/null")
    monkeypatch.setattr(fcntl, "ioctl", refuse)
    before = fds()
    with pytest.raises(error, match=text):
        NetDev("ixtest0", "02:00:00:00:00:01", 1500)
    assert fds() == before


def test_only_an_interface_needs_pyroute2() -> None:
    code = "import sys, driver.__main__; sys.exit('pyroute2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=120, check=False)
    assert done.returncode == 0


def test_without_pyroute2_it_says_where_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def ioctl(_fd: int, _request: int, argument: bytes) -> bytes:
        return argument

    monkeypatch.setattr(netdev, "TUN", "/dev/null")
    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    monkeypatch.setitem(sys.modules, "pyroute2", None)
    before = fds()
    with pytest.raises(MissingError, match=r"needs pyroute2: .*ci setup"):
        NetDev("ixtest0", "02:00:00:00:00:01", 1500)
    assert fds() == before


def test_groups_that_the_system_joined(tmp_path: Path) -> None:
    listed = tmp_path / "dev_mcast"
    listed.write_text(
        "2    eth0            1     0     333300000001\n"
        "7    vf0             2     0     01005e000001\n"
        "7    vf0             1     0     3333ff123456\n"
        "7    vf0             1     0     not-an-address\n"
        "7    vf0             1     0     020000000001\n"
        "7    vf0\n"
        "8    vf01            1     0     01005e000002\n"
    )
    assert groups_of("vf0", listed) == [bytes.fromhex("01005e000001"), bytes.fromhex("3333ff123456")]
    assert groups_of("vf0", tmp_path / "nothing") == []
