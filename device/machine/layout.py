# SPDX-License-Identifier: BSD-3-Clause
"""Declarations worked out for C: which rule is at which word.  Made once, however many functions are laid out alike.

Observed: an 82599's physical function takes 67 ms to work out and 1 ms to lay out again; a card has up to 64 functions,
and the tests make some thousands of cards.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from device.machine.core import Pointer, ffi, lib
from device.machine.rules import Rule, rule_of
from device.machine.stored import Stored
from device.regs.core import Register

LAYOUTS_MOST = 8


class Layout:
    """What the register files that have the same declarations have in common.  Nobody changes it.

    Args:
        registers: What is declared.
        hooks: For each of them the number of its C hook, or 0.

    Attributes:
        rules: Each distinct rule and its index.
        rule_at: By canonical offset in bytes, the rule there.
        alias_of: By canonical offset, the one other place where that register answers.
        at: By canonical offset, the register and which of its kind.
        stored: Registers with fields that are only stored: writes to them are heard.
        c_rules: ``struct reg_rule[]``, by index.
        c_places: ``struct reg_place[]``, for ``regfile_lay``.

    Raises:
        ValueError: A register is not 32 bits wide, or there are more rules than C has room for.
    """

    def __init__(self, registers: tuple[type[Register], ...], hooks: tuple[int, ...]) -> None:
        self.rules: dict[Rule, int] = {Rule(): 0}
        self.rule_at: dict[int, Rule] = {}
        self.alias_of: dict[int, int] = {}
        self.at: dict[int, tuple[type[Register], int]] = {}
        self.stored = tuple(register for register in registers if Stored.hears(register))
        for register, hook in zip(registers, hooks, strict=True):
            self._declare(register, hook)
        if len(self.rules) > lib.REG_RULES_MAX:
            raise ValueError(f"{len(self.rules)} distinct access rules: C has room for {lib.REG_RULES_MAX}")
        self.c_rules: Pointer = ffi.new("struct reg_rule[]", len(self.rules))
        for rule, index in self.rules.items():
            fill(self.c_rules[index], rule)
        places = [(offset, offset, self.rules[rule]) for offset, rule in self.rule_at.items()]
        places += [(alias, offset, self.rules[self.rule_at[offset]]) for offset, alias in self.alias_of.items()]
        self.c_places: Pointer = ffi.new("struct reg_place[]", places)

    def _declare(self, register: type[Register], hook: int) -> None:
        if register.WIDTH != 32:
            raise ValueError(f"{register.NAME}: BAR0 registers have 32 bits, not {register.WIDTH}")
        self.alias_of |= {register.AT[n]: offset for n, offset in enumerate(register.ALIAS)}
        heard = int(lib.RULE_PY_WRITE) if register in self.stored else 0
        same = with_flag(rule_of(register, hook=hook), heard)
        for n, offset in enumerate(register.AT):
            own = same if isinstance(register.RESET, int) else with_flag(rule_of(register, n, hook), heard)
            self.rules.setdefault(own, len(self.rules))
            self.at[offset] = register, n
            self.rule_at[offset] = own


def fill(target: Pointer, rule: Rule) -> None:
    """Write a rule into a ``struct reg_rule``."""
    for name in Rule.__dataclass_fields__:
        setattr(target, name, getattr(rule, name))


@lru_cache(maxsize=1024)
def with_flag(rule: Rule, flag: int, *, on: bool = True) -> Rule:
    """Return the rule with a flag set, or cleared."""
    return replace(rule, flags=rule.flags | flag if on else rule.flags & ~flag)


@lru_cache(maxsize=LAYOUTS_MOST)
def _layout(registers: tuple[type[Register], ...], hooks: tuple[int, ...]) -> Layout:
    return Layout(registers, hooks)


def layout_of(registers: tuple[type[Register], ...], hooks: Mapping[type[Register], int]) -> Layout:
    """Return the layout of these declarations: one of the last few that were asked for, or a new one."""
    return _layout(registers, tuple(hooks.get(register, 0) for register in registers))
