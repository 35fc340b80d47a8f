# SPDX-License-Identifier: BSD-3-Clause
"""The unit of EITR, and what stands beside it in the same registers and changes nothing."""

from collections.abc import Iterator

import pytest

from device.regs.core import Register
from device.regs.i82599 import EIMS_EX, EITR, EITRSEL, GPIE
from tests.unit.i82599.test_intr import Bench, open_msix

STEP_NS = 2000


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def distance_ns(bench: Bench, near_ns: int) -> int:
    """Between two messages of vector 0, looked for around ``near_ns``; -1: not there."""
    bench.rx(0)
    bench.fired()
    bench.write(EIMS_EX, 1)
    bench.rx(0)
    bench.nic.advance(near_ns - 1)
    if bench.fired():
        return -1
    bench.nic.advance(1)
    return near_ns if bench.fired() == [0] else -1


@pytest.mark.parametrize("steps", [1, 2, 25, 511])
def test_a_step_is_2_us(bench: Bench, steps: int) -> None:
    """Linux's IXGBE_20K_ITR is 200, which is 25 steps and 50 us.  Guess: not 2.048 us, of which some speak."""
    open_msix(bench, itr=EITR.of(ITR_INTERVAL=steps))
    assert distance_ns(bench, steps * STEP_NS) == steps * STEP_NS


@pytest.mark.parametrize(
    ("register", "value", "who"),
    [
        (EITRSEL, 0xFFFFFFFF, "Linux's ixgbe_configure_msix with more than 32 VFs"),
        (GPIE, 0x3800, "a driver that lets coalesced frames wait longer"),
        (GPIE, 0x0780, "FreeBSD's ixgbe_config_gpie, which slows low-latency interrupts down"),
        (EITR, 0x001F8000, "a driver that gives a vector credits"),
    ],
    ids=["EITRSEL", "GPIE.RSC_DELAY", "GPIE.LL_INTERVAL", "EITR.LLI_MOD and LLI_CREDIT"],
)
def test_what_is_stored_only_changes_no_distance(bench: Bench, register: type[Register], value: int, who: str) -> None:
    """Nothing is coalesced, no VF has vectors, and what a credit is worth no source says."""
    assert who
    open_msix(bench, itr=EITR.of(ITR_INTERVAL=25))
    bench.write(register, bench.read(register) | value)
    assert bench.read(register) & value == value, "it reads back"
    assert distance_ns(bench, 50_000) == 50_000
    assert register(value).asked_for() or register is EITR
    assert register.stored_features()
