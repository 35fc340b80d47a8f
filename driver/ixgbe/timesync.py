# SPDX-License-Identifier: BSD-3-Clause
"""The NIC's clock and the time stamps of PTP's messages, for a program of our own.

``TimeStamps(adapter.bar).start(adapter.link.speed_mbps)`` makes the clock count nanoseconds and asks for stamps of all
version 2 event messages, on Ethernet and in UDP.  From then on ``RxFrame.stamp_ns`` has the received one's, and a frame
posted with ``tx_offload.stamp`` has one that ``sent_ns`` reads.  A reset ends it, so also ``down`` and ``up``.

The NIC keeps one stamp each way until it is read, and stamps nothing else meanwhile.
Ref: 82599 datasheet, "Time SYNC (IEEE1588 and 802.1AS)".
"""

from device.regs.core import Register
from device.regs.i82599 import (
    ETQF,
    RXMTRL,
    RXSTMPH,
    RXSTMPL,
    SYSTIMH,
    SYSTIML,
    TIMINCA,
    TSYNCRXCTL,
    TSYNCTXCTL,
    TXSTMPH,
    TXSTMPL,
)
from device.regs.i82599.desc import RXD
from device.regs.i82599.timesync import TsyncType
from driver.core.bar import Bar
from driver.errors import DriverError

ETHERTYPE = 0x88F7
ETQF_PTP = 3  # the filter that Linux uses for it
UDP_PORT = 319
# What makes SYSTIM count nanoseconds: ticks are 6.4, 64 and 640 ns, and five of the first are 32 ns.
RATES = {10_000: TIMINCA.of(INCPERIOD=5, INCVALUE=32), 1000: TIMINCA.of(INCPERIOD=1, INCVALUE=64)}
RATES[100] = TIMINCA.of(INCPERIOD=1, INCVALUE=640)


def _whole_ns(bar: Bar, low: type[Register], high: type[Register]) -> int:
    """Read the low half first: that is what keeps the high one as it is, and reading the high one frees a stamp."""
    value = int(bar.read(low))
    return value | int(bar.read(high)) << 32


def received_ns(bar: Bar, status: int) -> int | None:
    """The stamp of the frame whose descriptor has this status, which frees it; None if it has none."""
    if not status & RXD.STAT_TS.mask or not bar.read(TSYNCRXCTL).VALID:
        return None
    return _whole_ns(bar, RXSTMPL, RXSTMPH)


class TimeStamps:
    """The clock and the stamps of one NIC.

    Args:
        bar: Its registers.
    """

    def __init__(self, bar: Bar) -> None:
        self._bar = bar

    def start(self, speed_mbps: int) -> None:
        """Let the clock run from 0, and take stamps.

        Args:
            speed_mbps: The link's speed, on which the length of a tick depends.

        Raises:
            DriverError: The link has none, or another one than the NIC can run at.
        """
        self.follow(speed_mbps)
        bar = self._bar
        bar.write(SYSTIML, 0)
        bar.write(SYSTIMH, 0)
        bar.write(ETQF, ETQF.of(FILTER_EN=1, IEEE_1588=1, ETYPE=ETHERTYPE), ETQF_PTP)
        bar.write(RXMTRL, RXMTRL.of(UDP_PORT=UDP_PORT))
        bar.write(TSYNCTXCTL, TSYNCTXCTL.of(ENABLED=1))
        bar.write(TSYNCRXCTL, TSYNCRXCTL.of(ENABLED=1, TYPE=TsyncType.EVENT_V2))
        for old in (TXSTMPH, RXSTMPH):
            bar.read(old)

    def follow(self, speed_mbps: int) -> None:
        """The link has this speed now; the clock goes on, still in nanoseconds.

        Raises:
            DriverError: As ``start``.
        """
        if speed_mbps not in RATES:
            raise DriverError(f"the clock's rate is that of the link, which has {speed_mbps} Mb/s: wait until it is up")
        self._bar.write(TIMINCA, RATES[speed_mbps])

    def stop(self) -> None:
        """Take no more stamps and stop the clock."""
        for register in (TSYNCRXCTL, TSYNCTXCTL, TIMINCA):
            self._bar.write(register, 0)
        self._bar.write(ETQF, 0, ETQF_PTP)

    def now_ns(self) -> int:
        """The clock, in nanoseconds since ``start``."""
        return _whole_ns(self._bar, SYSTIML, SYSTIMH)

    def sent_ns(self) -> int | None:
        """When the frame left that asked for a stamp; None: it has not yet. Reading it frees the stamp."""
        return _whole_ns(self._bar, TXSTMPL, TXSTMPH) if self._bar.read(TSYNCTXCTL).VALID else None
