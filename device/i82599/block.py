# SPDX-License-Identifier: BSD-3-Clause
"""What every block of the chip is: one subject, the registers it owns, and the part of it that C executes."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from device.machine.core import lib
from device.regs.core import Register


class Block:
    """One subject of the chip.

    A register has one owner, whoever else looks at it; ``python -m device.regs show --census`` holds that.

    Attributes:
        registers: What the block owns and keeps as storage, or answers by ``on_read``/``on_write``.
        hooked: What it owns and C looks at, through hook number ``hook``.
        hook: The number of its hook in C (``HOOK_*`` in card.h); 0: it has none.
    """

    registers: ClassVar[tuple[type[Register], ...]] = ()
    hooked: ClassVar[tuple[type[Register], ...]] = ()
    hook: ClassVar[int] = lib.REG_HOOK_NONE

    def reset(self, *, software: bool) -> None:
        """Forget state; ``software``: a reset by CTRL, which spares more than one by PCI.

        Blocks whose state is C's have nothing to do here: ``function_reset`` makes C forget.
        """


def hooks_of(blocks: Iterable[type[Block]]) -> Mapping[type[Register], int]:
    """By register, the C hook that looks at accesses to it."""
    return {register: block.hook for block in blocks for register in block.hooked}
