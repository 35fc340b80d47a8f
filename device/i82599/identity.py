# SPDX-License-Identifier: BSD-3-Clause
"""Who a card is: its address, and what configuration space says of it."""

import logging

from device.errors import ConfigError
from device.i82599.core import VECTORS
from device.machine.core import lib
from device.regs import pci
from device.regs.i82599 import Register

log = logging.getLogger(__name__)


def parse_mac(mac: str | bytes) -> bytes:
    """An address from its six bytes or from text such as 02:00:00:82:59:90.

    One that no card may have (multicast, all zero) is taken with a warning: refusing it is the driver's part.

    Raises:
        ConfigError: It is not six bytes.
    """
    if isinstance(mac, str):
        parts = mac.replace("-", ":").split(":")
        try:
            raw = bytes(int(part, 16) for part in parts)
        except ValueError:
            raw = b""
    else:
        raw = mac
    if len(raw) != lib.ETH_ADDR_BYTES:
        raise ConfigError(f"MAC address {mac!r} is not six bytes like 02:00:00:82:59:90")
    if raw[0] % 2 or not any(raw):
        log.warning("MAC address %s is %s; drivers will refuse it", raw.hex(":"), "multicast" if any(raw) else "zero")
    return raw


def identity_of(mac: bytes, lan_id: int, msix_vectors: int = VECTORS) -> list[tuple[type[Register], int]]:
    """What configuration space says of a card with this address and table, seen through port ``lan_id``.

    Ref: facts of the card: MAC aa:bb:cc:dd:ee:ff gives serial number aa-bb-cc-ff-ff-dd-ee-ff.
    """
    return [
        (pci.DSN_LO, int.from_bytes(b"\xff" + mac[3:], "big")),
        (pci.DSN_HI, int.from_bytes(mac[:3] + b"\xff", "big")),
        (pci.PCI_INTERRUPT_PIN, 1 + lan_id),
        (pci.SRIOV_FUNC_LINK, lan_id),
        (pci.MSIX_CTRL, pci.MSIX_CTRL.of(TABLE_SIZE=msix_vectors - 1)),
    ]
