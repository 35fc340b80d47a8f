# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci vm``: a Debian guest with our NIC in it, under QEMU; the harness of the boot tests too.

The device process owns a tap in a namespace of its own: that is the other end of the cable.  QEMU is its client.  In
the guest an agent runs commands and passes the kernel's messages on; anything the guest's kernel or QEMU complains of
is remembered, and is a failure unless a list below says why it is not.
"""

import argparse
import contextlib
import json
import os
import queue
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ci import guest, machine, net
from ci.demo import HOST4, HOST6, WIRE4, WIRE6, WIRE_IF, Lines, ask_device
from ci.qmp import Monitor
from ci.say import ROOT, CiError, say

MAC = "02:00:00:82:59:90"
BOOT_TIMEOUT_S = 300.0
COMMAND_TIMEOUT_S = 600.0
TRANSFER_TIMEOUT_S = 300.0
STOP_TIMEOUT_S = 30.0
MESSAGE_TIMEOUT_MS = 60000  # a guest under TCG on a busy machine is no reason for QEMU to give the NIC up
WARNING_LEVEL = 4
NIC_ADDRESS = "0000:01:00.0"
NIC_ID = "nic"

# Kernel messages of level warning or worse that name one of these are failures …
KERNEL_NAMES = re.compile(r"ixgbe|vfio|DMAR|\bBUG\b|WARNING|hung task|0000:01:00\.0|\bTx Unit Hang\b|NETDEV WATCHDOG")
# … except these, each with its reason.
KERNEL_ALLOWED: tuple[tuple[str, str], ...] = (
    # Linux 6.1 warns of any IOMMU that is not in scalable mode; QEMU's is not, and the NIC has no part in it.
    (r"^DMAR: VT-d Scalable Mode not enabled, no PASID allocation$", "QEMU's vIOMMU"),
)
# A card without MSI-X is one that ixgbe complains about at length.
KERNEL_WITHOUT_MSIX: tuple[tuple[str, str], ...] = (
    (r"ixgbe .*Failed to allocate MSI-X interrupts", "what was asked for"),
    (r"ixgbe .*Failed to allocate MSI interrupt, falling back to legacy", "what was asked for"),
    (r"ixgbe .*Disabling (DCB|SR-IOV|RSS) support", "follows from one vector"),
)
# Lines of QEMU's stderr that begin so are failures …
QEMU_NAMES = re.compile(r"^(qemu-system|vfio_user_)")
# … except these, each with its reason.
QEMU_ALLOWED: tuple[tuple[str, str], ...] = (
    # The device offers no ERR interrupt: QEMU's answer to one is to stop the VM for good.
    (r"warning: vfio \S+: Could not enable error recovery for the device$", "no ERR interrupt"),
)


@dataclass(frozen=True)
class Options:
    """What kind of machine to start.

    Attributes:
        driver: Which driver gets the NIC: ``ixgbe``, ``ours`` or ``none``.
        kernel: See ``ci.guest.kernel``.
        smp: CPUs.
        memory: RAM, as QEMU spells it.
        doorbells: As the device's option.
        interrupts: As the device's option.
        device: More options for ``python -m device``.
        qemu: More options for QEMU.
        append: More words for the kernel's command line.
        nic: Whether the NIC is there from the start.
    """

    driver: str = "ixgbe"
    kernel: str = "6.12"
    smp: int = 2
    memory: str = "1G"
    doorbells: str = "trapped"
    interrupts: str = "msix"
    device: tuple[str, ...] = ()
    qemu: tuple[str, ...] = ()
    append: str = ""
    nic: bool = True


@dataclass(frozen=True)
class Result:
    """How a command in the guest ended.

    Attributes:
        code: Its exit code; 124 if its time was over.
        out: What it printed, on either stream.
    """

    code: int
    out: str


@dataclass(frozen=True)
class Message:
    """One message of the guest's kernel: its level (0 emergency … 7 debug) and text."""

    level: int
    text: str


