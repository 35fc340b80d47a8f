# SPDX-License-Identifier: BSD-3-Clause
"""A card that several share: its process, the driver of its physical function, and what a guest needs of a virtual one.

In the namespace "wire" the device owns its tap; in "host" our driver has the physical function, as the network
interface ``ixpf0``.  Without that driver the device answers for it (``--vfs-always``).
"""

import dataclasses
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from ci import net
from ci.demo import WIRE4, WIRE6, Lines, addresses, wait_for_carrier
from ci.nic import Nic, NicOptions
from ci.processes import OWN_GROUP, child, ended
from ci.say import CiError

PF_IF = "ixpf0"
PF4, PF6 = "192.0.2.10", "2001:db8::10"
DRIVER_TIMEOUT_S = 120.0
COMMAND_TIMEOUT_S = 60.0

__all__ = ["PF4", "PF6", "PF_IF", "WIRE4", "WIRE6", "SharedCard", "VfNic"]


class VfNic(Nic):
    """A virtual function as a guest's NIC; its card is somebody else's to start and to end.

    Args:
        card: The device with that virtual function.
        number: 1 for the guest's first NIC.
        vf: Which one.
    """

    def __init__(self, card: Nic, number: int, vf: int) -> None:
        super().__init__(card.socket.parent, number, card.options)
        self.card = card
        self.socket = card.socket.with_name(f"{card.socket.name}.vf{vf}")
        self.log_path = card.log_path
        self.process = card.process

    def start(self, wire: net.Namespace) -> None:
        """Do nothing: the card runs."""

    def ask(self, **request: object) -> dict[str, object]:
        """Send the card one request on its control socket."""
        return self.card.ask(**request)

    def close(self) -> list[str]:
        """Do nothing: others may have it."""
        return []


class SharedCard:
    """A device with virtual functions, and who drives its physical one.

    Args:
        folder: Where its sockets and logs are; removed in the end.
        vfs: How many virtual functions.
        options: How the device is to be, besides.
        pf: ``ours``: our driver, in a namespace of its own; ``none``: nobody, the device answers.
        more: More options for ``python -m driver up``.

    Attributes:
        wire: Namespace of the device's tap.
        host: Namespace of the physical function's network interface.
        nic: The device.
        driver: Our driver, while it runs.
    """

    def __init__(
        self,
        folder: Path,
        vfs: int,
        options: NicOptions | None = None,
        *,
        pf: Literal["ours", "none"] = "ours",
        more: tuple[str, ...] = (),
    ) -> None:
        options = options or NicOptions()
        words = ("--vfs", str(vfs), *(("--vfs-always",) if pf == "none" else ()))
        self.folder = folder
        self.vfs = vfs
        self.pf = pf
        self.more = more
        self.wire = net.Namespace("wire")
        self.host = net.Namespace("host")
        self.nic = Nic(folder, 0, dataclasses.replace(options, more=(*options.more, *words)))
        self.driver_log = folder / "pf-driver.log"
        self.driver: subprocess.Popen[str] | None = None

    def start(self, show: Callable[[str], None] | None = None) -> None:
        """Start the device, and the driver if there is to be one.

        Raises:
            CiError: One of them was not ready in time.
        """
        self.nic.start(self.wire)
        if self.pf == "ours":
            self.start_driver(show)

    def start_driver(self, show: Callable[[str], None] | None = None) -> None:
        """Start the physical function's driver, and give its network interface addresses.

        Raises:
            CiError: It was not ready in time.
        """
        words = [sys.executable, "-m", "driver", "up", f"vfio-user:{self.nic.socket}", "--netdev", PF_IF]
        with self.driver_log.open("w", encoding="utf-8") as log:
            self.driver = self.host.popen(
                *child([*words, "--vfs", str(self.vfs), *self.more]),
                stdout=subprocess.PIPE,
                stderr=log.fileno(),
                group=OWN_GROUP,
            )
        lines = Lines(self.driver)
        while (line := lines.next(DRIVER_TIMEOUT_S)) is not None and not line.startswith("driver ready: "):
            if show:
                show(line)
        if line is None:
            raise CiError(f"the driver did not start: {self.driver_log.read_text(encoding='utf-8')[-2000:]}")
        addresses(self.host, PF_IF, PF4, PF6)
        wait_for_carrier(self.host, PF_IF)

    def kill_driver(self) -> None:
        """End the physical function's driver as a crash would: SIGKILL."""
        if self.driver is not None:
            self.driver.kill()
            self.driver.wait()
            self._forget_driver()

    def _forget_driver(self) -> None:
        if self.driver is not None and self.driver.stdout:
            self.driver.stdout.close()
        self.driver = None

    def stop_driver(self) -> None:
        """End the physical function's driver as a person would.

        Raises:
            CiError: It did not end by itself, or not with exit code 0.
        """
        if self.driver is None:
            return
        said = ended("the physical function's driver", self.driver)
        self._forget_driver()
        if said:
            raise CiError("; ".join(said))

    def vf(self, *words: str) -> str:
        """Run ``driver vf NIC …``; returns what it printed."""
        command = (sys.executable, "-m", "driver", "vf", f"vfio-user:{self.nic.socket}", *words)
        return self.host.run(*command, timeout_s=COMMAND_TIMEOUT_S)

    def table(self) -> list[dict[str, object]]:
        """What ``driver vf NIC --json`` says of each virtual function."""
        rows: list[dict[str, object]] = json.loads(self.vf("--json"))["vfs"]
        return rows

    def of_guest(self, *vfs: int) -> list[Nic]:
        """These virtual functions as a guest's NICs."""
        return [VfNic(self.nic, number, vf) for number, vf in enumerate(vfs, 1)]

    def close(self) -> None:
        """End the driver, then the device, then the namespaces.

        Raises:
            CiError: One did not end by itself, or not with exit code 0.
        """
        said: list[str] = []
        try:
            self.stop_driver()
        except CiError as exc:
            said.append(str(exc))
        said += self.nic.close()
        self.host.close()
        self.wire.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        if said:
            raise CiError("; ".join(said))

    def __enter__(self) -> "SharedCard":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self.close()
        except CiError:
            if kind is None:  # else there is something to be told that came first
                raise
