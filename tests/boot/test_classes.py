# SPDX-License-Identifier: BSD-3-Clause
"""Traffic classes with stock ixgbe, set by ``mqprio`` and by ``dcb``: the queues that frames then take, both ways."""

import re
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from scapy.compat import raw
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

from ci.demo import HOST4, WIRE4
from ci.vm import MAC, Options, Vm
from tests.boot.figures import quiet
from tests.boot.judge import counters, eventually, settle
from tests.boot.traffic import send, send_frames

CPUS, CLASSES, PRIORITIES = 2, 4, 8
NOBODY, NOBODY_MAC = "192.0.2.99", "02:00:00:00:aa:99"  # answers nothing
COUNT, PORT, VLAN = 30, 7000, 100
CLASS_OF = (0, 0, 1, 1, 2, 2, 3, 3)  # of a user priority


@pytest.fixture(scope="module")
def vm(start: Callable[[Options], Vm]) -> Iterator[Vm]:
    made = start(Options(smp=CPUS, iommu=False))
    assert made.bind() == "eth0"
    yield made
    made.stop_qemu()


def queues(vm: Vm, way: str) -> int:
    """How many queues the kernel uses; ``ethtool -S`` lists all there could be."""
    return int(vm.run(f"ls -d /sys/class/net/eth0/queues/{way}-* | wc -l").out)


def by_queue(vm: Vm, way: str) -> dict[int, int]:
    """Return how many frames each queue has carried, as ``ethtool -S`` says."""
    found = counters(vm)
    return {int(name.split("_")[2]): n for name, n in found.items() if re.fullmatch(rf"{way}_queue_\d+_packets", name)}


def classes_that_rose(vm: Vm, way: str, do: Callable[[], None], count: int) -> dict[int, int]:
    """Return by class how many more frames its queues have carried after ``do``; strays of a few are left out."""
    before = by_queue(vm, way)
    do()

    def rise() -> dict[int, int]:
        found: dict[int, int] = {}
        for queue, n in by_queue(vm, way).items():
            found[queue // CPUS] = found.get(queue // CPUS, 0) + n - before.get(queue, 0)
        return found

    eventually(lambda: sum(rise().values()) >= count, f"{count} frames {way}", 30)
    return {number: n for number, n in rise().items() if n >= count // 2}


def ready(vm: Vm) -> None:
    vm.addresses("eth0")  # the driver starts anew for every change of its classes
    settle(vm)
    vm.run(f"ip neigh replace {NOBODY} lladdr {NOBODY_MAC} dev eth0 nud permanent; ping -c 1 -w 30 {WIRE4}")
    quiet(vm)


def goes_out_by_its_class(vm: Vm, class_of: tuple[int, ...]) -> None:
    for priority, number in enumerate(class_of):
        flow = {"to": NOBODY, "port": PORT, "count": COUNT, "priority": priority}
        assert list(classes_that_rose(vm, "tx", partial(send, vm, flow, guest=True), COUNT)) == [number]


def comes_in_by_its_class(vm: Vm, class_of: tuple[int, ...]) -> None:
    for priority, number in enumerate(class_of):
        tagged = Ether(dst=MAC, src="02:00:00:00:aa:ff") / Dot1Q(vlan=VLAN, prio=priority)
        frame = bytes(raw(tagged / IP(src=WIRE4, dst=HOST4) / UDP(sport=PORT, dport=PORT) / Raw(b"hello" * 20)))
        assert list(classes_that_rose(vm, "rx", partial(send_frames, vm, frame, count=COUNT), COUNT)) == [number]


def test_mqprio_gives_every_class_its_tx_queues(vm: Vm) -> None:
    words = " ".join(map(str, (*CLASS_OF, *(0,) * PRIORITIES)))
    vm.run(f"tc qdisc add dev eth0 root handle 1: mqprio num_tc {CLASSES} map {words} hw 1")
    try:
        ready(vm)
        assert queues(vm, "tx") == CLASSES * CPUS
        goes_out_by_its_class(vm, CLASS_OF)
    finally:
        vm.run("tc qdisc del dev eth0 root")
    ready(vm)
    goes_out_by_its_class(vm, (0,) * 2)


def test_dcb_sets_classes_both_ways(vm: Vm) -> None:
    """IEEE 802.1Qaz by ``dcb ets``: what lldpad would do after it has talked to a switch."""
    vm.run(f"ip link add link eth0 name eth0.{VLAN} type vlan id {VLAN}; ip link set eth0.{VLAN} up")
    vm.run("dcb dcbx set dev eth0 host ieee")
    mapped = " ".join(f"{priority}:{number}" for priority, number in enumerate(CLASS_OF))
    vm.run(
        "dcb ets set dev eth0 willing off tc-tsa 0:ets 1:ets 2:ets 3:ets 4:strict 5:strict 6:strict 7:strict "
        f"tc-bw 0:25 1:25 2:25 3:25 4:0 5:0 6:0 7:0 prio-tc {mapped}"
    )
    ready(vm)
    assert queues(vm, "rx") == CLASSES * CPUS
    comes_in_by_its_class(vm, CLASS_OF)
    goes_out_by_its_class(vm, CLASS_OF)
    vm.run("dcb pfc set dev eth0 prio-pfc 0:off 1:off 2:on 3:on 4:off 5:off 6:off 7:off")
    assert "2:on 3:on" in vm.run("dcb pfc show dev eth0").out
