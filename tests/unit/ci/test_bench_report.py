# SPDX-License-Identifier: BSD-3-Clause
"""The README's figures are those of the files they are made from, and it has a place for them."""

from pathlib import Path
from typing import Any

import pytest

from ci.say import ROOT, CiError
from tests.bench import report


def run(**more: Any) -> dict[str, Any]:
    """What one benchmark said."""
    row = {
        "bench": "loop", "name": "64 B x 32: shared, plain", "unit": "Mpps", "median": 5.5, "min": 5.0, "max": 6.0,
        "of": "ring", "ratio": 0.2, "rounds": 5, "command": "c",
    }  # fmt: skip
    return {"machine": {"processor": "P", "cores": 2, "kernel": "Linux 1"} | more, "rows": [row]}


def test_a_row_has_its_figures_and_its_machine() -> None:
    lines = report.table([run()])
    assert "of 5 rounds on P, 2 cores, Linux 1:" in lines[0]
    assert lines[-1] == "| `loop` | 64 B out and back, batch 32 | 5.5 (5 … 6) Mpps | **0.20** of ring |"


def test_machines_are_not_mixed() -> None:
    with pytest.raises(CiError, match="several machines"):
        report.table([run(), run(processor="Q")])


def test_it_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(f"above\n{report.BEGIN}\nold\n{report.END}\nbelow\n")
    report.into(path, ["new"])
    assert path.read_text() == f"above\n{report.BEGIN}\nnew\n{report.END}\nbelow\n"
    path.write_text("no marks\n")
    with pytest.raises(CiError, match="no line"):
        report.into(path, ["new"])


def test_pictures_are_shown_that_are_there(tmp_path: Path) -> None:
    assert report.pictures(tmp_path) == [""]
    folder = tmp_path / "docs" / "bench"
    folder.mkdir(parents=True)
    (folder / "loop-size.svg").write_text("<svg/>")
    assert report.pictures(tmp_path) == ["", "![frames by their size](docs/bench/loop-size.svg)"]


def test_the_readme_has_a_place_for_it() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert 0 < text.index(report.BEGIN) < text.index(report.END)
