# SPDX-License-Identifier: BSD-3-Clause
"""The registers of a virtual function's queues.  Each is written whole: its reset leaves what another driver wrote.

Ref: ixgbevf_configure_tx_ring, ixgbevf_configure_rx_ring, ixgbevf_setup_psrtype; 82599 specification update,
clarification 5.
"""

from collections.abc import Sequence
from typing import Protocol

from device.regs.i82599 import DCA_RXCTRL, DCA_TXCTRL
from device.regs.i82599.rx import DescType
from device.regs.i82599.vf import (
    VFDCA_RXCTRL,
    VFDCA_TXCTRL,
    VFPSRTYPE,
    VFRDBAH,
    VFRDBAL,
    VFRDH,
    VFRDLEN,
    VFRDT,
    VFRXDCTL,
    VFSRRCTL,
    VFTDBAH,
    VFTDBAL,
    VFTDH,
    VFTDLEN,
    VFTDT,
    VFTDWBAH,
    VFTDWBAL,
    VFTXDCTL,
)
from driver.core.bar import Bar
from driver.errors import RingError

ENABLE_TIMEOUT_S = 0.02
DISABLE_TIMEOUT_S = 0.05
PTHRESH, HTHRESH, WTHRESH = 32, 1, 1
HEADER_UNITS = 4  # of 64 bytes
LOW_BITS = 2**32


class HwRing(Protocol):
    """What the registers need to know of a ring."""

    queue: int
    reg_idx: int
    iova: int
    len_bytes: int
    buf_bytes: int

    def start(self) -> int:
        """Rx: give the buffers to the NIC and write the tail."""


def _confirm(bar: Bar, register: type[VFRXDCTL] | type[VFTXDCTL], queue: int) -> None:
    try:
        bar.wait(register, queue, timeout_s=ENABLE_TIMEOUT_S, ENABLE=1)
    except TimeoutError as err:
        raise RingError(f"queue {queue} does not start: {err}") from err


def tx_ring(bar: Bar, ring: HwRing) -> None:
    """Tell the chip where a Tx ring is and enable it.

    Raises:
        RingError: The queue does not report itself enabled.
    """
    queue = ring.reg_idx
    bar.write(VFTXDCTL, VFTXDCTL.of(SWFLSH=1), queue)
    bar.flush()
    bar.write(VFTDBAL, ring.iova % LOW_BITS, queue)
    bar.write(VFTDBAH, ring.iova // LOW_BITS, queue)
    bar.write(VFTDLEN, ring.len_bytes, queue)
    bar.write(VFTDWBAH, 0, queue)
    bar.write(VFTDWBAL, 0, queue)
    bar.write(VFDCA_TXCTRL, int(DCA_TXCTRL.of(DESC_RRO_EN=1, DATA_RRO_EN=1)), queue)
    bar.write(VFTDH, 0, queue)
    bar.write(VFTDT, 0, queue)
    bar.write(VFTXDCTL, VFTXDCTL.of(ENABLE=1, PTHRESH=PTHRESH, HTHRESH=HTHRESH, WTHRESH=WTHRESH), queue)
    _confirm(bar, VFTXDCTL, queue)


def rx_ring(bar: Bar, ring: HwRing) -> None:
    """Tell the chip where an Rx ring is, enable it, and only then hand it buffers.

    When it has no free descriptor its frames are dropped: a slow function must not hold up the others.

    Raises:
        RingError: The queue does not report itself enabled.
    """
    queue = ring.reg_idx
    bar.write(VFRXDCTL, 0, queue)
    bar.flush()
    bar.write(VFRDBAL, ring.iova % LOW_BITS, queue)
    bar.write(VFRDBAH, ring.iova // LOW_BITS, queue)
    bar.write(VFRDLEN, ring.len_bytes, queue)
    bar.write(VFDCA_RXCTRL, int(DCA_RXCTRL.of(DESC_RRO_EN=1)), queue)
    bar.write(VFRDH, 0, queue)
    bar.write(VFRDT, 0, queue)
    bar.write(
        VFSRRCTL,
        VFSRRCTL.of(
            BSIZEPACKET=ring.buf_bytes // 1024, BSIZEHEADER=HEADER_UNITS, DESCTYPE=DescType.ADV_ONEBUF, DROP_EN=1
        ),
        queue,
    )
    bar.write(VFRXDCTL, VFRXDCTL.of(ENABLE=1), queue)
    _confirm(bar, VFRXDCTL, queue)
    ring.start()


def rss(bar: Bar, queues: int) -> None:
    """How many of the pool's queues RSS spreads over: a power of two, so that one of three only sends."""
    bar.write(VFPSRTYPE, VFPSRTYPE.of(RQPL=queues.bit_length() - 1))


def disable_rx_queue(bar: Bar, queue: int) -> None:
    """Stop an Rx queue and wait until the chip has let go of it; TimeoutError if it does not."""
    bar.update(VFRXDCTL, queue, ENABLE=0)
    bar.wait(VFRXDCTL, queue, timeout_s=DISABLE_TIMEOUT_S, ENABLE=0)


def disable_tx_queue(bar: Bar, queue: int) -> None:
    """Stop a Tx queue; the reset that follows does not wait for it."""
    bar.write(VFTXDCTL, VFTXDCTL.of(SWFLSH=1), queue)


def any_enabled(bar: Bar, rx: Sequence[int], tx: Sequence[int]) -> bool:
    """Whether one of these queues may still do DMA."""
    return any(bar.read(VFRXDCTL, queue).ENABLE for queue in rx) or any(
        bar.read(VFTXDCTL, queue).ENABLE for queue in tx
    )
