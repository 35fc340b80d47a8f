# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci bench vm``: stock ixgbe on this NIC in a guest, beside the NICs that QEMU itself has.

One guest with one CPU has all of them, each with a tap of its own, and its own drivers for them: so kernel, guest and
moment are the same for all, and what is measured in a round differs by the NIC alone.  Programs of ours (stream.py,
packets.c, ping.c) send and count at both ends.  This process is to have a network namespace of its own: QEMU makes its
taps there (``ci/bench.py`` sees to it).
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ci.nic import NicOptions
from ci.processes import child
from ci.say import CiError, run, say
from ci.vm import Options, Vm
from ci.vm_step import SHARE_MOUNT, SHARE_TAG, SHARED, shared
from tests.bench.nic import HERE
from tests.bench.rows import Sheet, rounds

OURS = ("ixgbe, trapped", "ixgbe, shared")
QEMUS = {"igb": "igb", "e1000e": "e1000e", "virtio": "virtio-net-pci"}
BASE, ALSO = "igb", "virtio"  # what all are divided by; and ours, once more
DRIVERS = "modprobe -a ixgbe igb e1000e virtio_net"
LASTS_S, QUICK_LASTS_S = 3.0, 1.0
PINGS, QUICK_PINGS = 2000, 200
PORT = 5201
TIMEOUT_S = 120.0
SLOTS = 0x10  # PCI device numbers of the root ports of QEMU's NICs are above it
TOOLS = "/tmp"


def mac(number: int) -> str:
    """Address of a NIC."""
    return f"02:00:00:00:0b:{number:02x}"


@dataclass(frozen=True, slots=True)
class Far:
    """The host's end of one NIC.

    Attributes:
        kind: Which NIC.
        number: From 1; the third byte of its addresses.
        tap: Its interface.
        inside: A command that enters the namespace it is in, if it is not ours.
    """

    kind: str
    number: int
    tap: str
    inside: tuple[str, ...]

    @property
    def host(self) -> str:
        """Address of this end."""
        return f"10.9.{self.number}.1"

    @property
    def guest(self) -> str:
        """Address of the guest's end."""
        return f"10.9.{self.number}.2"

    def run(self, *words: str | Path) -> str:
        """Run a program at this end."""
        return run([*self.inside, *map(str, words)], quiet=True, timeout_s=TIMEOUT_S).stdout

    def begin(self, *words: str | Path) -> subprocess.Popen[str]:
        """Start one, and wait for its first line."""
        command = [*self.inside, *child([str(word) for word in words])]
        process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE)
        assert process.stdout is not None
        if not process.stdout.readline():
            process.wait()
            raise CiError(f"{self.kind}: `{command[-1]}` did not start on {self.tap}")
        return process


class Guest:
    """A guest with all NICs, their links up.

    Attributes:
        fars: The host's ends.
    """

    def __init__(self, vm: Vm, folder: Path) -> None:
        self._vm = vm
        self._folder = folder
        inside = tuple(vm.wire.command([]))
        ours = [Far(kind, n, f"ixbo{n}", inside) for n, kind in enumerate(OURS, 1)]
        self.fars = ours + [Far(kind, n, f"ixbq{n}", ()) for n, kind in enumerate(QEMUS, len(OURS) + 1)]
        self._interfaces: dict[str, str] = {}

    def bring_up(self) -> None:
        """Drivers, addresses, links; and the programs."""
        self._vm.run(f"mkdir -p {SHARED} && mount -t 9p -o {SHARE_MOUNT} {SHARE_TAG} {SHARED}")
        self._vm.run(f"cp {SHARED}/packets {SHARED}/ping {TOOLS}/")
        self._vm.run(DRIVERS, timeout_s=TIMEOUT_S)
        for far in self.fars:
            far.run("ip", "address", "add", f"{far.host}/24", "dev", far.tap)
            far.run("ip", "link", "set", far.tap, "up")
            found = self._vm.run(f"grep -l {mac(far.number)} /sys/class/net/*/address", check=False).out.split("/")
            if len(found) < 2:
                raise CiError(f"{far.kind}: no driver in the guest took it\n{self._vm.tails()}")
            self._interfaces[far.kind] = found[-2]
            self._vm.addresses(found[-2], far.guest, f"fd00:9:{far.number}::2")
            self._vm.run(f"{TOOLS}/ping {far.host} 5", timeout_s=TIMEOUT_S)

    def interrupts(self, far: Far) -> int:
        """How many the NIC has sent so far."""
        interface = self._interfaces[far.kind]
        where = f"d=$(readlink -f /sys/class/net/{interface}/device); [ -d $d/msi_irqs ] || d=$(dirname $d)"
        said = self._vm.run(f"{where}; ls $d/msi_irqs | tr '\\n' ' '; echo; cat /proc/interrupts").out.splitlines()
        numbers = {f"{number}:" for number in said[0].split()}
        lines = [line.split() for line in said[1:]]
        found = [int(words[1]) for words in lines if words and words[0] in numbers]
        if not found:
            raise CiError(f"{far.kind}: {interface} has no interrupts of its own in the guest's /proc/interrupts")
        return sum(found)

    def tcp(self, far: Far, lasts_s: float, *, out: bool) -> tuple[float, float]:
        """One stream, out of the guest or into it: Mbit/s, and interrupts a MB."""
        before = self.interrupts(far)
        if out:
            here = far.begin(sys.executable, HERE / "stream.py", "receive", far.host, str(PORT))
            self._vm.run(f"python3 tests/bench/stream.py send {far.host} {PORT} {lasts_s}", timeout_s=TIMEOUT_S)
            said = here.communicate(timeout=TIMEOUT_S)[0]
        else:
            there = self._vm.begin(
                f"exec python3 tests/bench/stream.py receive {far.guest} {PORT}", timeout_s=TIMEOUT_S
            )
            there.wait_for("listening", TIMEOUT_S)
            far.run(sys.executable, HERE / "stream.py", "send", far.guest, str(PORT), str(lasts_s))
            said = there.wait(TIMEOUT_S).out
        found = json.loads(said.splitlines()[-1])
        megabytes = found["bytes"] / 1e6
        return float(megabytes * 8 / found["seconds"]), (self.interrupts(far) - before) / megabytes

    def udp(self, far: Far, lasts_s: float, *, out: bool) -> tuple[float, float]:
        """Datagrams of 64 byte frames that arrived: kpps, and the NIC's interrupts for each."""
        before, ms = self.interrupts(far), str(round(lasts_s * 1000))
        if out:
            here = far.begin(self._folder / "packets", "count", str(PORT))
            self._vm.run(f"{TOOLS}/packets send {far.host} {PORT} {ms}", timeout_s=TIMEOUT_S)
            said = here.communicate(timeout=TIMEOUT_S)[0]
        else:
            there = self._vm.begin(f"exec {TOOLS}/packets count {PORT}", timeout_s=TIMEOUT_S)
            there.wait_for("ready", TIMEOUT_S)
            far.run(self._folder / "packets", "send", far.guest, str(PORT), ms)
            said = there.wait(TIMEOUT_S).out
        received, elapsed_ns = map(int, said.splitlines()[-1].split())
        if received < 2:
            raise CiError(f"{far.kind}: {received} datagrams arrived {'out of' if out else 'in'} the guest")
        return received * 1e6 / elapsed_ns, (self.interrupts(far) - before) / received

    def ping(self, far: Far, times: int) -> tuple[float, float]:
        """Echoes out of the guest, one after the other: p50 and p99 in µs."""
        lost, p50_ns, p99_ns = map(
            int, self._vm.run(f"{TOOLS}/ping {far.host} {times}", timeout_s=TIMEOUT_S).out.split()
        )
        if lost:
            say(f"{far.kind}: {lost} of {times} echoes were lost")
        return p50_ns / 1e3, p99_ns / 1e3


