# SPDX-License-Identifier: BSD-3-Clause
"""Broken cards in front of the stock driver: it says what is wrong, and takes the card once that has ended."""

from collections.abc import Callable

import pytest

from ci.vm import NIC_ADDRESS, NicOptions, Options, Vm
from tests.boot.judge import ping

BROKEN_WORD = "nvm=0x15:0xBAD"
FOREIGN = "module=0:0x0D"  # a QSFP+ identifier, where an SFP+ module says 3
PROVOKED = "the fault is what this test is about"


@pytest.fixture(scope="module")
def vm(start: Callable[[Options], Vm]) -> Vm:
    return start(Options(nics=(NicOptions(more=("--fault", BROKEN_WORD)),)))


def told(vm: Vm) -> str:
    return "\n".join(message.text for message in vm.messages)


def test_a_wrong_word_and_a_foreign_module_are_refused_until_they_end(vm: Vm) -> None:
    """One guest, one card: broken in two ways one after the other, and whole in the end."""
    said = (
        (r"ixgbe .*The EEPROM Checksum Is Not Valid", "The EEPROM Checksum Is Not Valid"),
        (r"ixgbe .*(unsupported SFP\+|Reload the driver)", "an unsupported SFP+ or QSFP module type was detected"),
    )
    for pattern, _ in (*said, (rf"ixgbe .*{NIC_ADDRESS}: probe with driver ixgbe failed|ixgbe: probe of", "")):
        vm.expect(pattern, PROVOKED)
    interface = f"[ -e /sys/bus/pci/devices/{NIC_ADDRESS}/net ]"
    vm.run("modprobe ixgbe")
    assert said[0][1] in told(vm)
    assert vm.run(interface, check=False).code == 1
    vm.ask_nic(fault={"end": "nvm"})
    vm.ask_nic(fault=FOREIGN)
    vm.run("modprobe -r ixgbe; modprobe ixgbe")
    assert said[1][1] in told(vm)
    assert vm.run(interface, check=False).code == 1
    vm.ask_nic(fault={"end": "all"})
    vm.run("modprobe -r ixgbe")
    vm.bind()
    ping(vm)
