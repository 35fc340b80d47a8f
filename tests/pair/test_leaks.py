# SPDX-License-Identifier: BSD-3-Clause
"""The leak oracle: whatever fails first, everything is given back, at both ends.

One kind of call after another (memory, eventfds, interrupts, DMA maps, configuration space, register writes) is counted
while a NIC is probed, brought up, used, taken down and closed.  Then the whole is done again for each place where such
a call was made, and that one fails.  What both ends hold afterwards must be what they held before.
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from device.i82599.card import Card
from device.regs.i82599 import CTRL_EXT, EIMS, RXCTRL, RXDCTL, TXDCTL, name_of
from driver.core.bar import Bar
from driver.core.qvector import QVector
from driver.errors import DriverError
from driver.ixgbe.probe import ProbeOptions, probe
from tests.rigs.counts import fd_count
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair import FAR, MAC, Wire, plain
from tests.rigs.pair_door import PairDoor

QUEUES = 2


class Nth:
    """Counts calls of one kind by where they come from; the one at ``fail_at`` fails.

    Attributes:
        places: For each call: what it was about.
    """

    def __init__(self, error: Callable[[], Exception], fail_at: int = 0) -> None:
        self.places: list[str] = []
        self._error = error
        self._fail_at = fail_at

    def call(self, what: str) -> None:
        self.places.append(what)
        if len(self.places) == self._fail_at:
            raise self._error()

    def worth_failing(self) -> list[int]:
        """The numbers of calls, from 1, that are the first or the last about the same thing.

        With IXLAB_THOROUGH=1 the first and last of each run of such calls: a NIC's life has 8,000 register writes.
        """
        places = self.places
        if os.environ.get("IXLAB_THOROUGH"):
            ends = [n for n in range(1, len(places)) if places[n] != places[n - 1]]
            return sorted({n + 1 for n in (0, *ends)} | {*ends, len(places)})
        first = {what: n for n, what in reversed(list(enumerate(places, 1)))}
        last = {what: n for n, what in enumerate(places, 1)}
        return sorted({*first.values(), *last.values()})


def wrapped(owner: Any, name: str, nth: Nth, what: Callable[..., str]) -> tuple[Any, str, Callable[..., Any]]:
    """What to put in place of ``owner.name`` so that ``nth`` hears of each call first."""
    real = getattr(owner, name)

    def instead(*args: Any, **kwargs: Any) -> Any:
        nth.call(what(*args, **kwargs))
        return real(*args, **kwargs)

    return owner, name, instead


def os_error(code: int) -> Callable[[], Exception]:
    return lambda: OSError(code, os.strerror(code))


Kind = tuple[Callable[[], Exception], Callable[[Nth], list[tuple[Any, str, Callable[..., Any]]]]]
KINDS: dict[str, Kind] = {
    "eventfd": (os_error(errno.EMFILE), lambda nth: [wrapped(os, "eventfd", nth, lambda *_: "eventfd")]),
    "memory": (os_error(errno.ENOMEM), lambda nth: [wrapped(os, "memfd_create", nth, lambda *_: "memory")]),
    "q_vector": (MemoryError, lambda nth: [wrapped(QVector, "__init__", nth, lambda *_: "q_vector")]),
    "irq_enable": (
        os_error(errno.ENOSPC),
        lambda nth: [wrapped(PairDoor, "irq_enable", nth, lambda _, kind, fds: f"{kind} {len(fds)}")],
    ),
    "irq_disable": (
        os_error(errno.EIO),
        lambda nth: [wrapped(PairDoor, "irq_disable", nth, lambda _, kind: f"{kind}")],
    ),
    "dma_map": (os_error(errno.ENOMEM), lambda nth: [wrapped(PairDoor, "dma_map", nth, lambda *args: f"{args[4]}")]),
    "config": (
        os_error(errno.EIO),
        lambda nth: [wrapped(PairDoor, "config_write", nth, lambda _, offset, data: f"{offset:#x} {data.hex()}")],
    ),
    "register": (
        os_error(errno.EIO),
        lambda nth: [wrapped(Bar, "_write", nth, lambda _, offset, *__: name_of(offset).partition("[")[0])],
    ),
}


def held(nic: Card, claims: Path) -> dict[str, object]:
    """What of the NIC and of this process is in use; all but the first two are the device's own account."""
    return {
        "fds": fd_count(),
        "claims": sorted(path.name for path in claims.iterdir()) if claims.exists() else [],
        "DMA regions": int(nic.pf.c.dma.count),
        "interrupts": nic.pf.irq_kind.name,
        "bus master": nic.pf.bus_master,
        "queues": [f"Rx {n}" for n in range(QUEUES + 2) if nic.regs.get(RXDCTL, n).ENABLE]
        + [f"Tx {n}" for n in range(QUEUES + 2) if nic.regs.get(TXDCTL, n).ENABLE],
        "receives": nic.regs.get(RXCTRL).RXEN,
        "causes": int(nic.regs.get(EIMS)),
        "driver": nic.regs.get(CTRL_EXT).DRV_LOAD,
    }


def life(nic: Card, port: Wire) -> None:
    """Probe, up, a frame each way, a reset while it runs, down, up with other queues, close."""
    door = PairDoor(nic)
    try:
        with probe(door, ProbeOptions(clock=NoWait(), cpus=4, queues=QUEUES, itr_us=0)) as adapter:
            adapter.up(queues=QUEUES, ring_count=64)
            nic.core.settle(100)
            nic.link.evaluate()
            adapter.service()
            adapter.tx_rings[0].send([plain(1, dst=FAR)])
            port.inject(plain(2))
            nic.core.settle(100)
            adapter.rx_rings[0].harvest()
            adapter.reinit()
            adapter.down()
            adapter.up(queues=QUEUES + 1, ring_count=64)
    finally:
        door.close()


@contextmanager
def counting(kind: str, fail_at: int) -> Iterator[Nth]:
    """Within, calls of ``kind`` are counted, and number ``fail_at`` fails."""
    error, places = KINDS[kind]
    nth = Nth(error, fail_at)
    with pytest.MonkeyPatch.context() as patch:
        for owner, name, instead in places(nth):
            patch.setattr(owner, name, instead)
        yield nth


# A write that fails while the NIC is made silent leaves just that undone, and says so; the next probe does it.
MAY_STAY = {
    "register": {"receives", "causes", "driver", "queues"},
    "config": {"bus master", "interrupts"},
    "irq_disable": {"interrupts"},
}


GOES_ON = {
    "eventfd",
    "irq_enable",
    "irq_disable",
}  # with a lesser kind of interrupt; and what is over need not be ended


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_fails_everything_is_given_back(kind: str, tmp_path: Path) -> None:
    claims = tmp_path / "run"
    wire = Wire()
    try:
        with Card(mac=MAC, sfp="sr", port=wire) as nic:
            life(nic, wire)
            before = held(nic, claims)
            with counting(kind, 0) as dry:
                life(nic, wire)
            assert held(nic, claims) == before
            assert dry.places, "nothing of this kind is ever called"
            failed = 0
            for number in dry.worth_failing():
                with counting(kind, number) as nth:
                    try:
                        life(nic, wire)
                    except (DriverError, OSError):
                        failed += 1
                after = held(nic, claims)
                stays = {name for name in before if after[name] != before[name]}
                assert stays <= MAY_STAY.get(kind, set()), f"{nth.places[number - 1]} (call {number}): {after}"
            assert (failed == 0) == (kind in GOES_ON), f"{failed} failures were told"
            life(nic, wire)  # and it still works
            assert held(nic, claims) == before
    finally:
        wire.close()
