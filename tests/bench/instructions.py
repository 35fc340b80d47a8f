# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci bench instructions``: what a frame and a register access cost the device's C and the driver's.

The driver's rings run on the device in one process and one thread, under callgrind: a batch goes out, comes back by a
loopback plug and is taken.  Counted are the instructions of the two ``_core`` modules and of the libraries they call;
Python, and what cffi puts around each call, are left out.  No C function of the two is counted by its name, so figures
from before and after a change of the C compare, on one machine: libraries choose their code by the processor.

What the two modules' own instructions were is in instructions.json beside this file, for each compiler that somebody
has recorded them with (``bench instructions --record``).  A test fails when one has grown by more than a tenth.
"""

import json
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cffi import FFI

from ci.say import run
from device.machine.wire.loopback import LoopbackPort
from device.regs.i82599 import CTRL, EIMS, FCTTV
from driver.compiled import lib
from tests.bench.rows import Sheet, this_machine
from tests.bench.shared import share_doorbells
from tests.rigs.pair import Rig, flow, offload, plain, rig
from tests.twins.csum import rfc1071

BATCHES = {32: 32, 1: 1024}  # frames of a batch: batches; either way the rings are gone round twice
WARM_BATCHES = 64
MORE_PERCENT = 10  # that a figure may grow before somebody has to say so
BARELY = 3.0  # and instructions that no percentage is made of
RECORD = Path(__file__).with_suffix(".json")
RING_COUNT = 512
FLOWS = 64
TURNS = 8  # that the device may take for a batch; it needs one
ACCESSES = 1000
TIMED_ACCESSES = 200_000
REPEATS = 15
TIMEOUT_S = 900
NOTHING_WAKES = CTRL  # its offset is 0

# A register that only stores, and one that the interrupt block computes; the zeros written to it unmask nothing.
REGISTERS = {"FCTTV (plain)": FCTTV.offset(0), "EIMS (interrupts)": EIMS.offset()}


@dataclass(frozen=True, slots=True)
class HotPath:
    """What frames are sent, and how: their offload, and by which doorbells."""

    name: str
    queues: int
    frames: Sequence[bytes]
    off: Any = None
    shared: bool = False


def to_be_summed(frame: bytes) -> bytes:
    """A TCP frame over IPv4 as the NIC gets it: with the pseudo header's sum where it is to put the whole."""
    pseudo = frame[26:34] + (6).to_bytes(2, "big") + (len(frame) - 34).to_bytes(2, "big")
    return frame[:50] + rfc1071(pseudo).to_bytes(2, "big") + frame[52:]


def carry(up: Rig, kind: HotPath, batch: int, batches: int) -> None:
    """Send ``batches`` batches of ``batch`` frames, and take all of each before the next."""
    sender, receivers = up.adapter.tx_rings[0], up.adapter.rx_rings
    for number in range(batches):
        some = [kind.frames[(number * batch + n) % len(kind.frames)] for n in range(batch)]
        if kind.off is None:
            assert sender.send(some) == batch
        else:
            assert all(sender.post(frame, kind.off) for frame in some)
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

    plainly = [plain(n, 60) for n in range(FLOWS)]
    udp = [flow(n, udp=True, payload=bytes(18)) for n in range(FLOWS)]
    tcp = [to_be_summed(flow(n * 97, payload=bytes(6))) for n in range(FLOWS)]  # with neighbours RSS leaves out a queue
    kinds = (
        HotPath("64 B plain, 1 queue", 1, plainly),
        HotPath("64 B plain, 1 queue, shared doorbells", 1, plainly, shared=True),
        HotPath("64 B UDP, RSS to 4", 4, udp),
        HotPath("64 B TCP with sums, RSS to 4", 4, tcp, offload()),
    )
    marks.marks_on()
    for kind in kinds:
        assert {len(frame) for frame in kind.frames} == {60}  # 64 with the FCS
        with LoopbackPort() as port, rig(port, queues=kind.queues, ring_count=RING_COUNT) as up:
            ended = share_doorbells(up) if kind.shared else lambda: None
            up.adapter.bar.wake_by(NOTHING_WAKES)  # under callgrind every doorbell comes after a pause
            for batch, batches in BATCHES.items():
                carry(up, kind, batch, WARM_BATCHES)
                with counted(f"{kind.name}, batch {batch}: a frame", batch * batches):
                    carry(up, kind, batch, batches)
            assert all(ring.stats()["packets"] for ring in up.adapter.rx_rings), "a queue had no frame"
            ended()
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
    without = dict.fromkeys(("COVERAGE_PROCESS_START", "PYTHONDEVMODE"), "")  # neither is part of the work
    run([*command, marks], quiet=True, timeout_s=TIMEOUT_S, env=without)
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


