# SPDX-License-Identifier: BSD-3-Clause
"""Diagnostics, read by dumps (``ethtool -d``) and meaningless here; FCoE, which is stored and not obeyed.

Ref: 82599 datasheet, "Diagnostic Registers", "FCoE Registers"; names as in Linux ixgbe.
"""

from device.regs.core import ReadOnly, Storage, every
from device.regs.i82599.features import FCOE


class FCPTRL(Storage, at=0x02410, stored=FCOE):
    """FCoE DDP user buffer pointer, low.  Ref: ixgbe."""


class FCPTRH(Storage, at=0x02414, stored=FCOE):
    """FCoE DDP user buffer pointer, high.  Ref: ixgbe."""


class FCBUFF(Storage, at=0x02418, stored=FCOE):
    """FCoE DDP buffer control.  Ref: ixgbe."""


class FCDMARW(Storage, at=0x02420, stored=FCOE):
    """FCoE DDP context access.  Ref: ixgbe.  Guess: storage, though its write bits are commands."""


class RDSTAT(ReadOnly, at=every(0x02C00, 4, 8)):
    """Rx DMA statistics.  Ref: ixgbe (dump only)."""


class RDSTATCTL(ReadOnly, at=0x02C20):
    """Rx DMA statistics control.  Ref: ixgbe (dump only)."""


class RDHMPN(ReadOnly, at=0x02F08):
    """Rx descriptor handler page number.  Ref: ixgbe (dump only)."""


class RIC_DW(ReadOnly, at=every(0x02F10, 4, 4)):
    """Rx internal cache.  Ref: ixgbe (dump only)."""


class RDPROBE(ReadOnly, at=0x02F20):
    """Rx probe.  Ref: ixgbe (dump only)."""


class RDMAM(ReadOnly, at=0x02F30):
    """Rx DMA memory address.  Ref: ixgbe (dump only)."""


class RDMAD(ReadOnly, at=0x02F34):
    """Rx DMA memory data.  Ref: ixgbe (dump only)."""


class RXWRPTR(ReadOnly, at=every(0x03100, 4, 8)):
    """Rx packet buffer write pointer.  Ref: ixgbe (dump only)."""


class RXUSED(ReadOnly, at=every(0x03120, 4, 8)):
    """Rx packet buffer used.  Ref: ixgbe (dump only)."""


class RXRDPTR(ReadOnly, at=every(0x03140, 4, 8)):
    """Rx packet buffer read pointer.  Ref: ixgbe (dump only)."""


class RXRDWRPTR(ReadOnly, at=every(0x03160, 4, 8)):
    """Rx packet buffer read-write pointer.  Ref: ixgbe (dump only)."""


class RXMEMWRAP(ReadOnly, at=0x03190):
    """Rx packet buffer wrap counts.  Ref: ixgbe."""


class PBRXECC(Storage, at=0x03300):
    """Rx packet buffer ECC.  Ref: ixgbe (dump only)."""


class RXBUFCTRL(Storage, at=0x03600):
    """Rx buffer access control.  Ref: ixgbe (dump only)."""


class RXBUFDATA(Storage, at=every(0x03610, 4, 4)):
    """Rx buffer access data.  Ref: ixgbe (dump only)."""


class RXDATAWRPTR(Storage, at=every(0x03700, 4, 4)):
    """Rx data write pointer.  Ref: ixgbe."""


class RXDESCWRPTR(Storage, at=every(0x03710, 4, 4)):
    """Rx descriptor write pointer.  Ref: ixgbe."""


class RXDATARDPTR(Storage, at=every(0x03720, 4, 4)):
    """Rx data read pointer.  Ref: ixgbe."""


class RXDESCRDPTR(Storage, at=every(0x03730, 4, 4)):
    """Rx descriptor read pointer.  Ref: ixgbe."""


class FCRXCTRL(Storage, at=0x05100, stored=FCOE):
    """FCoE Rx control.  Ref: ixgbe."""


class FCFLT(Storage, at=0x05108, stored=FCOE):
    """FCoE filter context.  Ref: ixgbe."""


class FCFLTRW(Storage, at=0x05110, stored=FCOE):
    """FCoE filter access.  Ref: ixgbe.  Guess: storage, though its write bits are commands."""


class RTTBCNRTT(Storage, at=0x05150):
    """Rate limiter round trip tag.  Ref: ixgbe."""


class REOFF(Storage, at=0x05158, stored=FCOE):
    """FCoE end of frame bytes, Rx.  Ref: ixgbe."""


class FCPARAM(Storage, at=0x051D8, stored=FCOE):
    """FCoE relative offset.  Ref: ixgbe."""


class RXFECCERR0(Storage, at=0x051B8):
    """Rx filter memory ECC.  Ref: ixgbe."""


class RSOFF(Storage, at=0x051F8, stored=FCOE):
    """FCoE start of frame bytes, Rx.  Ref: ixgbe."""


class TIC_DW2(ReadOnly, at=every(0x082B0, 4, 4)):
    """Tx internal cache.  Ref: ixgbe (dump only)."""


class TXDESCIC(ReadOnly, at=0x082CC):
    """Tx descriptor cache control.  Ref: ixgbe (dump only)."""


class TDHMPN2(ReadOnly, at=0x082FC):
    """Tx descriptor handler page number.  Ref: ixgbe (dump only)."""


class TXWRPTR(ReadOnly, at=every(0x0C100, 4, 8)):
    """Tx packet buffer write pointer.  Ref: ixgbe (dump only)."""


class TXUSED(ReadOnly, at=every(0x0C120, 4, 8)):
    """Tx packet buffer used.  Ref: ixgbe (dump only)."""


class TXRDPTR(ReadOnly, at=every(0x0C140, 4, 8)):
    """Tx packet buffer read pointer.  Ref: ixgbe (dump only)."""


class TXRDWRPTR(ReadOnly, at=every(0x0C160, 4, 8)):
    """Tx packet buffer read-write pointer.  Ref: ixgbe (dump only)."""


class PBTXECC(Storage, at=0x0C300):
    """Tx packet buffer ECC.  Ref: ixgbe (dump only)."""


class TXBUFCTRL(Storage, at=0x0C600):
    """Tx buffer access control.  Ref: ixgbe (dump only)."""


class TXBUFDATA(Storage, at=every(0x0C610, 4, 4)):
    """Tx buffer access data.  Ref: ixgbe (dump only)."""


class TXDATAWRPTR(Storage, at=every(0x0C700, 4, 4)):
    """Tx data write pointer.  Ref: ixgbe."""


class TXDESCWRPTR(Storage, at=every(0x0C710, 4, 4)):
    """Tx descriptor write pointer.  Ref: ixgbe."""


class TXDATARDPTR(Storage, at=every(0x0C720, 4, 4)):
    """Tx data read pointer.  Ref: ixgbe."""


class TXDESCRDPTR(Storage, at=every(0x0C730, 4, 4)):
    """Tx descriptor read pointer.  Ref: ixgbe."""


class FCRECTL(Storage, at=0x0ED00, stored=FCOE):
    """FCoE redirection control.  Ref: ixgbe."""


class FCRETA(Storage, at=every(0x0ED10, 4, 8), stored=FCOE):
    """FCoE redirection table.  Ref: ixgbe."""
