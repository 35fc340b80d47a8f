# SPDX-License-Identifier: BSD-3-Clause
"""No client makes anybody wait by the descriptors it sends.

Each test has a hostile client, and somebody else who must not notice.
"""

import contextlib
import os
import select
import socket
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from device.machine.socket_rule import DEADLINE_S
from tests.rigs.client import (
    DMA_MAP,
    HEADER,
    MSIX,
    REGION_READ,
    SET_IRQS,
    Client,
    error_of,
)
from tests.rigs.counts import fd_count
from tests.rigs.patience import HELLO, READ_STATUS, SOON_S, STATUS, Asking
from tests.rigs.process import Device, until

GPIE, IVAR, EICS, EIMS = 0x0898, 0x0900, 0x0808, 0x0880
FULL = 2**64 - 2
FDS_MAX = 253  # conn.h: the kernel's own limit for one message


@pytest.fixture(params=[(), ("--doorbells", "shared")], ids=["trapped", "shared"])
def device(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Device]:
    """A device in each doorbell mode."""
    with Device(tmp_path, *request.param) as made:
        yield made


def ring(client: Client, vector_fd: int) -> None:
    """Arm vector 0 with a descriptor."""
    client.irqs(MSIX, 0, [vector_fd])
    client.write(7, 4, b"\x06\0")
    client.write(7, 0x72, b"\x00\x80")
    for register, value in ((GPIE, 0x10), (IVAR, 0x80), (EIMS, 1)):
        client.write32(0, register, value)


