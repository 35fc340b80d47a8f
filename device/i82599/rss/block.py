# SPDX-License-Identifier: BSD-3-Clause
"""Receive side scaling as people look at it; the work is done in C (rss.c)."""

from device.i82599.block import Block
from device.machine.core import lib
from device.machine.regfile import RegFile
from device.regs.i82599 import MRQC, RETA, RQTC, RSSRK
from device.regs.i82599.filters import MrqeMode

CLASSES: dict[int, int] = {MrqeMode.RT8TC: 8, MrqeMode.RTRSS8TC: 8, MrqeMode.RT4TC: 4, MrqeMode.RTRSS4TC: 4}


class Rss(Block):
    """The hash and the table from hash to queue.

    Args:
        regs: The function's registers.
    """

    hook = lib.HOOK_RSS
    hooked = (RSSRK, RETA, MRQC)
    registers = (RQTC,)

    def __init__(self, regs: RegFile) -> None:
        self.regs = regs

    def describe(self) -> str:
        """Where frames go, in a few words."""
        mode = self.regs.get(MRQC).MRQE
        reta = [self.regs.get(RETA, n) for n in range(RETA.count)]
        queues = {entry for value in reta for entry in (value.ENTRY0, value.ENTRY1, value.ENTRY2, value.ENTRY3)}
        if mode == MrqeMode.RSS:
            return f"RSS over {len(queues)}"
        return f"{CLASSES[mode]} traffic classes" if mode in CLASSES else f"mode {mode}"
