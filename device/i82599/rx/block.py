# SPDX-License-Identifier: BSD-3-Clause
"""Receive as people look at it; the work is done in C (csrc/rx.c, rxring.c, parse.c, rxsum.c)."""

from device.i82599.ring import RingRegisters, Rings
from device.machine.core import FastNic, lib
from device.machine.regfile import RegFile
from device.regs.i82599 import RDBAH, RDBAL, RDH, RDLEN, RDT, RXDCTL, SRRCTL

ENABLE_AGAIN = "then clear RXDCTL.ENABLE and set it again"


class Rx(Rings):
    """The receive block.

    Args:
        regs: The function's registers.
        nic: The function in C.
    """

    def __init__(self, regs: RegFile, nic: FastNic) -> None:
        names = RingRegisters(RDBAL, RDBAH, RDLEN, RDH, RDT, RXDCTL)
        super().__init__(regs, nic, names, lambda queue: int(nic.c.rxq[queue].fault))

    def explain(self, queue: int) -> str:
        """Why queue ``queue`` stands still, the registers that say so, and what to do; "" if it does not."""
        ring = self.ring(queue)
        fault = self.fault_of(queue)
        where = f"Rx queue {queue} stands still"
        if fault == lib.FAULT_RING_UNMAPPED:
            why = f"its ring, {ring.count} descriptors at {ring.iova:#x}, is not mapped for DMA: map it, {ENABLE_AGAIN}"
        elif fault == lib.FAULT_RING_LEN:
            why = f"RDLEN is {int(self.regs.get(RDLEN, queue)):#x}: write a multiple of 128, {ENABLE_AGAIN}"
        elif fault == lib.FAULT_TAIL:
            tail = int(self.nic.c.rxq[queue].tail)
            why = (
                f"RDT {tail} or RDH {ring.head} lies beyond the {ring.count} descriptors of RDLEN: "
                f"write a smaller one, {ENABLE_AGAIN}"
            )
        elif fault == lib.FAULT_BUFFER:
            # RDH shows the head only after the batch.
            head = int(self.nic.c.rxq[queue].head)
            why = f"the buffer of descriptor {head} lies outside memory mapped for DMA: mend it, {ENABLE_AGAIN}"
        elif fault == lib.FAULT_DESC:
            srrctl = self.regs.get(SRRCTL, queue)
            why = f"SRRCTL ({srrctl}) gives buffers no size: set BSIZEPACKET, {ENABLE_AGAIN}"
        else:
            return f"{where}: {ring.fault}" if fault else ""
        return f"{where}: {why}"
