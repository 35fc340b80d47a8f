# SPDX-License-Identifier: BSD-3-Clause
"""Runs inside a guest: does what the harness asks over a virtio port, and passes the kernel's messages on.

One JSON object a line, both ways.  Asked ``{"id": 1, "run": "…", "timeout_s": 60}`` it answers with any number of
``{"id": 1, "out": "…"}`` and one ``{"id": 1, "exit": 0}``; ``{"kill": 1, "signal": 15}`` ends that command early.
Unasked it says ``{"hello": …}`` once and ``{"kmsg": [level, text]}`` for every kernel message since boot; what the
kernel said while a command ran comes before the command's ``exit``.  A guest that goes on from a saved state, in front
of somebody new, is sent ``{"wake": …}``, the nanoseconds since 1970: it sets its clock, and says it all again.  Stdlib
only.
"""

import json
import os
import platform
import select
import signal
import subprocess
import threading
import time
from pathlib import Path

PORT_NAME = "agent"
CHUNK_BYTES = 32768
RECORD_MAX_BYTES = 8192
TIMED_OUT = 124


class Agent:
    """The commands that run, and the port they answer on.

    Args:
        port: Open for both ways.
        log: /dev/kmsg, not blocking.
    """

    def __init__(self, port: int, log: int) -> None:
        self._port = port
        self._folder = Path.cwd()  # by its name, so that another can be mounted there
        self._lock = threading.Lock()
        self._log = log
        self._log_lock = threading.Lock()
        self._running: dict[int, subprocess.Popen[bytes]] = {}

    def say(self, message: dict[str, object]) -> None:
        """Send one message."""
        data = json.dumps(message).encode() + b"\n"
        with self._lock:
            while data:
                data = data[os.write(self._port, data) :]

    def kernel_log(self) -> None:
        """Pass on what the kernel has said and says, for ever."""
        news = select.poll()
        news.register(self._log, select.POLLIN)
        while True:
            news.poll()
            self.catch_up()

    def catch_up(self) -> None:
        """Pass on what the kernel has said until now."""
        with self._log_lock:
            while True:
                try:
                    record = os.read(self._log, RECORD_MAX_BYTES)
                except BlockingIOError:
                    return
                except BrokenPipeError:  # overwritten before we came to read it
                    self.say({"kmsg": [4, "agent: kernel messages were lost"]})
                    continue
                head, _, text = record.decode(errors="replace").partition(";")
                self.say({"kmsg": [int(head.split(",")[0]) & 7, text.split("\n")[0]]})

    def run(self, number: int, command: str, timeout_s: float) -> None:
        """Run a command to its end, passing on what it prints."""
        process = subprocess.Popen(
            ["/bin/bash", "-c", command],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._running[number] = process
        late = threading.Timer(timeout_s, self._late, (number, timeout_s))
        late.daemon = True
        late.start()
        assert process.stdout is not None
        while chunk := os.read(process.stdout.fileno(), CHUNK_BYTES):
            self.say({"id": number, "out": chunk.decode(errors="replace")})
        code = process.wait()
        late.cancel()
        process.stdout.close()
        timed_out = self._running.pop(number, None) is None
        self.catch_up()
        self.say({"id": number, "exit": TIMED_OUT if timed_out else code})

    def _late(self, number: int, timeout_s: float) -> None:
        process = self._running.pop(number, None)
        if process is not None:
            self.say({"id": number, "out": f"\nagent: still running after {timeout_s:.0f} s, killed\n"})
            os.killpg(process.pid, signal.SIGKILL)

    def kill(self, number: int, signal_number: int) -> None:
        """Send a signal to a command and all it started."""
        process = self._running.get(number)
        if process is not None and process.poll() is None:
            os.killpg(process.pid, signal_number)

    def hello(self) -> None:
        """Say that there is an agent, and where."""
        uptime_s = float(Path("/proc/uptime").read_text(encoding="utf-8").split()[0])
        self.say({"hello": platform.release(), "uptime_s": uptime_s, "boot": time.time_ns()})

    def wake(self, now_ns: int) -> None:
        """Go on from a saved state: with the right time, and somebody who has heard nothing yet."""
        time.clock_settime_ns(time.CLOCK_REALTIME, now_ns)
        with self._log_lock:
            os.lseek(self._log, 0, os.SEEK_SET)
        self.catch_up()
        self.hello()

    def serve(self) -> None:
        """Do what is asked, until the guest ends."""
        os.chdir("/")  # nobody is to be in the checkout's folder when it is mounted anew
        threading.Thread(target=self.kernel_log, daemon=True).start()
        self.hello()
        rest = b""
        while True:
            data = os.read(self._port, CHUNK_BYTES)
            if not data:  # nobody at the other end yet
                time.sleep(0.05)
                continue
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._obey(json.loads(line))

    def _obey(self, request: dict[str, object]) -> None:
        if "run" in request:
            arguments = (int(str(request["id"])), str(request["run"]), float(str(request.get("timeout_s", 3600))))
            threading.Thread(target=self.run, args=arguments, daemon=True).start()
        elif "kill" in request:
            self.kill(int(str(request["kill"])), int(str(request.get("signal", signal.SIGTERM))))
        elif "wake" in request:
            self.wake(int(str(request["wake"])))


def port() -> int:
    """Open the harness's port; a guest has no udev, so it is found by its name in sysfs."""
    for _ in range(600):
        for entry in Path("/sys/class/virtio-ports").glob("*"):
            if (entry / "name").read_text(encoding="utf-8").strip() == PORT_NAME:
                return os.open(f"/dev/{entry.name}", os.O_RDWR)
        time.sleep(0.05)
    raise SystemExit("agent: no virtio port called " + PORT_NAME)


if __name__ == "__main__":
    Agent(port(), os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)).serve()
