# SPDX-License-Identifier: BSD-3-Clause
import pytest

from tests.boot.soak import PING_EVERY_S, Punctuality, worst_ms

QUIET_MS = 5.0


class Measured(Punctuality):
    """A soak's judge of pings, given what it is to see: (worst ping, what else was slow), ms."""

    def __init__(self, *seen: tuple[float, float]) -> None:
        self.seen = list(seen)
        self.excused = 0

    def measure(self) -> tuple[float, float]:
        return self.seen.pop(0)


@pytest.mark.parametrize("late_ms", [PING_EVERY_S * 1e3, 1000.0, 2000.0])
def test_one_lost_interrupt_is_one_too_many(late_ms: float) -> None:
    with pytest.raises(AssertionError, match="idle pings are late"):
        Measured((late_ms, QUIET_MS), (1.0, QUIET_MS)).judge()


def test_a_slow_machine_is_an_excuse_and_is_counted() -> None:
    slow = Measured((800.0, 300.0))
    assert slow.judge() == (800.0, 300.0)
    assert slow.excused == 1


def test_a_little_late_once_is_asked_again() -> None:
    assert Measured((120.0, QUIET_MS), (20.0, QUIET_MS)).judge() == (20.0, QUIET_MS)
    with pytest.raises(AssertionError, match="idle pings are late"):
        Measured(*[(120.0, QUIET_MS)] * 3).judge()


def test_a_lost_ping_is_a_failure() -> None:
    rtt = "rtt min/avg/max/mdev = 0.4/0.5/12.5/0.1 ms"
    assert worst_ms(f"12 packets transmitted, 12 received, 0% packet loss\n{rtt}") == 12.5
    with pytest.raises(AssertionError, match="loses nothing"):
        worst_ms(f"12 packets transmitted, 11 received, 8.3% packet loss\n{rtt}")
