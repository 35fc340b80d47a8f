# SPDX-License-Identifier: BSD-3-Clause
"""Memory of a client that goes away under the device: named, counted, and nobody else suffers."""

import contextlib
import errno
import fcntl
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from device.serve.memory import DISKS, LINES_PER_S, file_system
from tests.rigs.client import Client, error_of
from tests.rigs.fuse import silent_fuse
from tests.rigs.hostile import PART_BYTES, PARTS, Rings, memfd, punch_hole
from tests.rigs.process import WAIT_S, Device, until

pytestmark = pytest.mark.usefixtures("_no_fd_left")


@pytest.fixture(params=["trapped", "shared"])
def device(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Device]:
    with Device(tmp_path, "--loopback", "--doorbells", request.param) as device:
        yield device


def works(device: Device) -> None:
    """The next client's frames pass."""
    device.without_client()
    with Rings(device.path) as rings:
        rings.start()
        rings.post(8)
        until(lambda: rings.received() == 8, "the next client's frames pass")


def goes_away(device: Device, rings: Rings, part: str, why: str) -> None:
    """Traffic into memory that is no more: the device tells of it once, and only DMA there fails."""
    iova = rings.iova[part]
    errors = device.report()["counters"]["dma_errors"]
    rings.post(8)
    where = (
        rf"client memory \[{iova:#x}, {iova + PART_BYTES - 1:#x}\] went away .*{part}.* of pid {os.getpid()} .*{why}"
    )
    assert device.said(where), f"the loss of {part} is named"
    assert device.report()["counters"]["dma_errors"] > errors
    for turn in range(8):
        rings.post(1)
        assert rings.read32(0, 8), f"registers answer, turn {turn}"
    assert len(device.said("went away")) == 1


@pytest.mark.parametrize("part", PARTS)
def test_a_file_cut_short_while_rings_run(device: Device, part: str) -> None:
    with Rings(device.path) as rings:
        rings.start()
        rings.post(8)
        until(lambda: rings.received() == 8, "frames pass")
        os.ftruncate(rings.fd[part], 0)
        goes_away(device, rings, part, "seal the file with F_SEAL_SHRINK")

        lost = rings.fd.pop(part)
        rings.memory.pop(part).close()
        rings.unmap(rings.iova[part], PART_BYTES)
        rings.bring(part, memfd(part, PART_BYTES))
        rings.start()
        rings.post(8)
        until(lambda: rings.received() == 8, "mapped anew it is memory again")
        os.close(lost)
    works(device)


@pytest.mark.parametrize("part", PARTS)
def test_lost_memory_that_is_mapped_once_more_lives_again(device: Device, part: str) -> None:
    """The same map again, without an unmap: what a client does that has mended its file and knows no more."""
    with Rings(device.path) as rings:
        for _ in range(2):
            rings.start()
            rings.post(8)
            os.ftruncate(rings.fd[part], 0)
            rings.post(8)
            device.said("went away")
            where = rings.fd[part], rings.iova[part], PART_BYTES
            assert error_of(rings.map, *where) == "EINVAL", "a file that is too short is no memory"
            os.ftruncate(rings.fd[part], PART_BYTES)
            rings.memory.pop(part).close()
            rings.bring(part, rings.fd[part])
            before = device.report()["counters"]["dma_errors"]
            rings.start()
            rings.post(8)
            until(lambda: rings.received() == 8, "mapped again it is memory again")
            rings.map(*where)
            rings.post(8)
            until(lambda: rings.received() == 16, "a map that changes nothing takes nothing away")
            assert device.report()["counters"]["dma_errors"] == before
    works(device)


def test_lost_memory_is_not_replaced_by_another_file_unasked(device: Device) -> None:
    with Rings(device.path) as rings:
        rings.start()
        os.ftruncate(rings.fd["tx_buffer"], 0)
        rings.post(8)
        device.said("went away")
        other = memfd("other", PART_BYTES)
        assert error_of(rings.map, other, rings.iova["tx_buffer"], PART_BYTES) == "EEXIST"
        os.close(other)
    works(device)


