# SPDX-License-Identifier: BSD-3-Clause
"""The memory of a running function's rings: made for its vectors, and given back once its queues can do no more DMA."""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Protocol

from driver.core.dma import Arena
from driver.core.qvector import QVector
from driver.core.teardown import Teardown
from driver.core.xdp_hook import XdpHook
from driver.doors.config import Config
from driver.doors.door import Door

log = logging.getLogger(__name__)


class Owner(Protocol):
    """The adapter whose rings they are."""

    arena: Arena | None
    rx_rings: list[Any]
    tx_rings: list[Any]
    xdp_rings: list[Any]
    programs: XdpHook

    @property
    def door(self) -> Door:
        """The function's door."""

    @property
    def q_vectors(self) -> list[QVector]:
        """The vectors that serve rings."""

    @property
    def senders(self) -> list[Any]:
        """Every Tx ring."""

    def keep_totals(self) -> None:
        """Remember what the rings counted."""


class RingMemory:
    """What becomes of it when rings come and go.

    Args:
        owner: Whose rings they are.
        config: The function's configuration space.
        stop: Resets the function, so that its queues are off.
    """

    def __init__(self, owner: Owner, config: Config, stop: Callable[[], object]) -> None:
        self._owner = owner
        self._config = config
        self._stop = stop
        self._muted = False  # bus master is off, because queues would not stop
        self._kept: list[tuple[Arena, list[Any]]] = []  # memory that the NIC may still write to

    def attach(self) -> None:
        """Give every vector the rings of its queues."""
        owner = self._owner
        by_queue = {ring.queue: ring for ring in owner.xdp_rings}
        for q_vector in owner.q_vectors:
            for container, rings in ((q_vector.rx_container, owner.rx_rings), (q_vector.tx_container, owner.tx_rings)):
                for queue in container.queues:
                    container.attach(rings[queue], q_vector)
            for queue in q_vector.xdp_queues:
                q_vector.tx_container.attach(by_queue[queue], q_vector)

    def mute(self) -> None:
        """Queues may still do DMA, into memory that is about to be given back: take that right away from all of it.

        ``unmute`` gives it again, once a reset has stopped the queues.
        """
        owner = self._owner
        self._muted = True
        name = owner.door.name
        if Teardown(name).attempt("bus master off", lambda: self._config.set_master(on=False)):
            log.error("%s: its queues cannot be stopped: bus master is off until they can", name)
        elif owner.arena is not None:
            log.error("%s: neither its queues nor its DMA can be stopped: their memory is kept until they can", name)
            self._kept.append((owner.arena, [*owner.rx_rings, *owner.senders]))
            owner.arena = None

    def unmute(self) -> None:
        """Give back what ``mute`` kept, and the right to DMA; nothing to do if it was not called."""
        if not self._muted:
            return
        self._stop()
        while self._kept:
            arena, rings = self._kept.pop()
            for ring in rings:
                ring.close()
            arena.close()
        self._config.set_master(on=True)
        self._muted = False

    def free(self) -> None:
        """Take the rings from their vectors and give their memory back, whatever fails on the way."""
        owner = self._owner
        with ExitStack() as rest:
            if owner.arena is not None:
                rest.callback(owner.arena.close)
                for ring in (*owner.rx_rings, *owner.senders):
                    rest.callback(ring.close)
            rest.callback(owner.xdp_rings.clear)
            rest.callback(owner.tx_rings.clear)
            rest.callback(owner.rx_rings.clear)
            rest.callback(owner.keep_totals)
            for q_vector in owner.q_vectors:
                for container in q_vector.containers:
                    rest.callback(container.detach_all)
            rest.callback(owner.programs.end)
        owner.arena = None
