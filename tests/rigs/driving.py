# SPDX-License-Identifier: BSD-3-Clause
"""The real driver on a socket: probed, up and with its link, with the rings in the test's hands or a poller's."""

import select
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self

from driver.core.napi import Napi, NapiMode, Poller, Sink
from driver.doors.door import Door, IrqKind
from driver.doors.open import open_door
from driver.ixgbe.adapter import Adapter
from driver.ixgbe.probe import ProbeOptions, probe
from tests.rigs.frames import PEER, frame
from tests.rigs.process import WAIT_S, until

ALL_KINDS = (IrqKind.MSIX, IrqKind.MSI, IrqKind.INTX)


class Driver:
    """A driver in this process.

    Args:
        name: The door.
        queues: Ring pairs.
        kinds: Kinds of interrupt it may take.
        up: Bring the port up and wait for the link.
    """

    def __init__(
        self, name: str, *, queues: int = 2, kinds: Sequence[IrqKind] = ALL_KINDS, up: bool = True, link: bool = True
    ) -> None:
        self.queues = queues
        self.door: Door = open_door(name)
        try:
            self.adapter: Adapter = probe(self.door, ProbeOptions(queues=queues, cpus=2, interrupts=kinds))
        except BaseException:
            self.door.close()
            raise
        self.poller: Poller | None = None
        self.napis: list[Napi] = []
        try:
            if up:
                self.up(link=link)
        except BaseException:
            self.close()
            raise

    def up(self, *, link: bool = True, ring_count: int = 512) -> None:
        self.adapter.up(queues=self.queues, ring_count=ring_count)
        if link:
            self.wait_link(up=True)

    def serve(self) -> None:
        """What a session's loop does between sleeps: the miscellaneous interrupt, then the service task."""
        fds = self.adapter.other_fds()
        if select.select(fds, [], [], LOOK_FDS_S)[0]:
            self.adapter.other_irq()
        self.adapter.service()

    def wait_link(self, *, up: bool) -> None:
        def look() -> bool:
            self.serve()
            return self.adapter.link.up == up

        until(look, f"link {'up' if up else 'down'}")

    def send(self, frames: Sequence[bytes], queue: int = 0) -> None:
        """Post all of them; the ring is cleaned as needed."""
        ring = self.adapter.tx_rings[queue]
        left = list(frames)

        def post() -> bool:
            ring.clean()
            del left[: ring.send(left)]
            return not left

        until(post, "room in the Tx ring")
        until(lambda: (ring.clean(), not ring.pending)[1], "every frame marked as sent")

    def take(self) -> list[bytes]:
        """What has been received by now, on any queue."""
        return [bytes(got) for ring in self.adapter.rx_rings for batch in ring.batches() for got in batch]

    def receive(self, count: int, timeout_s: float = WAIT_S) -> list[bytes]:
        """Exactly ``count`` frames."""
        got: list[bytes] = []

        def look() -> bool:
            got.extend(self.take())
            return len(got) >= count

        until(look, f"{count} frames", timeout_s)
        assert len(got) == count
        return got

    def echo(self, frames: int = 32) -> None:
        """With a loopback plug: ``frames`` frames that circle for ever, carried by interrupts and a polling thread."""
        self.adapter.set_rx_mode(promiscuous=True)
        self.poll(Sink.ECHO, [frame(n, dst=PEER) for n in range(frames)])

    def poll(self, sink: Sink, frames: Sequence[bytes] = (), mode: NapiMode = NapiMode.IRQ) -> None:
        """Hand the rings to a thread; ``frames`` are sent first, so that it finds work."""
        self.send(frames)
        self.napis = self.adapter.napis()
        self.poller = Poller(self.napis, mode=mode, sink=sink)
        self.poller.start()

    def packets(self) -> int:
        """Frames received so far."""
        return sum(ring.stats()["packets"] for ring in self.adapter.rx_rings)

    def stop(self) -> None:
        """Take the rings back from the thread."""
        poller, self.poller = self.poller, None
        if poller is not None:
            poller.close()

    def close(self) -> None:
        self.stop()
        self.adapter.close()
        self.door.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


LOOK_FDS_S = 0.005


@contextmanager
def within(limit_s: float) -> Iterator[None]:
    """What is inside takes no longer."""
    start = time.monotonic()
    yield
    took = time.monotonic() - start
    assert took < limit_s, f"took {took:.2f} s, limit {limit_s:g} s"
