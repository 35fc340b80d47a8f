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
        tx: Its Tx rings; the first carries what the netdev sends.
        irq_fd: Eventfd of the interrupt, or -1.
        rearm: How to let it fire again.
    """

    def __init__(
        self, bar: Bar, v_idx: int, rx: Sequence[RxRing], tx: Sequence[TxRing], irq_fd: int, rearm: Rearm
    ) -> None:
        self.c: Any = ffi.new("struct napi *")
        self._rx = ffi.new("struct rx_ring *[]", [ring.c for ring in rx] or 1)
        self._tx = ffi.new("struct tx_ring *[]", [ring.c for ring in tx] or 1)
        self._keep = (list(rx), list(tx))
        self.bar = bar
        napi = self.c
        napi.v_idx, napi.irq_fd, napi.tap_fd = v_idx, irq_fd, -1
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
        tap_fds: With ``Sink.NETDEV``: one queue of the interface per vector that has Tx rings.

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
            # A vector that sends owns a queue of the interface; one that only receives writes to somebody's.
            senders = [napi for napi in self.napis if napi.c.tx_count]
            for napi, fd in zip(senders, tap_fds, strict=True):
                napi.c.tap_fd = fd
            for index, napi in enumerate(napi for napi in self.napis if not napi.c.tx_count):
                napi.c.tap_fd, napi.c.tap_blocked = tap_fds[index % len(tap_fds)], 1

    def start(self) -> None:
        """Start the thread, for the first time or after ``stop``.  Every vector is polled once, interrupt or not."""
        self.error = None
        for napi in self.napis:
            napi.c.scheduled = 1
            napi.c.tap_error = 0
            if napi.c.tx_count:
                napi.c.tap_blocked = 0  # the rings may have been emptied by a reset
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
