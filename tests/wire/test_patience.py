# SPDX-License-Identifier: BSD-3-Clause
"""No client makes anybody wait: neither by what it leaves unfinished, nor by saying nothing.

Each test has a hostile client, and somebody else who must not notice.
"""

import errno
import resource
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.machine.socket_rule import CALLERS_MAX, DEADLINE_S
from tests.rigs.client import (
    HEADER,
    NO_REPLY,
    REGION_READ,
    REGION_WRITE,
    VERSION,
    Client,
    error_of,
)
from tests.rigs.counts import fd_count
from tests.rigs.patience import HELLO, READ_STATUS, SOON_S, STATUS, Asking, left
from tests.rigs.process import Device, until

SCRATCH = 0x5400  # RAL 0, which keeps what is written
WAKES_PER_S = 200  # of a loop with nothing to do: each 100 ms for Python, and for a client that cannot be let in


@pytest.fixture(params=[(), ("--doorbells", "shared")], ids=["trapped", "shared"])
def device(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Device]:
    """A device in each doorbell mode."""
    with Device(tmp_path, *request.param) as made:
        yield made


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
    with socket.socket(socket.AF_UNIX) as caller, Asking(device) as asking:
        asking.report()
        resource.prlimit(device.pid, resource.RLIMIT_NOFILE, (fd_count(device.pid), most[1]))
        caller.connect(str(device.path))
        caller.sendall(HELLO)
        assert device.said("a client cannot be let in")
        slept = asking.report()["counters"]["loop_sleeps"]
        time.sleep(1)
        wakes = asking.report()["counters"]["loop_sleeps"] - slept
        assert wakes < WAKES_PER_S, "a loop that spins falls asleep for nothing, thousands of times"
        resource.prlimit(device.pid, resource.RLIMIT_NOFILE, most)
        caller.settimeout(5)
        assert caller.recv(200)
    device.without_client()
