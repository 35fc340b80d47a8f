# SPDX-License-Identifier: BSD-3-Clause
"""Our driver in the guest, through vfio-pci and the vIOMMU: the same code as without a VM, from start to every end."""

import json
import re
import shlex
import sys
from collections.abc import Callable

import pytest

from ci.demo import HOST4, WIRE4, WIRE_IF
from ci.vm import MAC, NIC_ADDRESS, OUR_INTERFACE, VFIO_BIND, Options, Vm
from tests.boot.judge import GUEST, MIB, WIRE, ping, report, tcp

SYSFS = f"/sys/bus/pci/devices/{NIC_ADDRESS}"
CYCLES = 3
MODES = {"6.12": ("irq", "poll", "hybrid"), "6.1": ("poll",)}
# What a driver could leave behind: interfaces, claims and status sockets, huge pages, shared memory, our processes.
LEFT = (
    "ls /sys/class/net; find /run/ixlab /dev/shm -type f -o -type s 2>/dev/null; grep HugePages_ /proc/meminfo;"
    " pgrep -f 'driver u[p]'; true"
)

only_6_12 = pytest.mark.parametrize("vm", ["6.12"], indirect=True)


@pytest.fixture(scope="module", params=["6.12", "6.1"])
def vm(request: pytest.FixtureRequest, start: Callable[[Options], Vm]) -> Vm:
    return start(Options(driver="ours", kernel=request.param))


@pytest.fixture
def up(vm: Vm) -> Vm:
    """Two queues, interrupts; as it runs already, or started for the test."""
    if vm.driver is None or vm.driver.ended:
        run(vm)
    return vm


def run(vm: Vm, *options: str) -> None:
    """Start the driver, its own figures to be had from ``end``."""
    vm.run(f"[ $(basename $(readlink {SYSFS}/driver || echo none)) = vfio-pci ] || {{ {VFIO_BIND}; }}")
    vm.up("--json", "--queues", "2", *options)
    vm.addresses(OUR_INTERFACE)


def end(vm: Vm) -> dict[str, int]:
    """End the driver as a person would; returns the figures it ends with."""
    assert vm.driver is not None
    vm.driver.kill()
    result = vm.driver.wait(120)
    assert result.code == 0, result.out
    figures = json.loads(result.out.splitlines()[-1])
    assert isinstance(figures, dict)
    return figures


def nothing_runs(vm: Vm) -> None:
    """The function is as quiet as nobody had ever driven it, and whoever wants it may have it."""
    seen = report(vm)
    assert (seen["rings"], seen["socket"]["dma_regions"]) == ([], 0)
    config = vm.run(f"lspci -vv -s {NIC_ADDRESS}").out
    for text in ("BusMaster-", "MSI-X: Enable-", "Kernel driver in use: vfio-pci"):
        assert text in config
    vm.run(f"group=/dev/vfio/$(basename $(readlink {SYSFS}/iommu_group)) && exec 9<>$group")


def ask(vm: Vm, *commands: str) -> list[str]:
    """What our command line answers, in one process: under TCG it takes seconds to start one."""
    code = "import sys; from driver.__main__ import main\n"
    code += "for words in sys.argv[1:]: assert main(words.split()) == 0; print(flush=True, end=chr(0))"
    return vm.run(shlex.join(["python3", "-c", code, *commands])).out.split("\0")[:-1]


def connect(vm: Vm, times: int) -> None:
    """From as many ports of the wire to one of the guest where nobody listens: RSS takes them apart."""
    code = f"import socket\nfor n in range({times}):\n    s = socket.socket()\n    s.settimeout(30)\n"
    code += f"    assert s.connect_ex(({HOST4!r}, 9)) == 111\n    s.close()\n"
    vm.wire.run(sys.executable, "-c", code)


def test_ping(up: Vm) -> None:
    ping(up)
    ping(up, size=1472)
    ping(up, size=9000)


def test_tcp_both_ways(up: Vm) -> None:
    tcp(up, 16 * MIB, (*WIRE, *GUEST))


@only_6_12
def test_questions_to_a_running_driver(up: Vm) -> None:
    """Whichever way the address is spelled."""
    short = NIC_ADDRESS.removeprefix("0000:")
    link, module, figures, eeprom, registers = ask(
        up, f"link {short} --json", f"module {short} --json", f"stats {short}", f"eeprom {short}",
        f"regs {NIC_ADDRESS} RAL RAH",
    )  # fmt: skip
    assert json.loads(link) == {"up": True, "speed_mbps": 10000, "duplex": "full"}
    assert {"identifier": "SFP/SFP+", "type": "10GBASE-SR"}.items() <= json.loads(module).items()
    assert "rx_packets" in figures
    assert eeprom.startswith("0x0000:  ")
    (low,), (high,) = (re.findall(rf"{name}\[0\] +│ 0x(\w{{8}})", registers) for name in ("RAL", "RAH"))
    assert (int(low, 16).to_bytes(4, "little") + int(high, 16).to_bytes(4, "little")[:2]).hex(":") == MAC


