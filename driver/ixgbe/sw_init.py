# SPDX-License-Identifier: BSD-3-Clause
"""The driver's own idea of a port before the hardware is touched: limits, sizes, features.

Ref: ixgbe_sw_init.
"""

from dataclasses import dataclass

from device.regs.pci import MSIX_CTRL
from driver.core.itr import ITR_20K_US
from driver.errors import DriverError
from driver.ixgbe.hw.hw import Hw

MAX_MSIX_VECTORS = 64
NON_Q_VECTORS = 1
MTUS = range(68, 9711)
MTU_DEFAULT = 1500
QUEUES_MAX = 64
RING_DEFAULT = 512
RX_BUF_BYTES = 2048
LRO_BUF_BYTES = 4096  # sixteen of them hold the longest IP packet, so that a packet of 64 KiB is not three
TX_BUF_BYTES = 2048
FRAME_OVERHEAD = 18  # Ethernet header and FCS
VLAN_TAG_BYTES = 4
LRO_ITR_US = 6  # Ref: IXGBE_MIN_RSC_ITR, quarters of a µs: an interval has to be longer to be worth it
FRAME_MIN_LIMIT = 1522  # a full frame with one VLAN tag

# The key of Microsoft's RSS specification: whoever checks a hash finds published answers for it.
RSS_KEY = bytes.fromhex("6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa")


@dataclass(slots=True)
class SwState:
    """What ``sw_init`` decided, and what is wanted since.

    Attributes:
        lro: Whether the consumer of the rings wants TCP coalesced.
        fixed_itr_us: The interval that vectors keep; None: it changes with the load.
    """

    rss_limit: int
    queue_limit: int
    rar_entries: int
    itr_us: int = ITR_20K_US
    ring_count: int = RING_DEFAULT
    mtu: int = MTU_DEFAULT
    rss_key: bytes = RSS_KEY
    rx_fifo_kib: int = 512
    tx_fifo_kib: int = 160
    msix_table: int = 0
    lro: bool = False
    fixed_itr_us: int | None = None

    @property
    def max_frame_bytes(self) -> int:
        """Largest frame on the wire, FCS included."""
        return max(self.mtu + FRAME_OVERHEAD, FRAME_MIN_LIMIT)

    def rss_queues(self, queues: int) -> int:
        """How many of ``queues`` RSS spreads over.

        RETA's entries have four bits.  Queues above the sixteenth still send, and receive what a filter
        (flow director, ethertype) steers to them; this is Linux's arrangement too.
        """
        return min(queues, self.rss_limit)


def sw_init(hw: Hw, cpus: int) -> SwState:
    """Set limits by MAC generation and CPUs, make the address table, and read how many vectors there are.

    RSS limits the queues that are made by themselves.  Linux's flow director, DCB and pools would make more: this
    driver has none of the three.  A function may come without MSI-X: there is no table then, and MSI or INTx will do.
    """
    info = hw.info
    table = hw.config.read(MSIX_CTRL).TABLE_SIZE + 1 if hw.config.has(MSIX_CTRL) else 0
    return SwState(
        rss_limit=info.rss_queues,
        queue_limit=min(info.rss_queues, cpus),
        rar_entries=hw.mac.alloc_table(),
        rx_fifo_kib=info.rx_fifo_kib,
        tx_fifo_kib=info.tx_fifo_kib,
        msix_table=min(table, MAX_MSIX_VECTORS),
    )


def check_queues(queues: int, xdp_rings: int = 0) -> int:
    """A queue count that the hardware has.

    Args:
        queues: Queue pairs.
        xdp_rings: Tx queues beside those, for XDP.

    Raises:
        DriverError: Not 1..64, or more Tx queues than 64 with those of XDP.
    """
    if not 1 <= queues <= QUEUES_MAX:
        raise DriverError(f"{queues} queues: the 82599 has 1 to {QUEUES_MAX} for software")
    left = QUEUES_MAX - queues
    if not 0 <= xdp_rings <= left:
        raise DriverError(
            f"{xdp_rings} XDP rings beside {queues} queues: the 82599 has {QUEUES_MAX} Tx queues for software, "
            f"which leaves 0 to {left}"
        )
    return queues


def check_xdp_mtu(mtu: int) -> int:
    """An MTU whose frames lie in one buffer, as an XDP program wants them.

    Raises:
        DriverError: Names the value and the limit.
    """
    most = RX_BUF_BYTES - FRAME_OVERHEAD - VLAN_TAG_BYTES
    if mtu > most:
        raise DriverError(f"MTU {mtu} is too large for an XDP program, whose frames lie in one buffer: {most} at most")
    return mtu


def check_mtu(mtu: int) -> int:
    """An MTU that the hardware takes.

    Raises:
        DriverError: Names the value and the range.
    """
    if mtu not in MTUS:
        raise DriverError(f"MTU {mtu} is out of range: the 82599 takes {MTUS[0]} to {MTUS[-1]} bytes")
    return mtu
