# SPDX-License-Identifier: BSD-3-Clause
"""``driver vectors``: the table for people, once, or again and again until something ends it."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import click
from rich import box
from rich.live import Live
from rich.table import Table

from driver import claim
from driver.errors import DriverError
from driver.tables import emit, out, print_table

Rows = Sequence[dict[str, Any]]
Ask = Callable[[], Rows]

# Two lines a heading, three a vector: all of it fits 80 columns.
NUMBERS = (("irqs", "events"), ("polls", "re-arms"), ("work", "Tx done"), ("budget", "spent"))
COUNTS = (("irqs", "events"), ("polls", "rearms"), ("work", "tx_work"), ("budget_spent", ""))
UNITS = ((10**9, "G"), (10**6, "M"), (10**3, "k"))
DIGITS_MAX = 7
END_WAIT_S, END_RETRY_S = 3.0, 0.05  # how long a driver that stopped answering may take to let its NIC go


def short(count: int | None) -> str:
    """A count in at most seven characters: as it is, or in k, M, G; a dash for none."""
    if count is None:
        return "-"
    if len(str(count)) <= DIGITS_MAX:
        return str(count)
    unit, letter = next(pair for pair in UNITS if count >= pair[0])
    return f"{count / unit:.4g}{letter}"


def _routes(entries: Sequence[str]) -> str:
    """``IVAR[0].RX0 IVAR[0].TX0`` as ``IVAR[0] RX0 TX0``: each register is named once."""
    causes: dict[str, list[str]] = {}
    for entry in entries:
        register, _, cause = entry.partition(".")
        causes.setdefault(register, []).append(cause)
    return " ".join(" ".join([register, *found]) for register, found in causes.items()) or "no IVAR leads here"


def _place(row: dict[str, Any]) -> str:
    """Where the vector is served: CPUs its thread is pinned to, or those it prefers, in brackets."""
    if row["cpu"]:
        return str(row["cpu"])
    return f"({row['affinity']})" if row["affinity"] else "-"


def _lines(row: dict[str, Any]) -> tuple[str, str, str, str]:
    """A row's first cells: vector, CPU, interrupt with its rings and routes, interval with who set it."""
    rings = [f"{way} {row[f'{way}_queues']}" for way in ("rx", "tx", "xdp") if row[f"{way}_queues"]]
    routes = _routes(row["ivar"]) + ("; LRO" if row["lro"] else "")
    about = "\n".join(filter(None, (row["interrupt"], "; ".join(rings), routes)))
    who, _, more = row["set_by"].partition(" ")
    number = "-" if row["v_idx"] is None else row["v_idx"]
    return f"{number}\n{row['vector']}", _place(row), about, f"{row['eitr_us']} µs\n{who}\n{more}".rstrip()


def table(rows: Rows) -> Table:
    """All vectors.  A CPU in brackets is preferred, but no thread is pinned to it."""
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
    shown.add_column("vec\nreg")
    shown.add_column("CPU", overflow="fold")
    shown.add_column("interrupt\nrings, routes", overflow="fold", ratio=1)
    shown.add_column("EITR\nset by", overflow="fold", max_width=12)
    for first, second in NUMBERS:
        shown.add_column(f"{first}\n{second}", justify="right", no_wrap=True)
    for row in rows:
        numbers = ("\n".join(short(row[name]) if name else "" for name in names) for names in COUNTS)
        shown.add_row(*_lines(row), *numbers)
    return shown


@dataclass(frozen=True, slots=True)
class Watch:
    """How it is shown again and again.

    Attributes:
        as_json: A line of JSON each time.
        count: How often; None: until something ends it.
        interval_s: Seconds in between.
    """

    as_json: bool
    count: int | None
    interval_s: float


def show(nic: str, ask: Ask, how: Watch | None, *, as_json: bool) -> None:
    """Show the vectors of ``nic``, once or as ``how`` says; the end of its driver, or ^C, is a good end of a watch.

    Raises:
        DriverError: Nobody answers, and did not before; or who drives it is there, and says no.
        KeyboardInterrupt: ^C, and more was to come.
    """
    title, shown = f"{nic}: vectors", 0
    if how is None:
        emit(ask(), as_json, title, table)
        return

    def counted() -> Rows:
        nonlocal shown
        rows = ask()
        shown += 1
        return rows

    try:
        watch(counted, title, how)
    except KeyboardInterrupt:
        if how.count is not None:
            raise
    except DriverError:
        if not shown or not _ended(nic):
            raise
        click.echo(f"{nic}: its driver has ended", err=True)


def _ended(nic: str) -> bool:
    """Whether a driver that stopped answering has ended, or does so now."""
    deadline_s = time.monotonic() + END_WAIT_S
    while (held := bool(claim.holder(nic))) and time.monotonic() < deadline_s:
        time.sleep(END_RETRY_S)
    return not held


def _each(ask: Ask, how: Watch) -> Iterator[Rows]:
    """Ask as often as wanted, a while apart."""
    left = how.count
    due_s = time.monotonic()
    while True:
        yield ask()
        if left is not None:
            left -= 1
            if left <= 0:
                return
        due_s = max(due_s + how.interval_s, time.monotonic())
        time.sleep(max(0.0, due_s - time.monotonic()))


def watch(ask: Ask, title: str, how: Watch) -> None:
    """Show the vectors again and again, until it was often enough or ``ask`` raises; on a terminal in one place."""
    if how.as_json or not out.is_terminal:
        for rows in _each(ask, how):
            if how.as_json:
                click.echo(json.dumps(rows))
            else:
                print_table(out, title, table(rows))
        return
    with Live(console=out, auto_refresh=False, vertical_overflow="visible") as live:
        for rows in _each(ask, how):
            shown = table(rows)
            shown.title, shown.title_justify = title, "left"
            live.update(shown, refresh=True)