@only_6_12
def test_jumbo_frames(up: Vm) -> None:
    up.run(f"ip link set {OUR_INTERFACE} mtu 9000")
    up.wire.run("ip", "link", "set", WIRE_IF, "mtu", "9000")
    try:
        up.addresses(OUR_INTERFACE)
        ping(up, size=8972)
        tcp(up, 8 * MIB, (*WIRE, *GUEST))
    finally:
        up.run(f"ip link set {OUR_INTERFACE} mtu 1500")
        up.wire.run("ip", "link", "set", WIRE_IF, "mtu", "1500")
        up.addresses(OUR_INTERFACE)
    ping(up)


@only_6_12
def test_cable_pulled_and_put_back(up: Vm) -> None:
    carrier = f"$(cat /sys/class/net/{OUR_INTERFACE}/carrier)"
    up.ask_nic(carrier=False)
    up.run(f"i=0; until [ {carrier} = 0 ]; do sleep 0.1; i=$((i+1)); [ $i -lt 600 ] || exit 1; done")
    up.ask_nic(carrier=True)
    up.addresses(OUR_INTERFACE)
    tcp(up, MIB)


def test_a_clean_end_in_every_mode(vm: Vm) -> None:
    if vm.driver is not None and not vm.driver.ended:
        end(vm)
    before = vm.run(LEFT).out
    for mode in MODES[vm.options.kernel]:
        run(vm, "--mode", mode, "--mtu", "1400")
        ping(vm)
        tcp(vm, 8 * MIB, (*WIRE, *GUEST))
        connect(vm, 64)
        figures = end(vm)
        interrupts = sum(figures[f"vector_{n}_irqs"] for n in range(2))
        assert (interrupts == 0) == (mode == "poll"), (mode, figures)
        assert figures["netdev_rx_bytes"] > 16 * MIB
        assert figures["netdev_tx_bytes"] > 16 * MIB
        for queue in range(2):
            assert figures[f"rx_queue_{queue}_packets"] >= 8, figures
            assert figures[f"vector_{queue}_polls"] > 0
        for name in ("rx_dropped", "rx_csum_offload_errors", "rx_crc_errors", "tx_timeout_count"):
            assert (name, figures[name]) == (name, 0)
        assert vm.run(LEFT).out == before
        nothing_runs(vm)


def test_killed_under_traffic_and_started_again(up: Vm) -> None:
    flood = up.begin(f"ping -q -i 0.002 -s 1400 {WIRE4}")
    up.run("sleep 0.5")
    assert up.driver is not None
    up.driver.kill(9)
    assert up.driver.wait(120).code == -9
    flood.kill(9)
    flood.wait(60)
    assert OUR_INTERFACE not in up.run("ls /sys/class/net").out.split()
    nothing_runs(up)
    run(up)
    ping(up)
    tcp(up, 4 * MIB, (*WIRE, *GUEST))


@only_6_12
def test_again_and_again_and_nothing_grows(vm: Vm, record_property: Callable[[str, object], None]) -> None:
    if vm.driver is not None and not vm.driver.ended:
        end(vm)
    before, left = vm.nic.footprint(), vm.run(LEFT).out
    for _ in range(CYCLES):
        run(vm)
        tcp(vm, MIB)
        end(vm)
    after = vm.nic.footprint()
    assert vm.run(LEFT).out == left
    record_property(f"device, {CYCLES} drivers later", f"{before} before, {after} after")
    assert (after["fds"], after["threads"]) == (before["fds"], before["threads"])
    assert after["maps"] <= before["maps"] + 2
    assert after["private_kib"] <= before["private_kib"] + 1024
    assert vm.complaints() == []


def test_stock_driver_takes_it_again(up: Vm) -> None:
    end(up)
    up.run(f"echo > {SYSFS}/driver_override; echo {NIC_ADDRESS} > {SYSFS}/driver/unbind")
    up.bind("ixgbe")
    ping(up)
    tcp(up, 4 * MIB, (*WIRE, *GUEST))
    assert "The test result is PASS" in up.run("ethtool -t eth0 online", timeout_s=300).out
