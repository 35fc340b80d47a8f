# SPDX-License-Identifier: BSD-3-Clause
"""What a card is and what happened to it, as data for people and programs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from device.i82599.ring import Ring
from device.regs.i82599 import name_of

UNKNOWN_ROWS = 64  # undeclared registers that are listed one by one


@dataclass(frozen=True)
class Report:
    """What happened to a card.

    Attributes:
        card: What the card is: addresses, module, link.
        counters: Figures by name.
        wire: The port's own figures by name.
        unknown: Register accesses nobody declared: name or offset, reads, writes; the many of a guest that tries every
            offset are summed up in a last row.
        filters: What receive lets through and where it sends it, by name.
        rings: Enabled queues: queue, iova of the ring, descriptors, head, tail, descriptors that are the device's.
        pools: Pools in use: number, addresses, VLANs, modes, frames in and out.
        stalls: Queues that stopped: queue, why and what to do, how often.
        faults: The same, under the name it had before faults were something that is injected.
        injected: Faults that are active now, as they were asked for.
    """

    card: dict[str, str] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    wire: dict[str, int] = field(default_factory=dict)
    unknown: list[tuple[str, int, int]] = field(default_factory=list)
    filters: dict[str, str] = field(default_factory=dict)
    rings: list[tuple[str, str, int, int, int, int]] = field(default_factory=list)
    pools: list[tuple[str, str, str, str, int, int]] = field(default_factory=list)
    stalls: list[tuple[str, str, int]] = field(default_factory=list)
    faults: list[tuple[str, str, int]] = field(default_factory=list)
    injected: list[str] = field(default_factory=list)


def unknown_rows(seen: Mapping[tuple[int, str], int]) -> list[tuple[str, int, int]]:
    """Accesses to undeclared offsets, ``(offset, "read" or "write")`` to how many, as rows of a report."""
    unknown: dict[int, dict[str, int]] = defaultdict(lambda: {"read": 0, "write": 0})
    for (offset, kind), times in seen.items():
        unknown[offset][kind] += times
    rows = [(name_of(offset), counts["read"], counts["write"]) for offset, counts in sorted(unknown.items())]
    listed, more = rows[:UNKNOWN_ROWS], rows[UNKNOWN_ROWS:]
    if more:
        listed.append((f"{len(more)} more", sum(row[1] for row in more), sum(row[2] for row in more)))
    return listed


def ring_rows(kind: str, rings: Iterable[Ring]) -> list[tuple[str, str, int, int, int, int]]:
    """Enabled queues of one direction as rows of a report."""
    return [(f"{kind}[{r.queue}]", f"{r.iova:#x}", r.count, r.head, r.tail, r.waiting) for r in rings]


def stall_rows(
    seen: Mapping[tuple[str, int, str], int], explained: Mapping[tuple[str, int, str], str]
) -> list[tuple[str, str, int]]:
    """Queues that stopped as rows of a report."""
    return [(f"{key[0]}[{key[1]}]", explained[key], times) for key, times in sorted(seen.items())]
