# SPDX-License-Identifier: BSD-3-Clause
"""Statistics.  A read clears a counter and a full one sticks, except where it says "monotonic": those wrap.

Octet counters are 36 bits in two registers; ``PAIR`` names the other half.
Ref: 82599 datasheet, "Statistic Registers"; names as in Linux ixgbe.
"""

from device.regs.core import RO, STICKS, WRAPS, Counter, Field, Monotonic, Register, Storage, every
from device.regs.i82599.features import COUNTERS_82598, FCOE, MANAGEMENT, SYMBOLS


class _High4(Register, counter=True, full=STICKS):
    """High half of an octet counter: bits 35:32.  Full is 0xF_FFFFFFFF in both halves, and there both stay.

    Ref: 82575 and i210 manuals, of their 64-bit pairs (GORC, GOTC, TOR).  Guess: 36 bits do the same.
    """

    VALUE = Field(3, 0)


class _MonotonicHigh4(Register, access=RO, full=WRAPS):
    """High half of a pool's octet counter: bits 35:32.  After 0xF_FFFFFFFF comes 0.

    Ref: ixgbevf, which adds 2**36 to its total when the two read less than before.
    """

    VALUE = Field(3, 0)


class PVFGPRC(Monotonic, at=every(0x0101C, 0x40, 64)):
    """Frames received by a pool, monotonic.  Ref: ixgbe."""


class PVFGORC_LSB(Monotonic, at=every(0x01020, 0x40, 64), pair="PVFGORC_MSB"):
    """Octets received by a pool, monotonic, low half.  Ref: ixgbe."""


class PVFGORC_MSB(_MonotonicHigh4, at=every(0x0D020, 0x40, 64), pair="PVFGORC_LSB"):
    """Octets received by a pool, monotonic, bits 35:32.  Ref: ixgbe."""


class PVFMPRC(Monotonic, at=every(0x0D01C, 0x40, 64)):
    """Multicast frames received by a pool, monotonic.  Ref: ixgbe."""


class QPRC(Counter, at=every(0x01030, 0x40, 16)):
    """Frames received by a group of queues (RQSMR).  Ref: ixgbe."""


class QBRC_L(Counter, at=every(0x01034, 0x40, 16), pair="QBRC_H"):
    """Octets received by a group of queues, low half.  Ref: ixgbe."""


class QBRC_H(_High4, at=every(0x01038, 0x40, 16), pair="QBRC_L"):
    """Octets received by a group of queues, bits 35:32.  Ref: ixgbe."""


class QPRDC(Counter, at=every(0x01430, 0x40, 16)):
    """Frames dropped by a group of queues for want of a descriptor.  Ref: ixgbe."""


class FCOERPDC(Counter, at=0x0241C, stored=FCOE):
    """FCoE frames dropped.  Ref: ixgbe."""


class FCLAST(Counter, at=0x02424, stored=FCOE):
    """FCoE last error count.  Ref: ixgbe."""


class FCOEPRC(Counter, at=0x02428, stored=FCOE):
    """FCoE frames received.  Ref: ixgbe."""


class FCOEDWRC(Counter, at=0x0242C, stored=FCOE):
    """FCoE dwords received.  Ref: ixgbe."""


class RXDGPC(Counter, at=0x02F50):
    """DMA: good frames received.  Ref: ixgbe."""


class RXDGBCL(Counter, at=0x02F54, pair="RXDGBCH"):
    """DMA: good octets received, low half.  Ref: ixgbe."""


class RXDGBCH(_High4, at=0x02F58, pair="RXDGBCL"):
    """DMA: good octets received, bits 35:32.  Ref: ixgbe."""


class RXDDGPC(Counter, at=0x02F5C):
    """DMA: duplicated good frames.  Ref: ixgbe."""


class RXDDGBCL(Counter, at=0x02F60, pair="RXDDGBCH"):
    """DMA: duplicated good octets, low half.  Ref: ixgbe."""


class RXDDGBCH(_High4, at=0x02F64, pair="RXDDGBCL"):
    """DMA: duplicated good octets, bits 35:32.  Ref: ixgbe."""


class RXLPBKGPC(Counter, at=0x02F68):
    """DMA: looped back good frames.  Ref: ixgbe."""


class RXLPBKGBCL(Counter, at=0x02F6C, pair="RXLPBKGBCH"):
    """DMA: looped back good octets, low half.  Ref: ixgbe."""


class RXLPBKGBCH(_High4, at=0x02F70, pair="RXLPBKGBCL"):
    """DMA: looped back good octets, bits 35:32.  Ref: ixgbe."""


class RXDLPBKGPC(Counter, at=0x02F74):
    """DMA: duplicated looped back good frames.  Ref: ixgbe."""


class RXDLPBKGBCL(Counter, at=0x02F78, pair="RXDLPBKGBCH"):
    """DMA: duplicated looped back good octets, low half.  Ref: ixgbe."""


