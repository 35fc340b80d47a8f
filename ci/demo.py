# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci demo``: the emulated NIC, its driver, and the kernel's own TCP/IP on both sides of them.

Two namespaces.  In "wire" the device process owns a tap: that is the cable.  In "host" the driver process owns the
network interface that the NIC appears as.  Between the two processes there is a vfio-user socket, and no VM.
"""

import json
import os
import queue
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ci import machine, net, stale
from ci.processes import OWN_GROUP, child, ended, stop_in_order, undisturbed
from ci.say import CiError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

WIRE_IF, HOST_IF = "ixwire0", "ixhost0"
WIRE4, HOST4 = "192.0.2.1", "192.0.2.2"  # TEST-NET-1, RFC 5737
WIRE6, HOST6 = "2001:db8::1", "2001:db8::2"  # RFC 3849
TRANSFER_BYTES = 256 << 20
PINGS = 200
FCS_BYTES = 4  # the NIC counts the frame check sequence, the wire does not carry it
TCP4_BYTES = 66  # Ethernet, IPv4, TCP with time stamps: of coalesced frames only the first has them in memory
START_TIMEOUT_S = 60.0
TRANSFER_TIMEOUT_S = 120.0
SIGNALLED = 128  # exit codes above it: by a signal, which needs no log to be understood


class Lines:
    """What a process prints, line by line; a thread of its own keeps its pipe from filling up."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(process,), daemon=True).start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._queue.put(line.rstrip("\n"))
        self._queue.put(None)

    def next(self, timeout_s: float) -> str | None:
        """Return the next line; None at the end, or when ``timeout_s`` is over."""
        try:
            return self._queue.get(timeout=max(0.0, timeout_s))
        except queue.Empty:
            return None


