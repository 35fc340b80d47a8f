# SPDX-License-Identifier: BSD-3-Clause
"""Long work in slices: one byte each, what a byte could not be read for reaches who wanted it."""

import contextlib
import itertools
from collections.abc import Generator

import pytest

from driver import ethtool
from driver.errors import LinkError
from driver.slices import byte_by_byte, whole

PAGE = b"\x03" + bytes(n % 251 for n in range(1, 256))
SLOW = 5


def read(_address: int, offset: int) -> int:
    return PAGE[offset]


def slowly(address: int, offset: int) -> Generator[None, None, int]:
    for _ in range(offset == SLOW):
        yield  # it has to be asked twice
    return read(address, offset)


def test_whole_does_it_at_once_and_leaves_a_result_alone() -> None:
    def work() -> Generator[None, None, str]:
        yield
        yield
        return "done"

    assert whole(work()) == "done"
    assert whole([1]) == [1]
    assert whole(None) is None


def test_each_byte_is_read_once_and_is_a_slice() -> None:
    reads: list[tuple[int, int]] = []

    def counted(address: int, offset: int) -> Generator[None, None, int]:
        reads.append((address, offset))
        return slowly(address, offset)

    def sliced() -> Generator[None, None, dict[str, object]]:
        work = byte_by_byte(ethtool.module, counted)
        for slices in itertools.count(1):
            try:
                yield next(work)
            except StopIteration as end:
                return dict(end.value)
            assert len(reads) == slices
        raise AssertionError

    found = whole(sliced())
    assert len(set(reads)) == len(reads) > 50
    assert found == ethtool.module(read)


def test_what_goes_wrong_is_told_who_asked() -> None:
    def fails(_address: int, offset: int) -> Generator[None, None, int]:
        yield
        if offset == 3:
            raise LinkError("no acknowledge")
        return offset

    def takes_it(get: object) -> list[int | str]:
        assert callable(get)
        found: list[int | str] = [get(0xA0, 1)]
        try:
            found.append(get(0xA0, 3))
        except LinkError as exc:
            found.append(str(exc))
        return [*found, get(0xA0, 4)]

    assert whole(byte_by_byte(takes_it, fails)) == [1, "no acknowledge", 4]
    with pytest.raises(LinkError, match="no acknowledge"):
        whole(byte_by_byte(lambda get: get(0xA0, 3), fails))


def test_a_decoder_that_takes_every_error_does_not_take_the_end_of_a_slice() -> None:
    def careless(get: object) -> int:
        assert callable(get)
        with contextlib.suppress(Exception):
            return int(get(0xA0, 5))
        return -1

    assert whole(byte_by_byte(careless, slowly)) == PAGE[5]


def test_a_byte_may_take_more_than_a_slice() -> None:
    work = byte_by_byte(lambda get: get(0xA0, SLOW) + get(0xA0, 6), slowly)
    assert [next(work) for _ in range(3)] == [None] * 3
    assert whole(work) == 11
