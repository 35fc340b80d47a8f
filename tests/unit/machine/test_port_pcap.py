# SPDX-License-Identifier: BSD-3-Clause
"""The pcap port: files that scapy wrote are played, files that we wrote are read by scapy."""

import contextlib
import os
import resource
import select
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from scapy.layers.l2 import Ether
from scapy.utils import PcapReader, rdpcap, wrpcap

from device.errors import ConfigError
from device.i82599.card import make_registers
from device.i82599.core import CardCore
from device.machine.core import lib
from device.machine.wire import NullPort, PcapPort
from device.regs.i82599 import RXCTRL
from tests.rigs.wire import Wire

FRAMES = [bytes([i]) * (60 + 11 * i) for i in range(100)]
SECOND = 1_000_000_000


def capture(path: Path, *, order: str = "<", nano: bool = False, gap_s: float = 0.5) -> Path:
    wrpcap(str(path), [], nano=nano, endianness=order, linktype=1)
    packets = []
    for i, frame in enumerate(FRAMES):
        packet = Ether(frame)
        packet.time = 1_000_000 + i * gap_s
        packets.append(packet)
    wrpcap(str(path), packets, nano=nano, endianness=order, linktype=1)
    return path


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nano", [False, True])
def test_all_four_formats_are_played_in_order(tmp_path: Path, order: str, nano: bool) -> None:
    with PcapPort(capture(tmp_path / "in.pcap", order=order, nano=nano)) as port:
        port.set_link(up=True)
        assert Wire(port).all() == FRAMES
        assert port.counters()["rx_frames"] == len(FRAMES)
        assert port.left == 0


def test_nothing_is_played_before_our_side_is_up(tmp_path: Path) -> None:
    with PcapPort(capture(tmp_path / "in.pcap")) as port:
        wire = Wire(port)
        assert wire.recv() == []
        assert port.c.fd == -1
        port.set_link(up=True)
        assert select.select([port.c.fd], [], [], 1)[0]
        assert len(wire.recv()) == lib.FRAME_BATCH
        port.set_link(up=False)
        assert wire.recv() == []
        port.set_link(up=True)
        assert len(wire.recv()) == len(FRAMES) - lib.FRAME_BATCH
        assert port.c.fd == -1  # the loop may sleep now


