# SPDX-License-Identifier: BSD-3-Clause
"""An MSI-X table for tests: obeys the rules of Linux's, and fails where it is told to."""

import errno

from driver.core.irq import MsiMap


class FakeMsix:
    def __init__(self, table_len: int, *, can_alloc_dyn: bool = False, grant: int | None = None) -> None:
        self.table_len = table_len
        self.can_alloc_dyn = can_alloc_dyn
        self.grant = table_len if grant is None else grant
        self.static = 0
        self.live: set[int] = set()
        self.fail_at: dict[int, int] = {}
        self.calls: list[tuple[str, int]] = []

    def enable(self, least: int, most: int) -> int:
        count = min(self.table_len, self.grant, most)
        if count < least:
            return -errno.ENOSPC
        self.static = count
        return count

    def disable(self) -> None:
        self.static = 0

    def irq_fd(self, index: int) -> int:
        return 1000 + index if 0 <= index < self.static else -errno.EINVAL

    def alloc_at(self, index: int) -> MsiMap:
        self.calls.append(("alloc_at", index))
        if index in self.fail_at:
            return MsiMap(self.fail_at[index])
        if index >= self.table_len:
            return MsiMap(-errno.ERANGE)
        if index in self.live or index < self.static:
            return MsiMap(-errno.EBUSY)
        self.live.add(index)
        return MsiMap(index, 1000 + index)

    def free_at(self, irq: MsiMap) -> None:
        self.calls.append(("free_at", irq.index))
        self.live.discard(irq.index)
