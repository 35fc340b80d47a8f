# SPDX-License-Identifier: BSD-3-Clause
"""A probed port: up, down, changes while it runs, its periodic work, and its figures.

The adapter owns what the probe took (through one stack of undo steps) and what ``up`` makes: DMA memory and rings.
Rings are polled by others; before the adapter touches running rings it calls ``pause`` and afterwards ``resume``.

Ref: ixgbe_open, ixgbe_configure, ixgbe_up_complete, ixgbe_down.
"""

import logging
import os
import select
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from types import TracebackType
from typing import Any, Self

from device.regs.i82599 import CTRL_EXT, DMATXCTL, EIMC, EIMC_EX
from driver.claim import Claim
from driver.core.bar import Bar
from driver.core.dma import IOVA_BASE_64, Arena
from driver.core.napi import Napi, Rearm
from driver.core.qvector import QVector, request_irqs
from driver.core.rings import RxFrame, RxRing, TxRing
from driver.core.vsi import Vsi
from driver.doors.door import Door, IrqKind
from driver.errors import DeviceGone, DriverError, LinkError
from driver.ixgbe import config
from driver.ixgbe.hw.hw import Hw
from driver.ixgbe.hw.info import Info
from driver.ixgbe.hw.link import FlowControl, LinkStatus
from driver.ixgbe.hw.mac import show
from driver.ixgbe.interrupts import InterruptScheme
from driver.ixgbe.rings import RINGS
from driver.ixgbe.service import Service
from driver.ixgbe.sw_init import (
    RX_BUF_BYTES,
    TX_BUF_BYTES,
    SwState,
    check_mtu,
    check_queues,
)

log = logging.getLogger(__name__)

ALL = 0xFFFFFFFF
PAGE_BYTES = 4096
SERVICE_S = 2.0  # Linux runs its service task this often with a stable link …
SERVICE_LINK_S = 0.1  # … and this often while the link is changing


RingMaker = Callable[[Arena, Bar, int, int, int], Any]  # arena, bar, queue, count, buf_bytes


