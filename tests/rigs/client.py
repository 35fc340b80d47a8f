# SPDX-License-Identifier: BSD-3-Clause
"""A vfio-user client as small as it can be, written from the protocol's specification: it judges the server outside in.

It is independent of ``driver/doors/vfio_user.py`` on purpose.
"""

import errno
import os
import socket
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Self

VERSION, DMA_MAP, DMA_UNMAP, GET_INFO, REGION_INFO, REGION_IO_FDS, IRQ_INFO, SET_IRQS = range(1, 9)
REGION_READ, REGION_WRITE = 9, 10
RESET, DIRTY_PAGES = 13, 14
REPLY, NO_REPLY, ERROR = 1, 0x10, 0x20
HEADER = struct.Struct("<HHIII")
CONFIG = 7
INTX, MSI, MSIX = 0, 1, 2
CAPABILITIES = b'{"capabilities":{"max_msg_fds":8,"max_data_xfer_size":1048576}}\0'


class Client:
    """One connection; every call waits for its reply at most ``timeout_s`` seconds."""

    def __init__(
        self, path: Path, *, timeout_s: float = 10, shake_hands: bool = True, capabilities: bytes = CAPABILITIES
    ) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(timeout_s)
        self.message_id = 0
        try:
            self.sock.connect(str(path))
            if shake_hands:
                self.version = self.call(VERSION, struct.pack("<HH", 0, 1) + capabilities)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.sock.close()

    def send(self, command: int, body: bytes = b"", fds: Sequence[int] = (), flags: int = 0) -> int:
        self.message_id = (self.message_id + 1) & 0xFFFF
        message = HEADER.pack(self.message_id, command, HEADER.size + len(body), flags, 0) + body
        sent = socket.send_fds(self.sock, [message], fds) if fds else self.sock.send(message)
        assert sent == len(message)
        return self.message_id

    def receive(self, want_id: int) -> tuple[bytes, list[int]]:
        header, fds, _, _ = socket.recv_fds(self.sock, HEADER.size, 16)
        if len(header) < HEADER.size:
            raise ConnectionResetError("the server closed the connection")
        message_id, _, size, flags, code = HEADER.unpack(header)
        assert message_id == want_id
        assert flags & 0xF == REPLY
        body = b""
        while len(body) < size - HEADER.size:
            piece = self.sock.recv(size - HEADER.size - len(body))
            assert piece
            body += piece
        if flags & ERROR:
            assert body == b"", "an error reply is a header and nothing else"
            raise OSError(code, os.strerror(code))
        return body, fds

    def call_fds(self, command: int, body: bytes = b"", fds: Sequence[int] = ()) -> tuple[bytes, list[int]]:
        return self.receive(self.send(command, body, fds))

    def call(self, command: int, body: bytes = b"", fds: Sequence[int] = ()) -> bytes:
        reply, got = self.call_fds(command, body, fds)
        assert not got
        return reply

    def read(self, region: int, offset: int, count: int) -> bytes:
        reply = self.call(REGION_READ, struct.pack("<QII", offset, region, count))
        assert reply[:16] == struct.pack("<QII", offset, region, count)
        assert len(reply) == 16 + count
        return reply[16:]

    def write(self, region: int, offset: int, data: bytes, *, posted: bool = False) -> None:
        body = struct.pack("<QII", offset, region, len(data)) + data
        if posted:
            self.send(REGION_WRITE, body, flags=NO_REPLY)
        else:
            assert self.call(REGION_WRITE, body) == body[:16]

    def read32(self, region: int, offset: int) -> int:
        return int.from_bytes(self.read(region, offset, 4), "little")

    def write32(self, region: int, offset: int, value: int) -> None:
        self.write(region, offset, value.to_bytes(4, "little"))

    def map(self, fd: int, iova: int, size: int, offset: int = 0, prot: int = 3) -> None:
        self.call(DMA_MAP, struct.pack("<IIQQQ", 32, prot, offset, iova, size), [fd])

    def unmap(self, iova: int, size: int, flags: int = 0) -> None:
        self.call(DMA_UNMAP, struct.pack("<IIQQ", 24, flags, iova, size))

    def irqs(self, index: int, start: int, fds: Sequence[int], *, count: int | None = None, flags: int = 0x24) -> None:
        self.call(SET_IRQS, struct.pack("<IIIII", 20, flags, index, start, len(fds) if count is None else count), fds)

    def region_info(self, index: int) -> tuple[int, int, list[tuple[int, int]], list[int]]:
        """Size, flags, mappable (offset, length) areas and descriptors of a region."""
        argsz = struct.unpack_from("<I", self.call_fds(REGION_INFO, struct.pack("<IIIIQQ", 32, 0, index, 0, 0, 0))[0])[
            0
        ]
        reply, fds = self.call_fds(REGION_INFO, struct.pack("<IIIIQQ", argsz, 0, index, 0, 0, 0))
        _, flags, _, cap, size, _ = struct.unpack_from("<IIIIQQ", reply)
        areas: list[tuple[int, int]] = []
        if flags & 8:
            kind, _, _, n = struct.unpack_from("<HHII", reply, cap)
            assert kind == 1
            areas = [struct.unpack_from("<QQ", reply, cap + 16 + 16 * i) for i in range(n)]
        return size, flags, areas, fds


def error_of(call: object, *args: object, **kwargs: object) -> str:
    """Name of the errno with which the server refuses a call."""
    assert callable(call)
    try:
        call(*args, **kwargs)
    except OSError as exc:
        return errno.errorcode[exc.errno or 0]
    return "no error"
