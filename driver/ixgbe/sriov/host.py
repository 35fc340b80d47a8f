# SPDX-License-Identifier: BSD-3-Clause
"""The virtual functions of a port: made, served, and let go, in step with what happens to the port."""

import logging
from collections.abc import Sequence
from typing import Any

from driver.doors.config import Config
from driver.errors import DriverError
from driver.ixgbe.hw.link import LinkStatus
from driver.ixgbe.sriov import enable
from driver.ixgbe.sriov.admin import Admin
from driver.ixgbe.sriov.chip import PoolChip, PortView
from driver.ixgbe.sriov.counters import PoolCounters
from driver.ixgbe.sriov.pools import Pools
from driver.ixgbe.sriov.state import Vf
from driver.ixgbe.sriov.turns import Turns

log = logging.getLogger(__name__)


class Sriov:
    """The virtual functions of one port.

    Args:
        port: The port.
        name: Its door.
        vfs: How many, 1 to 63.

    Attributes:
        pools: How the queues are divided.
        chip: The pools.
        turns: The mailboxes.
        admin: What is decided.
    """

    def __init__(self, port: PortView, name: str, vfs: int) -> None:
        """Nothing is touched yet."""
        self.port = port
        self.name = name
        self.pools = Pools(vfs)
        self.chip = PoolChip(port, self.pools)
        self.turns = Turns(self.chip, port.hw.clock, name)
        self.counters = PoolCounters(port.hw.bar, vfs)
        self.admin = Admin(self.chip, self.counters, self.restart, self._spoofed)
        self.chip.vlans.moved = self.admin.follow_vlans
        self._spoofed_told = 0
        self._lost_told = False

    @property
    def config(self) -> Config:
        """The port's configuration space."""
        return self.port.hw.config

    def _spoofed(self) -> int:
        return self.port.hw.stats.totals.get("tx_spoofed", 0)

    # ---- in step with the port -------------------------------------------------------------------------------------

    def enable(self) -> None:
        """Let the VFs exist.

        Raises:
            ProbeError: They cannot.
        """
        enable.enable(self.config, self.name, self.pools.vfs)
        log.info("%s: SR-IOV enabled with %d VFs", self.name, self.pools.vfs)

    def disable(self) -> None:
        """Let none exist any more."""
        self.chip.undivide()
        enable.disable(self.config, self.port.hw.clock.sleep)

    def configure(self) -> None:
        """After a reset, before rings: divide the chip.  Whoever reset the whole function took the VFs away too.

        Raises:
            ProbeError: They do not come back.
        """
        if enable.enabled(self.config) != self.pools.vfs:
            self.enable()
        self.turns.begin()
        self.chip.divide()
        self.counters.begin()
        for vf in self.chip.vfs:
            self.admin.write_rate(vf)
        self.admin.write_mirrors()

    def configured(self) -> None:
        """The port is up: VFs may come to their mailboxes again, and are told so."""
        self.ping_all()
        self.turns.turn()

    def quiesce(self) -> None:
        """The port goes down: no VF is clear to send until it starts anew."""
        for vf in self.chip.vfs:
            self.counters.update(vf.n)
            vf.cts = False
        self.chip.active = False

    # ---- while it runs ---------------------------------------------------------------------------------------------

    @property
    def due_s(self) -> float:
        """Seconds until mailboxes want a turn even if nobody interrupts."""
        return self.turns.due_s if self.chip.active else float("inf")

    def turn(self) -> None:
        """Serve the mailboxes once."""
        if self.chip.active:
            self.turns.turn()

    def ping_all(self) -> None:
        """Have every VF look at its link, and whether it is still clear to send."""
        for vf in self.chip.vfs:
            self.turns.ping(vf)

    def restart(self, vf: Vf) -> None:
        """Something was decided that a VF's driver learns when it starts: make it."""
        vf.cts = False
        if self.chip.active:
            self.chip.write_traffic(vf)
            self.turns.ping(vf)
            self.turns.turn()

    def link_changed(self, now: LinkStatus) -> None:
        """The port's link came, went or changed its speed."""
        self.ping_all()
        if self.admin.rate_link_mbps and now.up and now.speed_mbps != self.admin.rate_link_mbps:
            log.warning("%s: the link runs at %d Mb/s now: the rates of VFs are off", self.name, now.speed_mbps)
            self.admin.rate_link_mbps = 0
            for vf in self.chip.vfs:
                vf.wish.max_mbps = 0
                self.admin.write_rate(vf)

    def watch(self) -> None:
        """Now and then: counters, spoofed frames, and whether the VFs are still there."""
        self.counters.turn()
        spoofed = self._spoofed()
        if spoofed > 2 * self._spoofed_told:  # told again when it has doubled
            log.warning("%s: %d spoofed frames of VFs were dropped so far", self.name, spoofed)
            self._spoofed_told = spoofed
        there = enable.enabled(self.config)
        if there != self.pools.vfs and not self._lost_told:
            log.error(
                "%s: somebody changed the number of VFs from %d to %d under this driver: start it anew",
                self.name, self.pools.vfs, there,
            )  # fmt: skip
        self._lost_told = there != self.pools.vfs

    # ---- for people ------------------------------------------------------------------------------------------------

    def table(self) -> dict[str, Any]:
        """Every VF, and how the queues are divided."""
        return self.admin.table()

    def change(self, n: int, what: str, words: Sequence[str]) -> dict[str, Any]:
        """Change something of VF ``n``; returns its row of the table.

        Raises:
            DriverError: It cannot be; nothing was changed.
        """
        return self.admin.change(n, what, words)

    def check_queues(self, queues: int, xdp_rings: int) -> None:
        """See that the port's rings find room in its pool; raises ``DriverError``."""
        self.pools.check_queues(queues, xdp_rings)


def check_down(running: bool, name: str) -> None:
    """VFs are made before the port comes up.

    Raises:
        DriverError: It is up.
    """
    if running:
        raise DriverError(f"{name} is up: VFs are made before that; take it down first")
