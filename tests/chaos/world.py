# SPDX-License-Identifier: BSD-3-Clause
"""Two devices under one roof: one serves an honest stream, the other is for clients who may do anything."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Self

from device.i82599.nvm import image as nvm_image
from tests.rigs.host import HOST4, WIRE4, Program, Stage, eventually
from tests.rigs.raw_guest import RawGuest

LOAD_BYTES = 2 << 20
STREAM_S = 120.0  # the longest that one transfer may take, with everything that is done to it
SMALL_DISK = "size=256k"
ANSWER_S = 20.0


class Honest(threading.Thread):
    """TCP one way and the other, again and again, each with its SHA-256 at both ends."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(daemon=True)
        self._stage = stage
        self._ended = threading.Event()
        self.transfers = 0
        self.worst_s = 0.0
        self.error: BaseException | None = None

    def run(self) -> None:
        """Transfer until told to stop, or until one fails."""
        port = 5301
        try:
            while not self._ended.is_set():
                host, wire = self._stage.host, self._stage.wire
                start_s = time.monotonic()
                self._transfer((host, wire, WIRE4) if port % 2 else (wire, host, HOST4), port)
                self.worst_s = max(self.worst_s, time.monotonic() - start_s)
                self.transfers += 1
                port = 5301 + (port - 5300) % 400
        except (AssertionError, OSError, LookupError, ValueError, subprocess.SubprocessError) as exc:  # told by end()
            self.error = exc

    def _transfer(self, way: Any, port: int) -> None:
        sender, receiver, address = way
        tail = (address, str(port), str(LOAD_BYTES))
        program = (sys.executable, "-m", "ci.traffic")
        into = self._stage.child(receiver, *program, "receive", *tail)
        assert into.stdout is not None
        assert into.stdout.readline() == "listening\n"
        out = self._stage.child(sender, *program, "send", *tail)
        sent = json.loads(out.communicate(timeout=STREAM_S)[0].splitlines()[-1])
        received = json.loads(into.communicate(timeout=STREAM_S)[0].splitlines()[-1])
        assert (received["bytes"], received["sha256"]) == (LOAD_BYTES, sent["sha256"])
        for child in (out, into):
            self._stage.children.remove(child)

    def end(self) -> None:
        """Let the transfer under way end.

        Raises:
            AssertionError: One was not received as it was sent, or did not end.
        """
        self._ended.set()
        self.join(2 * STREAM_S)
        assert not self.is_alive(), "the honest stream stands still"
        if self.error is not None:
            raise AssertionError(f"the honest stream broke after {self.transfers} transfers: {self.error!r}")


class World:
    """Everything there is, and what the moves need of it.

    Attributes:
        dice: The one source of chance.
        stage: Device A with a tap, our driver, two namespaces.
        honest: The stream through it.
        b_socket: Device B, which records to files on a small disk.
    """

    def __init__(self, folder: Path, seed: int, doorbells: str) -> None:
        self.folder = folder
        self.dice = Random(seed)
        self.doorbells = doorbells
        self._stack = contextlib.ExitStack()
        self.disk = folder / "disk"
        self.disk.mkdir()
        self.disk_is_small = self._mount()
        try:
            self._begin()
        except BaseException:
            self._stack.close()
            raise

    def _begin(self) -> None:
        self.stage = self._stack.enter_context(Stage(self.folder))
        self.b_socket, self.b_control = self.folder / "b.sock", self.folder / "b.control"
        self.a = self.stage.device("--doorbells", self.doorbells)
        self.driver = self.stage.driver("--queues", "2")
        self.stage.address()
        self.stage.ping(WIRE4)
        self.b = self._start_b()
        self.honest = Honest(self.stage)

    def _mount(self) -> bool:
        """A disk that is soon full; without the right to mount one, what would fill it is left out."""
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", SMALL_DISK, "ixlab-chaos", self.disk], capture_output=True, check=False
        )
        if made.returncode == 0:
            self._stack.callback(subprocess.run, ["umount", "-l", str(self.disk)], check=False)
        return made.returncode == 0

    def _start_b(self) -> Program:
        words = [sys.executable, "-m", "device", "--socket", str(self.b_socket), "--control", str(self.b_control)]
        words += ["--doorbells", self.doorbells, "--pcap", f",{self.disk}/sent.pcap", "--nvm", f"{self.disk}/nvm.bin"]
        words += ["--trace", "EERD", "--trace-file", f"{self.disk}/trace", "--log-file", f"{self.disk}/log"]
        (self.disk / "nvm.bin").write_bytes(nvm_image.build(nvm_image.ImageOptions()).data)
        program = Program(words, self.folder / "b.log", self.stage.env)
        self.stage.programs.append(program)
        program.wait_for("device ready: ")
        return program

    def program_pid(self, program: Program) -> int:
        """The process itself; ``nsenter`` replaces itself by it."""
        assert program.process.poll() is None, f"it ended:\n{program.log.read_text()[-3000:]}"
        return program.process.pid

    def both(self) -> dict[str, int]:
        """The devices' processes."""
        return {"A": self.program_pid(self.a), "B": self.program_pid(self.b)}

    def ask(self, control: Path, *requests: dict[str, Any] | bytes) -> list[Any]:
        """Lines on a control socket, one connection; the answers."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(ANSWER_S)
            sock.connect(str(control))
            with sock.makefile("rb") as answers:
                got = []
                for request in requests:
                    line = request if isinstance(request, bytes) else json.dumps(request).encode()
                    sock.sendall(line + b"\n")
                    got.append(json.loads(answers.readline() or b"null"))
        return got

    def guest(self) -> RawGuest:
        """A client of device B; another that has not left yet is waited for."""
        end_s = time.monotonic() + ANSWER_S
        while True:
            try:
                return RawGuest(self.b_socket)
            except OSError:
                if time.monotonic() > end_s:
                    raise
                time.sleep(0.05)

    def stop_and_go(self, pid: int, seconds: float) -> None:
        """SIGSTOP, a while, SIGCONT."""
        os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            os.kill(pid, signal.SIGCONT)

    def settled(self) -> None:
        """Both devices answer within ``ANSWER_S``, and nobody is attached to B."""
        self.ask(self.stage.control, {"report": True})
        eventually(
            lambda: not self.ask(self.b_control, {"report": True})[0]["report"]["client"], "B has no client", ANSWER_S
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._stack.close()
