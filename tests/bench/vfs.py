# SPDX-License-Identifier: BSD-3-Clause
"""What many virtual functions cost: ``python3 -m ci bench vfs``.

Devices run side by side, with 63 virtual functions that all have a driver of ours, and with a single one.  The same
program sends frames out and takes them back (``app_loop``) on one virtual function of each device in turn; all others
are up and idle.  Memory and idle CPU of a device are measured without a client, and with all drivers.
"""

import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from driver.compiled import ffi, lib
from driver.doors.open import open_door
from driver.ixgbevf.probe import VfOptions, probe
from tests.bench.idle import driver_up
from tests.bench.nic import FRAMES, cpu_s, device, loop_mpps, private_kib
from tests.bench.rows import Sheet, rounds

SIZES, QUICK_SIZES = (1, 63), (1, 4)
QUICK_FRAMES = 20_000
SETTLE_S = 1.0
IDLE_S, QUICK_IDLE_S = 3.0, 1.0


def open_files(process: subprocess.Popen[str]) -> int:
    """How many a process has."""
    return len(list(Path(f"/proc/{process.pid}/fd").iterdir()))


class Crowd:
    """A device with virtual functions that all have a driver; the one in the middle is busy when it is asked to.

    Attributes:
        count: How many.
        mpps: Frames per µs through the busy one, while the others are idle.
    """

    def __init__(self, count: int, stack: ExitStack, frames: int) -> None:
        self.count = count
        self._frames = frames
        path, self._process = stack.enter_context(device("--loopback", "--vfs", str(count)))
        self._held = {"without drivers": self._holds()}
        stack.enter_context(driver_up(path, "--vfs", str(count), "--queues", "1"))
        before_kib = private_kib(self._process)
        start_s = time.monotonic()
        self._nics: list[Any] = []
        for n in range(count):
            self._nics.append(stack.enter_context(probe(open_door(f"vfio-user:{path}.vf{n}"), VfOptions())))
            self._nics[-1].up(queues=1)
        self._up_ms = (time.monotonic() - start_s) / count * 1e3
        self.mpps()  # memory that nobody has touched costs more than what is measured
        self._held["with drivers"] = self._holds()
        self._kib_a_vf = (private_kib(self._process) - before_kib) / count

    def _holds(self) -> dict[str, float]:
        return {"KiB": private_kib(self._process), "open files": open_files(self._process)}

    def mpps(self) -> float:
        """Frames per µs."""
        return loop_mpps(self._nics[self.count // 2], lib, ffi, frames=self._frames)

    def cpu_s(self) -> float:
        """What the device has used so far."""
        return cpu_s(self._process)

    def once(self, sheet: Sheet, of: "Crowd | None") -> None:
        """What does not change from round to round."""
        figures = {"probe and up, each": (self._up_ms, "ms"), "device's memory, each": (self._kib_a_vf, "KiB")}
        for when, held in self._held.items():
            figures |= {f"device {when}, {what}": (value, what) for what, value in held.items()}
        for what, (value, unit) in figures.items():
            sheet.add(f"{self.count} VFs: {what}", value, unit, f"{of.count} VFs: {what}" if of else "")


def add_rounds(sheet: Sheet, count: int, sizes: Sequence[int], *, quick: bool) -> None:
    """Measure devices of these sizes, the first of them the baseline, in ``count`` rounds."""
    idle_s = QUICK_IDLE_S if quick else IDLE_S
    with ExitStack() as stack:
        crowds = [Crowd(size, stack, QUICK_FRAMES if quick else FRAMES) for size in sizes]
        for _ in rounds(count, sheet.bench):
            time.sleep(SETTLE_S)
            before = [crowd.cpu_s() for crowd in crowds]
            time.sleep(idle_s)
            idle = [(crowd.cpu_s() - at) / idle_s * 100 for crowd, at in zip(crowds, before, strict=True)]
            for crowd, percent in zip(crowds, idle, strict=True):
                below = crowd is not crowds[0]
                sheet.add(f"{crowd.count} VFs: idle CPU", percent, "% of a core", f"{sizes[0]} VFs: idle CPU" * below)
                sheet.add(f"{crowd.count} VFs: one busy", crowd.mpps(), "Mpps", f"{sizes[0]} VFs: one busy" * below)
                crowd.once(sheet, crowds[0] if below else None)


def measure(count: int, *, quick: bool) -> Sheet:
    """Measure all of it in ``count`` rounds."""
    sheet = Sheet("vfs", "One busy virtual function beside idle ones", "python3 -m ci bench vfs")
    add_rounds(sheet, count, QUICK_SIZES if quick else SIZES, quick=quick)
    return sheet
