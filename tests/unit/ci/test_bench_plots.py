# SPDX-License-Identifier: BSD-3-Clause
"""What `ci bench --plot` draws, and what it says where it cannot."""

import importlib.util
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from ci.say import CiError
from tests.bench import loop, plots, scale
from tests.bench.rows import Sheet


def loop_sheet() -> Sheet:
    """Two sizes and two batches, a round."""
    sheet = Sheet("loop", "t", "c")
    for size, batch in (("64 B", 8), ("64 B", 32), ("1514 B", 32)):
        for what in loop.DRAWN:
            of = loop.name(size, batch, loop.RING) if what != loop.RING else ""
            sheet.add(loop.name(size, batch, what), 4.0 if what == loop.RING else 3.0, "Mpps", of)
    return sheet


def test_lines_are_by_batch_and_by_size() -> None:
    by_batch, by_size = loop.plots(loop_sheet())
    assert by_batch.ticks == ["8", "32"]
    assert by_size.ticks == ["64 B", "1514 B"]
    for plot in (by_batch, by_size):
        assert plot.base == loop.RING
        assert [row.ratio for row in plot.lines["shared, plain"]] == [0.75, 0.75]


def test_queues_are_in_their_order() -> None:
    sheet = Sheet("scale", "t", "c")
    for doorbells in scale.DOORBELLS:
        for queues, mpps in ((1, 2.0), (4, 3.0)):
            name, first = f"{queues} queues, {doorbells}: frames", f"1 queues, {doorbells}: frames"
            sheet.add(name, mpps, "Mpps", first if queues > 1 else "")
    (plot,) = scale.plots(sheet)
    assert plot.ticks == ["1", "4"]
    assert [row.ratio for row in plot.lines["trapped"]] == [None, 1.5]


@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="no matplotlib: set-up leaves it out")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_pictures_are_written_in_both_kinds(tmp_path: Path) -> None:
    made = plots.draw(loop.plots(loop_sheet()), tmp_path / "deep" / "folder")
    assert [path.name for path in made] == ["loop-batch.png", "loop-batch.svg", "loop-size.png", "loop-size.svg"]
    for path in made:
        if path.suffix == ".svg":
            assert ET.parse(path).getroot().tag.endswith("svg")
        else:
            assert path.read_bytes().startswith(b"\x89PNG")
    again = plots.draw(loop.plots(loop_sheet()), tmp_path / "again")
    assert again[1].read_bytes() == made[1].read_bytes()  # the same figures are the same file


def test_a_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CiError, match=f"--plot {tmp_path}/file: .*name a folder"):
        plots.ready(tmp_path / "file")


def test_without_matplotlib_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(CiError, match="pip install matplotlib") as caught:
        plots.ready(tmp_path)
    assert caught.value.code == 3
