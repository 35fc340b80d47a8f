# SPDX-License-Identifier: BSD-3-Clause
"""A probed virtual function as everybody who works on it sees it: what it is made of, and the state it is in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from device.regs.core import Register
from driver.claim import Claim
from driver.core.bar import Bar
from driver.core.dma import IOVA_BASE_64, Arena
from driver.core.frames import RingUser
from driver.core.qvector import QVector
from driver.core.station import show
from driver.core.xdp_hook import XdpHook
from driver.doors.door import Door
from driver.errors import DriverError
from driver.ixgbevf.hw import VfHw, VfLink
from driver.ixgbevf.interrupts import VfInterrupts
from driver.ixgbevf.rings import RING_DEFAULT, RX_BUF_BYTES
from driver.ixgbevf.stats import VfStats

MTUS = range(68, 9711)
MTU_DEFAULT = 1500
FRAME_OVERHEAD = 18  # Ethernet header and FCS
VLAN_TAG_BYTES = 4


def check_mtu(mtu: int) -> int:
    """An MTU that the hardware takes.

    Raises:
        DriverError: Names the value and the range.
    """
    if mtu not in MTUS:
        raise DriverError(f"MTU {mtu} is out of range: a VF of the 82599 takes {MTUS[0]} to {MTUS[-1]} bytes")
    return mtu


def check_xdp_mtu(mtu: int) -> int:
    """An MTU whose frames lie in one buffer, as an XDP program wants them.

    Raises:
        DriverError: Names the value and the limit.
    """
    most = RX_BUF_BYTES - FRAME_OVERHEAD - VLAN_TAG_BYTES
    if mtu > most:
        raise DriverError(f"MTU {mtu} is too large for an XDP program, whose frames lie in one buffer: {most} at most")
    return mtu


@dataclass
class Wish:
    """What the interface asks for beyond its own address; it outlives resets.

    All multicast is wished for at first: not every group that the system joins is seen at once.  A peer that does not
    trust us gives the groups that we name.
    """

    promiscuous: bool = False
    all_multicast: bool = True
    multicast: tuple[bytes, ...] = ()
    vlans: set[int] = field(default_factory=set)


class VfPort(RingUser):
    """What ``VfAdapter`` is built on.

    Attributes:
        hw: The hardware.
        scheme: Its interrupts.
        claim: Nobody else drives it meanwhile.
        stats_nic: What the hardware counted.
        programs: The XDP program, if there is one.
        wish: What it is to receive.
        xdp_rings: Tx rings that are no queues of the interface.
        link: As the service task saw it last.
        about: What the probe found, by name.
        pause: Called before running rings are touched: whoever polls them lets go.
        resume: Called afterwards.
        reinits: How often it was reset while it ran.
        past: What rings counted that are gone, by name.
        netdev: The interface, once there is one.
        saved_state: Configuration space as it has to be, for a function that lost it.
    """

    def __init__(self, hw: VfHw, scheme: VfInterrupts, claim: Claim, *, iova_base: int = IOVA_BASE_64) -> None:
        """Down, with interrupts not taken yet."""
        self.hw = hw
        self.scheme = scheme
        self.claim = claim
        self.iova_base = iova_base
        self.stats_nic = VfStats(hw.bar)
        self.programs = XdpHook(hw.door.name)
        self.wish = Wish()
        self.mtu = MTU_DEFAULT
        self.ring_count = RING_DEFAULT
        self.itr_us = 0
        self.arena: Arena | None = None
        self.rx_rings: list[Any] = []
        self.tx_rings: list[Any] = []
        self.xdp_rings: list[Any] = []
        self.link = VfLink()
        self.running = False
        self.about: dict[str, str] = {}
        self.pause: Callable[[], None] = lambda: None
        self.resume: Callable[[], None] = lambda: None
        self.reinits = 0
        self.past: dict[str, int] = {}
        self.netdev: object | None = None
        self.saved_state: dict[type[Register], Register] = {}

    @property
    def door(self) -> Door:
        """The function's door."""
        return self.hw.door

    @property
    def bar(self) -> Bar:
        """The function's registers."""
        return self.hw.bar

    @property
    def irqs(self) -> VfInterrupts:
        """Its interrupts."""
        return self.scheme

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
        return show(self.hw.address)

    @property
    def max_frame_bytes(self) -> int:
        """Largest frame on the wire, FCS included."""
        return self.mtu + FRAME_OVERHEAD
