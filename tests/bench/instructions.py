# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci bench instructions``: what a frame and a register access cost the device's C and the driver's.

The driver's rings run on the device in one process and one thread, under callgrind: a batch goes out, comes back by a
loopback plug and is taken.  Counted are the instructions of the two ``_core`` modules and of the libraries they call;
Python, and what cffi puts around each call, are left out.  No C function of the two is counted by its name, so figures
from before and after a change of the C compare, on one machine: libraries choose their code by the processor.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cffi import FFI

from ci.say import run
from device.machine.wire.loopback import LoopbackPort
from device.regs.i82599 import EIMS, FCTTV
from driver.compiled import lib
from tests.rigs.pair import Rig, flow, plain, rig

BATCHES = {32: 128, 1: 4096}  # frames of a batch: batches
WARM_BATCHES = 64
RING_COUNT = 512
FLOWS = 64
TURNS = 8  # that the device may take for a batch; it needs one
ACCESSES = 1000
TIMED_ACCESSES = 200_000
REPEATS = 15
TIMEOUT_S = 900

# A register that only stores, and one that the interrupt block computes; the zeros written to it unmask nothing.
REGISTERS = {"FCTTV (plain)": FCTTV.offset(0), "EIMS (interrupts)": EIMS.offset()}


def carry(up: Rig, frames: Sequence[bytes], batch: int, batches: int) -> None:
    """Send ``batches`` batches of ``batch`` frames, and take all of each before the next."""
    sender, receivers = up.adapter.tx_rings[0], up.adapter.rx_rings
    for number in range(batches):
        for n in range(batch):
            assert sender.post(frames[(number * batch + n) % len(frames)])
        sender.flush()
        taken = 0
        for _ in range(TURNS):
            for ring in receivers:
                taken += len(ring.harvest())
                ring.refill()
            if taken == batch:
                break
            up.nic.core.step()
        assert taken == batch, f"{taken} of {batch} frames came back"
        sender.clean()


def work(marks: Any) -> None:
    """Do what is counted, with a mark before and after each piece: a name and how often it was done."""

    @contextmanager
    def counted(name: str, times: int) -> Iterator[None]:
        marks.marks_zero()
        yield
        marks.marks_dump(json.dumps([name, times]).encode())

    kinds = {
        "64 B plain, 1 queue": (1, [plain(n, 60) for n in range(FLOWS)]),
        "64 B UDP, RSS to 4": (4, [flow(n, udp=True, payload=bytes(18)) for n in range(FLOWS)]),
    }
    marks.marks_on()
    for name, (queues, frames) in kinds.items():
        assert {len(frame) for frame in frames} == {60}  # 64 with the FCS
        with LoopbackPort() as port, rig(port, queues=queues, ring_count=RING_COUNT) as up:
            for batch, batches in BATCHES.items():
                carry(up, frames, batch, WARM_BATCHES)
                with counted(f"{name}, batch {batch}: a frame", batch * batches):
                    carry(up, frames, batch, batches)
            assert all(ring.stats()["packets"] for ring in up.adapter.rx_rings), "a queue had no frame"
    with LoopbackPort() as port, rig(port) as up:
        for name, offset in REGISTERS.items():
            with counted(f"{name}: a read", ACCESSES):
                for _ in range(ACCESSES):
                    up.nic.pf.bar0_read(offset)
            with counted(f"{name}: a write", ACCESSES):
                for _ in range(ACCESSES):
                    up.nic.pf.bar0_write(offset, bytes(4))


def side(path: str) -> str:
    """Return what a file of the process belongs to: the device, the driver, Python with cffi, or a library."""
    name = Path(path).name
    if name.startswith("_core."):
        return Path(path).parent.name
    return "python" if "python" in name else "library"


