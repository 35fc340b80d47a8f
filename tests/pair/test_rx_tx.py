# SPDX-License-Identifier: BSD-3-Clause
"""``adapter.rx`` and ``adapter.tx``, as programs use them, with interrupts; and the example program on top."""

import importlib.util
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

from driver.doors.door import IrqKind
from driver.errors import DriverError, RingError
from tests.rigs.pair import FAR, Rig, Wire, flow, plain, rig

KINDS = [IrqKind.MSIX, IrqKind.MSI, IrqKind.INTX]
WAIT_S = 20.0


def inject(up: Rig, wire: Wire, frames: Sequence[bytes]) -> None:
    wire.inject(*frames)
    up.settle()


@pytest.mark.parametrize("kind", KINDS)
def test_batches_bring_every_frame_once_and_in_order(wire: Wire, kind: IrqKind) -> None:
    with rig(wire, kinds=[kind]) as up:
        frames = [plain(n) for n in range(40)]
        inject(up, wire, frames)
        got = []
        for batch in up.adapter.rx(timeout_s=WAIT_S):
            got += [bytes(frame) for frame in batch]
            if len(got) == 40:  # more, while the first are being worked on
                inject(up, wire, frames)
            if len(got) == 80:
                break
        assert got == frames * 2


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_ring_is_slept_on_until_the_interrupt(wire: Wire, kind: IrqKind) -> None:
    with rig(wire, kinds=[kind]) as up:
        batches = up.adapter.rx(timeout_s=WAIT_S)
        # The device takes its turns in this thread, so another one has to bring the frame.
        later = threading.Timer(0.05, inject, (up, wire, [plain(7)]))
        start_s = time.monotonic()
        later.start()
        assert [bytes(frame) for frame in next(batches)] == [plain(7)]
        assert time.monotonic() - start_s < WAIT_S  # it was the interrupt, not the deadline
        later.join()


def test_a_deadline_ends_it(wire: Wire) -> None:
    with rig(wire) as up:
        assert list(up.adapter.rx(timeout_s=0)) == []
        assert list(up.adapter.rx(timeout_s=0.01)) == []


def test_down_ends_it(wire: Wire) -> None:
    with rig(wire) as up:
        inject(up, wire, [plain(1)])
        batches = up.adapter.rx()
        next(batches)
        up.adapter.down()
        assert list(batches) == []
        with pytest.raises(DriverError, match="pair is down"):
            next(up.adapter.rx())
        with pytest.raises(DriverError, match="pair is down"):
            up.adapter.tx()


@pytest.mark.parametrize("queue", [-1, 2])
def test_a_queue_that_is_not_there_is_named(wire: Wire, queue: int) -> None:
    with rig(wire, queues=2) as up:
        for use in (lambda: next(up.adapter.rx(queue)), lambda: up.adapter.tx(queue)):
            with pytest.raises(DriverError, match=f"queue {queue} is not one of 0 to 1"):
                use()


def test_the_service_task_runs_from_it(wire: Wire) -> None:
    with rig(wire) as up:
        wire.light(on=False)
        up.settle()
        up.nic.link.evaluate()
        list(up.adapter.rx(timeout_s=0.3))
        assert not up.adapter.link.up


def test_a_ring_that_wraps_loses_nothing(wire: Wire) -> None:
    with rig(wire, ring_count=64) as up:
        tx, got, rounds = up.adapter.tx(), [], 30
        inject(up, wire, [plain(0)])
        for batch in up.adapter.rx(timeout_s=WAIT_S):
            for frame in batch:
                got.append(bytes(frame))
                assert tx.post(frame.parts[0])
            tx.flush()
            up.settle()
            if len(got) >= rounds * 10:
                break
            if len(got) % 10 == 1:
                inject(up, wire, [plain(len(got) + n) for n in range(10)])
        assert got == [plain(n) for n in range(len(got))]
        assert wire.sent() == got
        assert up.adapter.tx().stats()["packets"] > 0  # its vector's interrupts cleaned it


@pytest.fixture
def echo(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("echo", root / "examples" / "echo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example_answers_every_frame(wire: Wire, echo: ModuleType) -> None:
    with rig(wire, mtu=9000) as up:
        frames = [flow(n, payload=bytes(30 + 100 * n)) for n in range(20)] + [plain(1, 9000)]
        inject(up, wire, frames)
        assert echo.echo(up.adapter, 0.02) == len(frames)
        up.settle()
        assert wire.sent() == [frame[6:12] + frame[:6] + frame[12:] for frame in frames]


def test_the_example_is_a_program(
    wire: Wire, echo: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from device.i82599.card import Card
    from driver.ixgbe.probe import ProbeOptions
    from tests.rigs.driver_clock import NoWait
    from tests.rigs.pair_door import PairDoor

    with Card(mac=FAR, sfp="sr", port=wire) as nic:
        monkeypatch.setattr(echo, "open_door", lambda name: PairDoor(nic, name))
        monkeypatch.setattr(echo, "ProbeOptions", lambda: ProbeOptions(clock=NoWait(), cpus=1))
        echo.main("here", 0.01)
        assert nic.pf.bus_master is False
    assert capsys.readouterr().out == f"echoing as {FAR}\n0 frames echoed\n"


def test_a_ring_of_before_is_closed(wire: Wire) -> None:
    with rig(wire) as up:
        rx, tx = up.adapter.rx_rings[0], up.adapter.tx()
        up.adapter.down()
        for use in (rx.harvest, rx.refill, tx.flush, tx.clean, lambda: tx.post(plain(1))):
            with pytest.raises(RingError, match="queue 0: the ring is closed"):
                use()
