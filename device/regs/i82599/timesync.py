# SPDX-License-Identifier: BSD-3-Clause
"""IEEE 1588 time: the clock, its adjustment, and time stamps.

Ref: 82599 datasheet, "Time Sync (IEEE 1588) Registers"; names as in Linux ixgbe.
"""

from enum import IntEnum

from device.regs.core import RO, Field, ReadOnly, Register, Storage
from device.regs.i82599.features import PTP_PINS


class TsyncType(IntEnum):
    """Which received frames are stamped."""

    L2_V2    = 0
    L4_V1    = 1
    L2_L4_V2 = 2
    ALL      = 4
    EVENT_V2 = 5


class RXMTRL(Register, at=0x05120):
    """Message type and UDP port of frames to stamp.  Ref: ixgbe."""

    CTRLT    = Field(7, 0)
    MSGT     = Field(15, 8)
    UDP_PORT = Field(31, 16, reset=0x319)  # Ref: libmoon, which found this and not 319 in real ones


class TSYNCRXCTL(Register, at=0x05188):
    """Rx time stamp control.  Ref: ixgbe."""

    VALID   = Field(0, access=RO)   # cleared when RXSTMPH is read
    TYPE    = Field(3, 1, values=TsyncType)
    ENABLED = Field(4)


class RXSATRL(ReadOnly, at=0x051A0):
    """Source of the stamped frame, low.  Ref: ixgbe."""


class RXSTMPH(ReadOnly, at=0x051A4):
    """Rx time stamp, high; reading frees the stamp.  Ref: ixgbe."""


class RXSATRH(ReadOnly, at=0x051A8):
    """Source and sequence of the stamped frame, high.  Ref: ixgbe."""


class RXSTMPL(ReadOnly, at=0x051E8):
    """Rx time stamp, low.  Ref: ixgbe."""


class TSYNCTXCTL(Register, at=0x08C00):
    """Tx time stamp control.  Ref: ixgbe."""

    VALID   = Field(0, access=RO)   # cleared when TXSTMPH is read
    ENABLED = Field(4)


class TXSTMPL(ReadOnly, at=0x08C04):
    """Tx time stamp, low.  Ref: ixgbe."""


class TXSTMPH(ReadOnly, at=0x08C08):
    """Tx time stamp, high; reading frees the stamp.  Ref: ixgbe."""


class SYSTIML(Storage, at=0x08C0C):
    """The clock, low.  Ref: ixgbe."""


class SYSTIMH(Storage, at=0x08C10):
    """The clock, high.  Ref: ixgbe."""


class TIMINCA(Register, at=0x08C14):
    """How much each tick of 6.4 ns (at 10G) adds to the clock.  Ref: ixgbe."""

    INCVALUE  = Field(23, 0)
    INCPERIOD = Field(31, 24)


class TIMADJL(Storage, at=0x08C18):
    """Clock offset, low.  Ref: ixgbe."""


class TIMADJH(Register, at=0x08C1C):
    """Clock offset, high; writing it moves the clock.  Ref: ixgbe.  Guess: when, and the sign."""

    OFFSET = Field(30, 0)
    MINUS  = Field(31)


class TSAUXC(Storage, at=0x08C20, stored=PTP_PINS):
    """Auxiliary control: pulses on pins.  Ref: ixgbe."""


class TRGTTIML0(Storage, at=0x08C24, stored=PTP_PINS, asks=False):
    """Target time 0, low.  Ref: ixgbe."""


class TRGTTIMH0(Storage, at=0x08C28, stored=PTP_PINS, asks=False):
    """Target time 0, high.  Ref: ixgbe."""


class TRGTTIML1(Storage, at=0x08C2C, stored=PTP_PINS, asks=False):
    """Target time 1, low.  Ref: ixgbe."""


class TRGTTIMH1(Storage, at=0x08C30, stored=PTP_PINS, asks=False):
    """Target time 1, high.  Ref: ixgbe."""


class FREQOUT0(Storage, at=0x08C34, stored=PTP_PINS, asks=False):
    """Frequency out 0.  Ref: ixgbe."""


class FREQOUT1(Storage, at=0x08C38, stored=PTP_PINS, asks=False):
    """Frequency out 1.  Ref: ixgbe."""


class AUXSTMPL0(ReadOnly, at=0x08C3C, stored=PTP_PINS):
    """Auxiliary time stamp 0, low.  Ref: ixgbe."""


class AUXSTMPH0(ReadOnly, at=0x08C40, stored=PTP_PINS):
    """Auxiliary time stamp 0, high.  Ref: ixgbe."""


class AUXSTMPL1(ReadOnly, at=0x08C44, stored=PTP_PINS):
    """Auxiliary time stamp 1, low.  Ref: ixgbe."""


class AUXSTMPH1(ReadOnly, at=0x08C48, stored=PTP_PINS):
    """Auxiliary time stamp 1, high.  Ref: ixgbe."""


class SYSTIMR(ReadOnly, at=0x08C58):
    """The clock's fraction.  Ref: ixgbe (later parts)."""


class TSICR(ReadOnly, at=0x08C60, stored=PTP_PINS):
    """Time sync causes.  Ref: ixgbe (later parts)."""


class TSIM(Storage, at=0x08C68, stored=PTP_PINS):
    """Time sync mask.  Ref: ixgbe (later parts)."""
