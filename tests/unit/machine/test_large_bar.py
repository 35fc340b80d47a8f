# SPDX-License-Identifier: BSD-3-Clause
"""A BAR much larger than what is in it: registers far apart work, and the space between them costs nothing."""

from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.machine.core import ffi, lib
from device.machine.regfile import RegFile, on_write
from device.regs.core import Access, Field, Register
from tests.rigs.toy import ToyChip

BAR_BYTES = 32 << 20
PAGE: int = lib.REG_PAGE_BYTES


class Low(Register, at=0x10, reset=5):
    VALUE = Field(31, 0)


class High(Register, at=BAR_BYTES - 8, reset=7):
    COUNT = Field(15, 0)
    FLAGS = Field(31, 16, access=Access.W1C)


@pytest.fixture
def toy() -> Iterator[ToyChip]:
    with ToyChip(BAR_BYTES) as made:
        yield made


@pytest.fixture
def rf(toy: ToyChip) -> RegFile:
    return RegFile(toy.function, [Low, High])


def bytes_held(toy: ToyChip) -> int:
    """What the registers take: table of pages, rules of each page, and touched storage."""
    regs = toy.function.c.regs
    pages = BAR_BYTES // PAGE
    ruled = sum(regs.page[n] != ffi.NULL for n in range(pages))
    tables = pages * ffi.sizeof("void *") + ruled * ffi.sizeof("struct reg_page")
    return int(tables) + resident_bytes(int(ffi.cast("uintptr_t", regs.word)))


def resident_bytes(start: int) -> int:
    """Memory that the BAR's pages at an address really take (Ref: Linux, pagemap; bit 63: the page is there)."""
    with Path("/proc/self/pagemap").open("rb") as pagemap:
        pagemap.seek(start // PAGE * 8)
        pages = array("Q", pagemap.read(BAR_BYTES // PAGE * 8))
    return sum(page >> 63 for page in pages) * PAGE


def test_registers_far_apart_obey_their_rules(toy: ToyChip, rf: RegFile) -> None:
    assert (toy.read(Low.offset()), toy.read(High.offset())) == (5, 7)
    toy.write(Low.offset(), 0x1234_5678)
    rf.put(High, 0, 0x00FF_0000)
    toy.write(High.offset(), 0x0001_0009)
    assert (toy.read(Low.offset()), toy.read(High.offset())) == (0x1234_5678, 0x00FE_0009)
    assert toy.steps == 6, "every access gives the chip a turn"
    assert rf.unknown == {}


def test_python_hears_of_the_last_register(toy: ToyChip, rf: RegFile) -> None:
    seen: list[tuple[int, int]] = []

    class Block:
        @on_write(High)
        def wrote(self, _n: int, old: High, new: High, _written: High) -> None:
            seen.append((int(old), int(new)))

    rf.bind(Block())
    toy.write(High.offset(), 8)
    assert seen == [(7, 8)]


def test_what_nobody_declared_reads_0_and_is_named_by_its_offset(toy: ToyChip, rf: RegFile) -> None:
    for offset in (PAGE, BAR_BYTES // 2, BAR_BYTES - 4):
        toy.write(offset, 1)
        assert toy.read(offset) == 0
    assert toy.read(BAR_BYTES) == 0, "behind the end"
    assert [offset for offset, way in rf.unknown if way == "write"] == [PAGE, BAR_BYTES // 2, BAR_BYTES - 4]


def test_a_reset_reaches_the_last_page(toy: ToyChip, rf: RegFile) -> None:
    toy.write(High.offset(), 1)
    rf.reset(software=False)
    assert (toy.read(High.offset()), toy.resets) == (7, [0])


def test_only_pages_with_a_register_are_memory(toy: ToyChip, rf: RegFile) -> None:
    before = bytes_held(toy)
    assert before <= 128 << 10, "two pages of rules, two of storage, and a pointer a page"
    for offset in range(0, BAR_BYTES, 64 * PAGE):
        toy.read(offset + 0x100)
        toy.write(offset + 0x100, 1)
    rf.reset(software=False)
    assert bytes_held(toy) == before, "looking around costs nothing"
