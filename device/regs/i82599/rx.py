# SPDX-License-Identifier: BSD-3-Clause
"""Receive: queues, DMA, packet buffers, flow control, checksum control.

Ref: 82599 datasheet, "Receive Registers", "Receive DMA Registers", "Flow Control Registers"; names as in Linux ixgbe.
"""

from enum import IntEnum

from device.regs.core import RO, WO, Field, ReadOnly, Register, Storage, every
from device.regs.i82599.features import DCA, RX_WEIGHTS


class DescType(IntEnum):
    """How a queue's descriptors look and its frames are split."""

    LEGACY           = 0
    ADV_ONEBUF       = 1
    HDR_SPLIT        = 2
    HDR_SPLIT_ALWAYS = 5


class MaxDesc(IntEnum):
    """Descriptors one RSC may use."""

    MAXDESC_1  = 0
    MAXDESC_4  = 1
    MAXDESC_8  = 2
    MAXDESC_16 = 3


class RDBAL(Register, at=every(0x01000, 0x40, 64) + every(0x0D000, 0x40, 64)):
    """Rx ring base, low half, 128-byte aligned.  Ref: ixgbe."""

    BASE = Field(31, 7)     # bits 31:7 of the address of the ring


class RDBAH(Storage, at=every(0x01004, 0x40, 64) + every(0x0D004, 0x40, 64)):
    """Rx ring base, high half.  Ref: ixgbe."""


class RDLEN(Register, at=every(0x01008, 0x40, 64) + every(0x0D008, 0x40, 64)):
    """Rx ring length: the register's value is bytes, a multiple of 128.  Ref: ixgbe."""

    LEN = Field(19, 7)  # units of 128 bytes = 8 descriptors


class DCA_RXCTRL(Register, at=every(0x0100C, 0x40, 64) + every(0x0D00C, 0x40, 64), alias=every(0x02200, 4, 16)):
    """Cache hints and ordering of one Rx queue.  Ref: ixgbe; datasheet for what is 1 after reset."""

    DESC_DCA_EN = Field(5, stored=DCA)  # descriptors go into the cache
    HEAD_DCA_EN = Field(6, stored=DCA)  # headers go into the cache
    DATA_DCA_EN = Field(7, stored=DCA)  # payload goes into the cache
    DESC_RRO_EN = Field(9, reset=1)     # descriptor reads may be reordered
    BIT12       = Field(12, reset=1)    # comes up as 1, software must clear it
    DATA_WRO_EN = Field(13, reset=1)    # payload writes may be reordered
    HEAD_WRO_EN = Field(15, reset=1)    # header writes may be reordered
    CPUID       = Field(31, 24)         # whose cache


class RDH(Register, at=every(0x01010, 0x40, 64) + every(0x0D010, 0x40, 64)):
    """Rx head: the descriptor that hardware uses next.  Drivers only write 0.  Ref: ixgbe."""

    RDH = Field(15, 0)  # the descriptor that the NIC fills next


class SRRCTL(Register, at=every(0x01014, 0x40, 64) + every(0x0D014, 0x40, 64), alias=every(0x02100, 4, 16)):
    """Split and replication receive control, one per Rx queue; 0..15 answer at the 82598 address too.

    Ref: ixgbe; datasheet for what is there after reset: drivers that set only DESCTYPE and DROP_EN receive by it.
    """

    BSIZEPACKET = Field(4, 0, reset=2)              # packet buffer, KiB
    BSIZEHEADER = Field(13, 8, reset=4)             # header buffer, 64-byte units
    RDMTS       = Field(24, 22)                     # threshold of free descriptors
    DESCTYPE    = Field(27, 25, values=DescType)    # layout of descriptors
    DROP_EN     = Field(28)                         # ring empty: drop, do not fill the packet buffer


class RDT(Register, at=every(0x01018, 0x40, 64) + every(0x0D018, 0x40, 64)):
    """Rx tail: first descriptor that is not hardware's.  Not clamped to the ring.  Ref: ixgbe."""

    RDT = Field(15, 0)  # the first descriptor that is not the NIC's; writing it gives those before


class RXDCTL(Register, at=every(0x01028, 0x40, 64) + every(0x0D028, 0x40, 64)):
    """Rx descriptor control: queue on and off.  Ref: ixgbe."""

    RLPML    = Field(14, 0)     # long packet limit; without function on the 82599
    RLPML_EN = Field(15)        # frames longer than RLPML are dropped
    ENABLE   = Field(25)        # reads back 1 when the queue is on, 0 when it is quiet
    SWFLSH   = Field(26)        # write back descriptors now
    VME      = Field(30)        # strip the VLAN tag


class RSCCTL(Register, at=every(0x0102C, 0x40, 64) + every(0x0D02C, 0x40, 64)):
    """Receive side coalescing of one queue.  Ref: ixgbe."""

    RSCEN   = Field(0)
    MAXDESC = Field(3, 2, values=MaxDesc)


class RTRPT4C(Storage, at=every(0x02140, 4, 8), stored=RX_WEIGHTS, asks=False):
    """Credits of an Rx class.  Ref: ixgbe."""


class RTRPT4S(ReadOnly, at=every(0x02160, 4, 8)):
    """DCB Rx packet plane T4 status.  Ref: ixgbe."""


