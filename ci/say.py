# SPDX-License-Identifier: BSD-3-Clause
"""How the house's tool talks, runs other programs, and gives up."""

import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class CiError(Exception):
    """A step failed in a way that is already explained.

    Attributes:
        code: Exit code of the whole command: 1 our error, 2 usage, 3 something missing on this machine.
    """

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def cache_dir() -> Path:
    """Return the folder for what is slow to make, outside the checkout: ``$XDG_CACHE_HOME/ixlab``.

    It may be one that is filled and read-only; whoever has to make something there asks ``writable`` first.

    Raises:
        CiError: It is not there and cannot be made.
    """
    base = os.environ.get("XDG_CACHE_HOME")
    path = (Path(base) if base else Path.home() / ".cache") / "ixlab"
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise CiError(_no_cache(path, exc.strerror), 3) from exc
    return path


def writable(path: Path, what: str) -> None:
    """See that something can be made in a folder of the cache.

    Args:
        path: The folder.
        what: What is to be made, for the message.

    Raises:
        CiError: It is read-only.
    """
    try:
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as exc:
        raise CiError(f"{what} is not in the cache, and cannot be made: {_no_cache(path, exc.strerror)}", 3) from exc


def _no_cache(path: Path, why: str | None) -> str:
    return f"the cache {path} cannot be written ({why}); set XDG_CACHE_HOME to a folder that can"


def say(text: str) -> None:
    """Print one line of progress on stderr, where it cannot mix with a step's own output."""
    print(f"ci: {text}", file=sys.stderr, flush=True)


class Timed:
    """Says what begins, and how long it took when it ends."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.start = 0.0

    def __enter__(self) -> "Timed":
        say(f"{self.what} …")
        self.start = time.monotonic()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        word = "failed" if kind else "done"
        say(f"{self.what}: {word} in {time.monotonic() - self.start:.1f} s")


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    timeout_s: float = 3600,
    quiet: bool = False,
    check: bool = True,
    cwd: Path = ROOT,
) -> subprocess.CompletedProcess[str]:
    """Run a program from the checkout's root.

    Args:
        command: Program and arguments.
        env: Variables added to this process's own.
        timeout_s: Seconds before it is killed.
        quiet: Keep its output back, and show it only if it fails.
        check: Raise if it exits non-zero.
        cwd: Folder to run it in.

    Raises:
        CiError: It failed, was not found, or took too long; the message holds the command and the end of its output.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            env={**os.environ, **(env or {})},
            timeout=timeout_s,
            check=False,
            cwd=cwd,
            text=True,
            stdout=subprocess.PIPE if quiet else None,
            stderr=subprocess.STDOUT if quiet else None,
        )
    except FileNotFoundError as exc:
        raise CiError(f"`{words[0]}` is not on this machine", 3) from exc
    except subprocess.TimeoutExpired as exc:
        raise CiError(f"`{shlex.join(words)}` did not end within {timeout_s:.0f} s") from exc
    if check and done.returncode != 0:
        tail = "\n".join((done.stdout or "").splitlines()[-40:])
        raise CiError(f"`{shlex.join(words)}` exited with {done.returncode}" + (f"\n{tail}" if tail else ""))
    return done
