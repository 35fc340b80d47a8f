# SPDX-License-Identifier: BSD-3-Clause
"""Changes to a port, down or up: MTU, addresses, filters, VLANs, moderation, and the XDP program."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from driver.core.xdp import XdpPort, XdpTarget
from driver.core.xdp_hook import XdpHook
from driver.ixgbe.port import Port
from driver.ixgbe.sw_init import check_mtu, check_xdp_mtu


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
                the port goes down and up.
            targets: What ``Verdict.REDIRECT`` may choose from: other NICs, interfaces.

        Raises:
            DriverError: It is no program, a target has no XDP Tx rings, or the MTU is too large for one; nothing was
                changed.
        """
        if program is not None:
            check_xdp_mtu(self.sw.mtu)
        self.programs.set(program, targets)

    def xdp_port(self, queue: int) -> XdpPort:
        """Where programs of other NICs send what their Rx queue ``queue`` got.

        Raises:
            DriverError: This port was never up with XDP Tx rings.
        """
        return self.programs.port(queue)

    def check_mtu(self, mtu: int) -> int:
        """An MTU that the hardware takes, and the XDP program if there is one; raises ``DriverError``."""
        return check_xdp_mtu(check_mtu(mtu)) if self.programs.attached else check_mtu(mtu)

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
