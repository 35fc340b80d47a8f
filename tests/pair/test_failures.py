# SPDX-License-Identifier: BSD-3-Clause
"""What a failure says: the step, the errno, what was undone; for people and for programs."""

import errno
import json

import pytest

from device.i82599.card import Card
from device.regs.i82599 import RXCTRL
from driver import __main__ as cli
from driver.core.bar import Bar
from driver.errors import Busy, DeviceGone, DriverError, ProbeError, remedy
from driver.exits import MEANING, Exit
from driver.ixgbe.probe import STEPS, ProbeOptions, Probing, probe
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair_door import PairDoor

OPTIONS = ProbeOptions(clock=NoWait(), cpus=2)
Capture = pytest.CaptureFixture[str]
UNDONE = ("registers", "bus master", "error reporting", "claim", "memory enable", "door")


def failing(at: str, error: Exception) -> list[tuple[str, object]]:
    def fail(_: Probing) -> str:
        raise error

    return [(name, fail if name == at else step) for name, step in STEPS]


@pytest.mark.parametrize(
    ("error", "kind", "name"),
    [
        (TimeoutError("no DONE"), ProbeError, "EIO"),
        (OSError(errno.EPERM, "BAR 0 EERD: refused"), ProbeError, "EPERM"),
        (ProbeError(errno.EOPNOTSUPP, "module"), ProbeError, "EOPNOTSUPP"),
        (Busy("somebody"), Busy, "EBUSY"),
        (DeviceGone("gone"), DeviceGone, ""),
    ],
)
def test_a_failure_knows_its_step_its_errno_and_what_was_undone(
    door: PairDoor, error: Exception, kind: type[DriverError], name: str
) -> None:
    steps: list[tuple[str, str]] = []

    class Watch:
        def step(self, name: str, detail: str) -> None:
            steps.append((name, detail))

    with pytest.raises(kind) as caught:
        probe(door, OPTIONS, Watch(), steps=failing("check_wol", error))  # type: ignore[arg-type]  # a list of steps
    failure = caught.value
    assert isinstance(failure, DriverError)
    assert (failure.step, failure.errno_name) == ("check_wol", name)
    assert failure.undone == ("interrupts", *UNDONE)
    assert [detail for name, detail in steps if name == "undone"] == list(failure.undone)


def test_what_cannot_be_undone_says_why(door: PairDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Bar.write

    def refuse(self: Bar, reg: type, value: int, n: int = 0) -> None:
        if reg is RXCTRL and value == 0:
            raise OSError(errno.EPERM, "RXCTRL: refused")
        write(self, reg, value, n)

    def fail(p: Probing) -> str:
        p.bar.update(RXCTRL, RXEN=1)
        monkeypatch.setattr(Bar, "write", refuse)
        raise TimeoutError("too late")

    steps = [(name, fail if name == "check_wol" else step) for name, step in STEPS]
    with pytest.raises(ProbeError) as caught:
        probe(door, OPTIONS, steps=steps)
    assert [what for what in caught.value.undone if "RXCTRL: refused" in what] == [
        "registers: [Errno 1] RXCTRL: refused"
    ]
    assert caught.value.undone[-1] == "door"


@pytest.fixture
def bad(nic: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card whose EEPROM is corrupt."""
    nic.faults.inject("nvm=0x15:0xBAD")
    monkeypatch.setattr(cli, "open_door", lambda name: PairDoor(nic, name))
    monkeypatch.setattr("driver.ixgbe.family.ProbeOptions", lambda **more: ProbeOptions(**more, clock=NoWait(), cpus=2))


@pytest.mark.usefixtures("bad")
def test_people_are_told_the_step_and_the_errno(capsys: Capture) -> None:
    assert cli.main(["probe", "pair"]) == Exit.REFUSED
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert "checksum is not valid" in lines[-1]
    assert lines[-1].endswith("(at validate_eeprom EIO)")
    undone = [line.split(None, 1)[1] for line in lines if line.startswith("  undone ")]
    assert undone == list(UNDONE)


@pytest.mark.usefixtures("bad")
def test_programs_are_told_the_same(capsys: Capture) -> None:
    assert cli.main(["probe", "pair", "--json"]) == Exit.REFUSED
    said = json.loads(capsys.readouterr().out)
    assert set(said) == {"error", "step", "errno", "exit_code", "undone"}
    assert (said["step"], said["errno"], said["exit_code"]) == ("validate_eeprom", "EIO", Exit.REFUSED)
    assert said["undone"] == list(UNDONE)
    assert "checksum is not valid" in said["error"]


def test_usage_is_told_to_programs_too(capsys: Capture) -> None:
    assert cli.main(["eeprom", "pair", "--words", "0", "--json"]) == Exit.USAGE
    said = json.loads(capsys.readouterr().out)
    assert said["exit_code"] == Exit.USAGE
    assert "0 is not in the range" in said["error"]


def test_help_has_the_codes(capsys: Capture) -> None:
    assert cli.main(["--help"]) == Exit.DONE
    said = capsys.readouterr().out
    assert all(f"{code.value:>4}  {text[:40]}" in said for code, text in MEANING.items())


@pytest.mark.parametrize(("code", "words"), [(errno.EMFILE, "ulimit -n"), (errno.ENFILE, "fs.file-max")])
def test_too_many_files_is_no_missing_module(code: int, words: str) -> None:
    assert words in remedy(code, "modprobe tun")
    assert "modprobe" not in remedy(code, "modprobe tun")
    assert remedy(errno.ENOENT, "modprobe tun") == "modprobe tun"
