# SPDX-License-Identifier: BSD-3-Clause
"""Transmit as people look at it; the work is done in C (csrc/tx.c, txdesc.c, txframe.c, tso.c)."""

from dataclasses import dataclass

from device.fast import FAULTS, FastNic, lib
from device.regfile import RegFile
from device.regs import TDBAH, TDBAL, TDH, TDLEN, TDT, TXDCTL

DESC_BYTES = 16
DWORD = 2**32


@dataclass(frozen=True)
class TxRing:
    """One enabled Tx queue.

    Attributes:
        queue: Its number.
        iova: Where its descriptors lie.
        count: How many there are.
        head: The one that hardware takes next.
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
    def waiting(self) -> int:
        """Descriptors posted and not taken yet; 0 if head or tail make no sense."""
        return (self.tail - self.head) % self.count if self.head < self.count and self.tail < self.count else 0


class Tx:
    """The transmit block.

    Args:
        regs: The function's registers.
        nic: The function in C.
    """

    def __init__(self, regs: RegFile, nic: FastNic) -> None:
        self.regs = regs
        self.nic = nic

    def reset(self, *, software: bool) -> None:
        """Nothing to forget here: ``nic_reset`` makes C forget contexts, faults and pending work."""

    def rings(self) -> list[TxRing]:
        """Every enabled queue, by number."""
        return [
            TxRing(
                queue=q,
                iova=self.regs.get(TDBAH, q) * DWORD + self.regs.get(TDBAL, q),
                count=self.regs.get(TDLEN, q) // DESC_BYTES,
                head=int(self.regs.get(TDH, q)),
                tail=int(self.regs.get(TDT, q)),
                fault=FAULTS[self.nic.c.txq[q].fault] if self.nic.c.txq[q].fault else "",
            )
            for q in range(lib.NIC_QUEUES)
            if self.regs.get(TXDCTL, q).ENABLE
        ]
