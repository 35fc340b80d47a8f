# SPDX-License-Identifier: BSD-3-Clause
"""A log that cannot be flooded."""

import logging

import pytest

from device.machine.limit import LimitedLog


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
