# SPDX-License-Identifier: BSD-3-Clause
"""``python -m device`` as other programs see it: its line, its exit codes, its sockets, its manners."""

import contextlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rigs.client import CONFIG, INTX, MSIX, RESET, Client, error_of
from tests.rigs.process import Run

ROOT = Path(__file__).resolve().parents[2]
STATUS, EICR, EICS, EIMS, EIMC, GPIE = 0x0008, 0x0800, 0x0808, 0x0880, 0x0888, 0x0898
RAL5 = 0xA228  # plain storage: 32 bits of a station address nobody set


class Program:
    """A running ``python -m device``."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.path = folder / "nic.sock"
        self.control = folder / "control.sock"
        command = [sys.executable, "-m", "device", "--socket", str(self.path), "--control", str(self.control), *options]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()

    def ask(self, **command: object) -> dict[str, object]:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(5)
            sock.connect(str(self.control))
            sock.send(json.dumps(command).encode() + b"\n")
            with sock.makefile("rb") as answers:
                answer = json.loads(answers.readline())
        assert isinstance(answer, dict)
        return answer

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """Exit code, the rest of stdout, stderr."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=10)
        return self.process.returncode, out, err


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    made = Program(tmp_path)
    yield made
    code, _, err = made.end()
    assert code == 0, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_line_a_table_and_nothing_left(tmp_path: Path, number: signal.Signals) -> None:
    program = Program(tmp_path)
    assert program.line == f"device ready: {program.path}\n"
    with Client(program.path) as client:
        assert client.read(CONFIG, 0, 4) == struct.pack("<HH", 0x8086, 0x10FB)
        code, out, err = program.end(number)
    assert (code, out) == (0, "")
    assert "reg reads" in err or "requests" in err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_ends_soon_while_a_client_keeps_it_busy(tmp_path: Path) -> None:
    program = Program(tmp_path, "-q")
    with Client(program.path) as client:
        client.sock.settimeout(0.5)
        start = time.monotonic()
        program.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(OSError):
            while program.process.poll() is None and time.monotonic() < start + 10:
                client.write(0, RAL5, bytes(4), posted=True)
        code, _, err = program.end()
    assert (code, err) == (0, "")
    assert time.monotonic() - start < 2


def test_registers_over_the_socket(program: Program) -> None:
    with Client(program.path) as client:
        assert client.region_info(0)[:2] == (512 * 1024, 3), "no mappable area while doorbells are trapped"
        assert client.read32(0, STATUS) not in {0, 0xFFFF_FFFF}
        client.write32(0, RAL5, 0x12345678)
        assert client.read32(0, RAL5) == 0x12345678
        client.write32(2, 0, RAL5)
        assert client.read32(2, 4) == 0x12345678, "by way of IOADDR and IODATA"
        assert client.read(0, 0x20000, 8) == bytes(8), "above the registers there is nothing, and that reads 0"
        client.call(RESET)
        assert client.read32(0, RAL5) == 0


def test_clients_come_and_go(program: Program) -> None:
    for value in range(1, 4):
        with Client(program.path) as client:
            assert client.read32(0, RAL5) == 0
            assert client.read(CONFIG, 4, 2) == b"\0\0", "nothing of the client before is left"
            client.write(CONFIG, 4, b"\x06\x00")
            client.write32(0, RAL5, value)
    report = program.ask(report=True)
    card = report["report"]
    assert isinstance(card, dict)
    assert card["socket"]["sessions"] == 3


def test_an_interrupt_by_software(program: Program) -> None:
    """EICS to eventfd by MSI-X, for a client that never set the enable bit."""
    fd = os.eventfd(0, os.EFD_NONBLOCK)
    with Client(program.path) as client:
        client.irqs(MSIX, 0, [fd])
        client.write32(0, GPIE, 0x8000_0010)  # MSI-X mode, PBA support
        client.write32(0, EIMS, 1)
        client.write32(0, EICS, 1)
        assert select.select([fd], [], [], 2)[0]
        assert os.eventfd_read(fd) >= 1
    os.close(fd)


