# SPDX-License-Identifier: BSD-3-Clause
"""Interrupts; the work is done in C (intr.c, registers.c, timer.c)."""

from device.i82599.block import Block
from device.machine.core import lib
from device.regs.i82599 import (
    EIAC,
    EIAM,
    EIAM_EX,
    EICR,
    EICR_EX,
    EICS,
    EICS_EX,
    EIMC,
    EIMC_EX,
    EIMS,
    EIMS_EX,
    EITR,
    GPIE,
    IVAR,
    IVAR_MISC,
    TCPTIMER,
)


class Intr(Block):
    """Causes, masks, moderation, and which vector tells of what."""

    hook = lib.HOOK_INTR
    hooked = (
        EICR,
        EICS,
        EIMS,
        EIMC,
        EIAC,
        EIAM,
        EITR,
        GPIE,
        IVAR,
        IVAR_MISC,
        EICR_EX,
        EICS_EX,
        EIMS_EX,
        EIMC_EX,
        EIAM_EX,
        TCPTIMER,
    )
