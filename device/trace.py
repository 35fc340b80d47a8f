# SPDX-License-Identifier: BSD-3-Clause
"""Every register access of a client in a file, one line each, and such files read back.

A line is ``W 0x00000 4 0x04000008 CTRL @0.713402``: read, write or ``X`` (a reset of the function by PCI), offset in
BAR0, bytes, value, the register's name, seconds since the trace began.  Equal accesses in a row are one line, ``x12``
after the name.  An access of eight bytes is two of four, as the registers see it; stores to shared doorbells are not
seen.
``python -m device.trace FILE`` prints a trace without times, which can be replayed; ``python -m device.trace diff A B``
says what two drivers do otherwise (trace_diff.py).
"""

import logging
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from device.errors import ConfigError
from device.machine.core import lib
from device.machine.files import LineFile, Losses, OwnFile
from device.machine.function import Function
from device.regs.core import Register
from device.regs.i82599 import name_of
from device.regs.terminal import any_locale
from device.trace_cuts import BEFORE, cut_up
from device.trace_diff import diff
from device.trace_steps import reasons, side_by_side

log = logging.getLogger(__name__)

ENTRIES = 1 << 16  # between two polls; a client needs microseconds for each
LINES_MAX = 4_000_000  # a trace that somebody forgot about shall not fill the disk
NS_PER_S = 1_000_000_000
MARK = "# step "  # a step of the probe begins here
KINDS = {int(lib.TRACE_READ): "R", int(lib.TRACE_WRITE): "W", int(lib.TRACE_RESET): "X"}


@dataclass(frozen=True)
class Access:
    """Equal accesses in a row.

    Attributes:
        kind: ``R``, ``W`` or ``X``.
        offset: Byte offset in BAR0.
        len_bytes: 1 to 4; 0 for ``X``.
        value: What was read or written.
        times: How often.
    """

    kind: str
    offset: int
    len_bytes: int
    value: int
    times: int = 1

    @property
    def name(self) -> str:
        """The register's name, as ``device.regs`` has it."""
        return "" if self.kind == "X" else name_of(self.offset & ~3)

    def __str__(self) -> str:
        if self.kind == "X":
            return "X"
        times = f" x{self.times}" if self.times > 1 else ""
        value = f"{self.value:#0{2 + 2 * self.len_bytes}x}"
        return f"{self.kind} {self.offset:#07x} {self.len_bytes} {value} {self.name}{times}"


def parse(line: str) -> Access:
    """Return what a line says.

    Raises:
        ValueError: It is none of a trace.
    """
    words = line.split()
    if words and words[0] == "X":
        return Access("X", 0, 0, 0)
    if len(words) < 4 or words[0] not in {"R", "W"}:
        raise ValueError(f"not a line of a trace: {line.rstrip()!r}")
    times = next((int(word[1:]) for word in words[4:] if word[0] == "x" and word[1:].isdigit()), 1)
    return Access(words[0], int(words[1], 16), int(words[2]), int(words[3], 16), times)


def read(path: Path) -> Iterator[Access]:
    """Read a trace; what follows ``#`` is for people.

    Raises:
        ConfigError: A line is none of a trace.
        OSError: The file cannot be read.
    """
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            if text := line.partition("#")[0].strip():
                yield _parsed(path, number, text)


def _parsed(path: Path, number: int, text: str) -> Access:
    try:
        return parse(text)
    except ValueError as exc:
        raise ConfigError(f"{path}, line {number}: {exc}") from None


def read_steps(path: Path) -> list[tuple[str, list[Access]]]:
    """Read a trace step by step: as its marks (``# step NAME``) say, else as trace_steps.py cuts it.

    Raises:
        ConfigError: A line is none of a trace.
        OSError: The file cannot be read.
    """
    names = [line.split()[2:] for line in path.read_text(encoding="utf-8").splitlines() if line.startswith(MARK)]
    if not names:
        return [(step, [one for one in done if isinstance(one, Access)]) for step, done in cut_up(read(path))]
    found: list[tuple[str, list[Access]]] = []
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            if line.startswith(MARK):
                found.append((line[len(MARK) :].strip(), []))
            elif text := line.partition("#")[0].strip():
                if not found:
                    found.append((BEFORE, []))
                found[-1][1].append(_parsed(path, number, text))
    return [(step, done) for step, done in found if done]


def squeeze(accesses: Iterable[Access]) -> Iterator[Access]:
    """Make equal accesses in a row one."""
    last: Access | None = None
    for access in accesses:
        if last is not None and replace(access, times=last.times) == last:
            last = replace(last, times=last.times + access.times)
            continue
        if last is not None:
            yield last
        last = access
    if last is not None:
        yield last


