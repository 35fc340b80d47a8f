# SPDX-License-Identifier: BSD-3-Clause
"""Moves: what happens to control sockets, wire, processes, files and disk."""

import contextlib
import json
import os
import resource
import signal
import socket
import sys
import time

from device.regs.i82599 import EERD
from tests.chaos.move import Move, mover
from tests.chaos.world import World
from tests.rigs.counts import fd_count
from tests.rigs.host import WIRE_IF
from tests.rigs.raw_guest import RawGuest

FLAPS = 6
LINES = 300
LARGE_BYTES = 32 << 10
NOISE_ON_THE_WIRE = """
import random, socket, sys
dice = random.Random(int(sys.argv[2]))
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
    wire.bind((sys.argv[1], 0))
    for _ in range(300):
        kind = dice.choice([b"\\x08\\0", b"\\x86\\xdd", b"\\x81\\0", b"\\x88\\xa8", b"\\x88\\x08", b"\\xff\\xff"])
        head = dice.choice([b"\\x02\\0\\0\\x82\\x59\\x90", b"\\xff" * 6, dice.randbytes(6)]) + dice.randbytes(6) + kind
        try:
            wire.send(head + dice.randbytes(dice.choice([0, 1, 40, 46, 500, 1500])))
        except OSError:  # longer than this interface takes, or its queue is full
            pass
"""
MOVES: list[Move] = []
move = mover(MOVES)


# ---- control --------------------------------------------------------------------------------------------------------


@move("control flood")
def _control(world: World) -> None:
    lines: list[bytes] = [b"", b"{", b"[" * 5000, b'{"report": ' + b"9" * 5000 + b"}", b"\xff\xfe", b"null", b'"x"']
    lines += [b'{"no": "such"}', b'{"fault": 3}', b'{"carrier": "x"}', b'{"slow": {"register": "EERD", "s": -1}}']
    for control in (world.stage.control, world.b_control):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(5)
            sock.connect(str(control))
            with contextlib.suppress(OSError):
                for _ in range(LINES):
                    sock.sendall(world.dice.choice(lines) + b"\n")


@move("reports that nobody reads")
def _reports(world: World) -> None:
    for control in (world.stage.control, world.b_control):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(1)
            sock.connect(str(control))
            with contextlib.suppress(OSError):
                for _ in range(LINES):
                    sock.sendall(b'{"report": true}\n')


# ---- the wire -------------------------------------------------------------------------------------------------------


@move("noise on the wire")
def _noise(world: World) -> None:
    seed = str(world.dice.getrandbits(32))
    world.stage.wire.run(sys.executable, "-c", NOISE_ON_THE_WIRE, WIRE_IF, seed)


@move("link storm by the cable")
def _cable(world: World) -> None:
    for _ in range(FLAPS):
        world.ask(world.stage.control, {"carrier": False})
        time.sleep(world.dice.random() * 0.1)
        world.ask(world.stage.control, {"carrier": True})
        time.sleep(world.dice.random() * 0.1)
    world.stage.wait_for_link()


@move("link storm by the module")
def _module(world: World) -> None:
    for _ in range(3):
        for module in ("none", world.dice.choice(["lr", "da"]), "sr"):
            world.ask(world.stage.control, {"sfp": module})
            time.sleep(world.dice.random() * 0.1)
    world.stage.wait_for_link()


@move("link storm by the interface")
def _interface(world: World) -> None:
    for _ in range(2):
        world.stage.wire.run("ip", "link", "set", WIRE_IF, "down")
        time.sleep(world.dice.random() * 0.2)
        world.stage.wire.run("ip", "link", "set", WIRE_IF, "up")
        time.sleep(world.dice.random() * 0.2)
    world.stage.address()


# ---- the machine ----------------------------------------------------------------------------------------------------


@move("SIGSTOP of a device")
def _stop_device(world: World) -> None:
    world.stop_and_go(world.dice.choice(list(world.both().values())), world.dice.random())


@move("SIGSTOP of the driver")
def _stop_driver(world: World) -> None:
    world.stop_and_go(world.program_pid(world.driver), world.dice.random())


@move("the honest driver is killed, and another comes")
def _kill_driver(world: World) -> None:
    world.driver.process.kill()
    world.driver.process.communicate(timeout=10)
    world.stage.programs.remove(world.driver)
    world.driver = world.stage.driver("--queues", "2")
    world.stage.address()


@move("no file may be opened")
def _no_files(world: World) -> None:
    pid = world.both()["B"]
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (fd_count(pid) + 1, hard))
    try:
        for _ in range(4):
            with contextlib.suppress(OSError, AssertionError), RawGuest(world.b_socket) as guest:
                guest.alive()
        with contextlib.suppress(OSError):
            world.ask(world.b_control, {"report": True})
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))


@move("disk full for log, trace, capture and EEPROM")
def _disk(world: World) -> None:
    filler = world.disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    try:
        with world.guest() as guest:
            guest.open(loop=False)
            guest.alive()
            for address in range(50):
                guest.write(EERD, int(EERD.of(START=1)) | address << 2)
                guest.read(EERD)
        os.kill(world.both()["B"], signal.SIGCONT)
    finally:
        filler.unlink()
    for path in world.disk.iterdir():  # room for the next time, as a rotation makes it
        if path.stat().st_size > LARGE_BYTES and path.suffix not in {".bin", ".pcap"}:
            os.truncate(path, 0)


@move("an honest session on the other device")
def _honest(world: World) -> None:
    with world.guest() as guest:
        for _ in range(3):
            guest.alive()
    report = json.dumps(world.ask(world.b_control, {"report": True}))
    assert "counters" in report
