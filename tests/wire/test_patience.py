# SPDX-License-Identifier: BSD-3-Clause
"""No client makes anybody wait: neither by what it leaves unfinished, nor by what it does not read, nor by descriptors.

Each test has a hostile client, and somebody else who must not notice.
"""

import contextlib
import errno
import json
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from device.machine.socket_rule import CALLERS_MAX, DEADLINE_S
from tests.rigs.client import (
    CAPABILITIES,
    DMA_MAP,
    HEADER,
    MSIX,
    NO_REPLY,
    REGION_READ,
    REGION_WRITE,
    SET_IRQS,
    VERSION,
    Client,
    error_of,
)
from tests.rigs.process import ROOT, Device, cpu_s, fd_count, until

STATUS, EICS, EIMS = 0x0008, 0x0808, 0x0880
GPIE, IVAR, SCRATCH = 0x0898, 0x0900, 0x5400  # SCRATCH: RAL 0, which keeps what is written
SOON_S = 0.8  # a few milliseconds, and what a busy machine adds; whoever is waited for costs 2 s
HELLO = HEADER.pack(1, VERSION, HEADER.size + 4 + len(CAPABILITIES), 0, 0) + struct.pack("<HH", 0, 1) + CAPABILITIES
READ_STATUS = HEADER.pack(7, REGION_READ, 32, 0, 0) + struct.pack("<QII", STATUS, 0, 4)
FULL = 2**64 - 2


@pytest.fixture(params=[(), ("--doorbells", "shared")], ids=["trapped", "shared"])
def device(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Device]:
    """A device in each doorbell mode."""
    with Device(tmp_path, *request.param) as made:
        yield made


class Asking:
    """Control round trips, over and over; the longest is what others have noticed."""

    def __init__(self, device: Device) -> None:
        self.longest_s = 0.0
        self.count = 0
        self._sock = socket.socket(socket.AF_UNIX)
        self._sock.settimeout(30)
        self._sock.connect(str(device.control))

    def __enter__(self) -> "Asking":
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.close()

    def go_on(self, for_s: float) -> None:
        end_s = time.monotonic() + for_s
        with self._sock.makefile("rb") as answers:
            while time.monotonic() < end_s:
                start_s = time.monotonic()
                self._sock.sendall(b'{"report": true}\n')
                assert json.loads(answers.readline())["ok"]
                self.longest_s = max(self.longest_s, time.monotonic() - start_s)
                self.count += 1
                time.sleep(0.01)


def left(client: Client) -> bool:
    """Whether the device has closed the connection; its last answers are read."""
    with contextlib.suppress(ConnectionResetError):
        while select.select([client.sock], [], [], 0)[0]:
            if not client.sock.recv(65536):
                return True
        return False
    return True


def ring(client: Client, vector_fd: int) -> None:
    """Arm vector 0 with a descriptor."""
    client.irqs(MSIX, 0, [vector_fd])
    client.write(7, 4, b"\x06\0")
    client.write(7, 0x72, b"\x00\x80")
    for register, value in ((GPIE, 0x10), (IVAR, 0x80), (EIMS, 1)):
        client.write32(0, register, value)


# ---- half messages ---------------------------------------------------------------------------------------------------

WRITE = HEADER.pack(7, REGION_WRITE, 200, 0, 0)


@pytest.mark.parametrize("part", [WRITE[:1], WRITE[:9], WRITE, WRITE + bytes(20)], ids=["1", "9", "header", "body"])
def test_a_part_of_a_message_holds_nobody_and_ends_the_session(device: Device, part: bytes) -> None:
    """Observed before: the thread waited 2 s for the rest."""
    with Client(device.path) as client, Asking(device) as asking:
        client.sock.send(part)
        asking.go_on(DEADLINE_S / 2)
        assert not left(client), "it has its time"
        until(lambda: left(client), "the session ends", DEADLINE_S)
        assert asking.longest_s < SOON_S
    device.without_client()
    assert device.said(rf"dropping a client: {len(part)} bytes of a message came in 2 s, and not the rest")
    with Client(device.path) as after:
        assert after.read32(0, STATUS)


def test_a_byte_now_and_then_is_no_message(device: Device) -> None:
    """The deadline is the message's, not the byte's."""
    with Client(device.path) as client, Asking(device) as asking:
        start_s = time.monotonic()
        for byte in READ_STATUS:
            try:
                client.sock.send(bytes([byte]))
            except OSError:
                break
            asking.go_on(0.4)
        assert DEADLINE_S * 0.9 < time.monotonic() - start_s < DEADLINE_S * 2
        assert asking.longest_s < SOON_S


def test_a_message_in_single_bytes_that_comes_in_time_is_obeyed(device: Device) -> None:
    with Client(device.path) as client:
        for byte in READ_STATUS:
            client.sock.send(bytes([byte]))
            time.sleep(0.01)
        assert client.receive(7)[0]


