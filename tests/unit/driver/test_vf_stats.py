# SPDX-License-Identifier: BSD-3-Clause
"""Counters of a virtual function that go round, and are cleared by a reset of its port."""

import pytest

from device.regs.core import Register
from device.regs.i82599.vf import VFGORC_LSB, VFGORC_MSB, VFGOTC_LSB, VFGOTC_MSB, VFGPRC, VFGPTC, VFMPRC
from driver.core.bar import Bar
from driver.ixgbevf.stats import VfStats
from tests.rigs.memory_door import MemoryDoor

SINGLE: dict[str, type[Register]] = {"rx_pkts_nic": VFGPRC, "tx_pkts_nic": VFGPTC, "multicast": VFMPRC}
PAIRS = {"rx_bytes_nic": (VFGORC_LSB, VFGORC_MSB), "tx_bytes_nic": (VFGOTC_LSB, VFGOTC_MSB)}


@pytest.mark.parametrize("name", SINGLE)
def test_what_goes_round_at_32_bits(name: str) -> None:
    bar = Bar(MemoryDoor())
    stats = VfStats(bar)
    bar.write(SINGLE[name], 2**32 - 3)
    stats.begin()
    assert stats.totals[name] == 0, "what was counted before us is not ours"
    bar.write(SINGLE[name], 4)
    stats.update()
    stats.update()
    assert stats.totals == {**dict.fromkeys(stats.totals, 0), name: 7}


@pytest.mark.parametrize("name", PAIRS)
def test_and_at_36(name: str) -> None:
    bar = Bar(MemoryDoor())
    stats = VfStats(bar)
    low, high = PAIRS[name]
    bar.write(low, 2**32 - 1)
    bar.write(high, 15)
    stats.begin()
    bar.write(low, 9)
    bar.write(high, 0)
    stats.update()
    assert stats.totals[name] == 10
    bar.write(high, 1)
    stats.update()
    assert stats.totals[name] == 10 + 2**32


def test_what_was_cleared_meanwhile() -> None:
    bar = Bar(MemoryDoor())
    stats = VfStats(bar)
    stats.begin()
    bar.write(VFGPRC, 100)
    stats.update()
    bar.write(VFGPRC, 30)
    stats.begin()
    assert stats.totals["rx_pkts_nic"] == 130, "all of it since the reset"
    bar.write(VFGPRC, 50)
    stats.begin()
    assert stats.totals["rx_pkts_nic"] == 150, "a start without a reset of the port clears nothing"
