# SPDX-License-Identifier: BSD-3-Clause
"""An SPI EEPROM (25-series part) as its four pins show it. Knows nothing of registers.

Bits travel most significant first; the part samples DI when SK rises and changes DO when SK falls. CS is active low.
"""

from collections.abc import Callable, Iterator
from enum import IntEnum


class Op(IntEnum):
    """Instructions. Parts with 8 address bits carry address bit 8 in bit 3 of READ and WRITE."""

    WRSR = 0x01
    WRITE = 0x02
    READ = 0x03
    WRDI = 0x04
    RDSR = 0x05
    WREN = 0x06


A8 = 0x08
STATUS_READY = 0x00
STATUS_WEL = 0x02  # write enable latch
STATUS_PROTECT = 0x04  # unit of the block protection field, bits 3:2: none, upper quarter, upper half, all
PROTECT_LEVELS = 4
PAGES = ((512, 16), (8192, 32), (32768, 64), (65536, 128))  # part size -> page, bytes
HEAD_BYTES_MAX = 3  # opcode and address


def bits_of(byte: int) -> list[int]:
    """Eight bits of a byte, most significant first."""
    return [int(bit) for bit in f"{byte:08b}"]


def byte_of(bits: list[int]) -> int:
    """The byte that these eight bits spell, most significant first."""
    return int("".join(map(str, bits)), 2)


class SpiEeprom:
    """The part's state machine.

    Args:
        memory: Its contents, read in place.
        store: Called with byte offset and value for each byte written.

    A write happens when CS rises, at once (a real part needs some ms, in which RDSR says busy), and only if it was
    enabled by WREN and ended on a whole byte. Addresses wrap inside a page when writing, at the end when reading.

    Ref: any 25LC/25AA series data sheet.
    """

    def __init__(self, memory: bytearray, store: Callable[[int, int], None]) -> None:
        self._memory = memory
        self._store = store
        self.address_bits = 16 if len(memory) > 512 else 8
        # Real parts of these sizes: 25xx040, 25xx640, 25xx256, 25xx512.
        self.page_bytes = next(page for up_to, page in PAGES if len(memory) <= up_to)
        self._protect = 0
        self._enabled = False
        self._selected = False
        self._sk = 0
        self._do = 0
        self._start()

    def _start(self) -> None:
        self._bits: list[int] = []
        self._in: list[int] = []  # opcode, address; for WRSR the value
        self._page: dict[int, int] = {}  # page latch of a WRITE: byte offset -> value
        self._written = 0  # bytes that went through the latch
        self._out: Iterator[int] | None = None
        self._do = 0

    def pins(self, *, cs: int, sk: int, di: int) -> int:
        """Drive the three inputs; returns DO (0 while the part does not drive it)."""
        if cs:
            if self._selected:
                self._selected = False
                self._finish()
                self._start()
        elif not self._selected:
            self._selected = True
            self._start()
        elif sk and not self._sk:
            self._rise(di)
        elif self._sk and not sk and self._out is not None:
            self._do = next(self._out)
        self._sk = sk
        return self._do

    def _rise(self, di: int) -> None:
        if self._out is not None:
            return
        self._bits.append(di)
        if len(self._bits) < 8:
            return
        byte = byte_of(self._bits)
        self._bits = []
        head = 1 + self.address_bits // 8
        if len(self._in) >= head and self._op() == Op.WRITE:
            self._latch(byte)
            return
        if len(self._in) <= HEAD_BYTES_MAX:
            self._in.append(byte)
        if self._in[0] == Op.RDSR:
            self._out = self._status()
        elif self._op() == Op.READ and len(self._in) == head:
            self._out = self._read(self._address())

    def _latch(self, byte: int) -> None:
        # More bytes than a page holds run over its first ones.
        at = self._address()
        start = at - at % self.page_bytes
        self._page[start + (at + self._written) % self.page_bytes] = byte
        self._written += 1

    def _op(self) -> int:
        op = self._in[0]
        return op - A8 if self.address_bits == 8 and op in {Op.READ + A8, Op.WRITE + A8} else op

    def _address(self) -> int:
        if self.address_bits == 16:
            return int.from_bytes(bytes(self._in[1:3]), "big") % len(self._memory)
        return (self._in[1] + 0x100 * (self._in[0] != self._op())) % len(self._memory)

    def _read(self, at: int) -> Iterator[int]:
        while True:
            yield from bits_of(self._memory[at])
            at = (at + 1) % len(self._memory)

    def _status(self) -> Iterator[int]:
        while True:
            yield from bits_of(STATUS_READY + self._enabled * STATUS_WEL + self._protect * STATUS_PROTECT)

    def _finish(self) -> None:
        # CS rose: instructions that change something do it now.
        if not self._in:
            return
        op = self._op()
        if op in {Op.WREN, Op.WRDI}:
            self._enabled = op == Op.WREN
        elif op in {Op.WRITE, Op.WRSR} and self._enabled:
            if not self._bits:
                self._commit(op)
            self._enabled = False

    def _commit(self, op: int) -> None:
        if op == Op.WRSR:
            if len(self._in) == 2:
                self._protect = self._in[1] // STATUS_PROTECT % PROTECT_LEVELS
            return
        size = len(self._memory)
        first_protected = (size, size - size // 4, size // 2, 0)[self._protect]
        for offset, value in self._page.items():
            if offset < first_protected:
                self._store(offset, value)

    def deselect(self) -> None:
        """Let go of the part without finishing an instruction (reset in the middle)."""
        self._selected = False
        self._start()
