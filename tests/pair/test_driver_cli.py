# SPDX-License-Identifier: BSD-3-Clause
"""``python -m driver`` as people and programs call it, in this process, on a device in this process."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from device.i82599.card import Card
from device.i82599.nvm.image import Image
from device.machine.wire.loopback import LoopbackPort
from device.regs import pci as layout
from device.regs.i82599 import ALL, EICR, EICS, EIMS, GPRC, SWSM
from driver import __main__ as cli
from driver import claim, ethtool
from driver.claim import Claim
from driver.core.bar import Bar
from driver.doors import kernel
from driver.errors import DriverError, MissingError
from driver.exits import Exit
from driver.ixgbe.figures import DUMPED
from driver.ixgbe.probe import ProbeOptions
from driver.status import StatusServer, wait_readable
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair_door import PairDoor

MAC = "02:00:00:82:59:90"
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _here(nic: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever NIC is named, it is ours, and its driver does not wait."""

    def options(**more: Any) -> ProbeOptions:
        return ProbeOptions(**more, clock=NoWait(), cpus=2)

    monkeypatch.setattr(cli, "open_door", lambda name: PairDoor(nic, name))
    monkeypatch.setattr("driver.ixgbe.family.ProbeOptions", options)


def fails(capsys: Capture, code: int, *words: str) -> str:
    """Run it; it must fail with ``code`` and one line on stderr, which is returned."""
    assert cli.main(words) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    (line,) = [line for line in said.err.splitlines() if not line.startswith("  ")]  # steps are indented
    return line


def test_probe_shows_its_steps_and_what_it_found(capsys: Capture) -> None:
    assert cli.main(["probe", "pair"]) == 0
    said = capsys.readouterr()
    assert "validate_eeprom" in said.err
    assert MAC in said.out