class Programs:
    """What a demo has started: it all ends with us.

    Attributes:
        started: Every process.
    """

    def __init__(self) -> None:
        self.started: list[subprocess.Popen[str]] = []

    def start(
        self, namespace: net.Namespace, *words: str, stdout: int | None = None, stderr: int | None = None
    ) -> subprocess.Popen[str]:
        """Start a program in a namespace: it dies with us, and a Ctrl-C at the terminal is for us alone."""
        self.started.append(namespace.popen(*child(words), stdout=stdout, stderr=stderr, group=OWN_GROUP))
        return self.started[-1]

    def end_started(self) -> None:
        """End what still runs."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()

    def running(self) -> list[str]:
        """What still runs, for a complaint."""
        return [f"process {process.args!r}" for process in self.started if process.poll() is None]


class Stage(Programs):
    """The processes and namespaces of one demo; everything ends with ``close``.

    Attributes:
        wire: Namespace of the device's tap.
        host: Namespace of the driver's network interface.
        device: The device process.
        driver: The driver process.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.socket = folder / "nic.sock"
        self.control = folder / "control.sock"
        self.wire = net.Namespace("wire")
        self.host = net.Namespace("host")
        self.device: subprocess.Popen[str] | None = None
        self.driver: subprocess.Popen[str] | None = None

    def start_device(self) -> None:
        """Start the NIC and wait until a driver may connect."""
        with (self.folder / "device.log").open("w", encoding="utf-8") as log:
            self.device = self.start(
                self.wire,
                *(sys.executable, "-m", "device", "--socket", str(self.socket), "--tap", WIRE_IF),
                *("--mac", "02:00:00:82:59:90", "--control", str(self.control)),
                stdout=subprocess.PIPE,
                stderr=log.fileno(),
            )
        self._ready(self.device, "device ready: ", "device.log")

    def start_driver(self, show: Callable[[str], None]) -> None:
        """Start the driver, showing its probe line by line, and wait until its network interface is there."""
        self.driver = self.start(
            self.host,
            *(sys.executable, "-m", "driver", "up", f"vfio-user:{self.socket}", "--netdev", HOST_IF, "--queues", "2"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._ready(self.driver, "driver ready: ", None, show)

    def _ready(
        self, process: subprocess.Popen[str], prefix: str, log: str | None, show: Callable[[str], None] | None = None
    ) -> None:
        lines = Lines(process)
        end_s = time.monotonic() + START_TIMEOUT_S
        while (line := lines.next(end_s - time.monotonic())) is not None:
            if line.startswith(prefix):
                return
            if show:
                show(line)
        tail = (self.folder / log).read_text(encoding="utf-8")[-2000:] if log else ""
        said = prefix.strip(": ")
        code = process.poll()
        why = f"within {START_TIMEOUT_S:.0f} s" if code is None else f"before it ended with {code}"
        raise CiError(f"`{said}` was not said {why}\n{tail}")

    def close(self) -> None:
        """End the driver, then the device, whatever else was started, then the namespaces.  May be called twice.

        Raises:
            CiError: A process did not end by itself, or not with exit code 0.
        """
        said = []
        for name, process in (("driver", self.driver), ("device", self.device)):
            if process is not None:
                said += ended(name, process)
        self.driver = self.device = None
        self.end_started()
        self.host.close()
        self.wire.close()
        if said:
            raise CiError("; ".join(said))


def ask_device(path: Path, request: dict[str, object]) -> dict[str, object]:
    """Send one request to the device's control socket; returns its answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
        control.settimeout(10)
        control.connect(os.fspath(path))
        control.sendall(json.dumps(request).encode() + b"\n")
        with control.makefile("r") as stream:
            answer = json.loads(stream.readline())
    if not isinstance(answer, dict) or not answer.get("ok"):
        raise CiError(f"the device answered {answer!r} to {request!r}")
    return answer


def addresses(namespace: net.Namespace, interface: str, v4: str, v6: str) -> None:
    """Give an interface its addresses and set it up."""
    for words in (
        ("ip", "link", "set", "lo", "up"),
        ("ip", "address", "add", f"{v4}/24", "dev", interface),
        ("ip", "address", "add", f"{v6}/64", "dev", interface, "nodad"),
        ("ip", "link", "set", interface, "up"),
    ):
        namespace.run(*words)


def ping(namespace: net.Namespace, address: str, count: int = PINGS) -> str:
    """Ping through the NIC; returns the figures.

    Raises:
        CiError: A packet was lost.
    """
    # The first echo waits for neighbour discovery; it is not part of the figures.
    namespace.run("ping", "-c", "1", "-w", "10", address)
    text = namespace.run("ping", "-q", "-c", str(count), "-i", "0.005", "-W", "5", address, timeout_s=120)
    lost = re.search(r"([\d.]+)% packet loss", text)
    if not lost or float(lost[1]) != 0:
        raise CiError(f"ping {address} lost packets:\n{text}")
    rtt = re.search(r"= ([\d./]+) ms", text)
    least, mean, most = (rtt[1] if rtt else "?/?/?").split("/")[:3]
    return f"{count} sent, 0 lost, RTT min {least} / mean {mean} / max {most} ms"


def transfer(
    stage: Programs,
    sender: net.Namespace,
    receiver: net.Namespace,
    address: str,
    total_bytes: int,
    progress: Callable[[int], None],
) -> tuple[float, str]:
    """Send over TCP between two of the stage's namespaces; returns seconds and the SHA-256 both sides agree on.

    Raises:
        CiError: The transfer broke, or the hashes differ.
    """
    program = (sys.executable, "-m", "ci.traffic")
    tail = (address, "5201", str(total_bytes))
    into = stage.start(receiver, *program, "receive", *tail, stdout=subprocess.PIPE)
    out: subprocess.Popen[str] | None = None
    try:
        result: dict[str, object] = {}
        lines = Lines(into)
        while (line := lines.next(TRANSFER_TIMEOUT_S)) is not None:
            if line == "listening":
                out = stage.start(sender, *program, "send", *tail, stdout=subprocess.PIPE)
            elif line.startswith("progress "):
                progress(int(line.split()[1]))
            else:
                result = json.loads(line)
        sent = json.loads(out.communicate(timeout=60)[0].splitlines()[-1]) if out else {}
    except (ValueError, IndexError, subprocess.TimeoutExpired) as exc:
        raise CiError(f"TCP to {address} broke: {exc}") from exc
    finally:
        for process in (out, into):  # the sender first: it would have something to say about its receiver's end
            if process and process.poll() is None:
                process.kill()
                process.wait()
    if result.get("bytes") != total_bytes or result.get("sha256") != sent.get("sha256"):
        raise CiError(f"TCP to {address}: sent {sent}, received {result}")
    progress(total_bytes)
    return float(str(result["seconds"])), str(result["sha256"])


def interfaces() -> set[str]:
    """Return the interfaces in our own namespace that a demo's could be mistaken for."""
    return {name for _, name in socket.if_nameindex() if name in {WIRE_IF, HOST_IF}}


def leftovers(before: set[str], stage: Stage) -> list[str]:
    """Return what the demo left behind on this machine, of what it made itself; nothing, one hopes.

    Args:
        before: The ``interfaces()`` that were there when it began.
        stage: What it made.
    """
    found = [f"file {stage.folder}"] if stage.folder.exists() else []
    found += [f"interface {name}" for name in interfaces() - before]
    found += stage.running()
    found += [f"namespace {one.name}" for one in (stage.wire, stage.host) if Path(one.path).exists()]
    return found


def main() -> int:
    """Run the demo; returns the exit code."""
    machine.ensure(machine.NETWORK)
    if not net.privileged():
        net.enter_user_namespace(["demo"])
    net.need_tun()
    before = interfaces()
    stop_in_order()
    folder = stale.run_folder("demo")
    start_s = time.monotonic()
    stage: Stage | None = None
    try:
        stage = Stage(folder)
        play(stage)
    except BaseException as failed:
        undisturbed()
        try:
            if stage is not None:
                stage.close()
        except CiError as exc:
            print(f"ci: {exc}", file=sys.stderr)
        log = folder / "device.log"
        if log.exists() and not (isinstance(failed, KeyboardInterrupt) or getattr(failed, "code", 0) > SIGNALLED):
            print(f"--- the device's log\n{log.read_text(encoding='utf-8')[-4000:]}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    if left := leftovers(before, stage):
        raise CiError(f"left behind: {', '.join(left)}")
    print(f"\nNothing is left behind: no namespace, tap, socket, process or file. {time.monotonic() - start_s:.0f} s.")
    return 0


def _advance(bar: "Progress", task: "TaskID", count: int) -> None:
    bar.update(task, completed=count)


def play(stage: Stage) -> None:
    """The acts of the demo, in order."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 110, highlight=False)
    console.rule("[bold]an 82599 in one process")
    stage.start_device()
    console.print(f"device ready on {stage.socket.name}, its wire is [bold]{WIRE_IF}[/] in namespace wire")
    console.rule("[bold]its driver probes it in another")
    stage.start_driver(lambda line: console.print(line, markup=False))
    addresses(stage.wire, WIRE_IF, WIRE4, WIRE6)
    addresses(stage.host, HOST_IF, HOST4, HOST6)
    wait_for_carrier(stage.host, HOST_IF)
    capture = stage.start(
        stage.wire,
        *("tcpdump", "-i", WIRE_IF, "-U", "-n", "-c", "400", "-w", str(stage.folder / "wire.pcap")),
        stderr=subprocess.PIPE,
    )
    assert capture.stderr is not None
    capture.stderr.readline()  # "listening on …": from here on nothing is missed

    console.rule("[bold]ping")
    for address in (WIRE4, WIRE6):
        console.print(f"{address:>12}: {ping(stage.host, address)}")
    console.rule(f"[bold]TCP, {TRANSFER_BYTES >> 20} MiB each way")
    columns = (TextColumn("{task.description:<22}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    results = []
    with Progress(*columns, console=console, transient=True) as bar:
        for name, sender, receiver, address, size in (
            ("host → wire, IPv4", stage.host, stage.wire, WIRE4, TRANSFER_BYTES),
            ("wire → host, IPv4", stage.wire, stage.host, HOST4, TRANSFER_BYTES),
            ("host → wire, IPv6", stage.host, stage.wire, WIRE6, TRANSFER_BYTES // 4),
            ("wire → host, IPv6", stage.wire, stage.host, HOST6, TRANSFER_BYTES // 4),
        ):
            task = bar.add_task(name, total=size)
            progress = partial(_advance, bar, task)
            took_s, digest = transfer(stage, sender, receiver, address, size, progress)
            results.append(f"{name}: {size >> 20:4} MiB in {took_s:5.1f} s, SHA-256 {digest[:16]}… equal on both sides")
    for line in results:
        console.print(line)

    console.rule(f"[bold]tcpdump on {WIRE_IF}")
    capture.terminate()
    capture.wait(10)
    shown = stage.wire.run("tcpdump", "-n", "-e", "-r", str(stage.folder / "wire.pcap"), "-c", "8")
    console.print(shown.rstrip(), markup=False, soft_wrap=True)

    console.rule("[bold]counters")
    table = Table("what", f"driver ({HOST_IF})", f"device ({WIRE_IF})", "")
    unequal = []
    rows, note = settled_counters(stage)
    for what, ours, theirs in rows:
        table.add_row(what, f"{ours:,}", f"{theirs:,}", "equal" if ours == theirs else "[red]DIFFERENT")
        if ours != theirs:
            unequal.append(what)
    console.print(table)
    console.print(note)
    stage.close()
    if unequal:
        raise CiError(f"the two sides counted differently: {', '.join(unequal)}")


def wait_for_carrier(namespace: net.Namespace, interface: str) -> None:
    """Wait until the driver has seen the link come up.

    Raises:
        CiError: It did not within 30 s.
    """
    end_s = time.monotonic() + 30
    while time.monotonic() < end_s:
        if "LOWER_UP" in namespace.run("ip", "link", "show", "dev", interface):
            return
        time.sleep(0.05)
    raise CiError(f"{interface} has no carrier after 30 s")


def counters(stage: Stage) -> tuple[list[tuple[str, int, int]], str]:
    """Return rows of (what, as the driver counted, as the device counted), and what the filters kept out."""
    words = (sys.executable, "-m", "driver", "stats", f"vfio-user:{stage.socket}", "--json")
    stats = json.loads(stage.host.run(*words, timeout_s=30))
    report = ask_device(stage.control, {"report": True})["report"]
    assert isinstance(report, dict)
    port, core = report["port"], report["counters"]
    tx_frames, for_us = int(stats["tx_pkts_nic"]), int(stats["rx_pkts_nic"])
    joined = int(stats["hw_rsc_aggregated"]) - int(stats["hw_rsc_flushed"])  # came behind another's header (RSC)
    missed = int(core["rx_fifo_full"]) + int(core["rx_no_desc"])
    seen, early, foreign = int(port["rx_frames"]), int(core["rx_disabled"]), int(core["rx_filtered"])
    rows = [
        ("frames host → wire", tx_frames, int(port["tx_frames"])),
        ("bytes host → wire", int(stats["tx_bytes_nic"]) - FCS_BYTES * tx_frames, int(port["tx_bytes"])),
        ("frames wire → host", int(stats["rx_packets"]) + joined, int(core["rx_frames"])),
        ("bytes wire → host", int(stats["rx_bytes"]) + TCP4_BYTES * joined, int(core["rx_bytes"])),
        ("frames past the filters", for_us, int(core["rx_frames"]) + missed),
        ("all frames on the wire", for_us + early + foreign, seen),
    ]
    return rows, f"{seen:,} frames came in; {foreign} not for this MAC, {early} before the port was up, {missed} missed"


def settled_counters(stage: Stage) -> tuple[list[tuple[str, int, int]], str]:
    """Read both sides until the stray frames of two IPv6 stacks leave a quiet moment, or give the last reading."""
    rows, note = counters(stage)
    for _ in range(10):
        if all(ours == theirs for _, ours, theirs in rows):
            break
        time.sleep(0.5)
        rows, note = counters(stage)
    return rows, note
