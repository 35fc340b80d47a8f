# SPDX-License-Identifier: BSD-3-Clause
"""Which frames the port takes: station addresses, multicast hash, promiscuous modes, VLANs.

``Mac`` owns the address table and the wish list (modes, multicast addresses, VLANs); the registers are written from it,
so a reset loses nothing.

Ref: 82599 datasheet, receive filtering; ixgbe_set_rx_mode.
"""

import errno
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from device.regs.i82599 import FCTRL, MCSTCTRL, MPSAR, MTA, RAH, RAL, RXDCTL, UTA, VFTA, VLNCTRL, VMOLR
from device.regs.i82599.mbx import HASH
from driver.core.bar import Bar
from driver.core.station import ADDRESS_BYTES, show, valid_station
from driver.errors import DriverError
from driver.ixgbe.hw.common import Common
from driver.ixgbe.hw.mac_guests import POOLS_PER_WORD, Guests

log = logging.getLogger(__name__)

RAR_ENTRIES = RAL.count
DEFAULT_RAR = 0
SAN_RAR = RAR_ENTRIES - 1
VLANS = 4096


def mta_place(address: bytes) -> tuple[int, int]:
    """Register and bit of MTA for a multicast address, with filter type 0: bits 47:36 of the address."""
    value = int.from_bytes(address, "little") // 2**36
    return value // 32, value % 32


@dataclass(slots=True)
class RxMode:
    """What the interface asks for beyond its own address.

    All multicast is on at first: a userspace driver is not told which groups the system joins, and without its
    solicited-node groups IPv6 finds no neighbour.
    """

    promiscuous: bool = False
    all_multicast: bool = True
    multicast: tuple[bytes, ...] = ()
    vlan_filter: bool = False
    vlan_strip: bool = False
    vlans: set[int] = field(default_factory=lambda: {0})


class PoolVlans(Protocol):
    """VLANs of a chip that is divided into pools."""

    def set_port(self, vids: Iterable[int], *, follows: bool) -> None:
        """The VLANs of the port itself; one that ``follows`` is in those of the others too."""


