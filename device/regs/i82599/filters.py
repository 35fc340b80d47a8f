# SPDX-License-Identifier: BSD-3-Clause
"""Receive filters: addresses, VLAN, RSS, ethertype and tuple filters.

Ref: 82599 datasheet, "Receive Registers"; names as in Linux ixgbe.
"""

from enum import IntEnum

from device.regs.core import Field, Register, Storage, every
from device.regs.i82599.features import IMMEDIATE_82598


class MrqeMode(IntEnum):
    """How a frame finds its queue."""

    NONE        = 0x0
    RSS         = 0x1
    RT8TC       = 0x2
    RT4TC       = 0x3
    RTRSS8TC    = 0x4
    RTRSS4TC    = 0x5
    VMDQ        = 0x8
    VMDQRSS32   = 0xA       # 32 pools of 4
    VMDQRSS64   = 0xB       # 64 pools of 2
    VMDQRT8TC   = 0xC
    VMDQRT4TC   = 0xD


class TupleProtocol(IntEnum):
    """Protocol of a 5-tuple filter."""

    TCP   = 0
    UDP   = 1
    SCTP  = 2
    OTHER = 3


class EXVET(Register, at=0x05078):
    """Ethertype of the outer tag with double VLAN.  Ref: ixgbe."""

    VET_EXT = Field(31, 16)


class FCTRL(Register, at=0x05080):
    """Filter control.  Ref: ixgbe."""

    SBP   = Field(1)    # keep bad frames
    MPE   = Field(8)    # all multicast
    UPE   = Field(9)    # all unicast
    BAM   = Field(10)   # broadcast
    PMCF  = Field(12)   # pass MAC control frames
    DPF   = Field(13)   # drop pause frames
    RPFCE = Field(14)   # pauses of a priority are obeyed
    RFCE  = Field(15)   # 82598 pause enable, storage here


class VLNCTRL(Register, at=0x05088):
    """VLAN control.  Ref: ixgbe (self test: 0 written reads 0)."""

    VET   = Field(15, 0, reset=0x8100)  # ethertype of a VLAN tag
    CFI   = Field(28)                   # value to accept if CFIEN
    CFIEN = Field(29)                   # frames whose CFI bit differs from CFI are dropped
    VFE   = Field(30)                   # filter by VFTA
    VME   = Field(31)                   # 82598 stripping, storage here


class MCSTCTRL(Register, at=0x05090):
    """Multicast filter control.  Ref: ixgbe."""

    MO  = Field(1, 0)   # which 12 address bits make the hash
    MFE = Field(2)      # use MTA


class RFVAL(Storage, at=0x050A4):
    """Receive filter validation.  Ref: ixgbe (dump only)."""


class PFFLPL(Storage, at=0x050B0):
    """Per-pool flexible filter, low.  Ref: ixgbe."""


class PFFLPH(Storage, at=0x050B4):
    """Per-pool flexible filter, high.  Ref: ixgbe."""


class ETQF(Register, at=every(0x05128, 4, 8)):
    """Ethertype filter, for what is not IP; the first one that matches counts.  Ref: ixgbe."""

    ETYPE        = Field(15, 0)
    UP           = Field(18, 16)    # user priority to match if UP_EN
    UP_EN        = Field(19)
    POOL         = Field(25, 20)
    POOL_EN      = Field(26)
    FCOE         = Field(27)
    TX_ANTISPOOF = Field(29)        # drop such frames sent by a VF
    IEEE_1588    = Field(30)
    FILTER_EN    = Field(31)


class MTA(Storage, at=every(0x05200, 4, 128)):
    """Multicast table: 4096 hash bits.  Ref: ixgbe (self test: 32-bit storage)."""


class RAL(Storage, at=every(0x0A200, 8, 128), alias=every(0x05400, 8, 16)):
    """Receive address, bytes 0 to 3, first byte lowest.  Ref: ixgbe (self test: 32-bit storage)."""


class RAH(Register, at=every(0x0A204, 8, 128), alias=every(0x05404, 8, 16)):
    """Receive address, bytes 4 and 5, and whether it is valid.  Ref: ixgbe (self test: mask 0x8000FFFF)."""

    RAH = Field(15, 0)  # bytes 4 and 5 of the address
    AV  = Field(31)     # the address counts


class PSRTYPE(Register, at=every(0x0EA00, 4, 64), alias=every(0x05480, 4, 16)):
    """Packet split type of one pool, and how many RSS queues it has.  Ref: ixgbe.  Native address: other tables."""

    STORE0  = Field(3, 0)       # Guess: storage
    TCPHDR  = Field(4)          # split after TCP headers
    UDPHDR  = Field(5)          # split after UDP headers
    STORE6  = Field(7, 6)       # Guess: storage
    IPV4HDR = Field(8)          # split after IPv4 headers
    IPV6HDR = Field(9)          # split after IPv6 headers
    STORE10 = Field(11, 10)     # Guess: storage
    L2HDR   = Field(12)         # split after Ethernet headers
    STORE13 = Field(28, 13)     # Guess: storage
    RQPL    = Field(31, 29)     # log2 of the queues RSS may use


class IMIR(Storage, at=every(0x05A80, 4, 8), stored=IMMEDIATE_82598):
    """Immediate interrupt filter.  Ref: ixgbe."""


class IMIREXT(Storage, at=every(0x05AA0, 4, 8), stored=IMMEDIATE_82598):
    """Immediate interrupt filter, extended.  Ref: ixgbe."""


