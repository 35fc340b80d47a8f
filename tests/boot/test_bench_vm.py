# SPDX-License-Identifier: BSD-3-Clause
"""``ci bench vm --quick``: this NIC and QEMU's own carry TCP, echoes and datagrams in one guest."""

import json
import subprocess
import sys

import pytest

from ci.say import ROOT
from tests.bench import vm as bench_vm

TIMEOUT_S = 500


@pytest.mark.timeout(TIMEOUT_S + 60)
def test_it_runs_to_its_end() -> None:
    words = ["unshare", "--net", sys.executable, "-m", "tests.bench", "vm", "--quick", "--json"]
    done = subprocess.run(words, text=True, capture_output=True, check=False, timeout=TIMEOUT_S, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = {row["name"]: row for row in json.loads(done.stdout)["rows"]}
    for kind in (*bench_vm.OURS, *bench_vm.QEMUS):
        for what in ("TCP out", "TCP in", "ping p50", "ping p99", "UDP 64 B out", "UDP 64 B in"):
            row = rows[f"{kind}: {what}"]
            assert row["median"] > 0
            assert row["of"] == (None if kind == bench_vm.BASE else f"{bench_vm.BASE}: {what}")
        assert rows[f"{kind}: TCP in, interrupts"]["median"] > 0
    for kind in bench_vm.OURS:
        assert rows[f"{kind}, beside virtio: TCP in"]["of"] == "virtio: TCP in"
