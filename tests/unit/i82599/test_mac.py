# SPDX-License-Identifier: BSD-3-Clause
import pytest

from device.i82599.card import make_registers
from device.i82599.core import CardCore
from device.i82599.mac import Mac
from device.machine.regfile import RegFile

MSCA, MSRWD, LEDCTL, HLREG0, MAXFRS, MMNGC = 0x0425C, 0x04260, 0x00200, 0x04240, 0x04268, 0x042D0
READ, WRITE, ADDRESS = 3 << 26, 1 << 26, 0
GO = 1 << 30


@pytest.fixture
def regs() -> RegFile:
    file = make_registers(CardCore())
    block = Mac(file)
    file.bind(block)
    block.reset(software=False)
    return file


def test_the_scan_finds_nobody(regs: RegFile) -> None:
    for phy in range(32):
        for mmd in range(1, 6):
            command = mmd << 16 | phy << 21 | 8
            regs.write(MSCA, command | ADDRESS | GO)
            assert regs.read(MSCA) & GO == 0
            regs.write(MSCA, command | READ | GO)
            assert regs.read(MSCA) == command | READ
            assert regs.read(MSRWD) >> 16 == 0xFFFF


def test_a_write_command_ends_too(regs: RegFile) -> None:
    regs.write(MSRWD, 0x1234)
    regs.write(MSCA, WRITE | GO)
    assert regs.read(MSCA) & GO == 0
    assert regs.read(MSRWD) & 0xFFFF == 0x1234


def test_no_command_no_answer(regs: RegFile) -> None:
    regs.write(MSCA, READ)
    assert regs.read(MSRWD) == 0


def test_some_led_shows_link_and_activity(regs: RegFile) -> None:
    """A driver looks for mode 4 in one of the four bytes."""
    value = regs.read(LEDCTL)
    assert 4 in [value >> 8 * i & 0xF for i in range(4)]
    regs.write(LEDCTL, 0x000E0000)
    assert regs.read(LEDCTL) == 0x000E0000


def test_resets_that_drivers_rely_on(regs: RegFile) -> None:
    assert regs.read(HLREG0) & 0x08000403 == 0x08000403
    assert regs.read(MAXFRS) >> 16 == 1518
    assert regs.read(MMNGC) & 1 == 0
