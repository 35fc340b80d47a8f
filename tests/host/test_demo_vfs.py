# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci demo vfs``: one card, three drivers, as a person sees it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.root, pytest.mark.timeout(300)]


def test_it_plays_to_its_end(root: Path) -> None:
    command = [sys.executable, "-m", "ci", "demo", "vfs"]
    env = os.environ | {"IXLAB_READY": "1"}
    done = subprocess.run(command, cwd=root, env=env, text=True, capture_output=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("stays inside") == 4
    assert done.stdout.count("leaves the card") == 2
    assert len(re.findall(r"100 sent, 0 lost", done.stdout)) == 6
    rows = re.findall(r"(VF 0|VF 1|wire) +([\d,]+) frames in +([\d,]+) frames out", done.stdout)
    assert [name for name, _, _ in rows] == ["VF 0", "VF 1", "wire"]
    assert all(int(count.replace(",", "")) > 10_000 for row in rows for count in row[1:])
    assert "Nothing is left behind" in done.stdout