@contextlib.contextmanager
def small_tmpfs(folder: Path, len_bytes: int) -> Iterator[Path]:
    """A tmpfs of that size, away again at the end.  Not in a namespace: the device must find it mounted."""
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={len_bytes}", "none", folder], check=False).returncode:
        pytest.skip("mounting a tmpfs is not allowed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def file_in(folder: Path) -> Callable[[str, int], int]:
    """Sparse files there, by their part's name."""

    def make(name: str, len_bytes: int) -> int:
        fd = os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(fd, len_bytes)
        return fd

    return make


def test_a_sparse_file_on_a_full_tmpfs(device: Device, tmp_path: Path) -> None:
    """Rings find room; then somebody else takes what is left, and the NIC is the first to touch a buffer's page."""
    with small_tmpfs(tmp_path / "small", 1 << 20) as folder, Rings(device.path, file_in(folder)) as rings:
        rings.start()
        with (folder / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(bytes(4096))
        goes_away(device, rings, "rx_buffer", "the file system it lies on is full")
    works(device)


def test_a_hole_punched_where_there_is_no_memory_to_fill_it(device: Device, tmp_path: Path) -> None:
    with small_tmpfs(tmp_path / "small", 1 << 20) as folder, Rings(device.path, file_in(folder)) as rings:
        rings.start()
        rings.post(8)
        until(lambda: rings.received() == 8, "frames pass")
        punched = rings.fd["tx_buffer"]
        punch_hole(punched, PART_BYTES)
        with (folder / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(bytes(4096))
        goes_away(device, rings, "tx_buffer", "the file system it lies on is full")
    works(device)


def test_a_hole_in_sealed_memory_is_filled_and_nobody_notices(device: Device) -> None:
    def sealed(name: str, len_bytes: int) -> int:
        fd = memfd(name, len_bytes)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        return fd

    with Rings(device.path, sealed) as rings:
        rings.start()
        for part in ("tx_buffer", "rx_buffer"):
            punch_hole(rings.fd[part], PART_BYTES)
        rings.post(8)
        until(lambda: rings.received() == 8, "frames pass")
        assert device.logged_until_now("went away") == []
        assert device.report()["counters"]["dma_errors"] == 0
    works(device)


def lost_more_than(device: Device, errors: int) -> bool:
    return int(device.report()["counters"]["dma_errors"]) > errors


def test_the_next_memory_is_guarded_too_and_a_flood_of_losses_is_not_a_flood_of_lines(device: Device) -> None:
    with Rings(device.path) as rings:
        begin_s = time.monotonic()
        for turn in range(20):
            rings.start()
            os.ftruncate(rings.fd["tx_buffer"], 0)
            rings.post(1)
            until(partial(lost_more_than, device, turn), f"loss {turn}")
            os.ftruncate(rings.fd["tx_buffer"], PART_BYTES)
            rings.unmap(rings.iova["tx_buffer"], PART_BYTES)
            rings.map(rings.fd["tx_buffer"], rings.iova["tx_buffer"], PART_BYTES)
        lines = len(device.said("went away"))
        # Each begun second has its lines, and the first and the last one count whole.
        assert 1 <= lines <= LINES_PER_S * (time.monotonic() - begin_s + 2)
    works(device)


# ---- files that DMA would wait for ----


def file_system_of(path: Path) -> str:
    fd = os.open(path, os.O_RDONLY)
    kind = file_system(fd)
    os.close(fd)
    return kind


def refusal(device: Device, fd: int) -> tuple[str, list[str]]:
    with Client(device.path) as client:
        name = error_of(client.map, fd, 0x1000, 4096)
        assert client.read32(0, 8)
    number = device.report()["socket"]["sessions"]
    assert device.said(rf"client {number} left"), "the log is so far"
    return name, device.logged(r"W device.serve.vfu: client memory \[0x1000, 0x1fff\] is .*")


@pytest.mark.parametrize(("path", "kind"), [("/proc/self/status", "proc"), ("/dev/zero", "dev")])
def test_a_file_that_is_no_memory_is_refused_by_its_file_system(device: Device, path: str, kind: str) -> None:
    fd = os.open(path, os.O_RDONLY)
    name, lines = refusal(device, fd)
    os.close(fd)
    assert name == errno.errorcode[errno.EOPNOTSUPP]
    assert len(lines) == 1
    assert re.search(rf"{path.replace('self', '[0-9]+')} on {kind}.*of pid {os.getpid()} .*F_SEAL_SHRINK", lines[0])
    assert device.report()["socket"]["dma_bad_file"] == 1
    works(device)


def test_an_eventfd_is_no_memory(device: Device) -> None:
    fd = os.eventfd(0)
    name, lines = refusal(device, fd)
    os.close(fd)
    assert name == "ENODEV"
    assert "no file but anon_inode:[eventfd]" in lines[0]


def test_a_file_on_a_disk_is_taken_and_named_once(device: Device, tmp_path: Path) -> None:
    if file_system_of(tmp_path) not in DISKS:
        pytest.skip(f"{tmp_path} is on no disk")
    with Rings(device.path, file_in(tmp_path)) as rings:
        rings.start()
        rings.post(8)
        until(lambda: rings.received() == 8, "frames pass")
        time.sleep(1.1)  # so many lines a second, and each part had one
        rings.unmap(rings.iova["rx_buffer"], PART_BYTES)
        rings.map(rings.fd["rx_buffer"], rings.iova["rx_buffer"], PART_BYTES)
        assert rings.read32(0, 8)
    device.without_client()
    device.said("client 1 left")  # the log, which another thread writes, is so far
    assert len(device.said(r"rx_buffer on \w+, of pid .*wait for the disk")) == 1
    works(device)


def test_a_file_system_that_never_answers_is_asked_nothing(device: Device, tmp_path: Path) -> None:
    """FUSE without anybody behind it: not even ``stat`` or ``close`` would come back."""
    with silent_fuse(tmp_path / "fuse") as fd:
        started = time.monotonic()
        found = [refusal(device, fd) for _ in range(3)]
        assert {name for name, _ in found} == {errno.errorcode[errno.EOPNOTSUPP]}
        assert re.search(r" on fuse.*of pid \d+ .*F_SEAL_SHRINK", found[0][1][0])
        works(device)
        assert time.monotonic() - started < WAIT_S
