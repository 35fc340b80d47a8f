# SPDX-License-Identifier: BSD-3-Clause
"""The security blocks every frame passes (here with crypto off); IPsec and MACsec, which are stored and not obeyed.

Ref: 82599 datasheet, "Security Registers", "LinkSec Registers", "IPsec Registers"; names as in Linux ixgbe.
Guess: MACsec's counters stick when full, as statistics do.
"""

from enum import IntEnum

from device.regs.core import RO, SC, Counter, Field, ReadOnly, Register, Storage, every
from device.regs.i82599.features import IPSEC, MACSEC, TX_HALT


class IpsecTable(IntEnum):
    """Which Rx table IPSRXIDX reaches."""

    NONE = 0
    IP   = 1
    SPI  = 2
    KEY  = 3


class SECTXCTRL(Register, at=0x08800):
    """Security Tx control.  Ref: ixgbe; FreeBSD and DPDK, which write 0 and take DIS = 1 for a part without crypto."""

    SECTX_DIS     = Field(0, reset=1, access=RO)
    TX_DIS        = Field(1, stored=TX_HALT)
    STORE_FORWARD = Field(2)


class SECTXSTAT(Register, at=0x08804, access=RO):
    """Security Tx status.  OFF_DIS = 1 says there is no crypto, which spares drivers scrubbing tables.  Ref: ixgbe."""

    SECTX_RDY     = Field(0, reset=1)   # the transmit path is paused
    SECTX_OFF_DIS = Field(1, reset=1)   # no crypto engine
    ECC_TXERR     = Field(2)            # its memory had an error


class SECTXBUFFAF(Register, at=0x08808):
    """Security Tx buffer almost full threshold.  Ref: ixgbe."""

    FULLTHRESH = Field(9, 0, reset=0x250)


class SECTXMINIFG(Register, at=0x08810):
    """Security Tx minimal inter-frame gap.  Ref: ixgbe.  Guess: reset value."""

    MINSECIFG = Field(3, 0, reset=1)
    MRKINSERT = Field(12, 8)    # DCB mode sets a flag here


class IPSTXIDX(Register, at=0x08900):
    """IPsec Tx table access.  Ref: ixgbe."""

    EN    = Field(0, stored=IPSEC)
    IDX   = Field(12, 3)
    READ  = Field(30, access=SC)
    WRITE = Field(31, access=SC)


class IPSTXSALT(Storage, at=0x08904, stored=IPSEC):
    """IPsec Tx salt.  Ref: ixgbe."""


class IPSTXKEY(Storage, at=every(0x08908, 4, 4), stored=IPSEC):
    """IPsec Tx key.  Ref: ixgbe."""


class LSECTXCAP(ReadOnly, at=0x08A00, stored=MACSEC):
    """MACsec Tx capabilities: none.  Ref: ixgbe."""


class LSECTXCTRL(Storage, at=0x08A04, stored=MACSEC):
    """MACsec Tx control.  Ref: ixgbe."""


class LSECTXSCL(Storage, at=0x08A08, stored=MACSEC):
    """MACsec Tx channel id, low.  Ref: ixgbe."""


class LSECTXSCH(Storage, at=0x08A0C, stored=MACSEC):
    """MACsec Tx channel id, high.  Ref: ixgbe."""


class LSECTXSA(Storage, at=0x08A10, stored=MACSEC):
    """MACsec Tx association.  Ref: ixgbe."""


class LSECTXPN(Storage, at=every(0x08A14, 4, 2), stored=MACSEC):
    """MACsec Tx packet numbers.  Ref: ixgbe."""


class LSECTXKEY0(Storage, at=every(0x08A1C, 4, 4), stored=MACSEC):
    """MACsec Tx key 0.  Ref: ixgbe."""


class LSECTXKEY1(Storage, at=every(0x08A2C, 4, 4), stored=MACSEC):
    """MACsec Tx key 1.  Ref: ixgbe."""


class LSECTXUT(Counter, at=0x08A3C, stored=MACSEC):
    """MACsec: frames sent without tag.  Ref: ixgbe."""


class LSECTXPKTE(Counter, at=0x08A40, stored=MACSEC):
    """MACsec: frames encrypted.  Ref: ixgbe."""


class LSECTXPKTP(Counter, at=0x08A44, stored=MACSEC):
    """MACsec: frames protected.  Ref: ixgbe."""


class LSECTXOCTE(Counter, at=0x08A48, stored=MACSEC):
    """MACsec: octets encrypted.  Ref: ixgbe."""


class LSECTXOCTP(Counter, at=0x08A4C, stored=MACSEC):
    """MACsec: octets protected.  Ref: ixgbe."""


class SECRXCTRL(Register, at=0x08D00):
    """Security Rx control.  Ref: ixgbe; FreeBSD and DPDK, which write 0 and take DIS = 1 for a part without crypto."""

    SECRX_DIS = Field(0, reset=1, access=RO)    # no crypto engine
    RX_DIS    = Field(1)                        # pause the receive path


