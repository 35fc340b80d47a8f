# SPDX-License-Identifier: BSD-3-Clause
"""Files that the NIC writes while it runs, and that may fail: the disk is full, nobody reads, somebody moved them away.

None of it stops the NIC: nothing here waits, and what a file does not take is counted.
"""

import contextlib
import glob
import logging
import os
import stat
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

SCRATCH_OLD_S = 60.0
CALM_S = 2.0  # after a loss, before it is said that all is well


class OwnFile:
    """A file that we append to, and follow when it is rotated: moved away or removed, it is made anew.

    Its description is our own, so that it can be non-blocking without anybody else noticing.  A FIFO needs no reader.

    Args:
        path: Where it is.
        replace: Whether what it held goes.

    Attributes:
        fd: Its descriptor, another one after a rotation; -1 once closed.

    Raises:
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path, *, replace: bool = False) -> None:
        self.path = path.absolute()
        self.fd = self._open(os.O_TRUNC if replace else 0)

    def _open(self, more: int = 0) -> int:
        with contextlib.suppress(OSError):
            if stat.S_ISFIFO(self.path.stat().st_mode):  # with both ends in our hands no reader's end is ours, too
                return os.open(self.path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
        return os.open(self.path, flags | more, 0o666)

    def moved(self) -> bool:
        """Whether the path names another file by now, or none."""
        ours = os.fstat(self.fd)
        if not stat.S_ISREG(ours.st_mode):
            return False
        try:
            there = self.path.stat()
        except OSError:
            return True
        return (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino)

    def follow(self) -> bool:
        """Open the path again if it was moved; True if it was.

        Raises:
            OSError: It cannot be opened; the old file stays in use.
        """
        if self.fd < 0 or not self.moved():
            return False
        new = self._open()
        os.close(self.fd)
        self.fd = new
        return True

    def close(self) -> None:
        """Close it.  May be called twice."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def replace_whole(path: Path, data: bytes) -> None:
    """Put ``data`` in the place of a file: after a crash at any moment there is the old one or the new one, whole.

    Mode and, where we may, owner stay; a symbolic link stays one.

    Raises:
        OSError: It cannot be written; the old file is still there.
    """
    path = path.resolve()
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    try:
        try:
            with contextlib.suppress(FileNotFoundError):
                old = path.stat()
                with contextlib.suppress(PermissionError):
                    os.fchown(fd, old.st_uid, old.st_gid)
                os.fchmod(fd, stat.S_IMODE(old.st_mode))
            left = memoryview(data)
            while left:
                left = left[os.write(fd, left) :]
            os.fsync(fd)
        finally:
            os.close(fd)
        scratch.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            scratch.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)  # the name, too, is on the disk now
    finally:
        os.close(folder)


def forget_scratch(path: Path) -> None:
    """Remove what ``replace_whole`` of a process that was killed left beside ``path``."""
    path = path.resolve()
    for scratch in path.parent.glob(f".{glob.escape(path.name)}.*"):
        pid = scratch.name.rpartition(".")[2]
        with contextlib.suppress(OSError):
            old = time.time() - scratch.stat().st_mtime > SCRATCH_OLD_S  # a younger one may be another machine's
            if pid.isdigit() and old and not Path(f"/proc/{pid}").exists():
                scratch.unlink()


class Losses:
    """What a file did not take, told once when that begins and once when it has been over for a while.

    Args:
        name: What people call the file.
        what: What is lost, in the plural: "lines".
        log: Tells people.

    Attributes:
        count: How many so far.
        why: Why the last one was not taken; "" while all is well.
    """

    def __init__(self, name: str, what: str, log: logging.Logger) -> None:
        self.name = name
        self.what = what
        self.count = 0
        self.why = ""
        self._log = log
        self._lock = threading.Lock()
        self._told = False
        self._told_count = 0
        self._fine_s = 0.0
        self._said: set[str] = set()

    def lose(self, count: int, why: str) -> None:
        """Count ``count`` more that were not taken; any thread may."""
        with self._lock:
            self.count += count
            self.why = why

    def mended(self) -> None:
        """Note that something was taken again; any thread may."""
        with self._lock:
            if self.why:
                self.why, self._fine_s = "", time.monotonic()

    def once(self, text: str) -> None:
        """Say something about the file, the first time only."""
        if text not in self._said:
            self._said.add(text)
            self._log.warning("%s", f"{self.name}: {text}")

    def tell(self, *, end: bool = False) -> None:
        """Say what has changed since the last call; at the ``end`` also what would still be waited for."""
        with self._lock:
            count, why, calm = self.count, self.why, time.monotonic() - self._fine_s >= CALM_S
        lost = f"{count - self._told_count} {self.what} were lost"
        if end and count > self._told_count:
            self._log.warning("%s", f"{self.name}: {why + '; ' if why else ''}{lost}")
        elif why and not self._told:
            self._log.warning("%s", f"{self.name}: {why}; {self.what} are lost from here on, all else goes on")
            self._told = True
            return
        elif not why and calm and (self._told or count > self._told_count):
            self._log.warning("%s", f"{self.name}: works again; {lost}")
        else:
            return
        self._told, self._told_count = False, count


class LineFile:
    """Whole lines, appended to a file: what it does not take is lost and counted, and a torn line is finished later.

    Args:
        file: Where they go; it is ours from now on.
        losses: Who keeps count.
        gap: Makes the line that stands in the file for a number of lost ones, if there is to be one.
    """

    def __init__(self, file: OwnFile, losses: Losses, gap: Callable[[int, str], str] | None = None) -> None:
        self.file = file
        self.losses = losses
        self._gap = gap
        self._rest = b""  # of a line that was half written
        self._missing = 0

    def write(self, lines: Sequence[str]) -> None:
        """Append lines, each given without its end; never fails and never waits."""
        self._follow()
        gap = [self._gap(self._missing, self.losses.why)] if self._gap and self._missing else []
        chunks = [line.encode(errors="backslashreplace") + b"\n" for line in (*gap, *lines)]
        if self._rest:
            chunks.insert(0, self._rest)
        if not chunks:
            return
        done, error = self._put(b"".join(chunks))
        written = 0
        while written < len(chunks) and done >= len(chunks[written]):
            done -= len(chunks[written])
            written += 1
        if not error:
            self._rest, self._missing = b"", 0
            self.losses.mended()
            return
        # What was begun is finished first when it works again; the lines behind it are lost.
        begun = done > 0 or (bool(self._rest) and written == 0)
        gap_at = len(chunks) - len(lines) - len(gap)
        if gap and written + begun > gap_at:
            self._missing = 0
        lost = min(len(lines), len(chunks) - written - begun)
        self._rest = chunks[written][done:] if begun else b""
        self._missing += lost
        self.losses.lose(lost, error)

    def _follow(self) -> None:
        try:
            if self.file.follow():
                self._rest = b""  # the other half is in the file that was moved
        except OSError as exc:
            self.losses.once(f"it was moved, and cannot be made anew ({exc.strerror}); the moved one is written on")

    def _put(self, data: bytes) -> tuple[int, str]:
        done = 0
        while done < len(data):
            try:
                done += os.write(self.file.fd, data[done:])
            except BlockingIOError:
                return done, "nobody reads it"
            except OSError as exc:
                return done, exc.strerror or str(exc)
        return done, ""

    def close(self) -> None:
        """Close the file, and say what it did not take.  May be called twice."""
        self.losses.tell(end=True)
        self.file.close()