def test_probe_for_programs(capsys: Capture) -> None:
    assert cli.main(["probe", "pair", "--json"]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert said.err == ""
    assert found["mac"] == MAC
    assert found["steps"][0]["step"] == "refuse_vf"


def test_figures_for_programs(capsys: Capture, nic: Card) -> None:
    def ask(*words: str) -> object:
        assert cli.main([*words, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    assert ask("eeprom", "pair", "--words", "4") == [nic.nvm.image.read(word) for word in range(4)]
    stats = ask("stats", "pair")
    assert isinstance(stats, dict)
    assert stats["rx_total"] == 0
    module = ask("module", "pair")
    assert isinstance(module, dict)
    assert (module["type"], module["wavelength_nm"]) == ("10GBASE-SR", 850)
    link = ask("link", "pair")
    assert isinstance(link, dict)
    assert set(link) == {"up", "speed_mbps", "duplex"}
    rows = ask("regs", "pair", "status")
    assert isinstance(rows, list)
    assert [(row["name"], row["offset"]) for row in rows] == [("STATUS", 8)]


@pytest.mark.parametrize("columns", ["80", "110"])
@pytest.mark.parametrize("words", [("probe",), ("stats",), ("regs",), ("eeprom",), ("module",), ("link",)])
def test_tables_fit_the_terminal(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, columns: str, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert cli.main([*words, "pair"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) <= int(columns)
    assert "…" not in "".join(lines)  # nothing is cut off


def test_regs_shows_zeros_only_if_asked(capsys: Capture) -> None:
    assert cli.main(["regs", "pair", "--json"]) == 0
    some = json.loads(capsys.readouterr().out)
    assert cli.main(["regs", "pair", "--json", "--all"]) == 0
    every = json.loads(capsys.readouterr().out)
    assert all(row["value"] for row in some)
    assert len(every) > len(some)
    assert cli.main(["regs", "pair", "RDT", "--json", "--all"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 128
    assert cli.main(["regs", "pair", "RDT", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == ["RDT[0]"]


def test_a_dump_changes_nothing_in_the_nic(nic: Card, door: PairDoor) -> None:
    def words() -> dict[tuple[str, int], int]:
        moving = {"FRTIMER", "SYSTIML", "SYSTIMH"}
        return {
            (reg.NAME, n): int(nic.regs.get(reg, n)) for reg in ALL if reg.NAME not in moving for n in range(reg.count)
        }

    door.config_write(layout.PCI_COMMAND.offset(), b"\x02\x00")
    nic.regs.put(GPRC, 0, 77)
    bar = Bar(door)
    bar.write(EIMS, EIMS.of(LSC=1))
    bar.write(EICS, EICS.of(LSC=1))
    before, reads = words(), nic.core.counters()
    rows = ethtool.registers(bar, DUMPED, zero=True)
    assert words() == before
    assert nic.regs.get(EICR).LSC == 1
    assert nic.regs.get(SWSM).SMBI == 0
    assert len(rows) > 1000
    assert nic.regs.unknown == {}
    changed = {name for name, count in nic.core.counters().items() if count != reads[name]}
    assert changed <= {"reg_reads", "loop_turns"}


# ---- while another driver has the NIC ------------------------------------------------------------------------------


@pytest.fixture
def held() -> Iterator[Claim]:
    with Claim("pair") as held:
        yield held


def test_a_running_driver_is_asked_instead(capsys: Capture, held: Claim) -> None:
    server = StatusServer(held.status_path, {"stats": lambda: {"rx_packets": 1234567}})

    asked = threading.Event()

    def serve() -> None:
        while not asked.is_set():
            wait_readable([server.fileno()], 0.05)
            server.poll()

    thread = threading.Thread(target=serve)
    thread.start()
    code = cli.main(["stats", "pair"])
    asked.set()
    thread.join(20)
    server.close()
    assert code == 0
    assert "1,234,567" in capsys.readouterr().out


def test_a_holder_that_cannot_be_asked_is_named(capsys: Capture, held: Claim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "STATUS_WAIT_S", 0.01)
    line = fails(capsys, Exit.IN_USE, "stats", "pair")
    assert line == f"driver: pair is in use by {claim.holder('pair')}, which cannot be asked for its figures"


def test_a_second_driver_is_told_who_is_the_first(capsys: Capture, held: Claim) -> None:
    line = fails(capsys, Exit.IN_USE, "up", "pair")
    assert f"pair is in use by {claim.holder('pair')}" in line


# ---- bad cards -----------------------------------------------------------------------------------------------------


def test_a_foreign_device_id(capsys: Capture, nic: Card) -> None:
    nic.faults.inject("ids=8086:1122")
    assert "pair is 8086:1122; this driver knows 8086:10" in fails(capsys, Exit.NO_NIC, "probe", "pair")


def test_a_corrupt_nvm(capsys: Capture, nic: Card) -> None:
    nic.faults.inject("nvm=0x15:0xBAD")
    assert "checksum" in fails(capsys, Exit.REFUSED, "up", "pair").lower()


@pytest.mark.parametrize(("word", "text"), [(0x0001, "01:00:"), (0x0000, "00:00:00:00:00:00")])
def test_a_mac_that_no_station_can_have(
    capsys: Capture, port: LoopbackPort, monkeypatch: pytest.MonkeyPatch, word: int, text: str
) -> None:
    with Card(mac=MAC, sfp="sr", port=port) as nic:
        image = nic.nvm.image
        assert isinstance(image, Image)
        base = next(at for at in range(0x400) if image.read(at) == 0x0002 and image.read(at + 1) == 0x8200)
        for n, value in enumerate((word, 0, 0)):
            image.write(base + n, value)
        image.seal()
        monkeypatch.setattr(cli, "open_door", lambda name: PairDoor(nic, name))
        line = fails(capsys, Exit.REFUSED, "probe", "pair")
    assert text in line


def test_an_unsupported_module_and_the_option_for_it(capsys: Capture, nic: Card) -> None:
    nic.faults.inject("module=0x25:0x12")  # the first byte of the vendor's OUI
    image = nic.nvm.image
    assert isinstance(image, Image)
    image.write(0x2C, 0)  # a card that insists on its own vendor's modules
    image.seal()
    assert "unsupported SFP+" in fails(capsys, Exit.REFUSED, "probe", "pair")
    assert cli.main(["probe", "pair", "--allow-unsupported-sfp"]) == 0
    assert cli.main(["module", "pair"]) == 0
    assert "12:1b:21" in capsys.readouterr().out


def test_no_module_in_the_cage(capsys: Capture, nic: Card) -> None:
    nic.remove_sfp()
    assert "no module in the SFP+ cage" in fails(capsys, Exit.FAILED, "module", "pair")


# ---- usage ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("up", "pair", "--queues", "0"), "0 is not in the range 1<=x<=64"),
        (("up", "pair", "--queues", "65"), "65 is not in the range 1<=x<=64"),
        (("up", "pair", "--mtu", "67"), "MTU 67 is out of range: the 82599 takes 68 to 9710"),
        (("up", "pair", "--mtu", "9711"), "MTU 9711 is out of range"),
        (("up", "pair", "--mode", "fast"), "'fast' is not one of 'irq', 'poll', 'hybrid'"),
        (("up", "pair", "--netdev", "a/b"), "an interface name has 1 to 15 bytes"),
        (("up", "pair", "--netdev", "x" * 16), "an interface name has 1 to 15 bytes"),
        (("eeprom", "pair", "--words", "0"), "0 is not in the range 1<=x<=8192"),
        (("regs", "pair", "CTRL", "NONSENSE"), "no register called NONSENSE"),
        (("regs", "pair", "EICR"), "reading EICR has an effect on the NIC"),
        (("probe",), "Missing argument 'NIC'"),
        (("fly", "pair"), "No such command 'fly'"),
        (("-v", "-q", "probe", "pair"), "-v and -q contradict each other"),
    ],
)
def test_wrong_usage_is_exit_code_2(capsys: Capture, words: tuple[str, ...], text: str) -> None:
    assert cli.main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert text in " ".join(said.err.split())
    assert "Traceback" not in said.err


def test_help_is_not_an_error(capsys: Capture) -> None:
    assert cli.main(["--help"]) == 0
    assert "Drive an Intel 82599" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PermissionError(13, "Permission denied"), Exit.MISSING),
        (MissingError("no tap"), Exit.MISSING),
        (TimeoutError("too late"), Exit.NO_ANSWER),
        (DriverError("something"), Exit.FAILED),
        (KeyboardInterrupt(), Exit.INTERRUPTED),
    ],
)
def test_exit_codes(monkeypatch: pytest.MonkeyPatch, capsys: Capture, error: BaseException, code: int) -> None:
    def fail(_: str) -> PairDoor:
        raise error

    monkeypatch.setattr(cli, "open_door", fail)
    assert cli.main(["probe", "pair"]) == code
    assert "Traceback" not in capsys.readouterr().err


# ---- the real doors ------------------------------------------------------------------------------------------------


def test_names_that_open_no_door(capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("IXLAB_RUN_DIR", str(tmp_path / "run"))
    plain = tmp_path / "plain"
    plain.write_text("")
    for name, text in (
        (f"vfio-user:{tmp_path}/absent", "absent: no such socket; start the device first"),
        (f"vfio-user:{plain}", "plain: not a socket"),
        (f"vfio-user:/{'x' * 120}", "121 bytes, and a socket path has at most 107"),
        ("vfio-user:", "the socket's path is missing"),
        ("eth0", "neither a socket nor a PCI address"),
        ("ffff:1f:1f.7", "no such PCI function"),
    ):
        assert text in fails(capsys, Exit.NO_NIC, "probe", name)


def test_a_stranger_is_refused_before_anybody_is_told_to_unbind_it(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel, "ids", lambda _address: (0x1AF4, 0x1005))
    assert "0000:00:1c.0 is 1af4:1005; this driver knows 8086:10fb" in fails(capsys, Exit.NO_NIC, "up", "00:1C.0")
