# SPDX-License-Identifier: BSD-3-Clause
"""The virtual environment of set-up finds the checkout from anywhere."""

import subprocess
import sys
from pathlib import Path

import pytest

from ci import build


def test_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True, timeout=60)
    monkeypatch.setattr(build, "VENV", venv)
    build.findable()
    build.findable()
    done = subprocess.run(
        [venv / "bin/python", "-c", "import device.regs.i82599 as regs; print(regs.STATUS.NAME)"],
        cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout == "STATUS\n", done.stderr
