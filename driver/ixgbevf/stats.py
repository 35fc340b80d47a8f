# SPDX-License-Identifier: BSD-3-Clause
"""What the hardware counted for a virtual function: registers that go round and are never cleared, made into totals.

Ref: ixgbevf_update_stats; names as a port's, see driver/ixgbe/hw/stats.py.
"""

from device.regs.core import Register
from device.regs.i82599.vf import VFGORC_LSB, VFGORC_MSB, VFGOTC_LSB, VFGOTC_MSB, VFGPRC, VFGPTC, VFMPRC
from driver.core.bar import Bar
from driver.core.read_list import pair, read_counters

# One register each.
SINGLE: dict[str, type[Register]] = {"rx_pkts_nic": VFGPRC, "tx_pkts_nic": VFGPTC, "multicast": VFMPRC}

# Low half first: reading it takes the snapshot.
PAIRS: dict[str, tuple[type[Register], type[Register]]] = {
    "rx_bytes_nic": (VFGORC_LSB, VFGORC_MSB),
    "tx_bytes_nic": (VFGOTC_LSB, VFGOTC_MSB),
}
ROUND = {**dict.fromkeys(SINGLE, 2**32), **dict.fromkeys(PAIRS, 2**36)}


COUNTED = [
    *((name, 1, register, 0) for name, register in SINGLE.items()),
    *(part for name, (low, high) in PAIRS.items() for part in pair(name, low, high)),
]


class VfStats:
    """Totals since the driver took the function.

    Attributes:
        totals: By name.
    """

    def __init__(self, bar: Bar) -> None:
        """Everything is 0; nothing is read."""
        self.bar = bar
        self.totals: dict[str, int] = dict.fromkeys(ROUND, 0)
        self._last: dict[str, int] = {}

    def begin(self) -> None:
        """The function starts, for the first time or again; what was counted before the first is not ours.

        A reset of the port clears the registers: what is less than before was counted since.
        """
        now = read_counters(self.bar, COUNTED)
        for name, count in now.items():
            before = self._last.get(name, count)
            self.totals[name] += count - before if count >= before else count
        self._last = now

    def update(self) -> None:
        """Add what was counted since the last look."""
        now = read_counters(self.bar, COUNTED)
        for name, count in now.items():
            self.totals[name] += (count - self._last.get(name, count)) % ROUND[name]
        self._last = now
