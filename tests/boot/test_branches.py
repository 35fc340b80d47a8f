# SPDX-License-Identifier: BSD-3-Clause
"""The branches of ``ixgbe_probe`` in front of the stock driver: it says what docs/branches.md says that it does."""

import re
import time
from collections.abc import Callable

import pytest

from ci.demo import WIRE4
from ci.vm import NIC_ADDRESS, NicOptions, Options, Vm
from tests.boot.judge import eventually, ping
from tests.rigs.branches import NOT_RUN, Scenario, patterns
from tests.rigs.branches_live import LIVE, Live
from tests.rigs.branches_probe import PROBE

PROVOKED = "the fault is what this test is about"
INTERFACE = f"/sys/bus/pci/devices/{NIC_ADDRESS}/net"
MODPROBE_S = 300
QUIET_S = 2.0
SEEN = [scenario for scenario in PROBE if scenario.ran != NOT_RUN]
# What counts for the next client, or is what the kernel looks at once: a guest of its own for each.
ONCE = re.compile(r"no-(msix|msi|irq)|few-msix|subsystem")
FROM_START = [scenario for scenario in SEEN if ONCE.match(scenario.name)]


@pytest.fixture(scope="module")
def vm(start: Callable[[Options], Vm]) -> Vm:
    made = start(Options())
    made.expect(r"ixgbe", PROVOKED)
    made.expect(r" W device\.machine\.told: rx\[\d+\] has \d+ descriptors and waits", "it left the bus as it was")
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


@pytest.mark.parametrize("scenario", FROM_START, ids=lambda scenario: scenario.name)
def test_of_a_card_that_is_so_from_the_start(scenario: Scenario) -> None:
    more = [word for fault in scenario.faults for word in ("--fault", fault)]
    with Vm(Options(nics=(NicOptions(more=tuple(more)),), from_state=True)) as vm:
        vm.start()
        out = vm.run("modprobe ixgbe && ethtool eth0; ip link set eth0 up", timeout_s=MODPROBE_S, check=False).out
        said = "\n".join((out, *(message.text for message in vm.messages)))
    for pattern in patterns(scenario.stock):
        assert re.search(pattern, said), said


@pytest.mark.parametrize(
    "scenario", [scenario for scenario in SEEN if scenario not in FROM_START], ids=lambda scenario: scenario.name
)
def test_stock_ixgbe_says_what_the_page_says(vm: Vm, scenario: Scenario) -> None:
    said, taken = probed(vm, scenario)
    for pattern in patterns(scenario.stock):
        assert re.search(pattern, said), said
    assert taken is not scenario.stock_fails


# A DMA access that fails may as well be one of a receive queue, of which nobody says anything.
@pytest.mark.parametrize("live", [live for live in LIVE if live.fault != "dma-fault"], ids=lambda live: live.fault)
def test_a_port_that_runs_recovers(vm: Vm, live: Live) -> None:
    vm.bind()
    ping(vm)
    before = len(vm.messages)
    vm.ask_nic(fault=live.fault)
    pings = vm.begin(f"ping -i 0.5 {WIRE4}", timeout_s=MODPROBE_S)  # something to send, and to be told of

    def said() -> str:
        return "\n".join(message.text for message in vm.messages[before:])

    wanted = patterns(live.stock) if live.stock else []
    eventually(lambda: all(re.search(pattern, said()) for pattern in wanted), f"it says {wanted}")
    if not wanted:
        time.sleep(QUIET_S)
    vm.ask_nic(fault={"end": "all"})
    pings.kill()
    pings.wait()
    if live.fault.startswith("bus-all-ones"):
        vm.run("modprobe -r ixgbe", timeout_s=MODPROBE_S)
        vm.bind()
    ping(vm)
    vm.run("modprobe -r ixgbe", timeout_s=MODPROBE_S)
