# SPDX-License-Identifier: BSD-3-Clause
"""EEPROM and flash access.

Ref: 82599 datasheet, "EEPROM/Flash Registers"; names as in Linux ixgbe.  The NVM belongs to the card, not to the
function: a software reset leaves these as they are (Guess, see each).
"""

from device.regs.core import RO, SC, Field, Register, Storage


class EEC(Register, at=0x10010, keep=True):
    """EEPROM control: SPI wires for bit-banging, presence and size.  Ref: ixgbe.  Guess: FWE reset value."""

    SK        = Field(0)                            # clock
    CS        = Field(1)                            # chip select, active low
    DI        = Field(2)                            # data to the EEPROM
    DO        = Field(3, access=RO)                 # data from the EEPROM
    FWE       = Field(5, 4, reset=1)                # flash write enable: 1 = disabled, 2 = enabled
    REQ       = Field(6)                            # software asks for the SPI wires
    GNT       = Field(7, access=RO)                 # follows REQ
    PRES      = Field(8, reset=1, access=RO)        # the chip found a valid image; 0 makes the driver read bit by bit
    ARD       = Field(9, reset=1, access=RO)        # auto-read done
    ADDR_SIZE = Field(10, reset=1, access=RO)       # 16-bit SPI addresses
    SIZE      = Field(14, 11, reset=7, access=RO)   # words = 1 << (SIZE + 6)


class EERD(Register, at=0x10014, keep=True):
    """EEPROM read: write address and START, poll DONE.  Ref: ixgbe."""

    START = Field(0, access=SC)             # read the word at ADDR
    DONE  = Field(1, reset=1, access=RO)    # DATA is there
    ADDR  = Field(15, 2)                    # word address
    DATA  = Field(31, 16, access=RO)        # the word


class EEWR(Register, at=0x10018, keep=True):
    """EEPROM write: same form as EERD.  Ref: ixgbe."""

    START = Field(0, access=SC)             # write DATA to ADDR
    DONE  = Field(1, reset=1, access=RO)    # the last write has ended
    ADDR  = Field(15, 2)                    # word address
    DATA  = Field(31, 16)                   # the word


class FLA(Storage, at=0x1001C, keep=True):
    """Flash access, only dumped.  Ref: ixgbe."""


class EEMNGCTL(Register, at=0x10110, access=RO, keep=True):
    """Firmware's EEPROM access; tells that configuration from EEPROM is done.  Guess: the two reset values."""

    CFG_DONE0 = Field(18, reset=1)
    CFG_DONE1 = Field(19, reset=1)


class EEMNGDATA(Storage, at=0x10114, keep=True):
    """Firmware's EEPROM data.  Ref: ixgbe (dump only)."""


class FLMNGCTL(Storage, at=0x10118, keep=True):
    """Firmware's flash control.  Ref: ixgbe (dump only)."""


class FLMNGDATA(Storage, at=0x1011C, keep=True):
    """Firmware's flash data.  Ref: ixgbe (dump only)."""


class FLMNGCNT(Storage, at=0x10120, keep=True):
    """Firmware's flash read counter.  Ref: ixgbe (dump only)."""


class FLOP(Storage, at=0x1013C, keep=True):
    """Flash opcodes.  Ref: ixgbe (dump only)."""


class GRC(Storage, at=0x10200, keep=True):
    """General receive control of the management block.  Ref: ixgbe (dump only)."""


class VPDDIAG(Storage, at=(0x10204, 0x10208), keep=True):
    """VPD diagnostics.  Ref: ixgbe.  Guess: storage."""
