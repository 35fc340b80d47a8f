# SPDX-License-Identifier: BSD-3-Clause
"""One NIC running as a network interface: netdev, pollers and the service task, from ``up`` to a clean end.

Whatever somebody does to the interface is done to the NIC: down is down, a new MTU resets the port, ``tcpdump`` makes
it promiscuous, a new address becomes its station address.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import Any

from driver import ethtool
from driver.core.family import Look, Nic
from driver.core.moderation import AUTO, ItrSetting, Moderation, Policy
from driver.core.napi import NapiMode, Poller, Sink
from driver.core.netdev import NetDev
from driver.core.netstate import NetState
from driver.core.qvector import QVector, RingContainer
from driver.core.threads import Threads
from driver.errors import DeviceGone, DriverError
from driver.families import check_itr
from driver.irq_requests import irq_requests
from driver.slices import Slices
from driver.status import StatusServer, wait_readable
from driver.vector_figures import figures, move, stats_of
from driver.vf_requests import vf_requests

log = logging.getLogger(__name__)


class Session:
    """A probed NIC, brought up as its interface; ends with ``close``.

    Args:
        nic: The probed NIC; it stays the caller's.
        netdev: Its interface, which the probe made; removed by ``close``.
        queues: Rx/Tx pairs.
        mode: How vectors learn of work.
        mtu: Bytes.
        itr: Who sets the vectors' intervals.
        threads: How many threads poll.
        lro: Whether TCP comes in packets of many frames; None: where the NIC can.

    Raises:
        DriverError: The rings or the vectors could not be had, or not the LRO that was wanted; everything made so far
            is undone, the interface too.
    """

    def __init__(
        self,
        nic: Nic,
        netdev: NetDev,
        *,
        queues: int,
        mode: NapiMode,
        mtu: int,
        itr: ItrSetting = AUTO,
        threads: Threads = Threads.ONE,
        lro: bool | None = None,
    ) -> None:
        self.nic = nic
        self.poller: Poller | None = None
        self.moderation: Moderation | None = None
        self.itr = itr
        self._threads = threads
        self._lro = lro
        self._other_irqs = 0
        self.status: StatusServer | None = None
        self._queues = queues
        self._mode = mode
        self._past: Counter[str] = Counter()
        self.netdev = netdev
        nic.attach_netdev(netdev)
        try:
            self._set_lro()
            self._check_lro()
            self._start(mtu)
            nic.pause, nic.resume = self._pause, self._resume
            self.status = StatusServer(nic.claim.status_path, self._handlers())
            self.netdev.set_up()
            self._state = self.netdev.state()
            self._service()
        except BaseException:
            self.close()
            raise

    # ---- the NIC's own up and down ---------------------------------------------------------------------------------

    def _start(self, mtu: int) -> None:
        nic = self.nic
        nic.up(queues=self._queues, mtu=mtu, name=self.netdev.name)
        napis = nic.napis()
        senders = sum(not ring.xdp for napi in napis for ring in napi.tx_rings)
        self.netdev.open_queues(senders)
        vectors = list(zip(nic.q_vectors, napis, strict=True))
        self.moderation = Moderation(vectors, nic.vector_hw(), self.itr, speed_mbps=lambda: nic.link.speed_mbps)
        self.poller = Poller(
            napis,
            mode=self._mode,
            sink=Sink.NETDEV,
            tap_fds=self.netdev.fds[:senders],
            threads=self._threads,
            moderation=self.moderation,
        )
        self.poller.start()

    def _stop(self) -> None:
        poller, self.poller = self.poller, None
        if poller is not None:
            poller.close()
            self.moderation = None
            self._past.update(stats_of(poller.napis))
        self.nic.down()

    def _set_lro(self) -> None:
        """LRO waits for a vector's interrupt, so the NIC has to know whether there is anything to wait for."""
        fixed = self.itr.policy is Policy.STATIC
        self.nic.set_lro(on=self._lro is not False, fixed_itr_us=self.itr.itr_us if fixed else None)

    def _check_lro(self) -> None:
        """Whoever said that he wants it is told where it cannot be."""
        if self._lro and (why := self.nic.why_no_lro()):
            name = self.nic.bar.door.name
            raise DriverError(f"{name}: --lro on: {why}; without the option LRO is on where it can be")

    # The NIC calls these around a reset of the running port.
    def _pause(self) -> None:
        if self.poller is not None:
            self.poller.stop()

    def _resume(self) -> None:
        if self.poller is not None:
            self.poller.start()

    # ---- figures ---------------------------------------------------------------------------------------------------

    def _handlers(self) -> dict[str, Callable[..., Any]]:
        return {
            **requests(self.nic, self.stats),
            **irq_requests(self.nic),
            **vf_requests(self.nic),
            "vectors": self.vectors,
            "vector_figures": self.vector_figures,
            "itr": self.set_itr,
            "irq_affinity": self.set_affinity,
        }

    def vectors(self) -> list[tuple[str, str, str, str]]:
        """Return the ring and vector table: vector, interrupt, Rx queues, Tx queues; also while the port is down."""
        table = [
            (str(q_vector.reg_idx), q_vector.name, _numbers(q_vector.rx_container), _tx_numbers(q_vector))
            for q_vector in self.nic.q_vectors
        ]
        if self.nic.other_vector is not None:
            table.append((str(self.nic.other_vector), f"ixlab-{self.netdev.name}-other", "", ""))
        return table

    def vector_figures(self) -> list[dict[str, Any]]:
        """Return what is known of each vector, from its registers, its rings, its thread and its counters."""
        return figures(self.nic, self.vectors(), self.poller, self.moderation, self._past, self._other_irqs)

    def set_itr(self, setting: str = "") -> str:
        """Let somebody else set the vectors' intervals, as ``up --itr`` says it; returns who does.

        Raises:
            DriverError: It is no such setting; nothing was changed.
        """
        if setting:
            self.itr = check_itr(setting)
            if self.moderation is not None:
                self._pause()
                self.moderation.set(self.itr)
                self._resume()
            self._set_lro()
        return str(self.itr)

    def set_affinity(self, *words: str) -> dict[str, Any]:
        """Move a vector to other CPUs, as its thread if it has one of its own; returns where it is.

        Args:
            words: The vector, and its CPUs as ``0-1,3``.

        Raises:
            DriverError: There is no such vector, or it cannot be served there; nothing was changed.
        """
        if len(words) != 2:
            raise DriverError(f"a vector and its CPUs are wanted, as 0 0-1,3; got {' '.join(words)!r}")
        return move(self.nic.q_vectors, self.poller, *words)

    def stats(self) -> dict[str, int]:
        """Return the NIC's totals, what the vectors did and what crossed the interface."""
        vectors = Counter(self._past)
        if self.poller is not None:
            vectors.update(stats_of(self.poller.napis))
        totals = {name: count for name, count in vectors.items() if name.startswith("netdev_")}
        return {**self.nic.stats(), **totals, **{k: v for k, v in vectors.items() if k not in totals}}

    # ---- running ---------------------------------------------------------------------------------------------------

    def _service(self) -> None:
        self.nic.service()
        self._carrier()
        self._keep_mac()

    def _carrier(self) -> None:
        self.netdev.set_carrier(up=self.nic.link.up)

    def _keep_mac(self) -> None:
        """The NIC's address is the interface's: a virtual function may be given another, or be refused one."""
        if self.nic.mac == self._state.mac.hex(":"):
            return
        log.info("%s: its address is %s", self._state.name, self.nic.mac)
        address = bytes.fromhex(self.nic.mac.replace(":", ""))
        self.netdev.set_mac(address)
        self._state = replace(self._state, mac=address)

    def _follow(self) -> None:
        """Do to the NIC what was done to the interface."""
        before, now = self._state, self.netdev.state()
        self._state = now
        if now == before:
            return
        if now.mac != before.mac:
            self._follow_mac(now)
        if now.promiscuous != before.promiscuous:
            self.nic.set_rx_mode(promiscuous=now.promiscuous)
        if now.up != before.up:
            log.info("%s: set %s", now.name, "up" if now.up else "down")
            if now.up:
                self._start(self.nic.mtu)
            else:
                self._stop()
        if now.mtu != self.nic.mtu:
            self._follow_mtu(now)

    def _follow_mac(self, now: NetState) -> None:
        try:
            self.nic.set_mac(now.mac)
        except DeviceGone:
            raise
        except DriverError as exc:
            log.warning("%s: %s", now.name, exc)  # and the interface gets the NIC's own back
        else:
            log.info("%s: station address is %s now", now.name, self.nic.mac)

    def _follow_mtu(self, now: NetState) -> None:
        try:
            self.nic.set_mtu(now.mtu)
        except DeviceGone:
            raise
        except DriverError as exc:
            if not self.nic.running and now.up:
                raise  # it was not the number: the port did not come up again
            log.warning("%s: %s; it stays at %d", now.name, exc, self.nic.mtu)
            self.netdev.set_mtu(self.nic.mtu)
        else:
            log.info("%s: MTU is %d now", now.name, now.mtu)

    def serve(self, stop_fd: int) -> None:
        """Run the service task until ``stop_fd`` is readable.

        Raises:
            DriverError: Polling stopped by itself, the interface was removed, or the device is gone.
        """
        assert self.status is not None
        next_s = time.monotonic()
        while True:
            now_s = time.monotonic()
            if now_s >= next_s:
                self._service()
                next_s = now_s + self.nic.service_interval_s
            watch_fd, other_fds = self.netdev.watch_fd(), self.nic.other_fds()
            done_fd = self.poller.done_fd() if self.poller is not None else stop_fd
            fds = {stop_fd, done_fd, self.status.fileno(), watch_fd, *other_fds}
            ready = wait_readable(fds, 0.0 if self.status.working else max(0.0, next_s - time.monotonic()))
            if stop_fd in ready:
                return
            if self.poller is not None and self.poller.error is not None:
                raise self.poller.error
            self.status.poll()
            if ready & set(other_fds):
                self._other_irqs += 1
                self.nic.other_irq()
                next_s = now_s
            if watch_fd in ready:
                self._follow()
                next_s = now_s

    def close(self) -> None:
        """Stop polling, quiesce the NIC, remove the interface.  Safe to call twice."""
        status, self.status = self.status, None
        with ExitStack() as rest:
            rest.callback(self.netdev.close)
            rest.callback(self._stop)
            if status is not None:
                rest.callback(status.close)

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def _tx_numbers(q_vector: QVector) -> str:
    """The interface's queues, and behind them those of XDP."""
    xdp = " ".join(f"{queue} (XDP)" for queue in sorted(q_vector.xdp_queues))
    return f"{_numbers(q_vector.tx_container)} {xdp}".strip()


def _numbers(container: RingContainer) -> str:
    return " ".join(map(str, sorted(container.queues)))


def looks(nic: Nic | Look, stats: Callable[[], Mapping[str, int]]) -> dict[str, Callable[..., Any]]:
    """Return what can be asked of any NIC, one that nobody drives too: nothing changes in it by the answer."""

    def registers(which: str = "set", *names: str) -> list[dict[str, Any]]:
        return ethtool.registers(nic.bar, nic.registers, zero=which == "all", names=names)

    return {"stats": stats, "regs": registers, "link": nic.read_link, "module": nic.about_module}


def requests(nic: Nic, stats: Callable[[], Mapping[str, int]]) -> dict[str, Callable[..., Any]]:
    """Return what can be asked about a NIC: by name, a function that takes the words after the name.

    The same functions answer for a running driver (over its status socket) and for one that probed just to ask. What
    takes long they do in slices: one word of the EEPROM, one byte of a module.
    """

    def eeprom(words: str = "64") -> Slices[list[int]]:
        found: list[int] = []
        for first in range(int(words)):
            word = nic.read_eeprom(1, first)
            if not word:
                break
            found += word
            yield
        return found

    return {**looks(nic, stats), "eeprom": eeprom}
