# SPDX-License-Identifier: BSD-3-Clause
"""A Debian guest with our NIC in it, under QEMU: what ``python3 -m ci vm`` shows and the boot tests are made with.

The device process owns a tap in a namespace of its own: that is the other end of the cable.  QEMU is its client.  In
the guest an agent runs commands and passes the kernel's messages on; anything the guest's kernel, QEMU or the device
complains of is remembered, and is a failure unless ``ci.complaints`` or ``Vm.expect`` says why it is not.
"""

import contextlib
import json
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ci import complaints, guest, net, saved, stale
from ci.demo import HOST4, HOST6, WIRE4, WIRE6
from ci.nic import MAC, Nic, NicOptions
from ci.processes import OUR_GROUP, OWN_GROUP, child, ended
from ci.qmp import Monitor
from ci.say import ROOT, CiError
from ci.talk import COMMAND_TIMEOUT_S, Job, Message, Result, Talk

__all__ = ["MAC", "NIC_ADDRESS", "Job", "Message", "NicOptions", "Options", "Result", "Vm"]

BOOT_TIMEOUT_S = 300.0
TRANSFER_TIMEOUT_S = 300.0
NIC_ADDRESS = "0000:01:00.0"
OUR_INTERFACE = "ix0"
FIRST_SLOT = 2  # PCI device number of the first root port
STOCK = ("ixgbe", "ixgbevf")  # drivers of the guest's own kernel


@dataclass(frozen=True)
class Options:
    """What kind of machine to start.

    Attributes:
        driver: Which driver gets the NIC: ``ixgbe``, ``ixgbevf``, ``ours`` or ``none``.
        kernel: See ``ci.guest.kernel``.
        smp: CPUs.
        memory: RAM, as QEMU spells it.
        iommu: Whether there is a vIOMMU.
        nics: The NICs; the first is at ``NIC_ADDRESS``, each behind a root port of its own.
        others: NICs of a card that somebody else starts and ends, in place of ``nics``; and
        wire: that card's namespace.
        plugged: Whether they are there from the start; else ``Vm.plug`` adds one.
        from_state: Whether it may go on from the state of such a guest that has booted, without its NICs, and have them
            plugged in then; see ``ci.saved``.
        qemu: More options for QEMU.
        append: More words for the kernel's command line.
    """

    driver: str = "ixgbe"
    kernel: str = "6.12"
    smp: int = 2
    memory: str = "1G"
    iommu: bool = True
    nics: tuple[NicOptions, ...] = (NicOptions(),)
    others: tuple[Nic, ...] = ()
    wire: net.Namespace | None = None
    plugged: bool = True
    from_state: bool = False
    qemu: tuple[str, ...] = ()
    append: str = ""


