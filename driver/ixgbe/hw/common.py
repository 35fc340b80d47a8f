# SPDX-License-Identifier: BSD-3-Clause
"""What the hardware operations of one port share: its registers, its door, time, and its own address."""

from device.regs.i82599 import FACTPS, STATUS
from driver.core.bar import Bar
from driver.core.clock import Clock
from driver.doors.config import Config
from driver.doors.door import Door


class Common:
    """One port of a card, as far as every operation knows it.

    Attributes:
        perm_addr: The address that the last reset loaded from the EEPROM.
    """

    def __init__(self, bar: Bar, door: Door, clock: Clock) -> None:
        """Nothing is read yet."""
        self.bar = bar
        self.door = door
        self.config = Config(door)
        self.clock = clock
        self.perm_addr = bytes(6)
        self._lan: tuple[int, int] | None = None

    def set_lan_id(self) -> None:
        """Look which port of the card this is.

        Ref: ixgbe_set_lan_id_multi_port_pcie; 82599 datasheet, STATUS.LAN_ID and FACTPS.LFS.
        """
        lan_id = self.bar.read(STATUS).LAN_ID
        self._lan = (lan_id, lan_id ^ self.bar.read(FACTPS).LFS)

    @property
    def lan_id(self) -> int:
        """Which port of the card this is: 0 or 1; the cage goes by it."""
        return self._lan_ids()[0]

    @property
    def function(self) -> int:
        """Which PCI function of the card this is: 0 or 1.  A card may have its two swapped; firmware goes by this."""
        return self._lan_ids()[1]

    def _lan_ids(self) -> tuple[int, int]:
        if self._lan is None:
            self.set_lan_id()
        assert self._lan is not None
        return self._lan

    def flush(self) -> None:
        """Make sure that every write before has reached the function: reads do not overtake writes."""
        self.bar.read(STATUS)
