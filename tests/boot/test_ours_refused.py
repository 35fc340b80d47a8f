# SPDX-License-Identifier: BSD-3-Clause
"""What our driver says in a guest that is not ready for it, and that doing what it says is enough."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from ci.vm import NIC_ADDRESS, OUR_INTERFACE, VFIO_BIND, Options, Vm
from driver.exits import Exit
from tests.boot.judge import ping

SYSFS = f"/sys/bus/pci/devices/{NIC_ADDRESS}"
STRANGER = "0000:00:1c.0"  # qemu/machine's random number generator
KNOWN = "this driver knows 8086:10fb"


@pytest.fixture(scope="module")
def vm(start: Callable[[Options], Vm]) -> Vm:
    """Nothing is loaded, nobody drives the NIC."""
    return start(Options(driver="none", smp=1))


def refused(vm: Vm, words: str = f"up {NIC_ADDRESS}", code: int = Exit.MISSING) -> str:
    """The driver ends by itself and says why, in one line; which is returned."""
    result = vm.run(f"python3 -m driver {words}", timeout_s=300, check=False)
    assert result.code == code, result.out
    assert "Traceback" not in result.out
    (line,) = re.findall(r"^driver: (.*)$", result.out, re.MULTILINE)
    assert result.out.rstrip().endswith(line)
    return str(line)


@contextmanager
def running(vm: Vm) -> Iterator[None]:
    """Our driver runs meanwhile, and ends well."""
    vm.up()
    assert vm.driver is not None
    try:
        yield
    finally:
        vm.driver.kill()
    assert vm.driver.wait(120).code == 0


def test_nothing_is_loaded_and_each_message_says_what_to_do(vm: Vm) -> None:
    """From a fresh boot to a ping, by doing what is said and nothing else."""
    said = refused(vm)
    assert said.startswith(f"{NIC_ADDRESS}: no driver has it, not vfio-pci; do: modprobe vfio-pci; echo vfio-pci > ")
    vm.run(said.partition("; do: ")[2])
    said = refused(vm).removesuffix(" (at register_netdev ENOENT)")
    assert said == "/dev/net/tun: No such file or directory; a netdev needs it: be root, and `modprobe tun`"
    vm.run(re.findall(r"`(.*)`", said)[0])
    with running(vm):
        vm.addresses(OUR_INTERFACE)
        ping(vm, count=10)


def test_no_iommu_driver(vm: Vm) -> None:
    vm.run(f"{VFIO_BIND}\nrmmod vfio_iommu_type1")
    said = refused(vm)
    assert said == f"{NIC_ADDRESS}: VFIO has no type 1 IOMMU driver; do: modprobe vfio_iommu_type1"
    vm.run(said.partition("; do: ")[2])
    vm.run(f"python3 -m driver probe {NIC_ADDRESS}")


def test_it_runs_already(vm: Vm) -> None:
    """Whichever way the address is spelled; and the first one goes on."""
    vm.run(VFIO_BIND)
    with running(vm):
        vm.addresses(OUR_INTERFACE)
        for address in (NIC_ADDRESS, NIC_ADDRESS.removeprefix("0000:")):
            said = refused(vm, f"up {address} --netdev other", Exit.IN_USE)
            assert re.match(rf"{address} is in use by pid \d+ \(.*driver up .*\), since .*; end that first$", said)
        ping(vm, count=10)


def test_another_program_holds_the_group(vm: Vm) -> None:
    vm.run(VFIO_BIND)
    group = vm.run(f"basename $(readlink {SYSFS}/iommu_group)").out.strip()
    holder = vm.begin(f"exec 9<>/dev/vfio/{group} && echo held && exec sleep 3600")
    holder.wait_for("held", 60)
    said = refused(vm, code=Exit.IN_USE)
    found = re.fullmatch(rf"{NIC_ADDRESS}: group {group} is in use by pid (\d+) \(sleep 3600\); end that first", said)
    assert found, said
    vm.run(f"kill {found[1]}")
    holder.wait(60)
    vm.run(f"python3 -m driver probe {NIC_ADDRESS}")


def test_the_stock_driver_has_it(vm: Vm) -> None:
    vm.run(f"echo > {SYSFS}/driver_override; echo {NIC_ADDRESS} > {SYSFS}/driver/unbind; modprobe ixgbe")
    vm.run(f"[ -e {SYSFS}/driver ] || echo {NIC_ADDRESS} > /sys/bus/pci/drivers_probe")
    vm.addresses("eth0")
    ping(vm, count=10)
    said = refused(vm)
    assert said.startswith(f"{NIC_ADDRESS}: the driver ixgbe has it, not vfio-pci; do: echo vfio-pci > ")
    assert f"echo {NIC_ADDRESS} > {SYSFS}/driver/unbind; " in said
    ping(vm, count=10)
    vm.run(said.partition("; do: ")[2])
    with running(vm):
        vm.addresses(OUR_INTERFACE)
        ping(vm, count=10)


def test_not_a_nic_of_ours(vm: Vm) -> None:
    """Whoever has it: nobody is told how to take it away from its driver."""
    vm.run("modprobe vfio-pci")
    assert refused(vm, f"up {STRANGER}", Exit.NO_NIC).startswith(f"{STRANGER} is 1af4:1005; {KNOWN}")
    assert vm.run(f"readlink {SYSFS.replace(NIC_ADDRESS, STRANGER)}/driver").out.strip().endswith("/virtio-pci")
    vm.run(VFIO_BIND.replace(NIC_ADDRESS, STRANGER))
    assert refused(vm, f"stats {STRANGER}", Exit.NO_NIC).startswith(f"{STRANGER} is 1af4:1005; {KNOWN}")


def test_no_such_address(vm: Vm) -> None:
    said = refused(vm, "up 0000:77:00.0", Exit.NO_NIC)
    assert said == "0000:77:00.0: no such PCI function; `lspci -D` lists what there is"


@pytest.mark.parametrize(
    "options",
    [Options(driver="none", iommu=False), Options(driver="none", append="intel_iommu=off")],
    ids=["QEMU", "kernel"],
)
def test_no_viommu(start: Callable[[Options], Vm], options: Options) -> None:
    """After an attempt to bind vfio-pci, too, which the kernel refuses with EINVAL."""
    vm = start(options)
    vm.expect(r"vfio-pci \S+: probe .*failed with error -22$", "VFIO takes nothing that no IOMMU stands before")
    assert vm.run(f"{{ {VFIO_BIND}; }} 2>/dev/null", check=False).code != 0
    assert "error -22" in vm.run("dmesg | tail -3").out
    assert refused(vm) == (
        f"{NIC_ADDRESS}: no iommu_group: boot with intel_iommu=on (or amd_iommu=on); "
        "in QEMU also add -device intel-iommu,caching-mode=on,intremap=on before the device"
    )
    vm.stop_qemu()
