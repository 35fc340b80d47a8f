# SPDX-License-Identifier: BSD-3-Clause
"""The real driver on the real device core, in one process: fixtures.

``nic`` runs on the machine's clock; a test that also asks for ``clock`` owns the device's time.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from device.i82599.card import Card
from device.machine.wire.loopback import LoopbackPort
from driver.core.bar import Bar
from driver.core.dma import Arena
from tests.rigs.pair import Wire
from tests.rigs.pair_door import PairDoor

MAC = "02:00:00:82:59:90"
ARENA_BYTES = 32 << 20


class DeviceClock:
    """The device's time, which stands still until a test moves it."""

    def __init__(self, nic: Card) -> None:
        self._nic = nic
        nic.core.manual_clock(1_000_000_000)

    def now_ns(self) -> int:
        return self._nic.core.now_ns()

    def now_s(self) -> float:
        return self.now_ns() / 1e9

    def advance_us(self, us: float) -> None:
        """Move time and let the device do what became due."""
        self._nic.core.advance(round(us * 1000))
        self._nic.poll()
        self._nic.step()

    def sleep(self, seconds: float) -> None:
        """Stand in for ``time.sleep``: the device's time passes instead."""
        self.advance_us(seconds * 1e6)


@pytest.fixture(autouse=True)
def _claims_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims of tests do not meet those of the machine."""
    monkeypatch.setenv("IXLAB_RUN_DIR", str(tmp_path / "run"))


@pytest.fixture
def port() -> Iterator[LoopbackPort]:
    """A plug that sends every frame back."""
    port = LoopbackPort()
    yield port
    port.close()


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A cable whose far end is the test."""
    with Wire() as wire:
        yield wire


@pytest.fixture
def nic(port: LoopbackPort) -> Iterator[Card]:
    """A function with a short-range module and a loopback plug."""
    with Card(mac=MAC, sfp="sr", port=port) as nic:
        yield nic


@pytest.fixture
def clock(nic: Card) -> DeviceClock:
    """Time in the test's hands."""
    return DeviceClock(nic)


@pytest.fixture
def door(nic: Card) -> Iterator[PairDoor]:
    """A door to ``nic``; memory enable and bus master are still off, as after power-on."""
    door = PairDoor(nic)
    yield door
    door.close()


@pytest.fixture
def bar(door: PairDoor) -> Bar:
    """Registers behind ``door``; waits take real time."""
    return Bar(door)


@pytest.fixture
def arena(door: PairDoor) -> Iterator[Arena]:
    """DMA memory behind ``door``."""
    arena = Arena(door, ARENA_BYTES)
    yield arena
    arena.close()
