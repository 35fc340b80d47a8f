# SPDX-License-Identifier: BSD-3-Clause
"""What happens in a card's life: down and up, resets, cables, modules, sleep, reboots; the data and the device last."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from ci import guest
from ci.demo import WIRE4
from ci.say import CiError
from ci.vm import NIC_ADDRESS, Options, Vm
from tests.boot.judge import MIB, SLACK_KIB, Stream, allow_frames_left_behind, no_carrier, prompt, settle, tcp, until

FULL = "6.12"  # the kernel that gets the full counts; the other gets a fifth
SLACK_MAPS = 16  # memory that QEMU may have split in another way
NIC = f"/sys/bus/pci/devices/{NIC_ADDRESS}"
READ_IN_RESET = (
    r"Warning firmware error detected FWSM: 0x00000000",
    "6.1's ixgbe looks at its firmware while a reset has the BAR switched off; then QEMU answers 0",
)
DOWN_UP = "ip link set eth0 down && ip link set eth0 up"
AWAKE_TIMEOUT_S = 300.0
# Observed: stock ixgbe 6.12.117 that finds its link while it falls asleep wakes its queues, and on the way back sends
# on a ring without a tail: the guest panics in ixgbe_xmit_frame_ring.  So it has its link before it sleeps again.
LINK_AGAIN = 'until [ "$(cat /sys/class/net/eth0/carrier 2>/dev/null)" = 1 ]; do sleep 0.1; done; sleep 0.5'

Record = Callable[[str, object], None]


@pytest.fixture(scope="module", params=["6.12", "6.1"])
def vm(request: pytest.FixtureRequest, start: Callable[[Options], Vm]) -> Vm:
    # The older kernel has one CPU and no IOMMU, as many guests have: all memory is mapped at once, and for good.
    made = start(Options(kernel=request.param, smp=2 if request.param == FULL else 1, iommu=request.param == FULL))
    assert made.bind() == "eth0"
    return made


def lives(vm: Vm) -> None:
    """The interface comes back by itself, data goes both ways, and interrupts come when they should."""
    settle(vm)
    tcp(vm, 2 * MIB)
    prompt(vm)


def footprint(vm: Vm) -> dict[str, int]:
    """Look at what the device holds with the interface down: rings and buffers are the driver's, and given back."""
    vm.run("ip link set eth0 down")
    held = vm.nic.footprint()
    vm.run("ip link set eth0 up")
    settle(vm)
    return held


@contextmanager
def nothing_kept(vm: Vm, record: Record, what: str) -> Iterator[None]:
    """Hold the device to what it held before."""
    before = footprint(vm)
    began_s = time.monotonic()
    yield
    took_s = time.monotonic() - began_s
    after = footprint(vm)
    figures = ", ".join(f"{name} {before[name]} → {after[name]}" for name in before)
    record(f"{what} on {vm.options.kernel}", f"{figures}; {took_s:.0f} s")
    assert (after["fds"], after["threads"]) == (before["fds"], before["threads"])
    assert after["maps"] <= before["maps"] + SLACK_MAPS
    assert after["private_kib"] <= before["private_kib"] + SLACK_KIB


