# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci vm`` itself: what it returns, and what it says when it cannot."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from scapy.layers.inet import ICMP, IP
from scapy.utils import rdpcap

from ci import guest
from ci.demo import HOST4, WIRE4
from ci.say import ROOT, CiError, cache_dir
from ci.vm import MAC, NicOptions, Options, Vm
from ci.vm_step import captured
from device.i82599.card import Card
from device.machine.wire import NullPort
from device.trace import read
from tests.rigs.replay import replay


def step(*words: str, timeout_s: float = 900) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ci", "vm", *words], text=True, capture_output=True, timeout=timeout_s, check=False,
        stdin=subprocess.DEVNULL, cwd=ROOT, env=os.environ | {"IXLAB_READY": "1"},
    )  # fmt: skip


@pytest.fixture
def own_tmp(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder for one command and what it starts; at the end it must be empty."""
    with tempfile.TemporaryDirectory(prefix="ix-") as folder:  # short: UNIX sockets are made in it
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)
        assert list(Path(folder).iterdir()) == []


def terminal(*words: str) -> "pexpect.spawn[str]":
    """A command as a person's shell starts it: what runs in a script's background has inherited Ctrl-C as ignored."""

    def as_a_shell_does() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    return pexpect.spawn(
        sys.executable, list(words), timeout=600, encoding="utf-8", cwd=str(ROOT), preexec_fn=as_a_shell_does
    )


def echoes(pcap: Path) -> list[tuple[str, str, int]]:
    """The echo requests and replies of a capture: from, to, sequence number."""
    icmp = [packet for packet in rdpcap(str(pcap)) if ICMP in packet and packet[ICMP].type in {0, 8}]
    return [(packet[IP].src, packet[IP].dst, packet[ICMP].seq) for packet in icmp]


@pytest.mark.usefixtures("own_tmp")
def test_a_command_runs_and_nothing_is_left(tmp_path: Path) -> None:
    pcap = tmp_path / "wire.pcap"
    done = step("--capture", str(pcap), "--run", f"ping -c 3 -w 60 {WIRE4} >/dev/null && ethtool -i eth0; exit 7")
    assert done.returncode == 7, done.stderr
    assert "driver: ixgbe" in done.stdout
    there_and_back = [(HOST4, WIRE4), (WIRE4, HOST4)]
    assert echoes(pcap) == [(*way, seq) for seq in (1, 2, 3) for way in there_and_back]


@pytest.mark.parametrize(("name", "why"), [("no/wire.pcap", "No such file or directory"), ("", "Is a directory")])
def test_a_capture_that_cannot_be_written(tmp_path: Path, name: str, why: str) -> None:
    done = step("--capture", str(tmp_path / name), "--run", "true")
    assert done.returncode == 2
    assert f"--capture {tmp_path / name}: {why}" in done.stderr


def test_a_capture_that_does_not_start(tmp_path: Path) -> None:
    error = pytest.raises(CiError, match=r"--capture .*: .*No such device")  # there is no tap yet
    with Vm(Options()) as vm, error, captured(vm, tmp_path / "wire.pcap"):
        pytest.fail("tcpdump says that it is listening")


def test_a_shell_wants_a_terminal() -> None:
    done = step()
    assert done.returncode == 2
    assert "it wants a terminal" in done.stderr


def test_no_such_kernel() -> None:
    done = step("--kernel", "/no/such/vmlinuz", "--run", "true")
    assert done.returncode == 2
    assert "no such file or folder" in done.stderr


def test_a_device_that_does_not_start() -> None:
    with (
        pytest.raises(CiError, match="the device did not start"),
        Vm(Options(nics=(NicOptions(more=("--no-such-option",)),))) as made,
    ):
        made.start()


def deb(folder: Path, kernel: guest.Kernel) -> Path:
    """Pack a kernel of the cache as Debian packs one."""
    tree = folder / "tree"
    modules = kernel.initrd.parent / "modules"
    shutil.copytree(modules, tree, symlinks=True)
    (tree / "boot").mkdir()
    shutil.copy(kernel.image, tree / "boot" / f"vmlinuz-{kernel.release}")
    (tree / "DEBIAN").mkdir()
    fields = {"Package": "linux-image-own", "Version": "1", "Architecture": "amd64", "Maintainer": "nobody <n@o.body>"}
    text = "".join(f"{name}: {value}\n" for name, value in fields.items())
    (tree / "DEBIAN" / "control").write_text(f"{text}Description: a kernel of one's own\n")
    package = folder / "linux-image-own.deb"
    subprocess.run(["dpkg-deb", "-Zgzip", "-z1", "--build", tree, package], check=True, capture_output=True)
    return package


def test_every_option(tmp_path: Path) -> None:
    """A package for a kernel, and the rest of the options, each seen from inside the guest."""
    kernel = guest.kernel("6.1")
    before = set(cache_dir().glob("kernel-own-*"))
    words = ["--kernel", str(deb(tmp_path, kernel)), "--smp", "3", "--doorbells", "shared", "--interrupts", "msi"]
    words += ["--device-arg=--sfp", "--device-arg=lr", "--qemu-arg=-smbios", "--qemu-arg=type=1,serial=asked-for"]
    words += [
        "--run",
        "uname -r; nproc; ethtool -m eth0; grep eth0 /proc/interrupts; strings /sys/firmware/dmi/tables/DMI",
    ]
    try:
        done = step(*words)
    finally:
        for folder in set(cache_dir().glob("kernel-own-*")) - before:
            shutil.rmtree(folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == [kernel.release, "3"]
    for text in ("10G Base-LR", "PCI-MSI", "asked-for"):
        assert text in done.stdout


@pytest.mark.usefixtures("own_tmp")
@pytest.mark.parametrize("end", ["\x01x", "exit\n"], ids=["ctrl-a x", "exit"])
def test_a_shell_for_a_person(tmp_path: Path, end: str) -> None:
    pcap = tmp_path / "wire.pcap"
    words = ["-m", "ci", "vm", "--capture", str(pcap)]
    with terminal(*words) as shell:
        shell.expect("guest  eth0")
        shell.expect("Ctrl-A X ends it")
        shell.expect_exact("# ")
        shell.sendline(f"ping -c 2 {WIRE4}")
        shell.expect("2 received")
        shell.expect_exact("# ")
        shell.send(end)
        shell.expect(pexpect.EOF)
        shell.wait()
        assert shell.exitstatus == 0, shell.before
    assert len(echoes(pcap)) == 4


@pytest.mark.usefixtures("own_tmp")
@pytest.mark.parametrize("times", [1, 3])
def test_interrupted_by_ctrl_c(tmp_path: Path, times: int) -> None:
    pcap = tmp_path / "wire.pcap"
    words = ["-m", "ci", "vm", "--capture", str(pcap), "--run", f"ping -c 2 {WIRE4}; echo now; sleep 600"]
    with terminal(*words) as run:
        run.expect("2 received")
        run.expect("now")
        for _ in range(times):
            run.sendintr()
            time.sleep(0.2)  # an impatient person; what comes of it is the same whenever it comes
        run.expect(pexpect.EOF)
        run.wait()
        assert run.exitstatus == 130, run.before
    assert times > 1 or len(echoes(pcap)) == 4


@pytest.mark.usefixtures("own_tmp")
def test_a_trace_of_the_probe_replays(tmp_path: Path) -> None:
    """What ixgbe does today, recorded as the README says, is answered the same by a device core without a guest."""
    path = tmp_path / "probe.trace"
    words = [
        "--device-arg=--trace-file",
        f"--device-arg={path}",
        "--run",
        "modprobe ixgbe; cat /sys/class/net/eth0/address",
    ]
    done = step("--driver", "none", *words)
    assert done.stdout == f"{MAC}\n", done.stderr
    with NullPort() as port, Card(mac=MAC, port=port) as nic:
        assert list(replay(nic, read(path))) == []
        assert nic.core.counters()["reg_reads"] > 1000
