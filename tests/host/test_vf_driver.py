# SPDX-License-Identifier: BSD-3-Clause
"""Our driver on virtual functions, as people run it: a process and an interface for each, beside that of the port."""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ci.net import Namespace
from driver import claim, status
from driver.exits import Exit
from tests.rigs.host import HOST4, WIRE4, WIRE6, Program, Stage, eventually

pytestmark = [pytest.mark.root, pytest.mark.timeout(240)]

VFS = 2


class Party:
    """Namespaces with a driver on a virtual function each."""

    def __init__(self, stage: Stage, rest: ExitStack) -> None:
        self.stage = stage
        self.spaces = [rest.enter_context(Namespace(f"vf{n}")) for n in range(VFS)]
        self.programs: dict[int, Program] = {}

    def nic(self, n: int) -> str:
        """What function ``n`` is called."""
        return f"{self.stage.nic}.vf{n}"

    def address(self, n: int, version: int = 4) -> str:
        """The address that function ``n`` is given."""
        return f"192.0.2.{20 + n}" if version == 4 else f"2001:db8::{20 + n}"

    def start(self, n: int, *more: str) -> Program:
        """Bring up function ``n``, with addresses, and wait for its link."""
        words = (sys.executable, "-m", "driver", "up", self.nic(n), "--netdev", f"vf{n}", *more)
        space = self.spaces[n]
        program = self.stage._start(space.command(words), f"vf{n}-{len(self.stage.programs)}.log", "driver ready: ")
        self.programs[n] = program
        space.run("ip", "address", "replace", f"{self.address(n)}/24", "dev", f"vf{n}")
        space.run("ip", "address", "replace", f"{self.address(n, 6)}/64", "dev", f"vf{n}", "nodad")
        self.wait_for_link(n)
        return program

    def wait_for_link(self, n: int, *, up: bool = True) -> None:
        """Wait until the interface has a carrier, or has none."""
        eventually(lambda: ("LOWER_UP" in self.link(n)["flags"]) == up, f"vf{n} {'has' if up else 'has no'} carrier")

    def link(self, n: int) -> dict[str, Any]:
        """The interface as ``ip link`` sees it."""
        return dict(self.stage.ip(self.spaces[n], "link", "show", "dev", f"vf{n}")[0])

    def ask(self, n: int, request: str) -> Any:
        """Ask a running driver."""
        path = claim.status_path(self.nic(n), Path(self.stage.env["IXLAB_RUN_DIR"]))
        return status.ask(path, request, timeout_s=20)

    def ping(self, n: int, to: str, count: int = 5) -> None:
        """Ping; each is answered."""
        said = self.spaces[n].run("ping", "-n", "-c", str(count), "-i", "0.05", "-W", "5", to)
        assert f"{count} received" in said, said


@pytest.fixture
def party(tmp_path: Path) -> Iterator[Party]:
    with Stage(tmp_path) as stage, ExitStack() as rest:
        stage.device("--vfs", str(VFS))
        yield Party(stage, rest)


def test_functions_reach_each_other_the_port_and_the_wire(party: Party) -> None:
    party.stage.driver("--vfs", str(VFS))
    party.stage.address()
    for n in range(VFS):
        party.start(n)
    for to in (party.address(1), HOST4, WIRE4, party.address(1, 6), WIRE6):
        party.ping(0, to)
    party.ping(1, party.address(0))
    stats = party.ask(0, "stats")
    assert stats["rx_packets"] == stats["rx_pkts_nic"] > 0
    assert party.ask(0, "link") == {"up": True, "speed_mbps": 10000, "virtual_function": True, "usable": True}
    vectors = party.ask(0, "vector_figures")
    assert [one["vector"] for one in vectors] == ["0", "1"]
    for n in range(VFS):
        assert party.programs[n].end() == Exit.DONE
        assert f"vf{n}" not in party.spaces[n].run("ip", "link")


