# SPDX-License-Identifier: BSD-3-Clause
"""A probed port's life: up, down, resets, and its end.  Frames, figures and changes have files of their own.

The adapter owns what the probe took (through one stack of undo steps) and what ``up`` makes: DMA memory and rings.
Rings are polled by others; before the adapter touches running rings it calls ``pause`` and afterwards ``resume``.

Ref: ixgbe_open, ixgbe_configure, ixgbe_up_complete, ixgbe_down.
"""

import logging
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import Self

from device.regs.i82599 import CTRL_EXT
from driver.claim import Claim
from driver.core.dma import IOVA_BASE_64, Arena
from driver.core.qvector import request_irqs
from driver.core.rings import RxRing, TxRing
from driver.core.xdp_hook import XdpHook
from driver.errors import DriverError
from driver.i82599.ring_memory import RingMemory
from driver.ixgbe import config, power
from driver.ixgbe.changes import Changes
from driver.ixgbe.figures import Figures
from driver.ixgbe.frames import Frames
from driver.ixgbe.hw.hw import Hw
from driver.ixgbe.hw.link import FlowControl, LinkStatus
from driver.ixgbe.interrupts import InterruptScheme
from driver.ixgbe.rings import RINGS
from driver.ixgbe.service import Service
from driver.ixgbe.sw_init import LRO_BUF_BYTES, RX_BUF_BYTES, TX_BUF_BYTES, SwState, check_queues
from driver.ixgbe.teardown import hw_down
from driver.ixgbe.vf_host import RingMaker, VfHost

log = logging.getLogger(__name__)

PAGE_BYTES = 4096


