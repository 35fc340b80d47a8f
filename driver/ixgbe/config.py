# SPDX-License-Identifier: BSD-3-Clause
"""Everything between a fresh reset and traffic: packet buffers, queues, RSS.  Each function writes one chapter.

The order in which ``Adapter.up`` calls them is that of ixgbe_configure.

Ref: 82599 datasheet, initialisation of receive and transmit; ixgbe_configure_rx_ring, ixgbe_configure_tx_ring.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from device.regs.i82599 import (
    DCA_RXCTRL,
    DMATXCTL,
    HLREG0,
    MAXFRS,
    MRQC,
    MTQC,
    PSRTYPE,
    RDBAH,
    RDBAL,
    RDH,
    RDLEN,
    RDRXCTL,
    RDT,
    RETA,
    RFCTL,
    RSCCTL,
    RSCDBU,
    RSSRK,
    RTTDCS,
    RXCSUM,
    RXCTRL,
    RXDCTL,
    RXPBSIZE,
    SECRXCTRL,
    SECRXSTAT,
    SRRCTL,
    TDBAH,
    TDBAL,
    TDH,
    TDLEN,
    TDT,
    TDWBAH,
    TDWBAL,
    TXDCTL,
    TXPBSIZE,
    TXPBTHRESH,
)
from device.regs.i82599.filters import MrqeMode
from device.regs.i82599.rx import DescType, MaxDesc
from device.regs.i82599.tx import MtqcMode
from driver.core.bar import Bar
from driver.errors import RingError
from driver.ixgbe.sriov.pools import Pools
from driver.ixgbe.sw_init import SwState

log = logging.getLogger(__name__)

ENABLE_TIMEOUT_S = 0.02
DISABLE_TIMEOUT_S = 0.05
SECRX_TIMEOUT_S = 0.04
PTHRESH, HTHRESH, WTHRESH = 32, 1, 1
TXPB_MARGIN_KIB = 10
LOW_BITS = 2**32
POOL_QUEUES_MAX = 4  # that RSS spreads over; Ref: ixgbe_setup_reta


class HwRing(Protocol):
    """What the registers need to know of a ring."""

    reg_idx: int
    iova: int
    len_bytes: int
    count: int
    buf_bytes: int
    lro: bool

    def start(self) -> int:
        """Rx: give the buffers to the NIC and write the tail."""


def packet_buffers(bar: Bar, sw: SwState) -> None:
    """Give all of both packet buffers to traffic class 0.

    Ref: ixgbe_set_rxpba_82599; the flow director would take a slice of the Rx buffer, which is not used here.
    """
    for n in range(RXPBSIZE.count):
        bar.write(RXPBSIZE, RXPBSIZE.of(SIZE=sw.rx_fifo_kib if n == 0 else 0), n)
    for n in range(TXPBSIZE.count):
        bar.write(TXPBSIZE, TXPBSIZE.of(SIZE=sw.tx_fifo_kib if n == 0 else 0), n)
        bar.write(TXPBTHRESH, TXPBTHRESH.of(THRESH=sw.tx_fifo_kib - TXPB_MARGIN_KIB if n == 0 else 0), n)


@contextmanager
def rx_path_paused(bar: Bar) -> Iterator[None]:
    """Hold frames back before the security block while the receive path is rebuilt.

    Ref: ixgbe_disable_rx_buff_generic.
    """
    bar.update(SECRXCTRL, RX_DIS=1)
    try:
        bar.wait(SECRXSTAT, timeout_s=SECRX_TIMEOUT_S, SECRX_RDY=1)
    except TimeoutError as err:
        log.warning("the Rx path did not drain, going on: %s", err)
    try:
        yield
    finally:
        bar.update(SECRXCTRL, RX_DIS=0)


def tx_global(bar: Bar, pools: Pools | None = None) -> None:
    """Undivided Tx queues, or pools of them, then the transmit engine; the arbiter rests meanwhile."""
    bar.update(RTTDCS, ARBDIS=1)
    bar.write(MTQC, MTQC.of(MODE=pools.mtqc if pools is not None else MtqcMode.Q64))
    bar.update(RTTDCS, ARBDIS=0)
    bar.update(DMATXCTL, TE=1)


def tx_ring(bar: Bar, ring: HwRing) -> None:
    """Tell the chip where a Tx ring is and enable it.

    Raises:
        RingError: The queue does not report itself enabled.
    """
    queue = ring.reg_idx
    bar.write(TXDCTL, 0, queue)
    bar.flush()
    bar.write(TDBAL, ring.iova % LOW_BITS, queue)
    bar.write(TDBAH, ring.iova // LOW_BITS, queue)
    bar.write(TDLEN, ring.len_bytes, queue)
    bar.write(TDWBAL, 0, queue)
    bar.write(TDWBAH, 0, queue)
    bar.write(TDH, 0, queue)
    bar.write(TDT, 0, queue)
    bar.write(TXDCTL, TXDCTL.of(ENABLE=1, PTHRESH=PTHRESH, HTHRESH=HTHRESH, WTHRESH=WTHRESH), queue)
    _confirm(bar, TXDCTL, queue)


def _confirm(bar: Bar, register: type[TXDCTL] | type[RXDCTL], queue: int) -> None:
    try:
        bar.wait(register, queue, timeout_s=ENABLE_TIMEOUT_S, ENABLE=1)
    except TimeoutError as err:
        raise RingError(f"queue {queue} does not start: {err}") from err


def rx_global(bar: Bar, sw: SwState, queues: int, pools: Pools | None = None, *, lro: bool = False) -> None:
    """Receive off; descriptor splitting, coalescing, checksum, RSS and frame size.

    With pools the table spreads over all queues that a pool may have; of an entry each takes what it has queues for.
    Coalescing is allowed here (``lro``) and begins with the queues that ask for it.
    """
    rss = sw.rss_queues(queues)
    bar.update(RXCTRL, RXEN=0)
    bar.write(
        PSRTYPE,
        PSRTYPE.of(TCPHDR=1, UDPHDR=1, IPV4HDR=1, IPV6HDR=1, L2HDR=1, RQPL=2 if rss > 3 else 1 if rss > 1 else 0),
        pools.own if pools is not None else 0,
    )
    bar.update(RSCDBU, RSCACKDIS=1)
    bar.update(RDRXCTL, CRCSTRIP=1, RSCFRSTSIZE=0, RSCACKC=1, FCOE_WRFIX=1)
    bar.update(RFCTL, RSC_DIS=int(not lro), NFSW_DIS=1, NFSR_DIS=1)
    bar.update(RXCSUM, PCSD=1)
    if pools is None:
        rss_table(bar, sw, rss)
    else:
        rss_table(bar, sw, POOL_QUEUES_MAX, pools.mrqe)
    frame_size(bar, sw)


def rss_table(bar: Bar, sw: SwState, rss: int, mode: MrqeMode = MrqeMode.RSS) -> None:
    """The key, the table that spreads hashes over ``rss`` queues, and what is hashed."""
    for n in range(RSSRK.count):
        bar.write(RSSRK, int.from_bytes(sw.rss_key[4 * n : 4 * n + 4], "little"), n)
    for n in range(RETA.count):
        bar.write(RETA, RETA.of(**{f"ENTRY{k}": (4 * n + k) % rss for k in range(4)}), n)
    bar.write(
        MRQC,
        MRQC.of(
            MRQE=mode,
            RSS_FIELD_IPV4=1,
            RSS_FIELD_IPV4_TCP=1,
            RSS_FIELD_IPV6=1,
            RSS_FIELD_IPV6_TCP=1,
        ),
    )


def frame_size(bar: Bar, sw: SwState) -> None:
    """Largest frame; the limit only counts with jumbo frames allowed."""
    bar.update(MAXFRS, MFS=sw.max_frame_bytes)
    bar.update(HLREG0, JUMBOEN=1, RXCRCSTRP=1, TXCRCEN=1, TXPADEN=1)


def rx_ring(bar: Bar, ring: HwRing, *, drop: bool) -> None:
    """Tell the chip where an Rx ring is, enable it, and only then hand it buffers.

    Args:
        bar: Register window.
        ring: The ring.
        drop: When it has no free descriptor, drop its frames instead of holding up the other queues.

    Raises:
        RingError: The queue does not report itself enabled.
    """
    queue = ring.reg_idx
    bar.update(RXDCTL, queue, ENABLE=0)
    bar.flush()
    bar.write(RDBAL, ring.iova % LOW_BITS, queue)
    bar.write(RDBAH, ring.iova // LOW_BITS, queue)
    bar.write(RDLEN, ring.len_bytes, queue)
    bar.flush()
    bar.write(RDH, 0, queue)
    bar.write(RDT, 0, queue)
    bar.update(DCA_RXCTRL, queue, BIT12=0)
    bar.write(
        SRRCTL,
        SRRCTL.of(BSIZEPACKET=ring.buf_bytes // 1024, BSIZEHEADER=4, DESCTYPE=DescType.ADV_ONEBUF, DROP_EN=int(drop)),
        queue,
    )
    if ring.lro:
        _coalesce(bar, queue)
    bar.update(RXDCTL, queue, ENABLE=1)
    _confirm(bar, RXDCTL, queue)
    ring.start()


def _coalesce(bar: Bar, queue: int) -> None:
    """Have a queue make one packet of a flow's TCP frames, of as many descriptors as the harvest takes.

    The reset before it has left it off; SRRCTL has the header size that it wants though headers are not split.
    Ref: ixgbe_configure_rscctl.
    """
    bar.update(RSCCTL, queue, RSCEN=1, MAXDESC=MaxDesc.MAXDESC_16)


def disable_rx_queues(bar: Bar, queues: Sequence[int]) -> None:
    """Stop Rx queues and wait until the chip has let go of them.

    A queue that it keeps is only reported: a reset follows.
    """
    for queue in queues:
        bar.update(RXDCTL, queue, ENABLE=0, SWFLSH=1)
    _gone(bar, RXDCTL, queues)


def disable_tx_queues(bar: Bar, queues: Sequence[int], *, wait: bool) -> None:
    """Stop Tx queues; without a link they may never drain, so only then nobody waits."""
    for queue in queues:
        bar.write(TXDCTL, TXDCTL.of(SWFLSH=1), queue)
    if wait:
        _gone(bar, TXDCTL, queues)


def _gone(bar: Bar, register: type[TXDCTL] | type[RXDCTL], queues: Sequence[int]) -> None:
    for queue in queues:
        try:
            bar.wait(register, queue, timeout_s=DISABLE_TIMEOUT_S, ENABLE=0)
        except TimeoutError as err:
            log.warning("queue %d is not let go: %s", queue, err)
