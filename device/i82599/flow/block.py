# SPDX-License-Identifier: BSD-3-Clause
"""Flow control registers; C obeys them (received.c, sent.c)."""

from device.i82599.block import Block
from device.regs.i82599 import FCCFG, FCRTH, FCRTL, FCRTV, FCTTV, PFCTOP, RTRUP2TC, RTTUP2TC, TFCS


class Flow(Block):
    """Pause frames that leave, and those that come, and which queues and priorities they mean; MFLCN is the MAC's."""

    registers = (FCCFG, FCRTH, FCRTL, FCRTV, FCTTV, PFCTOP, RTRUP2TC, RTTUP2TC, TFCS)
