# SPDX-License-Identifier: BSD-3-Clause
"""Who is busy does not starve the others, who is idle costs nothing, and nothing grows."""

import os
import threading
import time
from pathlib import Path

import pytest

from driver.core.napi import Sink
from tests.rigs.client import CONFIG, MSIX, Client
from tests.rigs.counts import fd_count
from tests.rigs.driving import Driver, within
from tests.rigs.frames import frame
from tests.rigs.process import Device, cpu_s, rss_kib, thread_count, until

pytestmark = pytest.mark.usefixtures("_no_fd_left")
ENDLESS = 10**12
RAL5, STATUS = 0xA228, 0x0008
CLIENTS = 50
GROWTH_KIB = 512  # allocators are not exact


@pytest.fixture(params=["trapped", "shared"])
def doorbells(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_hot_wire_does_not_starve_the_socket(tmp_path: Path, doorbells: str) -> None:
    """The wire always has a frame; registers and control still get their turn."""
    with Device(tmp_path, "--null", "--doorbells", doorbells) as device, Driver(device.name) as driver:
        driver.poll(Sink.DROP)
        device.ask(generate=ENDLESS)
        until(lambda: driver.packets() > 0, "frames come")
        start = device.report()["port"]["rx_frames"]
        with within(3):
            for _ in range(500):
                driver.adapter.bar.flush()
            device.ask(sfp="lr")
            until(lambda: device.report()["port"]["rx_frames"] > start + 10_000, "10 000 frames")
        device.ask(generate=0)


def test_a_hot_socket_does_not_starve_the_wire(tmp_path: Path, doorbells: str) -> None:
    """A thread of the driver's process floods the device with register writes; frames still pass."""
    with Device(tmp_path, "--loopback", "--doorbells", doorbells) as device, Driver(device.name) as driver:
        stop = threading.Event()
        bar = driver.adapter.bar

        def flood() -> None:
            while not stop.is_set():
                for _ in range(100):
                    bar.write_offset(RAL5, 0)

        thread = threading.Thread(target=flood)
        thread.start()
        try:
            before = device.report()["counters"]["reg_writes"]
            until(lambda: device.report()["counters"]["reg_writes"] > before + 1000, "the flood")
            with within(8):
                for turn in range(10):
                    frames = [frame(100 * turn + n) for n in range(100)]
                    driver.send(frames)
                    assert driver.receive(100) == frames
        finally:
            stop.set()
            thread.join(10)


def test_a_flood_without_a_reader_does_not_stop_the_device(tmp_path: Path) -> None:
    """Posted writes as fast as a socket takes them; control is answered all the while."""
    with Device(tmp_path, "--null") as device, Client(device.path) as client:
        with within(5):
            for turn in range(5):
                for n in range(2000):
                    client.write(0, RAL5, (turn * 2000 + n).to_bytes(4, "little"), posted=True)
                assert device.report()["client"] is True
        assert client.read32(0, RAL5) == 9999


def test_fifty_clients_leave_the_process_as_it_was(tmp_path: Path, doorbells: str) -> None:
    fds = [os.eventfd(0) for _ in range(8)]
    memory = os.memfd_create("guest")
    os.ftruncate(memory, 1 << 20)
    with Device(tmp_path, "--loopback", "-q", "--doorbells", doorbells) as device:
        fresh, threads = fd_count(device.pid), thread_count(device.pid)

        def visit() -> None:
            with Client(device.path) as client:
                client.map(memory, 0x1000_0000, 1 << 20)
                client.irqs(MSIX, 0, fds)
                client.write(CONFIG, 4, b"\x06\x00")
                for fd in client.region_info(0)[3]:
                    os.close(fd)
                client.write32(0, RAL5, 1)
                assert client.read32(0, STATUS)

        for _ in range(5):
            visit()
        with Driver(device.name) as driver:
            driver.send([frame(1)])
            driver.receive(1)
        device.without_client()
        grown = rss_kib(device.pid)
        for _ in range(CLIENTS):
            visit()
        with Driver(device.name) as driver:
            driver.send([frame(1)])
            driver.receive(1)
        device.without_client()
        # A control connection of ours may take the device a moment to hang up.
        until(lambda: fd_count(device.pid) == fresh, f"{fresh} open files, as at the start")
        assert thread_count(device.pid) == threads, "one thread, one loop, and those that write its log"
        assert rss_kib(device.pid) - grown < GROWTH_KIB
        assert device.report()["socket"]["sessions"] == 5 + 1 + CLIENTS + 1
    for fd in (*fds, memory):
        os.close(fd)


def test_an_idle_device_uses_almost_no_cpu(tmp_path: Path, doorbells: str) -> None:
    """With a driver, queues on and the link up.  Shared tails that have been still a while are looked at rarely."""
    with Device(tmp_path, "--loopback", "--doorbells", doorbells) as device, Driver(device.name) as driver:
        driver.send([frame(1)])
        driver.receive(1)

        def share() -> float:
            start, used = time.monotonic(), cpu_s(device.pid)
            until(lambda: time.monotonic() - start > 1, "a second has passed", 2)
            return (cpu_s(device.pid) - used) / (time.monotonic() - start)

        until(lambda: share() < 0.05, "less than 5 % of a CPU", 8)
