# SPDX-License-Identifier: BSD-3-Clause
"""Moderation: register values, and DIM's walk against traces computed by hand from its rules."""

from collections.abc import Callable

import pytest

from driver.core.itr import Dim, DimSample, DimState, DimStats, Tune, compare, intrl_reg, itr_reg, rates


@pytest.mark.parametrize(("us", "reg"), [(50, 25), (51, 25), (124, 62), (0, 0), (8160, 4080), (9999, 4080), (-1, 0)])
def test_itr_units(us: int, reg: int) -> None:
    assert itr_reg(us) == reg


@pytest.mark.parametrize(("us", "reg"), [(0, 0), (3, 0), (4, 65), (236, 123), (999, 123)])
def test_intrl_units(us: int, reg: int) -> None:
    assert intrl_reg(us) == reg


def walk(load: Callable[[int], DimStats], decisions: int) -> str:
    dim = Dim()
    trace = []
    for _ in range(decisions):
        dim.decide(load(dim.profile))
        trace.append(f"{dim.profile}{dim.tune.value}")
    return " ".join(trace)


def test_constant_load_walks_until_tired() -> None:
    assert walk(lambda _: DimStats(1000, 100, 10), 11) == "0L 1R 0L 1R 0L 1R 0L 1R 0L 1R 1Z"


def test_more_bytes_at_higher_profiles_parks_on_top() -> None:
    assert walk(lambda p: DimStats(1000 * (p + 1), 100, 10), 8) == "0L 1R 2R 3R 4R 4T 4T 4T"


def test_fewer_events_are_better() -> None:
    assert walk(lambda p: DimStats(1000, 100, 1000 // (p + 1)), 6) == "0L 1R 2R 3R 4R 4T"


def test_latency_bound_load_goes_left_and_stays() -> None:
    assert walk(lambda p: DimStats(1000 // (p + 1), 100, 10), 5) == "0L 0T 0T 0T 0T"


def test_ten_percent_is_not_significant() -> None:
    assert compare(DimStats(110, 1, 1), DimStats(100, 1, 1)) == 0
    assert compare(DimStats(111, 1, 1), DimStats(100, 1, 1)) == 1
    assert compare(DimStats(0, 5, 5), DimStats(0, 1, 1)) == 0  # no bytes before and none now decides at once


def test_rates_round_up_and_need_time() -> None:
    start = DimSample(0, 0, 0, 0)
    assert rates(start, DimSample(3000, 64, 1, 10)) == DimStats(4, 1, 22)
    assert rates(start, DimSample(0, 64, 1, 10)) is None


def measured(events: int, time_us: int, start_events: int = 0) -> Dim:
    dim = Dim()
    dim.sample(DimSample(0, start_events, 0, 0))
    dim.sample(DimSample(time_us, (start_events + events) % 65536, 1000, 100_000))
    return dim


def test_63_events_decide_nothing_and_64_do() -> None:
    assert measured(63, 1000).profile == 1
    assert measured(64, 1000).profile == 0


def test_the_event_counter_wraps() -> None:
    assert measured(64, 1000, start_events=65500).profile == 0


def test_no_time_no_decision() -> None:
    dim = measured(64, 0)
    assert (dim.profile, dim.state) == (1, DimState.MEASURE_IN_PROGRESS)


def test_a_stale_measurement_starts_again() -> None:
    dim = measured(64, 1_000_001)
    assert (dim.profile, dim.state) == (1, DimState.MEASURE_IN_PROGRESS)
    assert dim.start.time_us == 1_000_001


def test_nothing_is_measured_until_the_change_is_applied() -> None:
    dim = measured(64, 1000)
    assert dim.state is DimState.APPLY_NEW_PROFILE
    assert not dim.sample(DimSample(2000, 128, 2000, 200_000))
    assert dim.tune is Tune.GOING_LEFT
    dim.applied()
    states = [dim.state]
    assert states == [DimState.START_MEASURE]
