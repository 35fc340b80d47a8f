# SPDX-License-Identifier: BSD-3-Clause
"""``ci bench --quick``: what needs no root runs to its end, and its figures are of frames that came back."""

import json
from pathlib import Path
from typing import Any

import pytest

from ci.command_line import parse
from tests.bench import __main__ as bench
from tests.bench import idle, layers, plots
from tests.bench.plots import Plot

pytestmark = [pytest.mark.usefixtures("_claims_here"), pytest.mark.timeout(240)]


def run(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, dict[str, Any]]:
    """Rows by name; stdout holds one JSON value and nothing else."""
    assert bench.main(parse(["bench", *words, "--json"])) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["machine"]["cores"] >= 1
    rows = {row["name"]: row for row in found["rows"]}
    assert len(rows) == len(found["rows"])
    for row in rows.values():
        assert row["min"] <= row["median"] <= row["max"]
        assert row["command"].startswith("python3 -m ci bench ")
        assert row["of"] is None or row["of"] in rows
    return rows


def test_loop(capsys: pytest.CaptureFixture[str]) -> None:
    rows = run(capsys, "loop", "--quick")
    for size in ("64 B", "1514 B"):
        ring = rows[f"{size} x 32: ring of two threads"]
        assert ring["median"] > 0
        for what in ("plain", "UDP, sums, RSS", "TCP, sums, RSS"):
            for how in ("shared", "trapped", "device alone"):
                row = rows[f"{size} x 32: {how}, {what}"]
                assert row["of"] == ring["name"]
                assert row["ratio"] > 0
        assert rows[f"{size} x 32: driver alone"]["ratio"] > 0
        for layer in (layers.BY_BATCH, layers.BY_FRAME):
            assert rows[f"{size} x 32: {layer}"]["ratio"] > 0


def test_idle(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "QUICK_LASTS_S", 1.0)
    rows = run(capsys, "idle", "--quick")
    for who in ("device", "driver", "both"):
        for doorbells in idle.DOORBELLS:
            assert 0 <= rows[f"{who}, {doorbells}"]["median"] < 100, rows
    assert rows["device, shared"]["median"] > 0  # it looks at its pages now and then


def test_scale(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Plot] = []
    monkeypatch.setattr(plots, "ready", lambda _: None)

    def draw(made: list[Plot], folder: Path) -> list[Path]:
        drawn.extend(made)
        return [folder]

    monkeypatch.setattr(plots, "draw", draw)
    rows = run(capsys, "scale", "--quick", "--plot", str(tmp_path))
    assert [plot.name for plot in drawn] == ["scale-queues"]
    for doorbells in ("shared", "trapped"):
        assert rows[f"4 queues, {doorbells}: driver's rings"]["ratio"] == 4
        assert rows[f"4 queues, {doorbells}: frames"]["median"] > 0
    assert rows["4 VFs: one busy"]["of"] == "1 VFs: one busy"
    assert rows["4 VFs: device with drivers, open files"]["ratio"] > 1


def test_vfs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "vfs", "--quick")["4 VFs: one busy"]["ratio"] > 0


def test_latency(capsys: pytest.CaptureFixture[str]) -> None:
    rows = run(capsys, "latency", "--quick")
    for way in ("both spin", "after 2 ms asleep"):
        for doorbells in ("shared", "trapped"):
            p50, p99 = (rows[f"{doorbells}, {way}: {which}"] for which in ("p50", "p99"))
            assert p50["of"] == f"two eventfds, {way}: p50"
            assert 0 < p50["median"] <= p99["median"]
    assert rows["trapped: register read"]["median"] > 0
