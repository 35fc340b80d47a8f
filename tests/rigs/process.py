# SPDX-License-Identifier: BSD-3-Clause
"""``python -m device`` and drivers as processes: started, waited for with a deadline, and never left behind."""

import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import pytest

from ci import processes
from device.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
T = TypeVar("T")
START_S = 20.0
END_S = 10.0
WAIT_S = 60.0 if os.environ.get("IXLAB_NIC") else 10.0  # a guest without KVM is slow
LOOK_S = 0.002


def until(look: Callable[[], T], what: str, timeout_s: float = WAIT_S) -> T:
    """Look again and again until the answer is true; fail with ``what`` when the time is over."""
    deadline = time.monotonic() + timeout_s
    while True:
        late = time.monotonic() > deadline
        seen = look()
        if seen:
            return seen
        assert not late, f"not within {timeout_s:g} s: {what}; last seen {seen!r}"
        time.sleep(LOOK_S)


def thread_count(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def rss_kib(pid: int) -> int:
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1])


def cpu_s(pid: int) -> float:
    """Processor time used so far, user and system."""
    return processes.stat(pid).cpu_s


class Process:
    """A Python program whose first line of output says that it is ready."""

    def __init__(
        self,
        arguments: list[str],
        *,
        env: dict[str, str] | None = None,
        errors: Path | None = None,
        stderr: int | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        # A file, unless a test brings a descriptor of its own.
        self.errors = errors if stderr is None else None
        with contextlib.ExitStack() as stack:
            err = stderr if stderr is not None else stack.enter_context(errors.open("w")) if errors else None
            self.process = subprocess.Popen(
                [*prefix, sys.executable, *arguments],
                cwd=ROOT,
                env={**os.environ, **(env or {})},
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL if err is None else err,
                text=True,
                start_new_session=True,
            )
        try:
            self.line = self.read_line(START_S)
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        return self.process.pid

    def read_line(self, timeout_s: float = WAIT_S) -> str:
        """One line of its output; fail if none comes."""
        out = self.process.stdout
        assert out is not None
        assert select.select([out], [], [], timeout_s)[0], f"no line within {timeout_s:g} s"
        line = out.readline()
        assert line, f"it ended: {self.error_text()}"
        return line.rstrip("\n")

    def error_text(self) -> str:
        return self.errors.read_text() if self.errors and self.errors.exists() else ""

    def kill(self) -> None:
        """Like a crash; returns when it is gone."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(END_S)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; its exit code.  One that does not is killed, and that fails the test."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(END_S)
        finally:
            self.kill()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class Device(Process):
    """A running ``python -m device`` with a control socket.

    Leaving it as a context manager ends it, and checks that it ended well and left no file behind, unless it was ended
    before.
    """

    def __init__(
        self,
        folder: Path,
        *options: str,
        name: str = "nic",
        stderr: int | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        self.path = folder / f"{name}.sock"
        self.control = folder / f"{name}.control"
        super().__init__(
            ["-m", "device", "--socket", str(self.path), "--control", str(self.control), *options],
            errors=folder / f"{name}.err",
            stderr=stderr,
            prefix=prefix,
        )
        assert self.line == f"device ready: {self.path}", self.error_text()

    @property
    def name(self) -> str:
        """The door's name."""
        return f"vfio-user:{self.path}"

    def ask(self, **command: object) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(WAIT_S)
            sock.connect(str(self.control))
            sock.sendall(json.dumps(command).encode() + b"\n")
            with sock.makefile("rb") as answers:
                answer = json.loads(answers.readline())
        assert answer["ok"], answer
        assert isinstance(answer, dict)
        return answer

    def report(self) -> dict[str, Any]:
        report = self.ask(report=True)["report"]
        assert isinstance(report, dict)
        return report

    def without_client(self, timeout_s: float = WAIT_S) -> dict[str, Any]:
        """Its report once it knows that the client is gone."""
        until(lambda: self.report()["client"] is False, "the device sees that its client is gone", timeout_s)
        return self.report()

    def logged(self, pattern: str) -> list[str]:
        """What matches in its log as far as that is written; a thread of its own writes it, a little later."""
        return re.findall(pattern, self.error_text())

    def said(self, pattern: str, times: int = 1, timeout_s: float = WAIT_S) -> list[str]:
        """What matches in its log, waited for until it is there ``times``; whoever calls looks whether it is more."""
        until(lambda: len(self.logged(pattern)) >= times, f"its log has {times} times {pattern!r}", timeout_s)
        return self.logged(pattern)

    def logged_until_now(self, pattern: str) -> list[str]:
        """What matches in its log once all is written that it had to say until now: for what must not be there.

        It must run, and without ``-q``: we cause a line of the log, and wait for that.
        """
        mark = re.escape("control: subscribe []")
        before = len(self.logged(mark))
        self.ask(subscribe=[])
        self.said(mark, before + 1)
        return self.logged(pattern)

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is not None or error[0] is not None:
            self.kill()
            return
        assert self.end() == 0, self.error_text()
        assert not self.path.exists()
        assert not self.control.exists()
        assert "Traceback" not in self.error_text()


def run_device(*options: str, program: str = "") -> tuple[int, str]:
    """A ``python -m device`` that should end by itself: exit code and what it says.

    Args:
        options: Its command line.
        program: Python to run before it, in the same process.
    """
    start = f"{program}\nimport runpy, sys; sys.argv[0] = 'device'; runpy.run_module('device', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, *(["-c", start] if program else ["-m", "device"]), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=START_S,
        check=False,
    )
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


class Run:
    """The command line in this process, where it must end by itself: exit code and stderr."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *options: str) -> tuple[int, str]:
        code = main(options)
        out, err = self.capsys.readouterr()
        assert out == ""
        return code, err
