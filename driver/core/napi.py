# SPDX-License-Identifier: BSD-3-Clause
"""NAPI for q_vectors: who polls which rings, when it sleeps, what becomes of frames (loop: driver/core/csrc/napi.c)."""

import enum
import logging
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from driver.compiled import ffi, lib, mmio_unread
from driver.core.bar import Bar
from driver.core.rings import RxRing, TxRing
from driver.core.threads import Pin, Threads
from driver.errors import DriverError, gone

log = logging.getLogger(__name__)

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
        cpus: Where its thread shall run, if it has one of its own; none: anywhere.
    """

    def __init__(
        self,
        bar: Bar,
        v_idx: int,
        rx: Sequence[RxRing],
        tx: Sequence[TxRing],
        irq_fd: int,
        rearm: Rearm,
        *,
        cpus: frozenset[int] = frozenset(),
    ) -> None:
        self.v_idx = v_idx
        self.cpus = cpus
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
        names = ("irqs", "events", "polls", "rearms", "work", "budget_spent", "tx_work")
        return {name: int(getattr(self.c, name)) for name in names}

    def netdev_stats(self) -> dict[str, int]:
        """Return what crossed the tap queue."""
        return {name: int(getattr(self.c.netdev, name)) for name in NETDEV_STATS}


class Moderates(Protocol):
    """Who sets the intervals of the vectors (moderation.py)."""

    def start(self) -> None:
        """The vectors are about to be polled."""

    def decide(self, napis: Sequence[Napi]) -> None:
        """Make the decisions that these vectors owe."""


class _Worker:
    """A thread and the vectors that it alone polls."""

    def __init__(self, napis: Sequence[Napi], pin: Pin | None) -> None:
        self.napis = list(napis)
        self.pin = pin
        self.thread: threading.Thread | None = None
        self.said = ""  # of its pin, so that resets do not repeat it


class Poller:
    """Threads that serve a set of vectors until told to stop.

    A vector with its rings belongs to one thread.  What threads share is the register window, whose door lets one
    message through at a time, and the interface, whose queues are files.

    Args:
        napis: The vectors.
        mode: Sleep on interrupts, never sleep, or look a little before sleeping.
        sink: Where received frames go.
        tap_fds: With ``Sink.NETDEV``: one queue of the interface for each Tx ring but those of XDP, in the order of
            their numbers.
        threads: One for all vectors, or one for each, pinned to the CPUs of its vector.
        moderation: Who sets the vectors' intervals; nobody: they stay as they are.

    Attributes:
        error: Why polling stopped by itself, if it did.  What stops one thread stops all.
    """

    def __init__(
        self,
        napis: Sequence[Napi],
        *,
        mode: NapiMode = NapiMode.IRQ,
        sink: Sink,
        tap_fds: Sequence[int] = (),
        threads: Threads = Threads.ONE,
        moderation: Moderates | None = None,
    ) -> None:
        self.napis = list(napis)
        self.error: DriverError | None = None
        self._moderation = moderation
        self._stop_fd = -1
        self._done_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._lock = threading.Lock()  # of error
        if threads is Threads.VECTOR:
            self._workers = [_Worker([napi], Pin(napi.cpus)) for napi in self.napis]
        else:
            self._workers = [_Worker(self.napis, None)]
        for napi in self.napis:
            napi.c.mode, napi.c.sink = mode, sink
        if sink is Sink.NETDEV:
            _share_taps(self.napis, tap_fds)

    def start(self) -> None:
        """Start the threads, for the first time or after ``stop``.  Every vector is polled once, interrupt or not."""
        self.error = None
        for napi in self.napis:
            napi.c.scheduled = 1
            napi.c.tap_error = 0
            for ring in range(napi.c.tx_count):
                napi.c.tx_blocked[ring] = 0  # the rings may have been emptied by a reset
        if self._moderation is not None:
            self._moderation.start()
        self._stop_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        try:
            for worker in self._workers:
                name = "napi" if worker.pin is None else f"napi-{worker.napis[0].v_idx}"
                thread = threading.Thread(target=self._run, args=(worker, self._stop_fd), name=name, daemon=True)
                thread.start()
                worker.thread = thread
        except BaseException:
            self.stop()
            raise

    def _run(self, worker: _Worker, stop_fd: int) -> None:
        try:
            self._pin(worker)
            error = self._serve(worker, stop_fd)
        except (DriverError, OSError) as exc:
            error = exc if isinstance(exc, DriverError) else DriverError(str(exc)).with_errno(exc.errno)
        except Exception as exc:
            log.exception("polling failed")
            error = DriverError(f"polling failed: {exc!r}")
        finally:
            if worker.pin is not None:
                worker.pin.ended()
        if error is None:
            return
        with self._lock:
            self.error = self.error or error
        os.eventfd_write(stop_fd, 1)
        os.eventfd_write(self._done_fd, 1)

    def _pin(self, worker: _Worker) -> None:
        pin = worker.pin
        if pin is None:
            return
        pin.here()
        if pin.wanted and pin.why_not and pin.why_not != worker.said:
            log.warning("vector %d: its thread is not pinned: %s", worker.napis[0].v_idx, pin.why_not)
        worker.said = pin.why_not

    def _serve(self, worker: _Worker, stop_fd: int) -> DriverError | None:
        """Poll until told to stop; what stopped it otherwise."""
        napis = worker.napis
        vectors = ffi.new("struct napi *[]", [napi.c for napi in napis] or 1)
        while (rc := lib.napi_run(vectors, len(napis), stop_fd, FOREVER_NS)) == lib.NAPI_DECIDE:
            if self._moderation is not None:
                self._moderation.decide(napis)
        if rc == 0:
            return None
        door = napis[0].bar.door.name
        if any(napi.c.tap_error for napi in napis):
            return DriverError(f"{door}: the network interface is gone ({os.strerror(-rc)}): somebody removed it")
        return gone(door, -rc, *mmio_unread(napis[0].bar.mmio))

    def done_fd(self) -> int:
        """File descriptor that is readable once polling has stopped by itself; ``error`` says why."""
        return self._done_fd

    @property
    def alive(self) -> bool:
        """Whether every thread still polls."""
        return all(worker.thread is not None and worker.thread.is_alive() for worker in self._workers)

    def pin(self, v_idx: int) -> Pin | None:
        """Where the thread of a vector runs; None if one thread serves all."""
        return next((worker.pin for worker in self._workers if worker.pin and worker.napis[0].v_idx == v_idx), None)

    def stop(self) -> None:
        """Stop the threads; when this returns nobody touches the rings.  Safe to call twice; ``start`` goes on.

        Raises:
            DriverError: A thread did not stop in time; its rings must not be freed.
        """
        if self._stop_fd < 0:
            return
        os.eventfd_write(self._stop_fd, 1)
        end_s = time.monotonic() + STOP_TIMEOUT_S
        for worker in self._workers:
            if worker.thread is not None:
                worker.thread.join(max(0.0, end_s - time.monotonic()))
                if worker.thread.is_alive():
                    raise DriverError(f"the polling thread did not stop within {STOP_TIMEOUT_S:.0f} s")
                worker.thread = None
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