def read_counts(path: Path) -> tuple[list[Any] | None, dict[str, Counter[str]]]:
    """Read one dump of callgrind, written without compressed names and positions.

    Returns:
        What ``counted`` said of it, or None; and instructions by side and function, libraries under their callers.
    """
    said, found = None, {"device": Counter[str](), "driver": Counter[str]()}
    here = function = callee = called = ""
    for line in path.read_text(errors="replace").splitlines():
        key, _, value = line.partition("=")
        if line.startswith("desc: Trigger: Client Request: "):
            said = json.loads(line.partition("Request: ")[2])
        elif key == "ob":
            here = side(value)
        elif key == "fn":
            function = value
        elif key == "cob":
            callee = side(value)
        elif key == "calls":  # the next line is what they cost, with all that the callee called
            called, callee = callee or here, ""
        elif line[:1].isdigit():
            # cffi's own wrapper of a C function is in the same file; it is no part of the work.
            if here in found and called in {"", "library"} and not function.startswith("_cffi_"):
                found[here][f"{function} -> library" if called else function] += int(line.split()[1])
            called = ""
    return said, found


def count(folder: Path) -> dict[str, dict[str, Any]]:
    """Run the work under callgrind; figures by name and side."""
    marks = folder / "marks.so"
    run(["gcc", "-shared", "-fPIC", "-o", marks, Path(__file__).with_name("marks.c")], quiet=True)
    command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--compress-strings=no", "--compress-pos=no"]
    command += [f"--callgrind-out-file={folder}/counts", "--quiet", sys.executable, "-m", "tests.bench.instructions"]
    run([*command, marks], quiet=True, timeout_s=TIMEOUT_S)
    rows = {}
    for path in sorted(folder.glob("counts.*"), key=lambda path: int(path.suffix[1:])):
        said, found = read_counts(path)
        assert said, f"{path.name} is not from one of our marks"
        name, times = said
        assert found["device"], f"{name}: nothing was counted in a file called device/_core.*"
        rows[name] = {"times": times, "functions": found}
        rows[name] |= {of: sum(functions.values()) / times for of, functions in found.items()}
    return rows


def access_ns() -> dict[str, list[float]]:
    """Time register accesses of the driver's C; the in-process door gives the device a turn after each."""
    taken: dict[str, list[float]] = {}
    with LoopbackPort() as port, rig(port) as up:
        bar: Any = up.adapter.bar.mmio
        for _ in range(REPEATS):
            for name, offset in REGISTERS.items():
                start_ns = time.perf_counter_ns()
                lib.app_read_ns(bar, offset, TIMED_ACCESSES)
                between_ns = time.perf_counter_ns()
                lib.app_write_ns(bar, offset, 0, TIMED_ACCESSES)
                end_ns = time.perf_counter_ns()
                taken.setdefault(f"{name}: a read", []).append((between_ns - start_ns) / TIMED_ACCESSES)
                taken.setdefault(f"{name}: a write", []).append((end_ns - between_ns) / TIMED_ACCESSES)
        assert bar.error == 0, f"an access failed: {bar.error}"
    return taken


def main(arguments: list[str]) -> None:
    """Print a table, or with ``--json`` everything; ``MARKS`` alone is the run under callgrind."""
    if arguments and arguments != ["--json"]:
        ffi = FFI()
        ffi.cdef("void marks_on(void); void marks_zero(void); void marks_dump(const char *name);")
        marks: Any = ffi.dlopen(arguments[0])
        work(marks)
        return
    with tempfile.TemporaryDirectory(prefix="ixlab-bench-") as folder:
        os.environ["IXLAB_RUN_DIR"] = folder  # claims of ours do not meet those of the machine
        counts = count(Path(folder))
        times = access_ns()
    if arguments:
        print(json.dumps({"instructions": counts, "access_ns": times}))
        return
    print(f"{'instructions':<40}{'device':>9}{'driver':>9}")
    for name, row in counts.items():
        print(f"{name:<40}{row['device']:>9.1f}{row['driver']:>9.1f}")
    print(f"\n{'ns through the in-process door':<40}{'median':>9}{'least':>9}{'most':>9}")
    for name, values in times.items():
        print(f"{name:<40}{statistics.median(values):>9.1f}{min(values):>9.1f}{max(values):>9.1f}")


if __name__ == "__main__":
    main(sys.argv[1:])
