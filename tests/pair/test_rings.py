# SPDX-License-Identifier: BSD-3-Clause
"""Descriptor rings, both ends of them: wrap, full, empty, long frames, and who owns which slot."""

from collections import deque
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.machine.wire.loopback import LoopbackPort
from device.regs.i82599 import MPC, RDH, RDT, SRRCTL, TDH, TDT
from driver.compiled import ffi, lib
from driver.errors import RingError
from driver.ixgbe.hw.link import FlowControl
from tests.rigs.pair import Rig, Wire, plain, rig

LENGTHS = (60, 61, 64, 65, 127, 128, 1513, 1514, 2047, 2048, 2049, 4096, 4097, 6144, 9014, 9018)


@pytest.fixture
def up(port: LoopbackPort) -> Iterator[Rig]:
    with rig(port, mtu=9004) as made:
        yield made


# ---- there and back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("len_bytes", LENGTHS)
def test_a_frame_comes_back_unchanged(up: Rig, len_bytes: int) -> None:
    frame = plain(len_bytes, len_bytes)
    assert up.echo([frame]) == [frame]


def test_a_long_frame_lies_in_as_many_buffers_as_it_needs(up: Rig) -> None:
    up.send([plain(1, 60), plain(2, 2049), plain(3, 9018)])
    frames = up.adapter.rx_rings[0].harvest()
    assert [[len(part) for part in frame.parts] for frame in frames] == [[60], [2048, 1], [2048] * 4 + [826]]


def test_short_frames_are_padded_to_sixty_bytes(up: Rig) -> None:
    frame = plain(1, 22)
    assert up.echo([frame]) == [frame.ljust(60, b"\0")]


def test_frames_stay_in_order_through_many_wraps(up: Rig) -> None:
    seen = 0
    for turn in range(40):
        frames = [plain(1000 * turn + n, 60 + 37 * n % 3000) for n in range(13 + turn % 7)]
        assert up.echo(frames) == frames
        seen += len(frames)
    assert seen > 9 * 64
    ring = up.adapter.tx_rings[0]
    assert ring.stats()["packets"] == up.adapter.rx_rings[0].stats()["packets"] == seen
    assert not ring.pending


def test_every_start_slot_takes_every_frame_shape(up: Rig) -> None:
    """A frame of five slots that starts at slot n crosses the ring's end for some n."""
    for n in range(64):
        frames = [plain(n, 9018), plain(n + 1, 60)]
        assert up.echo(frames) == frames


# ---- full and empty --------------------------------------------------------------------------------------------------


def test_a_full_tx_ring_says_so_and_recovers(up: Rig) -> None:
    ring = up.adapter.tx_rings[0]
    frames = [plain(n) for n in range(80)]
    room = 0
    while ring.post(frames[room]):
        room += 1
    # Room is kept for the context slot that any frame may need, and one slot always stays empty.
    assert room == 62
    assert (ring.free, ring.stats()["busy"]) == (1, 1)
    assert not ring.post(frames[room])
    ring.flush()
    up.settle()
    assert ring.clean() == room
    assert ring.free == 63
    assert up.take() == frames[:room]
    assert up.echo(frames[room:]) == frames[room:]


def test_clean_keeps_to_its_budget(up: Rig) -> None:
    ring = up.adapter.tx_rings[0]
    for n in range(10):
        ring.post(plain(n))
    ring.flush()
    up.settle()
    assert [ring.clean(4) for _ in range(4)] == [4, 4, 2, 0]


def test_nothing_is_sent_before_the_tail_is_written(up: Rig) -> None:
    ring = up.adapter.tx_rings[0]
    before = up.count("doorbells")
    ring.post(plain(1))
    up.settle()
    assert up.nic.regs.get(TDT, 0) == 0
    assert ring.clean() == 0
    ring.flush()
    ring.flush()
    up.settle()
    assert (int(up.nic.regs.get(TDT, 0)), int(up.nic.regs.get(TDH, 0))) == (1, 1)
    assert up.count("doorbells") - before == 1