class Adapter(Frames, Figures, Changes, VfHost):
    """One port with a driver.  Made by ``probe``; a context manager that ends in ``close``.

    Attributes:
        asleep: Between ``suspend`` and ``wake``; closed like that, it sleeps on.
    """

    def __init__(
        self, hw: Hw, sw: SwState, scheme: InterruptScheme, claim: Claim, *, iova_base: int = IOVA_BASE_64
    ) -> None:
        """Down, with interrupts not taken yet."""
        super().__init__(hw, sw, scheme, claim, iova_base=iova_base)
        self.make_rx: RingMaker = partial(RxRing, RINGS)
        self.make_tx: RingMaker = partial(TxRing, RINGS)
        self.work = Service(self, self.reinit, self.recover)
        self._undo = ExitStack()
        self._closed = False
        self.asleep = False
        self.programs = XdpHook(self.door.name)
        self._memory = RingMemory(self, self.hw.config, self.hw.reset.init_hw)

    # ---- up and down -----------------------------------------------------------------------------------------------

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
            queues: Ring pairs, 1 to 64; as the probe decided if not given.  RSS spreads over the first 16 at most; the
                others send, and receive what filters steer to them.  Without MSI-X it is one pair in any case.
            mtu: Bytes, 68 to 9710.
            ring_count: Descriptors per ring, 64 to 4096, a multiple of 8.
            xdp_rings: Tx rings beside those, for programs that send on their own; as before if not given.
            name: What interrupts are called after; the door's name if empty.

        Raises:
            DriverError: A number is out of range, or the adapter is up already; nothing was changed.
            RingError: No memory, or a queue did not start; everything is down again.
            OSError: The port refused to be stopped when it went down last, and still does.
        """
        if self.running:
            raise DriverError(f"{self.door.name} is up already")
        if self.asleep:
            raise DriverError(f"{self.door.name} is asleep: wake it first")
        self._memory.unmute()
        xdp = self.scheme.xdp_rings if xdp_rings is None else xdp_rings
        wanted = check_queues(queues if queues is not None else self.scheme.queues, xdp)
        if self.vfs is not None:
            self.vfs.check_queues(wanted, xdp)
        self.sw.mtu = self.check_mtu(mtu if mtu is not None else self.sw.mtu)
        self.sw.ring_count = RINGS.check_count(ring_count if ring_count is not None else self.sw.ring_count)
        fewer_or_more = wanted != self.scheme.queues and (self.scheme.msix or wanted < self.scheme.queues)
        if fewer_or_more or xdp != self.scheme.xdp_rings or self.scheme.kind is None:
            log.info("%s: %s", self.door.name, self.scheme.init(wanted, xdp))
        if wanted > self.scheme.queues and queues is not None:
            assert self.scheme.kind is not None
            log.warning(
                "%s: %d ring pairs were asked for, there is %d: %s is one interrupt for everything; more want MSI-X",
                self.door.name, wanted, self.scheme.queues, self.scheme.kind.name,
            )  # fmt: skip
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

        pairs, senders = self.scheme.queues, self.scheme.queues + len(self.scheme.xdp_queues)
        return pairs * ring(self._rx_buf_bytes()) + senders * ring(TX_BUF_BYTES)

    def _rx_buf_bytes(self) -> int:
        return LRO_BUF_BYTES if self.wants_lro() else RX_BUF_BYTES

    def _make_rings(self) -> None:
        self.arena = Arena(self.door, self._arena_bytes(), self.iova_base)
        count = self.sw.ring_count
        for queue in range(self.scheme.queues):
            self.rx_rings.append(self.make_rx(self.arena, self.bar, queue, count, self._rx_buf_bytes()))
            self.tx_rings.append(self.make_tx(self.arena, self.bar, queue, count, TX_BUF_BYTES))
        for queue in self.scheme.xdp_queues:
            self.xdp_rings.append(self.make_tx(self.arena, self.bar, queue, count, TX_BUF_BYTES))
            self.xdp_rings[-1].xdp = True
        self._memory.attach()
        self.programs.begin(self.rx_rings, self.xdp_rings)

    def _configure(self) -> None:
        """Registers from buffers to rings.

        Ref: ixgbe_configure.
        """
        bar, hw, sw = self.bar, self.hw, self.sw
        config.packet_buffers(bar, sw)
        pools = self.vfs.pools if self.vfs is not None else None
        if self.vfs is not None:
            self.vfs.configure()
        hw.mac.write_rx_mode()
        with config.rx_path_paused(bar):
            pass  # where Linux loads flow director tables
        config.tx_global(bar, pools)
        for ring in self.senders:
            config.tx_ring(bar, ring)
        lro = self.wants_lro()
        config.rx_global(bar, sw, len(self.rx_rings), pools, lro=lro)
        # A ring without descriptors holds up all the others unless pauses are sent or its frames are dropped.
        pauses = hw.link.flow_control in {FlowControl.TX, FlowControl.FULL}
        drop = pools is not None or (len(self.rx_rings) > 1 and not pauses)
        for ring in self.rx_rings:
            ring.lro = lro
            config.rx_ring(bar, ring, drop=drop)
        hw.mac.write_vlan_strip(ring.reg_idx for ring in self.rx_rings)
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
        if self.vfs is not None:
            self.vfs.configured()
        self.saved_state = self.hw.config.save_state()

    def down(self) -> None:
        """Stop traffic, reset the hardware, free the rings; safe to call twice.

        A device that is gone, or does not do as it is told, cannot stop this.
        """
        if not self.running:
            return
        self.running = False
        if not hw_down(self).silent:
            self._memory.mute()
        self._memory.free()
        self.link = LinkStatus()

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
            self.programs.end()
            hw_down(self).check()
            for ring in (*self.rx_rings, *self.senders):
                ring.reset()
            self._configure()
            self.programs.begin(self.rx_rings, self.xdp_rings)
            self._up_complete()
        except BaseException:
            self.down()
            raise
        self.resume()

    def recover(self) -> None:
        """Somebody else reset the function while it ran: put back what it lost, and set the running port up again.

        Raises:
            DriverError: It did not come up again, and is down now.
        """
        power.put_back(self)
        self.reinit()

    def suspend(self) -> None:
        """Sleep (D3hot), after ``down``; a board that may wake the system will do so for ``wake_filters``.

        Raises:
            DriverError: It is up.
        """
        if self.running:
            raise DriverError(f"{self.door.name} is up: take it down before it sleeps")
        if not self.asleep:
            power.sleep(self)
            self.asleep = True

    def wake(self) -> None:
        """Wake up again, as the probe left it: interrupts taken, down.

        Raises:
            DriverError: It cannot be set up again.
        """
        if self.asleep:
            power.wake(self)
            self.asleep = False

    def attach_netdev(self, netdev: object) -> None:
        """The interface exists now: the vectors get their NAPI."""
        self.scheme.attach_netdev(netdev)

    def close(self) -> None:
        """Undo the probe, last step first; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        with self._undo:
            self.down()
            self.disable_vfs()

    def adopt(self, undo: ExitStack) -> None:
        """Take over the probe's undo steps."""
        self._undo = undo

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
