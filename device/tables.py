# SPDX-License-Identifier: BSD-3-Clause
"""What people see at the end of ``python -m device``."""

from rich.console import Console
from rich.table import Table


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
