# SPDX-License-Identifier: BSD-3-Clause
"""A NIC for a guest: its process, its socket, and the tap that is its wire."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ci import guest, net
from ci.demo import WIRE4, WIRE6, WIRE_IF, Lines, ask_device
from ci.processes import OWN_GROUP, child, ended
from ci.say import ROOT, CiError

MAC = "02:00:00:82:59:90"
START_TIMEOUT_S = 60.0
MESSAGE_TIMEOUT_MS = 60000  # a guest under TCG on a busy machine is no reason for QEMU to give the NIC up
PAGE_BYTES = 4096


@dataclass(frozen=True)
class NicOptions:
    """How one NIC is to be.

    Attributes:
        mac: Its address.
        doorbells: As the device's option.
        interrupts: As the device's option.
        port: What its wire is, as the device's options say it; empty for a tap in the wire's namespace.
        message_timeout_ms: How long QEMU waits for any answer.
        posted: Let QEMU post writes to memory BARs; without, the guest waits for each.
        more: More options for ``python -m device``.
    """

    mac: str = MAC
    doorbells: str = "trapped"
    interrupts: str = "msix"
    port: tuple[str, ...] = ()
    message_timeout_ms: int = MESSAGE_TIMEOUT_MS
    posted: bool = True
    more: tuple[str, ...] = ()


class Nic:
    """One device process.

    Args:
        folder: Where its socket, its control socket and its log are.
        number: 1 for the guest's first NIC; the root port is called ``slotN``.
        options: How it is to be.

    Attributes:
        process: The device, once started.
        socket: The vfio-user socket.
        log_path: What it says on stderr.
    """

    def __init__(self, folder: Path, number: int, options: NicOptions) -> None:
        self.options = options
        self.number = number
        self.socket = folder / f"nic{number}.sock"
        self.log_path = folder / f"device{number}.log"
        self._control = folder / f"control{number}.sock"
        self.process: subprocess.Popen[str] | None = None

    def start(self, wire: net.Namespace) -> None:
        """Start the process; a tap gets the wire's addresses.

        Raises:
            CiError: It did not say in time that it is ready.
        """
        options = self.options
        words = [sys.executable, "-m", "device", "--socket", str(self.socket), "--control", str(self._control)]
        words += ["--mac", options.mac, "--doorbells", options.doorbells, "--interrupts", options.interrupts]
        words += options.port or ("--tap", WIRE_IF)
        with self.log_path.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                wire.command(child([*words, *options.more])),
                text=True, stdout=subprocess.PIPE, stderr=log.fileno(), stdin=subprocess.DEVNULL, cwd=ROOT,
                process_group=OWN_GROUP,
            )  # fmt: skip
        line = Lines(self.process).next(START_TIMEOUT_S)
        if line is None or not line.startswith("device ready: "):
            raise CiError(f"the device did not start: {self.log()[-2000:]}")
        wire.run("ip", "link", "set", "lo", "up")
        if not options.port:
            wire.run("ip", "address", "add", f"{WIRE4}/24", "dev", WIRE_IF)
            wire.run("ip", "address", "add", f"{WIRE6}/64", "dev", WIRE_IF, "nodad")
            wire.run("ip", "link", "set", WIRE_IF, "up")

    def arguments(self) -> dict[str, object]:
        """Return the NIC as QEMU's ``-device`` and ``device_add`` take it."""
        return {
            "driver": guest.QEMU_DEVICE,
            "id": f"nic{self.number}",
            "bus": f"slot{self.number}",
            "x-msg-timeout": self.options.message_timeout_ms,
            **({} if self.options.posted else {"x-no-posted-writes": True}),
            "socket": {"path": str(self.socket), "type": "unix"},
        }

    def ask(self, **request: object) -> dict[str, object]:
        """Send it one request on its control socket."""
        return ask_device(self._control, request)

    def log(self) -> str:
        """Return what it has said on stderr."""
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def footprint(self) -> dict[str, int]:
        """Return what the process holds: open files, mappings, threads, and resident memory in KiB.

        Raises:
            CiError: It does not run.
        """
        if self.process is None or self.process.poll() is not None:
            raise CiError("no device process runs")
        proc = Path(f"/proc/{self.process.pid}")
        # Shared pages are the guest's RAM: how much of it has been touched is not the device's doing.
        _, resident, shared, *_ = map(int, (proc / "statm").read_text(encoding="utf-8").split())
        return {
            "fds": len(list((proc / "fd").iterdir())),
            "maps": len((proc / "maps").read_text(encoding="utf-8").splitlines()),
            "threads": len(list((proc / "task").iterdir())),
            "private_kib": (resident - shared) * PAGE_BYTES // 1024,
        }

    def close(self) -> list[str]:
        """End the process; returns what is to be said about how it went."""
        if self.process is None:
            return []
        said = ended("device", self.process)
        if self.process.stdout:
            self.process.stdout.close()
        return said
