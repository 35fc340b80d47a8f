# SPDX-License-Identifier: BSD-3-Clause
"""What a port loses when it sleeps or is reset by somebody else, and how it is given that back.

Ref: __ixgbe_shutdown, ixgbe_resume, ixgbe_io_slot_reset.
"""

import logging

from device.regs.i82599 import AUTOC2, CTRL, CTRL_EXT, FCTRL, FWSM, WUC, WUFC, WUS
from device.regs.pci import PCI_COMMAND, PM_PMCSR
from driver.ixgbe.port import Port

log = logging.getLogger(__name__)

ALL = 0xFFFFFFFF
CONTROL_2 = 0x01  # word of the NVM
CLOCK_DOWN = 0x2  # of it: in D3 without a reason to listen, the link may go


def sleep(port: Port) -> None:
    """Send a port that is down to D3hot; on a board that may, what ``port.wake_filters`` names will wake the system.

    Raises:
        DeviceGone: It does not answer.
        OSError: It refused.
    """
    bar, hw, config = port.bar, port.hw, port.hw.config
    wakes = int(port.wake_filters) != 0
    if not wakes and not bar.read(FWSM).MODE and hw.eeprom.read(CONTROL_2) & CLOCK_DOWN:
        bar.update(AUTOC2, LINK_DISABLE_ON_D3=1, LINK_DISABLE_ON_D3_MASK=1)
    if wakes:
        hw.mac.write_rx_mode()
        hw.link.set_laser(on=True)
        if port.wake_filters.MC:
            bar.update(FCTRL, MPE=1)
        bar.update(CTRL, GIO_DIS=1)
        bar.write(WUFC, port.wake_filters)
    else:
        bar.write(WUC, 0)
        bar.write(WUFC, 0)
    bar.update(CTRL_EXT, DRV_LOAD=0)
    port.scheme.clear()
    config.set_master(on=False)
    if config.has(PM_PMCSR):
        config.update(PM_PMCSR, PME_EN=int(wakes), POWER_STATE=3)


def wake(port: Port) -> None:
    """Undo ``sleep``: the port is down, as after the probe.

    Raises:
        DriverError: It cannot be set up again.
        DeviceGone: It does not answer.
    """
    bar, hw, config = port.bar, port.hw, port.hw.config
    config.enable_memory(sleep=hw.clock.sleep)
    config.restore_state(port.saved_state)
    if config.has(PM_PMCSR):
        config.update(PM_PMCSR, PME_EN=0)
    config.set_master(on=True)
    hw.reset.init_hw()
    hw.mac.set_default_filter(hw.mac.address)
    hw.mac.add_san_address()
    bar.write(WUS, ALL)
    port.scheme.init(port.scheme.queues)
    hw.link.set_laser(on=False)


def was_reset(port: Port) -> bool:
    """Whether somebody else reset the function of a running port: it may no longer do what the probe let it do."""
    command = port.hw.config.read(PCI_COMMAND)
    return not (command.MEMORY and command.BUS_MASTER)


def put_back(port: Port) -> None:
    """Give a function that somebody reset its configuration back; its registers are another matter."""
    log.warning("%s: somebody reset the function; setting it up again", port.door.name)
    port.hw.config.restore_state(port.saved_state)
    port.bar.write(WUS, ALL)
