# SPDX-License-Identifier: BSD-3-Clause
"""Changes to a port, down or up: MTU, addresses, filters, VLANs, moderation, and the XDP program."""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from driver.core.xdp import XdpPort, XdpTarget
from driver.core.xdp_hook import XdpHook
from driver.errors import DriverError
from driver.ixgbe.port import Port
from driver.ixgbe.sw_init import LRO_ITR_US, check_mtu, check_xdp_mtu

log = logging.getLogger(__name__)


class Changes(Port):
    """The part of an adapter that changes what the port does.

    Attributes:
        programs: The XDP program, if there is one.
        reinit: Resets a running port; a port that is down stays so.
    """

    programs: XdpHook
    reinit: Callable[[], None]

    def set_mtu(self, mtu: int) -> None:
        """Change the largest frame; a running port is reset for it, as in Linux.

        Raises:
            DriverError: Not 68..9710, or too large for an XDP program; nothing was changed.
        """
        self.check_mtu(mtu)
        if mtu != self.sw.mtu:
            self.sw.mtu = mtu
            self.reinit()

    def xdp(self, program: Any, targets: Sequence[XdpTarget] = ()) -> None:
        """Let a program see each frame before anybody else; also while they come.

        Args:
            program: A C function or a callable, see ``driver.core.xdp.Xdp``; None: no program any more.  It stays while
                the port goes down and up.  A port that coalesces is reset, and coalesces again when it is started
                without one.
            targets: What ``Verdict.REDIRECT`` may choose from: other NICs, interfaces.

        Raises:
            DriverError: It is no program, a target has no XDP Tx rings, or the MTU is too large for one; nothing was
                changed.
        """
        if program is not None:
            check_xdp_mtu(self.sw.mtu)
        if program is None or not self.lro:
            self.programs.set(program, targets)
            return
        self.pause()
        try:
            self.programs.set(program, targets)  # nobody polls: it sees no frame before the reset
        except DriverError:
            self.resume()
            raise
        self._follow_lro()

    def xdp_port(self, queue: int) -> XdpPort:
        """Where programs of other NICs send what their Rx queue ``queue`` got.

        Raises:
            DriverError: This port was never up with XDP Tx rings.
        """
        return self.programs.port(queue)

    def check_mtu(self, mtu: int) -> int:
        """An MTU that the hardware takes, and the XDP program if there is one; raises ``DriverError``."""
        return check_xdp_mtu(check_mtu(mtu)) if self.programs.attached else check_mtu(mtu)

    # ---- coalescing ------------------------------------------------------------------------------------------------

    @property
    def lro(self) -> bool:
        """Whether the rings that there are get TCP in packets of many frames."""
        return any(ring.lro for ring in self.rx_rings)

    def why_no_lro(self) -> str:
        """What forbids coalescing, wanted or not; empty: nothing.

        Ref: ixgbe_fix_features, ixgbe_update_rsc, ixgbe_enable_sriov.
        """
        if self.programs.attached:
            return "an XDP program sees each frame"
        if self.vfs is not None:
            return "the port has virtual functions"
        if self.sw.fixed_itr_us is not None and self.sw.fixed_itr_us <= LRO_ITR_US:
            return f"an interval of {self.sw.fixed_itr_us} µs is too short: {LRO_ITR_US + 1} at least"
        return ""

    def wants_lro(self) -> bool:
        """Whether rings that are made now are to have it."""
        return self.sw.lro and not self.why_no_lro()

    def set_lro(self, *, on: bool, fixed_itr_us: int | None = None) -> None:
        """Take TCP in packets of many frames where nothing forbids it; a running port is reset for it.

        Args:
            on: Whether the consumer of the rings can take them; it cannot until this says so.
            fixed_itr_us: The interval that the vectors keep; None: it changes with the load.
        """
        self.sw.lro, self.sw.fixed_itr_us = on, fixed_itr_us
        self._follow_lro()

    def _follow_lro(self) -> None:
        if self.running and self.lro != self.wants_lro():
            log.info("%s: LRO is %s now: %s", self.door.name, *self._told_lro())
            self.reinit()

    def _told_lro(self) -> tuple[str, str]:
        if self.wants_lro():
            return "on", "nothing forbids it"
        return "off", self.why_no_lro() or "nobody wants it"

    def set_rx_mode(
        self,
        *,
        promiscuous: bool | None = None,
        all_multicast: bool | None = None,
        multicast: Iterable[bytes] | None = None,
    ) -> None:
        """Change promiscuous and multicast reception; see ``Mac.set_rx_mode``."""
        self.hw.mac.set_rx_mode(promiscuous=promiscuous, all_multicast=all_multicast, multicast=multicast)

    def set_mac(self, address: bytes) -> None:
        """Change our own address.

        Raises:
            DriverError: No station can have it.
        """
        self.hw.mac.set_default_filter(address)

    def vlan_add(self, vid: int) -> None:
        """Take frames of VLAN ``vid``, 0 to 4095."""
        self.hw.mac.add_vlan(vid)

    def vlan_kill(self, vid: int) -> None:
        """Stop taking frames of VLAN ``vid``."""
        self.hw.mac.kill_vlan(vid)

    def set_vlan_features(self, *, filtering: bool | None = None, stripping: bool | None = None) -> None:
        """Switch VLAN filtering and stripping.

        Both are off until asked for: nobody tells a userspace driver which VLANs the system wants, and a frame
        should arrive as it was on the wire.
        """
        mode = self.hw.mac.mode
        if filtering is not None:
            mode.vlan_filter = filtering
            self.hw.mac.write_vlans()
        if stripping is not None:
            mode.vlan_strip = stripping
            self.hw.mac.write_vlan_strip(ring.reg_idx for ring in self.rx_rings)

    def set_itr_us(self, itr_us: int) -> None:
        """Set the moderation interval of every queue vector, in µs."""
        self.sw.itr_us = itr_us
        if self.running:
            self.scheme.configure(itr_us)
