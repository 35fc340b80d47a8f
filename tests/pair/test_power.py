# SPDX-License-Identifier: BSD-3-Clause
"""Sleep, and resets that nobody asked the driver for: what it writes before, and that it puts back what was lost."""

import logging
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from device.i82599.card import Card
from device.i82599.nvm import image as nvm_image
from device.regs.i82599 import AUTOC2, CTRL, CTRL_EXT, ESDP, FCTRL, WUC, WUFC, WUS
from device.regs.pci import EXP_DEVCTL, PCI_COMMAND, PM_PMCSR
from driver.doors.config import Config
from driver.errors import DriverError
from driver.ixgbe.adapter import Adapter
from driver.ixgbe.probe import ProbeOptions, probe
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair import Rig, Wire, flow, plain, readable, rig
from tests.rigs.pair_door import PairDoor

OPTIONS = ProbeOptions(clock=NoWait(), cpus=2)
Logs = pytest.LogCaptureFixture


@pytest.fixture
def adapter(door: PairDoor) -> Iterator[Adapter]:
    with probe(door, OPTIONS) as adapter:
        yield adapter


def waking(nic: Card) -> None:
    """A board that may wake the system."""
    nic.faults.inject("stuck=PCI_SUBSYSTEM_ID:0x17d0")


# ---- sleep ---------------------------------------------------------------------------------------------------------


def test_a_board_that_does_not_wake_sleeps_with_no_filter(nic: Card, door: PairDoor, adapter: Adapter) -> None:
    nic.regs.put(WUFC, 0, int(WUFC.of(MAG=1)))  # what somebody else left
    nic.regs.put(WUC, 0, int(WUC.of(PME_EN=1)))
    adapter.suspend()
    assert int(nic.regs.get(WUFC)) == 0
    assert int(nic.regs.get(WUC)) == 0
    assert nic.regs.get(ESDP).SDP3 == 1
    power = door.config.get(PM_PMCSR)
    assert (power.POWER_STATE, power.PME_EN) == (3, 0)
    assert door.config.get(PCI_COMMAND).BUS_MASTER == 0


def test_a_board_that_wakes_listens_for_the_magic_packet(nic: Card, door: PairDoor, caplog: Logs) -> None:
    caplog.set_level(logging.DEBUG, "driver.ixgbe.probing")
    waking(nic)
    with probe(door, OPTIONS) as adapter:
        assert adapter.wake_filters == WUFC.of(MAG=1)
        adapter.suspend()
        assert nic.regs.get(WUFC).MAG == 1
        assert nic.regs.get(ESDP).SDP3 == 0, "the laser stays on: a dark port hears nothing"
        assert nic.regs.get(CTRL).GIO_DIS == 1
        power = door.config.get(PM_PMCSR)
        assert (power.POWER_STATE, power.PME_EN) == (3, 1)
    assert nic.regs.get(WUFC).MAG == 1
    assert [line for line in caplog.messages if line.startswith("undoing")] == [], "nobody asks one that sleeps"


def test_multicast_that_wakes_has_to_come_in(nic: Card, door: PairDoor) -> None:
    waking(nic)
    with probe(door, OPTIONS) as adapter:
        adapter.wake_filters = WUFC.of(MC=1)
        adapter.set_rx_mode(all_multicast=False)
        adapter.suspend()
        assert nic.regs.get(FCTRL).MPE == 1


@pytest.mark.parametrize(("word", "off"), [(0x2, 1), (0x0, 0)])
def test_the_link_goes_in_d3_where_the_nvm_says_so(word: int, off: int) -> None:
    image = nvm_image.build()
    image.write(0x01, word)
    image.seal()
    with Card(nvm=image) as nic, probe(PairDoor(nic), OPTIONS) as adapter:
        adapter.suspend()
        autoc2 = nic.regs.get(AUTOC2)
        assert {autoc2.LINK_DISABLE_ON_D3, autoc2.LINK_DISABLE_ON_D3_MASK} == {off}


def test_a_port_that_is_up_does_not_sleep(adapter: Adapter) -> None:
    adapter.up(queues=1)
    with pytest.raises(DriverError, match="is up: take it down"):
        adapter.suspend()


def test_it_wakes_as_the_probe_left_it(
    nic: Card, door: PairDoor, adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Config(door).save_state()
    adapter.suspend()
    adapter.suspend()
    with pytest.raises(DriverError, match="asleep"):
        adapter.up(queues=1)
    enable_memory = Config.enable_memory

    def woken(config: Config, **how: Any) -> None:
        enable_memory(config, **how)
        nic.regs.put(WUS, 0, 2)  # what woke it

    monkeypatch.setattr(Config, "enable_memory", woken)
    adapter.wake()
    adapter.wake()
    assert Config(door).save_state() == before
    assert adapter.hw.reset.resets == 2
    assert nic.regs.get(CTRL_EXT).NS_DIS == 1, "the hardware was started again"
    assert int(nic.regs.get(WUS)) == 0
    assert nic.regs.get(ESDP).SDP3 == 1
    adapter.up(queues=2)
    assert nic.regs.get(CTRL_EXT).DRV_LOAD == 1


# ---- a reset that somebody else asked for --------------------------------------------------------------------------


@pytest.fixture
def up(wire: Wire) -> Iterator[Rig]:
    with rig(wire, queues=2) as made:
        yield made


def function_level_reset(up: Rig) -> None:
    Config(up.door).update(EXP_DEVCTL, FLR=1)


def from_sleep(up: Rig) -> None:
    Config(up.door).update(PM_PMCSR, POWER_STATE=3)
    Config(up.door).update(PM_PMCSR, POWER_STATE=0)


@pytest.mark.parametrize("how", [function_level_reset, from_sleep], ids=lambda how: how.__name__)
def test_a_running_port_comes_back(up: Rig, wire: Wire, how: Callable[[Rig], None], caplog: Logs) -> None:
    before = Config(up.door).save_state()
    how(up)
    assert Config(up.door).save_state() != before
    up.adapter.service()
    assert [record.levelno for record in caplog.records if "somebody reset the function" in record.message] == [
        logging.WARNING
    ]
    assert Config(up.door).save_state() == before
    assert up.adapter.reinits == 1
    up.nic.link.evaluate()
    up.adapter.service()
    assert up.link_up()
    up.send([plain(n) for n in range(5)], 1)
    assert wire.sent() == [plain(n) for n in range(5)]
    wire.inject(*[flow(n) for n in range(20)])
    assert sorted(frame for got in up.take_all().values() for frame in got) == sorted(
        flow(n).ljust(60, b"\0") for n in range(20)
    )
    up.adapter.service()
    assert up.adapter.reinits == 1, "once"


def test_interrupts_come_back_too(up: Rig, wire: Wire) -> None:
    function_level_reset(up)
    up.adapter.service()
    up.nic.link.evaluate()
    fds = [up.adapter.scheme.irq_fd(q_vector) for q_vector in up.adapter.q_vectors]
    for fd in fds:
        if readable(fd):
            os.eventfd_read(fd)
    wire.inject(*[flow(n) for n in range(40)])
    up.settle()
    assert [readable(fd) for fd in fds] == [True, True]


def test_an_idle_port_is_left_alone(door: PairDoor, adapter: Adapter) -> None:
    Config(door).set_master(on=False)
    adapter.service()
    assert adapter.reinits == 0
    assert Config(door).read(PCI_COMMAND).BUS_MASTER == 0
