# SPDX-License-Identifier: BSD-3-Clause
"""The demo, ended midway and twice at once: it takes away what it made, and judges nothing else."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci import processes, stale
from ci.demo import Lines
from tests.rigs.process import until

pytestmark = [pytest.mark.root, pytest.mark.timeout(240)]

ROOT = Path(__file__).resolve().parents[2]
SMALL = """
import os, sys; os.environ["IXLAB_READY"] = "1"
from ci import demo; from ci.say import CiError
demo.TRANSFER_BYTES = {bytes}
try: code = demo.main()
except CiError as exc: print(f"ci: {{exc}}", file=sys.stderr); code = exc.code
except KeyboardInterrupt: code = 130
sys.exit(code)
"""
FEW, MANY = 4 << 20, 64 << 30
START_S, END_S = 90.0, 40.0
ALL = 6


class Demo:
    """One demo, small or without an end."""

    def __init__(self, folder: Path, run_dir: Path, total_bytes: int) -> None:
        self.tmp = folder
        self.err = folder / "err"
        self.lines: Lines
        env = {**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1", "IXLAB_RUN_DIR": str(run_dir)}
        with self.err.open("a") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SMALL.format(bytes=total_bytes)],
                cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=err, text=True, start_new_session=True,
            )  # fmt: skip

    def wait_for(self, text: str) -> None:
        end_s = time.monotonic() + START_S
        while (line := self.lines.next(end_s - time.monotonic())) is not None:
            if text in line:
                return
        raise AssertionError(f"it did not say {text}: {self.err.read_text()}")

    def family(self) -> dict[int, str]:
        """All processes below it, by pid, with their start times."""
        parent = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                parent[int(folder.name)] = processes.stat(folder.name).parent
        found, more = set[int](), {self.process.pid}
        while more:
            found |= more
            more = {pid for pid, above in parent.items() if above in found} - found
        return {pid: start for pid in found - {self.process.pid} if (start := stale.started(pid))}

    def folders(self) -> list[Path]:
        return list(self.tmp.glob("ixlab-demo-*"))


@pytest.fixture
def folder() -> Iterator[Path]:
    """One with a short name: the demo's sockets have theirs below it, and 107 bytes in all."""
    with tempfile.TemporaryDirectory(prefix="ixd-", dir="/tmp") as name:
        yield Path(name)


@pytest.fixture
def midway(folder: Path) -> Iterator[Demo]:
    """A demo whose transfer goes on for ever."""
    demo = Demo(folder, folder / "run", MANY)
    try:
        demo.lines = Lines(demo.process)
        for _ in "46":
            demo.wait_for(" sent, 0 lost")
        # Namespaces' holders, device, driver, tcpdump, both ends of a transfer.
        until(lambda: len(demo.family()) >= ALL, "all of it runs", START_S)
        yield demo
    finally:
        demo.process.kill()
        demo.process.wait(END_S)
        while demo.lines.next(END_S) is not None:
            pass
        assert demo.process.stdout
        demo.process.stdout.close()


def gone(family: dict[int, str], timeout_s: float) -> bool:
    end_s = time.monotonic() + timeout_s
    while any(stale.started(pid) == start for pid, start in family.items()):
        if time.monotonic() > end_s:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_and_all_it_made(midway: Demo, number: signal.Signals) -> None:
    family = midway.family()
    midway.process.send_signal(number)
    midway.process.send_signal(number)
    midway.process.wait(END_S)
    assert midway.process.returncode == (130 if number == signal.SIGINT else 128 + number), midway.err.read_text()
    assert gone(family, 5)
    assert midway.folders() == []
    assert list((midway.tmp / "run").iterdir()) == []
    assert "Traceback" not in midway.err.read_text()


def test_a_kill_takes_its_children_along_and_the_next_start_removes_the_rest(midway: Demo) -> None:
    family = midway.family()
    midway.process.kill()
    assert gone(family, 10), "no child outlives it"
    (folder,) = midway.folders()
    (claim,) = (midway.tmp / "run").glob("*.claim")
    living = midway.tmp / folder.name.replace(f"-{midway.process.pid}-", f"-{os.getpid()}-")
    living = living.with_name(re.sub(r"-\d+-(\w+)$", rf"-{stale.started(os.getpid())}-\1", living.name))
    other = midway.tmp / "ixlab-demo-of-somebody"
    for kept in (living, other):
        kept.mkdir()
    following = Demo(midway.tmp, midway.tmp / "run", FEW)
    out, _ = following.process.communicate(timeout=200)
    assert following.process.returncode == 0, following.err.read_text()
    assert "Nothing is left behind" in out
    assert sorted(midway.folders()) == sorted([living, other]), "and nothing of anybody who lives"
    assert not claim.exists()
    assert f"removing what a demo that was killed left behind: {folder}" in following.err.read_text()


def test_two_at_once(folder: Path) -> None:
    demos = [Demo(folder, folder / "run", FEW) for _ in range(2)]
    for demo in demos:
        out, _ = demo.process.communicate(timeout=200)
        assert demo.process.returncode == 0, demo.err.read_text()
        assert "Nothing is left behind" in out
    assert demos[0].folders() == []


def test_who_is_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ours = stale.run_folder("demo")
    space, pid, start = ours.name.split("-")[2:5]
    dead = tmp_path / f"ixlab-demo-{space}-{pid}-{int(start) - 1}-abc"
    elsewhere = tmp_path / f"ixlab-demo-{int(space) + 1}-{pid}-{int(start) - 1}-abc"
    a_vm = tmp_path / f"ixlab-vm-{space}-{pid}-{int(start) - 1}-abc"
    for folder in (dead, elsewhere, a_vm):
        folder.mkdir()
    assert stale.sweep("demo") == [dead]
    assert sorted(tmp_path.iterdir()) == sorted([ours, elsewhere, a_vm])