def qemu_options(folder: Path) -> tuple[str, ...]:
    """QEMU's own NICs, and the folder that the guest sees."""
    words: list[str] = [*shared(folder)]
    for n, device in enumerate(QEMUS.values(), len(OURS) + 1):
        words += ["-netdev", f"tap,id=net{n},ifname=ixbq{n},script=no,downscript=no"]
        words += ["-device", f"pcie-root-port,id=port{n},chassis={SLOTS + n},slot={SLOTS + n},addr={SLOTS + n:#x}"]
        words += ["-device", f"{device},netdev=net{n},mac={mac(n)},bus=port{n}"]
    return tuple(words)


def built_static(folder: Path, names: Sequence[str]) -> None:
    """Compile programs that run in the guest, too, which has libraries of its own."""
    for name in names:
        run(["gcc", "-O2", "-Wall", "-Werror", "-static", "-o", folder / name, HERE / f"{name}.c"], quiet=True)


def add_round(sheet: Sheet, guest: Guest, lasts_s: float, pings: int) -> None:
    """Measure every NIC once."""
    for far in guest.fars:
        figures: dict[str, tuple[float, str]] = {}
        for way, out in (("out", True), ("in", False)):
            rate, interrupts = guest.tcp(far, lasts_s, out=out)
            figures[f"TCP {way}"] = rate, "Mbit/s"
            figures[f"TCP {way}, interrupts"] = interrupts, "a MB"
        figures["ping p50"], figures["ping p99"] = ((value, "µs") for value in guest.ping(far, pings))
        for way, out in (("out", True), ("in", False)):
            rate, interrupts = guest.udp(far, lasts_s / 3, out=out)
            figures[f"UDP 64 B {way}"] = rate, "kpps"
            figures[f"UDP 64 B {way}, interrupts"] = interrupts, "a frame"
        for what, (value, unit) in figures.items():
            sheet.add(f"{far.kind}: {what}", value, unit, "" if far.kind == BASE else f"{BASE}: {what}")
            if far.kind in OURS and "interrupts" not in what:
                sheet.add(f"{far.kind}, beside {ALSO}: {what}", value, unit, f"{ALSO}: {what}")


def measure(count: int, *, quick: bool) -> Sheet:
    """Measure all of it in ``count`` rounds."""
    sheet = Sheet("vm", "NICs of one guest with one CPU", "python3 -m ci bench vm")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ixlab-bench-")))
        built_static(folder, ("packets", "ping"))
        run(["ip", "link", "set", "lo", "up"], quiet=True)
        nics = tuple(
            NicOptions(mac=mac(n), doorbells=kind.split()[-1], port=("--tap", f"ixbo{n}"))
            for n, kind in enumerate(OURS, 1)
        )
        vm = stack.enter_context(Vm(Options(smp=1, iommu=False, nics=nics, qemu=qemu_options(folder))))
        vm.start()
        guest = Guest(vm, folder)
        guest.bring_up()
        for _ in rounds(count, "vm"):
            add_round(sheet, guest, QUICK_LASTS_S if quick else LASTS_S, QUICK_PINGS if quick else PINGS)
    return sheet
