# SPDX-License-Identifier: BSD-3-Clause
"""Methods of the control socket on a card of our own."""

from collections.abc import Iterator

import pytest

from device.i82599.card import Card
from device.machine.wire import NullPort, Port
from device.regs.i82599 import ESDP
from device.serve.methods import methods_of


class Told(NullPort):
    """Remembers what the other end is told of our laser."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[bool] = []

    def set_link(self, *, up: bool) -> None:
        super().set_link(up=up)
        self.told.append(up)


class House:
    """What the methods reach."""

    def __init__(self) -> None:
        self.wire = Told()
        self.port: Port = self.wire
        self.card = Card(port=self.wire)

    def report(self) -> dict[str, object]:
        return {}

    def drop(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def ask(self, name: str, value: object) -> object:
        return methods_of(self)[name].prepare(value, {})()


@pytest.fixture
def house() -> Iterator[House]:
    made = House()
    with made.card, made.port:
        made.card.regs.write(ESDP.offset(0), int(ESDP.of(SDP3_DIR=1)))
        assert made.card.link.up
        yield made


def test_a_cable_that_is_in_is_not_pulled_to_be_plugged(house: House) -> None:
    told, changes = list(house.wire.told), house.card.link.changes
    assert told[-1] is True
    for _ in range(3):
        assert house.ask("carrier", True) == {"on": True, "link": "up", "why": ""}
    assert (house.wire.told, house.card.link.changes) == (told, changes), "the other end saw nothing"
    assert house.ask("carrier", False) == {"on": False, "link": "down", "why": "the cable is out: plug it (carrier)"}
    house.ask("carrier", False)
    assert (house.wire.told, house.card.link.changes) == ([*told, False], changes + 1)
    assert house.ask("carrier", True) == {"on": True, "link": "up", "why": ""}
    assert (house.wire.told, house.card.link.changes) == ([*told, False, True], changes + 2)
