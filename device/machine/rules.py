# SPDX-License-Identifier: BSD-3-Clause
"""From a register's declaration to the masks that C obeys: what each ``Access`` does is decided here, once."""

from dataclasses import dataclass

from device.machine.core import lib
from device.regs.core import Access, Register

WRITTEN = (Access.RW, Access.WO, Access.W1C, Access.RCW1C, Access.W1S, Access.SC)


@dataclass(frozen=True, slots=True)
class Rule:
    """One ``struct reg_rule``: masks of the bits that behave in each way."""

    reset: int = 0
    rw: int = 0
    w1c: int = 0
    w1s: int = 0
    rc: int = 0
    wo: int = 0
    none: int = 0
    hook: int = 0
    flags: int = 0


def rule_of(register: type[Register], n: int = 0, hook: int = 0) -> Rule:
    """What C does when register ``n`` of its kind is touched; ``hook``: which C block looks at accesses.

    Undeclared bits ignore writes and keep the register's reset value; of what software may write, those that are 0
    are in ``none``.
    """
    bits = register.bits
    reset = register.reset(n)
    return Rule(
        reset=int(reset),
        rw=bits(Access.RW, Access.WO),
        w1c=bits(Access.W1C, Access.RCW1C),
        w1s=bits(Access.W1S),
        rc=bits(Access.RC, Access.RCW1C),
        wo=bits(Access.WO, Access.SC),
        none=register(~int(reset) % 2**register.WIDTH).undeclared if bits(*WRITTEN) else 0,
        hook=hook,
        flags=int(lib.RULE_KNOWN) + (int(lib.RULE_KEEP) if register.KEEP else 0),
    )
