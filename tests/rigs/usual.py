# SPDX-License-Identifier: BSD-3-Clause
"""Two cards that are told the same: with one, usual frames go the usual way; with the other, all go the exact way."""

import struct

from device.i82599.core import CardCore
from device.machine.core import ffi, lib
from tests.twins.csum import checksum

ETHERTYPE_IPV4 = b"\x08\x00"
TCP, UDP = 6, 17


def exact(core: CardCore) -> None:
    """No frame of this card goes the usual way any more, in either direction."""
    core.c.usual.off = 1
    core.c.tx.usual_off = 1
    core.c.pf.regs.changes += 1  # what was worked out before is stale


def usual_frames(core: CardCore) -> tuple[int, int]:
    """How many frames went the usual way: received, sent."""
    return int(core.c.usual.frames), int(core.c.tx.usual_frames)


def difference(one: CardCore, other: CardCore) -> str:
    """What two cards have different, of registers, causes and counters; empty: nothing."""
    words = [ffi.buffer(core.c.pf.regs.word, lib.CARD_BAR0_BYTES) for core in (one, other)]
    if words[0] != words[1]:
        pairs = zip(*(memoryview(part).cast("I") for part in words), strict=True)
        return "registers " + ", ".join(f"{4 * n:#x}: {a:#x} {b:#x}" for n, (a, b) in enumerate(pairs) if a != b)
    causes = [(core.c.intr.cause_q, core.c.intr.cause, core.c.intr.mask_q) for core in (one, other)]
    if causes[0] != causes[1]:
        return f"causes {causes}"
    counts = [core.counters() for core in (one, other)]
    return ", ".join(f"{name}: {n} {counts[1][name]}" for name, n in counts[0].items() if n != counts[1][name])


def ipv4(
    header: bytes, proto: int, l4: bytes, *, source: int = 0x0A000001, options: bytes = b"", fragment: int = 0
) -> bytes:
    """A frame behind its Ethernet addresses, with right sums; ``l4`` has 0 where its checksum goes."""
    words = 5 + len(options) // 4
    ip = bytearray(
        struct.pack("!BBHHHBBHII", 0x40 | words, 0, 4 * words + len(l4), 1, fragment, 64, proto, 0, source, 0x0A000002)
        + options
    )
    ip[10:12] = struct.pack("!H", checksum(bytes(ip)))
    at = 16 if proto == TCP else 6
    body = bytearray(l4)
    pseudo = bytes(ip[12:20]) + struct.pack("!HH", proto, len(l4))
    body[at : at + 2] = struct.pack("!H", checksum(pseudo + bytes(body)) or 0xFFFF)
    return header + ETHERTYPE_IPV4 + bytes(ip) + bytes(body)


def udp(payload: bytes, port: int = 1000) -> bytes:
    """A UDP header without a sum, and its payload."""
    return struct.pack("!HHHH", port, 2000, 8 + len(payload), 0) + payload


def tcp(payload: bytes, port: int = 1000, flags: int = 0x10) -> bytes:
    """A TCP header without a sum, and its payload."""
    return struct.pack("!HHIIBBHHH", port, 2000, 1, 1, 0x50, flags, 1000, 0, 0) + payload