def again(vm: Vm, record: Record, what: str, count: int, command: str) -> None:
    """Run a command of the guest many times; a fifth of them warm the device up."""
    total = count if vm.options.kernel == FULL else count // 5
    warm = max(1, total // 5)

    def rounds(number: int) -> None:
        vm.run(f"for i in $(seq {number}); do {command} || exit 1; done", timeout_s=1200)

    rounds(warm)
    lives(vm)
    with nothing_kept(vm, record, f"{what} x{total - warm} after x{warm}"):
        rounds(total - warm)
        lives(vm)


@contextmanager
def traffic(vm: Vm, record: Record, what: str) -> Iterator[None]:
    """TCP and a flood of pings while something happens; the connection lives through it."""
    allow_frames_left_behind(vm)
    flood = vm.begin(f"exec ping -q -i 0.002 -s 1000 {WIRE4}", timeout_s=3600)
    with Stream(vm) as stream:
        yield
        settle(vm)
        flood.kill(2)
        flood.wait(60)
        stream.end()
    record(f"TCP through {what} on {vm.options.kernel}", f"{stream.total_bytes} bytes, SHA-256 equal")


def test_a_lost_interrupt_is_seen(vm: Vm) -> None:
    """The judge of idle pings is judged: with MSI-X masked most of the time it must complain."""
    masked = f"setpci -s {NIC_ADDRESS} CAP_MSIX+2.w=4000:4000; sleep 1.7"
    open_again = f"setpci -s {NIC_ADDRESS} CAP_MSIX+2.w=0:4000"
    job = vm.begin(f"while :; do {masked}; {open_again}; sleep 0.1; done")
    with pytest.raises(AssertionError, match="a lost interrupt"):
        prompt(vm)
    job.kill()
    job.wait()
    vm.run(open_again)
    lives(vm)


def test_interface_down_and_up(vm: Vm, record_property: Record) -> None:
    """Two of three times something passes in between; the third time it is taken down while it comes up."""
    wait = f"[ $((i % 3)) = 0 ] || until ping -q -c 1 -W 1 {WIRE4} >/dev/null; do sleep 0.05; done"
    with traffic(vm, record_property, "down and up"):
        again(vm, record_property, "down and up", 50, f"{{ {DOWN_UP}; {wait}; }}")


def test_module_gone_and_back(vm: Vm, record_property: Record) -> None:
    again(vm, record_property, "rmmod and modprobe", 20, "rmmod ixgbe && modprobe ixgbe")


def test_unbound_and_bound(vm: Vm, record_property: Record) -> None:
    folder = "/sys/bus/pci/drivers/ixgbe"
    command = f"echo {NIC_ADDRESS} > {folder}/unbind && echo {NIC_ADDRESS} > {folder}/bind"
    again(vm, record_property, "unbind and bind", 20, command)


def test_cable_pulled_and_put_back(vm: Vm, record_property: Record) -> None:
    with nothing_kept(vm, record_property, "cable"), traffic(vm, record_property, "a pulled cable"):
        for _ in range(2):
            vm.ask_nic(carrier=False)
            no_carrier(vm)
            vm.ask_nic(carrier=True)
            settle(vm)
    lives(vm)


def test_module_pulled_and_another_put_in(vm: Vm, record_property: Record) -> None:
    with nothing_kept(vm, record_property, "SFP+ modules"):
        for kind, text in (("lr", "10G Base-LR"), ("da", "Passive Cable"), ("sr", "10G Base-SR")):
            vm.ask_nic(sfp="none")
            no_carrier(vm)
            with pytest.raises(CiError, match="Input/output error"):
                vm.run("ethtool -m eth0")
            vm.ask_nic(sfp=kind)
            settle(vm)
            until(vm, "ethtool -m eth0 >/tmp/module")  # busy while ixgbe sets a new module up
            assert text in vm.run("cat /tmp/module").out
            lives(vm)


def resets(vm: Vm, kind: str) -> int:
    """Return how often the function was reset: ``flrs`` (leaving D3hot is one) or ``pci_resets`` of any kind."""
    report = vm.ask_nic(report=True)["report"]
    assert isinstance(report, dict)
    return int({**report["socket"], **report["counters"]}[kind])


def test_function_level_reset(vm: Vm, record_property: Record) -> None:
    """Linux does not tell ixgbe of a reset through sysfs, so with any card it has to be started anew.

    Source: its pci_error_handlers have no reset_prepare and reset_done; a patch by Intel of July 2026, "ixgbe:
    Implement PCI reset handler", adds them "to avoid TX queue timeouts occurring after the PCI reset is performed via
    sysfs".
    """
    assert "flr" in vm.run(f"cat {NIC}/reset_method").out
    vm.expect(*READ_IN_RESET)
    before = resets(vm, "flrs")
    with nothing_kept(vm, record_property, "FLR"):
        for _ in range(2):
            with traffic(vm, record_property, "an FLR"):
                vm.run(f"echo 1 > {NIC}/reset; {DOWN_UP}")
            lives(vm)
    assert resets(vm, "flrs") == before + 2


@pytest.fixture
def without_9p(vm: Vm) -> None:
    """Take the checkout from memory: QEMU resets the device that it comes from, and Linux's 9p does not live on."""
    words = "cp -r /ixlab/ci /run/ixlab/ && mount --bind /run/ixlab /ixlab"
    vm.run(f"mountpoint -q /run/ixlab || {{ mkdir -p /run/ixlab && mount -t tmpfs own /run/ixlab && {words}; }}")


@pytest.mark.usefixtures("without_9p")
def test_d3hot_and_back(vm: Vm, record_property: Record) -> None:
    """The kernel's rehearsal of suspend, all but the firmware: the NIC goes to D3hot, and awakes with nothing kept."""
    vm.run("echo 0 > /sys/module/suspend/parameters/pm_test_delay; echo platform > /sys/power/pm_test")
    before = resets(vm, "flrs")
    with traffic(vm, record_property, "D3hot"):
        again(vm, record_property, "D3hot and back", 10, f"{{ echo mem > /sys/power/state; {LINK_AGAIN}; }}")
    vm.run("echo none > /sys/power/pm_test")
    assert resets(vm, "flrs") == before + (10 if vm.options.kernel == FULL else 2)


def sleep_and_wake(vm: Vm) -> None:
    """Suspend the guest to RAM, for real, and wake it if nothing else in the machine does."""

    def woken() -> int:
        return sum("Waking up from system sleep state S3" in message.text for message in vm.messages)

    before = woken()
    job = vm.begin("echo mem > /sys/power/state")
    end_s = time.monotonic() + AWAKE_TIMEOUT_S
    while not job.ended:
        assert time.monotonic() < end_s, vm.tails()
        if vm.qmp("query-status") == {"status": "suspended", "running": False}:
            vm.qmp("system_wakeup")
        time.sleep(0.1)
    assert job.wait().code == 0, job.out
    assert woken() == before + 1


@pytest.mark.usefixtures("without_9p")
def test_suspend_to_ram(vm: Vm, record_property: Record) -> None:
    """ACPI S3: the NIC goes to D3hot, QEMU resets the machine, the firmware wakes the kernel; TCP goes on."""
    before = resets(vm, "pci_resets")
    count = 3 if vm.options.kernel == FULL else 1
    with nothing_kept(vm, record_property, f"S3 x{count}"):
        for _ in range(count):
            with traffic(vm, record_property, "S3"):
                sleep_and_wake(vm)
            lives(vm)
    assert resets(vm, "pci_resets") >= before + count


def test_guest_reboots(vm: Vm, record_property: Record) -> None:
    boots = vm.boots
    count = 3 if vm.options.kernel == FULL else 1
    with nothing_kept(vm, record_property, f"reboot x{count}"):
        for _ in range(count):
            vm.ask({"id": 0, "run": "reboot -f"})
            vm.wait_boot()
            vm.bind()
            lives(vm)
    assert vm.boots == boots + count


def test_qemu_killed_and_started_again(vm: Vm, record_property: Record) -> None:
    with nothing_kept(vm, record_property, "QEMU killed"):
        flood = vm.begin(f"exec ping -q -i 0.002 -s 1000 {WIRE4}")
        flood.wait_for("PING")
        vm.stop_qemu(kill=True)
        vm.start_qemu(guest.qemu(), guest.kernel(vm.options.kernel))
        vm.bind()
        lives(vm)


FLOOD = f"""import socket, time
senders = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(16)]
for sender in senders: sender.setblocking(False)
while time.sleep(0.001) is None:
    for sender in senders:
        try: sender.sendto(bytes(1000), ("{WIRE4}", 9))
        except BlockingIOError: pass"""


def test_reset_that_the_driver_notices_itself(vm: Vm, record_property: Record) -> None:
    """With a reset function nothing is sent; once a queue has stood full for 5 s, Linux has ixgbe start anew.

    The last test: what it provokes is a fault anywhere else.
    """
    assert vm.complaints() == []
    for pattern in (
        "NETDEV WATCHDOG",
        r"WARNING: .* dev_watchdog\+",
        "initiating reset due to tx timeout",
        "Reset adapter",
    ):
        vm.expect(pattern, "provoked by a reset that ixgbe is not told of")
    vm.expect(*READ_IN_RESET)
    began_s = time.monotonic()
    flood = vm.begin(f"exec python3 -c '{FLOOD}'")
    until(vm, "[ $(cat /sys/class/net/eth0/statistics/tx_packets) -gt 1000 ]")
    vm.run(f"echo 1 > {NIC}/reset")
    until(vm, "ethtool -S eth0 | grep -q 'tx_timeout_count: [1-9]'")
    flood.kill()
    flood.wait(60)
    lives(vm)
    record_property(f"FLR noticed by itself on {vm.options.kernel}", f"{time.monotonic() - began_s:.0f} s")
