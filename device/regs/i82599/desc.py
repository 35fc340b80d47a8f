# SPDX-License-Identifier: BSD-3-Clause
"""Descriptors: what the bits of the 16 bytes mean, as register-like words of 64 (quadwords) or 32 bits.

Quadword 0 is bytes 0..7 of the descriptor, quadword 1 bytes 8..15; dwords 0..3 likewise.
Ref: 82599 datasheet, "Receive Descriptors" and "Transmit Descriptors"; names close to those of Linux ixgbe.
"""

from enum import IntEnum, IntFlag

from device.regs.core import Field, Register


class RssType(IntEnum):
    """What the RSS hash was taken over."""

    NONE        = 0
    IPV4_TCP    = 1
    IPV4        = 2
    IPV6_TCP    = 3
    IPV6_EX     = 4
    IPV6        = 5
    IPV6_EX_TCP = 6
    IPV4_UDP    = 7
    IPV6_UDP    = 8
    IPV6_EX_UDP = 9
    FDIR        = 15        # no hash: what the flow director reports, RXDFDIR


class PktType(IntFlag):
    """Headers found in a frame.  NFS is never set: Linux takes it for a tunnel marker."""

    IPV4    = 0x0001
    IPV4_EX = 0x0002        # with options
    IPV6    = 0x0004
    IPV6_EX = 0x0008        # with extension headers
    TCP     = 0x0010
    UDP     = 0x0020
    SCTP    = 0x0040
    NFS     = 0x0080
    IPSEC_ESP = 0x0100
    IPSEC_AH  = 0x0200
    LINKSEC = 0x0400
    ETQF    = 0x0800        # an ETQF matched; its index stands in RXDETQF.INDEX


class TxDescType(IntEnum):
    """DTYP of an advanced Tx descriptor."""

    CTXT = 2
    DATA = 3


class L4Type(IntEnum):
    """L4 protocol named by a Tx context."""

    UDP  = 0
    TCP  = 1
    SCTP = 2
    RSV  = 3


class RXDADV(Register, width=64):
    """Advanced Rx write-back, quadword 0.  Ref: ixgbe."""

    RSSTYPE  = Field(3, 0, values=RssType)
    PKTTYPE  = Field(16, 4, values=PktType)
    RSCCNT   = Field(20, 17)
    HDRLEN   = Field(30, 21)    # header split only
    SPH      = Field(31)        # header was split
    RSS_HASH = Field(63, 32)


class RXDETQF(Register, width=64):
    """Advanced Rx write-back, quadword 0, when an ETQF matched (bit 15).  Ref: ixgbe."""

    INDEX = Field(6, 4)
    MATCH = Field(15)


class RXDCSUM(Register, width=64):
    """Advanced Rx write-back, quadword 0, with RXCSUM.PCSD = 0: fragment checksum.  Ref: ixgbe."""

    IP_ID = Field(47, 32)
    CSUM  = Field(63, 48)


class RXDFDIR(Register, width=64):
    """Advanced Rx write-back, quadword 0, when the flow director reports (RSSTYPE 15).  Ref: DPDK."""

    SOFT_ID = Field(47, 32)
    HASH    = Field(63, 48)


class RXD(Register, width=64):
    """Advanced Rx write-back, quadword 1: status, errors, length, VLAN.  Ref: ixgbe."""

    STAT_DD    = Field(0)       # descriptor done: the driver owns it
    STAT_EOP   = Field(1)       # last of the frame
    STAT_FLM   = Field(2)       # flow director match
    STAT_VP    = Field(3)       # VLAN tag stripped into VLAN
    STAT_UDPCS = Field(4)
    STAT_L4CS  = Field(5)       # L4 checksum was checked
    STAT_IPCS  = Field(6)       # IPv4 header checksum was checked
    STAT_PIF   = Field(7)       # not an exact unicast match
    STAT_VEXT  = Field(9)       # double VLAN: there is an outer tag
    STAT_UDPV  = Field(10)      # first fragment of a UDP datagram that has a checksum; RXCSUM.PCSD = 0 only
    STAT_LLINT = Field(11)      # a low-latency interrupt told of it
    STAT_TSIP  = Field(15)      # time stamp in packet
    STAT_TS    = Field(16)      # time stamp taken
    STAT_SECP  = Field(17)
    STAT_LB    = Field(18)      # looped back from the local switch
    ERR_FDIR   = Field(22, 20)
    ERR_HBO    = Field(23)      # header buffer overflow
    ERR_SEC    = Field(28, 27)  # MACsec, IPsec
    ERR_RXE    = Field(29)      # the MAC's one error: CRC, size
    ERR_TCPE   = Field(30)      # L4 checksum wrong
    ERR_IPE    = Field(31)      # IPv4 header checksum wrong
    LENGTH     = Field(47, 32)  # bytes in this buffer
    VLAN       = Field(63, 48)


class RXDRSC(Register, width=64):
    """Advanced Rx write-back, quadword 1, while EOP = 0: next descriptor of a coalesced frame.  Ref: ixgbe."""

    NEXTP = Field(19, 4)


