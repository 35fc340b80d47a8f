# SPDX-License-Identifier: BSD-3-Clause
"""Semaphores that others hold: the other port, which lives, and owners that died."""

import errno
import logging

import pytest

from device.i82599.card import Card
from device.regs.i82599 import GSSR, SWSM
from driver.errors import ProbeError
from driver.ixgbe.hw.swfw import Resource
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
