# SPDX-License-Identifier: BSD-3-Clause
"""Two traces compared by step."""

from pathlib import Path

import pytest

from device import trace
from device.regs.core import Register
from device.regs.i82599 import CTRL, EEC, EERD, RXDCTL, SWSM, WUS
from device.trace import Access
from device.trace_diff import diff, steps

DATA = Path(__file__).resolve().parents[2] / "data"


def access(kind: str, register: type[Register], value: int = 0, n: int = 0) -> Access:
    return Access(kind, register.offset(n), 4, value)


def test_equal_traces_differ_in_nothing() -> None:
    both = [access("R", EEC, 1), access("W", CTRL, 4), *[access("W", RXDCTL, 0, n) for n in range(128)]]
    assert list(diff(both, both)) == []


def test_a_loop_and_an_array_are_one_thing() -> None:
    (step,) = steps([access("W", RXDCTL, 7, n) for n in range(128)])
    assert step.does == {"W RXDCTL": {7}}
    once, often = [access("R", EERD, 1)], [access("R", EERD, 1)] * 50
    assert list(diff(once, often)) == []


def test_a_step_left_out_does_not_shift_the_rest() -> None:
    a = [access("R", EEC), access("W", WUS, 0xFFFFFFFF), access("W", RXDCTL), access("W", CTRL, 4)]
    b = [access("R", EEC), access("W", RXDCTL), access("W", CTRL, 4)]
    (line,) = diff(a, b)
    assert line.split() == ["-", "2", *line.split()[2:-2], "W", "WUS"]
    (line,) = diff(b, a)
    assert line.startswith("+")


def test_other_registers_and_other_values_in_one_step() -> None:
    a = [access("R", SWSM), access("W", SWSM, 3)]
    b = [access("R", SWSM), access("W", SWSM, 2)]
    (line,) = diff(a, b)
    assert line.startswith("!")
    assert line.endswith("W SWSM: 0x3 -> 0x2")
    (line,) = diff(a, b[:1])
    assert line.startswith("-")
    assert line.endswith("W SWSM")


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    old, new = DATA / "ixgbe-6.12-probe.trace", tmp_path / "other.trace"
    kept = [line for line in old.read_text().splitlines() if "WUS" not in line]
    new.write_text("\n".join([*kept, "W 0x00000 4 0x00000008 CTRL"]))
    assert trace.main(["diff", str(new), str(new)]) == 0
    assert capsys.readouterr().out == ""
    assert trace.main(["diff", str(old), str(new)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-2:] for line in lines if line[0] == "-"] == [["W", "WUS"]]
    assert [line.split()[-2:] for line in lines if line[0] == "+"] == [["W", "CTRL"]]
    assert trace.main(["diff", str(old), str(tmp_path / "absent")]) == 1
    assert "absent" in capsys.readouterr().err
    assert trace.main(["diff", str(old)]) == 2
    assert "diff A B" in capsys.readouterr().err
