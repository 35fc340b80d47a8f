# SPDX-License-Identifier: BSD-3-Clause
"""Disk full, pipe unread, reader gone, file rotated: what is lost is said once, and the NIC goes on."""

import os
import re
import resource
import select
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from device.i82599.nvm.image import build
from device.regs.i82599 import CTRL, EEWR, STATUS
from tests.rigs.client import CAPABILITIES, VERSION, Client
from tests.rigs.process import END_S, ROOT, Device, Process, until

PIPE_BYTES = 64 << 10
SAID_S = 10.0
EVERYTHING = ("--trace", "all")


def chatter(device: Device, rounds: int = 1000) -> None:
    """What a client does that `--trace all` has hundreds of KiB of lines about."""
    with Client(device.path) as client:
        for _ in range(rounds):
            client.read32(0, STATUS.offset())
            client.write32(0, CTRL.offset(), CTRL.of(RST=1))
    device.without_client()


def limit_files(device: Process, len_bytes: int) -> None:
    """Let its files grow no further, as on a full disk; what it then gets is EFBIG."""
    resource.prlimit(device.pid, resource.RLIMIT_FSIZE, (len_bytes, resource.RLIM_INFINITY))


def once(device: Device, text: str) -> None:
    """Wait until a text is on its stderr, which has it once."""
    assert device.said(re.escape(text), timeout_s=SAID_S) == [text], device.error_text()


def test_a_pipe_nobody_reads_stops_nothing(tmp_path: Path) -> None:
    there, here = os.pipe()
    with Device(tmp_path, *EVERYTHING, stderr=here) as device:
        os.close(here)
        chatter(device)
        assert device.report()["card"]["mac"], "it answers with the pipe full"
        assert not select.select([], [there], [], 0)[1]
        assert device.end() == 0, "and it ends"
    os.close(there)


def test_who_reads_late_gets_whole_lines_and_how_many_are_missing(tmp_path: Path) -> None:
    there, here = os.pipe()
    seen = b""
    with Device(tmp_path, *EVERYTHING, stderr=here) as device:
        os.close(here)
        chatter(device, 4000)
        os.set_blocking(there, False)

        def works() -> bool:
            nonlocal seen
            try:
                while data := os.read(there, PIPE_BYTES):
                    seen += data
            except BlockingIOError:
                pass
            return b"stderr: works again; " in seen

        until(works, "it says how many lines were lost", SAID_S)
        assert device.end() == 0
    os.close(there)
    line = next(line for line in seen.splitlines() if b"works again" in line)
    assert int(line.partition(b"again; ")[2].split()[0]) > 100
    assert seen.count(b"works again") == 1


def test_a_reader_that_goes_ends_nothing(tmp_path: Path) -> None:
    there, here = os.pipe()
    with Device(tmp_path, *EVERYTHING, stderr=here) as device:
        os.close(here)
        os.close(there)
        chatter(device, 50)
        assert device.report()["socket"]
        assert device.end() == 0


def test_a_reader_that_goes_is_told_to_the_log_file(tmp_path: Path) -> None:
    there, here = os.pipe()
    os.close(there)
    log = tmp_path / "log"
    with Device(tmp_path, "--log-file", str(log), stderr=here) as device:
        os.close(here)
        turned_away = pytest.raises(OSError, match="busy")  # with a warning
        with Client(device.path), Client(device.path, shake_hands=False) as second, turned_away:
            second.call(VERSION, struct.pack("<HH", 0, 1) + CAPABILITIES)
        until(lambda: "stderr: Broken pipe; lines are lost from here on" in log.read_text(), "that it says so", SAID_S)
        assert device.end() == 0


