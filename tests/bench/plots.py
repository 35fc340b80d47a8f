# SPDX-License-Identifier: BSD-3-Clause
"""Rows of a benchmark as lines, PNG and SVG: by batch, by frame size, by queues.

matplotlib draws; it is in no list that set-up installs, for nothing else wants it.
"""

import importlib.util
import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ci.say import CiError
from tests.bench.rows import Row, this_machine

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, which people tell apart whatever they see of colour; the baseline is grey.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
MARKS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#777777"
INCHES = (10.5, 4.4)
DPI = 130
HEADROOM = 1.25  # above the highest median; what spreads further is cut off


@dataclass(frozen=True, slots=True)
class Plot:
    """One picture: the figures on the left, their ratios on the right.

    Attributes:
        name: Of the files, without what they end in.
        title: Above it.
        axis: What is along the bottom.
        ticks: Its values, as they are shown.
        lines: For each line a row for each tick.
        base: The line that the others are divided by, if it is one: it is drawn as such.
        unit: Of the figures.
        of: What the ratios are of.
    """

    name: str
    title: str
    axis: str
    ticks: Sequence[str]
    lines: Mapping[str, Sequence[Row]]
    unit: str
    of: str
    base: str = ""


def _line(axes: "Axes", name: str, plot: Plot, values: Sequence[Sequence[float]]) -> None:
    """A line of medians, with its spread; each has its colour and mark in both halves."""
    at = range(len(values))
    n = [other for other in plot.lines if other != plot.base].index(name) if name != plot.base else -1
    colour, mark = (GREY, "") if n < 0 else (COLOURS[n % len(COLOURS)], MARKS[n % len(MARKS)])
    middle = list(map(statistics.median, values))
    axes.plot(at, middle, color=colour, marker=mark, markersize=5, label=name, linestyle="--" if n < 0 else "-")
    axes.fill_between(at, list(map(min, values)), list(map(max, values)), color=colour, alpha=0.13, linewidth=0)


def _figures(axes: "Axes", plot: Plot) -> None:
    for name, found in plot.lines.items():
        _line(axes, name, plot, [row.values for row in found])
    axes.set_ylabel(plot.unit)


def _ratios(axes: "Axes", plot: Plot) -> None:
    for name, found in plot.lines.items():
        if name != plot.base:  # a row that is divided by nothing is what others of its line are divided by
            _line(axes, name, plot, [row.ratios or (1.0,) for row in found])
    axes.axhline(1, color=GREY, linestyle="--", linewidth=1.2)
    axes.set_ylabel(f"ratio to {plot.of}")


def ready(folder: Path) -> None:
    """See that there is something to draw with and a place for it, before anything is measured.

    Raises:
        CiError: There is no matplotlib here, or the folder is not there and cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise CiError(
            f"--plot {os.fspath(folder)}: {exc.strerror}: name a folder, which is made if need be", 2
        ) from exc
    if importlib.util.find_spec("matplotlib") is None:
        raise CiError("--plot: no matplotlib here; run:  .venv/bin/python -m pip install matplotlib", 3)


def draw(plots: Sequence[Plot], folder: Path) -> list[Path]:
    """Write each picture as PNG and SVG into ``folder``, which is made if it is not there; returns where.

    Raises:
        CiError: As ``ready`` says; or the folder cannot be written.
    """
    ready(folder)
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    mpl.rcParams["svg.hashsalt"] = "ixlab"  # else the same figures would make another file each time
    machine = this_machine()
    written = []
    try:
        for plot in plots:
            figure, (left, right) = pyplot.subplots(1, 2, figsize=INCHES, layout="constrained")
            figure.suptitle(plot.title)
            _figures(left, plot)
            _ratios(right, plot)
            for axes in (left, right):
                axes.set_xticks(range(len(plot.ticks)), plot.ticks)
                axes.set_xlabel(plot.axis)
                axes.set_ylim(0, HEADROOM * max(max(line.get_ydata()) for line in axes.get_lines()))
                axes.grid(visible=True, axis="y", alpha=0.3)
                axes.spines[["top", "right"]].set_visible(False)
            handles, names = left.get_legend_handles_labels()
            figure.legend(handles, names, loc="outside right center", frameon=False)
            where = f"{machine['processor']}, {machine['cores']} cores; shaded: least to most of the rounds"
            figure.supxlabel(where, fontsize="small", color=GREY)
            for kind in ("png", "svg"):
                written.append(folder / f"{plot.name}.{kind}")
                metadata = {"Date": None} if kind == "svg" else None
                figure.savefig(written[-1], dpi=DPI, metadata=metadata)
            pyplot.close(figure)
    except OSError as exc:
        raise CiError(f"--plot {os.fspath(folder)}: {exc.strerror or exc}: name a folder that can be written") from exc
    return written
