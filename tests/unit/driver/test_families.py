# SPDX-License-Identifier: BSD-3-Clause
"""Which family a function belongs to, and what is said of those that have none."""

import errno

import pytest

from device.regs.pci import PCI_DEVICE_ID, PCI_VENDOR_ID
from driver import families
from driver.errors import DeviceGone, DriverError, ProbeError
from tests.rigs.memory_door import MemoryDoor

INTEL = 0x8086
DRIVEN = (0x10FB, 0x1507, 0x1529, 0x154D, 0x1557)


@pytest.mark.parametrize("device", DRIVEN)
def test_a_port_belongs_to_ixgbe(device: int) -> None:
    family = families.family_of(INTEL, device)
    assert family is not None
    assert family.name == "ixgbe"
    assert families.check_ids("nic", INTEL, device) is family


def test_a_virtual_function_belongs_to_ixgbevf() -> None:
    family = families.family_of(INTEL, 0x10ED)
    assert family is not None
    assert family.name == "ixgbevf"
    assert families.check_ids("nic", INTEL, 0x10ED) is family


def test_one_of_another_chip_belongs_to_ixgbe_and_is_refused() -> None:
    family = families.family_of(INTEL, 0x1515)
    assert family is not None
    assert family.name == "ixgbe"
    with pytest.raises(ProbeError, match=r"nic \(8086:1515, X540 VF\) should not be a VF") as caught:
        families.check_ids("nic", INTEL, 0x1515)
    assert caught.value.code == errno.EINVAL


@pytest.mark.parametrize(("vendor", "device"), [(0x1AF4, 0x10FB), (INTEL, 0x1593)])
def test_a_stranger_is_told_what_we_drive(vendor: int, device: int) -> None:
    assert families.family_of(vendor, device) is None
    known = ", ".join(f"8086:{ours:04x}" for ours in (*DRIVEN, 0x10ED))
    with pytest.raises(ProbeError) as caught:
        families.check_ids("nic", vendor, device)
    assert str(caught.value) == f"nic is {vendor:04x}:{device:04x}; this driver knows {known}"
    assert caught.value.code == errno.ENODEV


@pytest.mark.parametrize(("name", "port"), [("vfio-user:/tmp/nic.vf0", "vfio-user:/tmp/nic"), ("memory", "")])
def test_a_virtual_function_that_is_not_there(name: str, port: str) -> None:
    door = MemoryDoor(name)
    door.config_write(0, b"\xff" * 64)
    with pytest.raises(DeviceGone) as caught:
        families.probe(door)
    assert ("VFs are not enabled" in str(caught.value)) == bool(port)
    if port:
        assert str(caught.value).endswith(f"`python -m driver up {port} --vfs N` drives its physical function")


class CountingDoor(MemoryDoor):
    closed = 0

    def close(self) -> None:
        self.closed += 1
        super().close()


@pytest.mark.parametrize(("vendor", "error"), [(0x1AF4, ProbeError), (0xFFFF, DeviceGone)])
def test_a_door_that_leads_to_no_nic_is_closed(vendor: int, error: type[Exception]) -> None:
    door = CountingDoor()
    for register, value in ((PCI_VENDOR_ID, vendor), (PCI_DEVICE_ID, 0x1000)):
        door.config_write(register.offset(), value.to_bytes(2, "little"))
    with pytest.raises(error):
        families.probe(door)
    assert door.closed == 1


@pytest.mark.parametrize("mtu", [67, 9711, 0, -1])
def test_an_mtu_out_of_range_is_refused_with_the_range(mtu: int) -> None:
    with pytest.raises(DriverError, match=f"MTU {mtu} is out of range: the 82599 takes 68 to 9710"):
        families.check_mtu(mtu)


@pytest.mark.parametrize("mtu", [68, 1500, 9710])
def test_an_mtu_in_range_is_returned(mtu: int) -> None:
    assert families.check_mtu(mtu) == mtu
    assert mtu in families.MTUS


def test_registers_go_by_their_names() -> None:
    assert families.check_registers(("status", "Rdt")) == ("STATUS", "RDT")
    assert families.check_registers(("rdt[3]", "STATUS[0]", "vfrdt")) == ("RDT[3]", "STATUS", "VFRDT")
    assert families.check_registers(("0x1018",)) == ("RDT[0]", "VFRDT[0]"), "each NIC takes what it has there"
    with pytest.raises(DriverError, match=r"there is no RDT\[128\]: it has 128 of them"):
        families.check_registers(("RDT[128]",))
    with pytest.raises(DriverError, match="no register called NONSENSE, MORE; "):
        families.check_registers(("CTRL", "nonsense", "more"))
    with pytest.raises(DriverError, match="reading EICR, SWSM has an effect on the NIC"):
        families.check_registers(("EICR", "CTRL", "SWSM"))
