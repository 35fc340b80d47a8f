# SPDX-License-Identifier: BSD-3-Clause
"""The module through I2CCTL, clocked as drivers do; offsets and bits are typed here on their own."""

from collections.abc import Callable

import pytest

from device.i82599.card import make_registers
from device.i82599.core import CardCore
from device.i82599.sfp.block import Sfp
from device.i82599.sfp.i2c import I2cBus
from device.i82599.sfp.kinds import make
from device.i82599.sfp.module import Module
from tests.rigs.bitbang import I2cMaster, NackError

I2CCTL, STATUS = 0x00028, 0x00008
CLK_IN, CLK_OUT, DATA_IN, DATA_OUT = 1, 2, 4, 8


class Bench:
    def __init__(self, module: Module | None) -> None:
        self.core = CardCore()
        self.core.manual_clock()
        self.regs = make_registers(self.core)
        self.sfp = Sfp(self.regs, self.core, I2cBus, module)
        self.regs.bind(self.sfp)
        self.sfp.reset(software=False)
        self.i2c = I2cMaster(self._drive, self._sense)

    def _drive(self, scl: int, sda: int) -> None:
        value = self.regs.read(I2CCTL) & ~(CLK_OUT | DATA_OUT)  # input bits are written back as they were read
        self.regs.write(I2CCTL, value | scl * CLK_OUT | sda * DATA_OUT)
        self.regs.read(STATUS)

    def _sense(self) -> tuple[int, int]:
        value = self.regs.read(I2CCTL)
        return int(bool(value & CLK_IN)), int(bool(value & DATA_IN))

    def page(self, address: int) -> bytes:
        return bytes(self.i2c.read_byte(offset, address) for offset in range(256))


@pytest.fixture
def bench() -> Callable[[str], Bench]:
    return lambda kind: Bench(make(kind))


def test_lines_are_high_after_reset(bench: Callable[[str], Bench]) -> None:
    assert bench("sr").regs.read(I2CCTL) == 0xF


def test_open_drain(bench: Callable[[str], Bench]) -> None:
    b = bench("none")
    for out in (0, CLK_OUT, DATA_OUT, CLK_OUT | DATA_OUT):
        b.regs.write(I2CCTL, out | CLK_IN | DATA_IN)
        assert b.regs.read(I2CCTL) == out | out >> 1


@pytest.mark.parametrize("kind", ["sr", "lr", "da"])
def test_every_byte_of_the_identification_page(bench: Callable[[str], Bench], kind: str) -> None:
    module = make(kind)
    assert module is not None
    assert bench(kind).page(0xA0) == module.a0


@pytest.mark.parametrize("kind", ["sr", "lr"])
def test_every_byte_of_the_diagnostics_page(bench: Callable[[str], Bench], kind: str) -> None:
    b = bench(kind)
    page = b.page(0xA2)
    assert b.sfp.module is not None
    assert page == bytes(b.sfp.module.read(0xA2, i) for i in range(256))
    assert page[0x5F] == sum(page[:0x5F]) & 0xFF


def test_live_values_follow_the_clock(bench: Callable[[str], Bench]) -> None:
    b = bench("sr")
    first = b.i2c.read_byte(97, 0xA2)
    b.core.advance(3_000_000_000)
    assert b.i2c.read_byte(97, 0xA2) != first


def test_cable_has_no_second_page(bench: Callable[[str], Bench]) -> None:
    b = bench("da")
    with pytest.raises(NackError):
        b.i2c.read_byte(0, 0xA2)
    b.i2c.bus_clear()
    assert b.i2c.read_byte(0) == 0x03


def test_absent_module(bench: Callable[[str], Bench]) -> None:
    b = bench("none")
    for _ in range(3):
        with pytest.raises(NackError):
            b.i2c.read_byte(0)
        b.i2c.bus_clear()
    assert b.regs.read(I2CCTL) == 0xF


def test_hot_insert_and_remove(bench: Callable[[str], Bench]) -> None:
    b = bench("none")
    module = make("lr")
    assert module is not None
    b.sfp.insert(module)
    assert b.i2c.read_byte(3) == 0x20
    assert b.sfp.remove() is module
    with pytest.raises(NackError):
        b.i2c.read_byte(3)
    b.i2c.bus_clear()
    assert b.sfp.remove() is None


def test_removed_while_it_pulls_the_line(bench: Callable[[str], Bench]) -> None:
    b = bench("sr")
    m = b.i2c
    m.start()
    m.byte_out(0xA0)
    m.byte_out(4)  # a zero byte
    m.start()
    m.byte_out(0xA1)
    m.set(sda=1)
    assert b._sense()[1] == 0
    b.sfp.remove()
    assert b._sense()[1] == 1


def test_written_user_byte_reads_back(bench: Callable[[str], Bench]) -> None:
    b = bench("sr")
    b.i2c.write_byte(130, 0xC3, 0xA2)
    assert b.i2c.read_byte(130, 0xA2) == 0xC3