@dataclass
class _Job:
    out: list[str] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)
    code: int = -1
    show: Callable[[str], None] | None = None


class Job:
    """A command that runs in the guest."""

    def __init__(self, vm: "Vm", number: int, state: _Job, command: str) -> None:
        self._vm, self.number, self._state, self.command = vm, number, state, command

    @property
    def out(self) -> str:
        """What it has printed so far."""
        return "".join(self._state.out)

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self._state.done.is_set()

    def kill(self, number: int = signal.SIGTERM) -> None:
        """Send it, and all it started, a signal."""
        self._vm.ask({"kill": self.number, "signal": number})

    def wait(self, timeout_s: float = COMMAND_TIMEOUT_S) -> Result:
        """Wait for its end.

        Raises:
            CiError: It did not end in time, or the guest is gone.
        """
        end_s = time.monotonic() + timeout_s
        while not self._state.done.wait(0.5):
            self._vm.check_alive(f"`{self.command}`")
            if time.monotonic() > end_s:
                raise CiError(
                    f"in the guest: `{self.command}` did not end within {timeout_s:.0f} s\n{self.out[-2000:]}"
                )
        return Result(self._state.code, self.out)

    def wait_for(self, text: str, timeout_s: float = COMMAND_TIMEOUT_S) -> str:
        """Wait until it has printed ``text``; returns its output.

        Raises:
            CiError: It ended without, or did not in time.
        """
        end_s = time.monotonic() + timeout_s
        while text not in self.out:
            if self.ended or time.monotonic() > end_s:
                raise CiError(f"in the guest: `{self.command}` did not say {text!r}\n{self.out[-3000:]}")
            self._vm.check_alive(f"`{self.command}`")
            time.sleep(0.02)
        return self.out


def child(words: Sequence[str]) -> list[str]:
    """Return the command that runs ``words`` and dies with this process, however that goes."""
    return ["setpriv", "--pdeathsig", "KILL", *words]


