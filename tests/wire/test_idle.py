# SPDX-License-Identifier: BSD-3-Clause
"""How often a NIC gets up while nothing happens: counted, for how long a look takes is the machine's affair."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rigs.process import Device, until

IDLE_S = 2.0
LOOKS_A_SECOND = 2
ASKED = 8  # what two reports cost: who comes, asks, is answered, and leaves


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[Device]:
    with Device(tmp_path, "--loopback") as device:
        yield device


def times_up(device: Device) -> tuple[int, float]:
    """How often it went to sleep in some idle seconds, and how many these were."""
    before = device.report()
    time.sleep(IDLE_S)
    after = device.report()
    return after["counters"]["loop_sleeps"] - before["counters"]["loop_sleeps"], after["uptime_s"] - before["uptime_s"]


def test_an_idle_nic_looks_round_twice_a_second(idle: Device) -> None:
    sleeps, seconds = times_up(idle)
    assert sleeps <= LOOKS_A_SECOND * seconds + ASKED


def test_somebody_at_the_control_socket_is_told_at_once(idle: Device) -> None:
    """As ever: an event is told a tenth of a second after it happened."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(20)
        sock.connect(str(idle.control))
        before = idle.report()
        time.sleep(IDLE_S)
        after = idle.report()
        sleeps = after["counters"]["loop_sleeps"] - before["counters"]["loop_sleeps"]
        assert sleeps >= 2 * LOOKS_A_SECOND * IDLE_S
    until(lambda: times_up(idle)[0] <= LOOKS_A_SECOND * IDLE_S + 2 * ASKED, "it is alone again")
