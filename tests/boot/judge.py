# SPDX-License-Identifier: BSD-3-Clause
"""What a NIC in a guest is judged by."""

import re
import sys
from typing import Any

from ci.demo import HOST4, HOST6, WIRE4, WIRE6
from ci.vm import Vm

MIB = 1 << 20
GUEST = (HOST4, HOST6)
WIRE = (WIRE4, WIRE6)


def ping(vm: Vm, *, count: int = 100, size: int = 56, address: str = WIRE4) -> None:
    """No echo is lost, and none comes so late that a timer and not an interrupt must have brought it."""
    vm.run(f"ping -c 1 -w 30 {address}")  # neighbour discovery is not part of it
    out = vm.run(f"ping -q -c {count} -i 0.01 -W 30 -s {size} {address}", timeout_s=300).out
    assert re.search(r" 0% packet loss", out), out
    longest = re.search(r"= [\d.]+/[\d.]+/([\d.]+)/", out)
    assert longest is not None, out
    assert float(longest[1]) < 1900, f"a lost interrupt shows as the watchdog's 2 s: {out}"


def tcp(vm: Vm, len_bytes: int = 8 * MIB, addresses: tuple[str, ...] = (WIRE4, HOST4)) -> None:
    """TCP to each address, SHA-256 equal at both ends."""
    for address in addresses:
        vm.transfer(address, len_bytes)


def counters(vm: Vm, interface: str = "eth0") -> dict[str, int]:
    """``ethtool -S`` as numbers."""
    out = vm.run(f"ethtool -S {interface}").out
    return {name.strip(): int(value) for name, value in re.findall(r"^ *(\S+): (\d+)$", out, re.MULTILINE)}


def send_udp(vm: Vm, port: int, count: int) -> None:
    """Send datagrams from the wire to the guest."""
    code = "import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
    code += f"for i in range({count}): s.sendto(b'x' * 20, ({HOST4!r}, {port}))"
    vm.wire.run(sys.executable, "-c", code)


def report(vm: Vm) -> dict[str, Any]:
    """What the first device says of itself."""
    found = vm.ask_nic(report=True)["report"]
    assert isinstance(found, dict)
    return found
