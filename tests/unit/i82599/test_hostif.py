# SPDX-License-Identifier: BSD-3-Clause
import pytest

from device.i82599.card import make_registers
from device.i82599.core import CardCore
from device.i82599.hostif import HostInterface

HICR, FLEX_MNG = 0x15F00, 0x15800


@pytest.mark.parametrize("value", [0x1, 0x2, 0x3, 0x7, 0xFFFFFFFF])
def test_never_enabled_and_never_done(value: int) -> None:
    regs = make_registers(CardCore())
    block = HostInterface(regs)
    regs.bind(block)
    block.reset(software=False)
    assert regs.read(HICR) == 0
    regs.write(HICR, value)
    assert regs.read(HICR) & 0x7 == 0
    assert block.commands == value >> 1 & 1


def test_its_buffer_is_storage() -> None:
    regs = make_registers(CardCore())
    regs.write(FLEX_MNG, 0xDD000000)
    assert regs.read(FLEX_MNG) == 0xDD000000
