# SPDX-License-Identifier: BSD-3-Clause
"""The chip as messages and administrators change it: each VF's pool, its addresses, its VLANs.

State is kept here and in ``Mac``; registers are written from it, so that the port's own changes lose nothing.
"""

import errno
import logging
from collections.abc import Sequence
from typing import Protocol

from device.regs.i82599 import MAXFRS, MCSTCTRL, RETA
from driver.core.bar import Bar
from driver.core.station import show
from driver.ixgbe.hw.hw import Hw
from driver.ixgbe.hw.link import LinkStatus
from driver.ixgbe.sriov import registers
from driver.ixgbe.sriov.messages import FRAME_BYTES, HEADER_BYTES
from driver.ixgbe.sriov.pools import Pools
from driver.ixgbe.sriov.state import LinkWish, Vf
from driver.ixgbe.sriov.vlans import VlanTable
from driver.ixgbe.sw_init import SwState

log = logging.getLogger(__name__)

PORT_ADDRESSES_MAX = 15  # of the receive addresses, beside its own; Ref: IXGBE_MAX_PF_MACVLANS


class PortView(Protocol):
    """What is to be known of the port.

    Attributes:
        hw: Its operations.
        sw: Its sizes.
        link: As the service task saw it last.
        running: Between ``up`` and ``down``.
    """

    hw: Hw
    sw: SwState
    link: LinkStatus
    running: bool