class RXDLEG(Register, width=64):
    """Legacy Rx write-back, quadword 1.  Ref: ixgbe."""

    LENGTH     = Field(15, 0)
    CSUM       = Field(31, 16)
    STAT_DD    = Field(32)
    STAT_EOP   = Field(33)
    STAT_VP    = Field(35)
    STAT_UDPCS = Field(36)
    STAT_L4CS  = Field(37)
    STAT_IPCS  = Field(38)
    STAT_PIF   = Field(39)
    ERR_RXE    = Field(40)      # not where the advanced dword has it
    ERR_TCPE   = Field(46)
    ERR_IPE    = Field(47)
    VLAN       = Field(63, 48)


class TXD(Register, width=64):
    """Legacy Tx, quadword 1 (DEXT = 0); DEXT tells the kinds apart.  Ref: ixgbe."""

    LENGTH   = Field(15, 0)
    CSO      = Field(23, 16)    # where to store the checksum
    CMD_EOP  = Field(24)
    CMD_IFCS = Field(25)        # append FCS
    CMD_IC   = Field(26)        # insert checksum
    CMD_RS   = Field(27)        # report status: write DD back
    CMD_DEXT = Field(29)        # 1: an advanced descriptor
    CMD_VLE  = Field(30)        # insert VLAN
    STAT_DD  = Field(32)
    CSS      = Field(47, 40)    # where to start summing
    VLAN     = Field(63, 48)


class TXDADV(Register, width=64):
    """Advanced Tx data, quadword 1 (DEXT = 1, DTYP = DATA).  Ref: ixgbe."""

    DTALEN      = Field(15, 0)      # bytes in this buffer
    MAC_LINKSEC = Field(18)
    MAC_TSTAMP  = Field(19)         # time stamp wanted
    DTYP        = Field(23, 20, values=TxDescType)
    DCMD_EOP    = Field(24)
    DCMD_IFCS   = Field(25)
    DCMD_RS     = Field(27)
    DCMD_DEXT   = Field(29)
    DCMD_VLE    = Field(30)
    DCMD_TSE    = Field(31)         # segment
    STAT_DD     = Field(32)
    IDX         = Field(38, 36)     # which of the queue's contexts
    CC          = Field(39)         # check context
    POPTS_IXSM  = Field(40)         # insert IPv4 header checksum
    POPTS_TXSM  = Field(41)         # insert L4 checksum
    POPTS_IPSEC = Field(42)
    PAYLEN      = Field(63, 46)     # TSO: L4 payload; else all bytes of the packet


class TXCTX0(Register, width=64):
    """Advanced Tx context, quadword 0.  Ref: ixgbe."""

    IPLEN  = Field(8, 0)
    MACLEN = Field(15, 9)
    VLAN   = Field(31, 16)
    SA_IDX = Field(41, 32)  # IPsec; the FCoE bits share this dword
    FCOEF  = Field(47, 42)


class TXCTX1(Register, width=64):
    """Advanced Tx context, quadword 1 (DEXT = 1, DTYP = CTXT).  Ref: ixgbe."""

    ESP_LEN   = Field(8, 0)
    IPV4      = Field(10)
    L4T       = Field(12, 11, values=L4Type)
    ESP       = Field(13)   # IPsec type is ESP
    ENCRYPT   = Field(14)
    DTYP      = Field(23, 20, values=TxDescType)
    DCMD_RS   = Field(27)
    DCMD_DEXT = Field(29)
    IDX       = Field(38, 36)
    L4LEN     = Field(47, 40)
    MSS       = Field(63, 48)


class TXCTX_D0(Register):
    """The same context by dwords: dword 0.  Ref: ixgbe."""

    IPLEN  = Field(8, 0)
    MACLEN = Field(15, 9)
    VLAN   = Field(31, 16)


class TXCTX_D1(Register):
    """Context dword 1.  Ref: ixgbe."""

    SA_IDX = Field(9, 0)
    FCOEF  = Field(15, 10)


class TXCTX_D2(Register):
    """Context dword 2.  Ref: ixgbe."""

    ESP_LEN   = Field(8, 0)
    IPV4      = Field(10)
    L4T       = Field(12, 11, values=L4Type)
    ESP       = Field(13)
    ENCRYPT   = Field(14)
    DTYP      = Field(23, 20, values=TxDescType)
    DCMD_RS   = Field(27)
    DCMD_DEXT = Field(29)


class TXCTX_D3(Register):
    """Context dword 3.  Ref: ixgbe."""

    IDX   = Field(6, 4)
    L4LEN = Field(15, 8)
    MSS   = Field(31, 16)


class TXDWB(Register):
    """Tx descriptor, dword 3 as written back: all that drivers look at.  Ref: ixgbe."""

    DD = Field(0)


WORDS: tuple[type[Register], ...] = (
    RXDADV, RXDETQF, RXDCSUM, RXDFDIR, RXD, RXDRSC, RXDLEG,
    TXD, TXDADV, TXCTX0, TXCTX1, TXCTX_D0, TXCTX_D1, TXCTX_D2, TXCTX_D3, TXDWB,
)
