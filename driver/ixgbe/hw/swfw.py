# SPDX-License-Identifier: BSD-3-Clause
"""Semaphores that software shares with firmware and with the other port.

SWSM guards GSSR; a bit of GSSR guards a resource.  A holder that died is overruled in the end, as in Linux: a card that
can never be probed again helps nobody.
"""

import contextlib
import enum
import logging
from collections.abc import Iterator

from device.regs.i82599 import GSSR, SWSM
from driver.ixgbe.hw.common import Common

log = logging.getLogger(__name__)

SWSM_TRIES = 2000
SWSM_WAIT_US = 50
GSSR_TRIES = 200
GSSR_WAIT_S = 0.005


class Resource(enum.Enum):
    """What can be held: our bit of GSSR and firmware's."""

    EEP = ("EEP", "FW_EEP")
    PHY0 = ("PHY0", "FW_PHY0")
    PHY1 = ("PHY1", "FW_PHY1")
    MAC_CSR = ("MAC_CSR", "FW_MAC_CSR")
    FLASH = ("FLASH", "FW_FLASH")
    SW_MNG = ("SW_MNG", "FW_SW_MNG")


class SwFw:
    """The semaphores of one port."""

    def __init__(self, hw: Common) -> None:
        """Nothing is taken."""
        self.hw = hw
        self.forced = 0

    def _take_swsm(self) -> bool:
        """SMBI keeps other software out, SWESMBI firmware; True once both are ours.

        An SMBI that nobody gives back is overruled: its owner died.

        Ref: ixgbe_get_eeprom_semaphore.
        """
        bar = self.hw.bar
        for _ in range(SWSM_TRIES):
            if not bar.read(SWSM).SMBI:
                break
            self.hw.clock.delay_us(SWSM_WAIT_US)
        else:
            self.forced += 1
            log.warning("SWSM was never released by its last owner; taking it over")
            self._give_swsm()
            if bar.read(SWSM).SMBI:
                return False
        for _ in range(SWSM_TRIES):
            bar.update(SWSM, SWESMBI=1)
            if bar.read(SWSM).SWESMBI:
                return True
            self.hw.clock.delay_us(SWSM_WAIT_US)
        self._give_swsm()
        return False

    def _give_swsm(self) -> None:
        self.hw.bar.write(SWSM, SWSM.of())
        self.hw.flush()

    def acquire(self, resource: Resource) -> None:
        """Take ``resource``, by force if its holder keeps it longer than 1 s.

        Raises:
            TimeoutError: SWSM itself cannot be had.
        """
        bar = self.hw.bar
        ours, firmwares = resource.value
        for _ in range(GSSR_TRIES):
            if not self._take_swsm():
                raise TimeoutError(f"SWSM: SMBI still held by somebody else after {SWSM_TRIES} tries")
            gssr = bar.read(GSSR)
            if gssr == gssr.replace(**{ours: 0, firmwares: 0}):
                bar.write(GSSR, gssr.replace(**{ours: 1}))
                self._give_swsm()
                return
            self._give_swsm()
            self.hw.clock.sleep(GSSR_WAIT_S)
        self.forced += 1
        log.warning("GSSR.%s was never released by its last owner; taking it over", ours)
        if not self._take_swsm():
            raise TimeoutError(f"SWSM: SMBI still held by somebody else after {SWSM_TRIES} tries")
        bar.update(GSSR, **{ours: 1, firmwares: 0})
        self._give_swsm()

    def release(self, resource: Resource) -> None:
        """Give ``resource`` back."""
        ours = resource.value[0]
        taken = self._take_swsm()
        self.hw.bar.update(GSSR, **{ours: 0})
        if taken:
            self._give_swsm()

    @contextlib.contextmanager
    def held(self, resource: Resource) -> Iterator[None]:
        """Hold ``resource`` for a while."""
        self.acquire(resource)
        try:
            yield
        finally:
            self.release(resource)
