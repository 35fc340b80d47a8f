# SPDX-License-Identifier: BSD-3-Clause
"""``vf NIC …`` and ``up --vfs``: what they ask for, what they show, and what makes no sense."""

import json
from typing import Any, cast

import click
import pytest
from rich.console import Console

from driver import __main__ as cli
from driver import claim, status, vf_commands
from driver.core.family import Nic
from driver.core.vector_options import Like, VectorOptions
from driver.errors import DriverError
from driver.exits import Exit
from driver.irq_commands import wanted
from driver.ixgbe.sriov.admin import Admin
from driver.vf_commands import CHANGES, request_of, with_vfs
from driver.vf_requests import vf_requests

ROW: dict[str, Any] = {
    "vf": 1, "mac": "02:00:00:00:00:11", "mac_set": True, "vlan": 100, "qos": 3, "spoofchk": True, "trust": False,
    "query_rss": False, "state": "auto", "min_mbps": 0, "max_mbps": 500, "mirror": "uplink", "ready": True,
    "api": "1.4", "receives": True, "sends": True, "xcast": "multi", "vlans": [5, 6], "multicast": 2,
    "macvlans": ["02:00:00:00:00:12"], "max_frame": 1518, "asked": {"RESET": 1}, "refused": "SET_VLAN: no",
    "mailbox": {"messages": 7, "pings": 2},
    "rx_packets": 1234, "rx_bytes": 5, "rx_multicast": 6, "tx_packets": 7, "tx_bytes": 8,
}  # fmt: skip
IDLE = {
    **ROW, "vf": 0, "mac": "", "mac_set": False, "vlan": 0, "qos": 0, "max_mbps": 0, "mirror": "", "ready": False,
    "vlans": [], "multicast": 0, "macvlans": [], "max_frame": 0, "refused": "", "mailbox": {},
}  # fmt: skip
FOUND = {"vfs": [IDLE, ROW], "queues": 4, "port_pool": 2, "port_queue": 8, "spoofed": 9, "up": True}
NONE: dict[str, Any] = {
    "vectors": None, "cpus": None, "xdp_rings": 0, "like": "ixgbe", "policy": None, "reserve_vfs": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "request_"),
    [
        ((None,), ("vf_table",)),
        (("0", "mac", "none"), ("vf_set", "0", "mac", "none")),
        (("3", "vlan", "7"), ("vf_set", "3", "vlan", "7")),
        (("3", "vlan", "7", "qos", "2"), ("vf_set", "3", "vlan", "7", "qos", "2")),
        (("62", "rate", "0", "100"), ("vf_set", "62", "rate", "0", "100")),
        (("1", "mirror", "pools", "0,pf"), ("vf_set", "1", "mirror", "pools", "0,pf")),
    ],
)
def test_what_is_asked(words: tuple[str, ...], request_: tuple[str, ...]) -> None:
    assert request_of(words[0], words[1:]) == request_


@pytest.mark.parametrize(
    ("number", "words", "said"),
    [
        ("one", ["mac", "none"], "'one' is no VF: give its number, as `driver vf NIC`"),
        ("1", [], "what of VF 1\\? There are mac, vlan, spoofchk"),
        ("1", ["colour", "red"], "'colour' cannot be changed; there are mac"),
        ("1", ["mac"], r"it is `vf NIC 1 mac ADDR\|none`, not 0 words"),
        ("1", ["rate", "0"], "it is `vf NIC 1 rate MIN MAX`, not 1 words"),
    ],
)
def test_what_makes_no_sense(number: str, words: list[str], said: str) -> None:
    with pytest.raises(click.UsageError, match=said):
        request_of(number, words)


def test_the_command_line_and_the_driver_know_the_same_changes() -> None:
    admin = Admin(cast("Any", None), cast("Any", None), lambda _vf: None, lambda: 0)
    assert {what: counts for what, (counts, _) in CHANGES.items()} == {
        what: counts for what, (counts, _, _) in admin._changes.items()
    }


