# SPDX-License-Identifier: BSD-3-Clause
"""Exclusive claim of a function: at most one driver per door name, and the loser is told who holds it.

The claim is an flock on a small file that says who we are.  The kernel drops the lock with the process, so a crash
leaves no claim, only a file that the next claimant takes over.  Beside it is the place for the driver's status socket.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import stat
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from driver.doors.address import address_of
from driver.errors import Busy, DoorError

RUN_DIR_VARIABLE = "IXLAB_RUN_DIR"
TAKE_TRIES = 16
RETRY_S = 0.005  # somebody who only asks for the holder has the lock for a moment
VFIO_USER = "vfio-user:"


def run_dir() -> Path:
    """Return the directory for claims, made if need be: the first of a few places that is ours and writable.

    Raises:
        DoorError: None of them is.
    """
    tried = []
    for path in _candidates():
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            info = path.lstat()
        except OSError as error:
            tried.append(str(error))
            continue
        if stat.S_ISDIR(info.st_mode) and info.st_uid == os.geteuid() and os.access(path, os.W_OK):
            return path
        tried.append(f"{path} is not a directory of ours")
    raise DoorError(
        errno.EACCES, f"no place for claim files: {'; '.join(tried)}; set {RUN_DIR_VARIABLE} to a private directory"
    )


def _candidates() -> list[Path]:
    named = os.environ.get(RUN_DIR_VARIABLE)
    if named:
        return [Path(named)]
    places = [Path("/run/ixlab")] if os.geteuid() == 0 else []
    user_dir = os.environ.get("XDG_RUNTIME_DIR")
    if user_dir:
        places.append(Path(user_dir) / "ixlab")
    return [*places, Path(f"/tmp/ixlab-{os.geteuid()}")]


def _stem(name: str) -> str:
    # Two spellings of one socket, or of one address, are one claim.
    if name.startswith(VFIO_USER):
        name = VFIO_USER + str(Path(name.removeprefix(VFIO_USER)).resolve())
    name = address_of(name) or name
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def status_path(name: str, directory: Path | None = None) -> Path:
    """Return where the driver of ``name`` serves its status; short enough for a socket address."""
    return (directory or run_dir()) / f"{_stem(name)}.sock"


def _read_holder(fd: int) -> str:
    try:
        who = json.loads(os.pread(fd, 4096, 0))
        return f"pid {int(who['pid'])} ({who['command']}), since {who['since']}"
    except (ValueError, KeyError, TypeError):
        return "a process that has not said who it is"


def holder(name: str, directory: Path | None = None) -> str:
    """Return who holds ``name``, as text for people; empty if nobody does."""
    path = (directory or run_dir()) / f"{_stem(name)}.claim"
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return ""
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read_holder(fd)
    else:
        return ""
    finally:
        os.close(fd)


class Claim:
    """The claim itself, held from construction to :meth:`release`.

    Args:
        name: Door name, ``vfio-user:PATH`` or a PCI address.
        directory: Where claims live; :func:`run_dir` if not given.

    Raises:
        Busy: Another driver, possibly in this process, holds it.
        DoorError: There is no place for claim files.
    """

    def __init__(self, name: str, directory: Path | None = None) -> None:
        self.name = name
        directory = directory or run_dir()
        self.path = directory / f"{_stem(name)}.claim"
        self.status_path = status_path(name, directory)
        self._fd = self._take()
        who = {
            "pid": os.getpid(),
            "command": " ".join(sys.orig_argv) or "python",
            "since": time.strftime("%Y-%m-%d %H:%M:%S"),
            "name": name,
        }
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, json.dumps(who).encode(), 0)

    # Lock the file that the path names *now*: the one we opened may have been removed by its holder meanwhile.
    def _take(self) -> int:
        who = ""
        for _ in range(TAKE_TRIES):
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self.path.stat().st_ino == os.fstat(fd).st_ino:
                    return fd
            except BlockingIOError:
                who = _read_holder(fd)
                time.sleep(RETRY_S)
            except FileNotFoundError:
                pass
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)
        raise Busy(f"{self.name} is in use by {who or 'drivers that come and go'}; end that first", who)

    def release(self) -> None:
        """Let go of the function and remove what is on disk; safe to call twice."""
        if self._fd < 0:
            return
        for path in (self.status_path, self.path):  # what cannot be removed is free all the same, once the lock is gone
            with contextlib.suppress(OSError):
                path.unlink()
        os.close(self._fd)
        self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.release()
