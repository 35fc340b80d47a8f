# SPDX-License-Identifier: BSD-3-Clause
"""The flow director as people look at it; the work is done in C (fdir.c)."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from device.i82599.block import Block
from device.i82599.core import CardCore
from device.machine.core import Pointer, lib
from device.regs.i82599 import (
    FDIRCMD,
    FDIRCTRL,
    FDIRDIP4M,
    FDIRFREE,
    FDIRFSTAT,
    FDIRHASH,
    FDIRHKEY,
    FDIRIP6M,
    FDIRIPDA,
    FDIRIPSA,
    FDIRLEN,
    FDIRM,
    FDIRMATCH,
    FDIRMISS,
    FDIRPORT,
    FDIRSIP4M,
    FDIRSKEY,
    FDIRTCPM,
    FDIRUDPM,
    FDIRUSTAT,
    FDIRVLAN,
    FDIRSIPv6,
)
from device.regs.i82599.fdir import FdirL4Type


@dataclass(frozen=True)
class Flow:
    """One flow director filter.

    Attributes:
        name: The number software gave it, or its signature.
        match: What it compares, before masks.
        queue: Where it sends frames; None: it drops them, or leaves the queue to RSS.
        drops: Whether it drops them.
    """

    name: int
    match: str
    queue: int | None
    drops: bool


class Fdir(Block):
    """Perfect and signature filters.

    Args:
        core: The card in C.
    """

    hook = lib.HOOK_FDIR
    hooked = (
        FDIRCTRL,
        FDIRSIPv6,
        FDIRIPSA,
        FDIRIPDA,
        FDIRPORT,
        FDIRVLAN,
        FDIRHASH,
        FDIRCMD,
        FDIRFREE,
        FDIRDIP4M,
        FDIRSIP4M,
        FDIRTCPM,
        FDIRUDPM,
        FDIRLEN,
        FDIRUSTAT,
        FDIRFSTAT,
        FDIRMATCH,
        FDIRMISS,
        FDIRHKEY,
        FDIRSKEY,
        FDIRM,
        FDIRIP6M,
    )

    def __init__(self, core: CardCore) -> None:
        self.core = core

    def flows(self) -> list[Flow]:
        """Flow director filters in use."""
        filters = self.core.c.fdir.filter
        return [self._flow(filters[n]) for n in range(int(self.core.c.fdir.top)) if filters[n].used]

    def _flow(self, entry: Pointer) -> Flow:
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
