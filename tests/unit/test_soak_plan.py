# SPDX-License-Identifier: BSD-3-Clause
from itertools import islice

from tests.boot.soak_plan import FEATURES, KINDS, TRAFFIC, Phase, Planner


def plan(seed: int, phases: int = 200) -> list[Phase]:
    return list(islice(Planner(seed).phases(), phases))


def test_a_seed_is_a_plan() -> None:
    assert plan(1) == plan(1)
    assert plan(1) != plan(2)
    assert [phase.number for phase in plan(1, 3)] == [1, 2, 3]


def test_every_kind_of_change_and_of_traffic_comes() -> None:
    phases = plan(3, 1000)
    changes = [change for phase in phases for change in phase.changes]
    assert {change.kind for change in changes} == set(KINDS)
    assert {phase.traffic for phase in phases} == set(TRAFFIC)
    features = {change.guest.split()[3] for change in changes if change.kind == "-K"}
    assert features == set(FEATURES)
    assert all(change.guest or change.card for change in changes)


def test_what_is_switched_off_comes_on_again() -> None:
    words = [change.guest for phase in plan(4) for change in phase.changes if change.kind == "-K"]
    for feature in FEATURES:
        switched = [word.split()[4] for word in words if word.split()[3] == feature]
        first = "on" if feature == "lro" else "off"
        other = {"on": "off", "off": "on"}[first]
        assert switched == [(first, other)[n % 2] for n in range(len(switched))]
