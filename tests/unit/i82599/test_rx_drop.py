# SPDX-License-Identifier: BSD-3-Clause
"""A full queue and the others: PFQDE as Linux's ixgbe_write_qde (one queue) and DPDK's
rte_pmd_ixgbe_set_all_queues_drop_en (all) write it."""

import pytest

from device.regs.i82599 import ETQF, ETQS, GPRC, MPC, PFQDE, QPRDC, RQSMR
from tests.rigs.rx import Rig

FULL, OTHER, LAST = 3, 5, 127
TYPES = {FULL: 0x88B5, OTHER: 0x88B6, LAST: 0x88B7}
WRITE, ENABLE = 1 << 16, 1


def numbered(queue: int, n: int) -> bytes:
    """A frame for this queue."""
    return (bytes(12) + TYPES[queue].to_bytes(2, "big") + bytes([n])).ljust(60, b"\0")


def steer(rig: Rig) -> None:
    """Each of three queues gets the frames of its own EtherType, and its own counters."""
    for i, (queue, ethertype) in enumerate(TYPES.items()):
        rig.write(ETQF, ETQF.of(FILTER_EN=1, ETYPE=ethertype), i)
        rig.write(ETQS, ETQS.of(QUEUE_EN=1, RX_QUEUE=queue), i)
        rig.write(RQSMR, (i + 1) << 8 * (queue % 4), queue // 4)


def set_drop(rig: Rig, queue: int, on: int) -> None:
    rig.write(PFQDE, WRITE | queue << 8 | on)


@pytest.mark.parametrize("drops", [False, True])
def test_one_full_queue_and_the_others(rig: Rig, drops: bool) -> None:
    steer(rig)
    rings = {queue: rig.ring(queue, slot=i) for i, queue in enumerate(TYPES)}
    rings[FULL].post(2)
    rings[OTHER].post(7)
    rings[LAST].post(7)
    if drops:
        set_drop(rig, FULL, ENABLE)
    rig.receive(*[numbered(queue, n) for n in range(5) for queue in TYPES])
    got = {queue: len(rings[queue].take()) for queue in TYPES}
    if drops:
        assert got == {FULL: 2, OTHER: 5, LAST: 5}
        assert [rig.read(QPRDC, i + 1) for i in range(3)] == [3, 0, 0]
    else:
        assert got == {FULL: 2, OTHER: 2, LAST: 2}, "what comes after the first that waits, waits behind it"
        rings[FULL].post(5)
        assert rig.drain() == 9
        assert {queue: len(rings[queue].take()) for queue in TYPES} == dict.fromkeys(TYPES, 3)
        assert [rig.read(QPRDC, i + 1) for i in range(3)] == [0, 0, 0]
    assert (rig.read(GPRC), rig.read(MPC)) == (15, 0)


def test_a_queue_that_begins_to_drop_lets_go_of_what_waits(rig: Rig) -> None:
    steer(rig)
    rings = {queue: rig.ring(queue, slot=i) for i, queue in enumerate(TYPES)}
    rings[OTHER].post(7)
    rig.receive(numbered(FULL, 1), numbered(OTHER, 2))
    assert rings[OTHER].take() == []
    set_drop(rig, FULL, ENABLE)
    rig.drain()
    assert len(rings[OTHER].take()) == 1
    assert rig.read(QPRDC, 1) == 1
    set_drop(rig, FULL, 0)
    rig.receive(numbered(FULL, 3), numbered(OTHER, 4))
    assert rings[OTHER].take() == []


def test_all_queues_in_both_doorbell_modes() -> None:
    for shared in (False, True):
        with Rig() as rig:
            if shared:
                rig.nic.share_doorbells()
            steer(rig)
            rig.ring(FULL)
            for queue in range(128):
                set_drop(rig, queue, ENABLE)
            ring = rig.ring(OTHER, slot=1)
            ring.post(7)
            rig.receive(numbered(FULL, 1), numbered(FULL, 2), numbered(OTHER, 3))
            assert len(ring.take()) == 1
            assert rig.read(QPRDC, 1) == 2


def test_the_table_behind_the_register(rig: Rig) -> None:
    for queue in (0, 64, 127):
        set_drop(rig, queue, ENABLE)
    on = []
    for queue in range(128):
        rig.write(PFQDE, PFQDE.of(RE=1, IDX=queue))
        value = PFQDE(rig.read(PFQDE))
        assert int(value.replace(QDE=0)) == queue << 8, "WE and RE read 0"
        on += [queue] if value.QDE else []
    assert on == [0, 64, 127]
    rig.write(PFQDE, 5 << 8 | ENABLE)
    rig.write(PFQDE, PFQDE.of(RE=1, IDX=5))
    assert not PFQDE(rig.read(PFQDE)).QDE, "neither WE nor RE: no entry is meant"
    rig.nic.pf.reset(software=True)
    rig.write(PFQDE, PFQDE.of(RE=1, IDX=127))
    assert not PFQDE(rig.read(PFQDE)).QDE
