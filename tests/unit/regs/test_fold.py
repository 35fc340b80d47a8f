# SPDX-License-Identifier: BSD-3-Clause
"""Many accesses in few lines, of which none is lost."""

from collections.abc import Iterable

import pytest

from device.regs.core import Register
from device.regs.fold import Loop, Run, Touch, described, fold, is_sweep
from device.regs.i82599 import CRCERRS, EERD, GSSR, RXDCTL, STATUS, SWSM, TXDCTL


def touch(kind: str, register: type[Register], value: int = 0, n: int = 0) -> Touch:
    return Touch("R" if kind == "R" else "W", register.NAME, register, n, value)


def semaphore(bit: int) -> Iterable[Touch]:
    return (
        touch("R", SWSM), touch("R", SWSM, 1), touch("W", SWSM, 3), touch("R", GSSR), touch("W", GSSR, bit),
        touch("W", SWSM), touch("R", STATUS),
    )  # fmt: skip


def test_an_array_is_one_run_with_its_counts() -> None:
    (run,) = fold(touch(kind, RXDCTL, value, n) for n in range(128) for kind, value in (("R", 0), ("W", 1 << 26)))
    assert isinstance(run, Run)
    assert (run.title, run.kinds, run.counts) == ("RXDCTL[0..127]", "RW", {"R": 128, "W": 128})
    assert run.seen == {"R": [0], "W": [1 << 26]}


def test_some_of_an_array_are_not_called_all_of_it() -> None:
    (run,) = fold(touch("W", TXDCTL, 0, n) for n in (0, 2, 9))
    assert isinstance(run, Run)
    assert run.title == "TXDCTL[3 of 0..9]"


def test_a_loop_is_said_once_with_its_turns() -> None:
    (loop,) = fold(one for _ in range(14) for one in semaphore(2))
    assert isinstance(loop, Loop)
    assert loop.turns == 14
    assert [run.name for run in loop.runs()] == ["SWSM", "GSSR", "SWSM", "STATUS"]


def test_a_loop_in_a_loop() -> None:
    turn = [one for _ in range(3) for one in semaphore(2)] + [touch("W", EERD, 1)]
    (loop,) = fold(turn * 5)
    assert isinstance(loop, Loop)
    inner, end = loop.body
    assert isinstance(inner, Loop)
    assert (loop.turns, inner.turns, end.accesses) == (5, 15, 5)


@pytest.mark.parametrize("times", [1, 2, 7])
def test_no_access_is_lost(times: int) -> None:
    touches = [one for n in range(times) for one in semaphore(n + 1)]
    touches += [touch("R", CRCERRS), touch("W", EERD, 5), touch("R", EERD, 2)] * times
    assert sum(part.accesses for part in fold(touches)) == len(touches)


def test_what_only_clears_counters_is_a_sweep() -> None:
    read, written = fold([touch("R", CRCERRS)])[0], fold([touch("W", EERD, 1)])[0]
    assert is_sweep(read)
    assert not is_sweep(written)


def test_values_in_words() -> None:
    assert described(EERD, [int(EERD.of(START=1, ADDR=word)) for word in (0, 0x3F)]) == "START=1 ADDR=0..0x3f"
    assert described(STATUS, [0]) == "0"
    assert described(CRCERRS, [0, 17]) == "0..0x11"
    assert described(None, [0x80]) == "0x80"
