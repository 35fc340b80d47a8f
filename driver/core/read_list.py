# SPDX-License-Identifier: BSD-3-Clause
"""Registers that are read together, again and again: one burst where a read is a message (core/csrc/vfu_reads.c)."""

from collections.abc import Iterable, Iterator, Sequence

from device.regs.core import Register
from driver import compiled
from driver.core.bar import ALL_ONES, Bar, name_of
from driver.errors import DeviceGone

HIGH = 2**32
Counted = tuple[str, int, type[Register], int]  # a counter's name, what one of it is worth, the register, its instance


def pair(name: str, low: type[Register], high: type[Register], n: int = 0) -> Iterator[Counted]:
    """A counter in two registers, the low one read first."""
    yield name, 1, low, n
    yield name, HIGH, high, n


class ReadList:
    """Reads of whole registers, in an order that stays.

    Args:
        bar: Where the registers are.
        places: Register and instance.

    Raises:
        IndexError: There is no such instance.
    """

    def __init__(self, bar: Bar, places: Iterable[tuple[type[Register], int]]) -> None:
        self.bar = bar
        self.places = list(places)
        self._reads = compiled.mmio_reads([register.offset(n) for register, n in self.places])
        self._failure: DeviceGone | OSError | None = None

    def read(self) -> list[int | None]:
        """Read all of them, and the rest where one fails: reading may have cleared what it gave.

        Returns:
            The values, in order; None where the read failed, and then ``check`` raises.
        """
        found = self.bar.read_reads(self._reads)
        left = (ALL_ONES, 0) in found and self.bar.has_left()
        self._failure = None
        values: list[int | None] = []
        for (register, n), (value, code) in zip(self.places, found, strict=True):
            lost = left and value == ALL_ONES
            values.append(None if code or lost else value)
            if self._failure is None and code:
                self._failure = self.bar.failure(code, name_of(register, n))
            elif self._failure is None and lost:
                self._failure = self.bar.left(name_of(register, n))
        return values

    def check(self) -> None:
        """Say what the last ``read`` could not read.

        Raises:
            DeviceGone: The function no longer answers.
            OSError: The device refused an access; it is the first of them.
        """
        if self._failure is not None:
            raise self._failure


def read_counters(bar: Bar, counted: Sequence[Counted]) -> dict[str, int]:
    """The counters as the registers have them, by name, in the order of reading.

    Raises:
        DeviceGone: The function no longer answers.
        OSError: It refused a read.
    """
    reads = ReadList(bar, [(register, n) for _, _, register, n in counted])
    values = reads.read()
    reads.check()
    found: dict[str, int] = {}
    for (name, worth, _, _), value in zip(counted, values, strict=True):
        found[name] = found.get(name, 0) + worth * (value or 0)
    return found
