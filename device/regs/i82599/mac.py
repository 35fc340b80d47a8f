# SPDX-License-Identifier: BSD-3-Clause
"""MAC, PCS and link.

Ref: 82599 datasheet, "MAC Registers"; names as in Linux ixgbe.
"""

from enum import IntEnum

from device.regs.core import RO, SC, Field, ReadOnly, Register, Storage


class Lms(IntEnum):
    """Link mode select."""

    LMS_1G_NO_AN        = 0
    LMS_10G_NO_AN       = 1
    LMS_1G_AN           = 2
    LMS_10G_SERIAL      = 3
    LMS_KX4_KX_KR       = 4
    LMS_SGMII_1G_100M   = 5
    LMS_KX4_KX_KR_1G_AN = 6
    LMS_KX4_KX_KR_SGMII = 7


class LinkSpeed(IntEnum):
    """Speed in LINKS."""

    NONE      = 0
    SPEED_100 = 1
    SPEED_1G  = 2
    SPEED_10G = 3


class Pma10gSerial(IntEnum):
    """10G serial PMA/PMD."""

    KR  = 0
    XFI = 1
    SFI = 2


class MdioOp(IntEnum):
    """MDIO operation."""

    ADDR         = 0
    WRITE        = 1
    READ_AUTOINC = 2
    READ         = 3


class PCS1GCFIG(Storage, at=0x04200):
    """1G PCS configuration.  Ref: ixgbe."""


class PCS1GLCTL(Storage, at=0x04208):
    """1G PCS link control.  Ref: ixgbe."""


class PCS1GLSTA(Register, at=0x0420C, access=RO):
    """1G PCS link status.  Ref: ixgbe, whose flow control asks for AN_COMPLETE."""

    LINK_OK      = Field(0)
    SYNC_OK      = Field(4)
    AN_COMPLETE  = Field(16)
    AN_PAGE_RX   = Field(17)
    AN_TIMED_OUT = Field(18)


class PCS1GDBG0(Storage, at=0x04210):
    """1G PCS debug 0.  Ref: ixgbe (dump only)."""


class PCS1GDBG1(Storage, at=0x04214):
    """1G PCS debug 1.  Ref: ixgbe (dump only)."""


class PCS1GANA(Storage, at=0x04218):
    """1G autonegotiation advertisement.  Ref: ixgbe."""


class PCS1GANLP(Register, at=0x0421C, access=RO):
    """1G autonegotiation: what the link partner advertises.  Ref: ixgbe; IEEE 802.3 clause 37."""

    FULL_DUPLEX = Field(5)
    HALF_DUPLEX = Field(6)
    SYM_PAUSE   = Field(7)
    ASM_PAUSE   = Field(8)
    FAULT       = Field(13, 12)
    ACK         = Field(14)
    NEXT_PAGE   = Field(15)


class PCS1GANNP(Storage, at=0x04220):
    """1G autonegotiation next page.  Ref: ixgbe (dump only)."""


class PCS1GANLPNP(ReadOnly, at=0x04224):
    """1G autonegotiation link partner next page.  Ref: ixgbe (dump only)."""


class HLREG0(Register, at=0x04240):
    """MAC core control.  Ref: ixgbe; other drivers for what is 1 after reset.  Guess: 0x08012C0B as a whole."""

    TXCRCEN      = Field(0, reset=1)    # the NIC puts the checksum behind frames
    RXCRCSTRP    = Field(1, reset=1)    # the NIC takes it off
    JUMBOEN      = Field(2)             # frames up to MAXFRS.MFS are taken in
    RESERVED3    = Field(3, reset=1)    # 1 after reset
    TXPADEN      = Field(10, reset=1)   # short frames are padded
    RESERVED11   = Field(11, reset=1)   # 1 after reset
    RESERVED13   = Field(13, reset=1)   # 1 after reset
    LPBK         = Field(15)            # frames come back into our own filters
    MDCSPD       = Field(16, reset=1)   # speed of the MDIO clock
    CONTMDC      = Field(17)            # the MDIO clock never stops
    CTRLFLTR     = Field(18)            # control frames go to the host too
    PREPEND      = Field(23, 20)        # bytes before each frame
    PRIPADEN     = Field(24)            # short frames are padded below a VLAN tag
    RXLNGTHERREN = Field(27, reset=1)   # frames of a wrong length are errors
    RXPADSTRIPEN = Field(28)            # padding is taken off


