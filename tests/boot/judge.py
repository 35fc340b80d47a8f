# SPDX-License-Identifier: BSD-3-Clause
"""What a NIC in a guest is judged by."""

import contextlib
import json
import math
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from ci.demo import HOST4, HOST6, WIRE4, WIRE6, WIRE_IF
from ci.processes import child
from ci.vm import Job, Vm

MIB = 1 << 20
GUEST = (HOST4, HOST6)
WIRE = (WIRE4, WIRE6)
LATE_MS = 100.0  # an idle ping takes a millisecond or two; the driver's timer brings a lost interrupt after up to 2 s
STREAM_PORT = 5199
LINK_LOSS = "initiating reset to clear Tx work after link loss"
PACKET_BUFFER_KIB = 520  # untouched until frames wait there for descriptors, as they do when a guest is slow
SLACK_KIB = PACKET_BUFFER_KIB + 512  # and a log line, an interpreter's free list: not what grows with every cycle
WAIT_S = 120.0  # for what takes a second or two on an idle machine

T = TypeVar("T")


def eventually(true: Callable[[], T], what: str, timeout_s: float = WAIT_S) -> T:
    """Wait until ``true()`` is, and return what it was; fails with ``what``."""
    end_s = time.monotonic() + timeout_s
    while not (found := true()):
        assert time.monotonic() < end_s, f"after {timeout_s:.0f} s still not: {what}"
        time.sleep(0.1)
    return found


def carrier(vm: Vm, interface: str = "eth0", prefix: str = "") -> None:
    """Wait until an interface has its carrier."""
    command = f"{prefix}cat /sys/class/net/{interface}/carrier"
    eventually(lambda: vm.run(command, check=False).out == "1\n", f"{interface} has its carrier")


def _echoes(vm: Vm) -> int:
    """Answers to pings that the guest's kernel has taken, of both IP versions."""
    code = (
        "cat /proc/net/snmp6; awk '/^Icmp:/ {n++; if (n == 1) split($0, name); else for (i in name) print name[i], $i}'"
    )
    found = dict(line.split() for line in vm.run(f"{code} /proc/net/snmp").out.splitlines())
    return int(found["InEchoReps"]) + int(found["Icmp6InEchoReplies"])


def ping(vm: Vm, *, count: int = 100, size: int = 56, address: str = WIRE4, pace: str = "-i 0.01") -> None:
    """No echo is lost, and none comes so late that a timer and not an interrupt must have brought it."""
    vm.run(f"ping -c 1 -w 30 {address}")  # neighbour discovery is not part of it
    before = _echoes(vm)
    out = vm.run(f"ping -q -c {count} {pace} -W 30 -s {size} {address}", timeout_s=300, check=False).out
    # ping itself waits for its last echoes about a second, and on a busy machine calls them lost.
    eventually(lambda: _echoes(vm) >= before + count, f"{count} echoes have come\n{out}", 60)
    longest = re.search(r"= [\d.]+/[\d.]+/([\d.]+)/", out)
    assert longest is not None, out
    if float(longest[1]) >= 1900:  # the driver's watchdog, or a busy machine
        prompt(vm)


def tcp(vm: Vm, len_bytes: int = 8 * MIB, addresses: tuple[str, ...] = (WIRE4, HOST4)) -> None:
    """TCP to each address, SHA-256 equal at both ends."""
    for address in addresses:
        vm.transfer(address, len_bytes)


def mtu(vm: Vm, size: int) -> None:
    """Set both ends' MTU."""
    vm.run(f"ip link set eth0 mtu {size}")
    vm.wire.run("ip", "link", "set", WIRE_IF, "mtu", str(size))
    settle(vm)


@contextlib.contextmanager
def feature(vm: Vm, name: str, state: str = "off", interface: str = "eth0") -> Iterator[None]:
    """An offload for the time of the block the other way; some take others with them, which come back as well."""
    vm.run(f"ethtool -K {interface} {name} {state}")
    settle(vm)
    try:
        yield
    finally:
        back = {"on": "off", "off": "on"}[state]
        vm.run(f"ethtool -K {interface} {name} {back}; ethtool -K {interface} sg on tx on tso on gso on")
        settle(vm)


def counters(vm: Vm, interface: str = "eth0") -> dict[str, int]:
    """``ethtool -S`` as numbers."""
    out = vm.run(f"ethtool -S {interface}").out
    return {name.strip(): int(value) for name, value in re.findall(r"^ *(\S+): (\d+)$", out, re.MULTILINE)}


def send_udp(vm: Vm, port: int, count: int) -> None:
    """Send datagrams from the wire to the guest."""
    code = "import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
    code += f"for i in range({count}): s.sendto(b'x' * 20, ({HOST4!r}, {port}))"
    vm.wire.run(sys.executable, "-c", code)


