# SPDX-License-Identifier: BSD-3-Clause
"""Moves: clients that misbehave, on the honest device's socket and on the other one's."""

import contextlib
import mmap
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator

from device.regs.i82599 import EICS, EIMS, RDT, TDT
from tests.chaos.move import Move, mover
from tests.chaos.world import World
from tests.rigs.client import CAPABILITIES, DMA_MAP, HEADER, REGION_READ, REGION_WRITE, SET_IRQS, VERSION, Client
from tests.rigs.host import ROOT
from tests.rigs.raw_guest import BUFFERS, IOVA, MEMORY_BYTES, RX_RING, TX_RING

CALLERS = 12
STORES = 400
FLRS = 30
HELLO = struct.pack("<HH", 0, 1) + CAPABILITIES
VANISH = """
import os, sys
from pathlib import Path
from tests.rigs.raw_guest import RawGuest
guest = RawGuest(Path(sys.argv[1]))
guest.open()
guest.tx_ring()
guest.rx_ring()
print("there", flush=True)
while True:
    guest.client.send(10, bytes(16) + bytes(4))  # a posted store, and never a look at the answers
"""
MOVES: list[Move] = []
move = mover(MOVES)


@move("silent callers on both sockets")
def _silent(world: World) -> None:
    with contextlib.ExitStack() as stack:
        for path in (world.stage.socket, world.b_socket, world.stage.control, world.b_control):
            for _ in range(CALLERS):
                sock = stack.enter_context(socket.socket(socket.AF_UNIX))
                sock.setblocking(False)
                with contextlib.suppress(OSError):  # their number is limited
                    sock.connect(str(path))
        time.sleep(world.dice.random() * 2)


@move("half messages")
def _halves(world: World) -> None:
    for path in (world.stage.socket, world.b_socket):
        for _ in range(3):
            message = HEADER.pack(1, VERSION, HEADER.size + len(HELLO), 0, 0) + HELLO
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(1)
                with contextlib.suppress(OSError):
                    sock.connect(str(path))
                    sock.send(message[: world.dice.randrange(1, len(message))])
                    time.sleep(world.dice.choice([0, 0.01, 0.3]))


@move("a client that stops in the middle of a message")
def _mid_message(world: World) -> None:
    with world.guest() as guest:
        body = struct.pack("<QII", 0, 0, 4096) + bytes(4096)
        message = HEADER.pack(9, REGION_WRITE, HEADER.size + len(body), 0, 0) + body
        guest.client.sock.send(message[: world.dice.randrange(1, len(message))])
        time.sleep(world.dice.choice([0, 0.2]))


@move("nonsense on the socket")
def _nonsense(world: World) -> None:
    with world.guest() as guest, contextlib.suppress(OSError):
        for _ in range(20):
            body = world.dice.randbytes(world.dice.choice([0, 3, 16, 32, 500]))
            command = world.dice.randrange(20)
            size = HEADER.size + len(body) if world.dice.random() < 0.9 else world.dice.getrandbits(32)
            guest.client.sock.send(HEADER.pack(1, command, size, world.dice.choice([0, 0x10, 1, 0xFF]), 0) + body)


@move("descriptors that are something else")
def _descriptors(world: World) -> None:
    with contextlib.ExitStack() as stack:
        guest = stack.enter_context(world.guest())
        ends = os.pipe2(os.O_NONBLOCK)
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        folder = os.open(world.folder, os.O_RDONLY)
        full = os.eventfd(0)  # it blocks whoever adds to it
        os.eventfd_write(full, 2**64 - 2)
        for fd in (*ends, folder, full):
            stack.callback(os.close, fd)
        fds = [*ends, listener.fileno(), folder, full]
        for fd in fds:
            with contextlib.suppress(OSError):
                guest.client.call(DMA_MAP, struct.pack("<IIQQQ", 32, 3, 0, 0x900_0000, 0x1000), [fd])
            with contextlib.suppress(OSError):
                guest.client.call(SET_IRQS, struct.pack("<IIIII", 20, 0x24, 2, 0, 1), [fd])
        guest.write(EIMS, 0xFFFF_FFFF)
        guest.write(EICS, 0xFFFF_FFFF)
        for n in range(8):
            guest.client.send(world.dice.randrange(1, 15), bytes(32), fds[: n % 6])


