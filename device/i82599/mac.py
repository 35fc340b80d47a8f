# SPDX-License-Identifier: BSD-3-Clause
"""The MAC: what its control registers are, and an MDIO bus with nobody on it.

The part drives its SFP+ cage over the serial lane, so there is no PHY chip; a driver still scans the bus once.
MAC features that move frames (HLREG0, MAXFRS) are obeyed in C, the link is device/i82599/link.py.
"""

from device.i82599.block import Block
from device.machine.core import lib
from device.machine.regfile import RegFile, on_read, on_write
from device.regs.i82599 import CTRL_EXT, EXVET, HLREG0, LINKS, MAXFRS, MFLCN, MSCA, MSRWD, STATUS

MDIO_NOBODY = 0xFFFF  # the data line is pulled up


class Mac(Block):
    """MDIO commands, and what drivers are told of the link besides LINKS.UP.

    Args:
        regs: The function's registers.
    """

    hook = lib.HOOK_FILTERS  # the longest frame is worked out once from these
    hooked = (HLREG0, MAXFRS, CTRL_EXT)
    registers = (MSCA, MSRWD, MFLCN, EXVET)

    def __init__(self, regs: RegFile) -> None:
        self.regs = regs
        self.commands = 0
        self._was_down = True  # since LINKS was read last

    def see_link(self, *, up: bool) -> None:
        """The link was looked at: STATUS says how it is."""
        self._was_down |= not up
        self.regs.update(STATUS, LINK_UP=int(up))

    @on_read(LINKS)
    def links(self, _n: int, value: LINKS) -> int:
        """Add whether the link was up all the time since the last look, which this look ends.

        Ref: drivers read it twice, for a moment without link shows in the first answer only.
        """
        not_down = value.UP and not self._was_down
        self._was_down = not value.UP
        return value.replace(NOT_DOWN=int(not_down))

    @on_write(CTRL_EXT)
    def driver(self, _n: int, old: CTRL_EXT, new: CTRL_EXT, _written: CTRL_EXT) -> None:
        """A driver that goes says so by DRV_LOAD: what the last one was told, the next one is told again."""
        if old.DRV_LOAD and not new.DRV_LOAD:
            self.regs.driver_gone()

    @on_write(MSCA)
    def mdio(self, _n: int, _old: MSCA, new: MSCA, written: MSCA) -> None:
        """Do a command at once. Reads find all ones, which drivers take for "no PHY here".

        Ref: ixgbe polls MSCA bit 30 until it clears, then takes the upper half of MSRWD.
        """
        if not written.MDI_COMMAND:
            return
        self.commands += 1
        self.regs.put(MSCA, 0, new.replace(MDI_COMMAND=0))
        self.regs.update(MSRWD, READ_DATA=MDIO_NOBODY)
