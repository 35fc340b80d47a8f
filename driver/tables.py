# SPDX-License-Identifier: BSD-3-Clause
"""What the command line shows: tables, JSON, and the steps of a probe."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import click
from rich.console import Console
from rich.table import Table

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


class Steps:
    """Shows the probe as it happens; keeps the steps for ``--json``."""

    def __init__(self, *, show: bool) -> None:
        self.seen: list[dict[str, str]] = []
        self._show = show

    def step(self, name: str, detail: str = "") -> None:
        """One step of the probe is done."""
        self.seen.append({"step": name, "detail": detail})
        if self._show:
            err.print(f"  {name:<28} {detail}", markup=False, soft_wrap=True)


def _show(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:.4g}"
        case _:
            return str(value)


def rows(
    columns: Sequence[str], values: Iterable[Sequence[object]], *, numbers: bool = False, whole: Sequence[str] = ()
) -> Table:
    """A table of ``values``; with ``numbers``, all columns but the first are; those of ``whole`` are never folded."""
    table = Table()
    for index, column in enumerate(columns):
        justify: Literal["left", "right"] = "right" if numbers and index else "left"
        table.add_column(column, justify=justify, overflow="fold", no_wrap=column in whole)
    for row in values:
        table.add_row(*map(_show, row))
    return table


def pairs(data: dict[str, Any]) -> Table:
    """Names and values."""
    return rows(("what", "value"), data.items())


def counts(data: dict[str, int]) -> Table:
    """Names and counts, those that are not 0."""
    return rows(("what is not 0", "count"), ((key, value) for key, value in data.items() if value), numbers=True)


def print_table(console: Console, title: str, table: Table) -> None:
    """Print a table under its title."""
    console.print(title, markup=False, soft_wrap=True)
    console.print(table)


def emit(data: Any, as_json: bool, title: str, table: Callable[[Any], Table]) -> None:
    """Print ``data`` for programs, or as a table for people."""
    if as_json:
        click.echo(json.dumps(data))
    else:
        print_table(out, title, table(data))


def registers(found: list[dict[str, Any]]) -> Table:
    """Registers with their fields."""

    def fields(row: dict[str, Any]) -> str:
        return " ".join(
            f"{name}={value:#x}" if value > 9 else f"{name}={value}" for name, value in row["fields"].items()
        )

    lines = ((f"0x{row['offset']:05x}", row["name"], f"0x{row['value']:08x}", fields(row)) for row in found)
    return rows(("offset", "register", "value", "fields not 0"), lines)
