# SPDX-License-Identifier: BSD-3-Clause
"""Who talks to whom through one card: guests with a virtual function each, the physical function's host, the wire."""

import contextlib
import json
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from ci import net, stale
from ci.processes import child
from ci.vfs import PF4, PF6, PF_IF, WIRE4, WIRE6, SharedCard
from ci.vm import NIC_ADDRESS, Options, Vm

MIB = 1 << 20
TCP_BYTES = 8 * MIB
TCP_TIMEOUT_S = 300.0
JOB_TIMEOUT_S = 1200.0  # a stream that goes on beside whatever a test does
GUEST4 = ("192.0.2.20", "192.0.2.21")
GUEST6 = ("2001:db8::20", "2001:db8::21")
MACS = ("02:00:00:00:0a:00", "02:00:00:00:0a:01")
WIRE_IF = "ixwire0"


def _loop(until: str, pause_s: float, times: int) -> str:
    return f"i=0; until {until}; do sleep {pause_s}; i=$((i+1)); [ $i -lt {times} ] || exit 1; done"


class End(Protocol):
    """One who sends and receives.

    Attributes:
        name: What tests call it.
        v4: Its address.
        v6: The same.
        interface: Its network interface.
    """

    name: str
    v4: str
    v6: str
    interface: str

    def run(self, command: str, *, check: bool = True) -> str:
        """Run a shell command there; returns what it printed."""

    def begin(self, command: str) -> "Running":
        """Start one."""


class Running(Protocol):
    """A command under way."""

    def wait_for(self, text: str) -> None:
        """Wait until it has said so."""

    def terminate(self) -> None:
        """Send it SIGTERM."""

    def finish(self, timeout_s: float) -> str:
        """Wait for its end; returns what it printed."""


@dataclass
class _GuestJob:
    job: Any

    def wait_for(self, text: str) -> None:
        self.job.wait_for(text, 60)

    def terminate(self) -> None:
        self.job.kill()

    def finish(self, timeout_s: float) -> str:
        return str(self.job.wait(timeout_s).out)


@dataclass
class Guest:
    """A guest."""

    name: str
    vm: Vm
    v4: str
    v6: str
    vf: int
    interface: str = "eth0"
    prefix: str = ""  # what takes a command into its network namespace

    def run(self, command: str, *, check: bool = True) -> str:
        """Run a shell command there."""
        inside = f"{self.prefix}sh -c {shlex.quote(command)}" if self.prefix else command
        return self.vm.run(inside, check=check, timeout_s=180).out

    def begin(self, command: str) -> Running:
        """Start one."""
        return _GuestJob(self.vm.begin(f"exec {self.prefix}{command}", timeout_s=JOB_TIMEOUT_S))

    @property
    def mac(self) -> str:
        """The address of its interface."""
        return self.run(f"cat /sys/class/net/{self.interface}/address").strip()

    def counters(self) -> dict[str, int]:
        """What ``ethtool -S`` says."""
        out = self.run(f"ethtool -S {self.interface}")
        return {name: int(value) for name, value in re.findall(r"^ *(\S+): (\d+)$", out, re.MULTILINE)}

    def wait_for_carrier(self, *, up: bool = True) -> None:
        """Wait until it has a link, or has none."""
        carrier = f"cat /sys/class/net/{self.interface}/carrier 2>/dev/null"
        self.run(_loop(f'[ "$({carrier})" = {int(up)} ]', 0.1, 900))


