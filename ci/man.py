# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci man``: manual pages of the two programs, by click-man from their own ``--help``."""

import importlib.metadata
import re
from pathlib import Path

from ci.say import ROOT, say

DATE = "2026"  # no day: two runs give the same pages


def version() -> str:
    """Return the version this checkout would be installed as."""
    found = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else importlib.metadata.version("ixlab")


def write(folder: Path) -> None:
    """Write ``ixlab-device.1``, ``ixlab-driver.1`` and one page for each command of the latter."""
    from click_man.core import write_man_pages

    from device.__main__ import cli as device
    from driver.__main__ import cli as driver

    folder.mkdir(parents=True, exist_ok=True)
    for name, command in (("ixlab-device", device), ("ixlab-driver", driver)):
        write_man_pages(name, command, version=version(), target_dir=str(folder), date=DATE)
    say(f"{folder}: {', '.join(sorted(path.name for path in folder.glob('ixlab-*.1')))}")
