# SPDX-License-Identifier: BSD-3-Clause
"""TCPTIMER, as the public test driver runs it that has no other source of interrupts."""

from collections.abc import Iterator

import pytest

from device.machine.core import ffi, lib
from device.machine.irq import IrqKind
from device.regs.i82599 import EIAM, EICR, EIMS, EITR, TCPTIMER
from tests.unit.i82599.test_intr import Bench

MS = 1_000_000
TICK = EICR.of(TCP_TIMER=1)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    made.nic.pf.irq_kind = IrqKind.MSI
    made.write(EIMS, TICK)
    made.write(EIAM, TICK)
    yield made
    made.close()


def start(bench: Bench, duration_ms: int, **fields: int) -> None:
    bench.write(TCPTIMER, TCPTIMER.of(DURATION=duration_ms, TCPCOUNTEN=1, **fields))


def after(bench: Bench, ms: float) -> int:
    """Messages by then, as the driver's handler takes them."""
    bench.nic.advance(int(ms * MS))
    lib.intr_run(ffi.addressof(bench.nic.c, "intr"))
    ticks = len(bench.fired())
    if ticks:
        assert EICR(bench.read(EICR)).TCP_TIMER
        bench.write(EIMS, TICK)
    return ticks


def wait_ms(bench: Bench) -> float:
    """How long the device may sleep."""
    ns = lib.intr_wait_ns(ffi.addressof(bench.nic.c, "intr"))
    return float("inf") if ns == 2**64 - 1 else ns / MS


def test_it_ticks_as_long_as_it_loops(bench: Bench) -> None:
    start(bench, 255, KICKSTART=1, LOOP=1)
    assert wait_ms(bench) == 255
    assert [after(bench, 254), after(bench, 1), after(bench, 100), after(bench, 155)] == [0, 1, 0, 1]
    assert (after(bench, 1000), wait_ms(bench)) == (1, 20)  # three rounds were missed: one cause, and the beat is kept


def test_without_loop_it_ends_once(bench: Bench) -> None:
    start(bench, 10, KICKSTART=1)
    assert [after(bench, 10), after(bench, 1000)] == [1, 0]
    assert wait_ms(bench) == float("inf")
    start(bench, 10)
    assert after(bench, 1000) == 0
    start(bench, 10, KICKSTART=1)
    assert after(bench, 10) == 1


def test_a_kick_starts_it_over(bench: Bench) -> None:
    start(bench, 10, KICKSTART=1)
    assert after(bench, 9) == 0
    start(bench, 20, KICKSTART=1)
    assert [after(bench, 19), after(bench, 1)] == [0, 1]


def test_disabled_it_stands_still_and_goes_on_with_what_was_left(bench: Bench) -> None:
    start(bench, 10, KICKSTART=1)
    assert after(bench, 4) == 0
    bench.write(TCPTIMER, TCPTIMER.of(DURATION=10))
    assert (after(bench, 50), wait_ms(bench)) == (0, float("inf"))
    start(bench, 10)
    assert [after(bench, 5.5), after(bench, 0.5)] == [0, 1]


def test_finish_ends_it_at_once(bench: Bench) -> None:
    start(bench, 10, KICKSTART=1)
    start(bench, 10, TCPCOUNTFINISH=1)
    assert [after(bench, 0), after(bench, 100)] == [1, 0]
    start(bench, 10, TCPCOUNTFINISH=1, LOOP=1)
    assert [after(bench, 0), after(bench, 9), after(bench, 1)] == [1, 0, 1]


def test_commands_read_0(bench: Bench) -> None:
    start(bench, 10, KICKSTART=1, TCPCOUNTFINISH=1, LOOP=1)
    assert bench.read(TCPTIMER) == TCPTIMER.of(DURATION=10, TCPCOUNTEN=1, LOOP=1)


def test_no_duration_starts_nothing(bench: Bench) -> None:
    start(bench, 0, KICKSTART=1, LOOP=1)
    assert (after(bench, 1000), wait_ms(bench)) == (0, float("inf"))


def test_what_is_left_of_a_round_ends_though_no_other_follows(bench: Bench) -> None:
    start(bench, 10, KICKSTART=1, LOOP=1)
    assert after(bench, 4) == 0
    start(bench, 0, LOOP=1)
    assert wait_ms(bench) == 6
    assert (after(bench, 6), wait_ms(bench), after(bench, 1000)) == (1, float("inf"), 0)


def test_its_end_keeps_the_distance_of_its_vector(bench: Bench) -> None:
    bench.write(EITR, EITR.of(ITR_INTERVAL=500))  # 1 ms
    start(bench, 10, KICKSTART=1)
    bench.nic.advance(int(9.5 * MS))
    bench.nic.cause(TICK)
    assert len(bench.fired()) == 1
    assert [after(bench, 0.5), after(bench, 0.5)] == [0, 1]


def test_reset_stops_it(bench: Bench) -> None:
    start(bench, 10, KICKSTART=1, LOOP=1)
    bench.rf.reset(software=True)
    bench.write(EIMS, TICK)
    assert (after(bench, 1000), wait_ms(bench)) == (0, float("inf"))
    start(bench, 10, KICKSTART=1)
    assert after(bench, 10) == 1
