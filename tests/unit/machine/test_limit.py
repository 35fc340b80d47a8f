# SPDX-License-Identifier: BSD-3-Clause
"""A log that cannot be flooded."""

import logging

import pytest

from device.machine.limit import EVERY, Gate, LimitedLog


def test_so_many_lines_a_second_and_then_how_many_not(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [100.0]
    monkeypatch.setattr("device.machine.limit.time.monotonic", lambda: now_s[0])
    limited = LimitedLog(logging.getLogger("a"), 3)
    with caplog.at_level(logging.INFO, logger="a"):
        for n in range(10):
            limited.line(logging.INFO, f"line {n}")
        limited.line(logging.DEBUG, "not asked for")
        now_s[0] += 1
        limited.line(logging.ERROR, "later")
    lines = [(record.levelno, record.message) for record in caplog.records]
    assert lines == [
        *((logging.INFO, f"line {n}") for n in range(3)),
        (logging.WARNING, "more lines are left out for the rest of this second"),
        (logging.WARNING, "7 more lines left out"),
        (logging.ERROR, "later"),
    ]


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.levels: set[int] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self.levels.add(record.levelno)


def gated(*, every: bool = False) -> tuple[logging.Logger, Gate, Kept]:
    kept = Kept()
    log = logging.getLogger("gated")
    log.setLevel(logging.DEBUG)
    log.propagate = False
    gate = Gate([kept], every=every)
    log.handlers = [gate]
    return log, gate, kept


def test_of_each_kind_so_many_lines_and_then_how_many_not(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [100.0]
    monkeypatch.setattr("device.machine.limit.time.monotonic", lambda: now_s[0])
    log, gate, kept = gated()
    for n in range(1000):
        log.info("link is %s", n)
        if n == 500:
            log.info("one of another kind")
    assert kept.lines[:30] == [f"link is {n}" for n in range(30)]
    assert kept.lines[30:] == ["more such lines are left out for now: link is %s", "one of another kind"]
    now_s[0] += 10
    log.info("link is %s", "back")
    assert kept.lines[32:] == ["970 such lines were left out: link is %s", "link is back"]
    log.info("link is %s", "away")
    gate.tell_all()
    assert kept.lines[-1] == "1 such lines were left out: link is %s"
    assert kept.levels == {logging.INFO}, "what is said of news is no warning"


def test_tracebacks_are_fewer() -> None:
    log, _, kept = gated()
    for _ in range(100):
        log.error("a call from C failed", exc_info=ValueError("of a callback"))
    assert kept.lines.count("a call from C failed") == 3


def test_what_was_asked_for_one_by_one_is_all_there() -> None:
    log, _, kept = gated()
    for n in range(100):
        log.info("access %d", n, extra=EVERY)
    assert len(kept.lines) == 100
    log, _, kept = gated(every=True)
    for n in range(100):
        log.info("access %d", n)
    assert len(kept.lines) == 100
