# SPDX-License-Identifier: BSD-3-Clause
"""Every register that the device acts on has one block that owns it and a test that names it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from device.regs.core import Register
from device.regs.tree import ROOT, Found, Owner, Tree


def acted_on(tree: Tree) -> dict[str, str]:
    """Registers that the device's C or Python reads or changes, to the first function that does, in words."""
    found: dict[str, str] = {}
    for language, uses in (("C", tree.c("device")), ("Python", tree.python("device"))):
        for name, who in _first(uses):
            found.setdefault(name, f"{language} {who}")
    return found


def _first(uses: Found) -> Iterator[tuple[str, str]]:
    for name, functions in uses.items():
        for use in functions:
            if use.acts:
                yield name, f"{use.function} ({use.place})"
                break


def _say(owner: Owner) -> str:
    return f"{owner.block.name} ({owner.path}:{owner.block.line})"


def _wrong_owners(owners: dict[str, list[Owner]], known: set[str]) -> Iterator[str]:
    """What blocks say of registers and cannot be."""
    for name, blocks in sorted(owners.items()):
        if name not in known:
            yield f"{name}: no such register, but {_say(blocks[0])} owns it"
        if len(blocks) > 1:
            yield f"{name}: owned by {' and by '.join(_say(owner) for owner in blocks)}; one block owns a register"


def _obeyed_after_all(acted: dict[str, str], registers: Sequence[type[Register]]) -> Iterator[str]:
    """Registers that are marked as stored and not obeyed, though somebody acts on them."""
    for register in registers:
        if register.NAME in acted and register.STORED:
            yield f"{register.NAME}: {acted[register.NAME]} acts on it, but it is marked stored={register.STORED!r}"


def census(registers: Sequence[type[Register]], *, owners: bool = True, root: Path = ROOT) -> tuple[int, list[str]]:
    """How many registers the device acts on, and a line for each that lacks something.

    Args:
        registers: All there are.
        owners: Whether each needs an owner, too.
        root: The checkout.

    Raises:
        FileNotFoundError: There is no checkout.
    """
    tree = Tree(registers, root)
    acted = acted_on(tree)
    owned, unread = tree.owners()
    tested = {name for name, tests in tree.tests().items() if any(test.of_behaviour for test in tests)}
    lines = []
    for name, who in sorted(acted.items()):
        lacks = [] if name in owned or not owners else ["no block owns it"]
        lacks += [] if name in tested else ["no test names it"]
        if lacks:
            lines.append(f"{name}: {who} acts on it; {', '.join(lacks)}")
    lines += _obeyed_after_all(acted, registers)
    return len(acted), [*lines, *_wrong_owners(owned, {register.NAME for register in registers}), *unread]
