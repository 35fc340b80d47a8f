# SPDX-License-Identifier: BSD-3-Clause
"""Cards that come without MSI-X, or without MSI too, as the device's ``--interrupts`` makes them."""

import logging
import time
from collections.abc import Iterator

import pytest

from device.i82599.card import Card
from device.machine import irq
from driver.doors.door import IrqKind
from driver.ixgbe.probe import ProbeOptions, probe
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair_door import PairDoor

WAIT_S = 5.0
KINDS = {irq.IrqKind.MSI: IrqKind.MSI, irq.IrqKind.INTX: IrqKind.INTX}


class Watch:
    def __init__(self) -> None:
        self.steps: dict[str, str] = {}

    def step(self, name: str, detail: str) -> None:
        self.steps[name] = detail


@pytest.fixture(params=KINDS, ids=lambda best: best.name)
def poor_door(nic: Card, request: pytest.FixtureRequest) -> Iterator[PairDoor]:
    """A door without the capabilities of better interrupts."""
    door = PairDoor(nic, best=request.param)
    yield door
    door.close()


def test_the_probe_takes_what_there_is_and_says_what_became_of_the_queues(
    poor_door: PairDoor, caplog: pytest.LogCaptureFixture
) -> None:
    watch = Watch()
    with probe(poor_door, ProbeOptions(clock=NoWait(), cpus=4), watch) as adapter:
        kind = KINDS[poor_door.config.best]
        assert adapter.scheme.kind is kind
        assert adapter.sw.msix_table == 0
        assert f"{kind.name}, 1 vectors for 1 ring pairs" in watch.steps["init_interrupt_scheme"]
        assert watch.steps["init_interrupt_scheme"].endswith("4 were asked for")
        assert "0 MSI-X vectors" in watch.steps["sw_init"]
        adapter.up(queues=4)
        (said,) = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
        assert "4 ring pairs were asked for, there is 1" in said
        assert kind.name in said


def test_one_pair_asked_for_is_no_news(poor_door: PairDoor, caplog: pytest.LogCaptureFixture) -> None:
    with probe(poor_door, ProbeOptions(clock=NoWait(), cpus=4)) as adapter:
        adapter.up(queues=1)
        adapter.down()
        adapter.up()
        assert not caplog.records


def test_frames_come_by_the_one_interrupt(nic: Card, poor_door: PairDoor) -> None:
    """Ten times round: what sleeps is woken again each time."""
    with probe(poor_door, ProbeOptions(clock=NoWait(), cpus=4, itr_us=0)) as adapter:
        adapter.up()
        nic.core.settle(1000)
        nic.link.evaluate()
        adapter.service()
        assert adapter.link.up
        for n in range(10):
            frame = (b"\xff" * 6 + bytes(6) + b"\x88\xb5" + bytes([n])).ljust(60, b"\0")
            sleeper = adapter.q_vectors[0]
            adapter.bar.write_offset(*adapter.scheme.rearm(sleeper))
            assert adapter.tx().post(frame)
            adapter.tx().flush()
            nic.core.settle(1000)
            began_s = time.monotonic()
            adapter._wait_for_irq(sleeper, WAIT_S)
            assert time.monotonic() - began_s < WAIT_S, f"round {n}: nobody woke it"
            got = [bytes(one) for one in adapter.rx_rings[0].harvest()]
            assert got == [frame], f"round {n}"
            adapter.rx_rings[0].refill()
            adapter.tx().clean()
