# SPDX-License-Identifier: BSD-3-Clause
"""What a running driver tells others: JSON over a UNIX socket beside its claim, one request and one answer a line.

A NIC has one driver at a time.  While ``up`` holds it, ``stats``, ``regs``, ``link``, ``module`` and ``eeprom`` ask
that process instead of the card; the requests are answered from its service loop, so nothing runs beside it. What
takes long is done in slices, one a turn of that loop.
"""

import json
import logging
import os
import select
import selectors
import socket
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from pathlib import Path
from typing import Any

from driver.errors import DriverError
from driver.slices import Slices

log = logging.getLogger(__name__)

REQUEST_MAX_BYTES = 4096
REPLY_CHUNK_BYTES = 1 << 20
TIMEOUT_S = 30.0
CLIENT_TIMEOUT_S = 2.0  # to say what it wants, and to fetch the answer
CLIENTS_MAX = 8
ACCEPT_PAUSE_S = 0.1

Handler = Callable[..., Any]  # called with the words after the request's name; gives the answer, or it in slices
Answer = dict[str, Any]


class _Client:
    """One that asks: one request, one answer, and a deadline for both."""

    def __init__(self, sock: socket.socket, deadline_s: float) -> None:
        self.sock = sock
        self.deadline_s = deadline_s
        self.request = b""
        self.answer = b""
        self.work: Slices[Answer] | None = None  # while the answer is being made


