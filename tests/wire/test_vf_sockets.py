# SPDX-License-Identifier: BSD-3-Clause
"""``python -m device --vfs N``: a socket for each virtual function, and what its clients see of one another."""

import os
import shlex
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.regs import pci
from device.regs.i82599 import CTRL_EXT, GCR_EXT, RDT
from device.regs.i82599.interrupts import VtMode
from device.regs.i82599.vf import VFLINKS, VFMAILBOX, VFRDT, VTEICS, VTEIMS
from device.serve.server import path_of_vf
from tests.rigs.client import CONFIG, MSIX, Client
from tests.wire.test_server import Program

VFS = 3
ALL_ONES = 2**32 - 1


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    made = Program(tmp_path, "--vfs", str(VFS), "--loopback")
    yield made
    made.end()


def of_vf(program: Program, n: int) -> Client:
    return Client(path_of_vf(program.path, n))


def enable(pf: Client, count: int) -> None:
    pf.write(CONFIG, pci.SRIOV_CTRL.offset(), bytes(2))
    pf.write(CONFIG, pci.SRIOV_NUM_VFS.offset(), struct.pack("<H", count))
    if count:
        pf.write(CONFIG, pci.SRIOV_CTRL.offset(), struct.pack("<H", pci.SRIOV_CTRL.of(VF_ENABLE=1, VF_MSE=1)))
    pf.write32(0, GCR_EXT.offset(), GCR_EXT.of(VT_MODE=VtMode.VT64))
    pf.write32(0, CTRL_EXT.offset(), CTRL_EXT.of(PFRSTD=1))


def test_a_socket_for_each_and_none_left_behind(program: Program) -> None:
    folder = program.path.parent
    assert {path.name for path in folder.glob("nic.sock*")} == {"nic.sock", *(f"nic.sock.vf{n}" for n in range(VFS))}
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.glob("nic.sock*"))
    code, _, _ = program.end()
    assert (code, list(folder.glob("nic.sock*"))) == (0, [])


def test_a_function_that_is_not_enabled_is_all_ones_and_said_once(program: Program) -> None:
    for _ in range(3):
        with of_vf(program, 1) as client:
            assert client.read(CONFIG, 0, 4) == b"\xff" * 4
            assert client.read32(0, VFLINKS.offset()) == ALL_ONES
            client.write32(0, VFMAILBOX.offset(), 1)
    with Client(program.path) as pf, of_vf(program, 1) as client:
        enable(pf, 2)
        assert client.read(CONFIG, 0, 4) == b"\x86\x80\xed\x10"
        with of_vf(program, 2) as beyond:
            assert beyond.read(CONFIG, 0, 4) == b"\xff" * 4
    _, _, log = program.end()
    assert log.count("virtual function 1: a client came, but there is no function for it") == 1, log
    assert "python -m driver up NIC --vfs N" in log


def test_regions_and_vectors(program: Program) -> None:
    with Client(program.path) as pf, of_vf(program, 0) as vf:
        enable(pf, VFS)
        assert [vf.region_info(bar)[0] for bar in range(6)] == [0x4000, 0, 0, 0x4000, 0, 0]
        fd = os.eventfd(0, os.EFD_NONBLOCK)
        vf.irqs(MSIX, 0, [fd, fd, fd])
        vf.write32(0, VTEIMS.offset(), 7)
        vf.write32(0, VTEICS.offset(), 2)
        vf.read32(0, VTEIMS.offset())
        assert os.eventfd_read(fd) == 1
        os.close(fd)


def test_each_has_its_own_memory(program: Program) -> None:
    """The same iova in two functions is two places; one that goes takes its own with it."""
    with Client(program.path) as pf, of_vf(program, 0) as one:
        enable(pf, VFS)
        fd = os.memfd_create("guest")
        os.ftruncate(fd, 1 << 16)
        with of_vf(program, 1) as two:
            one.map(fd, 0x10000, 1 << 16)
            two.map(fd, 0x10000, 1 << 16)
            one.write32(0, VFRDT.offset(1), 5)
            assert (pf.read32(0, RDT.offset(1)), two.read32(0, VFRDT.offset(1))) == (5, 0)
        os.close(fd)
        rows = report(program)["vfs"]
        assert [row["client"] for row in rows] == [True, False, False]
        assert one.read32(0, VFRDT.offset(1)) == 5


def report(program: Program) -> dict[str, list[dict[str, object]]]:
    found = program.ask(report=True)["report"]
    assert isinstance(found, dict)
    return found