class Vm:
    """A device, a wire and a guest; everything ends with ``close``.

    Attributes:
        options: What was asked for.
        wire: The namespace with the device's tap.
        release: The guest's kernel.
        messages: What that kernel has said.
        boot_s: Seconds from QEMU's start to the agent's first word.
        device: The device process.
        qemu: The QEMU process.
        driver: Our driver, while it runs in the guest.
    """

    def __init__(self, options: Options, *, console: bool = False) -> None:
        self.options = options
        self.folder = Path(tempfile.mkdtemp(prefix="ixlab-vm-"))
        self.wire = net.Namespace("wire")
        self.device: subprocess.Popen[str] | None = None
        self.qemu: subprocess.Popen[bytes] | None = None
        self.messages: list[Message] = []
        self.boots = 0
        self.boot_s = 0.0
        self.release = ""
        self.driver: Job | None = None
        self._console = console
        self._monitor: Monitor | None = None
        self._socket: socket.socket | None = None
        self._jobs: dict[int, _Job] = {}
        self._send_lock = threading.Lock()
        self._hello: queue.SimpleQueue[float] = queue.SimpleQueue()
        self._number = 0
        self._port = 0
        self._closed = False

    # ---- start and end

    def start(self) -> None:
        """Start the device, then QEMU, and wait for the agent.

        Raises:
            CiError: Something did not start in time; the message holds the end of its log.
        """
        program, kernel = guest.qemu(), guest.kernel(self.options.kernel)
        self.start_device()
        self.start_qemu(program, kernel)

    def start_device(self) -> None:
        """Start the NIC's process and give the wire its addresses."""
        options = self.options
        words = [sys.executable, "-m", "device", "--socket", str(self.folder / "nic.sock"), "--tap", WIRE_IF]
        words += ["--mac", MAC, "--control", str(self.folder / "control.sock"), "--doorbells", options.doorbells]
        words += ["--interrupts", options.interrupts]
        with (self.folder / "device.log").open("w") as log:
            self.device = subprocess.Popen(
                self.wire.command(child([*words, *options.device])),
                text=True, stdout=subprocess.PIPE, stderr=log.fileno(), stdin=subprocess.DEVNULL, cwd=ROOT,
            )  # fmt: skip
        lines = Lines(self.device)
        line = lines.next(60)
        if line is None or not line.startswith("device ready: "):
            raise CiError(f"the device did not start: {self.log('device.log')[-2000:]}")
        self.wire.run("ip", "link", "set", "lo", "up")
        self.wire.run("ip", "address", "add", f"{WIRE4}/24", "dev", WIRE_IF)
        self.wire.run("ip", "address", "add", f"{WIRE6}/64", "dev", WIRE_IF, "nodad")
        self.wire.run("ip", "link", "set", WIRE_IF, "up")

    def nic_arguments(self) -> dict[str, object]:
        """Return the NIC, as QEMU's ``device_add`` takes it."""
        path = {"path": str(self.folder / "nic.sock"), "type": "unix"}
        return {
            "driver": guest.QEMU_DEVICE,
            "id": NIC_ID,
            "bus": "slot1",
            "x-msg-timeout": MESSAGE_TIMEOUT_MS,
            "socket": path,
        }

    def start_qemu(self, program: guest.Qemu, kernel: guest.Kernel) -> None:
        """Start QEMU on the device that runs, and wait for the guest's agent."""
        options = self.options
        accelerator = guest.accelerator(program, kernel)
        words = [*program.command]
        values = {"memory": options.memory, "smp": options.smp, "run": self.folder, "checkout": ROOT}
        for line in guest.lines("machine"):
            words += [word.format_map(values) for word in shlex.split(line)]
        words += ["-accel", "kvm"] if accelerator == "kvm" else ["-accel", "tcg,thread=multi"]
        words += ["-cpu", "host" if accelerator == "kvm" else "max"]
        if options.nic:
            words += ["-device", json.dumps(self.nic_arguments())]
        append = f"console=ttyS0 quiet intel_iommu=on {options.append}"
        if self._console:
            words += ["-serial", "mon:stdio"]
            append += " ixlab.shell"
        else:
            words += ["-serial", f"file:{self.folder / 'console.log'}"]
        words += ["-kernel", str(kernel.image), "-initrd", str(kernel.initrd), "-append", append, *options.qemu]
        start_s = time.monotonic()
        with (self.folder / "qemu.log").open("a") as log:
            self.qemu = subprocess.Popen(
                child(words),
                stdin=None if self._console else subprocess.DEVNULL,
                stdout=None if self._console else log.fileno(),
                stderr=log.fileno(),
                cwd=ROOT,
            )
        self._connect()
        self.wait_boot()
        self.boot_s = time.monotonic() - start_s

    def _connect(self) -> None:
        path = self.folder / "agent.sock"
        end_s = time.monotonic() + BOOT_TIMEOUT_S
        while True:
            self.check_alive("starting QEMU")
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.connect(str(path))
                break
            except OSError as exc:
                connection.close()
                if time.monotonic() > end_s:
                    raise CiError(f"QEMU made no {path.name}: {self.log('qemu.log')[-2000:]}") from exc
                time.sleep(0.02)
        self._socket = connection
        threading.Thread(target=self._listen, args=(connection,), daemon=True, name="agent").start()

    def wait_boot(self, timeout_s: float = BOOT_TIMEOUT_S) -> None:
        """Wait for the agent's first word after a start, or after a reboot."""
        end_s = time.monotonic() + timeout_s
        while True:
            try:
                self._hello.get(timeout=0.5)
            except queue.Empty:
                self.check_alive("booting")
                if time.monotonic() > end_s:
                    raise CiError(f"no agent in the guest after {timeout_s:.0f} s\n{self.tails()}") from None
            else:
                self.boots += 1
                return

    def close(self) -> None:
        """End the guest, the device and the wire, and remove what they left.

        Raises:
            CiError: The device did not end by itself, or not with exit code 0.
        """
        if self._closed:
            return
        self._closed = True
        complaints = []
        self.stop_qemu()
        if self.device is not None:
            complaints += _ended("device", self.device)
            if self.device.stdout:
                self.device.stdout.close()
        self.wire.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        if complaints:
            raise CiError("; ".join(complaints))

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
            _ended("QEMU", self.qemu)
            self.qemu = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
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

    def _listen(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection.makefile("r", encoding="utf-8") as stream:
            for line in stream:
                self._hear(json.loads(line))

    def _hear(self, message: dict[str, object]) -> None:
        if "kmsg" in message:
            record = message["kmsg"]
            assert isinstance(record, list)
            self.messages.append(Message(int(record[0]), str(record[1])))
        elif "hello" in message:
            self.release = str(message["hello"])
            self._hello.put(float(str(message["uptime_s"])))
        elif (job := self._jobs.get(int(str(message.get("id", 0))))) is not None:
            if "out" in message:
                job.out.append(str(message["out"]))
                if job.show:
                    job.show(str(message["out"]))
            if "exit" in message:
                job.code = int(str(message["exit"]))
                job.done.set()

    def ask(self, request: dict[str, object]) -> None:
        """Send the agent one request.

        Raises:
            CiError: There is no guest.
        """
        if self._socket is None:
            raise CiError("no guest runs")
        with self._send_lock:
            self._socket.sendall(json.dumps(request).encode() + b"\n")

    def begin(
        self, command: str, *, timeout_s: float = COMMAND_TIMEOUT_S, show: Callable[[str], None] | None = None
    ) -> Job:
        """Start a shell command in the guest."""
        self._number += 1
        state = self._jobs[self._number] = _Job(show=show)
        self.ask({"id": self._number, "run": command, "timeout_s": timeout_s})
        return Job(self, self._number, state, command)

    def run(self, command: str, *, timeout_s: float = COMMAND_TIMEOUT_S, check: bool = True) -> Result:
        """Run a shell command in the guest.

        Raises:
            CiError: It exited non-zero and ``check`` is set, or did not end in time.
        """
        result = self.begin(command, timeout_s=timeout_s).wait(timeout_s + 30)
        if check and result.code != 0:
            raise CiError(f"in the guest: `{command}` exited with {result.code}\n{result.out[-3000:]}")
        return result

    def qmp(self, command: str, **arguments: object) -> object:
        """Run one command of QEMU's monitor."""
        if self._monitor is None:
            self._monitor = Monitor(self.folder / "qmp.sock")
        return self._monitor.call(command, **arguments)

    def ask_nic(self, **request: object) -> dict[str, object]:
        """Send the device one request on its control socket."""
        return ask_device(self.folder / "control.sock", request)

    # ---- what is to be known of it

    def log(self, name: str) -> str:
        """Return a log: ``device.log``, ``qemu.log`` or ``console.log``."""
        path = self.folder / name
        return path.read_text(errors="replace") if path.exists() else ""

    def tails(self) -> str:
        """Return the ends of all logs, for a message that explains a failure."""
        parts = [f"--- {name}\n{self.log(name)[-2000:]}" for name in ("qemu.log", "device.log", "console.log")]
        return "\n".join([*parts, "--- kernel", *(m.text for m in self.messages[-15:])])

    def check_alive(self, doing: str) -> None:
        """See that QEMU and the device still run.

        Raises:
            CiError: One has ended.
        """
        for name, process in (("QEMU", self.qemu), ("the device", self.device)):
            if process is not None and process.poll() is not None:
                raise CiError(f"{name} ended with {process.returncode} while {doing}\n{self.tails()}")
        if "Kernel panic" in self.log("console.log"):
            raise CiError(f"the guest's kernel panicked while {doing}\n{self.tails()}")

    def complaints(self) -> list[str]:
        """Return what the guest's kernel, QEMU and the device have complained about and no list allows."""
        found = []
        allowed = KERNEL_ALLOWED + (KERNEL_WITHOUT_MSIX if self.options.interrupts != "msix" else ())
        found += [
            f"kernel <{message.level}> {message.text}"
            for message in self.messages
            if message.level <= WARNING_LEVEL
            and KERNEL_NAMES.search(message.text)
            and not any(re.search(pattern, message.text) for pattern, _ in allowed)
        ]
        found += [
            f"QEMU: {line}"
            for line in self.log("qemu.log").splitlines()
            if QEMU_NAMES.match(line) and not any(re.search(pattern, line) for pattern, _ in QEMU_ALLOWED)
        ]
        found += [f"device: {line}" for line in self.log("device.log").splitlines() if re.search(r" [WEC] ", line[:40])]
        return found

    # ---- the drivers

    def bind(self, driver: str | None = None) -> str:
        """Give the NIC to its driver and set its addresses; returns the network interface's name.

        Raises:
            CiError: The driver did not take it, or there is no link in time.
        """
        driver = driver or self.options.driver
        if driver == "none":
            return ""
        if driver == "ixgbe":
            self.run("modprobe ixgbe")
            name = self.run(f"ls /sys/bus/pci/devices/{NIC_ADDRESS}/net", check=False).out.split()
            if not name:
                raise CiError(f"ixgbe made no network interface\n{self.tails()}")
            interface = name[0]
        else:
            self.run(VFIO_BIND, timeout_s=120)
            interface = "ix0"
            words = f"exec python3 -m driver up {NIC_ADDRESS} --netdev {interface}"
            self.driver = job = self.begin(words, timeout_s=86400)
            job.wait_for("driver ready: ", 300)
        self.addresses(interface)
        return interface

    def addresses(self, interface: str) -> None:
        """Set an interface of the guest up, with addresses on the wire's networks, and wait for its carrier."""
        self.run(
            f"ip address replace {HOST4}/24 dev {interface}; ip address replace {HOST6}/64 dev {interface} nodad;"
            f"ip link set {interface} up"
        )
        wait = (
            f'i=0; while [ $i -lt 600 ]; do [ "$(cat /sys/class/net/{interface}/carrier 2>/dev/null)" = 1 ] && exit 0;'
        )
        self.run(wait + " sleep 0.1; i=$((i+1)); done; exit 1", timeout_s=120)

    def transfer(self, to: str, total_bytes: int, *, timeout_s: float = TRANSFER_TIMEOUT_S) -> float:
        """Send over TCP to an address, the guest's or the wire's; returns seconds.

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
            there = self.begin(f"exec python3 {receive}", timeout_s=timeout_s)
            there.wait_for("listening", 60)
            here = self.wire.popen(*child([sys.executable, *send.split()]), stdout=subprocess.PIPE)
        try:
            if there is None:
                assert here.stdout is not None
                here.stdout.readline()
                there = self.begin(f"exec python3 {send}", timeout_s=timeout_s)
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


def _ended(name: str, process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> list[str]:
    """End a process; returns what is to be said about how it went."""
    # QEMU was asked through its monitor; asked twice it does not mind.
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return [f"the {name} did not end within {STOP_TIMEOUT_S:.0f} s"]
    return [f"the {name} exited with {process.returncode}"] if process.returncode else []


# ---- the step


USAGE = """\
usage: python3 -m ci vm [OPTION…]                 a shell in the guest; Ctrl-A X ends it
       python3 -m ci vm [OPTION…] --run 'COMMAND' one command in the guest; its output, its exit code

  --driver ixgbe|ours|none   who drives the NIC (ixgbe)
  --kernel 6.12|6.1|DEB|PATH Debian's, a Debian package, or a folder with boot and lib/modules (6.12)
  --smp N                    CPUs (2)
  --doorbells trapped|shared as `python -m device --doorbells` (trapped)
  --interrupts msix|msi|intx the best kind the NIC offers (msix)
  --capture FILE.pcap        record what the wire carries
  --device-arg ARG           one more argument for `python -m device`; may be repeated
  --qemu-arg ARG             one more argument for QEMU; may be repeated
"""


def _parse(rest: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m ci vm", usage=argparse.SUPPRESS, add_help=False)
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--driver", choices=["ixgbe", "ours", "none"], default="ixgbe")
    parser.add_argument("--kernel", default="6.12")
    parser.add_argument("--smp", type=int, default=2)
    parser.add_argument("--doorbells", choices=["trapped", "shared"], default="trapped")
    parser.add_argument("--interrupts", choices=["msix", "msi", "intx"], default="msix")
    parser.add_argument("--capture", type=Path)
    parser.add_argument("--device-arg", action="append", default=[])
    parser.add_argument("--qemu-arg", action="append", default=[])
    parser.add_argument("--run")
    return parser.parse_args(rest)


def main(rest: list[str]) -> int:
    """Start a guest, and run a command in it or give it to a person; returns the exit code."""
    asked = _parse(rest)
    if asked.help:
        print(USAGE)
        return 0
    if asked.run is None and not sys.stdin.isatty():
        raise CiError("`vm` without --run is a shell: it wants a terminal", 2)
    options = Options(
        driver=asked.driver,
        kernel=asked.kernel,
        smp=asked.smp,
        doorbells=asked.doorbells,
        interrupts=asked.interrupts,
        device=tuple(asked.device_arg),
        qemu=tuple(asked.qemu_arg),
    )
    machine.ensure((*machine.NETWORK, *guest.NEEDS))
    guest.prepare([options.kernel])
    if os.geteuid() != 0:
        net.enter_user_namespace(["vm", *rest])
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        raise CiError("/dev/net/tun is not there: the wire is a tap (modprobe tun)", 3)
    vm = Vm(options, console=asked.run is None)
    with contextlib.ExitStack() as stack:
        stack.enter_context(vm)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _stopped)
        start_s = time.monotonic()
        vm.start()
        if asked.capture:
            stack.callback(_ended, "capture", capture(vm, asked.capture))
        interface = vm.bind()
        took_s = time.monotonic() - start_s
        say(f"Linux {vm.release} answered after {vm.boot_s:.1f} s; all is ready after {took_s:.1f} s")
        if asked.run is None:
            return _shell(vm, interface)
        job = vm.begin(asked.run, timeout_s=86400, show=_show)
        code = job.wait(86400).code
        for line in vm.complaints():
            say(line)
    return code if code >= 0 else 128 - code


def _stopped(number: int, _frame: object) -> None:
    raise CiError(f"ended by {signal.Signals(number).name}", 128 + number)


def _show(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def capture(vm: Vm, path: Path) -> subprocess.Popen[str]:
    """Record what the wire carries, from now on, until the namespace is gone."""
    words = ["tcpdump", "-i", WIRE_IF, "-U", "-n", "-w", str(path.resolve())]
    process = vm.wire.popen(*child(words), stderr=subprocess.PIPE)
    assert process.stderr is not None
    process.stderr.readline()  # "listening on …": from here on nothing is missed
    return process


def _shell(vm: Vm, interface: str) -> int:
    enter = f"nsenter --net={vm.wire.path}"
    print(
        f"""
guest  {interface or "no interface yet"}  {HOST4}  {HOST6}
wire   {WIRE_IF}  {WIRE4}  {WIRE6}   (in a namespace of its own on this machine)
try    ping {WIRE4}                        here, in the guest
       {enter} tcpdump -n -i {WIRE_IF}     in another terminal, as root
Ctrl-A X ends it, and so does `exit`.
""".replace("\n", "\r\n"),
        end="",
        flush=True,
    )
    vm.run("touch /run/shell")
    assert vm.qemu is not None
    vm.qemu.wait()
    return 0
