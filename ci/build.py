# SPDX-License-Identifier: BSD-3-Clause
"""From a bare checkout to one that runs: the virtual environment, libvfio-user, and the C extensions."""

import fcntl
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ci import machine
from ci.say import ROOT, CiError, Timed, cache_dir, run, say

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
REQUIREMENTS = ROOT / "ci" / "requirements.txt"
STAMP = VENV / "ixlab.json"
LOCK_TIMEOUT_S = 1800.0
LOCK_LOOK_S = 0.2


def _digest(paths: list[Path], *more: str) -> str:
    """Hash files by name and content, so that a stamp tells whether anything it stands for has changed."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    for text in more:
        total.update(text.encode() + b"\0")
    return total.hexdigest()


def _stamps() -> dict[str, str]:
    try:
        loaded = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in loaded.items()} if isinstance(loaded, dict) else {}


def _stamp(key: str, value: str) -> None:
    stamps = _stamps()
    stamps[key] = value
    STAMP.write_text(json.dumps(stamps, indent=1), encoding="utf-8")


def venv() -> None:
    """Make ``.venv`` with the pinned packages, or leave it if it is what it should be."""
    want = _digest([REQUIREMENTS], sys.base_prefix, sys.version)
    if PYTHON.exists() and _stamps().get("venv") == want:
        return
    if VENV.exists():
        shutil.rmtree(VENV)
    with Timed(f"making .venv from {REQUIREMENTS.relative_to(ROOT)}"):
        run([getattr(sys, "_base_executable", sys.executable) or sys.executable, "-m", "venv", VENV], quiet=True)
        run(
            [
                *(PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--retries", "5"),
                *("--require-hashes", "-r", REQUIREMENTS),
            ],
            quiet=True,
        )
    _stamp("venv", want)


def extension_sources() -> list[Path]:
    """Return every file the compiled modules are made from."""
    found = [ROOT / "setup.py", *(ROOT / "device/csrc").glob("*.py"), *(ROOT / "driver/csrc").glob("*.py")]
    for folder in ("device", "driver"):
        found += [path for path in (ROOT / folder).rglob("*.[ch]") if not path.name.startswith("_")]
    return found


def extensions(flags: str = "", link_flags: str = "") -> None:
    """Compile ``driver._core``, ``device._core`` and ``device._vfu`` in place, if anything they are made from changed.

    Args:
        flags: More compiler flags, e.g. for sanitizers.
        link_flags: More linker flags.
    """
    from ci import vfu  # needs nothing, but finds nothing to do before the machine is ready

    try:
        sources: Path | None = vfu.ensure(cache_dir())
    except vfu.NoSource as exc:
        sources = None
        say(f"{exc}\nWithout it there is no device on a socket. What works: the driver, `test unit pair`, `lint`.")
    want = _digest(extension_sources(), str(sources or ""), sys.version, flags, link_flags)
    patterns = ("driver/_core*.so", "device/_core*.so", "device/_vfu*.so")
    built = [next(iter(sorted(ROOT.glob(pattern))), None) for pattern in patterns]
    needed = built if sources else built[:2]
    if all(needed) and _stamps().get("extensions") == want:
        return
    for old in built:
        if old:
            old.unlink()
    env = {
        "IXLAB_VFU": str(sources or ""),
        "IXLAB_CFLAGS": flags,
        "IXLAB_LDFLAGS": link_flags,
        "SETUPTOOLS_USE_DISTUTILS": "local",
    }
    with Timed("compiling the extensions"):
        run([PYTHON, "setup.py", "-q", "build_ext", "--inplace", "--force"], env=env, quiet=True)
    _stamp("extensions", want)


def findable() -> None:
    """Let ``.venv/bin/python`` find the checkout's packages from any folder."""
    for folder in VENV.glob("lib/python3*/site-packages"):
        path = folder / "ixlab.pth"
        if not path.exists() or path.read_text(encoding="utf-8") != f"{ROOT}\n":
            path.write_text(f"{ROOT}\n", encoding="utf-8")


@contextmanager
def alone(path: Path = ROOT / ".ci" / "lock", *, timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[None]:
    """Hold the checkout's set-up for the block: two first runs at once would build over each other.

    Raises:
        CiError: Somebody else has held it for too long, or the checkout cannot be written.
    """
    try:
        stream = path.open("a+", encoding="utf-8")
    except OSError as exc:
        raise CiError(f"{path}: {exc.strerror}: set-up writes into the checkout", 3) from exc
    with stream:
        deadline_s = time.monotonic() + timeout_s
        told = False
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                stream.seek(0)
                holder = stream.read().strip() or "unknown"
                if time.monotonic() > deadline_s:
                    raise CiError(
                        f"another set-up has been running in {ROOT} for {timeout_s:.0f} s (pid {holder})", 3
                    ) from None
                if not told:
                    say(f"another set-up is running in this checkout (pid {holder}): waiting for it")
                    told = True
                time.sleep(LOCK_LOOK_S)
        stream.truncate(0)
        stream.write(f"{os.getpid()}\n")
        stream.flush()
        yield


def setup() -> None:
    """Do all of it; a second call finds nothing to do."""
    with alone():
        machine.ensure((*machine.python_needs(), *machine.BUILD))
        venv()
        findable()
        extensions()


def enter(arguments: list[str]) -> None:
    """Go on inside ``.venv`` as ``python -m ci ARGUMENTS``; does not return."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.environ["IXLAB_READY"] = "1"
    os.environ.pop("PYTHONPATH", None)
    os.chdir(ROOT)
    os.execv(PYTHON, [str(PYTHON), "-m", "ci", *arguments])


def inside() -> bool:
    """Whether this process already runs in ``.venv``, set up."""
    return os.environ.get("IXLAB_READY") == "1" and Path(sys.prefix).resolve() == VENV.resolve()


def clean() -> None:
    """Remove what set-up and tests made inside the checkout; the cache outside it stays."""
    patterns = (
        "**/__pycache__",
        "*.egg-info",
        "build",
        "dist",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        ".hypothesis",
    )
    for pattern in patterns:
        for path in ROOT.glob(pattern):
            shutil.rmtree(path, ignore_errors=True)
    for pattern in ("d*/_*.so", "d*/_*.c", "d*/_*.o", ".coverage*"):
        for path in ROOT.glob(pattern):
            path.unlink(missing_ok=True)
    shutil.rmtree(VENV, ignore_errors=True)
    say(f"clean; {cache_dir()} keeps what is slow to make")
