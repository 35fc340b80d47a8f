# SPDX-License-Identifier: BSD-3-Clause
"""What a look at a card finds out, without a server."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from device.i82599.card import Card
from device.machine.wire import LoopbackPort
from device.serve.events import EVENTS, STALLS_MAX, Watcher


@dataclass
class Clients:
    sessions: int = 0
    attached: bool = False
    flrs: int = 0


@dataclass
class House:
    card: Card
    clients: Clients = field(default_factory=Clients)
    vf_clients: list[Clients] = field(default_factory=list)
    started: float = 0.0


@pytest.fixture
def house() -> Iterator[House]:
    with LoopbackPort() as port, Card(port=port) as card:
        yield House(card)


def look(watcher: Watcher) -> list[dict[str, object]]:
    events = list(watcher.look())
    assert all(event.pop("uptime_s") for event in events)
    assert {event["event"] for event in events} <= EVENTS.keys()
    return events


@pytest.fixture
def watcher(house: House) -> Watcher:
    made = Watcher(house)
    made.begin()
    assert look(made) == []
    return made


def test_clients_come_and_go(house: House, watcher: Watcher) -> None:
    house.clients = Clients(1, attached=True)
    assert look(watcher) == [{"event": "client", "did": "attached", "session": 1, "times": 1}]
    house.clients = Clients(4, attached=True)
    assert look(watcher) == [
        {"event": "client", "did": "left", "session": 1},
        {"event": "client", "did": "attached", "session": 4, "times": 3},
    ]
    house.clients = Clients(4)
    assert look(watcher) == [{"event": "client", "did": "left", "session": 4}]
    house.clients = Clients(5)
    assert [event["did"] for event in look(watcher)] == ["attached", "left"]


def test_clients_of_virtual_functions(house: House, watcher: Watcher) -> None:
    house.vf_clients = [Clients(), Clients(2, attached=True)]
    assert look(watcher) == [{"event": "client", "did": "attached", "session": 2, "times": 2, "vf": 1}]
    house.vf_clients = [Clients(1, attached=True), Clients(2)]
    assert look(watcher) == [
        {"event": "client", "did": "attached", "session": 1, "times": 1, "vf": 0},
        {"event": "client", "did": "left", "session": 2, "vf": 1},
    ]


def test_virtual_functions_enabled() -> None:
    with Card(vfs=3) as card:
        watcher = Watcher(House(card))
        watcher.begin()
        card.pf.on_sriov(2, memory=True)
        assert look(watcher) == [{"event": "vfs", "enabled": 2}]
        card.pf.on_sriov(0, memory=False)
        assert look(watcher) == [{"event": "vfs", "enabled": 0}]


def test_resets_and_the_link(house: House, watcher: Watcher) -> None:
    up = house.card.link.up
    house.card.set_port(None if up else house.card.port)
    house.card.reset(software=True)
    house.card.reset(software=True)
    house.clients.flrs = 3
    events = look(watcher)
    assert {"event": "reset", "software": 2, "pci": 0, "flr": 3} in events
    assert {"event": "link", "link": "down", "changes": 1} in events
    assert look(watcher) == []


def test_faults(house: House, watcher: Watcher) -> None:
    house.card.faults.inject("slow=EERD:8")
    assert look(watcher) == [{"event": "fault", "injected": ["slow=EERD:8"], "ended": []}]
    house.card.faults.inject("slow=EERD:9")
    assert look(watcher) == [{"event": "fault", "injected": ["slow=EERD:9"], "ended": ["slow=EERD:8"]}]


def test_stalls_a_guest_causes_again_and_again_are_bounded(house: House, watcher: Watcher) -> None:
    stalls = house.card.core.stalls
    stalls.tell("rx", 3, 1)
    (event,) = look(watcher)
    assert (event["event"], event["queue"], event["times"]) == ("stall", "rx[3]", 1)
    assert event["told"]
    for queue in range(100):
        for _ in range(50):
            stalls.tell("tx", queue, 1)
    events = look(watcher)
    assert len(events) == STALLS_MAX
    assert events[0]["times"] == 50
    assert events[-1]["more"] == 100 - STALLS_MAX
