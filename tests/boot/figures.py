# SPDX-License-Identifier: BSD-3-Clause
"""Everybody's counters: the driver's, the device's, the tap's and those of UDP at both ends."""

import json
import time
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from ci.demo import WIRE_IF
from ci.vm import MAC, Vm
from tests.boot.judge import GUEST, WIRE, counters, eventually, report

Rises = dict[str, int]
TALLIES_MOST = 20
QUIET_S = 2.0  # after a link-up: multicast memberships are told twice within a second
MEMBERSHIP = ("v4/conf/{0}/igmpv2", "v4/conf/{0}/igmpv3", "v6/conf/{0}/mldv1", "v6/conf/{0}/mldv2")
LATER_MS = 36_000_000
STILL_S = 0.5  # after a test: the end of its connections


def _udp(prefix: str, snmp: str) -> dict[str, int]:
    names, values = (line.split()[1:] for line in snmp.splitlines() if line.startswith("Udp: "))
    return {f"{prefix}.{name}": int(value) for name, value in zip(names, values, strict=True)}


def _udp6(prefix: str, snmp6: str) -> dict[str, int]:
    rows = (line.split() for line in snmp6.splitlines() if line.startswith("Udp6"))
    return {f"{prefix}.{name.removeprefix('Udp6')}": int(value) for name, value in rows}


def _link(prefix: str, shown: str) -> dict[str, int]:
    stats = json.loads(shown)[0]["stats64"]
    return {f"{prefix}.{way}.{name}": value for way in ("rx", "tx") for name, value in stats[way].items()}


def _qdisc(shown: str) -> dict[str, int]:
    root = next(one for one in json.loads(shown) if one.get("root"))
    return {"qdisc.drops": int(root["drops"])}


def tally(vm: Vm) -> dict[str, int]:
    """All figures of one moment, each under its source's name.

    ``nic.*`` is the driver's ``ethtool -S``, ``link.rx.*`` and ``link.tx.*`` its ``ip -s link``, ``qdisc.drops`` what
    its queueing discipline threw away, ``udp.*`` and ``udp6.*`` the guest's UDP; ``port.*`` and ``card.*`` are the
    device's own report; ``tap.*`` is ``ip -s link`` of the tap, whose ``tx`` is what goes to the NIC, and ``wire.*``
    UDP at that end.
    """
    for _ in range(TALLIES_MOST):
        found = _look(vm)
        if found["port.rx_frames"] + found["port.tx_frames"] == _frames(vm):  # else one went by while we looked
            return found
    return _look(vm)


def _frames(vm: Vm) -> int:
    port: Any = report(vm)["port"]
    return int(port["rx_frames"] + port["tx_frames"])


def _look(vm: Vm) -> dict[str, int]:
    seen = report(vm)
    found = {f"nic.{name}": value for name, value in counters(vm).items()}
    for prefix, section in (("port", "port"), ("card", "counters")):
        found |= {f"{prefix}.{name}": value for name, value in seen[section].items() if isinstance(value, int)}
    found |= _link("link", vm.run("ip -s -j link show dev eth0").out)
    found |= _qdisc(vm.run("tc -s -j qdisc show dev eth0").out)
    found |= _udp("udp", vm.run("cat /proc/net/snmp").out) | _udp6("udp6", vm.run("cat /proc/net/snmp6").out)
    found |= _link("tap", vm.wire.run("ip", "-s", "-j", "link", "show", "dev", WIRE_IF))
    return found | _udp("wire", vm.wire.run("cat", "/proc/net/snmp"))


def rises(vm: Vm, before: dict[str, int], done: Callable[[Rises], bool], timeout_s: float = 30.0) -> Rises:
    """Return by how much each figure of ``tally`` has risen, once ``done`` or the time is over: the caller judges."""
    end_s = time.monotonic() + timeout_s
    while True:
        now = tally(vm)
        rise = {name: value - before.get(name, 0) for name, value in now.items()}
        if done(rise) or time.monotonic() > end_s:
            return rise
        time.sleep(0.2)


def shown(rise: Rises) -> str:
    """Every figure that has risen: pytest shows the first few of a dict."""
    return "\n".join(f"{name} +{value}" for name, value in rise.items() if value)


_quiet: WeakKeyDictionary[Vm, tuple[int, int]] = WeakKeyDictionary()  # boots and link changes, when it last was


def quiet(vm: Vm) -> None:
    """Neither end asks for neighbours or routers any more, and what they say of themselves after a link-up is said."""
    now = vm.boots, int(report(vm)["counters"]["link_changes"])
    known = _quiet.get(vm) == now
    if not known:
        _hush(vm)
    silence_s = STILL_S if known else QUIET_S
    seen, since_s = -1, time.monotonic()

    def still() -> bool:
        nonlocal seen, since_s
        if (frames := _frames(vm)) != seen:
            seen, since_s = frames, time.monotonic()
        return time.monotonic() - since_s > silence_s

    eventually(still, f"no frame for {silence_s} s")
    _quiet[vm] = now


def _hush(vm: Vm) -> None:
    shown = vm.wire.run("ip", "-j", "link", "show", "dev", WIRE_IF)
    tap = json.loads(shown)[0]["address"]
    words = "cd /proc/sys/net; echo 0 > ipv6/conf/{0}/router_solicitations"
    words += "".join(f"; echo {LATER_MS} > ip{row}_unsolicited_report_interval" for row in MEMBERSHIP)
    vm.run("; ".join(f"ip neigh replace {address} lladdr {tap} dev eth0 nud permanent" for address in WIRE))
    vm.run(words.format("eth0"))
    for address in GUEST:
        vm.wire.run("ip", "neigh", "replace", address, "lladdr", MAC, "dev", WIRE_IF, "nud", "permanent")
    vm.wire.run("sh", "-c", words.format(WIRE_IF))
