# SPDX-License-Identifier: BSD-3-Clause
"""Which functions we drive, by device id, and with which operations."""

import enum
from dataclasses import dataclass

from driver.core.family import Ids
from driver.ixgbe.hw.eeprom import Eeprom
from driver.ixgbe.hw.link import Link
from driver.ixgbe.hw.mac import Mac
from driver.ixgbe.hw.phy import SfpPhy
from driver.ixgbe.hw.reset import Reset
from driver.ixgbe.hw.swfw import SwFw

INTEL = 0x8086

VF_DEVICES = {0x10ED: "82599 VF", 0x1515: "X540 VF"}


class MacType(enum.IntEnum):
    """MAC generations, with Linux's numbers."""

    M82598 = 1
    M82599 = 2


@dataclass(frozen=True, slots=True)
class Info:
    """A MAC generation: its operations and its limits."""

    mac: MacType
    name: str
    mac_ops: type[Mac] = Mac
    eeprom_ops: type[Eeprom] = Eeprom
    phy_ops: type[SfpPhy] = SfpPhy
    link_ops: type[Link] = Link
    swfw_ops: type[SwFw] = SwFw
    reset_ops: type[Reset] = Reset
    rss_queues: int = 16
    rx_fifo_kib: int = 512
    tx_fifo_kib: int = 160


@dataclass(frozen=True, slots=True)
class DeviceId:
    """One PCI device id of the family."""

    device: int
    name: str
    info: Info
    wol_subsystems: frozenset[int] = frozenset()
    wol_port0_only: frozenset[int] = frozenset()


IXGBE_82599 = Info(MacType.M82599, "82599")

DEVICES = {
    entry.device: entry
    for entry in (
        DeviceId(
            0x10FB,
            "82599ES SFI/SFP+",
            IXGBE_82599,
            wol_subsystems=frozenset(
                {0x17D0, 0x2159, 0x1071, 0x0008, 0x211B, 0x11A9, 0x1F72, 0x0470, 0x000D, 0x8976, 0x06EE}
            ),
            # Ref: ixgbe_wol_supported: on these boards only the first port can wake the system.
            wol_port0_only=frozenset({0x17D0, 0x2159, 0x1071, 0x0008}),
        ),
        DeviceId(0x1507, "82599 SFP+ (EM)", IXGBE_82599),
        DeviceId(0x1529, "82599 SFP+ (FCoE)", IXGBE_82599),
        DeviceId(0x154D, "82599 dual SFP+ (SF2)", IXGBE_82599),
        DeviceId(0x1557, "82599EN SFP+", IXGBE_82599),
    )
}

IDS = Ids(
    driven={(INTEL, device): entry.name for device, entry in DEVICES.items()},
    virtual={(INTEL, device): name for device, name in VF_DEVICES.items()},
)
