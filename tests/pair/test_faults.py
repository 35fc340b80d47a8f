# SPDX-License-Identifier: BSD-3-Clause
"""Faults as our driver meets them: it says what is wrong and goes on once the fault has ended."""

import logging
import os

import pytest

from device.i82599.card import Card
from device.machine.wire.loopback import LoopbackPort
from device.regs.pci import MSIX_CTRL
from driver.doors.config import Config
from driver.doors.door import IrqKind
from driver.ixgbe.probe import ProbeOptions, probe
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair import Wire, plain, rig
from tests.rigs.pair_door import PairDoor

PAGE_BYTES = 4096


def test_without_dma_both_rings_stand_still_and_go_on_after_a_reset(caplog: pytest.LogCaptureFixture) -> None:
    with LoopbackPort() as port, rig(port) as up:
        assert up.echo([plain(1)]) == [plain(1)]
        up.nic.faults.inject("no-dma")
        with caplog.at_level(logging.WARNING):
            assert up.echo([plain(2)]) == []
        (row,) = up.nic.report().stalls
        assert "not mapped for DMA" in caplog.text
        assert (row[0], row[2]) == ("tx[0]", 1)
        up.settle()
        assert up.nic.report().stalls == [row], "once, not over and over"
        up.nic.faults.end("no-dma")
        up.restart()
        assert up.echo([plain(3)]) == [plain(3)]


def test_without_dma_a_frame_that_comes_in_stops_the_ring(caplog: pytest.LogCaptureFixture) -> None:
    with Wire() as wire, rig(wire) as up:
        up.nic.faults.inject("no-dma")
        wire.inject(plain(1))
        with caplog.at_level(logging.WARNING):
            assert up.take() == []
        assert "Rx queue 0 stands still" in caplog.text
        up.nic.faults.end()
        up.restart()
        wire.inject(plain(2))
        assert up.take() == [plain(2)]


def test_frames_are_lost_or_damaged_on_the_wire() -> None:
    with Wire() as wire, rig(wire) as up:
        for fault, good, errors in (("wire-lost=3", [0, 1, 3, 4], 0), ("wire-damaged=2", [0, 2, 4], 3)):
            up.nic.faults.inject(fault)
            wire.inject(*(plain(n) for n in range(6)))
            assert up.take() == [plain(n) for n in good]
            up.nic.faults.end()
            assert up.adapter.stats()["rx_crc_errors"] == errors
        wire.inject(*(plain(n) for n in range(6)))
        assert len(up.take()) == 6


def test_a_queue_that_stalls_from_the_start_outlives_the_probes_resets(nic: Card) -> None:
    nic.faults.inject("tx-stall=0")
    with probe(PairDoor(nic), ProbeOptions(clock=NoWait(), cpus=2)) as adapter:
        adapter.up(queues=2, ring_count=64)
        nic.link.evaluate()
        adapter.service()

        def sent(queue: int) -> bool:
            ring = adapter.tx_rings[queue]
            assert ring.post(plain(queue))
            ring.flush()
            nic.core.settle()
            ring.clean()
            return not ring.pending

        assert [sent(queue) for queue in range(2)] == [False, True]
        assert nic.faults.active == ["tx-stall=0"]
        adapter.reinit()
        nic.link.evaluate()
        assert nic.faults.active == [], "a reset after it was felt ends it"
        assert [sent(queue) for queue in range(2)] == [True, True]


def test_a_stall_that_is_taken_away_lets_the_queue_go_on() -> None:
    with LoopbackPort() as port, rig(port) as up:
        for fault in ("tx-stall", "rx-stall=0"):
            up.nic.faults.inject(fault)
            assert up.echo([plain(1)]) == []
            up.nic.faults.end()
            up.settle()
            assert up.take() == [plain(1)]


# ---- the door in this process acts as the one over a socket --------------------------------------------------------


@pytest.mark.parametrize("few", [1, 5, 64])
def test_door_and_configuration_space_agree_how_many_vectors_there_are(nic: Card, few: int) -> None:
    def seen(door: PairDoor) -> tuple[int, int]:
        return door.irq_count(IrqKind.MSIX), Config(door).read(MSIX_CTRL).TABLE_SIZE + 1

    nic.faults.inject(f"few-msix={few}")
    door = PairDoor(nic)
    assert seen(door) == (few, few)
    nic.faults.end()
    door.reset()
    assert seen(door) == (few, few), "who is there has been told"
    door.close()
    assert seen(PairDoor(nic)) == (64, 64)


def test_refused_interrupts(nic: Card, door: PairDoor) -> None:
    fd = os.eventfd(0)
    nic.faults.inject("irq-refused=msix")
    with pytest.raises(OSError, match="no MSIX interrupts"):
        door.irq_enable(IrqKind.MSIX, [fd])
    door.irq_enable(IrqKind.MSI, [fd])
    door.irq_disable(IrqKind.MSI)
    nic.faults.end()
    door.irq_enable(IrqKind.MSIX, [fd])
    door.irq_disable(IrqKind.MSIX)
    os.close(fd)


def test_memory_out_of_reach(nic: Card, door: PairDoor) -> None:
    somewhere = nic.pf.handle  # nothing is copied
    nic.faults.inject("dma-reach=32")
    with pytest.raises(OSError, match="Bad address"):
        door.dma_map(-1, 0, somewhere, 2**32, PAGE_BYTES)
    assert door.maps == {}
    nic.faults.end()
    door.dma_map(-1, 0, somewhere, 2**32, PAGE_BYTES)
    assert door.maps == {2**32: PAGE_BYTES}
