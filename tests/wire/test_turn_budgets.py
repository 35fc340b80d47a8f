# SPDX-License-Identifier: BSD-3-Clause
"""What one turn obeys of posted writes: each budget bites alone, whatever the others still allow.

The function is served by hand, turn by turn: what is counted is writes, not time.
"""

import contextlib
import errno
import fcntl
import logging
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.i82599.core import CardCore
from device.machine.core import c_function
from device.machine.irq import IrqKind
from device.serve import vfu
from tests.rigs.client import CAPABILITIES, HEADER, NO_REPLY, REGION_READ, REGION_WRITE, VERSION, Client

MESSAGES = 32  # socket_rule.h: of one connection in one turn
CLOCK_EVERY, WRITES_A_MESSAGE, MULTI_MAX = 8, 16, 200  # burst.c
WRITE_MULTI = 15
FAST, SLOW = 4, 1  # BARs: one is storage in C, one Python
SIOCOUTQ = 0x5411
LEAST_MESSAGE_BYTES = 512  # of the kernel's memory, however short it is; Observed: 768
SLOW_S = 20e-6  # eight of these are more than a burst's 100 us


class Slow:
    """Memory that takes its time."""

    def read(self, offset: int, len_bytes: int) -> bytes:
        return bytes(len_bytes)

    def write(self, offset: int, data: bytes) -> None:
        time.sleep(SLOW_S)


class ByHand:
    """A function with a fast and a slow region, whose client has said hello."""

    def __init__(self, path: Path) -> None:
        self.nic = CardCore()
        self.context = vfu.VfuContext(path, self, logging.getLogger("device.serve.vfu"))
        self.context.add_msix_bar(FAST)
        self.context.add_python_region(SLOW, 4096, Slow())
        self.context.set_dma(c_function("dma_add"), c_function("dma_del"), self.nic.pf.dma_handle)
        self.context.realize(msi=0, msix=0)
        self.client = Client(path, shake_hands=False)
        number = self.client.send(VERSION, struct.pack("<HH", 0, 1) + CAPABILITIES)
        while not self.context.attached:
            self.context.run()
        self.client.receive(number)

    def on_reset(self, kind: vfu.ResetKind) -> None:
        pass

    def on_client(self, *, attached: bool) -> None:
        pass

    def on_irqs(self, armed: IrqKind) -> None:
        pass

    def close(self) -> None:
        self.client.close()
        self.context.close()
        self.nic.close()

    def unread_bytes(self) -> int:
        """Memory of the messages that the client has not read."""
        queued = bytearray(4)
        fcntl.ioctl(int(self.context._v.conn_fd), SIOCOUTQ, queued)
        return int.from_bytes(queued, "little")

    def turns(self, stream: bytes, what: str, count: int) -> list[int]:
        """By how much ``what`` grows in each call in which it does, but for the first: there the library reads."""
        self.client.sock.sendall(stream)
        before = last = self.context.counters()[what]
        got: list[int] = []
        for _ in range(10 * count):
            self.context.run()
            now = self.context.counters()[what]
            got += [now - last] if now > last else []
            last = now
            if now - before == count:
                return got[1:]
        raise AssertionError(f"only {last - before} of {count}")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ByHand]:
    made = ByHand(tmp_path / "nic.sock")
    yield made
    made.close()


def message(command: int, body: bytes) -> bytes:
    return HEADER.pack(0xFFFF, command, HEADER.size + len(body), NO_REPLY, 0) + body


def one(region: int) -> bytes:
    return message(REGION_WRITE, struct.pack("<QIII", 0, region, 4, 1))


def many(region: int, writes: int = MULTI_MAX) -> bytes:
    return message(WRITE_MULTI, struct.pack("<Q", writes) + struct.pack("<QIIQ", 0, region, 4, 1) * writes)


def reads(client: Client, count: int, offset: int = 0) -> tuple[bytes, list[int]]:
    """So many reads of a dword, and their numbers."""
    numbers = list(range(1000, 1000 + count))
    body = struct.pack("<QII", offset, FAST, 4)
    return b"".join(HEADER.pack(n, REGION_READ, HEADER.size + len(body), 0, 0) + body for n in numbers), numbers


