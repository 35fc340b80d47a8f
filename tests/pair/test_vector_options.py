# SPDX-License-Identifier: BSD-3-Clause
"""What a user may decide about vectors, ixgbe's way: every branch of the interrupt scheme, with frames through it."""

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from device.errors import ConfigError
from device.i82599.card import Card
from device.machine.wire.loopback import LoopbackPort
from device.regs.i82599 import IVAR, IVAR_MISC, TDLEN, TXDCTL
from driver.compiled import lib
from driver.core.napi import Poller, Sink
from driver.core.vector_options import VectorOptions
from driver.doors.door import IrqKind
from driver.errors import DriverError, ProbeError, RingError
from driver.ixgbe import config
from driver.ixgbe.adapter import Adapter
from driver.ixgbe.probe import ProbeOptions, probe
from tests.rigs.counts import fd_count
from tests.rigs.driver_clock import NoWait
from tests.rigs.frames import BROADCAST, frame
from tests.rigs.pair_door import PairDoor

MAC = "02:00:00:82:59:90"


@contextmanager
def ports(queues: int = 2, *, table: int = 64, online: int = 4, **vectors: Any) -> Iterator[tuple[Card, Adapter]]:
    """A port that is probed with these options, on a card with a loopback plug."""
    options = ProbeOptions(clock=NoWait(), cpus=online, queues=queues, itr_us=0, vectors=VectorOptions(**vectors))
    port = LoopbackPort()
    with Card(mac=MAC, sfp="sr", port=port, msix_vectors=table) as nic:
        door = PairDoor(nic)
        with probe(door, options) as adapter:
            yield nic, adapter
        assert door.maps == {}
    port.close()


def bring_up(nic: Card, adapter: Adapter, queues: int) -> None:
    adapter.up(queues=queues, ring_count=64)
    nic.core.settle(1000)
    nic.link.evaluate()
    adapter.service()
    adapter.set_rx_mode(promiscuous=True)


def shares(adapter: Adapter) -> list[tuple[list[int], list[int], list[int]]]:
    return [
        (sorted(vector.rx_container.queues), sorted(vector.tx_container.queues), vector.xdp_queues)
        for vector in adapter.q_vectors
    ]


