# SPDX-License-Identifier: BSD-3-Clause
"""Pools without SR-IOV: stock ixgbe gives a macvlan a pool of its own (``ethtool -K … l2-fwd-offload on``)."""

from collections.abc import Callable
from typing import Any

import pytest

from ci.demo import HOST4, WIRE4
from ci.vm import Options, Vm
from tests.boot.judge import eventually
from tests.boot.parties import Guest, Here, echoes, tcp

MAC = "02:00:00:00:00:77"
MACVLAN4 = "192.0.2.77"


@pytest.fixture(scope="module")
def vm(start: Callable[[Options], Vm]) -> Vm:
    made = start(Options(smp=2))
    made.bind()
    made.run(
        "ethtool -K eth0 l2-fwd-offload on && modprobe macvlan && ip netns add other && "
        f"ip link add link eth0 name mv0 address {MAC} type macvlan mode private && ip link set mv0 netns other && "
        f"ip netns exec other sh -c 'ip address add {MACVLAN4}/24 dev mv0; ip link set mv0 up; ip link set lo up'"
    )
    made.addresses("eth0")
    return made


def pools(vm: Vm) -> list[list[Any]]:
    report: Any = vm.ask_nic(report=True)["report"]
    found: list[list[Any]] = report["pools"]
    return found


def ends(vm: Vm) -> tuple[Guest, Guest, Here]:
    own = Guest("own", vm, HOST4, "", 0)
    other = Guest("macvlan", vm, MACVLAN4, "", 0, interface="mv0", prefix="ip netns exec other ")
    return own, other, Here("wire", vm.wire, WIRE4, "", "ixwire0")


def test_its_address_is_another_pools(vm: Vm) -> None:
    rows = eventually(lambda: [row for row in pools(vm) if MAC in row[1]], "a pool has the macvlan's address")
    assert rows
    assert not rows[0][0].endswith("*"), "and not the port's own"


def test_both_talk_to_the_wire(vm: Vm) -> None:
    own, other, wire = ends(vm)
    before = {row[0]: row[4] for row in pools(vm)}
    echoes(other, wire.v4)
    echoes(own, wire.v4)
    tcp(wire, other, other.v4, port=5501)
    tcp(other, wire, wire.v4, port=5502)
    tcp(wire, own, own.v4, port=5503)
    rose = {row[0]: row[4] - before.get(row[0], 0) for row in pools(vm)}
    assert len([pool for pool, count in rose.items() if count > 1000]) == 2, rose


def test_the_port_keeps_its_queues(vm: Vm) -> None:
    """Flows to the port's own pool are spread over its queues by RSS."""
    own, _, wire = ends(vm)
    before = own.counters()
    for port in range(5600, 5616):
        tcp(wire, own, own.v4, len_bytes=1 << 16, port=port)
    after = own.counters()
    queues = [name for name in after if name.startswith("rx_queue_") and name.endswith("_packets")]
    busy = [name for name in queues if after[name] - before.get(name, 0) > 20]
    assert len(busy) >= 2, busy