def test_its_command_line(party: Party) -> None:
    stage = party.stage
    alone = stage.cli("up", party.nic(0))
    assert alone.returncode == Exit.NO_ANSWER
    assert f"VFs are not enabled: `python -m driver up {stage.nic} --vfs N`" in alone.stderr
    stage.driver("--vfs", str(VFS))
    found = json.loads(stage.cli("probe", party.nic(0), "--json").stdout)
    assert (found["api"], found["queues"]) == ("1.5", "4 Rx, 4 Tx")
    assert [step["step"] for step in found["steps"]][:2] == ["check_function", "enable_device_mem"]
    assert json.loads(stage.cli("stats", party.nic(0), "--json").stdout)["rx_pkts_nic"] == 0
    registers = json.loads(stage.cli("regs", party.nic(0), "VFSTATUS", "0x1018", "--json").stdout)
    assert [row["name"] for row in registers] == ["VFSTATUS", "VFRDT[0]"]
    for words, said, code in (
        (("eeprom", party.nic(0)), "is a virtual function and has no EEPROM", Exit.FAILED),
        (("module", party.nic(0)), "has no module: ask its physical function", Exit.FAILED),
        (("probe", party.nic(0), "--explain"), "what is explained and traced is the probe of a port", Exit.FAILED),
        (
            ("up", party.nic(0), "--vfs", "1"),
            "a NIC of this kind has no VFs of its own: leave out --vfs 1",
            Exit.FAILED,
        ),
        (
            ("up", party.nic(0), "--queues", "5"),
            "5 queues: the physical function's driver lets it have 1 to 4",
            Exit.FAILED,
        ),
        (("up", party.nic(0), "--vectors", "4"), "4 vectors were asked for, and its MSI-X table has 3", Exit.REFUSED),
        (("up", party.nic(0), "--mtu", "9000"), "refuses MTU 9000 (frames of 9018 bytes)", Exit.FAILED),
    ):
        done = stage.cli(*words)
        assert (done.returncode, said in done.stderr) == (code, True), done.stderr
        assert "Traceback" not in done.stderr


def test_whatever_is_done_to_the_interface_is_asked_of_the_port(party: Party) -> None:
    stage = party.stage
    stage.driver("--vfs", str(VFS), "--mtu", "9000")
    stage.address(9000)
    program = party.start(0)
    space = party.spaces[0]
    space.run("ip", "link", "set", "vf0", "mtu", "9000")
    eventually(lambda: party.ask(0, "stats")["resets"] > 2, "the function is reset for it")
    party.wait_for_link(0)
    assert "2 received" in space.run("ping", "-n", "-c", "2", "-W", "5", "-s", "8900", "-M", "do", WIRE4)
    space.run("ip", "link", "set", "vf0", "address", "02:00:00:00:07:00")
    eventually(
        lambda: stage.ask_driver("vf_table")["vfs"][0]["mac"] == "02:00:00:00:07:00", "the port knows the new address"
    )
    party.ping(0, WIRE4)
    stage.cli("vf", stage.nic, "0", "mac", "02:00:00:00:08:00")
    eventually(lambda: party.link(0)["address"] == "02:00:00:00:08:00", "the interface has the one that was set")
    space.run("ip", "link", "set", "vf0", "address", "02:00:00:00:07:00")
    eventually(lambda: party.link(0)["address"] == "02:00:00:00:08:00", "and keeps it")
    assert "it stays 02:00:00:00:08:00" in program.log.read_text()
    for _ in range(3):
        space.run("ip", "link", "set", "vf0", "down")
        space.run("ip", "link", "set", "vf0", "up")
        party.wait_for_link(0)
    party.ping(0, WIRE4)
    assert program.end() == Exit.DONE


def test_the_ports_driver_is_killed_and_another_comes(party: Party) -> None:
    stage = party.stage
    port = stage.driver("--vfs", str(VFS))
    stage.address()
    for n in range(VFS):
        party.start(n)
    for _ in range(2):
        port.process.send_signal(signal.SIGKILL)
        port.process.wait(10)
        for n in range(VFS):
            party.wait_for_link(n, up=False)
        port = stage.driver("--vfs", str(VFS))
        stage.address()
        for n in range(VFS):
            party.wait_for_link(n)
        party.ping(0, party.address(1))
        party.ping(1, WIRE4)
    for n in range(VFS):
        assert party.programs[n].end() == Exit.DONE


def test_a_driver_that_is_killed_leaves_the_neighbour_alone(party: Party) -> None:
    stage = party.stage
    stage.driver("--vfs", str(VFS))
    stage.address()
    for n in range(VFS):
        party.start(n)
    for _ in range(3):
        party.programs[0].process.send_signal(signal.SIGKILL)
        party.programs[0].process.wait(10)
        party.ping(1, WIRE4)
        party.start(0)
        party.ping(0, party.address(1))
    assert party.ask(1, "stats")["pf_losses"] == 0