@dataclass
class _HostJob:
    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)

    def wait_for(self, text: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if text in line:
                return
        raise AssertionError(f"{self.process.args!r} ended with {self.process.wait()} and never said {text!r}")

    def terminate(self) -> None:
        self.process.terminate()

    def finish(self, timeout_s: float) -> str:
        try:
            out, _ = self.process.communicate(timeout=timeout_s)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.communicate()
        return "".join(self.said) + out


@dataclass
class Here:
    """A namespace of this machine."""

    name: str
    namespace: net.Namespace
    v4: str
    v6: str
    interface: str

    def run(self, command: str, *, check: bool = True) -> str:
        """Run a shell command there."""
        return self.namespace.run("sh", "-c", command, timeout_s=180, check=check)

    def begin(self, command: str) -> Running:
        """Start one."""
        words = command.replace("python3", sys.executable).split()
        return _HostJob(self.namespace.popen(*child(words), stdout=subprocess.PIPE))


@dataclass
class Party:
    """A card, its guests, and the two ends on this machine."""

    card: SharedCard
    guests: list[Guest]
    pf: Here
    wire: Here

    @property
    def ends(self) -> dict[str, End]:
        """Everybody by name."""
        everybody: list[End] = [*self.guests, self.pf, self.wire]
        return {end.name: end for end in everybody}

    def close(self) -> None:
        """End the guests, then the card."""
        complaints = []
        for guest in self.guests:
            complaints += guest.vm.complaints()
            guest.vm.close()
        self.card.close()
        assert complaints == [], complaints


def party(kernels: tuple[str, ...], *, vfs: int = 4, more: tuple[str, ...] = ()) -> Party:
    """Start a card with our driver on its physical function, and a guest with stock ixgbevf for each kernel."""
    card = SharedCard(stale.run_folder("vfs"), vfs, more=more)
    made = Party(card, [], Here("pf", card.host, PF4, PF6, PF_IF), Here("wire", card.wire, WIRE4, WIRE6, WIRE_IF))
    try:
        card.start()
        for n, mac in enumerate(MACS):
            card.vf(str(n), "mac", mac)
        for n, kernel in enumerate(kernels):
            others = tuple(card.of_guest(n))
            vm = Vm(
                Options(driver="ixgbevf", kernel=kernel, others=others, wire=card.wire, iommu=False, from_state=True)
            )
            made.guests.append(Guest(f"guest{n}", vm, GUEST4[n], GUEST6[n], n))
            vm.start()
            vm.bind(v4=GUEST4[n], v6=GUEST6[n])
    except BaseException:
        for guest in made.guests:
            guest.vm.close()
        card.close()
        raise
    return made


def echoes(source: End, address: str, count: int = 50, more: str = "") -> None:
    """Ping, once neighbours know each other and a card that was reset is back: nothing is lost."""
    source.run(_loop(f"ping -c 1 -W 2 {more} {address} > /dev/null", 0.2, 20))
    out = source.run(f"ping -q -c {count} -i 0.02 -W 30 {more} {address}", check=False)
    assert " 0% packet loss" in out, out


def silent(source: End, address: str) -> bool:
    """Whether no ping is answered."""
    return " 100% packet loss" in source.run(f"ping -q -c 3 -i 0.2 -W 1 {address}", check=False)


def tcp(source: End, target: End, address: str, len_bytes: int = TCP_BYTES, port: int = 5300) -> float:
    """TCP from one end to the other, SHA-256 equal; returns seconds."""
    tail = f"{address} {port} {len_bytes}"
    taker = target.begin(f"python3 -m ci.traffic receive {tail}")
    taker.wait_for("listening")
    giver = source.begin(f"python3 -m ci.traffic send {tail}")
    texts = [running.finish(TCP_TIMEOUT_S) for running in (giver, taker)]
    sent, got = (json.loads(text.splitlines()[-1]) for text in texts)
    assert sent["bytes"] == got["bytes"] == len_bytes
    assert sent["sha256"] == got["sha256"]
    return float(max(sent["seconds"], got["seconds"]))


@contextlib.contextmanager
def seen_by(end: End, expression: str) -> Iterator[list[str]]:
    """What tcpdump shows at an end while the block runs; the list is filled when it is over."""
    lines: list[str] = []
    mark = f"/tmp/seen-{time.monotonic_ns()}"
    end.run(
        f"tcpdump -i {end.interface} -n -e -l '{expression}' > {mark} 2> {mark}.err & echo $! > {mark}.pid; "
        + _loop(f"grep -q listening {mark}.err", 0.05, 600)
    )
    try:
        yield lines
    finally:
        lines += end.run(
            f"sleep 0.3; kill $(cat {mark}.pid); {_loop(f'[ ! -e /proc/$(cat {mark}.pid)/fd/1 ]', 0.05, 100)}; "
            f"cat {mark}; rm -f {mark} {mark}.err {mark}.pid"
        ).split("\n")
        lines[:] = [line for line in lines if " > " in line]  # what follows is a frame's bytes


__all__ = ["MIB", "NIC_ADDRESS", "End", "Guest", "Here", "Party", "echoes", "party", "seen_by", "silent", "tcp"]
