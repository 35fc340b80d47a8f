# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m tests.bench.driver_rows``: what a frame costs the driver, by who handles it.

The device (``ideal_write.c``) is in the same process and thread: what is sent arrives.  A frame goes out, comes back
and is handled by a program in C, by the polling loop, by a C function that this calls, or by Python, by batches or one
by one.
Counted are, under callgrind, all instructions but the device's; the times are of interleaved rounds, and say only how
the rows compare.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cffi import FFI

from ci.say import run
from device.regs.i82599 import RDT, TDT
from driver.compiled import ffi, lib
from driver.core.bar import Bar
from driver.core.dma import Arena
from driver.core.rings import RxRing, TxRing
from driver.ixgbe.rings import RINGS
from tests.rigs.memory_door import MemoryDoor

COUNT, BUF_BYTES = 512, 2048
ARENA_BYTES = 4 << 20
BATCH = 32
FRAME = bytes.fromhex("020000825990020000825991") + b"\x88\xb5" + bytes(46)  # 64 bytes with the FCS
FRAMES = {"C": BATCH * 1024, "Python": BATCH * 64}  # of one count, by the row's first word
WARM_FRAMES, TIMED_FRAMES = BATCH * 64, BATCH * 400
ROUNDS = 9
TIMEOUT_S = 600
DEVICE = "ideal_write.so"

Row = Callable[[int], None]


class Pair:
    """The driver's two rings on the ideal device."""

    def __init__(self, folder: Path) -> None:
        self.door = MemoryDoor()
        self.arena = Arena(self.door, ARENA_BYTES)
        bar = Bar(self.door)
        self.rx = RxRing(RINGS, self.arena, bar, 0, COUNT, BUF_BYTES)
        self.tx = TxRing(RINGS, self.arena, bar, 0, COUNT, BUF_BYTES)
        self._c = FFI()
        self._c.cdef(
            "struct ideal { void *tx, *rx, *memory; uint64_t iova; uint32_t tx_count, rx_count, tx_head, tx_tail, "
            "rx_head, rx_tail, tx_tail_offset; };"
            "int ideal_write(void *, uint64_t, uint32_t);"
        )
        ideal: Any = self._c.dlopen(str(folder / DEVICE))
        self._ideal = ideal
        nic: Any = self._c.new("struct ideal *")
        address = {ring: int(ffi.cast("uintptr_t", ring.c.desc)) for ring in (self.rx, self.tx)}
        nic.tx, nic.rx = (self._c.cast("void *", address[ring]) for ring in (self.tx, self.rx))
        nic.memory = self._c.cast("void *", int(ffi.cast("uintptr_t", self.rx.c.buf)))
        nic.iova = self.rx.c.buf_iova
        nic.tx_count = nic.rx_count = COUNT
        nic.tx_tail_offset = TDT.offset(0)
        assert TDT.offset(0) != RDT.offset(0)
        self._nic = nic
        self._mmio: Any = ffi.new("struct mmio *")
        self._mmio.len_bytes = len(self.door.memory)
        self._mmio.arg = ffi.cast("void *", int(self._c.cast("uintptr_t", nic)))
        write = self._c.cast("uintptr_t", self._c.addressof(ideal, "ideal_write"))
        self._mmio.write32 = ffi.cast("int (*)(void *, uint64_t, uint32_t)", int(write))
        self.rx.c.bar = self.tx.c.bar = self._mmio
        self.rx.start()

    def close(self) -> None:
        """Give all memory back."""
        self.rx.close()
        self.tx.close()
        self.arena.close()
        self.door.close()


def app(pair: Pair) -> Row:
    """A program that runs whole in C."""
    result = ffi.new("struct app_result *")

    def row(frames: int) -> None:
        end_ns = lib.napi_now() + 60_000_000_000
        assert lib.app_loop(pair.rx.c, pair.tx.c, FRAME[:14], len(FRAME), frames, BATCH, end_ns, result) == 0
        assert result.bad == 0

    return row


def echo(pair: Pair, folder: Path, verdict: str = "") -> Row:
    """The polling loop sends each frame back; first, or instead of it, a C function says so of each."""
    napi: Any = ffi.new("struct napi *")
    rings = ffi.new("struct rx_ring *[]", [pair.rx.c]), ffi.new("struct tx_ring *[]", [pair.tx.c])
    blocked = ffi.new("uint32_t[]", 1)
    napi.rx, napi.tx, napi.tx_blocked, napi.rx_count, napi.tx_count = *rings, blocked, 1, 1
    napi.sink, napi.mode, napi.irq_fd = lib.SINK_ECHO, lib.NAPI_POLL, -1
    keep: list[Any] = [rings, blocked]
    program: Any = ffi.new("struct xdp *")
    if verdict:
        c = FFI()
        c.cdef("uint32_t verdict_pass(void *, void *); uint32_t verdict_tx(void *, void *);")
        code: Any = c.dlopen(str(folder / "verdicts.so"))
        where = int(c.cast("uintptr_t", c.addressof(code, verdict)))
        program.program = ffi.cast("xdp_program *", where)
        port, out = ffi.new("struct xdp_port *"), ffi.new("struct xdp_out *")
        lock = pair.tx.c.lock or lib.ring_lock_new()  # such a ring is one that others may send on
        port.lock, port.ring, port.tap_fd, out.port, program.tx = lock, pair.tx.c, -1, port, out
        keep += [code, port, out, lock]

    def row(frames: int) -> None:
        assert keep
        pair.rx.c.xdp = program if verdict else ffi.NULL
        assert pair.tx.send([FRAME] * BATCH) == BATCH
        left = frames
        for _ in range(frames):
            left -= lib.napi_poll(napi, lib.NAPI_WEIGHT, 0)
            if left <= 0:
                break
        pair.rx.c.xdp = ffi.NULL
        assert left == 0, left
        drain(pair)

    return row