@contextlib.contextmanager
def _sender(world: World) -> Iterator[int]:
    """A client in a process of its own that sends and sends; its pid, and it is killed in the end."""
    command = [sys.executable, "-c", VANISH, str(world.b_socket)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as client:
        try:
            assert client.stdout is not None
            assert client.stdout.readline() == b"there\n"
            yield client.pid
        finally:
            client.kill()


@move("a client killed while it sends")
def _vanish(world: World) -> None:
    with _sender(world):
        time.sleep(world.dice.random() * 0.3)


@move("a client that is stopped, and goes on")
def _stopped_client(world: World) -> None:
    with _sender(world) as pid:
        world.stop_and_go(pid, world.dice.random())


@move("DMA memory that is cut short")
def _truncate(world: World) -> None:
    fd = os.memfd_create("short")
    try:
        os.ftruncate(fd, MEMORY_BYTES)
        with world.guest() as guest:
            guest.client.unmap(IOVA, MEMORY_BYTES)
            guest.client.map(fd, IOVA, MEMORY_BYTES)
            guest.open()
            guest.tx_ring()
            guest.rx_ring()
            guest.write(RDT, 7)
            os.ftruncate(fd, world.dice.choice([0, 4096, BUFFERS]))
            guest.write(TDT, 8)
            for _ in range(5):
                guest.read(EICS)
    finally:
        os.close(fd)


@move("random registers, random rings")
def _registers(world: World) -> None:
    with world.guest() as guest:
        guest.open()
        guest.poke(TX_RING, world.dice.randbytes(4096))
        guest.poke(RX_RING, world.dice.randbytes(4096))
        for n in range(STORES):
            offset = world.dice.choice([0x1000, 0x6000, 0, 0xD000]) + world.dice.randrange(1024) * 4
            guest.client.write(0, offset, world.dice.randbytes(4), posted=bool(n % 8))
        guest.alive()


@move("stores to the tails that are shared")
def _shared_stores(world: World) -> None:
    with world.guest() as guest:
        _, _, areas, fds = guest.client.region_info(0)
        guest.open()
        for fd in fds:
            for offset, length in areas:
                with mmap.mmap(fd, length, offset=offset) as page:
                    for _ in range(STORES):
                        at = world.dice.randrange(length // 4) * 4
                        page[at : at + 4] = world.dice.randbytes(4)
            os.close(fd)
        guest.alive()


@move("posted stores faster than they are answered")
def _flood(world: World) -> None:
    with world.guest() as guest:
        guest.client.sock.settimeout(10)
        for n in range(3000):
            guest.client.write(0, TDT.offset(n % 128), (n % 64).to_bytes(4, "little"), posted=True)
        guest.read(TDT)


@move("FLR storm")
def _flr(world: World) -> None:
    with world.guest() as guest:
        for _ in range(FLRS):
            guest.open()
            guest.tx_ring()
            guest.write(TDT, world.dice.randrange(64))
            guest.flr()
        guest.alive()


@move("hello and good-bye")
def _hello(world: World) -> None:
    for _ in range(20):
        with contextlib.suppress(OSError), Client(world.b_socket):
            pass
        with contextlib.suppress(OSError), Client(world.stage.socket):  # turned away: A has its client
            pass


@move("a client that never reads its answers")
def _never_reads(world: World) -> None:
    with world.guest() as guest, contextlib.suppress(OSError):
        guest.client.sock.settimeout(0.2)
        while True:
            guest.client.send(REGION_READ, struct.pack("<QII", 0, 0, 0x1000))
