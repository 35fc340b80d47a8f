# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci bench netdev``: TCP and ping through the interface, beside a relay between two taps.

One way: kernel → the driver's interface → driver → device → tap → kernel, between two network namespaces.  The other:
kernel → tap → a C program (relay.c) → tap → kernel.  The relay's taps have virtio-net headers, so that frames are as
large as TCP makes them.  Everything made here ends with the benchmark.
"""

import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ci.net import Namespace, need_tun
from ci.processes import child, ended
from ci.say import ROOT, CiError
from tests.bench.nic import HERE, built
from tests.bench.rows import Sheet, rounds
from tests.rigs.host import HOST4, WIRE4, Stage

DOORBELLS = ("shared", "trapped")
RELAY = "relay"
LASTS_S, QUICK_LASTS_S = 3.0, 0.3
PINGS, QUICK_PINGS = 5000, 200
PORT = 5201
TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Way:
    """A way between two namespaces, with the address that each has on it."""

    host: Namespace
    wire: Namespace
    host4: str
    wire4: str


def tcp_gbit_s(sender: Namespace, receiver: Namespace, address: str, lasts_s: float) -> float:
    """Gbit/s of one stream.

    Raises:
        CiError: It did not end, or bytes are missing.
    """
    program = (sys.executable, str(HERE / "stream.py"))
    into = receiver.popen(*program, "receive", address, str(PORT), stdout=subprocess.PIPE)
    try:
        assert into.stdout is not None
        if into.stdout.readline() != "listening\n":
            raise CiError(f"nobody listens on {address} in the namespace {receiver.name}")
        sent = json.loads(sender.run(*program, "send", address, str(PORT), str(lasts_s), timeout_s=TIMEOUT_S))
        received = json.loads(into.communicate(timeout=TIMEOUT_S)[0].splitlines()[-1])
    except subprocess.TimeoutExpired as exc:
        raise CiError(f"TCP to {address} did not end within {TIMEOUT_S:.0f} s") from exc
    finally:
        if into.poll() is None:
            into.kill()
        into.communicate()
    if received["bytes"] != sent["bytes"]:
        raise CiError(f"TCP to {address}: {sent['bytes']} bytes sent, {received['bytes']} received")
    return float(received["bytes"] * 8 / received["seconds"] / 1e9)


def ping_us(program: Path, where: Namespace, address: str, times: int) -> tuple[float, float]:
    """p50 and p99 of echoes, one after the other.

    Raises:
        CiError: Some were lost.
    """
    lost, p50_ns, p99_ns = map(int, where.run(str(program), address, str(times), timeout_s=TIMEOUT_S).split())
    if lost:
        raise CiError(f"{lost} of {times} echoes of {address} were lost")
    return p50_ns / 1e3, p99_ns / 1e3


def relay(folder: Path, stack: ExitStack) -> Way:
    """The baseline: two more namespaces with a tap each, and the program between them.

    Raises:
        CiError: It did not start.
    """
    host, wire = (stack.enter_context(Namespace(name)) for name in ("relay-host", "relay-wire"))
    program = built(folder, "relay")
    words = [str(program), host.path, "ixbh0", wire.path, "ixbw0"]
    process = subprocess.Popen(child(words), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    stack.callback(process.communicate)
    stack.callback(ended, "the relay", process)
    assert process.stdout is not None
    if process.stdout.readline() != "ready\n":
        assert process.stderr is not None
        raise CiError(f"the relay did not start: {process.stderr.read().strip()}")
    for where, name, address in ((host, "ixbh0", HOST4), (wire, "ixbw0", WIRE4)):
        where.run("ip", "address", "add", f"{address}/24", "dev", name)
        where.run("ip", "link", "set", name, "up")
    return Way(host, wire, HOST4, WIRE4)


def through_the_nic(folder: Path, stack: ExitStack, doorbells: str) -> Way:
    """Device and driver as two processes, each in a namespace of its own."""
    folder = folder / doorbells
    folder.mkdir()
    stage = stack.enter_context(Stage(folder))
    stage.device("-q", "--doorbells", doorbells)
    driver = stage.driver("--queues", "1")
    stack.callback(driver.end)  # before the device does, and in order
    stage.address()
    return Way(stage.host, stage.wire, HOST4, WIRE4)


def measure(count: int, *, quick: bool) -> Sheet:
    """Measure all of it in ``count`` rounds."""
    need_tun()
    sheet = Sheet("netdev", "TCP and ping through the driver's interface", "python3 -m ci bench netdev")
    lasts_s, pings = (QUICK_LASTS_S, QUICK_PINGS) if quick else (LASTS_S, PINGS)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ixlab-bench-")))
        ping = built(folder, "ping")
        paths = {RELAY: relay(folder, stack)}
        for doorbells in DOORBELLS:
            paths[f"NIC, {doorbells}"] = through_the_nic(folder, stack, doorbells)
        for path in paths.values():
            path.host.run(str(ping), path.wire4, "10", timeout_s=TIMEOUT_S)  # the first answer may take ARP
        for _ in rounds(count, "netdev"):
            for what, path in paths.items():
                ends = {"out": (path.host, path.wire, path.wire4), "in": (path.wire, path.host, path.host4)}
                for way, (sender, receiver, address) in ends.items():
                    of = "" if what == RELAY else f"{RELAY}: TCP {way}"
                    sheet.add(f"{what}: TCP {way}", tcp_gbit_s(sender, receiver, address, lasts_s), "Gbit/s", of)
                for which, value in zip(("p50", "p99"), ping_us(ping, path.host, path.wire4, pings), strict=True):
                    of = "" if what == RELAY else f"{RELAY}: ping {which}"
                    sheet.add(f"{what}: ping {which}", value, "µs", of)
    return sheet
