# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci bench loop``: driver → device → driver, beside two threads that copy through shared memory.

The device is a process with a loopback plug, the driver polls in this one: a core each, as the two threads of the ring
(baseline.c), which copies each frame in and out at both ends.  Besides: the driver on a device that does nothing but
answer descriptors (ideal.c), and the time of the device's own turns, in one thread.
"""

import contextlib
import os
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ci.say import run
from device.machine.core import c_function
from device.machine.wire.loopback import LoopbackPort
from driver import compiled
from driver.compiled import ffi, lib
from tests.bench import layers
from tests.bench import nic as bench_nic
from tests.bench.plots import Plot
from tests.bench.rows import Sheet, rounds
from tests.bench.shared import share_doorbells
from tests.bench.traffic import FAR, PLAIN, TCP4, UDP4, Ideal, Kind, Traffic, traffic
from tests.rigs.pair import rig

SIZES = {"64 B": 60, "1514 B": 1514}  # on the wire, with 64 for its FCS; and as the driver has them
MORE_SIZES = {f"{size} B": size - 4 for size in (128, 256, 512, 1024)}  # for plots only
BATCHES = (1, 8, 32)
QUICK_BATCHES = (32,)
DOORBELLS = ("shared", "trapped")
QUEUES = 4
RING_COUNT = 512
TRY_FRAMES = 2000
TRIES = 8  # each with four times as many
MEASURE_S, QUICK_MEASURE_S = 0.2, 0.02

Carry = Callable[[int, int, int], float]  # (bytes, batch, frames) -> Mpps


RING = "ring of two threads"  # the baseline
DRAWN = (RING, "shared, plain", "shared, UDP, sums, RSS", "shared, TCP, sums, RSS", "trapped, plain", "driver alone")


def name(size: str, batch: int, what: str) -> str:
    """Of a row."""
    return f"{size} x {batch}: {what}"


class Steady:
    """Measures for about so long, whatever the speed: how many frames that is, is found out once."""

    def __init__(self, carry: Carry, lasts_s: float) -> None:
        self._carry, self._lasts_s = carry, lasts_s
        self._frames: dict[tuple[int, int], int] = {}

    def _enough(self, len_bytes: int, batch: int) -> int:
        """Frames for about so long; too few of them would say more of the beginning than of the speed."""
        frames, mpps = TRY_FRAMES, self._carry(len_bytes, batch, TRY_FRAMES)
        for _ in range(TRIES):
            if frames / mpps / 1e6 > self._lasts_s / 4:
                break
            frames *= 4
            mpps = self._carry(len_bytes, batch, frames)
        return max(TRY_FRAMES, int(mpps * 1e6 * self._lasts_s))

    def mpps(self, len_bytes: int, batch: int) -> float:
        """Frames per µs."""
        key = len_bytes, batch
        if key not in self._frames:
            self._frames[key] = self._enough(len_bytes, batch)
        return self._carry(len_bytes, batch, self._frames[key])


def plain_ring(folder: Path) -> Carry:
    """The baseline."""
    program = bench_nic.built(folder, "baseline")

    def carry(len_bytes: int, batch: int, frames: int) -> float:
        words: list[str | Path] = [program, str(len_bytes), str(batch), str(frames)]
        return float(run(words, quiet=True, timeout_s=120).stdout)

    return carry


def on_one_queue(adapter: Any) -> Carry:
    """The driver's own program, ``app_loop``."""
    return lambda len_bytes, batch, frames: bench_nic.loop_mpps(adapter, lib, ffi, len_bytes, batch, frames)


def in_python(adapter: Any, *, each: bool) -> Carry:
    """The driver's Python, which counts a batch's frames, or copies each."""
    return lambda len_bytes, batch, frames: layers.carry(
        adapter, len_bytes=len_bytes, batch=batch, frames=frames, each=each
    )


def on_queues(made: Traffic, adapter: Any, kind: Kind) -> Carry:
    """Flows that RSS spreads, with their sums made and looked at by the NIC."""
    return lambda len_bytes, batch, frames: made.mpps(
        adapter.rx_rings, adapter.tx_rings[:1], kind, adapter.mac, len_bytes=len_bytes, batch=batch, frames=frames
    )


def on_ideal(rings: Ideal) -> Carry:
    """The driver's own program, on a device that only answers descriptors."""

    def carry(len_bytes: int, batch: int, frames: int) -> float:
        with rings.answering():
            return bench_nic.ring_mpps((rings.rx.c, rings.tx.c), FAR, lib, ffi, len_bytes, batch, frames)

    return carry


