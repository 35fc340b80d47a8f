# SPDX-License-Identifier: BSD-3-Clause
"""Receive as people look at it; the work is done in C (rx.c, ring.c, rsc.c, split.c, fifo.c, checksum.c)."""

from device.i82599.core import CardCore
from device.i82599.ring import RingRegisters, Rings
from device.machine.core import lib
from device.machine.regfile import RegFile
from device.regs.i82599 import (
    DROPEN,
    PFQDE,
    PSRTYPE,
    RDBAH,
    RDBAL,
    RDH,
    RDLEN,
    RDRXCTL,
    RDT,
    RFCTL,
    RSCCTL,
    RXCSUM,
    RXCTRL,
    RXDCTL,
    RXPBSIZE,
    SECRXCTRL,
    SRRCTL,
)

ENABLE_AGAIN = "then clear RXDCTL.ENABLE and set it again"


class Rx(Rings):
    """The receive block.

    Args:
        regs: The function's registers.
        core: The card in C.
    """

    hook = lib.HOOK_RX
    hooked = (RDH, RDT, RXDCTL, RXCTRL, SECRXCTRL, PFQDE)
    registers = (RDBAL, RDBAH, RDLEN, SRRCTL, PSRTYPE, DROPEN, RXPBSIZE, RXCSUM, RDRXCTL, RFCTL, RSCCTL)

    def __init__(self, regs: RegFile, core: CardCore) -> None:
        names = RingRegisters(RDBAL, RDBAH, RDLEN, RDH, RDT, RXDCTL)
        super().__init__(regs, core, names, lambda queue: int(core.c.rx.queue[queue].stall))

    def honoured(self, queue: int, tail: int) -> int:
        """The tail as it was written last while the queue was on (rx.c); ``tail`` if it is off."""
        q = self.core.c.rx.queue[queue]
        return int(q.tail) if q.on else tail

    def explain(self, queue: int) -> str:
        """Why queue ``queue`` stands still, the registers that say so, and what to do; "" if it does not."""
        ring = self.ring(queue)
        stall = self.stall_of(queue)
        where = f"Rx queue {queue} stands still"
        if stall == lib.STALL_RING_UNMAPPED:
            why = f"its ring, {ring.count} descriptors at {ring.iova:#x}, is not mapped for DMA: map it, {ENABLE_AGAIN}"
        elif stall == lib.STALL_RING_LEN:
            why = f"RDLEN is {int(self.regs.get(RDLEN, queue)):#x}: write a multiple of 128, {ENABLE_AGAIN}"
        elif stall == lib.STALL_TAIL:
            tail = int(self.core.c.rx.queue[queue].tail)
            why = (
                f"RDT {tail} or RDH {ring.head} lies beyond the {ring.count} descriptors of RDLEN: "
                f"write a smaller one, {ENABLE_AGAIN}"
            )
        elif stall == lib.STALL_BUFFER:
            # RDH shows the head only after the batch.
            head = int(self.core.c.rx.queue[queue].head)
            why = f"the buffer of descriptor {head} lies outside memory mapped for DMA: mend it, {ENABLE_AGAIN}"
        elif stall == lib.STALL_DESC:
            srrctl = self.regs.get(SRRCTL, queue)
            why = f"SRRCTL ({srrctl}) gives buffers no size: set BSIZEPACKET, {ENABLE_AGAIN}"
        else:
            return f"{where}: {ring.stall}" if stall else ""
        return f"{where}: {why}"
