# SPDX-License-Identifier: BSD-3-Clause
"""The chip's clocks; C keeps them (timesync.c)."""

from device.i82599.block import Block
from device.machine.core import lib
from device.regs.i82599 import (
    FRTIMER,
    RXMTRL,
    RXSATRH,
    RXSATRL,
    RXSTMPH,
    RXSTMPL,
    SYSTIMH,
    SYSTIML,
    TIMADJH,
    TIMADJL,
    TIMINCA,
    TSYNCRXCTL,
    TSYNCTXCTL,
    TXSTMPH,
    TXSTMPL,
)


class TimeSync(Block):
    """The free running timer, SYSTIM, and the stamps of PTP's messages."""

    registers = (RXMTRL, RXSATRL, RXSATRH, RXSTMPL, TXSTMPL, TIMADJL)
    hook = lib.HOOK_TIMESYNC
    hooked = (FRTIMER, SYSTIML, SYSTIMH, TIMINCA, TIMADJH, TSYNCRXCTL, RXSTMPH, TSYNCTXCTL, TXSTMPH)
