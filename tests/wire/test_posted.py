# SPDX-License-Identifier: BSD-3-Clause
"""Posted writes: obeyed in bursts, up to 200 to a message, each once and in order; a burst is no flood.

Ref: vfio-user specification, VFIO_USER_REGION_WRITE_MULTI and its capability `write_multiple`.
"""

import json
import os
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from device.machine.socket_rule import DEADLINE_S
from tests.rigs.client import HEADER, NO_REPLY, REGION_WRITE, Client, error_of
from tests.rigs.counts import fd_count
from tests.rigs.process import Device, until

WRITE_MULTI = 15
MULTI_MAX = 200
BAR, BAR_BYTES = 0, 0x8_0000
STATUS, A, B = 0x0008, 0x5400, 0x5408  # A and B: RAL 0 and 1, which keep what is written
EERD = 0x10014  # Python hears of each write to it: the device is slower than who posts
BEHIND_S = 60
REMEDY = r"posts writes faster than they are obeyed: .*--doorbells shared.*\"x-no-posted-writes\": true"
BURST = 5000  # messages; some twenty turns of the device
Write = tuple[int, int, int, int]  # offset, region, length, value


@pytest.fixture(params=[(), ("--doorbells", "shared")], ids=["trapped", "shared"])
def device(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Device]:
    """A device in each doorbell mode."""
    with Device(tmp_path, *request.param) as made:
        yield made


@pytest.fixture
def trapped(tmp_path: Path) -> Iterator[Device]:
    with Device(tmp_path) as made:
        yield made


def to(offset: int, value: int) -> Write:
    return (offset, BAR, 4, value)


def multi(writes: Sequence[Write], count: int | None = None) -> bytes:
    """The body of a REGION_WRITE_MULTI."""
    body = struct.pack("<Q", len(writes) if count is None else count)
    return body + b"".join(struct.pack("<QIIQ", *write) for write in writes)


def message(command: int, body: bytes, flags: int = NO_REPLY) -> bytes:
    return HEADER.pack(0xFFFF, command, HEADER.size + len(body), flags, 0) + body


def posted(offset: int, value: int) -> bytes:
    return message(REGION_WRITE, struct.pack("<QIII", offset, BAR, 4, value))


def counted(device: Device) -> tuple[int, int, int]:
    """Register writes, the ones that came many to a message, and refusals."""
    report = device.report()
    return report["counters"]["reg_writes"], report["socket"]["multi_writes"], report["socket"]["multi_refused"]


def more(device: Device, before: tuple[int, int, int]) -> tuple[int, ...]:
    return tuple(now - then for now, then in zip(counted(device), before, strict=True))


# ---- what is obeyed --------------------------------------------------------------------------------------------------


def test_the_handshake_offers_it(device: Device) -> None:
    with Client(device.path) as client:
        assert client.version[-1:] == b"\0"
        said = json.loads(client.version[4:-1])["capabilities"]
    assert said["write_multiple"] is True
    assert {"max_msg_fds", "max_data_xfer_size"} <= set(said), "and all the rest is still there"


@pytest.mark.parametrize("count", [1, 2, MULTI_MAX])
@pytest.mark.parametrize("flags", [NO_REPLY, 0], ids=["posted", "answered"])
def test_many_to_a_message(device: Device, count: int, flags: int) -> None:
    with Client(device.path) as client:
        before = counted(device)
        number = client.send(WRITE_MULTI, multi([to(A, n) for n in range(1, count + 1)]), flags=flags)
        if not flags:
            assert client.receive(number)[0] == struct.pack("<Q", count)
        assert client.read32(BAR, A) == count, "the last one is the last"
        assert more(device, before) == (count, count, 0)


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_a_write_among_many_does_what_it_does_alone(trapped: Device, size: int) -> None:
    """Of each length the protocol has, whatever the NIC makes of it."""
    value = 0x8877_6655_4433_2211
    with Client(trapped.path) as client:
        seen = []
        for alone in (True, False):
            client.call(WRITE_MULTI, multi([to(A, 0), to(A + 4, 0)]))
            if alone:
                client.write(BAR, A, value.to_bytes(8, "little")[:size])
            else:
                client.call(WRITE_MULTI, multi([(A, BAR, size, value)]))
            seen.append((client.read32(BAR, A), client.read32(BAR, A + 4)))
        assert seen[0] == seen[1]