@pytest.mark.parametrize("nano", [False, True])
def test_paced_play_keeps_the_distances(tmp_path: Path, nano: bool) -> None:
    with PcapPort(capture(tmp_path / "in.pcap", nano=nano), paced=True) as port:
        port.set_link(up=True)
        wire = Wire(port)
        start = 77 * SECOND
        assert wire.recv(start) == FRAMES[:1]
        assert wire.recv(start + SECOND // 2 - 1) == []
        assert wire.recv(start + SECOND // 2) == FRAMES[1:2]
        assert wire.recv(start + 2 * SECOND) == FRAMES[2:5]


def test_paced_play_wakes_the_loop_when_a_frame_is_due(tmp_path: Path) -> None:
    with PcapPort(capture(tmp_path / "in.pcap", gap_s=0.002), paced=True) as port:
        port.set_link(up=True)
        wire = Wire(port)
        assert wire.recv(SECOND) == FRAMES[:1]
        assert wire.recv(SECOND) == []
        assert not select.select([port.c.fd], [], [], 0)[0]
        assert select.select([port.c.fd], [], [], 1)[0]


def test_what_is_sent_is_recorded(tmp_path: Path) -> None:
    out = tmp_path / "out.pcap"
    with PcapPort(None, out) as port:
        assert Wire(port).send(FRAMES) == len(FRAMES)
        assert [bytes(p) for p in rdpcap(str(out))] == FRAMES  # nothing is held back
        assert port.counters()["tx_frames"] == len(FRAMES)
    with PcapReader(str(out)) as reader:
        times = [float(p.time) for p in reader]
    assert times == sorted(times)
    assert abs(times[0] - out.stat().st_mtime) < 60


def test_playing_only_takes_and_forgets_what_is_sent(tmp_path: Path) -> None:
    with PcapPort(capture(tmp_path / "in.pcap")) as port:
        assert Wire(port).send(FRAMES[:3]) == 3


@contextlib.contextmanager
def files_end_at(len_bytes: int) -> Iterator[None]:
    """No file of this process grows beyond: a full disk that has room again at the end."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_a_readable_file_and_one_with_room_is_written_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.machine.files.CALM_S", 0.0)
    out = tmp_path / "out.pcap"
    with PcapPort(None, out) as port:
        with files_end_at(24 + 16 + 60 + 16 + 5):  # one record, and a part of the next
            taken = Wire(port).send(FRAMES[:3])
            again = Wire(port).send(FRAMES[:3])
        assert (taken, again) == (1, 0)
        assert port.counters()["tx_dropped"] == 5
        assert port.counters()["errors"] == 2
        assert [bytes(p) for p in rdpcap(str(out))] == FRAMES[:1]
        for _ in range(3):
            port.poll()
        assert Wire(port).send(FRAMES[3:5]) == 2
        for _ in range(3):
            port.poll()
        assert [bytes(p) for p in rdpcap(str(out))] == [FRAMES[0], *FRAMES[3:5]]
    assert [record.message for record in caplog.records] == [
        f"capture {out}: No space left on device; frames are lost from here on, all else goes on",
        f"capture {out}: works again; 5 frames were lost",
    ]


def test_a_capture_that_was_rotated_goes_on_in_a_new_file(tmp_path: Path) -> None:
    out = tmp_path / "out.pcap"
    with PcapPort(None, out) as port:
        Wire(port).send(FRAMES[:2])
        out.rename(tmp_path / "old.pcap")
        Wire(port).send(FRAMES[2:3])
        port.poll()
        Wire(port).send(FRAMES[3:5])
    assert [bytes(p) for p in rdpcap(str(tmp_path / "old.pcap"))] == FRAMES[:3]
    assert [bytes(p) for p in rdpcap(str(out))] == FRAMES[3:5]


def test_a_pipe_that_is_read_late_carries_whole_records(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It costs frames, not time; a record that the pipe had half of is finished before the next one."""
    monkeypatch.setattr("device.machine.files.CALM_S", 0.0)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    seen = b""
    sent: list[int] = []
    with PcapPort(None, fifo) as port:
        there = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        wire = Wire(port)
        for turn in range(40):
            sent.append(wire.send(FRAMES))
            if turn % 10 == 9:
                port.poll()
                with contextlib.suppress(BlockingIOError):
                    seen += os.read(there, 50_000)
        assert port.counters()["tx_dropped"]
    while data := os.read(there, 1 << 20):
        seen += data
    os.close(there)
    (tmp_path / "seen.pcap").write_bytes(seen)
    whole = [bytes(p) for p in rdpcap(str(tmp_path / "seen.pcap"))][:-1]  # of the last one the end may be missing
    assert set(whole) <= set(FRAMES)
    assert len(whole) == sum(sent) - 1
    assert "nobody reads it; frames are lost from here on" in caplog.text
    assert "frames were lost" in caplog.text


HEADER = struct.Struct("<IHHiIII")
RECORD = struct.Struct("<IIII")
GOOD = HEADER.pack(0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
BAD = {
    "empty": (b"", "0 bytes, a file header has 24"),
    "short header": (GOOD[:23], "23 bytes"),
    "magic": (b"\x12" * 24, "magic 12121212 at offset 0"),
    "pcapng": (bytes.fromhex("0a0d0d0a") + bytes(40), "the section at offset 0 has no byte order"),
    "version": (HEADER.pack(0xA1B2C3D4, 3, 4, 0, 0, 65535, 1), "version 3 at offset 4"),
    "link type": (HEADER.pack(0xA1B2C3D4, 2, 4, 0, 0, 65535, 101), "link type 101 at offset 20"),
    "record data": (GOOD + RECORD.pack(0, 0, 60, 60) + bytes(59), "record 0 at offset 24 is truncated: 59 of 60"),
    "beyond any frame": (GOOD + RECORD.pack(0, 0, 300000, 300000) + bytes(300000), "offset 24 says 300000 bytes"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_damaged_file_is_refused_with_the_place(tmp_path: Path, what: str) -> None:
    data, message = BAD[what]
    (tmp_path / "in.pcap").write_bytes(data)
    with pytest.raises(ConfigError, match=message):
        PcapPort(tmp_path / "in.pcap", tmp_path / "out.pcap")
    assert not (tmp_path / "out.pcap").exists()


def test_files_that_cannot_be_opened_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.pcap: No such file"):
        PcapPort(tmp_path / "nothing.pcap")
    with pytest.raises(ConfigError, match="cannot record there: Is a directory"):
        PcapPort(None, tmp_path)


def test_closing_twice_leaks_no_descriptor(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    port = PcapPort(capture(tmp_path / "in.pcap"), tmp_path / "out.pcap")
    port.close()
    port.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert not port.carrier


def test_frames_no_nic_could_carry_are_dropped(tmp_path: Path) -> None:
    records = b"".join(
        RECORD.pack(0, 0, n, n) + bytes(n) for n in (13, 14, lib.FRAME_MAX_BYTES, lib.FRAME_MAX_BYTES + 1)
    )
    (tmp_path / "in.pcap").write_bytes(GOOD + records)
    with PcapPort(tmp_path / "in.pcap") as port:
        port.set_link(up=True)
        assert [len(frame) for frame in Wire(port).all()] == [14, lib.FRAME_MAX_BYTES]
        assert port.counters()["rx_dropped"] == 2


def test_a_capture_waits_until_the_nic_listens(tmp_path: Path) -> None:
    with CardCore() as nic, PcapPort(capture(tmp_path / "in.pcap")) as port, NullPort() as null:
        for wire in (null, port):
            wire.set_link(up=True)
        nic.pf.bus_master = nic.link_up = True
        null.generate(lib.FRAME_BATCH)
        nic.set_port(null.c)
        assert nic.step() == lib.FRAME_BATCH  # a wire that does not wait brings its frames to a deaf NIC, too
        left = port.left
        nic.set_port(port.c)
        assert nic.step() == 0
        assert port.left == left
        rf = make_registers(nic)
        rf.write(RXCTRL.offset(), RXCTRL.of(RXEN=1))
        assert nic.step() == lib.FRAME_BATCH
        assert nic.settle() == 1
        assert port.left == 0
