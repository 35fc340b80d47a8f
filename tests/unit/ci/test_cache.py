# SPDX-License-Identifier: BSD-3-Clause
import os
import time
from pathlib import Path

import pytest

from ci import guest
from ci.say import cache_dir


def make(made: Path) -> None:
    (made / "thing").write_text("made")


def fail(made: Path) -> None:
    raise AssertionError(f"{made} is there already")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("ci.machine.ensure", lambda _needs: None)
    return cache_dir()


def test_a_recipe_is_made_once_and_whole(cache: Path) -> None:
    first = guest._made("tree", ["bookworm", "bash"], make)
    assert (first / "thing").read_text() == "made"
    assert guest._made("tree", ["bookworm", "bash"], fail) == first
    assert list(cache.iterdir()) == [first]


def test_what_failed_half_way_is_not_there(cache: Path) -> None:
    with pytest.raises(AssertionError):
        guest._made("tree", ["bookworm"], fail)
    assert list(cache.iterdir()) == []


def test_old_recipes_go_when_nobody_uses_them() -> None:
    old, used, other = (guest._made(name, [recipe], make) for name, recipe in (("a", "1"), ("a", "2"), ("b", "1")))
    long_ago = time.time() - guest.KEEP_UNUSED_S - 60
    for path in (old, used, other):
        os.utime(path, (long_ago, long_ago))
    guest._made("a", ["2"], fail)  # a use
    new = guest._made("a", ["3"], make)
    assert [path.exists() for path in (old, used, other, new)] == [False, True, True, True]
