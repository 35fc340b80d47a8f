# SPDX-License-Identifier: BSD-3-Clause
"""Transmit: queues, DMA, packet buffers, arbitration.

Ref: 82599 datasheet, "Transmit Registers" and "DCB Registers"; names as in Linux ixgbe.
"""

from enum import IntEnum

from device.regs.core import RO, Field, ReadOnly, Register, Storage, every
from device.regs.i82599.features import DCA, DOUBLE_VLAN, FCOE, GROUPS, POOLS


class _ClassCredits(Register):
    """What a traffic class may send before the next one's turn: both arbiters have the same fields."""

    CRQ = Field(8, 0)                   # refill, 64 bytes each
    BWG = Field(11, 9)                  # bandwidth group
    MCL = Field(23, 12)                 # most it may have, 64 bytes each
    GSP = Field(30, stored=GROUPS)      # goes first within its group
    LSP = Field(31)                     # goes first of all


class MtqcMode(IntEnum):
    """How the 128 Tx queues are divided, as the whole of MTQC 3:0."""

    Q64        = 0x0    # 64 queues, no DCB, no virtualization
    VT_64VF    = 0x6    # 64 pools of 2
    DCB_4TC    = 0x9    # 4 traffic classes
    VT_32VF    = 0xA    # 32 pools of 4
    VT_4TC     = 0xB    # the same, a queue for each of 4 traffic classes
    DCB_8TC    = 0xD    # 8 traffic classes
    VT_8TC     = 0xF    # 16 pools of 8, a queue for each class


class TDBAL(Register, at=every(0x06000, 0x40, 128)):
    """Tx ring base, low half, 128-byte aligned.  Ref: ixgbe."""

    BASE = Field(31, 7)     # bits 31:7 of the address of the ring


class TDBAH(Storage, at=every(0x06004, 0x40, 128)):
    """Tx ring base, high half.  Ref: ixgbe."""


class TDLEN(Register, at=every(0x06008, 0x40, 128)):
    """Tx ring length: the register's value is bytes, a multiple of 128.  Ref: ixgbe."""

    LEN = Field(19, 7)  # units of 128 bytes = 8 descriptors


class DCA_TXCTRL(Register, at=every(0x0600C, 0x40, 128)):
    """Cache hints and ordering of one Tx queue.  Ref: ixgbe; ixgbevf's defaults for what is 1 after reset."""

    DESC_DCA_EN = Field(5, stored=DCA)
    DESC_RRO_EN = Field(9, reset=1)
    DESC_WRO_EN = Field(11, reset=1)
    DATA_RRO_EN = Field(13, reset=1)
    CPUID       = Field(31, 24)


class TDH(Register, at=every(0x06010, 0x40, 128)):
    """Tx head: the descriptor that hardware takes next.  Drivers only write 0.  Ref: ixgbe."""

    TDH = Field(15, 0)  # the descriptor that the NIC sends next


class TDT(Register, at=every(0x06018, 0x40, 128)):
    """Tx tail: first descriptor that is not hardware's; a write is the doorbell.  Ref: ixgbe."""

    TDT = Field(15, 0)  # the first descriptor that is not the NIC's; writing it sends those before


class TXDCTL(Register, at=every(0x06028, 0x40, 128)):
    """Tx descriptor control: thresholds, queue on and off.  Ref: ixgbe."""

    PTHRESH = Field(6, 0)       # prefetch when fewer descriptors than this are on chip
    HTHRESH = Field(14, 8)      # ... and at least this many wait in memory
    WTHRESH = Field(22, 16)     # write back in groups of this many
    ENABLE  = Field(25)         # reads back 1 when the queue is on, 0 when it is quiet
    SWFLSH  = Field(26)         # write back descriptors now


class TDWBAL(Register, at=every(0x06038, 0x40, 128)):
    """Head write-back address, low half.  Ref: ixgbe."""

    HEAD_WB_EN   = Field(0)         # TDH is written to memory
    SEQNUM_WB_EN = Field(1)         # a sequence number is written with it
    ADDR         = Field(31, 2)     # bits 31:2 of where to


