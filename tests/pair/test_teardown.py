# SPDX-License-Identifier: BSD-3-Clause
"""Going down when the NIC refuses what it is told: no queue may go on into memory that was given back."""

import errno
import logging
from collections.abc import Callable, Collection, Iterator

import pytest

from device.i82599.card import Card
from device.regs.core import Register
from device.regs.i82599 import (
    CTRL,
    CTRL_EXT,
    DMATXCTL,
    EIMC,
    EIMC_EX,
    EIMS,
    EIMS_EX,
    ESDP,
    RAH,
    RAL,
    RXCTRL,
    RXDCTL,
    TXDCTL,
)
from device.regs.pci import PCI_COMMAND
from driver import claim
from driver.core.bar import Bar
from driver.errors import DeviceGone
from driver.ixgbe import teardown
from driver.ixgbe.adapter import Adapter
from driver.ixgbe.probe import ProbeOptions, probe
from driver.session import Session
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair_door import PairDoor

QUEUES = 3
FRAME = bytes.fromhex("ffffffffffff" + "020000000001" + "88b5") + bytes(range(100))


@pytest.fixture
def adapter(door: PairDoor) -> Iterator[Adapter]:
    with probe(door, ProbeOptions(clock=NoWait(), cpus=4)) as adapter:
        adapter.up(queues=QUEUES, ring_count=64)
        yield adapter


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Callable[[Collection[type[Register]]], None]:
    """Let every write to some registers be refused from now on, as a server or a broken bridge does; none: no more."""
    write = Bar.write
    refused: set[type[Register]] = set()

    def obstinate(self: Bar, reg: type[Register], value: int, n: int = 0) -> None:
        if reg in refused:
            raise OSError(errno.EPERM, f"{reg.NAME}: refused")
        write(self, reg, value, n)

    monkeypatch.setattr(Bar, "write", obstinate)

    def set_refused(registers: Collection[type[Register]]) -> None:
        refused.clear()
        refused.update(registers)

    return set_refused


def enabled(nic: Card) -> list[int]:
    """Queues that are on, Rx and Tx."""
    rx = [n for n in range(RXDCTL.count) if nic.regs.get(RXDCTL, n).ENABLE]
    return sorted(rx + [n for n in range(TXDCTL.count) if nic.regs.get(TXDCTL, n).ENABLE])


STEPS = [RXCTRL, RXDCTL, EIMC, EIMC_EX, TXDCTL, DMATXCTL, CTRL, CTRL_EXT, ESDP]


@pytest.mark.parametrize("register", STEPS, ids=lambda register: register.NAME)
def test_one_register_refused_costs_only_its_own_step(
    nic: Card, adapter: Adapter, refuse: Callable[..., None], register: type[Register], caplog: pytest.LogCaptureFixture
) -> None:
    refuse({register})
    adapter.down()
    assert adapter.arena is None
    assert enabled(nic) == [] or not nic.pf.bus_master
    on: dict[type[Register], object] = {
        RXCTRL: nic.regs.get(RXCTRL).RXEN,
        EIMC: int(nic.regs.get(EIMS)),
        EIMC_EX: sum(int(nic.regs.get(EIMS_EX, n)) for n in range(2)),
        DMATXCTL: nic.regs.get(DMATXCTL).TE,
        ESDP: not nic.regs.get(ESDP).SDP3,
        CTRL_EXT: nic.regs.get(CTRL_EXT).DRV_LOAD,
    }
    assert [step.NAME for step, still in on.items() if still and step is not register] == [], (
        "all other steps were done"
    )
    if register not in {RXDCTL, TXDCTL}:
        assert enabled(nic) == []
    assert any("going down" in r.getMessage() and register.NAME in r.getMessage() for r in caplog.records)
    refuse(())
    adapter.up(queues=1)
    assert nic.pf.bus_master
    nic.core.settle(1000)
    nic.link.evaluate()
    adapter.service()
    assert adapter.tx().send([FRAME]) == 1
    nic.core.settle(1000)
    assert [bytes(one) for one in adapter.rx_rings[0].harvest()] == [FRAME]


def test_down_keeps_the_address_and_the_counts(nic: Card, adapter: Adapter) -> None:
    """The reset loads the EEPROM's address, and clears every counter."""
    address = bytes.fromhex("0200000000aa")
    adapter.set_mac(address)
    assert adapter.mac == "02:00:00:00:00:aa"
    nic.core.settle(1000)
    nic.link.evaluate()
    adapter.service()
    before = adapter.hw.stats.totals["tx_pkts_nic"]
    assert adapter.tx().send([FRAME] * 3) == 3
    nic.core.settle(1000)
    adapter.down()
    assert int(nic.regs.get(RAL)).to_bytes(4, "little") + int(nic.regs.get(RAH)).to_bytes(4, "little")[:2] == address
    assert adapter.hw.stats.totals["tx_pkts_nic"] == before + 3


