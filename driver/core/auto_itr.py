# SPDX-License-Identifier: BSD-3-Clause
"""The moderation where nobody said anything: quick for who waits, 20,000 interrupts a second for bulk.

A vector has one of two intervals.  The short one is for traffic of which an interrupt brings few packets and few bytes:
somebody waits for each, and what an interval adds is all that he sees of it.  As soon as interrupts bring more, the
vector goes to the long one, and stays there as long as that finds enough to do.
"""

from collections.abc import Iterable

from driver.core.adaptive import FEW_BYTES, FEW_PACKETS
from driver.core.itr import ITR_20K_US

QUICK_US = 4
BULK_US = ITR_20K_US


def auto_us(moved: Iterable[tuple[int, int]], irqs: int) -> int:
    """The interval in µs.

    Args:
        moved: Packets and bytes of each side of the vector.
        irqs: Interrupts that brought them.
    """
    few = all(packets < FEW_PACKETS * irqs and size_bytes < FEW_BYTES * irqs for packets, size_bytes in moved)
    return QUICK_US if few else BULK_US