def drain(pair: Pair) -> None:
    """Take what is still under way."""
    while pair.rx.harvest():
        pair.rx.refill()
    pair.tx.clean()


def batches(pair: Pair) -> Row:
    """Python, which hands over and takes a batch, and looks into no frame."""
    frames_of_batch = [FRAME] * BATCH

    def row(frames: int) -> None:
        for _ in range(frames // BATCH):
            assert pair.tx.send(frames_of_batch) == BATCH
            assert len(pair.rx.harvest()) == BATCH
            pair.rx.refill()
            pair.tx.clean()

    return row


def frame_by_frame(pair: Pair) -> Row:
    """Python, which posts each frame and copies each out."""

    def row(frames: int) -> None:
        for _ in range(frames // BATCH):
            for _ in range(BATCH):
                assert pair.tx.post(FRAME)
            pair.tx.flush()
            assert all(bytes(frame) == FRAME for frame in pair.rx.harvest())
            pair.rx.refill()
            pair.tx.clean()

    return row


@contextmanager
def rows(folder: Path) -> Iterator[dict[str, Row]]:
    """Every row on the same rings."""
    for name in ("ideal_write", "verdicts"):
        source, target = Path(__file__).with_name(f"{name}.c"), folder / f"{name}.so"
        if not target.exists():
            flags = ["-O2", "-fno-tree-loop-distribute-patterns", "-shared", "-fPIC"]
            run(["gcc", *flags, "-o", target, source], quiet=True)
    pair = Pair(folder)
    try:
        yield {
            "C app": app(pair),
            "C loop, echo": echo(pair, folder),
            "C callback passes, echo": echo(pair, folder, "verdict_pass"),
            "C callback sends back": echo(pair, folder, "verdict_tx"),
            "Python per batch": batches(pair),
            "Python per frame": frame_by_frame(pair),
        }
    finally:
        pair.close()


def work(folder: Path) -> None:
    """Do what is counted, with a mark around each row."""
    c = FFI()
    c.cdef("void marks_on(void); void marks_zero(void); void marks_dump(const char *name);")
    marks: Any = c.dlopen(str(folder / "marks.so"))
    with rows(folder) as all_rows:
        marks.marks_on()
        for name, row in all_rows.items():
            row(WARM_FRAMES)
            marks.marks_zero()
            row(FRAMES[name.split()[0]])
            marks.marks_dump(name.encode())


def read_count(path: Path) -> tuple[str, int]:
    """The name of a row, and its instructions: all but the device's own."""
    name, total, here, called = "", 0, "", False
    for line in path.read_text(errors="replace").splitlines():
        key, _, value = line.partition("=")
        if line.startswith("desc: Trigger: Client Request: "):
            name = line.partition("Request: ")[2]
        elif key == "ob":
            here = Path(value).name
        elif key == "calls":  # the next line is what the callee cost, which is told where it is
            called = True
        elif line[:1].isdigit():
            if not called and here != DEVICE:
                total += int(line.split()[1])
            called = False
    return name, total


def count(folder: Path) -> dict[str, float]:
    """Instructions a frame by row."""
    run(["gcc", "-shared", "-fPIC", "-o", folder / "marks.so", Path(__file__).with_name("marks.c")], quiet=True)
    command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--compress-strings=no", "--compress-pos=no"]
    command += [f"--callgrind-out-file={folder}/counts", "--quiet", sys.executable, "-m", "tests.bench.driver_rows"]
    run([*command, folder], quiet=True, timeout_s=TIMEOUT_S)
    found = {}
    for path in sorted(folder.glob("counts.*"), key=lambda path: int(path.suffix[1:])):
        name, total = read_count(path)
        found[name] = total / FRAMES[name.split()[0]]
    assert found, "valgrind counted nothing"
    return found


def times(folder: Path) -> dict[str, list[float]]:
    """Time of a frame by row, as multiples of the first row's in the same round."""
    found: dict[str, list[float]] = {}
    with rows(folder) as all_rows:
        for row in all_rows.values():
            row(WARM_FRAMES)
        for _ in range(ROUNDS):
            first_s = 0.0
            for name, row in all_rows.items():
                start_s = time.perf_counter()
                row(TIMED_FRAMES)
                taken_s = time.perf_counter() - start_s
                first_s = first_s or taken_s
                found.setdefault(name, []).append(taken_s / first_s)
    return found


def main(arguments: list[str]) -> None:
    """Print a table, or with ``--json`` everything; a folder alone is the run under callgrind."""
    if arguments and arguments != ["--json"]:
        work(Path(arguments[0]))
        return
    with tempfile.TemporaryDirectory(prefix="ixlab-bench-") as name:
        os.environ["IXLAB_RUN_DIR"] = name
        counts, ratios = count(Path(name)), times(Path(name))
    if arguments:
        print(json.dumps({"instructions": counts, "times_of_c_app": ratios}))
        return
    print(f"{'64 B, batch ' + str(BATCH):<30}{'instructions':>14}{'of C app':>10}{'least':>8}{'most':>8}")
    for row, value in counts.items():
        ratio = ratios[row]
        print(f"{row:<30}{value:>14.1f}{statistics.median(ratio):>10.2f}{min(ratio):>8.2f}{max(ratio):>8.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
