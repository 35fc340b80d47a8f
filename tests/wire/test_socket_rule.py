# SPDX-License-Identifier: BSD-3-Clause
"""One rule for all sockets of the device: the same ill-behaved clients at each, beside somebody honest.

``socket_rule.h`` says what it is; the numbers here are its own.
"""

import contextlib
import errno
import json
import socket
import struct
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device.machine.socket_rule import CALLERS_MAX, DEADLINE_S
from tests.rigs.client import CAPABILITIES, HEADER, REGION_READ, VERSION, Client
from tests.rigs.counts import fd_count
from tests.rigs.process import Device, cpu_s, rss_kib, until

pytestmark = pytest.mark.usefixtures("_no_fd_left")

SOON_S = 0.8  # a peer wire is looked at ten times a second; whoever is waited for costs 2 s
LOOK_S = 0.1
STATUS = 0x0008
GROWTH_KIB = 4096


class Kind(ABC):
    """A kind of socket: how to reach it, and what an honest client says and gets.

    Attributes:
        name: What it is called.
        options: What the device is started with for it.
        socket_type: Its type.
        whole: What an honest client says first; cut, it is half a message.
        more: What it may say behind that, over and over.
    """

    name = ""
    options: tuple[str, ...] = ()
    socket_type = socket.SOCK_STREAM
    whole = b""
    more = b""

    @abstractmethod
    def path(self, device: Device) -> Path:
        """Where it is."""

    @abstractmethod
    def heard(self, sock: socket.socket) -> bool:
        """Whether the answer to ``whole`` is what it should be; waits for it."""

    def connect(self, device: Device) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, self.socket_type)
        sock.settimeout(DEADLINE_S)
        end_s = time.monotonic() + DEADLINE_S
        while True:
            try:
                sock.connect(str(self.path(device)))
            except BlockingIOError:  # the queue is full for now
                assert time.monotonic() < end_s, "the queue stays full"
                time.sleep(0.01)
            else:
                return sock


class VfioUser(Kind):
    name = "vfio-user"
    whole = HEADER.pack(1, VERSION, HEADER.size + 4 + len(CAPABILITIES), 0, 0) + struct.pack("<HH", 0, 1) + CAPABILITIES
    more = HEADER.pack(7, REGION_READ, 32, 0, 0) + struct.pack("<QII", STATUS, 0, 4)

    def path(self, device: Device) -> Path:
        return device.path

    def heard(self, sock: socket.socket) -> bool:
        return HEADER.unpack_from(sock.recv(4096))[:2] == (1, VERSION)


class Control(Kind):
    name = "control"
    whole = b'{"report": true}\n'
    more = b'{"report": true}\n'

    def path(self, device: Device) -> Path:
        return device.control

    def heard(self, sock: socket.socket) -> bool:
        with sock.makefile("rb") as lines:
            return bool(json.loads(lines.readline())["ok"])


class PeerWire(Kind):
    name = "peer wire"
    socket_type = socket.SOCK_SEQPACKET
    whole = b"IXLAB\x01\x01\0"
    more = bytes(60)

    def __init__(self, folder: Path) -> None:
        self.options = ("--peer", str(folder / "wire"))
        self._path = folder / "wire"

    def path(self, device: Device) -> Path:
        return self._path

    def heard(self, sock: socket.socket) -> bool:
        return sock.recv(4096)[:6] == self.whole[:6]


