# SPDX-License-Identifier: BSD-3-Clause
"""Semaphores between software and firmware: SWSM, GSSR; and FWSM, which says that no firmware runs.

GSSR is plain storage: with no firmware nobody contends for its bits, and drivers only change it while holding SWSM.
"""

from device.i82599.block import Block
from device.machine.regfile import RegFile, on_read, on_write
from device.regs.i82599 import GSSR, SWSM

# Observed: ixgbe 6.12 reads SWSM twice in a row while it holds it, for SWESMBI and to clear both; who waits reads on.
OWN_LOOKS = 2


class Semaphores(Block):
    """The one semaphore that a read takes."""

    registers = (SWSM, GSSR)

    def __init__(self, regs: RegFile) -> None:
        self.regs = regs
        self.taken = 0  # how often software got it
        self.contended = 0  # how often somebody looked who had to wait
        self._looks = 0  # while it is held, since the last write

    @on_read(SWSM)
    def take(self, _n: int, value: SWSM) -> int:
        """Give the old SMBI and set it: whoever reads 0 owns the semaphore.

        Ref: ixgbe polls SWSM until SMBI reads 0, and clears it to release.
        """
        if value.SMBI:
            self._looks += 1
            self.contended += self._looks > OWN_LOOKS
        else:
            self.taken += 1
            self._looks = 0
            self.regs.update(SWSM, SMBI=1)
        return value

    @on_write(SWSM)
    def written(self, _n: int, _old: SWSM, _new: SWSM, _written: int) -> None:
        """Who writes holds it, and may look again."""
        self._looks = 0