class RQSMR(Register, at=every(0x02300, 4, 32)):
    """Statistics index of four Rx queues, 4n to 4n + 3.  Ref: ixgbe."""

    MAP0 = Field(3, 0)
    MAP1 = Field(11, 8)
    MAP2 = Field(19, 16)
    MAP3 = Field(27, 24)


class RTRPCS(Register, at=0x02430):
    """DCB Rx packet plane control.  Ref: ixgbe."""

    RRM  = Field(1)         # recycle mode
    RAC  = Field(2, stored=RX_WEIGHTS)  # classes go to memory by weight
    RPPC = Field(31, 3)     # Guess: the rest is storage


class RDRXCTL(Register, at=0x02F00):
    """Receive DMA control.  Ref: ixgbe.  Guess: RSCFRSTSIZE after reset is only known not to be 0."""

    RDMTS_1_2   = Field(0)                      # low water: a half of the descriptors
    CRCSTRIP    = Field(1)                      # must agree with HLREG0.RXCRCSTRP
    MVMEN       = Field(2)                      # multicast is copied for every pool
    DMAIDONE    = Field(3, reset=1, access=RO)  # DMA initialised
    AGGDIS      = Field(16)                     # frames are not coalesced
    RSCFRSTSIZE = Field(21, 17, reset=8)        # software writes 0
    RSCLLIDIS   = Field(23)                     # low latency frames do not end coalescing
    RSCACKC     = Field(25)                     # pure ACKs end coalescing
    FCOE_WRFIX  = Field(26)                     # FCoE writes are kept in order


class PFQDE(Register, at=0x02F04):
    """Per-queue drop enable and hidden VLAN, reached through an index.  Ref: ixgbe; DPDK for 128 entries."""

    QDE       = Field(0)                # frames without a descriptor are dropped, and do not wait
    HIDE_VLAN = Field(1)  # the tag of a pool's VLAN is cut out unseen
    IDX       = Field(14, 8)
    WE        = Field(16, access=WO)    # write this entry
    RE        = Field(17, access=WO)    # read this entry


class RXCTRL(Register, at=0x03000):
    """Receive control.  Ref: ixgbe."""

    RXEN   = Field(0)   # frames are taken in
    DMBYPS = Field(1)   # Guess: descriptor monitor bypass, storage


class PFCTOP(Register, at=0x03008):
    """Type and opcode of priority pause frames.  Ref: ixgbe (self test: 32-bit storage); 802.1Q for the reset."""

    FCT  = Field(15, 0, reset=0x8808)
    FCOP = Field(31, 16, reset=0x0101)


class RTRUP2TC(Storage, at=0x03020):
    """User priority to traffic class, Rx: three bits a priority.  Ref: ixgbe."""


class RSCDBU(Register, at=0x03028):
    """RSC data buffer control.  Ref: ixgbe."""

    RSCSMALDIS = Field(6, 0)    # Guess: small packets are not coalesced, storage
    RSCACKDIS  = Field(7)       # pure ACKs are not coalesced


class FCTTV(Register, at=every(0x03200, 4, 4)):
    """Pause time of two traffic classes.  Ref: ixgbe."""

    TTV0 = Field(15, 0)
    TTV1 = Field(31, 16)


class FCRTL(Register, at=every(0x03220, 4, 8)):
    """Low water mark: send XON below it.  Ref: ixgbe (self test: mask 0x8007FFF0)."""

    RTL  = Field(18, 4)     # 16-byte units
    XONE = Field(31)


class FCRTH(Register, at=every(0x03260, 4, 8)):
    """High water mark: send XOFF above it.  Ref: ixgbe (self test: mask 0x8007FFF0)."""

    RTH  = Field(18, 4)     # 16-byte units
    FCEN = Field(31)


class FCRTV(Register, at=0x032A0):
    """Refresh pause when this much of it is left.  Ref: ixgbe."""

    FC_REFRESH_TH = Field(15, 0)


class RXPBSIZE(Register, at=every(0x03C00, 4, 8)):
    """Rx packet buffer of one traffic class; the register's value is bytes.  Ref: ixgbe; datasheet for reset."""

    SIZE = Field(19, 10, reset=0x200)   # KiB


class FCCFG(Register, at=0x03D00):
    """Which kind of pause is sent.  Ref: ixgbe."""

    TFCE_802_3X   = Field(3)
    TFCE_PRIORITY = Field(4)


class DROPEN(Storage, at=0x03D04):
    """Drop enable per traffic class.  Ref: ixgbe."""


class FCINVST(Storage, at=every(0x03FC0, 4, 8)):
    """FCoE invalid DDP status.  Ref: ixgbe.  Guess: storage."""


class RXCSUM(Register, at=0x05000):
    """Receive checksum control.  Ref: ixgbe."""

    IPPCSE = Field(12)  # fragment checksum in the descriptor
    PCSD   = Field(13)  # RSS hash in the descriptor instead


class RFCTL(Register, at=0x05008):
    """Receive filter control.  Ref: ixgbe."""

    RSC_DIS    = Field(5)       # frames are not coalesced
    NFSW_DIS   = Field(6)       # NFS writes are not looked for
    NFSR_DIS   = Field(7)       # NFS reads are not looked for
    NFS_VER    = Field(9, 8)    # which NFS is looked for
    IPFRSP_DIS = Field(14)      # packets of IP fragments are not split
