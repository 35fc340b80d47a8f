# SPDX-License-Identifier: BSD-3-Clause
"""What a virtual function is to receive and to be called: wishes, and what the physical function's driver says to them.

A wish is kept while the function is down, and told again after every reset; a refusal costs that wish only.

Ref: ixgbevf_set_rx_mode, ixgbevf_restore_vlan, ixgbevf_set_mac, ixgbevf_change_mtu.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from device.regs.i82599.mbx import HASHES_MAX, ApiVersion, XcastMode
from driver.core.station import show, valid_station
from driver.core.xdp import XdpPort, XdpTarget
from driver.errors import DriverError
from driver.ixgbevf.mailbox import MailboxError, RefusedError, RestartError
from driver.ixgbevf.port import VfPort, check_mtu, check_xdp_mtu
from driver.ixgbevf.service import VfService

log = logging.getLogger(__name__)

VLANS = 4095  # 4095 itself is none


class Changes(VfPort):
    """The part of an adapter that changes what the function does.

    Attributes:
        reinit: Resets a running function; one that is down stays so.
        said: Refusals that were logged.
        work: The service task, which tells again what the peer did not hear.
    """

    reinit: Callable[[], None]
    said: set[str]
    work: VfService

    @property
    def _hears(self) -> bool:
        """Whether the peer can be asked now; a function that is down, or lost, says it all when it comes up."""
        return self.running and self.hw.clear

    def _refused(self, what: str) -> None:
        if what not in self.said:
            self.said.add(what)
            log.warning("%s: the physical function's driver %s (said once)", self.door.name, what)

    def _tell(self, wish: Callable[[], None]) -> None:
        """Tell the peer a wish now if it hears us, else later."""
        if not self._hears:
            return
        try:
            wish()
        except RestartError:
            pass  # it is told everything when it knows us again
        except MailboxError as err:
            self.work.later(str(err))

    def tell_again(self) -> None:
        """What the peer did not hear."""
        self._tell(self.tell_reception)

    def set_lro(self, *, on: bool, fixed_itr_us: int | None = None) -> None:
        """The queues of a virtual function do not coalesce, whoever wants it."""

    def why_no_lro(self) -> str:
        """Why they do not.

        Ref: ixgbe_enable_sriov, which switches it off for the whole port.
        """
        return "a virtual function's queues do not coalesce"

    # ---- reception -------------------------------------------------------------------------------------------------

    def tell_reception(self) -> None:
        """Tell the peer all wishes about reception."""
        self._tell_xcast()
        self._tell_multicast()
        for vid in sorted(self.wish.vlans):
            try:
                self.hw.set_vlan(vid, on=True)
            except RefusedError:
                self._refused(f"does not let it join VLAN {vid}")

    def _tell_xcast(self) -> None:
        wanted = XcastMode.PROMISC if self.wish.promiscuous else XcastMode.ALLMULTI
        if not self.wish.promiscuous and not self.wish.all_multicast:
            wanted = XcastMode.MULTI
        if wanted is XcastMode.PROMISC and not self.hw.mailbox.at_least(ApiVersion.V1_3):
            self._refused("knows no promiscuous reception: it speaks an API before 1.3")
            wanted = XcastMode.ALLMULTI
        for mode in sorted({wanted, XcastMode.ALLMULTI, XcastMode.MULTI} - set(range(wanted + 1, 8)), reverse=True):
            try:
                self.hw.set_xcast(mode)
            except RefusedError:
                self._refused(f"refuses reception mode {mode.name}")
            else:
                return

    def _tell_multicast(self) -> None:
        groups = self.wish.multicast
        if len(groups) > HASHES_MAX:
            self._refused(f"can be told {HASHES_MAX} multicast groups, and there are {len(groups)}: the rest is lost")
        try:
            self.hw.set_multicast(groups)
        except RefusedError:
            self._refused("refuses multicast groups")

    def set_rx_mode(
        self,
        *,
        promiscuous: bool | None = None,
        all_multicast: bool | None = None,
        multicast: Iterable[bytes] | None = None,
    ) -> None:
        """Change promiscuous and multicast reception; what is not given stays.

        Raises:
            DriverError: A group is no multicast address; nothing was changed.
        """
        groups = None if multicast is None else tuple(sorted(set(multicast)))
        for address in groups or ():
            if len(address) != 6 or address[0] % 2 == 0:
                raise DriverError(f"{show(address)} is no multicast address")
        before = (self.wish.promiscuous, self.wish.all_multicast)
        if promiscuous is not None:
            self.wish.promiscuous = promiscuous
        if all_multicast is not None:
            self.wish.all_multicast = all_multicast
        if (self.wish.promiscuous, self.wish.all_multicast) != before:
            self._tell(self._tell_xcast)
        if groups is not None and groups != self.wish.multicast:
            self.wish.multicast = groups
            self._tell(self._tell_multicast)

    def vlan_add(self, vid: int) -> None:
        """Take frames of VLAN ``vid``, 0 to 4094.

        Raises:
            DriverError: It is none, or the peer does not let us.
        """
        self._vlan(vid, on=True)

    def vlan_kill(self, vid: int) -> None:
        """Stop taking frames of VLAN ``vid``."""
        self._vlan(vid, on=False)

    def _vlan(self, vid: int, *, on: bool) -> None:
        if not 0 <= vid < VLANS:
            raise DriverError(f"VLAN {vid} is out of range: 0 to {VLANS - 1}")
        if self._hears:
            self.hw.set_vlan(vid, on=on)
        if on:
            self.wish.vlans.add(vid)
        else:
            self.wish.vlans.discard(vid)

    # ---- address and size ------------------------------------------------------------------------------------------

    def set_mac(self, address: bytes) -> None:
        """Change our own address.

        Raises:
            DriverError: No station can have it, or the peer does not let us; it stays as it was.
        """
        if not valid_station(address):
            raise DriverError(f"{show(address)} cannot be a station's address")
        if not self._hears:
            self.hw.address = address
            return
        try:
            self.hw.set_mac(address)
        except RefusedError as err:
            raise RefusedError(
                f"{self.door.name}: the physical function's driver refuses the address {show(address)}, it stays "
                f"{self.mac}: its administrator has set one, and trusts this function with no other"
            ) from err

    def tell_mac(self) -> None:
        """Tell the peer our address; if it does not let us have that one, we have the one it gave.

        Raises:
            RefusedError: It does not let us have that one either.
        """
        try:
            self.hw.set_mac(self.hw.address)
        except RefusedError:
            if self.hw.address == self.hw.perm_addr:
                raise
            self._refused(f"refuses the address {self.mac}: it is {show(self.hw.perm_addr)} again")
            self.hw.set_mac(self.hw.perm_addr)

    def check_mtu(self, mtu: int) -> int:
        """An MTU that the hardware takes, and the XDP program if there is one; raises ``DriverError``."""
        return check_xdp_mtu(check_mtu(mtu)) if self.programs.attached else check_mtu(mtu)

    def set_mtu(self, mtu: int) -> None:
        """Change the largest frame; a running function is reset for it, as in Linux.

        Raises:
            DriverError: Out of range, too large for an XDP program, or the peer refuses it; it stays as it was.
        """
        self.check_mtu(mtu)
        if mtu == self.mtu:
            return
        before, self.mtu = self.mtu, mtu
        if self._hears:
            try:
                self.tell_max_frame()
            except MailboxError as err:
                self.mtu = before
                if isinstance(err, RefusedError):
                    self.tell_max_frame()  # a refusal may have cost us all reception
                raise
            self.reinit()

    def tell_max_frame(self) -> None:
        """Tell the peer how large frames are.

        Raises:
            RefusedError: It refuses.
        """
        try:
            self.hw.set_max_frame(self.max_frame_bytes)
        except RefusedError as err:
            raise RefusedError(
                f"{self.door.name}: the physical function's driver refuses MTU {self.mtu} (frames of "
                f"{self.max_frame_bytes} bytes): jumbo frames want an MTU above 1500 there too, and API 1.1"
            ) from err

    # ---- XDP -------------------------------------------------------------------------------------------------------

    def xdp(self, program: Any, targets: Sequence[XdpTarget] = ()) -> None:
        """Let a program see each frame before anybody else; see ``driver.core.xdp.Xdp``.  None: no program any more.

        Raises:
            DriverError: It is no program, a target has no XDP Tx rings, or the MTU is too large for one; nothing was
                changed.
        """
        if program is not None:
            check_xdp_mtu(self.mtu)
        self.programs.set(program, targets)

    def xdp_port(self, queue: int) -> XdpPort:
        """Where programs of other NICs send what their Rx queue ``queue`` got.

        Raises:
            DriverError: This function was never up with XDP Tx rings.
        """
        return self.programs.port(queue)

    def set_itr_us(self, itr_us: int) -> None:
        """Set the moderation interval of every queue vector, in µs."""
        self.itr_us = itr_us
        if self.running:
            self.scheme.configure(itr_us)
            self.scheme.enable()
