# SPDX-License-Identifier: BSD-3-Clause
"""Two probes side by side, step by step: where steps are cut, what differs in each, and why."""

import re
from collections import Counter
from pathlib import Path

import pytest

from device import trace, trace_steps
from device.i82599.card import Card
from device.trace import Access
from device.trace_cuts import CUTS, cut_up
from driver.ixgbe.explain import explain
from driver.ixgbe.probe import STEPS, ProbeOptions
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair_door import PairDoor

DATA = Path(__file__).resolve().parents[1] / "data"
STOCK = sorted(DATA.glob("*.trace"))


@pytest.fixture
def ours(nic: Card, door: PairDoor, tmp_path: Path) -> Path:
    """Our probe of a fresh card, its steps marked by the driver."""
    file = tmp_path / "ours.trace"
    nic.reset(software=False)
    with explain(door, ProbeOptions(clock=NoWait(), cpus=2)) as found:
        file.write_text("".join(f"{line}\n" for line in found.trace()))
    return file


def test_cuts_are_steps_in_the_probes_order() -> None:
    names = [name for name, _ in STEPS]
    known = [names.index(cut.step) for cut in CUTS if cut.step in names]
    assert known == sorted(known)
    assert {cut.step for cut in CUTS} - set(names) == {"sensors"}, "stock's only"


def test_cut_by_its_accesses_it_is_what_the_driver_marked(ours: Path, tmp_path: Path) -> None:
    marked = [(step, list(trace.squeeze(done))) for step, done in trace.read_steps(ours)]
    bare = tmp_path / "bare.trace"
    bare.write_text("".join(f"{line}\n" for line in ours.read_text().splitlines() if not line.startswith("#")))
    assert [(step, list(trace.squeeze(done))) for step, done in trace.read_steps(bare)] == marked


@pytest.mark.parametrize("path", STOCK, ids=lambda path: path.stem)
def test_stocks_probe_has_every_step_and_loses_nothing(path: Path) -> None:
    steps = trace.read_steps(path)
    assert [step for step, _ in steps][1:] == [cut.step for cut in CUTS]
    assert [access for _, done in steps for access in done] == list(trace.read(path))
    assert len(dict(steps)["reset_hw"]) > 1000


@pytest.mark.parametrize("path", STOCK, ids=lambda path: path.stem)
def test_side_by_side(path: Path, ours: Path) -> None:
    why = trace_steps.reasons()
    lines = list(trace_steps.side_by_side(trace.read_steps(path), trace.read_steps(ours), ("stock", "ours"), why=why))
    assert max(map(len, lines)) <= 100
    heads = {line.split()[1].rstrip(":"): line for line in lines if line.startswith("──")}
    for step in ("validate_eeprom", "mac_set_default_filter", "read_pba", "add_san_mac", "clear_wake_status"):
        assert "the same" in heads[step]
    for step in ("sw_init", "reset_hw", "start_hw", "sensors"):
        assert "lines differ" in heads[step]
    text = "\n".join(lines)
    assert "> W  EIMC_EX[0..1] all ones" in text
    assert re.search(r"\nR  204 counters 0\S* +! R  275 counters 0\n", text)
    shown = Counter(line for line in lines if line.startswith("  why: "))
    assert shown.total() == sum(map(len, why.values()))


def test_every_reason_of_the_table_is_found() -> None:
    rows = [line for line in (DATA / "ixgbe-differences.txt").read_text().splitlines() if line[:1].isdigit()]
    assert sum(map(len, trace_steps.reasons().values())) == len(rows)
    assert trace_steps.reasons(DATA / "no such file") == {}


def test_a_step_that_one_leaves_out_is_on_one_side(ours: Path) -> None:
    whole = trace.read_steps(ours)
    cut = [(step, done) for step, done in whole if step != "add_san_mac"]
    lines = list(trace_steps.side_by_side(whole, cut, ("all", "without")))
    at = next(n for n, line in enumerate(lines) if line.startswith("── add_san_mac"))
    assert "1 lines differ" in lines[at]
    assert lines[at + 1].startswith("W  MPSAR[254..255] 0..1")
    assert lines[at + 1].endswith(" <")
    assert sum("the same" in line and line.startswith("──") for line in lines) == len(whole) - 1


def test_what_both_do_is_folded_unless_asked_for(ours: Path) -> None:
    steps = trace.read_steps(ours)
    short = list(trace_steps.side_by_side(steps, steps, ("a", "b")))
    long = list(trace_steps.side_by_side(steps, steps, ("a", "b"), everything=True))
    assert not any(line.startswith("W  WUS") for line in short)
    assert any(line.startswith("W  WUS all ones") and "= W  WUS all ones" in line for line in long)


def test_other_values_are_marked() -> None:
    one, other = (Access("W", 0x5810, 4, value) for value in (1, 3))
    assert trace_steps.compare([one], [other]) == ([f"{'W  WUS 1':47} ! W  WUS 3"], 1)


def test_a_trace_of_something_else_is_one_step() -> None:
    accesses = [Access("R", 0x8, 4, 0)] * 3
    assert cut_up(accesses) == [("before the probe", accesses)]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["diff", "A", "B", "--steps"], 0), (["diff", "A", "B", "--steps", "--all"], 0), (["diff", "A", "--steps"], 2),
     (["diff", "A", "B", "--all"], 2), (["A", "--steps"], 2), (["diff", "A", "B", "--other"], 2),
     (["diff", "A", "no such", "--steps"], 1)],
)  # fmt: skip
def test_the_command(ours: Path, arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    words = [{"A": str(STOCK[-1]), "B": str(ours)}.get(word, word) for word in arguments]
    assert trace.main(words) == code
    out, err = capsys.readouterr()
    assert ("── reset_hw: " in out) == (code == 0)
    assert bool(err) == (code != 0)
