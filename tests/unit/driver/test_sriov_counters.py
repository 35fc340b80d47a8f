# SPDX-License-Identifier: BSD-3-Clause
"""What pools received and sent, added up over counters that wrap."""

from device.regs.core import Register
from device.regs.i82599 import PVFGORC_LSB, PVFGORC_MSB, PVFGPRC, PVFGPTC
from driver import compiled
from driver.core.bar import Bar
from driver.ixgbe.sriov.counters import A_TURN, PoolCounters
from tests.rigs.memory_door import MemoryDoor


class Chip(MemoryDoor):
    """Counters that a test sets; all others are 0."""

    def set(self, values: dict[tuple[type[Register], int], int]) -> None:
        self.memory[:] = bytes(len(self.memory))
        for (register, n), value in values.items():
            self.word(register.offset(n), value)

    @property
    def reads(self) -> int:
        return int(compiled.ffi.cast("struct mmio *", self.mmio).reads)


def test_frames_and_octets_wrap() -> None:
    chip = Chip()
    counters = PoolCounters(Bar(chip), 2)
    chip.set({(PVFGPRC, 1): 2**32 - 2, (PVFGORC_LSB, 1): 2**32 - 1, (PVFGORC_MSB, 1): 15})
    counters.begin()
    assert counters.update(1)["rx_packets"] == 0, "what was there before is not counted"
    chip.set({(PVFGPRC, 1): 3, (PVFGORC_LSB, 1): 9, (PVFGORC_MSB, 1): 0})
    assert counters.update(1)["rx_packets"] == 5
    assert counters.totals[1]["rx_bytes"] == 10, "36 bits"
    assert counters.totals[0]["rx_packets"] == 0


def test_a_reset_of_the_chip_loses_none() -> None:
    chip = Chip()
    counters = PoolCounters(Bar(chip), 1)
    counters.begin()
    chip.set({(PVFGPTC, 0): 7})
    counters.update(0)
    chip.set({})
    counters.begin()
    chip.set({(PVFGPTC, 0): 2})
    assert counters.update(0)["tx_packets"] == 9


def test_a_turn_looks_at_a_few_and_comes_to_all() -> None:
    chip = Chip()
    counters = PoolCounters(Bar(chip), 20)
    chip.set({(PVFGPRC, n): n + 1 for n in range(20)})
    before = chip.reads
    counters.turn()
    assert chip.reads - before == 7 * A_TURN
    for _ in range(2):
        counters.turn()
    assert [total["rx_packets"] for total in counters.totals] == list(range(1, 21))