def test_intx_with_its_status_bit(program: Program) -> None:
    """Linux's vfio-pci believes an INTx only with PCI STATUS bit 3, and expects it again on unmask while it is high."""
    fd = os.eventfd(0, os.EFD_NONBLOCK)
    with Client(program.path) as client:
        client.irqs(INTX, 0, [fd])
        client.write32(0, EIMS, 1 << 20)  # link status change
        client.write32(0, EICS, 1 << 20)
        assert select.select([fd], [], [], 2)[0]
        os.eventfd_read(fd)
        assert client.read(CONFIG, 6, 1)[0] & 8
        client.irqs(INTX, 0, [], count=1, flags=0x11)
        assert select.select([fd], [], [], 2)[0], "nobody cleared the cause"
        os.eventfd_read(fd)
        assert client.read32(0, EICR) & 1 << 20
        client.write32(0, EIMC, 0xFFFF_FFFF)
        assert client.read(CONFIG, 6, 1)[0] & 8 == 0
        client.irqs(INTX, 0, [], count=1, flags=0x11)
        assert not select.select([fd], [], [], 0.05)[0]
    os.close(fd)


def test_function_level_reset_through_configuration_space(program: Program) -> None:
    with Client(program.path) as client:
        client.write(CONFIG, 4, b"\x06\x00")
        client.write32(0, RAL5, 0x12345678)
        control = int.from_bytes(client.read(CONFIG, 0xA8, 2), "little")
        client.write(CONFIG, 0xA8, struct.pack("<H", control | 0x8000))
        assert client.read(CONFIG, 4, 2) == b"\0\0"
        assert client.read32(0, RAL5) == 0


def test_shared_doorbells_offer_the_four_tail_pages(tmp_path: Path) -> None:
    program = Program(tmp_path, "--doorbells", "shared")
    with Client(program.path) as client:
        size, flags, areas, fds = client.region_info(0)
        assert (size, flags & 4) == (512 * 1024, 4)
        assert areas == [(0x1000, 0x1000), (0x6000, 0x1000), (0x7000, 0x1000), (0xD000, 0x1000)]
        assert len(fds) == 1
        os.close(fds[0])
    assert program.end()[0] == 0


def test_control_socket(program: Program) -> None:
    assert program.ask(sfp="lr") == {"ok": True, "sfp": "lr"}
    report = program.ask(report=True)["report"]
    assert isinstance(report, dict)
    assert report["card"]["sfp"] == "lr"
    assert report["client"] is False
    assert program.ask(sfp="none")["ok"]
    assert program.ask(sfp="da", carrier=False) == {"ok": True, "sfp": "da", "carrier": False}
    assert program.ask(carrier=True)["ok"]
    for bad in ({"sfp": "xyz"}, {"sfp": 3}, {"carrier": 1}, {"nonsense": True}, {}):
        answer = program.ask(**bad)
        assert answer["ok"] is False
        assert answer["error"]
    with Client(program.path) as client:
        assert client.read32(0, STATUS)
        program.ask(drop=True)
        with pytest.raises((ConnectionError, OSError)):
            client.read32(0, STATUS)


def test_control_socket_bears_nonsense(program: Program) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(5)
        sock.connect(str(program.control))
        sock.send(b"garbage\n[1]\n" + b"\xff\n")
        with sock.makefile("rb") as answers:
            assert [json.loads(answers.readline())["ok"] for _ in range(3)] == [False] * 3
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(5)
        sock.connect(str(program.control))
        with contextlib.suppress(OSError):
            while True:
                sock.send(b"x" * 65536)
    assert program.ask(report=True)["ok"]


def test_stop_by_control(tmp_path: Path) -> None:
    program = Program(tmp_path)
    assert program.ask(stop=True)["ok"]
    assert program.process.wait(5) == 0
    program.end()


def test_kill_9_leaves_a_stale_socket_that_is_replaced(tmp_path: Path) -> None:
    first = Program(tmp_path)
    assert first.end(signal.SIGKILL)[0] == -signal.SIGKILL
    assert first.path.exists()
    second = Program(tmp_path)
    assert second.line == f"device ready: {second.path}\n"
    with Client(second.path) as client:
        assert client.read32(0, STATUS)
    assert second.end()[0] == 0


