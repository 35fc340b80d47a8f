# SPDX-License-Identifier: BSD-3-Clause
"""Receive addresses that go to pools other than the port's own.

An entry of the address table has any number of pools: two VFs, or a VF and the port, may have the same address.

Ref: ixgbe_set_vmdq_generic, ixgbe_clear_vmdq_generic, ixgbe_add_mac_filter, ixgbe_del_mac_filter.
"""

import errno
from typing import Protocol

from device.regs.i82599 import MPSAR
from driver.core.bar import Bar

POOLS_PER_WORD = 32  # of MPSAR


class Table(Protocol):
    """The address table of a port.

    Attributes:
        table: Receive addresses, by entry; None: free.
        pool: Which pool is the port's own.
    """

    table: list[bytes | None]
    pool: int

    @property
    def bar(self) -> Bar:
        """The registers."""

    def is_ours(self, index: int) -> bool:
        """Whether the port itself has entry ``index``."""

    def set_rar(self, index: int, address: bytes | None) -> None:
        """Write one receive address; None clears it."""

    def clear_pools(self, index: int) -> None:
        """Let frames to receive address ``index`` go to no pool."""


class Guests:
    """The entries that other pools have."""

    def __init__(self, mac: Table) -> None:
        """Nobody has any."""
        self._mac = mac
        self._pools: dict[int, set[int]] = {}

    def __contains__(self, index: int) -> bool:
        """Whether another pool has entry ``index``."""
        return index in self._pools

    def share(self, address: bytes, pool: int) -> None:
        """Let frames to ``address`` go to another pool too, beside those that they go to.

        Raises:
            OSError: ENOSPC, the table is full.
        """
        mac = self._mac
        index = self._find(address, pool)
        if index is None and address in mac.table:
            index = mac.table.index(address)
        is_new = index is None
        if index is None:
            if None not in mac.table:
                raise OSError(errno.ENOSPC, f"all {len(mac.table)} receive addresses are in use")
            index = mac.table.index(None)
            mac.clear_pools(index)
            mac.table[index] = address
        self._pools.setdefault(index, set()).add(pool)
        self.write_pool(index, pool, on=True)
        if is_new:
            mac.set_rar(index, address)

    def unshare(self, address: bytes, pool: int) -> None:
        """Undo ``share``; an address that nobody has any more leaves the table."""
        index = self._find(address, pool)
        if index is None:
            return
        self._pools[index].discard(pool)
        self.write_pool(index, pool, on=False)
        if not self._pools[index]:
            del self._pools[index]
            if not self._mac.is_ours(index):
                self._mac.table[index] = None
                self._mac.set_rar(index, None)

    def _find(self, address: bytes, pool: int) -> int | None:
        """The entry of ``address`` that a pool has."""
        has = (index for index, pools in self._pools.items() if pool in pools)
        return next((index for index in has if self._mac.table[index] == address), None)

    def leave(self, index: int) -> set[int]:
        """The port takes entry ``index`` for another address: who had it too has to ``share`` again; returns them."""
        pools = self._pools.pop(index, set())
        for pool in pools:
            self.write_pool(index, pool, on=False)
        return pools

    def write_pool(self, index: int, pool: int, *, on: bool) -> None:
        """Let frames to entry ``index`` go to a pool, or no longer."""
        word, bit = divmod(pool, POOLS_PER_WORD)
        pools = int(self._mac.bar.read(MPSAR, 2 * index + word))
        if bool(pools // 2**bit % 2) != on:
            self._mac.bar.write(MPSAR, pools + 2**bit if on else pools - 2**bit, 2 * index + word)

    def write_pools(self, index: int) -> None:
        """Write both words of an entry's pools, the port's own among them."""
        pools = self._pools.get(index, set()) | ({self._mac.pool} if self._mac.is_ours(index) else set())
        for half in range(2):
            here = [pool for pool in pools if pool // POOLS_PER_WORD == half]
            self._mac.bar.write(MPSAR, sum(2 ** (pool % POOLS_PER_WORD) for pool in here), 2 * index + half)

    def forget(self) -> None:
        """After a reset: no other pool has an address; what only they had leaves the table."""
        for index in self._pools:
            if not self._mac.is_ours(index):
                self._mac.table[index] = None
        self._pools.clear()
