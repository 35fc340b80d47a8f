# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci bench scale``: what more queues and more virtual functions cost and bring.

All queues send in turn, a batch each; RSS spreads what comes back over 16 of them at most, and all are polled.  Memory
is the device's own, and that of the driver's rings, which the device maps.
"""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from tests.bench import vfs
from tests.bench.nic import FRAMES, driven, private_kib
from tests.bench.plots import Plot
from tests.bench.rows import Sheet, rounds
from tests.bench.traffic import UDP4, Traffic, traffic

QUEUES, QUICK_QUEUES = (1, 4, 16, 64), (1, 4)
VFS, QUICK_VFS = (1, 8, 63), (1, 4)
DOORBELLS = ("shared", "trapped")
RING_COUNT = 512
BATCH = 32
QUICK_FRAMES = 20_000


def carry(made: Traffic, adapter: Any, frames: int) -> Callable[[], float]:
    """Frames per µs, out on all queues and back."""
    return lambda: made.mpps(
        adapter.rx_rings, adapter.tx_rings, UDP4, adapter.mac, len_bytes=60, batch=BATCH, frames=frames
    )


def add_queues(sheet: Sheet, count: int, *, quick: bool) -> None:
    """The part with queues."""
    sizes = QUICK_QUEUES if quick else QUEUES
    with ExitStack() as stack:
        made = stack.enter_context(traffic())
        found: dict[tuple[str, int], Callable[[], float]] = {}
        held: dict[tuple[str, int], tuple[float, float]] = {}
        for doorbells in DOORBELLS:
            for size in sizes:
                options = "--loopback", "--doorbells", doorbells
                adapter, process = stack.enter_context(driven(*options, queues=size, ring_count=RING_COUNT))
                one = found[doorbells, size] = carry(made, adapter, QUICK_FRAMES if quick else FRAMES)
                one()  # memory is there once it has been touched
                held[doorbells, size] = private_kib(process), adapter.arena.len_bytes / 1024
        for _ in rounds(count, "scale, queues"):
            for (doorbells, size), one in found.items():
                below = size != sizes[0]
                for what, value, unit in (
                    ("frames", one(), "Mpps"),
                    ("device's memory", held[doorbells, size][0], "KiB"),
                    ("driver's rings", held[doorbells, size][1], "KiB"),
                ):
                    first = f"{sizes[0]} queues, {doorbells}: {what}"
                    sheet.add(f"{size} queues, {doorbells}: {what}", value, unit, first if below else "")


def measure(count: int, *, quick: bool, plot: bool = False) -> Sheet:
    """Measure all of it in ``count`` rounds; a plot wants no more than that."""
    del plot
    sheet = Sheet("scale", "More queues, more virtual functions", "python3 -m ci bench scale")
    add_queues(sheet, count, quick=quick)
    vfs.add_rounds(sheet, count, QUICK_VFS if quick else VFS, quick=quick)
    return sheet


def plots(sheet: Sheet) -> list[Plot]:
    """By queues, for both ways of hearing doorbells."""
    found = {row.name: row for row in sheet.rows()}
    sizes = [size for size in QUEUES if f"{size} queues, shared: frames" in found]
    lines = {how: [found[f"{size} queues, {how}: frames"] for size in sizes] for how in DOORBELLS}
    return [
        Plot(
            "scale-queues", "64 B UDP out on all queues and back", "queues", list(map(str, sizes)), lines, "Mpps",
            "one queue",
        )
    ]  # fmt: skip