def test_a_second_device_at_the_same_path_is_refused(program: Program, run: Run) -> None:
    code, err = run("--socket", str(program.path))
    assert code == 1
    assert "another program is listening" in err
    assert str(program.path) in err
    with Client(program.path) as client:
        assert client.read32(0, STATUS)


def test_log_and_trace(tmp_path: Path) -> None:
    log = tmp_path / "log"
    folder = tmp_path / "run"
    folder.mkdir()
    program = Program(folder, "--trace", "RAL,status", "-v", "--log-file", str(log))
    with Client(program.path) as client:
        client.write32(0, RAL5, 0x0E)
        client.read32(0, STATUS)
    assert program.end()[0] == 0
    text = log.read_text()
    assert "RAL[5]" in text
    assert "STATUS" in text


@pytest.mark.parametrize(("only", "count"), [((), 2), (("--trace", "status"), 1), (("--trace", "all"), 2)])
def test_a_trace_file_is_whole_after_sigterm(tmp_path: Path, only: tuple[str, ...], count: int) -> None:
    trace = tmp_path / "nic.trace"
    program = Program(tmp_path, "--trace-file", str(trace), *only)
    with Client(program.path) as client:
        client.write32(0, RAL5, 0x0E)
        client.read32(0, STATUS)
    assert program.end()[0] == 0
    lines = [line for line in trace.read_text().splitlines() if line.startswith(("R", "W"))]
    assert len(lines) == count
    assert lines[-1].startswith("R 0x00008 4 0x00080080 STATUS @")


def test_options_that_are_wrong(tmp_path: Path, run: Run) -> None:
    path = str(tmp_path / "s")
    for options, words in (
        ((), "--socket"),
        (("--socket", path, "--mac", "02:00"), "six bytes"),
        (("--socket", path, "--sfp", "cr"), "--sfp"),
        (("--socket", path, "--null", "--loopback"), "one wire"),
        (("--socket", path, "--trace", "NOSUCH"), "NOSUCH"),
        (("--socket", path, "-v", "-q"), "contradict"),
        (("--socket", path, "--doorbells", "rung"), "--doorbells"),
    ):
        code, err = run(*options)
        assert code == 2, err
        assert words in err
    assert list(tmp_path.iterdir()) == []


def test_paths_that_are_wrong(tmp_path: Path, run: Run) -> None:
    long = str(tmp_path / ("x" * 108))
    nvm = tmp_path / "nvm.bin"
    nvm.write_bytes(b"short")
    for options, words in (
        (("--socket", long), "at most 107 bytes"),
        (("--socket", str(tmp_path / "no" / "s")), "no such folder"),
        (("--socket", str(nvm)), "no socket"),
        (("--socket", str(tmp_path / "s"), "--control", long), "at most 107 bytes"),
        (("--socket", str(tmp_path / "s"), "--nvm", str(nvm)), "nvm"),
        (("--socket", str(tmp_path / "s"), "--nvm", str(tmp_path / "none")), "none"),
        (("--socket", str(tmp_path / "s"), "--pcap", str(tmp_path / "none")), "none"),
        (("--socket", str(tmp_path / "s"), "--trace-file", str(tmp_path / "none" / "t")), "No such file"),
    ):
        code, err = run(*options)
        assert code == 1, err
        assert words in err
        assert "Traceback" not in err
    assert [entry.name for entry in tmp_path.iterdir()] == ["nvm.bin"]


def test_what_a_client_left_behind_is_no_error(program: Program) -> None:
    with Client(program.path) as client:
        assert error_of(client.read, 0, 512 * 1024, 4) == "EINVAL"
        assert error_of(client.unmap, 0x1000, 0) == "EINVAL"
        client.write(0, 0x1028, b"\xff" * 7)
        client.write(0, 1, b"\xff" * 9)
        assert client.read32(0, STATUS)
