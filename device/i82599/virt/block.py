# SPDX-License-Identifier: BSD-3-Clause
"""Pools as people look at them; the work is done in C (virt.c, pools.c, spoof.c, mirror.c, and card_pools.c above them)."""

from device.i82599.block import Block
from device.machine.core import lib
from device.machine.regfile import RegFile
from device.regs.i82599 import (
    MPSAR,
    MRCTL,
    PFDTXGSWC,
    PFVFSPOOF,
    VFRE,
    VFTE,
    VLVF,
    VLVFB,
    VMECM,
    VMOLR,
    VMRVLAN,
    VMRVM,
    VMTXSW,
    VMVIR,
    VT_CTL,
)


class Virt(Block):
    """Which pools a frame is for, and the switch between them.

    Args:
        regs: The physical function's registers.
    """

    hook = lib.HOOK_VIRT
    hooked = (VT_CTL, VFRE, VMTXSW, MPSAR, VMOLR, VLVF, VLVFB, MRCTL, VMRVLAN, VMRVM)
    registers = (PFDTXGSWC, PFVFSPOOF, VFTE, VMECM, VMVIR)

    def __init__(self, regs: RegFile) -> None:
        self.regs = regs
