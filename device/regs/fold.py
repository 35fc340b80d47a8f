# SPDX-License-Identifier: BSD-3-Clause
"""Many register accesses in few lines: what a loop does is said once, with a count.

Accesses in a row to one register, or to an array of them, are one ``Run`` (``RXDCTL[0..127]``, read and written 128
times); runs that come again in the same order are one ``Loop`` (take the semaphore, 42 times).  Nothing is left out:
the counts of all lines add up to the accesses.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from device.regs.core import Register

READ, WRITE = "R", "W"
Kind = Literal["R", "W"]
PERIOD_MAX = 12  # runs of one turn of a loop
PASSES_MAX = 4  # loops in loops
VALUES_KEPT = 64


@dataclass(frozen=True, slots=True)
class Touch:
    """One access.

    Attributes:
        kind: ``R`` or ``W``.
        name: The register's name without an index, or its offset where none is declared.
        register: Its class; None where none is declared.
        n: Which one of an array.
        value: What was read or written.
    """

    kind: Kind
    name: str
    register: type[Register] | None
    n: int
    value: int


@dataclass
class Run:
    """Accesses in a row to one register or array.

    Attributes:
        name: The register's name.
        register: Its class, if it is declared.
        first: Kind of the first access.
        counts: How many reads and writes.
        seen: The different values of each kind, in the order they came; the first ``VALUES_KEPT`` of them.
        instances: Which of an array.
    """

    name: str
    register: type[Register] | None
    first: Kind
    counts: dict[Kind, int] = field(default_factory=dict)
    seen: dict[Kind, list[int]] = field(default_factory=dict)
    instances: set[int] = field(default_factory=set)

    def add(self, touch: Touch) -> None:
        """One more access."""
        self.counts[touch.kind] = self.counts.get(touch.kind, 0) + 1
        self._see(touch.kind, touch.value)
        self.instances.add(touch.n)

    def _see(self, kind: Kind, value: int) -> None:
        values = self.seen.setdefault(kind, [])
        if value not in values and len(values) < VALUES_KEPT:
            values.append(value)

    def join(self, other: "Part") -> None:
        """The same again, one turn of a loop later."""
        assert isinstance(other, Run)
        for kind, count in other.counts.items():
            self.counts[kind] = self.counts.get(kind, 0) + count
            for value in other.seen.get(kind, ()):
                self._see(kind, value)
        self.instances |= other.instances

    @property
    def key(self) -> tuple[object, ...]:
        """What must be equal for two runs to be turns of one loop."""
        return ("run", self.name)

    @property
    def kinds(self) -> str:
        """``R``, ``W``, ``RW`` (read first) or ``WR``."""
        other = READ if self.first == WRITE else WRITE
        return self.first + (other if other in self.counts else "")

    @property
    def title(self) -> str:
        """The name with the instances: ``RETA[0..31]``."""
        if self.register is None or self.register.count < 2:
            return self.name
        low, high = min(self.instances), max(self.instances)
        if low == high:
            return f"{self.name}[{low}]"
        if len(self.instances) == high - low + 1:
            return f"{self.name}[{low}..{high}]"
        return f"{self.name}[{len(self.instances)} of {low}..{high}]"

    @property
    def accesses(self) -> int:
        """How many accesses it stands for."""
        return sum(self.counts.values())

    def runs(self) -> Iterator["Run"]:
        """Itself."""
        yield self


@dataclass
class Loop:
    """Runs that come again in the same order.

    Attributes:
        turns: How often.
        body: One turn; each part has the accesses of all turns.
    """

    turns: int
    body: list["Run | Loop"]

    @property
    def key(self) -> tuple[object, ...]:
        """What must be equal for two loops to be turns of a larger one; how often each went round does not count."""
        return ("loop", tuple(part.key for part in self.body))

    def join(self, other: "Part") -> None:
        """The same loop again."""
        assert isinstance(other, Loop)
        self.turns += other.turns
        for mine, its in zip(self.body, other.body, strict=True):
            mine.join(its)

    @property
    def accesses(self) -> int:
        """How many accesses it stands for."""
        return sum(part.accesses for part in self.body)

    def runs(self) -> Iterator[Run]:
        """Every run in it."""
        for part in self.body:
            yield from part.runs()


Part = Run | Loop


def in_runs(touches: Iterable[Touch]) -> list[Part]:
    """Put accesses in a row to one register together."""
    found: list[Part] = []
    for touch in touches:
        last = found[-1] if found else None
        if not isinstance(last, Run) or last.name != touch.name:
            last = Run(touch.name, touch.register, touch.kind)
            found.append(last)
        last.add(touch)
    return found


def fold(touches: Iterable[Touch]) -> list[Part]:
    """Fold accesses into runs and loops."""
    parts = in_runs(touches)
    for _ in range(PASSES_MAX):
        before = len(parts)
        parts = _loops(parts)
        if len(parts) == before:
            break
    return parts


def _loops(parts: Sequence[Part]) -> list[Part]:
    """One pass: make what repeats at once a loop, the longest stretch first where several begin."""
    keys = [part.key for part in parts]
    found: list[Part] = []
    at = 0
    while at < len(parts):
        period, turns = _best(keys, at)
        if turns < 2:
            found.append(parts[at])
            at += 1
            continue
        body = list(parts[at : at + period])
        for turn in range(1, turns):
            for place in range(period):
                body[place].join(parts[at + turn * period + place])
        only = body[0]
        if period == 1 and isinstance(only, Loop):  # its turns are counted by joining
            found.append(only)
        else:
            found.append(Loop(turns, body))
        at += period * turns
    return found


def _best(keys: Sequence[object], at: int) -> tuple[int, int]:
    """The period from ``at`` on that covers most, and how often it comes."""
    best = (1, 1)
    for period in range(1, min(PERIOD_MAX, (len(keys) - at) // 2) + 1):
        turns = 1
        while keys[at + turns * period : at + (turns + 1) * period] == keys[at : at + period]:
            turns += 1
        if turns > 1 and period * turns > best[0] * best[1]:
            best = (period, turns)
    return best


def is_sweep(part: Part) -> bool:
    """Whether it only reads counters, as everybody does who clears them."""
    return all(run.kinds == READ and run.register is not None and run.register.FULL is not None for run in part.runs())


def described(register: type[Register] | None, values: Sequence[int]) -> str:
    """Fields that are not 0 in all of ``values``: ``ENABLE=1``, and with several values ``ADDR=0..0x3f``; "0" if none.

    A register that is one number says that number.
    """
    if register is None:
        return _range(values)
    if len(register.FIELDS) == 1 and next(iter(register.FIELDS.values())).values is None:
        only = next(iter(register.FIELDS.values()))
        if only.width == register.WIDTH:
            return _range(values)
    if len(set(values)) == 1:
        return register(values[0]).describe() or "0"
    found = []
    for name, bits in register.FIELDS.items():
        numbers = [(value & bits.mask) >> bits.lsb for value in values]
        if any(numbers):
            found.append(f"{name}={_range(numbers)}")
    return " ".join(found) or "0"


def _range(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    texts = [f"{value}" if value < 10 else f"{value:#x}" for value in (low, high)]
    return texts[0] if low == high else f"{texts[0]}..{texts[1]}"
