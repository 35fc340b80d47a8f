# SPDX-License-Identifier: BSD-3-Clause
"""Registers as immutable numbers with named fields: packing, and every mistake a table or a caller can make."""

import enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.regs.core import (
    RC,
    RO,
    RW,
    STICKS,
    W1C,
    WO,
    WRAPS,
    Counter,
    Field,
    Monotonic,
    ReadOnly,
    Register,
    Storage,
    every,
    index,
)


class Kind(enum.IntEnum):
    ONE = 1
    TWO = 2


class DEMO(Register, at=every(0x100, 0x40, 2), alias=every(0x800, 4, 1)):
    LOW = Field(3, 0, reset=5)
    KIND = Field(6, 4, values=Kind)
    FLAG = Field(7)
    HIGH = Field(31, 16, access=RO)


@given(st.integers(0, 15), st.integers(0, 7), st.integers(0, 1), st.integers(0, 0xFFFF))
def test_fields_come_back_as_they_went_in_and_land_on_their_bits(low: int, kind: int, flag: int, high: int) -> None:
    value = DEMO.of(LOW=low, KIND=kind, FLAG=flag, HIGH=high)
    got = (value.LOW, value.KIND, value.FLAG, value.HIGH)
    assert got == (low, kind, flag, high)
    assert int(value) == low + kind * 16 + flag * 128 + high * 65536
    assert DEMO(int(value)) == value


@given(st.integers(0, 0xFFFFFFFF), st.sampled_from(list(DEMO.FIELDS)), st.integers(0, 0xFFFF))
def test_replace_changes_one_field_and_no_other_bit(raw: int, name: str, number: int) -> None:
    field = DEMO.FIELDS[name]
    number %= field.max + 1
    value = DEMO(raw).replace(**{name: number})
    assert getattr(value, name) == number
    assert int(value) & ~field.mask == raw & ~field.mask


def test_a_field_is_a_field_on_the_class_and_a_number_on_a_value() -> None:
    assert isinstance(DEMO.KIND, Field)
    assert (DEMO.KIND.name, DEMO.KIND.lsb, DEMO.KIND.msb, DEMO.KIND.width) == ("KIND", 4, 6, 3)
    assert (DEMO.KIND.mask, DEMO.KIND.max, DEMO.KIND.access, DEMO.KIND.values) == (0x70, 7, RW, Kind)
    assert DEMO(0x20).KIND == Kind.TWO


def test_class_facts() -> None:
    assert (DEMO.NAME, DEMO.AT, DEMO.ALIAS, DEMO.RESET, DEMO.count) == ("DEMO", (0x100, 0x140), (0x800,), 5, 2)
    assert (DEMO.offset(), DEMO.offset(1), DEMO.reset(1).LOW) == (0x100, 0x140, 5)
    assert list(DEMO.FIELDS) == ["LOW", "KIND", "FLAG", "HIGH"]
    assert (DEMO.bits(RO), DEMO.bits(RW), DEMO.bits(RW, RO), DEMO.bits(WO)) == (0xFFFF0000, 0xFF, 0xFFFF00FF, 0)


@pytest.mark.parametrize("name", ["FLAG", "other", "NAME"])
def test_a_value_is_immutable(name: str) -> None:
    value = DEMO.of(FLAG=1)
    with pytest.raises(AttributeError, match="DEMO is immutable"):
        setattr(value, name, 0)
    assert value.FLAG == 1


def test_values_print_as_names() -> None:
    assert str(DEMO(0xA5)) == "DEMO(0x000000a5: LOW=5 KIND=2(TWO) FLAG=1)"
    assert repr(DEMO(0x30)) == "DEMO(0x00000030: KIND=3)"
    assert str(DEMO(0)) == "DEMO(0x00000000)"
    assert DEMO(0x100).describe() == "undeclared=0x100"
    assert repr(DEMO.HIGH) == "<Field HIGH [31:16] RO>"
    assert repr(Field(3)) == "<Field ? [3] RW>"


def test_a_value_that_does_not_fit_names_register_field_value_and_range() -> None:
    with pytest.raises(ValueError, match=r"^DEMO\.LOW: 16 is not in 0\.\.15$"):
        DEMO.of(LOW=16)
    with pytest.raises(ValueError, match=r"^DEMO\.LOW: 16 is not in 0\.\.15$"):
        DEMO(0).replace(LOW=16)
    with pytest.raises(ValueError, match=r"DEMO\.FLAG: -1 is not in 0\.\.1"):
        DEMO.of(FLAG=-1)


def test_an_unknown_field_is_answered_with_the_names_there_are() -> None:
    with pytest.raises(ValueError, match=r"DEMO has no field ENABLE; it has LOW, KIND, FLAG, HIGH"):
        DEMO.of(ENABLE=1)
    with pytest.raises(ValueError, match="DEMO has no field"):
        DEMO(0).replace(low=1)


@pytest.mark.parametrize("raw", [-1, 1 << 32])
def test_a_register_refuses_more_than_its_width(raw: int) -> None:
    with pytest.raises(ValueError, match=r"DEMO: -?0x\w+ does not fit in 32 bits"):
        DEMO(raw)


@pytest.mark.parametrize("n", [-1, 2])
def test_there_is_no_such_instance(n: int) -> None:
    with pytest.raises(IndexError, match=r"DEMO\[-?\d\]: there are 2"):
        DEMO.offset(n)


def test_overlapping_fields_are_an_error_at_declaration() -> None:
    with pytest.raises(ValueError, match=r"BAD\.B \[4:3\] overlaps A"):

        class BAD(Register, at=0):
            A = Field(3, 0)
            B = Field(4, 3)