def test_a_lost_physical_function_leaves_its_virtual_ones_in_reset(program: Program) -> None:
    with of_vf(program, 2) as vf:
        with Client(program.path) as pf:
            enable(pf, VFS)
            assert VFMAILBOX(vf.read32(0, VFMAILBOX.offset())).RSTD
        deadline = time.monotonic() + 10
        while not VFMAILBOX(vf.read32(0, VFMAILBOX.offset())).RSTI:
            assert time.monotonic() < deadline
        assert vf.read(CONFIG, 0, 2) == b"\x86\x80"
        with Client(program.path) as pf:
            enable(pf, VFS)
            assert VFMAILBOX(vf.read32(0, VFMAILBOX.offset())) == VFMAILBOX.of(RSTD=1)


@pytest.mark.parametrize("vfs", ["-1", "64", "two"])
def test_numbers_there_cannot_be(tmp_path: Path, vfs: str) -> None:
    made = Program(tmp_path, "--vfs", vfs)
    code, _, err = made.end()
    assert (code, "--vfs" in err, vfs in err) == (2, True, True), err


def test_a_path_with_no_room_for_its_ending(tmp_path: Path) -> None:
    name = "n" * (107 - len(os.fsencode(tmp_path)) - 1 - 3)
    made = Program(tmp_path, "--socket", str(tmp_path / name), "--vfs", "63")
    code, _, err = made.end()
    assert code == 1
    assert "a UNIX socket's path has at most 107 bytes" in err
    assert ".vf0" in err
    assert not list(tmp_path.glob("n*.vf*"))
    assert not (tmp_path / name).exists()


def test_a_socket_that_somebody_else_has(tmp_path: Path) -> None:
    first = Program(tmp_path)
    (tmp_path / "nic.sock").rename(tmp_path / "other.sock.vf1")
    made = Program(tmp_path, "--socket", str(tmp_path / "other.sock"), "--vfs", "3")
    code, _, err = made.end()
    assert (code, f"another program is listening at {tmp_path}/other.sock.vf1" in err) == (1, True), err
    assert {path.name for path in tmp_path.glob("other.sock*")} == {"other.sock.vf1"}
    first.end()


def test_63_at_once(tmp_path: Path) -> None:
    made = Program(tmp_path, "--vfs", "63")
    assert made.line.startswith("device ready"), made.end()
    clients = [Client(path_of_vf(made.path, n)) for n in range(63)]
    with Client(made.path) as pf:
        enable(pf, 63)
        for n, client in enumerate(clients):
            client.write32(0, VFRDT.offset(0), n + 1)
            assert pf.read32(0, RDT.offset(2 * n)) == n + 1
        for client in clients:
            client.close()
    assert made.end()[0] == 0


def limited(tmp_path: Path, files: int, vfs: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "device", "--socket", str(tmp_path / "nic.sock"), "--vfs", str(vfs), "-q"]
    shell = f"ulimit -n {files}; exec {shlex.join(words)}"
    return subprocess.Popen(["bash", "-c", shell], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_too_few_files_for_so_many(tmp_path: Path) -> None:
    _, err = limited(tmp_path, 100, 63).communicate(timeout=60)
    assert "63 virtual functions are 126 open files, and this process may have fewer: raise the limit" in err
    assert not list(tmp_path.glob("nic.sock*"))


def test_clients_for_whom_there_are_no_files_left(tmp_path: Path) -> None:
    """Those who are there stay; who comes later is told why he cannot be let in, and is when one has gone."""
    process = limited(tmp_path, 60, 20)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("device ready")
    used = len(list(Path(f"/proc/{process.pid}/fd").iterdir()))
    clients = [Client(path_of_vf(tmp_path / "nic.sock", n)) for n in range(60 - used)]
    with pytest.raises(OSError, match=r".*"):
        Client(path_of_vf(tmp_path / "nic.sock", len(clients)))
    for client in clients:
        assert client.read(CONFIG, 0, 4) == b"\xff" * 4
    clients.pop().close()
    with Client(path_of_vf(tmp_path / "nic.sock", 19)) as late:
        assert late.read(CONFIG, 0, 4) == b"\xff" * 4
    for client in clients:
        client.close()
    process.terminate()
    _, err = process.communicate(timeout=20)
    assert "a client cannot be let in: Too many open files" in err
    assert "Traceback" not in err
    assert "callback failed" not in err