class IMIRVP(Register, at=0x0EC60, alias=0x05AC0):
    """Immediate interrupt by VLAN priority.  Ref: Intel's ixgbe, by the alias.  Native address: other tables."""

    PRIORITY = Field(2, 0)  # this one and those above
    ENABLE   = Field(3)


class VFTA(Storage, at=every(0x0A000, 4, 128)):
    """VLAN table: a bit per VLAN id.  Ref: ixgbe."""


class SAQF(Storage, at=every(0x0E000, 4, 128)):
    """5-tuple filter: source address, first byte lowest.  Ref: DPDK."""


class DAQF(Storage, at=every(0x0E200, 4, 128)):
    """5-tuple filter: destination address, first byte lowest.  Ref: DPDK."""


class SDPQF(Register, at=every(0x0E400, 4, 128)):
    """5-tuple filter: ports, each with its first byte lowest.  Ref: DPDK."""

    SRC_PORT = Field(15, 0)
    DST_PORT = Field(31, 16)


class FTQF(Register, at=every(0x0E600, 4, 128)):
    """5-tuple filter: protocol, priority, which fields count.  Ref: ixgbe; DPDK for the bits of MASK."""

    PROTOCOL  = Field(1, 0, values=TupleProtocol)
    PRIORITY  = Field(4, 2)     # 7 goes first
    STORE     = Field(7, 5)     # Guess: storage
    POOL      = Field(13, 8)
    STORE14   = Field(24, 14)   # Guess: storage
    MASK      = Field(29, 25)   # 1: do not compare source, destination, their ports, protocol, from the lowest bit on
    POOL_MASK = Field(30)       # 1: do not compare the pool
    ENABLE    = Field(31)


class L34TIMIR(Register, at=every(0x0E800, 4, 128)):
    """5-tuple filter: where a match goes.  Ref: ixgbe."""

    STORE   = Field(11, 0)      # Guess: storage
    SIZE_BP = Field(12)         # immediate interrupts: whatever the size
    STORE13 = Field(18, 13)     # Guess: storage
    RESERVE = Field(19)         # software must set it
    LLI     = Field(20)
    QUEUE   = Field(27, 21)
    STORE28 = Field(31, 28)     # Guess: storage


class RETA(Register, at=every(0x0EB00, 4, 32), alias=every(0x05C00, 4, 32)):
    """RSS redirection table: four entries a register.  Ref: ixgbe.  Native address: other tables."""

    ENTRY0 = Field(3, 0)    # queue of hashes that end in 4n
    ENTRY1 = Field(11, 8)   # queue of hashes that end in 4n + 1
    ENTRY2 = Field(19, 16)  # queue of hashes that end in 4n + 2
    ENTRY3 = Field(27, 24)  # queue of hashes that end in 4n + 3


class RSSRK(Storage, at=every(0x0EB80, 4, 10), alias=every(0x05C80, 4, 10)):
    """RSS key: register i has bytes 4i to 4i + 3, first byte lowest.  Ref: ixgbe.  Native address: other tables."""


class ETQS(Register, at=every(0x0EC00, 4, 8)):
    """Where an ethertype match goes.  Ref: ixgbe."""

    RX_QUEUE = Field(22, 16)
    LLI      = Field(29)
    QUEUE_EN = Field(31)


class SYNQF(Register, at=0x0EC30):
    """TCP SYN filter: where connections begin.  Ref: ixgbe."""

    QUEUE_EN = Field(0)
    RX_QUEUE = Field(7, 1)
    STORE    = Field(30, 8)     # Guess: storage
    SYNQFP   = Field(31)        # goes before the 5-tuple filters


class RQTC(Storage, at=0x0EC70, reset=0x44444444):
    """RSS bits of each traffic class, four bits a class.  Ref: ixgbe.  Guess: reset; DPDK spreads without it."""


class MRQC(Register, at=0x0EC80, alias=0x05818):
    """Multiple receive queues command.  Ref: ixgbe, which writes the alias.  Native address: other tables."""

    MRQE                  = Field(3, 0, values=MrqeMode)    # how frames are spread over queues
    L3L4TXSWEN            = Field(15)                       # what pools send each other is steered by layers 3 and 4
    RSS_FIELD_IPV4_TCP    = Field(16)                       # hash addresses and ports of TCP over IPv4
    RSS_FIELD_IPV4        = Field(17)                       # hash addresses of IPv4
    RSS_FIELD_IPV6_EX_TCP = Field(18)                       # TCP over IPv6 with extension headers
    RSS_FIELD_IPV6_EX     = Field(19)                       # IPv6 with extension headers
    RSS_FIELD_IPV6        = Field(20)                       # hash addresses of IPv6
    RSS_FIELD_IPV6_TCP    = Field(21)                       # hash addresses and ports of TCP over IPv6
    RSS_FIELD_IPV4_UDP    = Field(22)                       # hash addresses and ports of UDP over IPv4
    RSS_FIELD_IPV6_UDP    = Field(23)                       # hash addresses and ports of UDP over IPv6
    RSS_FIELD_IPV6_EX_UDP = Field(24)                       # UDP over IPv6 with extension headers


class LLITHRESH(Register, at=0x0EC90):
    """Which frames are short enough for an immediate interrupt, if their 5-tuple filter asks.  Ref: Intel's ixgbe."""

    SIZE  = Field(11, 0)    # bytes; shorter ones.  Guess: the width
    STORE = Field(31, 12)   # Guess: storage


class UTA(Storage, at=every(0x0F400, 4, 128)):
    """Unicast table: 4096 hash bits.  Ref: ixgbe."""
