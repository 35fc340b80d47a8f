# SPDX-License-Identifier: BSD-3-Clause
"""The harness's side of the conversation with a guest's agent: commands, their output, the kernel's messages."""

import contextlib
import itertools
import json
import queue
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ci.say import CiError

COMMAND_TIMEOUT_S = 600.0


@dataclass(frozen=True)
class Result:
    """How a command in the guest ended.

    Attributes:
        code: Its exit code; 124 if its time was over.
        out: What it printed, on either stream.
    """

    code: int
    out: str


@dataclass(frozen=True)
class Message:
    """One message of the guest's kernel: its level (0 emergency … 7 debug) and text."""

    level: int
    text: str


@dataclass
class _Job:
    out: list[str] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)
    code: int = -1
    show: Callable[[str], None] | None = None


class Job:
    """A command that runs in the guest."""

    def __init__(self, talk: "Talk", number: int, state: _Job, command: str) -> None:
        self._talk, self.number, self._state, self.command = talk, number, state, command

    @property
    def out(self) -> str:
        """What it has printed so far."""
        return "".join(self._state.out)

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self._state.done.is_set()

    def kill(self, number: int = signal.SIGTERM) -> None:
        """Send it, and all it started, a signal."""
        self._talk.ask({"kill": self.number, "signal": number})

    def wait(self, timeout_s: float = COMMAND_TIMEOUT_S) -> Result:
        """Wait for its end.

        Raises:
            CiError: It did not end in time, or the guest is gone.
        """
        end_s = time.monotonic() + timeout_s
        while not self._state.done.wait(0.5):
            self._talk.check_alive(f"`{self.command}`")
            if time.monotonic() > end_s:
                raise CiError(
                    f"in the guest: `{self.command}` did not end within {timeout_s:.0f} s\n{self.out[-2000:]}"
                )
        return Result(self._state.code, self.out)

    def wait_for(self, text: str, timeout_s: float = COMMAND_TIMEOUT_S) -> str:
        """Wait until it has printed ``text``; returns its output.

        Raises:
            CiError: It ended without, or did not in time.
        """
        end_s = time.monotonic() + timeout_s
        while text not in self.out:
            if self.ended or time.monotonic() > end_s:
                raise CiError(f"in the guest: `{self.command}` did not say {text!r}\n{self.out[-3000:]}")
            self._talk.check_alive(f"`{self.command}`")
            time.sleep(0.02)
        return self.out


class Talk:
    """One guest's agent.

    Args:
        check_alive: Raises CiError if there is nobody left to talk to; told what is being waited for.

    Attributes:
        messages: What the guest's kernel has said.
        release: Its version.
    """

    def __init__(self, check_alive: Callable[[str], None]) -> None:
        self.messages: list[Message] = []
        self.release = ""
        self.check_alive = check_alive
        self._socket: socket.socket | None = None
        self._jobs: dict[int, _Job] = {}
        self._send_lock = threading.Lock()
        self._hello: queue.SimpleQueue[float] = queue.SimpleQueue()
        self._numbers = itertools.count(1)

    def connect(self, path: Path, timeout_s: float) -> None:
        """Connect to QEMU's end of the agent's port.

        Raises:
            CiError: It was not there in time, or QEMU has ended.
        """
        end_s = time.monotonic() + timeout_s
        while True:
            self.check_alive("starting QEMU")
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.connect(str(path))
                break
            except OSError as exc:
                connection.close()
                if time.monotonic() > end_s:
                    raise CiError(f"QEMU made no {path.name} within {timeout_s:.0f} s") from exc
                time.sleep(0.02)
        self._socket = connection
        threading.Thread(target=self._listen, args=(connection,), daemon=True, name="agent").start()

    def wait_boot(self, timeout_s: float) -> None:
        """Wait for the agent's first word after a start, or after a reboot.

        Raises:
            CiError: It did not come in time, or QEMU has ended.
        """
        end_s = time.monotonic() + timeout_s
        while True:
            try:
                self._hello.get(timeout=0.5)
            except queue.Empty:
                self.check_alive("booting")
                if time.monotonic() > end_s:
                    raise CiError(f"no agent in the guest after {timeout_s:.0f} s") from None
            else:
                return

    def close(self) -> None:
        """Hang up; safe to call twice."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _listen(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection.makefile("r", encoding="utf-8") as stream:
            for line in stream:
                self._hear(json.loads(line))

    def _hear(self, message: dict[str, object]) -> None:
        if "kmsg" in message:
            record = message["kmsg"]
            assert isinstance(record, list)
            self.messages.append(Message(int(record[0]), str(record[1])))
        elif "hello" in message:
            self.release = str(message["hello"])
            self._hello.put(float(str(message["uptime_s"])))
        elif (job := self._jobs.get(int(str(message.get("id", 0))))) is not None:
            if "out" in message:
                job.out.append(str(message["out"]))
                if job.show:
                    job.show(str(message["out"]))
            if "exit" in message:
                job.code = int(str(message["exit"]))
                job.done.set()

    def ask(self, request: dict[str, object]) -> None:
        """Send the agent one request.

        Raises:
            CiError: There is no guest.
        """
        if self._socket is None:
            raise CiError("no guest runs")
        with self._send_lock:
            self._socket.sendall(json.dumps(request).encode() + b"\n")

    def begin(
        self, command: str, *, timeout_s: float = COMMAND_TIMEOUT_S, show: Callable[[str], None] | None = None
    ) -> Job:
        """Start a shell command in the guest."""
        number = next(self._numbers)
        state = self._jobs[number] = _Job(show=show)
        self.ask({"id": number, "run": command, "timeout_s": timeout_s})
        return Job(self, number, state, command)

    def run(self, command: str, *, timeout_s: float = COMMAND_TIMEOUT_S, check: bool = True) -> Result:
        """Run a shell command in the guest.

        Raises:
            CiError: It exited non-zero and ``check`` is set, or did not end in time.
        """
        result = self.begin(command, timeout_s=timeout_s).wait(timeout_s + 30)
        if check and result.code != 0:
            raise CiError(f"in the guest: `{command}` exited with {result.code}\n{result.out[-3000:]}")
        return result
