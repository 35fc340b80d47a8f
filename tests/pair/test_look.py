# SPDX-License-Identifier: BSD-3-Clause
"""``driver link|regs|stats`` of a NIC that nobody drives: it is looked at, not probed."""

import json

import pytest

from device.i82599.card import Card
from device.regs.i82599 import CTRL_EXT, FCTRL, GPRC, SWSM
from device.regs.pci import PCI_COMMAND
from driver import __main__ as cli
from driver import claim
from driver.claim import Claim
from driver.errors import ProbeError
from driver.ixgbe.look import IxgbeLook
from driver.session import Session
from driver.vector_figures import COUNTS
from tests.rigs.pair import Wire, rig
from tests.rigs.pair_door import PairDoor

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _here(nic: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "open_door", lambda name: PairDoor(nic, name))


def ask(capsys: Capture, *words: str) -> object:
    assert cli.main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_looking_resets_nothing_and_writes_nothing(nic: Card, capsys: Capture) -> None:
    nic.regs.put(FCTRL, 0, int(FCTRL.of(UPE=1)))
    before = nic.report()
    assert isinstance(link := ask(capsys, "link", "pair"), dict)
    assert set(link) == {"up", "speed_mbps", "duplex"}
    rows = ask(capsys, "regs", "pair", "FCTRL", "STATUS")
    assert isinstance(rows, list)
    assert rows[0]["name"] == "STATUS" or rows[0]["fields"] == {"UPE": 1}
    assert isinstance(ask(capsys, "stats", "pair"), dict)
    after = nic.report()
    assert after.counters["reg_writes"] == before.counters["reg_writes"]
    assert nic.regs.get(FCTRL).UPE == 1
    assert nic.regs.get(CTRL_EXT).DRV_LOAD == 0
    assert nic.regs.get(SWSM).SMBI == 0
    assert claim.holder("pair") == ""


def test_stats_are_what_the_nic_counted(nic: Card, capsys: Capture) -> None:
    nic.regs.put(GPRC, 0, 77)
    stats = ask(capsys, "stats", "pair")
    assert isinstance(stats, dict)
    assert stats["rx_pkts_nic"] == 77


def test_configuration_space_is_left_as_it_was(nic: Card) -> None:
    door = PairDoor(nic)
    with IxgbeLook(door) as look:
        assert look.read_link()["up"] in {True, False}
        assert door.config.get(PCI_COMMAND).MEMORY == 1
        assert door.config.get(PCI_COMMAND).BUS_MASTER == 0
        assert claim.holder("pair")
    assert door.config.get(PCI_COMMAND).MEMORY == 0
    assert claim.holder("pair") == ""


def test_a_stranger_is_not_looked_at(nic: Card) -> None:
    nic.faults.inject("ids=8086:1122")
    with pytest.raises(ProbeError, match="is 8086:1122"):
        IxgbeLook(PairDoor(nic))


# ---- the vector table ----------------------------------------------------------------------------------------------


def test_nobody_drives_it_so_there_are_no_vectors(capsys: Capture) -> None:
    assert cli.main(["vectors", "pair"]) == 1
    assert "nobody drives it, so it has no vectors" in capsys.readouterr().err


def test_vectors_are_asked_of_who_drives(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {
        "vector": "0",
        "interrupt": "ixlab-nic0-TxRx-0",
        "rx_queues": "0 2",
        "tx_queues": "0 2",
        "xdp_queues": "",
        "lro": False,
    }
    more: dict[str, object] = {
        "ivar": ["IVAR[0].RX0"],
        "eitr_us": 8,
        "v_idx": 0,
        "set_by": "dim rx 1T",
        "cpu": "",
        "affinity": "0",
        "not_pinned": "",
    }
    full: dict[str, object] = {**row, **more, **dict.fromkeys(COUNTS, 1234)}
    monkeypatch.setattr("driver.status.ask", lambda _path, name: {"vector_figures": [full]}[name])
    with Claim("pair"):
        assert ask(capsys, "vectors", "pair") == [full]
        assert cli.main(["vectors", "pair"]) == 0
        assert "ixlab-nic0-TxRx-0" in capsys.readouterr().out


class Named:
    name = "nic0"


@pytest.mark.parametrize("running", [True, False])
def test_the_table_has_every_vector_whether_the_port_is_up_or_not(wire: Wire, running: bool) -> None:
    with rig(wire, queues=4, vectors=3) as up:
        if not running:
            up.adapter.down()
        session = Session.__new__(Session)
        session.nic, session.netdev = up.adapter, Named()  # type: ignore[assignment]  # only its name
        rows = session.vectors()
    assert [(row[0], *row[2:]) for row in rows] == [("0", "0 2", "0 2"), ("1", "1 3", "1 3"), ("2", "", "")]
    assert rows[2][1] == "ixlab-nic0-other"