class HLREG1(ReadOnly, at=0x04244):
    """MAC core status.  Ref: ixgbe (dump only).  Guess: read-only."""


class PAP(Storage, at=0x04248):
    """Pause and pace.  Ref: ixgbe."""


class MACA(Storage, at=0x0424C):
    """MDIO autoscan address.  Ref: ixgbe (dump only)."""


class APAE(Storage, at=0x04250):
    """PHY address enable for autoscan.  Ref: ixgbe (dump only)."""


class ARD(Storage, at=0x04254):
    """Autoscan read data.  Ref: ixgbe (dump only)."""


class AIS(Storage, at=0x04258):
    """Autoscan interrupt status.  Ref: ixgbe (dump only)."""


class MSCA(Register, at=0x0425C):
    """MDIO command.  Ref: ixgbe."""

    NP_ADDR        = Field(15, 0)           # register
    DEV_TYPE       = Field(20, 16)          # MMD
    PHY_ADDR       = Field(25, 21)
    OP_CODE        = Field(27, 26, values=MdioOp)
    ST_CODE        = Field(29, 28)          # 0: clause 45
    MDI_COMMAND    = Field(30, access=SC)   # 1 starts it, 0 when done
    MDI_IN_PROG_EN = Field(31)


class MSRWD(Register, at=0x04260):
    """MDIO data.  Ref: ixgbe."""

    WRITE_DATA = Field(15, 0)
    READ_DATA  = Field(31, 16, access=RO)


class MLADD(Storage, at=0x04264):
    """MAC address, low.  Ref: ixgbe (dump only)."""


class MAXFRS(Register, at=0x04268):
    """Largest frame, FCS included; counts only with HLREG0.JUMBOEN.  Also called MHADD.  Ref: ixgbe."""

    MFS = Field(31, 16, reset=1518)     # longest frame that is taken in, in bytes, if HLREG0.JUMBOEN


class TREG(Storage, at=0x0426C):
    """Test register.  Ref: ixgbe (dump only)."""


class PCSS1(ReadOnly, at=0x04288):
    """XGXS status 1.  Ref: ixgbe."""


class PCSS2(ReadOnly, at=0x0428C):
    """XGXS status 2.  Ref: ixgbe."""


class XPCSS(ReadOnly, at=0x04290):
    """10GBASE-X PCS status.  Ref: ixgbe."""


class MFLCN(Register, at=0x04294):
    """MAC flow control.  Ref: ixgbe."""

    PMCF     = Field(0)         # pass MAC control frames
    DPF      = Field(1)         # discard pause frames
    RPFCE    = Field(2)         # obey priority pause
    RFCE     = Field(3)         # obey pause
    RPFCE_TC = Field(11, 4)     # classes that obey


class SERDESC(Storage, at=0x04298):
    """SerDes interface control.  Ref: ixgbe."""


class MACS(Storage, at=0x0429C):
    """FIFO status and control.  Ref: ixgbe."""


class AUTOC(Register, at=0x042A0):
    """Auto negotiation control: link mode.  Ref: ixgbe; datasheet for the finer bits.

    Guess: reset value; real cards load theirs from EEPROM.  It must not be 0.
    """

    FLU         = Field(0)                              # force link up
    ANACK2      = Field(1)                              # acknowledge 2 of clause 73
    ANSF        = Field(6, 2)                           # selector field of clause 73
    PMA_PMD_10G = Field(8, 7)                           # parallel
    PMA_PMD_1G  = Field(9)                              # 1G over which wires
    D10GMP      = Field(10)                             # 10G through the parallel interface
    RATD        = Field(11)                             # restart when the partner changes its mind
    AN_RESTART  = Field(12, access=SC)                  # negotiate anew, or bring the link up anew
    LMS         = Field(15, 13, reset=3, values=Lms)    # how the link is brought up
    KR_SUPP     = Field(16)                             # offers 10GBASE-KR
    FECR        = Field(17)                             # asks for error correction
    FECA        = Field(18)                             # is able to correct errors
    AN_RX_ALIGN = Field(22, 19)                         # alignment while negotiating
    AN_RX_DRIFT = Field(23)                             # clocks may drift while negotiating
    AN_RX_LOOSE = Field(24)                             # loose alignment while negotiating
    PD_TMR      = Field(26, 25)                         # how long parallel detection listens
    RF          = Field(27)                             # tells the partner of a fault
    SYM_PAUSE   = Field(28)                             # offers pauses both ways
    ASM_PAUSE   = Field(29)                             # offers pauses one way
    KX_SUPP     = Field(30)                             # offers 1000BASE-KX
    KX4_SUPP    = Field(31)                             # offers 10GBASE-KX4


