# SPDX-License-Identifier: BSD-3-Clause
"""Receive as people look at it; the work is done in C (csrc/rx.c, rxring.c, parse.c, rxsum.c)."""

from dataclasses import dataclass

from device.fast import FAULTS, FastNic, lib
from device.regfile import RegFile
from device.regs import RDBAH, RDBAL, RDH, RDLEN, RDT, RXDCTL, SRRCTL

DESC_BYTES = 16
DWORD = 2**32
ENABLE_AGAIN = "then clear RXDCTL.ENABLE and set it again"


@dataclass(frozen=True)
class RxRing:
    """One enabled Rx queue.

    Attributes:
        queue: Its number.
        iova: Where its descriptors lie.
        count: How many there are.
        head: The one that hardware fills next.
        tail: The first that is not hardware's.
        fault: Why it stands still; "" if it does not.
    """

    queue: int
    iova: int
    count: int
    head: int
    tail: int
    fault: str

    @property
    def free(self) -> int:
        """Descriptors that wait for a frame; 0 if head or tail make no sense."""
        return (self.tail - self.head) % self.count if self.head < self.count and self.tail < self.count else 0


class Rx:
    """The receive block.

    Args:
        regs: The function's registers.
        nic: The function in C.
    """

    def __init__(self, regs: RegFile, nic: FastNic) -> None:
        self.regs = regs
        self.nic = nic

    def reset(self, *, software: bool) -> None:
        """Nothing to forget here: ``nic_reset`` makes C forget faults, tails and the packet buffer."""

    def ring(self, queue: int) -> RxRing:
        """Queue ``queue`` as its registers are now."""
        fault = int(self.nic.c.rxq[queue].fault)
        return RxRing(
            queue=queue,
            iova=self.regs.get(RDBAH, queue) * DWORD + self.regs.get(RDBAL, queue),
            count=self.regs.get(RDLEN, queue) // DESC_BYTES,
            head=int(self.regs.get(RDH, queue)),
            tail=int(self.regs.get(RDT, queue)),
            fault=FAULTS[fault] if fault else "",
        )

    def rings(self) -> list[RxRing]:
        """Every enabled queue, by number."""
        return [self.ring(queue) for queue in range(lib.NIC_QUEUES) if self.regs.get(RXDCTL, queue).ENABLE]

    def explain(self, queue: int) -> str:
        """Why queue ``queue`` stands still, the registers that say so, and what to do; "" if it does not."""
        ring = self.ring(queue)
        fault = int(self.nic.c.rxq[queue].fault)
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