def test_frames_wait_in_the_packet_buffer_while_the_rx_ring_is_full(up: Rig) -> None:
    assert up.nic.regs.get(SRRCTL, 0).DROP_EN == 0
    frames = [plain(n) for n in range(150)]
    for start in range(0, 150, 50):
        up.send(frames[start : start + 50])
    assert (int(up.nic.regs.get(RDH, 0)), int(up.nic.regs.get(RDT, 0))) == (63, 63)
    assert up.nic.core.c.rx.fifo.frames == 150 - 63
    assert up.take() == frames
    stats = up.adapter.stats()
    assert (stats["rx_no_dma_resources"], stats["rx_missed_errors"], stats["rx_pkts_nic"]) == (0, 0, 150)


def test_a_full_packet_buffer_stops_the_cable_before_it_drops() -> None:
    with Wire() as wire, rig(wire) as up:
        frames = [plain(n, 1514) for n in range(300)]
        for start in range(0, 300, 50):
            wire.inject(*frames[start : start + 50])
            up.settle()
        # A quarter of the buffer, then frames are left in the cable, where the other end can see them pile up.
        assert up.nic.core.c.rx.fifo.used_bytes < 512 * 1024
        assert up.take() == frames
        assert up.nic.regs.get(MPC, 0) == 0


def test_with_drop_enable_a_full_ring_drops_and_counts() -> None:
    with LoopbackPort() as port, rig(port, queues=2, flow_control=FlowControl.NONE) as up:
        assert up.nic.regs.get(SRRCTL, 0).DROP_EN == 1
        frames = [plain(n) for n in range(100)]
        up.send(frames[:50])
        up.send(frames[50:])
        assert up.nic.core.c.rx.fifo.frames == 0
        stats = up.adapter.stats()
        assert stats["rx_no_dma_resources"] == up.count("rx_no_desc") == 100 - 63
        assert stats["rx_group_0_packets"] == 63
        assert up.take() == frames[:63]
        assert up.echo(frames[:5]) == frames[:5]


def test_a_frame_that_needs_more_slots_than_are_free_waits_whole() -> None:
    with Wire() as wire, rig(wire, mtu=9004) as up:
        small = [plain(n) for n in range(60)]
        wire.inject(*small, plain(100, 9018), plain(101))
        up.settle()
        # Three slots are left and five are needed: nothing of the frame is stored, nothing overtakes it.
        assert up.nic.regs.get(RDH, 0) == 60
        assert up.take() == [*small, plain(100, 9018), plain(101)]


def test_slots_go_back_in_batches_with_one_tail_write(up: Rig) -> None:
    ring = up.adapter.rx_rings[0]
    given = []
    for n in range(33):
        up.send([plain(n)])
        assert len(ring.harvest()) == 1
        before = up.count("doorbells")
        given.append(ring.refill())
        assert up.count("doorbells") - before == (given[-1] > 0)
    # A quarter of a short ring is a batch.
    assert given == ([0] * 15 + [16]) * 2 + [0]
    assert up.nic.regs.get(RDT, 0) == (63 + 32) % 64


def test_a_posted_frame_that_makes_no_sense_is_refused(up: Rig) -> None:
    ring = up.adapter.tx_rings[0]
    off = ffi.new("struct tx_offload *")
    off.mss, off.l4_offset, off.l4_len_bytes = 1000, 34, 20
    for frame, how in ((b"", None), (plain(1)[:54], off)):
        with pytest.raises(RingError, match="cannot be sent"):
            ring.post(frame, how)
    assert ring.free == 63
    assert up.echo([plain(2)]) == [plain(2)]


def test_a_frame_longer_than_the_ring_is_never_taken(up: Rig) -> None:
    ring = up.adapter.tx_rings[0]
    assert not ring.post(bytes(64 * 2048))
    assert ring.free == 63


# ---- who owns which slot ---------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("post"), st.integers(60, 5000)),
        st.tuples(st.just("flush"), st.just(0)),
        st.tuples(st.just("step"), st.integers(1, 3)),
        st.tuples(st.just("clean"), st.integers(0, 20)),
        st.tuples(st.just("harvest"), st.integers(0, 64)),
        st.tuples(st.just("refill"), st.just(0)),
    ),
    min_size=20,
    max_size=120,
)