def alone(made: Traffic, kind: Kind, queues: int, stack: ExitStack) -> Carry:
    """The device in this thread, with shared doorbells: only its own turns count."""
    plug = stack.enter_context(LoopbackPort())
    up = stack.enter_context(rig(plug, queues=queues, ring_count=RING_COUNT, name=f"bench-{os.getpid()} {kind.name}"))
    stack.callback(share_doorbells(up))
    step = c_function("card_step"), compiled.address_of(up.nic.core.c)
    adapter = up.adapter

    def carry(len_bytes: int, batch: int, frames: int) -> float:
        t = made.run(
            adapter.rx_rings, adapter.tx_rings[:1], kind, adapter.mac,
            len_bytes=len_bytes, batch=batch, frames=frames, step=step,
        )  # fmt: skip
        return float(t.received * 1e3 / t.step_ns)

    return carry


@contextlib.contextmanager
def everything() -> Iterator[dict[str, Carry]]:
    """What is measured, by name; the baseline first."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ixlab-bench-")))
        made = stack.enter_context(traffic())
        found: dict[str, Carry] = {RING: plain_ring(folder)}
        for doorbells in DOORBELLS:
            options = "--loopback", "--doorbells", doorbells
            one, _ = stack.enter_context(bench_nic.driven(*options, queues=1, ring_count=RING_COUNT))
            four, _ = stack.enter_context(bench_nic.driven(*options, queues=QUEUES, ring_count=RING_COUNT))
            found[f"{doorbells}, {PLAIN.name}"] = on_one_queue(one)
            if doorbells == "shared":
                found[layers.BY_BATCH] = in_python(one, each=False)
                found[layers.BY_FRAME] = in_python(one, each=True)
            for kind in (UDP4, TCP4):
                found[f"{doorbells}, {kind.name}"] = on_queues(made, four, kind)
        found["driver alone"] = on_ideal(stack.enter_context(contextlib.closing(Ideal(made))))
        found[f"device alone, {PLAIN.name}"] = alone(made, PLAIN, 1, stack)
        for kind in (UDP4, TCP4):
            found[f"device alone, {kind.name}"] = alone(made, kind, QUEUES, stack)
        yield found


def points(*, quick: bool, plot: bool) -> Iterator[tuple[str, int, int]]:
    """What is measured: a size's name, its bytes, a batch."""
    batches = QUICK_BATCHES if quick else BATCHES
    for size, len_bytes in SIZES.items():
        for batch in batches:
            yield size, len_bytes, batch
    if plot:
        for size, len_bytes in MORE_SIZES.items():
            yield size, len_bytes, batches[-1]


def add_point(sheet: Sheet, steady: dict[str, Steady], size: str, len_bytes: int, batch: int) -> None:
    """Measure one point, each time with the ring just before it: a shared machine changes from second to second."""
    of = name(size, batch, RING)
    found = {
        what: (steady[RING].mpps(len_bytes, batch), one.mpps(len_bytes, batch))
        for what, one in steady.items()
        if what != RING
    }
    sheet.add(of, statistics.median(ring for ring, _ in found.values()), "Mpps")
    for what, (ring, value) in found.items():
        sheet.add(name(size, batch, what), value, "Mpps", of, ring)


def measure(count: int, *, quick: bool, plot: bool = False) -> Sheet:
    """Measure all of it in ``count`` rounds.

    Args:
        count: Rounds.
        quick: Fewer batches, and each for a moment.
        plot: More sizes, so that there is a line to draw.
    """
    sheet = Sheet("loop", "Frames out through the NIC and back, Mpps", "python3 -m ci bench loop")
    with everything() as carries:
        steady = {what: Steady(carry, QUICK_MEASURE_S if quick else MEASURE_S) for what, carry in carries.items()}
        for _ in rounds(count, "loop"):
            for size, len_bytes, batch in points(quick=quick, plot=plot):
                add_point(sheet, steady, size, len_bytes, batch)
    return sheet


def plots(sheet: Sheet) -> list[Plot]:
    """By batch, for the smallest frames; and by frame size, for the largest batch."""
    found = {row.name: row for row in sheet.rows()}
    batches = [batch for batch in BATCHES if name("64 B", batch, RING) in found]
    sizes = sorted((*SIZES, *MORE_SIZES), key=lambda size: int(size.split()[0]))
    sizes = [size for size in sizes if name(size, batches[-1], RING) in found]
    by_batch = {what: [found[name("64 B", batch, what)] for batch in batches] for what in DRAWN}
    by_size = {what: [found[name(size, batches[-1], what)] for size in sizes] for what in DRAWN}
    title = "Frames out through the NIC and back"
    return [
        Plot(
            "loop-batch", f"{title}: 64 B", "frames a doorbell", list(map(str, batches)), by_batch, "Mpps", RING, RING
        ),
        Plot("loop-size", f"{title}: batch {batches[-1]}", "frame, with its FCS", sizes, by_size, "Mpps", RING, RING),
    ]
