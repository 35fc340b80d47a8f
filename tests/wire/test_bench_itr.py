# SPDX-License-Identifier: BSD-3-Clause
"""``ci bench itr`` in a hurry: it measures real frames, and draws plots that a browser understands."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from driver.core.napi import NapiMode
from tests.bench import itr, svg

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(itr, "WARM_MS", 20)
    monkeypatch.setattr(itr, "MEASURE_MS", 100)
    monkeypatch.setattr(itr, "STORY", (("idle", None, 0.1), ("flood", 3, 0.3)))
    monkeypatch.setattr(itr, "HOWS", (itr.How(NapiMode.IRQ, "50"), itr.How(NapiMode.IRQ, "dim")))


@pytest.mark.usefixtures("_hurry", "_claims_here")
def test_it_runs_to_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    itr.main(["--json", "--rounds", "1", "--plot", str(tmp_path / "plot.svg")])
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    rows = {(row["load"], row["how"]): row["rounds"][0] for row in found["rounds"]}
    assert len(rows) == len(itr.LOADS) * 2
    assert all(row["lost"] == 0 and row["frames"] > 0 and row["p50"] > 0 for row in rows.values()), rows
    assert rows["one at a time", "irq 50"]["eitr"] == 50
    assert rows["2,000 a second", "irq 50"]["irqs"] > 100
    intervals, rates, marks = found["stories"]["irq dim"]
    assert {us for _, us in intervals} <= {2, 8, 16, 40, 62, 126}
    assert max(rate for _, rate in rates) > 0
    assert [what for _, what in marks] == ["idle", "flood"]
    for name in ("plot.svg", "plot-time.svg"):
        root = ET.parse(tmp_path / name).getroot()
        assert root.tag == f"{SVG}svg"
        assert "irq dim" in {text.text for text in root.iter(f"{SVG}text")} or name == "plot-time.svg"


def test_bars_are_as_long_as_their_values() -> None:
    drawn = svg.bars("t", ["a"], ["x"], {("a", "x", "one"): 10.0, ("a", "x", "two"): 5.0, ("a", "x", "<none>"): 0.0})
    widths = [float(rect.get("width", "")) for rect in ET.fromstring(drawn).iter(f"{SVG}rect")][1:]
    assert widths == [150.0, 75.0, 0.0]


def test_a_line_keeps_its_value_until_the_next() -> None:
    drawn = svg.lines("t", {"p": {"l": [(0, 0), (5, 10), (10, 10)]}}, [(5, "more")], "s")
    path = [path.get("d", "") for path in ET.fromstring(drawn).iter(f"{SVG}path")][-1]
    heights = [float(corner.split()[1]) for corner in path.replace("M", "").split(" L")]
    assert heights[0] == heights[1] > heights[2] == heights[3] == heights[4]
