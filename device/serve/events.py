# SPDX-License-Identifier: BSD-3-Clause
"""What happened to a device since the last look, for clients of the control socket that asked to be told.

Seen by comparing, ten times a second: a guest that resets or flaps as fast as it can is one event a look, with how
often.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Protocol

from device.i82599.card import Card

EVENTS = {
    "client": "a vfio-user client attached or left; `vf`: at that virtual function",
    "vfs": "so many virtual functions are enabled now",
    "link": "the link came up or went down",
    "reset": "the card or its function was reset: software, pci, flr, each how often",
    "fault": "faults were injected or ended",
    "stall": "a queue stopped because of what its driver gave it",
    "lost": "how many events were not told, because this client did not read",
}
PHYSICAL = -1  # the function before virtual function 0
STALLS_MAX = 16  # told a look; the others are counted in the last one

Event = dict[str, object]


class Clients(Protocol):
    """Who comes and goes: ``device.serve.endpoint.Endpoint``."""

    sessions: int

    @property
    def attached(self) -> bool:
        """Whether a client is there."""

    @property
    def flrs(self) -> int:
        """How often the function was reset by configuration space."""


class Watched(Protocol):
    """What is looked at: ``device.serve.server.Server``."""

    card: Card
    started: float

    @property
    def clients(self) -> Clients:
        """Who comes and goes at the physical function."""

    @property
    def vf_clients(self) -> Sequence[Clients]:
        """Who comes and goes at each virtual function."""


class Watcher:
    """Compares a device with what it was at the last look.

    Args:
        watched: The device.
    """

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._changes = self._vfs = 0
        self._sessions: dict[int, int] = {}  # of the physical function (-1), and of each virtual one
        self._attached: dict[int, bool] = {}
        self._resets: Counter[str] = Counter()
        self._faults: list[str] = []
        self._stalls: Counter[tuple[str, int, str]] = Counter()

    def begin(self) -> None:
        """Forget what happened so far."""
        for _ in self.look():
            pass

    def look(self) -> Iterator[Event]:
        """What happened since the last look, or since ``begin``."""
        for happened in (self._clients(), self._enabled(), self._reset(), self._fault(), self._link(), self._stall()):
            for event in happened:
                yield {**event, "uptime_s": round(time.monotonic() - self._watched.started, 3)}

    def _clients(self) -> Iterator[Event]:
        for n, endpoint in enumerate((self._watched.clients, *self._watched.vf_clients), PHYSICAL):
            for event in self._client(n, endpoint.sessions, attached=endpoint.attached):
                yield event if n == PHYSICAL else {**event, "vf": n}

    def _client(self, n: int, sessions: int, *, attached: bool) -> Iterator[Event]:
        before, self._sessions[n] = self._sessions.get(n, 0), sessions
        was, self._attached[n] = self._attached.get(n, False), attached
        if was and (not attached or sessions != before):
            yield {"event": "client", "did": "left", "session": before}
        if sessions != before:
            yield {"event": "client", "did": "attached", "session": sessions, "times": sessions - before}
            if not attached:
                yield {"event": "client", "did": "left", "session": sessions}

    def _enabled(self) -> Iterator[Event]:
        before, self._vfs = self._vfs, self._watched.card.sriov.enabled
        if self._vfs != before:
            yield {"event": "vfs", "enabled": self._vfs}

    def _reset(self) -> Iterator[Event]:
        now = Counter({**self._watched.card.resets, "flr": self._watched.clients.flrs})
        before, self._resets = self._resets, now
        if now != before:
            yield {"event": "reset", **{kind: now[kind] - before[kind] for kind in now}}

    def _fault(self) -> Iterator[Event]:
        now = self._watched.card.faults.active
        before, self._faults = self._faults, now
        if now != before:
            injected, ended = [one for one in now if one not in before], [one for one in before if one not in now]
            yield {"event": "fault", "injected": injected, "ended": ended}

    def _link(self) -> Iterator[Event]:
        link = self._watched.card.link
        before, self._changes = self._changes, link.changes
        if link.changes != before:
            yield {"event": "link", "link": "up" if link.up else "down", "changes": link.changes - before}

    def _stall(self) -> Iterator[Event]:
        stalls = self._watched.card.core.stalls
        if stalls.seen.total() == self._stalls.total():
            return
        before, self._stalls = self._stalls, stalls.seen.copy()
        moved = [key for key in self._stalls if self._stalls[key] != before[key]]
        for n, key in enumerate(moved[:STALLS_MAX], 1):
            kind, queue, why = key
            more = {"more": len(moved) - n} if n == STALLS_MAX and len(moved) > n else {}
            times = self._stalls[key] - before[key]
            told = stalls.explained.get(key, "")
            yield {"event": "stall", "queue": f"{kind}[{queue}]", "why": why, "times": times, "told": told, **more}
