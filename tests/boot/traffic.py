# SPDX-License-Identifier: BSD-3-Clause
"""Traffic between a guest and the wire: what runs at either end, and what it says."""

import contextlib
import json
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ci.demo import HOST6, WIRE4, WIRE_IF, Lines
from ci.processes import child, ended
from ci.vm import Vm
from tests.boot.judge import MIB, WAIT_S, eventually

ENDS = "tests.boot.ends"
Flow = dict[str, Any]


def _guest(command: str, argument: object) -> str:
    return f"exec python3 -m {ENDS} {command} {shlex.quote(json.dumps(argument))}"


def _here(command: str, argument: object) -> list[str]:
    return child([sys.executable, "-m", ENDS, command, json.dumps(argument)])


def send(vm: Vm, *flows: Flow, guest: bool = False) -> None:
    """Send datagrams, from the wire or from the guest; see ``tests.boot.ends``."""
    if guest:
        vm.run(_guest("send", flows))
    else:
        vm.wire.run(*_here("send", flows), timeout_s=WAIT_S)


def send_frames(vm: Vm, *frames: bytes, count: int = 1) -> None:
    """Put frames on the wire as they are, towards the guest."""
    request = {"interface": WIRE_IF, "frames": [frame.hex() for frame in frames], "count": count}
    vm.wire.run(*_here("frames", request), timeout_s=WAIT_S)


@contextlib.contextmanager
def listening(vm: Vm, *sockets: Flow, guest: bool = True) -> Iterator[list[int]]:
    """Count datagrams while the block runs, in the guest or on the wire; afterwards the list holds the counts."""
    counts: list[int] = []
    if guest:
        job = vm.begin(_guest("receive", sockets))
        job.wait_for("listening", WAIT_S)
        yield counts
        job.kill(signal.SIGINT)
        said = job.wait(WAIT_S).out
    else:
        with contextlib.closing(Here(vm, _here("receive", sockets))) as here:
            here.wait_for("listening")
            yield counts
            said = here.end()
    counts += json.loads(next(line for line in said.splitlines() if line.startswith("[")))


@contextlib.contextmanager
def captured(
    vm: Vm, expression: str, *options: str, guest: bool = True, interface: str = "", prefix: str = ""
) -> Iterator["Capture"]:
    """Run tcpdump for the time of the block, in the guest or on the wire; it makes no interface promiscuous."""
    words = ["tcpdump", "-p", "-n", "-l", "--immediate-mode", "-i", interface or ("eth0" if guest else WIRE_IF)]
    words += [*options, expression]
    if guest:
        job = vm.begin(f"exec {prefix}{shlex.join(words)}")
        job.wait_for("listening on", WAIT_S)
        capture = Capture(lambda: job.out)
        yield capture
        job.kill(signal.SIGINT)
        job.wait(WAIT_S)
    else:
        with contextlib.closing(Here(vm, child(words))) as here:
            here.wait_for("listening on")
            capture = Capture(here.read)
            yield capture
            here.end()
    capture.last = capture.out


class Capture:
    """What tcpdump says."""

    def __init__(self, read: Callable[[], str]) -> None:
        self._read = read
        self.last = ""

    @property
    def out(self) -> str:
        """All it has said so far."""
        return self.last or self._read()

    def wait_for(self, pattern: str) -> None:
        """Wait for what a regular expression finds."""
        eventually(lambda: re.search(pattern, self.out), f"tcpdump saw {pattern}")

    @property
    def frames_so_far(self) -> int:
        """How many frames it has shown, one a line."""
        return len(re.findall(r"^\d\d:\d\d:\d\d\.", self.out, re.MULTILINE))

    @property
    def frames(self) -> int:
        """How many frames passed its filter: the kernel's count, complete once the block is over."""
        found = re.search(r"(\d+) packets? received by filter", self.last)
        assert found is not None, self.last
        return int(found[1])


