# SPDX-License-Identifier: BSD-3-Clause
"""NAPI for q_vectors: who polls which rings, when it sleeps, what becomes of frames (loop: driver/core/csrc/napi.c)."""

import enum
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from driver.compiled import ffi, lib, mmio_unread
from driver.core.bar import Bar
from driver.core.rings import RxRing, TxRing
from driver.errors import DriverError, gone

STOP_TIMEOUT_S = 10.0
FOREVER_NS = -1
NETDEV_STATS = (
    *("rx_frames", "rx_bytes", "rx_dropped", "tx_frames", "tx_bytes", "tx_dropped"),
    *("tx_gso", "csum_left", "csum_soft", "csum_good"),
)
HYBRID_SPIN_US = 50  # sleeping costs about 20 µs per wake-up: look this long first


class NapiMode(enum.IntEnum):
    """How a vector learns of work."""

    IRQ = 0
    POLL = 1
    HYBRID = 2


class Sink(enum.IntEnum):
    """What becomes of received frames."""

    NONE = 0
    DROP = 1
    NETDEV = 2
    ECHO = 3


@dataclass(frozen=True, slots=True)
class Rearm:
    """The register write that lets a vector interrupt again."""

    offset: int
    value: int


class Napi:
    """One vector's polling context; wraps ``struct napi`` and keeps alive what it points to.

    Args:
        bar: Register window.
        v_idx: The vector's place among its q_vectors.
        rx: Its Rx rings.
        tx: Its Tx rings; the first carries what ``Sink.ECHO`` sends back.
        irq_fd: Eventfd of the interrupt, or -1.
        rearm: How to let it fire again.
    """

    def __init__(
        self, bar: Bar, v_idx: int, rx: Sequence[RxRing], tx: Sequence[TxRing], irq_fd: int, rearm: Rearm
    ) -> None:
        self.c: Any = ffi.new("struct napi *")
        self._rx = ffi.new("struct rx_ring *[]", [ring.c for ring in rx] or 1)
        self._tx = ffi.new("struct tx_ring *[]", [ring.c for ring in tx] or 1)
        self._rx_tap, self._tx_tap = ffi.new("int[]", [-1] * len(rx) or 1), ffi.new("int[]", [-1] * len(tx) or 1)
        self._tx_blocked = ffi.new("uint32_t[]", len(tx) or 1)
        self.rx_rings, self.tx_rings = list(rx), list(tx)
        self.bar = bar
        napi = self.c
        napi.v_idx, napi.irq_fd = v_idx, irq_fd
        napi.rx_tap, napi.tx_tap, napi.tx_blocked = self._rx_tap, self._tx_tap, self._tx_blocked
        napi.bar = bar.mmio
        napi.rearm_offset, napi.rearm_value = rearm.offset, rearm.value
        napi.weight = lib.NAPI_WEIGHT
        napi.rx, napi.rx_count = self._rx, len(rx)
        napi.tx, napi.tx_count = self._tx, len(tx)
        napi.spin_us = HYBRID_SPIN_US

    def poll(self, budget: int = 64) -> int:
        """Poll once as NAPI does; less than ``budget`` means complete."""
        return int(lib.napi_poll(self.c, budget, lib.napi_now()))

    def stats(self) -> dict[str, int]:
        """Return what the vector did so far."""
        names = ("irqs", "polls", "rearms", "work", "budget_spent", "tx_work")
        return {name: int(getattr(self.c, name)) for name in names}

    def netdev_stats(self) -> dict[str, int]:
        """Return what crossed the tap queue."""
        return {name: int(getattr(self.c.netdev, name)) for name in NETDEV_STATS}


class Poller:
    """One thread that serves a set of vectors until told to stop.

    Args:
        napis: The vectors.
        mode: Sleep on interrupts, never sleep, or look a little before sleeping.
        sink: Where received frames go.
        tap_fds: With ``Sink.NETDEV``: one queue of the interface for each Tx ring but those of XDP, in the order of
            their numbers.

    Attributes:
        error: Why polling stopped by itself, if it did.
    """

    def __init__(
        self, napis: Sequence[Napi], *, mode: NapiMode = NapiMode.IRQ, sink: Sink, tap_fds: Sequence[int] = ()
    ) -> None:
        self.napis = list(napis)
        self.error: DriverError | None = None
        self._stop_fd = -1
        self._done_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._thread: threading.Thread | None = None
        for napi in self.napis:
            napi.c.mode, napi.c.sink = mode, sink
        if sink is Sink.NETDEV:
            _share_taps(self.napis, tap_fds)

    def start(self) -> None:
        """Start the thread, for the first time or after ``stop``.  Every vector is polled once, interrupt or not."""
        self.error = None
        for napi in self.napis:
            napi.c.scheduled = 1
            napi.c.tap_error = 0
            for ring in range(napi.c.tx_count):
                napi.c.tx_blocked[ring] = 0  # the rings may have been emptied by a reset
        self._stop_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._thread = threading.Thread(target=self._run, args=(self._stop_fd,), name="napi", daemon=True)
        self._thread.start()

    def _run(self, stop_fd: int) -> None:
        vectors = ffi.new("struct napi *[]", [napi.c for napi in self.napis])
        rc = lib.napi_run(vectors, len(self.napis), stop_fd, FOREVER_NS)
        if rc == 0:
            return
        door = self.napis[0].bar.door.name
        if any(napi.c.tap_error for napi in self.napis):
            self.error = DriverError(f"{door}: the network interface is gone ({os.strerror(-rc)}): somebody removed it")
        else:
            self.error = gone(door, -rc, *mmio_unread(self.napis[0].bar.mmio))
        os.eventfd_write(self._done_fd, 1)

    def done_fd(self) -> int:
        """File descriptor that is readable once polling has stopped by itself; ``error`` says why."""
        return self._done_fd

    @property
    def alive(self) -> bool:
        """Whether the thread still polls."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """Stop the thread; when this returns nobody touches the rings.  Safe to call twice; ``start`` goes on.

        Raises:
            DriverError: The thread did not stop in time; its rings must not be freed.
        """
        thread, self._thread = self._thread, None
        if thread is not None:
            os.eventfd_write(self._stop_fd, 1)
            thread.join(STOP_TIMEOUT_S)
            if thread.is_alive():
                raise DriverError(f"the polling thread did not stop within {STOP_TIMEOUT_S:.0f} s")
        if self._stop_fd >= 0:
            os.close(self._stop_fd)
            self._stop_fd = -1

    def close(self) -> None:
        """Stop for good.  Safe to call twice."""
        self.stop()
        if self._done_fd >= 0:
            os.close(self._done_fd)
            self._done_fd = -1


def _share_taps(napis: Sequence[Napi], tap_fds: Sequence[int]) -> None:
    """Give each Tx ring but those of XDP a queue of the interface, and each Rx ring that of the Tx ring of its number.

    What a flow receives on a queue tells the interface where to send it: so both ways of it meet in one pair of rings.
    """
    queues = sorted(ring.queue for napi in napis for ring in napi.tx_rings if not ring.xdp)
    own = dict(zip(queues, tap_fds, strict=True))
    for napi in napis:
        for i, tx in enumerate(napi.tx_rings):
            napi.c.tx_tap[i] = own.get(tx.queue, -1)
        for i, rx in enumerate(napi.rx_rings):
            napi.c.rx_tap[i] = own.get(rx.queue, tap_fds[rx.queue % len(tap_fds)])
