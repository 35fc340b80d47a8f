# SPDX-License-Identifier: BSD-3-Clause
"""Receive filters as people look at them; the work is done in C (filters.c)."""

from device.i82599.block import Block
from device.machine.core import lib
from device.machine.regfile import RegFile
from device.regs.i82599 import (
    DAQF,
    ETQF,
    ETQS,
    FCTRL,
    FTQF,
    IMIRVP,
    L34TIMIR,
    LLITHRESH,
    MCSTCTRL,
    MTA,
    RAH,
    RAL,
    SAQF,
    SDPQF,
    SYNQF,
    UTA,
    VFTA,
    VLNCTRL,
)


class Filters(Block):
    """Addresses, multicast and VLAN tables; EtherType, SYN and 5-tuple filters.

    Args:
        regs: The function's registers.
    """

    hook = lib.HOOK_FILTERS
    hooked = (
        RAL,
        RAH,
        MTA,
        UTA,
        VFTA,
        MCSTCTRL,
        FCTRL,
        VLNCTRL,
        ETQF,
        ETQS,
        FTQF,
        SAQF,
        DAQF,
        SDPQF,
        L34TIMIR,
        SYNQF,
        LLITHRESH,
        IMIRVP,
    )

    def __init__(self, regs: RegFile) -> None:
        self.regs = regs

    def addresses(self) -> list[bytes]:
        """Valid receive addresses, by register."""
        return [
            int(self.regs.get(RAL, n)).to_bytes(4, "little") + int(self.regs.get(RAH, n).RAH).to_bytes(2, "little")
            for n in range(RAL.count)
            if self.regs.get(RAH, n).AV
        ]

    def vlans(self) -> list[int]:
        """VLAN ids in the table."""
        words = [f"{int(self.regs.get(VFTA, n)):032b}"[::-1] for n in range(VFTA.count)]
        return [vid for vid, bit in enumerate("".join(words)) if bit == "1"]

    def rows(self) -> dict[str, str]:
        """All of it in a few lines for a report."""
        fctrl = self.regs.get(FCTRL)
        modes = [name for name, on in (("UPE", fctrl.UPE), ("MPE", fctrl.MPE), ("BAM", fctrl.BAM)) if on]
        vlans = self.vlans()
        return {
            "addresses": ", ".join(address.hex(":") for address in self.addresses()) or "none",
            "all of": " ".join(modes) or "none",
            "multicast bits": str(sum(int(self.regs.get(MTA, n)).bit_count() for n in range(MTA.count))),
            "vlans": f"{len(vlans)} of 4096" if self.regs.get(VLNCTRL).VFE else "not filtered",
        }