class PoolChip:
    """The pools of a port.

    Attributes:
        pools: How the queues are divided.
        vfs: Every VF, by number.
        vlans: Who is in which VLAN.
        active: The registers are divided into pools: from ``divide`` until the next reset.
    """

    def __init__(self, port: PortView, pools: Pools) -> None:
        """Nothing is written yet."""
        self.port = port
        self.pools = pools
        self.vfs = [Vf(n) for n in range(pools.vfs)]
        self.vlans = VlanTable(self.bar, pools.own)
        self.active = False

    @property
    def bar(self) -> Bar:
        """The registers."""
        return self.port.hw.bar

    def divide(self) -> None:
        """After a reset: write the division, and every VF's part of it as if its driver had asked for nothing."""
        mac = self.port.hw.mac
        for vf in self.vfs:
            vf.forget()
        mac.guests.forget()
        mac.guest_hashes.clear()
        mac.pool, mac.pool_vlans = self.pools.own, self.vlans
        mac.add_san_address()
        self.vlans.forget()
        self.vlans.write_all()
        registers.divide(self.bar, self.pools)
        self.active = True
        for vf in self.vfs:
            registers.spoof_checks(self.bar, vf.n, on=vf.wish.spoofchk)
            registers.accepts(self.bar, vf)
            registers.port_vlan(self.bar, self.pools, vf)

    def undivide(self) -> None:
        """The port has no VFs any more."""
        self.active = False
        mac = self.port.hw.mac
        mac.guests.forget()
        mac.guest_hashes.clear()
        mac.pool, mac.pool_vlans = 0, None

    def stop(self, vf: Vf) -> None:
        """Take back what a VF's driver asked for: the VF was reset.

        Ref: ixgbe_vf_reset_event.
        """
        mac = self.port.hw.mac
        hashes, had = vf.hashes, [*vf.macvlans, *([vf.mac] if vf.mac is not None else [])]
        vf.forget()
        self.vlans.clear(vf.n)
        self.vlans.add(vf.n, vf.wish.vlan)
        registers.accepts(self.bar, vf)
        registers.port_vlan(self.bar, self.pools, vf)
        if hashes:
            self._write_hashes()
        for address in had:
            mac.guests.unshare(address, vf.n)
        registers.stop_tx(self.bar, self.pools, vf.n)

    def write_traffic(self, vf: Vf) -> None:
        """Let a VF receive and send as far as its administrator and the rules of jumbo frames let it."""
        linked = self.may_have_link(vf) and vf.started
        registers.traffic(self.bar, vf.n, receive=linked and vf.may_receive, send=linked)

    def _write_hashes(self) -> None:
        self.port.hw.mac.set_guest_hashes(number for vf in self.vfs for number in vf.hashes)

    # ---- what messages change --------------------------------------------------------------------------------------

    def restarted(self, vf: Vf) -> None:
        """Its driver starts anew: forget what it had, and let it begin.

        Ref: ixgbe_vf_reset_msg.
        """
        self.stop(vf)
        vf.mac = vf.wish.mac or vf.mac
        if vf.mac is not None:
            try:
                self.port.hw.mac.guests.share(vf.mac, vf.n)
            except OSError as err:
                log.warning("VF %d: %s: %s", vf.n, show(vf.mac), err)
        vf.started = vf.cts = True
        vf.may_receive = self.port_frame_bytes <= FRAME_BYTES
        self.write_traffic(vf)
        registers.count_spoofed(self.bar, vf.n)
        registers.forget_head_writeback(self.bar, self.pools, vf.n)
        vf.counts["restarts"] += 1

    def set_mac(self, vf: Vf, address: bytes) -> None:
        """Take frames to ``address`` for it, and no longer to the one before.

        Raises:
            OSError: ENOSPC, there is no room; it has the one before.
        """
        mac = self.port.hw.mac
        if self.active:
            mac.guests.share(address, vf.n)
        before, vf.mac = vf.mac, address
        if before not in {None, address} and before not in vf.macvlans:
            mac.guests.unshare(before or b"", vf.n)

    def drop_mac(self, vf: Vf) -> None:
        """It has no address any more."""
        if vf.mac is not None and vf.mac not in vf.macvlans:
            self.port.hw.mac.guests.unshare(vf.mac, vf.n)
        vf.mac = None

    def set_port_vlan(self, vf: Vf, vid: int, qos: int) -> None:
        """All frames of a VF are in VLAN ``vid`` from now on, unseen by it; 0: in those that it joins itself.

        Raises:
            OSError: ENOSPC, there is no room; nothing was changed.
        """
        if self.active:
            self.vlans.add(vf.n, vid)
            for other in {vf.wish.vlan, 0, *vf.vlans} - {vid}:
                self.vlans.remove(vf.n, other)
            vf.vlans.clear()
        vf.wish.vlan, vf.wish.qos = vid, qos
        if self.active:
            registers.port_vlan(self.bar, self.pools, vf)
            registers.accepts(self.bar, vf)

    def set_multicast(self, vf: Vf) -> None:
        """Its hashes changed."""
        self._write_hashes()
        registers.accepts(self.bar, vf)

    def set_xcast(self, vf: Vf) -> None:
        """Its mode changed."""
        registers.accepts(self.bar, vf)

    def add_vlan(self, vf: Vf, vid: int) -> None:
        """It joins a VLAN.

        Raises:
            OSError: ENOSPC, there is no room.
        """
        self.vlans.add(vf.n, vid)
        vf.vlans.add(vid)

    def remove_vlan(self, vf: Vf, vid: int) -> None:
        """It leaves a VLAN."""
        self.vlans.remove(vf.n, vid)
        vf.vlans.discard(vid)

    def add_macvlan(self, vf: Vf, address: bytes) -> None:
        """Take frames to one more address for it.

        Raises:
            OSError: ENOSPC, there is no room: the port's own and one for each VF are kept.
        """
        room = len(self.port.hw.mac.table) - (PORT_ADDRESSES_MAX + 1 + self.pools.vfs)
        if sum(len(other.macvlans) for other in self.vfs) >= room:
            raise OSError(errno.ENOSPC, f"all {room} receive addresses for this are in use")
        self.port.hw.mac.guests.share(address, vf.n)
        if address not in vf.macvlans:
            vf.macvlans.append(address)

    def clear_macvlans(self, vf: Vf) -> None:
        """Its additional addresses go."""
        while vf.macvlans:
            address = vf.macvlans.pop()
            if address != vf.mac:
                self.port.hw.mac.guests.unshare(address, vf.n)

    def set_max_frame(self, vf: Vf, len_bytes: int) -> None:
        """Let frames of this length in; what is longer already stays."""
        if len_bytes > self.bar.read(MAXFRS).MFS:
            self.bar.update(MAXFRS, MFS=len_bytes)

    def set_receive(self, vf: Vf) -> None:
        """Whether it may receive changed."""
        self.write_traffic(vf)

    @property
    def port_frame_bytes(self) -> int:
        """The port's largest frame, without its checksum."""
        return self.port.sw.mtu + HEADER_BYTES

    @property
    def queues(self) -> int:
        """Queue pairs of a pool."""
        return self.pools.queues

    @property
    def rss_entries(self) -> Sequence[int]:
        """The port's RSS table."""
        words = [self.bar.read(RETA, n) for n in range(RETA.count)]
        return [getattr(word, f"ENTRY{k}") for word in words for k in range(4)]

    @property
    def rss_key(self) -> bytes:
        """The port's RSS key."""
        return self.port.sw.rss_key

    @property
    def filter_type(self) -> int:
        """Which bits of a multicast address make its hash."""
        return self.bar.read(MCSTCTRL).MO

    def may_have_link(self, vf: Vf) -> bool:
        """Whether its administrator lets it have a link."""
        return vf.wish.link is not LinkWish.DISABLE and self.port.running
