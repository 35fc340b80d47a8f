# SPDX-License-Identifier: BSD-3-Clause
import errno
import gc
import itertools
import logging
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver import compiled
from driver.core.dma import IOVA_BASE_32, IOVA_BASE_64, Arena, FirstFit
from driver.errors import DeviceGone, RingError
from tests.rigs.memory_door import MemoryDoor

PAGE = 4096


def open_fds() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.fixture
def door() -> MemoryDoor:
    return MemoryDoor()


def test_the_device_is_shown_whole_pages_of_the_memory_we_hold(door: MemoryDoor) -> None:
    arena = Arena(door, 5000)
    assert door.maps == {IOVA_BASE_64: 2 * PAGE}
    buffer = arena.alloc(64)
    buffer.view[:4] = b"abcd"
    assert os.pread(door.fd, 4, buffer.iova - IOVA_BASE_64) == b"abcd"
    assert door.ptr + buffer.offset == compiled.address_of(buffer.ptr)
    arena.free(buffer)
    arena.close()
    assert door.maps == {}


def test_ptr_and_view_are_the_same_bytes(door: MemoryDoor) -> None:
    buffer = Arena(door, PAGE).alloc(16)
    buffer.view[3] = 0x5A
    assert compiled.ffi.cast("uint8_t *", buffer.ptr)[3] == 0x5A
    assert len(buffer.view) == buffer.len_bytes == 16


def test_memory_is_zero_even_when_used_before(door: MemoryDoor) -> None:
    arena = Arena(door, PAGE)
    first = arena.alloc(PAGE)
    first.view[:] = b"\xff" * PAGE
    arena.free(first)
    assert bytes(arena.alloc(PAGE).view) == bytes(PAGE)


@pytest.mark.parametrize("align", [1, 128, 4096, 1 << 20])
def test_the_iova_is_aligned_whatever_the_base(door: MemoryDoor, align: int) -> None:
    arena = Arena(door, 4 << 20, iova_base=0x1234_5000)
    arena.alloc(1, 1)
    assert arena.alloc(100, align).iova % align == 0


def test_a_base_below_4_gib_keeps_every_address_below(door: MemoryDoor) -> None:
    arena = Arena(door, 64 << 20, iova_base=IOVA_BASE_32)
    assert arena.iova_base + arena.len_bytes <= 1 << 32


def test_full_says_how_much_was_left(door: MemoryDoor) -> None:
    arena = Arena(door, PAGE)
    arena.alloc(PAGE - 128)
    with pytest.raises(RingError, match=r"rx0: no 129 bytes left .* \(128 of 4096 free\)"):
        arena.alloc(129, 1, label="rx0")


def test_freeing_twice_is_refused(door: MemoryDoor) -> None:
    arena = Arena(door, PAGE)
    buffer = arena.alloc(128)
    arena.free(buffer)
    with pytest.raises(RingError, match="freed twice"):
        arena.free(buffer)
    again = arena.alloc(128)  # the same place, another buffer
    assert again.iova == buffer.iova
    with pytest.raises(RingError, match="freed twice"):
        arena.free(buffer)


def test_a_buffer_of_another_arena_is_refused(door: MemoryDoor) -> None:
    mine, other = Arena(door, PAGE), Arena(MemoryDoor(), PAGE)
    buffer = other.alloc(128)
    mine.alloc(128)
    with pytest.raises(RingError, match="another arena"):
        mine.free(buffer)


def test_leaks_are_named_at_close_and_unmapped_all_the_same(door: MemoryDoor, caplog: pytest.LogCaptureFixture) -> None:
    arena = Arena(door, PAGE)
    arena.alloc(128, label="tx ring 3")
    with caplog.at_level(logging.WARNING):
        arena.close()
    assert "1 DMA buffers (128 bytes) never freed: tx ring 3" in caplog.text
    assert door.maps == {}
    caplog.clear()
    arena.close()
    assert caplog.text == ""


def test_a_device_that_is_gone_does_not_stop_close(door: MemoryDoor, caplog: pytest.LogCaptureFixture) -> None:
    arena = Arena(door, PAGE)
    door.fail_unmap = DeviceGone("gone")
    caplog.set_level("INFO")
    before = open_fds()
    arena.close()
    assert "not unmapped, released anyway: gone" in caplog.text
    assert open_fds() < before
    with pytest.raises(RingError, match="closed"):
        arena.alloc(1)


def test_a_refused_mapping_leaves_nothing_open(door: MemoryDoor) -> None:
    door.fail_map = OSError(errno.EINVAL, "no")
    gc.collect()
    before = open_fds()
    with pytest.raises(OSError, match="no"):
        Arena(door, PAGE)
    gc.collect()
    assert open_fds() == before


def test_a_view_outlives_the_arena_without_a_fault(door: MemoryDoor) -> None:
    arena = Arena(door, PAGE)
    buffer = arena.alloc(128)
    buffer.view[0] = 7
    arena.close()
    gc.collect()
    assert buffer.view[0] == 7


def test_nobody_can_shrink_the_memory(door: MemoryDoor) -> None:
    Arena(door, PAGE)
    with pytest.raises(PermissionError):
        os.ftruncate(door.fd, 0)


@pytest.mark.parametrize(("len_bytes", "base"), [(0, 0), (-1, 0), (PAGE, 1), (PAGE, (1 << 64) - 1024), (PAGE, -PAGE)])
def test_an_arena_that_cannot_be(door: MemoryDoor, len_bytes: int, base: int) -> None:
    with pytest.raises(ValueError, match="want a size and a page-aligned address"):
        Arena(door, len_bytes, base)


@pytest.mark.parametrize(("len_bytes", "align"), [(0, 1), (-5, 1), (8, 0), (8, 3), (8, -128)])
def test_a_buffer_that_cannot_be(door: MemoryDoor, len_bytes: int, align: int) -> None:
    with pytest.raises(ValueError, match="want >= 1 and a power of two"):
        Arena(door, PAGE).alloc(len_bytes, align)


Step = tuple[bool, int, int]


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 700), st.integers(0, 9)), max_size=60), st.integers(0, 5))
def test_first_fit_never_overlaps_and_gives_everything_back(steps: list[Step], base_pages: int) -> None:
    size, base = 4096, base_pages * 4096
    space = FirstFit(size)
    taken: list[tuple[int, int]] = []
    for take, number, power in steps:
        if take:
            align = 1 << power
            offset = space.take(number, align, base)
            room = any(-(-start // align) * align + number <= start + free for start, free in space.free_ranges)
            if offset is None:
                assert not room
                continue
            assert (base + offset) % align == 0
            assert 0 <= offset <= size - number
            assert all(offset + number <= start or start + length <= offset for start, length in taken)
            taken.append((offset, number))
        elif taken:
            space.give(*taken.pop(number % len(taken)))
        assert space.free_bytes == size - sum(length for _, length in taken)
        ranges = space.free_ranges
        assert all(a + length < b for (a, length), (b, _) in itertools.pairwise(ranges))
    for piece in taken:
        space.give(*piece)
    assert space.free_ranges == [(0, size)]
