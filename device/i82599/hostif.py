# SPDX-License-Identifier: BSD-3-Clause
"""The mailbox to manageability firmware (HICR): there, and disabled, as on a card without such firmware."""

from device.i82599.block import Block
from device.machine.regfile import RegFile, on_write
from device.regs.i82599 import HICR


class HostInterface(Block):
    """Host interface control.

    Args:
        regs: The function's registers.

    HICR.EN stays 0, so a driver gives up at once instead of waiting for an answer. Ref: ixgbe (set_fw_drv_ver).
    """

    registers = (HICR,)

    def __init__(self, regs: RegFile) -> None:
        self.regs = regs
        self.commands = 0  # commands given although nobody listens

    @on_write(HICR)
    def command(self, _n: int, _old: HICR, new: HICR, written: HICR) -> None:
        """Count a command and refuse it: it never completes and never becomes valid."""
        self.commands += written.C
        self.regs.put(HICR, 0, new.replace(EN=0, C=0, SV=0))
