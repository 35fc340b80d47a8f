# SPDX-License-Identifier: BSD-3-Clause
import random

import pytest

from device.i82599.nvm.spi import SpiEeprom
from tests.rigs.bitbang import SpiMaster


class Part:
    def __init__(self, size: int) -> None:
        self.data = bytearray(random.Random(size).randbytes(size))
        self.chip = SpiEeprom(self.data, self.data.__setitem__)
        self.spi = SpiMaster(lambda cs, sk, di: self.chip.pins(cs=cs, sk=sk, di=di))
        self.bits = self.chip.address_bits


@pytest.fixture(params=[128, 512, 1024, 16384, 65536])
def part(request: pytest.FixtureRequest) -> Part:
    return Part(request.param)


def test_reads_every_byte(part: Part) -> None:
    size = min(len(part.data), 4096)
    assert part.spi.read(0, size, part.bits) == part.data[:size]


def test_read_wraps_at_the_end(part: Part) -> None:
    at = len(part.data) - 2
    assert part.spi.read(at, 4, part.bits) == part.data[at:] + part.data[:2]


def test_a8_reaches_the_upper_half_of_an_8_bit_part() -> None:
    part = Part(512)
    assert part.bits == 8
    assert part.spi.read(300, 8, 8) == part.data[300:308]
    part.spi.write(304, b"\x12\x34", 8)
    assert part.data[304:306] == b"\x12\x34"


def test_write_needs_wren(part: Part) -> None:
    before = bytes(part.data)
    part.spi.select()
    part.spi.address(0x02, 8, part.bits)
    part.spi.send(0x55)
    part.spi.deselect()
    assert part.data == before
    part.spi.write(8, b"\x55\xaa", part.bits)
    assert part.data[8:10] == b"\x55\xaa"
    assert part.data[10:] == before[10:]


def test_write_enable_latch_shows_in_the_status(part: Part) -> None:
    assert part.spi.status() == 0
    part.spi.command(0x06)
    assert part.spi.status() == 2
    part.spi.command(0x04)
    assert part.spi.status() == 0
    part.spi.write(0, b"\x01", part.bits)
    assert part.spi.status() == 0  # one WREN, one write


def test_burst_wraps_inside_its_page() -> None:
    """A driver finds the page size so: 128 words, numbered, from one address; then it reads the first."""
    part = Part(16384)
    data = b"".join(i.to_bytes(2, "big") for i in range(128))
    part.spi.write(0x400, data)
    first = int.from_bytes(part.spi.read(0x400, 2), "big")
    assert 2 * (128 - first) == part.chip.page_bytes == 64
    assert part.data[0x440:0x442] != data[64:66]  # the next page is as it was


def test_write_in_the_middle_of_a_byte_is_dropped(part: Part) -> None:
    before = bytes(part.data)
    part.spi.command(0x06)
    part.spi.select()
    part.spi.address(0x02, 8, part.bits)
    part.spi.send(0x55)
    part.spi.send(0x5, 4)
    part.spi.deselect()
    assert part.data == before


def test_block_protection() -> None:
    part = Part(16384)
    part.spi.command(0x06)
    part.spi.command(0x01, b"\x08")  # upper half
    assert part.spi.status() == 0x08
    before = bytes(part.data)
    part.spi.write(0x2000, b"\x00\x01")
    assert part.data == before
    part.spi.write(0x1FF0, b"\x11\x22")
    assert part.data[0x1FF0:0x1FF2] == b"\x11\x22"


def test_do_is_quiet_when_not_reading(part: Part) -> None:
    part.spi.select()
    assert part.spi.receive() == 0
    part.spi.deselect()
    part.spi.command(0x77, b"\x00" * 40)  # no such instruction
    assert part.spi.read(0, 2, part.bits) == part.data[:2]


def test_endless_instruction_takes_no_memory() -> None:
    part = Part(1024)
    part.spi.command(0x06)
    part.spi.select()
    part.spi.address(0x02, 0, 16)
    for i in range(1000):
        part.spi.send(i & 0xFF)
    assert len(part.chip._page) == part.chip.page_bytes
    part.spi.deselect()
    assert part.data[(999 % 32)] == 999 & 0xFF


def test_reset_in_the_middle_writes_nothing(part: Part) -> None:
    before = bytes(part.data)
    part.spi.command(0x06)
    part.spi.select()
    part.spi.address(0x02, 0, part.bits)
    part.spi.send(before[0] ^ 0xFF)
    part.chip.deselect()
    part.spi.deselect()
    assert part.data == before
