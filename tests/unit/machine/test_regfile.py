# SPDX-License-Identifier: BSD-3-Clause
"""Register storage and access rules: the C path against what each Access kind means."""

import logging
from collections.abc import Iterator

import pytest

from device.i82599.card import make_registers
from device.i82599.core import BAR0_BYTES, CardCore
from device.machine.regfile import RegFile, on_read, on_write
from device.regs.core import Access, Field, Register, every
from device.regs.i82599 import CTRL, RXDCTL, SRRCTL


@pytest.fixture
def nic() -> Iterator[CardCore]:
    with CardCore() as card:
        yield card


@pytest.fixture
def rf(nic: CardCore) -> RegFile:
    return make_registers(nic)


class OnlyFour(Register, at=0x00100, reset=0xF000_0000):
    """Bits of several kinds in one register; 31:28 are declared by nobody."""

    PLAIN = Field(7, 0, reset=0)
    FIXED = Field(15, 8, access=Access.RO)
    FLAGS = Field(23, 16, access=Access.W1C)
    GO = Field(24, access=Access.SC)


def test_map_fits_the_table(rf: RegFile) -> None:
    assert rf.get(RXDCTL, 127) == RXDCTL.reset(127)


def test_alias_shares_storage(rf: RegFile) -> None:
    rf.write(SRRCTL.ALIAS[3], 0x0200_0402)
    assert rf.read(SRRCTL.offset(3)) == 0x0200_0402 == rf.get(SRRCTL, 3)


def test_undeclared_bits_keep_their_reset_value(nic: CardCore) -> None:
    rf = RegFile(nic.pf, [OnlyFour])
    rf.write(0x100, 0x0FFF_FFFF)
    assert rf.read(0x100) == 0xF000_00FF


def test_eight_bytes_are_two_dwords_low_one_first(nic: CardCore) -> None:
    seen: list[tuple[int, int]] = []

    class Two(Register, at=every(0x40, 4, 2)):
        VALUE = Field(31, 0)

    class Block:
        @on_write(Two)
        def wrote(self, n: int, old: Two, new: Two, written: Two) -> None:
            seen.append((n, int(new)))

    rf = RegFile(nic.pf, [Two])
    rf.bind(Block())
    rf.write(0x40, 0x1111_2222_3333_4444, 8)
    assert seen == [(0, 0x3333_4444), (1, 0x1111_2222)]
    assert rf.read(0x40, 8) == 0x1111_2222_3333_4444


def test_byte_write_does_not_set_off_its_neighbours(nic: CardCore) -> None:
    rf = RegFile(nic.pf, [OnlyFour])
    rf.put(OnlyFour, 0, 0xF0FF_0012)
    rf.write(0x100, 0x34, 1)
    assert rf.get(OnlyFour) == 0xF0FF_0034  # FLAGS (write 1 to clear) are still set
    rf.write(0x102, 0x0F, 1)
    assert rf.get(OnlyFour) == 0xF0F0_0034


def test_self_clearing_bit_is_seen_by_the_handler_and_reads_0(nic: CardCore) -> None:
    seen: list[int] = []

    class Block:
        @on_write(OnlyFour)
        def wrote(self, n: int, old: OnlyFour, new: OnlyFour, written: OnlyFour) -> None:
            seen.append(written.GO)

    rf = RegFile(nic.pf, [OnlyFour])
    rf.bind(Block())
    rf.write(0x100, OnlyFour.of(GO=1))
    assert seen == [1]
    assert OnlyFour(rf.read(0x100)).GO == 0


def test_reader_answers(nic: CardCore) -> None:
    class Block:
        @on_read(OnlyFour)
        def read(self, n: int, value: OnlyFour) -> int:
            return value.replace(FIXED=0x5A)

    rf = RegFile(nic.pf, [OnlyFour])
    rf.bind(Block())
    assert OnlyFour(rf.read(0x100)).FIXED == 0x5A
    with pytest.raises(ValueError, match="OnlyFour"):
        rf.bind(Block())


def test_exception_in_a_handler_is_logged_once_and_harms_nobody(
    nic: CardCore, caplog: pytest.LogCaptureFixture
) -> None:
    class Block:
        @on_read(OnlyFour)
        def read(self, n: int, value: OnlyFour) -> int:
            raise RuntimeError("boom")

        @on_write(OnlyFour)
        def wrote(self, n: int, old: OnlyFour, new: OnlyFour, written: OnlyFour) -> None:
            raise RuntimeError("bang")

    rf = RegFile(nic.pf, [OnlyFour])
    rf.bind(Block())
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            rf.write(0x100, 7)
            assert rf.read(0x100) == 0xF000_0007
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    assert rf.handler_errors == 6


def test_handler_that_reads_itself_ends(nic: CardCore) -> None:
    class Block:
        @on_read(OnlyFour)
        def read(self, n: int, value: OnlyFour) -> int:
            return file.read(0x100) + 1

    file = RegFile(nic.pf, [OnlyFour])
    file.bind(Block())
    assert file.read(0x100) == 0xF000_0008


def test_unknown_offsets_read_0_and_are_remembered(nic: CardCore) -> None:
    rf = RegFile(nic.pf, [OnlyFour])
    rf.write(0x200, 5)
    assert rf.read(0x200) == 0
    assert rf.read(0x200) == 0
    assert rf.unknown == {(0x200, "write"): 1, (0x200, "read"): 2}
    assert nic.counters()["reg_unknown"] == 3


def test_beyond_the_register_space_reads_0(rf: RegFile) -> None:
    assert rf.read(BAR0_BYTES) == 0
    assert rf.read(BAR0_BYTES - 4, 8) == 0
    rf.write(BAR0_BYTES, 0xFFFF_FFFF)
    rf.write(2**64 - 8, 1)
    with pytest.raises(OSError, match="Invalid"):
        rf.read(2**64 - 2, 4)


def test_software_reset_spares_what_is_declared_to_be_kept(nic: CardCore) -> None:
    class Kept(Register, at=0x10, keep=True, reset=1):
        VALUE = Field(31, 0)

    class Lost(Register, at=0x14, reset=(2,)):
        VALUE = Field(31, 0)

    rf = RegFile(nic.pf, [Kept, Lost])
    rf.write(0x10, 9)
    rf.write(0x14, 9)
    rf.reset(software=True)
    assert (rf.read(0x10), rf.read(0x14)) == (9, 2)
    rf.reset(software=False)
    assert (rf.read(0x10), rf.read(0x14)) == (1, 2)


def test_trace_names_the_register(rf: RegFile, caplog: pytest.LogCaptureFixture) -> None:
    rf.trace(RXDCTL)
    with caplog.at_level(logging.INFO):
        rf.write(RXDCTL.offset(3), RXDCTL.of(ENABLE=1))
        rf.write(CTRL.offset(), 0)
    assert [record.getMessage().split(" ")[:2] for record in caplog.records] == [["RXDCTL[3]", "<-"]]


def test_update_changes_fields_without_rules(nic: CardCore) -> None:
    rf = RegFile(nic.pf, [OnlyFour])
    assert rf.update(OnlyFour, FIXED=3, FLAGS=1) == 0xF001_0300
    assert rf.read(0x100) == 0xF001_0300
