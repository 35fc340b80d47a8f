# SPDX-License-Identifier: BSD-3-Clause
"""Two threads on one door take turns: who reads register after register does not keep another from its doorbell."""

import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from driver import compiled

HEADER = struct.Struct("<HHIII")
READ, WRITE = 9, 10
ROUNDS = 30
ASLEEP_S = 0.02


class Server:
    """Answers reads one at a time, when the test says so."""

    def __init__(self) -> None:
        ours, self.far = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.far.settimeout(20)
        self.ours = ours
        self.client = compiled.VfuClient(ours.fileno(), 20.0)
        self.window = self.client.window(0, 0x20000)

    def message(self) -> tuple[int, bytes]:
        """The next command, and the header that an answer to it has."""
        header = self._take(HEADER.size)
        number, command, size, _, _ = HEADER.unpack(header)
        self.body = self._take(size - HEADER.size)
        return command, HEADER.pack(number, command, HEADER.size + 20, 1, 0)

    def _take(self, len_bytes: int) -> bytes:
        data = b""
        while len(data) < len_bytes:
            data += self.far.recv(len_bytes - len(data))
        return data

    def answer(self, header: bytes) -> None:
        self.far.sendall(header + self.body[:16] + bytes(4))

    def close(self) -> None:
        self.client.close()
        self.ours.close()
        self.far.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def test_a_write_that_waits_comes_before_the_next_read(server: Server) -> None:
    """As many times as it is tried: `driver module` reads I2CCTL while the poll thread wants to write a tail."""
    reads = ROUNDS + 1

    def reader() -> None:
        for _ in range(reads):
            compiled.mmio_read32(server.window, 8)

    def writer() -> None:
        compiled.mmio_write32(server.window, 0x1018, 7)

    thread = threading.Thread(target=reader)
    thread.start()
    order = []
    command, header = server.message()
    for _ in range(ROUNDS):
        assert command == READ
        late = threading.Thread(target=writer)
        late.start()
        time.sleep(ASLEEP_S)  # it is in the queue by now
        server.answer(header)
        order.append(server.message()[0])
        if order[-1] == READ:
            break
        late.join(20)
        command, header = server.message()
    else:
        server.answer(header)
    server.client.close()
    thread.join(20)
    assert order == [WRITE] * ROUNDS


def test_the_lock_is_free_again_after_an_error(server: Server) -> None:
    server.far.close()
    for _ in range(3):
        assert compiled.mmio_read32(server.window, 8) == 0xFFFFFFFF
        compiled.mmio_write32(server.window, 8, 0)
    assert compiled.mmio_error(server.window)
