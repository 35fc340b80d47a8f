# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci bench latency``: doorbell → frame out → frame in → handler, beside two eventfds.

One frame is under way at a time.  Either both sides spin, or both have slept for 2 ms: then the doorbell has to wake
the device, and the interrupt the driver.  Two processes that answer each other through eventfds do the same in the same
round.  Besides: a register read, and a write, which is posted.
"""

import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from ci.say import CiError, run
from device.regs.i82599 import EITR, STATUS
from driver.compiled import lib
from tests.bench import nic as bench_nic
from tests.bench.rows import Sheet, rounds
from tests.bench.traffic import PLAIN, Traffic, template, traffic

DOORBELLS = ("shared", "trapped")
PAUSE_US = 2000
WAYS = {"both spin": 0, f"after {PAUSE_US // 1000} ms asleep": PAUSE_US}
TIMES = {"both spin": 20_000, f"after {PAUSE_US // 1000} ms asleep": 300}
QUICK_TIMES = {"both spin": 500, f"after {PAUSE_US // 1000} ms asleep": 30}
ACCESSES, QUICK_ACCESSES = 5000, 300
EVENTFDS = "two eventfds"
FRAME_BYTES = 60

Figures = tuple[float, float]  # µs: p50, p99


def one_by_one(made: Traffic, adapter: Any, pause_us: int, times: int) -> Figures:
    """Frames through the NIC.

    Raises:
        CiError: One was lost or damaged.
    """
    ffi = made.ffi
    vector = adapter.q_vectors[0]
    took = ffi.new("uint64_t[]", times)
    frame = ffi.from_buffer("uint8_t[]", template(PLAIN, 1, FRAME_BYTES, adapter.mac))
    asked = ffi.new("struct latency *")
    asked.rx, asked.tx = made.ring("struct rx_ring *", vector.rx[0]), made.ring("struct tx_ring *", vector.tx[0])
    asked.frame, asked.len_bytes, asked.times, asked.out_ns = frame, FRAME_BYTES, times, took
    asked.pause_us, asked.irq_fd = pause_us, vector.irq.irq_fd if pause_us else -1
    asked.rearm_offset, asked.rearm_value = adapter.irqs.rearm(vector)
    rc = made.lib.latency_run(asked, made.calls)
    if rc:
        raise CiError(f"one frame out and back: {os.strerror(-rc)}")
    ordered = sorted(took[n] / 1e3 for n in range(times))
    return ordered[times // 2], ordered[times * 99 // 100]


def eventfds(program: Path, pause_us: int, times: int) -> Figures:
    """The baseline."""
    said = run([program, str(times), str(pause_us)], quiet=True, timeout_s=120).stdout.split()
    return int(said[0]) / 1e3, int(said[1]) / 1e3


def registers(sheet: Sheet, adapter: Any, doorbells: str, times: int) -> None:
    """A read, and a posted write."""
    bar = adapter.bar.mmio
    read = f"{doorbells}: register read"
    sheet.add(read, lib.app_read_ns(bar, STATUS.offset(), times) / 1e3, "µs")
    sheet.add(f"{doorbells}: register write", lib.app_write_ns(bar, STATUS.offset(), 0, times) / 1e3, "µs", read)


def measure(count: int, *, quick: bool) -> Sheet:
    """Measure all of it in ``count`` rounds."""
    sheet = Sheet("latency", "One 64 B frame out through the NIC and back, µs", "python3 -m ci bench latency")
    times = QUICK_TIMES if quick else TIMES
    with ExitStack() as stack:
        program = bench_nic.built(Path(stack.enter_context(tempfile.TemporaryDirectory())), "eventfds")
        made = stack.enter_context(traffic())
        ways: dict[str, Callable[[int, int], Figures]] = {EVENTFDS: lambda us, n: eventfds(program, us, n)}
        nics: dict[str, Any] = {}
        for doorbells in DOORBELLS:
            nic, _ = stack.enter_context(bench_nic.driven("--loopback", "--doorbells", doorbells, queues=1))
            nic.bar.write(EITR, 0, nic.q_vectors[0].reg_idx)
            nics[doorbells] = nic
            ways[doorbells] = partial(one_by_one, made, nic)
        for _ in rounds(count, "latency"):
            for way, pause_us in WAYS.items():
                for what, one in ways.items():
                    for which, value in zip(("p50", "p99"), one(pause_us, times[way]), strict=True):
                        of = "" if what == EVENTFDS else f"{EVENTFDS}, {way}: {which}"
                        sheet.add(f"{what}, {way}: {which}", value, "µs", of)
            for doorbells, nic in nics.items():
                registers(sheet, nic, doorbells, QUICK_ACCESSES if quick else ACCESSES)
    return sheet
