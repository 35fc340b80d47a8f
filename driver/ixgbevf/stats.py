# SPDX-License-Identifier: BSD-3-Clause
"""What the hardware counted for a virtual function: registers that go round and are never cleared, made into totals.

Ref: ixgbevf_update_stats; names as a port's, see driver/ixgbe/hw/stats.py.
"""

from device.regs.core import Register
from device.regs.i82599.vf import VFGORC_LSB, VFGORC_MSB, VFGOTC_LSB, VFGOTC_MSB, VFGPRC, VFGPTC, VFMPRC
from driver.core.bar import Bar
from driver.core.read_list import ReadList

HIGH = 2**32

# One register each.
SINGLE: dict[str, type[Register]] = {"rx_pkts_nic": VFGPRC, "tx_pkts_nic": VFGPTC, "multicast": VFMPRC}

# Low half first: reading it takes the snapshot.
PAIRS: dict[str, tuple[type[Register], type[Register]]] = {
    "rx_bytes_nic": (VFGORC_LSB, VFGORC_MSB),
    "tx_bytes_nic": (VFGOTC_LSB, VFGOTC_MSB),
}
ROUND = {**dict.fromkeys(SINGLE, 2**32), **dict.fromkeys(PAIRS, 2**36)}


PLACES = [(register, 0) for register in (*SINGLE.values(), *(half for pair in PAIRS.values() for half in pair))]


def read_counters(bar: Bar) -> dict[str, int]:
    """The counters as the registers have them.

    Raises:
        DeviceGone: The function no longer answers.
        OSError: It refused a read.
    """
    reads = ReadList(bar, PLACES)
    values = [value or 0 for value in reads.read()]
    reads.check()
    found = dict(zip(SINGLE, values, strict=False))
    halves = values[len(SINGLE) :]
    return {
        **found,
        **{name: low + HIGH * high for name, low, high in zip(PAIRS, halves[::2], halves[1::2], strict=True)},
    }


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
        now = read_counters(self.bar)
        for name, count in now.items():
            before = self._last.get(name, count)
            self.totals[name] += count - before if count >= before else count
        self._last = now

    def update(self) -> None:
        """Add what was counted since the last look."""
        now = read_counters(self.bar)
        for name, count in now.items():
            self.totals[name] += (count - self._last.get(name, count)) % ROUND[name]
        self._last = now
