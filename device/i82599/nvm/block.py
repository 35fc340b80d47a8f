# SPDX-License-Identifier: BSD-3-Clause
"""The NVM as the driver reaches it: EERD, EEWR, bit-banged SPI through EEC; and what the chip itself loads from it.

Owns EEC, EERD, EEWR and puts the station address into RAL0/RAH0 at each reset. Images are made in
device/i82599/nvm/image.py, the SPI part is device/i82599/nvm/spi.py; device/i82599/card.py puts them in.
"""

from collections.abc import Callable
from typing import Protocol

from device.i82599.block import Block
from device.machine.regfile import RegFile, on_write
from device.regs.i82599 import EEC, EERD, EEWR, RAH, RAL

EMPTY = 0xFFFF  # what is read where there is nothing
MAC_BYTES = 6


class Contents(Protocol):
    """The words of an image."""

    data: bytearray

    @property
    def size_code(self) -> int:
        """EEC.SIZE."""

    @property
    def has_signature(self) -> bool:
        """Whether the chip believes that an EEPROM is there."""

    def read(self, word: int) -> int:
        """Word at address ``word``; 0xFFFF beyond the image."""

    def write(self, word: int, value: int) -> bool:
        """Store a word; beyond the image nothing happens (False)."""

    def write_byte(self, offset: int, value: int) -> None:
        """Store one byte."""

    def mac(self, port: int) -> bytes | None:
        """Address of a port, if the image has one."""


class SpiPart(Protocol):
    """The EEPROM behind the SPI pins."""

    @property
    def address_bits(self) -> int:
        """8 or 16."""

    def pins(self, *, cs: int, sk: int, di: int) -> int:
        """Drive the inputs; returns DO."""

    def deselect(self) -> None:
        """Drop an instruction that is under way."""


class Nvm(Block):
    """EEPROM access.

    Args:
        regs: The function's registers.
        image: Contents; guest writes change it in place; files are the caller's business.
        spi: Makes the SPI part from a memory and a function that stores a byte (offset, value).
        default_mac: Our address if the image has no place for one.
        port: Which of the card's two ports we are, 0 or 1: decides which address is ours.
    """

    registers = (EEC, EERD, EEWR)

    def __init__(
        self,
        regs: RegFile,
        image: Contents,
        spi: Callable[[bytearray, Callable[[int, int], None]], SpiPart],
        *,
        default_mac: bytes,
        port: int = 0,
    ) -> None:
        self.regs = regs
        self.image = image
        self.port = port
        self.writes = 0  # words (EEWR) and bytes (SPI) that guests wrote
        self.absent = False  # a fault: there is no such part
        self._default_mac = default_mac
        self._spi = spi(image.data, self._store_byte)

    @property
    def mac(self) -> bytes:
        """The address the image gives our port."""
        return self.image.mac(self.port) or self._default_mac

    def reset(self, *, software: bool) -> None:
        """Load what the chip loads by itself: presence, size, and the station address with its valid bit.

        Ref: ixgbe takes the permanent address from RAL0/RAH0 after reset.
        """
        if not software:
            self._spi.deselect()
        self.regs.update(
            EEC,
            PRES=int(self.image.has_signature and not self.absent),
            ADDR_SIZE=int(self._spi.address_bits == 16),
            SIZE=self.image.size_code,
        )
        mac = bytes(MAC_BYTES) if self.absent else self.mac
        self.regs.put(RAL, 0, RAL.of(VALUE=int.from_bytes(mac[:4], "little")))
        self.regs.put(RAH, 0, RAH.of(RAH=int.from_bytes(mac[4:], "little"), AV=int(not self.absent)))

    def set_absent(self, *, absent: bool) -> None:
        """A fault: the part is not there, or is there again.  The address stays what it was until the next reset.

        Guess: the SPI wire that nobody drives reads 0, and EERD all ones.
        """
        self.absent = absent
        self._spi.deselect()
        self.regs.update(EEC, PRES=int(self.image.has_signature and not absent), DO=0)

    def _store_byte(self, offset: int, value: int) -> None:
        self.writes += 1
        self.image.write_byte(offset, value)

    @on_write(EERD)
    def read_word(self, _n: int, _old: EERD, new: EERD, written: EERD) -> None:
        """Answer at once; beyond the image there is nothing but ones."""
        if written.START:
            self.regs.put(EERD, 0, new.replace(DONE=1, DATA=EMPTY if self.absent else self.image.read(new.ADDR)))

    @on_write(EEWR)
    def write_word(self, _n: int, _old: EEWR, new: EEWR, written: EEWR) -> None:
        """Store at once."""
        if written.START:
            self.writes += int(not self.absent and self.image.write(new.ADDR, new.DATA))
            self.regs.put(EEWR, 0, new.replace(DONE=1))

    @on_write(EEC)
    def bit_bang(self, _n: int, _old: EEC, new: EEC, _written: EEC) -> None:
        """Grant what is asked for; the SPI pins reach the part only under a grant."""
        selected = new.REQ and not self.absent
        level = self._spi.pins(cs=new.CS if selected else 1, sk=new.SK, di=new.DI)
        self.regs.put(EEC, 0, new.replace(GNT=new.REQ, DO=level))
