# SPDX-License-Identifier: BSD-3-Clause
"""Two devices, a cable, our driver at both ends: with pause frames nothing is lost, else every loss has a counter."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from device.regs.i82599 import CRCERRS, GPTC, LXOFFRXCNT, LXOFFTXC, MPC, QPRDC, TPR
from driver.ixgbe.hw.link import FlowControl
from tests.rigs.driving import Driver
from tests.rigs.frames import frame
from tests.rigs.process import WAIT_S, Device

pytestmark = pytest.mark.usefixtures("_no_fd_left")
FRAMES, SIZE = 2000, 1500
IDLE_S = 0.3
MAC = "02:00:00:82:59:02"


@contextmanager
def driven(device: Device, mode: FlowControl) -> Iterator[Driver]:
    with Driver(device.name, queues=1, up=False) as driver:
        driver.adapter.hw.link.flow_control = mode
        driver.up(link=False)
        yield driver


@contextmanager
def cable(folder: Path, mode: FlowControl, doorbells: str) -> Iterator[tuple[Driver, Driver, Device, Device]]:
    wire = ("--peer", str(folder / "cable"), "--doorbells", doorbells)
    with (
        Device(folder, *wire, name="a") as one,
        Device(folder, *wire, "--mac", MAC, name="b") as other,
        driven(one, mode) as left,
        driven(other, mode) as right,
    ):
        left.wait_link(up=True)
        right.wait_link(up=True)
        yield left, right, one, other


def send_all(left: Driver, right: Driver) -> list[bytes]:
    """2,000 frames; the receiver sleeps first, and what it gets then."""
    ring, waiting, got = left.adapter.tx_rings[0], [frame(n, SIZE) for n in range(FRAMES)], []
    idle_until = time.monotonic() + IDLE_S
    give_up = time.monotonic() + WAIT_S
    quiet_since = time.monotonic()
    while time.monotonic() < give_up and (waiting or ring.pending or time.monotonic() - quiet_since < IDLE_S):
        ring.clean()
        del waiting[: ring.send(waiting[:64])]
        new = right.take() if time.monotonic() > idle_until else []
        got += new
        if new or waiting or ring.pending:
            quiet_since = time.monotonic()
    assert not waiting
    return got


@pytest.mark.parametrize("doorbells", ["trapped", "shared"])
def test_with_pause_on_nothing_is_lost(tmp_path: Path, doorbells: str) -> None:
    with cable(tmp_path, FlowControl.FULL, doorbells) as (left, right, one, other):
        assert send_all(left, right) == [frame(n, SIZE) for n in range(FRAMES)]
        assert right.adapter.bar.read(LXOFFTXC) > 0
        assert left.adapter.bar.read(LXOFFRXCNT) > 0
        assert [right.adapter.bar.read(register) for register in (MPC, QPRDC, CRCERRS)] == [0, 0, 0]
        assert one.report()["port"]["tx_dropped"] == 0
        assert other.report()["port"]["rx_dropped"] == 0


@pytest.mark.parametrize("doorbells", ["trapped", "shared"])
def test_with_pause_off_every_loss_is_counted(tmp_path: Path, doorbells: str) -> None:
    with cable(tmp_path, FlowControl.NONE, doorbells) as (left, right, one, _):
        got = send_all(left, right)
        dropped = one.report()["port"]["tx_dropped"]
        assert len(got) + right.adapter.bar.read(MPC) + right.adapter.bar.read(QPRDC) + dropped == FRAMES
        assert len(got) < FRAMES
        assert (int(right.adapter.bar.read(TPR)), int(left.adapter.bar.read(GPTC))) == (
            FRAMES - dropped,
            FRAMES - dropped,
        )
