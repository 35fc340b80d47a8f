# SPDX-License-Identifier: BSD-3-Clause
"""A port's rings: the chip's (driver/i82599/rings.py), with frames that the NIC was asked to stamp (timesync.py)."""

from device.regs.i82599 import RDT, TDT
from driver.i82599.rings import ring_model
from driver.ixgbe.timesync import received_ns

RINGS = ring_model(RDT, TDT, received_ns, coalesces=True)