def test_inherited_fields_may_not_be_overlapped_either() -> None:
    with pytest.raises(ValueError, match=r"BAD\.B \[0:0\] overlaps VALUE"):

        class BAD(Storage, at=0):
            B = Field(0)


def test_a_field_wider_than_its_register() -> None:
    with pytest.raises(ValueError, match=r"BAD\.A: bit 16 is outside a 16-bit register"):

        class BAD(Register, at=0, width=16):
            A = Field(16)


@pytest.mark.parametrize(("msb", "lsb"), [(0, 1), (64, 0), (3, -1)])
def test_bits_that_are_no_range(msb: int, lsb: int) -> None:
    with pytest.raises(ValueError, match="need 0 <= lsb <= msb < 64"):
        Field(msb, lsb)


def test_reset_and_named_values_must_fit_in_the_field() -> None:
    with pytest.raises(ValueError, match="reset 0x4 does not fit in 2 bits"):
        Field(1, 0, reset=4)
    with pytest.raises(ValueError, match="TWO=0x2 does not fit in 1 bits"):
        Field(0, values=Kind)


def test_register_reset_must_fit_match_and_count() -> None:
    with pytest.raises(ValueError, match="A1: reset 0x100000000 does not fit in 32 bits"):

        class A1(Register, at=0, reset=1 << 32): ...

    with pytest.raises(ValueError, match=r"A2\.F: reset 0x1, but the register's reset is 0x2"):

        class A2(Register, at=0, reset=2):
            F = Field(0, reset=1)

    with pytest.raises(ValueError, match="A3: 1 reset values for 2 registers"):

        class A3(Register, at=(0, 4), reset=(1,)): ...


def test_reset_per_instance() -> None:
    class EACH(Storage, at=(0, 4), reset=(7, 9)): ...

    assert (EACH.reset(0), EACH.reset(1)) == (7, 9)


def test_places_must_be_aligned_and_different() -> None:
    with pytest.raises(ValueError, match="B1: offset 0x2 is not aligned to 32 bits"):

        class B1(Register, at=2): ...

    with pytest.raises(ValueError, match="B2: the same offset twice"):

        class B2(Register, at=0, alias=0): ...

    with pytest.raises(ValueError, match="B3: 2 aliases for 1 registers"):

        class B3(Register, at=0, alias=(4, 8)): ...

    with pytest.raises(ValueError, match="B4: width 24"):

        class B4(Register, at=0, width=24): ...


def test_a_field_cannot_take_the_name_of_what_every_register_has() -> None:
    with pytest.raises(ValueError, match="C1: a field cannot be called RESET"):

        class C1(Register, at=0):
            RESET = Field(0)


@pytest.mark.parametrize(("base", "stride", "count"), [(-4, 4, 1), (0, 0, 1), (0, 4, 0)])
def test_every_wants_sense(base: int, stride: int, count: int) -> None:
    with pytest.raises(ValueError, match="stride > 0"):
        every(base, stride, count)


def test_default_access_of_a_register_reaches_fields_that_name_none() -> None:
    class CLEAR(Register, at=0, access=W1C):
        A = Field(0)
        B = Field(1, access=RO)

    assert (CLEAR.A.access, CLEAR.B.access, CLEAR.ACCESS) == (W1C, RO, W1C)


def test_bases_for_plain_registers() -> None:
    class PLAIN(Storage, at=0): ...

    class LOOK(ReadOnly, at=4): ...

    class TALLY(Counter, at=8, pair="OTHER", keep=True): ...

    assert (PLAIN.VALUE.access, LOOK.VALUE.access, TALLY.VALUE.access) == (RW, RO, RC)
    assert (PLAIN.COUNTER, TALLY.COUNTER, TALLY.PAIR, TALLY.KEEP, PLAIN.KEEP) == (False, True, "OTHER", True, False)
    assert Storage.VALUE.access is RW  # a derived class never changes its base


def test_a_counter_says_what_it_does_when_full() -> None:
    class TALLY(Counter, at=8): ...

    class RUNS(Monotonic, at=4): ...

    class TWO(Register, at=0, counter=True, full=WRAPS):
        A = Field(0)

    class CLEARED(TWO, at=12, full=STICKS): ...

    assert [made.FULL for made in (Storage, TALLY, RUNS, TWO, CLEARED)] == [None, STICKS, WRAPS, WRAPS, STICKS]
    assert (RUNS.COUNTER, RUNS.VALUE.access, CLEARED.A.access) == (False, RO, RC)
    with pytest.raises(ValueError, match="SILENT: a counter says what it does when it is full: full=STICKS or"):

        class SILENT(Register, at=0, counter=True):
            A = Field(0)


def test_index_finds_registers_and_aliases_and_refuses_collisions() -> None:
    assert index([DEMO], 0x1000) == {0x100: (DEMO, 0, False), 0x140: (DEMO, 1, False), 0x800: (DEMO, 0, True)}

    class NEAR(Register, at=0x102, width=16): ...

    with pytest.raises(ValueError, match=r"NEAR\[0\] at 0x102 collides with DEMO\[0\]"):
        index([DEMO, NEAR], 0x1000)
    with pytest.raises(ValueError, match="two registers are called DEMO"):
        index([DEMO, DEMO], 0x1000)
    with pytest.raises(ValueError, match=r"DEMO\[0\] at 0x800 is outside the 0x800 bytes"):
        index([DEMO], 0x800)


def test_a_64_bit_word_holds_64_bits() -> None:
    class WORD(Register, width=64):
        TOP = Field(63, 60)

    assert WORD.of(TOP=0xF) == 0xF << 60
    assert WORD(1 << 63).TOP == 8
