# SPDX-License-Identifier: BSD-3-Clause
"""What a running driver tells others: JSON over a UNIX socket beside its claim, one request and one answer a line.

A NIC has one driver at a time.  While ``up`` holds it, ``stats``, ``regs``, ``link``, ``module`` and ``eeprom`` ask
that process instead of the card; the requests are answered from its service loop, so nothing runs beside it.
"""

import contextlib
import json
import logging
import os
import select
import socket
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from driver.errors import DriverError

log = logging.getLogger(__name__)

REQUEST_MAX_BYTES = 4096
REPLY_CHUNK_BYTES = 1 << 20
TIMEOUT_S = 30.0
CLIENT_TIMEOUT_S = 2.0

Handler = Callable[..., Any]  # called with the words after the request's name


class StatusServer:
    """Answers requests by name.

    Args:
        path: Where to listen; an old socket there belonged to a driver that died.
        handlers: What to call for which request.

    Raises:
        DriverError: The socket cannot be made there.
    """

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        self.path = path
        self._handlers = handlers
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            path.unlink(missing_ok=True)
            self._socket.bind(os.fspath(path))
            self._socket.listen(4)
        except OSError as exc:
            self._socket.close()
            raise DriverError(
                f"status socket {path}: {exc.strerror or exc}; set IXLAB_RUN_DIR to a short path"
            ) from exc

    def fileno(self) -> int:
        """File descriptor that is readable when somebody asks."""
        return self._socket.fileno()

    def serve_one(self) -> None:
        """Answer one client, if one waits; it has two seconds to say what it wants."""
        try:
            client, _ = self._socket.accept()
        except BlockingIOError:
            return
        with client:
            client.settimeout(CLIENT_TIMEOUT_S)
            with contextlib.suppress(OSError):  # it went away: its loss
                client.sendall(json.dumps(self._answer(client)).encode() + b"\n")

    def _answer(self, client: socket.socket) -> dict[str, Any]:
        text = b""
        while not text.endswith(b"\n"):
            more = client.recv(REQUEST_MAX_BYTES)
            text += more
            if not more or len(text) > REQUEST_MAX_BYTES:
                return {"error": "a request is one line with a name"}
        name, *arguments = text.decode(errors="replace").split() or [""]
        handler = self._handlers.get(name)
        if handler is None:
            return {"error": f"unknown request {name!r}; there are: {', '.join(sorted(self._handlers))}"}
        try:
            return {"ok": handler(*arguments)}
        except (DriverError, OSError, TypeError, ValueError) as exc:
            return {"error": f"{name}: {exc}"}

    def close(self) -> None:
        """Stop listening and remove the socket."""
        self._socket.close()
        self.path.unlink(missing_ok=True)


def ask(path: Path, name: str, *, timeout_s: float = TIMEOUT_S) -> Any:
    """Ask a running driver.

    Args:
        path: Its status socket.
        name: The request, and words that belong to it.
        timeout_s: Seconds the answer may take.

    Returns:
        Its answer.

    Raises:
        FileNotFoundError: No driver serves there (nor a dead one's socket).
        ConnectionRefusedError: A dead driver's socket is all there is.
        DriverError: It answered with an error, or not at all in time.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as client:
        client.settimeout(timeout_s)
        client.connect(os.fspath(path))
        client.sendall(name.encode() + b"\n")
        text = b""
        try:
            while not text.endswith(b"\n") and (more := client.recv(REPLY_CHUNK_BYTES)):
                text += more
        except TimeoutError as exc:
            raise DriverError(f"the running driver did not answer `{name}` within {timeout_s:g} s ({path})") from exc
        except ConnectionError as exc:
            raise DriverError(f"the running driver ended before it answered `{name}` ({path})") from exc
    try:
        answer = json.loads(text)
    except ValueError as exc:
        raise DriverError(f"the running driver answered `{name}` with {text[:80]!r}") from exc
    if not isinstance(answer, dict) or "ok" not in answer:
        error = answer.get("error", answer) if isinstance(answer, dict) else answer
        raise DriverError(f"the running driver says: {error}")
    return answer["ok"]


def wait_readable(fds: Iterable[int], timeout_s: float) -> set[int]:
    """Wait until one of ``fds`` is readable, broken or ended, at most ``timeout_s`` seconds; return those that are."""
    poll = select.poll()
    for fd in fds:
        poll.register(fd, select.POLLIN)
    return {fd for fd, _ in poll.poll(timeout_s * 1000)}