class TDWBAH(Storage, at=every(0x0603C, 0x40, 128)):
    """Head write-back address, high half.  Ref: ixgbe."""


class RTTDCS(Register, at=0x04900):
    """Tx descriptor plane control.  Ref: ixgbe.  Guess: positions and reset of BDPM and BPBFSM."""

    TDPAC     = Field(0)            # classes by weight and strictness, not by turns
    VMPAC     = Field(1)            # the same for the pools of a class
    TDRM      = Field(4)            # left-over bandwidth is shared anew
    ARBDIS    = Field(6)            # no arbiter: set around writes to MTQC
    BDPM      = Field(22, reset=1)  # bypass data pipe monitor
    BPBFSM    = Field(23, reset=1)  # bypass packet buffer free space monitor
    SPEED_CHG = Field(31)           # rates follow the link's speed


class RTTDQSEL(Register, at=0x04904):
    """Which queue the RTTD and RTTBCN registers talk about.  Ref: ixgbe."""

    TXDQ_IDX = Field(6, 0)  # the queue


class RTTDT1C(Register, at=0x04908):
    """Credits of the queue selected by RTTDQSEL.  Ref: ixgbe."""

    CRQ   = Field(13, 0, stored=POOLS)  # a share among the pools of a class
    STORE = Field(31, 14)   # Guess: the rest is storage


class RTTDT1S(ReadOnly, at=0x0490C):
    """Credit status of the queue selected by RTTDQSEL.  Ref: ixgbe."""


class RTTDT2C(_ClassCredits, at=every(0x04910, 4, 8)):
    """Descriptor plane credits per traffic class.  Ref: ixgbe."""


class RTTDT2S(ReadOnly, at=every(0x04930, 4, 8)):
    """Descriptor plane credit status per traffic class.  Ref: ixgbe."""


class TXPBTHRESH(Register, at=every(0x04950, 4, 8), reset=(0x96, 0, 0, 0, 0, 0, 0, 0)):
    """Tx packet buffer threshold, KiB.  Ref: ixgbe; datasheet for reset."""

    THRESH = Field(9, 0)    # so many KiB must be free before a packet is fetched


class RTTBCNRM(Register, at=0x04980):
    """How much of its time an idle queue may make up for, KiB of frames.  Ref: ixgbe.  Guess: the field's width."""

    MMW_SIZE = Field(10, 0)
    STORE    = Field(31, 11)    # Guess: the rest is storage


class RTTBCNRC(Register, at=0x04984):
    """Rate limit of the queue selected by RTTDQSEL.  Ref: ixgbe."""

    RF_DEC = Field(13, 0)   # link speed over rate: what is behind the point, in 2^-14
    RF_INT = Field(23, 14)  # and what is before it
    RS_ENA = Field(31)      # the queue is slowed down


class RTTBCNRS(Storage, at=0x04988):
    """Rate limiter status.  Ref: ixgbe."""


class RTTBCNRD(Storage, at=0x0498C):
    """Rate drift.  Ref: ixgbe."""


class RTTDTECC(Storage, at=0x04990):
    """Descriptor plane memory ECC.  Ref: ixgbe."""


class DMATXCTL(Register, at=0x04A80):
    """Transmit DMA control.  Ref: ixgbe.  Guess: reset of VT."""

    TE      = Field(0)                      # transmit enable
    NS      = Field(1)                      # DMA may pass by the caches
    GDV     = Field(3, stored=DOUBLE_VLAN)  # a second tag is put in behind the first
    MDP_EN  = Field(5)                      # malicious descriptors stop their queue
    MBINTEN = Field(6)                      # such a queue interrupts
    VT      = Field(31, 16, reset=0x8100)   # ethertype of inserted VLAN tags


class DTXTCPFLGL(Register, at=0x04A88):
    """TCP flags kept in the first and middle segments of a TSO.  Ref: datasheet.  Guess: reset values."""

    FIRST  = Field(11, 0, reset=0xFF6)      # all but FIN and PSH
    MIDDLE = Field(27, 16, reset=0xF76)     # and not CWR either


