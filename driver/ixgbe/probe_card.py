# SPDX-License-Identifier: BSD-3-Clause
"""Steps of the probe that ask the card who it is, and settle with its firmware who does what."""

import logging

from device.regs.i82599 import FWSM, WUFC
from driver.core.station import show
from driver.ixgbe.probing import Probing

log = logging.getLogger(__name__)


def check_fw_error(p: Probing) -> str:
    """See whether firmware reports an error; only a warning."""
    fwsm = p.bar.read(FWSM)
    if not fwsm.FW_VALID or fwsm.EXT_ERR_IND:
        log.warning("firmware error detected: %s", fwsm)
        return f"error: {fwsm}"
    return "firmware has no complaint"


def check_wol(p: Probing) -> str:
    """Whether this board may wake the system: by its subsystem id, and on some only its first port.

    Ref: ixgbe_wol_supported.
    """
    caps = p.hw.eeprom.device_caps()
    subsystem = p.subsystem_id
    device = p.hw.device
    supported = subsystem in device.wol_subsystems and (subsystem not in device.wol_port0_only or p.hw.lan_id == 0)
    p.adapter.wake_filters = WUFC.of(MAG=int(supported))
    p.adapter.about["wake_on_lan"] = "magic packet" if supported else "no"
    return f"capabilities {caps.word:#06x}, wake on LAN {p.adapter.about['wake_on_lan']}"


def read_versions(p: Probing) -> str:
    """The firmware's version, as ``ethtool -i`` shows it."""
    p.adapter.about["firmware_version"] = p.hw.eeprom.version()
    return p.adapter.about["firmware_version"]


def read_pba(p: Probing) -> str:
    """The board's part number, and a line that sums up what was found."""
    phy, about = p.hw.phy, p.adapter.about
    about["device"] = p.hw.device.name
    about["mac"] = show(p.hw.perm_addr)
    about["pba"] = p.hw.eeprom.pba()
    about["sfp"] = phy.title
    sfp = f", SFP+: {phy.sfp_type.value}" if phy.present else ""
    return f"MAC: {p.hw.info.mac.value}, PHY: {phy.type.value}{sfp}, PBA No: {about['pba']}"


def set_fw_drv_ver(p: Probing) -> str:
    """Tell the card's firmware that a driver is here; a card without such firmware is as good.

    Ref: ixgbe_set_fw_drv_ver_generic; Observed: four tries in the recorded probes, HICR.EN is 0 each time.
    """
    tries = p.hw.firmware.tell_driver_version()
    return f"told, at try {tries}" if tries else "nobody there to be told"


def add_san_mac(p: Probing) -> str:
    """Take frames to the address that the card has for storage traffic, if it has one."""
    address = p.hw.mac.add_san_address()
    p.adapter.about["san_mac"] = show(address) if address else "none"
    return p.adapter.about["san_mac"]


def setup_link(p: Probing) -> str:
    """Have a link already now if firmware talks over this port; else it comes with ``up``."""
    if not p.hw.link.managed():
        return "comes when the port is up"
    p.hw.link.setup(one_gigabit=p.hw.phy.one_gigabit)
    return "for the firmware"
