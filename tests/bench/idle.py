# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci bench idle``: CPU that a NIC and its driver use while their link is up and nothing happens.

Four processes run at once, a NIC and ``ixlab-driver up`` with trapped doorbells and the same with shared ones, so both
ways are measured over the same seconds.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ci.demo import Lines
from ci.processes import child, ended
from ci.say import ROOT, CiError, run
from tests.bench.nic import cpu_s, device
from tests.bench.rows import Sheet, rounds

DOORBELLS = ("trapped", "shared")
LASTS_S, QUICK_LASTS_S = 10.0, 3.0
SETTLE_S = 2.0  # a device that was busy looks at shared doorbells more often for a while
START_TIMEOUT_S = 60.0
LINK_TIMEOUT_S = 20.0


@contextmanager
def driver_up(path: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """``ixlab-driver up`` as a process, ready.

    Raises:
        CiError: It did not come up.
    """
    words = [sys.executable, "-m", "driver", "up", f"vfio-user:{path}", *options]
    process = subprocess.Popen(
        child(words), text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT, process_group=0
    )
    lines = Lines(process)
    try:
        while (line := lines.next(START_TIMEOUT_S)) is not None and not line.startswith("driver ready: "):
            pass
        if line is None:
            raise CiError(f"the driver of {path} did not start")
        yield process
    finally:
        ended(f"the driver of {path}", process)
        if process.stdout:
            process.stdout.close()


def link_up(path: Path) -> bool:
    """What a running driver says of its link."""
    said = run([sys.executable, "-m", "driver", "link", f"vfio-user:{path}", "--json"], quiet=True, timeout_s=60).stdout
    return bool(json.loads(said)["up"])


def wait_for_link(path: Path) -> None:
    """Both ends send light.

    Raises:
        CiError: They did not in time.
    """
    end_s = time.monotonic() + LINK_TIMEOUT_S
    while not link_up(path):
        if time.monotonic() > end_s:
            raise CiError(f"after {LINK_TIMEOUT_S:.0f} s the NIC at {path} still has no link")
        time.sleep(0.2)


def measure(count: int, *, quick: bool) -> Sheet:
    """Measure all of it in ``count`` rounds."""
    lasts_s = QUICK_LASTS_S if quick else LASTS_S
    sheet = Sheet("idle", f"CPU of an idle NIC with its link up, over {lasts_s:.0f} s", "python3 -m ci bench idle")
    with ExitStack() as stack:
        who: dict[str, subprocess.Popen[str]] = {}
        for doorbells in DOORBELLS:
            path, nic = stack.enter_context(device("--loopback", "--doorbells", doorbells))
            who[f"device, {doorbells}"] = nic
            who[f"driver, {doorbells}"] = stack.enter_context(driver_up(path, "--queues", "1"))
            wait_for_link(path)
        time.sleep(SETTLE_S)
        for _ in rounds(count, "idle"):
            before = {name: (cpu_s(process), time.monotonic()) for name, process in who.items()}
            time.sleep(lasts_s)
            used = {
                name: (cpu_s(process) - before[name][0]) / (time.monotonic() - before[name][1]) * 100
                for name, process in who.items()
            }
            for name, percent in used.items():
                sheet.add(name, percent, "% of a core")
            for doorbells in DOORBELLS:
                both = used[f"device, {doorbells}"] + used[f"driver, {doorbells}"]
                sheet.add(f"both, {doorbells}", both, "% of a core", "" if doorbells == "trapped" else "both, trapped")
    return sheet
