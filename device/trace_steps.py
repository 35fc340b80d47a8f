# SPDX-License-Identifier: BSD-3-Clause
"""Two traces of a probe side by side, step by step: ``python -m device.trace diff A B --steps``.

Where a step begins is said by a mark (``# step reset_hw``), which ``python -m driver probe NIC --trace-file`` writes.
A trace without marks is cut by what only that step begins with (trace_cuts.py).  A test cuts our own probe in both
ways and finds the same steps.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from device.regs.fold import Kind, Part, Run, Touch, described, fold, is_sweep
from device.regs.i82599 import lookup
from device.regs.tree import ROOT
from device.trace_cuts import Access, Steps

REASONS = ROOT / "tests" / "data" / "ixgbe-differences.txt"
SIDE_COLUMNS = 47  # two sides and a mark between them are 97
COLUMNS = 97
SAME_SHOWN = 2  # lines before and after a difference
ALL_ONES = 0xFFFFFFFF


def _touches(accesses: Iterable[Access]) -> Iterator[Touch]:
    for access in accesses:
        if access.kind not in {"R", "W"}:
            continue
        register = lookup(access.offset & ~3)
        name = register[0].NAME if register else f"{access.offset:#07x}"
        for _ in range(access.times):
            kind: Kind = "R" if access.kind == "R" else "W"
            yield Touch(kind, name, register[0] if register else None, register[1] if register else 0, access.value)


@dataclass(frozen=True)
class Row:
    """A line of one side.

    Attributes:
        key: What must be equal for two lines to stand beside each other.
        text: The line.
    """

    key: tuple[object, ...]
    text: str


def _values(run: Run) -> str:
    texts = []
    for kind in run.kinds:
        seen = run.seen["R" if kind == "R" else "W"]
        text = "all ones" if seen == [ALL_ONES] else described(run.register, seen)
        texts.append(text if len(run.kinds) == 1 else f"{kind.lower()}: {text}")
    return " ".join(texts)


def _sweep(parts: Sequence[Part]) -> Row:
    runs = [run for part in parts for run in part.runs()]
    count = sum(len(run.instances) for run in runs)
    values = described(None, [value for run in runs for value in run.seen["R"]])
    return Row(("counters",), f"R  {count} counters {values}")


def rows(parts: Iterable[Part], depth: int = 0) -> Iterator[Row]:
    """The lines of folded accesses; counters that are read in a row are one."""
    indent = "  " * depth
    counters: list[Part] = []
    for part in [*parts, None]:
        if part is not None and is_sweep(part):
            counters.append(part)
            continue
        if counters:
            yield _sweep(counters)
            counters = []
        if part is None:
            return
        if isinstance(part, Run):
            yield Row((depth, part.title), f"{indent}{part.kinds:<2} {part.title} {_values(part)}")
            continue
        yield Row((depth, "loop"), f"{indent}{part.turns} times:")
        yield from rows(part.body, depth + 1)


def _short(text: str) -> str:
    return text if len(text) <= SIDE_COLUMNS else text[: SIDE_COLUMNS - 1] + "…"


def _beside(mark: str, left: str, right: str) -> str:
    return f"{_short(left):<{SIDE_COLUMNS}} {mark} {_short(right)}".rstrip()


def _same(texts: Sequence[str], everything: bool, *, first: bool, last: bool) -> Iterator[str]:
    head = 0 if first else SAME_SHOWN
    tail = 0 if last else SAME_SHOWN
    if everything or len(texts) <= head + tail + 1:
        yield from (_beside("=", text, text) for text in texts)
        return
    yield from (_beside("=", text, text) for text in texts[:head])
    yield f"{'':{SIDE_COLUMNS}} = {len(texts) - head - tail} lines the same"
    yield from (_beside("=", text, text) for text in texts[len(texts) - tail :])


def compare(lefts: Iterable[Access], rights: Iterable[Access], *, everything: bool = False) -> tuple[list[str], int]:
    """One step of two drivers side by side; how many lines differ is returned too.

    ``=`` both do it, ``!`` both, with other values, ``<`` only the left one, ``>`` only the right one.
    """
    a, b = list(rows(fold(_touches(lefts)))), list(rows(fold(_touches(rights))))
    marked: list[tuple[str, str, str]] = []
    match = SequenceMatcher(None, [row.key for row in a], [row.key for row in b], autojunk=False)
    for tag, a_from, a_to, b_from, b_to in match.get_opcodes():
        if tag == "equal":
            for one, two in zip(a[a_from:a_to], b[b_from:b_to], strict=True):
                marked.append(("=" if one.text == two.text else "!", one.text, two.text))
            continue
        marked += [("<", row.text, "") for row in a[a_from:a_to]]
        marked += [(">", "", row.text) for row in b[b_from:b_to]]
    lines: list[str] = []
    at = 0
    while at < len(marked):
        mark, left, right = marked[at]
        if mark != "=":
            lines.append(_beside(mark, left, right))
            at += 1
            continue
        end = at
        while end < len(marked) and marked[end][0] == "=":
            end += 1
        texts = [text for _, text, _ in marked[at:end]]
        lines += _same(texts, everything, first=at == 0, last=end == len(marked))
        at = end
    return lines, sum(mark != "=" for mark, _, _ in marked)


def reasons(path: Path = REASONS) -> dict[str, list[str]]:
    """Why our probe does otherwise, by the step that the table names; nothing where there is no table.

    Raises:
        OSError: There is a table, and it cannot be read.
    """
    found: dict[str, list[str]] = {}
    if not path.is_file():
        return found
    what, why = "", ""
    for line in [*path.read_text(encoding="utf-8").splitlines(), "0"]:
        if line.startswith("    "):
            why += f" {line.strip()}"
        elif not line.startswith("#"):
            if what:
                step, _, text = why.strip().partition(": ")
                found.setdefault(step.partition(" and ")[0], []).append(f"{what}: {text or step}")
            what, why = line.partition(" ")[2], ""
    return found


def _wrapped(text: str) -> Iterator[str]:
    line = "  why:"
    for word in text.split():
        if len(line) + len(word) >= COLUMNS:
            yield line
            line = "      "
        line += f" {word}"
    yield line


def _in_order(a: Steps, b: Steps) -> list[str]:
    names = [step for step, _ in a]
    for n, (step, _) in enumerate(b):
        if step not in names:
            before = [one for one, _ in b[:n] if one in names]
            names.insert(names.index(before[-1]) + 1 if before else 0, step)
    return names


def side_by_side(
    a: Steps, b: Steps, titles: tuple[str, str], *, everything: bool = False, why: dict[str, list[str]] | None = None
) -> Iterator[str]:
    """Both probes, step by step, in at most 97 columns.

    Args:
        a: The left one's steps.
        b: The right one's.
        titles: What each is.
        everything: Also what both do, line by line.
        why: Reasons, by step.
    """
    left, right, why = dict(a), dict(b), dict(why or {})
    yield _beside(" ", *titles)
    same = 0
    for step in _in_order(a, b):
        lines, differ = compare(left.get(step, ()), right.get(step, ()), everything=everything)
        yield ""
        note = "the same" if not differ else f"{differ} lines differ"
        yield f"── {step}: {note} ".ljust(COLUMNS, "─")
        same += not differ
        if differ or everything:
            yield from lines
        for reason in why.pop(step, ()):
            yield from _wrapped(reason)
    for step, rest in why.items():
        yield ""
        yield f"── {step} ".ljust(COLUMNS, "─")
        for reason in rest:
            yield from _wrapped(reason)
    yield ""
    yield f"{same} steps are the same; = both, ! other values, < only the left one, > only the right one"
