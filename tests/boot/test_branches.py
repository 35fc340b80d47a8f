# SPDX-License-Identifier: BSD-3-Clause
"""The branches of ``ixgbe_probe`` in front of the stock driver: it says what docs/branches.md says that it does."""

import re
from collections.abc import Callable

import pytest

from ci.vm import NIC_ADDRESS, Options, Vm
from tests.rigs.branches import NOT_RUN, Scenario
from tests.rigs.branches_probe import PROBE

PROVOKED = "the fault is what this test is about"
INTERFACE = f"/sys/bus/pci/devices/{NIC_ADDRESS}/net"
MODPROBE_S = 300
SEEN = [scenario for scenario in PROBE if scenario.ran != NOT_RUN]


@pytest.fixture(scope="module")
def vm(start: Callable[[Options], Vm]) -> Vm:
    made = start(Options())
    made.expect(r"ixgbe", PROVOKED)
    return made


def probed(vm: Vm, scenario: Scenario) -> tuple[str, bool]:
    """What stock ixgbe says of a card that is broken so, and whether it takes it; it is whole again afterwards."""
    for fault in scenario.faults:
        vm.ask_nic(fault=fault)
    before = len(vm.messages)
    try:
        vm.run("modprobe ixgbe", timeout_s=MODPROBE_S)
        taken = vm.run(f"[ -e {INTERFACE} ]", check=False).code == 0
        said = "\n".join(message.text for message in vm.messages[before:])
    finally:
        vm.ask_nic(fault={"end": "all"})
        vm.run("modprobe -r ixgbe", timeout_s=MODPROBE_S)
    return said, taken


@pytest.mark.parametrize("scenario", SEEN, ids=lambda scenario: scenario.name)
def test_stock_ixgbe_says_what_the_page_says(vm: Vm, scenario: Scenario) -> None:
    said, taken = probed(vm, scenario)
    for pattern in scenario.stock_patterns:
        assert re.search(pattern, said), said
    assert taken is not scenario.stock_fails
