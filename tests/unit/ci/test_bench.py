# SPDX-License-Identifier: BSD-3-Clause
"""What benchmarks make of their figures, and what `ci bench` says to those who ask for what cannot be."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from ci import bench
from ci.command_line import BENCHES, parse
from ci.say import CiError
from tests.bench import instructions, rows
from tests.bench.__main__ import UNNAMED
from tests.bench.rows import Sheet


def sheet() -> Sheet:
    """Two rows over three rounds; the machine was slow in the second."""
    made = Sheet("loop", "a title", "python3 -m ci bench loop")
    for ours, theirs in ((2.0, 4.0), (0.3, 1.0), (3.0, 4.0)):
        made.add("ours", ours, "Mpps", "theirs")
        made.add("theirs", theirs, "Mpps")
    return made


def test_a_ratio_is_the_median_of_those_of_the_rounds() -> None:
    ours, theirs = sheet().rows()
    assert ours.ratios == (0.5, 0.3, 0.75)
    assert ours.ratio == 0.5  # and not 2 / 4 of two medians by chance: 2.0 and 4.0 are of other rounds in general
    assert (ours.median, min(ours.values), max(ours.values)) == (2.0, 0.3, 3.0)
    assert theirs.ratio is None


def test_a_row_for_programs_says_what_made_it_and_what_it_is_divided_by() -> None:
    found = json.loads(json.dumps(sheet().rows()[0].as_json()))
    assert found == {
        "bench": "loop", "name": "ours", "unit": "Mpps", "median": 2.0, "min": 0.3, "max": 3.0, "of": "theirs",
        "ratio": 0.5, "ratio_min": 0.3, "ratio_max": 0.75, "rounds": 3, "command": "python3 -m ci bench loop",
    }  # fmt: skip


def test_a_table_has_every_row_and_the_command() -> None:
    made = sheet()
    console = Console(width=120, record=True)
    console.print(rows.table(made.title, made.command, made.rows()))
    text = console.export_text()
    assert "a title" in text
    assert "python3 -m ci bench loop" in text
    line = next(line for line in text.splitlines() if "ours" in line)
    assert [word.strip() for word in line.strip("│").split("│")] == ["ours", "2", "0.3", "3", "Mpps", "0.5", "theirs"]


def test_a_row_without_its_baseline_in_every_round_is_refused() -> None:
    made = sheet()
    made.add("ours", 1.0, "Mpps", "theirs")
    with pytest.raises(AssertionError, match="4 rounds, theirs: 3"):
        made.rows()


def test_the_machine_is_named() -> None:
    found = rows.this_machine()
    assert found["cores"] >= 1
    assert found["processor"]
    assert found["kernel"].startswith("Linux ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["vfs", "--plot", "x.svg"], "--plot draws"),
        (["--plot", "x.svg"], "--plot draws"),
        (["loop", "--record"], "--record writes"),
        (["--record"], "--record writes"),
        (["instructions", "--rounds", "2"], "--rounds: "),
    ],
)
def test_options_that_make_no_sense_together(words: list[str], said: str) -> None:
    with pytest.raises(CiError, match=said) as caught:
        bench.main(parse(["bench", *words]))
    assert caught.value.code == 2


@pytest.mark.parametrize("text", ["0", "-1", "1001", "two", "1.5", ""])
def test_rounds_are_a_number(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["bench", "loop", "--rounds", text])
    assert caught.value.code == 2
    assert "a number from 1 to 1000 is wanted" in capsys.readouterr().err


def test_every_benchmark_is_known_to_the_command() -> None:
    for name in BENCHES:
        assert parse(["bench", name]).what == name
    assert set(UNNAMED) < set(BENCHES)


# ---- instructions ---------------------------------------------------------------------------------------------------


def test_what_has_grown_is_said_with_both_figures() -> None:
    before = {"a frame": {"device": 1000.0, "driver": 100.0}, "a read": {"device": 20.0, "driver": 0.0}}
    assert instructions.grown(before, before) == []
    now = {"a frame": {"device": 1101.0, "driver": 110.0}, "a read": {"device": 22.9, "driver": 0.0}}
    assert instructions.grown(now, before) == ["a frame, device: 1000.0 instructions recorded, 1101.0 now"]
    assert instructions.grown({"a frame": before["a frame"]}, before) == ["a read: only recorded"]
    assert instructions.grown(before, {"a frame": before["a frame"]}) == ["a read: only measured"]
    shrunk = {"a frame": {"device": 10.0, "driver": 1.0}, "a read": {"device": 2.0, "driver": 0.0}}
    assert instructions.grown(shrunk, before) == []


def test_libraries_are_no_part_of_the_modules_own_figure() -> None:
    functions = {"device": {"card_step": 300, "rx_one -> library": 90}, "driver": {"harvest": 50}}
    counts = {"a frame": {"times": 10, "functions": functions, "device": 39.0, "driver": 5.0}}
    assert instructions.own(counts) == {"a frame": {"device": 30.0, "driver": 5.0}}


def test_recording_leaves_other_compilers_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "instructions.json"
    path.write_text(json.dumps({"gcc 99, z80": {"instructions": {"a frame": {"device": 1.0}}}}))
    monkeypatch.setattr(instructions, "RECORD", path)
    instructions.record({"a frame": {"device": 7.0, "driver": 3.0}})
    found = instructions.recorded()
    assert found["gcc 99, z80"] == {"instructions": {"a frame": {"device": 1.0}}}
    assert found[instructions.compiler()]["instructions"] == {"a frame": {"device": 7.0, "driver": 3.0}}
    assert found[instructions.compiler()]["processor"]


def test_what_is_recorded_covers_both_sides_of_every_path() -> None:
    for compiler, found in instructions.recorded().items():
        for name, sides in found["instructions"].items():
            assert sides.keys() == {"device", "driver"}, (compiler, name)
            assert sides["device"] > 0, (compiler, name)
            assert (sides["driver"] > 0) == ("a frame" in name), (compiler, name)
