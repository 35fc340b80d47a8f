# SPDX-License-Identifier: BSD-3-Clause
"""One side dies, or the function is reset, in the middle of traffic: the other side notices, cleans up, and goes on."""

import contextlib
import mmap
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.regs.pci import EXP_DEVCTL, PCI_COMMAND
from driver.core.dma import IOVA_BASE_64
from driver.doors.config import Config
from driver.errors import DeviceGone, DriverError
from tests.rigs.client import CONFIG, RESET, Client
from tests.rigs.driving import Driver, within
from tests.rigs.frames import frame
from tests.rigs.process import Device, Process, until

pytestmark = pytest.mark.usefixtures("_no_fd_left")
PATTERN = b"\xa5"
MEMORY_BYTES = 16 << 20


@pytest.fixture(params=["trapped", "shared"])
def device(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Device]:
    with Device(tmp_path, "--loopback", "--doorbells", request.param) as device:
        yield device


def works(device: Device) -> None:
    """A new driver gets frames through, all of them and nothing else."""
    frames = [frame(n) for n in range(100)]
    with Driver(device.name) as driver:
        driver.send(frames)
        assert driver.receive(100) == frames


def turns(device: Device) -> int:
    return int(device.report()["counters"]["loop_turns"])


def test_a_killed_driver_leaves_no_dma_behind_and_the_next_one_works(device: Device) -> None:
    """The new client's memory lies at the iovas of the dead one's rings, and stays as it is."""
    with Process(["-m", "tests.wire.echo", device.name]) as driver:
        assert driver.line == "busy"
        assert device.report()["socket"]["dma_regions"] == 1
        driver.kill()
    report = device.without_client(2)
    assert report["socket"]["dma_regions"] == 0
    assert report["rings"] == []

    fd = os.memfd_create("guest")
    os.ftruncate(fd, MEMORY_BYTES)
    with mmap.mmap(fd, MEMORY_BYTES) as memory, Client(device.path) as client:
        memory[:] = PATTERN * MEMORY_BYTES
        client.map(fd, IOVA_BASE_64, MEMORY_BYTES)
        client.write(CONFIG, 4, b"\x06\x00")
        start = turns(device)
        until(lambda: turns(device) > start + 100, "the device has had time to write")
        assert memory[:] == PATTERN * MEMORY_BYTES
    os.close(fd)
    works(device)


def test_a_killed_device_is_noticed_and_the_driver_ends_in_good_order(tmp_path: Path) -> None:
    with Device(tmp_path, "--loopback") as device:
        with Driver(device.name) as driver:
            driver.echo()
            until(lambda: driver.packets() > 1000, "frames circle")
            device.kill()
            with within(2), pytest.raises(DeviceGone, match="no longer answers"):
                driver.adapter.service()
            seen = driver.adapter.stats()
            assert seen["rx_packets"] > 1000
            with within(2):
                driver.adapter.down()
        assert device.path.exists(), "nobody was there to remove it"
    with Device(tmp_path, "--loopback") as device:
        works(device)


def test_a_device_that_is_told_to_end_takes_its_driver_along(tmp_path: Path) -> None:
    with Device(tmp_path, "--loopback") as device:
        with Driver(device.name) as driver, within(3):
            driver.echo()
            until(lambda: driver.packets() > 1000, "frames circle")
            assert device.end(signal.SIGINT) == 0
            with pytest.raises(DriverError):
                driver.serve()
        assert not device.path.exists()


def test_a_second_signal_does_not_spoil_a_clean_end(tmp_path: Path) -> None:
    with Device(tmp_path, "--loopback") as device:
        for _ in range(200):
            if device.process.poll() is not None:
                break
            device.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                device.process.wait(0.005)
        assert device.end() == 0
        assert not device.path.exists()


def test_function_level_reset_under_load(device: Device) -> None:
    """Everything stops at once.  The driver puts configuration space back, starts again, and traffic flows."""
    with Driver(device.name) as driver:
        config = Config(driver.door)
        state = config.save_state()
        driver.echo()
        until(lambda: driver.packets() > 1000, "frames circle")
        config.update(EXP_DEVCTL, FLR=1)
        assert config.read(PCI_COMMAND).BUS_MASTER == 0
        driver.stop()
        report = device.report()
        assert (report["rings"], report["socket"]["flrs"], report["stalls"]) == ([], 1, [])
        assert report["socket"]["dma_regions"] == 1, "the client's memory stays mapped"
        config.restore_state(state)
        driver.take()
        driver.adapter.reinit()
        driver.wait_link(up=True)
        driver.echo()
        start = driver.packets()
        until(lambda: driver.packets() > start + 1000, "frames circle again")
        driver.stop()
        assert device.report()["stalls"] == []


def test_a_reset_by_message_under_load(device: Device) -> None:
    with Driver(device.name) as driver:
        driver.echo()
        until(lambda: driver.packets() > 1000, "frames circle")
        driver.door.reset()
        assert device.report()["rings"] == []
    works(device)


def test_memory_decoding(device: Device) -> None:
    """A client that never heard of COMMAND is served; one that switches decoding off is not; a reset starts anew."""
    ones = b"\xff" * 4
    status = 8
    with Client(device.path) as client:
        assert client.read(0, status, 4) != ones
        for again in range(2):
            client.write(CONFIG, 4, b"\x02\x00")
            client.write(0, 0xA228, b"\x01\x02\x03\x04")
            client.write(CONFIG, 4, b"\x00\x00")
            assert client.read(0, status, 4) == ones
            client.write(0, 0xA228, bytes(4))
            client.write(CONFIG, 4, b"\x02\x00")
            assert client.read(0, 0xA228, 4) == b"\x01\x02\x03\x04"
            client.write(CONFIG, 4, b"\x00\x00")
            if again:
                client.call(RESET)
            else:
                control = int.from_bytes(client.read(CONFIG, 0xA8, 2), "little")
                client.write(CONFIG, 0xA8, (control + 0x8000).to_bytes(2, "little"))
            assert client.read(0, status, 4) != ones
    with Client(device.path) as client:
        assert client.read(0, status, 4) != ones
