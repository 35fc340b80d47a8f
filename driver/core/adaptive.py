# SPDX-License-Identifier: BSD-3-Clause
"""Linux' older adaptive moderation: aim at 48 to 96 packets an interrupt; be quick while there are fewer than four.

A container says how long its vector should wait, and whether that is for latency (few packets: the next one should not
wait) or for bulk (so many that interrupts had better be fewer).  Bulk has the word where a vector's two sides differ.

Linux does this at each completion, with what that one interrupt brought.  Here it is done at most every 2 ms
(``NAPI_DECIDE_GAP_US``), with what an interrupt brought on average.

Ref: the behaviour of update_itr and set_itr in Linux 6.12's driver for 10 Gb cards.
"""

from dataclasses import dataclass

MIN_US = 10
MAX_US = 126
STEP_US = 2
STALE_US = 8000  # two jiffies of Debian's kernel

FEW_PACKETS, FEW_BYTES = 4, 9000  # fewer than both: somebody waits for each packet
LOW_PACKETS = 48  # fewer: wait a little longer
HIGH_PACKETS = 96  # fewer: just right
FLOOD_PACKETS = 256  # fewer: wait half as long; from here on the packets' size decides

TEN_GIGABIT_MBPS = 10_000
SLOW_SIZE_MAX = 8064  # no more than 126 us at 1 Gb/s, where the same size means four times as long

# Average bytes of a packet, up to which: 256 * us are slope * bytes + start, at 10 Gb/s.
BY_SIZE = ((60, 0, 5120), (316, 40, 2720), (1084, 15, 11452), (1967, 5, 22420))
BY_SIZE_MOST = 32256


def us_by_size(size_bytes: int, *, latency: bool, speed_mbps: int) -> int:
    """The interval for packets of this size, in µs: 20 to 126 µs at 10 Gb/s, half of it for latency."""
    scaled = next((slope * size_bytes + start for most, slope, start in BY_SIZE if size_bytes <= most), BY_SIZE_MOST)
    if latency:
        scaled //= 2
    unit = 256
    if speed_mbps < TEN_GIGABIT_MBPS:
        scaled, unit = min(scaled, SLOW_SIZE_MAX), 64
    return -(-scaled // (STEP_US * unit)) * STEP_US


@dataclass(slots=True)
class Adaptive:
    """What one container (all Rx, or all Tx rings of a vector) wants.

    Attributes:
        us: The interval.
        latency: It is for latency, not for bulk.
        updated_us: When it was decided.
    """

    us: int = MAX_US
    latency: bool = True
    updated_us: int = 0

    @property
    def mode(self) -> str:
        """The mode, for people."""
        return "latency" if self.latency else "bulk"

    def update(
        self, packets: int, size_bytes: int, vector_us: int, now_us: int, *, speed_mbps: int = TEN_GIGABIT_MBPS
    ) -> None:
        """Decide again.

        Args:
            packets: How many an interrupt brought.
            size_bytes: Bytes that an interrupt brought.
            vector_us: The interval it happened with.
            now_us: Time.
            speed_mbps: Of the link.
        """
        stale = now_us - self.updated_us > STALE_US
        self.updated_us = now_us
        if stale:  # nothing came for long, or so much that nobody interrupts: neither says what to wait for
            self.us, self.latency = MIN_US, True
        elif not packets:  # the other side's interrupts, or those of few large sends: let there be fewer
            self.us = min(vector_us + STEP_US, MAX_US)
        elif packets < FEW_PACKETS and size_bytes < FEW_BYTES:
            self.us, self.latency = us_by_size(size_bytes // packets, latency=True, speed_mbps=speed_mbps), True
        else:
            self.us, self.latency = self._bulk_us(packets, size_bytes, vector_us, speed_mbps), False

    @staticmethod
    def _bulk_us(packets: int, size_bytes: int, vector_us: int, speed_mbps: int) -> int:
        if packets < LOW_PACKETS:
            return min(vector_us + STEP_US, MAX_US)
        if packets < HIGH_PACKETS:
            return vector_us
        if packets < FLOOD_PACKETS:
            return max(vector_us // 2, MIN_US)
        return us_by_size(size_bytes // packets, latency=False, speed_mbps=speed_mbps)


def chosen(*containers: Adaptive) -> Adaptive:
    """Whose word counts for the vector: bulk before latency, then the shorter interval."""
    return min(containers, key=lambda one: (one.latency, one.us))
