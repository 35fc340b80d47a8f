# SPDX-License-Identifier: BSD-3-Clause
"""The control side of a running device: JSON lines on a UNIX socket, answered by the device's own thread.

``{"sfp": "lr"}`` plugs a module, ``{"sfp": "none"}`` pulls it, ``{"carrier": false}`` pulls the cable,
``{"fault": "slow=EERD:8"}`` is a card that answers late, ``{"report": true}`` asks what happened;
the same as JSON-RPC 2.0 is ``{"jsonrpc": "2.0", "id": 1, "method": "sfp", "params": {"kind": "lr"}}``.
``device.serve.methods`` says what else there is, ``device.serve.rpc`` what a line means.

A command never runs beside a register access, and no client keeps the device from its work: a turn takes a
millisecond and one command, in which everybody who waits has the same share.  Who does not read is not read from.
Limits are those of every socket (``socket_rule.h``).
"""

import contextlib
import errno
import logging
import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from device.machine.limit import LimitedLog
from device.machine.socket_file import OWN, SocketRule, check_path
from device.machine.socket_rule import CALLERS_MAX, DEADLINE_S, DEAF_S, TURN_MESSAGES
from device.serve.control_client import Client, Hooks
from device.serve.events import Event
from device.serve.rpc_json import shown
from device.serve.rpc_method import Method

log = logging.getLogger(__name__)

TURN_S = 0.001
CLIENTS_MAX = CALLERS_MAX  # one more, and the oldest that has said nothing makes room
LOOK_S = 0.1  # between two looks for events, and for who is silent
LOG_LINES_PER_S = 20
BUSY = b'{"ok": false, "error": "the control socket has %d clients, all of them busy; end one"}\n' % CLIENTS_MAX


class Watcher(Protocol):
    """Who knows what happened (``device.serve.events.Watcher``)."""

    def begin(self) -> None:
        """Forget what happened so far."""

    def look(self) -> Iterator[Event]:
        """What happened since the last look."""


