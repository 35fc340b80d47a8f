# SPDX-License-Identifier: BSD-3-Clause
"""Streams that never make the NIC wait: stderr, stdout and the log file, each written by a thread of its own.

What people read may be a pipe that nobody empties, a terminal that was stopped, or gone.  A thread waits for it instead
of the loop; what no longer fits between the two is counted and left out.  The threads touch nothing of the device.
"""

import io
import logging
import os
import select
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TextIO

from device.machine.files import LineFile, Losses

KEPT_MAX_BYTES = 256 << 10  # what may wait for a slow reader
DRAIN_S = 1.0  # how long the end waits for one
RETRY_S = 0.2


class Outlet(io.RawIOBase):
    """A raw stream that takes everything at once.

    Args:
        put: Writes bytes, in the outlet's thread; may wait, and returns whether it took them.
        losses: Counts the lines that were left out.
        fd: The descriptor behind it, for those who ask, or -1.
    """

    def __init__(self, put: Callable[[bytes], bool], losses: Losses, fd: int = -1) -> None:
        super().__init__()
        self.losses = losses
        self._put = put
        self._fd = fd
        self._kept: deque[bytes] = deque()
        self._kept_bytes = 0
        self._busy = False
        self._ending = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"outlet {losses.name}", daemon=True)
        self._thread.start()

    def writable(self) -> bool:
        """It is."""
        return True

    def fileno(self) -> int:
        """The descriptor behind it; raises ``OSError`` if there is none."""
        if self._fd < 0:
            raise io.UnsupportedOperation("no descriptor")
        return self._fd

    def isatty(self) -> bool:
        """Whether people read it at a terminal."""
        return self._fd >= 0 and os.isatty(self._fd)

    def write(self, data: object) -> int:
        """Take bytes; never waits."""
        taken = bytes(memoryview(data))  # type: ignore[arg-type]  # whatever has a buffer, as typeshed's own has no name
        with self._changed:
            if self._ending or self._kept_bytes + len(taken) > KEPT_MAX_BYTES:
                self.losses.lose(max(1, taken.count(b"\n")), "nobody reads it")
            elif taken:
                self._kept.append(taken)
                self._kept_bytes += len(taken)
                self._changed.notify_all()
        return len(taken)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._kept:
                    self._busy = False
                    self._changed.notify_all()
                    if self._ending:
                        return
                    self._changed.wait()
                data = b"".join(self._kept)
                self._kept.clear()
                self._kept_bytes, self._busy = 0, True
            if self._put(data):
                with self._changed:
                    if not self._kept_bytes:
                        self.losses.mended()

    def drain(self, timeout_s: float = DRAIN_S) -> None:
        """Wait until all is written, or ``timeout_s`` is over."""
        end_s = time.monotonic() + timeout_s
        with self._changed:
            while (self._kept or self._busy) and (left_s := end_s - time.monotonic()) > 0:
                self._changed.wait(left_s)

    def end(self) -> None:
        """Wait for the rest as ``drain`` does, and take no more.  A thread that is stuck in a pipe dies with us."""
        self.drain()
        with self._changed:
            self._ending = True
            self._changed.notify_all()
            stuck = bool(self._kept or self._busy)
        if not stuck:
            self._thread.join(DRAIN_S)


def text(outlet: Outlet) -> TextIO:
    """A text stream over ``outlet``: whatever is printed is in there at once, in any locale."""
    return io.TextIOWrapper(outlet, encoding="utf-8", errors="backslashreplace", write_through=True)  # type: ignore[type-var]  # a raw stream that takes everything is as good as a buffered one


def to_descriptor(fd: int, losses: Losses) -> Callable[[bytes], bool]:
    """How an outlet writes to a descriptor that others may share: by waiting, whatever its flags are."""

    def put(data: bytes) -> bool:
        done = 0
        while done < len(data):
            try:
                done += os.write(fd, data[done:])
            except BlockingIOError:  # another program made the terminal non-blocking
                select.select([], [fd], [], RETRY_S)
            except OSError as exc:
                losses.lose(data[done:].count(b"\n"), exc.strerror or str(exc))
                return False
        return True

    return put


def to_file(file: LineFile) -> Callable[[bytes], bool]:
    """How an outlet writes to a file of our own."""

    def put(data: bytes) -> bool:
        file.write(data.decode(errors="replace").removesuffix("\n").split("\n"))
        return not file.losses.why

    return put


class Patient:
    """stdout and stderr through outlets, while the ``with`` block runs; streams without a descriptor stay as they are.

    Args:
        log: Told of what a stream did not take.

    Attributes:
        outlets: By the name of the stream.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._before: dict[str, TextIO] = {}
        self.outlets: dict[str, Outlet] = {}

    def __enter__(self) -> "Patient":
        for name in ("stdout", "stderr"):
            stream: TextIO | None = getattr(sys, name)
            try:
                fd = stream.fileno() if stream is not None else -1
            except (OSError, ValueError):
                fd = -1
            if stream is None or fd < 0:
                continue
            stream.flush()
            losses = Losses(name, "lines", self._log)
            self.outlets[name] = Outlet(to_descriptor(fd, losses), losses, fd)
            self._before[name] = stream
            setattr(sys, name, text(self.outlets[name]))
        return self

    def tell(self) -> None:
        """Say what has been lost, or works again."""
        for outlet in self.outlets.values():
            outlet.losses.tell()

    def __exit__(self, *_: object) -> None:
        for name, stream in self._before.items():
            self.outlets[name].end()
            setattr(sys, name, stream)
