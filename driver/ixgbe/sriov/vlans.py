# SPDX-License-Identifier: BSD-3-Clause
"""The VLANs of the pools: 64 entries of VLVF with the pools that are in each, and VFTA, which lets them in at all.

A VLAN that VFTA has and VLVF has not is the port's alone: so the port can be in all of them, and VFs see their own
only.  Entries are changed one by one, so that nobody else's frames are lost meanwhile.

Ref: ixgbe_set_vfta_generic, ixgbe_find_vlvf_slot, ixgbe_clear_vf_vlans, ixgbe_vlan_promisc_enable.
"""

import errno
from collections.abc import Callable, Iterable

from device.regs.i82599 import VFTA, VLVF, VLVFB
from driver.core.bar import Bar
from driver.ixgbe.sriov.pools import WORD_BITS, write_bit, write_map

SLOTS = VLVF.count
UNTAGGED_SLOT = 0  # VLAN 0 has the first entry, and nobody else
ALL = 2**WORD_BITS - 1


class VlanTable:
    """The table of one port whose pool is ``own``.

    Attributes:
        moved: Called when a VLAN gets an entry or loses it.
    """

    def __init__(self, bar: Bar, own: int) -> None:
        """Nobody is in any VLAN; nothing is written."""
        self.bar = bar
        self.own = own
        self.moved: Callable[[], None] = lambda: None
        self._guests: dict[int, set[int]] = {}  # VLAN -> pools of VFs
        self._port: set[int] = set()
        self._port_follows = False
        self._slots: dict[int, int] = {}

    def slot(self, vid: int) -> int | None:
        """The entry that a VLAN has; None if nobody is in it."""
        return self._slots.get(vid)

    def pools(self, vid: int) -> set[int]:
        """The pools that are in a VLAN."""
        guests = self._guests.get(vid, set())
        return guests | ({self.own} if vid in self._port or (guests and self._port_follows) else set())

    def add(self, pool: int, vid: int) -> None:
        """Put a VF's pool into a VLAN.

        Raises:
            OSError: ENOSPC, all entries are in use; nothing was changed.
        """
        self._slot_for(vid)
        self._guests.setdefault(vid, set()).add(pool)
        self._write(vid)

    def remove(self, pool: int, vid: int) -> None:
        """Take a VF's pool out of a VLAN."""
        pools = self._guests.get(vid, set())
        pools.discard(pool)
        if not pools:
            self._guests.pop(vid, None)
        self._write(vid)

    def clear(self, pool: int) -> None:
        """Take a VF's pool out of all of them."""
        for vid in [vid for vid, pools in self._guests.items() if pool in pools]:
            self.remove(pool, vid)

    def set_port(self, vids: Iterable[int], *, follows: bool) -> None:
        """Say which VLANs the port is in; one that ``follows`` is in every VLAN there is.

        Raises:
            OSError: ENOSPC, there are not so many entries; those before got theirs.
        """
        before = {vid for vid in self._slots if self.own in self.pools(vid)}
        self._port, wanted = set(), set(vids)
        changed, self._port_follows = follows != self._port_follows, follows
        if changed:
            self._let_in()
        for vid in sorted(before - wanted):
            self._write(vid)
        for vid in sorted(wanted):
            self._slot_for(vid)
            self._port.add(vid)
            self._write(vid)
        for vid in list(self._guests):
            self._write(vid)

    def forget(self) -> None:
        """The chip was reset and the VFs with it: only the port's own VLANs are left, and nothing is written yet."""
        self._guests.clear()
        self._slots.clear()

    def write_all(self) -> None:
        """Write the port's VLANs after a reset, which emptied the tables."""
        if self._port_follows:
            self._let_in()
        for vid in sorted(self._port):
            self._slot_for(vid)
            self._write(vid)

    def _slot_for(self, vid: int) -> int:
        if vid in self._slots:
            return self._slots[vid]
        taken = set(self._slots.values()) | {UNTAGGED_SLOT}
        free = [UNTAGGED_SLOT] if not vid else [slot for slot in range(SLOTS) if slot not in taken]
        if not free:
            raise OSError(errno.ENOSPC, f"VLAN {vid}: all {SLOTS} entries for VLANs are in use")
        self._slots[vid] = free[0]
        return free[0]

    def _let_in(self) -> None:
        """Write all of VFTA: everything, or the VLANs that somebody is in."""
        for n in range(VFTA.count):
            here = [vid for vid in self._slots if vid // WORD_BITS == n]
            self.bar.write(VFTA, ALL if self._port_follows else sum(2 ** (vid % WORD_BITS) for vid in here), n)

    def _write(self, vid: int) -> None:
        """Bring one VLAN's entry up to date; opened last, closed first."""
        slot, pools = self._slots.get(vid), self.pools(vid)
        if slot is None:
            return
        word, bit = divmod(vid, WORD_BITS)
        if pools:
            write_map(self.bar, VLVFB, pools, first=2 * slot)
            if not self.bar.read(VLVF, slot).VIEN:
                self.bar.write(VLVF, VLVF.of(VLANID=vid, VIEN=1), slot)
                write_bit(self.bar, VFTA, bit, on=True, first=word)
                self.moved()
            return
        del self._slots[vid]
        write_bit(self.bar, VFTA, bit, on=self._port_follows, first=word)
        self.bar.write(VLVF, VLVF.of(), slot)
        write_map(self.bar, VLVFB, set(), first=2 * slot)
        self.moved()
