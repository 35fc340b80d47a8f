# SPDX-License-Identifier: BSD-3-Clause
"""A guest that programs the card as nobody should: the device bears it, and after a reset the stock driver works.

What is done in the guest is in ``tests/boot/abuse.py``.
"""

import contextlib
import json
import random
import re
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from ci import guest
from ci.vm import NIC_ADDRESS, Options, Vm
from tests.boot.judge import MIB, ping, tcp

FOLDER = f"/sys/bus/pci/devices/{NIC_ADDRESS}"
SETPCI = f"setpci -s {NIC_ADDRESS}"
QEMU_TIMEOUT_S = 120
PROVOKED = (
    (
        r" W device\.machine\.(told: |(regfile|stall): (more lines|\d+ more lines|[RT]x queue \d+ stands still))",
        "queues were set up wrongly",
    ),
    (r"^DMAR: (DRHD: handling fault status|\[DMA |\[INTR-REMAP\])", "DMA and interrupts that nobody allowed"),
    (
        r"ixgbe .*([Ee]rror|removed|[Hh]ang|time|NETDEV WATCHDOG|Reset adapter|not )",
        "registers read as 0, doorbells lost",
    ),
    (r"^qemu-system-x86_64: (vtd_|New fault is not recorded)", "QEMU's vIOMMU says the same"),
)


@pytest.fixture(scope="module")
def vm(start: Callable[[Options], Vm]) -> Vm:
    # Else the kernel lets nobody map a BAR that has a driver.
    made = start(Options(append="iomem=relaxed", smp=1))
    for pattern, reason in PROVOKED:
        made.expect(pattern, reason)
    assert made.bind() == "eth0"
    return made


def abuse(vm: Vm, what: str, number: int = 0) -> dict[str, object]:
    out = vm.run(f"python3 -m tests.boot.abuse {what} {number}", timeout_s=300).out
    seen = json.loads(out.splitlines()[-1])
    assert isinstance(seen, dict)
    return seen


@contextlib.contextmanager
def bears(vm: Vm) -> Iterator[None]:
    """Without a driver; afterwards the stock one works, and the device holds no more than before."""
    before = vm.nic.footprint()
    vm.run(f"echo {NIC_ADDRESS} > {FOLDER}/driver/unbind")
    yield
    works_again(vm, before)


def works_again(vm: Vm, before: dict[str, int]) -> None:
    vm.run(f"echo 1 > {FOLDER}/reset; echo {NIC_ADDRESS} > /sys/bus/pci/drivers/ixgbe/bind")
    vm.bind()
    ping(vm)
    tcp(vm, MIB)
    after = vm.nic.footprint()
    assert after["fds"] <= before["fds"] + 2
    assert after["threads"] == before["threads"]
    report = vm.ask_nic(report=True)["report"]
    assert isinstance(report, dict)
    assert report["counters"]["handler_errors"] == 0


def seed() -> int:
    made = random.SystemRandom().randrange(1 << 32)
    print(f"seed {made}")
    return made


@pytest.mark.parametrize("turn", range(2))
def test_garbage_at_every_offset_of_bar0(vm: Vm, turn: int) -> None:
    """The NVM is checked word by word: a random EEWR writes to it, on a real card too, and that is put right."""
    with bears(vm):
        seen = abuse(vm, "garbage", seed() + turn)
        assert seen["nvm_wrong"] == []
        assert int(str(seen["written"])) > 2 * 32768


def test_nonsense_in_the_msix_table(vm: Vm) -> None:
    with bears(vm):
        seen = abuse(vm, "vectors", seed())
        assert seen["entry"] == [0, 0, 0, 1]


def test_io_bar_and_what_is_not_there(vm: Vm) -> None:
    with bears(vm):
        seen = abuse(vm, "small_bars", seed())
    assert (seen["rom"], seen["rom_bar"]) == (False, 0), "the card has no expansion ROM"
    status = seen["status"]
    assert isinstance(status, list)
    assert status[0] == status[1] != 0
    assert status[2] == 0x8
    assert seen["storage"] == [0x12345678] * 2
    assert seen["untouched"] == 0x12345678
    assert seen["behind_table"] == seen["behind_csr"] == [0]


def wire_frames(vm: Vm) -> int:
    report = vm.ask_nic(report=True)["report"]
    assert isinstance(report, dict)
    return int(report["port"]["tx_frames"])


@pytest.mark.parametrize(
    ("do", "undo", "silent"),
    [
        pytest.param("CAP_MSIX+2.w=0:8000", "CAP_MSIX+2.w=8000:8000", False, id="MSI-X off"),
        pytest.param("CAP_MSIX+2.w=4000:4000", "CAP_MSIX+2.w=0:4000", False, id="function mask"),
        pytest.param("BASE_ADDRESS_0=d0000000", f"BASE_ADDRESS_0=$({SETPCI} BASE_ADDRESS_0)", True, id="BAR moved"),
        pytest.param("COMMAND=0:2", "COMMAND=2:2", True, id="memory off"),
        pytest.param("COMMAND=0:4", "COMMAND=4:4", True, id="bus master off"),
    ],
)
def test_configuration_space_under_traffic(vm: Vm, do: str, undo: str, silent: bool) -> None:
    before = vm.nic.footprint()
    flood = vm.begin("exec ping -q -i 0.002 -s 1000 192.0.2.1")
    switch = f"{SETPCI} {do}; {SETPCI} $back"
    vm.run(f'back="{undo}"; echo "$back" >/tmp/back; for i in $(seq 10); do {switch}; done; {SETPCI} {do}')
    time.sleep(0.5)
    frames = wire_frames(vm)
    time.sleep(2)  # long enough for the driver's watchdog to look
    assert not silent or wire_frames(vm) == frames, "no doorbell or no DMA, so no frame"
    vm.run(f"{SETPCI} $(cat /tmp/back)")
    flood.kill(2)
    flood.wait(60)
    vm.run(f"echo {NIC_ADDRESS} > {FOLDER}/driver/unbind", timeout_s=120)
    works_again(vm, before)


def test_a_second_qemu_on_the_same_socket(vm: Vm) -> None:
    """It is told at once that the NIC is taken, and the first guest does not notice."""
    arguments = {**vm.nic.arguments(), "bus": "pcie.0"}
    words = [*guest.qemu().command, "-M", "q35,memory-backend=m", "-m", "64M", "-nodefaults", "-display", "none"]
    words += ["-object", "memory-backend-memfd,id=m,size=64M,share=on", "-device", json.dumps(arguments)]
    job = vm.begin("exec ping -q -i 0.01 -w 120 -c 500 192.0.2.1")
    for _ in range(3):
        done = subprocess.run(words, capture_output=True, text=True, timeout=QEMU_TIMEOUT_S, check=False)
        assert done.returncode != 0
        assert "Device or resource busy" in done.stderr, done.stderr
    out = job.wait(150).out
    assert " 0% packet loss" in out, out
    tcp(vm, MIB)
    said = re.findall(r"W device\.serve\.doorman: .* was turned away \(EBUSY\)", vm.nic.log())
    assert len(said) == 3
    vm.expect(r" W device\.serve\.doorman: ", "what this test is about")
