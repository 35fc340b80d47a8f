# SPDX-License-Identifier: BSD-3-Clause
import pytest

from device.i82599.card import make_registers
from device.i82599.core import CardCore
from device.i82599.semaphores import Semaphores
from device.machine.regfile import RegFile

SWSM, FWSM, GSSR = 0x10140, 0x10148, 0x10160


@pytest.fixture
def regs() -> RegFile:
    file = make_registers(CardCore())
    block = Semaphores(file)
    file.bind(block)
    block.reset(software=False)
    return file


def test_reading_smbi_takes_it(regs: RegFile) -> None:
    assert regs.read(SWSM) & 1 == 0
    assert regs.read(SWSM) & 1 == 1
    assert regs.read(SWSM) & 1 == 1
    regs.write(SWSM, 0)
    assert regs.read(SWSM) & 1 == 0


def test_swesmbi_sticks_and_release_clears_both(regs: RegFile) -> None:
    assert regs.read(SWSM) & 1 == 0
    regs.write(SWSM, regs.read(SWSM) | 2)
    assert regs.read(SWSM) & 2
    regs.write(SWSM, regs.read(SWSM) & ~3)
    assert regs.read(SWSM) & 3 == 0


def test_a_driver_takes_every_resource_a_hundred_times(regs: RegFile) -> None:
    for _ in range(100):
        for resource in (0x1, 0x2, 0x4, 0x8, 0x10, 0x400):
            assert regs.read(SWSM) & 1 == 0
            regs.write(SWSM, regs.read(SWSM) | 2)
            held = regs.read(GSSR)
            assert held & (resource | resource << 5) == 0
            regs.write(GSSR, held | resource)
            assert regs.read(GSSR) == held | resource
            regs.write(SWSM, 0)
            regs.write(GSSR, 0)


def test_firmware_is_valid_and_without_errors(regs: RegFile) -> None:
    assert regs.read(FWSM) == 0x00008000
    regs.write(FWSM, 0xFFFFFFFF)
    assert regs.read(FWSM) == 0x00008000


def test_counts_who_waited_and_not_who_holds_it() -> None:
    file = make_registers(CardCore())
    block = Semaphores(file)
    file.bind(block)
    for _ in range(10):  # as ixgbe takes it and gives it back
        file.read(SWSM)
        file.write(SWSM, file.read(SWSM) | 2)
        file.read(SWSM)
        file.write(SWSM, file.read(SWSM) & ~3)
    assert (block.taken, block.contended) == (10, 0)
    file.read(SWSM)
    for _ in range(7):  # somebody else polls
        file.read(SWSM)
    assert (block.taken, block.contended) == (11, 5)


@pytest.mark.parametrize("software", [True, False])
def test_other_port_keeps_its_semaphores_over_a_software_reset(regs: RegFile, software: bool) -> None:
    regs.write(GSSR, 0x2)
    regs.read(SWSM)
    regs.reset(software=software)
    assert regs.read(GSSR) == (0x2 if software else 0)
    assert regs.read(SWSM) == (1 if software else 0)
