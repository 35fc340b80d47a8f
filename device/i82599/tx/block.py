# SPDX-License-Identifier: BSD-3-Clause
"""Transmit as people look at it; the work is done in C (tx.c, arbiter.c, rate.c, desc.c, frame.c, tso.c, out.c)."""

from device.i82599.core import CardCore
from device.i82599.ring import DWORD, RingRegisters, Rings
from device.machine.core import lib
from device.machine.regfile import RegFile
from device.regs.i82599 import (
    DMATXCTL,
    DTXTCPFLGH,
    DTXTCPFLGL,
    MTQC,
    RTTBCNRC,
    RTTBCNRM,
    RTTDCS,
    RTTDQSEL,
    RTTDT1C,
    RTTDT2C,
    RTTPCS,
    RTTPT2C,
    TDBAH,
    TDBAL,
    TDH,
    TDLEN,
    TDT,
    TDWBAH,
    TDWBAL,
    TXDCTL,
)
from device.regs.i82599.desc import TXCTX1

ENABLE_AGAIN = "then clear TXDCTL.ENABLE and set it again"


class Tx(Rings):
    """The transmit block.

    Args:
        regs: The function's registers.
        core: The card in C.
    """

    hook = lib.HOOK_TX
    hooked = (
        TDH,
        TDT,
        TXDCTL,
        DMATXCTL,
        MTQC,
        RTTBCNRC,
        RTTDCS,
        RTTDQSEL,
        RTTDT1C,
        RTTDT2C,
        RTTPCS,
        RTTPT2C,
    )
    registers = (TDBAL, TDBAH, TDLEN, TDWBAL, TDWBAH, DTXTCPFLGL, DTXTCPFLGH, RTTBCNRM)

    def __init__(self, regs: RegFile, core: CardCore) -> None:
        names = RingRegisters(TDBAL, TDBAH, TDLEN, TDH, TDT, TXDCTL)
        super().__init__(regs, core, names, lambda queue: int(core.c.tx.queue[queue].stall))

    def explain(self, queue: int) -> str:
        """Why queue ``queue`` stands still, the registers that say so, and what to do; "" if it does not."""
        ring = self.ring(queue)
        if not ring.stall:
            return ""
        stall = self.stall_of(queue)
        packet = f"the packet at descriptor {ring.head}"
        reasons = {
            lib.STALL_RING_UNMAPPED: f"its ring, {ring.count} descriptors at {ring.iova:#x}, is not mapped for DMA: "
            "map it",
            lib.STALL_RING_LEN: f"TDLEN is {int(self.regs.get(TDLEN, queue)):#x}: write a multiple of 128",
            lib.STALL_TAIL: f"TDT {ring.tail} or TDH {ring.head} lies beyond the {ring.count} descriptors of TDLEN: "
            "write a smaller one",
            lib.STALL_BUFFER: f"{packet} has a buffer outside memory mapped for DMA: mend it",
            lib.STALL_DESC: f"{packet} has a descriptor of no known type, or of lengths that cannot be: mend it",
            lib.STALL_CONTEXT: f"{packet} wants a context that was never loaded: post its context descriptor first",
            lib.STALL_TSO: f"{packet} asks for segmentation with MSS 0 or with headers longer than itself "
            f"({self._contexts(queue)}): mend its context",
        }
        return f"Tx queue {queue} stands still: {reasons.get(stall, ring.stall)}, {ENABLE_AGAIN}"

    def _contexts(self, queue: int) -> str:
        loaded = [
            (n, TXCTX1(int(context.dword3) * DWORD + int(context.dword2)))
            for n, context in enumerate(self.core.c.tx.queue[queue].context)
            if context.valid
        ]
        return "; ".join(f"context {n}: MSS {word.MSS}, L4LEN {word.L4LEN}" for n, word in loaded) or "no context"
