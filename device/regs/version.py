# SPDX-License-Identifier: BSD-3-Clause
"""Which version this is, of the device and of the driver: they are one project."""

import importlib.metadata
import shutil
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GIT_TIMEOUT_S = 5.0


def version() -> str:
    """Return the version: an installed copy's own, else pyproject.toml's, with git's name for what is checked out."""
    if not (ROOT / "pyproject.toml").is_file():
        return importlib.metadata.version("ixlab")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return f"{project['version']}{_described()}"


def _described() -> str:
    """Return ``+gCOMMIT``, with ``.dirty`` where files differ from it; nothing where git cannot say."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        return ""
    words = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=.dirty", "--exclude=*"]
    try:
        done = subprocess.run(words, text=True, capture_output=True, check=False, timeout=GIT_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return ""
    return f"+g{done.stdout.strip()}" if done.returncode == 0 else ""
