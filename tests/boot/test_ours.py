# SPDX-License-Identifier: BSD-3-Clause
"""Our driver in the guest, through vfio-pci and the vIOMMU: the same code as without a VM."""

from collections.abc import Callable

import pytest

from ci.vm import NIC_ADDRESS, Options, Vm
from tests.boot.judge import GUEST, MIB, WIRE, ping, tcp


@pytest.fixture(scope="module")
def vm(start: Callable[[Options], Vm]) -> Vm:
    made = start(Options(driver="ours"))
    assert made.bind() == "ix0"
    return made


def test_ping(vm: Vm) -> None:
    ping(vm)
    ping(vm, size=1472)


def test_tcp_both_ways(vm: Vm) -> None:
    tcp(vm, 16 * MIB, (*WIRE, *GUEST))


def test_figures_of_a_running_driver(vm: Vm) -> None:
    assert "rx_packets" in vm.run(f"python3 -m driver stats {NIC_ADDRESS}").out


def test_clean_end_then_killed_then_started_again(vm: Vm) -> None:
    assert vm.driver is not None
    vm.driver.kill()
    assert vm.driver.wait(120).code == 0
    vm.bind()
    assert vm.driver is not None
    vm.driver.kill(9)
    assert vm.driver.wait(120).code == -9
    vm.bind()
    ping(vm)
    tcp(vm, 4 * MIB)


def test_stock_driver_takes_it_again(vm: Vm) -> None:
    assert vm.driver is not None
    vm.driver.kill()
    assert vm.driver.wait(120).code == 0
    folder = f"/sys/bus/pci/devices/{NIC_ADDRESS}"
    vm.run(f"echo > {folder}/driver_override; echo {NIC_ADDRESS} > {folder}/driver/unbind")
    vm.bind("ixgbe")
    ping(vm)
    tcp(vm, 4 * MIB)
