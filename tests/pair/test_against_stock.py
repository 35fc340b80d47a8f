# SPDX-License-Identifier: BSD-3-Clause
"""Our driver's probe against stock ixgbe's recorded ones: each difference is known, and has its reason.

``tests/data/ixgbe-differences.txt`` has them.  What is new there turns this red, and so does what is gone.
"""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from ci.nic import MAC
from device import trace
from device.i82599.card import Card
from device.machine.wire import NullPort
from device.trace import Access, TraceFile
from device.trace_diff import diff
from driver.ixgbe.probe import STEPS, ProbeOptions, Step, probe
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair_door import PairDoor

DATA = Path(__file__).resolve().parents[1] / "data"
KNOWN = DATA / "ixgbe-differences.txt"
TRACES = sorted(DATA.glob("*.trace"))
ROW = re.compile(r"(\d+) ([-+!] .*)")


def recorded(folder: Path, steps: Iterable[tuple[str, Step]] = STEPS) -> list[Access]:
    """What our probe does to a fresh card, from a reset on; the recorded card has the same address."""
    file = folder / "ours.trace"
    with NullPort() as port, Card(mac=MAC, port=port) as nic:
        with TraceFile(nic.pf, file):
            nic.reset(software=False)
            adapter = probe(PairDoor(nic), ProbeOptions(clock=NoWait(), cpus=2), steps=tuple(steps))
        adapter.close()
    return list(trace.read(file))


def differences(one: Iterable[Access], other: Iterable[Access]) -> Counter[str]:
    """How often each is there, wherever; of a long list of registers the beginning."""
    words = (line.split() for line in diff(one, other))
    return Counter(re.sub(r" and \d+ more$", " and more", " ".join((sign, *what))) for sign, _place, *what in words)


def known() -> dict[str, tuple[int, str]]:
    """How often each may be there, and why."""
    found: dict[str, tuple[int, str]] = {}
    what = ""
    for line in KNOWN.read_text().splitlines():
        if row := ROW.fullmatch(line):
            what = row[2]
            assert what not in found, f"twice in the table: {what}"
            found[what] = (int(row[1]), "")
        elif line.startswith("    ") and what:
            times, why = found[what]
            found[what] = (times, f"{why} {line.strip()}".strip())
        else:
            assert line.startswith("#"), f"no row of the table: {line}"
    return found


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.stem)
def test_each_difference_is_in_the_table(path: Path, tmp_path: Path) -> None:
    found = differences(trace.read(path), recorded(tmp_path))
    assert dict(found) == {what: times for what, (times, _) in known().items()}


def test_each_has_a_step_and_a_reason() -> None:
    names = {name for name, _ in STEPS} | {"The end", "The recording's own end"}
    for what, (_, why) in known().items():
        step = why.partition(":")[0].partition(" and ")[0]
        assert step in names, f"{what}: {why!r} does not begin with a step of the probe"
        assert len(why) > len(step) + 10, what


@pytest.mark.parametrize(
    "left_out", ["clear_wake_status", "set_fw_drv_ver", "add_san_mac", "read_versions", "start_hw"]
)
def test_a_step_that_is_left_out_is_noticed(tmp_path: Path, left_out: str) -> None:
    steps = [(name, (lambda _: "") if name == left_out else step) for name, step in STEPS]
    found = differences(trace.read(TRACES[-1]), recorded(tmp_path, steps))
    assert dict(found) != {what: times for what, (times, _) in known().items()}


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.stem)
def test_neither_touches_dca(path: Path, tmp_path: Path) -> None:
    """Stock asks the system for a provider of direct cache access before it touches a register, and finds none."""
    for accesses in (trace.read(path), recorded(tmp_path)):
        assert {access.name for access in accesses if access.name.startswith("DCA_")} == set()
