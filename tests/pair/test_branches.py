# SPDX-License-Identifier: BSD-3-Clause
"""Every branch of the notes is reached by a scenario, says what it says, and leaves nothing."""

import errno
import re
from pathlib import Path

import pytest

from device.i82599.faults import FAULTS
from tests.rigs import branches, branches_page
from tests.rigs.branches import GONE, Scenario, run
from tests.rigs.branches_ice import ALLOC_IRQ, Q_VECTOR, IceScenario
from tests.rigs.branches_live import LIVE, Live
from tests.rigs.branches_probe import PROBE

ERRNO = re.compile(r"-(E[A-Z]+)\b")
# Our errno where the kernel's is another one, or depends.
OURS = {"mem-decode-refused": "EIO", "dma-refused": "EIO", "another driver has the function": "EBUSY"}
OURS |= {f"bus-all-ones={where}": GONE for where in ("EEC", "CTRL", "MPSAR[0]:3")} | {"bus-all-ones": GONE}


def goes_on(scenario: Scenario) -> bool:
    return "goes on" in scenario.label or scenario.label == "return 0"


@pytest.mark.parametrize("scenario", PROBE, ids=lambda scenario: f"{scenario.name}: {scenario.branch[:24]}")
def test_a_branch_of_ixgbe_probe(scenario: Scenario) -> None:
    seen = run(scenario)
    assert seen.left == (), "nothing is left"
    assert seen.said or scenario.look
    if seen.failed or not goes_on(scenario):
        wanted = OURS.get(scenario.name) or (found[1] if (found := ERRNO.search(scenario.label)) else "")
        assert seen.failed
        assert seen.failed == wanted or not wanted
        assert seen.step
        assert seen.undone[-1] == "door"
    else:
        assert (seen.failed, seen.step) == ("", scenario.look)


def test_the_scenarios_are_each_once_and_of_faults_that_there_are() -> None:
    names = [(scenario.branch, scenario.name) for scenario in PROBE]
    assert sorted(set(names)) == sorted(names)
    known = {kind.name for kind in FAULTS}
    assert {re.split("[=]", fault)[0] for scenario in PROBE for fault in scenario.faults} <= known


def test_each_fault_that_is_said_to_reach_the_probe_has_a_scenario() -> None:
    used = {fault.partition("=")[0] for scenario in PROBE for fault in scenario.faults}
    general = {"nvm", "module", "dma-reach", "silent"}  # others are made of them
    said = {kind.name for kind in FAULTS if kind.reaches.startswith("ixgbe_probe:")}
    assert said - general <= used


@pytest.mark.parametrize("scenario", [*Q_VECTOR, *ALLOC_IRQ], ids=lambda scenario: scenario.branch)
def test_a_branch_of_ice(scenario: IceScenario) -> None:
    seen = scenario.run()
    assert seen.said or seen.errno != "0"
    wanted = ERRNO.search(scenario.label)
    if wanted:
        assert seen.errno == f"-{wanted[1]}"
        assert getattr(errno, wanted[1])
    if scenario.label in {"goto err_free_q_vector", "goto exit_free_res"} or "-ENOMEM" in scenario.label:
        assert seen.errno.startswith("-E")


@pytest.mark.parametrize("live", LIVE, ids=lambda live: live.fault)
def test_a_port_that_runs_recovers(live: Live) -> None:
    told = live.run()
    assert len(told) >= 2
    assert not re.search(r"\b0 of \d|leaves (?!nothing)", told[-1])


def test_the_page_is_what_the_scenarios_give() -> None:
    assert branches.PAGE.read_text(encoding="utf-8") == branches_page.markdown(), (
        "run python -m tests.rigs.branches --write"
    )


def test_an_old_page_is_noticed_and_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(branches, "PAGE", tmp_path / "docs" / "branches.md")
    monkeypatch.setattr(branches_page, "markdown", lambda: "as it is\n")
    assert branches.main(["--check"]) == 1
    assert "--write" in capsys.readouterr().err
    assert branches.main(["--write"]) == 0
    assert branches.main(["--check"]) == 0
    assert branches.main([]) == 2
