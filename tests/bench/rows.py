# SPDX-License-Identifier: BSD-3-Clause
"""What every benchmark gives: rows of figures, a value a round, each beside what it is divided by in that round."""

import math
import os
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ci.say import say

WIDTH = 130  # columns, where no terminal says how many there are


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes:
        bench: The benchmark it belongs to, as the command line names it.
        name: What was measured.
        unit: Of ``values``.
        values: One a round.
        of: Name of the row that it is divided by; "" if by nothing.
        ratios: Its value by that row's, one a round.
        command: What measures it again.
    """

    bench: str
    name: str
    unit: str
    values: tuple[float, ...]
    of: str
    ratios: tuple[float, ...]
    command: str

    @property
    def median(self) -> float:
        """Of the rounds."""
        return statistics.median(self.values)

    @property
    def ratio(self) -> float | None:
        """Median of the ratios; None if it is divided by nothing."""
        return statistics.median(self.ratios) if self.ratios else None

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        ratios = {"ratio_min": min(self.ratios), "ratio_max": max(self.ratios)} if self.ratios else {}
        return {
            "bench": self.bench,
            "name": self.name,
            "unit": self.unit,
            "median": self.median,
            "min": min(self.values),
            "max": max(self.values),
            "of": self.of or None,
            "ratio": self.ratio,
            **ratios,
            "rounds": len(self.values),
            "command": self.command,
        }


@dataclass
class Sheet:
    """The rows of one benchmark while it runs: ``add`` a value a row in each round.

    Attributes:
        bench: As the command line names it.
        title: What stands above the table.
        command: What measures it again.
    """

    bench: str
    title: str
    command: str
    _values: dict[str, list[float]] = field(default_factory=dict)
    _units: dict[str, str] = field(default_factory=dict)
    _of: dict[str, str] = field(default_factory=dict)
    _bases: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float, unit: str, of: str = "", base: float | None = None) -> None:
        """Note one round's value of the row ``name``.

        Args:
            name: Of the row.
            value: In ``unit``.
            unit: The same in all rounds.
            of: The row that it is divided by; that one gets its value in the same round, before or after.
            base: What it is divided by, if ``of`` names no row but something that is known.
        """
        assert math.isfinite(value), f"{self.bench}: {name}: {value} {unit}"
        assert self._units.setdefault(name, unit) == unit, f"{self.bench}: {name} has two units"
        assert self._of.setdefault(name, of) == of, f"{self.bench}: {name} is divided by two rows"
        self._values.setdefault(name, []).append(value)
        if base is not None:
            self._bases.setdefault(name, []).append(base)

    def rows(self) -> list[Row]:
        """All rows, in the order of their first values."""
        return [self._row(name) for name in self._values]

    def _row(self, name: str) -> Row:
        values, of = self._values[name], self._of[name]
        below = self._bases[name] if name in self._bases else self._values[of] if of else []
        assert not of or len(below) == len(values), f"{self.bench}: {name}: {len(values)} rounds, {of}: {len(below)}"
        ratios = tuple(value / base for value, base in zip(values, below, strict=False) if base)
        return Row(self.bench, name, self._units[name], tuple(values), of, ratios, self.command)


def rounds(count: int, what: str) -> Iterator[int]:
    """Count rounds, and say which one it is."""
    for number in range(count):
        say(f"{what}: round {number + 1} of {count}")
        yield number


def figure(value: float) -> str:
    """A number with as many places as mean something."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def table(title: str, command: str, rows: Sequence[Row]) -> Table:
    """One benchmark for people."""
    made = Table(title=title, title_justify="left", caption=command, caption_justify="left")
    made.add_column("what", overflow="fold")
    for name in ("median", "least", "most"):
        made.add_column(name, justify="right")
    made.add_column("unit")
    made.add_column("ratio", justify="right")
    made.add_column("of", overflow="fold")
    for row in rows:
        spread = [figure(value) for value in (row.median, min(row.values), max(row.values))]
        made.add_row(row.name, *spread, row.unit, "" if row.ratio is None else f"{row.ratio:.3g}", row.of)
    return made


def show(made: Table) -> None:
    """Print a table on stdout."""
    Console(width=None if sys.stdout.isatty() else WIDTH).print(made)


def this_machine() -> dict[str, Any]:
    """The machine that the figures belong to."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    models = [line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")]
    system = os.uname()
    return {
        "processor": models[0] if models else system.machine,
        "cores": len(os.sched_getaffinity(0)),
        "kernel": f"{system.sysname} {system.release}",
        "load": round(os.getloadavg()[0], 2),
    }
