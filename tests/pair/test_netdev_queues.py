# SPDX-License-Identifier: BSD-3-Clause
"""Rings and the queues of the interface: each Tx ring sends for one of them, however few vectors there are."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from driver.core.napi import Poller, Sink
from tests.rigs.pair import Rig, Wire, flow, plain, rig

HEADER = bytes(10)
QUEUES = 8
WAIT_S = 20.0


@pytest.fixture(params=[9, 3, 2], ids=["a vector a pair", "8 rings on 2 vectors", "8 rings on 1 vector"])
def up(wire: Wire, request: pytest.FixtureRequest) -> Iterator[Rig]:
    """Eight ring pairs on as many vectors as there are, less one."""
    with rig(wire, queues=QUEUES, vectors=request.param) as made:
        yield made


@pytest.fixture
def taps() -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    """Queues of an interface: the kernel's end and ours of each."""
    with ExitStack() as stack:
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(QUEUES)]
        for pair in pairs:
            for end in pair:
                stack.enter_context(end)
                end.setblocking(False)
        yield pairs


def turn(poller: Poller, up: Rig, wire: Wire) -> list[bytes]:
    """The driver's thread, then the device: in one process they must not be in the device's core at the same time."""
    poller.start()
    time.sleep(0.01)
    poller.stop()
    up.settle()
    return wire.sent()


def test_every_queue_of_the_interface_is_sent_by_the_ring_of_its_number(
    up: Rig, wire: Wire, taps: list[tuple[socket.socket, socket.socket]]
) -> None:
    napis = up.adapter.napis()
    assert sum(len(napi.tx_rings) for napi in napis) == QUEUES
    poller = Poller(napis, sink=Sink.NETDEV, tap_fds=[ours.fileno() for _, ours in taps])
    frames = [plain(n) for n in range(QUEUES)]
    for (kernel, _), frame in zip(taps, frames, strict=True):
        kernel.send(HEADER + frame)
    end_s = time.monotonic() + WAIT_S
    sent: list[bytes] = []
    while len(sent) < QUEUES and time.monotonic() < end_s:
        sent += turn(poller, up, wire)
    poller.close()
    assert sorted(sent) == sorted(frames)
    for ring in up.adapter.tx_rings:
        ring.clean()
    assert [ring.stats()["packets"] for ring in up.adapter.tx_rings] == [1] * QUEUES
    assert sum(napi.netdev_stats()["tx_frames"] for napi in napis) == QUEUES


def test_what_a_ring_receives_goes_to_the_queue_of_its_number(
    up: Rig, wire: Wire, taps: list[tuple[socket.socket, socket.socket]]
) -> None:
    """The kernel answers a flow on the queue that it came from, which is then the ring pair's own."""
    wire.inject(*[flow(n, payload=bytes(50)) for n in range(100)])
    up.settle()
    napis = up.adapter.napis()
    Poller(napis, sink=Sink.NETDEV, tap_fds=[ours.fileno() for _, ours in taps]).close()
    for _ in range(20):
        for napi in napis:
            napi.poll()
    for ring, (kernel, _) in zip(up.adapter.rx_rings, taps, strict=True):
        got = 0
        while True:
            try:
                kernel.recv(4096)
            except BlockingIOError:
                break
            got += 1
        assert got == ring.stats()["packets"]
    assert sum(ring.stats()["packets"] for ring in up.adapter.rx_rings) == 100


def test_a_full_ring_stops_only_its_own_queue(wire: Wire, taps: list[tuple[socket.socket, socket.socket]]) -> None:
    with rig(wire, queues=2, vectors=2, ring_count=64) as up:
        (napi,) = up.adapter.napis()
        up.nic.pf.bus_master = False  # nothing is sent, so rings fill
        poller = Poller([napi], sink=Sink.NETDEV, tap_fds=[ours.fileno() for _, ours in taps[:2]])
        for n in range(80):
            taps[1][0].send(HEADER + plain(n))
        taps[0][0].send(HEADER + plain(1))
        poller.start()
        end_s = time.monotonic() + WAIT_S
        while napi.netdev_stats()["tx_frames"] < 20 and time.monotonic() < end_s:
            time.sleep(0.001)
        time.sleep(0.05)
        poller.stop()
        busy = [ring.stats()["busy"] > 0 for ring in up.adapter.tx_rings]
        assert busy == [False, True]
        assert os.read(taps[1][1].fileno(), 4096), "frames wait in the interface, not in us"
        up.nic.pf.bus_master = True
        sent: list[bytes] = []
        while len(sent) < 80 and time.monotonic() < end_s:
            sent += turn(poller, up, wire)
        poller.close()
        assert len(sent) == 80, "80 and 1, less the one we took away"
        assert up.adapter.tx_rings[1].stats()["restarts"] > 0
