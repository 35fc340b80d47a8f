# SPDX-License-Identifier: BSD-3-Clause
"""Runs benchmarks by name, and shows their rows; ``python3 -m ci bench`` is its front door."""

import argparse
import importlib
import json
import sys
from typing import Any

from ci.command_line import parse
from ci.processes import stop_in_order
from ci.say import CiError, say
from tests.bench import plots, rows
from tests.bench.rows import Sheet

ROUNDS, QUICK_ROUNDS = 5, 1
UNNAMED = ("loop", "latency", "idle")  # without a name: what needs no root and no guest


def _itr(asked: argparse.Namespace) -> None:
    """``bench itr`` has tables and plots of its own."""
    from tests.bench import itr

    words = ["--json"] if asked.json else []
    words += ["--plot", str(asked.plot.resolve())] if asked.plot is not None else []
    rounds = asked.rounds or (QUICK_ROUNDS if asked.quick else None)
    itr.main([*words, *(["--rounds", str(rounds)] if rounds else [])])


def measured(what: str, asked: argparse.Namespace) -> tuple[Sheet, dict[str, Any]]:
    """Run one benchmark; returns its rows, and what else programs are told.

    Raises:
        CiError: It failed.
    """
    if what == "instructions":
        from tests.bench import instructions

        sheet, functions = instructions.measure(quick=asked.quick, anew=asked.record)
        if asked.record:
            say(f"recorded in {instructions.RECORD}")
        return sheet, {"functions": functions}
    module = importlib.import_module(f"tests.bench.{what}")  # each has what nobody else needs to import
    rounds = asked.rounds or (QUICK_ROUNDS if asked.quick else ROUNDS)
    if asked.plot is None:
        made: Sheet = module.measure(rounds, quick=asked.quick)
        return made, {}
    plots.ready(asked.plot)
    made = module.measure(rounds, quick=asked.quick, plot=True)
    for path in plots.draw(module.plots(made), asked.plot):
        say(f"plot: {path}")
    return made, {}


def main(asked: argparse.Namespace) -> int:
    """Measure and print; returns the exit code."""
    if asked.what == "itr":
        _itr(asked)
        return 0
    more: dict[str, Any] = {}
    sheets = []
    for what in [asked.what] if asked.what else UNNAMED:
        sheet, extra = measured(what, asked)
        sheets.append(sheet)
        more |= extra
        if not asked.json:
            rows.show(rows.table(sheet.title, sheet.command, sheet.rows()))
    if asked.json:
        all_rows = [row.as_json() for sheet in sheets for row in sheet.rows()]
        print(json.dumps({"machine": rows.this_machine(), "rows": all_rows, **more}))
    return 0


if __name__ == "__main__":
    stop_in_order()
    try:
        code = main(parse(["bench", *sys.argv[1:]]))
    except CiError as exc:
        print(f"ci: {exc}", file=sys.stderr)
        code = exc.code
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
