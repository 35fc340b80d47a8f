# SPDX-License-Identifier: BSD-3-Clause
"""``irq NIC ACTION`` and the vector options of ``up``: what they ask for, and what makes no sense."""

import json
from typing import Any

import click
import pytest

from driver import __main__ as cli
from driver import claim, status
from driver.core.irq import Policy
from driver.core.vector_options import Like, VectorOptions
from driver.exits import Exit
from driver.irq_commands import request_of, wanted

NONE: dict[str, Any] = {
    "vectors": None, "cpus": None, "xdp_rings": 0, "like": "ixgbe", "policy": None, "reserve_vfs": 0,
}  # fmt: skip
FOUND = {
    "interrupts": "MSIX", "table_len": 64, "static": 3, "dynamic": True, "policy": "6.12", "reserved_from": 44,
    "free": "3-6 8-43",
    "vectors": [
        {"index": 0, "kind": "static", "owner": "other", "fired": 3},
        {"index": 4, "kind": "static", "owner": "", "fired": 0},
        {"index": 7, "kind": "dynamic", "owner": "added by hand", "cpus": "", "node": -1, "fired": 1},
        {"index": 8, "kind": "static", "owner": "PF q_vector 0", "cpus": "0-1", "node": 3, "fired": 1},
    ],
    "vsis": [{"vsi": "CTRL", "rx": "2", "tx": "2", "xdp": "", "reg_idx": "3", "napi": "none", "note": "no rings"}],
    "absent": {"LB": "this chip has none"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "request_"),
    [
        (("table",), ("irq_table",)),
        (("add",), ("irq_add",)),
        (("add", "7"), ("irq_add", "7")),
        (("free", "7"), ("irq_free", "7")),
        (("fire", "7"), ("irq_fire", "7")),
        (("affinity", "1", "0-1,3"), ("irq_affinity", "1", "0-1,3")),
    ],
)
def test_what_is_asked(words: tuple[str, ...], request_: tuple[str, ...]) -> None:
    assert request_of(words[0], words[1:]) == request_


@pytest.mark.parametrize(
    ("action", "words", "said"),
    [
        ("table", ["1"], "it is `irq NIC table`, not 1 words"),
        ("free", [], r"it is `irq NIC free INDEX`, not 0 words"),
        ("add", ["1", "2"], r"it is `irq NIC add \[INDEX\]`, not 2 words"),
        ("affinity", ["1"], "it is `irq NIC affinity VECTOR CPUS`, not 1 words"),
        ("add", ["seven"], "'seven' is no vector: give its number"),
        ("free", ["-1"], "'-1' is no vector"),
    ],
)
def test_what_makes_no_sense(action: str, words: list[str], said: str) -> None:
    with pytest.raises(click.UsageError, match=said):
        request_of(action, words)


def test_nothing_said_is_the_drivers_own_choice() -> None:
    assert wanted(NONE) == VectorOptions()


def test_all_of_it() -> None:
    said = {"vectors": 5, "cpus": 2, "xdp_rings": 3, "like": "ice", "policy": "seed", "reserve_vfs": 4}
    assert wanted(said) == VectorOptions(5, 2, 3, Like.ICE, Policy.SEED, 4)
    assert wanted({**said, "policy": None}).policy is Policy.V6_12


@pytest.mark.parametrize(("option", "value"), [("--irq-policy", "6.12"), ("--reserve-vfs", "2")])
def test_ices_options_want_ices_way(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["up", "vfio-user:/nowhere", option, value]) == Exit.USAGE
    assert f"{option} is for ice's way; add --vectors-like ice" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--vectors", "0", "0 is not in the range"),
        ("--cpus", "0", "0 is not in the range"),
        ("--xdp-rings", "-1", "-1 is not in the range"),
        ("--reserve-vfs", "64", "64 is not in the range"),
        ("--vectors-like", "e1000", "'e1000' is not one of 'ixgbe', 'ice'"),
        ("--irq-policy", "7", "'7' is not one of 'seed', '6.12'"),
    ],
)
def test_numbers_that_cannot_be(option: str, value: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["up", "vfio-user:/nowhere", option, value]) == Exit.USAGE
    assert said in capsys.readouterr().err


def test_the_table_for_people_and_programs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim, "holder", lambda _nic: "pid 1")
    monkeypatch.setattr(status, "ask", lambda _path, name: FOUND if name == "irq_table" else {"index": 7})
    assert cli.main(["irq", "nic", "table", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == FOUND
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.main(["irq", "nic", "table"]) == 0
    said = capsys.readouterr().out
    for words in ("added by hand", "nobody", "3 static, others can be added (policy 6.12), 44 and up kept for VFs",
                  "free: 3-6 8-43", "CTRL: no rings", "LB: this chip has none"):  # fmt: skip
        assert words in said
    assert cli.main(["irq", "nic", "add", "7"]) == 0
    assert capsys.readouterr().out == "vector 7 is armed\n"


@pytest.mark.parametrize(
    ("cpu", "not_pinned", "said"),
    [("1", "", "its thread is on 1"), ("", "one thread polls all vectors", "one thread polls all vectors")],
)
def test_where_a_vector_went(
    cpu: str, not_pinned: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(_path: object, name: str) -> dict[str, Any]:
        asked.append(name)
        return {"vector": 2, "affinity": "0-1", "cpu": cpu, "not_pinned": not_pinned}

    monkeypatch.setattr(claim, "holder", lambda _nic: "pid 1")
    monkeypatch.setattr(status, "ask", answer)
    assert cli.main(["irq", "nic", "affinity", "2", "0-1"]) == 0
    assert capsys.readouterr().out == f"vector 2 prefers CPUs 0-1: {said}\n"
    assert asked == ["irq_affinity 2 0-1"]


def test_nobody_drives_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["irq", "vfio-user:/nowhere", "table"]) == Exit.FAILED
    assert "nobody drives it, so it has no vectors" in capsys.readouterr().err
