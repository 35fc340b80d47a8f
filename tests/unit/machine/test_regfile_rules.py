# SPDX-License-Identifier: BSD-3-Clause
"""Access rules in C against a model of each in Python, and random accesses that must harm nothing."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.i82599.block import hooks_of
from device.i82599.card import BLOCKS, make_registers
from device.i82599.core import BAR0_BYTES, CardCore
from device.machine.core import lib
from device.machine.regfile import RegFile
from device.machine.rules import rule_of
from device.regs import i82599 as regs
from device.regs.core import Access, Field, Register, every

MODEL = {
    # (bit as it is, bit as written) -> bit afterwards
    Access.RO: lambda now, written: now,
    Access.RW: lambda now, written: written,
    Access.WO: lambda now, written: written,
    Access.RC: lambda now, written: now,
    Access.W1C: lambda now, written: now & ~written,
    Access.W1S: lambda now, written: now | written,
    Access.SC: lambda now, written: now,
    Access.RCW1C: lambda now, written: now & ~written,
}
READS_0 = {Access.WO, Access.SC}
READ_CLEARS = {Access.RC, Access.RCW1C}
KINDS = list(Access)


class Mixed(Register, at=every(0x00400, 4, 2)):
    """One bit of every kind, four times over."""

    A = Field(0, access=Access.RO)
    B = Field(1, access=Access.RW)
    C = Field(2, access=Access.WO)
    D = Field(3, access=Access.RC)
    E = Field(4, access=Access.W1C)
    F = Field(5, access=Access.W1S)
    G = Field(6, access=Access.SC)
    H = Field(7, access=Access.RCW1C)


def bits(value: int, width: int = 8) -> list[int]:
    return [value // 2**i % 2 for i in range(width)]


def number(of: list[int]) -> int:
    return sum(bit * 2**i for i, bit in enumerate(of))


@pytest.fixture(scope="module")
def mixed() -> Iterator[RegFile]:
    with CardCore() as nic:
        yield RegFile(nic.pf, [Mixed])


def test_the_model_knows_every_kind() -> None:
    assert set(MODEL) == set(Access)
    assert [field.access for field in Mixed.FIELDS.values()] == KINDS


@pytest.mark.parametrize("written", [0x00, 0xFF, 0x55, 0xAA, 0x0F, 0xF0])
def test_write_of_every_kind_of_bit(mixed: RegFile, written: int) -> None:
    for held in range(256):
        mixed.put(Mixed, 0, held)
        mixed.write(0x400, written)
        wanted = [MODEL[kind](now, new) & 1 for kind, now, new in zip(KINDS, bits(held), bits(written), strict=True)]
        assert int(mixed.get(Mixed)) == number(wanted), f"{held:#x} then {written:#x}"


def test_read_of_every_kind_of_bit(mixed: RegFile) -> None:
    for held in range(256):
        mixed.put(Mixed, 1, held)
        seen = [0 if kind in READS_0 else bit for kind, bit in zip(KINDS, bits(held), strict=True)]
        left = [0 if kind in READ_CLEARS else bit for kind, bit in zip(KINDS, bits(held), strict=True)]
        assert mixed.read(0x404) == number(seen)
        assert int(mixed.get(Mixed, 1)) == number(left)


@given(held=st.integers(0, 255), byte=st.integers(0, 3), written=st.integers(0, 255))
def test_byte_writes_touch_their_byte_only(held: int, byte: int, written: int) -> None:
    with CardCore() as nic:
        rf = RegFile(nic.pf, [Mixed])
        rf.put(Mixed, 0, held)
        rf.write(0x400 + byte, written, 1)
        if byte:
            assert rf.get(Mixed) == held
        else:
            wanted = [
                MODEL[kind](now, new) & 1 for kind, now, new in zip(KINDS, bits(held), bits(written), strict=True)
            ]
            assert int(rf.get(Mixed)) == number(wanted)


def test_every_bit_of_the_map_has_one_rule() -> None:
    for register in regs.ALL:
        rule = rule_of(register)
        kinds = [rule.rw, rule.w1c, rule.w1s]
        assert sum(kinds) == kinds[0] | kinds[1] | kinds[2], register.NAME


HOOKS = hooks_of(BLOCKS)


def test_every_hooked_register_is_declared() -> None:
    assert HOOKS.keys() <= set(regs.ALL)


def stable_bits() -> dict[int, int]:
    """Offset to the bits that no guest access may change: undeclared and RO ones of registers without a C block."""
    own = {lib.REG_HOOK_NONE, lib.HOOK_FILTERS, lib.HOOK_RSS}
    found = {}
    for register in regs.ALL:
        rule = rule_of(register, hook=HOOKS.get(register, 0))
        if rule.hook in own:
            changing = rule.rw | rule.w1c | rule.w1s | rule.rc
            found.update(dict.fromkeys(register.AT, 2**32 - 1 - changing))
    return found


STABLE = stable_bits()
ACCESS = st.tuples(
    st.one_of(
        st.integers(0, BAR0_BYTES + 8),
        st.sampled_from([offset for register in regs.ALL for offset in register.AT]),
    ),
    st.sampled_from([1, 2, 4, 8, 16]),
    st.one_of(st.none(), st.integers(0, 2**128 - 1)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(ACCESS, max_size=40))
def test_random_accesses_never_crash_nor_change_read_only_bits(accesses: list[tuple[int, int, int | None]]) -> None:
    with CardCore() as nic:
        nic.manual_clock()
        rf = make_registers(nic)
        touched = set()
        for offset, len_bytes, value in accesses:
            if value is None:
                rf.read(offset, len_bytes)
            else:
                rf.write(offset, value % 2 ** (8 * len_bytes), len_bytes)
            nic.step()
            touched |= {at - at % 4 for at in range(offset, offset + len_bytes)}
        for offset in touched & STABLE.keys():
            register, n = rf.at(offset)
            held, reset = int(rf.get(register, n)), int(register.reset(n))
            assert (held ^ reset) & STABLE[offset] == 0, f"{register.NAME}[{n}]: {held:#x}, after reset {reset:#x}"
        assert not rf.handler_errors
