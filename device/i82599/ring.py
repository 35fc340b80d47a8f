# SPDX-License-Identifier: BSD-3-Clause
"""A descriptor ring as people look at it, the same for both directions: what rx.py and tx.py share."""

from collections.abc import Callable
from dataclasses import dataclass

from device.machine.core import FAULTS, FastNic, lib
from device.machine.regfile import RegFile
from device.regs.i82599 import RXDCTL, TXDCTL, Register

DESC_BYTES = 16
DWORD = 2**32


@dataclass(frozen=True)
class Ring:
    """One enabled queue.

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
        """Descriptors hardware has and did not take yet; 0 if head or tail make no sense."""
        return (self.tail - self.head) % self.count if self.head < self.count and self.tail < self.count else 0


@dataclass(frozen=True)
class RingRegisters:
    """The registers of one direction's queues."""

    base_low: type[Register]
    base_high: type[Register]
    length: type[Register]
    head: type[Register]
    tail: type[Register]
    control: type[RXDCTL] | type[TXDCTL]


class Rings:
    """All queues of one direction.

    Args:
        regs: The function's registers.
        nic: The function in C.
        names: Which registers.
        fault_of: Reads a queue's ``FAULT_*``.
    """

    def __init__(self, regs: RegFile, nic: FastNic, names: RingRegisters, fault_of: Callable[[int], int]) -> None:
        self.regs = regs
        self.nic = nic
        self._names = names
        self.fault_of = fault_of

    def reset(self, *, software: bool) -> None:
        """Nothing to forget here: ``nic_reset`` makes C forget what queues had under way."""

    def ring(self, queue: int) -> Ring:
        """Queue ``queue`` as its registers are now."""
        names, get = self._names, self.regs.get
        fault = self.fault_of(queue)
        return Ring(
            queue=queue,
            iova=get(names.base_high, queue) * DWORD + get(names.base_low, queue),
            count=get(names.length, queue) // DESC_BYTES,
            head=int(get(names.head, queue)),
            tail=int(get(names.tail, queue)),
            fault=FAULTS[fault] if fault else "",
        )

    def rings(self) -> list[Ring]:
        """Every enabled queue, by number."""
        control = self._names.control
        return [self.ring(queue) for queue in range(lib.NIC_QUEUES) if self.regs.get(control, queue).ENABLE]
