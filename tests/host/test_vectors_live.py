# SPDX-License-Identifier: BSD-3-Clause
"""``driver up --itr dim --threads vector`` under real streams: the table, affinity, changes while it runs."""

import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from driver.core.cpus import online_cpus
from driver.core.threads import written_cpus
from driver.errors import DriverError
from tests.rigs.host import HOST4, WIRE4, Stage, eventually

pytestmark = [pytest.mark.root, pytest.mark.timeout(240)]

SIZE = 16 << 20
ROUNDS_MOST = 6


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path) as stage:
        yield stage


def rows(stage: Stage) -> list[dict[str, Any]]:
    done = stage.cli("vectors", stage.nic, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    return found


def streams(stage: Stage) -> None:
    pairs = [(stage.wire, stage.host, HOST4, 5400 + n) for n in range(4)]
    stage.tcp_many([*pairs, (stage.host, stage.wire, WIRE4, 5410)], SIZE // 4)


def threads(pid: int) -> list[set[int]]:
    """Where each thread of a process may run."""
    return [os.sched_getaffinity(int(path.name)) for path in Path(f"/proc/{pid}/task").iterdir()]


def test_moderation_follows_real_streams(stage: Stage) -> None:
    stage.device()
    driver = stage.driver("--queues", "2", "--itr", "dim", "--threads", "vector")
    stage.address()
    stage.ping(WIRE4)
    first = rows(stage)
    assert [row["rx_queues"] for row in first] == ["0", "1", ""]
    assert first[0]["ivar"] == ["IVAR[0].RX0", "IVAR[0].TX0"]
    seen: set[int] = set()
    for _ in range(ROUNDS_MOST):
        with ThreadPoolExecutor(1) as beside:  # an idle vector is back at 8 us after a second
            sending = beside.submit(streams, stage)
            while not sending.done():
                seen |= {int(row["eitr_us"]) for row in rows(stage)[:2]}
            sending.result()
        if len(seen) > 1:
            break
    assert len(seen) > 1, "intervals moved"
    busy = rows(stage)
    assert busy[0]["events"] > first[0]["events"]
    assert all(row["set_by"].startswith("dim rx ") for row in busy[:2])
    eventually(lambda: {row["eitr_us"] for row in rows(stage)[:2]} == {8}, "idle vectors are back at 8 us")

    assert stage.cli("itr", stage.nic, "adaptive").returncode == 0
    streams(stage)
    assert all(row["set_by"].startswith("adaptive ") for row in rows(stage)[:2])
    assert stage.ask_driver("itr 124") == "124"
    assert [(row["eitr_us"], row["set_by"]) for row in rows(stage)[:2]] == [(124, "static")] * 2
    refused = stage.cli("itr", stage.nic, "5000")
    assert refused.returncode == 2
    assert "dim, adaptive, or 0 to 1022 microseconds" in refused.stderr
    assert driver.end() == 0
    assert stage.run_dir() == []


def test_a_thread_a_vector_is_moved_under_traffic(stage: Stage) -> None:
    stage.device()
    driver = stage.driver("--queues", "2", "--threads", "vector")
    stage.address()
    cpus = sorted(online_cpus())
    assert [row["cpu"] for row in rows(stage)[:2]] == [str(cpu) if cpu in cpus else "" for cpu in range(2)]
    assert threads(driver.process.pid).count(set(cpus[:1])) == 1 or len(cpus) == 1
    for cpu in (cpus[-1], cpus[0], cpus[-1]):
        streams(stage)
        done = stage.cli("irq", stage.nic, "affinity", "0", str(cpu), "--json")
        assert json.loads(done.stdout) == {"vector": 0, "affinity": str(cpu), "cpu": str(cpu), "not_pinned": ""}
    assert rows(stage)[0]["cpu"] == str(cpus[-1])
    for words, said in {
        "0 8000": "there is no CPU 8000",
        "7 0": "no vector 7 serves rings; those that do: 0, 1",
        "0 x": "CPUs are written as 0-1,3",
        "0": "a vector and its CPUs are wanted, as 0 0-1,3; got '0'",
        "0 0-1 3": "a vector and its CPUs are wanted",
    }.items():
        with pytest.raises(DriverError, match=said):
            stage.ask_driver(f"irq_affinity {words}")
    assert rows(stage)[0]["cpu"] == str(cpus[-1])
    assert stage.cli("irq", stage.nic, "affinity", "0", "8000").returncode == 1
    found = stage.ask_driver(f"irq_affinity 1 {written_cpus(cpus)}")
    assert found["cpu"] == written_cpus(cpus)
    # A reset of the port leaves each thread where it was put.
    for mtu in ("1600", "1500"):
        stage.host.run("ip", "link", "set", "ixth0", "mtu", mtu)
        time.sleep(0.2)
    streams(stage)
    assert rows(stage)[0]["cpu"] == str(cpus[-1])
    assert driver.end() == 0
    assert stage.run_dir() == []


def test_a_watch_ends_with_its_driver(stage: Stage) -> None:
    stage.device()
    driver = stage.driver()
    counted = stage.cli("vectors", stage.nic, "--watch", "--count", "2", "--interval", "0.1")
    assert counted.returncode == 0
    assert counted.stdout.count("ixlab-ixth0-TxRx-0") == 2
    place = f"IXLAB_RUN_DIR={stage.env['IXLAB_RUN_DIR']}"
    words = (sys.executable, "-m", "driver", "vectors", stage.nic, "--watch", "--json", "--interval", "0.1")
    watch = stage.child(stage.host, "env", place, *words)
    assert watch.stdout is not None
    assert json.loads(watch.stdout.readline())[0]["vector"] == "0"
    assert driver.end() == 0
    watch.communicate(timeout=20)
    assert watch.returncode == 0
