# SPDX-License-Identifier: BSD-3-Clause
"""The 82599's rings: its descriptors (driver/ixgbe/csrc/descriptors.c), its tail registers, its limits.

Of a received frame, ``packet_type`` is a ``PktType`` and ``rss_type`` a ``RssType`` of ``device.regs.i82599.desc``;
``stamp_ns`` is there for the frames that timesync.py asked the NIC to stamp.
"""

from device.regs.i82599 import RDT, TDT
from driver.compiled import lib
from driver.core.rings import RingModel
from driver.ixgbe.timesync import received_ns

RINGS = RingModel(
    ops=lib.ixgbe_ring_ops,
    desc_bytes=16,
    counts=range(64, 4097, 8),  # Linux's limits; RDLEN counts in 128 bytes, that is 8 descriptors
    buf_bytes=range(2048, 16385, 1024),  # SRRCTL.BSIZEPACKET counts in KiB, 1 to 16
    rx_tail=RDT,
    tx_tail=TDT,
    stamp_ns=received_ns,
)
