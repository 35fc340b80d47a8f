# SPDX-License-Identifier: BSD-3-Clause
"""The chip's clocks; C keeps them (timesync.c)."""

from device.i82599.block import Block
from device.machine.core import lib
from device.regs.i82599 import FRTIMER, SYSTIMH, SYSTIML, TIMINCA


class TimeSync(Block):
    """The free running timer, and SYSTIM."""

    hook = lib.HOOK_TIMESYNC
    hooked = (FRTIMER, SYSTIML, SYSTIMH, TIMINCA)
