# SPDX-License-Identifier: BSD-3-Clause
"""BAR0 of a virtual function: 16 KiB of its own, with windows onto the PF's queues of its pool.

Ref: Linux ixgbevf; 82599 datasheet, "Virtualization VF Registers".
"""

from device.regs.core import (
    RC,
    RCW1C,
    RO,
    SC,
    W1C,
    W1S,
    WO,
    WRAPS,
    Field,
    Found,
    Monotonic,
    ReadOnly,
    Register,
    Storage,
    every,
    index,
)
from device.regs.i82599.mac import LinkSpeed
from device.regs.i82599.rx import DescType, MaxDesc

BAR0_BYTES = 0x4000


class _Vectors(Register):
    """Base: a bit per vector."""

    VECTORS = Field(2, 0)


class _IvarPair(Register):
    """Base: four vectors, as in IVAR."""

    RX0       = Field(1, 0)
    RX0_VALID = Field(7)
    TX0       = Field(9, 8)
    TX0_VALID = Field(15)
    RX1       = Field(17, 16)
    RX1_VALID = Field(23)
    TX1       = Field(25, 24)
    TX1_VALID = Field(31)


class VFCTRL(Register, at=0x0000):
    """VF control.  Ref: ixgbevf."""

    RST = Field(26, access=SC)      # resets this VF only


class VFSTATUS(Register, at=0x0008, access=RO):
    """VF status.  Ref: ixgbevf."""

    LAN_ID = Field(3, 2)
    GIO    = Field(19, reset=1)


class VFLINKS(Register, at=0x0010, access=RO):
    """Link status, as LINKS.  Ref: ixgbevf."""

    SPEED = Field(29, 28, values=LinkSpeed)
    UP    = Field(30)


class VFFRTIMER(ReadOnly, at=0x0048):
    """Free-running timer.  Ref: ixgbevf."""


class VTEICR(_Vectors, at=0x0100, access=RCW1C):
    """Causes.  Ref: ixgbevf."""


class VTEICS(_Vectors, at=0x0104, access=W1S):
    """Cause set.  Ref: ixgbevf."""


class VTEIMS(_Vectors, at=0x0108, access=W1S):
    """Mask set.  Ref: ixgbevf."""


class VTEIMC(_Vectors, at=0x010C, access=W1C):
    """Mask clear.  Ref: ixgbevf."""


class VTEIAC(_Vectors, at=0x0110):
    """Auto-clear.  Ref: ixgbevf."""


class VTEIAM(_Vectors, at=0x0114):
    """Auto-mask.  Ref: ixgbevf."""


class VTIVAR(_IvarPair, at=every(0x0120, 4, 4)):
    """Vectors of queues 2n and 2n + 1.  Ref: ixgbevf."""


class VTIVAR_MISC(Register, at=0x0140):
    """Vector of the mailbox.  Ref: ixgbevf."""

    OTHER       = Field(1, 0)
    OTHER_VALID = Field(7)


class VTRSCINT(Storage, at=every(0x0180, 4, 3)):
    """RSC interrupt delay.  Ref: ixgbevf.  Guess: count."""


class VFMBMEM(Storage, at=every(0x0200, 4, 16)):
    """Mailbox memory, shared with PFMBMEM.  Ref: ixgbevf."""


class VFMAILBOX(Register, at=0x02FC):
    """Mailbox control.  Ref: ixgbevf."""

    REQ   = Field(0, access=WO)     # a message is ready for the PF
    ACK   = Field(1, access=WO)     # the PF's message was read
    VFU   = Field(2)                # the VF holds the memory
    PFU   = Field(3, access=RO)     # the PF holds the memory
    PFSTS = Field(4, access=RC)     # the PF wrote a message
    PFACK = Field(5, access=RC)     # the PF read ours
    RSTI  = Field(6, access=RO)     # the PF is being reset
    RSTD  = Field(7, access=RC)     # the PF is done with it


class VFPSRTYPE(Register, at=0x0300):
    """Packet split type; RQPL is log2 of the RSS queues.  Ref: ixgbevf."""

    STORE = Field(28, 0)            # Guess: storage
    RQPL  = Field(31, 29)


class VTEITR(Register, at=every(0x0820, 4, 3)):
    """Moderation.  Ref: ixgbevf.  Guess: count."""

    ITR_INTERVAL = Field(11, 3)     # 2 us units
    LLI_MOD      = Field(15)
    LLI_CREDIT   = Field(20, 16)
    ITR_COUNTER  = Field(27, 21)
    CNT_WDIS     = Field(31, access=WO)


class VFRDBAL(Register, at=every(0x1000, 0x40, 8)):
    """Rx ring base, low half.  Ref: ixgbevf."""

    BASE = Field(31, 7)


class VFRDBAH(Storage, at=every(0x1004, 0x40, 8)):
    """Rx ring base, high half.  Ref: ixgbevf."""


class VFRDLEN(Register, at=every(0x1008, 0x40, 8)):
    """Rx ring length, bytes.  Ref: ixgbevf."""

    LEN = Field(19, 7)


