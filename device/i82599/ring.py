# SPDX-License-Identifier: BSD-3-Clause
"""A descriptor ring as people look at it, the same for both directions: what the blocks of rx/ and tx/ share."""

from collections.abc import Callable
from dataclasses import dataclass

from device.i82599.block import Block
from device.i82599.core import QUEUES, CardCore
from device.machine.regfile import RegFile
from device.machine.stall import STALLS
from device.regs.i82599 import RXDCTL, TXDCTL, Register

DESC_BYTES = 16
WORD_BYTES = 4
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
        stall: Why it stands still; "" if it does not.
        ignored: The tail is none to the hardware: it was written while the queue was off.
    """

    queue: int
    iova: int
    count: int
    head: int
    tail: int
    stall: str
    ignored: bool = False

    @property
    def waiting(self) -> int:
        """Descriptors hardware has and did not take yet; 0 if head or tail make no sense, or the tail is ignored."""
        makes_sense = self.head < self.count and self.tail < self.count and not self.ignored
        return (self.tail - self.head) % self.count if makes_sense else 0


@dataclass(frozen=True)
class RingRegisters:
    """The registers of one direction's queues."""

    base_low: type[Register]
    base_high: type[Register]
    length: type[Register]
    head: type[Register]
    tail: type[Register]
    control: type[RXDCTL] | type[TXDCTL]


class Rings(Block):
    """All queues of one direction.

    Args:
        regs: The function's registers.
        core: The card in C.
        names: Which registers.
        stall_of: Reads a queue's ``STALL_*``.
    """

    def __init__(self, regs: RegFile, core: CardCore, names: RingRegisters, stall_of: Callable[[int], int]) -> None:
        self.regs = regs
        self.core = core
        self._names = names
        self._controls = [names.control.offset(queue) // WORD_BYTES for queue in range(QUEUES)]
        self.stall_of = stall_of

    def ring(self, queue: int) -> Ring:
        """Queue ``queue`` as its registers are now."""
        names, get = self._names, self.regs.get
        stall = self.stall_of(queue)
        tail = int(get(names.tail, queue))
        return Ring(
            queue=queue,
            iova=get(names.base_high, queue) * DWORD + get(names.base_low, queue),
            count=get(names.length, queue) // DESC_BYTES,
            head=int(get(names.head, queue)),
            tail=tail,
            stall=STALLS[stall] if stall else "",
            ignored=tail != self.honoured(queue, tail),
        )

    def honoured(self, _queue: int, tail: int) -> int:
        """The tail of a queue as hardware has it, of which the register says ``tail``."""
        return tail

    def rings(self) -> list[Ring]:
        """Every enabled queue, by number."""
        words, enable = self.core.pf.c.regs.word, self._names.control.ENABLE.mask
        return [self.ring(queue) for queue, at in enumerate(self._controls) if words[at] & enable]
