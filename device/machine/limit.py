# SPDX-License-Identifier: BSD-3-Clause
"""A log that a guest cannot flood: so many lines a second, and then how many were left out.

``LimitedLog`` is for one subject, such as libvfio-user's words. ``Gate`` is for all: every record passes it on its way
to the handlers, so nothing that a guest or a client can cause again and again can be forgotten.
"""

import logging
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass

EVERY = {"every": True}  # as a record's ``extra``: it was asked for one by one (--trace), none is left out
BURST = 30  # lines of one kind at once
BURST_TRACEBACKS = 3
REFILL_S = 10.0  # then one more such line each
KINDS_MAX = 512  # no more kinds than that are told apart


class LimitedLog:
    """Passes lines on to a log, at most ``lines_per_s`` a second.

    Args:
        log: Where they go.
        lines_per_s: How many of them.
    """

    def __init__(self, log: logging.Logger, lines_per_s: int) -> None:
        self._log = log
        self._most = lines_per_s
        self._second = 0
        self._lines = 0

    def line(self, level: int, text: str) -> None:
        """Log a line, or say that there are more and count them: a line of a later second is preceded by how many."""
        if not self._log.isEnabledFor(level):
            return
        second = int(time.monotonic())
        if second != self._second:
            if self._lines > self._most:
                self._log.warning("%d more lines left out", self._lines - self._most)
            self._second, self._lines = second, 0
        self._lines += 1
        if self._lines <= self._most:
            self._log.log(level, "%s", text)
        elif self._lines == self._most + 1:
            self._log.warning("more lines are left out for the rest of this second")

    def exception(self, text: str) -> None:
        """Log a line as an error, and the exception that is handled now behind it."""
        self.line(logging.ERROR, f"{text}\n{traceback.format_exc().rstrip()}")


@dataclass
class _Kind:
    like: str
    level: int
    tokens: float
    at_s: float
    left_out: int = 0


class Gate(logging.Handler):
    """Passes records on to ``handlers``, of each kind only so many: a kind is who logs, and the text before its values.

    ``BURST`` of a kind may come at once (``BURST_TRACEBACKS`` with a traceback), then one each ``REFILL_S``. What is
    left out is counted, and the next one of its kind that passes says how many there were; ``tell_all`` does so at the
    end.

    Args:
        handlers: Where records go; each has a level of its own.
        every: Whether all pass: somebody asked for each of them.
    """

    def __init__(self, handlers: Sequence[logging.Handler], *, every: bool = False) -> None:
        super().__init__()
        self.handlers = handlers
        self._every = every
        self._kinds: dict[tuple[str, str, bool], _Kind] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one record on, or count it."""
        if self._every or getattr(record, "every", False):
            self._pass(record)
            return
        traceback = bool(record.exc_info)
        key = record.name, str(record.msg), traceback
        if key not in self._kinds and len(self._kinds) >= KINDS_MAX:
            key = "", "", traceback
        now_s, most = time.monotonic(), BURST_TRACEBACKS if traceback else BURST
        if key not in self._kinds:
            self._kinds[key] = _Kind("" if key[1] in {"", "%s"} else f": {key[1]}", record.levelno, most, now_s)
        kind = self._kinds[key]
        kind.tokens = min(most, kind.tokens + (now_s - kind.at_s) / REFILL_S)
        kind.at_s = now_s
        if kind.tokens < 1:
            kind.left_out += 1
            if kind.left_out == 1:
                self._say(record.name, kind.level, f"more such lines are left out for now{kind.like}")
            return
        kind.tokens -= 1
        self._tell(record.name, kind)
        self._pass(record)

    def _tell(self, name: str, kind: _Kind) -> None:
        if kind.left_out:
            self._say(name, kind.level, f"{kind.left_out} such lines were left out{kind.like}")
            kind.left_out = 0

    def tell_all(self) -> None:
        """Say of every kind how much was left out since it was last said."""
        for (name, _, _), kind in self._kinds.items():
            self._tell(name, kind)

    def _say(self, name: str, level: int, text: str) -> None:
        self._pass(logging.LogRecord(name, level, __file__, 0, "%s", (text,), None))

    def _pass(self, record: logging.LogRecord) -> None:
        for handler in self.handlers:
            if record.levelno >= handler.level:
                handler.handle(record)
