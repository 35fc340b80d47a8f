# SPDX-License-Identifier: BSD-3-Clause
from itertools import islice

from tests.boot.soak_plan import FEATURES, KINDS, TRAFFIC, Change, Phase, Planner


def plan(seed: int, phases: int = 200, *, tables: bool = True) -> list[Phase]:
    return list(islice(Planner(seed, tables=tables).phases(), phases))


def changes_of(phases: list[Phase]) -> list[Change]:
    return [change for phase in phases for change in phase.changes]


def test_a_seed_is_a_plan() -> None:
    assert plan(1) == plan(1)
    assert plan(1) != plan(2)
    assert [phase.number for phase in plan(1, 3)] == [1, 2, 3]


def test_every_kind_of_change_and_of_traffic_comes() -> None:
    phases = plan(3, 1000)
    changes = changes_of(phases)
    assert all(phase.changes for phase in phases)
    assert {change.kind for change in changes} == set(KINDS)
    assert {phase.traffic for phase in phases} == set(TRAFFIC)
    features = {change.guest.split()[3] for change in changes if change.kind == "-K"}
    assert features == set(FEATURES)
    assert all(change.guest or change.card for change in changes)


def test_what_is_switched_off_comes_on_again() -> None:
    words = [change.guest for change in changes_of(plan(4)) if change.kind == "-K"]
    for feature in FEATURES:
        switched = [word.split()[4] for word in words if word.split()[3] == feature]
        first = "on" if feature == "lro" else "off"
        other = {"on": "off", "off": "on"}[first]
        assert switched == [(first, other)[n % 2] for n in range(len(switched))]


def test_a_kernel_without_tables_is_asked_for_none() -> None:
    changes = changes_of(plan(5, 1000, tables=False))
    assert {change.kind for change in changes} == set(KINDS) - {"-X"}
    assert not [change for change in changes if "-X" in change.guest]


def test_numbers_are_what_the_driver_takes() -> None:
    changes = changes_of(plan(6, 1000))
    rings = [int(word) for change in changes if change.kind == "-G" for word in change.guest.split()[4:7:2]]
    assert all(64 <= entries <= 4096 and entries % 8 == 0 for entries in rings)
    mtus = [change.wire_mtu for change in changes if change.kind == "mtu"]
    assert min(mtus) == 1500
    assert max(mtus) == 9000
    assert len(set(mtus)) > 10


def test_a_table_names_only_queues_that_are_there() -> None:
    combined = 2
    for change in changes_of(plan(7, 1000)):
        words = change.guest.split()
        if change.kind == "-L":
            combined = int(words[-1])
        if change.kind == "-X":
            assert (int(words[4]) if words[3] == "equal" else len(words[4:])) <= combined
