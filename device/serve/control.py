# SPDX-License-Identifier: BSD-3-Clause
"""The control side of a running device: one JSON object a line on a UNIX socket, one JSON object in answer.

``{"sfp": "lr"}`` plugs a module, ``{"sfp": "none"}`` pulls it, ``{"carrier": false}`` pulls the cable,
``{"fault": "slow=EERD:8"}`` is a card that answers late, ``{"report": true}`` asks what happened;
``device.serve.server`` says what else there is.  Polled by the device's own thread, so a command never runs beside a
register access.
"""

import contextlib
import json
import logging
import selectors
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from device.errors import DeviceError
from device.serve.vfu import check_path

log = logging.getLogger(__name__)

LINE_MAX_BYTES = 65536
UNREAD_MAX_BYTES = 8 << 20  # of answers that a client does not fetch
CLIENTS_MAX = 16

Handler = Callable[[object], object]


class Control:
    """Listens at ``path`` and hands each member of a command to the handler of that name.

    Args:
        path: Where the socket appears.
        handlers: By name: takes the member's value, returns what the answer shows under that name.

    Raises:
        OSError: The path is too long, in use, or cannot be made.
    """

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        check_path(path)
        self.path = path
        self._handlers = handlers
        self._buffers: dict[socket.socket, bytes] = {}
        self._unsent: dict[socket.socket, bytes] = {}
        self._selector = selectors.EpollSelector()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listener.setblocking(False)
            self._listener.bind(str(path))
            self._ino = path.lstat().st_ino
            self._listener.listen()
        except OSError:
            self._listener.close()
            self._selector.close()
            raise
        self._selector.register(self._listener, selectors.EVENT_READ)

    def close(self) -> None:
        """Hang up and remove the socket.  May be called twice."""
        if self._listener.fileno() == -1:
            return
        for client in list(self._buffers):
            self._hang_up(client)
        self._selector.close()
        self._listener.close()
        with contextlib.suppress(FileNotFoundError):
            if self.path.lstat().st_ino == self._ino:
                self.path.unlink()

    def fileno(self) -> int:
        """File descriptor that is readable when ``poll`` has something to do."""
        return self._selector.fileno()

    def poll(self) -> int:
        """Obey what has come, without waiting; returns the number of commands."""
        done = 0
        for key, events in self._selector.select(0):
            client = key.fileobj
            if client is self._listener:
                self._accept()
            elif isinstance(client, socket.socket):
                if events & selectors.EVENT_READ:
                    done += self._receive(client)
                if client in self._unsent:
                    self._send(client)
        return done

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            client, _ = self._listener.accept()
            if len(self._buffers) >= CLIENTS_MAX:
                client.close()
                return
            client.setblocking(False)
            self._buffers[client] = b""
            self._selector.register(client, selectors.EVENT_READ)

    def _hang_up(self, client: socket.socket) -> None:
        del self._buffers[client]
        self._unsent.pop(client, None)
        self._selector.unregister(client)
        client.close()

    def _receive(self, client: socket.socket) -> int:
        try:
            data = client.recv(LINE_MAX_BYTES)
        except BlockingIOError:
            return 0
        except ConnectionError:
            data = b""
        *lines, rest = (self._buffers[client] + data).split(b"\n")
        self._buffers[client] = rest
        answers = b"".join(json.dumps(self.answer(line)).encode() + b"\n" for line in lines)
        unsent = self._unsent.get(client, b"") + answers
        if len(rest) > LINE_MAX_BYTES or len(unsent) > UNREAD_MAX_BYTES or not (data or unsent):
            self._hang_up(client)
            return len(lines)
        # A client that does not fetch its answers is no reason to wait; one that will ask no more still gets them.
        self._unsent[client] = unsent
        if not data:
            self._selector.modify(client, selectors.EVENT_WRITE)
        return len(lines)

    def _send(self, client: socket.socket) -> None:
        unsent = self._unsent.pop(client)
        last = self._selector.get_key(client).events == selectors.EVENT_WRITE
        try:
            unsent = unsent[client.send(unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            unsent, last = b"", True
        if unsent:
            self._unsent[client] = unsent
        elif last:
            self._hang_up(client)
            return
        if not last:
            self._selector.modify(client, selectors.EVENT_READ | (selectors.EVENT_WRITE if unsent else 0))

    def answer(self, line: bytes) -> dict[str, object]:
        """Obey one line.  The answer has ``ok``, and ``error`` if it is false."""
        try:
            command = json.loads(line)
        except ValueError as exc:
            return {"ok": False, "error": f"not JSON: {exc}"}
        if not isinstance(command, dict) or not command:
            return {"ok": False, "error": 'wanted an object such as {"report": true}'}
        unknown = [name for name in command if name not in self._handlers]
        if unknown:
            return {
                "ok": False,
                "error": f"no such command: {', '.join(unknown)}; there are {', '.join(self._handlers)}",
            }
        answer: dict[str, object] = {"ok": True}
        for name, value in command.items():
            try:
                answer[name] = self._handlers[name](value)
            except (DeviceError, OSError, ValueError, TypeError) as exc:
                return {"ok": False, "error": f"{name}: {exc}"}
            log.info("control: %s %s", name, value)
        return answer
