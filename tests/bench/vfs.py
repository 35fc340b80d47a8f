# SPDX-License-Identifier: BSD-3-Clause
"""What many virtual functions cost: ``python3 -m ci bench vfs``.

Two devices run: one with 63 virtual functions that all have a driver of ours, one with a single one.  The same virtual
function sends frames out and takes them back (``app_loop``) on each in turn; all others are up and idle.  Memory and
idle CPU of the device are measured without a client, and with all 63.

Usage: python -m tests.bench.vfs [--json]
"""

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ci.bench import IDLE_S, ROUNDS, cpu_s, device, loop_mpps
from ci.demo import Lines
from ci.processes import child, ended
from ci.say import ROOT, CiError

MANY = 63
START_TIMEOUT_S = 120.0
SETTLE_S = 1.0


@contextlib.contextmanager
def driven(path: Path, vfs: int) -> Iterator[None]:
    """Our driver on the physical function, with ``vfs`` virtual functions enabled."""
    words = [sys.executable, "-m", "driver", "up", f"vfio-user:{path}", "--vfs", str(vfs), "--queues", "1"]
    process = subprocess.Popen(
        child(words), text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT, process_group=0
    )
    lines = Lines(process)
    try:
        while (line := lines.next(START_TIMEOUT_S)) is not None and not line.startswith("driver ready: "):
            pass
        if line is None:
            raise CiError(f"the driver of {path} did not start")
        yield
    finally:
        ended("the physical function's driver", process)
        if process.stdout:
            process.stdout.close()


def held(process: subprocess.Popen[str]) -> dict[str, int]:
    """Open files, threads and private memory (KiB) of a process."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    private = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon"))
    return {"fds": len(list(Path(f"/proc/{process.pid}/fd").iterdir())), "private_kib": private}


def idle_percent(process: subprocess.Popen[str]) -> float:
    """CPU that it uses while nothing happens, in percent of a core."""
    time.sleep(SETTLE_S)
    before_s = cpu_s(process)
    time.sleep(IDLE_S)
    return (cpu_s(process) - before_s) / IDLE_S * 100


def measure() -> dict[str, Any]:
    """Everything, by name."""
    from driver.compiled import ffi, lib
    from driver.doors.open import open_door
    from driver.ixgbevf.probe import VfOptions, probe

    with ExitStack() as stack:
        many, crowd = stack.enter_context(device("--loopback", "--vfs", str(MANY)))
        one, single = stack.enter_context(device("--loopback", "--vfs", "1"))
        empty, idle_before = held(crowd), idle_percent(crowd)
        stack.enter_context(driven(many, MANY))
        stack.enter_context(driven(one, 1))
        with_pf = held(crowd)
        nics = []
        start_s = time.monotonic()
        for n in range(MANY):
            nics.append(stack.enter_context(probe(open_door(f"vfio-user:{many}.vf{n}"), VfOptions())))
            nics[-1].up(queues=1)
        took_s = time.monotonic() - start_s
        alone = stack.enter_context(probe(open_door(f"vfio-user:{one}.vf0"), VfOptions()))
        alone.up(queues=1)
        full, idle_after = held(crowd), idle_percent(crowd)
        busy = nics[MANY // 2]
        for nic in (busy, alone):  # memory that nobody has touched costs more than what is measured
            loop_mpps(nic, lib, ffi)
        pairs = [(loop_mpps(busy, lib, ffi), loop_mpps(alone, lib, ffi)) for _ in range(ROUNDS)]
        del single
        return {
            "vfs": MANY,
            "probe_and_up_s": round(took_s / MANY, 4),
            "kib_a_vf_with_driver": round((full["private_kib"] - with_pf["private_kib"]) / MANY, 1),
            "kib_device": {"no client": empty["private_kib"], "63 drivers": full["private_kib"]},
            "fds": {"no client": empty["fds"], "63 drivers": full["fds"]},
            "idle_cpu_percent": {"no client": round(idle_before, 2), "63 drivers": round(idle_after, 2)},
            "busy_beside_62_mpps": [round(pair[0], 4) for pair in pairs],
            "busy_alone_mpps": [round(pair[1], 4) for pair in pairs],
            "ratio": round(statistics.median(crowded / lonely for crowded, lonely in pairs), 3),
        }


def main() -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = measure()
    if asked.json:
        print(json.dumps(found))
        return 0
    for name, value in found.items():
        print(f"{name:<24} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
