# SPDX-License-Identifier: BSD-3-Clause
"""The physical function's part of virtual functions: mailboxes, who was reset, and how many there are.

The work is done in C (life.c, mailbox.c, windows.c, intr.c).
"""

from device.i82599.block import Block
from device.i82599.core import CardCore
from device.machine.core import ffi, lib
from device.machine.regfile import RegFile, on_write
from device.regs.i82599 import (
    CTRL_EXT,
    GCR_EXT,
    MBVFICR,
    PFMAILBOX,
    PFMBIMR,
    PFMBMEM,
    STATUS,
    VFLRE,
    VFLREC,
)


class Vfs(Block):
    """All virtual functions of the card, as its physical function sees them.

    Args:
        regs: The physical function's registers.
        core: The card in C.
    """

    hook = lib.HOOK_VFS
    hooked = (PFMAILBOX, VFLREC, GCR_EXT)
    registers = (VFLRE, MBVFICR, PFMBIMR, PFMBMEM)

    def __init__(self, regs: RegFile, core: CardCore) -> None:
        self.regs = regs
        self.core = core

    def enable(self, count: int) -> None:
        """SR-IOV has ``count`` functions enabled from now on; more than the card was made with are not there."""
        lib.vfs_enable(ffi.addressof(self.core.c, "vfs"), count)
        self._tell()

    @property
    def enabled(self) -> int:
        """How many are in use."""
        return int(self.core.c.vfs.enabled)

    def reset(self, *, software: bool) -> None:
        """STATUS says again how many there are; C has put all of them into reset."""
        self._tell()

    def _tell(self) -> None:
        self.regs.update(STATUS, NUM_VFS=self.enabled, IOV_ACTIVE=int(self.enabled > 0))

    @on_write(CTRL_EXT)
    def ready(self, _n: int, _old: CTRL_EXT, _new: CTRL_EXT, written: CTRL_EXT) -> None:
        """The physical function's driver is done with its reset: virtual functions may go on."""
        if written.PFRSTD:
            lib.vfs_pf_ready(ffi.addressof(self.core.c, "vfs"))