class StatusServer:
    """Answers requests by name, and never waits for who asks.

    Args:
        path: Where to listen; an old socket there belonged to a driver that died.
        handlers: What to call for which request.

    Raises:
        DriverError: The socket cannot be made there.
    """

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        self.path = path
        self._handlers = handlers
        self._clients: dict[int, _Client] = {}
        self._resting_until_s: float | None = None  # the listener is not looked at
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        self._selector = selectors.EpollSelector()
        try:
            path.unlink(missing_ok=True)
            before = os.umask(0o177)
            try:
                self._socket.bind(os.fspath(path))
            finally:
                os.umask(before)
            self._socket.listen(CLIENTS_MAX)
        except OSError as exc:
            self._socket.close()
            self._selector.close()
            raise DriverError(
                f"status socket {path}: {exc.strerror or exc}; set IXLAB_RUN_DIR to a short path"
            ) from exc
        self._selector.register(self._socket, selectors.EVENT_READ)

    def fileno(self) -> int:
        """File descriptor that is readable when ``poll`` has something to do."""
        return self._selector.fileno()

    def poll(self) -> None:
        """Do what can be done for those who ask, without waiting; who takes too long is sent away.

        At most one request is answered, or one slice of an answer made, so that neither a crowd nor a long answer keeps
        the driver from its work.
        """
        now_s = time.monotonic()
        if self._resting_until_s is not None and now_s >= self._resting_until_s:
            self._resting_until_s = None
            self._selector.register(self._socket, selectors.EVENT_READ)
        for client in [one for one in self._clients.values() if now_s > one.deadline_s and one.work is None]:
            self._send_away(client)
        answered = self._work()
        for key, _ in self._selector.select(0):
            client = key.data
            if client is None:
                self._accept(now_s)
            elif client.answer:
                self._send(client)
            elif client.work is not None:
                self._see_gone(client)
            elif not answered:
                answered = self._read(client)

    def _accept(self, now_s: float) -> None:
        try:
            sock, _ = self._socket.accept()
        except (BlockingIOError, ConnectionError):
            return
        except OSError as exc:  # no descriptor for it: it stays in the queue, and would wake us for ever
            log.warning("status socket %s: nobody can be accepted now: %s", self.path, exc.strerror)
            self._rest(now_s)
            return
        sock.setblocking(False)
        client = _Client(sock, now_s + CLIENT_TIMEOUT_S)
        self._clients[sock.fileno()] = client
        self._selector.register(sock, selectors.EVENT_READ, client)
        if len(self._clients) >= CLIENTS_MAX:
            self._rest(now_s)

    def _rest(self, now_s: float) -> None:
        self._selector.unregister(self._socket)
        self._resting_until_s = now_s + ACCEPT_PAUSE_S

    @property
    def working(self) -> bool:
        """Whether ``poll`` has something to do at once: a slice of an answer."""
        return any(client.work is not None for client in self._clients.values())

    def _work(self) -> bool:
        """One slice for who asked first; False if there is none."""
        for client in self._clients.values():
            if client.work is not None:
                self._work_for(client, client.work)
                return True
        return False

    def _work_for(self, client: _Client, work: Slices[Answer]) -> None:
        try:
            next(work)
        except StopIteration as end:
            client.work = None
            client.deadline_s = time.monotonic() + CLIENT_TIMEOUT_S
            client.answer = json.dumps(end.value).encode() + b"\n"
            self._selector.modify(client.sock, selectors.EVENT_WRITE, client)
            self._send(client)

    def _see_gone(self, client: _Client) -> None:
        """One who hangs up wants no answer any more; what else it says has no place."""
        try:
            more = client.sock.recv(REQUEST_MAX_BYTES)
        except BlockingIOError:
            return
        except OSError:
            more = b""
        if not more:
            self._send_away(client)

    def _send_away(self, client: _Client) -> None:
        if client.work is not None:
            client.work.close()
            client.work = None
        del self._clients[client.sock.fileno()]
        self._selector.unregister(client.sock)
        client.sock.close()

    def _read(self, client: _Client) -> bool:
        """Take what it says; True if that was a request, which is answered then."""
        try:
            more = client.sock.recv(REQUEST_MAX_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            self._send_away(client)
            return False
        client.request += more
        if more and b"\n" not in more and len(client.request) <= REQUEST_MAX_BYTES:
            return False
        if not client.request:  # it only looked whether somebody listens
            self._send_away(client)
            return False
        client.work = self._answer(client.request)
        self._work_for(client, client.work)
        return True

    def _send(self, client: _Client) -> None:
        try:
            client.answer = client.answer[client.sock.send(client.answer, socket.MSG_NOSIGNAL) :]
        except BlockingIOError:
            return
        except OSError:  # it went away: its loss
            client.answer = b""
        if not client.answer:
            self._send_away(client)

    def _answer(self, request: bytes) -> Slices[Answer]:
        if not request.endswith(b"\n") or len(request) > REQUEST_MAX_BYTES:
            return {"error": "a request is one line with a name"}
        name, *arguments = request.decode(errors="replace").split() or [""]
        handler = self._handlers.get(name)
        if handler is None:
            return {"error": f"unknown request {name!r}; there are: {', '.join(sorted(self._handlers))}"}
        try:
            found = handler(*arguments)
            return {"ok": (yield from found) if isinstance(found, Generator) else found}
        except (DriverError, OSError, TypeError, ValueError) as exc:
            return {"error": f"{name}: {exc}"}
        except Exception as exc:
            log.exception("answering %s failed", name)
            return {"error": f"{name}: {exc!r}"}

    def close(self) -> None:
        """Stop listening and remove the socket.  May be called twice."""
        if self._socket.fileno() == -1:
            return
        for client in list(self._clients.values()):
            self._send_away(client)
        self._selector.close()
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
        deadline_s = time.monotonic() + timeout_s
        client.settimeout(timeout_s)
        client.connect(os.fspath(path))
        text = b""
        try:
            client.sendall(name.encode() + b"\n")
            while not text.endswith(b"\n") and (more := client.recv(REPLY_CHUNK_BYTES)):
                text += more
                client.settimeout(max(0.001, deadline_s - time.monotonic()))
        except TimeoutError as exc:
            raise DriverError(f"the running driver did not answer `{name}` within {timeout_s:g} s ({path})") from exc
        except ConnectionError as exc:
            raise DriverError(f"the running driver ended before it answered `{name}` ({path})") from exc
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError) as exc:
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
