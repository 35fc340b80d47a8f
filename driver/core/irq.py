# SPDX-License-Identifier: BSD-3-Clause
"""Who owns which MSI-X vector: the budget and the tracker.  The part of the table kept for VFs: vf_vectors.py.

The shape is that of ``ice_irq.c``.  Functions answer a count, an index or a negative errno, the same numbers as Linux,
because callers there decide by those numbers.  The tracker owns the entries; the backend (msix.py) owns the interrupts.
"""

import enum
import errno
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

log = logging.getLogger(__name__)

MIN_MSIX = 2


class Policy(enum.Enum):
    """Which generation of ``ice_alloc_irq`` to follow.

    ``SEED`` is Linux 6.7 to 6.9: its second argument is *dyn_only*, and the upper limit of the index is inclusive.
    ``V6_12`` is 6.12.117: *dyn_allowed*, and the limit is exclusive.
    """

    SEED = "seed"
    V6_12 = "6.12"


@dataclass(frozen=True, slots=True)
class MsiMap:
    """One interrupt: its index in the MSI-X table, and the eventfd it fires.  A negative index is an errno."""

    index: int = -errno.ENOENT
    irq_fd: int = -1


class MsixBackend(Protocol):
    """What can be asked of the MSI-X table.

    Attributes:
        table_len: Vectors of the table.
        can_alloc_dyn: Whether a vector can be added, and taken back, while others run.
    """

    table_len: int
    can_alloc_dyn: bool

    def enable(self, least: int, most: int) -> int:
        """Enable between ``least`` and ``most`` vectors; the number granted, or a negative errno."""

    def disable(self) -> None:
        """Disable MSI-X and forget every vector; safe to call twice."""

    def irq_fd(self, index: int) -> int:
        """The eventfd of an enabled vector, or -EINVAL."""

    def alloc_at(self, index: int) -> MsiMap:
        """Add one vector at ``index`` while others run; the map's index is an errno on failure."""

    def free_at(self, irq: MsiMap) -> None:
        """Take such a vector back."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How many vectors to ask for, and how many of them are for queues (``lan``)."""

    wanted: int
    other: int
    lan: int

    def after_grant(self, granted: int) -> "Budget":
        """The same when the system grants only ``granted`` vectors."""
        if granted >= self.wanted:
            return self
        return Budget(granted, self.other, max(granted - self.other, 1))


def vector_budget(table_len: int, cpus: int, *, flow_director: bool = False) -> Budget | int:
    """Divide the MSI-X table between queues and everything else, or answer -ERANGE when it is hopelessly small.

    Others are the miscellaneous interrupt, one for the switch and two for flow director.

    Ref: ice 6.12 ice_ena_msix_range.
    """
    other = 2 + (2 if flow_director else 0)
    if table_len >= other + cpus:
        return Budget(other + cpus, other, cpus)
    if table_len < MIN_MSIX:
        return -errno.ERANGE
    lan = table_len - other
    if lan < 1:
        other = lan = 1
    return Budget(other + lan, other, lan)


@dataclass(slots=True)
class IrqEntry:
    """One tracked vector."""

    index: int = -1
    dynamic: bool = False


