# SPDX-License-Identifier: BSD-3-Clause
"""What pools received and sent, added up over counters that wrap."""

from device.regs.core import Register
from device.regs.i82599 import PVFGORC_LSB, PVFGORC_MSB, PVFGPRC, PVFGPTC
from driver.ixgbe.sriov.counters import A_TURN, PoolCounters


class Chip:
    """Counters that a test sets."""

    def __init__(self) -> None:
        self.values: dict[tuple[type[Register], int], int] = {}
        self.reads = 0

    def read(self, register: type[Register], n: int = 0) -> Register:
        self.reads += 1
        return register(self.values.get((register, n), 0))


def test_frames_and_octets_wrap() -> None:
    chip = Chip()
    counters = PoolCounters(chip, 2)  # type: ignore[arg-type]  # all that is used of a Bar
    chip.values = {(PVFGPRC, 1): 2**32 - 2, (PVFGORC_LSB, 1): 2**32 - 1, (PVFGORC_MSB, 1): 15}
    counters.begin()
    assert counters.update(1)["rx_packets"] == 0, "what was there before is not counted"
    chip.values = {(PVFGPRC, 1): 3, (PVFGORC_LSB, 1): 9, (PVFGORC_MSB, 1): 0}
    assert counters.update(1)["rx_packets"] == 5
    assert counters.totals[1]["rx_bytes"] == 10, "36 bits"
    assert counters.totals[0]["rx_packets"] == 0


def test_a_reset_of_the_chip_loses_none() -> None:
    chip = Chip()
    counters = PoolCounters(chip, 1)  # type: ignore[arg-type]
    counters.begin()
    chip.values = {(PVFGPTC, 0): 7}
    counters.update(0)
    chip.values = {}
    counters.begin()
    chip.values = {(PVFGPTC, 0): 2}
    assert counters.update(0)["tx_packets"] == 9


def test_a_turn_looks_at_a_few_and_comes_to_all() -> None:
    chip = Chip()
    counters = PoolCounters(chip, 20)  # type: ignore[arg-type]
    chip.values = {(PVFGPRC, n): n + 1 for n in range(20)}
    chip.reads = 0
    counters.turn()
    assert chip.reads == 7 * A_TURN
    for _ in range(2):
        counters.turn()
    assert [total["rx_packets"] for total in counters.totals] == list(range(1, 21))
