# SPDX-License-Identifier: BSD-3-Clause
"""The NVM through registers: EERD, EEWR, bit-banged EEC. Offsets and bits are typed here on their own."""

import pytest

from device.i82599.card import make_registers
from device.i82599.core import CardCore
from device.i82599.nvm.block import Nvm
from device.i82599.nvm.image import DEFAULT_MAC, Image, ImageOptions, build
from device.i82599.nvm.spi import SpiEeprom
from tests.rigs.bitbang import SpiMaster

EEC, EERD, EEWR = 0x10010, 0x10014, 0x10018
RAL0, RAH0 = 0x0A200, 0x0A204
SK, CS, DI, DO, REQ, GNT, PRES, ADDR16 = 1, 2, 4, 8, 0x40, 0x80, 0x100, 0x400


class Bench:
    def __init__(self, image: Image) -> None:
        self.image = image
        self.core = CardCore()
        self.regs = make_registers(self.core)
        self.nvm = Nvm(self.regs, image, SpiEeprom, default_mac=DEFAULT_MAC)
        self.regs.bind(self.nvm)
        self.reset(software=False)
        self.spi = SpiMaster(self._pins)

    def reset(self, *, software: bool) -> None:
        self.regs.reset(software=software)
        self.nvm.reset(software=software)

    def _pins(self, cs: int, sk: int, di: int) -> int:
        eec = self.regs.read(EEC) & ~(SK | CS | DI)
        self.regs.write(EEC, eec | cs * CS | sk * SK | di * DI)
        return int(bool(self.regs.read(EEC) & DO))

    def eerd(self, word: int) -> int:
        self.regs.write(EERD, word << 2 | 1)
        value = self.regs.read(EERD)
        assert value & 3 == 2
        assert value >> 2 & 0x3FFF == word & 0x3FFF
        return value >> 16

    def request(self) -> None:
        self.regs.write(EEC, self.regs.read(EEC) | REQ)
        assert self.regs.read(EEC) & GNT

    def release(self) -> None:
        self.regs.write(EEC, self.regs.read(EEC) & ~REQ)
        assert not self.regs.read(EEC) & GNT


@pytest.fixture
def bench() -> Bench:
    return Bench(build(ImageOptions(mac=bytes.fromhex("0225907fa1fe"))))


def test_eec_after_reset(bench: Bench) -> None:
    assert bench.regs.read(EEC) == 0x3F10
    assert 1 << ((bench.regs.read(EEC) >> 11 & 15) + 6) == 8192
    assert bench.regs.read(EERD) == 2
    assert bench.regs.read(EEWR) == 2


def test_whole_image_by_eerd(bench: Bench) -> None:
    raw = bytes(bench.image.data)
    assert b"".join(bench.eerd(word).to_bytes(2, "little") for word in range(8192)) == raw


def test_whole_image_by_bit_banging(bench: Bench) -> None:
    bench.image.write(0x1FFF, 0xBEEF)
    bench.request()
    size = 1024  # words enough for every section; then the last one
    assert bench.spi.read(0, size * 2) == bench.image.data[: size * 2]
    assert bench.spi.read(0x3FFE, 2) == b"\xef\xbe"
    bench.release()
    assert bench.regs.read(EEC) & (PRES | ADDR16)


def test_small_part_is_wholly_read_by_bit_banging() -> None:
    image = build(ImageOptions(size_code=3))
    bench = Bench(image)
    bench.request()
    assert bench.spi.read(0, 1024) == image.data
    assert bench.regs.read(EEC) >> 11 & 15 == 3


def test_beyond_the_image_reads_ones(bench: Bench) -> None:
    assert bench.eerd(0x3FFF) == 0xFFFF
    assert bench.eerd(8192) == 0xFFFF


def test_eerd_without_start_does_nothing(bench: Bench) -> None:
    bench.eerd(0)
    bench.regs.write(EERD, 0x2D << 2)
    assert bench.regs.read(EERD) >> 16 == bench.image.read(0)


def test_eewr_then_eerd(bench: Bench) -> None:
    for word in (0x30, 0x1FFF):
        bench.regs.write(EEWR, 0xA55A << 16 | word << 2 | 1)
        assert bench.regs.read(EEWR) & 3 == 2
        assert bench.eerd(word) == 0xA55A
    bench.regs.write(EEWR, 0x1234 << 16 | 0x2000 << 2 | 1)  # beyond
    assert bench.eerd(0x2000) == 0xFFFF
    assert bench.image.dirty
    assert bench.nvm.writes == 2


def test_bit_banged_write_shows_in_eerd(bench: Bench) -> None:
    bench.request()
    bench.spi.write(0x60, b"\x34\x12\x78\x56")
    assert bench.spi.status() & 1 == 0
    bench.release()
    assert [bench.eerd(0x30), bench.eerd(0x31)] == [0x1234, 0x5678]
    assert bench.nvm.writes == 4


def test_pins_do_not_reach_the_part_without_a_grant(bench: Bench) -> None:
    before = bytes(bench.image.data)
    bench.spi.write(0x60, b"\x00\x00")
    assert bench.image.data == before
    assert bench.spi.read(0, 2) == b"\x00\x00"  # nobody drives DO


def test_read_only_bits_of_eec_ignore_writes(bench: Bench) -> None:
    bench.regs.write(EEC, 0xFFFFFFFF)
    bench.regs.write(EEC, 0)
    assert bench.regs.read(EEC) & ~0x30 == 0x3F00


def test_no_signature_no_eeprom_present() -> None:
    image = build()
    image.write(0, 0x0700)
    assert not Bench(image).regs.read(EEC) & PRES


@pytest.mark.parametrize("software", [True, False])
def test_reset_reloads_the_station_address(bench: Bench, software: bool) -> None:
    assert bench.regs.read(RAL0) == 0x7F902502
    assert bench.regs.read(RAH0) == 0x8000FEA1
    bench.regs.write(RAL0, 0)
    bench.regs.write(RAH0, 0)
    bench.reset(software=software)
    assert bench.regs.read(RAL0) == 0x7F902502
    assert bench.regs.read(0x5400) == 0x7F902502  # its other address
    assert bench.regs.read(RAH0) == 0x8000FEA1


def test_second_port_has_its_own_address() -> None:
    core = CardCore()
    regs = make_registers(core)
    image = build(ImageOptions(mac=bytes.fromhex("0225907fa1fe")))
    nvm = Nvm(regs, image, SpiEeprom, default_mac=DEFAULT_MAC, port=1)
    nvm.reset(software=False)
    assert regs.read(RAH0) == 0x8000FFA1


def test_address_written_to_the_nvm_counts_after_the_next_reset(bench: Bench) -> None:
    at = bench.eerd(0x09) + 1
    for i, word in enumerate((0x1102, 0x3322, 0x5544)):
        bench.regs.write(EEWR, word << 16 | (at + i) << 2 | 1)
    assert bench.regs.read(RAL0) == 0x7F902502
    bench.reset(software=True)
    assert bench.regs.read(RAL0) == 0x33221102
    assert bench.regs.read(RAH0) == 0x80005544


def test_fla_is_storage(bench: Bench) -> None:
    bench.regs.write(0x1001C, 0x12345678)
    assert bench.regs.read(0x1001C) == 0x12345678
