# SPDX-License-Identifier: BSD-3-Clause
"""`--user`: the device opens what takes rights, and goes on without them."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from device.i82599.nvm.image import build
from device.regs.i82599 import EEWR
from tests.rigs.client import Client
from tests.rigs.process import END_S, ROOT, Device, until

pytestmark = [pytest.mark.root, pytest.mark.timeout(120)]

NOBODY = 65534
OTHER = 65533


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever gave up its rights cannot write down its coverage either."""
    monkeypatch.delenv("COVERAGE_PROCESS_START", raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that belongs to the user, and that it can reach."""
    for above in (tmp_path, *tmp_path.parents):
        if above.stat().st_uid == os.geteuid() and not above.stat().st_mode & 1 and above != Path("/"):
            above.chmod(above.stat().st_mode | 0o11)
    ours = tmp_path / "ours"
    ours.mkdir()
    os.chown(ours, NOBODY, NOBODY)
    return ours


def connect_as(uid: int, path: Path) -> int:
    """Errno of connect() by somebody else; 0 if it may."""
    program = f"import os, socket, sys; os.setgroups([]); os.setgid({uid}); os.setuid({uid})\n"
    program += "try: socket.socket(socket.AF_UNIX).connect(sys.argv[1])\nexcept OSError as e: sys.exit(e.errno)"
    return subprocess.run([sys.executable, "-c", program, path], cwd=ROOT, check=False, timeout=END_S).returncode


@pytest.mark.parametrize("user", [f"{NOBODY}:{NOBODY}", "nobody"])
def test_a_tap_a_client_the_eeprom_and_the_end_without_any_right(folder: Path, user: str) -> None:
    file, name = folder / "nvm.bin", f"ixu{os.getpid() % 100000}"
    build().save(file)
    os.chown(file, NOBODY, NOBODY)
    options = ("--tap", name, "--user", user, "--nvm", str(file), "--log-file", str(folder.parent / "log"))
    with Device(folder, *options, "--trace-file", str(folder.parent / "trace")) as device:
        seen = status(device.pid)
        for which in ("Uid", "Gid", "Groups"):
            assert set(seen[which].split()) == {str(NOBODY)}, which
        assert [int(seen[f"Cap{which}"], 16) for which in ("Eff", "Prm", "Inh", "Amb")] == [0, 0, 0, 0]
        assert seen["NoNewPrivs"] == "1"
        for task in Path(f"/proc/{device.pid}/task").iterdir():
            assert f"Uid:\t{NOBODY}" in (task / "status").read_text(), "every thread"
        assert connect_as(NOBODY, device.path) == 0
        assert device.path.stat().st_uid == NOBODY
        with Client(device.path) as client:
            client.write32(0, EEWR.offset(), EEWR.of(ADDR=0x1F0, DATA=0x1234, START=1))
        assert socket.if_nametoindex(name)
        until(lambda: file.read_bytes()[0x3E0:0x3E2] == b"\x34\x12", "the EEPROM's file has it", END_S)
        device.ask(carrier=False)
        device.ask(carrier=True)
        assert device.said("to bring it back"), "a tap that goes is told of"
    assert file.stat().st_uid == NOBODY
    assert name not in [entry for _, entry in socket.if_nameindex()]


def test_what_is_left_behind_is_told_at_the_start(folder: Path) -> None:
    """The folder is root's: sockets stay, and the EEPROM's new file cannot take the old one's place."""
    outer = folder.parent
    file = outer / "nvm.bin"
    build().save(file)
    device = Device(outer, "--user", f"{NOBODY}:{NOBODY}", "--nvm", str(file), name="left")
    with device:
        assert len(device.said("so it stays behind at the end", 2)) == 2
        assert device.said("what drivers write to the EEPROM will be lost")
        assert device.end() == 0, device.error_text()
    assert "Traceback" not in device.error_text()
    assert device.path.exists()
    with Device(outer, name="left") as again:
        assert again.report()["card"]


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("root", "keeps all rights"),
        ("no-such-user", "there is no user"),
        ("12345", "wants :GROUP"),
        ("nobody:x-", "no group"),
    ],
)
def test_users_there_are_not(tmp_path: Path, user: str, words: str) -> None:
    command = [sys.executable, "-m", "device", "--socket", str(tmp_path / "s"), "--user", user]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=END_S, check=False)
    assert done.returncode == 2
    assert words in done.stderr


def test_only_root_may(folder: Path) -> None:
    command = ["setpriv", f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups", sys.executable, "-m", "device"]
    folder.chmod(0o777)
    command += ["--socket", str(folder / "s"), "--user", f"{NOBODY}:{NOBODY}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=END_S, check=False)
    assert done.returncode == 3, done.stderr
    assert "only root may become another user" in done.stderr
