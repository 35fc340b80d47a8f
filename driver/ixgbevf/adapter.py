# SPDX-License-Identifier: BSD-3-Clause
"""A probed virtual function's life: up, down, resets, and its end.  Figures and changes have files of their own.

Ref: ixgbevf_open, ixgbevf_configure, ixgbevf_up_complete, ixgbevf_down, ixgbevf_reinit_locked.
"""

import logging
import os
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Any, Self

from driver.claim import Claim
from driver.core.dma import IOVA_BASE_64, Arena
from driver.core.irq_table import IrqTable
from driver.core.qvector import VectorHw, request_irqs
from driver.core.rings import RxRing, TxRing
from driver.core.teardown import Teardown
from driver.errors import DriverError
from driver.i82599.ring_memory import RingMemory
from driver.ixgbevf import config
from driver.ixgbevf.changes import Changes
from driver.ixgbevf.figures import Figures
from driver.ixgbevf.hw import RESET_TIMEOUT_S, VfHw, VfLink
from driver.ixgbevf.interrupts import VfInterrupts, VfVectorHw, check_queues, read_vectors
from driver.ixgbevf.mailbox import MailboxError, RefusedError
from driver.ixgbevf.rings import RINGS, RX_BUF_BYTES, TX_BUF_BYTES
from driver.ixgbevf.service import VfService

log = logging.getLogger(__name__)

PAGE_BYTES = 4096
SERVICE_S = 2.0
SERVICE_LINK_S = 0.1  # while there is no link, or its peer is away


