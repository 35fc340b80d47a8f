# SPDX-License-Identifier: BSD-3-Clause
"""The slave end of an I2C bus, as seen on its two wires. Knows nothing of registers or of SFP modules.

Both wires are open drain: a line is high only when nobody pulls it low. Our slaves never stretch the clock.
"""

from collections.abc import Callable
from typing import Protocol

PAGE_BYTES = 256
BYTE_BITS = 8


class I2cMemory(Protocol):
    """A slave with 256 byte registers behind one address."""

    def read(self, offset: int) -> int:
        """Value of the byte at ``offset``, 0..255."""

    def write(self, offset: int, value: int) -> None:
        """Take a byte."""


class I2cBus:
    """Every slave on the bus, as one state machine.

    Args:
        slave: Finds the memory behind an even bus address (0xA0 …); None: nobody answers.

    Attributes:
        deaf_every: A fault: every so manieth call of an address nobody answers; 0: it is as ``slave`` says.

    START is SDA falling while SCL is high, STOP is SDA rising while SCL is high. SDA is sampled when SCL rises; a
    slave changes SDA after SCL fell. A byte read is START, address, offset, START again, address + 1, data.

    Ref: NXP UM10204; SFF-8472 for the offset byte that follows the write address.
    """

    def __init__(self, slave: Callable[[int], I2cMemory | None]) -> None:
        self._slave = slave
        self.deaf_every = 0
        self._calls = 0
        self._offset: dict[int, int] = {}  # per slave: where the next byte comes from
        self.reset()

    def reset(self) -> None:
        """Both lines high, no transfer under way."""
        self._scl = 1
        self._line = 1  # SDA, everyone's pull taken together
        self._idle()

    def forget(self) -> None:
        """The slaves lost power: transfers and offsets are gone; the lines stay as the master drives them."""
        self._offset.clear()
        self._idle()

    def _idle(self) -> None:
        self._sda_out = 1
        self._step = self._ignore
        self._bits: list[int] = []
        self._address: int | None = None
        self._want_offset = False
        self._nack = 0

    def drive(self, *, scl: int, sda: int) -> int:
        """The master lets go of (1) or pulls (0) the lines; returns the level of SDA."""
        line = int(sda and self._sda_out)
        if scl and self._scl:
            if self._line and not line:
                self._start()
            elif line and not self._line:
                self._idle()
        elif scl:
            self._rise(line)
        elif self._scl:
            self._step()
        self._scl = scl
        self._line = int(sda and self._sda_out)
        return self._line

    def _start(self) -> None:
        self._idle()
        self._step = self._receive

    def _rise(self, line: int) -> None:
        if self._step == self._receive:
            self._bits.append(line)
        elif self._step == self._acked:
            self._nack = line

    # One of these runs each time SCL falls.

    def _ignore(self) -> None:
        """Not addressed: wait for START."""

    def _receive(self) -> None:
        if len(self._bits) < BYTE_BITS:
            return
        byte = int("".join(map(str, self._bits)), 2)
        self._bits = []
        if self._take(byte):
            self._sda_out = 0
            self._step = self._acking
        else:
            self._idle()

    def _acking(self) -> None:
        # The clock of our ACK is over.
        self._sda_out = 1
        if self._address is not None and self._address % 2:
            self._load()
        else:
            self._step = self._receive

    def _send(self) -> None:
        if self._bits:
            self._sda_out = self._bits.pop(0)
        else:
            self._sda_out = 1
            self._step = self._acked

    def _acked(self) -> None:
        if self._nack:
            self._idle()
        else:
            self._load()

    def _take(self, byte: int) -> bool:
        """Understand a received byte; False: no ACK."""
        if self._address is None:
            self._calls += 1
            is_deaf = self.deaf_every and self._calls % self.deaf_every == 0
            if is_deaf or self._slave(byte - byte % 2) is None:
                return False
            self._address = byte
            self._want_offset = not byte % 2
            return True
        slave = self._slave(self._address)
        if slave is None:
            return False
        if self._want_offset:
            self._offset[self._address] = byte
            self._want_offset = False
        else:
            slave.write(self._next_offset(self._address), byte)
        return True

    def _load(self) -> None:
        base = (self._address or 0) - 1
        slave = self._slave(base)
        if slave is None:
            self._idle()
            return
        self._bits = [int(bit) for bit in f"{slave.read(self._next_offset(base)):08b}"]
        self._step = self._send
        self._send()

    def _next_offset(self, base: int) -> int:
        offset = self._offset.get(base, 0)
        self._offset[base] = (offset + 1) % PAGE_BYTES
        return offset
