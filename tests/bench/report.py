# SPDX-License-Identifier: BSD-3-Clause
"""The README's table of figures, out of what ``ci bench … --json`` has said, and the pictures that there are.

Usage: python -m tests.bench.report FILE.json … [--into README.md]

Each file is one run's output.  With ``--into`` the table takes the place of what stands between the two marks there.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ci.say import CiError
from tests.bench.rows import figure

BEGIN, END = "<!-- figures: tests/bench/report.py -->", "<!-- end of figures -->"

PICTURES = {
    "loop-batch": "64 B frames by batch",
    "loop-size": "frames by their size",
    "scale-queues": "64 B frames by queues",
}
# What is shown, by benchmark, and what it is called there.
SHOWN: dict[str, dict[str, str]] = {
    "loop": {
        "64 B x 32: shared, plain": "64 B out and back, batch 32",
        "64 B x 1: shared, plain": "64 B, batch 1",
        "64 B x 32: shared, UDP, sums, RSS": "64 B UDP, checksums, RSS to 4 queues, batch 32",
        "64 B x 32: shared, TCP, sums, RSS": "64 B TCP, the same",
        "64 B x 32: trapped, plain": "64 B, batch 32, trapped doorbells",
        "1514 B x 32: shared, plain": "1514 B, batch 32",
        "64 B x 32: shared, Python by batch": "64 B, the same in Python, by batch",
        "64 B x 32: shared, Python by frame": "64 B, in Python, each frame copied",
        "64 B x 32: driver alone": "64 B, the driver alone, batch 32",
        "64 B x 32: device alone, plain": "64 B, the device alone, batch 32",
    },
    "latency": {
        "shared, both spin: p50": "one frame out and back, both sides spin, p50",
        "trapped, both spin: p50": "the same, trapped",
        "shared, after 2 ms asleep: p50": "after 2 ms of sleep, p50",
        "trapped, after 2 ms asleep: p50": "the same, trapped",
    },
    "netdev": {
        "NIC, trapped: TCP out": "TCP out through the interface, trapped",
        "NIC, trapped: TCP in": "TCP in",
        "NIC, trapped: ping p50": "ping, p50",
        "NIC, shared: TCP out": "TCP out, shared",
        "NIC, shared: TCP in": "TCP in, shared",
        "NIC, shared: ping p50": "ping, p50, shared",
    },
    "idle": {"both, trapped": "idle, device and driver, trapped", "both, shared": "the same, shared"},
    "scale": {
        "64 queues, shared: frames": "64 B UDP over 64 queues",
        "63 VFs: one busy": "one busy virtual function beside 62 idle ones",
    },
    "vm": {
        f"ixgbe, {how}{beside}: {what}": f"guest, {what}, {how}"
        for how in ("trapped", "shared")
        for what in ("TCP out", "TCP in", "ping p50", "UDP 64 B out", "UDP 64 B in")
        for beside in ("", ", beside virtio")
    },
}


def table(runs: Iterable[dict[str, Any]]) -> list[str]:
    """Lines of Markdown.

    Raises:
        CiError: None of the runs has a row that is shown, or they are of different machines.
    """
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    machines: set[str] = set()
    for run in runs:
        machine = run["machine"]
        machines.add(f"{machine['processor']}, {machine['cores']} cores, {machine['kernel']}")
        rows |= {(row["bench"], row["name"]): row for row in run["rows"]}
    if len(machines) > 1:
        raise CiError(f"figures of several machines do not compare: {'; '.join(sorted(machines))}", 2)
    lines = []
    for bench, names in SHOWN.items():
        for name, words in names.items():
            row = rows.get((bench, name))
            if row is None:
                continue
            spread = f"{figure(row['median'])} ({figure(row['min'])} … {figure(row['max'])}) {row['unit']}"
            ratio = f"**{row['ratio']:.2f}** of {row['of']}" if row["ratio"] is not None else ""
            lines.append(f"| `{bench}` | {words} | {spread} | {ratio} |")
    if not lines:
        raise CiError("no row of these files is shown in the table", 2)
    rounds = sorted({row["rounds"] for row in rows.values()})
    head = f"Medians (least … most) of {' or '.join(map(str, rounds))} rounds on {machines.pop()}:"
    return [head, "", "| `bench` | what | figure | beside |", "|---|---|---|---|", *lines]


def pictures(folder: Path) -> list[str]:
    """Lines of Markdown that show what ``--plot docs/bench`` has drawn in a checkout."""
    found = [(words, Path("docs/bench") / f"{name}.svg") for name, words in PICTURES.items()]
    return ["", *(f"![{words}]({path})" for words, path in found if (folder / path).exists())]


def into(path: Path, lines: Sequence[str]) -> None:
    """Put lines between the two marks of a file.

    Raises:
        CiError: It has not both of them, in their order.
    """
    text = path.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise CiError(f"{path}: no line {BEGIN} with a line {END} after it", 2)
    path.write_text("\n".join([f"{before}{BEGIN}", *lines, f"{END}{after}"]), encoding="utf-8")


def main(words: Sequence[str]) -> None:
    """Print the table, or put it where it belongs."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.report")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.json")
    parser.add_argument("--into", type=Path, metavar="README.md")
    asked = parser.parse_args(words)
    lines = table(json.loads(path.read_text(encoding="utf-8")) for path in asked.files)
    if asked.into is None:
        print("\n".join(lines))
    else:
        into(asked.into, [*lines, *pictures(asked.into.parent)])


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except CiError as exc:
        sys.exit(f"report: {exc}")