def own(counts: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Instructions of the two modules themselves, by name and side: libraries have other code for other processors."""
    return {
        name: {
            of: round(sum(n for what, n in functions.items() if not what.endswith("-> library")) / row["times"], 1)
            for of, functions in row["functions"].items()
        }
        for name, row in counts.items()
    }


def compiler() -> str:
    """What the modules are compiled with: another compiler makes other instructions."""
    return f"gcc {run(['gcc', '-dumpversion'], quiet=True).stdout.strip().partition('.')[0]}, {platform.machine()}"


def recorded() -> dict[str, Any]:
    """What instructions.json has, by compiler."""
    found: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
    return found


def record(figures: dict[str, dict[str, float]]) -> None:
    """Write the figures of this compiler anew; those of others stay."""
    found = recorded() if RECORD.exists() else {}
    machine = this_machine()
    found[compiler()] = {
        "libc": " ".join(platform.libc_ver()),
        "processor": machine["processor"],
        "instructions": figures,
    }
    RECORD.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def grown(now: dict[str, dict[str, float]], before: dict[str, dict[str, float]]) -> list[str]:
    """Say which figures have grown by more than ``MORE_PERCENT``, or are on one side only."""
    said = []
    for name in sorted(now.keys() | before.keys()):
        if name not in now or name not in before:
            said.append(f"{name}: only {'recorded' if name in before else 'measured'}")
            continue
        for of, old in before[name].items():
            new = now[name][of]
            if new > old * (1 + MORE_PERCENT / 100) and new - old > BARELY:
                said.append(f"{name}, {of}: {old:.1f} instructions recorded, {new:.1f} now")
    return said


def by_counting(*, timed: bool) -> tuple[dict[str, dict[str, Any]], dict[str, list[float]]]:
    """Instructions, and nanoseconds of register accesses if ``timed``."""
    before = os.environ.get("IXLAB_RUN_DIR")
    with tempfile.TemporaryDirectory(prefix="ixlab-bench-") as folder:
        os.environ["IXLAB_RUN_DIR"] = folder  # claims of ours do not meet those of the machine
        try:
            return count(Path(folder)), access_ns() if timed else {}
        finally:
            if before is None:
                del os.environ["IXLAB_RUN_DIR"]
            else:
                os.environ["IXLAB_RUN_DIR"] = before


def measure(*, quick: bool, anew: bool = False) -> tuple[Sheet, dict[str, Any]]:
    """Count, and time register accesses unless ``quick``.

    Args:
        quick: Do not time.
        anew: Record the figures.

    Returns:
        The rows; and all functions with their instructions, for programs.
    """
    sheet = Sheet("instructions", "What a frame and a register access cost", "python3 -m ci bench instructions")
    counts, times = by_counting(timed=not quick)
    figures = own(counts)
    if anew:
        record(figures)
    old = recorded().get(compiler(), {}).get("instructions", {}) if RECORD.exists() else {}
    for name, sides in figures.items():
        for of, value in sides.items():
            before = old.get(name, {}).get(of)
            if value or before:
                sheet.add(f"{name}, {of}", value, "instructions", "the record" if before else "", before or None)
    for name, values in times.items():
        for value in values:
            sheet.add(f"{name}, in-process", value, "ns")
    return sheet, counts


def main(arguments: list[str]) -> None:
    """Do what is counted; the one argument is the shared object with the marks.  This is the run under callgrind."""
    ffi = FFI()
    ffi.cdef("void marks_on(void); void marks_zero(void); void marks_dump(const char *name);")
    marks: Any = ffi.dlopen(arguments[0])
    work(marks)


if __name__ == "__main__":
    main(sys.argv[1:])