def answers(client: Client) -> list[tuple[int, int, int]]:
    """What has come so far: number, errno and value of each."""
    client.sock.setblocking(False)
    stream, found = b"", []
    with contextlib.suppress(BlockingIOError):
        while some := client.sock.recv(65536):
            stream += some
    while stream:
        number, command, size, _, code = HEADER.unpack_from(stream)
        value = struct.unpack_from("<I", stream, HEADER.size + 16)[0] if not code and command == REGION_READ else 0
        found.append((number, code, value))
        stream = stream[size:]
    return found


def test_reads_that_came_together_are_answered_together(served: ByHand) -> None:
    """The first is the library's, which has read them all; the others are one message of the socket."""
    stream, numbers = reads(served.client, MESSAGES)
    served.client.sock.sendall(stream)
    sizes: list[int] = []
    found: list[tuple[int, int, int]] = []
    while len(found) < MESSAGES:
        served.context.run()
        assert served.unread_bytes() < 31 * LEAST_MESSAGE_BYTES, "one message"
        some = answers(served.client)
        sizes += [len(some)] if some else []
        found += some
    assert found == [(number, 0, 0) for number in numbers], "in this order"
    assert sizes == [1, MESSAGES - 1]


def test_writes_among_reads_keep_their_places(served: ByHand) -> None:
    """MSI-X entry 0's data: each read sees the writes before it and none behind it."""
    body = struct.pack("<QII", 8, FAST, 4)
    stream = b""
    for n in range(12):
        stream += message(REGION_WRITE, struct.pack("<QIII", 8, FAST, 4, n))
        if n % 4 == 3:
            multi = struct.pack("<Q", 1) + struct.pack("<QIIQ", 8, FAST, 4, 100 + n)
            stream += HEADER.pack(50 + n, WRITE_MULTI, HEADER.size + len(multi), 0, 0) + multi  # with an answer
        stream += HEADER.pack(n, REGION_READ, HEADER.size + len(body), 0, 0) + body
    served.client.sock.sendall(stream)
    found: list[tuple[int, int, int]] = []
    for _ in range(100):
        served.context.run()
        found += answers(served.client)
    wanted: list[tuple[int, int, int]] = []
    for n in range(12):
        wanted += [(50 + n, 0, 0), (n, 0, 100 + n)] if n % 4 == 3 else [(n, 0, n)]
    assert found == wanted


def test_a_read_outside_is_refused_in_its_place(served: ByHand) -> None:
    good, numbers = reads(served.client, 3)
    bad = HEADER.pack(7, REGION_READ, HEADER.size + 16, 0, 0) + struct.pack("<QII", 1 << 40, FAST, 4)
    served.client.sock.sendall(good + bad + good)
    found: list[tuple[int, int, int]] = []
    for _ in range(50):
        served.context.run()
        found += answers(served.client)
    ok = [(number, 0, 0) for number in numbers]
    assert found == [*ok, (7, errno.EINVAL, 0), *ok]


def test_answers_that_are_not_fetched_are_kept(served: ByHand) -> None:
    """A client that asks on and does not read: its socket is full, and later it has every answer, once and in order."""
    served.client.sock.setblocking(False)
    asked: list[int] = []
    with contextlib.suppress(BlockingIOError):
        for _ in range(400):
            stream, numbers = reads(served.client, MESSAGES)
            sent = served.client.sock.send(stream)
            assert sent == len(stream), "a burst leaves whole or not at all"
            asked += numbers
            for _ in range(4):
                served.context.run()
    found: list[tuple[int, int, int]] = []
    for _ in range(100_000):
        found += answers(served.client)
        if len(found) == len(asked):
            break
        served.context.run()
    assert [number for number, _, _ in found] == asked
    assert len(asked) > 10 * MESSAGES


def test_so_many_messages_though_there_is_time(served: ByHand) -> None:
    assert max(served.turns(one(FAST) * 640, "requests", 640)) == MESSAGES


def test_so_much_time_though_there_are_messages(served: ByHand) -> None:
    assert max(served.turns(one(SLOW) * 31, "requests", 31)) == CLOCK_EVERY


def test_a_message_with_many_writes_counts_as_so_many(served: ByHand) -> None:
    costs = 1 + len(many(FAST)) // 4096 + MULTI_MAX // WRITES_A_MESSAGE
    turns = served.turns(many(FAST) * 40, "multi_writes", 40 * MULTI_MAX)
    assert max(turns) == -(-MESSAGES // costs) * MULTI_MAX


def test_time_ends_a_turn_within_a_message(served: ByHand) -> None:
    turns = served.turns(many(FAST, 1) + many(SLOW, 48), "multi_writes", 49)
    assert max(turns) == CLOCK_EVERY