class Vm:
    """Devices, a wire and a guest; everything ends with ``close``.

    Attributes:
        options: What was asked for.
        wire: The namespace with the first device's tap.
        nics: The devices.
        boot_s: Seconds from QEMU's start to the agent's first word.
        qemu: The QEMU process.
        driver: Our driver, while it runs in the guest.
    """

    def __init__(self, options: Options, *, console: bool = False) -> None:
        self.options = options
        self.folder = stale.run_folder("vm")
        self.wire = options.wire or net.Namespace("wire")
        self.nics = list(options.others)
        if not self.nics:
            self.nics = [Nic(self.folder, number, nic) for number, nic in enumerate(options.nics, 1)]
        self.qemu: subprocess.Popen[bytes] | None = None
        self.boots = 0
        self.boot_s = 0.0
        self.driver: Job | None = None
        self._console = console
        self._talk = Talk(self.check_alive)
        self._monitor: Monitor | None = None
        self._expected: complaints.Allowed = ()
        self._port = 0
        self._closed = False

    @property
    def nic(self) -> Nic:
        """The first device."""
        return self.nics[0]

    @property
    def messages(self) -> list[Message]:
        """What the guest's kernel has said, over all boots."""
        return self._talk.messages

    @property
    def release(self) -> str:
        """The guest's kernel, as ``uname -r`` gives it."""
        return self._talk.release

    # ---- start and end

    def start(self) -> None:
        """Start the devices, then QEMU, and wait for the agent.

        Raises:
            CiError: Something did not start in time; the message holds the end of its log.
        """
        program, kernel = guest.qemu(), guest.kernel(self.options.kernel, driver=self.options.driver)
        guest.compile_checkout()
        for nic in self.nics:
            nic.start(self.wire)
        start_s = time.monotonic()
        if self.options.from_state and guest.accelerator(program, kernel) == "tcg":
            saved.start(self, program, kernel)
        else:
            self.start_qemu(program, kernel)
        self.boot_s = time.monotonic() - start_s

    def start_qemu(self, program: guest.Qemu, kernel: guest.Kernel) -> None:
        """Start QEMU on the devices that run, and wait for the guest's agent."""
        start_s = time.monotonic()
        nics = self.nics if self.options.plugged else []
        devices = [word for nic in nics for word in ("-device", json.dumps(nic.arguments()))]
        self.launch(program, kernel, devices)
        self.wait_boot()
        self.boot_s = time.monotonic() - start_s

    def launch(self, program: guest.Qemu, kernel: guest.Kernel, devices: Sequence[str], *more: str) -> None:
        """Start QEMU, and connect to the port that the guest's agent will have.

        Args:
            program: Which.
            kernel: What it boots.
            devices: The NICs, as QEMU's options.
            more: More options, at the end.
        """
        options = self.options
        words = [*program.command, *self._machine()]
        accelerator = guest.accelerator(program, kernel)
        words += ["-accel", "kvm"] if accelerator == "kvm" else ["-accel", "tcg,thread=multi"]
        words += ["-cpu", "host" if accelerator == "kvm" else "max", *devices]
        append = f"{' '.join(guest.lines('kernel'))} {options.append}"
        if self._console:
            words += ["-serial", "mon:stdio"]
            append += " ixlab.shell"
        else:
            words += ["-serial", f"file:{self.folder / 'console.log'}"]
        words += ["-kernel", str(kernel.image), "-initrd", str(kernel.initrd), "-append", append, *options.qemu]
        words += more
        with (self.folder / "qemu.log").open("a", encoding="utf-8") as log:
            self.qemu = subprocess.Popen(
                child(words),
                stdin=None if self._console else subprocess.DEVNULL,
                stdout=None if self._console else log.fileno(),
                stderr=log.fileno(),
                cwd=ROOT,
                process_group=OUR_GROUP if self._console else OWN_GROUP,  # a console reads the terminal
            )
        self._talk.connect(self.folder / "agent.sock", BOOT_TIMEOUT_S)

    def _machine(self) -> list[str]:
        """Return QEMU's options for the machine itself, from the recipes of qemu/."""
        options = self.options
        recipes = guest.lines("machine") + (guest.lines("iommu") if options.iommu else [])
        values = {"memory": options.memory, "smp": options.smp, "run": self.folder, "checkout": ROOT}
        words = [word.format_map(values) for line in recipes for word in shlex.split(line)]
        for nic in self.nics:
            slot = {"number": nic.number, "device": f"{FIRST_SLOT + nic.number - 1:#x}"}
            words += [word.format_map(slot) for line in guest.lines("slot") for word in shlex.split(line)]
        return words

    def wait_boot(self, timeout_s: float = BOOT_TIMEOUT_S) -> None:
        """Wait for the agent's first word after a start, or after a reboot.

        Raises:
            CiError: It did not come in time; the message holds the ends of all logs.
        """
        try:
            self._talk.wait_boot(timeout_s)
        except CiError as exc:
            raise CiError(f"{exc}\n{self.tails()}") from None
        self.boots += 1

    def plug(self, number: int = 1) -> None:
        """Add a NIC to the running guest, as ``device_add`` does."""
        self.qmp("device_add", **self.nics[number - 1].arguments())

    def close(self) -> None:
        """End the guest, the device and the wire, and remove what they left.

        Raises:
            CiError: The device did not end by itself, or not with exit code 0.
        """
        if self._closed:
            return
        self._closed = True
        said = []
        self.stop_qemu()
        for nic in self.nics:
            said += nic.close()
        if self.options.wire is None:
            self.wire.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        if said:
            raise CiError("; ".join(said))

    def stop_qemu(self, *, kill: bool = False) -> None:
        """End QEMU: by its monitor, or as a power cut would."""
        if self.qemu is not None and self.qemu.poll() is None and not kill:
            with contextlib.suppress(CiError):
                self.qmp("quit")
        if self._monitor is not None:
            self._monitor.close()
            self._monitor = None
        if self.qemu is not None:
            if kill:
                self.qemu.kill()
            ended("QEMU", self.qemu)
            self.qemu = None
        self._talk.close()
        for name in ("agent.sock", "qmp.sock"):
            (self.folder / name).unlink(missing_ok=True)

    def __enter__(self) -> "Vm":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self.close()
        except CiError:
            if kind is None:  # else there is something to be told that came first
                raise

    # ---- what is asked of it

    def ask(self, request: dict[str, object]) -> None:
        """Send the agent one request."""
        self._talk.ask(request)

    def begin(
        self, command: str, *, timeout_s: float = COMMAND_TIMEOUT_S, show: Callable[[str], None] | None = None
    ) -> Job:
        """Start a shell command in the guest."""
        return self._talk.begin(command, timeout_s=timeout_s, show=show)

    def run(self, command: str, *, timeout_s: float = COMMAND_TIMEOUT_S, check: bool = True) -> Result:
        """Run a shell command in the guest.

        Raises:
            CiError: It exited non-zero and ``check`` is set, or did not end in time.
        """
        return self._talk.run(command, timeout_s=timeout_s, check=check)

    def qmp(self, command: str, **arguments: object) -> object:
        """Run one command of QEMU's monitor."""
        if self._monitor is None:
            self._monitor = Monitor(self.folder / "qmp.sock")
        return self._monitor.call(command, **arguments)

    def ask_nic(self, **request: object) -> dict[str, object]:
        """Send the first device one request on its control socket."""
        return self.nic.ask(**request)

    # ---- what is to be known of it

    def log(self, name: str) -> str:
        """Return a log: ``qemu.log`` or ``console.log``."""
        path = self.folder / name
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def tails(self) -> str:
        """Return the ends of all logs, for a message that explains a failure."""
        parts = [f"--- {name}\n{self.log(name)[-2000:]}" for name in ("qemu.log", "console.log")]
        parts += [f"--- {nic.log_path.name}\n{nic.log()[-2000:]}" for nic in self.nics]
        return "\n".join([*parts, "--- kernel", *(m.text for m in self.messages[-15:])])

    def check_alive(self, doing: str) -> None:
        """See that QEMU and the devices still run.

        Raises:
            CiError: One has ended, or the guest's kernel has panicked.
        """
        devices = [(f"device {nic.number}", nic.process) for nic in self.nics]
        for name, process in (("QEMU", self.qemu), *devices):
            if process is not None and process.poll() is not None:
                raise CiError(f"{name} ended with {process.returncode} while {doing}\n{self.tails()}")
        if "Kernel panic" in self.log("console.log"):
            raise CiError(f"the guest's kernel panicked while {doing}\n{self.tails()}")

    def expect(self, pattern: str, reason: str) -> None:
        """Allow a complaint, of whomever, that is provoked on purpose.

        Args:
            pattern: A regular expression that its line matches.
            reason: Why it is right that it comes.
        """
        self._expected += ((pattern, reason),)

    def complaints(self) -> list[str]:
        """Return what the guest's kernel, QEMU and the devices have complained about and no list allows."""
        without_msix = any(nic.interrupts != "msix" for nic in self.options.nics)
        known = self._expected + (complaints.KERNEL_WITHOUT_MSIX if without_msix else ())
        found = complaints.of_kernel(self.messages, known) + complaints.of_qemu(self.log("qemu.log"), known)
        for nic in self.nics:
            found += complaints.of_device(nic.log(), known)
        return found

    # ---- the drivers

    def bind(self, driver: str | None = None, *, v4: str = HOST4, v6: str = HOST6) -> str:
        """Give the NIC to its driver and set its addresses; returns the network interface's name.

        Raises:
            CiError: The driver did not take it, or there is no link in time.
        """
        driver = driver or self.options.driver
        if driver == "none":
            return ""
        if driver in STOCK:
            self.run(f"modprobe {driver}")
            name = self.run(f"ls /sys/bus/pci/devices/{NIC_ADDRESS}/net", check=False).out.split()
            if not name:
                raise CiError(f"{driver} made no network interface\n{self.tails()}")
            interface = name[0]
        else:
            self.run(VFIO_BIND, timeout_s=120)
            interface = self.up()
        self.addresses(interface, v4, v6)
        return interface

    def up(self, *options: str) -> str:
        """Start our driver on the NIC, which vfio-pci must have; returns the network interface's name.

        Raises:
            CiError: It was not ready in time.
        """
        words = ["exec", "python3", "-m", "driver", "up", NIC_ADDRESS, "--netdev", OUR_INTERFACE, *options]
        self.driver = self.begin(shlex.join(words), timeout_s=86400)
        self.driver.wait_for("driver ready: ", 300)
        return OUR_INTERFACE

    def addresses(self, interface: str, v4: str = HOST4, v6: str = HOST6) -> None:
        """Set an interface of the guest up, with addresses on the wire's networks, and wait for its carrier."""
        self.run(
            f"ip address replace {v4}/24 dev {interface}; ip address replace {v6}/64 dev {interface} nodad;"
            f"ip link set {interface} up"
        )
        wait = (
            f'i=0; while [ $i -lt 600 ]; do [ "$(cat /sys/class/net/{interface}/carrier 2>/dev/null)" = 1 ] && exit 0;'
        )
        self.run(wait + " sleep 0.1; i=$((i+1)); done; exit 1", timeout_s=120)

    def transfer(self, to: str, total_bytes: int, *, timeout_s: float = TRANSFER_TIMEOUT_S, prefix: str = "") -> float:
        """Send over TCP to an address, the guest's or the wire's; returns seconds.

        Args:
            to: The address.
            total_bytes: How much.
            timeout_s: How long it may take.
            prefix: What stands before the command in the guest, such as ``taskset``.

        Raises:
            CiError: It broke, or the SHA-256 of what was sent and of what came differ.
        """
        self._port = self._port % 1000 + 1
        tail = f"{to} {5200 + self._port} {total_bytes}"
        receive, send = f"-m ci.traffic receive {tail}", f"-m ci.traffic send {tail}"
        if to in {WIRE4, WIRE6} or to.startswith("198.51.100."):
            here = self.wire.popen(*child([sys.executable, *receive.split()]), stdout=subprocess.PIPE)
            there = None
        else:
            there = self.begin(f"exec {prefix}python3 {receive}", timeout_s=timeout_s)
            there.wait_for("listening", 60)
            here = self.wire.popen(*child([sys.executable, *send.split()]), stdout=subprocess.PIPE)
        try:
            if there is None:
                assert here.stdout is not None
                here.stdout.readline()
                there = self.begin(f"exec {prefix}python3 {send}", timeout_s=timeout_s)
            guest_said = there.wait(timeout_s + 30).out
            host_said = here.communicate(timeout=timeout_s)[0]
            ours, theirs = (json.loads(text.splitlines()[-1]) for text in (host_said, guest_said))
        except (subprocess.TimeoutExpired, ValueError, IndexError) as exc:
            raise CiError(f"TCP to {to} broke: {exc}\nin the guest: {there.out if there else ''}") from exc
        finally:
            if here.poll() is None:
                here.kill()
                here.wait()
            if here.stdout:
                here.stdout.close()
        if ours["sha256"] != theirs["sha256"] or ours["bytes"] != total_bytes:
            raise CiError(f"TCP to {to}: the host says {ours}, the guest says {theirs}")
        return float(max(ours["seconds"], theirs["seconds"]))


VFIO_BIND = f"""modprobe -a vfio-pci vfio_iommu_type1 tun
d=/sys/bus/pci/devices/{NIC_ADDRESS}
[ ! -e $d/driver ] || echo {NIC_ADDRESS} > $d/driver/unbind
echo vfio-pci > $d/driver_override && echo {NIC_ADDRESS} > /sys/bus/pci/drivers_probe && test -e $d/driver"""
