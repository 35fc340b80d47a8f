# SPDX-License-Identifier: BSD-3-Clause
"""``ci bench netdev --quick``: TCP and ping go through the NIC and through the relay, and nothing is left of either."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ci.command_line import parse
from ci.net import Namespace
from ci.say import ROOT, CiError
from tests.bench import __main__ as bench
from tests.bench import netdev
from tests.bench.nic import built
from tests.rigs.host import eventually

pytestmark = [pytest.mark.root, pytest.mark.timeout(240)]


def ours() -> set[str]:
    """Programs of this benchmark that run, by their command lines."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if "ixlab-bench-" in text or "tests/bench/stream.py" in text:
            found.add(text)
    return found


def test_it_runs_to_its_end_and_leaves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    before = ours()
    assert bench.main(parse(["bench", "netdev", "--quick", "--json"])) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    for what in ("TCP out", "TCP in", "ping p50", "ping p99"):
        assert rows[f"relay: {what}"]["median"] > 0
        for doorbells in netdev.DOORBELLS:
            assert rows[f"NIC, {doorbells}: {what}"]["of"] == f"relay: {what}"
            assert rows[f"NIC, {doorbells}: {what}"]["ratio"] > 0
    assert ours() <= before


def test_echoes_that_are_lost_are_no_figure(tmp_path: Path) -> None:
    with Namespace("lonely") as where:
        where.run("ip", "link", "add", "ixbv0", "type", "veth", "peer", "name", "ixbv1")
        where.run("ip", "address", "add", "192.0.2.2/24", "dev", "ixbv0")
        for name in ("ixbv0", "ixbv1"):
            where.run("ip", "link", "set", name, "up")
        with pytest.raises(CiError, match="no answer from 192\\.0\\.2\\.1"):
            netdev.ping_us(built(tmp_path, "ping"), where, "192.0.2.1", 3)


def test_a_signal_ends_it_in_order(tmp_path: Path) -> None:
    before, log = ours(), tmp_path / "log"
    with log.open("w") as stream:
        words = [sys.executable, "-m", "ci", "bench", "netdev", "--rounds", "100", "--json"]
        env = os.environ | {"IXLAB_READY": "1"}
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=stream, cwd=ROOT, env=env)
    try:
        eventually(lambda: "netdev: round 1 of 100" in log.read_text(), "it measures")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 128 + signal.SIGTERM, log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert "ci: ended by SIGTERM" in log.read_text()
    eventually(lambda: ours() <= before, "nothing of it runs any more", timeout_s=5)
