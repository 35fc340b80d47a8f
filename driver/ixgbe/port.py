# SPDX-License-Identifier: BSD-3-Clause
"""A probed port as everybody who works on it sees it: what it is made of, and the state it is in."""

from collections.abc import Callable
from typing import Any

from device.regs.core import Register
from device.regs.i82599 import WUFC
from driver.claim import Claim
from driver.core.bar import Bar
from driver.core.dma import IOVA_BASE_64, Arena
from driver.core.qvector import QVector
from driver.core.station import show
from driver.core.vsi import Vsi
from driver.doors.door import Door
from driver.ixgbe.hw.hw import Hw
from driver.ixgbe.hw.info import Info
from driver.ixgbe.hw.link import LinkStatus
from driver.ixgbe.interrupts import InterruptScheme
from driver.ixgbe.sriov.host import Sriov
from driver.ixgbe.sw_init import SwState


class Port:
    """What ``Adapter`` is built on.

    Attributes:
        arena: Memory of the rings; None while the port is down.
        rx_rings: Rings by queue, empty while the port is down.
        tx_rings: The same for Tx.
        xdp_rings: Tx rings that are no queues of the interface, on the hardware queues above those.
        link: As the service task saw it last.
        running: Between ``up`` and ``down``.
        about: What the probe found, by name.
        pause: Called before running rings are touched: whoever polls them lets go.
        resume: Called afterwards.
        reinits: How often the running port was reset.
        past: What rings counted that are gone, by name.
        wake_filters: What shall wake the system while the port sleeps.
        saved_state: Configuration space as it has to be, for a function that lost it.
        vfs: Its virtual functions; None: it has none.
    """

    def __init__(
        self, hw: Hw, sw: SwState, scheme: InterruptScheme, claim: Claim, *, iova_base: int = IOVA_BASE_64
    ) -> None:
        """Down, with interrupts not taken yet."""
        self.hw = hw
        self.sw = sw
        self.scheme = scheme
        self.claim = claim
        self.iova_base = iova_base
        self.arena: Arena | None = None
        self.rx_rings: list[Any] = []
        self.tx_rings: list[Any] = []
        self.xdp_rings: list[Any] = []
        self.link = LinkStatus()
        self.running = False
        self.about: dict[str, str] = {}
        self.pause: Callable[[], None] = lambda: None
        self.resume: Callable[[], None] = lambda: None
        self.reinits = 0
        self.past: dict[str, int] = {}
        self.wake_filters = WUFC()
        self.saved_state: dict[type[Register], Register] = {}
        self.vfs: Sriov | None = None

    @property
    def door(self) -> Door:
        """The function's door."""
        return self.hw.door

    @property
    def bar(self) -> Bar:
        """The function's registers."""
        return self.hw.bar

    @property
    def info(self) -> Info:
        """The MAC generation."""
        return self.hw.info

    @property
    def vsi(self) -> Vsi | None:
        """Queues and vectors."""
        return self.scheme.vsi

    @property
    def q_vectors(self) -> list[QVector]:
        """The vectors that serve rings."""
        return self.scheme.q_vectors

    @property
    def senders(self) -> list[Any]:
        """Every Tx ring: the interface's, then those of XDP."""
        return [*self.tx_rings, *self.xdp_rings]

    @property
    def mac(self) -> str:
        """Our address, as people write it."""
        return show(self.hw.mac.address)

    @property
    def mtu(self) -> int:
        """Largest packet, in bytes."""
        return self.sw.mtu