class VfAdapter(Figures, Changes):
    """One virtual function with a driver.  Made by ``probe``; a context manager that ends in ``close``."""

    def __init__(self, hw: VfHw, scheme: VfInterrupts, claim: Claim, *, iova_base: int = IOVA_BASE_64) -> None:
        """Down, with interrupts not taken yet."""
        super().__init__(hw, scheme, claim, iova_base=iova_base)
        self.said: set[str] = set()
        self.work = VfService(
            self,
            self.reinit,
            self.recover,
            lambda groups: self.set_rx_mode(multicast=groups),
            self.tell_again,
        )
        self._undo = ExitStack()
        self._closed = False
        self._memory = RingMemory(self, self.hw.config, self.hw.reset)

    # ---- up --------------------------------------------------------------------------------------------------------

    def up(
        self,
        queues: int | None = None,
        mtu: int | None = None,
        ring_count: int | None = None,
        *,
        xdp_rings: int | None = None,
        name: str = "",
    ) -> None:
        """Make rings and let traffic flow.

        Args:
            queues: Ring pairs, as many as the physical function's driver lets us have; as the probe decided if not
                given.
            mtu: Bytes, 68 to 9710.
            ring_count: Descriptors per ring, 64 to 4096, a multiple of 8.
            xdp_rings: Tx rings beside those, for programs that send on their own; as before if not given.
            name: What interrupts are called after; the door's name if empty.

        Raises:
            DriverError: A number is out of range, or it is up already; nothing was changed.
            MailboxError: The physical function's driver does not answer, or refuses the MTU.
            RingError: No memory, or a queue did not start; everything is down again.
        """
        if self.running:
            raise DriverError(f"{self.door.name} is up already")
        self._memory.unmute()
        self.mtu = self.check_mtu(mtu if mtu is not None else self.mtu)
        self.ring_count = RINGS.check_count(ring_count if ring_count is not None else self.ring_count)
        if not self.hw.clear:
            self.hw.start()
        xdp = self.scheme.xdp_rings if xdp_rings is None else xdp_rings
        wanted = queues if queues is not None else self.scheme.queues
        offer = self.hw.offer
        check_queues(self.door, wanted, xdp, offer.tx, offer.rx)
        if wanted != self.scheme.queues or xdp != self.scheme.xdp_rings or self.scheme.kind is None:
            log.info("%s: %s", self.door.name, self.scheme.init(wanted, xdp))
        try:
            self._make_rings()
            self.tell_max_frame()
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
            desc = -(-self.ring_count * RINGS.desc_bytes // PAGE_BYTES) * PAGE_BYTES
            return desc + self.ring_count * buf_bytes + PAGE_BYTES

        scheme = self.scheme
        return scheme.queues * (ring(RX_BUF_BYTES) + ring(TX_BUF_BYTES)) + len(scheme.xdp_queues) * ring(TX_BUF_BYTES)

    def _make_rings(self) -> None:
        self.arena = Arena(self.door, self._arena_bytes(), self.iova_base)
        count = self.ring_count
        for queue in range(self.scheme.queues):
            self.rx_rings.append(RxRing(RINGS, self.arena, self.bar, queue, count, RX_BUF_BYTES))
            self.tx_rings.append(TxRing(RINGS, self.arena, self.bar, queue, count, TX_BUF_BYTES))
        for queue in self.scheme.xdp_queues:
            self.xdp_rings.append(TxRing(RINGS, self.arena, self.bar, queue, count, TX_BUF_BYTES))
            self.xdp_rings[-1].xdp = True
        self._memory.attach()
        self.programs.begin(self.rx_rings, self.xdp_rings)

    def _configure(self) -> None:
        """Wishes first, then rings.

        Ref: ixgbevf_configure.
        """
        self.tell_reception()
        for ring in self.senders:
            config.tx_ring(self.bar, ring)
        config.rss(self.bar, len(self.rx_rings))
        for ring in self.rx_rings:
            config.rx_ring(self.bar, ring)
        self.tell_mac()

    def _up_complete(self) -> None:
        self.scheme.configure(self.itr_us)
        self.stats_nic.begin()
        self.running = True
        self.work.start()
        self.scheme.enable()
        self.saved_state = self.hw.config.save_state()

    # ---- down ------------------------------------------------------------------------------------------------------

    def _hw_down(self) -> Teardown:
        """Queues off, interrupts off, and the reset that stops DMA for good."""
        bar, done = self.bar, Teardown(self.door.name)
        rx = [ring.reg_idx for ring in self.rx_rings]
        tx = [ring.reg_idx for ring in self.senders]
        if not self.work.lost:  # what the peer has taken from us is off already, and counts nothing
            for queue in rx:
                done.attempt(f"Rx queue {queue} off", config.disable_rx_queue, bar, queue)
            for queue in tx:
                done.attempt(f"Tx queue {queue} off", config.disable_tx_queue, bar, queue)
            done.attempt("statistics", self.stats_nic.update)
        done.attempt("interrupts off", self.scheme.disable)
        done.reset = done.attempt("reset", self.hw.reset)
        enabled: list[bool] = []
        asked = done.attempt("queues", lambda: enabled.append(config.any_enabled(bar, rx, tx)))
        done.silent = done.gone is not None or (asked and not any(enabled))
        return done

    def down(self) -> None:
        """Stop traffic, reset the function, free the rings; safe to call twice.

        A device that is gone, or does not do as it is told, cannot stop this.
        """
        if not self.running:
            return
        self.running = False
        if not self._hw_down().silent:
            self._memory.mute()
        self._memory.free()
        self.link = VfLink()

    # ---- resets ----------------------------------------------------------------------------------------------------

    def reinit(self) -> None:
        """Down and up again with the same rings: after a hang, or for an MTU that the running function does not know.

        A peer that does not answer costs the link until it does.

        Raises:
            DriverError: It did not come up again, and is down now.
        """
        try:
            self._restart()
        except MailboxError as err:
            self.work.lose(str(err))

    def recover(self) -> None:
        """Introduce ourselves to a peer that has forgotten us, and set the running function up again.

        Raises:
            MailboxError: The peer does not answer; the function does nothing until it does.
            DriverError: It did not come up again, and is down now.
        """
        self.hw.config.restore_state(self.saved_state)
        self._restart(timeout_s=0.0)

    def _restart(self, timeout_s: float = RESET_TIMEOUT_S) -> None:
        if not self.running:
            return
        self.reinits += 1
        self.pause()
        try:
            self.programs.end()
            self._hw_down().check()
            for ring in (*self.rx_rings, *self.senders):
                ring.reset()
            self.hw.start(timeout_s)
            offer = self.hw.offer
            check_queues(self.door, len(self.rx_rings), len(self.xdp_rings), offer.tx, offer.rx)
            with suppress(RefusedError):
                self._tell_max_frame_again()
            self._configure()
            self.programs.begin(self.rx_rings, self.xdp_rings)
            self._up_complete()
        except MailboxError:
            self.hw.clear = False
            self.resume()  # rings are empty, and stay so
            raise
        except BaseException:
            self.down()
            raise
        self.resume()

    def _tell_max_frame_again(self) -> None:
        """The peer may have other limits than before: then nothing is received, and it is for people to mend that."""
        try:
            self.tell_max_frame()
        except RefusedError as err:
            log.warning("%s; nothing is received until one of the two changes", err)
            raise

    # ---- for whoever polls -----------------------------------------------------------------------------------------

    @property
    def irq_table(self) -> IrqTable:
        """Who has which vector, and vectors that are added and freed by hand."""
        return IrqTable(self.scheme, self._trigger)

    def _trigger(self, vector: int) -> None:
        if not self.running:
            raise DriverError(f"{self.door.name} is down: no vector fires until it is up")
        self.scheme.trigger(vector)

    @property
    def service_interval_s(self) -> float:
        """Seconds until the service task is due again."""
        settled = not self.running or (self.link.up and not self.work.is_fresh)
        return SERVICE_S if settled else SERVICE_LINK_S

    @property
    def other_vector(self) -> int | None:
        """The vector of the mailbox."""
        return self.scheme.other.index if self.scheme.other.index >= 0 else None

    def service(self) -> None:
        """One pass of the service task."""
        self.work.run()

    def other_fds(self) -> list[int]:
        """Eventfds to wait on besides those of the queue vectors; ``other_irq`` answers them."""
        return [self.scheme.other.irq_fd] if self.running and self.scheme.other.irq_fd >= 0 else []

    def other_irq(self) -> None:
        """The mailbox interrupted: look at it.

        Ref: ixgbevf_msix_other.
        """
        with suppress(BlockingIOError):
            self.scheme.other_told += os.eventfd_read(self.scheme.other.irq_fd)
        if self.running:
            self.scheme.rearm_other()
            self.work.run()

    def vector_hw(self) -> VectorHw:
        """The registers behind the vectors."""
        return VfVectorHw(self.bar)

    def read_vectors(self, reg_idxs: Iterable[int]) -> dict[int, dict[str, Any]]:
        """The registers of these vectors as they are now: ``eitr_us``, and ``ivar``, the entries that lead there."""
        return read_vectors(self.bar, reg_idxs)

    def attach_netdev(self, netdev: object) -> None:
        """The interface exists now: the vectors get their NAPI."""
        self.netdev = netdev
        self.scheme.attach_netdev(netdev)

    # ---- the end ---------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Undo the probe, last step first; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        with self._undo:
            self.down()

    def adopt(self, undo: ExitStack) -> None:
        """Take over the probe's undo steps."""
        self._undo = undo

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
