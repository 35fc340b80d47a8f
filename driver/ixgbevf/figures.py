# SPDX-License-Identifier: BSD-3-Clause
"""The figures of a virtual function: what it is, what it counted, its link, its registers; and what it has not."""

import logging
from typing import Any

from device.regs.i82599.vf import ALL, VFLINKS, VFMAILBOX
from driver.core.bar import Bar
from driver.core.family import read_has_effect
from driver.core.ring_totals import add_totals, in_order, ring_totals
from driver.errors import DeviceGone, DriverError
from driver.ixgbevf.hw import SPEEDS_MBPS
from driver.ixgbevf.port import VfPort
from driver.ixgbevf.service import VfService
from driver.slices import Slices

log = logging.getLogger(__name__)

DUMPED = tuple(register for register in ALL if register is not VFMAILBOX and not read_has_effect(register))


def link_figures(bar: Bar) -> dict[str, Any]:
    """The link as the registers show it."""
    links = bar.read(VFLINKS)
    return {
        "up": bool(links.UP),
        "speed_mbps": SPEEDS_MBPS.get(links.SPEED, 0) if links.UP else 0,
        "virtual_function": True,
    }


def no_such_thing(name: str, what: str) -> DriverError:
    """What to say of a thing that only the port has."""
    return DriverError(f"{name} is a virtual function and has no {what}: ask its physical function")


class Figures(VfPort):
    """The part of an adapter that answers questions.

    Attributes:
        work: The service task, which counts too.
        registers: Those that a dump may read.
    """

    work: VfService
    registers = DUMPED

    def describe(self) -> dict[str, str]:
        """What the probe found, by name."""
        return dict(self.about)

    def keep_totals(self) -> None:
        """Remember what the rings counted: they are about to go."""
        self.past = add_totals(self.past, ring_totals(self.rx_rings, self.tx_rings, self.xdp_rings))

    def stats(self) -> dict[str, int]:
        """Totals since the probe, under the names of ``ethtool -S`` where it has them."""
        try:
            if self.hw.clear:
                self.stats_nic.update()
        except (DeviceGone, OSError) as err:
            log.debug("last known statistics: %s", err)
        return {
            **in_order(add_totals(self.past, ring_totals(self.rx_rings, self.tx_rings, self.xdp_rings))),
            **self.programs.stats(),
            **self.work.counts(),
            **self.stats_nic.totals,
        }

    def read_link(self) -> dict[str, Any]:
        """The link as the hardware shows it, and whether we have it."""
        return {**link_figures(self.bar), "usable": self.link.up}

    def read_eeprom(self, words: int, first: int = 0) -> list[int]:
        """There is none; raises ``DriverError``."""
        raise no_such_thing(self.door.name, "EEPROM")

    def read_module(self, address: int, offset: int) -> int:
        """There is none; raises ``DriverError``."""
        raise no_such_thing(self.door.name, "module")

    def about_module(self) -> Slices[dict[str, Any]]:
        """There is none; raises ``DriverError``."""
        raise no_such_thing(self.door.name, "module")
