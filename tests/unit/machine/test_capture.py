# SPDX-License-Identifier: BSD-3-Clause
"""Captures that scapy and tcpdump wrote, cut and mutated ones: tcpdump says which can be read, and how many frames."""

import logging
import random
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest
from scapy.layers.l2 import Ether
from scapy.utils import PcapNgWriter, rdpcap, wrpcap

from device.errors import ConfigError
from device.machine.wire import PcapPort
from device.machine.wire.capture import FCS_BYTES, FCS_SAID, HEADER_BYTES, RECORD_BYTES, Capture
from tests.rigs.wire import Wire

FRAMES = [bytes([i + 1]) * (60 + 37 * i) for i in range(20)]
TIMES_S = [1_700_000_000 + 0.25 * i for i in range(len(FRAMES))]
LINK_TYPE_AT = 20
needs_tcpdump = pytest.mark.skipif(shutil.which("tcpdump") is None, reason="no tcpdump on this machine")


def with_fcs(frame: bytes) -> bytes:
    return frame + zlib.crc32(frame).to_bytes(4, "little")


def classic(path: Path, frames: list[bytes] = FRAMES, *, snapped_bytes: int = 0, link_type: int = 1) -> Path:
    packets = []
    for frame, time_s in zip(frames, TIMES_S, strict=True):
        packet = Ether(frame[:snapped_bytes] if snapped_bytes else frame)
        packet.time, packet.wirelen = time_s, len(frame)
        packets.append(packet)
    wrpcap(str(path), packets, nano=True)
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, LINK_TYPE_AT, link_type)
    path.write_bytes(data)
    return path


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def pcapng(
    order: str = "<", *, options: bytes = b"", snaplen: int = 0, unit: int = 10**6, frames: list[bytes] = FRAMES
) -> bytes:
    """A file by hand: what scapy does not write (other byte order, resolutions, FCS lengths)."""
    section = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)
    interface = block(1, struct.pack(order + "HHI", 1, 0, snaplen) + (options and options + bytes(4)), order)
    packets = []
    for frame, time_s in zip(frames, TIMES_S, strict=True):
        ticks = int(time_s * unit)
        kept = frame[:snaplen] if snaplen else frame
        head = struct.pack(order + "IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(kept), len(frame))
        packets.append(block(6, head + kept, order))
    return section + interface + b"".join(packets)


def played(path: Path) -> list[bytes]:
    with PcapPort(path) as port:
        port.set_link(up=True)
        return Wire(port).all()


def times_ns(path: Path) -> list[int]:
    data, at, found = Capture(path).data, HEADER_BYTES, []
    while at < len(data):
        seconds, ns, len_bytes, _ = struct.unpack_from("<IIII", data, at)
        found.append(seconds * 10**9 + ns)
        at += RECORD_BYTES + len_bytes
    return found


def test_what_can_be_played_as_it_is_is_not_touched(tmp_path: Path) -> None:
    path = classic(tmp_path / "in.pcap")
    assert Capture(path).data == path.read_bytes()


def test_pcapng_as_scapy_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "in.pcapng"
    with PcapNgWriter(str(path)) as writer:
        for frame, time_s in zip(FRAMES, TIMES_S, strict=True):
            packet = Ether(frame)
            packet.time = time_s
            writer.write(packet)
    assert played(path) == FRAMES
    assert [ns // 1000 for ns in times_ns(path)] == [int(time_s * 10**6) for time_s in TIMES_S]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("resolution", "unit"), [(None, 10**6), (9, 10**9), (3, 10**3), (0x80 | 10, 1 << 10)])
def test_pcapng_times(tmp_path: Path, order: str, resolution: int | None, unit: int) -> None:
    options = b"" if resolution is None else option(9, bytes([resolution]), order)
    path = tmp_path / "in.pcapng"
    path.write_bytes(pcapng(order, options=options, unit=unit))
    assert played(path) == FRAMES
    assert times_ns(path) == [int(time_s * unit) * 10**9 // unit for time_s in TIMES_S]


def test_snapped_frames_are_padded_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for path in (classic(tmp_path / "a.pcap", snapped_bytes=100), tmp_path / "b.pcapng"):
        if path.suffix == ".pcapng":
            path.write_bytes(pcapng(snaplen=100))
        caplog.clear()
        assert played(path) == [frame[:100].ljust(len(frame), b"\0") for frame in FRAMES]
        (line,) = [line for line in caplog.messages if "padded" in line]
        assert line.startswith(f"pcap {path}: 18 of 20 frames are not whole in it and are padded with zeros")


FCS_LINK_TYPE = 2 << 28 | FCS_SAID | 1


@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("kind", ["pcap", "pcapng"])
def test_an_fcs_is_taken_off(tmp_path: Path, said: bool, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    frames = [with_fcs(frame) for frame in FRAMES]
    path = tmp_path / f"in.{kind}"
    if kind == "pcap":
        classic(path, frames, link_type=FCS_LINK_TYPE if said else 1)
    else:
        path.write_bytes(pcapng(frames=frames, options=option(13, b"\4") if said else b""))
    assert played(path) == FRAMES
    assert any("it is taken off" in line for line in caplog.messages)


def test_a_wrong_fcs_where_the_file_says_there_is_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    frames = [with_fcs(frame) for frame in FRAMES]
    frames[3] = frames[3][:-1] + b"!"
    assert played(classic(tmp_path / "in.pcap", frames, link_type=FCS_LINK_TYPE)) == FRAMES
    assert any("wrong in 1 of 20: those arrive damaged (CRCERRS)" in line for line in caplog.messages)


def test_what_was_snapped_off_with_the_fcs_is_no_damage(tmp_path: Path) -> None:
    frames = [with_fcs(frame) for frame in FRAMES]
    capture = Capture(classic(tmp_path / "in.pcap", frames, link_type=FCS_LINK_TYPE, snapped_bytes=100))
    assert capture.fcs_bytes == FCS_BYTES
    assert capture.data[HEADER_BYTES + RECORD_BYTES :].startswith(frames[0])
    (tmp_path / "again.pcap").write_bytes(capture.data)
    again = Capture(tmp_path / "again.pcap")
    assert (again.fcs_bytes, again.data) == (FCS_BYTES, capture.data)
    assert played(tmp_path / "again.pcap") == [frame[:100].ljust(len(frame), b"\0") for frame in FRAMES]


def test_an_fcs_nobody_speaks_of_stays_where_one_frame_has_none(tmp_path: Path) -> None:
    frames = [*(with_fcs(frame) for frame in FRAMES[:-1]), FRAMES[-1]]
    assert played(classic(tmp_path / "in.pcap", frames)) == frames


def test_other_fcs_lengths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="an FCS of 2 bytes"):
        Capture(classic(tmp_path / "in.pcap", link_type=1 << 28 | FCS_SAID | 1))


@pytest.mark.parametrize("snaplen", [0, 2**31, 2**32 - 1])
def test_a_huge_snaplen_is_none(tmp_path: Path, snaplen: int) -> None:
    path = classic(tmp_path / "in.pcap")
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, 16, snaplen)
    path.write_bytes(data)
    assert played(path) == FRAMES


def test_interfaces_that_differ_are_refused_and_like_ones_taken(tmp_path: Path) -> None:
    path = tmp_path / "in.pcapng"
    like, other = block(1, struct.pack("<HHI", 1, 0, 0)), block(1, struct.pack("<HHI", 1, 0, 96))
    path.write_bytes(pcapng() + like)
    assert played(path) == FRAMES
    path.write_bytes(pcapng() + other)
    with pytest.raises(ConfigError, match="interfaces differ"):
        Capture(path)
    path.write_bytes(pcapng() + block(1, struct.pack("<HHI", 113, 0, 0)))
    with pytest.raises(ConfigError, match="link type 113"):
        Capture(path)


def by_tcpdump(path: Path, out: Path) -> tuple[bool, int]:
    """Whether tcpdump reads the file to its end, and how many frames it found."""
    words = ["tcpdump", "-nn", "-r", str(path), "-w", str(out)]
    out.unlink(missing_ok=True)
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=20)
    return done.returncode == 0, len(rdpcap(str(out))) if out.exists() and out.stat().st_size > HEADER_BYTES else 0


def by_us(path: Path, caplog: pytest.LogCaptureFixture) -> tuple[bool, int]:
    caplog.clear()
    try:
        records = Capture(path).records
    except ConfigError:
        return False, 0
    return not any("truncated" in line for line in caplog.messages), records


@needs_tcpdump
@pytest.mark.parametrize("kind", ["pcap", "pcapng"])
def test_a_file_cut_anywhere_is_played_as_far_as_tcpdump_reads_it(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / f"in.{kind}"
    whole = classic(path, FRAMES).read_bytes() if kind == "pcap" else pcapng()
    pick = random.Random(1)
    for cut in sorted({*pick.sample(range(25, len(whole)), 30), len(whole)}):
        path.write_bytes(whole[:cut])
        assert by_us(path, caplog) == by_tcpdump(path, tmp_path / "out"), f"cut at {cut}"


@needs_tcpdump
@pytest.mark.parametrize("kind", ["pcap", "pcapng"])
def test_what_tcpdump_refuses_is_refused(tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """One bit changed: what we take whole, tcpdump takes whole, with as many frames."""
    path = tmp_path / f"in.{kind}"
    whole = classic(path, FRAMES).read_bytes() if kind == "pcap" else pcapng()
    pick = random.Random(2)
    compared = 0
    for _ in range(60):
        data = bytearray(whole)
        data[pick.randrange(200)] ^= 1 << pick.randrange(8)
        path.write_bytes(data)
        taken, records = by_us(path, caplog)
        if taken:
            compared += 1
            assert by_tcpdump(path, tmp_path / "out") == (True, records)
    assert compared > 10