class SECRXSTAT(Register, at=0x08D04, access=RO):
    """Security Rx status; RDY must be 1 while SECRXCTRL.RX_DIS is.  Ref: ixgbe."""

    SECRX_RDY     = Field(0, reset=1)   # the receive path is paused
    SECRX_OFF_DIS = Field(1, reset=1)   # no crypto engine
    ECC_RXERR     = Field(2)            # its memory had an error


class IPSRXIDX(Register, at=0x08E00):
    """IPsec Rx table access.  Ref: ixgbe."""

    EN    = Field(0, stored=IPSEC)
    TABLE = Field(2, 1, values=IpsecTable)
    IDX   = Field(12, 3)
    READ  = Field(30, access=SC)
    WRITE = Field(31, access=SC)


class IPSRXIPADDR(Storage, at=every(0x08E04, 4, 4), stored=IPSEC):
    """IPsec Rx address.  Ref: ixgbe."""


class IPSRXSPI(Storage, at=0x08E14, stored=IPSEC):
    """IPsec Rx security parameter index.  Ref: ixgbe."""


class IPSRXIPIDX(Storage, at=0x08E18, stored=IPSEC):
    """IPsec Rx address index.  Ref: ixgbe."""


class IPSRXKEY(Storage, at=every(0x08E1C, 4, 4), stored=IPSEC):
    """IPsec Rx key.  Ref: ixgbe."""


class IPSRXSALT(Storage, at=0x08E2C, stored=IPSEC):
    """IPsec Rx salt.  Ref: ixgbe."""


class IPSRXMOD(Storage, at=0x08E30, stored=IPSEC):
    """IPsec Rx mode.  Ref: ixgbe."""


class LSECRXCAP(ReadOnly, at=0x08F00, stored=MACSEC):
    """MACsec Rx capabilities: none.  Ref: ixgbe."""


class LSECRXCTRL(Storage, at=0x08F04, stored=MACSEC):
    """MACsec Rx control.  Ref: ixgbe."""


class LSECRXSCL(Storage, at=0x08F08, stored=MACSEC):
    """MACsec Rx channel id, low.  Ref: ixgbe."""


class LSECRXSCH(Storage, at=0x08F0C, stored=MACSEC):
    """MACsec Rx channel id, high.  Ref: ixgbe."""


class LSECRXSA(Storage, at=every(0x08F10, 4, 2), stored=MACSEC):
    """MACsec Rx associations.  Ref: ixgbe."""


class LSECRXPN(Storage, at=every(0x08F18, 4, 2), stored=MACSEC):
    """MACsec Rx packet numbers.  Ref: ixgbe."""


class LSECRXKEY(Storage, at=every(0x08F20, 4, 8), stored=MACSEC):
    """MACsec Rx keys: words 0 to 3 of association 0, then of 1.  Ref: ixgbe."""


class LSECRXUT(Counter, at=0x08F40, stored=MACSEC):
    """MACsec: frames received without tag.  Ref: ixgbe."""


class LSECRXOCTD(Counter, at=0x08F44, stored=MACSEC):
    """MACsec: octets decrypted.  Ref: ixgbe."""


class LSECRXOCTV(Counter, at=0x08F48, stored=MACSEC):
    """MACsec: octets validated.  Ref: ixgbe."""


class LSECRXBAD(Counter, at=0x08F4C, stored=MACSEC):
    """MACsec: frames with a bad tag.  Ref: ixgbe."""


class LSECRXNOSCI(Counter, at=0x08F50, stored=MACSEC):
    """MACsec: frames without channel id.  Ref: ixgbe."""


class LSECRXUNSCI(Counter, at=0x08F54, stored=MACSEC):
    """MACsec: frames of an unknown channel.  Ref: ixgbe."""


class LSECRXUNCH(Counter, at=0x08F58, stored=MACSEC):
    """MACsec: unchecked frames.  Ref: ixgbe."""


class LSECRXDELAY(Counter, at=0x08F5C, stored=MACSEC):
    """MACsec: delayed frames.  Ref: ixgbe."""


class LSECRXLATE(Counter, at=0x08F60, stored=MACSEC):
    """MACsec: late frames.  Ref: ixgbe."""


class LSECRXOK(Counter, at=every(0x08F64, 4, 2), stored=MACSEC):
    """MACsec: good frames per association.  Ref: ixgbe."""


class LSECRXINV(Counter, at=every(0x08F6C, 4, 2), stored=MACSEC):
    """MACsec: invalid frames per association.  Ref: ixgbe."""


class LSECRXNV(Counter, at=every(0x08F74, 4, 2), stored=MACSEC):
    """MACsec: not valid frames per association.  Ref: ixgbe."""


class LSECRXUNSA(Counter, at=0x08F7C, stored=MACSEC):
    """MACsec: frames of an unused association.  Ref: ixgbe."""


class LSECRXNUSA(Counter, at=0x08F80, stored=MACSEC):
    """MACsec: frames not using an association.  Ref: ixgbe."""
