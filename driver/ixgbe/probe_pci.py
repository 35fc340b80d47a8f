# SPDX-License-Identifier: BSD-3-Clause
"""Steps of the probe about the slot: how fast it is.  Those that any PCI function wants: driver/core/probe_pci.py."""

import logging

from driver.ixgbe.probing import Probing

log = logging.getLogger(__name__)

GBPS_PER_PORT = 10


def get_bus_info(p: Probing) -> str:
    """Speed and width of the PCIe link, and which port of the card this is."""
    p.hw.set_lan_id()
    status = p.config.link_status()
    p.adapter.about["bus"] = text = f"{status.gts} GT/s x{status.width}" if status.gts else "unknown"
    return f"PCI Express {text}"


def check_minimum_link(p: Probing) -> str:
    """Whether PCIe can carry what the port can; only a warning."""
    mbps = p.config.link_status().mbps
    if not mbps:
        return "not known, not checked"
    text = f"{mbps / 1000:.3f} Gb/s available, {GBPS_PER_PORT} Gb/s wanted"
    if mbps < GBPS_PER_PORT * 1000:
        log.warning("%s: PCIe limits this port: %s; use a wider or faster slot", p.door.name, text)
    return text