class Model:
    """Both rings of a queue pair behind a loopback plug, as a few queues of frames."""

    def __init__(self, up: Rig) -> None:
        self.up = up
        self.tx, self.rx = up.adapter.tx_rings[0], up.adapter.rx_rings[0]
        self.posted: deque[bytes] = deque()  # in the ring, tail not written
        self.under_way: deque[bytes] = deque()  # given to the NIC, not harvested
        self.uncleaned: deque[int] = deque()  # slots of each frame not cleaned
        self.number = 0

    def post(self, len_bytes: int) -> None:
        frame = plain(self.number, len_bytes)
        slots = -(-len_bytes // 2048)
        taken = self.tx.post(frame)
        assert taken == (63 - sum(self.uncleaned) >= slots + 1)
        if taken:
            self.number += 1
            self.posted.append(frame)
            self.uncleaned.append(slots)

    def flush(self, _: int) -> None:
        self.tx.flush()
        self.under_way += self.posted
        self.posted.clear()

    def step(self, turns: int) -> None:
        for _ in range(turns):
            self.up.nic.step()

    def clean(self, budget: int) -> None:
        flushed = len(self.uncleaned) - len(self.posted)
        done = self.tx.clean(budget)
        assert 0 <= done <= min(budget, flushed)
        for _ in range(done):
            self.uncleaned.popleft()

    def harvest(self, budget: int) -> None:
        for frame in self.rx.harvest(budget):
            assert bytes(frame) == self.under_way.popleft()

    def refill(self, _: int) -> None:
        assert 0 <= self.rx.refill() <= 63

    def check(self) -> None:
        assert self.tx.free == 63 - sum(self.uncleaned)
        tx, rx = self.tx.c, self.rx.c
        head, tail = int(self.up.nic.regs.get(TDH, 0)), int(self.up.nic.regs.get(TDT, 0))
        # Round the ring: cleaned, done, under way, posted.  Nobody overtakes anybody.
        places = [(place - tx.next_to_clean) % 64 for place in (head, tail, tx.next_to_use)]
        assert places == sorted(places)
        assert tail == tx.tail_written
        head, tail = int(self.up.nic.regs.get(RDH, 0)), int(self.up.nic.regs.get(RDT, 0))
        assert tail == rx.next_to_use
        assert (head - rx.next_to_clean) % 64 <= (tail - rx.next_to_clean) % 64


def test_no_interleaving_loses_doubles_or_reorders_a_frame() -> None:
    @settings(derandomize=True, max_examples=100, deadline=None)
    @given(steps=STEPS)
    def check(steps: list[tuple[str, int]]) -> None:
        made.restart()
        model = Model(made)
        for name, number in steps:
            getattr(model, name)(number)
            model.check()
        model.flush(0)
        assert made.take() == list(model.under_way)
        while model.tx.clean():
            pass
        assert model.tx.free == 63

    with LoopbackPort() as plug, rig(plug, mtu=5000) as made:
        check()
        assert made.nic.report().stalls == []


def test_napi_takes_no_more_than_its_budget_and_all_in_the_end() -> None:
    @settings(derandomize=True, max_examples=60, deadline=None)
    @given(counts=st.lists(st.integers(0, 40), min_size=1, max_size=12), len_bytes=st.integers(60, 2100))
    def check(counts: list[int], len_bytes: int) -> None:
        made.restart()
        (napi,) = made.adapter.napis()
        napi.c.sink = lib.SINK_DROP
        total = sum(counts)
        for n, count in enumerate(counts):
            wire.inject(*(plain(100 * n + k, len_bytes) for k in range(count)))
            made.settle()
            assert napi.poll(8) <= 8
        for _ in range(total):
            made.settle()
            if napi.poll(64) < 64 and napi.c.work == total:
                break
        assert napi.c.work == made.adapter.rx_rings[0].stats()["drops"] == total

    with Wire() as wire, rig(wire, mtu=2100) as made:
        check()
