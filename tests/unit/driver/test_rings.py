# SPDX-License-Identifier: BSD-3-Clause
"""Rings without a NIC: what becomes of the 82599's descriptors, and of those of a chip that are quite different."""

from collections.abc import Iterator
from typing import Any, cast

import pytest

from device.regs.core import Storage, every
from device.regs.i82599 import EICS, RDT, TDT
from device.regs.i82599.desc import RXD, TXCTX0, TXCTX1, TXDADV
from driver.compiled import ffi, lib
from driver.core.bar import Bar
from driver.core.dma import Arena
from driver.core.rings import HARVEST, RingModel, RxRing, TxRing
from driver.errors import DriverError, RingError
from driver.ixgbe.rings import RINGS
from tests.rigs.memory_door import MemoryDoor

COUNT, BUF_BYTES = 64, 2048


@pytest.fixture
def door() -> MemoryDoor:
    return MemoryDoor()


@pytest.fixture
def arena(door: MemoryDoor) -> Iterator[Arena]:
    arena = Arena(door, 1 << 20)
    yield arena
    arena.close()


def words(ring: RxRing | TxRing, slot: int, size: int = 2) -> Any:
    """The qwords of one descriptor, to read and to write."""
    return ring.c.desc + size * slot


# ---- the 82599 -------------------------------------------------------------------------------------------------------


@pytest.fixture
def rx(door: MemoryDoor, arena: Arena) -> Iterator[RxRing]:
    ring = RxRing(RINGS, arena, Bar(door), 3, COUNT, BUF_BYTES)
    assert ring.start() == COUNT - 1
    yield ring
    ring.close()


@pytest.fixture
def tx(door: MemoryDoor, arena: Arena) -> Iterator[TxRing]:
    ring = TxRing(RINGS, arena, Bar(door), 3, COUNT, BUF_BYTES)
    yield ring
    ring.close()


def arrive(ring: RxRing, slot: int, len_bytes: int = 60, **fields: int) -> None:
    """Do what the NIC does when a frame is in the buffer of ``slot``."""
    words(ring, slot)[1] = int(RXD.of(LENGTH=len_bytes, STAT_DD=1, **{"STAT_EOP": 1, **fields}))


def test_buffers_are_given_away_with_one_tail_write(door: MemoryDoor, rx: RxRing) -> None:
    assert [words(rx, slot)[0] for slot in range(COUNT - 1)] == [
        rx.c.buf_iova + slot * BUF_BYTES for slot in range(COUNT - 1)
    ]
    at = RDT.offset(3)
    assert door.memory[at : at + 4] == (COUNT - 1).to_bytes(4, "little")


