# SPDX-License-Identifier: BSD-3-Clause
"""Semaphores that others hold: the other port, which lives, and owners that died."""

import errno
import logging
from collections.abc import Iterator

import pytest

from device.i82599.card import Card
from device.regs.core import Register
from device.regs.i82599 import GSSR, SWSM
from driver.core.bar import Bar
from driver.errors import ProbeError
from driver.ixgbe.hw.swfw import Resource, SwFw
from driver.ixgbe.probe import ProbeOptions, probe
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair_door import PairDoor

OPTIONS = ProbeOptions(clock=NoWait(), cpus=2)


class Watch:
    def __init__(self) -> None:
        self.steps: dict[str, str] = {}

    def step(self, name: str, detail: str) -> None:
        self.steps[name] = detail


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Warnings so far."""
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_what_the_other_port_holds_is_left_to_it(nic: Card, door: PairDoor) -> None:
    """Stock ixgbe has no init_swfw_sync for this chip."""
    held = GSSR.of(PHY1=1)
    nic.regs.put(GSSR, 0, int(held))
    watch = Watch()
    with probe(door, OPTIONS, watch) as adapter:
        assert nic.regs.get(GSSR).PHY1 == 1
        assert adapter.hw.swfw.forced == 0
    assert nic.regs.get(GSSR) == held
    assert watch.steps["init_swfw_sync"].startswith("not on this chip")


def test_a_semaphore_of_a_dead_owner_is_taken_over(nic: Card, door: PairDoor, caplog: pytest.LogCaptureFixture) -> None:
    nic.regs.put(SWSM, 0, int(SWSM.of(SMBI=1, SWESMBI=1)))
    with probe(door, OPTIONS) as adapter:
        assert adapter.hw.swfw.forced == 1
        assert told(caplog) == ["SWSM was never released by its last owner; taking it over"]
        nic.regs.put(GSSR, 0, int(GSSR.of(EEP=1)))
        with adapter.hw.swfw.held(Resource.EEP):
            assert nic.regs.get(GSSR).EEP == 1
        assert nic.regs.get(GSSR).EEP == 0
        assert adapter.hw.swfw.forced == 2
    assert told(caplog)[-1] == "GSSR.EEP was never released by its last owner; taking it over"


def test_a_semaphore_that_nobody_can_have_is_eio(nic: Card, door: PairDoor) -> None:
    nic.faults.inject("stuck=SWSM.SMBI:1")
    with pytest.raises(ProbeError, match="SMBI still held") as caught:
        probe(door, OPTIONS)
    assert caught.value.code == errno.EIO


@pytest.fixture
def swfw(door: PairDoor) -> Iterator[SwFw]:
    with probe(door, OPTIONS) as adapter:
        yield adapter.hw.swfw


def test_what_firmware_holds_is_waited_for_and_overruled_in_the_end(nic: Card, swfw: SwFw) -> None:
    nic.regs.put(GSSR, 0, int(GSSR.of(FW_EEP=1, FW_PHY0=1)))
    with swfw.held(Resource.EEP):
        assert nic.regs.get(GSSR) == GSSR.of(EEP=1, FW_PHY0=1)
    assert swfw.forced == 1


def test_others_get_at_the_semaphores_while_we_wait(nic: Card, swfw: SwFw, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who holds the resource needs SWSM to give it back."""
    seen: list[int] = []

    def sleep(_seconds: float) -> None:
        seen.append(int(nic.regs.get(SWSM)))
        if len(seen) == 3:
            nic.regs.put(GSSR, 0, 0)

    nic.regs.put(GSSR, 0, int(GSSR.of(EEP=1)))
    monkeypatch.setattr(swfw.hw.clock, "sleep", sleep)
    with swfw.held(Resource.EEP):
        assert swfw.forced == 0
    assert seen == [0, 0, 0]


def test_gssr_is_changed_only_under_swsm(nic: Card, swfw: SwFw, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taking and giving back: the other port reads, changes and writes the same word."""
    write, under = Bar.write, list[int]()

    def spy(self: Bar, reg: type[Register], value: int, n: int = 0) -> None:
        if reg is GSSR:
            under.append(int(nic.regs.get(SWSM)))
        write(self, reg, value, n)

    monkeypatch.setattr(Bar, "write", spy)
    with swfw.held(Resource.PHY0):
        pass
    nic.regs.put(GSSR, 0, int(GSSR.of(PHY0=1)))
    with swfw.held(Resource.PHY0):
        pass
    assert under == [int(SWSM.of(SMBI=1, SWESMBI=1))] * 4
    assert int(nic.regs.get(SWSM)) == 0


def test_firmware_that_never_lets_go_of_swsm_leaves_it_to_the_other_port(nic: Card, swfw: SwFw) -> None:
    nic.faults.inject("stuck=SWSM.SWESMBI:0")
    with pytest.raises(TimeoutError, match="SWSM"):
        swfw.acquire(Resource.EEP)
    nic.faults.end()
    assert nic.regs.get(SWSM).SMBI == 0
    assert int(nic.regs.get(GSSR)) == 0


def test_an_error_gives_the_resource_back(nic: Card, swfw: SwFw) -> None:
    with pytest.raises(RuntimeError, match="in the middle"), swfw.held(Resource.EEP):
        raise RuntimeError("in the middle")
    assert int(nic.regs.get(GSSR)) == 0
