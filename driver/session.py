# SPDX-License-Identifier: BSD-3-Clause
"""One NIC running as a network interface: netdev, pollers and the service task, from ``up`` to a clean end."""

import logging
import time
from types import TracebackType
from typing import Any

from driver import ethtool
from driver.errors import DeviceGone, DriverError
from driver.ixgbe.adapter import Adapter
from driver.napi import NapiMode, Poller, Sink
from driver.netdev import NetDev
from driver.status import StatusServer, wait_readable

log = logging.getLogger(__name__)

SERVICE_S = 2.0  # Linux runs its service task this often with a stable link …
SERVICE_LINK_S = 0.1  # … and this often while the link is changing
EEPROM_WORDS_MAX = 8192


class Session:
    """A probed adapter, brought up as interface ``name``; ends with ``close``.

    Args:
        adapter: The probed NIC; it stays the caller's.
        name: Interface name.
        queues: Rx/Tx pairs.
        mode: How vectors learn of work.
        mtu: Bytes.

    Raises:
        DriverError: The interface, the rings or the vectors could not be had; everything made so far is undone.
    """

    def __init__(self, adapter: Adapter, name: str, *, queues: int, mode: NapiMode, mtu: int) -> None:
        self.adapter = adapter
        self.poller: Poller | None = None
        self.status: StatusServer | None = None
        adapter.up(queues=queues, mtu=mtu)
        try:
            napis = adapter.napis()
            self.netdev = NetDev(name, sum(1 for napi in napis if napi.c.tx_count), adapter.mac, mtu)
        except BaseException:
            adapter.down()
            raise
        try:
            self.poller = Poller(napis, mode=mode, sink=Sink.NETDEV, tap_fds=self.netdev.fds)
            self.poller.start()
            self.status = StatusServer(adapter.claim.status_path, self._handlers())
            self.netdev.set_up()
            self._service()
        except BaseException:
            self.close()
            raise

    def _handlers(self) -> dict[str, Any]:
        return {
            "stats": self.stats,
            "regs": lambda: ethtool.registers(self.adapter.bar),
            "eeprom": lambda words="64": self.adapter.read_eeprom(min(int(words), EEPROM_WORDS_MAX)),
            "module": lambda: ethtool.module(self.adapter.read_module),
            "link": lambda: ethtool.link(self.adapter.bar),
        }

    def vectors(self) -> list[tuple[Any, ...]]:
        """Return the ring and vector table: vector, interrupt, Rx queues, Tx queues."""
        rows: list[tuple[Any, ...]] = []
        for q_vector in self.adapter.q_vectors:
            rows.append(
                (
                    str(q_vector.reg_idx),
                    q_vector.name,
                    " ".join(str(queue) for queue in sorted(ring.queue for ring in q_vector.rx)),
                    " ".join(str(queue) for queue in sorted(ring.queue for ring in q_vector.tx)),
                )
            )
        return rows

    def stats(self) -> dict[str, int]:
        """Return the NIC's totals and what crossed the interface."""
        totals = dict(self.adapter.stats())
        if self.poller is not None:
            for index, napi in enumerate(self.poller.napis):
                totals |= {f"vector_{index}_{name}": value for name, value in napi.stats().items()}
                totals |= {f"netdev_{index}_{name}": value for name, value in napi.netdev_stats().items()}
        return totals

    def _service(self) -> None:
        self.adapter.service()
        self.netdev.set_carrier(up=self.adapter.link.up)

    def serve(self, stop_fd: int) -> None:
        """Run the service task until ``stop_fd`` is readable.

        Raises:
            DriverError: Polling stopped by itself, or the device is gone.
        """
        assert self.status is not None
        next_s = time.monotonic()
        while True:
            now_s = time.monotonic()
            if now_s >= next_s:
                self._service()
                next_s = now_s + (SERVICE_S if self.adapter.link.up else SERVICE_LINK_S)
            fds = [stop_fd, self.status.fileno(), *self.adapter.other_fds()]
            ready = wait_readable(fds, min(SERVICE_S, max(0.0, next_s - now_s)))
            if stop_fd in ready:
                return
            if self.status.fileno() in ready:
                self.status.serve_one()
            if set(ready) & set(self.adapter.other_fds()):
                self.adapter.other_irq()
                next_s = now_s
            if self.poller is not None and self.poller.error is not None:
                raise DeviceGone(str(self.poller.error))

    def close(self) -> None:
        """Stop polling, quiesce the NIC, remove the interface.  Safe to call twice."""
        status, self.status = self.status, None
        if status is not None:
            status.close()
        poller, self.poller = self.poller, None
        if poller is not None:
            poller.stop()
        try:
            self.adapter.down()
        except (DriverError, OSError, TimeoutError) as exc:
            log.warning("taking the NIC down: %s", exc)
        finally:
            self.netdev.close()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
