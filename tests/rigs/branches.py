# SPDX-License-Identifier: BSD-3-Clause
"""Every branch of ``ixgbe_probe`` has a scenario: what reaches it, and what our driver says and takes back then.

``python -m tests.rigs.branches --write`` runs them all and writes docs/branches.md; ``--check`` says whether it is
what they give.  The scenarios are in branches_probe.py, branches_ice.py and branches_live.py.
"""

import logging
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from device.i82599.card import Card
from device.regs.i82599 import CTRL_EXT, EIMS, EIMS_EX, RXCTRL
from device.regs.pci import PCI_COMMAND
from driver import claim
from driver.errors import DriverError
from driver.ixgbe.adapter import Adapter
from driver.ixgbe.probe import ProbeOptions, probe
from tests.rigs.counts import fd_count
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair_door import PairDoor

MAC = "02:00:00:82:59:90"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "branches.md"
NAME = "NIC"
NOT_RUN, GONE = "not run", "gone"


def patterns(stock: str) -> list[str]:
    """What Linux's ixgbe logs, as regular expressions."""
    parts = re.sub(r" \([^)]*\)$", "", stock).split(" / ")
    return [re.escape(part).replace("…", ".*") for part in parts]


@dataclass(frozen=True)
class Scenario:
    """One way to one branch.

    Attributes:
        branch: Which one, as the note has it: what is looked at.
        label: Where the kernel goes then, and with which errno.
        faults: What is injected, as ``--fault`` takes it.
        cause: What reaches it, if that is no fault of the card.
        sfp: What is in the cage.
        options: What the user decides.
        prepare: Makes the cause; what it returns takes it away.
        look: If the probe goes on: the step whose words show the branch.
        stock: What Linux's ixgbe logs: lines, or parts of them, with " / " between; "…" is left out, and "(…)" says
            where else it is seen.
        ran: The kernel that was seen to log it.
    """

    branch: str
    label: str
    faults: Sequence[str] = ()
    cause: str = ""
    sfp: str = "sr"
    options: dict[str, object] = field(default_factory=dict)
    prepare: Callable[[PairDoor], Callable[[], object]] | None = None
    look: str = ""
    stock: str = ""
    ran: str = NOT_RUN

    @property
    def name(self) -> str:
        """What it is called: its faults, or its cause."""
        return " ".join(self.faults) or self.cause

    @property
    def stock_fails(self) -> bool:
        """Whether Linux's ixgbe gives the card up."""
        return "failed with error" in self.stock


@dataclass(frozen=True)
class Seen:
    """What a scenario gave.

    Attributes:
        step: The step that failed; of a probe that went on, the one that shows the branch.
        said: What our driver said: the error, or that step's words, and its warnings.
        failed: How it failed: the errno by name, or "gone" where the function has left the bus; "" if it went on.
        undone: What was taken back, in that order.
        left: What was not, which should be nothing.
    """

    step: str
    said: str
    failed: str = ""
    undone: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


class _Watch(logging.Handler):
    """Steps of a probe, and warnings."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.steps: dict[str, str] = {}
        self.warnings: list[str] = []

    def step(self, name: str, detail: str) -> None:
        """Note a step."""
        self.steps[name] = detail

    def emit(self, record: logging.LogRecord) -> None:
        """Note a warning."""
        self.warnings.append(record.getMessage())


@contextmanager
def watched() -> Iterator[_Watch]:
    """Hear what the driver says."""
    watch, log = _Watch(), logging.getLogger("driver")
    level = log.level
    log.addHandler(watch)
    log.setLevel(min(level or logging.WARNING, logging.WARNING))
    try:
        yield watch
    finally:
        log.removeHandler(watch)
        log.setLevel(level)


def plain(text: str) -> str:
    """A text without what differs from run to run."""
    return re.sub(r"by pid \d+ \(.*?\), since [-: \d]+", "by pid N (COMMAND), since TIME", text)


def left_over(nic: Card, door: PairDoor, *, gone: bool = False) -> tuple[str, ...]:
    """What a driver that is gone has left: mapped, claimed, able to interrupt or to do DMA; () is as it should be."""
    wrong = {f"maps {door.maps}": bool(door.maps), "claim": bool(claim.holder(door.name))}
    if not gone:  # a function that has left the bus cannot be told anything
        command = door.config.get(PCI_COMMAND)
        wrong |= {
            "bus master": bool(nic.pf.bus_master),
            "PCI_COMMAND": bool(command.BUS_MASTER or command.MEMORY),
            "EIMS": any((int(nic.regs.get(EIMS)), *(int(nic.regs.get(EIMS_EX, n)) for n in range(2)))),
            "RXCTRL.RXEN": bool(nic.regs.get(RXCTRL).RXEN),
            "CTRL_EXT.DRV_LOAD": bool(nic.regs.get(CTRL_EXT).DRV_LOAD),
        }
    try:
        door.config_read(0, 2)
    except OSError:
        pass
    else:
        wrong["the door"] = True
    return tuple(what for what, is_left in wrong.items() if is_left)


def _went_on(scenario: Scenario, adapter: Adapter, watch: _Watch) -> Seen:
    with adapter:
        said = watch.steps[scenario.look] if scenario.look else "; ".join(watch.warnings)
    return Seen(scenario.look, plain("; ".join(dict.fromkeys((said, *watch.warnings)))))


def run(scenario: Scenario) -> Seen:
    """Let our driver probe a card on which ``scenario`` is so; afterwards the card must be as good as new.

    Raises:
        DriverError: It is not.
    """
    options = ProbeOptions(clock=NoWait(), cpus=2, **scenario.options)  # type: ignore[arg-type]  # a table of options
    fds = fd_count()
    with Card(mac=MAC, sfp=scenario.sfp) as nic, watched() as watch:
        for fault in scenario.faults:
            nic.faults.inject(fault)
        door = PairDoor(nic, NAME)
        undo = scenario.prepare(door) if scenario.prepare else lambda: None
        try:
            adapter = probe(door, options, watch)
        except DriverError as failure:
            warned = [text for text in watch.warnings if text not in str(failure)]
            said = plain("; ".join((str(failure), *dict.fromkeys(warned))))
            seen = Seen(failure.step, said, failure.errno_name or GONE, failure.undone)
        else:
            seen = _went_on(scenario, adapter, watch)
        undo()
        gone = any(fault.startswith("bus-all-ones") for fault in scenario.faults)
        left = left_over(nic, door, gone=gone)
        nic.faults.end()
        again = PairDoor(nic, NAME)
        again.reset()
        probe(again, ProbeOptions(clock=NoWait(), cpus=2)).close()
        left += left_over(nic, again)
    left += ("files",) if fd_count() > fds else ()
    return Seen(seen.step, seen.said, seen.failed, tuple(plain(what) for what in seen.undone), left)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page, or check it: 0 it is right, 1 it is not, 2 usage."""
    from tests.rigs import branches_page

    words = sys.argv[1:] if arguments is None else list(arguments)
    if words not in (["--write"], ["--check"]):
        sys.stderr.write("usage: python -m tests.rigs.branches --write|--check\n")
        return 2
    logging.getLogger().addHandler(logging.NullHandler())  # what both sides say is in the page
    with tempfile.TemporaryDirectory(prefix="ixlab-branches") as run_dir:
        os.environ["IXLAB_RUN_DIR"] = run_dir
        wanted = branches_page.markdown()
    if words == ["--write"]:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(wanted, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != wanted:
        sys.stderr.write(f"{PAGE.name} is not what the scenarios give: run python -m tests.rigs.branches --write\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
