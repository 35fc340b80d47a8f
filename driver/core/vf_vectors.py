# SPDX-License-Identifier: BSD-3-Clause
"""The part of the MSI-X table that is kept for VFs: one window of vectors each, from the last vector downwards.

The shape is that of ``ice_sriov.c``; answers are a count, an index or a negative errno, as in irq.py.  What a port has
of VFs so far is this: their windows.
"""

import errno
from dataclasses import dataclass, field

from driver.core.irq import IrqTracker

MIN_VECTORS_PER_VF = 2
MAX_QUEUES_PER_VF = 16
VECTORS_PER_VF = (17, 5, 3, 2)


@dataclass(slots=True)
class VfVectors:
    """The vectors of one VF: ``count`` from ``first`` on; the first is its mailbox, the rest are queues.

    ``queues_max`` is how many queue pairs there were for it.
    """

    count: int
    first: int = -errno.ENOENT
    active: bool = True
    queues_max: int = MAX_QUEUES_PER_VF

    @property
    def queues(self) -> int:
        """Queue pairs that go with them."""
        return min(self.count - 1, self.queues_max)

    def reg_idx(self, v_idx: int) -> int:
        """Device vector of the VF's q_vector ``v_idx``."""
        return self.first + v_idx + 1


@dataclass(slots=True)
class SriovVectors:
    """The top of the vector space, cut into one window per VF from the last vector downwards.

    ``strict`` refuses a base that is still the PF's own last vector; ice 6.12.117 lets that pass because it compares
    an index as if it were a count.

    Ref: ice 6.12 ice_set_per_vf_res, ice_sriov_get_irqs, ice_sriov_set_msix_vec_count.
    """

    tracker: IrqTracker
    total: int
    strict: bool = True
    vfs: list[VfVectors] = field(default_factory=list)
    _taken: set[int] = field(default_factory=set)

    def enable(self, num_vfs: int, free_queues: int = 65536) -> int:
        """Divide the space among ``num_vfs``: 0, -EINVAL, -ENOSPC, or -EAGAIN when a VF found no window."""
        if num_vfs == 0:
            return -errno.EINVAL
        max_used = self.tracker.max_used
        per_vf = (self.total - max_used) // num_vfs
        count = next((tier for tier in VECTORS_PER_VF if tier <= per_vf), 0)
        if count < MIN_VECTORS_PER_VF:
            return -errno.ENOSPC
        queues = min(count - 1, MAX_QUEUES_PER_VF)
        if free_queues // num_vfs < queues:
            share = free_queues // num_vfs
            queues = 2 ** (share.bit_length() - 1) if share else 0
        if queues < 1:
            return -errno.ENOSPC
        base = self.total - count * num_vfs
        if base < max_used or (self.strict and base == max_used):
            return -errno.EINVAL
        self.tracker.sriov_base_vector = base
        for _ in range(num_vfs):
            vf = VfVectors(count, queues_max=queues)
            vf.first = self._take(count)
            if vf.first < 0:
                self.disable()
                return -errno.EAGAIN
            self.vfs.append(vf)
        return 0

    def disable(self) -> None:
        """Give the whole space back to the PF."""
        self.vfs.clear()
        self._taken.clear()
        self.tracker.sriov_base_vector = 0

    def _take(self, count: int) -> int:
        for first in range(self.total - count, self.tracker.sriov_base_vector - 1, -1):
            window = range(first, first + count)
            if self._taken.isdisjoint(window):
                self._taken.update(window)
                return first
        return -errno.ENOENT

    def _give(self, vf: VfVectors) -> None:
        if vf.first >= 0:
            self._taken.difference_update(range(vf.first, vf.first + vf.count))
            vf.first = -errno.ENOENT

    def _repack(self, moved: VfVectors, more: int) -> int:
        base = self.tracker.sriov_base_vector - more
        if base < self.tracker.max_used or (self.strict and base == self.tracker.max_used):
            return -errno.ENOSPC
        self.tracker.sriov_base_vector = base
        idle = [vf for vf in self.vfs if not vf.active and vf is not moved]
        for vf in [*idle, moved]:
            self._give(vf)
        for vf in idle:
            vf.first = self._take(vf.count)
        return 0

    def _check_count(self, vf_id: int, vectors: int, free_queues: int) -> int:
        if not self.vfs:
            return -errno.ENOENT
        if vectors and (vectors > free_queues or vectors + 1 < MIN_VECTORS_PER_VF):
            return -errno.EINVAL
        return 0 if not vectors or 0 <= vf_id < len(self.vfs) else -errno.ENOENT

    def set_count(self, vf_id: int, vectors: int, free_queues: int = 65536) -> int:
        """Change how many queue vectors VF ``vf_id`` has: 0, -ENOENT, -EINVAL or -ENOSPC (and nothing changed)."""
        err = self._check_count(vf_id, vectors, free_queues)
        if err or vectors == 0:
            return err
        vf = self.vfs[vf_id]
        before = [entry.first for entry in self.vfs], set(self._taken), self.tracker.sriov_base_vector, vf.count
        queues_max, vf.queues_max = vf.queues_max, min(vectors, MAX_QUEUES_PER_VF)
        if self._repack(vf, vectors + 1 - vf.count):
            vf.queues_max = queues_max
            return -errno.ENOSPC
        vf.count = vectors + 1
        vf.first = self._take(vf.count)
        if vf.first < 0 or any(entry.first < 0 for entry in self.vfs):
            firsts, self._taken, self.tracker.sriov_base_vector, vf.count = before
            vf.queues_max = queues_max
            for entry, first in zip(self.vfs, firsts, strict=True):
                entry.first = first
            return -errno.EINVAL
        return 0
