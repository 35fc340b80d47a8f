# SPDX-License-Identifier: BSD-3-Clause
"""DMA memory: what the device can reach and what it cannot."""

from collections.abc import Iterator

import pytest

from device.machine.core import DMA_READ, FastNic, ffi, lib

PAGE = 4096


@pytest.fixture
def nic() -> Iterator[FastNic]:
    with FastNic() as fast:
        fast.bus_master = True
        yield fast


def test_write_lands_where_the_iova_points(nic: FastNic) -> None:
    memory = bytearray(PAGE)
    nic.dma_add(0x10000, PAGE, memory)
    nic.dma_write(0x10010, b"hello")
    assert memory[0x10:0x15] == b"hello"
    assert nic.dma_read(0x10010, 5) == b"hello"


def test_no_dma_without_bus_master(nic: FastNic) -> None:
    nic.dma_add(0, PAGE, bytearray(PAGE))
    nic.bus_master = False
    with pytest.raises(OSError, match="Bad address"):
        nic.dma_read(0, 1)
    assert nic.counters()["dma_errors"] == 1


@pytest.mark.parametrize("iova", [0x0FFF, 0x2000, 2**64 - 1])
def test_outside_is_a_counted_error(nic: FastNic, iova: int) -> None:
    nic.dma_add(0x1000, PAGE, bytearray(PAGE))
    assert lib.dma_ptr(nic.c, iova, 1, DMA_READ) == ffi.NULL
    with pytest.raises(OSError, match="Bad address"):
        nic.dma_write(iova, b"x")
    assert nic.counters()["dma_errors"] == 2


def test_pointer_must_not_run_over_the_end(nic: FastNic) -> None:
    nic.dma_add(0x1000, PAGE, bytearray(PAGE))
    assert lib.dma_ptr(nic.c, 0x1FF0, 16, DMA_READ) != ffi.NULL
    assert lib.dma_ptr(nic.c, 0x1FF0, 17, DMA_READ) == ffi.NULL
    assert lib.dma_ptr(nic.c, 0x1FF0, 2**64 - 1, DMA_READ) == ffi.NULL


def test_copy_crosses_neighbouring_regions(nic: FastNic) -> None:
    low, high = bytearray(PAGE), bytearray(PAGE)
    nic.dma_add(0x2000, PAGE, high)
    nic.dma_add(0x1000, PAGE, low)
    nic.dma_write(0x1FFE, b"abcd")
    assert bytes(low[-2:] + high[:2]) == b"abcd"
    assert nic.dma_read(0x1FFE, 4) == b"abcd"
    with pytest.raises(OSError, match="Bad address"):
        nic.dma_read(0x2FFE, 4)


def test_read_only_memory_is_not_written(nic: FastNic) -> None:
    nic.dma_add(0, PAGE, bytearray(PAGE), DMA_READ)
    assert nic.dma_read(0, 2) == b"\0\0"
    with pytest.raises(OSError, match="Bad address"):
        nic.dma_write(0, b"x")


def test_regions_do_not_overlap(nic: FastNic) -> None:
    memory = bytearray(2 * PAGE)
    nic.dma_add(0x1000, PAGE, memory)
    for iova, len_bytes in [(0x1000, PAGE), (0x0800, PAGE), (0x1FFF, 1), (0, 2 * PAGE)]:
        with pytest.raises(FileExistsError):
            nic.dma_add(iova, len_bytes, memory)
    nic.dma_add(0x2000, PAGE, memory)


@pytest.mark.parametrize(("iova", "len_bytes"), [(0, 0), (2**64 - 1, 2), (2**63, 2**63 + 1)])
def test_impossible_ranges_are_refused(nic: FastNic, iova: int, len_bytes: int) -> None:
    with pytest.raises(OSError, match="Invalid"):
        nic.dma_add(iova, len_bytes, 0x1000)
    with pytest.raises(OSError, match="Invalid"):
        nic.dma_del(iova, len_bytes)


def test_last_byte_of_the_address_space_is_usable(nic: FastNic) -> None:
    memory = bytearray(PAGE)
    nic.dma_add(2**64 - PAGE, PAGE, memory)
    nic.dma_write(2**64 - 1, b"x")
    assert memory[-1:] == b"x"
    with pytest.raises(OSError, match="Bad address"):
        nic.dma_write(2**64 - 1, b"xy")
    assert nic.dma_del(2**64 - PAGE, PAGE) == 1


def test_delete_takes_every_region_inside(nic: FastNic) -> None:
    for page in range(200):
        nic.dma_add(page * 2 * PAGE, PAGE, bytearray(PAGE))
    assert nic.dma_del(2 * PAGE, 6 * PAGE) == 3
    for page, there in [(0, True), (1, False), (3, False), (4, True), (199, True)]:
        assert (lib.dma_ptr(nic.c, page * 2 * PAGE, PAGE, DMA_READ) != ffi.NULL) is there
    assert nic.dma_del(0, 2**64 - 1) == 197
    assert nic.dma_del(0, 2**64 - 1) == 0


def test_delete_leaves_a_region_that_is_only_touched(nic: FastNic) -> None:
    nic.dma_add(0x1000, PAGE, bytearray(PAGE))
    assert nic.dma_del(0x1800, PAGE) == 0
    assert nic.dma_read(0x1000, 1) == b"\0"


def test_buffer_shorter_than_the_region_is_refused(nic: FastNic) -> None:
    with pytest.raises(ValueError, match="8192"):
        nic.dma_add(0, 8192, bytearray(PAGE))
