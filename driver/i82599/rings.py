# SPDX-License-Identifier: BSD-3-Clause
"""The 82599's rings: its descriptors (driver/i82599/csrc/) and its limits.

Of a received frame, ``packet_type`` is a ``PktType`` and ``rss_type`` a ``RssType`` of ``device.regs.i82599.desc``.
"""

from collections.abc import Callable

from device.regs.core import Register
from device.regs.i82599.desc import RXDADV
from driver.compiled import lib
from driver.core.bar import Bar
from driver.core.rings import RingModel

# Each frame that Python sees is asked for these.
HASH_KINDS, HEADERS, HEADERS_AT = RXDADV.RSSTYPE.max, RXDADV.PKTTYPE.max, RXDADV.PKTTYPE.lsb


def never(_bar: Bar, _status: int) -> int | None:
    """No frame is stamped."""
    return None


def kinds(found: int) -> tuple[int, int]:
    """What the hash was taken over, and the headers that were found, as a descriptor's first dword has them."""
    return found & HASH_KINDS, found >> HEADERS_AT & HEADERS


def ring_model(
    rx_tail: type[Register],
    tx_tail: type[Register],
    stamp_ns: Callable[[Bar, int], int | None] = never,
    *,
    coalesces: bool = False,
) -> RingModel:
    """The rings of a function that has its tails in these registers.

    Args:
        rx_tail: Gives Rx descriptors to the NIC, one a queue.
        tx_tail: The same for Tx.
        stamp_ns: Reads the time stamp of a received frame with this status.
        coalesces: Whether its queues can be told to coalesce.
    """
    return RingModel(
        ops=lib.i82599_ring_ops,
        desc_bytes=16,
        counts=range(64, 4097, 8),  # Linux's limits; RDLEN counts in 128 bytes, that is 8 descriptors
        buf_bytes=range(2048, 16385, 1024),  # SRRCTL.BSIZEPACKET counts in KiB, 1 to 16
        rx_tail=rx_tail,
        tx_tail=tx_tail,
        kinds=kinds,
        stamp_ns=stamp_ns,
        lro_ops=lib.i82599_rsc_ring_ops if coalesces else None,
        lro_counters=("hw_rsc_aggregated", "hw_rsc_flushed") if coalesces else (),
    )
