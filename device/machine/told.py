# SPDX-License-Identifier: BSD-3-Clause
"""What those who port a driver are told of what it does wrong, once each and driver's life."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from device.machine.limit import LimitedLog
from device.regs.core import Register

log = logging.getLogger(__name__)

LINES_PER_S = 8
PENDING_MAX = 64


def name_of(register: type[Register], n: int) -> str:
    """As people write it: ``FCTRL``, ``SRRCTL[3]``."""
    return f"{register.NAME}[{n}]" if register.count > 1 else register.NAME


class Told:
    """One log line a subject and life of a driver; of many subjects at once only so many a second.

    A driver's life ends when the function is reset by PCI, or when ``driver_gone`` is told.
    """

    def __init__(self) -> None:
        self._said: set[object] = set()
        self._log = LimitedLog(log, LINES_PER_S)

    def say(self, subject: object, text: str, *, level: int = logging.WARNING) -> None:
        """Log ``text``, unless something was said of ``subject`` in this driver's life."""
        if subject in self._said:
            return
        self._said.add(subject)
        self._log.line(level, text)

    def driver_gone(self) -> None:
        """The next driver is told anew."""
        self._said.clear()


Hint = Callable[[Register, Register], str]  # what was written and what the register holds since, to what to do


@dataclass
class _Write:
    written: Register
    now: Register
    looks: int = field(default=0)


class NoBits:
    """Writes that set bits which no field has, where they stay: told when the value still stands at a second look.

    Who tries which bits stick, as the offline test of Linux's ``ethtool -t`` does, writes the old value back at once.

    Args:
        told: Who says it.
        get: The value of register ``n`` of a kind now.
        hints: By register, what to do instead; the usual advice where there is none.
    """

    def __init__(self, told: Told, get: Callable[[type[Register], int], Register]) -> None:
        self.hints: dict[type[Register], Hint] = {}
        self.usual: set[tuple[type[Register], int]] = set()  # what drivers write that everybody trusts
        self._told = told
        self._get = get
        self._writes: dict[tuple[type[Register], int], _Write] = {}

    def written(self, register: type[Register], n: int, value: int) -> None:
        """A client wrote ``value``, bits of which no field has."""
        if (register, value) in self.usual:
            return
        known, now = self._writes.get((register, n)), self._get(register, n)
        if known is not None and known.now == now:
            known.written = register(value)
        elif known is not None or len(self._writes) < PENDING_MAX:
            self._writes[register, n] = _Write(register(value), now)

    def look(self) -> None:
        """Some time has passed."""
        for (register, n), write in tuple(self._writes.items()):
            write.looks += 1
            if write.looks > 1:
                self.settle(register, n)

    def settle(self, register: type[Register], n: int) -> None:
        """The value of register ``n`` is used now: what was written is told if it still stands."""
        write = self._writes.pop((register, n), None)
        if write is None or self._get(register, n) != write.now:
            return
        hint = self.hints.get(register, _usual)(write.written, write.now)
        text = f"{name_of(register, n)} <- {int(write.written):#010x} sets bits {_gone(write):#x}, which no field has"
        self._told.say((register, NoBits), f"{text} and which stay as they were: {hint}")

    def settle_all(self) -> None:
        """All registers are about to be reset."""
        for register, n in tuple(self._writes):
            self.settle(register, n)
        self._writes.clear()


def _gone(write: _Write) -> int:
    return write.written.undeclared & ~int(write.now)


def _usual(_written: Register, _now: Register) -> str:
    return "write reserved bits as they read"


def hints_of(words: Mapping[type[Register], str]) -> dict[type[Register], Hint]:
    """Hints that say in which unit a register counts, and what it holds now."""

    def hint(unit: str) -> Hint:
        return lambda _, now: f"{unit}; it holds {int(now):#x} now"

    return {register: hint(unit) for register, unit in words.items()}
