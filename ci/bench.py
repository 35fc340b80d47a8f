# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci bench``: how fast the pair is, against what the same cores can do at best, in one run.

``bench instructions`` counts instructions (``tests/bench/instructions.py``), which a busy machine cannot spoil.
``bench itr`` compares interrupts, intervals and polling (``tests/bench/itr.py``), ``bench vfs`` one virtual function
beside 62 others with one alone (``tests/bench/vfs.py``).

Absolute figures on a shared machine say little; every row that matters is a ratio of two things measured in turn, and
what is printed is the median of the rounds with its spread.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ci import machine, processes
from ci.say import ROOT, CiError, run, say

ROUNDS = 5
FRAMES = 300_000
BASELINE_FRAMES = 5_000_000
BATCH = 32
FRAME_BYTES = 60  # 64 on the wire with its FCS
READS = 5_000
IRQS = 300
IDLE_S = 3.0
LOOP_TIMEOUT_S = 60.0
START_TIMEOUT_S = 30.0

VALGRIND = machine.Need("valgrind", "counts instructions", Path("/usr/include/valgrind/callgrind.h").exists)


@contextlib.contextmanager
def device(*options: str) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """A NIC of its own for the time of the block: its socket and its process."""
    with tempfile.TemporaryDirectory(prefix="ixlab-bench-") as folder:
        path = Path(folder) / "nic.sock"
        command = [sys.executable, "-m", "device", "--socket", str(path), "-q", *options]
        process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
        try:
            assert process.stdout is not None
            if not process.stdout.readline().startswith("device ready: "):
                process.kill()
                raise CiError(f"the device did not start: {process.communicate(timeout=10)[1]}")
            yield path, process
        finally:
            process.terminate()
            try:
                process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


def cpu_s(process: subprocess.Popen[str]) -> float:
    """CPU time a process has used so far, in seconds."""
    return processes.stat(process.pid).cpu_s


def baseline_mpps(program: Path) -> float:
    """Frames per µs of the plain shared-memory ring."""
    return float(run([program, str(FRAME_BYTES), str(BATCH), str(BASELINE_FRAMES)], quiet=True, timeout_s=120).stdout)


def loop_mpps(nic: Any, lib: Any, ffi: Any) -> float:
    """Frames per µs that went out through the NIC, over its loopback port, and came back.

    Raises:
        CiError: A frame was lost, damaged or out of order.
    """
    mac = bytes.fromhex(nic.mac.replace(":", ""))
    result = ffi.new("struct app_result *")
    deadline_ns = lib.napi_now() + int(LOOP_TIMEOUT_S * 1e9)
    header = mac + mac + b"\x88\xb5"  # local experimental ethertype
    rings = nic.q_vectors[0].rx[0].c, nic.q_vectors[0].tx[0].c
    rc = lib.app_loop(*rings, header, FRAME_BYTES, FRAMES, BATCH, deadline_ns, result)
    if rc or result.bad:
        why = os.strerror(-rc) if rc else "damaged"
        raise CiError(f"loop: sent {result.sent}, received {result.received}, bad {result.bad}: {why}")
    return float(result.received * 1e3 / result.elapsed_ns)


def irq_us(nic: Any, lib: Any, ffi: Any, pause_us: int) -> float:
    """Median µs from the register write that raises an interrupt to its eventfd being readable here."""
    from device.regs.i82599 import EICS_EX, EIMS_EX, EITR

    vector = nic.q_vectors[0]
    nic.bar.write(EITR, 0, vector.reg_idx)
    times_ns = ffi.new("uint64_t[]", IRQS)
    bit = 1 << vector.reg_idx
    rc = lib.app_irq_ns(
        *(nic.bar.mmio, EICS_EX.offset(0), bit, vector.irq.irq_fd, EIMS_EX.offset(0), bit, times_ns, IRQS, pause_us)
    )
    if rc < 0:
        raise CiError(f"an interrupt did not arrive: {os.strerror(-rc)}")
    return statistics.median(float(times_ns[i]) for i in range(IRQS)) / 1e3