def tx_vector(nic: Card, queue: int) -> int | None:
    """Where the chip sends interrupts of a Tx queue."""
    ivar, way = nic.regs.get(IVAR, queue // 2), queue % 2
    return getattr(ivar, f"TX{way}") if getattr(ivar, f"TX{way}_VALID") else None


def rx_vector(nic: Card, queue: int) -> int | None:
    ivar, way = nic.regs.get(IVAR, queue // 2), queue % 2
    return getattr(ivar, f"RX{way}") if getattr(ivar, f"RX{way}_VALID") else None


def test_with_enough_vectors_each_rx_ring_has_its_own_and_frames_pass() -> None:
    with ports(2, vectors=5) as (nic, adapter):
        bring_up(nic, adapter, 2)
        assert shares(adapter) == [([0], [], []), ([1], [], []), ([], [0], []), ([], [1], [])]
        assert [rx_vector(nic, queue) for queue in range(2)] == [0, 1]
        assert [tx_vector(nic, queue) for queue in range(2)] == [2, 3]
        assert nic.regs.get(IVAR_MISC).OTHER == 4
        napis = adapter.napis()
        assert [(len(napi.rx_rings), len(napi.tx_rings)) for napi in napis] == [(1, 0), (1, 0), (0, 1), (0, 1)]
        adapter.tx_rings[1].send([frame(7, dst=BROADCAST)])
        nic.core.settle(1000)
        assert adapter.tx_rings[1].pending
        for napi in napis:
            napi.c.sink = Sink.DROP
            napi.poll()
        assert not adapter.tx_rings[1].pending, "the vector of the Tx ring alone cleaned it"
        assert sum(ring.stats()["packets"] for ring in adapter.rx_rings) == 1
        request_names = [vector.name.rsplit("-", 2)[-2:] for vector in adapter.q_vectors]
        assert request_names == [["rx", "0"], ["rx", "1"], ["tx", "0"], ["tx", "1"]]


def test_cpus_limit_the_vectors_and_rings_are_shared() -> None:
    with ports(4, online=1) as (nic, adapter):
        assert len(adapter.q_vectors) == 4, "pairs that were asked for have a vector each"
    with ports(5, cpus=2) as (nic, adapter):
        bring_up(nic, adapter, 5)
        assert shares(adapter) == [([0, 2, 4], [0, 2, 4], []), ([1, 3], [1, 3], [])]
        assert [rx_vector(nic, queue) for queue in range(5)] == [0, 1, 0, 1, 0]


def test_assumed_cpus_also_limit_the_queues_that_are_made_by_themselves() -> None:
    many = ProbeOptions(clock=NoWait(), cpus=40)
    with Card(mac=MAC) as nic, probe(PairDoor(nic), many) as adapter:
        assert adapter.scheme.queues == len(adapter.q_vectors) == 16, "RSS has so many"
    assumed = ProbeOptions(clock=NoWait(), cpus=4, vectors=VectorOptions(cpus=3))
    with Card(mac=MAC) as nic, probe(PairDoor(nic), assumed) as adapter:
        assert adapter.scheme.queues == len(adapter.q_vectors) == 3


def test_what_was_granted_decides() -> None:
    with ports(4, table=3) as (nic, adapter):
        bring_up(nic, adapter, 4)
        assert shares(adapter) == [([0, 2], [0, 2], []), ([1, 3], [1, 3], [])]
        assert adapter.other_vector == 2


@pytest.mark.parametrize(("table", "vectors"), [(1, None), (64, 1)])
def test_one_vector_is_too_few_and_features_go(
    table: int, vectors: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), ports(4, table=table, vectors=vectors, xdp_rings=2) as (_, adapter):
        assert adapter.scheme.kind is IrqKind.MSI
        said = [record.getMessage() for record in caplog.records]
        assert any("no MSI-X interrupts can be had" in line for line in said)
        assert any("RSS is off: one queue pair" in line for line in said)
        adapter.up(queues=4, ring_count=64)
        assert shares(adapter) == [([0], [0], [1, 2])], "one vector has all there is"


def test_without_msi_too_there_is_intx(caplog: pytest.LogCaptureFixture) -> None:
    with Card(mac=MAC, msix_vectors=1) as nic, caplog.at_level(logging.WARNING):
        nic.faults.inject("irq-refused=msi")
        with probe(PairDoor(nic), ProbeOptions(clock=NoWait(), cpus=2)) as adapter:
            assert adapter.scheme.kind is IrqKind.INTX
    assert "no MSI interrupt can be had either" in caplog.text


@pytest.mark.parametrize(("asked", "table"), [(0, 64), (65, 64), (5, 4)])
def test_vectors_beyond_the_table_are_refused_and_nothing_stays(asked: int, table: int) -> None:
    with Card(mac=MAC, msix_vectors=table) as nic:
        door, before = PairDoor(nic), fd_count()
        options = ProbeOptions(clock=NoWait(), cpus=2, vectors=VectorOptions(vectors=asked))
        with pytest.raises(ProbeError, match=rf"{asked} vectors were asked for.*give 1 to {table}") as caught:
            probe(door, options)
        assert (caught.value.code, caught.value.step) == (errno.EINVAL, "init_interrupt_scheme")
        assert fd_count() <= before
        assert door.maps == {}


@pytest.mark.parametrize("vectors", [0, 65])
def test_a_card_has_1_to_64_vectors(vectors: int) -> None:
    with pytest.raises(ConfigError, match=f"{vectors} vectors: the card has 1 to 64"):
        Card(mac=MAC, msix_vectors=vectors)


# ---- XDP's Tx rings --------------------------------------------------------------------------------------------------


def test_xdp_rings_are_real_tx_rings_above_the_interfaces_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with ports(2, xdp_rings=3) as (nic, adapter):
        bring_up(nic, adapter, 2)
        assert shares(adapter) == [([0], [0], [2]), ([1], [1], [3]), ([], [], [4])]
        assert [ring.queue for ring in adapter.xdp_rings] == [2, 3, 4]
        assert len(adapter.tx_rings) == 2
        for ring, vector in zip(adapter.xdp_rings, range(3), strict=True):
            assert nic.regs.get(TXDCTL, ring.queue).ENABLE == 1
            assert int(nic.regs.get(TDLEN, ring.queue)) == ring.len_bytes
            assert tx_vector(nic, ring.queue) == vector
            assert ring.q_vector is adapter.q_vectors[vector]
            assert any(start <= ring.iova < start + size for start, size in adapter.door.maps.items())  # type: ignore[attr-defined]  # the pair's own
        assert tx_vector(nic, 5) is None
        assert adapter.q_vectors[2].name.endswith("-tx-0")
        # Somebody sends on one: the vector's poll cleans it.
        ring = adapter.xdp_rings[2]
        ring.send([frame(1, dst=BROADCAST)])
        nic.core.settle(1000)
        assert ring.pending
        napi = adapter.napis()[2]
        napi.c.sink = Sink.DROP
        napi.poll()
        assert not ring.pending
        assert ring.stats()["packets"] == 1
        stopped: list[int] = []
        monkeypatch.setattr(config, "disable_tx_queues", lambda _bar, queues, **_: stopped.extend(queues))
        adapter.down()
        assert stopped == [0, 1, 2, 3, 4]
        with pytest.raises(RingError, match="Tx queue 4: the ring is closed"):
            ring.flush()
        assert not adapter.xdp_rings
        assert nic.regs.get(TXDCTL, 4).ENABLE == 0


def test_the_interfaces_ring_is_first_in_a_poll() -> None:
    """What echoes uses the first: never one of XDP."""
    with ports(1, xdp_rings=1, vectors=2) as (nic, adapter):
        bring_up(nic, adapter, 1)
        (vector,) = adapter.q_vectors
        assert [ring.queue for ring in vector.tx] == [1, 0], "the list runs from the newest to the oldest"
        (napi,) = adapter.napis()
        assert [ring.queue for ring in napi.tx_rings] == [0, 1]


def test_an_xdp_ring_has_no_queue_of_the_interface() -> None:
    with ports(1, xdp_rings=2, vectors=2) as (nic, adapter):
        bring_up(nic, adapter, 1)
        (napi,) = adapter.napis()
        Poller([napi], sink=Sink.NETDEV, tap_fds=[99]).close()
        assert [napi.c.tx_tap[n] for n in range(3)] == [99, -1, -1]
        assert napi.c.sink == lib.SINK_NETDEV


def test_xdp_rings_come_and_go_with_up() -> None:
    with ports(2) as (nic, adapter):
        bring_up(nic, adapter, 2)
        assert adapter.xdp_rings == []
        adapter.down()
        adapter.up(xdp_rings=4, ring_count=64)
        assert len(adapter.xdp_rings) == 4
        adapter.down()
        adapter.up(ring_count=64)
        assert len(adapter.xdp_rings) == 4, "as before, if nobody says"
        adapter.down()
        with pytest.raises(DriverError, match=r"63 XDP rings beside 2 queues: .* leaves 0 to 62"):
            adapter.up(xdp_rings=63)
        adapter.up(xdp_rings=0, ring_count=64)
        assert adapter.xdp_rings == []


def test_62_xdp_rings_are_as_many_as_there_can_be_beside_two_pairs() -> None:
    with ports(2, online=64, xdp_rings=62) as (_, adapter):
        adapter.up(ring_count=64)
        assert [ring.queue for ring in adapter.senders] == list(range(64))
        assert sorted(queue for _, _, xdp in shares(adapter) for queue in xdp) == list(range(2, 64))
    with pytest.raises(DriverError, match="63 XDP rings beside 2 queues"), ports(2, xdp_rings=63):
        pass


def test_interrupts_that_could_not_be_had_are_tried_again_by_the_next_up() -> None:
    with ports(2) as (nic, adapter):
        for kind in ("msix", "msi", "intx"):
            nic.faults.inject(f"irq-refused={kind}")
        for _ in range(2):
            with pytest.raises(ProbeError, match="no interrupt can be had"):
                adapter.up(queues=3, xdp_rings=1, ring_count=64)
            assert adapter.q_vectors == []
        nic.faults.end("irq-refused")
        bring_up(nic, adapter, 3)
        assert [ring.queue for ring in adapter.senders] == [0, 1, 2, 3]


def test_a_reset_under_way_empties_xdp_rings_too() -> None:
    with ports(1, xdp_rings=1) as (nic, adapter):
        bring_up(nic, adapter, 1)
        adapter.xdp_rings[0].post(frame(1))
        assert adapter.xdp_rings[0].pending
        adapter.reinit()
        assert not adapter.xdp_rings[0].pending
        assert nic.regs.get(TXDCTL, 1).ENABLE == 1
