# SPDX-License-Identifier: BSD-3-Clause
"""Whether rings that have work get on with it."""

from collections.abc import Iterable
from typing import Any

HANGS_TO_RESET = 2


class Progress:
    """What the Tx rings had sent when they were looked at last."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[Any, int]] = {}

    def clear(self) -> None:
        """Begin anew."""
        self._seen.clear()

    def stuck(self, senders: Iterable[Any], *, paused: bool = False) -> int | None:
        """The queue of a ring with work that got nowhere in two looks in a row; None if there is no such ring.

        Whoever is told to pause makes no progress and is not hanging.
        """
        for ring in senders:
            packets = ring.stats()["packets"]
            seen, looks = self._seen.get(ring.queue, (None, 0))
            looks = looks + 1 if ring.pending and packets == seen and not paused else 0
            self._seen[ring.queue] = (packets, looks)
            if looks >= HANGS_TO_RESET:
                return int(ring.queue)
        return None