WRONG: dict[str, Callable[[], Sequence[int]]] = {
    "a pipe": lambda: os.pipe()[::-1],
    "a file": lambda: [os.memfd_create("x")],
    "a folder": lambda: [os.open("/", os.O_RDONLY)],
    "a socket": lambda: [half.detach() for half in socket.socketpair()],
    "a character device": lambda: [os.open("/dev/null", os.O_RDWR)],
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_eventfd_is_refused_by_name(device: Device, kind: str) -> None:
    """Observed before: eight bytes were written into it, and a full pipe held the thread for ever."""
    fds = WRONG[kind]()
    good = os.eventfd(0, os.EFD_NONBLOCK)
    with Client(device.path) as client:
        assert client.read32(0, STATUS)  # who came has been looked up
        before = fd_count(device.pid)
        assert error_of(client.irqs, MSIX, 3, [good, fds[0]]) == "EINVAL"
        until(lambda: fd_count(device.pid) == before, "and closed")
        assert device.said(rf"MSI-X vector 4 was refused: what came for it is {kind}; send an eventfd")
        client.irqs(MSIX, 3, [good])
    with pytest.raises(BlockingIOError):
        os.eventfd_read(good)
    for fd in (*fds, good):
        os.close(fd)


@pytest.mark.parametrize("flags", [0, os.EFD_NONBLOCK], ids=["blocking", "non-blocking"])
def test_a_full_eventfd_is_signalled_already(device: Device, flags: int) -> None:
    """Observed before: a blocking one held the thread until somebody read it."""
    eventfd = os.eventfd(0, flags)
    os.eventfd_write(eventfd, FULL)
    with Client(device.path) as client, Asking(device) as asking:
        ring(client, eventfd)
        for _ in range(200):
            client.write32(0, EICS, 1)
        client.irqs(MSIX, 0, [], count=1, flags=0x21)  # asked for by the client: the same
        asking.go_on(0.2)
        assert asking.longest_s < SOON_S
        assert os.eventfd_read(eventfd) >= FULL
        client.write32(0, EICS, 1)
        until(lambda: select.select([eventfd], [], [], 0)[0], "it is signalled again")
        assert os.eventfd_read(eventfd) == 1
    assert os.get_blocking(eventfd) is (flags == 0), "its flags are its owner's"
    os.close(eventfd)


def test_an_eventfd_filled_at_the_wrong_moment_never_blocks(device: Device) -> None:
    """The client fills it and empties it all the time: no look before the write could be trusted."""
    eventfd = os.eventfd(0)
    done = threading.Event()

    def race() -> None:
        while not done.is_set():
            os.set_blocking(eventfd, False)
            with contextlib.suppress(BlockingIOError):
                os.eventfd_write(eventfd, FULL)
            os.set_blocking(eventfd, True)
            with contextlib.suppress(BlockingIOError):
                if select.select([eventfd], [], [], 0)[0]:
                    os.eventfd_read(eventfd)
        os.set_blocking(eventfd, False)

    with Client(device.path) as client:
        ring(client, eventfd)
        racer = threading.Thread(target=race)
        racer.start()
        try:
            for _ in range(5000):
                client.write(0, EICS, b"\1\0\0\0", posted=True)
            assert client.read32(0, STATUS)
        finally:
            done.set()
            racer.join()
    os.close(eventfd)


def test_a_semaphore_counts_every_interrupt(device: Device) -> None:
    eventfd = os.eventfd(0, os.EFD_SEMAPHORE | os.EFD_NONBLOCK)
    with Client(device.path) as client:
        ring(client, eventfd)
        for _ in range(3):
            client.irqs(MSIX, 0, [], count=1, flags=0x21)
        assert [os.eventfd_read(eventfd) for _ in range(3)] == [1, 1, 1]
    os.close(eventfd)


def test_descriptors_belong_to_the_message_they_came_with(device: Device) -> None:
    """A burst of messages, some with descriptors: each eventfd gets its own vector, and none is left."""
    fds = [os.eventfd(0, os.EFD_NONBLOCK) for _ in range(40)]
    with Client(device.path) as client:
        assert client.read32(0, STATUS)  # who came has been looked up
        before = fd_count(device.pid)
        for vector, fd in enumerate(fds):
            for _ in range(vector % 5):
                client.sock.sendall(READ_STATUS)
            body = struct.pack("<IIIII", 20, 0x24, MSIX, vector, 1)
            message = HEADER.pack(100 + vector, SET_IRQS, HEADER.size + len(body), 0, 0) + body
            cut = vector % len(message) or len(message)  # anywhere: the descriptor goes with the first part
            socket.send_fds(client.sock, [message[:cut]], [fd])
            client.sock.sendall(message[cut:] + READ_STATUS)
        for vector in range(len(fds)):
            for _ in range(vector % 5):
                client.receive(7)
            client.receive(100 + vector)
            client.receive(7)
        until(lambda: fd_count(device.pid) == before + len(fds), "each is kept once")
        for vector, fd in enumerate(fds):
            client.irqs(MSIX, vector, [], count=1, flags=0x21)
            fired = [n for n, other in enumerate(fds) if select.select([other], [], [], 0)[0]]
            assert fired == [vector]
            os.eventfd_read(fd)
    for fd in fds:
        os.close(fd)


def test_messages_that_take_no_descriptor_or_one_get_no_more(device: Device) -> None:
    with tempfile.TemporaryFile() as file, Client(device.path) as client:
        os.ftruncate(file.fileno(), 4096)
        assert client.read32(0, STATUS)  # who came has been looked up
        before = fd_count(device.pid)
        assert client.call(REGION_READ, struct.pack("<QII", STATUS, 0, 4), [file.fileno()] * 9)
        two = error_of(client.call, DMA_MAP, struct.pack("<IIQQQ", 32, 3, 0, 0x10_0000, 4096), [file.fileno()] * 2)
        assert two == "EINVAL"
        assert error_of(client.irqs, MSIX, 0, [file.fileno()] * 3, count=2) == "EINVAL"
        until(lambda: fd_count(device.pid) == before, "they are closed")
        assert device.report()["socket"]["dma_regions"] == 0


@pytest.mark.parametrize("count", [FDS_MAX, FDS_MAX + 1, 2 * FDS_MAX])
def test_a_message_in_pieces_brings_no_more_descriptors_than_one_in_one(device: Device, count: int) -> None:
    """The kernel takes so many with one piece; what comes beyond them with the next ones is closed at once."""
    with Client(device.path) as client:
        assert client.read32(0, STATUS)  # who came has been looked up
        before = fd_count(device.pid)
        fd = os.eventfd(0, os.EFD_NONBLOCK)
        for at in range(0, count, FDS_MAX):
            socket.send_fds(client.sock, [READ_STATUS[at // FDS_MAX :][:1]], [fd] * min(FDS_MAX, count - at))
        until(lambda: fd_count(device.pid) == before + FDS_MAX, "they are there", DEADLINE_S / 2)
        client.sock.sendall(READ_STATUS[-(-count // FDS_MAX) :])
        assert len(client.receive(7)[0]) == 20
        until(lambda: fd_count(device.pid) == before, "none is left")
        client.irqs(MSIX, 5, [fd])
        client.irqs(MSIX, 5, [], count=1, flags=0x21)
        assert os.eventfd_read(fd) == 1
    os.close(fd)


def test_a_socket_that_lingers_is_closed_without_waiting(device: Device) -> None:
    """Observed before: closing it waited for its other end, as long as the client wished."""
    with socket.create_server(("127.0.0.1", 0)) as listener, Client(device.path) as client, Asking(device) as asking:
        sock = socket.create_connection(listener.getsockname())
        other, _ = listener.accept()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 5))
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                sock.send(bytes(65536))
        socket.send_fds(client.sock, [READ_STATUS[:9]], [sock.fileno()])
        sock.close()  # before the device's, so that its is the last
        client.sock.sendall(READ_STATUS[9:])
        client.receive(7)
        asking.go_on(0.2)
        other.close()
        assert asking.longest_s < SOON_S


def test_what_a_client_leaves_is_gone(device: Device) -> None:
    """Half messages with descriptors, full eventfds, held answers: the next client finds a NIC as new."""
    before = fd_count(device.pid)
    fds = [os.eventfd(0) for _ in range(8)]
    os.eventfd_write(fds[0], FULL)
    for turn in range(20):
        with Client(device.path) as client:
            client.irqs(MSIX, 0, fds)
            message = HEADER.pack(9, SET_IRQS, 36, 0, 0)
            socket.send_fds(client.sock, [message[: 3 + turn % 13]], fds)
        with Client(device.path, shake_hands=False) as caller:
            socket.send_fds(caller.sock, [HELLO[: 3 + turn]], fds)
    device.without_client()
    until(lambda: fd_count(device.pid) == before, "nothing is left", DEADLINE_S * 2)
    for fd in fds:
        os.close(fd)
