# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci``: help does nothing but help, and what is wrong is said before anything is set up."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ci.command_line import STEPS, parse

BARE = [sys.executable, "-S", "-m", "ci"]  # -S: no package that is not Python's own


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """Only what a bare python3 may need, and a `.venv` that nobody may touch."""
    copy = tmp_path_factory.mktemp("checkout")
    for folder in ("ci", "device/regs"):  # the shelf, too, needs the standard library only
        shutil.copytree(root / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "device/__init__.py", copy / "device")
    (copy / ".venv").mkdir()
    (copy / ".venv/precious").touch()
    return copy


def ci(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("IXLAB", "PYTHON"))}
    env |= {"HOME": str(checkout / "home"), "PYTHONDONTWRITEBYTECODE": "1"}
    env.pop("XDG_CACHE_HOME", None)
    return subprocess.run(
        [*BARE, *words], cwd=checkout, env=env, text=True, capture_output=True, timeout=60, check=False
    )


def test_help_of_every_step_does_nothing(checkout: Path) -> None:
    """`clean --help` once deleted the virtual environment."""
    before = sorted(checkout.rglob("*"))
    for words in ([], ["--help"], ["-h"], ["help"]):
        done = ci(checkout, *words)
        assert (done.returncode, done.stderr) == (0, "")
        assert all(f"python3 -m ci {name} " in done.stdout for name in STEPS)
    for name in STEPS:
        done = ci(checkout, name, "--help")
        assert (done.returncode, done.stderr) == (0, ""), name
        assert done.stdout.startswith(f"usage: python3 -m ci {name} "), name
    assert sorted(checkout.rglob("*")) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nonsense"], "ci: no step called 'nonsense'"),
        (["clean", "more"], "unrecognized arguments: more"),
        (["demo", "--fast"], "unrecognized arguments: --fast"),
        (["stubs", "--chek"], "unrecognized arguments: --chek"),
        (["bench", "nonsense"], "invalid choice: 'nonsense'"),
        (["vm", "--smp", "65"], "argument --smp"),
        (["vm", "--driver", "e1000"], "argument --driver: invalid choice: 'e1000'"),
        (["man"], "required: --out"),
    ],
)
def test_usage_errors_are_exit_code_2(checkout: Path, words: list[str], said: str) -> None:
    before = sorted(checkout.rglob("*"))
    done = ci(checkout, *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(checkout.rglob("*")) == before


def test_what_a_command_line_means() -> None:
    asked = parse(["test", "unit", "pair", "--", "-k", "x", "--", "y"])
    assert (asked.step, asked.tiers, asked.pytest) == ("test", ["unit", "pair"], ["-k", "x", "--", "y"])
    assert asked.words == ["test", "unit", "pair", "--", "-k", "x", "--", "y"]
    asked = parse(["vm", "--device-arg=--trace-file", "--device-arg=/tmp/t", "--run", "exit 7"])
    assert (asked.device_arg, asked.run, asked.driver) == (["--trace-file", "/tmp/t"], "exit 7", None)
    assert parse(["bench", "instructions", "--json"]).json
