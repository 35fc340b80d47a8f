# SPDX-License-Identifier: BSD-3-Clause
"""A NIC put into a running guest: QMP's device_add, and the guest's ixgbe finds it.

It is never taken out: QEMU 11 aborts at device_del of a vfio-user-pci device that has MSI-X.
"""

from collections.abc import Callable

import pytest

from ci import guest
from ci.vm import MAC, NIC_ADDRESS, Options, Vm
from tests.boot.judge import GUEST, MIB, SLACK_KIB, WIRE, ping, prompt, tcp, until

PRESENT = f"[ -e /sys/bus/pci/devices/{NIC_ADDRESS} ]"


@pytest.fixture(scope="module", params=["6.12", "6.1"])
def vm(request: pytest.FixtureRequest, start: Callable[[Options], Vm]) -> Vm:
    return start(Options(kernel=request.param, plugged=False))


def works(vm: Vm) -> dict[str, int]:
    """It is the card, it carries data; returns what the device holds once the interface is down."""
    assert f"ixgbe {NIC_ADDRESS}: {MAC}" in "\n".join(message.text for message in vm.messages)
    vm.addresses("eth0")
    tcp(vm, 4 * MIB, (*WIRE, *GUEST))
    ping(vm)
    prompt(vm)
    vm.run("ip link set eth0 down")
    return vm.nic.footprint()


def test_plugged_into_a_running_guest(vm: Vm, record_property: Callable[[str, object], None]) -> None:
    """Once with the driver waiting, once with the card waiting for its driver; one device process."""
    assert vm.run(f"! {PRESENT}").code == 0
    vm.run("modprobe ixgbe")
    vm.plug()
    until(vm, "[ -e /sys/class/net/eth0 ]")
    held = works(vm)
    vm.stop_qemu()
    vm.messages.clear()
    vm.start_qemu(guest.qemu(), guest.kernel(vm.options.kernel))
    vm.plug()
    until(vm, PRESENT)
    vm.run("modprobe ixgbe")
    after = works(vm)
    figures = ", ".join(f"{name} {held[name]} → {after[name]}" for name in held)
    record_property(f"plugged into two guests, one after the other, {vm.options.kernel}", figures)
    assert (after["fds"], after["threads"]) == (held["fds"], held["threads"])
    assert abs(after["maps"] - held["maps"]) <= 16
    assert after["private_kib"] <= held["private_kib"] + SLACK_KIB
