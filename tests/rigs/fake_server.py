# SPDX-License-Identifier: BSD-3-Clause
"""A vfio-user server small enough to lie with: it serves one toy function, and a test may replace any answer.

It has a thread, a socket, 8 regions and no device behind it: BAR 0 is plain memory, configuration space too.
"""

import contextlib
import json
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

HEADER = struct.Struct("<HHIII")
REPLY, NO_REPLY, ERROR = 1, 0x10, 0x20
VERSION, DMA_MAP, DMA_UNMAP, GET_INFO, REGION_INFO, IRQ_INFO, SET_IRQS, READ, WRITE, RESET = (
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    9,
    10,
    13,
)
CONFIG = 7
WAIT_S = 5.0

Override = Callable[["FakeServer", bytes, list[int]], "bytes | int | None"]


@dataclass
class Area:
    """Mappable areas of BAR 0: offset and size of each, backed by ``fd`` at ``fd_offset``."""

    areas: Sequence[tuple[int, int]]
    fd: int
    fd_offset: int = 0
    fds: int = 1  # how many copies of the fd ride along


@dataclass
class Msg:
    command: int
    body: bytes
    fds: list[int]
    no_reply: bool


@dataclass
class FakeServer:
    """Serve ``path`` until ``close``.

    ``override[command]`` answers instead of us: bytes are the reply's body, an int is an errno, None is silence.
    ``raw`` is sent, as it is, in answer to anything.  ``die_on`` hangs up at that command.
    """

    path: Path
    bar0_bytes: int = 0x20000
    irq_counts: tuple[int, int, int] = (1, 1, 64)
    irq_flags: int = 1
    max_fds: int = 8
    version: tuple[int, int] = (0, 0)
    capabilities: bytes | None = None
    sparse: Area | None = None
    raw: bytes | None = None
    die_on: int = 0
    silent: bool = False
    listen_only: bool = False
    reply_id_offset: int = 0
    piece: tuple[int, float] = (1 << 20, 0.0)  # most bytes read at once, and seconds of rest before each
    override: dict[int, Override] = field(default_factory=dict)
    log: list[Msg] = field(default_factory=list)
    eventfds: dict[int, dict[int, int]] = field(default_factory=dict)
    maps: dict[int, tuple[int, int]] = field(default_factory=dict)
    resets: int = 0

    def __post_init__(self) -> None:
        self.bar0 = bytearray(self.bar0_bytes)
        self.config = bytearray(4096)
        self.error: BaseException | None = None
        self.reads = threading.Event()  # cleared: nothing is read
        self.reads.set()
        self._stop = threading.Event()
        self._conn: socket.socket | None = None
        self._listen = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listen.bind(str(self.path))
        self._listen.listen(1)
        self._listen.settimeout(0.02)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._stop.set()
        self.reads.set()
        self.die()
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()
        self._listen.close()
        self.path.unlink(missing_ok=True)
        self._drop()
        if self.error is not None:
            raise self.error

    def die(self) -> None:
        """Hang up, as a killed process does."""
        conn = self._conn
        if conn is not None:
            with contextlib.suppress(OSError):
                conn.shutdown(socket.SHUT_RDWR)

    def commands(self) -> list[int]:
        return [msg.command for msg in self.log]

    def _drop(self) -> None:
        for fds in self.eventfds.values():
            for fd in fds.values():
                os.close(fd)
        for fd, _ in self.maps.values():
            os.close(fd)
        self.eventfds.clear()
        self.maps.clear()

    def _serve(self) -> None:
        try:
            while not self._stop.is_set():
                if self.listen_only:
                    self._stop.wait(0.02)
                    continue
                try:
                    conn, _ = self._listen.accept()
                except TimeoutError:
                    continue
                conn.settimeout(None)
                self._conn = conn
                with conn:
                    if self._stop.is_set():
                        return
                    self._talk(conn)
                self._conn = None
                self._drop()
        except (AssertionError, LookupError, TypeError, ValueError, struct.error) as error:
            self.error = error

    def _exactly(self, conn: socket.socket, size: int) -> tuple[bytes, list[int]]:
        data, fds = b"", []
        while len(data) < size:
            self.reads.wait()
            most, rest_s = self.piece
            if rest_s:
                time.sleep(rest_s)
            some, new, _, _ = socket.recv_fds(conn, min(most, size - len(data)), 64)
            fds += new
            if not some:
                return b"", fds
            data += some
        return data, fds

    def _talk(self, conn: socket.socket) -> None:
        while True:
            try:
                head, fds = self._exactly(conn, HEADER.size)
                if not head:
                    return
                ident, command, size, flags, _ = HEADER.unpack(head)
                body, more = self._exactly(conn, size - HEADER.size)
                fds += more
                self.log.append(Msg(command, body, fds, bool(flags & NO_REPLY)))
                if command == self.die_on:
                    _close(fds)
                    return
                if self.raw is not None:
                    conn.sendall(self.raw)
                answer = None if self.silent or self.raw is not None else self._answer(command, body, fds)
                if answer is not None and not flags & NO_REPLY:
                    self._reply(conn, ident, command, answer)
            except OSError:
                return

    def _reply(self, conn: socket.socket, ident: int, command: int, answer: bytes | int) -> None:
        ident = (ident + self.reply_id_offset) & 0xFFFF
        if isinstance(answer, int):
            conn.sendall(HEADER.pack(ident, command, HEADER.size, REPLY | ERROR, answer))
            return
        message = HEADER.pack(ident, command, HEADER.size + len(answer), REPLY, 0) + answer
        if command == REGION_INFO and self.sparse and struct.unpack_from("<I", answer, 8)[0] == 0 and len(answer) > 32:
            socket.send_fds(conn, [message], [self.sparse.fd] * self.sparse.fds)
        else:
            conn.sendall(message)

    def _answer(self, command: int, body: bytes, fds: list[int]) -> bytes | int | None:
        if command in self.override:
            return self.override[command](self, body, fds)
        handler = {
            VERSION: self._version,
            GET_INFO: lambda _b, _f: struct.pack("<IIII", 16, 3, 10, 5),
            REGION_INFO: self._region_info,
            IRQ_INFO: self._irq_info,
            SET_IRQS: self._set_irqs,
            DMA_MAP: self._dma_map,
            DMA_UNMAP: self._dma_unmap,
            READ: self._read,
            WRITE: self._write,
            RESET: self._reset,
        }.get(command)
        return handler(body, fds) if handler else 22

    def _version(self, _body: bytes, _fds: list[int]) -> bytes:
        text = self.capabilities
        if text is None:
            text = json.dumps({"capabilities": {"max_msg_fds": self.max_fds}}).encode() + b"\0"
        return struct.pack("<HH", *self.version) + text

    def _region_info(self, body: bytes, _fds: list[int]) -> bytes:
        argsz, _, index, _ = struct.unpack_from("<IIII", body)
        size = {0: self.bar0_bytes, 4: 0x4000, CONFIG: 4096}.get(index, 0)
        caps = b""
        if index == 0 and self.sparse:
            caps = struct.pack("<HHIII", 1, 1, 0, len(self.sparse.areas), 0)
            caps += b"".join(struct.pack("<QQ", *area) for area in self.sparse.areas)
        flags = 0 if index == CONFIG else (3 | (12 if caps else 0))
        offset = self.sparse.fd_offset if caps and self.sparse else 0
        whole = struct.pack("<IIIIQQ", 32 + len(caps), flags, index, 32 if caps else 0, size, offset) + caps
        return whole if argsz >= len(whole) else whole[:32]

    def _irq_info(self, body: bytes, _fds: list[int]) -> bytes:
        index = struct.unpack_from("<III", body)[2]
        return struct.pack("<IIII", 16, self.irq_flags, index, self.irq_counts[index])

    def _set_irqs(self, body: bytes, fds: list[int]) -> bytes | int:
        _, flags, index, start, count = struct.unpack_from("<IIIII", body)
        have = self.eventfds.setdefault(index, {})
        if flags == 0x24 and not fds:
            _close([have.pop(n) for n in range(start, start + count) if n in have])
        elif flags == 0x24:
            if len(fds) != count or count > self.max_fds:
                _close(fds)
                return 22
            have.update({start + n: fd for n, fd in enumerate(fds)})
        elif flags == 0x21 and count == 0:
            _close(list(have.values()))
            have.clear()
        return b""

    def _dma_map(self, body: bytes, fds: list[int]) -> bytes | int:
        _, _, _, iova, size = struct.unpack_from("<IIQQQ", body)
        if len(fds) != 1 or iova in self.maps:
            _close(fds)
            return 17
        self.maps[iova] = (fds[0], size)
        return b""

    def _dma_unmap(self, body: bytes, _fds: list[int]) -> bytes | int:
        _, _, iova, size = struct.unpack_from("<IIQQ", body)
        if self.maps.get(iova, (0, 0))[1] != size:
            return 2
        os.close(self.maps.pop(iova)[0])
        return body

    def _memory(self, region: int) -> bytearray | None:
        return {0: self.bar0, CONFIG: self.config}.get(region)

    def _read(self, body: bytes, _fds: list[int]) -> bytes | int:
        offset, region, count = struct.unpack_from("<QII", body)
        memory = self._memory(region)
        if memory is None or offset + count > len(memory):
            return 22
        return body[:16] + memory[offset : offset + count]

    def _write(self, body: bytes, _fds: list[int]) -> bytes | int:
        offset, region, count = struct.unpack_from("<QII", body)
        memory = self._memory(region)
        if memory is None or offset + count > len(memory):
            return 22
        memory[offset : offset + count] = body[16 : 16 + count]
        return body[:16]

    def _reset(self, _body: bytes, _fds: list[int]) -> bytes:
        self.resets += 1
        return b""


def _close(fds: Sequence[int]) -> None:
    for fd in fds:
        os.close(fd)
