# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci pins``: ``requirements.txt`` anew, from what pyproject.toml wants.

Every package and what it needs in turn gets one version and the hashes of all its files (every platform's and every
CPython's), so that pip takes nothing else.  pip-tools does it, in a virtual environment of its own.
"""

import argparse
import re
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path

from ci.say import ROOT, CiError, Timed, run, say

REQUIREMENTS = ROOT / "ci" / "requirements.txt"
HEAD = """\
# Every PyPI package the house uses, pinned with the hashes of its files; pyproject.toml says which are wanted and why.
# Made by `python3 -m ci pins`; do not edit.
"""
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
ALSO = ("types-setuptools", "wheel")  # mypy reads the one; old pips build with the other
OPTIONS: tuple[str, ...] = ("--generate-hashes", "--allow-unsafe", "--strip-extras", "--no-header", "--no-annotate")
OPTIONS += ("--no-emit-index-url", "--no-emit-find-links", "--no-emit-trusted-host")


def wanted() -> list[str]:
    """Return what pyproject.toml asks for, to build, to run and to develop."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    dev = project["project"]["optional-dependencies"]["dev"]
    return [*project["build-system"]["requires"], *project["project"]["dependencies"], *dev, *ALSO]


def plain(name: str) -> str:
    """Return a package's name as every spelling of it is compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def entries(text: str) -> dict[str, str]:
    """Return each package of a requirements file, by its plain name, with its version and its hashes."""
    logical = (line.strip() for line in text.replace("\\\n", " ").splitlines())
    return {plain(line.partition("==")[0]): line for line in logical if line and not line.startswith("#")}


def faults(text: str, names: Iterable[str]) -> list[str]:
    """Return what a requirements file lacks: a wanted package, an exact version, or hashes."""
    found = entries(text)
    lacks = [f"{name} is not in it" for name in map(_name, names) if plain(name) not in found]
    for line in found.values():
        version, *hashes = line.split()
        if not re.fullmatch(r"[\w.-]+==[\w.+!]+", version):
            lacks.append(f"{version} is no exact version")
        elif not hashes or not all(HASH.fullmatch(word) for word in hashes):
            lacks.append(f"{version} has no hashes")
    return lacks


def _name(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    assert found is not None
    return found[0]


def check() -> None:
    """See that the file pins all that is wanted, without the network.

    Raises:
        CiError: It does not.
    """
    if lacks := faults(REQUIREMENTS.read_text(), wanted()):
        raise CiError("ci/requirements.txt: " + "; ".join(lacks[:10]) + ": run `python3 -m ci pins`")


def make(*, upgrade: bool) -> None:
    """Write the file anew; versions stay unless pyproject.toml forbids them or ``upgrade`` is set."""
    with tempfile.TemporaryDirectory(prefix="ixlab-pins-") as name, Timed("pinning"):
        folder = Path(name)
        run([sys.executable, "-m", "venv", folder / "venv"], quiet=True)
        python = folder / "venv" / "bin" / "python"
        run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "pip-tools"], quiet=True)
        (folder / "wanted.in").write_text("\n".join(wanted()) + "\n")
        made = folder / "requirements.txt"
        made.write_text(REQUIREMENTS.read_text())  # the versions to keep
        words: list[str | Path] = [
            python,
            "-m",
            "piptools",
            "compile",
            "-q",
            *OPTIONS,
            *(["--upgrade"] if upgrade else []),
        ]
        run([*words, "-o", made, folder / "wanted.in"], quiet=True, cwd=folder)
        lines = [line for line in made.read_text().splitlines() if not line.lstrip().startswith("#")]
        REQUIREMENTS.write_text(HEAD + "\n".join(lines) + "\n")
    check()
    say(f"ci/requirements.txt pins {len(entries(REQUIREMENTS.read_text()))} packages")


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `pins`."""
    parser.add_argument("--check", action="store_true", help="write nothing: see that all that is wanted is pinned")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions, not those of today's file")


def main(asked: argparse.Namespace) -> int:
    """Write the file, or look at it; returns the exit code."""
    if asked.check:
        check()
    else:
        make(upgrade=asked.upgrade)
    return 0