class VFDCA_RXCTRL(Storage, at=every(0x100C, 0x40, 8)):
    """Cache hints, Rx.  Ref: ixgbevf."""


class VFRDH(Register, at=every(0x1010, 0x40, 8)):
    """Rx head.  Ref: ixgbevf."""

    RDH = Field(15, 0)


class VFSRRCTL(Register, at=every(0x1014, 0x40, 8)):
    """Split and replication receive control.  Ref: ixgbevf."""

    BSIZEPACKET = Field(4, 0)
    BSIZEHEADER = Field(13, 8)
    RDMTS       = Field(24, 22)
    DESCTYPE    = Field(27, 25, values=DescType)
    DROP_EN     = Field(28)


class VFRDT(Register, at=every(0x1018, 0x40, 8)):
    """Rx tail.  Ref: ixgbevf."""

    RDT = Field(15, 0)


class VFGPRC(Monotonic, at=0x101C):
    """Frames received, monotonic.  Ref: ixgbevf."""


class VFGORC_LSB(Monotonic, at=0x1020, pair="VFGORC_MSB"):
    """Octets received, monotonic, low half.  Ref: ixgbevf."""


class VFGORC_MSB(Register, at=0x1024, pair="VFGORC_LSB", access=RO, full=WRAPS):
    """Octets received, monotonic, bits 35:32.  Ref: ixgbevf."""

    VALUE = Field(3, 0)


class VFRXDCTL(Register, at=every(0x1028, 0x40, 8)):
    """Rx descriptor control.  Ref: ixgbevf."""

    ENABLE = Field(25)
    SWFLSH = Field(26)
    VME    = Field(30)


class VFRSCCTL(Register, at=every(0x102C, 0x40, 8)):
    """Receive side coalescing.  Ref: ixgbevf."""

    RSCEN   = Field(0)
    MAXDESC = Field(3, 2, values=MaxDesc)


class VFMPRC(Monotonic, at=0x1034):
    """Multicast frames received, monotonic.  Ref: ixgbevf."""


class VFTDBAL(Register, at=every(0x2000, 0x40, 8)):
    """Tx ring base, low half.  Ref: ixgbevf."""

    BASE = Field(31, 7)


class VFTDBAH(Storage, at=every(0x2004, 0x40, 8)):
    """Tx ring base, high half.  Ref: ixgbevf."""


class VFTDLEN(Register, at=every(0x2008, 0x40, 8)):
    """Tx ring length, bytes.  Ref: ixgbevf."""

    LEN = Field(19, 7)


class VFDCA_TXCTRL(Storage, at=every(0x200C, 0x40, 8)):
    """Cache hints, Tx.  Ref: ixgbevf."""


class VFTDH(Register, at=every(0x2010, 0x40, 8)):
    """Tx head.  Ref: ixgbevf."""

    TDH = Field(15, 0)


class VFTDT(Register, at=every(0x2018, 0x40, 8)):
    """Tx tail.  Ref: ixgbevf."""

    TDT = Field(15, 0)


class VFGPTC(Monotonic, at=0x201C):
    """Frames sent, monotonic.  Ref: ixgbevf."""


class VFGOTC_LSB(Monotonic, at=0x2020, pair="VFGOTC_MSB"):
    """Octets sent, monotonic, low half.  Ref: ixgbevf."""


class VFGOTC_MSB(Register, at=0x2024, pair="VFGOTC_LSB", access=RO, full=WRAPS):
    """Octets sent, monotonic, bits 35:32.  Ref: ixgbevf."""

    VALUE = Field(3, 0)


class VFTXDCTL(Register, at=every(0x2028, 0x40, 8)):
    """Tx descriptor control.  Ref: ixgbevf."""

    PTHRESH = Field(6, 0)
    HTHRESH = Field(14, 8)
    WTHRESH = Field(22, 16)
    ENABLE  = Field(25)
    SWFLSH  = Field(26)


class VFTDWBAL(Register, at=every(0x2038, 0x40, 8)):
    """Head write-back address, low half.  Ref: ixgbevf."""

    HEAD_WB_EN   = Field(0)
    SEQNUM_WB_EN = Field(1)
    ADDR         = Field(31, 2)


class VFTDWBAH(Storage, at=every(0x203C, 0x40, 8)):
    """Head write-back address, high half.  Ref: ixgbevf."""


class VFMRQC(Storage, at=0x3000):
    """RSS of the VF itself: later parts only.  Ref: ixgbevf."""


class VFRSSRK(Storage, at=every(0x3100, 4, 10)):
    """RSS key of the VF itself: later parts only.  Ref: ixgbevf."""


class VFRETA(Storage, at=every(0x3200, 4, 16)):
    """RSS table of the VF itself: later parts only.  Ref: ixgbevf."""


ALL: tuple[type[Register], ...] = tuple(
    item
    for item in list(globals().values())
    if isinstance(item, type) and issubclass(item, Register) and item.__module__ == __name__ and item.AT
)
_INDEX = index(ALL, BAR0_BYTES)


def lookup(offset: int) -> Found | None:
    """Which register is at a byte offset of a VF's BAR0: (class, instance, False), or None."""
    return _INDEX.get(offset)
