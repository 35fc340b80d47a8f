# SPDX-License-Identifier: BSD-3-Clause
"""The device and the driver as two processes, each in a network namespace of its own: the stage of the host tests."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ci.net import Namespace
from driver import claim, status

ROOT = Path(__file__).resolve().parents[2]
WIRE_IF, HOST_IF = "ixtw0", "ixth0"
WIRE4, HOST4 = "192.0.2.1", "192.0.2.2"  # TEST-NET-1, RFC 5737
WIRE6, HOST6 = "2001:db8::1", "2001:db8::2"  # RFC 3849
WAIT_S = 40.0  # generous: two slow cores, other work beside


def eventually(true: Callable[[], object], what: str, timeout_s: float = WAIT_S) -> None:
    """Wait until ``true()`` is; fails with ``what``."""
    end_s = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end_s, f"after {timeout_s:.0f} s still not: {what}"
        time.sleep(0.02)


class Program:
    """One of our two programs under way; its stderr goes to a file."""

    def __init__(self, command: Sequence[str], log: Path, env: dict[str, str]) -> None:
        self.log = log
        with log.open("w") as stream:
            self.process = subprocess.Popen(
                command, text=True, stdout=subprocess.PIPE, stderr=stream, env=os.environ | env, cwd=ROOT
            )
        self.said = ""

    def wait_for(self, prefix: str) -> str:
        """Return the line that starts with ``prefix``."""
        assert self.process.stdout is not None
        end_s = time.monotonic() + WAIT_S
        while (left_s := end_s - time.monotonic()) > 0 and select.select([self.process.stdout], [], [], left_s)[0]:
            line = self.process.stdout.readline()
            if line.startswith(prefix):
                return line.rstrip("\n")
            if not line:
                break
        raise AssertionError(f"never said {prefix!r}; its log:\n{self.log.read_text()[-3000:]}")

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal unless it ended already; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.said, _ = self.process.communicate(timeout=WAIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise AssertionError(
                f"did not end within {WAIT_S:.0f} s; its log:\n{self.log.read_text()[-3000:]}"
            ) from None
        return self.process.returncode


class Stage:
    """Two namespaces, "wire" with the device and "host" with the driver; all of it ends with ``close``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "nic.sock"
        self.control = folder / "control.sock"
        self.env = {"IXLAB_RUN_DIR": str(folder / "run")}
        self.nic = f"vfio-user:{self.socket}"
        self.programs: list[Program] = []
        self.children: list[subprocess.Popen[str]] = []
        self._stack = contextlib.ExitStack()
        self.wire = self._stack.enter_context(Namespace("wire"))
        self.host = self._stack.enter_context(Namespace("host"))

    def device(self, *more: str, wire: Sequence[str] = ("--tap", WIRE_IF)) -> Program:
        """Start a device and wait until it is ready."""
        words = (sys.executable, "-m", "device", "--socket", str(self.socket), *wire)
        words += ("--mac", "02:00:00:82:59:90", "--control", str(self.control), *more)
        return self._start(self.wire.command(words), f"device{len(self.programs)}.log", "device ready: ")

    def driver(self, *more: str) -> Program:
        """Start ``driver up`` and wait until the interface is there."""
        words = (sys.executable, "-m", "driver", "up", self.nic, "--netdev", HOST_IF, *more)
        return self._start(self.host.command(words), f"driver{len(self.programs)}.log", "driver ready: ")

    def _start(self, command: Sequence[str], log: str, prefix: str) -> Program:
        program = Program(command, self.folder / log, self.env)
        self.programs.append(program)
        program.wait_for(prefix)
        return program

    def cli(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ``driver WORDS`` to its end."""
        command = self.host.command((sys.executable, "-m", "driver", *words))
        return subprocess.run(
            command, text=True, capture_output=True, timeout=WAIT_S, check=False, env=os.environ | self.env, cwd=ROOT
        )

    def stats(self) -> dict[str, int]:
        """What the running driver says when it is asked for ``stats``."""
        found = self.ask_driver("stats")
        assert isinstance(found, dict)
        return found

    def ask_driver(self, request: str) -> Any:
        """Send one request to the running driver's status socket, as its command line does."""
        return status.ask(claim.status_path(self.nic, Path(self.env["IXLAB_RUN_DIR"])), request, timeout_s=WAIT_S)

    def ask_device(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send one request to the device's control socket."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
            control.settimeout(WAIT_S)
            control.connect(str(self.control))
            control.sendall(json.dumps(request).encode() + b"\n")
            with control.makefile("r") as stream:
                answer = json.loads(stream.readline())
        assert isinstance(answer, dict)
        return answer

    def ip(self, where: Namespace, *words: str) -> Any:
        """Run ``ip -j WORDS``; returns what it says."""
        text = where.run("ip", "-j", *words)
        return json.loads(text) if text.strip() else []

    def link(self, where: Namespace, name: str) -> dict[str, Any]:
        """One interface as ``ip link`` sees it, with counters."""
        return dict(self.ip(where, "-s", "link", "show", "dev", name)[0])

    def address(self, mtu: int = 1500) -> None:
        """Give both interfaces their addresses and wait for the link."""
        for where, name, v4, v6 in ((self.wire, WIRE_IF, WIRE4, WIRE6), (self.host, HOST_IF, HOST4, HOST6)):
            where.run("ip", "link", "set", "lo", "up")
            where.run("ip", "address", "replace", f"{v4}/24", "dev", name)
            where.run("ip", "address", "replace", f"{v6}/64", "dev", name, "nodad")
            where.run("ip", "link", "set", name, "mtu", str(mtu), "up")
        self.wait_for_link()

    def wait_for_link(self) -> None:
        """Wait until the host's interface has carrier."""
        eventually(lambda: "LOWER_UP" in self.link(self.host, HOST_IF)["flags"], f"{HOST_IF} has carrier")

    def ping(self, address: str, *more: str) -> None:
        """Ping from the host; the first answer may take neighbour discovery."""
        self.host.run("ping", "-c", "1", "-w", "20", *more, address)

    def tcp(self, sender: Namespace, receiver: Namespace, address: str, size: int, port: int = 5201) -> None:
        """One TCP transfer whose SHA-256 both ends agree on."""
        self.tcp_many([(sender, receiver, address, port)], size)

    def tcp_many(self, streams: Sequence[tuple[Namespace, Namespace, str, int]], size: int) -> None:
        """Several TCP transfers at once; each is received as sent."""
        program = (sys.executable, "-m", "ci.traffic")
        pairs = []
        for sender, receiver, address, port in streams:
            tail = (address, str(port), str(size))
            into = self.child(receiver, *program, "receive", *tail)
            assert into.stdout is not None
            assert into.stdout.readline() == "listening\n"
            pairs.append((self.child(sender, *program, "send", *tail), into))
        for out, into in pairs:
            sent = json.loads(out.communicate(timeout=90)[0].splitlines()[-1])
            received = json.loads(into.communicate(timeout=90)[0].splitlines()[-1])
            assert received["bytes"] == size
            assert received["sha256"] == sent["sha256"]

    def child(self, where: Namespace, *words: str) -> subprocess.Popen[str]:
        """Start a program that ends with the stage at the latest."""
        child = subprocess.Popen(where.command(words), text=True, stdout=subprocess.PIPE, cwd=ROOT)
        self.children.append(child)
        return child

    def run_dir(self) -> list[str]:
        """Names of what is in the claims' directory."""
        folder = Path(self.env["IXLAB_RUN_DIR"])
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    def close(self) -> None:
        """End whatever still runs."""
        for process in (*self.children, *(program.process for program in reversed(self.programs))):
            if process.poll() is None:
                process.kill()
            process.communicate()
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
