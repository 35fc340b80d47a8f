# SPDX-License-Identifier: BSD-3-Clause
"""Plots as SVG, with nothing but text: bars in a grid of small panels, and lines over time."""

from collections.abc import Mapping, Sequence
from html import escape

COLOURS = ("#555555", "#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf")
FONT = "font-family='sans-serif' font-size='11'"
PANEL_W, BAR_H, GAP = 230, 15, 34
LABEL_W, TITLE_H, MARGIN = 96, 40, 16
LINES_W, LINES_H, AXIS_W = 820, 120, 60

Series = Mapping[str, Sequence[tuple[float, float]]]  # by name: (x, y)


def _text(x: float, y: float, words: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' font-weight='{weight}' {FONT}>{escape(words)}</text>"


def _page(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    head = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width:.0f} {height:.0f}' width='{width:.0f}'>"
    paper = f"<rect width='{width:.0f}' height='{height:.0f}' fill='white'/>"
    return "\n".join([head, paper, _text(MARGIN, 22, title, weight="bold"), *parts, "</svg>\n"])


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def bars(title: str, rows: Sequence[str], columns: Sequence[str], values: Mapping[tuple[str, str, str], float]) -> str:
    """A grid of panels, a row a metric and a column a load, each with a bar for each name.

    Args:
        title: Above it all.
        rows: The metrics.
        columns: The loads.
        values: By (row, column, name); names in the order of their first appearance.
    """
    names = list(dict.fromkeys(name for _, _, name in values))
    panel_h = len(names) * BAR_H + GAP
    width = MARGIN * 2 + LABEL_W + len(columns) * PANEL_W
    parts = []
    for c, column in enumerate(columns):
        parts.append(_text(MARGIN + LABEL_W + c * PANEL_W, TITLE_H + 10, column, weight="bold"))
    for r, row in enumerate(rows):
        top = TITLE_H + 30 + r * panel_h
        parts.append(_text(MARGIN, top + 1, row, weight="bold"))
        for n, name in enumerate(names):
            parts.append(_text(MARGIN, top + n * BAR_H + 20, name))
        for c, column in enumerate(columns):
            left = MARGIN + LABEL_W + c * PANEL_W
            cell = {name: values[row, column, name] for name in names if (row, column, name) in values}
            most = max(cell.values(), default=0) or 1
            for n, (name, value) in enumerate(cell.items()):
                y, bar = top + n * BAR_H + 9, value / most * (PANEL_W - 80)
                colour = COLOURS[names.index(name) % len(COLOURS)]
                parts.append(f"<rect x='{left}' y='{y}' width='{bar:.1f}' height='{BAR_H - 3}' fill='{colour}'/>")
                parts.append(_text(left + bar + 4, y + 10, _number(value)))
    return _page(width, TITLE_H + 30 + len(rows) * panel_h, title, parts)


def lines(title: str, panels: Mapping[str, Series], marks: Sequence[tuple[float, str]], unit: str) -> str:
    """Panels below each other with a common time; each has lines in steps.

    Args:
        title: Above it all.
        panels: By name: lines.
        marks: Moments and what begins then.
        unit: Of the time, below.
    """
    points = [point for panel in panels.values() for line in panel.values() for point in line]
    last = max((x for x, _ in points), default=1) or 1
    plot_w = LINES_W - AXIS_W - MARGIN
    parts = []

    def at(x: float) -> float:
        return AXIS_W + x / last * plot_w

    for n, (name, panel) in enumerate(panels.items()):
        top = TITLE_H + 26 + n * (LINES_H + GAP)
        bottom = top + LINES_H
        most = max((y for line in panel.values() for _, y in line), default=1) or 1
        parts.append(_text(AXIS_W, top - 6, name, weight="bold"))
        parts.append(f"<path d='M{AXIS_W} {top} V{bottom} H{AXIS_W + plot_w}' fill='none' stroke='#999'/>")
        parts += [_text(AXIS_W - 6, bottom, "0", anchor="end"), _text(AXIS_W - 6, top + 8, _number(most), anchor="end")]
        for x, what in marks:
            parts.append(f"<path d='M{at(x):.1f} {top} V{bottom}' stroke='#ccc' stroke-dasharray='3 3'/>")
            if n == 0:
                parts.append(_text(at(x) + 3, top - 20, what))
        for number, (label, line) in enumerate(panel.items()):
            colour = COLOURS[number % len(COLOURS)]
            path = " ".join(
                f"{'L' if i else 'M'}{at(x):.1f} {bottom - y / most * LINES_H:.1f}"
                for i, (x, y) in enumerate(_steps(line))
            )
            parts.append(f"<path d='{path}' fill='none' stroke='{colour}' stroke-width='1.5'/>")
            if len(panel) > 1:
                parts.append(f"<g fill='{colour}'>{_text(LINES_W - 110 * (len(panel) - number), top - 6, label)}</g>")
    height = TITLE_H + 26 + len(panels) * (LINES_H + GAP)
    parts.append(_text(AXIS_W + plot_w, height - 12, f"{last:.3g} {unit}", anchor="end"))
    return _page(LINES_W, height, title, parts)


def _steps(line: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Corners: a value stays until the next."""
    found: list[tuple[float, float]] = []
    for x, y in line:
        if found:
            found.append((x, found[-1][1]))
        found.append((x, y))
    return found
