# SPDX-License-Identifier: BSD-3-Clause
"""The chip's own counters and clocks."""

from collections.abc import Iterator

import pytest

from device.i82599.card import make_registers
from device.i82599.core import CardCore
from device.machine.core import ffi, lib
from device.regs.core import Register
from device.regs.i82599 import (
    BPRC,
    BPTC,
    FRTIMER,
    GORCH,
    GORCL,
    GOTCL,
    GPRC,
    GPTC,
    MPRC,
    MPTC,
    QBTC_H,
    QBTC_L,
    QPTC,
    SYSTIMH,
    SYSTIML,
    TIMINCA,
    TORH,
    TORL,
    TPR,
    TPT,
    TQSM,
)
from device.regs.i82599 import stats as table

UNICAST = bytes.fromhex("020000000001")
MULTICAST = bytes.fromhex("01005e000001")
BROADCAST = b"\xff" * 6
CLASSES = ["64", "127", "255", "511", "1023", "1522"]


class Bench:
    def __init__(self) -> None:
        self.nic = CardCore()
        self.nic.manual_clock(5_000_000_000)
        self.rf = make_registers(self.nic)
        self.rf.reset(software=False)

    def read(self, reg: type[Register], n: int = 0) -> int:
        return self.rf.read(reg.offset(n))

    def write(self, reg: type[Register], value: int, n: int = 0) -> None:
        self.rf.write(reg.offset(n), value)

    def count(self, function: str, len_bytes: int, da: bytes = UNICAST, flags: int = 0, queue: int = 0) -> None:
        data = ffi.new("uint8_t[]", da.ljust(len_bytes, b"\0")[:len_bytes] or b"\0")
        frame = ffi.new("struct frame *", {"data": data, "len_bytes": len_bytes, "flags": flags})
        regs = ffi.addressof(self.nic.pf.c, "regs")
        if function == "stats_rx":
            lib.stats_stage(regs, ffi.new("struct rx_pass *", {"frame": frame}))
        elif function == "stats_tx":
            lib.stats_tx(regs, queue, frame, 1, ffi.new("struct tally *"))
        else:
            lib.stats_rx_total(regs, frame, 1)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.nic.close()


# Lengths without the FCS: what a class counts includes its four bytes, and short frames count as padded to 64.
@pytest.mark.parametrize(
    ("len_bytes", "name"),
    [(14, "64"), (60, "64"), (61, "127"), (123, "127"), (124, "255"), (251, "255"), (252, "511"), (507, "511"),
     (508, "1023"), (1019, "1023"), (1020, "1522"), (1518, "1522"), (9000, "1522")],
)  # fmt: skip
@pytest.mark.parametrize(("function", "prefix"), [("stats_rx", "PRC"), ("stats_tx", "PTC")])
def test_size_class(bench: Bench, function: str, prefix: str, len_bytes: int, name: str) -> None:
    bench.count(function, len_bytes)
    seen = {size: bench.read(getattr(table, prefix + size)) for size in CLASSES}
    assert seen == {size: int(size == name) for size in CLASSES}


def test_frames_and_octets_with_fcs(bench: Bench) -> None:
    for len_bytes in (60, 100, 1514):
        bench.count("stats_rx", len_bytes)
        bench.count("stats_tx", len_bytes)
    assert [bench.read(reg) for reg in (GPRC, GORCL, GPTC, GOTCL, TPT)] == [3, 64 + 104 + 1518] * 2 + [3]


def test_broadcast_is_not_multicast(bench: Bench) -> None:
    for da in (UNICAST, MULTICAST, MULTICAST, BROADCAST):
        bench.count("stats_rx", 60, da)
        bench.count("stats_tx", 60, da)
    assert [bench.read(reg) for reg in (MPRC, BPRC, MPTC, BPTC)] == [2, 1, 2, 1]


def test_totals_count_damaged_frames_too(bench: Bench) -> None:
    bench.count("stats_rx_total", 60)
    bench.count("stats_rx_total", 60, flags=lib.FRAME_BAD_CRC)
    assert [bench.read(reg) for reg in (TPR, TORL, table.RXNFGPC, table.RXNFGBCL)] == [2, 128, 1, 64]


