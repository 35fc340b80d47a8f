# SPDX-License-Identifier: BSD-3-Clause
"""Signals end the NIC in order, its EEPROM is on the disk before and after, and a kill leaves the old or the new."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from device.i82599.nvm.image import build
from device.machine.files import forget_scratch
from device.regs.i82599 import EEWR
from tests.rigs.client import Client
from tests.rigs.process import ROOT, Device, until

WORD, SAVED_S = 0x1F0, 8.0


def write_word(device: Device, value: int, word: int = WORD) -> None:
    with Client(device.path) as client:
        client.write32(0, EEWR.offset(), EEWR.of(ADDR=word, DATA=value, START=1))
        client.read32(0, EEWR.offset())


def word_of(file: Path, word: int = WORD) -> int:
    return int.from_bytes(file.read_bytes()[2 * word : 2 * word + 2], "little")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_saves_the_eeprom_cleans_up_and_shows_the_counters(tmp_path: Path, number: signal.Signals) -> None:
    file, cable = tmp_path / "nvm.bin", tmp_path / "cable"
    build().save(file)
    file.chmod(0o640)
    with Device(tmp_path, "--nvm", str(file), "--peer", str(cable)) as device:
        write_word(device, 0x4711)
        assert device.end(number) == 0, device.error_text()
    assert word_of(file) == 0x4711
    assert file.stat().st_mode & 0o777 == 0o640, "the mode is kept"
    assert "nvm writes" in device.error_text()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["nic.err", "nvm.bin"]


def test_a_hangup_that_was_to_be_ignored_is(tmp_path: Path) -> None:
    """As `nohup` does it."""
    with Device(tmp_path, prefix=["sh", "-c", 'trap "" HUP; exec "$@"', "sh"]) as device:
        device.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        assert device.report()["card"]


def test_the_eeprom_is_saved_while_the_nic_runs(tmp_path: Path) -> None:
    """A kill then costs nothing; a symbolic link stays one, and what a killed one left is removed."""
    real, file = tmp_path / "real.bin", tmp_path / "nvm.bin"
    build().save(real)
    file.symlink_to(real.name)
    scratch = tmp_path / ".real.bin.999999999"
    scratch.write_bytes(b"half")
    os.utime(scratch, (1, 1))
    with Device(tmp_path, "--nvm", str(file)) as device:
        write_word(device, 0x0815)
        until(lambda: word_of(real) == 0x0815, "the file has it", SAVED_S)
        assert device.report()["card"]["nvm"] == "unchanged", "compared with its file"
        write_word(device, 0x0816)
        until(lambda: word_of(real) == 0x0816, "and again", SAVED_S)
        device.kill()
    assert file.is_symlink()
    assert not scratch.exists()


def test_an_injected_fault_does_not_reach_the_file(tmp_path: Path) -> None:
    file = tmp_path / "nvm.bin"
    build().save(file)
    before = word_of(file, 0x10)
    with Device(tmp_path, "--nvm", str(file), "--fault", f"nvm=0x10:{before ^ 1:#x}") as device:
        write_word(device, 1)
        time.sleep(3)
        assert word_of(file) != 1, "not while it is there"
    assert (word_of(file), word_of(file, 0x10)) == (1, before)


SAVER = """
import sys; from pathlib import Path; from device.i82599.nvm.image import build
image = build()
print("ready", flush=True)
while True:
    for fill in b"\\1", b"\\2":
        image.data[:] = fill * len(image.data)
        image.save(Path(sys.argv[1]))
"""


def test_a_kill_while_it_saves_leaves_a_whole_file(tmp_path: Path) -> None:
    file, chance = tmp_path / "nvm.bin", random.Random(8)
    file.write_bytes(b"\1" * 16384)
    for _ in range(30):
        with subprocess.Popen([sys.executable, "-c", SAVER, str(file)], cwd=ROOT, stdout=subprocess.PIPE) as process:
            assert process.stdout
            process.stdout.readline()
            time.sleep(chance.random() * 0.02)
            process.kill()
            process.wait(10)
        assert set(file.read_bytes()) in ({1}, {2})
        assert file.stat().st_size == 16384
    for scratch in tmp_path.glob(".nvm*"):
        os.utime(scratch, (1, 1))
    forget_scratch(file)
    assert [entry.name for entry in tmp_path.iterdir()] == ["nvm.bin"]
