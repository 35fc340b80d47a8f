# SPDX-License-Identifier: BSD-3-Clause
"""A real file system that is really full, under everything that the device writes at once."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.i82599.nvm.image import build
from device.regs.i82599 import CTRL, EEWR
from tests.rigs.client import Client
from tests.rigs.process import Device, until

pytestmark = [pytest.mark.root, pytest.mark.timeout(120)]
SAID_S = 20.0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of 128 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", disk], check=True, timeout=10)
    yield disk
    subprocess.run(["umount", "-l", disk], check=True, timeout=10)


def fill(fd: int) -> None:
    while True:
        os.write(fd, bytes(4096))


def test_log_trace_and_eeprom_on_a_disk_that_fills_up_and_is_emptied(tmp_path: Path, disk: Path) -> None:
    log, trace, nvm = disk / "log", disk / "trace", disk / "nvm.bin"
    build().save(nvm)
    with Device(tmp_path, "-vv", "--log-file", str(log), "--trace-file", str(trace), "--nvm", str(nvm)) as device:
        filler = os.open(disk / "filler", os.O_WRONLY | os.O_CREAT)
        with pytest.raises(OSError, match="No space"):
            fill(filler)

        def use(times: int) -> None:
            with Client(device.path) as client:
                client.write32(0, EEWR.offset(), EEWR.of(ADDR=0x1F0, DATA=0x1234, START=1))
                for n in range(times):
                    client.write32(0, CTRL.offset(), CTRL.of(RST=n % 2))

        def all_said(text: str, times: int) -> bool:
            use(times)
            time.sleep(0.1)
            said = device.error_text()
            return all(
                f"{name}: {text}" in said for name in (f"log file {log}", f"trace file {trace}", f"NVM file {nvm}")
            )

        until(lambda: all_said("No space left on device", 200), "each says what it could not write", SAID_S)
        os.close(filler)
        (disk / "filler").unlink()
        until(lambda: all_said("works again", 2), "each says that it can again", SAID_S)
        assert device.error_text().count("works again") == 3
    assert nvm.read_bytes()[0x3E0:0x3E2] == b"\x34\x12"
