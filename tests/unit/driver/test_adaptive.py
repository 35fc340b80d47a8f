# SPDX-License-Identifier: BSD-3-Clause
"""ixgbe's adaptive moderation: what a container wants after so many packets an interrupt."""

import pytest

from driver.core.adaptive import MAX_US, STALE_US, Adaptive, chosen, us_by_size

NOW_US = 1_000_000


def after(packets: int, size_bytes: int, vector_us: int, *, latency: bool = True, speed_mbps: int = 10_000) -> str:
    one = Adaptive(us=vector_us, latency=latency, updated_us=NOW_US)
    one.update(packets, size_bytes, vector_us, NOW_US + 2000, speed_mbps=speed_mbps)
    return f"{one.us} {one.mode}"


@pytest.mark.parametrize(
    ("packets", "size_bytes", "vector_us", "expect"),
    [
        (1, 60, 50, "10 latency"),
        (3, 180, 50, "10 latency"),
        (3, 8999, 50, "64 latency"),  # 2999 each: the plateau, halved
        (3, 9000, 50, "52 bulk"),  # few, but large
        (4, 240, 50, "52 bulk"),
        (47, 2820, 125, "126 bulk"),
        (48, 2880, 50, "50 bulk"),
        (95, 5700, 50, "50 bulk"),
        (96, 5760, 50, "25 bulk"),
        (255, 15300, 12, "10 bulk"),
        (256, 256 * 60, 50, "20 bulk"),
        (256, 256 * 1500, 50, "118 bulk"),
        (9999, 9999 * 4000, 50, "126 bulk"),
    ],
)
def test_what_an_interrupt_brought_decides(packets: int, size_bytes: int, vector_us: int, expect: str) -> None:
    assert after(packets, size_bytes, vector_us) == expect


@pytest.mark.parametrize(("latency", "mode"), [(True, "latency"), (False, "bulk")])
def test_a_side_without_packets_lets_there_be_fewer_interrupts(latency: bool, mode: str) -> None:
    assert after(0, 0, 50, latency=latency) == f"52 {mode}"
    assert after(0, 0, 126, latency=latency) == f"{MAX_US} {mode}"


def test_who_was_not_asked_for_long_is_quick() -> None:
    one = Adaptive(us=126, latency=False, updated_us=NOW_US)
    one.update(1000, 1_500_000, 126, NOW_US + STALE_US + 1)
    assert (one.us, one.mode) == (10, "latency")
    one.update(60, 3600, 10, NOW_US + 2 * STALE_US + 1)  # just in time
    assert (one.us, one.mode) == (10, "bulk")


@pytest.mark.parametrize(
    ("size_bytes", "us"),
    [(60, 20), (61, 22), (316, 60), (317, 64), (1084, 110), (1085, 110), (1967, 126), (1968, 126), (16000, 126)],
)
def test_larger_packets_may_wait_longer(size_bytes: int, us: int) -> None:
    assert us_by_size(size_bytes, latency=False, speed_mbps=10_000) == us


def test_a_slower_link_waits_longer_but_not_for_ever() -> None:
    assert us_by_size(60, latency=False, speed_mbps=1000) == 80
    assert us_by_size(1500, latency=False, speed_mbps=1000) == 126
    assert us_by_size(1500, latency=True, speed_mbps=1000) == 126


def test_bulk_has_the_word_and_then_the_shorter_interval() -> None:
    quick, quicker = Adaptive(us=14, latency=True), Adaptive(us=10, latency=True)
    bulk = Adaptive(us=90, latency=False)
    assert chosen(quick, quicker) is quicker
    assert chosen(quicker, bulk) is bulk
    assert chosen(Adaptive(us=50, latency=False), bulk).us == 50