class Control:
    """Listens at ``path`` and obeys.

    Args:
        path: Where the socket appears.
        methods: What can be asked for, by name.
        watcher: Who is asked what happened; nobody: there are no events.
        rule: Who may connect.
        now_s: The time, monotonic.

    Raises:
        OSError: The path is too long, in use, or cannot be made.
    """

    def __init__(
        self,
        path: Path,
        methods: Mapping[str, Method],
        watcher: Watcher | None = None,
        rule: SocketRule = OWN,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        check_path(path)
        self.path = path
        self._methods = methods
        self._watcher = watcher
        self._watching = False
        self._now_s = now_s
        self.log_limited = LimitedLog(log, LOG_LINES_PER_S)
        self._hooks = Hooks(self._note, self._subscribed)
        self._clients: dict[int, Client] = {}
        self._work: deque[Client] = deque()
        self._accept_again_s: float | None = None  # the listener rests until then
        self._told_full = False
        self._next_look_s = 0.0
        self._ino = 0
        self._selector = selectors.EpollSelector()
        self._more_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)  # readable while commands wait
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listener.setblocking(False)
            with rule.bound(path):
                self._listener.bind(str(path))
                self._ino = path.lstat().st_ino
            self._listener.listen()
            self._selector.register(self._more_fd, selectors.EVENT_READ)
            self._selector.register(self._listener, selectors.EVENT_READ)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Hang up and remove the socket.  May be called twice."""
        if self._listener.fileno() == -1:
            return
        for client in list(self._clients.values()):
            self._hang_up(client)
        self._selector.close()
        self._listener.close()
        os.close(self._more_fd)
        with contextlib.suppress(FileNotFoundError):
            if self._ino and self.path.lstat().st_ino == self._ino:
                self.path.unlink()

    def fileno(self) -> int:
        """File descriptor that is readable when ``poll`` has something to do."""
        return self._selector.fileno()

    @property
    def waiting(self) -> bool:
        """Whether commands wait that the last turn had no time for."""
        return bool(self._work)

    @property
    def attended(self) -> bool:
        """Whether ``poll`` has to be called for more than ``fileno``: somebody is there, or can be accepted later."""
        return bool(self._clients) or self._accept_again_s is not None

    # -- a turn --------------------------------------------------------------------------------------------------------

    def poll(self) -> int:
        """Obey what has come, as far as a turn goes, without waiting; returns the number of commands."""
        now_s = self._now_s()
        for key, events in self._selector.select(0):
            if key.fileobj is self._listener:
                self._accept(now_s)
            elif isinstance(key.data, Client) and events & selectors.EVENT_READ:
                key.data.read(now_s)
        if now_s >= self._next_look_s:
            self._next_look_s = now_s + LOOK_S
            self._look(now_s)
        for client in list(self._clients.values()):
            self._settle(client, now_s)
        done = 0
        while self._work and (not done or (done < TURN_MESSAGES and self._now_s() < now_s + TURN_S)):
            client = self._work.popleft()
            client.queued = False
            if client.fd in self._clients:
                self._step(client, now_s)
                done += 1
        self._show_waiting()
        return done

    def _step(self, client: Client, now_s: float) -> None:
        try:
            client.step(now_s)
        except Exception:
            # A mistake of ours: it costs this client, and neither the others nor the NIC.
            self.log_limited.exception("a client of the control socket is lost")
            self._hang_up(client)
            return
        self._settle(client, now_s)

    def _settle(self, client: Client, now_s: float) -> None:
        """Send what can be sent, and watch for what the client needs next."""
        client.send(now_s)
        if client.over:
            self._hang_up(client)
            return
        wants = client.wants
        if wants != client.mask:
            if not client.mask:
                self._selector.register(client.sock, wants, client)
            elif wants:
                self._selector.modify(client.sock, wants, client)
            else:
                self._selector.unregister(client.sock)
            client.mask = wants
        if client.has_work and not client.queued:
            client.queued = True
            self._work.append(client)

    def _show_waiting(self) -> None:
        """Keep ``fileno`` readable while commands wait."""
        if self._work:
            os.eventfd_write(self._more_fd, 1)
        else:
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self._more_fd)

    # -- who comes and goes --------------------------------------------------------------------------------------------

    def _accept(self, now_s: float) -> None:
        for _ in range(CALLERS_MAX):
            try:
                sock, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:  # it went away before we came to it
                continue
            except OSError as exc:
                self._rest(exc, now_s)
                return
            self._told_full = False
            sock.setblocking(False)
            if len(self._clients) >= CLIENTS_MAX and not self._make_room(now_s):
                with sock, contextlib.suppress(OSError):
                    sock.send(BUSY, socket.MSG_NOSIGNAL)
                continue
            client = Client(sock, self._methods, self._hooks, now_s)
            self._clients[client.fd] = client

    def _rest(self, exc: OSError, now_s: float) -> None:
        """Do not listen for a while: nobody can be accepted now."""
        if not self._told_full:
            self._told_full = True
            what = errno.errorcode.get(exc.errno or 0, "?")
            self.log_limited.line(
                logging.WARNING,
                f"control socket: no client can be accepted ({what}: {exc.strerror}); raise the limit on open files "
                "(ulimit -n), or end clients",
            )
        self._selector.unregister(self._listener)
        self._accept_again_s = now_s + DEAF_S

    def _make_room(self, now_s: float) -> bool:
        """Hang up on the oldest that has said nothing, or on who has been of no use for longest, if that is long."""
        silent = [client for client in self._clients.values() if client.silent]
        idlest = max(silent or self._clients.values(), key=lambda client: client.idle_s(now_s))
        if not silent and idlest.idle_s(now_s) < DEADLINE_S:
            return False
        self._hang_up(idlest)
        return True

    def _hang_up(self, client: Client) -> None:
        del self._clients[client.fd]
        if client.mask:
            self._selector.unregister(client.sock)
        client.sock.close()

    # -- now and then --------------------------------------------------------------------------------------------------

    def _look(self, now_s: float) -> None:
        if self._accept_again_s is not None and now_s >= self._accept_again_s:
            self._accept_again_s = None
            self._selector.register(self._listener, selectors.EVENT_READ)
        for client in list(self._clients.values()):
            client.see_half(now_s, DEADLINE_S)
            if client.deaf(now_s, DEADLINE_S):
                self.log_limited.line(
                    logging.WARNING, f"control socket: a client has not read its answers for {DEADLINE_S:g} s: dropped"
                )
                self._hang_up(client)
        self._watching = self._watching and any(client.events for client in self._clients.values())
        self._tell()

    def _tell(self) -> None:
        """Tell every client what happened since the last look."""
        if self._watching and self._watcher is not None:
            for event in self._watcher.look():
                for client in self._clients.values():
                    client.tell(event)

    def _subscribed(self) -> None:
        """Somebody wants to be told what happens from now on, not before."""
        if self._watching:
            self._tell()
        elif self._watcher is not None:
            self._watcher.begin()
            self._watching = True

    def _note(self, name: str, value: object) -> None:
        self.log_limited.line(logging.INFO, f"control: {name} {shown(value)}")
