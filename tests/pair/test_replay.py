# SPDX-License-Identifier: BSD-3-Clause
"""Stock ixgbe's probe, as it was recorded in a guest, on a device core in this process."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ci.nic import MAC
from device.i82599.card import Card
from device.machine.core import lib
from device.machine.wire import NullPort
from device.regs.core import Register
from device.regs.i82599 import ALL, FWSM, RXPBSIZE, SECTXSTAT, SWSM
from device.trace import Access, read
from tests.rigs.replay import replay

DATA = Path(__file__).resolve().parent.parent / "data"
TRACES = sorted(DATA.glob("*.trace"))


@cache
def recorded(path: Path) -> tuple[Access, ...]:
    return tuple(read(path))


@pytest.fixture
def nic() -> Iterator[Card]:
    with NullPort() as port, Card(mac=MAC, port=port) as made:
        yield made


def rule_of(nic: Card, register: type[Register]) -> Any:
    core = nic.core.c
    page = core.pf.regs.page[register.offset() // 4096]
    return core.pf.regs.rule[page.rule[register.offset() % 4096 // 4]]


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.stem)
def test_every_answer_is_the_same(nic: Card, path: Path) -> None:
    assert list(replay(nic, recorded(path))) == []
    assert nic.regs.handler_errors == 0
    assert nic.core.counters()["reg_writes"] > 1000
    assert nic.regs.unknown == {}


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.stem)
def test_a_probe_reads_what_it_should(path: Path) -> None:
    seen = {(access.kind, access.name.partition("[")[0]) for access in recorded(path)}
    known = {register.NAME for register in ALL}
    assert {name for _, name in seen if name} <= known
    for name in ("STATUS", "EEC", "EERD", "FWSM", "SWSM", "GSSR", "I2CCTL", "ESDP", "LINKS", "AUTOC"):
        assert ("R", name) in seen, name
    for name in ("CTRL", "EIMC", "TXDCTL", "RAL", "RAH", "MTA", "VFTA", "MPSAR"):
        assert ("W", name) in seen, name


@pytest.mark.parametrize("register", [FWSM, SECTXSTAT, RXPBSIZE], ids=lambda register: register.NAME)
def test_another_reset_value_is_noticed(nic: Card, register: type[Register]) -> None:
    rule_of(nic, register).reset ^= 1
    differences = list(replay(nic, recorded(TRACES[0])))
    assert any(f" {register.NAME}" in line for line in differences)


def test_another_behaviour_is_noticed(nic: Card) -> None:
    rule_of(nic, SWSM).flags &= ~lib.RULE_PY_READ  # a semaphore that a read does not take
    differences = list(replay(nic, recorded(TRACES[0])))
    assert differences
    assert "SWSM" in differences[0]