class Here:
    """A program in the wire's namespace, and what it prints."""

    def __init__(self, vm: Vm, words: list[str]) -> None:
        self.process = vm.wire.popen(*words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._lines = Lines(self.process)
        self.out = ""

    def _read(self, timeout_s: float) -> str | None:
        line = self._lines.next(timeout_s)
        self.out += f"{line}\n" if line is not None else ""
        return line

    def read(self) -> str:
        """Return all it has said so far."""
        while self._read(0) is not None:
            pass
        return self.out

    def wait_for(self, text: str, timeout_s: float = WAIT_S) -> None:
        """Wait until it prints a line with ``text``."""
        end_s = time.monotonic() + timeout_s
        while (line := self._read(end_s - time.monotonic())) is not None:
            if text in line:
                return
        raise AssertionError(f"never said {text!r}: {self.out}")

    def end(self, number: signal.Signals | None = signal.SIGINT, timeout_s: float = WAIT_S) -> str:
        """Tell it to end, unless ``number`` is None; returns all it said."""
        if number is not None and self.process.poll() is None:
            self.process.send_signal(number)
        end_s = time.monotonic() + timeout_s
        while self._read(end_s - time.monotonic()) is not None:
            pass
        self.process.wait(timeout_s)
        return self.out

    def close(self) -> None:
        """End it, whatever it does."""
        if self.process.poll() is None:
            ended("program on the wire", self.process)
        if self.process.stdout:
            self.process.stdout.close()


class Streams:
    """TCP both ways, out over IPv4 and in over IPv6, for the time of a ``with`` block: one connection each.

    When the block ends both ends of each must have the same SHA-256.
    """

    PORT = 6500
    ENDLESS_BYTES = 1 << 50

    def __init__(self, vm: Vm) -> None:
        self.vm = vm
        self._stop = {"guest": Path("/run/stop"), "wire": vm.folder / "stop"}

    def __enter__(self) -> "Streams":
        vm = self.vm
        vm.run(f"rm -f {self._stop['guest']}")
        self._stop["wire"].unlink(missing_ok=True)
        receive = f"-m ci.traffic receive {{}} {self.PORT} {self.ENDLESS_BYTES}"
        send = f"-m {ENDS} stream {{}} {self.PORT} {{}}"
        self._hears = vm.begin(f"exec python3 {receive.format(HOST6)}")
        self._hears.wait_for("listening", WAIT_S)
        self._takes = Here(vm, child([sys.executable, *receive.format(WIRE4).split()]))
        self._takes.wait_for("listening")
        self._says = vm.begin(f"exec python3 {send.format(WIRE4, self._stop['guest'])}")
        self._gives = Here(vm, child([sys.executable, *send.format(HOST6, self._stop["wire"]).split()]))
        self._gives.wait_for("connected")
        self.flow("it has begun")
        return self

    def flow(self, when: str, len_bytes: int = MIB) -> None:
        """Wait until more has gone each way."""

        def seen() -> tuple[int, int]:
            report: Any = self.vm.ask_nic(report=True)["report"]
            return report["port"]["rx_bytes"], report["port"]["tx_bytes"]

        before = seen()
        eventually(
            lambda: all(now - then > len_bytes for now, then in zip(seen(), before, strict=True)),
            f"{len_bytes} bytes each way after {when}",
        )
        ended_early = self._hears.ended or self._says.ended
        assert not ended_early, self._hears.out + self._says.out

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._end()
        finally:
            self._takes.close()
            self._gives.close()
            for job in (self._hears, self._says):
                if not job.ended:
                    job.kill(signal.SIGKILL)

    def _end(self) -> None:
        self.vm.run(f"touch {self._stop['guest']}")
        self._stop["wire"].touch()
        said = [self._says.wait(WAIT_S).out, self._takes.end(None), self._gives.end(None), self._hears.wait(WAIT_S).out]
        out, taken, given, heard = (json.loads(text.splitlines()[-1]) for text in said)
        for sent, got in ((out, taken), (given, heard)):
            assert sent["bytes"] == got["bytes"] > 0
            assert sent["sha256"] == got["sha256"]
