# SPDX-License-Identifier: BSD-3-Clause
"""Transmit as people look at it; the work is done in C (csrc/tx.c, txdesc.c, txframe.c, tso.c)."""

from device.i82599.ring import DWORD, RingRegisters, Rings
from device.machine.core import FastNic, lib
from device.machine.regfile import RegFile
from device.regs.i82599 import TDBAH, TDBAL, TDH, TDLEN, TDT, TXDCTL
from device.regs.i82599.desc import TXCTX1

ENABLE_AGAIN = "then clear TXDCTL.ENABLE and set it again"


class Tx(Rings):
    """The transmit block.

    Args:
        regs: The function's registers.
        nic: The function in C.
    """

    def __init__(self, regs: RegFile, nic: FastNic) -> None:
        names = RingRegisters(TDBAL, TDBAH, TDLEN, TDH, TDT, TXDCTL)
        super().__init__(regs, nic, names, lambda queue: int(nic.c.txq[queue].fault))

    def explain(self, queue: int) -> str:
        """Why queue ``queue`` stands still, the registers that say so, and what to do; "" if it does not."""
        ring = self.ring(queue)
        if not ring.fault:
            return ""
        fault = self.fault_of(queue)
        packet = f"the packet at descriptor {ring.head}"
        reasons = {
            lib.FAULT_RING_UNMAPPED: f"its ring, {ring.count} descriptors at {ring.iova:#x}, is not mapped for DMA: "
            "map it",
            lib.FAULT_RING_LEN: f"TDLEN is {int(self.regs.get(TDLEN, queue)):#x}: write a multiple of 128",
            lib.FAULT_TAIL: f"TDT {ring.tail} or TDH {ring.head} lies beyond the {ring.count} descriptors of TDLEN: "
            "write a smaller one",
            lib.FAULT_BUFFER: f"{packet} has a buffer outside memory mapped for DMA: mend it",
            lib.FAULT_DESC: f"{packet} has a descriptor of no known type, or of lengths that cannot be: mend it",
            lib.FAULT_CONTEXT: f"{packet} wants a context that was never loaded: post its context descriptor first",
            lib.FAULT_TSO: f"{packet} asks for segmentation with MSS 0 or with headers longer than itself "
            f"({self._contexts(queue)}): mend its context",
        }
        return f"Tx queue {queue} stands still: {reasons.get(fault, ring.fault)}, {ENABLE_AGAIN}"

    def _contexts(self, queue: int) -> str:
        loaded = [
            (n, TXCTX1(int(context.dword3) * DWORD + int(context.dword2)))
            for n, context in enumerate(self.nic.c.txq[queue].context)
            if context.valid
        ]
        return "; ".join(f"context {n}: MSS {word.MSS}, L4LEN {word.L4LEN}" for n, word in loaded) or "no context"
