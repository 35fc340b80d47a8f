# SPDX-License-Identifier: BSD-3-Clause
import os
import select
from collections.abc import Iterator

import pytest

from device.i82599.card import Card
from device.regs import pci as layout
from device.regs.i82599 import CTRL, EICR, EICS, EIMC, EIMS, EITR, GPIE, RDBAL, STATUS
from driver.core.bar import Bar
from driver.core.dma import Arena
from driver.doors.config import Config
from driver.doors.door import IrqKind
from driver.errors import DeviceGone
from tests.pair.conftest import DeviceClock
from tests.rigs.pair_door import PairDoor


@pytest.fixture
def eventfd() -> Iterator[int]:
    fd = os.eventfd(0, os.EFD_NONBLOCK)
    yield fd
    os.close(fd)


def fired(fd: int) -> bool:
    ready = bool(select.select([fd], [], [], 0)[0])
    if ready:
        os.eventfd_read(fd)
    return ready


def test_the_function_is_a_82599es_with_its_capabilities(door: PairDoor) -> None:
    config = Config(door)
    assert config.ids() == (0x8086, 0x10FB, 0x8086, 0x000C)
    assert [config.find(kind) for kind in (0x01, 0x05, 0x11, 0x10)] == [0x40, 0x50, 0x70, 0xA0]
    assert [config.find_extended(kind) for kind in (0x01, 0x03, 0x0E, 0x10)] == [0x100, 0x140, 0x150, 0x160]
    assert config.find(0x3F) == config.find_extended(0x3F) == 0
    link = config.link_status()
    assert (link.gts, link.width, link.mbps) == (5.0, 8, 32000)


def test_registers_reach_the_core(nic: Card, bar: Bar) -> None:
    bar.write(RDBAL, 0x12345680, 5)
    assert nic.regs.get(RDBAL, 5) == 0x12345680
    assert bar.read(STATUS) == nic.regs.get(STATUS)
    assert bar.read_offset(0x7FFFC) == 0


def test_a_software_reset_clears_itself(bar: Bar, nic: Card) -> None:
    bar.write(RDBAL, 0x80)
    bar.update(CTRL, RST=1)
    assert bar.wait(CTRL, timeout_s=0.1, RST=0).RST == 0
    assert bar.read(RDBAL) == 0
    assert nic.resets["software"] == 1


def test_waiting_can_be_done_on_the_devices_clock(door: PairDoor, clock: DeviceClock) -> None:
    bar = Bar(door, sleep=clock.sleep, clock=clock.now_s)
    start = clock.now_s()
    with pytest.raises(TimeoutError, match=r"pair: waited 0\.01 s for CTRL GIO_DIS=1"):
        bar.wait(CTRL, timeout_s=0.01, GIO_DIS=1)
    assert 0.01 <= clock.now_s() - start < 0.011


def test_dma_needs_bus_master_and_a_mapping(nic: Card, door: PairDoor, arena: Arena) -> None:
    buffer = arena.alloc(64)
    buffer.view[:4] = b"ping"
    with pytest.raises(OSError, match="dma read"):
        nic.pf.dma_read(buffer.iova, 4)
    Config(door).set_master(on=True)
    assert nic.pf.dma_read(buffer.iova, 4) == b"ping"
    nic.pf.dma_write(buffer.iova, b"pong")
    assert bytes(buffer.view[:4]) == b"pong"
    arena.free(buffer)
    arena.close()
    with pytest.raises(OSError, match="dma read"):
        nic.pf.dma_read(buffer.iova, 4)
    assert door.maps == {}


def test_msix_fires_only_between_enable_and_disable(door: PairDoor, bar: Bar, eventfd: int) -> None:
    Config(door).set_master(on=True)
    bar.write(GPIE, GPIE.of(MSIX_MODE=1, PBA_SUPPORT=1, OCD=1))
    bar.write(EIMS, 1)
    bar.write(EICS, 1)
    assert not fired(eventfd)
    door.irq_enable(IrqKind.MSIX, [eventfd])
    assert fired(eventfd)  # what was pending is replayed
    assert door.config.get(layout.MSIX_CTRL).ENABLE == 1
    door.irq_disable(IrqKind.MSIX)
    bar.write(EIMC, 1)
    bar.write(EIMS, 1)
    bar.write(EICS, 1)
    assert not fired(eventfd)
    assert door.config.get(layout.MSIX_CTRL).ENABLE == 0


def test_intx_is_told_again_after_unmask_until_the_cause_is_read(door: PairDoor, bar: Bar, eventfd: int) -> None:
    door.irq_enable(IrqKind.INTX, [eventfd])
    bar.write(EITR, 0)
    bar.write(EIMS, 1)
    bar.write(EICS, 1)
    assert fired(eventfd)
    door.irq_unmask(IrqKind.INTX)
    assert fired(eventfd)
    assert bar.read(EICR) & 1
    door.irq_unmask(IrqKind.INTX)
    assert not fired(eventfd)
    door.irq_disable(IrqKind.INTX)


def test_reset_puts_everything_back(nic: Card, door: PairDoor, bar: Bar) -> None:
    config = Config(door)
    config.enable_memory()
    config.set_master(on=True)
    state = config.save_state()
    bar.write(RDBAL, 0x80)
    door.reset()
    assert bar.read(RDBAL) == 0
    assert config.read(layout.PCI_COMMAND) == 0
    assert not nic.pf.bus_master
    config.restore_state(state)
    assert config.read(layout.PCI_COMMAND) == layout.PCI_COMMAND.of(MEMORY=1, BUS_MASTER=1)


def test_enable_memory_wakes_a_sleeping_function(door: PairDoor) -> None:
    config = Config(door)
    config.update(layout.PM_PMCSR, POWER_STATE=3)
    slept: list[float] = []
    config.enable_memory(sleep=slept.append)
    assert slept == [0.01]
    assert config.read(layout.PM_PMCSR).POWER_STATE == 0
    assert config.read(layout.PCI_COMMAND).MEMORY == 1


def test_after_close_everything_is_gone_but_nothing_crashes(nic: Card, door: PairDoor, bar: Bar, eventfd: int) -> None:
    door.irq_enable(IrqKind.MSIX, [eventfd])
    Arena(door, 4096)
    door.close()
    door.close()
    assert door.maps == {}
    with pytest.raises(DeviceGone):
        bar.read(STATUS)
    with pytest.raises(OSError, match="closed"):
        door.config_read(0, 2)
    nic.step()
