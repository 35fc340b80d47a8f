# SPDX-License-Identifier: BSD-3-Clause
"""Posted writes of the driver to a device that does not read them: they neither pile up nor hold the driver."""

import contextlib
import errno
import fcntl
import os
import re
import signal
import struct
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.regs.i82599 import CTRL, RAL, TDT
from driver.core.bar import Bar
from driver.core.dma import Arena
from driver.core.napi import Napi, Poller, Rearm, Sink
from driver.core.rings import TxRing
from driver.doors.vfio_user import VfioUserDoor
from driver.errors import DeviceGone, DeviceStands, DoorError
from driver.ixgbe.rings import RINGS
from tests.rigs import fake_server as wire
from tests.rigs.driving import Driver
from tests.rigs.fake_server import FakeServer
from tests.rigs.process import Device, rss_kib, until

pytestmark = pytest.mark.usefixtures("_no_fd_left")

SHORT_S = 0.5
LATE_S = 1.0  # what a busy machine adds
HELD_MAX_BYTES = 1 << 20  # the kernel's usual limit for a socket is a fifth of it
MANY = 5000  # messages, several times what the socket holds
STANDS = r"it stands still, and (\d+) bytes of messages to it wait unread after 0.5 s; .*SIGCONT.*--timeout"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FakeServer]:
    with FakeServer(tmp_path / "s") as made:
        yield made


@contextlib.contextmanager
def opened(server: FakeServer, timeout_s: float = SHORT_S) -> Iterator[VfioUserDoor]:
    door = VfioUserDoor(server.path, timeout_s=timeout_s)
    try:
        yield door
    finally:
        door.close()


def held_bytes(door: VfioUserDoor) -> int:
    """What the kernel keeps for us because the server has not read it."""
    answer = fcntl.ioctl(door._connection._socket, termios.TIOCOUTQ, bytes(4))
    return int(struct.unpack("i", answer)[0])


def values(server: FakeServer) -> list[int]:
    """What was written, in the order in which it arrived."""
    return [int.from_bytes(msg.body[16:], "little") for msg in server.log if msg.command == wire.WRITE]


def write_all(bar: Bar, count: int) -> None:
    for value in range(count):
        bar.write(RAL, value)


def see_stands(error: BaseException, server: FakeServer) -> None:
    assert isinstance(error, DoorError), "for programs it is an OSError"
    assert error.errno == errno.ETIMEDOUT
    assert str(server.path) in str(error)
    found = re.search(STANDS, str(error))
    assert found, str(error)
    assert 0 < int(found[1]) < HELD_MAX_BYTES


# ---- a server that stops reading ------------------------------------------------------------------------------------


def test_register_writes_fail_in_time_and_hold_little(server: FakeServer) -> None:
    with opened(server) as door:
        bar = Bar(door)
        bar.read(CTRL)
        server.reads.clear()
        before_kib, start_s = rss_kib(os.getpid()), time.monotonic()
        with pytest.raises(DeviceGone, match=r"RAL\[0\]") as caught:
            write_all(bar, MANY)
        assert SHORT_S <= time.monotonic() - start_s < SHORT_S + LATE_S
        see_stands(caught.value, server)
        assert held_bytes(door) < HELD_MAX_BYTES
        assert rss_kib(os.getpid()) - before_kib < 4096
        start_s = time.monotonic()
        for ask in (lambda: bar.write(RAL, 0), lambda: bar.read(CTRL), lambda: door.config_read(0, 4)):
            with pytest.raises(DeviceGone):
                ask()
        assert time.monotonic() - start_s < SHORT_S, "the rest fails at once"


def test_a_question_behind_them_says_the_same(server: FakeServer) -> None:
    with opened(server) as door:
        bar = Bar(door)
        server.reads.clear()
        bar.write(RAL, 1)
        with pytest.raises(DeviceStands, match="CTRL: the device no longer answers") as caught:
            bar.read(CTRL)
        see_stands(caught.value, server)


def test_a_message_of_the_door_says_the_same(server: FakeServer) -> None:
    with opened(server) as door:
        server.reads.clear()
        with pytest.raises(DeviceStands, match="s: the device no longer answers") as caught:
            door.config_read(0, 4)
        see_stands(caught.value, server)


def test_tails_fail_in_time(server: FakeServer) -> None:
    """Each frame on a Tx ring rings its doorbell from C; there is no answer to any."""
    with opened(server) as door:
        bar, arena = Bar(door), Arena(door, 8 << 20)
        ring = TxRing(RINGS, arena, bar, 0, 2048, 2048)
        server.reads.clear()
        start_s = time.monotonic()
        for _ in range(2000):
            assert ring.send([bytes(60)]) == 1
        assert SHORT_S <= time.monotonic() - start_s < SHORT_S + LATE_S, "one wait, and then no more"
        with pytest.raises(DeviceStands, match=r"TDT\[0\]: the device") as caught:
            bar.write(TDT, 0)
        see_stands(caught.value, server)
        assert held_bytes(door) < HELD_MAX_BYTES
        ring.close()
        arena.close()