@pytest.fixture(params=["vfio-user", "control", "peer"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Kind:
    return PeerWire(tmp_path) if request.param == "peer" else Control() if request.param == "control" else VfioUser()


@pytest.fixture
def device(kind: Kind, tmp_path: Path) -> Iterator[Device]:
    with Device(tmp_path, *kind.options) as made:
        yield made


def says_nothing(_kind: Kind, _sock: socket.socket) -> None:
    """Silent: it has connected, and that is all."""


def says_half(kind: Kind, sock: socket.socket) -> None:
    sock.send(kind.whole[: len(kind.whole) // 2])


def says_one_byte(kind: Kind, sock: socket.socket) -> None:
    sock.send(kind.whole[:1])


def bursts(kind: Kind, sock: socket.socket) -> None:
    """Much more than anybody reads in a turn, and it fetches no answers."""
    sock.setblocking(False)
    with contextlib.suppress(OSError):
        sock.send(kind.whole)
        while True:
            sock.send(kind.more)


ILL = [says_nothing, says_half, says_one_byte, bursts]
Ill = Callable[[Kind, socket.socket], None]


def honest_gets_in(kind: Kind, device: Device, limit_s: float) -> None:
    start_s = time.monotonic()
    with kind.connect(device) as sock:
        sock.send(kind.whole)
        assert kind.heard(sock)
        assert time.monotonic() - start_s < limit_s


@pytest.mark.parametrize("ill", ILL)
@pytest.mark.parametrize("count", [1, 10])
def test_an_honest_client_gets_in_beside_them(kind: Kind, device: Device, ill: Ill, count: int) -> None:
    """At once, unless one of them has said all that an honest one says: then it is a client, and is dropped in time."""
    before = fd_count(device.pid)
    with contextlib.ExitStack() as crowd:
        for _ in range(count):
            ill(kind, crowd.enter_context(kind.connect(device)))
        if ill is bursts and kind.name != "control":
            until(lambda: fd_count(device.pid) <= before + CALLERS_MAX + 1, "the others are turned away")
        else:
            honest_gets_in(kind, device, SOON_S)
        start_s = time.monotonic()
        assert device.report()
        if kind.name != "vfio-user":
            with Client(device.path) as client:
                assert client.read32(0, STATUS)
        assert time.monotonic() - start_s < SOON_S, "nobody else has noticed"
    # What was said on the control socket is obeyed to its end, by and by.
    until(lambda: fd_count(device.pid) <= before, "all are gone", 50 if ill is bursts else 2 * DEADLINE_S)
    until(lambda: gets_in(kind, device), "and the next one gets in")


def gets_in(kind: Kind, device: Device) -> bool:
    try:
        honest_gets_in(kind, device, DEADLINE_S)
    except (OSError, struct.error, AssertionError):
        return False
    return True


def test_a_byte_a_second_is_no_message(kind: Kind, device: Device) -> None:
    """The deadline is the message's, not the byte's; and the next one does not wait for it."""
    with kind.connect(device) as slow:
        start_s = time.monotonic()
        gone = False
        while not gone and time.monotonic() - start_s < 3 * DEADLINE_S:
            with contextlib.suppress(OSError):
                slow.send(kind.whole[:1])
            honest_gets_in(kind, device, SOON_S)
            device.without_client()
            slow.settimeout(0.9)
            try:
                gone = not slow.recv(4096) or kind.name == "control"
            except TimeoutError:
                continue
            except OSError as exc:
                gone = exc.errno in {errno.ECONNRESET, errno.EPIPE}
        assert gone, "it is sent away"


def test_a_crowd_is_bounded_in_descriptors_memory_and_time(kind: Kind, device: Device) -> None:
    before, kib, used_s = fd_count(device.pid), rss_kib(device.pid), cpu_s(device.pid)
    with contextlib.ExitStack() as crowd:
        for _ in range(4 * CALLERS_MAX):
            says_half(kind, crowd.enter_context(kind.connect(device)))
        time.sleep(3 * LOOK_S)
        assert fd_count(device.pid) <= before + CALLERS_MAX + 1
        honest_gets_in(kind, device, SOON_S)
        time.sleep(1)
        assert rss_kib(device.pid) - kib < GROWTH_KIB
        assert cpu_s(device.pid) - used_s < 1
    until(lambda: fd_count(device.pid) <= before, "all are gone", 2 * DEADLINE_S)