class RXDLPBKGBCH(_High4, at=0x02F7C, pair="RXDLPBKGBCL"):
    """DMA: duplicated looped back good octets, bits 35:32.  Ref: ixgbe."""


class PXON2OFFCNT(Counter, at=every(0x03240, 4, 8)):
    """XON to XOFF transitions per priority.  Ref: ixgbe."""


class PXONTXC(Counter, at=every(0x03F00, 4, 8)):
    """Priority XON sent.  Ref: ixgbe."""


class PXOFFTXC(Counter, at=every(0x03F20, 4, 8)):
    """Priority XOFF sent.  Ref: ixgbe."""


class LXONTXC(Counter, at=0x03F60):
    """XON sent.  Ref: ixgbe."""


class LXOFFTXC(Counter, at=0x03F68):
    """XOFF sent.  Ref: ixgbe."""


class MPC(Counter, at=every(0x03FA0, 4, 8)):
    """Frames missed for want of packet buffer.  Ref: ixgbe."""


class CRCERRS(Counter, at=0x04000):
    """Frames with a bad FCS.  Ref: ixgbe."""


class ILLERRC(Counter, at=0x04004, stored=SYMBOLS):
    """Illegal bytes on the wire.  Ref: ixgbe."""


class ERRBC(Counter, at=0x04008, stored=SYMBOLS):
    """Error bytes.  Ref: ixgbe."""


class MSPDC(Counter, at=0x04010, stored=SYMBOLS):
    """MAC short packets discarded.  Ref: ixgbe."""


class MLFC(Counter, at=0x04034):
    """MAC local faults: no light comes in.  Ref: ixgbe."""


class MRFC(Counter, at=0x04038):
    """MAC remote faults: the other end says that it sees no light.  Ref: ixgbe."""


class RLEC(Counter, at=0x04040):
    """Frames whose length field is wrong.  Ref: ixgbe."""


class PRC64(Counter, at=0x0405C):
    """Frames received of 64 octets.  Ref: ixgbe."""


class PRC127(Counter, at=0x04060):
    """Frames received of 65 to 127 octets.  Ref: ixgbe."""


class PRC255(Counter, at=0x04064):
    """Frames received of 128 to 255 octets.  Ref: ixgbe."""


class PRC511(Counter, at=0x04068):
    """Frames received of 256 to 511 octets.  Ref: ixgbe."""


class PRC1023(Counter, at=0x0406C):
    """Frames received of 512 to 1023 octets.  Ref: ixgbe."""


class PRC1522(Counter, at=0x04070):
    """Frames received of 1024 octets and more.  Ref: ixgbe."""


class GPRC(Counter, at=0x04074):
    """Good frames received (those that passed the filters).  Ref: ixgbe."""


class BPRC(Counter, at=0x04078):
    """Broadcast frames received.  Ref: ixgbe."""


class MPRC(Counter, at=0x0407C):
    """Multicast frames received.  Ref: ixgbe."""


class GPTC(Counter, at=0x04080):
    """Good frames sent.  Ref: ixgbe."""


class GORCL(Counter, at=0x04088, pair="GORCH"):
    """Good octets received, low half.  Ref: ixgbe."""


class GORCH(_High4, at=0x0408C, pair="GORCL"):
    """Good octets received, bits 35:32.  Ref: ixgbe."""


class GOTCL(Counter, at=0x04090, pair="GOTCH"):
    """Good octets sent, low half.  Ref: ixgbe."""


class GOTCH(_High4, at=0x04094, pair="GOTCL"):
    """Good octets sent, bits 35:32.  Ref: ixgbe."""


class RUC(Counter, at=0x040A4):
    """Undersize frames.  Ref: ixgbe."""


class RFC(Counter, at=0x040A8):
    """Fragments.  Ref: ixgbe."""


class ROC(Counter, at=0x040AC):
    """Oversize frames.  Ref: ixgbe."""


class RJC(Counter, at=0x040B0):
    """Jabbers.  Ref: ixgbe."""


class MNGPRC(Counter, at=0x040B4, stored=MANAGEMENT):
    """Management frames received.  Ref: ixgbe."""


class MNGPDC(Counter, at=0x040B8, stored=MANAGEMENT):
    """Management frames dropped.  Ref: ixgbe."""


class TORL(Counter, at=0x040C0, pair="TORH"):
    """All octets received, low half.  Ref: ixgbe."""


class TORH(_High4, at=0x040C4, pair="TORL"):
    """All octets received, bits 35:32.  Ref: ixgbe."""


class TPR(Counter, at=0x040D0):
    """All frames received.  Ref: ixgbe."""


class TPT(Counter, at=0x040D4):
    """All frames sent.  Ref: ixgbe."""


class PTC64(Counter, at=0x040D8):
    """Frames sent of 64 octets.  Ref: ixgbe."""


class PTC127(Counter, at=0x040DC):
    """Frames sent of 65 to 127 octets.  Ref: ixgbe."""