def test_a_read_behind_many_messages_sees_them_all(device: Device) -> None:
    messages = 50
    with Client(device.path) as client:
        before = counted(device)
        value = 0
        for _ in range(messages):
            writes = []
            for _ in range(MULTI_MAX):
                value += 1
                writes.append(to(A, value))
            client.sock.sendall(message(WRITE_MULTI, multi(writes)))
        assert client.read32(BAR, A) == value == messages * MULTI_MAX
        assert more(device, before) == (value, value, 0)


def test_one_and_many_keep_their_order(device: Device) -> None:
    stream = posted(A, 1) + message(WRITE_MULTI, multi([to(A, 2), to(B, 3)])) + posted(A, 4)
    with Client(device.path) as client:
        for step in (len(stream), 7, 1):
            client.write32(BAR, A, 0)
            client.write32(BAR, B, 0)
            for at in range(0, len(stream), step):
                client.sock.sendall(stream[at : at + step])
            assert (client.read32(BAR, A), client.read32(BAR, B)) == (4, 3)
        back = (
            message(WRITE_MULTI, multi([to(A, 5), to(B, 6)])) + posted(B, 7) + message(WRITE_MULTI, multi([to(A, 8)]))
        )
        client.sock.sendall(back)
        assert (client.read32(BAR, A), client.read32(BAR, B)) == (8, 7)


def test_a_burst_of_many_turns_loses_and_repeats_none(device: Device) -> None:
    """The device leaves off in the middle, of messages and within them, and goes on there."""
    writes = multi([to(A if n % 2 else B, n) for n in range(MULTI_MAX)])
    stream = (posted(A, 1) + message(WRITE_MULTI, writes) + posted(B, 2)) * BURST
    with Client(device.path, timeout_s=60) as client:
        before = counted(device)
        client.sock.sendall(stream)
        assert (client.read32(BAR, A), client.read32(BAR, B)) == (MULTI_MAX - 1, 2)
        assert more(device, before) == (BURST * (MULTI_MAX + 2), BURST * MULTI_MAX, 0)


def test_a_client_that_goes_in_the_middle_leaves_nothing_for_the_next(device: Device) -> None:
    """Where the device was within a message is forgotten with its client, which the control socket drops in it."""
    stream = message(WRITE_MULTI, multi([to(EERD, 0)] * MULTI_MAX)) * 30
    for _ in range(5):
        with Client(device.path) as client:
            client.sock.sendall(stream)
            assert device.ask(drop=True)["ok"]
        device.without_client()
        with Client(device.path) as client:
            before = counted(device)
            client.call(WRITE_MULTI, multi([to(A, n) for n in range(1, MULTI_MAX + 1)]))
            assert more(device, before) == (MULTI_MAX, MULTI_MAX, 0)
        device.without_client()


# ---- what is refused -------------------------------------------------------------------------------------------------

MESSAGES: dict[str, bytes] = {
    "no count": b"",
    "half a count": b"\1\0\0\0",
    "none": multi([]),
    "none, with one along": multi([to(A, 7)], 0),
    "too many": multi([to(A, 7)] * (MULTI_MAX + 1)),
    "more than came": multi([to(A, 7)] * 2, 3),
    "fewer than came": multi([to(A, 7)] * 2, 1),
    "a cut one": multi([to(A, 7)] * 2)[:-1],
    "more than any memory": multi([to(A, 7)], 2**64 - 1),
    "a product that wraps": multi([to(A, 7)], 2**61 + 1),
}


@pytest.mark.parametrize("body", MESSAGES.values(), ids=MESSAGES)
def test_a_message_that_is_not_what_it_announces_does_nothing(device: Device, body: bytes) -> None:
    with Client(device.path) as client:
        client.write32(BAR, A, 1)
        before = counted(device)
        assert error_of(client.call, WRITE_MULTI, body) == "EINVAL"
        client.send(WRITE_MULTI, body, flags=NO_REPLY)
        assert client.read32(BAR, A) == 1
        assert more(device, before) == (0, 0, 2)
        assert device.said(r"command 15 is refused: \d+ bytes and 0 descriptors")
        client.call(WRITE_MULTI, multi([to(A, 2)]))
        assert client.read32(BAR, A) == 2, "the session goes on"