def test_a_read_clears(bench: Bench) -> None:
    bench.count("stats_rx", 60)
    assert [bench.read(GPRC), bench.read(GPRC)] == [1, 0]


def test_octets_carry_into_four_bits_more_and_stay_at_their_end(bench: Bench) -> None:
    bench.rf.put(GORCL, 0, 0xFFFF_FFFF)
    bench.rf.put(GORCH, 0, 0xE)
    bench.count("stats_rx", 60)
    assert (bench.read(GORCL), bench.read(GORCH)) == (63, 0xF)
    bench.rf.put(TORL, 0, 0xFFFF_FFFF)
    bench.rf.put(TORH, 0, 0xF)
    bench.count("stats_rx_total", 60)
    assert bench.rf.read(TORL.offset(), 8) == 0xF_FFFF_FFFF, "the end of the pair"


def test_what_is_counted_between_the_two_reads_is_not_lost(bench: Bench) -> None:
    bench.count("stats_rx", 60)
    assert bench.read(GORCL) == 64
    bench.count("stats_rx", 60)
    assert bench.read(GORCH) == 0
    assert bench.read(GORCL) == 64


def test_tx_queues_count_where_tqsm_says(bench: Bench) -> None:
    bench.write(TQSM, 0x0102_0F00, 1)  # queues 4..7 -> 0, 15, 2, 1
    for queue, index in [(4, 0), (5, 15), (6, 2), (7, 1)]:
        bench.count("stats_tx", 60, queue=queue)
        assert (bench.read(QPTC, index), bench.read(QBTC_L, index), bench.read(QBTC_H, index)) == (1, 64, 0)
    bench.count("stats_tx", 60, queue=4)
    assert bench.rf.read(QPTC.ALIAS[0]) == 1


def test_empty_frame_is_harmless(bench: Bench) -> None:
    bench.count("stats_rx", 0)
    assert (bench.read(GPRC), bench.read(MPRC)) == (1, 0)


def test_frtimer_counts_microseconds(bench: Bench) -> None:
    start = bench.read(FRTIMER)
    bench.nic.advance(250_000)
    assert bench.read(FRTIMER) - start == 250


def test_systim_stands_still_until_timinca_is_set(bench: Bench) -> None:
    bench.nic.advance(1_000_000)
    assert bench.rf.read(SYSTIML.offset(), 8) == 0


def test_systim_as_linux_programs_it_at_10g(bench: Bench) -> None:
    bench.write(TIMINCA, 0x01CC_CCCC)
    bench.write(SYSTIML, 0)
    bench.write(SYSTIMH, 0)
    bench.nic.advance(1_000_000_000)
    cycles = bench.read(SYSTIML) + (bench.read(SYSTIMH) << 32)
    assert cycles == 156_250_000 * 0xCCCCCC
    # ixgbe's cyclecounter: 0x66666666 >> 7 per 6.4 ns tick, shift 28 - 7 in 2^-21 ns... the ratio must give 1 s back.
    assert cycles * 6.4 / 0xCCCCCC == pytest.approx(1e9)


def test_high_half_belongs_to_the_low_half_read_before(bench: Bench) -> None:
    bench.write(TIMINCA, 0x01CC_CCCC)
    bench.write(SYSTIML, 0xFFFF_FF00)
    assert bench.read(SYSTIML) == 0xFFFF_FF00
    bench.nic.advance(64)
    assert bench.read(SYSTIMH) == 0
    assert bench.read(SYSTIML) == (0xFFFF_FF00 + 10 * 0xCC_CCCC) % 2**32
    assert bench.read(SYSTIMH) == 1


def test_changing_the_increment_keeps_the_time_so_far(bench: Bench) -> None:
    bench.write(TIMINCA, 0x0100_0001)
    bench.nic.advance(64)
    bench.write(TIMINCA, 0x0200_0003)
    bench.nic.advance(128)
    assert bench.read(SYSTIML) == 10 + 3 * 10


def test_reset_starts_the_clocks_anew(bench: Bench) -> None:
    bench.write(TIMINCA, 0x0100_0001)
    bench.nic.advance(640_000)
    bench.count("stats_rx", 60)
    bench.rf.reset(software=True)
    assert [bench.read(reg) for reg in (SYSTIML, FRTIMER, GPRC)] == [0, 0, 0]
