# SPDX-License-Identifier: BSD-3-Clause
"""A running QEMU's monitor, for code that is not asynchronous: qemu.qmp with an event loop of its own in a thread."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import TypeVar

from qemu.qmp import QMPClient, QMPError

from ci.say import CiError

ANSWER_TIMEOUT_S = 60.0

T = TypeVar("T")


class Monitor:
    """Talks to QEMU's monitor socket.

    Args:
        path: Its UNIX socket.

    Raises:
        CiError: Nobody answers there.
    """

    def __init__(self, path: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="qmp", daemon=True)
        self._thread.start()
        self._client = QMPClient("ixlab")
        self._closed = False
        try:
            self._wait(self._client.connect(str(path)))
        except (QMPError, OSError, TimeoutError) as exc:
            self.close()
            raise CiError(f"QEMU's monitor at {path} does not answer: {exc}") from exc

    def _wait(self, what: Coroutine[object, object, T], timeout_s: float = ANSWER_TIMEOUT_S) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(timeout_s)

    def call(self, command: str, **arguments: object) -> object:
        """Run one command and return its answer; ``_`` in an argument's name stands for ``-``.

        Raises:
            CiError: QEMU refused it, or is gone.
        """
        named = {key.replace("_", "-"): value for key, value in arguments.items()}
        try:
            return self._wait(self._client.execute(command, named))
        except (QMPError, OSError, EOFError, TimeoutError) as exc:
            raise CiError(f"QMP {command} {named or ''}: {exc}") from exc

    def close(self) -> None:
        """Hang up; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(Exception):
            self._wait(self._client.disconnect(), 10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        if not self._thread.is_alive():
            self._loop.close()

    def __enter__(self) -> "Monitor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
