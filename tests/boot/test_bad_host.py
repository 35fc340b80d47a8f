# SPDX-License-Identifier: BSD-3-Clause
"""Machines that are put together wrongly, and memory addresses that are none: said clearly, and nothing breaks."""

import contextlib
import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci import guest
from ci.demo import HOST4, WIRE4
from ci.say import CiError
from ci.vm import NicOptions, Options, Vm
from tests.boot.judge import MIB, ping, tcp

QUEUES_STOP = (
    r" W device\.machine\.(told: |(regfile|stall): (more lines|\d+ more lines|[RT]x queue \d+ stands still))",
    "queues cannot run",
)
OUTSIDE = 10  # addresses in tests/boot/abuse.py
WAIT_S = 60.0


@contextlib.contextmanager
def running(vm: Vm) -> Iterator[Vm]:
    with vm:
        vm.start()
        yield vm
        assert vm.complaints() == []


class WrongMemory(Vm):
    """A guest whose memory is not as the NIC needs it: without a file, or mapped privately by QEMU."""

    private = False

    def _machine(self) -> list[str]:
        words = super()._machine()
        if self.private:
            return [word.replace("share=on", "share=off") for word in words]
        at = next(n for n, word in enumerate(words) if word.startswith("memory-backend-memfd"))
        del words[at - 1 : at + 1]
        return [word.replace(",memory-backend=ram", "") for word in words]


class PrivateMemory(WrongMemory):
    private = True


@pytest.mark.parametrize(
    ("kind", "words", "iommu"),
    [(WrongMemory, "came without a file", False), (PrivateMemory, "the client maps privately", True)],
)
def test_memory_that_is_not_shared(kind: type[WrongMemory], words: str, iommu: bool) -> None:
    """The driver probes and gets no further; the device says why, and what to add to QEMU's options."""
    with running(kind(Options(iommu=iommu))) as vm:
        vm.expect(*QUEUES_STOP)
        vm.expect(rf" W device\.serve\.vfu: client memory .*{words}.*share=on", "what this test is about")
        vm.expect(r"ixgbe|NETDEV WATCHDOG|WARNING", "its rings lie in memory that the card cannot reach")
        vm.run(f"modprobe ixgbe; ip link set eth0 up; ip address add {HOST4}/24 dev eth0")
        vm.run(f"ping -c 2 -w 3 {WIRE4}", check=False)
        assert len(re.findall(words, vm.nic.log())) == 1
        assert counters(vm)["stalls"] > 0
        assert counters(vm)["handler_errors"] == 0
        if kind is WrongMemory:
            assert counters(vm)["dma_errors"] > 0


def test_a_kernel_without_ixgbe(tmp_path: Path) -> None:
    """It is refused before anything starts, unless nobody asks for ixgbe: then there is a guest as ever."""
    good = guest.kernel()
    (tmp_path / "boot").mkdir()
    (tmp_path / f"boot/vmlinuz-{good.release}").symlink_to(good.image)
    shutil.copytree(good.image.parent / "modules/usr", tmp_path / "usr")
    next((tmp_path / "usr/lib/modules").rglob("ixgbe.ko")).unlink()
    words = rf"\({re.escape(good.release)}\) has no module ixgbe: it needs CONFIG_IXGBE=m, or .*none"
    with pytest.raises(CiError, match=words), Vm(Options(kernel=str(tmp_path))) as refused:
        refused.start()
    options = Options(kernel=str(tmp_path), driver="none")
    try:
        with running(Vm(options)) as vm:
            assert vm.bind() == ""
            assert "8086:10fb" in vm.run("lspci -n").out
            assert vm.run("modprobe ixgbe", check=False).code == 1
    finally:
        shutil.rmtree(guest.kernel(options.kernel, driver="none").image.parent)


def counters(vm: Vm) -> dict[str, int]:
    report = vm.ask_nic(report=True)["report"]
    assert isinstance(report, dict)
    counted = report["counters"]
    assert isinstance(counted, dict)
    return counted


def test_dma_addresses_outside_memory() -> None:
    """Without a vIOMMU, so that an address is one of the guest's memory, or of nothing at all."""
    with running(Vm(Options(iommu=False))) as vm:
        vm.expect(*QUEUES_STOP)
        seen = json.loads(vm.run("python3 -m tests.boot.abuse rings").out)
        assert seen["moved"] == []
        counted = counters(vm)
        # One ring lies across the end of memory: it has a beginning.
        assert counted["stalls"] >= 2 * (seen["queues"] - 2)
        assert counted["dma_errors"] >= 2 * (OUTSIDE - 1)
        seen = json.loads(vm.run("python3 -m tests.boot.abuse buffers").out)
        assert seen["done"] == []
        assert counters(vm)["stalls"] == counted["stalls"] + seen["queues"]
        for number in (0, 1, 4, 9):
            stalls = counters(vm)["stalls"]
            job = vm.begin(f"python3 -m tests.boot.abuse receive {number}")
            job.wait_for("receiving")
            end_s = time.monotonic() + WAIT_S
            while counters(vm)["stalls"] == stalls and time.monotonic() < end_s:
                vm.wire.run("ping", "-q", "-c", "1", "-W", "0.1", HOST4, check=False)
            vm.run("touch /tmp/go")
            assert json.loads(job.wait().out.splitlines()[-1])["written_back"] == []
            assert counters(vm)["stalls"] > stalls, f"address {number}"
        assert vm.nic.log().count(" W ") < 100, "logged, but not without end"
        vm.bind()
        ping(vm)
        tcp(vm, MIB)


def test_a_register_slower_than_qemu_waits() -> None:
    """QEMU gives the device up for good; the device says which register it was and how long it took, and lives on.

    The guest lives on, too: all it reads from the card is ones.
    """
    options = Options(nics=(NicOptions(message_timeout_ms=5000),), iommu=False)
    with running(Vm(options)) as vm:
        vm.bind()
        vm.expect(
            r" W device\.machine\.regfile: reading EERD\[0\] took \d+\.\d s; .*x-msg-timeout", "what this test is about"
        )
        vm.expect(r"^qemu-system-x86_64: .*region0\+0x[0-9a-f]+, .*failed: Bad address", "QEMU has given up")
        vm.expect(r" W device\.serve\.vfu: failed to reply: ", "the late answer, at our end")
        vm.expect(r"^qemu-system-x86_64: .*timed out waiting for reply", "that is how")
        vm.expect(
            r"^qemu-system-x86_64: (unexpected reply|bad header size|Unable to write to socket)", "the late answer"
        )
        vm.expect(r"^qemu-system-x86_64: vfio_(container_dma_unmap|user_)", "nobody answers")
        vm.expect(r"ixgbe .*(Adapter removed|[Ee]rror|timed out|failed|hang)", "as if it had been pulled out")
        vm.ask_nic(slow={"register": "EERD", "s": 8})
        job = vm.begin("ethtool -e eth0 length 4")
        end_s = time.monotonic() + WAIT_S
        while not (job.ended and "reading EERD[0] took 8." in vm.nic.log()) and time.monotonic() < end_s:
            time.sleep(0.1)
        assert "reading EERD[0] took 8." in vm.nic.log()
        assert "ff ff ff ff" in job.out
        assert "region0+0x10014" in vm.log("qemu.log")
        assert vm.run("echo alive").out == "alive\n"
        vm.ask_nic(slow={"register": "EERD", "s": 0})
        vm.stop_qemu(kill=True)
        vm.start_qemu(guest.qemu(), guest.kernel(options.kernel))
        vm.bind()
        ping(vm)
        tcp(vm, MIB)