def rounds(measure: Callable[[], float]) -> list[float]:
    """Measure a few times."""
    return [measure() for _ in range(ROUNDS)]


def show(values: list[float]) -> str:
    """Median and spread."""
    return f"{statistics.median(values):.3g} ({min(values):.3g} … {max(values):.3g})"


def measure(doorbells: str, baseline: Path) -> list[tuple[str, str, str]]:
    """Measure one way of hearing doorbells; rows of (what, figure, ratio)."""
    from device.regs.i82599 import STATUS
    from driver.compiled import ffi, lib
    from driver.doors.open import open_door
    from driver.ixgbe.probe import ProbeOptions, probe

    rows = []
    with (
        device("--loopback", "--doorbells", doorbells) as (path, process),
        probe(open_door(f"vfio-user:{path}"), ProbeOptions(), None) as nic,
    ):
        nic.up(queues=1, mtu=1500)
        bar = nic.bar.mmio
        pairs = [(loop_mpps(nic, lib, ffi), baseline_mpps(baseline)) for _ in range(ROUNDS)]
        loop, best = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        ratio = statistics.median(ours / theirs for ours, theirs in pairs)
        rows.append(
            (f"64 B loop through the NIC, batch {BATCH}", f"{show(loop)} Mpps", f"{ratio:.3f} of the plain ring")
        )
        rows.append(("  the plain ring, two threads", f"{show(best)} Mpps", "1"))
        reads = rounds(lambda: lib.app_read_ns(bar, STATUS.offset(), READS) / 1e3)
        writes = rounds(lambda: lib.app_write_ns(bar, STATUS.offset(), 0, READS) / 1e3)
        rows.append(("register read", f"{show(reads)} µs", "1 read"))
        ratio = statistics.median(w / r for w, r in zip(writes, reads, strict=True))
        rows.append(("register write, posted", f"{show(writes)} µs", f"{ratio:.2f} reads"))
        read_us = statistics.median(reads)
        for name, pause_us in (("device awake", 0), ("device asleep", 2000)):
            took = irq_us(nic, lib, ffi, pause_us)
            rows.append((f"doorbell → interrupt, {name}", f"{took:.3g} µs", f"{took / read_us:.1f} reads"))
        before_s = cpu_s(process)
        time.sleep(IDLE_S)
        rows.append(("idle CPU of the device", f"{(cpu_s(process) - before_s) / IDLE_S * 100:.2f} % of a core", ""))
    return rows


def main(asked: argparse.Namespace) -> int:
    """Measure and print; returns the exit code."""
    if asked.plot is not None and asked.what != "itr":
        raise CiError("--plot draws what `bench itr` measures; give both, or neither")
    if asked.what == "itr":
        plot = ["--plot", asked.plot.resolve()] if asked.plot is not None else []
        run([sys.executable, "-m", "tests.bench.itr", *(["--json"] if asked.json else []), *plot])
        return 0
    if asked.what == "vfs":
        run([sys.executable, "-m", "tests.bench.vfs", *(["--json"] if asked.json else [])])
        return 0
    if asked.what == "instructions":
        machine.ensure((VALGRIND,))
        run([sys.executable, "-m", "tests.bench.instructions", *(["--json"] if asked.json else [])])
        return 0
    from rich.console import Console
    from rich.table import Table

    everything = {}
    with tempfile.TemporaryDirectory(prefix="ixlab-bench-") as folder:
        baseline = Path(folder) / "baseline"
        source = ROOT / "tests" / "bench" / "baseline.c"
        run(["gcc", "-O2", "-pthread", "-o", baseline, source], quiet=True)
        for doorbells in ("trapped", "shared"):
            say(f"measuring with {doorbells} doorbells, {ROUNDS} rounds")
            everything[doorbells] = measure(doorbells, baseline)
    if asked.json:
        print(json.dumps(everything))
        return 0
    for doorbells, rows in everything.items():
        table = Table("what", "median (least … most)", "ratio", title=f"doorbells {doorbells}", title_justify="left")
        for row in rows:
            table.add_row(*row)
        Console(width=None if sys.stdout.isatty() else 110).print(table)
    return 0
