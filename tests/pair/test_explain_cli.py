# SPDX-License-Identifier: BSD-3-Clause
"""``python -m driver probe --explain`` as people and programs call it."""

import json
from pathlib import Path
from typing import Any

import pytest

from device import trace
from device.i82599.card import Card
from driver import __main__ as cli
from driver import explaining
from driver.exits import Exit
from driver.ixgbe.explain import LANGUAGES
from driver.ixgbe.probe import STEPS, ProbeOptions
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair_door import PairDoor

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _here(nic: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever NIC is named, it is ours, and its driver does not wait."""

    def options(**more: Any) -> ProbeOptions:
        return ProbeOptions(**more, clock=NoWait(), cpus=2)

    monkeypatch.setattr(cli, "open_door", lambda name: PairDoor(nic, name))
    monkeypatch.setattr("driver.ixgbe.family.ProbeOptions", options)


@pytest.mark.parametrize("words", [["pair", "--explain"], ["--explain", "pair"], ["pair", "--explain=text"]])
def test_explain_stands_anywhere(words: list[str], capsys: Capture) -> None:
    assert cli.main(["probe", *words]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("pair: the probe, step by step\n")
    assert said.err == ""
    for number, (name, _) in enumerate(STEPS, 1):
        assert f"\n{number:>2}  {name} ─" in said.out


@pytest.mark.parametrize("language", explaining.LANGUAGES)
def test_every_language_is_offered(language: str, capsys: Capture) -> None:
    assert tuple(LANGUAGES) == explaining.LANGUAGES
    assert cli.main(["probe", "pair", "--explain=md", "--lang", language]) == 0
    assert capsys.readouterr().out.startswith(f"# {LANGUAGES[language].say('title', nic='pair')}\n")


def test_queues_are_asked_for(capsys: Capture) -> None:
    assert cli.main(["probe", "pair", "--explain", "--json", "--queues", "7"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [row["rx"] for row in data["vectors"][:-1]] == [[n] for n in range(7)]


def test_it_is_written_where_it_is_wanted(tmp_path: Path, capsys: Capture) -> None:
    page, record = tmp_path / "probe.md", tmp_path / "probe.trace"
    assert cli.main(["probe", "pair", "--explain=md", "--out", str(page), "--trace-file", str(record)]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"{page} is written\n")
    assert page.read_text().count("```mermaid\n") == 3
    assert trace.read_steps(record)[0][0] == "select_eeprom"


def test_a_failure_is_explained_and_said(nic: Card, capsys: Capture) -> None:
    nic.faults.inject("nvm=0:0")
    assert cli.main(["probe", "pair", "--explain"]) == Exit.REFUSED
    said = capsys.readouterr()
    assert "validate_eeprom failed with EIO: the EEPROM checksum is not valid" in said.out
    assert "The kernel would jump to err_sw_init, as in line 191 of the note." in said.out
    assert "  1. registers" in said.out
    (line,) = said.err.splitlines()
    assert line.startswith("driver: the EEPROM checksum is not valid")
    assert line.endswith("(at validate_eeprom EIO)")


def test_a_failure_is_one_json_value(nic: Card, capsys: Capture) -> None:
    nic.faults.inject("nvm=0:0")
    assert cli.main(["probe", "pair", "--explain", "--json"]) == Exit.REFUSED
    data = json.loads(capsys.readouterr().out)
    assert (data["step"], data["errno"], data["exit_code"]) == ("validate_eeprom", "EIO", Exit.REFUSED)
    assert data["failure"]["label"] == "err_sw_init"
    assert [one["what"] for one in data["failure"]["undone"]] == data["undone"]


def test_a_virtual_function_that_nobody_drives_is_explained(nic: Card, capsys: Capture) -> None:
    nic.faults.inject("ids=8086:1515")
    assert cli.main(["probe", "pair", "--explain"]) == Exit.REFUSED
    assert "refuse_vf failed with EINVAL" in capsys.readouterr().out


def test_a_stranger_is_not(nic: Card, capsys: Capture) -> None:
    nic.faults.inject("ids=8086:1572")
    assert cli.main(["probe", "pair", "--explain"]) == Exit.NO_NIC
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--lang", "zh"], "--lang is about an explanation: give --explain too"),
        (["--out", "x"], "--out is about an explanation: give --explain too"),
        (["--explain=md", "--json"], "--json and --explain=md contradict each other: leave one out"),
        (["--explain=html"], "'html' is not one of 'text', 'md'"),
        (["--explain", "--lang", "fr"], "'fr' is not one of 'en', 'zh', 'ko'"),
        (["--queues", "65"], "65 is not in the range 1<=x<=64"),
    ],
)
def test_what_makes_no_sense(words: list[str], said: str, capsys: Capture) -> None:
    assert cli.main(["probe", "pair", *words]) == Exit.USAGE
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--out", "--trace-file"])
def test_a_file_that_cannot_be_written(option: str, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "no folder" / "x"
    assert cli.main(["probe", "pair", "--explain", option, str(path)]) != 0
    assert f"{option} {path}: No such file or directory; name a file that can be written" in capsys.readouterr().err
