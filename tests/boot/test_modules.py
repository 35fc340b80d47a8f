# SPDX-License-Identifier: BSD-3-Clause
"""Stock ixgbe with every kind of module, as `ethtool` sees them; and VPD and expansion ROM as `lspci` and sysfs do."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ci.say import CiError
from ci.vm import NIC_ADDRESS, NicOptions, Options, Vm
from device.i82599.sfp.kinds import make
from tests.boot.judge import no_carrier, ping, settle, until
from tests.rigs.rom import image

NIC = f"/sys/bus/pci/devices/{NIC_ADDRESS}"
ROM = image(100)
# kind, what `ethtool eth0` and `ethtool -m eth0` say of it
DRIVEN = [
    ("sx", "1000Mb/s", "Ethernet: 1000BASE-SX"),
    ("lx", "1000Mb/s", "Ethernet: 1000BASE-LX"),
    ("t", "1000Mb/s", "Ethernet: 1000BASE-T"),
    ("bx10", "1000Mb/s", "Ethernet: BASE-BX10"),
    ("da-active", "10000Mb/s", "Active Cable"),
    ("sr-dual", "10000Mb/s", ": 0x10 0x00 0x00 0x01 "),  # newer ethtools name one kind only
    ("da", "10000Mb/s", "Passive Cable"),
]
REFUSED = ["foreign", "lrm", "10g-t", "qsfp"]


@pytest.fixture(scope="module")
def vm(start: Callable[[Options], Vm]) -> Iterator[Vm]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "card.rom"
        path.write_bytes(ROM)
        made = start(Options(kernel="6.12", nics=(NicOptions(more=("--rom", str(path))),)))
        assert made.bind() == "eth0"
        yield made


def plug(vm: Vm, kind: str) -> None:
    vm.ask_nic(sfp="none")
    no_carrier(vm)
    vm.ask_nic(sfp=kind)
    settle(vm)
    until(vm, "ethtool -m eth0 >/tmp/module")  # busy while ixgbe sets a new module up


@pytest.mark.parametrize(("kind", "speed", "text"), DRIVEN)
def test_its_speed_and_its_name(vm: Vm, kind: str, speed: str, text: str) -> None:
    plug(vm, kind)
    assert f"Speed: {speed}" in vm.run("ethtool eth0").out
    assert text in vm.run("cat /tmp/module").out
    ping(vm, count=20)


def test_a_dump_of_one_is_that_module(vm: Vm, tmp_path: Path) -> None:
    """What `ethtool -m … hex on` and `raw on` give is plugged again, and read again."""
    plug(vm, "bx10")
    for option in ("hex on", "raw on"):
        vm.run(f"ethtool -m eth0 {option} >/tmp/dump")
        told = bytes.fromhex(vm.run("od -An -v -tx1 /tmp/dump").out)
        dump = tmp_path / option.replace(" ", "-")
        dump.write_bytes(told)
        made, named = make(str(dump)), make("bx10")
        assert made is not None
        assert named is not None
        assert made.a0 == named.a0
        plug(vm, str(dump))
        assert "Ethernet: BASE-BX10" in vm.run("cat /tmp/module").out
        assert "Speed: 1000Mb/s" in vm.run("ethtool eth0").out


@pytest.mark.parametrize("kind", REFUSED)
def test_what_it_refuses_and_what_the_option_for_it_does(vm: Vm, kind: str) -> None:
    for words in ("unsupported SFP", "Reload the driver", "probe with driver ixgbe failed", "Using untested modules"):
        vm.expect(words, "a module that ixgbe does not drive")
    vm.run("rmmod ixgbe")
    vm.ask_nic(sfp=kind)
    try:
        vm.run("modprobe ixgbe; sleep 1; [ ! -e /sys/class/net/eth0 ]")
        vm.run("rmmod ixgbe; modprobe ixgbe allow_unsupported_sfp=1; sleep 1")
        taken = vm.run("[ -e /sys/class/net/eth0 ]", check=False).code == 0
        assert taken == (kind in {"foreign", "lrm"})
        if taken:
            settle(vm)
            assert "Speed: 10000Mb/s" in vm.run("ethtool eth0").out
    finally:
        vm.run("rmmod ixgbe")
        vm.ask_nic(sfp="sr")
        vm.run("modprobe ixgbe")
        settle(vm)


def test_one_that_falls_silent(vm: Vm) -> None:
    vm.ask_nic(fault="silent=40")
    with pytest.raises(CiError, match="Input/output error"):
        vm.run("ethtool -m eth0")
    vm.ask_nic(fault={"end": "silent"})
    until(vm, "ethtool -m eth0 >/tmp/module")
    assert "10G Base-SR" in vm.run("cat /tmp/module").out
    ping(vm, count=20)


def test_vpd_as_lspci_decodes_it(vm: Vm) -> None:
    out = vm.run(f"lspci -vvv -s {NIC_ADDRESS}").out
    at = 0
    for text in (
        "[e0] Vital Product Data",
        "Product Name: 82599ES 10-Gigabit SFI/SFP+",
        "[PN] Part number: IXLAB0-001",
        "[MN] Manufacture ID: ixlab",
        "[SN] Serial number: IXLAB000001",
        "[RV] Reserved: checksum good",
    ):
        assert text in out[at:], out
        at += out[at:].index(text)
    eeprom = bytes.fromhex(vm.run("ethtool -e eth0 raw on | od -An -v -tx1").out)
    vpd = bytes.fromhex(vm.run(f"od -An -v -tx1 {NIC}/vpd").out)
    assert vpd
    assert eeprom[2 * 0x180 :][: len(vpd)] == vpd


def test_the_expansion_rom_as_the_guest_reads_it(vm: Vm) -> None:
    assert "Expansion ROM at" in vm.run(f"lspci -v -s {NIC_ADDRESS}").out
    assert "[size=64K]" in vm.run(f"lspci -v -s {NIC_ADDRESS} | grep 'Expansion ROM'").out
    told = vm.run(f"echo 1 >{NIC}/rom && sha256sum <{NIC}/rom; echo 0 >{NIC}/rom").out
    assert told.split()[0] == hashlib.sha256(ROM).hexdigest()  # Linux stops behind the last image
