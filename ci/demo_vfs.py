# SPDX-License-Identifier: BSD-3-Clause
"""``python3 -m ci demo vfs``: one card, three drivers, and who talks to whom.

Our driver has the physical function in namespace "host", with two virtual functions enabled.  In "a" and in "b" our
driver has one of these.  What they send each other stays inside the card; what they send to the wire leaves by its tap.
"""

import contextlib
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from ci import machine, net, stale
from ci.demo import START_TIMEOUT_S, WIRE_IF, Lines, Programs, addresses, ping, transfer, wait_for_carrier
from ci.processes import child, ended, stop_in_order, undisturbed
from ci.say import CiError
from ci.vfs import PF4, WIRE4, SharedCard

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

VFS = 2
TRANSFER_BYTES = 64 << 20
PINGS = 100
NAMES = ("a", "b")
INTERFACES = ("ixvf0", "ixvf1")
VF4 = ("192.0.2.20", "192.0.2.21")
VF6 = ("2001:db8::20", "2001:db8::21")


class Party(Programs):
    """The card, the drivers of its virtual functions, and their namespaces."""

    def __init__(self) -> None:
        super().__init__()
        self.card = SharedCard(stale.run_folder("demo-vfs"), VFS)
        self.of_vf = [net.Namespace(name) for name in NAMES]
        self.drivers: list[subprocess.Popen[str]] = []

    def start_driver(self, n: int, show: Callable[[str], None]) -> None:
        """Start our driver on virtual function ``n``.

        Raises:
            CiError: It was not ready in time.
        """
        words = (sys.executable, "-m", "driver", "up", f"vfio-user:{self.card.nic.socket}.vf{n}")
        process = self.start(
            self.of_vf[n], *words, "--netdev", INTERFACES[n], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.drivers.append(process)
        lines, said = Lines(process), []
        end_s = time.monotonic() + START_TIMEOUT_S
        while (line := lines.next(end_s - time.monotonic())) is not None:
            if line.startswith("driver ready: "):
                break
            said.append(line)
            show(line)
        else:
            raise CiError(f"the driver of virtual function {n} did not start\n" + "\n".join(said[-10:]))
        addresses(self.of_vf[n], INTERFACES[n], VF4[n], VF6[n])
        wait_for_carrier(self.of_vf[n], INTERFACES[n])

    def counted(self) -> dict[str, tuple[int, int]]:
        """Frames into and out of each party's port of the switch, as the card counts them."""
        report: Any = self.card.nic.ask(report=True)["report"]
        found = {f"VF {row['vf']}": (row["traffic"]["rx_frames"], row["traffic"]["tx_frames"]) for row in report["vfs"]}
        port = report["port"]
        return {**found, "wire": (int(port["tx_frames"]), int(port["rx_frames"]))}

    def close(self) -> None:
        """End the drivers, then the card, then the namespaces.

        Raises:
            CiError: A process did not end by itself, or not with exit code 0.
        """
        said: list[str] = []
        for n, process in enumerate(self.drivers):
            said += ended(f"the driver of virtual function {n}", process)
        self.drivers.clear()
        self.end_started()
        try:
            self.card.close()
        except CiError as exc:
            said.append(str(exc))
        for one in self.of_vf:
            one.close()
        if said:
            raise CiError("; ".join(said))


@contextlib.contextmanager
def _watched(party: Party, addresses_: tuple[str, str]) -> Iterator[Callable[[], int]]:
    """Count frames on the tap between two addresses while the block runs: call what it gives when that is over."""
    words = ("tcpdump", "-i", WIRE_IF, "-n", "-w", "/dev/null", "host", addresses_[0], "and", "host", addresses_[1])
    process = party.card.wire.popen(*child(words), stderr=subprocess.PIPE)
    assert process.stderr is not None
    for line in process.stderr:
        if "listening on" in line:  # from here on nothing is missed
            break

    def seen() -> int:
        time.sleep(0.2)
        process.terminate()
        _, said = process.communicate(timeout=30)
        found = re.search(r"(\d+) packets captured", said)
        return int(found[1]) if found else 0

    try:
        yield seen
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def picture(between: dict[str, tuple[int, int]]) -> str:
    """The card and who is at it, with the frames each gave it and got from it."""
    rows = {
        name: f"{name:<6}{out:>12,} frames in{into:>12,} frames out".ljust(54) for name, (into, out) in between.items()
    }
    return f"""\
    ┌─ namespace a ─┐  ┌─ namespace b ─┐  ┌─ namespace host ─┐
    │  ixvf0  VF 0  │  │  ixvf1  VF 1  │  │  ixpf0   PF      │
    └───────┬───────┘  └───────┬───────┘  └────────┬─────────┘
    ┌───────┴──────────────────┴───────────────────┴─────────┐
    │ the switch of one 82599                                │
    │ {rows["VF 0"]} │
    │ {rows["VF 1"]} │
    │ {rows["wire"]} │
    └───────────────────────────┬────────────────────────────┘
                         tap ixwire0, namespace wire"""


def _advance(bar: "Progress", task: "TaskID", count: int) -> None:
    bar.update(task, completed=count)


def play(party: Party, console: "Console") -> None:
    """The acts, in order."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
    from rich.table import Table

    card = party.card
    console.rule("[bold]a card with two virtual functions, and the driver of its physical function")
    card.start()
    console.print(f"the device serves {card.nic.socket.name}, .vf0 and .vf1; our driver has enabled {VFS}")
    for n in range(VFS):
        console.rule(f"[bold]a driver of virtual function {n}, in namespace {NAMES[n]}")
        party.start_driver(n, lambda line: console.print(line, markup=False))
    console.rule("[bold]as the physical function's driver sees them")
    console.print(card.vf().rstrip(), markup=False)

    a, b = party.of_vf
    legs = [
        ("a → b", a, b, VF4[0], VF4[1]),
        ("b → a", b, a, VF4[1], VF4[0]),
        ("a → PF", a, card.host, VF4[0], PF4),
        ("PF → b", card.host, b, PF4, VF4[1]),
        ("a → wire", a, card.wire, VF4[0], WIRE4),
        ("wire → b", card.wire, b, WIRE4, VF4[1]),
    ]
    console.rule("[bold]ping")
    for name, sender, _, _, address in legs:
        console.print(f"{name:>9}: {ping(sender, address, PINGS)}")
    console.rule(f"[bold]TCP, {TRANSFER_BYTES >> 20} MiB each")
    table = Table("who", "time", "SHA-256", "frames on the tap", "")
    columns = (TextColumn("{task.description:<12}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    wrong = []
    with Progress(*columns, console=console, transient=True) as bar:
        for name, sender, receiver, source, address in legs:
            task = bar.add_task(name, total=TRANSFER_BYTES)
            with _watched(party, (source, address)) as seen:
                took_s, digest = transfer(
                    party, sender, receiver, address, TRANSFER_BYTES, partial(_advance, bar, task)
                )
                frames = seen()
            inside = "wire" not in name
            if inside == bool(frames):
                wrong.append(name)
            verdict = "[red]WRONG" if name in wrong else "stays inside" if inside else "leaves the card"
            table.add_row(name, f"{took_s:.1f} s", f"{digest[:16]}… equal", f"{frames:,}", verdict)
    console.print(table)
    console.rule("[bold]who sent how much")
    console.print(picture(party.counted()), markup=False)
    party.close()
    if wrong:
        raise CiError(f"frames took another way than they should: {', '.join(wrong)}")


def main() -> int:
    """Run it; returns the exit code."""
    machine.ensure(machine.NETWORK)
    if not net.privileged():
        net.enter_user_namespace(["demo", "vfs"])
    net.need_tun()
    from rich.console import Console

    stop_in_order()
    start_s = time.monotonic()
    party = Party()
    try:
        play(party, Console(width=None if sys.stdout.isatty() else 110, highlight=False))
    except BaseException:
        undisturbed()
        try:
            party.close()
        except CiError as exc:
            print(f"ci: {exc}", file=sys.stderr)
        raise
    left = [*party.running(), *([f"file {party.card.folder}"] if party.card.folder.exists() else [])]
    if left:
        raise CiError(f"left behind: {', '.join(left)}")
    print(f"\nNothing is left behind: no namespace, tap, socket, process or file. {time.monotonic() - start_s:.0f} s.")
    return 0
