# SPDX-License-Identifier: BSD-3-Clause
"""What each pool received and sent.  The chip's counters wrap, so they are looked at often enough and added up."""

from collections import Counter

from device.regs.core import Register
from device.regs.i82599 import (
    PVFGORC_LSB,
    PVFGORC_MSB,
    PVFGOTC_LSB,
    PVFGOTC_MSB,
    PVFGPRC,
    PVFGPTC,
    PVFMPRC,
)
from driver.core.bar import Bar
from driver.core.read_list import HIGH, Counted, pair, read_counters

PAIR_VALUES = HIGH * (PVFGORC_MSB.VALUE.max + 1)

FRAMES: dict[str, type[Register]] = {"rx_packets": PVFGPRC, "rx_multicast": PVFMPRC, "tx_packets": PVFGPTC}
OCTETS: dict[str, tuple[type[Register], type[Register]]] = {
    "rx_bytes": (PVFGORC_LSB, PVFGORC_MSB),
    "tx_bytes": (PVFGOTC_LSB, PVFGOTC_MSB),
}
ROUND = {**dict.fromkeys(FRAMES, HIGH), **dict.fromkeys(OCTETS, PAIR_VALUES)}  # values until it begins anew
NAMES = ("rx_packets", "rx_bytes", "rx_multicast", "tx_packets", "tx_bytes")
A_TURN = 8  # 63 VFs in 16 s with a turn every 2 s: at 10 Gb/s octets wrap after 55 s


def _counted(pool: int) -> list[Counted]:
    found = [(name, 1, register, pool) for name, register in FRAMES.items()]
    for name, (low, high) in OCTETS.items():
        found += pair(name, low, high, pool)
    return found


class PoolCounters:
    """The counters of pools 0 to ``pools`` - 1."""

    def __init__(self, bar: Bar, pools: int) -> None:
        """Everything is 0."""
        self.bar = bar
        self.totals: list[Counter[str]] = [Counter() for _ in range(pools)]
        self._seen: list[dict[str, int]] = [{} for _ in range(pools)]
        self._next = 0

    def _read(self, pool: int) -> dict[str, int]:
        return read_counters(self.bar, _counted(pool))

    def begin(self) -> None:
        """After a reset: whatever they show now is where counting goes on from."""
        for pool, seen in enumerate(self._seen):
            seen.update(self._read(pool))

    def update(self, pool: int) -> Counter[str]:
        """Add up what a pool counted since it was looked at last; returns its totals."""
        seen, totals = self._seen[pool], self.totals[pool]
        for name, value in self._read(pool).items():
            totals[name] += (value - seen.get(name, 0)) % ROUND[name]
            seen[name] = value
        return totals

    def turn(self) -> None:
        """Look at the next few pools."""
        for _ in range(min(A_TURN, len(self.totals))):
            self.update(self._next)
            self._next = (self._next + 1) % len(self.totals)