def _gap(lines: int, why: str) -> str:
    return f"# {lines} lines are missing here: {why}"


class TraceFile:
    """Writes a device's accesses to a file.

    Args:
        function: Whose registers.
        path: The file; what it held is gone. Rotated, it is made anew; what it does not take is counted and said.
        registers: Only these, or one of an array; all, declared or not, if empty.

    Raises:
        ConfigError: The file cannot be written.
    """

    def __init__(
        self, function: Function, path: Path, registers: Iterable[tuple[type[Register], int | None]] = ()
    ) -> None:
        self._function = function
        self._path = path
        self._only = frozenset(
            register.offset(n)
            for register, one in registers
            for n in (range(register.count) if one is None else (one,))
        )
        self._began_ns = function.now_ns()
        self._lines = 0
        self._last: tuple[Access, int] | None = None
        self._waiting: list[str] = []
        losses = Losses(f"trace file {path}", "lines", log)
        try:
            self._file: LineFile | None = LineFile(OwnFile(path, replace=True), losses, _gap)
        except OSError as exc:
            raise ConfigError(f"--trace-file {path}: {exc.strerror}") from exc
        function.record(ENTRIES)

    def poll(self) -> None:
        """Write what has come since the last call."""
        rows, lost = self._function.recorded()
        for time_ns, kind, offset, len_bytes, value in rows:
            if self._only and KINDS[kind] != "X" and offset & ~3 not in self._only:
                continue
            access = Access(KINDS[kind], offset, len_bytes, value)
            if self._last is not None and replace(self._last[0], times=1) == access:
                self._last = replace(self._last[0], times=self._last[0].times + 1), self._last[1]
                continue
            self._put()
            self._last = access, time_ns
        if lost:
            self._put()
            self._write(f"# {lost} accesses are missing here")
        self._flush()  # whoever follows it, and whoever is killed, has all but the last line

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if self._file is not None:
            self._file.write(waiting)
            self._file.losses.tell()

    def _put(self) -> None:
        if self._last is not None:
            access, time_ns = self._last
            self._last = None
            self._write(f"{access} @{(time_ns - self._began_ns) / NS_PER_S:.6f}")

    def _write(self, line: str) -> None:
        if self._file is None:
            return
        self._lines += 1
        self._waiting.append(line)
        if self._lines >= LINES_MAX:
            self._waiting.append(f"# {LINES_MAX} lines: no more are written")
            self._flush()
            self._stop(f"{LINES_MAX} lines are enough")

    def _stop(self, why: str) -> None:
        log.warning("trace file %s: %s; tracing ends here", self._path, why)
        self._function.record(0)
        if self._file is not None:
            self._file.close()
            self._file = None

    def close(self) -> None:
        """Write what is left and end the trace.  May be called twice."""
        if self._file is not None:
            self.poll()
            self._put()
            self._flush()
            self._function.record(0)
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


FLAGS = frozenset({"--steps", "--all"})
USAGE = """\
usage: python -m device.trace FILE
       python -m device.trace diff A B [--steps [--all]]
"""
HELP = """\
prints a trace without its times; diff: what two drivers do otherwise, subject by subject,
- only A does it, + only B, ! both write, but other values
--steps: two probes side by side, step by step, with the reasons of a checkout; --all: also what both do
"""


def _lines(words: list[str], flags: set[str]) -> Iterable[object]:
    """What is asked for, line by line; nothing if the words make no sense."""
    if len(words) == 1 and not flags:
        return squeeze(read(Path(words[0])))
    if len(words) != 3 or words[0] != "diff":
        return ()
    one, other = Path(words[1]), Path(words[2])
    if not flags:
        return diff(read(one), read(other))
    if "--steps" not in flags:
        return ()
    titles = one.name, other.name
    return side_by_side(read_steps(one), read_steps(other), titles, everything="--all" in flags, why=reasons())


def main(arguments: list[str]) -> int:
    """Print a trace without times, or what differs between two; returns the exit code."""
    any_locale()
    if arguments in (["-h"], ["--help"]):
        sys.stdout.write(USAGE + HELP)
        return 0
    flags = {word for word in arguments if word.startswith("-")}
    try:
        lines = _lines([word for word in arguments if word not in flags], flags) if flags <= FLAGS else ()
        if lines == ():
            sys.stderr.write(USAGE)
            return 2
        for line in lines:
            sys.stdout.write(f"{line}\n")
    except BrokenPipeError:
        sys.stderr.close()
    except (ConfigError, OSError) as exc:
        sys.stderr.write(f"device.trace: {exc}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
