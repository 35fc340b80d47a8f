# SPDX-License-Identifier: BSD-3-Clause
"""Queues of a function: which are free, and how they are shared out to vectors."""

import errno
from collections.abc import Sequence

SCATTER_MAX = 16


class QueuePool:
    """Queues of one direction: which are free, and how to take some.

    A contiguous run is preferred; otherwise at most 16 single queues are collected.

    Ref: ice __ice_vsi_get_qs.
    """

    def __init__(self, count: int, *, scatter_count: int = SCATTER_MAX) -> None:
        """Own ``count`` queues, all free."""
        self.count = count
        self.scatter_count = scatter_count
        self.taken: set[int] = set()

    @property
    def free(self) -> int:
        """How many are free."""
        return self.count - len(self.taken)

    def get(self, wanted: int) -> list[int] | int:
        """Take ``wanted`` queues and return their numbers, or take none and return -ENOMEM."""
        for first in range(self.count - wanted + 1):
            run = range(first, first + wanted)
            if self.taken.isdisjoint(run):
                self.taken.update(run)
                return list(run)
        wanted = min(wanted, self.scatter_count)
        found = [queue for queue in range(self.count) if queue not in self.taken][:wanted]
        if len(found) < wanted:
            return -errno.ENOMEM
        self.taken.update(found)
        return found

    def put(self, queues: Sequence[int]) -> None:
        """Give queues back."""
        self.taken.difference_update(queues)


def share(total: int, vectors: int) -> list[range]:
    """Cut 0..total-1 into ``vectors`` runs, each taking its share of what is left, rounded up."""
    runs: list[range] = []
    first = 0
    for index in range(vectors):
        count = -(-(total - first) // (vectors - index))
        runs.append(range(first, first + count))
        first += count
    return runs