class PTC255(Counter, at=0x040E0):
    """Frames sent of 128 to 255 octets.  Ref: ixgbe."""


class PTC511(Counter, at=0x040E4):
    """Frames sent of 256 to 511 octets.  Ref: ixgbe."""


class PTC1023(Counter, at=0x040E8):
    """Frames sent of 512 to 1023 octets.  Ref: ixgbe."""


class PTC1522(Counter, at=0x040EC):
    """Frames sent of 1024 octets and more.  Ref: ixgbe."""


class MPTC(Counter, at=0x040F0):
    """Multicast frames sent.  Ref: ixgbe."""


class BPTC(Counter, at=0x040F4):
    """Broadcast frames sent.  Ref: ixgbe."""


class XEC(Counter, at=0x04120):
    """Frames with a bad L3/L4 checksum.  Ref: ixgbe."""


class PXONRXCNT(Counter, at=every(0x04140, 4, 8)):
    """Priority XON received.  Ref: ixgbe."""


class PXOFFRXCNT(Counter, at=every(0x04160, 4, 8)):
    """Priority XOFF received.  Ref: ixgbe."""


class LXONRXCNT(Counter, at=0x041A4):
    """XON received.  Ref: ixgbe."""


class LXOFFRXCNT(Counter, at=0x041A8):
    """XOFF received.  Ref: ixgbe."""


class RXNFGPC(Counter, at=0x041B0):
    """Good frames received before any filter.  Ref: ixgbe."""


class RXNFGBCL(Counter, at=0x041B4, pair="RXNFGBCH"):
    """Good octets received before any filter, low half.  Ref: ixgbe."""


class RXNFGBCH(_High4, at=0x041B8, pair="RXNFGBCL"):
    """Good octets received before any filter, bits 35:32.  Ref: ixgbe."""


class FCCRC(Counter, at=0x05118, stored=FCOE):
    """FCoE frames with a bad CRC.  Ref: ixgbe."""


class QBTC_L(Counter, at=every(0x08700, 8, 16), alias=every(0x06034, 0x40, 16), pair="QBTC_H"):
    """Octets sent by a group of queues, low half.  Ref: ixgbe.  Guess: the 82598 address is an alias."""


class QBTC_H(_High4, at=every(0x08704, 8, 16), pair="QBTC_L"):
    """Octets sent by a group of queues, bits 35:32.  Ref: ixgbe."""


class SSVPC(Counter, at=0x08780):
    """Frames dropped for a forged source.  Ref: ixgbe."""


class FCOEPTC(Counter, at=0x08784, stored=FCOE):
    """FCoE frames sent.  Ref: ixgbe."""


class FCOEDWTC(Counter, at=0x08788, stored=FCOE):
    """FCoE dwords sent.  Ref: ixgbe."""


class TXDGPC(Counter, at=0x087A0):
    """DMA: good frames sent.  Ref: ixgbe."""


class TXDGBCL(Counter, at=0x087A4, pair="TXDGBCH"):
    """DMA: good octets sent, low half.  Ref: ixgbe."""


class TXDGBCH(_High4, at=0x087A8, pair="TXDGBCL"):
    """DMA: good octets sent, bits 35:32.  Ref: ixgbe."""


class PXONRXC(Counter, at=every(0x0CF00, 4, 8), stored=COUNTERS_82598):
    """Priority XON received, 82598 place.  Ref: ixgbe."""


class PXOFFRXC(Counter, at=every(0x0CF20, 4, 8), stored=COUNTERS_82598):
    """Priority XOFF received, 82598 place.  Ref: ixgbe."""


class LXONRXC(Counter, at=0x0CF60, stored=COUNTERS_82598):
    """XON received, 82598 place.  Ref: ixgbe."""


class LXOFFRXC(Counter, at=0x0CF68, stored=COUNTERS_82598):
    """XOFF received, 82598 place.  Ref: ixgbe."""


class MNGPTC(Counter, at=0x0CF90, stored=MANAGEMENT):
    """Management frames sent.  Ref: ixgbe."""


class QPTC(Counter, at=every(0x08680, 4, 16), alias=every(0x06030, 0x40, 16)):
    """Frames sent by a group of queues (TQSM).  Ref: ixgbe, which reads the alias.  Native address: other tables."""


class RXDSTATCTRL(Storage, at=0x02F40):
    """Which queues the DMA Rx counters count.  Ref: ixgbe."""


class PVFGPTC(Monotonic, at=every(0x08300, 4, 64)):
    """Frames sent by a pool, monotonic.  Ref: ixgbe."""


class PVFGOTC_LSB(Monotonic, at=every(0x08400, 8, 64), pair="PVFGOTC_MSB"):
    """Octets sent by a pool, monotonic, low half.  Ref: ixgbe."""


class PVFGOTC_MSB(_MonotonicHigh4, at=every(0x08404, 8, 64), pair="PVFGOTC_LSB"):
    """Octets sent by a pool, monotonic, bits 35:32.  Ref: ixgbe."""