@pytest.mark.parametrize("up", [True, False], ids=["with a link", "without"])
def test_a_tx_queue_is_waited_for_only_while_there_is_a_link(
    nic: Card, adapter: Adapter, up: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Without one it may never drain."""
    if not up:
        nic.set_port(None)
    nic.link.evaluate()
    assert nic.link.up is up
    nic.faults.inject("stuck=TXDCTL[0].ENABLE:1")
    adapter.down()
    assert any("queue 0 is not let go" in line for line in caplog.messages) is up


def test_one_queue_that_refuses_does_not_keep_the_others_on(
    nic: Card, adapter: Adapter, refuse: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse({CTRL})  # no reset either
    write = Bar.write

    def first_only(self: Bar, reg: type[Register], value: int, n: int = 0) -> None:
        if reg is RXDCTL and n == 0:
            raise OSError(errno.EPERM, "RXDCTL[0]: refused")
        write(self, reg, value, n)

    monkeypatch.setattr(Bar, "write", first_only)
    adapter.down()
    assert enabled(nic) == [0]
    assert not nic.pf.bus_master


def test_queues_that_cannot_be_stopped_lose_the_right_to_do_dma(
    nic: Card, door: PairDoor, adapter: Adapter, refuse: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    refuse({RXCTRL, RXDCTL, TXDCTL, CTRL})
    adapter.down()
    assert enabled(nic) != []
    assert door.config.get(PCI_COMMAND).BUS_MASTER == 0
    assert adapter.arena is None
    assert [r for r in caplog.records if r.levelno == logging.ERROR and "bus master is off" in r.getMessage()]
    with pytest.raises(OSError, match="refused"):
        adapter.up(queues=1)
    assert not door.config.get(PCI_COMMAND).BUS_MASTER, "not before a reset stopped the queues"
    refuse(())
    adapter.up(queues=1)
    assert door.config.get(PCI_COMMAND).BUS_MASTER == 1
    assert enabled(nic) == [0, 0]


def test_queues_that_cannot_be_asked_lose_the_right_to_do_dma_too(
    nic: Card, adapter: Adapter, refuse: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse({CTRL})  # no reset
    read = Bar.read

    def mute(self: Bar, reg: type[Register], n: int = 0) -> Register:
        if reg in {RXDCTL, TXDCTL}:
            raise OSError(errno.EIO, f"{reg.NAME}: no answer")
        return read(self, reg, n)

    monkeypatch.setattr(Bar, "read", mute)
    adapter.down()
    assert not nic.pf.bus_master


def test_a_device_that_is_gone_is_told_nothing_more(adapter: Adapter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each access to one that is gone may cost a deadline; and its queues do no DMA."""
    asked: list[str] = []

    def gone(_: Bar, reg: type[Register], *_args: object, **_fields: object) -> None:
        asked.append(reg.NAME)
        raise DeviceGone("gone")

    for way in ("read", "write", "update", "wait"):
        monkeypatch.setattr(Bar, way, gone)
    assert not teardown._running(adapter)
    asked.clear()
    done = teardown.hw_down(adapter)
    assert len(asked) == 1
    assert done.silent
    with pytest.raises(DeviceGone):
        done.check()


def test_memory_is_kept_while_dma_cannot_be_forbidden(
    nic: Card, door: PairDoor, adapter: Adapter, refuse: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse({RXCTRL, RXDCTL, TXDCTL, CTRL})

    def no(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "configuration space: refused")

    with monkeypatch.context() as patch:
        patch.setattr(door, "config_write", no)
        adapter.down()
    assert nic.pf.bus_master
    assert len(door.maps) == 1, "the NIC may still write there"
    assert adapter.arena is None
    refuse(())
    adapter.up(queues=1)
    assert len(door.maps) == 1, "the old memory went, and there is new"
    adapter.down()
    assert door.maps == {}


def test_a_reset_that_fails_while_running_ends_in_down(adapter: Adapter, refuse: Callable[..., None]) -> None:
    refuse({CTRL})
    with pytest.raises(OSError, match="refused"):
        adapter.reinit()
    assert not adapter.running
    assert adapter.arena is None


def test_a_step_refused_while_running_is_only_told(adapter: Adapter, refuse: Callable[..., None]) -> None:
    refuse({EIMC_EX})
    with pytest.raises(OSError, match="refused"):  # a reset needs it
        adapter.reinit()
    refuse(())
    adapter.up()
    refuse({DMATXCTL})
    with pytest.raises(OSError, match="refused"):  # and so does coming up
        adapter.reinit()
    assert not adapter.running


def test_the_probe_is_undone_past_every_refusal(nic: Card, door: PairDoor, refuse: Callable[..., None]) -> None:
    adapter = probe(door, ProbeOptions(clock=NoWait(), cpus=4))
    adapter.bar.update(RXCTRL, RXEN=1)
    adapter.bar.update(CTRL_EXT, DRV_LOAD=1)
    adapter.bar.write(EIMS_EX, 0xF, 0)
    refuse({RXCTRL})
    adapter.close()
    assert nic.regs.get(CTRL_EXT).DRV_LOAD == 0
    assert int(nic.regs.get(EIMS_EX, 0)) == 0
    assert claim.holder(door.name) == ""
    assert not nic.pf.bus_master


def test_a_claim_file_that_cannot_be_removed_does_not_hold_the_claim(
    door: PairDoor, adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "read-only")

    monkeypatch.setattr("pathlib.Path.unlink", no)
    adapter.close()
    assert claim.holder(door.name) == ""


@pytest.mark.parametrize("what", ["status", "poller"])
def test_a_session_ends_past_every_failure(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    ended: list[str] = []

    class Part:
        def __init__(self, name: str) -> None:
            self.name = name

        def close(self) -> None:
            ended.append(self.name)
            if self.name == what:
                raise OSError(errno.EIO, self.name)

    session = Session.__new__(Session)
    session.status, session.netdev = Part("status"), Part("netdev")  # type: ignore[assignment]  # only their ends
    monkeypatch.setattr(session, "_stop", Part("poller").close)
    with pytest.raises(OSError, match=what):
        session.close()
    assert ended == ["status", "poller", "netdev"]
