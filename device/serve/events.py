# SPDX-License-Identifier: BSD-3-Clause
"""What happened to a device since the last look, for clients of the control socket that asked to be told.

Seen by comparing, ten times a second: a guest that resets or flaps as fast as it can is one event a look, with how
often.
"""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Protocol

from device.i82599.card import Card

EVENTS = {
    "client": "a vfio-user client attached or left",
    "link": "the link came up or went down",
    "reset": "the card or its function was reset: software, pci, flr, each how often",
    "fault": "faults were injected or ended",
    "stall": "a queue stopped because of what its driver gave it",
    "lost": "how many events were not told, because this client did not read",
}
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


class Watcher:
    """Compares a device with what it was at the last look.

    Args:
        watched: The device.
    """

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._sessions = self._changes = 0
        self._attached = False
        self._resets: Counter[str] = Counter()
        self._faults: list[str] = []
        self._stalls: Counter[tuple[str, int, str]] = Counter()

    def begin(self) -> None:
        """Forget what happened so far."""
        for _ in self.look():
            pass

    def look(self) -> Iterator[Event]:
        """What happened since the last look, or since ``begin``."""
        for happened in (self._client(), self._reset(), self._fault(), self._link(), self._stall()):
            for event in happened:
                yield {**event, "uptime_s": round(time.monotonic() - self._watched.started, 3)}

    def _client(self) -> Iterator[Event]:
        endpoint = self._watched.clients
        before, self._sessions = self._sessions, endpoint.sessions
        was, self._attached = self._attached, endpoint.attached
        if was and (not self._attached or self._sessions != before):
            yield {"event": "client", "did": "left", "session": before}
        if self._sessions != before:
            yield {"event": "client", "did": "attached", "session": self._sessions, "times": self._sessions - before}
            if not self._attached:
                yield {"event": "client", "did": "left", "session": self._sessions}

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
