# SPDX-License-Identifier: BSD-3-Clause
"""A thread a vector, over a socket: they carry, stop, go on, are pinned, and end together."""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from driver.core.cpus import online_cpus
from driver.core.moderation import Moderation, parse_itr
from driver.core.napi import Napi, Poller, Sink
from driver.core.threads import Threads
from driver.errors import DeviceGone, DriverError
from tests.rigs.driving import Driver, within
from tests.rigs.pair import flow
from tests.rigs.process import Device, until

pytestmark = pytest.mark.usefixtures("_no_fd_left")

QUEUES = 4
STOP_S = 2.0
FLOWS = [flow(n) for n in range(128)]  # a looped NIC spreads them over all queues, and always the same way


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    with Device(tmp_path, "--loopback") as device:
        yield device


class Circles:
    """Frames that circle for ever on every queue of a looped NIC, each queue carried by the thread of its vector."""

    def __init__(self, driver: Driver, *, itr: str = "50") -> None:
        self.driver, adapter = driver, driver.adapter
        adapter.set_rx_mode(promiscuous=True)
        driver.send(FLOWS)  # they wait in the rings until somebody polls
        self.napis = adapter.napis()
        vectors = list(zip(adapter.q_vectors, self.napis, strict=True))
        self.moderation = Moderation(vectors, adapter.vector_hw(), parse_itr(itr, 1022))
        self.poller = Poller(self.napis, sink=Sink.ECHO, threads=Threads.VECTOR, moderation=self.moderation)
        adapter.pause, adapter.resume = self.poller.stop, self.poller.start
        self.poller.start()

    def packets(self) -> list[int]:
        return [ring.stats()["packets"] for ring in self.driver.adapter.rx_rings]

    def all_move(self) -> None:
        """Every queue carries frames now."""
        before = self.packets()
        until(lambda: all(now > was + 100 for now, was in zip(self.packets(), before, strict=True)), "all queues carry")


@pytest.fixture
def driver(device: Device) -> Iterator[Driver]:
    with Driver(device.name, queues=QUEUES) as driver:
        yield driver


def test_every_vector_is_carried_by_its_own_thread(driver: Driver) -> None:
    circles = Circles(driver)
    circles.all_move()
    assert all(napi.stats()["irqs"] > 0 for napi in circles.napis)
    ids = {circles.poller.pin(n)._native_id for n in range(QUEUES)}  # type: ignore[union-attr]  # each has one
    assert len(ids) == QUEUES
    before = sum(circles.packets())
    with within(STOP_S):
        circles.poller.stop()
    assert not circles.poller.alive
    stopped = circles.packets()
    time.sleep(0.05)
    assert circles.packets() == stopped
    assert sum(stopped) >= before
    circles.poller.close()


def test_threads_stop_and_go_on_around_resets(driver: Driver) -> None:
    circles = Circles(driver, itr="dim")
    circles.all_move()
    for _ in range(10):
        with within(STOP_S):
            circles.poller.stop()
        circles.poller.start()
    circles.all_move()
    driver.adapter.reinit()
    assert circles.poller.alive
    driver.wait_link(up=True)
    circles.poller.close()


def test_threads_are_on_the_cpus_of_their_vectors_and_can_be_moved(driver: Driver) -> None:
    cpus = sorted(online_cpus())
    for n, q_vector in enumerate(driver.adapter.q_vectors):
        q_vector.affinity_notify(frozenset({cpus[n % len(cpus)]} if n < QUEUES - 1 else {8000}))
    circles = Circles(driver)
    circles.all_move()

    def where(n: int) -> set[int]:
        pin = circles.poller.pin(n)
        assert pin is not None
        return os.sched_getaffinity(pin._native_id)

    assert [where(n) for n in range(QUEUES - 1)] == [{cpus[n % len(cpus)]} for n in range(QUEUES - 1)]
    assert where(QUEUES - 1) == set(cpus)
    pin = circles.poller.pin(0)
    assert pin is not None
    pin.move(frozenset({cpus[-1]}))
    assert where(0) == {cpus[-1]}
    circles.all_move()
    assert online_cpus() == set(cpus)
    circles.poller.close()


def test_what_ends_one_thread_ends_all_and_is_told(driver: Driver) -> None:
    circles = Circles(driver, itr="dim")
    circles.all_move()
    circles.poller.stop()

    class Broken:
        def start(self) -> None:
            for napi in circles.napis:
                napi.c.decide_events = 0
            circles.napis[2].c.decide_events = 1
            circles.napis[2].c.decided_ns = 0

        def decide(self, napis: Sequence[Napi]) -> None:
            assert list(napis) == [circles.napis[2]]
            raise DriverError("vector 2 cannot be moderated")

    poller = Poller(circles.napis, sink=Sink.ECHO, threads=Threads.VECTOR, moderation=Broken())
    with within(STOP_S):
        poller.start()
        os.set_blocking(poller.done_fd(), True)
        os.eventfd_read(poller.done_fd())
        until(
            lambda: not any(worker.thread.is_alive() for worker in poller._workers if worker.thread), "all have ended"
        )
    assert str(poller.error) == "vector 2 cannot be moderated"
    poller.close()
    circles.poller.close()


def test_a_killed_device_holds_no_thread(tmp_path: Path) -> None:
    """Those that touch it end; those that sleep are told to, once the service task has found out."""
    device = Device(tmp_path, "--loopback")
    with Driver(device.name, queues=QUEUES) as driver:
        circles = Circles(driver)
        circles.all_move()
        device.kill()
        with pytest.raises(DeviceGone):
            until(driver.adapter.work.run, "the service task finds out")
        with within(STOP_S):
            circles.poller.close()
        assert not circles.poller.alive