class IrqTracker:
    """Hands out vector indices, lowest free first, and remembers them.

    ``strict`` mends what the chosen generation got wrong (see ``Policy.SEED``); without it the mistake is made
    again, so that a test can show what it was.
    """

    def __init__(
        self,
        backend: MsixBackend,
        num_static: int,
        *,
        num_entries: int | None = None,
        policy: Policy = Policy.V6_12,
        strict: bool = True,
        new_entry: Callable[[], IrqEntry] = IrqEntry,
    ) -> None:
        """Track ``num_static`` vectors that are enabled, and more up to ``num_entries`` if they can be added."""
        self.backend = backend
        self.num_static = num_static
        if num_entries is None:
            num_entries = backend.table_len if backend.can_alloc_dyn else num_static
        self.num_entries = num_entries
        self.policy = policy
        self.strict = strict
        self.sriov_base_vector = 0
        self.entries: dict[int, IrqEntry] = {}
        self._new_entry = new_entry

    def _limits(self, dyn: bool) -> range:
        if self.policy is Policy.SEED:
            first = self.num_static if dyn else 0
            return range(first, self.num_entries + (0 if self.strict else 1))
        return range(self.num_entries if dyn else self.num_static)

    def _get_res(self, indices: range) -> IrqEntry | None:
        try:
            entry = self._new_entry()
        except MemoryError:
            return None
        for index in indices:
            if index not in self.entries:
                entry.index = index
                entry.dynamic = index >= self.num_static
                self.entries[index] = entry
                return entry
        return None

    def alloc_irq(self, dyn: bool = False) -> MsiMap:
        """Reserve one vector.

        Args:
            dyn: Under ``Policy.SEED`` the caller takes *only* added vectors; under ``Policy.V6_12`` it also takes them.

        Returns:
            The interrupt; its index is -ENOENT when none is left, or the errno with which the backend refused.
        """
        entry = self._get_res(self._limits(dyn))
        return MsiMap() if entry is None else self._take(entry)

    def alloc_irq_at(self, index: int) -> MsiMap:
        """Reserve this very vector.

        Returns:
            The interrupt; its index is -ERANGE beyond what there is, -EBUSY if it is taken, -ENOENT in the VFs' part
            of the table or without memory, or the errno with which the backend refused.
        """
        if not 0 <= index < self.num_entries:
            return MsiMap(-errno.ERANGE)
        if index in self.entries:
            return MsiMap(-errno.EBUSY)
        entry = self._get_res(range(index, index + 1))
        return MsiMap() if entry is None else self._take(entry)

    def _take(self, entry: IrqEntry) -> MsiMap:
        if self.is_reserved(entry.index):
            log.error("could not allocate irq at index %d: that and what follows is kept for VFs", entry.index)
            del self.entries[entry.index]
            return MsiMap()
        if entry.dynamic and self.backend.can_alloc_dyn:
            irq = self.backend.alloc_at(entry.index)
            if irq.index < 0:
                log.error("could not allocate irq at index %d: %s", entry.index, os.strerror(-irq.index))
                del self.entries[entry.index]
            return irq
        irq_fd = self.backend.irq_fd(entry.index)
        if irq_fd < 0 and self.strict:
            del self.entries[entry.index]
            return MsiMap()
        return MsiMap(entry.index, irq_fd)

    def is_reserved(self, index: int) -> bool:
        """Whether ``index`` is in the VFs' part of the table."""
        return bool(self.sriov_base_vector) and index >= self.sriov_base_vector

    def free_irq(self, irq: MsiMap) -> None:
        """Give a vector back.  An index that is not in use is logged and changes nothing."""
        entry = self.entries.get(irq.index)
        if entry is None:
            log.error("failed to free irq: index %d is not in use", irq.index)
            return
        if entry.dynamic:
            self.backend.free_at(irq)
        del self.entries[irq.index]

    @property
    def max_used(self) -> int:
        """Highest index in use.  Static vectors count as used even while idle."""
        return max([self.num_static - 1, *(index for index in self.entries if index >= self.num_static)])

    def deinit(self) -> list[int]:
        """Forget everything; returns the added vectors that nobody had freed."""
        leaked = sorted(index for index, entry in self.entries.items() if entry.dynamic)
        if leaked:
            log.error("vectors %s were never freed", leaked)
        self.entries.clear()
        return leaked


def alloc_misc(tracker: IrqTracker, request: Callable[[MsiMap], int]) -> MsiMap:
    """Take the vector of everything but queues, before any queue takes one, and attach its handler.

    Args:
        tracker: Where vectors come from; the first of a fresh one is 0.
        request: Attaches the handler; 0 or a negative errno.

    Returns:
        The interrupt; its index is an errno if none was left or the handler was refused, and then nothing is held.

    Ref: ice ice_req_irq_msix_misc.
    """
    irq = tracker.alloc_irq()
    if irq.index < 0:
        return irq
    err = request(irq)
    if err:
        tracker.free_irq(irq)
        return MsiMap(err)
    return irq