def test_descriptors_are_none_of_it(device: Device) -> None:
    eventfd = os.eventfd(0)
    with Client(device.path) as client:
        client.write32(BAR, A, 1)
        held, before = fd_count(device.pid), counted(device)
        assert error_of(client.call, WRITE_MULTI, multi([to(A, 7)]), [eventfd] * 3) == "EINVAL"
        client.send(WRITE_MULTI, multi([to(A, 7)]), [eventfd], NO_REPLY)
        assert client.read32(BAR, A) == 1
        assert more(device, before) == (0, 0, 2)
        until(lambda: fd_count(device.pid) <= held, "they are closed")
    os.close(eventfd)


WRITES: dict[str, Write] = {
    "no such region": (A, 77, 4, 7),
    "a region that nobody serves": (A, 5, 4, 7),
    "configuration space": (4, 7, 2, 0),
    "at the end": (BAR_BYTES, BAR, 4, 7),
    "across the end": (BAR_BYTES - 3, BAR, 4, 7),
    "an offset that wraps": (2**64 - 2, BAR, 4, 7),
    "no bytes": (A, BAR, 0, 7),
    "too many bytes": (A, BAR, 9, 7),
    "all bytes": (A, BAR, 2**32 - 1, 7),
}


@pytest.mark.parametrize("wrong", WRITES.values(), ids=WRITES)
def test_a_wrong_write_among_others_is_left_out(device: Device, wrong: Write) -> None:
    with Client(device.path) as client:
        client.write32(BAR, A, 1)
        command = client.read(7, 4, 2)
        before = counted(device)
        body = multi([to(B, 2), wrong, to(B, 3)])
        assert error_of(client.call, WRITE_MULTI, body) == "EINVAL"
        client.send(WRITE_MULTI, body, flags=NO_REPLY)
        assert (client.read32(BAR, A), client.read32(BAR, B)) == (1, 3)
        assert client.read(7, 4, 2) == command
        assert more(device, before) == (4, 4, 2)
        assert device.said("write 1 of 3 in command 15 is refused")


@pytest.mark.parametrize("part", [HEADER.size, HEADER.size + 8, HEADER.size + 8 + 24 * 3, -1])
def test_half_a_message_ends_the_session(device: Device, part: int) -> None:
    whole = message(WRITE_MULTI, multi([to(A, 7)] * MULTI_MAX))
    with Client(device.path, timeout_s=DEADLINE_S * 3) as client:
        before = counted(device)
        client.sock.sendall(whole[:part])
        start_s = time.monotonic()
        assert client.sock.recv(1) == b""
        assert time.monotonic() - start_s > DEADLINE_S * 0.7
        assert more(device, before) == (0, 0, 0), "nothing of it was obeyed"
    device.without_client()
    with Client(device.path) as after:
        assert after.read32(BAR, STATUS)


# ---- a client that is faster than the device -------------------------------------------------------------------------


def test_a_burst_is_no_flood(device: Device) -> None:
    """Each is taken in well under a second, and then the client waits: nothing is said in three seconds of that."""
    with Client(device.path, timeout_s=30) as client:
        end_s = time.monotonic() + 3
        while time.monotonic() < end_s:
            client.sock.sendall(posted(A, 1) * 1000)
            assert client.read32(BAR, A) == 1
            time.sleep(0.02)
        assert device.report()["socket"]["behind_s"] == 0
        assert device.logged_until_now("posts writes") == []


FLOODS = {
    "one": posted(EERD, 0) * 20_000,
    "many": message(WRITE_MULTI, multi([to(EERD, 0)] * MULTI_MAX)) * 100,
}


@pytest.mark.parametrize("stream", FLOODS.values(), ids=FLOODS)
def test_a_client_that_stays_ahead_is_told_once_what_helps(device: Device, stream: bytes) -> None:
    """Control is answered meanwhile, and the client afterwards."""
    done = threading.Event()

    with Client(device.path, timeout_s=BEHIND_S) as client:

        def post() -> None:
            while not done.is_set():
                client.sock.sendall(stream)

        poster = threading.Thread(target=post)
        poster.start()
        try:
            until(lambda: device.report()["socket"]["behind_s"] >= 2, "the device is behind", BEHIND_S)
        finally:
            done.set()
            poster.join()
        client.write32(BAR, A, 5)
        assert client.read32(BAR, A) == 5
    assert len(device.said(REMEDY)) == 1
