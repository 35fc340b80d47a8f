# SPDX-License-Identifier: BSD-3-Clause
"""Our driver of a virtual function on the device in the same process, with our driver of the port, or a hand, as peer.

The peer works while the function's driver waits: its clock serves the other side.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from device.i82599.card import Card
from device.machine.wire.base import Port
from driver.ixgbe.adapter import Adapter
from driver.ixgbe.probe import ProbeOptions
from driver.ixgbe.probe import probe as probe_port
from driver.ixgbevf.adapter import VfAdapter
from driver.ixgbevf.probe import VfOptions, probe
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair import MAC
from tests.rigs.pair_door import PairDoor


class ServingClock(NoWait):
    """Time that lets the other side work whenever somebody waits."""

    def __init__(self, serve: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self.serve = serve

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.serve()


class Pair:
    """A port with its driver and functions with theirs, on one card.

    Attributes:
        nic: The card.
        port: The port's driver; None while it has none.
        port_clock: Its time.
        port_door: Its door.
        vfs: The functions' drivers, in the order they were probed.
    """

    def __init__(self, nic: Card) -> None:
        self.nic = nic
        self.port: Adapter | None = None
        self.port_clock = NoWait()
        self.port_door: PairDoor | None = None
        self.vfs: list[VfAdapter] = []
        self.clock = ServingClock(self.serve)
        self._undo = ExitStack()

    def settle(self) -> None:
        """Let the device do all it can."""
        self.nic.core.settle(1000)

    def serve(self) -> None:
        """One turn of the port's driver."""
        self.settle()
        if self.port is not None and self.port.running:
            self.port_clock.sleep(0.001)
            self.port.other_irq()
            self.port.service()
        self.settle()

    def start_port(self, vfs: int, *, queues: int = 1, mtu: int = 1500) -> Adapter:
        """Probe the port and bring it up with ``vfs`` functions."""
        self.port_door = PairDoor(self.nic)
        self.port = probe_port(self.port_door, ProbeOptions(clock=self.port_clock, cpus=4, queues=queues, itr_us=0))
        self.port.enable_vfs(vfs)
        self.port.up(queues=queues, ring_count=64, mtu=mtu)
        self.settle()
        self.nic.link.evaluate()
        self.port.service()
        self.serve()
        return self.port

    def stop_port(self) -> None:
        """The port's driver ends."""
        if self.port is not None:
            self.port.close()
            self.port = None

    def options(self, **more: object) -> VfOptions:
        """Options with our clock."""
        return VfOptions(**{"clock": self.clock, "cpus": 2, "itr_us": 0, **more})  # type: ignore[arg-type]  # by name

    def probe(self, n: int, **more: object) -> VfAdapter:
        """Probe function ``n``."""
        made = probe(PairDoor(self.nic, f"card.vf{n}", vf=n), self.options(**more))
        self.vfs.append(made)
        return made

    def up(self, n: int, *, queues: int = 1, mtu: int = 1500) -> VfAdapter:
        """Probe function ``n`` and bring it up; the link is known then."""
        made = self.probe(n, queues=queues)
        made.up(queues=queues, ring_count=64, mtu=mtu)
        made.service()
        return made

    def pass_s(self, vf: VfAdapter, seconds: float = 2.5) -> None:
        """Let time pass, and both drivers do what became due."""
        self.clock.sleep(seconds)
        self.port_clock.sleep(seconds)
        self.serve()
        vf.service()

    def send(self, vf: VfAdapter, frames: list[bytes], queue: int = 0) -> None:
        """Send frames from a function; the ring must have room."""
        ring = vf.tx_rings[queue]
        for frame in frames:
            assert ring.post(frame)
        ring.flush()
        self.settle()
        ring.clean()

    def take(self, who: VfAdapter | Adapter, queue: int = 0) -> list[bytes]:
        """Take every frame out of a receive queue."""
        got: list[bytes] = []
        ring = who.rx_rings[queue]
        while True:
            self.settle()
            frames = ring.harvest()
            if not frames:
                return got
            got += [bytes(frame) for frame in frames]
            ring.refill()

    def close(self) -> None:
        """Functions first, then the port."""
        while self.vfs:
            self.vfs.pop().close()
        self.stop_port()


@contextmanager
def pair(port: Port, vfs: int, *, started: bool = True, queues: int = 1, mtu: int = 1500) -> Iterator[Pair]:
    """A card with ``vfs`` functions; ``started``: its port has our driver, with that many queues and that MTU."""
    with Card(mac=MAC, sfp="sr", port=port, vfs=vfs) as nic:
        made = Pair(nic)
        try:
            if started:
                made.start_port(vfs, queues=queues, mtu=mtu)
            yield made
        finally:
            made.close()
