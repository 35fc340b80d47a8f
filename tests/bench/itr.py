# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci bench itr``: how a vector learns of work, and who sets its interval, compared under several loads.

The NIC is a process of its own; at the far end of its cable a small program (load.c) sends frames, which the driver
sends back from its polling loop.  All ways are measured in turn in each round, and what counts is their ratio to the
first in the same round.  Then two lines over time: the interval while the load comes, changes and goes.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ci.say import run, say
from device.machine.wire.peer_callers import hello_of
from device.regs.i82599 import EITR
from driver.core.moderation import Moderation, parse_itr
from driver.core.napi import NapiMode, Poller, Sink
from driver.doors.open import open_door
from driver.ixgbe.adapter import Adapter
from driver.ixgbe.probe import ProbeOptions, probe
from driver.ixgbe.vector_registers import ITR_MAX_US
from tests.bench import svg
from tests.bench.nic import cpu_s, device

ROUNDS = 3
WARM_MS, MEASURE_MS = 300, 1000
WINDOW = 256  # frames under way at most; the ring has room for twice as many
RING_COUNT = 512
LINK_TIMEOUT_S = 10.0
SAMPLE_S = 0.02
SERVICE_S = 0.5


@dataclass(frozen=True, slots=True)
class How:
    """How a vector learns of work, and who sets its interval."""

    mode: NapiMode
    itr: str

    @property
    def name(self) -> str:
        """For people."""
        mode = self.mode.name.lower()
        return mode if self.mode is NapiMode.POLL else f"{mode} {self.itr}"


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent: frames a second (0: no pause), and how many may be under way."""

    name: str
    rate: int
    window: int = WINDOW
    len_bytes: int = 60


HOWS = (
    How(NapiMode.IRQ, "50"),
    How(NapiMode.IRQ, "0"),
    How(NapiMode.IRQ, "dim"),
    How(NapiMode.IRQ, "adaptive"),
    How(NapiMode.HYBRID, "50"),
    How(NapiMode.HYBRID, "dim"),
    How(NapiMode.POLL, "50"),
)
LOADS = (
    Load("one at a time", 0, 1),
    Load("2,000 a second", 2000),
    Load("20,000 a second", 20_000),
    Load("as many as fit", 0),
)
METRICS = {
    "interrupts/s": "irqs",
    "frames/s": "frames",
    "latency, median µs": "p50",
    "latency, 99 % µs": "p99",
    "CPU driver, %": "driver_cpu",
    "CPU device, %": "device_cpu",
    "interval at the end, µs": "eitr",
}
STORY = (("idle", None, 1.0), ("2,000/s", 1, 1.5), ("flood", 3, 3.0), ("one at a time", 0, 1.5), ("idle", None, 5.0))


class Bench:
    """A NIC, its driver, and the far end of its cable."""

    def __init__(self, adapter: Adapter, nic: subprocess.Popen[str], far: socket.socket, program: Path) -> None:
        self._adapter, self._nic, self._far, self._program = adapter, nic, far, program
        self._service_s = 0.0

    def wait_for_link(self) -> None:
        """Both ends send light."""
        end_s = time.monotonic() + LINK_TIMEOUT_S
        while not self._adapter.link.up:
            assert time.monotonic() < end_s, "no link"
            self._adapter.service()
            time.sleep(0.02)

    @contextmanager
    def served(self, how: How) -> Iterator[tuple[Poller, Moderation]]:
        """A thread that polls, for the time of the block."""
        adapter = self._adapter
        napis = adapter.napis()
        vectors = list(zip(adapter.q_vectors, napis, strict=True))
        moderation = Moderation(vectors, adapter.vector_hw(), parse_itr(how.itr, ITR_MAX_US))
        poller = Poller(napis, mode=how.mode, sink=Sink.ECHO, moderation=moderation)
        poller.start()
        try:
            yield poller, moderation
            assert poller.error is None, poller.error
        finally:
            poller.close()

    def start(self, load: Load, ms: int) -> subprocess.Popen[str]:
        """Let the far end send for so long."""
        words = [self._program, self._far.fileno(), self._adapter.mac.replace(":", ""), load.len_bytes]
        words += [load.rate, load.window, ms]
        return subprocess.Popen(
            [str(word) for word in words], text=True, stdout=subprocess.PIPE, pass_fds=[self._far.fileno()]
        )

    def tick(self) -> None:
        """The service task, now and then."""
        if time.monotonic() >= self._service_s:
            self._adapter.service()
            self._service_s = time.monotonic() + SERVICE_S

    def finish(self, program: subprocess.Popen[str]) -> dict[str, float]:
        """What the far end says, once it is done."""
        while program.poll() is None:
            self.tick()
            time.sleep(SAMPLE_S)
        said, _ = program.communicate()
        assert program.returncode == 0, "the load ended with an error"
        sent, received, elapsed_ns, p50_ns, p99_ns = map(int, said.split())
        return {
            "lost": sent - received,
            "frames": received * 1e9 / elapsed_ns,
            "p50": p50_ns / 1000,
            "p99": p99_ns / 1000,
        }

    def eitr_us(self) -> int:
        """What the register of the first vector says now."""
        return int(self._adapter.bar.read(EITR, self._adapter.q_vectors[0].reg_idx).ITR_INTERVAL) * 2

    def measure(self, how: How, load: Load) -> dict[str, float]:
        """One way under one load."""
        with self.served(how) as (poller, _):
            self.finish(self.start(load, WARM_MS))
            irqs, start_s = poller.napis[0].stats()["irqs"], time.monotonic()
            cpus = time.process_time(), cpu_s(self._nic)
            found = self.finish(self.start(load, MEASURE_MS))
            took_s = time.monotonic() - start_s
            found["driver_cpu"] = (time.process_time() - cpus[0]) / took_s * 100
            found["device_cpu"] = (cpu_s(self._nic) - cpus[1]) / took_s * 100
            found["irqs"] = (poller.napis[0].stats()["irqs"] - irqs) / took_s
            found["eitr"] = self.eitr_us()
        return found

    def story(self, how: How) -> tuple[list[tuple[float, float]], list[tuple[float, float]], list[tuple[float, str]]]:
        """The interval and the interrupts a second over time, while the load changes; and when it did."""
        intervals: list[tuple[float, float]] = []
        rates: list[tuple[float, float]] = []
        marks: list[tuple[float, str]] = []
        with self.served(how) as (poller, _):
            start_s = before_s = time.monotonic()
            irqs = 0
            for name, load, lasts_s in STORY:
                marks.append((time.monotonic() - start_s, name))
                end_s = time.monotonic() + lasts_s
                program = self.start(LOADS[load], round(lasts_s * 1000)) if load is not None else None
                while time.monotonic() < end_s or (program is not None and program.poll() is None):
                    time.sleep(SAMPLE_S)
                    self.tick()
                    now_s, now = time.monotonic(), poller.napis[0].stats()["irqs"]
                    intervals.append((now_s - start_s, self.eitr_us()))
                    rates.append((now_s - start_s, (now - irqs) / (now_s - before_s)))
                    irqs, before_s = now, now_s
                if program is not None:
                    self.finish(program)
        return intervals, rates, marks


@contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """A NIC with one ring pair, up and with its link."""
    program, cable = folder / "load", folder / "cable"
    run(["gcc", "-O2", "-Wall", "-Werror", "-o", program, Path(__file__).with_name("load.c")], quiet=True)
    with (
        device("--wire", f"peer:{cable}") as (path, process),
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as far,
    ):
        far.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        far.connect(os.fspath(cable))
        far.send(hello_of(lit=True))
        with probe(open_door(f"vfio-user:{path}"), ProbeOptions(queues=1, claim_dir=folder), None) as adapter:
            adapter.up(queues=1, ring_count=RING_COUNT)
            made = Bench(adapter, process, far, program)
            made.wait_for_link()
            yield made


Results = dict[tuple[str, str], list[dict[str, float]]]  # by (load, how): a round each


def measure(made: Bench, rounds: int) -> Results:
    """All of it, in turn."""
    found: Results = {}
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        for load in LOADS:
            for how in HOWS:
                found.setdefault((load.name, how.name), []).append(made.measure(how, load))
    return found


def median(found: Results, load: str, how: str, what: str) -> float:
    """Of the rounds."""
    return statistics.median(one[what] for one in found[load, how])


def ratio(found: Results, load: str, how: str, what: str) -> float:
    """To the first way, in the same round; the median of that."""
    pairs = zip(found[load, how], found[load, HOWS[0].name], strict=True)
    return statistics.median(one[what] / first[what] if first[what] else 0.0 for one, first in pairs)


def tables(found: Results) -> Iterator[Table]:
    """A table a load: medians, and ratios to the first way."""
    for load in LOADS:
        table = Table(title=f"{load.name} (x: of {HOWS[0].name})", title_justify="left")
        table.add_column("")
        for what in METRICS:
            table.add_column(what, justify="right")
        for how in HOWS:
            cells = []
            for key in METRICS.values():
                value = median(found, load.name, how.name, key)
                times = "" if key == "eitr" else f"\nx {ratio(found, load.name, how.name, key):.2f}"
                cells.append((f"{value:,.0f}" if value >= 100 else f"{value:.3g}") + times)
            table.add_row(how.name, *cells)
        yield table


def plot(found: Results, stories: dict[str, Any], path: Path) -> list[Path]:
    """Write both plots; returns where."""
    values = {
        (what, load.name, how.name): median(found, load.name, how.name, key)
        for what, key in METRICS.items()
        for load in LOADS
        for how in HOWS
    }
    over_time = path.with_name(f"{path.stem}-time{path.suffix}")
    path.write_text(svg.bars("how a vector learns of work", list(METRICS), [load.name for load in LOADS], values))
    panels = {
        "interval in the register, µs": {name: story[0] for name, story in stories.items()},
        "interrupts a second": {name: story[1] for name, story in stories.items()},
    }
    marks = next(iter(stories.values()))[2]
    over_time.write_text(svg.lines("moderation follows the load", panels, marks, "s"))
    return [path, over_time]


def main(words: Sequence[str]) -> None:
    """Measure, print, and write the plots where they are wanted."""
    parser = argparse.ArgumentParser(prog="python3 -m ci bench itr")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--plot", type=Path, default=None)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="ixlab-bench-") as folder, bench(Path(folder)) as made:
        found = measure(made, asked.rounds)
        stories = {how.name: made.story(how) for how in HOWS if how.name in {"irq dim", "irq adaptive"}}
    if asked.json:
        rows = [{"load": load, "how": how, "rounds": rounds} for (load, how), rounds in found.items()]
        print(json.dumps({"rounds": rows, "stories": stories}))
    else:
        for table in tables(found):
            Console(width=None if sys.stdout.isatty() else 130).print(table)
    if asked.plot is not None:
        for path in plot(found, stories, asked.plot):
            say(f"plot: {path}")


if __name__ == "__main__":
    main(sys.argv[1:])