@pytest.mark.parametrize(("by_message", "batch"), [(False, 32), (True, 128)])
def test_buffers_go_back_in_larger_batches_where_a_doorbell_is_a_message(
    door: MemoryDoor, by_message: bool, batch: int
) -> None:
    told: list[tuple[int, int]] = []
    arena = Arena(door, 2 << 20)
    ring = RxRing(RINGS, arena, Bar(door), 3, 512, BUF_BYTES)
    ring.start()
    if by_message:
        write = Messages(door, told)
        write.window.page[RDT.offset(3) // 4096] = ffi.NULL
    for n in range(batch):
        arrive(ring, n)
        assert len(ring.harvest()) == 1
        assert ring.refill() == (batch if n == batch - 1 else 0)
    assert told == ([(RDT.offset(3), batch - 1)] if by_message else [])
    ring.close()
    arena.close()


class Messages:
    """Takes what goes to a door's registers by message."""

    def __init__(self, door: MemoryDoor, told: list[tuple[int, int]]) -> None:
        def write(_arg: object, offset: int, value: int) -> int:
            told.append((offset, value))
            return 0

        self.c = ffi.callback("int(void *, uint64_t, uint32_t)", write)
        self.window = cast(Any, door.mmio)
        self.window.write32 = self.c


def test_the_first_doorbell_after_a_pause_comes_with_a_message(
    door: MemoryDoor, arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks at shared doorbells now and then would see the store late."""
    told: list[tuple[int, int]] = []
    now = [10.0]
    monkeypatch.setattr("driver.core.bar.time.monotonic", lambda: now[0])
    messages, bar = Messages(door, told), Bar(door)
    assert messages.window == door.mmio
    ring = TxRing(RINGS, arena, bar, 3, COUNT, BUF_BYTES)
    ring.send([bytes(60)])
    assert told == [], "nobody has named a register for it"
    bar.wake_by(EICS)
    for pause_s, expected in ((0.001, 1), (0.00005, 1), (0.00005, 1), (0.00011, 2)):
        now[0] += pause_s
        ring.send([bytes(60)])
        assert told == [(EICS.offset(), 0)] * expected
        at = TDT.offset(3)
        assert int.from_bytes(door.memory[at : at + 4], "little") == ring.c.next_to_use
    now[0] += 1
    assert ring.post(bytes(60))
    ring.flush()
    assert told == [(EICS.offset(), 0)] * 3
    ring.close()


GOOD, BAD, VLAN = lib.RX_CSUM_GOOD, lib.RX_L4_CSUM_BAD, lib.RX_VLAN


@pytest.mark.parametrize(
    ("fields", "flags"),
    [
        ({}, 0),
        ({"STAT_L4CS": 1, "STAT_IPCS": 1}, GOOD),
        ({"STAT_L4CS": 1, "STAT_UDPCS": 1}, GOOD),
        ({"STAT_L4CS": 1, "ERR_TCPE": 1}, BAD),
        ({"STAT_L4CS": 1, "STAT_IPCS": 1, "ERR_IPE": 1}, 0),
        ({"STAT_L4CS": 1, "ERR_TCPE": 1, "ERR_IPE": 1}, BAD),
        ({"STAT_IPCS": 1}, 0),
        ({"STAT_VP": 1, "VLAN": 5}, VLAN),
        ({"STAT_VP": 1, "STAT_L4CS": 1}, VLAN | GOOD),
        ({"STAT_VP": 1, "STAT_L4CS": 1, "ERR_TCPE": 1}, VLAN | BAD),
        ({"STAT_VP": 1, "STAT_L4CS": 1, "ERR_IPE": 1}, VLAN),
    ],
)
def test_what_the_nic_found_out_is_told_in_neutral_words(rx: RxRing, fields: dict[str, int], flags: int) -> None:
    frames = ffi.new("struct rx_frame[]", 2)
    arrive(rx, 0, **fields)
    assert lib.rx_harvest(rx.c, frames, 2) == 1
    assert frames[0].flags == flags
    assert RXD(frames[0].status) == RXD.of(**{"STAT_DD": 1, "STAT_EOP": 1, **fields, "VLAN": 0})
    assert rx.stats()["csum_errors"] == bool(flags & BAD)


def test_a_tag_is_shown_only_if_the_nic_took_it_out(rx: RxRing) -> None:
    arrive(rx, 0, STAT_VP=1, VLAN=0x2005)
    arrive(rx, 1, VLAN=0x2005)
    assert [frame.vlan_tci for frame in rx.harvest()] == [0x2005, None]


def test_a_frame_in_more_buffers_than_anyone_may_send_is_passed_over(rx: RxRing) -> None:
    for slot in range(lib.RX_FRAME_BUFS):
        arrive(rx, slot, BUF_BYTES, STAT_EOP=0)
    arrive(rx, lib.RX_FRAME_BUFS, 1)
    arrive(rx, lib.RX_FRAME_BUFS + 1, 61)
    assert [len(frame) for frame in rx.harvest()] == [61]
    assert (rx.stats()["errors"], rx.stats()["packets"], rx.stats()["bytes"]) == (1, 1, 61)


def test_batches_over_the_ring_s_end_are_told_counted_and_given_back(rx: RxRing) -> None:
    """Frames of one buffer and of several; the NIC writes over both words of each slot."""
    lengths = [[60], [BUF_BYTES, 7], [61], [BUF_BYTES, BUF_BYTES, 1], [62]] * 4
    slots = sum(map(len, lengths))
    for turn in range(1, 10):
        slot = rx.c.next_to_clean
        for parts in lengths:
            for n, len_bytes in enumerate(parts):
                words(rx, slot)[0] = turn << 32
                arrive(rx, slot, len_bytes, STAT_EOP=int(n == len(parts) - 1), STAT_L4CS=1, ERR_TCPE=turn % 2)
                slot = (slot + 1) % COUNT
        frames = rx.harvest()
        assert [[len(part) for part in frame.parts] for frame in frames] == lengths
        assert {frame.rss_hash for frame in frames} == {turn}
        assert rx.refill() == slots
        assert [tuple(words(rx, slot)[0:2]) for slot in range(COUNT) if slot != rx.c.next_to_use] == [
            (rx.c.buf_iova + slot * BUF_BYTES, 0) for slot in range(COUNT) if slot != rx.c.next_to_use
        ]
    stats = rx.stats()
    assert (stats["packets"], stats["bytes"]) == (9 * len(lengths), 9 * sum(map(sum, lengths)))
    assert (stats["csum_errors"], stats["errors"]) == (5 * len(lengths), 0)


def test_a_length_beyond_the_buffer_is_cut(rx: RxRing) -> None:
    arrive(rx, 0, 0xFFFF)
    assert [len(frame) for frame in rx.harvest()] == [BUF_BYTES]


def test_a_harvest_is_never_larger_than_its_array(door: MemoryDoor, arena: Arena) -> None:
    ring = RxRing(RINGS, arena, Bar(door), 3, 2 * COUNT, BUF_BYTES)
    ring.start()
    for slot in range(100):
        arrive(ring, slot)
    assert [len(ring.harvest(1000)), len(ring.harvest(1000))] == [HARVEST, 100 - HARVEST]
    ring.close()


def test_a_frame_in_too_many_buffers_is_written_nowhere(rx: RxRing) -> None:
    """A harvest has room for so many buffers of a frame; behind it lies somebody else's memory."""
    for slot in range(40):
        arrive(rx, slot, STAT_EOP=int(slot == 39))
    frames = ffi.new("struct rx_frame[]", 3)
    behind = ffi.buffer(frames)[ffi.sizeof("struct rx_frame") :] = b"\xee" * 2 * ffi.sizeof("struct rx_frame")
    assert lib.rx_harvest(rx.c, frames, 1) == 0
    assert ffi.buffer(frames)[ffi.sizeof("struct rx_frame") :] == behind


def test_a_closed_ring_is_not_touched(rx: RxRing, tx: TxRing) -> None:
    """Its memory is another's by now."""
    rx.close()
    tx.close()
    for use in (rx.start, rx.harvest, rx.refill, tx.flush, lambda: tx.post(bytes(60)), lambda: tx.send([bytes(60)])):
        with pytest.raises(RingError, match="the ring is closed"):
            use()


def test_an_offload_takes_a_context_and_is_named_in_the_data(door: MemoryDoor, tx: TxRing) -> None:
    off = ffi.new("struct tx_offload *")
    off.l3_offset, off.l4_offset, off.ipv4, off.l4_csum, off.l4_type = 14, 34, 1, 1, 1
    assert tx.post(bytes(100), off)
    tx.flush()
    context, data = words(tx, 0), words(tx, 1)
    assert (TXCTX0(context[0]).MACLEN, TXCTX0(context[0]).IPLEN) == (14, 20)
    assert (TXCTX1(context[1]).IPV4, TXCTX1(context[1]).L4T, TXCTX1(context[1]).DCMD_DEXT) == (1, 1, 1)
    assert data[0] == tx.c.buf_iova + BUF_BYTES
    q1 = TXDADV(data[1])
    assert (q1.DTALEN, q1.PAYLEN, q1.POPTS_TXSM, q1.POPTS_IXSM, q1.DCMD_EOP, q1.DCMD_RS) == (100, 100, 1, 0, 1, 1)
    at = TDT.offset(3)
    assert door.memory[at : at + 4] == (2).to_bytes(4, "little")
    assert tx.clean() == 0
    data[1] = int(TXDADV.of(STAT_DD=1))
    assert tx.clean() == 1
    assert not tx.pending


LENGTHS = (1, 31, 32, 33, 60, 64, 65, 1514, BUF_BYTES)


def pieces(*frames: Any) -> Any:
    """The C array for ``tx_post_many``; the frames are cffi's own memory."""
    return ffi.new("struct tx_piece[]", [(frame, len(frame)) for frame in frames])


def described(ring: TxRing) -> list[tuple[Any, ...]]:
    """All that a ring has of the frames under way: its descriptors, and their bytes in its buffers."""
    found = []
    for slot in range(COUNT):
        iova, q1 = words(ring, slot)[0:2]
        place = iova - ring.c.buf_iova if iova else 0
        found.append((iova and place, q1, bytes(ffi.buffer(ring.c.buf + place, TXDADV(q1).DTALEN))))
    return found


def finish(ring: TxRing, slots: int) -> None:
    """Do what the NIC does with the next so many slots; it overwrites all it may."""
    for n in range(slots):
        at = words(ring, (ring.c.next_to_clean + n) % COUNT)
        at[0], at[1] = 0, int(TXDADV.of(STAT_DD=1))


@pytest.mark.parametrize("way", ["post", "post_many", "send", "in place"])
def test_the_quick_way_describes_a_frame_as_the_exact_one(door: MemoryDoor, arena: Arena, tx: TxRing, way: str) -> None:
    """``tx_offload`` that asks for nothing takes the exact way."""
    exact, nothing = TxRing(RINGS, arena, Bar(door), 4, COUNT, BUF_BYTES), ffi.new("struct tx_offload *")
    posted = 0
    for turn in range(30):  # past the ring's end, and past 2^16 bytes
        lengths = [LENGTHS[(turn + n) % len(LENGTHS)] for n in range(7)]
        frames = [bytes((turn + n + at) % 251 for at in range(size)) for n, size in enumerate(lengths)]
        kept = [ffi.new("uint8_t[]", list(frame)) for frame in frames]
        if way == "post":
            assert all(tx.post(frame) for frame in frames)
        elif way == "send":
            assert tx.send(frames) == len(frames)
        elif way == "post_many":
            assert lib.tx_post_many(tx.c, pieces(*kept), len(kept)) == len(kept)
        else:
            places = [lib.tx_place(tx.c, n) for n in range(len(frames))]
            for place, frame in zip(places, frames, strict=True):
                ffi.memmove(place, frame, len(frame))
            there = ffi.new("struct tx_piece[]", list(zip(places, lengths, strict=True)))
            assert lib.tx_post_many(tx.c, there, len(frames)) == len(frames)
        assert all(exact.post(frame, nothing) for frame in frames)
        posted += sum(lengths)
        assert described(tx) == described(exact)
        assert tx.c.next_to_use == exact.c.next_to_use
        for ring in (tx, exact):
            finish(ring, len(frames))
            assert ring.clean() == len(frames)
    assert tx.stats() == exact.stats()
    assert tx.stats()["bytes"] == posted
    exact.close()


def test_a_batch_ends_where_there_is_no_room(tx: TxRing) -> None:
    kept = ffi.new("uint8_t[]", 60)
    many = pieces(*[kept] * 100)
    assert (lib.tx_post_many(tx.c, many, 100), tx.free, tx.stats()["busy"]) == (COUNT - 2, 1, 1)
    assert (lib.tx_post_many(tx.c, many, 100), tx.free, tx.stats()["busy"]) == (0, 1, 2)
    finish(tx, 3)
    assert tx.clean() == 3
    assert (tx.send([bytes(60)] * 100), tx.free) == (3, 1)


def test_long_frames_in_a_batch_take_their_slots_and_empty_ones_end_it(tx: TxRing) -> None:
    short, long = ffi.new("uint8_t[]", 60), ffi.new("uint8_t[]", 2 * BUF_BYTES + 1)
    assert lib.tx_post_many(tx.c, pieces(short, long, short), 3) == 3
    assert tx.free == COUNT - 1 - 5
    nothing = ffi.new("struct tx_piece[]", [(short, 60), (short, 0), (short, 60)])
    assert lib.tx_post_many(tx.c, nothing, 3) == 1
    assert lib.tx_post_many(tx.c, nothing + 1, 2) == -lib.RING_EINVAL
    with pytest.raises(RingError, match="a frame of 0 bytes cannot be sent"):
        tx.send([b""])


@pytest.mark.parametrize("budget", [1, 4, 7, 256])
def test_clean_finds_the_first_frame_that_is_not_done(tx: TxRing, budget: int) -> None:
    """Whatever their number, and however many slots each takes."""
    sizes = [60, 2 * BUF_BYTES, 60, BUF_BYTES + 1, 61, 60, 60, 3 * BUF_BYTES, 60]
    slots = [-(-size // BUF_BYTES) for size in sizes]
    for done in range(len(sizes) + 1):
        before = tx.stats()
        for size in sizes:
            assert tx.post(bytes(size))
        finish(tx, sum(slots[:done]))
        left, found = done, []
        while left:
            found.append(min(budget, left))
            left -= found[-1]
        assert [tx.clean(budget) for _ in range(len(found) + 1)] == [*found, 0]
        after = tx.stats()
        assert (after["packets"] - before["packets"], after["bytes"] - before["bytes"]) == (done, sum(sizes[:done]))
        finish(tx, sum(slots[done:]))
        assert tx.clean() == len(sizes) - done
    assert (tx.free, tx.pending) == (COUNT - 1, False)


@pytest.mark.parametrize(
    ("count", "buf_bytes", "error", "says"),
    [
        (63, 2048, DriverError, "63 descriptors: a ring has 64 to 4096, a multiple of 8"),
        (4104, 2048, DriverError, "4104 descriptors"),
        (68, 2048, DriverError, "68 descriptors"),
        (64, 1024, RingError, "a buffer has 2048 to 16384 bytes, a multiple of 1024; got 1024"),
        (64, 2049, RingError, "got 2049"),
        (64, 17408, RingError, "got 17408"),
    ],
)
def test_a_ring_that_cannot_be_takes_no_memory(
    door: MemoryDoor, arena: Arena, count: int, buf_bytes: int, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        RxRing(RINGS, arena, Bar(door), 0, count, buf_bytes)
    assert arena.live == []


@pytest.mark.parametrize("kind", [RxRing, TxRing])
def test_a_ring_without_room_for_its_buffers_keeps_no_descriptors(
    door: MemoryDoor, arena: Arena, kind: type[RxRing] | type[TxRing]
) -> None:
    with pytest.raises(RingError):
        kind(RINGS, arena, Bar(door), 0, 4096, BUF_BYTES)
    assert arena.live == []


def test_a_ring_that_was_reset_begins_anew(door: MemoryDoor, tx: TxRing) -> None:
    """As many frames as before the reset: the tail must be written although it is the same number."""
    at = TDT.offset(3)
    assert tx.send([bytes(60)] * 3) == 3
    assert tx.clean() == 0
    since_ns = tx.c.stuck_ns
    assert since_ns
    tx.clean()
    assert tx.c.stuck_ns == since_ns, "since it began, not since the last look"
    tx.reset()
    assert (tx.c.stuck_ns, tx.pending, tx.free) == (0, False, COUNT - 1)
    assert [words(tx, slot)[1] for slot in range(COUNT)] == [0] * COUNT
    door.word(at, 0)
    assert tx.send([bytes(60)] * 3) == 3
    assert door.memory[at : at + 4] == (3).to_bytes(4, "little")


# ---- another chip ----------------------------------------------------------------------------------------------------


class RxTail(Storage, at=every(0x100, 16, 4)):
    """Tail of a receive queue."""


class TxTail(Storage, at=every(0x200, 16, 4)):
    """Tail of a transmit queue."""


class Strange:
    """A chip with descriptors of 32 bytes: address, length, nothing, and in the last qword 7 once it is ours."""

    DONE = 7

    def __init__(self) -> None:
        self._keep = [
            ffi.callback("int(struct rx_ring *, struct rx_frame *, uint32_t)", self.harvest),
            ffi.callback("void(struct rx_ring *, uint32_t)", self.refill),
            ffi.callback("int(struct tx_ring *, uint32_t)", self.clean),
            ffi.callback("void(struct tx_ring *, uint32_t, const struct tx_offload *)", self.commit),
        ]
        ops = ffi.new("struct ring_ops *", [4 * 15, *self._keep])
        self.model = RingModel(ops, 32, range(4, 9), range(256, 257), RxTail, TxTail)

    def harvest(self, ring: Any, out: Any, budget: int) -> int:
        n = 0
        while (
            n < budget and ring.next_to_clean != ring.next_to_use and ring.desc[4 * ring.next_to_clean + 3] == self.DONE
        ):
            slot = ring.next_to_clean
            frame = out[n]
            frame.data[0], frame.len_bytes[0] = ring.buf + slot * ring.buf_bytes, ring.desc[4 * slot + 1]
            frame.bufs, frame.total_bytes, frame.flags = 1, frame.len_bytes[0], lib.RX_VLAN
            frame.vlan_tci = 9
            ring.next_to_clean = (slot + 1) % ring.count
            n += 1
        return n

    def refill(self, ring: Any, slots: int) -> None:
        for slot in range(ring.next_to_use, ring.next_to_use + slots):
            ring.desc[4 * (slot % ring.count)] = ring.buf_iova + slot % ring.count * ring.buf_bytes
            ring.desc[4 * (slot % ring.count) + 3] = 0

    def clean(self, ring: Any, budget: int) -> int:
        n = 0
        while (
            n < budget and ring.next_to_clean != ring.next_to_use and ring.desc[4 * ring.next_to_clean + 3] == self.DONE
        ):
            ring.next_to_clean = (ring.next_to_clean + 1) % ring.count
            n += 1
        return n

    def commit(self, ring: Any, len_bytes: int, off: Any) -> None:
        slot = ring.next_to_use
        ring.desc[4 * slot] = ring.buf_iova + (slot + 1) % ring.count * ring.buf_bytes
        ring.desc[4 * slot + 1], ring.desc[4 * slot + 2] = len_bytes, off.vlan_tci
        ring.next_to_use = (slot + 1) % ring.count


def test_frames_of_another_chip_are_received(door: MemoryDoor, arena: Arena) -> None:
    chip = Strange()
    ring = RxRing(chip.model, arena, Bar(door), 2, 8, 256)
    assert ring.len_bytes == 8 * 32
    for turn in range(5):  # past the ring's end
        ring.refill()
        tail = int.from_bytes(door.memory[0x120:0x124], "little")
        assert tail == ring.c.next_to_use == (7 + 5 * turn) % 8
        for n in range(5):
            slot = (5 * turn + n) % 8
            ring.c.buf[slot * 256] = 10 * turn + n
            words(ring, slot, 4)[1], words(ring, slot, 4)[3] = 60, chip.DONE
        frames = ring.harvest()
        assert [(len(frame), bytes(frame)[0], frame.vlan_tci) for frame in frames] == [
            (60, 10 * turn + n, 9) for n in range(5)
        ]
    ring.close()


def test_frames_of_another_chip_are_sent(door: MemoryDoor, arena: Arena) -> None:
    chip = Strange()
    ring = TxRing(chip.model, arena, Bar(door), 1, 8, 256)
    for n in range(20):  # past the ring's end, twice
        assert ring.post(bytes([n]) * 100)
        ring.flush()
        assert int.from_bytes(door.memory[0x210:0x214], "little") == (n + 1) % 8
        assert words(ring, n % 8, 4)[1] == 100
        assert ring.c.buf[(n + 1) % 8 * 256] == n
        assert ring.clean() == 0
        words(ring, n % 8, 4)[3] = chip.DONE
        assert ring.clean() == 1
        words(ring, n % 8, 4)[3] = 0
    with pytest.raises(RingError, match="cannot be sent"):
        ring.post(b"")
    ring.close()
