# SPDX-License-Identifier: BSD-3-Clause
"""What the rings of a NIC counted, added up under the names of ``ethtool -S``."""

from collections.abc import Mapping, Sequence
from typing import Any


def ring_totals(rx_rings: Sequence[Any], tx_rings: Sequence[Any], xdp_rings: Sequence[Any] = ()) -> dict[str, int]:
    """Totals and each queue's share; what programs sent (``xdp_rings``) is none of the interface's packets."""
    totals: dict[str, int] = {}

    def add(name: str, count: int) -> None:
        totals[name] = totals.get(name, 0) + count

    for way, rings in (("rx", rx_rings), ("tx", tx_rings)):
        for ring in rings:
            counts = ring.stats()
            for what in ("packets", "bytes"):
                add(f"{way}_{what}", counts[what])
                add(f"{way}_queue_{ring.queue}_{what}", counts[what])
            add(f"{way}_dropped", counts["drops"])
            if way == "tx":
                add("tx_busy", counts["busy"])
                add("tx_restart_queue", counts["restarts"])
            else:
                add("rx_csum_offload_errors", counts["csum_errors"])
                for name, what in zip(ring.model.lro_counters, ("lro_frames", "lro_packets"), strict=False):
                    add(name, counts[what])
    for ring in xdp_rings:
        for what in ("packets", "bytes"):
            add(f"xdp_queue_{ring.queue}_{what}", ring.stats()[what])
    return totals


def add_totals(past: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    """What was counted by rings that are gone, and by those there are."""
    return {name: past.get(name, 0) + now.get(name, 0) for name in {**past, **now}}


def in_order(totals: Mapping[str, int]) -> dict[str, int]:
    """Totals first, then queues, by number."""
    names = sorted(totals, key=lambda name: ("_queue_" in name, name.startswith("tx"), len(name), name))
    return {name: totals[name] for name in names}
