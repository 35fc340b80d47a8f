# SPDX-License-Identifier: BSD-3-Clause
"""``tests.bench.driver_rows`` in a hurry: every row moves the frames that it says, and none is lost or dropped."""

from pathlib import Path

import pytest

from tests.bench import driver_rows
from tests.bench.driver_rows import BATCH, rows


def test_every_row_carries_its_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs: list[driver_rows.Pair] = []

    class Kept(driver_rows.Pair):
        def __init__(self, folder: Path) -> None:
            super().__init__(folder)
            pairs.append(self)

    monkeypatch.setattr(driver_rows, "Pair", Kept)
    with rows(tmp_path) as all_rows:
        (pair,) = pairs
        for name, row in all_rows.items():
            before = pair.rx.stats(), pair.tx.stats()
            row(BATCH * 20)
            rx, tx = pair.rx.stats(), pair.tx.stats()
            moved = rx["packets"] - before[0]["packets"]
            assert moved in {BATCH * 20, BATCH * 21}, name  # the echo's last batch is taken, and sent to nobody
            assert tx["packets"] - before[1]["packets"] == moved, name
            assert (rx["drops"], rx["errors"], tx["busy"]) == (0, 0, 0), name


def test_a_count_is_all_but_the_device(tmp_path: Path) -> None:
    dump = [
        "desc: Trigger: Client Request: C app",
        "ob=/x/ideal_write.so",
        "fn=ideal_write",
        "10 100",
        "calls=3 10",
        "10 900",
    ]
    dump += [
        "ob=/x/_core.abi3.so",
        "fn=post",
        "5 7",
        "cob=/x/ideal_write.so",
        "cfn=ideal_write",
        "calls=1 1",
        "6 1000",
        "8 2",
    ]
    (tmp_path / "counts.1").write_text("\n".join(dump))
    assert driver_rows.read_count(tmp_path / "counts.1") == ("C app", 9)
