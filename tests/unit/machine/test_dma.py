# SPDX-License-Identifier: BSD-3-Clause
"""DMA memory: what the device can reach and what it cannot."""

from collections.abc import Iterator

import pytest

from device.i82599.core import CardCore
from device.machine.core import ffi, lib
from device.machine.function import DMA_READ

PAGE = 4096


@pytest.fixture
def nic() -> Iterator[CardCore]:
    with CardCore() as card:
        card.pf.bus_master = True
        yield card


def test_write_lands_where_the_iova_points(nic: CardCore) -> None:
    memory = bytearray(PAGE)
    nic.pf.dma_add(0x10000, PAGE, memory)
    nic.pf.dma_write(0x10010, b"hello")
    assert memory[0x10:0x15] == b"hello"
    assert nic.pf.dma_read(0x10010, 5) == b"hello"


def test_no_dma_without_bus_master(nic: CardCore) -> None:
    nic.pf.dma_add(0, PAGE, bytearray(PAGE))
    nic.pf.bus_master = False
    with pytest.raises(OSError, match="Bad address"):
        nic.pf.dma_read(0, 1)
    assert nic.counters()["dma_errors"] == 1


@pytest.mark.parametrize("iova", [0x0FFF, 0x2000, 2**64 - 1])
def test_outside_is_a_counted_error(nic: CardCore, iova: int) -> None:
    nic.pf.dma_add(0x1000, PAGE, bytearray(PAGE))
    assert lib.dma_ptr(ffi.addressof(nic.c, "pf", "dma"), iova, 1, DMA_READ) == ffi.NULL
    with pytest.raises(OSError, match="Bad address"):
        nic.pf.dma_write(iova, b"x")
    assert nic.counters()["dma_errors"] == 2


def test_pointer_must_not_run_over_the_end(nic: CardCore) -> None:
    nic.pf.dma_add(0x1000, PAGE, bytearray(PAGE))
    assert lib.dma_ptr(ffi.addressof(nic.c, "pf", "dma"), 0x1FF0, 16, DMA_READ) != ffi.NULL
    assert lib.dma_ptr(ffi.addressof(nic.c, "pf", "dma"), 0x1FF0, 17, DMA_READ) == ffi.NULL
    assert lib.dma_ptr(ffi.addressof(nic.c, "pf", "dma"), 0x1FF0, 2**64 - 1, DMA_READ) == ffi.NULL


def test_copy_crosses_neighbouring_regions(nic: CardCore) -> None:
    low, high = bytearray(PAGE), bytearray(PAGE)
    nic.pf.dma_add(0x2000, PAGE, high)
    nic.pf.dma_add(0x1000, PAGE, low)
    nic.pf.dma_write(0x1FFE, b"abcd")
    assert bytes(low[-2:] + high[:2]) == b"abcd"
    assert nic.pf.dma_read(0x1FFE, 4) == b"abcd"
    with pytest.raises(OSError, match="Bad address"):
        nic.pf.dma_read(0x2FFE, 4)


def test_read_only_memory_is_not_written(nic: CardCore) -> None:
    nic.pf.dma_add(0, PAGE, bytearray(PAGE), DMA_READ)
    assert nic.pf.dma_read(0, 2) == b"\0\0"
    with pytest.raises(OSError, match="Bad address"):
        nic.pf.dma_write(0, b"x")


def test_regions_do_not_overlap(nic: CardCore) -> None:
    memory = bytearray(2 * PAGE)
    nic.pf.dma_add(0x1000, PAGE, memory)
    for iova, len_bytes in [(0x1000, PAGE), (0x0800, PAGE), (0x1FFF, 1), (0, 2 * PAGE)]:
        with pytest.raises(FileExistsError):
            nic.pf.dma_add(iova, len_bytes, memory)
    nic.pf.dma_add(0x2000, PAGE, memory)


@pytest.mark.parametrize(("iova", "len_bytes"), [(0, 0), (2**64 - 1, 2), (2**63, 2**63 + 1)])
def test_impossible_ranges_are_refused(nic: CardCore, iova: int, len_bytes: int) -> None:
    with pytest.raises(OSError, match="Invalid"):
        nic.pf.dma_add(iova, len_bytes, 0x1000)
    with pytest.raises(OSError, match="Invalid"):
        nic.pf.dma_del(iova, len_bytes)


def test_last_byte_of_the_address_space_is_usable(nic: CardCore) -> None:
    memory = bytearray(PAGE)
    nic.pf.dma_add(2**64 - PAGE, PAGE, memory)
    nic.pf.dma_write(2**64 - 1, b"x")
    assert memory[-1:] == b"x"
    with pytest.raises(OSError, match="Bad address"):
        nic.pf.dma_write(2**64 - 1, b"xy")
    assert nic.pf.dma_del(2**64 - PAGE, PAGE) == 1


def test_delete_takes_every_region_inside(nic: CardCore) -> None:
    for page in range(200):
        nic.pf.dma_add(page * 2 * PAGE, PAGE, bytearray(PAGE))
    assert nic.pf.dma_del(2 * PAGE, 6 * PAGE) == 3
    for page, there in [(0, True), (1, False), (3, False), (4, True), (199, True)]:
        assert (lib.dma_ptr(ffi.addressof(nic.c, "pf", "dma"), page * 2 * PAGE, PAGE, DMA_READ) != ffi.NULL) is there
    assert nic.pf.dma_del(0, 2**64 - 1) == 197
    assert nic.pf.dma_del(0, 2**64 - 1) == 0


def test_delete_leaves_a_region_that_is_only_touched(nic: CardCore) -> None:
    nic.pf.dma_add(0x1000, PAGE, bytearray(PAGE))
    assert nic.pf.dma_del(0x1800, PAGE) == 0
    assert nic.pf.dma_read(0x1000, 1) == b"\0"


def test_buffer_shorter_than_the_region_is_refused(nic: CardCore) -> None:
    with pytest.raises(ValueError, match="8192"):
        nic.pf.dma_add(0, 8192, bytearray(PAGE))
