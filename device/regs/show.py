# SPDX-License-Identifier: BSD-3-Clause
"""A register's page: what it is, how we know, and who has to do with it."""

import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

from device.regs.core import Field, Full, Register
from device.regs.header import runs
from device.regs.tree import ROOT, Check, Tree, Use

COLUMNS = 80
TESTS_SHOWN = 3  # of one file
USES_SHOWN = 12  # of one kind
_MARK = re.compile(r"\b(Ref|Observed|Guess):")


@dataclass(frozen=True)
class Declared:
    """Where a register is declared and what its source says beside the class.

    Attributes:
        place: ``file:line`` from the root of the checkout.
        comments: Field name to the comment on its line.
    """

    place: str
    comments: Mapping[str, str]


@cache
def _source(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()


def declared(register: type[Register]) -> Declared:
    """Look a declaration up in its source."""
    place = ""
    comments: dict[str, str] = {}
    for base in reversed(register.__mro__):
        path = getattr(sys.modules.get(base.__module__), "__file__", None)
        if not path or not issubclass(base, Register):
            continue
        lines = _source(path)
        start = next((n for n, line in enumerate(lines) if re.match(rf"class {base.__name__}\b", line)), None)
        if start is None:
            continue
        place = f"{Path(path).resolve().relative_to(ROOT).as_posix()}:{start + 1}"
        for line in lines[start + 1 :]:
            if line and not line.startswith(" "):
                break
            if found := re.match(r"    (\w+)\s*=\s*Field\(.*\)\s*#\s*(.*)", line):
                comments[found[1]] = found[2]
    return Declared(place, comments)


def about(register: type[Register]) -> tuple[str, list[str]]:
    """What the docstring says: what the register is, and each ``Ref:``, ``Observed:`` and ``Guess:`` of it."""
    text = " ".join((register.__doc__ or "").split())
    starts = [found.start() for found in _MARK.finditer(text)] or [len(text)]
    marks = [text[start:end].strip() for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    return text[: starts[0]].strip(), [mark for mark in marks if mark]


def when_full(register: type[Register]) -> str:
    """What a counter does at its highest value and how we know, or ""."""
    if register.FULL is None:
        return ""
    what = "sticks at its highest value" if register.FULL is Full.STICKS else "wraps: after its highest value comes 0"
    if register.PAIR:
        what += f" (36 bits, with {register.PAIR})"
    elif len(register.FIELDS) > 1:
        what += ", each field by itself"
    said_by = next(base for base in register.__mro__ if issubclass(base, Register) and "FULL" in vars(base))
    return what if said_by is register else " ".join((f"{what}.", *about(said_by)[1])).rstrip(".")


def when_stored(register: type[Register]) -> str:
    """What the device has not and these bits belong to, or ""."""
    features = " and no ".join(register.stored_features())
    if not features:
        return ""
    if not any(field.is_asked_for for field in register.FIELDS.values()):
        return f"nobody moves it: the device has no {features}"
    whole = all(field.stored for field in register.FIELDS.values())
    return f"{'' if whole else 'in part '}stored, not obeyed: the device has no {features}"


def _places(offsets: tuple[int, ...]) -> Iterator[str]:
    """Offsets of one register or of an array, a line for each evenly spaced part."""
    for first, base, stride, count in runs(offsets):
        n = f"(n - {first})" if first else "n"
        sum_ = f"{base:#07x} + {stride:#x} {n}" if stride else f"{base:#07x}"
        which = f"n = {first}" + (f"..{first + count - 1}" if count > 1 else "")
        yield sum_ if len(offsets) == 1 else f"{sum_:25}{which}"


def _reset(register: type[Register]) -> str:
    digits = register.WIDTH // 4 + 2
    if isinstance(register.RESET, int):
        return f"{register.RESET:#0{digits}x}"
    return ", ".join(f"{value:#x}" for value in register.RESET)


def _wrap(text: str, label: str = "", indent: int = 2, column: int = 12) -> Iterator[str]:
    """A label and a text beside it, in lines that fit a terminal."""
    head = " " * indent + label.ljust(column)
    yield from textwrap.wrap(
        text, COLUMNS, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False
    ) or [head.rstrip()]


def _table(rows: Sequence[Sequence[str]], indent: int = 2) -> Iterator[str]:
    """Columns as wide as they must be; the last one is wrapped."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]) - 1)]
    for row in rows:
        head = "".join(cell.ljust(width + 2) for cell, width in zip(row[:-1], widths, strict=True))
        yield from _wrap(row[-1], head, indent, 0)


def bits(field: Field) -> str:
    """Where a field is: ``8``, or ``14:11``."""
    return f"{field.msb}" if field.msb == field.lsb else f"{field.msb}:{field.lsb}"


def meaning(register: type[Register], name: str) -> str:
    """What a field means: the comment on its line; of a register that is one number, what the register is."""
    if comment := declared(register).comments.get(name, ""):
        return comment
    return about(register)[0].rstrip(".") if list(register.FIELDS) == ["VALUE"] else ""


def of_field(register: type[Register], field: Field) -> str:
    """What one field means, and its rule."""
    where = f"bit{'s' if field.width > 1 else ''} {bits(field)}"
    said = meaning(register, field.name) or "nobody wrote down what it means"
    values = [f"{value.value} = {value.name}" for value in field.values or ()]
    lines = textwrap.wrap(f"{register.NAME}.{field.name}, {where}: {said}", COLUMNS, subsequent_indent="    ")
    if values:
        lines += _wrap(", ".join(values), "values", 4, 8)
    reset = f"{field.reset:#x}" if field.reset > 9 else f"{field.reset}"
    lines += _wrap(f"{field.access.value}; {reset} after reset", "access", 4, 8)
    if field.stored and field.is_asked_for:
        lines += _wrap(f"stored, not obeyed: the device has no {field.stored}", "mark", 4, 8)
    lines += _wrap(about(register)[0], "of", 4, 8)
    return "\n".join(lines)


def _field(field: Field, comment: str) -> tuple[str, ...]:
    values = " ".join(f"{value.value}={value.name}" for value in field.values or ())
    note = f"{comment}: {values}" if comment and values else comment or values
    if field.stored and field.is_asked_for:
        note = f"{note} (stored, not obeyed)".strip()
    reset = f"{field.reset:#x}" if field.reset > 9 else f"{field.reset}"
    return bits(field), field.name, field.access.value, reset, note


def head(register: type[Register]) -> Iterator[str]:
    """What a register is: all that its declaration says."""
    source = declared(register)
    what, marks = about(register)
    title = register.NAME if register.count < 2 else f"{register.NAME}[0..{register.count - 1}]"
    yield from textwrap.wrap(f"{title}   {what}", COLUMNS, subsequent_indent="    ")
    yield ""
    yield from _wrap(source.place, "declared")
    for mark in marks:
        label, _, text = mark.partition(":")
        yield from _wrap(text.strip().rstrip("."), label)
    if not register.AT:
        yield from _wrap("none: it is a word of a descriptor", "offset")
    for label, offsets in (("offset", register.AT), ("alias", register.ALIAS)):
        for n, place in enumerate(_places(offsets)):
            yield " " * 2 + ("" if n else label).ljust(12) + place
    kept = "; a software reset leaves it" if register.KEEP else ""
    yield from _wrap(_reset(register) + kept, "reset")
    if full := when_full(register):
        yield from _wrap(full, "when full")
    if stored := when_stored(register):
        yield from _wrap(stored, "mark")
    yield ""
    rows = [_field(field, source.comments.get(name, "")) for name, field in register.FIELDS.items()]
    yield from _table([("bits", "field", "access", "reset", ""), *rows])


def _uses(uses: Iterable[Use], prefix: str = "") -> list[tuple[str, str, str]]:
    """A row for each function: what it does, who, where; those that act come first."""
    rows = []
    for use in sorted(uses, key=lambda use: not use.acts):
        how = prefix or use.how
        if not use.acts:
            how = f"{prefix} layout".strip()
        rows.append((how, use.function, use.place))
    return rows


def _cut(rows: list[tuple[str, str, str]], everything: bool) -> list[tuple[str, str, str]]:
    if everything or len(rows) <= USES_SHOWN + 1:
        return rows
    return [*rows[:USES_SHOWN], ("", "", f"and {len(rows) - USES_SHOWN} more: --all")]


def _tests(tests: Sequence[Check], *, everything: bool) -> Iterator[str]:
    """Tests, file by file; then what the tests of a file share and that names the register."""
    for path, group in groupby(tests, key=lambda test: test.path):
        named = list(group)
        names = [test.name for test in named if test.is_test]
        shared = [test.name for test in named if not test.is_test]
        shown = names if everything or len(names) <= TESTS_SHOWN + 1 else names[:TESTS_SHOWN]
        yield f"  {path}"
        yield from (f"    ::{name}" for name in shown)
        if len(shown) < len(names):
            yield f"    and {len(names) - len(shown)} more: --all"
        if shared:
            yield from _wrap(f"through {', '.join(shared)}", indent=4, column=0)


def users(register: type[Register], tree: Tree, *, everything: bool) -> Iterator[str]:
    """Who has to do with a register."""
    name = register.NAME
    rows = []
    for owner in tree.owners()[0].get(name, ()):
        rows.append(("owner", owner.block.name, f"{owner.path}:{owner.block.line}"))
        if owner.hooked:
            rows.append(("hook", f"{owner.hooked}, in C", f"{owner.path}:{owner.block.line}"))
    rows += _uses(tree.python("device").get(name, ()))
    rows += _uses(tree.c("device").get(name, ()), "C")
    driver = _uses(tree.python("driver").get(name, ())) + _uses(tree.c("driver").get(name, ()), "C")
    for title, found in (("In the device", rows), ("In the driver", driver)):
        yield ""
        yield title if found else f"{title}: nobody names it"
        if found:
            yield from _table(_cut(found, everything))
    yield ""
    tests = tree.tests().get(name, ())
    yield "Tests (python -m pytest FILE::TEST)" if tests else "Tests: none names it"
    yield from _tests(tests, everything=everything)


def page(register: type[Register], *, everything: bool = False, root: Path = ROOT) -> str:
    """All about one register; without a checkout, what its declaration says and why not more."""
    lines = list(head(register))
    try:
        tree = Tree([register], root)
    except FileNotFoundError as error:
        lines += ["", *textwrap.wrap(f"Who uses it is in the sources: {error}", COLUMNS)]
    else:
        lines += users(register, tree, everything=everything)
    return "\n".join(lines)

