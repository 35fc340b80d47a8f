# SPDX-License-Identifier: BSD-3-Clause
"""Locales that lack characters of ours: every program says what it has to, with `?` where it must."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LATIN = {"LC_ALL": "C", "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize("env", [LATIN, ASCII], ids=["latin-1", "ascii"])
@pytest.mark.parametrize(
    "words",
    [
        "ci",
        "ci test --help",
        "device --help",
        "driver up --help",
        "device.regs list",
        "device.regs show RDT",
        "device.trace -h",
    ],
)
def test_nothing_ends_in_a_traceback(root: Path, words: str, env: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *words.split()],
        cwd=root,
        env=os.environ | env,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout
