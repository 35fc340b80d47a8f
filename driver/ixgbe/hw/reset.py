# SPDX-License-Identifier: BSD-3-Clause
"""Stopping, resetting and starting the hardware.

A reset is a conversation: receive off, interrupts off, queues off, DMA off and *seen* to be off, module settings, then
the reset bit, and afterwards everything that the chip loads from its EEPROM is looked at again.

Ref: ixgbe_reset_hw_82599, ixgbe_stop_adapter_generic, ixgbe_disable_pcie_primary, ixgbe_start_hw_82599.
"""

import errno
import logging

from device.regs.i82599 import (
    CTRL,
    CTRL_EXT,
    EICR,
    EIMC,
    EIMC_EX,
    GCR_EXT,
    HLREG0,
    LEDCTL,
    PFDTXGSWC,
    RTTBCNRC,
    RTTDQSEL,
    RXCTRL,
    RXDCTL,
    STATUS,
    TXDCTL,
    VFTA,
    VLVF,
    VLVFB,
)
from device.regs.i82599.general import LedMode
from device.regs.pci import EXP_DEVSTA
from driver.core.station import valid_station
from driver.errors import ProbeError
from driver.ixgbe.hw.common import Common
from driver.ixgbe.hw.eeprom import Eeprom
from driver.ixgbe.hw.link import Link
from driver.ixgbe.hw.mac import Mac
from driver.ixgbe.hw.phy import SfpPhy
from driver.ixgbe.hw.stats import HwStats

log = logging.getLogger(__name__)

ALL = 0xFFFFFFFF
QUEUES = TXDCTL.count
PRIMARY_TIMEOUT_S = 0.08
RESET_TRIES = 10
RESET_SETTLE_S = 0.05
FW_VERSION_MIN = 5


class Reset:
    """Reset operations of one port."""

    def __init__(self, hw: Common, eeprom: Eeprom, phy: SfpPhy, link: Link, mac: Mac, stats: HwStats) -> None:
        """Nothing has been reset yet."""
        self.hw = hw
        self.eeprom = eeprom
        self.phy = phy
        self.link = link
        self.mac = mac
        self.stats = stats
        self.resets = 0
        self.double_reset = False
        self.led_link_act = 2
        self._loopback_was = 0

    # ---- quiet ---------------------------------------------------------------------------------------------------

    def disable_rx(self) -> None:
        """Stop taking frames in; local switching between pools is stopped first, its buffers drain through Rx.

        Ref: ixgbe_disable_rx_generic.
        """
        bar = self.hw.bar
        if not bar.read(RXCTRL).RXEN:
            return
        switch = bar.read(PFDTXGSWC)
        self._loopback_was = switch.VT_LBEN
        if switch.VT_LBEN:
            bar.write(PFDTXGSWC, switch.replace(VT_LBEN=0))
        bar.update(RXCTRL, RXEN=0)

    def enable_rx(self) -> None:
        """Undo ``disable_rx``."""
        bar = self.hw.bar
        bar.update(RXCTRL, RXEN=1)
        if self._loopback_was:
            bar.update(PFDTXGSWC, VT_LBEN=1)
            self._loopback_was = 0

    def mask_interrupts(self) -> None:
        """Disable every cause and forget what is pending."""
        bar = self.hw.bar
        bar.write(EIMC, ALL)
        for n in range(EIMC_EX.count):
            bar.write(EIMC_EX, ALL, n)
        bar.read(EICR)

    def stop_adapter(self) -> None:
        """Receive off, interrupts off, every queue off, no DMA any more.

        Raises:
            ProbeError: EALREADY, DMA does not end.

        Ref: ixgbe_stop_adapter_generic.
        """
        bar = self.hw.bar
        self.disable_rx()
        self.mask_interrupts()
        for queue in range(QUEUES):
            bar.write(TXDCTL, TXDCTL.of(SWFLSH=1), queue)
        for queue in range(QUEUES):
            bar.update(RXDCTL, queue, ENABLE=0, SWFLSH=1)
        self.hw.flush()
        self.hw.clock.sleep(0.002)
        self.disable_pcie_primary()

    def disable_pcie_primary(self) -> None:
        """Tell the function to start no new DMA, and wait for the last one to end.

        Raises:
            ProbeError: EALREADY, it does not end and PCIe still has transactions pending.
        """
        bar, waits = self.hw.bar, PRIMARY_TIMEOUT_S
        bar.write(CTRL, CTRL.of(GIO_DIS=1))
        try:
            bar.wait(CTRL, timeout_s=waits, GIO_DIS=1)
        except TimeoutError as err:
            log.warning("%s", err)
        if not bar.read(STATUS).GIO:
            return
        try:
            bar.wait(STATUS, timeout_s=waits, GIO=0)
        except TimeoutError as err:
            log.info("%s; a second reset will drain the rest", err)
        else:
            return
        self.double_reset = True
        for _ in range(int(waits / 100e-6)):
            if not self.hw.config.read(EXP_DEVSTA).TRANSACTIONS_PENDING:
                return
            self.hw.clock.delay_us(100)
        raise ProbeError(errno.EALREADY, "PCIe primary disable timed out: DMA does not end")

    def clear_tx_pending(self) -> None:
        """Drain what is left in the transmit buffers by sending it in a circle.

        Ref: ixgbe_clear_tx_pending.
        """
        if not self.double_reset:
            return
        bar = self.hw.bar
        hlreg0 = bar.read(HLREG0)
        bar.write(HLREG0, hlreg0.replace(LPBK=1))
        self.hw.flush()
        self.hw.clock.sleep(0.003)
        gcr_ext = bar.read(GCR_EXT)
        bar.write(GCR_EXT, gcr_ext.replace(BUFFERS_CLEAR=1))
        self.hw.flush()
        self.hw.clock.delay_us(20)
        bar.write(GCR_EXT, gcr_ext)
        bar.write(HLREG0, hlreg0)

    # ---- reset ---------------------------------------------------------------------------------------------------

    def reset_hw(self) -> None:
        """Reset the port completely.

        An empty cage is fine.

        Raises:
            UnsupportedSfpError: A module is there that we do not drive; nothing was reset.
            ProbeError: EALREADY or EIO, the chip does not do as it is told.
        """
        self.stop_adapter()
        self.clear_tx_pending()
        if not self.phy.known:
            self.phy.identify()
        self.phy.setup_sfp()
        self._reset_mac()
        if self.double_reset:
            self.double_reset = False
            self._reset_mac()
        self.resets += 1
        self.link.remember()
        self.hw.perm_addr = self.mac.read_perm_addr()
        self.mac.init_rx_addrs()
        san_address = self.eeprom.san_address()
        if san_address is not None and valid_station(san_address):
            self.mac.reserve_san(san_address)

    def _reset_mac(self) -> None:
        """Set the reset bit and see it clear: all of the function while the link is up, else with the link too."""
        bar = self.hw.bar
        bits = {"RST": 1} if self.link.check().up else {"LRST": 1}
        bar.write(CTRL, bar.read(CTRL).replace(**bits))
        self.hw.flush()
        self.hw.clock.sleep(0.001)
        ctrl = bar.read(CTRL)
        for _ in range(RESET_TRIES):
            if not ctrl.RST and not ctrl.LRST:
                break
            self.hw.clock.delay_us(1)
            ctrl = bar.read(CTRL)
        else:
            raise ProbeError(errno.EIO, f"reset polling failed to complete: {ctrl}")
        self.hw.clock.sleep(RESET_SETTLE_S)

    # ---- start ---------------------------------------------------------------------------------------------------

    def start_hw(self) -> bool:
        """Bring a freshly reset port to a known state; False if the EEPROM's firmware is pre-production.

        Ref: ixgbe_start_hw_82599.
        """
        bar, hw = self.hw.bar, self.hw
        for n in range(VFTA.count):
            bar.write(VFTA, 0, n)
        for n in range(VLVF.count):
            bar.write(VLVF, 0, n)
        for n in range(VLVFB.count):
            bar.write(VLVFB, 0, n)
        self.stats.clear()
        bar.update(CTRL_EXT, NS_DIS=1)
        hw.flush()
        self.link.setup_flow_control()
        self.link.crosstalk_fix = not self.eeprom.device_caps().no_crosstalk_workaround
        for queue in range(QUEUES):
            bar.write(RTTDQSEL, RTTDQSEL.of(TXDQ_IDX=queue))
            bar.write(RTTBCNRC, RTTBCNRC.of())
        hw.flush()
        version = self.eeprom.firmware_version()
        return version is not None and version > FW_VERSION_MIN

    def init_hw(self) -> None:
        """Reset and start, as every ``down`` does; also finds the LED that shows link and activity.

        Raises:
            UnsupportedSfpError: A module is there that we do not drive.
            ProbeError: The chip does not do as it is told.
        """
        self.reset_hw()
        self.start_hw()
        self._init_led()

    def _init_led(self) -> None:
        ledctl = self.hw.bar.read(LEDCTL)
        modes = (ledctl.LED0_MODE, ledctl.LED1_MODE, ledctl.LED2_MODE, ledctl.LED3_MODE)
        self.led_link_act = modes.index(LedMode.LINK_ACT) if LedMode.LINK_ACT in modes else 2
