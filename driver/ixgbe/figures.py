# SPDX-License-Identifier: BSD-3-Clause
"""The figures of a port: what it is, what it counted, its EEPROM, its module, its link, and its registers."""

import logging
from typing import Any

from device.regs.i82599 import ALL, SWSM, Register
from driver.core.family import read_has_effect
from driver.core.ring_totals import add_totals, in_order, ring_totals
from driver.core.xdp_hook import XdpHook
from driver.errors import DeviceGone
from driver.ixgbe.hw.link import link_figures
from driver.ixgbe.port import Port
from driver.ixgbe.service import Service
from driver.slices import Slices

log = logging.getLogger(__name__)

# Reading these has effects that their fields' access does not tell: a semaphore is taken, a time stamp is let go.
UNREADABLE = (SWSM, *(register for register in ALL if register.NAME.startswith(("RXSTMP", "TXSTMP", "PFMAILBOX"))))


def dumpable(register: type[Register]) -> bool:
    """Whether a dump may read this register: reading changes nothing in the NIC."""
    return register not in UNREADABLE and not read_has_effect(register)


DUMPED = tuple(filter(dumpable, ALL))


class Figures(Port):
    """The part of an adapter that answers questions.

    Attributes:
        work: The service task, which counts too.
        programs: The XDP program, if there is one.
        registers: Those that a dump may read.
    """

    work: Service
    programs: XdpHook
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
            self.hw.stats.update()
        except (DeviceGone, OSError) as err:
            log.debug("last known statistics: %s", err)
        return {
            **in_order(add_totals(self.past, ring_totals(self.rx_rings, self.tx_rings, self.xdp_rings))),
            **self.programs.stats(),
            **self.work.counts(),
            **self.hw.stats.totals,
        }

    def read_eeprom(self, words: int, first: int = 0) -> list[int]:
        """``words`` 16-bit words of the NVM from ``first`` on; fewer where it ends before."""
        return [self.hw.eeprom.read(word) for word in range(first, min(first + words, self.hw.eeprom.words))]

    def read_module(self, address: int, offset: int) -> int:
        """One byte of the SFP+ module, at I2C address 0xA0 or 0xA2.

        Raises:
            LinkError: There is no module, or it does not answer.
        """
        return self.hw.phy.read(offset, address)

    def about_module(self) -> Slices[dict[str, Any]]:
        """What the module says of itself, and whether it is driven; in slices.

        Raises:
            LinkError: There is no module, or it stopped answering.
        """
        return self.hw.phy.about()

    def read_link(self) -> dict[str, Any]:
        """The link as the MAC sees it now."""
        return link_figures(self.bar)