class LINKS(Register, at=0x042A4, access=RO):
    """Link status.  Ref: ixgbe."""

    PCS_LOW  = Field(6, 0)                      # details of the lanes, not modelled
    NOT_DOWN = Field(7)                         # up, and never down since this register was read last
    PCS      = Field(27, 8)                     # details of the lanes, not modelled
    SPEED    = Field(29, 28, values=LinkSpeed)  # of the link
    UP       = Field(30)                        # there is a link
    AN_COMP  = Field(31)                        # negotiation has ended


class AUTOC2(Register, at=0x042A8):
    """Auto negotiation control 2: serial PMA, link disable.  Ref: ixgbe.  Guess: reset is SFI."""

    STORE                   = Field(15, 0)                                  # Guess: storage
    PMA_PMD_10G_SERIAL      = Field(17, 16, reset=2, values=Pma10gSerial)   # 10G over which serial interface
    STORE18                 = Field(27, 18)                                 # Guess: storage
    LINK_DISABLE_ON_D3      = Field(28)                                     # no link while the function sleeps
    LINK_DISABLE            = Field(29)                                     # no link
    LINK_DISABLE_ON_D3_MASK = Field(30)                                     # the same, for firmware
    STORE31                 = Field(31)                                     # Guess: storage


class AUTOC3(Storage, at=0x042AC):
    """Auto negotiation control 3.  Ref: ixgbe."""


class ANLP1(Register, at=0x042B0, access=RO):
    """Auto negotiation link partner; the driver waits for AN_STATE to leave 0.  Ref: ixgbe.  Guess: a constant."""

    LP       = Field(15, 0)             # what the partner offers
    AN_STATE = Field(19, 16, reset=1)   # where negotiation is; 0: it has not begun
    LP_HIGH  = Field(31, 20)            # more of what the partner offers


class ANLP2(ReadOnly, at=0x042B4):
    """Auto negotiation link partner 2.  Ref: ixgbe."""


class MDFTC1(Storage, at=0x042B8):
    """MAC debug FIFO control 1.  Ref: ixgbe (dump only)."""


class MDFTC2(Storage, at=0x042C0):
    """MAC debug FIFO control 2.  Ref: ixgbe (dump only)."""


class MDFTFIFO1(Storage, at=0x042C4):
    """MAC debug FIFO 1.  Ref: ixgbe (dump only)."""


class MDFTFIFO2(Storage, at=0x042C8):
    """MAC debug FIFO 2.  Ref: ixgbe (dump only)."""


class MDFTS(Storage, at=0x042CC):
    """MAC debug FIFO status.  Ref: ixgbe (dump only)."""


class MMNGC(Register, at=0x042D0, access=RO):
    """Management's word on the link: a veto keeps drivers from touching the PHY.  Ref: ixgbe."""

    MNG_VETO = Field(0)     # firmware forbids to touch the link


class ANLPNP1(ReadOnly, at=0x042D4):
    """Link partner next page 1.  Ref: ixgbe."""


class ANLPNP2(ReadOnly, at=0x042D8):
    """Link partner next page 2.  Ref: ixgbe."""


class KRPCSFC(Storage, at=0x042E0):
    """KR PCS and FEC control.  Ref: ixgbe."""


class KRPCSS(ReadOnly, at=0x042E4):
    """KR PCS status.  Ref: ixgbe."""


class FECS1(ReadOnly, at=0x042E8):
    """FEC status 1.  Ref: ixgbe."""


class FECS2(ReadOnly, at=0x042EC):
    """FEC status 2.  Ref: ixgbe."""


class SGMIIC(Storage, at=0x04314):
    """SGMII control.  Ref: ixgbe."""


class MPVC(Storage, at=0x04318):
    """MAC PHY vendor control.  Ref: ixgbe."""


class LINKS2(ReadOnly, at=0x04324):
    """Link status 2.  Ref: ixgbe."""


class MACC(Storage, at=0x04330):
    """MAC control.  Ref: ixgbe."""


class ATLASCTL(Storage, at=0x04800):
    """Analog control of the 82598.  Ref: ixgbe (dump only)."""


class SMADARCTL(Storage, at=0x14F10):
    """Serial MDIO address control.  Ref: ixgbe."""


class CORECTL(Storage, at=0x14F00):
    """Analog core access: the SFP init list goes here.  Ref: ixgbe."""
