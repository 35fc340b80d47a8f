# SPDX-License-Identifier: BSD-3-Clause
"""Two traces of a driver, compared step by step: ``python -m device.trace diff A B``.

A step is what a driver does to one subject before it turns to another: accesses in a row to registers that
``device.regs`` has in one file, and arrays and loops count once.  Steps are matched by their subject, in order, so that
a step that one driver leaves out does not shift the rest; a step that both have is compared by its registers.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Protocol

from device.regs.i82599 import ALL

SHOWN_MAX = 12  # registers of a step that are named one by one
RESET = "reset by PCI"
_SUBJECTS = {register.NAME: register.__module__.rpartition(".")[2] for register in ALL}


class Access(Protocol):
    """A line of a trace, as trace.py reads it."""

    @property
    def kind(self) -> str:
        """``R``, ``W`` or ``X``."""

    @property
    def offset(self) -> int:
        """Byte offset in BAR0."""

    @property
    def value(self) -> int:
        """What was read or written."""

    @property
    def name(self) -> str:
        """The register's name."""


def plain(access: Access) -> str:
    """Return what an access does, whichever one of an array it is done to: ``W RXDCTL``."""
    if access.kind == "X":
        return RESET
    return f"{access.kind} {access.name.partition('[')[0] or f'{access.offset:#07x}'}"


@dataclass
class Step:
    """Accesses in a row to one subject.

    Attributes:
        subject: The file of ``device.regs`` that has these registers.
        first: Number of its first line in the trace, accesses counted from 1.
        does: What it does, each once, in order; and the values that were written or read.
    """

    subject: str
    first: int
    does: dict[str, set[int]] = field(default_factory=dict)


def steps(accesses: Iterable[Access]) -> Iterator[Step]:
    """Cut a trace into steps."""
    step: Step | None = None
    for number, access in enumerate(accesses, 1):
        subject = RESET if access.kind == "X" else _SUBJECTS.get(access.name.partition("[")[0], "unknown")
        if step is None or step.subject != subject:
            if step is not None:
                yield step
            step = Step(subject, number)
        step.does.setdefault(plain(access), set()).add(access.value)
    if step is not None:
        yield step


def _text(what: Iterable[str]) -> str:
    names = list(what)
    more = f" and {len(names) - SHOWN_MAX} more" if len(names) > SHOWN_MAX else ""
    return ", ".join(names[:SHOWN_MAX]) + more


def diff(one: Iterable[Access], other: Iterable[Access]) -> Iterator[str]:
    """Compare two traces; yields a line for each step that differs, ``-`` only the first has, ``+`` only the second.

    ``!`` is a step that both have and that writes other values.  Nothing is yielded for what is the same.
    """
    a, b = list(steps(one)), list(steps(other))
    match = SequenceMatcher(None, [step.subject for step in a], [step.subject for step in b], autojunk=False)
    for tag, a_from, a_to, b_from, b_to in match.get_opcodes():
        if tag == "equal":
            for left, right in zip(a[a_from:a_to], b[b_from:b_to], strict=True):
                yield from _compare(left, right)
            continue
        yield from (f"- {step.first:>6} {step.subject:<12} {_text(step.does)}" for step in a[a_from:a_to])
        yield from (f"+ {step.first:>6} {step.subject:<12} {_text(step.does)}" for step in b[b_from:b_to])


def _compare(left: Step, right: Step) -> Iterator[str]:
    for sign, step, than in (("-", left, right), ("+", right, left)):
        if only := [what for what in step.does if what not in than.does]:
            yield f"{sign} {step.first:>6} {step.subject:<12} {_text(only)}"
    for what in left.does:
        if what.startswith("W ") and what in right.does and left.does[what] != right.does[what]:
            before, after = (
                " ".join(f"{value:#x}" for value in sorted(s.does[what])[:SHOWN_MAX]) for s in (left, right)
            )
            yield f"! {left.first:>6} {left.subject:<12} {what}: {before} -> {after}"
