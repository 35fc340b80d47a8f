# SPDX-License-Identifier: BSD-3-Clause
"""Pools as people look at them.

The work is done in C (virt.c, pools.c, spoof.c, mirror.c, and card_pools.c above them).
"""

from collections.abc import Iterator
from typing import NamedTuple

from device.i82599.block import Block
from device.machine.core import lib
from device.machine.regfile import RegFile
from device.regs.i82599 import (
    MPSAR,
    MRCTL,
    PFDTXGSWC,
    PFVFSPOOF,
    PVFGPRC,
    PVFGPTC,
    RAH,
    RAL,
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
    Register,
)

POOLS = VMOLR.count


class Pool(NamedTuple):
    """One pool, in words.

    Attributes:
        pool: Its number; the default pool's has a star.
        addresses: Its own, as RAL, RAH and MPSAR have them.
        vlans: Its own, as VLVF and VLVFB have them.
        modes: What else it accepts (VMOLR), and what is wrong with it: it does not receive, or does not send.
        rx_frames: Frames in its memory, as PVFGPRC counts them.
        tx_frames: Frames it sent, as PVFGPTC counts them.
    """

    pool: str
    addresses: str
    vlans: str
    modes: str
    rx_frames: int
    tx_frames: int


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

    def _has(self, register: type[Register], pool: int, first: int = 0) -> bool:
        """Whether a set of pools, in two registers from ``first`` on, has this one."""
        return bool(int(self.regs.get(register, first + pool // 32)) >> pool % 32 & 1)

    def _addresses(self, pool: int) -> Iterator[str]:
        for n in range(RAL.count):
            high = self.regs.get(RAH, n)
            if high.AV and self._has(MPSAR, pool, 2 * n):
                yield (int(self.regs.get(RAL, n)).to_bytes(4, "little") + int(high.RAH).to_bytes(2, "little")).hex(":")

    def _vlans(self, pool: int) -> Iterator[str]:
        for n in range(VLVF.count):
            entry = self.regs.get(VLVF, n)
            if entry.VIEN and self._has(VLVFB, pool, 2 * n):
                yield str(entry.VLANID)

    def _modes(self, pool: int) -> Iterator[str]:
        vmolr = self.regs.get(VMOLR, pool)
        yield from (name for name in ("AUPE", "ROMPE", "ROPE", "BAM", "MPE") if getattr(vmolr, name))
        yield from (words for register, words in ((VFRE, "no Rx"), (VFTE, "no Tx")) if not self._has(register, pool))

    def pools(self) -> list[Pool]:
        """Pools that have an address or a VLAN, or had a frame; none if VT_CTL has no pools."""
        vt_ctl = self.regs.get(VT_CTL)
        found = []
        for pool in range(POOLS) if vt_ctl.VT_ENABLE else ():
            received, sent = int(self.regs.get(PVFGPRC, pool)), int(self.regs.get(PVFGPTC, pool))
            addresses, vlans = ", ".join(self._addresses(pool)), ", ".join(self._vlans(pool))
            if addresses or vlans or received or sent:
                star = "*" if pool == vt_ctl.POOL and not vt_ctl.DIS_DEFPL else ""
                found.append(Pool(f"{pool}{star}", addresses, vlans, " ".join(self._modes(pool)), received, sent))
        return found
