# SPDX-License-Identifier: BSD-3-Clause
"""A running QEMU's monitor: ``qemu.qmp``'s own face for code that is not asynchronous, with deadlines."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from ci.say import CiError

ANSWER_TIMEOUT_S = 60.0
HANG_UP_TIMEOUT_S = 10.0
LISTEN_TIMEOUT_S = 10.0  # a socket is there a moment before QEMU listens at it
LISTEN_LOOK_S = 0.02


class Monitor:
    """Talks to QEMU's monitor socket; for one thread.

    Args:
        path: Its UNIX socket.

    Raises:
        CiError: Nobody answers there.
    """

    def __init__(self, path: Path) -> None:
        from qemu.qmp import QMPError
        from qemu.qmp.legacy import QEMUMonitorProtocol

        self._errors = (QMPError, OSError, EOFError, TimeoutError)
        self._loop = asyncio.new_event_loop()  # its own, or several monitors of a thread would share one for ever
        asyncio.set_event_loop(self._loop)
        self._protocol = QEMUMonitorProtocol(str(path), nickname="ixlab")
        asyncio.set_event_loop(None)
        self._protocol.settimeout(ANSWER_TIMEOUT_S)
        self._closed = self._late = False
        deadline_s = time.monotonic() + LISTEN_TIMEOUT_S
        while True:
            try:
                with self._within(ANSWER_TIMEOUT_S):  # the one wait that has no deadline of its own
                    self._protocol.connect()
            except self._errors as exc:
                if isinstance(exc.__cause__, ConnectionRefusedError) and time.monotonic() < deadline_s:
                    time.sleep(LISTEN_LOOK_S)
                    continue
                self.close()
                raise CiError(f"QEMU's monitor at {path} does not answer: {exc}") from exc
            return

    @contextlib.contextmanager
    def _within(self, timeout_s: float) -> Iterator[None]:
        timer = self._loop.call_later(timeout_s, self._loop.stop)
        try:
            yield
        except RuntimeError as exc:  # how a loop says that it was stopped
            self._late = True
            raise TimeoutError(f"no word within {timeout_s:g} s") from exc
        finally:
            timer.cancel()

    def call(self, command: str, **arguments: object) -> object:
        """Run one command and return its answer; ``_`` in an argument's name stands for ``-``.

        Raises:
            CiError: QEMU refused it, or is gone.
        """
        named = {key.replace("_", "-"): value for key, value in arguments.items()}
        try:
            return self._protocol.cmd(command, **named)
        except self._errors as exc:
            raise CiError(f"QMP {command} {named or ''}: {exc}") from exc

    def close(self) -> None:
        """Hang up; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(Exception), self._within(HANG_UP_TIMEOUT_S):
            if self._late and (tasks := asyncio.all_tasks(self._loop)):  # what a stopped loop was in the middle of
                for task in tasks:
                    task.cancel()
                self._loop.run_until_complete(asyncio.wait(tasks))
            self._protocol.close()
        self._loop.close()

    def __enter__(self) -> "Monitor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
