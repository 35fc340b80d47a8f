# SPDX-License-Identifier: BSD-3-Clause
"""Receive filters as people look at them; the work is done in C (csrc/rxfilter.c, rss.c, fdir.c)."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from device.machine.core import FastNic, lib
from device.machine.regfile import RegFile
from device.regs.i82599 import FCTRL, FDIRCMD, FDIRHASH, FDIRPORT, MRQC, MTA, RAH, RAL, RETA, VFTA, VLNCTRL
from device.regs.i82599.fdir import FdirL4Type
from device.regs.i82599.filters import MrqeMode


@dataclass(frozen=True)
class Flow:
    """One flow director filter.

    Attributes:
        name: The number software gave it.
        match: What it compares, before masks.
        queue: Where it sends frames; None: it drops them, or leaves the queue to RSS.
        drops: Whether it drops them.
    """

    name: int
    match: str
    queue: int | None
    drops: bool


class Filters:
    """The filter block.

    Args:
        regs: The function's registers.
        nic: The function in C.
    """

    def __init__(self, regs: RegFile, nic: FastNic) -> None:
        self.regs = regs
        self.nic = nic

    def reset(self, *, software: bool) -> None:
        """Nothing to forget here: ``nic_reset`` makes C forget its tables."""

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

    def flows(self) -> list[Flow]:
        """Flow director filters in use."""
        return [self._flow(n) for n in range(lib.NIC_FDIR_MAX) if self.nic.c.fdir[n].used]

    def _flow(self, n: int) -> Flow:
        entry = self.nic.c.fdir[n]
        cmd, ports = FDIRCMD(int(entry.cmd)), FDIRPORT(int(entry.port))
        if cmd.IPV6:
            source = b"".join(int(entry.ipsa[i]).to_bytes(4, "little") for i in range(4))
            addresses = f"{IPv6Address(source)} -> any"
        else:
            both = (IPv4Address(int(word).to_bytes(4, "little")) for word in (entry.ipsa[0], entry.ipda[0]))
            addresses = " -> ".join(map(str, both))
        return Flow(
            name=FDIRHASH(int(entry.hash)).SIG_SW_INDEX,
            match=f"{addresses} {FdirL4Type(cmd.L4TYPE).name} {ports.SOURCE} -> {ports.DESTINATION}",
            queue=cmd.RX_QUEUE if cmd.QUEUE_EN and not cmd.DROP else None,
            drops=bool(cmd.DROP),
        )

    def rows(self) -> dict[str, str]:
        """All of it in a few lines for a report."""
        fctrl, mrqc = self.regs.get(FCTRL), self.regs.get(MRQC)
        modes = [name for name, on in (("UPE", fctrl.UPE), ("MPE", fctrl.MPE), ("BAM", fctrl.BAM)) if on]
        reta = [self.regs.get(RETA, n) for n in range(RETA.count)]
        queues = {entry for value in reta for entry in (value.ENTRY0, value.ENTRY1, value.ENTRY2, value.ENTRY3)}
        vlans = self.vlans()
        return {
            "addresses": ", ".join(address.hex(":") for address in self.addresses()) or "none",
            "all of": " ".join(modes) or "none",
            "multicast bits": str(sum(int(self.regs.get(MTA, n)).bit_count() for n in range(MTA.count))),
            "vlans": f"{len(vlans)} of 4096" if self.regs.get(VLNCTRL).VFE else "not filtered",
            "queues": f"RSS over {len(queues)}" if mrqc.MRQE == MrqeMode.RSS else f"mode {mrqc.MRQE}",
            "flows": str(int(self.nic.c.fdir_used)),
        }