def test_messages_cut_anywhere_are_the_same_messages(device: Device) -> None:
    """Bursts and pieces: what is read at once has nothing to do with what is meant."""
    stream = b""
    for value in range(1, 101):  # their answers fit the socket: nobody reads them meanwhile
        body = struct.pack("<QII", SCRATCH, 0, 4) + value.to_bytes(4, "little")
        stream += HEADER.pack(value, REGION_WRITE, HEADER.size + len(body), NO_REPLY, 0) + body
        stream += HEADER.pack(value, REGION_READ, 32, 0, 0) + struct.pack("<QII", SCRATCH, 0, 4)
    with Client(device.path) as client:
        for step in (1, 7, 16, 17, 35, 1000, 65536):
            cut = stream if step > 7 else stream[: 68 * 20]
            for at in range(0, len(cut), step):
                client.sock.sendall(cut[at : at + step])
            for wanted in range(1, len(cut) // 68 + 1):
                assert int.from_bytes(client.receive(wanted)[0][16:], "little") == wanted


def test_a_large_message_is_read_beside_the_others(device: Device) -> None:
    body = struct.pack("<QII", 0, 0, 2**20) + bytes(2**20)
    message = HEADER.pack(7, REGION_WRITE, HEADER.size + len(body), 0, 0) + body
    with Client(device.path) as client, Asking(device) as asking:
        for at in range(0, len(message), 100_000):
            client.sock.sendall(message[at : at + 100_000])
            asking.go_on(0.05)
        assert error_of(client.receive, 7) == "EINVAL", "no region is so large"
        assert client.read32(0, STATUS)
        assert asking.longest_s < SOON_S


# ---- silent connections ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("callers", [10, 100])
def test_silent_connections_do_not_delay_the_next_client(device: Device, callers: int) -> None:
    """Observed before: 2 s for each of them."""
    silent = [socket.socket(socket.AF_UNIX) for _ in range(callers)]
    try:
        for caller in silent:
            caller.connect(str(device.path))
        start_s = time.monotonic()
        with Client(device.path) as client:
            assert client.read32(0, STATUS)
            assert time.monotonic() - start_s < SOON_S
            for caller in silent:
                caller.settimeout(DEADLINE_S * 2)
                assert caller.recv(1) == b"", "sent away in the end"
            assert client.read32(0, STATUS)
    finally:
        for caller in silent:
            caller.close()
    device.without_client()


def test_handshakes_in_parallel_the_first_whole_one_wins(device: Device) -> None:
    slow, fast = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    with slow, fast:
        for caller in (slow, fast):
            caller.settimeout(5)
            caller.connect(str(device.path))
            caller.send(HELLO[:30])
            time.sleep(0.05)
        fast.send(HELLO[30:])
        assert HEADER.unpack_from(fast.recv(200))[3:] == (1, 0)
        assert HEADER.unpack_from(slow.recv(200))[3:] == (0x21, errno.EBUSY)
        assert slow.recv(1) == b""
        fast.send(READ_STATUS)
        assert len(fast.recv(200)) == 36
    device.without_client()


def test_a_handshake_longer_than_any_is_refused_at_once(device: Device) -> None:
    with Client(device.path, shake_hands=False) as client:
        client.sock.send(HEADER.pack(1, VERSION, 2**20, 0, 0))
        assert client.sock.recv(100) == b""
    with Client(device.path) as after:
        assert after.read32(0, STATUS)


def test_messages_sent_right_behind_the_handshake_are_answered(device: Device) -> None:
    with Client(device.path, shake_hands=False) as client:
        client.sock.sendall(HELLO + READ_STATUS)
        assert client.receive(1)[0]
        assert len(client.receive(7)[0]) == 20


def test_stopped_callers_are_bounded(device: Device) -> None:
    """Only so many connections are kept that have not said who they are, whatever their number."""
    before = fd_count(device.pid)
    callers = [socket.socket(socket.AF_UNIX) for _ in range(60)]
    for caller in callers:
        caller.connect(str(device.path))
        caller.send(HELLO[:20])
    time.sleep(0.3)
    assert fd_count(device.pid) <= before + CALLERS_MAX
    until(lambda: fd_count(device.pid) == before, "they are sent away", DEADLINE_S * 2)
    for caller in callers:
        caller.close()


def test_no_descriptors_left_is_survived(device: Device) -> None:
    """accept() fails, nobody spins, and the next client is served when there are some again."""
    most = resource.prlimit(device.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(device.pid, resource.RLIMIT_NOFILE, (fd_count(device.pid), most[1]))
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(device.path))
        caller.sendall(HELLO)
        assert device.said("a client cannot be let in")
        used_s = cpu_s(device.pid)
        time.sleep(1)
        assert cpu_s(device.pid) - used_s < 0.5
        resource.prlimit(device.pid, resource.RLIMIT_NOFILE, most)
        caller.settimeout(5)
        assert caller.recv(200)
    device.without_client()


# ---- answers nobody reads, and bursts --------------------------------------------------------------------------------


def test_who_reads_no_answers_is_not_read_from_and_is_dropped(device: Device) -> None:
    """Observed before: the thread waited 2 s in sendmsg()."""
    with Client(device.path) as client, Asking(device) as asking:
        client.sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                client.sock.send(READ_STATUS * 100)
        asking.go_on(0.5)
        before = device.report()["socket"]["requests"]
        asking.go_on(0.5)
        assert device.report()["socket"]["requests"] == before, "it is not obeyed beyond what it reads"
        until(lambda: not device.report()["client"], "it is dropped", DEADLINE_S * 2)
        assert asking.longest_s < SOON_S
    assert device.said("dropping a client: it has not read its answers for 2 s")
    assert device.report()["socket"]["dropped"] == 1


def test_who_reads_late_gets_every_answer_in_order(device: Device) -> None:
    asked = 20_000
    with Client(device.path) as client:
        sender = threading.Thread(target=client.sock.sendall, args=(READ_STATUS * asked,))
        sender.start()
        time.sleep(DEADLINE_S / 2)
        for _ in range(asked):
            assert len(client.receive(7)[0]) == 20
        sender.join()
        assert client.read32(0, STATUS)


def test_a_long_answer_goes_out_in_pieces(device: Device) -> None:
    """An answer larger than the socket's buffer, to one that reads slowly."""
    with Client(device.path) as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(3):
            number = client.send(REGION_READ, struct.pack("<QII", 0, 0, 0x2_0000))
            time.sleep(0.2)
            assert len(client.receive(number)[0]) == 16 + 0x2_0000


def test_a_burst_of_reads_does_not_keep_others_waiting(device: Device) -> None:
    with Client(device.path) as client, Asking(device) as asking:
        done = threading.Event()

        def flood() -> None:
            with contextlib.suppress(OSError):
                while not done.is_set():
                    client.sock.sendall(READ_STATUS * 10_000)

        def fetch() -> None:
            with contextlib.suppress(OSError):
                while client.sock.recv(1 << 20):
                    pass

        threads = [threading.Thread(target=flood), threading.Thread(target=fetch)]
        for thread in threads:
            thread.start()
        asking.go_on(1)
        done.set()
        client.sock.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()
        assert asking.longest_s < SOON_S
        assert asking.count > 10


def test_a_long_access_leaves_others_their_turn(device: Device) -> None:
    """Observed before: a read of the whole of BAR0 takes 20 ms, and nobody else has a turn meanwhile."""
    body = struct.pack("<QII", 0, 0, 0x2_0000)
    data = bytes(range(256)) * 4096
    with Client(device.path) as client, Asking(device) as asking:
        done = threading.Event()

        def read_all() -> None:
            while not done.is_set():
                client.call(REGION_READ, body)

        reader = threading.Thread(target=read_all)
        reader.start()
        asking.go_on(1)
        done.set()
        reader.join()
        assert asking.longest_s < SOON_S
        whole = client.read(0, 0, 0x2_0000)
        for offset, count in ((0, 4), (0x1002, 2), (0x8, 0x2000), (0x3FFC, 0x1008)):
            assert client.read(0, offset, count)[:4] == whole[offset : offset + min(count, 4)]
        client.write(4, 0, data[: 64 * 16])
        client.write(4, 0, data[:0x2000], posted=True)
        assert client.read(4, 0, 12) == data[:12]
        assert client.read(4, 0x3F0, 12) == data[0x3F0:0x3FC]
        assert len(client.read(4, 0x100, 0x3000)) == 0x3000
        assert error_of(client.read, 0, 0x100, 0x10_0000) == "EINVAL"


def test_a_client_that_is_stopped_leaves_nothing(device: Device) -> None:
    """SIGSTOP in the middle of a message: dropped after the deadline, and the next one is served."""
    code = (
        "import sys, os, signal; sys.path.insert(0, '.')\n"
        "from tests.rigs.client import *\nfrom pathlib import Path\n"
        "c = Client(Path(sys.argv[1])); c.sock.send(HEADER.pack(7, REGION_WRITE, 200, 0, 0))\n"
        "print('up', flush=True); os.kill(os.getpid(), signal.SIGSTOP)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(device.path)], stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        try:
            until(lambda: not device.report()["client"], "it is dropped", DEADLINE_S * 2)
            with Client(device.path) as after:
                assert after.read32(0, STATUS)
        finally:
            process.send_signal(signal.SIGKILL)


def test_an_urgent_byte_does_not_make_it_spin(device: Device) -> None:
    with Client(device.path) as client:
        client.sock.send(b"!", socket.MSG_OOB)
        used_s = cpu_s(device.pid)
        time.sleep(1)
        assert cpu_s(device.pid) - used_s < 0.5


# ---- descriptors -----------------------------------------------------------------------------------------------------


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
        socket.send_fds(client.sock, [READ_STATUS], [sock.fileno()])
        sock.close()
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