@contextlib.contextmanager
def polling(bar: Bar) -> Iterator[Poller]:
    """A poll loop whose interrupt fires all the time: each turn ends with a posted write that arms it again."""
    irq_fd = os.eventfd(1_000_000, os.EFD_SEMAPHORE | os.EFD_NONBLOCK)
    poller = Poller([Napi(bar, 0, [], [], irq_fd, Rearm(RAL.offset(), 7))], sink=Sink.NONE)
    poller.start()
    try:
        yield poller
    finally:
        poller.close()
        os.close(irq_fd)


def test_a_poll_loop_ends_in_time(server: FakeServer) -> None:
    with opened(server) as door, polling(Bar(door)) as poller:
        until(lambda: len(values(server)) > 100, "it arms its interrupt")
        server.reads.clear()
        start_s = time.monotonic()
        until(lambda: not poller.alive, "it ends")
        assert time.monotonic() - start_s < SHORT_S + LATE_S
        assert poller.error is not None
        see_stands(poller.error, server)
        assert held_bytes(door) < HELD_MAX_BYTES


def test_a_poll_loop_that_waits_for_ever_ends_when_the_door_is_closed(server: FakeServer) -> None:
    with opened(server, 0) as door, polling(Bar(door)) as poller:
        server.reads.clear()
        until(lambda: held_bytes(door) > 100_000, "the socket is full")
        time.sleep(2 * SHORT_S)
        assert poller.alive
        door.close()
        until(lambda: not poller.alive, "it ends")


# ---- a server that reads late, or slowly ----------------------------------------------------------------------------


def test_a_slow_reader_gets_everything_in_order(server: FakeServer) -> None:
    """The kernel calls a socket writable only when most of it was read, which takes longer than the deadline here.

    Observed before the driver looked for itself: every fifth write took the whole deadline.
    """
    count, took_s = 350, [0.0]
    with opened(server) as door:
        bar = Bar(door)
        server.piece = (48, 0.05)
        start_s = time.monotonic()
        for value in range(count):
            begin_s = time.monotonic()
            bar.write(RAL, value)
            took_s.append(time.monotonic() - begin_s)
        assert time.monotonic() - start_s > 2 * SHORT_S, "the socket was full, and for longer than the deadline"
        assert max(took_s) < 0.8 * SHORT_S, "a write waits for its own room, and for no more"
        server.piece = (4096, 0)
        bar.flush()
        assert values(server) == list(range(count))


def test_without_a_timeout_it_waits_until_the_server_reads_again(server: FakeServer) -> None:
    done: list[int] = []

    def write(bar: Bar) -> None:
        for value in range(MANY):
            bar.write(RAL, value)
            done.append(value)

    with opened(server, 0) as door:
        bar = Bar(door)
        server.reads.clear()
        thread = threading.Thread(target=write, args=(bar,))
        thread.start()
        until(lambda: held_bytes(door) > 100_000, "the socket is full")
        time.sleep(4 * SHORT_S)
        at = len(done)
        assert at < MANY
        time.sleep(SHORT_S)
        assert len(done) == at, "it waits"
        assert held_bytes(door) < HELD_MAX_BYTES
        server.reads.set()
        thread.join(20)
        assert not thread.is_alive()
        bar.flush()
        assert values(server) == list(range(MANY))


# ---- the device of this project -------------------------------------------------------------------------------------


def frames_circle(driver: Driver) -> None:
    seen = driver.packets()
    until(lambda: driver.packets() > seen + 1000, "frames circle")


def test_a_device_that_was_stopped_for_a_moment_is_driven_on(tmp_path: Path) -> None:
    """SIGSTOP in the middle of traffic and of register writes, SIGCONT in time: nothing is lost, nothing has failed."""
    with Device(tmp_path, "--loopback") as device, Driver(device.name) as driver:
        driver.echo()
        bar = driver.adapter.bar
        write_on = threading.Event()
        failed: list[BaseException] = []

        def write() -> None:
            try:
                while not write_on.is_set():
                    bar.write_offset(0xA228, 0)  # RAL 5, which is not used
            except DeviceGone as error:
                failed.append(error)

        thread = threading.Thread(target=write)
        thread.start()
        try:
            for _ in range(2):
                frames_circle(driver)
                device.process.send_signal(signal.SIGSTOP)
                try:
                    time.sleep(1.5)
                finally:
                    device.process.send_signal(signal.SIGCONT)
            frames_circle(driver)
        finally:
            write_on.set()
            thread.join(10)
        assert not failed
        assert driver.poller is not None
        assert driver.poller.alive
        bar.flush()