def allow_frames_left_behind(vm: Vm) -> None:
    """A link goes under load, here or at the other end: stock ixgbe starts anew to be rid of what was not sent."""
    for pattern in (LINK_LOSS, "Reset adapter"):
        vm.expect(pattern, "ixgbe's way with frames that a link left behind when it went")


def report(vm: Vm) -> dict[str, Any]:
    """What the first device says of itself."""
    found = vm.ask_nic(report=True)["report"]
    assert isinstance(found, dict)
    return found


def settle(vm: Vm, interface: str = "eth0") -> None:
    """After whatever takes the link down: there again, with its addresses."""
    until(vm, f"[ -e /sys/class/net/{interface} ]")
    vm.addresses(interface)


def until(vm: Vm, condition: str) -> None:
    """Wait until a condition of the guest's shell holds."""
    vm.run(f"i=0; until {condition}; do sleep 0.1; i=$((i+1)); [ $i -lt 600 ] || exit 1; done")


def no_carrier(vm: Vm) -> None:
    """Wait until the driver has seen that the link is gone."""
    until(vm, "[ $(cat /sys/class/net/eth0/carrier) = 0 ]")


def _longest_ms(vm: Vm, count: int) -> tuple[float, float]:
    """Ping the wire while nothing else is on; returns the longest wait, and that of those who had no NIC to wait for.

    The latter are pings of the guest to itself, and a sleeper beside QEMU and the device.
    """
    words = f"exec ping -q -c {count} -i 0.05 -W 30"
    nic, control = vm.begin(f"{words} {WIRE4}"), vm.begin(f"{words} 127.0.0.1")
    slept_ms = 0.0
    while not (nic.ended and control.ended):
        before_s = time.monotonic()
        vm.check_alive("pings")
        time.sleep(0.01)
        slept_ms = max(slept_ms, (time.monotonic() - before_s) * 1000)
    found = []
    for job in (nic, control):
        out = job.wait().out
        longest = re.search(r" 0% packet loss.*= [\d.]+/[\d.]+/([\d.]+)/", out, re.DOTALL)
        found.append(float(longest[1]) if longest else math.inf)  # ping waits for its last echoes two round trips only
    return found[0], max(found[1], slept_ms)


def prompt(vm: Vm, count: int = 10) -> float:
    """No idle ping waits for a timer in place of its interrupt; returns the longest wait in milliseconds.

    On a busy machine everybody waits, so what counts is a NIC that keeps waiting when others beside it do not.
    """
    vm.run(f"ping -c 1 -w 30 {WIRE4}")
    nic_ms, control_ms = _longest_ms(vm, count)
    if late(nic_ms, control_ms):
        nic_ms, control_ms = _longest_ms(vm, 3 * count)
        assert not late(nic_ms, control_ms), (
            f"a lost interrupt: a ping took {nic_ms} ms, the control {control_ms:.1f} ms"
        )
    return nic_ms


def late(nic_ms: float, control_ms: float) -> bool:
    """Whether it is the NIC that was waited for, and not the machine."""
    return nic_ms >= LATE_MS and nic_ms > 3 * control_ms


class Stream:
    """TCP from the guest to the wire until it is ended: one connection, whatever happens to the link meanwhile.

    Attributes:
        total_bytes: Once ended: how much was sent, and came.
    """

    def __init__(self, vm: Vm) -> None:
        tail = f"{WIRE4} {STREAM_PORT} {1 << 50}"
        words = [sys.executable, "-m", "ci.traffic", "receive", *tail.split()]
        self.total_bytes = 0
        self._here = vm.wire.popen(*child(words), stdout=subprocess.PIPE)
        try:
            assert self._here.stdout is not None
            self._here.stdout.readline()
            self._there: Job = vm.begin(f"exec python3 -m ci.traffic send {tail}", timeout_s=3600)
            self._there.wait_for("sending")
        except BaseException:
            self.close()
            raise

    def end(self) -> None:
        """End it; the SHA-256 of what was sent and of what came are equal."""
        self._there.kill()
        sent, came = self._there.wait().out, self._here.communicate(timeout=600)[0]
        theirs, ours = (json.loads(text.splitlines()[-1]) for text in (sent, came))
        assert (ours["bytes"], ours["sha256"]) == (theirs["bytes"], theirs["sha256"])
        self.total_bytes = int(ours["bytes"])

    def close(self) -> None:
        """Leave nothing of it on this side."""
        if self._here.poll() is None:
            self._here.kill()
            self._here.wait()
        if self._here.stdout is not None:
            self._here.stdout.close()

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