def _client_of(path: Path) -> Client:
    """Connect to a device that is starting: its socket's file is there a moment before somebody listens."""
    found: list[Client] = []

    def connects() -> bool:
        try:
            found.append(Client(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True

    until(connects, "its socket")
    return found[0]


def test_nobody_at_stdout(tmp_path: Path) -> None:
    path = tmp_path / "s"
    there, here = os.pipe()
    os.close(there)
    words = [sys.executable, "-m", "device", "--socket", str(path), "-q"]
    process = subprocess.Popen(words, cwd=ROOT, stdout=here, stderr=subprocess.PIPE, text=True)
    os.close(here)
    try:
        with _client_of(path) as client:  # its `device ready:` went nowhere
            client.read32(0, STATUS.offset())
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=END_S)
    assert process.returncode == 0, err
    assert "Traceback" not in err


def test_a_log_file_on_a_full_disk(tmp_path: Path) -> None:
    with Device(tmp_path, *EVERYTHING, "--log-file", "/dev/full") as device:
        chatter(device, 100)
        once(device, "log file /dev/full: No space left on device; lines are lost from here on")
        assert len(device.error_text().splitlines()) < 5
        assert device.end() == 0
        assert "lines were lost" in device.error_text()


@pytest.mark.parametrize("which", ["log", "trace"])
def test_a_file_that_is_full_for_a_while(tmp_path: Path, which: str) -> None:
    file = tmp_path / "file"
    options = [*EVERYTHING, "--log-file", str(file)] if which == "log" else ["--trace-file", str(file)]
    name = f"{'log' if which == 'log' else 'trace'} file {file}"
    with Device(tmp_path, *options) as device:
        limit_files(device, 3001)
        chatter(device)
        once(device, f"{name}: File too large; lines are lost from here on")
        assert file.stat().st_size == 3001
        limit_files(device, resource.RLIM_INFINITY)

        def works() -> bool:
            chatter(device, 2)
            return "works again" in device.error_text()

        until(works, "it works again", SAID_S)
        once(device, f"{name}: works again; ")
        chatter(device, 2)
    lines = file.read_text().splitlines()
    assert file.stat().st_size > 3001
    if which == "log":
        assert all(line.startswith("20") for line in lines), "the line that was torn is whole"
    else:
        gap = next(line for line in lines if line.startswith("#"))
        assert gap.endswith("lines are missing here: File too large")
        assert int(gap.split()[1]) > 500
        assert all(line[0] in "RWX#" for line in lines)


def test_a_trace_nobody_reads(tmp_path: Path) -> None:
    """A FIFO without a reader: today's open() waits for one, and so would the NIC for its 64 KiB to be read."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with Device(tmp_path, "--trace-file", str(fifo)) as device:
        chatter(device, 2000)
        once(device, f"trace file {fifo}: nobody reads it; lines are lost from here on")
        assert device.end() == 0


def test_rotated_files_are_made_anew(tmp_path: Path) -> None:
    """As logrotate does it: moved away, without a word to the program."""
    log, trace, capture = tmp_path / "log", tmp_path / "trace", tmp_path / "out.pcap"
    options = (*EVERYTHING, "--log-file", str(log), "--trace-file", str(trace), "--pcap", f",{capture}")
    with Device(tmp_path, *options) as device:
        chatter(device, 3)
        for file in (log, trace, capture):
            file.rename(file.with_suffix(".1"))

        def anew() -> bool:
            chatter(device, 3)
            return log.exists() and trace.exists() and capture.exists()

        until(anew, "new files", SAID_S)
    for file in (log, trace):
        assert file.with_suffix(".1").stat().st_size
        assert file.stat().st_size
    assert capture.read_bytes() == capture.with_suffix(".1").read_bytes(), "a header each"


def test_an_eeprom_file_on_a_disk_that_is_full_for_a_while(tmp_path: Path) -> None:
    file = tmp_path / "nvm.bin"
    build().save(file)
    with Device(tmp_path, "--nvm", str(file)) as device:
        limit_files(device, 1000)
        with Client(device.path) as client:
            client.write32(0, EEWR.offset(), EEWR.of(ADDR=0x1F0, DATA=0x1234, START=1))
        once(device, f"NVM file {file}: File too large; what was written to the EEPROM is not in it yet")
        assert [entry.name for entry in tmp_path.glob(".nvm*")] == []
        limit_files(device, resource.RLIM_INFINITY)
    assert file.read_bytes()[0x3E0:0x3E2] == b"\x34\x12"
