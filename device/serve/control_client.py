# SPDX-License-Identifier: BSD-3-Clause
"""One client of the control socket: what it has said, what it has not fetched yet, and what it wants to be told."""

import json
import selectors
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from device.machine.socket_rule import AHEAD_BYTES
from device.serve.events import EVENTS, Event
from device.serve.rpc import is_rpc, obey_line, obey_rpc
from device.serve.rpc_method import INVALID, Action, Before, Method, Note, Param, RpcError

LINE_MAX_BYTES = AHEAD_BYTES  # a line is a whole message, and is kept until its end has come
UNREAD_MAX_BYTES = 256 << 10  # of answers that it has not fetched; then its commands wait
EVENTS_MAX_BYTES = AHEAD_BYTES  # unread, beyond which events are lost to it


@dataclass(frozen=True)
class Hooks:
    """What a client asks of the control socket.

    Attributes:
        note: Hears of each command that was obeyed.
        subscribed: Called before a client wants to be told of other events than before.
    """

    note: Note
    subscribed: Callable[[], None]


class Client:
    """One connection.

    Args:
        sock: It, non-blocking.
        methods: What it can ask for.
        hooks: What it asks of us.
        now_s: The time.

    Attributes:
        fd: Its descriptor, for as long as it is open.
        queued: Whether it is in the queue of those who have work.
        mask: What the selector watches for; 0 = nothing.
        events: Kinds of events that it is told.
        moved_s: When it last got something done: a command, or some of an answer fetched.
        silent: Whether it has not said a whole line yet.
    """

    def __init__(self, sock: socket.socket, methods: Mapping[str, Method], hooks: Hooks, now_s: float) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.queued = False
        self.mask = 0
        self.events: frozenset[str] = frozenset()
        self.moved_s = now_s
        self.silent = True
        self._hooks = hooks
        self._methods = {**methods, **self._own()}
        self._inbox = bytearray()
        self._outbox = bytearray()
        self._half_s: float | None = None  # since when the last line is only a half
        self._job: Iterator[object] | None = None
        self._speaks_rpc = False
        self._ended = False  # nothing more is read
        self._refusal = ""  # why nothing more is read, until it is said
        self._deaf = False  # nothing more is sent
        self._lost = 0

    # -- what there is to do ------------------------------------------------------------------------------------------

    @property
    def has_work(self) -> bool:
        """Whether a command waits, and its answer would have a place."""
        waits = self._job is not None or b"\n" in self._inbox or bool(self._refusal)
        return waits and len(self._outbox) < UNREAD_MAX_BYTES

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self._ended and not self._outbox and not self.has_work

    @property
    def wants(self) -> int:
        """What the selector should watch for."""
        read = not self._ended and len(self._outbox) < UNREAD_MAX_BYTES
        return selectors.EVENT_READ * read | selectors.EVENT_WRITE * bool(self._outbox)

    def deaf(self, now_s: float, longest_s: float) -> bool:
        """Whether it has asked for more than it fetches, and has fetched nothing for so long."""
        return len(self._outbox) >= UNREAD_MAX_BYTES and now_s - self.moved_s > longest_s

    def idle_s(self, now_s: float) -> float:
        """For how long it has been of no use to anybody: negative for one that is told events and reads them."""
        return -1.0 if self.events and not self._outbox else now_s - self.moved_s

    # -- bytes --------------------------------------------------------------------------------------------------------

    def read(self, now_s: float) -> None:
        """Take what has come, unless a command of it waits."""
        if self._ended or self.has_work:
            return
        try:
            data = self.sock.recv(LINE_MAX_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._ended = not data
        self._inbox += data
        rest = len(self._inbox) - self._inbox.rfind(b"\n") - 1
        self.silent = self.silent and b"\n" not in data
        if b"\n" in data or self._half_s is None:
            self._half_s = now_s if rest else None
        if rest > LINE_MAX_BYTES:
            self.refuse(f"a line has at most {LINE_MAX_BYTES} bytes")

    def refuse(self, why: str) -> None:
        """Listen no longer, and say why once the lines before are obeyed."""
        del self._inbox[self._inbox.rfind(b"\n") + 1 :]
        self._half_s = None
        self._ended = True
        self._refusal = why

    def see_half(self, now_s: float, longest_s: float) -> None:
        """Refuse a line whose end has not come in time."""
        if self._half_s is not None and now_s - self._half_s > longest_s and self.wants & selectors.EVENT_READ:
            self.refuse(f"half a line, and no more of it for {longest_s:.0f} s")

    def send(self, now_s: float) -> None:
        """Let it fetch what it can."""
        if not self._outbox:
            return
        try:
            sent = self.sock.send(self._outbox, socket.MSG_NOSIGNAL)
        except BlockingIOError:
            return
        except OSError:  # gone, or reads no more; what it said before is still obeyed
            self._deaf = self._ended = True
            self._outbox.clear()
            return
        del self._outbox[:sent]
        self.moved_s = now_s
        if self._lost and not self._outbox:
            lost, self._lost = self._lost, 0
            self.tell({"event": "lost", "lost": lost})

    def _put(self, value: object) -> None:
        if not self._deaf:
            self._outbox += json.dumps(value).encode() + b"\n"

    # -- commands and events ------------------------------------------------------------------------------------------

    def step(self, now_s: float) -> None:
        """Obey one command, or one of a batch."""
        if self._job is None and b"\n" not in self._inbox:
            why, self._refusal = self._refusal, ""
            self._put(RpcError(INVALID, why).answer(None) if self._speaks_rpc else {"ok": False, "error": why})
            return
        if self._job is None:
            line, _, rest = bytes(self._inbox).partition(b"\n")
            self._inbox[:] = rest
            self._speaks_rpc = self._speaks_rpc or is_rpc(line)
            if not self._speaks_rpc:
                self._put(obey_line(self._methods, line, self._hooks.note))
                self.moved_s = now_s
                return
            self._job = obey_rpc(self._methods, line, self._hooks.note)
        try:
            answer = next(self._job)
        except StopIteration:
            self._job = None
            return
        self.moved_s = now_s
        if answer is not None:
            self._put(answer)

    def tell(self, event: Event) -> None:
        """Tell it what happened, if it wants to know and there is a place for it; else count it as lost."""
        if event["event"] not in self.events and event["event"] != "lost":
            return
        if len(self._outbox) >= EVENTS_MAX_BYTES:
            self._lost += 1
            return
        self._put({"jsonrpc": "2.0", "method": "event", "params": event})

    def _own(self) -> dict[str, Method]:
        """Methods that are about this connection."""
        own = [
            Method("methods", "Every method: its parameters, and what it does.", lambda *_: self._list),
            Method(
                *("subscribe", "Be told of events on this connection, as notifications.", self._subscribe),
                (Param("events", "array", f"which: {', '.join(EVENTS)}; all if left out", needed=False),),
                value=lambda params: params.get("events", True),
            ),
        ]
        return {method.name: method for method in own}

    def _list(self) -> object:
        return [method.describe() for method in self._methods.values()]

    def _subscribe(self, wanted: object, _before: Before) -> Action:
        if wanted is True or wanted is None:
            wanted = list(EVENTS)
        if not isinstance(wanted, list):
            raise TypeError(f"wanted a list of events, or true for all, not {wanted!r}")
        unknown = [one for one in wanted if not isinstance(one, str) or one not in EVENTS]
        if unknown:
            raise TypeError(f"no event is called {unknown[0]!r}; there are {', '.join(EVENTS)}")
        events = frozenset(wanted)

        def do() -> object:
            self._hooks.subscribed()
            self.events = events
            return sorted(events)

        return do
