# SPDX-License-Identifier: BSD-3-Clause
"""The mailboxes as registers: who wants something, reading a message, writing one.  Nothing here waits.

Sixteen words of memory are shared by both sides.  Who writes a message holds the lock (PFU here, VFU over there): it
is taken by writing 1 and reading it back, and let go by writing the register without it.  Drivers up to API 1.4 let go
with the very write that announces the message; from 1.5 on the VF holds its lock until we have read, and we hold ours
until it has.

Ref: ixgbe_read_mbx_pf, ixgbe_write_mbx_pf, ixgbe_check_for_rst_pf; 82599 datasheet, "Mailbox".
"""

from collections.abc import Sequence
from dataclasses import dataclass

from device.regs.i82599 import MBVFICR, PFMAILBOX, PFMBIMR, PFMBMEM, VFLRE, VFLREC
from device.regs.i82599.mbx import WORDS
from driver.core.bar import Bar
from driver.ixgbe.sriov.pools import WORD_BITS, write_bit

PER_MBVFICR = 16


@dataclass(frozen=True, slots=True)
class Events:
    """Who wants what, by number of the VF.

    Attributes:
        resets: Those that were reset.
        requests: Those that sent a message.
        acks: Those that read ours.
    """

    resets: set[int]
    requests: set[int]
    acks: set[int]


def _bits(word: int, first: int) -> set[int]:
    return {first + bit for bit in range(WORD_BITS) if word // 2**bit % 2}


class Mailboxes:
    """The mailboxes of VFs 0 to ``vfs`` - 1."""

    def __init__(self, bar: Bar, vfs: int) -> None:
        """Nothing is read yet."""
        self.bar = bar
        self.vfs = vfs
        self._all = set(range(vfs))

    def look(self) -> Events:
        """See who wants something; resets and acknowledgements are taken note of by this, requests when they are read.

        Requests are read first: a reset that came before a request is seen with it, and never after it.
        """
        bar = self.bar
        requests: set[int] = set()
        acks: set[int] = set()
        for n in range(-(-self.vfs // PER_MBVFICR)):
            causes = bar.read(MBVFICR, n)
            requests |= _bits(causes.VFREQ, n * PER_MBVFICR)
            if causes.VFACK:
                acks |= _bits(causes.VFACK, n * PER_MBVFICR)
                bar.write(MBVFICR, MBVFICR.of(VFACK=causes.VFACK), n)
        resets: set[int] = set()
        for n in range(-(-self.vfs // WORD_BITS)):
            word = int(bar.read(VFLRE, n))
            if word:
                resets |= _bits(word, n * WORD_BITS)
                bar.write(VFLREC, word, n)
        return Events(resets & self._all, requests & self._all, acks & self._all)

    def read(self, vf: int) -> list[int]:
        """Take a VF's message and say so; it holds still until then, whoever has the lock."""
        bar = self.bar
        word, bit = divmod(vf, PER_MBVFICR)
        bar.write(MBVFICR, MBVFICR.of(VFREQ=2**bit), word)
        message = [int(bar.read(PFMBMEM, vf * WORDS + n)) for n in range(WORDS)]
        bar.write(PFMAILBOX, PFMAILBOX.of(ACK=1), vf)
        return message

    def write(self, vf: int, message: Sequence[int], *, hold: bool = False, force: bool = False) -> bool:
        """Send a VF a message.

        Args:
            vf: Whose.
            message: Up to sixteen words.
            hold: Keep the lock until ``release``.
            force: Take the lock away from the VF, which has had it for too long.

        Returns:
            False if there is no room for it now: the VF holds the lock, or sent a message that we have not read.
        """
        bar = self.bar
        bar.write(PFMAILBOX, PFMAILBOX.of(PFU=1, RVFU=int(force)), vf)
        lock = bar.read(PFMAILBOX, vf)
        if lock.VFU or not lock.PFU or self._has_sent(vf):
            bar.write(PFMAILBOX, PFMAILBOX.of(), vf)
            return False
        for n, word in enumerate(message):
            bar.write(PFMBMEM, int(word), vf * WORDS + n)
        bar.write(PFMAILBOX, PFMAILBOX.of(STS=1, PFU=int(hold)), vf)
        return True

    def _has_sent(self, vf: int) -> bool:
        word, bit = divmod(vf, PER_MBVFICR)
        return bool(self.bar.read(MBVFICR, word).VFREQ // 2**bit % 2)

    def release(self, vf: int) -> None:
        """Let go of our lock."""
        self.bar.write(PFMAILBOX, PFMAILBOX.of(), vf)

    def mute(self, vf: int, *, on: bool) -> None:
        """Let a VF interrupt us no longer, or again; what it wants is still to be seen by looking."""
        write_bit(self.bar, PFMBIMR, vf, on=not on)
