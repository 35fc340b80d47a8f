# SPDX-License-Identifier: BSD-3-Clause
"""A port with all of its operations, as its MAC generation has them."""

from driver.core.bar import Bar
from driver.core.clock import Clock
from driver.doors.door import Door
from driver.ixgbe.hw.common import Common
from driver.ixgbe.hw.firmware import Firmware
from driver.ixgbe.hw.info import DeviceId, Info
from driver.ixgbe.hw.stats import HwStats


class Hw(Common):
    """One port of a card.

    It owns no resource; the operations (``Eeprom``, ``SfpPhy``, ``Link``, ``Mac`` …) hang on it as on Linux's
    ``struct ixgbe_hw``.
    """

    def __init__(self, bar: Bar, door: Door, device: DeviceId, info: Info, clock: Clock) -> None:
        """Bind the operations that ``info`` names for this generation; each is handed those that it builds on."""
        super().__init__(bar, door, clock)
        self.device = device
        self.info = info
        self.swfw = info.swfw_ops(self)
        self.eeprom = info.eeprom_ops(self, self.swfw)
        self.link = info.link_ops(self, self.swfw)
        self.phy = info.phy_ops(self, self.swfw, self.eeprom, self.link)
        self.mac = info.mac_ops(self)
        self.firmware = Firmware(self, self.swfw)
        self.stats = HwStats(bar)
        self.reset = info.reset_ops(self, self.eeprom, self.phy, self.link, self.mac, self.stats)