class DTXTCPFLGH(Register, at=0x04A8C):
    """TCP flags kept in the last segment of a TSO.  Ref: datasheet.  Guess: reset value."""

    LAST = Field(11, 0, reset=0xF7F)    # all but CWR


class RTTBCNTG(Storage, at=0x04A90):
    """Rate limiter tag.  Ref: ixgbe."""


class TEOFF(Storage, at=0x04A94, stored=FCOE):
    """FCoE end of frame bytes, Tx.  Ref: ixgbe."""


class TSOFF(Storage, at=0x04A98, stored=FCOE):
    """FCoE start of frame bytes, Tx.  Ref: ixgbe."""


class DTXMXSZRQ(Register, at=0x08100):
    """Outstanding read requests of Tx DMA.  Ref: ixgbe.  Guess: reset 0."""

    MAX_BYTES_NUM_REQ = Field(11, 0)
    STORE             = Field(31, 12)


class MTQC(Register, at=0x08120):
    """Multiple transmit queues command.  Ref: ixgbe."""

    MODE = Field(3, 0, values=MtqcMode)     # bit 0 RT_ENA, bit 1 VT_ENA, bits 3:2 queues or classes


class TXLLQ(Storage, at=every(0x082E0, 4, 4)):
    """Strict low latency Tx queues, a bit each.  Ref: ixgbe."""


class TQSM(Register, at=every(0x08600, 4, 32)):
    """Statistics index of four Tx queues, 4n to 4n + 3.  Ref: ixgbe."""

    MAP0 = Field(3, 0)
    MAP1 = Field(11, 8)
    MAP2 = Field(19, 16)
    MAP3 = Field(27, 24)


class RTTBCNCR(Storage, at=0x08B00):
    """Congestion notification control.  Ref: ixgbe."""


class RTTBCNACH(Storage, at=0x08B04):
    """Congestion notification address, high.  Ref: ixgbe."""


class RTTBCNACL(Storage, at=0x08B08):
    """Congestion notification address, low.  Ref: ixgbe."""


class RTTBCNIDX(Storage, at=0x08B0C):
    """Congestion notification queue index.  Ref: ixgbe."""


class RTTBCNCP(Storage, at=0x08B10):
    """Congestion notification point.  Ref: ixgbe."""


class RTFRTIMER(ReadOnly, at=0x08B14):
    """Rate limiter free-running timer.  Ref: ixgbe."""


class RTTUP2TC(Storage, at=0x0C800):
    """User priority to traffic class, Tx.  Ref: ixgbe."""


class LBDRPEN(Storage, at=0x0CA00):
    """Loopback drop enable per traffic class.  Ref: ixgbe."""


class TIPG(Storage, at=0x0CB00):
    """Inter-packet gap.  Ref: ixgbe."""


class TXPBSIZE(Register, at=every(0x0CC00, 4, 8), reset=(0x28000, 0, 0, 0, 0, 0, 0, 0)):
    """Tx packet buffer of one traffic class; the register's value is bytes.  Ref: ixgbe; datasheet for reset."""

    SIZE = Field(19, 10)    # KiB


class RTTPCS(Register, at=0x0CD00):
    """Tx packet plane control.  Ref: ixgbe; datasheet for ARBD."""

    TPPAC  = Field(5)   # classes by weight and strictness, not by turns
    ARBDIS = Field(6)   # no arbiter.  Guess: it halts as RTTDCS.ARBDIS does
    TPRM   = Field(8)
    ARBD   = Field(31, 22, reset=0x224)


class MNGTXMAP(Register, at=0x0CD10):
    """Traffic class of management traffic.  Ref: ixgbe."""

    MAP = Field(2, 0)


class RTTPT2C(_ClassCredits, at=every(0x0CD20, 4, 8)):
    """Packet plane credits per traffic class.  Ref: ixgbe."""


class RTTPT2S(ReadOnly, at=every(0x0CD40, 4, 8)):
    """Packet plane credit status per traffic class.  Ref: ixgbe."""


class TFCS(Register, at=0x0CE00, access=RO):
    """Transmit flow control status.  Ref: ixgbe."""

    TC_XON = Field(7, 0, reset=0xFF)    # classes that may send; without priority flow control bit 0 is the link
