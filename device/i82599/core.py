# SPDX-License-Identifier: BSD-3-Clause
"""The card in C: ``CardCore`` owns one ``struct card`` and hands out its physical function.

It also is what blocks ask for interrupts and time (``seam.Irq``, ``seam.Clock``).
"""

from collections import Counter
from typing import Self

from device.machine.core import Pointer, check, counts, ffi, lib
from device.machine.function import Function
from device.machine.stall import Stalls

BAR0_BYTES: int = lib.CARD_BAR0_BYTES
QUEUES: int = lib.CHIP_QUEUES
VECTORS: int = lib.INTR_VECTORS
# The pages of BAR0 that hold queue tails, which clients may map.  Ref: 82599 datasheet, RDT and TDT.
TAIL_PAGES = (0x1000, 0x6000, 0x7000, 0xD000)
NS_PER_US = 1000


class CardCore:
    """Rings, filters, offloads, interrupts and the wire of one 82599, in C.

    Args:
        vfs: Virtual functions it is made with.

    Attributes:
        pf: Its physical function.
        stalls: Queues that stopped.
    """

    def __init__(self, vfs: int = 0) -> None:
        card = lib.card_new()
        if card == ffi.NULL:
            raise MemoryError("card_new")
        self._card: Pointer = ffi.gc(card, lib.card_free)
        check(lib.card_make_vfs(card, vfs), f"{vfs} virtual functions")
        self.pf = Function(ffi.addressof(card, "pf"), self._card)
        self.stalls = Stalls(ffi.addressof(card, "stalls"))
        self._port: object = None

    def close(self) -> None:
        """Give the memory back; the object is of no use afterwards.  May be called twice."""
        self.pf.close()
        self._port = None
        if self._card is not None:
            ffi.release(self._card)
            self._card = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def c(self) -> Pointer:
        """The ``struct card *``; raises ``ValueError`` after ``close``."""
        if self._card is None:
            raise ValueError("this card is closed")
        return self._card

    @property
    def ops(self) -> Pointer:
        """Its table of operations, for the loop."""
        return lib.card_ops()

    # -- time and turns ----------------------------------------------------------------------------------------------

    def step(self) -> int:
        """One turn without waiting: wire, rings, interrupts.

        Returns:
            Work done; 0 means there was nothing to do.
        """
        return int(lib.card_step(self.c))

    def settle(self, turns: int = 64) -> int:
        """Step until nothing is left to do, ``turns`` times at most; returns the turns that did work."""
        for turn in range(turns):
            if not self.step():
                return turn
        return turns

    def now_ns(self) -> int:
        """The device's time in nanoseconds."""
        return int(lib.clock_now(ffi.addressof(self.c, "clock")))

    def manual_clock(self, now_ns: int = 0) -> None:
        """From now on time stands still unless ``advance`` moves it."""
        clock = self.c.clock
        clock.manual_ns = now_ns
        clock.now = ffi.addressof(lib, "clock_manual")
        clock.arg = ffi.addressof(self.c, "clock")

    def advance(self, ns: int) -> None:
        """Move a manual clock forward and send the interrupts that became due."""
        self.c.clock.manual_ns += ns
        lib.intr_run(ffi.addressof(self.c, "intr"))

    # -- the world ---------------------------------------------------------------------------------------------------

    def set_port(self, port: Pointer | None) -> None:
        """Plug in a ``struct port *`` (kept alive), or None for no wire at all."""
        self._port = port
        self.c.cutter.n = self.c.cutter.at = 0  # what it holds is the old one's memory
        self.c.port = ffi.NULL if port is None else port

    def cause(self, causes: int) -> None:
        """Latch EICR causes (bits in place, 30:16); masks and moderation decide what follows."""
        lib.intr_cause(ffi.addressof(self.c, "intr"), causes)

    @property
    def link_up(self) -> bool:
        """Whether frames pass the MAC."""
        return bool(self.c.rx.link_up)

    @link_up.setter
    def link_up(self, up: bool) -> None:
        self.c.rx.link_up = int(up)
        lib.timesync_speed(ffi.addressof(self.c, "timesync"))  # SYSTIM's rate follows LINKS

    def share_doorbells(self, every_us: int = 0) -> None:
        """Clients may map the pages with the queue tails from now on.

        Args:
            every_us: Longest sleep between two looks at the tails of a busy queue; 0: a look only every turn.

        Raises:
            OSError: No memory, or they were shared before.
        """
        check(lib.tails_show(ffi.addressof(self.c, "tails"), every_us * NS_PER_US), "memory for shared doorbells")

    # -- figures -----------------------------------------------------------------------------------------------------

    def counters(self) -> dict[str, int]:
        """What happened so far, by name; a name that several blocks count under is their sum."""
        card = self.c
        total: Counter[str] = Counter(self.pf.counters())
        for block in (card.rx, card.tx, card.intr, card.virt):
            total.update(counts(block.count))
        return {
            **total,
            "stalls": int(card.stalls.count),
            "faults": int(card.stalls.count),
            "loop_turns": int(card.turns),
        }
