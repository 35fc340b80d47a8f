# SPDX-License-Identifier: BSD-3-Clause
"""Pools whose queues belong to virtual functions: one that is off, lost its memory or left holds up nobody.

Each function maps the same memory here, so that the rig sees what all of them get.
"""

import mmap
from collections.abc import Iterator

import pytest

from device.i82599.vf.function import VirtualFunction
from device.machine.core import ffi, lib
from device.regs.i82599 import FCTRL, GCR_EXT, MTQC, RDT, RTTPCS, RTTPT2C, TDH
from tests.rigs.pools import PoolRig, mac, pool_rig
from tests.rigs.rx import IOVA, MEMORY_BYTES

BROADCAST = b"\xff" * 6
STRANGER = bytes.fromhex("020000000fff")
PF = 2


@pytest.fixture
def card() -> Iterator[PoolRig]:
    """Two VFs with four queues each, and the PF with pool 2."""
    with pool_rig(vfs=2) as made:
        vfs = [VirtualFunction(made.nic, n) for n in range(2)]
        made.vfs = vfs
        made.write(GCR_EXT, GCR_EXT.of(VT_MODE=2))
        lib.vfs_enable(ffi.addressof(made.nic.c, "vfs"), 2)
        for vf in vfs:
            vf.appear(enabled=True)
            vf.function.dma_add(IOVA, made.bytes_mapped, made.memory)
            vf.function.bus_master = True
        made.use(4, pf=PF)
        made.write(FCTRL, FCTRL.of(BAM=1))
        for pool in range(3):
            made.address(pool, mac(pool), pool)
        made.modes(0, 1, 2, BAM=1)
        made.listen_pools(0, 1, 2)
        yield made
        for vf in vfs:
            vf.close()


def frame(to: bytes, of: bytes) -> bytes:
    return (to + of + b"\x88\xb5").ljust(100, b"\x5a")


def arrives(card: PoolRig, to: bytes) -> list[int]:
    card.receive(frame(to, STRANGER))
    return card.pools()


def test_functions_hear_each_other_and_the_wire(card: PoolRig) -> None:
    assert [card.nic.c.owner_of_queue[queue] == card.vfs[queue // 4].function.c for queue in range(8)] == [True] * 8
    assert arrives(card, BROADCAST) == [0, 1, 2]
    assert card.turn(0, frame(mac(1), mac(0))) == ([1], 0)
    assert card.turn(1, frame(mac(PF), mac(1))) == ([PF], 0)
    assert card.turn(PF, frame(BROADCAST, mac(PF))) == ([0, 1], 1)


def test_one_that_may_not_master_the_bus_loses_frames_and_nobody_waits(card: PoolRig) -> None:
    card.vfs[0].function.bus_master = False
    assert arrives(card, BROADCAST) == [1, 2]
    assert card.turn(1, frame(mac(0), mac(1))) == ([], 0)
    assert (card.nic.c.rx.fifo.frames, card.count.rx_disabled) == (0, 2)
    card.vfs[0].function.bus_master = True
    assert arrives(card, BROADCAST) == [0, 1, 2]


def test_frames_that_wait_for_a_function_that_then_is_off_go(card: PoolRig) -> None:
    for queue in range(4, 8):
        card.rings.pop(queue, None)
    card.receive(*[frame(mac(1), STRANGER)] * 9)
    assert card.nic.c.rx.fifo.frames == 2, "nobody gives it new descriptors, and it does not drop"
    assert arrives(card, mac(PF)) == []
    card.vfs[1].function.bus_master = False
    card.drain()
    assert (card.pools(), card.nic.c.rx.fifo.frames) == ([PF], 0)


def test_what_one_did_not_send_waits_and_holds_up_nobody(card: PoolRig) -> None:
    card.vfs[0].function.bus_master = False
    assert card.turn(0, frame(mac(1), mac(0))) == ([], 0)
    assert card.turn(1, frame(mac(PF), mac(1))) == ([PF], 0)
    assert card.read(TDH, 0) == 0
    card.vfs[0].function.bus_master = True
    card.nic.step()
    assert (card.pools(), card.read(TDH, 0)) == ([1], 1)


def test_one_that_is_off_in_a_strict_class_does_not_starve_the_others(card: PoolRig) -> None:
    card.write(MTQC, 0xB)
    card.write(RTTPCS, RTTPCS.of(TPPAC=1))
    card.write(RTTPT2C, RTTPT2C.of(LSP=1), 3)
    card.vfs[0].function.bus_master = False
    card.send_from(3, frame(mac(1), mac(0)))
    card.send_from(4, frame(STRANGER, mac(1)))
    assert len(card.wire.all()) == 1
    assert (card.done(3), card.done(4)) == (False, True)


def test_one_without_memory_stops_alone(card: PoolRig) -> None:
    card.vfs[0].function.dma_del(IOVA, card.bytes_mapped)
    assert arrives(card, BROADCAST) == [1, 2]
    assert {(is_tx, queue) for is_tx, queue, _ in card.nic.stalls.seen} == {("rx", 0)}
    assert arrives(card, BROADCAST) == [1, 2]


def test_one_with_memory_of_its_own_gets_it_there(card: PoolRig) -> None:
    own = mmap.mmap(-1, MEMORY_BYTES)
    own[: card.bytes_mapped] = card.memory[:]
    card.vfs[0].function.dma_del(IOVA, card.bytes_mapped)
    card.vfs[0].function.dma_add(IOVA, MEMORY_BYTES, own)
    ring = card.rings.pop(0)
    assert arrives(card, BROADCAST) == [1, 2]
    assert own[ring.buffers : ring.buffers + 100] == frame(BROADCAST, STRANGER)
    assert not any(card.memory[ring.buffers : ring.buffers + 100])
    card.vfs[0].function.dma_del(IOVA, MEMORY_BYTES)


def test_functions_that_are_taken_away_leave_their_queues_off(card: PoolRig) -> None:
    lib.vfs_enable(ffi.addressof(card.nic.c, "vfs"), 0)
    for pool in (0, 1):
        card.rings.pop(4 * pool)
    assert arrives(card, BROADCAST) == [2]
    assert card.nic.c.owner_of_queue[0] == card.nic.pf.c
    assert card.read(RDT, 0) == 7


def test_without_the_pf_functions_go_on(card: PoolRig) -> None:
    card.nic.pf.bus_master = False
    card.rings.pop(8)
    card.nic.step()
    assert card.turn(0, frame(mac(1), mac(0))) == ([1], 0)
    assert card.turn(0, frame(BROADCAST, mac(0))) == ([1], 1)
