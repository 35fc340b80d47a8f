# SPDX-License-Identifier: BSD-3-Clause
"""Time as the driver sees it."""

import time
from typing import Protocol


class Clock(Protocol):
    """Time as the driver sees it; tests own theirs."""

    def now_s(self) -> float:
        """Monotonic seconds."""

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass, at least a millisecond or so."""

    def delay_us(self, microseconds: float) -> None:
        """Let a few µs pass, too few to sleep."""


class SystemClock:
    """Real time."""

    def now_s(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)

    def delay_us(self, microseconds: float) -> None:
        """Spin: a sleep would take ten times as long."""
        end_ns = time.perf_counter_ns() + microseconds * 1000
        while time.perf_counter_ns() < end_ns:
            pass
