# SPDX-License-Identifier: BSD-3-Clause
"""Vectors of a running driver by its command line: armed beside those that carry traffic, fired, and freed again."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from driver.exits import Exit
from tests.rigs.host import HOST4, HOST_IF, WIRE4, Stage, eventually

pytestmark = [pytest.mark.root, pytest.mark.timeout(240)]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path) as stage:
        yield stage


def irq(stage: Stage, *words: str) -> Any:
    done = stage.cli("irq", stage.nic, *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def fired(stage: Stage) -> dict[int, int]:
    return {row["index"]: row["fired"] for row in irq(stage, "table")["vectors"]}


def table_of(stage: Stage, vsi: str) -> dict[str, str]:
    (row,) = (row for row in irq(stage, "table")["vsis"] if row["vsi"] == vsi)
    assert isinstance(row, dict)
    return row


def more_fired(stage: Stage, times: int) -> bool:
    return fired(stage)[9] == times + 1


def refused(stage: Stage, *words: str) -> str:
    done = stage.cli("irq", stage.nic, *words)
    assert done.returncode == Exit.FAILED, (done.returncode, done.stderr)
    return done.stderr


@pytest.mark.parametrize("like", ["ixgbe", "ice"])
def test_a_vector_is_added_fired_and_freed_under_traffic(stage: Stage, like: str) -> None:
    stage.device("--msix", "16")
    stage.driver("--queues", "2", "--vectors-like", like, "--xdp-rings", "1")
    stage.address()
    stage.wait_for_link()
    stage.ping(WIRE4)
    before = fired(stage)
    assert irq(stage, "add", "9") == {"index": 9}
    for times in range(3):
        assert irq(stage, "fire", "9")["fired_before"] == times
        eventually(partial(more_fired, stage, times), "one more interrupt")
    assert "is armed" in stage.cli("irq", stage.nic, "add", "11").stdout
    assert "vector 9 is taken: added by hand" in refused(stage, "add", "9")
    assert "vector 16 is beyond the table, which has 0 to 15" in refused(stage, "add", "16")
    assert "vector 10 is not in use" in refused(stage, "free", "10")
    assert "vector 0 is static" in refused(stage, "free", "0")
    first = table_of(stage, "PF")["reg_idx"].partition("-")[0]
    assert irq(stage, "affinity", first, "0")["affinity"] == "0"
    assert "no vector 9 serves rings" in refused(stage, "affinity", "9", "0")
    stage.ping(WIRE4)
    assert irq(stage, "free", "9") == {"index": 9}
    assert irq(stage, "free", "11") == {"index": 11}
    after = fired(stage)
    assert sorted(after) == sorted(before)
    assert sum(after.values()) > sum(before.values()), "frames make interrupts, and they are counted"
    table = irq(stage, "table")
    assert table["table_len"] == 16
    pf = table_of(stage, "PF")
    assert pf["napi"] == "by the later load"
    assert pf["xdp"] == "2"
    if like == "ice":
        assert {row["vsi"]: row["reg_idx"] for row in table["vsis"]} == {"PF": "1-2", "CTRL": "3"}


@pytest.mark.parametrize(
    ("table", "words", "rows"),
    [
        ("64", ("--vectors", "5"), [["0", ""], ["1", ""], ["", "0"], ["", "1"], ["", ""]]),
        ("64", ("--cpus", "1", "--xdp-rings", "2"), [["0 1", "0 1 2 (XDP) 3 (XDP)"], ["", ""]]),
        ("1", (), [["0", "0"]]),
        ("64", ("--vectors-like", "ice", "--cpus", "1"), [["0 1", "0 1"], ["", ""]]),
        ("2", ("--vectors-like", "ice"), [["0 1", "0 1"], ["", ""]]),
    ],
    ids=["a vector for every ring", "one for all rings", "MSI", "ice: one CPU", "ice: two vectors"],
)
def test_streams_arrive_however_vectors_are_shared_out(
    stage: Stage, table: str, words: tuple[str, ...], rows: list[list[str]]
) -> None:
    stage.device("--msix", table)
    driver = stage.driver("--queues", "2", *words)
    stage.address()
    stage.ping(WIRE4)
    assert [row[2:] for row in stage.ask_driver("vectors")] == rows
    stage.tcp_many([(stage.host, stage.wire, WIRE4, 5301), (stage.wire, stage.host, HOST4, 5302)], 4 << 20)
    stats = stage.stats()
    assert stats["tx_timeout_count"] == stats["netdev_tx_dropped"] == 0
    assert sum(fired(stage).values()) > 10
    assert driver.end() == 0


def test_a_device_that_refuses_a_vector_is_asked_again_later(stage: Stage) -> None:
    stage.device()
    stage.driver("--queues", "2")
    before = irq(stage, "table")
    stage.ask_device({"fault": "irq-refused=msix"})
    assert "vector 9 cannot be armed: No space left on device; free now: 3-63" in refused(stage, "add", "9")
    assert "no vector can be armed: No space left on device" in refused(stage, "add")
    after = irq(stage, "table")
    assert [row["index"] for row in after["vectors"]] == [row["index"] for row in before["vectors"]] == [0, 1, 2]
    stage.ask_device({"fault": {"end": "all"}})
    assert irq(stage, "add", "9") == {"index": 9}


def test_vfs_part_of_the_table_is_refused(stage: Stage) -> None:
    stage.device()
    stage.driver("--vectors-like", "ice", "--reserve-vfs", "4", "--irq-policy", "seed", "--cpus", "4")
    assert irq(stage, "table")["reserved_from"] == 44
    assert "vector 50 is kept for VFs, which have 44 to 63" in refused(stage, "add", "50")
    assert irq(stage, "add")["index"] == 8, "the older generation adds what is not static"
    said = stage.cli("irq", stage.nic, "table").stdout
    assert "VF 0 mailbox" in said
    assert "this chip has none" in said
    assert stage.programs[-1].end() == 0
    assert HOST_IF not in stage.host.run("ip", "-o", "link")


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("--vectors", "9"), "9 vectors were asked for, and its MSI-X table has 8: give 1 to 8", Exit.REFUSED),
        (("--queues", "60", "--xdp-rings", "5"), "leaves 0 to 4", Exit.FAILED),
        (("--vectors-like", "ice", "--reserve-vfs", "9"), "no room for 9 VFs", Exit.REFUSED),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_up(
    stage: Stage, words: tuple[str, ...], said: str, code: Exit
) -> None:
    stage.device("--msix", "8")
    done = stage.cli("up", stage.nic, "--netdev", HOST_IF, *words)
    assert done.returncode == code
    assert said in done.stderr
    assert HOST_IF not in stage.host.run("ip", "-o", "link")
