# SPDX-License-Identifier: BSD-3-Clause
"""How often a NIC gets up while nothing happens: counted, for how long a look takes is the machine's affair.

And many reads at once, from our driver to a device that is slow.
"""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.regs.core import Register
from device.regs.i82599 import RAH, RAL, RXDCTL
from driver import compiled
from driver.core.bar import Bar
from driver.core.read_list import ReadList
from driver.doors.open import open_door
from tests.rigs.process import Device, until

AT_ONCE = compiled.lib.VFU_READS_AT_ONCE
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


def test_a_slow_register_among_many_keeps_its_place(tmp_path: Path) -> None:
    """Its answer is held, those before it are not, and those behind it come after."""
    registers: list[tuple[type[Register], int]] = [(RXDCTL, n) for n in range(AT_ONCE - 4)]
    registers[20:20] = [(RAL, 1), (RAH, 1)]
    with Device(tmp_path, "--loopback", "--fault", "slow=RAL:0.2", "--fault", "slow=RAH:0.1") as device:
        door = open_door(device.name)
        bar = Bar(door)
        for n in range(AT_ONCE - 4):
            bar.write(RXDCTL, RXDCTL.of(VME=n % 2), n)
        bar.write(RAL, 0xAABBCCDD, 1)
        bar.write(RAH, RAH.of(RAH=0x1122), 1)
        reads = ReadList(bar, registers)
        start = time.monotonic()
        found = reads.read()
        reads.check()
        assert time.monotonic() - start >= 0.3
        assert found == [int(bar.read(register, n)) for register, n in registers]
        assert found[20] == 0xAABBCCDD
        door.close()
