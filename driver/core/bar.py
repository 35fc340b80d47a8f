# SPDX-License-Identifier: BSD-3-Clause
"""Typed register access through one BAR: every wait has a deadline, and a dead function is noticed.

A function that is gone reads as all ones everywhere.  Some registers may hold that value lawfully; the family names one
that never does, and an all-ones read is followed by a look at it.
"""

import errno
import os
import time
from collections.abc import Callable
from typing import TypeVar

from device.regs.core import Register
from driver import compiled
from driver.doors.door import Door
from driver.errors import DeviceGone, gone

R = TypeVar("R", bound=Register)

ALL_ONES = 0xFFFFFFFF
ALIVE_TRIES = 5
POLL_S = 50e-6
PAUSE_S = 100e-6  # as long as a device spins at least; napi.h: NAPI_SLEPT_NS

# What a broken connection or a closed door looks like; any other errno is a refusal of this one access.
GONE = {errno.ENODEV, errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.ETIMEDOUT, errno.EPROTO, errno.EBADF}


def name_of(reg: type[Register], n: int) -> str:
    """Return the register's name as people write it: ``STATUS``, ``RXDCTL[3]``."""
    return f"{reg.NAME}[{n}]" if reg.count > 1 else reg.NAME


class Bar:
    """Registers of one BAR of a door.

    Args:
        door: Where the registers are.
        index: Which BAR.
        alive: Its register that never reads all ones; without one, all ones are taken for a value.
        sleep: Waits so many seconds between two looks at a register; tests with a clock of their own replace it.
        clock: Seconds on the clock that ``sleep`` moves.

    Raises:
        OSError: The function does not have this BAR.
    """

    def __init__(
        self,
        door: Door,
        index: int = 0,
        alive: type[Register] | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.door = door
        self.index = index
        self.alive = alive
        self.mmio = door.bar_mmio(index)
        self.len_bytes = door.bar_len_bytes(index)
        self._sleep = sleep
        self._clock = clock
        self._rung_s = 0.0

    def wake_by(self, reg: type[Register]) -> None:
        """Name the register, in which a 0 changes nothing, that wakes a device before it would look at its doorbells.

        It matters where doorbells are shared memory: a store there wakes nobody.
        """
        compiled.mmio_wake_by(self.mmio, reg.offset(0))

    def before_doorbell(self) -> None:
        """After a pause the device may sleep: see that it hears of the next doorbell.  NAPI's loop does without."""
        now_s = time.monotonic()
        if now_s - self._rung_s > PAUSE_S:
            compiled.mmio_slept(self.mmio)
        self._rung_s = now_s

    def read(self, reg: type[R], n: int = 0) -> R:
        """Read ``reg[n]``.

        Raises:
            DeviceGone: The function no longer answers.
            OSError: The device refused this access.
            IndexError: There is no such instance.
        """
        return reg(self._read(reg.offset(n), lambda: name_of(reg, n)))

    def write(self, reg: type[R], value: int, n: int = 0) -> None:
        """Write ``reg[n]``; posted, so the device may not have seen it yet when this returns.

        Raises:
            DeviceGone: The function no longer answers (noticed on the write itself only by some doors).
            ValueError: The value does not fit.
            TypeError: It is a value of another register.
            IndexError: There is no such instance.
        """
        if isinstance(value, Register) and not isinstance(value, reg):
            raise TypeError(f"{name_of(reg, n)}: got a value of {value.NAME}")
        self._write(reg.offset(n), int(reg(value)), lambda: name_of(reg, n))

    def update(self, reg: type[R], n: int = 0, **fields: int) -> R:
        """Read ``reg[n]``, change the named fields, write it back.

        Returns:
            The value written.
        """
        value = self.read(reg, n).replace(**fields)
        self.write(reg, value, n)
        return value

    def wait(self, reg: type[R], n: int = 0, *, timeout_s: float, **fields: int) -> R:
        """Poll register ``reg[n]`` until every named field has its value.

        Args:
            reg: Register class from ``device.regs``.
            n: Instance, counted from 0.
            timeout_s: Seconds before giving up; the register is read at least once, and once more at the end.
            **fields: Field names and the values to wait for.

        Returns:
            The value that satisfied the wait.

        Raises:
            TimeoutError: Names the register, what was wanted and what was last read.
            ValueError: No such field, or a value that can never be seen in it.
        """
        mask = 0
        for name in fields:
            if name not in reg.FIELDS:
                raise ValueError(f"{reg.NAME} has no field {name}; it has {', '.join(reg.FIELDS) or 'none'}")
            mask |= reg.FIELDS[name].mask
        wanted = int(reg.of(**fields))
        deadline = self._clock() + timeout_s
        while True:
            late = self._clock() >= deadline
            value = self.read(reg, n)
            if int(value) & mask == wanted:
                return value
            if late:
                text = " ".join(f"{name}={number}" for name, number in fields.items())
                raise TimeoutError(
                    f"{self.door.name}: waited {timeout_s:g} s for {name_of(reg, n)} {text}, last read {value!r}"
                )
            self._sleep(POLL_S)

    def flush(self) -> None:
        """Make the device see every write before this returns: a read, of whatever, cannot overtake them."""
        if self.alive is not None:
            self.read(self.alive)
        else:
            self.read_offset(0)

    def read_offset(self, offset: int) -> int:
        """Read the dword at ``offset`` bytes, declared or not.

        Raises:
            DeviceGone: The function no longer answers.
            OSError: The device refused, or the offset is outside the BAR.
        """
        return self._read(offset, lambda: f"0x{offset:05x}")

    def write_offset(self, offset: int, value: int) -> None:
        """Write the dword at ``offset`` bytes, declared or not.

        Raises:
            DeviceGone: The function no longer answers.
            OSError: The device refused, or the offset is outside the BAR.
            ValueError: The value does not fit.
        """
        if not 0 <= value <= ALL_ONES:
            raise ValueError(f"0x{offset:05x}: {value:#x} does not fit in 32 bits")
        self._write(offset, value, lambda: f"0x{offset:05x}")

    def read_reads(self, reads: object) -> list[tuple[int, int]]:
        """For ``driver.core.read_list``: read these in order, in one burst where that is possible.

        Returns:
            Of each its value, and the errno (positive) if it failed.
        """
        return compiled.mmio_read_many(self.mmio, reads)

    def _read(self, offset: int, what: Callable[[], str]) -> int:
        value = compiled.mmio_read32(self.mmio, offset)
        if value == ALL_ONES:
            self._check(what)
            self._check_alive(what)
        return value

    def _write(self, offset: int, value: int, what: Callable[[], str]) -> None:
        compiled.mmio_write32(self.mmio, offset, value)
        self._check(what)

    # Raise for an access that failed.  A refusal is told once; a dead connection every time.
    def _check(self, what: Callable[[], str]) -> None:
        code = compiled.mmio_error(self.mmio)
        if code == 0:
            return
        if code not in GONE:
            compiled.mmio_error(self.mmio, clear=True)
        raise self.failure(code, what())

    def failure(self, code: int, what: str) -> DeviceGone | OSError:
        """What to raise for an access to ``what`` that ended with this errno."""
        if code in GONE:
            return gone(f"{self.door.name}: {what}", code, *compiled.mmio_unread(self.mmio))
        return OSError(code, f"{self.door.name}: BAR {self.index} {what}: {os.strerror(code)}")

    def _check_alive(self, what: Callable[[], str]) -> None:
        if self.has_left():
            raise self.left(what())

    def left(self, what: str) -> DeviceGone:
        """What to raise when ``what`` read all ones and the function has left the bus."""
        name = name_of(self.alive, 0) if self.alive is not None else "the rest"
        return DeviceGone(f"{self.door.name}: {what} and {name} read all ones: the function has left the bus")

    def has_left(self) -> bool:
        """Whether the register that never reads all ones does; False if nobody named one."""
        return self.alive is not None and all(
            compiled.mmio_read32(self.mmio, self.alive.offset()) == ALL_ONES for _ in range(ALIVE_TRIES)
        )
