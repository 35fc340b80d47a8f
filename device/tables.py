# SPDX-License-Identifier: BSD-3-Clause
"""What people see at the end of ``python -m device``."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from device.machine.faults import Door, Fault, Target, table

WIDE, NAME = 80, 20
T = TypeVar("T", bound=Target)


def fault_lines(kinds: Sequence[Fault[T]]) -> Iterator[str]:
    """What ``--fault list`` shows: by door, how each is written, what it does, and which branch it reaches."""
    for door in Door:
        yield f"# {door.value}"
        for written, _, does, reaches in table(kind for kind in kinds if kind.door is door):
            lines = textwrap.wrap(does, WIDE - NAME)
            lines += textwrap.wrap(f"-> {reaches}", WIDE - NAME, subsequent_indent="   ")
            if len(written) < NAME:
                yield f"{written:{NAME}}{lines.pop(0)}"
            else:
                yield written
            yield from (" " * NAME + line for line in lines)


def print_report(report: dict[str, object]) -> None:
    """Print what happened: a server's report, on stderr."""
    console = Console(stderr=True)
    for title in ("card", "counters", "port", "socket"):
        section = report[title]
        assert isinstance(section, dict)
        rows = [(name, value) for name, value in section.items() if value not in {0, ""}]
        if rows:
            table = Table(title=title, title_justify="left", show_header=False)
            for name, value in rows:
                table.add_row(name.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value))
            console.print(table)
    for name, title, columns in (
        ("rings", "rings in use", ("queue", "iova", "descriptors", "head", "tail", "the device's")),
        ("pools", "pools in use", ("pool", "addresses", "vlans", "modes", "frames in", "frames out")),
        ("unknown", "registers nobody declared", ("register", "reads", "writes")),
        ("stalls", "queues that stopped", ("queue", "why", "times")),
    ):
        listed = report[name]
        assert isinstance(listed, list)
        if listed:
            table = Table(*columns, title=title, title_justify="left")
            for row in listed:
                table.add_row(*map(str, row))
            console.print(table)