class Adapter:
    """One port with a driver.  Made by ``probe``; a context manager that ends in ``close``."""

    def __init__(
        self, hw: Hw, sw: SwState, scheme: InterruptScheme, claim: Claim, *, iova_base: int = IOVA_BASE_64
    ) -> None:
        """Down, with interrupts not taken yet."""
        self.hw = hw
        self.sw = sw
        self.scheme = scheme
        self.claim = claim
        self.iova_base = iova_base
        self.arena: Arena | None = None
        self.rx_rings: list[Any] = []
        self.tx_rings: list[Any] = []
        self.make_rx: RingMaker = partial(RxRing, RINGS)
        self.make_tx: RingMaker = partial(TxRing, RINGS)
        self.link = LinkStatus()
        self.running = False
        self.about: dict[str, str] = {}
        self.pause: Callable[[], None] = lambda: None
        self.resume: Callable[[], None] = lambda: None
        self.reinits = 0
        self.work = Service(self)
        self._undo = ExitStack()
        self._past: dict[str, int] = {}
        self._closed = False

    # ---- what it is ------------------------------------------------------------------------------------------------

    @property
    def door(self) -> Door:
        """The function's door."""
        return self.hw.door

    @property
    def bar(self) -> Bar:
        """The function's registers."""
        return self.hw.bar

    @property
    def info(self) -> Info:
        """The MAC generation."""
        return self.hw.info

    @property
    def vsi(self) -> Vsi | None:
        """Queues and vectors."""
        return self.scheme.vsi

    @property
    def q_vectors(self) -> list[QVector]:
        """The vectors that serve rings."""
        return self.scheme.q_vectors

    @property
    def mac(self) -> str:
        """Our address, as people write it."""
        return show(self.hw.mac.address)

    def describe(self) -> dict[str, str]:
        """What the probe found, by name."""
        return dict(self.about)

    # ---- up and down -----------------------------------------------------------------------------------------------

    def up(
        self, queues: int | None = None, mtu: int | None = None, ring_count: int | None = None, *, name: str = ""
    ) -> None:
        """Make rings and let traffic flow.

        Args:
            queues: Ring pairs, 1 to 64; as the probe decided if not given.  RSS spreads over the first 16 at most; the
                others send, and receive what filters steer to them.  Without MSI-X it is one pair in any case.
            mtu: Bytes, 68 to 9710.
            ring_count: Descriptors per ring, 64 to 4096, a multiple of 8.
            name: What interrupts are called after; the door's name if empty.

        Raises:
            DriverError: A number is out of range, or the adapter is up already; nothing was changed.
            RingError: No memory, or a queue did not start; everything is down again.
        """
        if self.running:
            raise DriverError(f"{self.door.name} is up already")
        wanted = check_queues(queues if queues is not None else self.scheme.queues)
        self.sw.mtu = check_mtu(mtu if mtu is not None else self.sw.mtu)
        self.sw.ring_count = RINGS.check_count(ring_count if ring_count is not None else self.sw.ring_count)
        if wanted != self.scheme.queues and (self.scheme.msix or wanted < self.scheme.queues):
            log.info("%s: %s", self.door.name, self.scheme.init(wanted))
        try:
            self._make_rings()
            self._configure()
            vsi = self.scheme.vsi
            assert vsi is not None
            request_irqs(
                vsi.live_q_vectors, lambda _name, _vector: 0, lambda _vector: None, "ixlab", name or self.door.name
            )
            self._up_complete()
        except BaseException:
            self.running = True  # so that down() undoes all of it
            self.down()
            raise

    def _arena_bytes(self) -> int:
        def ring(buf_bytes: int) -> int:
            desc = -(-self.sw.ring_count * RINGS.desc_bytes // PAGE_BYTES) * PAGE_BYTES
            return desc + self.sw.ring_count * buf_bytes + PAGE_BYTES

        return self.scheme.queues * (ring(RX_BUF_BYTES) + ring(TX_BUF_BYTES))

    def _make_rings(self) -> None:
        self.arena = Arena(self.door, self._arena_bytes(), self.iova_base)
        count = self.sw.ring_count
        for queue in range(self.scheme.queues):
            self.rx_rings.append(self.make_rx(self.arena, self.bar, queue, count, RX_BUF_BYTES))
            self.tx_rings.append(self.make_tx(self.arena, self.bar, queue, count, TX_BUF_BYTES))
        for q_vector in self.q_vectors:
            for container, rings in (
                (q_vector.rx_container, self.rx_rings),
                (q_vector.tx_container, self.tx_rings),
            ):
                for queue in container.queues:
                    container.attach(rings[queue], q_vector)

    def _configure(self) -> None:
        """Registers from buffers to rings.

        Ref: ixgbe_configure.
        """
        bar, hw, sw = self.bar, self.hw, self.sw
        config.packet_buffers(bar, sw)
        hw.mac.write_rx_mode()
        with config.rx_path_paused(bar):
            pass  # where Linux loads flow director tables
        config.tx_global(bar)
        for ring in self.tx_rings:
            config.tx_ring(bar, ring)
        config.rx_global(bar, sw, len(self.rx_rings))
        # A ring without descriptors holds up all the others unless pauses are sent or its frames are dropped.
        drop = len(self.rx_rings) > 1 and hw.link.flow_control not in {FlowControl.TX, FlowControl.FULL}
        for ring in self.rx_rings:
            config.rx_ring(bar, ring, drop=drop)
        hw.mac.write_vlan_strip(ring.queue for ring in self.rx_rings)
        with config.rx_path_paused(bar):
            hw.reset.enable_rx()

    def _up_complete(self) -> None:
        """Interrupts, laser, and the word to everybody that a driver is here.

        Ref: ixgbe_up_complete.
        """
        bar = self.bar
        bar.update(CTRL_EXT, DRV_LOAD=1)
        self.scheme.configure(self.sw.itr_us)
        self.hw.link.set_laser(on=True)
        self.hw.link.setup(one_gigabit=self.hw.phy.one_gigabit)
        self.running = True
        self.work.start()
        self.scheme.enable()
        bar.update(CTRL_EXT, PFRSTD=1)

    def down(self) -> None:
        """Stop traffic, reset the hardware, free the rings; safe to call twice.

        A device that is gone, or does not do as it is told, cannot stop this.
        """
        if not self.running:
            return
        self.running = False
        try:
            self._hw_down()
        except DeviceGone as err:
            log.info("%s: going down: %s", self.door.name, err)
        except (DriverError, TimeoutError, OSError) as err:
            log.warning("%s: going down: %s", self.door.name, err)
        finally:
            self._free_rings()
            self.link = LinkStatus()

    def _hw_down(self) -> None:
        """Rx off, interrupts off, Tx off, reset, laser off.

        Ref: ixgbe_down.
        """
        bar, hw = self.bar, self.hw
        hw.reset.disable_rx()
        config.disable_rx_queues(bar, [ring.queue for ring in self.rx_rings])
        bar.write(EIMC, ALL)
        for n in range(EIMC_EX.count):
            bar.write(EIMC_EX, ALL, n)
        hw.flush()
        config.disable_tx_queues(bar, [ring.queue for ring in self.tx_rings], wait=hw.link.check().up)
        bar.update(DMATXCTL, TE=0)
        hw.stats.update()  # the reset would lose what was counted since
        hw.reset.init_hw()
        hw.mac.set_default_filter(hw.mac.address)
        hw.link.set_laser(on=False)
        bar.update(CTRL_EXT, DRV_LOAD=0)

    def _free_rings(self) -> None:
        for q_vector in self.q_vectors:
            for container in q_vector.containers:
                container.detach_all()
        for name, count in self._ring_totals().items():
            self._past[name] = self._past.get(name, 0) + count
        for ring in (*self.rx_rings, *self.tx_rings):
            ring.close()
        self.rx_rings.clear()
        self.tx_rings.clear()
        if self.arena is not None:
            self.arena.close()
            self.arena = None

    def reinit(self) -> None:
        """Down and up again with the same rings: after a hang, or for an MTU that the running port does not know.

        Raises:
            DriverError: It did not come up again, and is down now.
        """
        if not self.running:
            return
        self.reinits += 1
        self.pause()
        try:
            self._hw_down()
            for ring in (*self.rx_rings, *self.tx_rings):
                ring.reset()
            self._configure()
            self._up_complete()
        except BaseException:
            self.down()
            raise
        self.resume()

    def close(self) -> None:
        """Undo the probe, last step first; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self.down()
        self._undo.close()

    def adopt(self, undo: ExitStack) -> None:
        """Take over the probe's undo steps."""
        self._undo = undo

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    # ---- changes while it runs -------------------------------------------------------------------------------------

    def set_mtu(self, mtu: int) -> None:
        """Change the largest frame; a running port is reset for it, as in Linux.

        Raises:
            DriverError: Not 68..9710; nothing was changed.
        """
        check_mtu(mtu)
        if mtu != self.sw.mtu:
            self.sw.mtu = mtu
            self.reinit()

    def set_rx_mode(
        self,
        *,
        promiscuous: bool | None = None,
        all_multicast: bool | None = None,
        multicast: Iterable[bytes] | None = None,
    ) -> None:
        """Change promiscuous and multicast reception; see ``Mac.set_rx_mode``."""
        self.hw.mac.set_rx_mode(promiscuous=promiscuous, all_multicast=all_multicast, multicast=multicast)

    def vlan_add(self, vid: int) -> None:
        """Take frames of VLAN ``vid``, 0 to 4095."""
        self.hw.mac.add_vlan(vid)

    def vlan_kill(self, vid: int) -> None:
        """Stop taking frames of VLAN ``vid``."""
        self.hw.mac.kill_vlan(vid)

    def set_vlan_features(self, *, filtering: bool | None = None, stripping: bool | None = None) -> None:
        """Switch VLAN filtering and stripping.

        Both are off until asked for: nobody tells a userspace driver which VLANs the system wants, and a frame
        should arrive as it was on the wire.
        """
        mode = self.hw.mac.mode
        if filtering is not None:
            mode.vlan_filter = filtering
            self.hw.mac.write_vlans()
        if stripping is not None:
            mode.vlan_strip = stripping
            self.hw.mac.write_vlan_strip(ring.queue for ring in self.rx_rings)

    def set_itr_us(self, itr_us: int) -> None:
        """Set the moderation interval of every queue vector, in µs."""
        self.sw.itr_us = itr_us
        if self.running:
            self.scheme.configure(itr_us)

    # ---- periodic work, interrupts ---------------------------------------------------------------------------------

    def service(self) -> None:
        """One pass of the service task.

        Raises:
            DeviceGone: The function no longer answers.
        """
        self.work.run()

    def other_fds(self) -> list[int]:
        """Eventfds to wait on besides those of the queue vectors; ``other_irq`` answers them."""
        return [self.scheme.other.irq_fd] if self.running and self.scheme.other.irq_fd >= 0 else []

    def other_irq(self) -> None:
        """The miscellaneous interrupt came (with MSI and INTx: the only one)."""
        with suppress(BlockingIOError):
            os.eventfd_read(self.scheme.other.irq_fd)
        if not self.running:
            return
        if self.scheme.msix:
            self.work.msix_other()
            return
        if self.work.legacy():
            os.eventfd_write(self.scheme.relay_fd, 1)
        if self.scheme.kind is IrqKind.INTX:
            self.door.irq_unmask(IrqKind.INTX)

    # ---- frames for a program of our own ---------------------------------------------------------------------------

    def tx(self, queue: int = 0) -> TxRing:
        """The ring of Tx queue ``queue``: ``post`` frames, ``flush`` once, ``clean`` now and then.

        Raises:
            DriverError: There is no such queue, or the port is down.
        """
        ring: TxRing = self._ring(self.tx_rings, queue)
        return ring

    def rx(self, queue: int = 0, *, timeout_s: float | None = None) -> Iterator[list[RxFrame]]:
        """Yield batches of frames from Rx queue ``queue``; a batch dies when the next is asked for.

        Between batches this does what NAPI does: give buffers back, clean the vector's Tx rings, and if nothing came
        let the vector interrupt again and sleep on it.  The service task runs from here too.  One thread may do this
        per vector, and nobody else may poll its rings meanwhile.

        Args:
            queue: Rx queue, one that exists since ``up``.
            timeout_s: Seconds after which it ends; None: never.

        Raises:
            DriverError: There is no such queue, or the port is down.
            DeviceGone: The function no longer answers.
        """
        ring: RxRing = self._ring(self.rx_rings, queue)
        q_vector = ring.q_vector
        assert q_vector is not None
        end_s = float("inf") if timeout_s is None else time.monotonic() + timeout_s
        service_s = 0.0
        while self.running:
            frames = ring.harvest()
            if frames:
                yield frames
                if self.arena is None:  # the caller took the port down meanwhile
                    return
                ring.refill()
            for tx_ring in q_vector.tx:
                tx_ring.clean()
            now_s = time.monotonic()
            if now_s >= service_s:
                self.service()
                service_s = now_s + (SERVICE_S if self.link.up else SERVICE_LINK_S)
            if now_s >= end_s:
                return
            if not frames:
                self._wait_for_irq(q_vector, max(0.0, min(end_s, service_s) - now_s))

    def _ring(self, rings: list[Any], queue: int) -> Any:
        if not self.running:
            raise DriverError(f"{self.door.name} is down: `up` makes the rings")
        if not 0 <= queue < len(rings):
            raise DriverError(f"{self.door.name}: queue {queue} is not one of 0 to {len(rings) - 1}")
        return rings[queue]

    def _wait_for_irq(self, q_vector: QVector, timeout_s: float) -> None:
        """Re-arm, then sleep until the vector interrupts; what came since the last look makes it do so at once."""
        self.bar.write_offset(*self.scheme.rearm(q_vector))
        irq_fd, others = self.scheme.irq_fd(q_vector), self.other_fds()
        poll = select.poll()
        for fd in (irq_fd, *others):
            poll.register(fd, select.POLLIN)
        ready = {fd for fd, _ in poll.poll(timeout_s * 1000)}
        if ready & set(others):
            self.other_irq()  # without MSI-X it is this one that announces rings, too
        with suppress(BlockingIOError):
            os.eventfd_read(irq_fd)

    def napis(self) -> list[Napi]:
        """A polling context per q_vector, for the rings that exist now."""
        found = []
        for q_vector in self.q_vectors:
            offset, value = self.scheme.rearm(q_vector)
            irq_fd = self.scheme.irq_fd(q_vector)
            napi = Napi(self.bar, q_vector.v_idx, q_vector.rx, q_vector.tx, irq_fd, Rearm(offset, value))
            q_vector.napi = napi
            found.append(napi)
        return found

    # ---- figures ---------------------------------------------------------------------------------------------------

    def _ring_totals(self) -> dict[str, int]:
        totals: dict[str, int] = {}

        def add(name: str, count: int) -> None:
            totals[name] = totals.get(name, 0) + count

        for way, rings in (("rx", self.rx_rings), ("tx", self.tx_rings)):
            for ring in rings:
                counts = ring.stats()
                for what in ("packets", "bytes"):
                    add(f"{way}_{what}", counts[what])
                    add(f"{way}_queue_{ring.queue}_{what}", counts[what])
                add(f"{way}_dropped", counts["drops"])
                if way == "tx":
                    add("tx_busy", counts["busy"])
                    add("tx_restart_queue", counts["restarts"])
                else:
                    add("rx_csum_offload_errors", counts["csum_errors"])
        return totals

    def stats(self) -> dict[str, int]:
        """Totals since the probe, under the names of ``ethtool -S`` where it has them."""
        try:
            self.hw.stats.update()
        except (DeviceGone, OSError) as err:
            log.debug("last known statistics: %s", err)
        rings = self._ring_totals()
        soft = {name: rings.get(name, 0) + self._past.get(name, 0) for name in {**self._past, **rings}}
        order = sorted(soft, key=lambda name: ("_queue_" in name, name.startswith("tx"), len(name), name))
        return {**{name: soft[name] for name in order}, **self.work.counts(), **self.hw.stats.totals}

    def read_eeprom(self, words: int) -> list[int]:
        """The first ``words`` 16-bit words of the NVM."""
        return [self.hw.eeprom.read(word) for word in range(min(words, self.hw.eeprom.words))]

    def read_module(self, address: int, offset: int) -> int:
        """One byte of the SFP+ module, at I2C address 0xA0 or 0xA2.

        Raises:
            LinkError: There is no module, or it does not answer.
        """
        if not self.hw.phy.present:
            raise LinkError(f"{self.door.name}: no module in the SFP+ cage")
        return self.hw.phy.i2c.read_byte(offset, address=address)
