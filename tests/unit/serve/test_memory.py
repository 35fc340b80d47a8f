# SPDX-License-Identifier: BSD-3-Clause
"""What is said of a client's memory, and how often."""

import logging
from types import SimpleNamespace

import pytest

from device.machine.function import LostMemory
from device.serve.memory import LINES_PER_S, ClientMemory


def test_losses_that_come_faster_than_lines_are_counted(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [100.0]
    monkeypatch.setattr("device.machine.limit.time", SimpleNamespace(monotonic=lambda: now_s[0]))
    memory = ClientMemory(logging.getLogger("test"))
    assert LINES_PER_S == 4
    for second in range(2):
        now_s[0] += second
        caplog.clear()
        for n in range(25):
            memory.tell_lost(LostMemory(n << 12, 4096, at=n << 12, file=1, regions=1), "memfd:x", 0)
        lines = [line for line in caplog.messages if "went away" in line]
        assert [line.split(",")[0] for line in lines] == [f"client memory [{n << 12:#x}" for n in range(LINES_PER_S)]
        assert caplog.messages[-1] == "more lines are left out for the rest of this second"
    assert caplog.messages[0] == "21 more lines left out"