class Mac:
    """Filters of one port.

    Attributes:
        table: Receive addresses, by entry.
        mode: What the interface asks for.
        pool: Which pool is the port's own.
        guests: Entries of the table that other pools have, or share with the port.
        guest_hashes: Multicast hashes that other pools asked for.
        pool_vlans: Who is in which VLAN, when there are pools.
    """

    def __init__(self, hw: Common) -> None:
        """An empty table; ``alloc_table`` sizes it."""
        self.hw = hw
        self.table: list[bytes | None] = []
        self.mode = RxMode()
        self.san_address: bytes | None = None
        self.pool = 0
        self.guests = Guests(self)
        self.guest_hashes: set[int] = set()
        self.pool_vlans: PoolVlans | None = None
        self._mta: dict[int, int] = {}
        self._added: set[int] = set()

    @property
    def bar(self) -> Bar:
        """The registers."""
        return self.hw.bar

    @property
    def address(self) -> bytes:
        """Our own address."""
        return (self.table[DEFAULT_RAR] if self.table else None) or self.hw.perm_addr

    def alloc_table(self) -> int:
        """Make the address table and return its length."""
        self.table = [None] * RAR_ENTRIES
        return len(self.table)

    def read_perm_addr(self) -> bytes:
        """The address that the reset loaded from the EEPROM into RAR 0."""
        bar = self.hw.bar
        return int(bar.read(RAL)).to_bytes(4, "little") + bar.read(RAH).RAH.to_bytes(2, "little")

    def is_ours(self, index: int) -> bool:
        """Whether the port itself has entry ``index``, perhaps beside other pools."""
        return index == DEFAULT_RAR or index in self._added

    def set_rar(self, index: int, address: bytes | None) -> None:
        """Write one receive address, None clears it; the valid bit goes last when setting and first when clearing."""
        bar = self.hw.bar
        if address is None:
            bar.write(RAH, RAH.of(), index)
            bar.write(RAL, 0, index)
            return
        high = bar.read(RAH, index).replace(RAH=int.from_bytes(address[4:], "little"), AV=1)
        bar.write(RAL, int.from_bytes(address[:4], "little"), index)
        self.hw.flush()  # the low half has arrived before the valid bit does
        bar.write(RAH, high, index)

    def add_pool(self, index: int) -> None:
        """Let frames to receive address ``index`` go to the port's pool; 0 is all of the port, without others.

        Ref: ixgbe_set_vmdq_generic.
        """
        bar = self.hw.bar
        word, bit = divmod(self.pool, POOLS_PER_WORD)
        bar.write(MPSAR, int(bar.read(MPSAR, 2 * index + word)) | 2**bit, 2 * index + word)

    def clear_pools(self, index: int) -> None:
        """Let frames to receive address ``index`` go to no pool.

        Ref: ixgbe_clear_vmdq_generic.
        """
        bar = self.hw.bar
        halves = [int(bar.read(MPSAR, 2 * index + half)) for half in range(2)]
        for half, pools in enumerate(halves):
            if pools:
                bar.write(MPSAR, 0, 2 * index + half)

    def reserve_san(self, address: bytes) -> None:
        """After a reset: keep the last receive address for the card's storage traffic; it goes to no pool yet.

        Ref: ixgbe_reset_hw_82599.
        """
        if len(self.table) == RAR_ENTRIES:
            self.table.pop()
        self.add_pool(SAN_RAR)
        self.set_rar(SAN_RAR, address)
        self.clear_pools(SAN_RAR)
        self.san_address = address

    def add_san_address(self) -> bytes | None:
        """Take frames to the storage address too, if the card has one; returns it.

        Ref: ixgbe_add_sanmac_netdev, ixgbe_set_vmdq_san_mac_generic.
        """
        if self.san_address is not None:
            word, bit = divmod(self.pool, POOLS_PER_WORD)
            for half in range(2):
                self.hw.bar.write(MPSAR, 2**bit if half == word else 0, 2 * SAN_RAR + half)
        return self.san_address

    def init_rx_addrs(self) -> None:
        """After a reset: only RAR 0 stays, hash tables are empty.

        Ref: ixgbe_init_rx_addrs_generic.
        """
        bar = self.hw.bar
        self.clear_pools(DEFAULT_RAR)
        for index in range(1, RAR_ENTRIES):
            self.set_rar(index, None)
        bar.write(MCSTCTRL, MCSTCTRL.of())
        for n in range(MTA.count):
            bar.write(MTA, 0, n)
        self._mta.clear()
        for n in range(UTA.count):
            bar.write(UTA, 0, n)

    def set_default_filter(self, address: bytes) -> None:
        """Make ``address`` ours: entry 0 of the table, pool 0.

        Raises:
            DriverError: It is zero or multicast.
        """
        if not valid_station(address):
            raise DriverError(f"{show(address)} cannot be a station address")
        if not self.table:
            self.alloc_table()
        before = self.table[DEFAULT_RAR]
        left = self.guests.leave(DEFAULT_RAR) if before != address else set()
        self.table[DEFAULT_RAR] = address
        for pool in left:
            assert before is not None
            self.guests.share(before, pool)
        self.add_pool(DEFAULT_RAR)
        self.set_rar(DEFAULT_RAR, address)

    def add_unicast(self, address: bytes) -> int:
        """Take frames to ``address`` too; the table entry, or the one that has it already.

        Raises:
            DriverError: Not a station address.
            OSError: ENOSPC, the table is full.
        """
        if not valid_station(address):
            raise DriverError(f"{show(address)} cannot be a station address")
        if address in self.table:
            index = self.table.index(address)
            if not self.is_ours(index):
                self._added.add(index)
                self.add_pool(index)
            return index
        if None not in self.table:
            raise OSError(errno.ENOSPC, f"all {len(self.table)} receive addresses are in use")
        index = self.table.index(None)
        self.table[index] = address
        self._added.add(index)
        if self.pool_vlans is not None:
            self.clear_pools(index)
            self.add_pool(index)
        self.set_rar(index, address)
        return index

    def del_unicast(self, address: bytes) -> None:
        """Stop taking frames to ``address``.

        Raises:
            OSError: ENOENT, it was not added.
        """
        if address == self.address or address not in self.table:
            raise OSError(errno.ENOENT, f"{show(address)} is not an added address")
        index = self.table.index(address)
        self._added.discard(index)
        if index in self.guests:
            self.guests.write_pool(index, self.pool, on=False)
            return
        self.table[index] = None
        self.set_rar(index, None)

    def set_rx_mode(
        self,
        *,
        promiscuous: bool | None = None,
        all_multicast: bool | None = None,
        multicast: Iterable[bytes] | None = None,
    ) -> None:
        """Change what the interface asks for (None: as before) and write the filters.

        Raises:
            DriverError: Not a multicast address.
        """
        if multicast is not None:
            wanted = tuple(multicast)
            for address in wanted:
                if len(address) != ADDRESS_BYTES or address[0] % 2 == 0:
                    raise DriverError(f"{show(address)} is not a multicast address")
            self.mode.multicast = wanted
        if promiscuous is not None:
            self.mode.promiscuous = promiscuous
        if all_multicast is not None:
            self.mode.all_multicast = all_multicast
        self.write_rx_mode()

    def write_rx_mode(self) -> None:
        """Write FCTRL, the address table, MTA and VLAN filtering.

        Ref: ixgbe_set_rx_mode.
        """
        bar, mode = self.hw.bar, self.mode
        everything = mode.promiscuous
        bar.write(
            FCTRL,
            bar.read(FCTRL).replace(
                SBP=0, BAM=1, DPF=1, PMCF=0, UPE=int(everything), MPE=int(everything or mode.all_multicast)
            ),
        )
        bar.update(VMOLR, self.pool, BAM=1, ROMPE=1, AUPE=1, MPE=int(everything or mode.all_multicast))
        for index, address in enumerate(self.table):
            if address is not None:
                self.set_rar(index, address)
                if self.pool_vlans is not None:
                    self.guests.write_pools(index)
        self._write_mta()
        self.write_vlans()

    def _write_mta(self) -> None:
        bar = self.hw.bar
        image = self._mta_image()
        for n in range(MTA.count):
            bar.write(MTA, image.get(n, 0), n)
        self._mta = image
        bar.write(MCSTCTRL, MCSTCTRL.of(MO=0, MFE=int(bool(image))))

    def _mta_image(self) -> dict[int, int]:
        hashes = {HASH(number) for number in self.guest_hashes}
        places = {mta_place(address) for address in self.mode.multicast} | {(found.WORD, found.BIT) for found in hashes}
        image: dict[int, int] = {}
        for register, bit in places:
            image[register] = image.get(register, 0) + 2**bit
        return image

    def set_guest_hashes(self, hashes: Iterable[int]) -> None:
        """Take multicast frames with these hashes in for other pools too; only words that change are written."""
        self.guest_hashes = set(hashes)
        image, before = self._mta_image(), self._mta
        for n in sorted({*image, *before}):
            if image.get(n) != before.get(n):
                self.hw.bar.write(MTA, image.get(n, 0), n)
        self._mta = image
        if bool(image) != bool(before):
            self.hw.bar.write(MCSTCTRL, MCSTCTRL.of(MO=0, MFE=int(bool(image))))

    def write_vlans(self) -> None:
        """Write the VLAN table and whether it counts; promiscuous takes every VLAN.

        With pools it always counts, or a pool would see frames of VLANs that are none of its business; a port that
        takes every VLAN has those to itself that nobody is in.
        """
        bar, mode = self.hw.bar, self.mode
        if self.pool_vlans is not None:
            self.pool_vlans.set_port(mode.vlans, follows=mode.promiscuous or not mode.vlan_filter)
            bar.update(VLNCTRL, VFE=1, CFIEN=0)
            return
        image: dict[int, int] = {}
        for vid in mode.vlans:
            image[vid // 32] = image.get(vid // 32, 0) + 2 ** (vid % 32)
        for n in range(VFTA.count):
            bar.write(VFTA, image.get(n, 0), n)
        bar.update(VLNCTRL, VFE=int(mode.vlan_filter and not mode.promiscuous), CFIEN=0)

    def write_vlan_strip(self, queues: Iterable[int]) -> None:
        """Let the chip take the tag out of frames of these Rx queues, or leave it in."""
        for queue in queues:
            self.hw.bar.update(RXDCTL, queue, VME=int(self.mode.vlan_strip))

    def add_vlan(self, vid: int) -> None:
        """Take frames of VLAN ``vid``; the first one other than 0 switches filtering on.

        Raises:
            DriverError: Not 0..4095.
        """
        self._check_vid(vid)
        self.mode.vlans.add(vid)
        if vid:
            self.mode.vlan_filter = True
        self.write_vlans()

    def kill_vlan(self, vid: int) -> None:
        """Stop taking frames of VLAN ``vid``; VLAN 0 (untagged, priority) stays.

        Raises:
            DriverError: Not 0..4095.
        """
        self._check_vid(vid)
        if vid:
            self.mode.vlans.discard(vid)
        self.write_vlans()

    @staticmethod
    def _check_vid(vid: int) -> None:
        if not 0 <= vid < VLANS:
            raise DriverError(f"VLAN {vid} is out of range: 0 to {VLANS - 1}")
