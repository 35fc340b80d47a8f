# SPDX-License-Identifier: BSD-3-Clause
"""Long work in slices: whoever runs a loop does one at a time, and its own work between them.

A generator that yields between its slices and returns the result is such work.
"""

from collections.abc import Callable, Generator
from typing import Any, TypeVar

from driver.errors import DriverError

T = TypeVar("T")
Slices = Generator[None, None, T]
ByteReader = Callable[[int, int], int]  # an address and an offset to a byte


class _WantedError(BaseException):
    """A byte that was not read yet; no ``Exception``, for nobody but ``byte_by_byte`` is to catch it."""

    def __init__(self, key: tuple[int, int]) -> None:
        super().__init__()
        self.key = key


def whole(result: Any) -> Any:
    """Do what is left of work in slices at once; anything else is a result already."""
    if not isinstance(result, Generator):
        return result
    while True:
        try:
            next(result)
        except StopIteration as end:
            return end.value


def byte_by_byte(decode: Callable[[ByteReader], T], read: Callable[[int, int], Slices[int]]) -> Slices[T]:
    """Decode a memory that is slow to read, one byte a slice, or more if that byte takes more.

    Args:
        decode: Asks its argument for the bytes that it wants, and returns what it made of them. It is called anew for
            each byte, so that it may ask as it likes; all but the last it is told from memory.
        read: Reads one byte; what it raises, a ``DriverError`` or ``OSError``, ``decode`` gets where it asks.
    """
    known: dict[tuple[int, int], int | DriverError | OSError] = {}

    def remembered(address: int, offset: int) -> int:
        found = known.get((address, offset))
        if found is None:
            raise _WantedError((address, offset))
        if isinstance(found, Exception):
            raise found
        return found

    while True:
        try:
            return decode(remembered)
        except _WantedError as wanted:
            key = wanted.key
        try:
            known[key] = yield from read(*key)
        except (DriverError, OSError) as exc:
            known[key] = exc
        yield
