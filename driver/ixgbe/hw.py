# SPDX-License-Identifier: BSD-3-Clause
"""What every hardware operation of one port shares: its registers, its door, time, and the operations themselves.

``Hw`` owns no resource.  It is handed to the operation objects (``Eeprom``, ``SfpPhy``, ``Link``, ``Mac`` …), which
find each other through it, as Linux's ``struct ixgbe_hw`` does.
"""

import time
from typing import TYPE_CHECKING, Protocol

from device.regs.i82599 import STATUS
from driver.core.bar import Bar
from driver.doors.config import Config
from driver.doors.door import Door
from driver.ixgbe.eeprom import DeviceCaps
from driver.ixgbe.stats import HwStats

if TYPE_CHECKING:
    from driver.ixgbe.eeprom import Eeprom
    from driver.ixgbe.info import DeviceId, Info
    from driver.ixgbe.link import Link
    from driver.ixgbe.mac import Mac
    from driver.ixgbe.phy import SfpPhy
    from driver.ixgbe.reset import Reset
    from driver.ixgbe.swfw import SwFw


class Clock(Protocol):
    """Time as the driver sees it; tests own theirs."""

    def now_s(self) -> float:
        """Monotonic seconds."""

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass, at least a millisecond or so."""

    def delay_us(self, microseconds: float) -> None:
        """Let a few µs pass, too few to sleep."""


class SystemClock:
    """Real time."""

    def now_s(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)

    def delay_us(self, microseconds: float) -> None:
        """Spin: a sleep would take ten times as long."""
        end_ns = time.perf_counter_ns() + microseconds * 1000
        while time.perf_counter_ns() < end_ns:
            pass


class Hw:
    """One port of a card."""

    eeprom: "Eeprom"
    phy: "SfpPhy"
    link: "Link"
    mac: "Mac"
    swfw: "SwFw"
    reset: "Reset"

    def __init__(self, bar: Bar, door: Door, device: "DeviceId", info: "Info", clock: Clock) -> None:
        """Bind the operations that ``info`` names for this family."""
        self.bar = bar
        self.door = door
        self.config = Config(door)
        self.device = device
        self.info = info
        self.clock = clock
        self.perm_addr = bytes(6)
        self.device_caps = DeviceCaps(0)
        self.swfw = info.swfw_ops(self)
        self.eeprom = info.eeprom_ops(self)
        self.phy = info.phy_ops(self)
        self.link = info.link_ops(self)
        self.mac = info.mac_ops(self)
        self.reset = info.reset_ops(self)
        self.stats = HwStats(bar)

    @property
    def lan_id(self) -> int:
        """Which port of the card this is: 0 or 1.

        Ref: 82599 datasheet, STATUS.LAN_ID.
        """
        return self.bar.read(STATUS).LAN_ID

    def flush(self) -> None:
        """Make sure that every write before has reached the function: reads do not overtake writes."""
        self.bar.read(STATUS)
