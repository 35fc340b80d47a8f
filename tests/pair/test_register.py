# SPDX-License-Identifier: BSD-3-Clause
"""``register_netdev`` where the kernel's probe has it: what it sees, and how the probe unwinds round it."""

import errno
import json
from typing import Any

import pytest

from device.i82599.card import Card
from device.regs.i82599 import VFTA
from driver import __main__ as cli
from driver import claim
from driver.core.family import Nic
from driver.errors import DriverError, MissingError
from driver.exits import Exit
from driver.ixgbe.probe import STEPS, ProbeOptions, Probing, probe
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair_door import PairDoor

Capture = pytest.CaptureFixture[str]
AFTER_INTERRUPTS = ("interrupts", "registers", "bus master")


class Interfaces:
    """Stands in for taps; keeps what was made and removed."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.queues = 0
        self.mac = ""

    def make(self, nic: Any) -> Any:
        self.log.append("made")
        self.queues, self.mac = nic.scheme.queues, nic.mac
        return lambda: self.log.append("removed")


def options(register: Any, queues: int = 3) -> ProbeOptions:
    return ProbeOptions(clock=NoWait(), cpus=2, queues=queues, register=register)


def test_the_interface_is_made_once_the_hardware_is_ready(nic: Card, door: PairDoor) -> None:
    seen = Interfaces()
    names: list[str] = []

    class Watch:
        def step(self, name: str, _detail: str) -> None:
            names.append(name)
            if name == "start_hw":
                assert seen.log == []
                nic.regs.put(VFTA, 0, 7)  # whoever starts the hardware after the interface is there clears it

    with probe(door, options(seen.make), Watch()) as adapter:
        assert seen.log == ["made"]
        assert (seen.queues, seen.mac) == (3, adapter.mac), "set_num_queues knew how many are wanted"
        assert int(nic.regs.get(VFTA)) == 7
        assert names.index("start_hw") + 1 == names.index("register_netdev")
        assert names[names.index("register_netdev") + 1] == "disable_tx_laser"
        adapter.up(queues=3)
    assert seen.log == ["made", "removed"]


@pytest.mark.parametrize("error", [DriverError("taken").with_errno(errno.EBUSY), MissingError("no tap")], ids=str)
def test_an_interface_that_cannot_be_made_undoes_the_probe(nic: Card, door: PairDoor, error: DriverError) -> None:
    def refuse(_: Any) -> Any:
        raise error

    with pytest.raises(type(error)) as caught:
        probe(door, options(refuse))
    assert caught.value is error
    assert error.step == "register_netdev"
    assert error.undone[:3] == AFTER_INTERRUPTS
    assert error.undone[-1] == "door"
    assert claim.holder(door.name) == ""
    assert not nic.pf.bus_master
    assert door.maps == {}


def test_a_later_failure_removes_the_interface_first(door: PairDoor) -> None:
    def fail(_: Probing) -> str:
        raise TimeoutError("stuck")

    seen = Interfaces()
    steps = [(name, fail if name == "disable_tx_laser" else step) for name, step in STEPS]
    with pytest.raises(DriverError, match="disable_tx_laser: stuck") as caught:
        probe(door, options(seen.make), steps=steps)
    assert caught.value.undone[:4] == ("netdev", *AFTER_INTERRUPTS)
    assert seen.log == ["made", "removed"]


# ---- the command ---------------------------------------------------------------------------------------------------


@pytest.fixture
def refusing(nic: Card, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """``up`` on our NIC, whose interface is refused; returns the queues that the probe knew of."""
    queues: list[int] = []

    def no_tap(name: str, mac: str, mtu: int) -> Nic:
        raise DriverError(f"cannot make network interface {name!r} ({mac}, {mtu})").with_errno(errno.EBUSY)

    def counted(**more: Any) -> ProbeOptions:
        queues.append(more["queues"])
        return ProbeOptions(**more, clock=NoWait(), cpus=2)

    monkeypatch.setattr(cli, "open_door", lambda name: PairDoor(nic, name))
    monkeypatch.setattr(cli, "NetDev", no_tap)
    monkeypatch.setattr("driver.ixgbe.family.ProbeOptions", counted)
    return queues


def test_up_says_at_which_step_and_what_was_undone(capsys: Capture, refusing: list[int]) -> None:
    assert cli.main(["up", "pair", "--netdev", "nic7", "--queues", "5", "--mtu", "4000"]) == Exit.FAILED
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == (
        "driver: cannot make network interface 'nic7' (02:00:00:82:59:90, 4000) (at register_netdev EBUSY)"
    )
    assert any("init_interrupt_scheme" in line and "5 vectors for 5 ring pairs" in line for line in lines)
    assert refusing == [5]


def test_up_tells_programs_the_same(capsys: Capture, refusing: list[int]) -> None:
    assert cli.main(["up", "pair", "--json"]) == Exit.FAILED
    said = json.loads(capsys.readouterr().out)
    assert (said["step"], said["errno"], said["exit_code"]) == ("register_netdev", "EBUSY", Exit.FAILED)
    assert tuple(said["undone"][:3]) == AFTER_INTERRUPTS
    assert refusing == [1]