@pytest.mark.parametrize("vfs", ["-1", "64", "many"])
def test_numbers_that_cannot_be(vfs: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["up", "vfio-user:/nowhere", "--vfs", vfs]) == Exit.USAGE
    assert "--vfs" in capsys.readouterr().err


def test_in_ices_way_their_vectors_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    assert wanted(NONE, 4) == VectorOptions()
    assert wanted({**NONE, "like": "ice"}, 4) == VectorOptions(like=Like.ICE, reserve_vfs=4)
    assert wanted({**NONE, "like": "ice", "reserve_vfs": 4}, 4).reserve_vfs == 4
    assert cli.main(["up", "nic", "--vectors-like", "ice", "--reserve-vfs", "3", "--vfs", "4"]) == Exit.USAGE
    assert "--reserve-vfs 3 and --vfs 4" in capsys.readouterr().err


def answers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []

    def answer(_path: object, name: str) -> dict[str, Any]:
        asked.append(name)
        return FOUND if name == "vf_table" else IDLE

    monkeypatch.setattr(claim, "holder", lambda _nic: "pid 1")
    monkeypatch.setattr(status, "ask", answer)
    return asked


def test_the_table_for_people_and_programs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch)
    assert cli.main(["vf", "nic", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == FOUND
    monkeypatch.setattr(vf_commands, "out", Console(highlight=False, width=150))
    assert cli.main(["vf", "nic"]) == 0
    said = capsys.readouterr().out
    for words in (
        "nic: 2 VFs of 4 queues each, the port has pool 2 (queue 8 on); spoofed frames dropped: 9",
        "02:00:00:00:00:11*", "100 qos 3", "500 Mb/s", "uplink", "none yet",
        "VLANs 5,6, 2 multicast, 1 addresses, frames of 1518", "SET_VLAN: no", "1,234", "messages 7 pings 2",
    ):  # fmt: skip
        assert words in said
    monkeypatch.setitem(FOUND, "up", False)
    assert cli.main(["vf", "nic"]) == 0
    assert "the port is down, and they with it" in capsys.readouterr().out


def test_a_change(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch)
    assert cli.main(["vf", "nic", "0", "vlan", "7", "qos", "2"]) == 0
    assert capsys.readouterr().out == "VF 0: vlan 7 qos 2; its driver starts anew\n"
    assert cli.main(["vf", "nic", "0", "spoofchk", "off"]) == 0
    assert capsys.readouterr().out == "VF 0: spoofchk off\n"
    assert asked == ["vf_set 0 vlan 7 qos 2", "vf_set 0 spoofchk off"]


def test_nobody_drives_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["vf", "vfio-user:/nowhere"]) == Exit.FAILED
    assert "nobody drives it, so it has no VFs; `driver up vfio-user:/nowhere --vfs N`" in capsys.readouterr().err


class Able:
    """A NIC that can have VFs, and has what it is told to."""

    vfs: Any = None

    def enable_vfs(self, vfs: int) -> None:
        self.vfs = vfs


def test_a_driver_without_any() -> None:
    for nic in (object(), Able()):
        handlers = vf_requests(cast("Nic", nic))
        for name, words in (("vf_table", ()), ("vf_set", ("0", "mac", "none"))):
            with pytest.raises(DriverError, match="runs without VFs; `driver up NIC --vfs N` makes them"):
                handlers[name](*words)


def test_who_may_have_some() -> None:
    able = Able()
    with with_vfs(cast("Nic", able), 3):
        assert able.vfs == 3
    with with_vfs(cast("Nic", object()), 0):
        pass
    with pytest.raises(DriverError, match="has no VFs of its own: leave out --vfs 2"):
        with_vfs(cast("Nic", object()), 2)


def test_a_number_is_wanted() -> None:
    able = Able()
    able.vfs = able
    with pytest.raises(DriverError, match="'first' is no VF"):
        vf_requests(cast("Nic", able))["vf_set"]("first", "mac", "none")
