# SPDX-License-Identifier: BSD-3-Clause
"""Coalesced packets in the 82599's descriptors: chains by NEXTP, of several flows at once, good and broken ones."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.regs.i82599.desc import RXD, RXDADV, RXDRSC
from driver.compiled import lib
from driver.core.bar import Bar
from driver.core.dma import Arena
from driver.core.ring_totals import ring_totals
from driver.core.rings import RxRing
from driver.errors import RingError
from driver.ixgbe.rings import RINGS
from driver.ixgbevf.rings import RINGS as VF_RINGS
from tests.rigs.memory_door import MemoryDoor

COUNT, BUF_BYTES = 64, 2048


def ring_of(door: MemoryDoor, arena: Arena) -> RxRing:
    ring = RxRing(RINGS, arena, Bar(door), 3, COUNT, BUF_BYTES)
    ring.lro = True
    assert ring.start() == COUNT - 1
    return ring


@pytest.fixture
def rx() -> Iterator[RxRing]:
    door = MemoryDoor()
    arena = Arena(door, 1 << 20)
    ring = ring_of(door, arena)
    yield ring
    ring.close()
    arena.close()


def write(ring: RxRing, slot: int, *, begun: int = 0, following: int | None = None, len_bytes: int = BUF_BYTES) -> None:
    """Write a descriptor back; ``following`` is the next one of its packet, None: it is the last."""
    desc: Any = ring.c.desc + 2 * slot
    desc[0] = int(RXDADV.of(RSCCNT=begun + 1 if begun >= 0 else 0, RSS_HASH=slot))
    if following is None:
        desc[1] = int(RXD.of(LENGTH=len_bytes, STAT_DD=1, STAT_EOP=1))
    else:
        desc[1] = int(RXDRSC.of(NEXTP=following)) | 1 | len_bytes << 32


def packet(ring: RxRing, slots: Sequence[int], *, begun: int = 1, len_bytes: int = 7) -> None:
    """A packet in these slots, ``begun`` frames in each; the last buffer has ``len_bytes``."""
    for at, slot in enumerate(slots[:-1]):
        write(ring, slot, begun=begun, following=slots[at + 1])
    write(ring, slots[-1], begun=begun, len_bytes=len_bytes)


def slots_of(frame: Any) -> list[int]:
    """Where the parts of a frame lie, of a ring with marks."""
    return [part[0] for part in frame.parts]


def mark(ring: RxRing) -> None:
    """Give each buffer its number for content."""
    view, _ = ring.memory()
    for slot in range(COUNT):
        view[slot * BUF_BYTES] = slot


def given_back(ring: RxRing) -> None:
    """All slots but one are with the NIC again, and say where their buffers are."""
    ring.refill()
    posted = [slot for slot in range(COUNT) if slot != ring.c.next_to_use]
    assert [tuple((ring.c.desc + 2 * slot)[0:2]) for slot in posted] == [
        (ring.c.buf_iova + slot * BUF_BYTES, 0) for slot in posted
    ]


def test_two_flows_whose_descriptors_alternate(rx: RxRing) -> None:
    mark(rx)
    packet(rx, [0, 2, 4], begun=2)
    packet(rx, [1, 3], begun=3, len_bytes=9)
    write(rx, 5, begun=-1, len_bytes=60)
    frames = rx.harvest()
    assert [slots_of(frame) for frame in frames] == [[0, 2, 4], [1, 3], [5]]
    assert [len(frame) for frame in frames] == [2 * BUF_BYTES + 7, BUF_BYTES + 9, 60]
    assert [frame.segments for frame in frames] == [6, 6, 1]
    assert [frame.rss_hash for frame in frames] == [4, 3, 5], "that of the last descriptor"
    stats = rx.stats()
    assert (stats["packets"], stats["lro_packets"], stats["lro_frames"], stats["errors"]) == (3, 2, 12, 0)
    totals = ring_totals([rx], [])
    assert (totals["hw_rsc_aggregated"], totals["hw_rsc_flushed"]) == (12, 2)


def test_a_packet_in_one_buffer_is_coalesced_too(rx: RxRing) -> None:
    write(rx, 0, begun=2, len_bytes=900)
    write(rx, 1, begun=1, len_bytes=900)
    assert [frame.segments for frame in rx.harvest()] == [2, 1]
    assert rx.stats()["lro_packets"] == 1


def test_a_packet_waits_for_its_last_descriptor_and_holds_up_what_lies_behind(rx: RxRing) -> None:
    mark(rx)
    write(rx, 0, begun=1, following=2)
    write(rx, 1, begun=-1)
    assert rx.harvest() == []
    assert rx.c.next_to_clean == 0
    write(rx, 2, begun=1)
    assert [slots_of(frame) for frame in rx.harvest()] == [[0, 2], [1]]


def test_a_slot_that_was_taken_early_is_passed_over_once_and_used_again(rx: RxRing) -> None:
    """Slot 1 is open when the packet of 0 and 2 is complete."""
    mark(rx)
    packet(rx, [0, 2])
    assert [slots_of(frame) for frame in rx.harvest()] == [[0, 2]]
    assert rx.c.next_to_clean == 1
    assert rx.harvest() == []
    write(rx, 1, begun=-1)
    write(rx, 3, begun=-1)
    assert [slots_of(frame) for frame in rx.harvest()] == [[1], [3]]


def test_an_ordinary_frame_of_several_buffers_has_no_nextp(rx: RxRing) -> None:
    mark(rx)
    for slot in range(3):
        write(rx, slot, begun=-1, following=0)
    write(rx, 3, begun=-1)
    (frame,) = rx.harvest()
    assert (slots_of(frame), frame.segments) == ([0, 1, 2, 3], 1)


@pytest.mark.parametrize("following", [0, 1, COUNT - 1, COUNT, 0xFFFF])
def test_a_nextp_that_leads_nowhere_costs_the_packet_only(rx: RxRing, following: int) -> None:
    """Back to itself or to one before it, to the slot that is ours, out of the ring."""
    mark(rx)
    write(rx, 0, begun=1, following=1)
    write(rx, 1, begun=1, following=following)
    write(rx, 2, begun=-1)
    assert [slots_of(frame) for frame in rx.harvest()] == [[2]]
    assert (rx.stats()["errors"], rx.stats()["packets"]) == (1, 1)
    assert rx.c.next_to_clean == 3


def test_a_chain_that_runs_into_another_s_descriptor_is_dropped(rx: RxRing) -> None:
    mark(rx)
    write(rx, 0, begun=1, following=3)
    write(rx, 3, begun=-1)
    write(rx, 1, begun=1, following=3)
    write(rx, 2, begun=-1)
    write(rx, 4, begun=-1)
    assert [slots_of(frame) for frame in rx.harvest()] == [[0, 3], [2], [4]]
    assert rx.stats()["errors"] == 1


def test_a_chain_that_never_ends_is_bounded_and_everything_goes_back(rx: RxRing) -> None:
    for slot in range(COUNT - 1):
        write(rx, slot, begun=1, following=slot + 1)
    assert rx.harvest() == []
    assert rx.c.next_to_clean == rx.c.next_to_use
    assert rx.stats()["errors"] == -(-(COUNT - 1) // lib.RX_FRAME_BUFS)
    given_back(rx)


def test_a_reset_forgets_half_a_packet(rx: RxRing) -> None:
    mark(rx)
    packet(rx, [0, 2])
    rx.harvest()
    rx.reset()
    assert rx.start() == COUNT - 1
    for slot in range(4):
        write(rx, slot, begun=-1)
    assert [slots_of(frame) for frame in rx.harvest()] == [[0], [1], [2], [3]]


def test_a_ring_of_a_chip_or_function_that_does_not_coalesce_says_so() -> None:
    door = MemoryDoor()
    arena = Arena(door, 1 << 20)
    ring = RxRing(VF_RINGS, arena, Bar(door), 3, COUNT, BUF_BYTES)
    ring.lro = False
    assert not ring.lro
    with pytest.raises(RingError, match="Rx queue 3: this NIC does not coalesce"):
        ring.lro = True
    assert "hw_rsc_flushed" not in ring_totals([ring], [])
    ring.close()
    arena.close()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_interleaving_is_taken_once_and_given_back_once(data: st.DataObject) -> None:
    """Flows get descriptors in any order; packets end in any order, and harvests come whenever they like."""
    door = MemoryDoor()
    arena = Arena(door, 1 << 20)
    ring = ring_of(door, arena)
    mark(ring)
    flows: list[list[int]] = [[], [], []]
    sent: list[list[int]] = []
    taken: list[list[int]] = []
    head = 0

    def harvest() -> None:
        taken.extend(slots_of(frame) for frame in ring.harvest(data.draw(st.integers(1, 5))))
        ring.refill()

    for _ in range(data.draw(st.integers(1, 120))):
        flow = flows[data.draw(st.integers(0, 2))]
        act = data.draw(st.sampled_from(["grow", "grow", "end", "harvest"]))
        if act == "grow" and head != ring.c.next_to_use and len(flow) < lib.RX_FRAME_BUFS:
            flow.append(head)
            head = (head + 1) % COUNT
        elif act == "end" and flow:
            packet(ring, flow, begun=2)
            sent.append(list(flow))
            flow.clear()
        elif act == "harvest":
            harvest()
    for flow in flows:
        if flow:
            packet(ring, flow, begun=2)
            sent.append(list(flow))
    for _ in range(COUNT):
        harvest()
    assert sorted(map(tuple, taken)) == sorted(map(tuple, sent))
    assert ring.c.next_to_clean == head
    assert ring.stats()["errors"] == 0
    assert ring.stats()["lro_packets"] == len(sent)
    ring.close()
    arena.close()
