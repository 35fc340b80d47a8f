# SPDX-License-Identifier: BSD-3-Clause
"""Transmit rings and addresses that broke other emulated NICs: here one queue stops, and says why.

The public numbers are what the bug was called elsewhere.

Ref: the CVE List, by number (github.com/CVEProject/cvelistV5).
"""

import struct
from collections.abc import Iterator
from dataclasses import replace

import pytest

from device.machine.core import ffi, lib
from device.regs.i82599 import (
    DMATXCTL,
    TDBAH,
    TDBAL,
    TDH,
    TDLEN,
    TDT,
    TDWBAH,
    TDWBAL,
    TXDCTL,
)
from tests.rigs.cve import BAR, FRAME, receive_into, settle, still_sends, stopped, turn
from tests.rigs.tx import (
    IOVA,
    MEMORY_BYTES,
    RINGS_BYTES,
    Desc,
    TxRig,
    context_desc,
    data_desc,
    legacy_desc,
    options,
    rig,
)
from tests.twins.tso import Offload

TAILS = 0x6000  # Tx tail registers of queues 0 to 63
RING_MOST = 0xFFF80  # TDLEN has 20 bits, in units of 128 bytes
WALK_MOST = 4096  # descriptors of one turn, of all queues together, as long as none belongs to a longer packet
QUEUES = 128


@pytest.fixture
def tx() -> Iterator[TxRig]:
    with rig(count=64) as made:
        yield made


# ---- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["buffer", "ring", "write-back"])
def test_cve_2020_15859_dma_to_the_nics_own_registers(tx: TxRig, where: str) -> None:
    """A packet whose data lies in the NIC's BAR: QEMU's e1000e freed what it was using.  Here no BAR is DMA memory.

    Also CVE-2023-3019 (e1000e), CVE-2022-2962 (tulip), CVE-2021-3750 (EHCI), CVE-2023-0330 (lsi53c895a), CVE-2021-20255
    (eepro100): all one class.
    """
    if where == "buffer":
        stopped(tx, data_desc(BAR + TAILS, 64), why=lib.STALL_BUFFER)
    elif where == "ring":
        tx.write(TDBAL, BAR + TAILS)
        tx.write(TDBAH, 0)
        stopped(tx, data_desc(tx.buffer(FRAME), 64), why=lib.STALL_RING_UNMAPPED)
    else:
        tx.write(TDWBAL, (BAR + TAILS) | int(TDWBAL.of(HEAD_WB_EN=1)))
        tx.write(TDWBAH, 0)
        tx.send(FRAME)
        assert settle(tx) == [FRAME]
        assert tx.stall() == 0
        tx.write(TDWBAL, 0)
        still_sends(tx)
    assert tx.nic.counters()["dma_errors"] > 0


@pytest.mark.parametrize("what", ["write-back over a tail", "ring in the registers", "frame looped over them"])
def test_cve_2023_3019_registers_that_a_client_maps_as_memory(tx: TxRig, what: str) -> None:
    """With shared doorbells a client holds the tail pages as a file, and can tell of them as memory: stores, no
    handlers."""
    words = tx.nic.pf.c.regs.word
    tx.nic.pf.dma_add(BAR, 0x1000, ffi.cast("uint8_t *", words) + TAILS)
    tx.nic.share_doorbells()
    if what == "write-back over a tail":
        tx.write(TDWBAL, (BAR + TDT.offset(0) % 0x1000) | int(TDWBAL.of(HEAD_WB_EN=1)))
        tx.write(TDWBAH, 0)
        tx.post(*[data_desc(tx.buffer(FRAME), len(FRAME))] * 3)
    elif what == "ring in the registers":
        tx.write(TDBAL, BAR)
        tx.write(TDBAH, 0)
        tx.write(TDT, 32)
    else:
        receive_into(tx, BAR)
        tx.send(b"\xff" * 1024)
    for _ in range(100):
        assert tx.nic.step() <= lib.FRAME_BATCH * 3
    tx.wire()
    tx.nic.pf.dma_del(BAR, 0x1000)
    tx.nic.pf.reset(software=False)
    tx.nic.c.pf.regs.shared = 0
    tx.nic.link_up = True
    tx.write(DMATXCTL, 1)
    still_sends(tx)


@pytest.mark.parametrize("half", range(2))
def test_cve_2021_3748_memory_unmapped_between_fetch_and_write_back(tx: TxRig, half: int) -> None:
    """virtio-net wrote to a header after unmapping it.  Here the rest of a packet is looked up anew each turn."""
    how = Offload(mss=7)
    packet = FRAME[:14] + b"\x45" + bytes(39) + bytes(7 * 200)
    tx.post(context_desc(how), data_desc(tx.buffer(packet), len(packet), **options(how, 1400, tse=True)))
    assert turn(tx)
    assert tx.read(TDH) == 1, "the packet is half sent"
    tx.nic.pf.dma_del(IOVA, MEMORY_BYTES)
    kept = (IOVA + RINGS_BYTES, RINGS_BYTES) if half == 0 else (IOVA, 0)
    tx.nic.pf.dma_add(*[(kept[0], RINGS_BYTES), (IOVA, RINGS_BYTES)][half], memoryview(tx.memory)[kept[1] :])
    assert settle(tx) == []
    assert tx.stall() == (lib.STALL_RING_UNMAPPED if half == 0 else lib.STALL_BUFFER)
    tx.nic.pf.dma_del(IOVA, MEMORY_BYTES)
    tx.nic.pf.dma_add(IOVA, MEMORY_BYTES, tx.memory)
    still_sends(tx)


@pytest.mark.parametrize("how", ["queue", "software reset", "function reset"])
def test_a_packet_cut_by_a_reset_does_not_go_on_in_the_next_one(tx: TxRig, how: str) -> None:
    """Use after reset: what was remembered of a half-sent packet is forgotten with it.  No public number of its own."""
    seven = Offload(mss=7)
    packet = FRAME[:14] + b"\x45" + bytes(39) + bytes(7 * 200)
    both = [context_desc(seven), data_desc(tx.buffer(packet), len(packet), **options(seven, 1400, tse=True))]
    tx.post(*both)
    turn(tx)
    assert tx.nic.c.tx.queue[0].tso_sent_bytes
    if how == "queue":
        tx.write(TXDCTL, 0)
    else:
        tx.nic.pf.reset(software=how == "software reset")
        tx.nic.link_up = True
        tx.write(DMATXCTL, 0x8100_0001)
    assert not tx.nic.c.tx.queue[0].tso_sent_bytes, "forgotten at once, not when the queue is enabled"
    assert settle(tx) == []
    tx.enable(0, 64)
    for _ in range(2):  # nor does a whole one leave anything
        tx.post(*both)
        assert len(settle(tx)) == 200
    still_sends(tx)


# ---- rings and loops -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("head", "tail"), [(64, 1), (65, 1), (0xFFFF, 1), (0, 64), (0, 65), (0, 0xFFFF)])
def test_cve_2016_1981_head_or_tail_outside_the_ring(tx: TxRig, head: int, tail: int) -> None:
    """QEMU's e1000 ran for ever from a TDH beyond TDLEN; so did its e1000e (CVE-2017-9310)."""
    tx.write(TDH, head)
    tx.post(data_desc(tx.buffer(FRAME), len(FRAME)), doorbell=False)
    tx.write(TDT, tail)
    assert settle(tx) == []
    assert tx.stall() == lib.STALL_TAIL
    still_sends(tx)


@pytest.mark.parametrize("tail", [1, 63, 0xFFFF])
def test_cve_2016_7909_a_ring_of_no_length(tx: TxRig, tail: int) -> None:
    """QEMU's pcnet ran for ever on a ring of length 0, its virtio divided by it (CVE-2017-17381)."""
    tx.write(TDLEN, 0)
    tx.write(TDT, tail)
    settle(tx)
    assert tx.stall() == lib.STALL_RING_LEN
    still_sends(tx)


@pytest.mark.parametrize("name", ["no end", "one, no end", "with end", "legacy no end", "end of no packet"])
def test_cve_2016_7907_descriptors_of_length_0(tx: TxRig, name: str) -> None:
    """QEMU's imx_fec and mcf_fec (CVE-2016-7908) went round and round a ring of empty descriptors."""
    made = {
        "no end": [data_desc(tx.buffer(FRAME), 0, eop=0)] * 63,
        "one, no end": [data_desc(tx.buffer(FRAME), 0, eop=0)],
        "with end": [data_desc(0, 0)] * 63,
        "legacy no end": [legacy_desc(tx.buffer(FRAME), 0, eop=False)] * 63,
        "end of no packet": [data_desc(tx.buffer(FRAME), 60, eop=0), data_desc(0, 0)] * 30,
    }[name]
    if name == "with end":  # null descriptors between packets are allowed
        tx.post(*made)
        assert settle(tx) == []
        assert (tx.stall(), tx.read(TDH)) == (0, 63)
        still_sends(tx)
    else:
        stopped(tx, *made, why=lib.STALL_DESC)


def fill(tx: TxRig, desc: Desc, last: Desc | None = None) -> int:
    """All queues share the longest ring there is, full of one descriptor; returns the tail they all get."""
    count = RING_MOST // 16
    tx.memory[:RING_MOST] = struct.pack("<QQ", *desc) * count
    if last:
        tx.memory[RING_MOST - 32 : RING_MOST - 16] = struct.pack("<QQ", *last)
    for queue in range(QUEUES):
        tx.enable(queue, count)
        tx.write(TDBAL, IOVA % 2**32, queue)
        tx.write(TDT, count - 1, queue)
    return count - 1


def walked(tx: TxRig, before: list[int]) -> int:
    """Descriptors that were passed since ``before``, by all queues together."""
    return sum(tx.read(TDH, queue) - before[queue] for queue in range(QUEUES))


@pytest.mark.parametrize("name", ["contexts", "nulls"])
def test_cve_2016_8910_more_descriptors_than_one_turn_may_look_at(tx: TxRig, name: str) -> None:
    """QEMU's rtl8139 did not limit the descriptors of one turn.  128 rings of 65528 that hold no frame would take a
    second."""
    end = fill(tx, context_desc(Offload()) if name == "contexts" else data_desc(0, 0, rs=0))
    turns, heads = 0, [0] * QUEUES
    while any(head != end for head in heads):
        assert tx.run(lib.FRAME_BATCH) > 0, "while there is work the loop does not sleep"
        assert 0 < walked(tx, heads) <= WALK_MOST
        heads = [tx.read(TDH, queue) for queue in range(QUEUES)]
        turns += 1
        if turns == 3:  # the wait is the same for ever; a good queue gets its turn among the bad
            for queue in range(QUEUES):
                tx.write(TXDCTL, 0, queue)
            break
    assert [tx.stall(queue) for queue in range(QUEUES)] == [0] * QUEUES
    still_sends(tx)


def test_cve_2016_8910_packets_without_an_end_in_every_queue(tx: TxRig) -> None:
    """The same by packets that fill a ring but for one descriptor: one such packet a turn is looked at."""
    tso = {"DCMD_TSE": 1, "POPTS_TXSM": 1, "PAYLEN": 1000}
    end = fill(tx, data_desc(tx.buffer(FRAME), 1, eop=0, **tso), context_desc(Offload(mss=1)))
    for queue in range(QUEUES):
        tx.write(TDT, end - 1, queue)
        tx.nic.c.tx.queue[queue].context[0].valid = 1
    before = tx.nic.c.tx.pending[0]
    assert tx.run(lib.FRAME_BATCH) > 0
    assert bin(before).count("1") - bin(tx.nic.c.tx.pending[0]).count("1") <= 1
    for queue in range(QUEUES):
        tx.write(TXDCTL, 0, queue)
    still_sends(tx)


def test_cve_2015_3209_pieces_that_are_too_long_together(tx: TxRig) -> None:
    """QEMU's pcnet gathered pieces of a packet that never ended beyond its buffer.  Nothing is gathered before it is
    measured."""
    at = tx.buffer(bytes(8000))
    stopped(tx, *[data_desc(at, 8000, eop=0)] * 3, data_desc(at, 60), why=lib.STALL_DESC)
    for _ in range(5):  # begun, and taken back: no piece of one is left for the next
        tx.enable(0, 64)
        tx.post(data_desc(at, 8000, eop=0), data_desc(at, 8000, eop=0))
        assert settle(tx) == []
        assert tx.stall() == 0
    still_sends(tx)


def test_a_packet_that_no_ring_could_end(tx: TxRig) -> None:
    """All descriptors there can be, and no end: nobody waits for one that has no place.  No public number."""
    stopped(tx, *[data_desc(tx.buffer(FRAME), 60, eop=0)] * 63, why=lib.STALL_DESC)


def test_a_packet_of_two_formats(tx: TxRig) -> None:
    """What the first descriptor said would be read by the other's rules.  No public number."""
    at = tx.buffer(FRAME)
    for rest in (legacy_desc(at, 60), context_desc(Offload())):
        tx.enable(0, 64)
        stopped(tx, data_desc(at, 60, eop=0), rest, why=lib.STALL_DESC)
        tx.enable(0, 64)
        stopped(tx, legacy_desc(at, 60, eop=False), data_desc(at, 60), why=lib.STALL_DESC)


def test_a_ring_that_lies_askew_in_our_memory(tx: TxRig) -> None:
    """A store there would not be whole at once, whatever iova the client has for it.  No public number."""
    where, at = IOVA + 2 * MEMORY_BYTES, RINGS_BYTES - 0x2000 + 2
    tx.nic.pf.dma_add(where, 0x1000, memoryview(tx.memory)[at : at + 0x1000])
    tx.write(TDWBAL, where % 2**32 | int(TDWBAL.of(HEAD_WB_EN=1)))
    tx.write(TDWBAH, where >> 32)
    tx.send(FRAME)
    assert settle(tx) == [FRAME]
    assert not any(tx.memory[at : at + 64])
    tx.write(TDWBAL, 0)
    tx.write(TDBAL, where % 2**32)
    tx.write(TDBAH, where >> 32)
    tx.write(TDT, 2)
    assert settle(tx) == []
    assert tx.stall() == lib.STALL_RING_UNMAPPED
    tx.nic.pf.dma_del(where, 0x1000)
    still_sends(tx)


def test_cve_2021_20203_sizes_that_wrap(tx: TxRig) -> None:
    """QEMU's vmxnet3 multiplied a guest's queue sizes until they wrapped."""
    for low, high in ((0xFFFF_FF80, 0xFFFF_FFFF), (0xFFFF_FF80, 0), (0, 0xFFFF_FFFF)):
        tx.enable(0, 64)
        tx.write(TDBAL, low)
        tx.write(TDBAH, high)
        tx.write(TDLEN, 0xFFFF_FFFF)
        tx.write(TDT, 64)
        settle(tx)
        assert tx.stall() == lib.STALL_RING_UNMAPPED
    tx.enable(0, 64)
    for where in (2**64 - 0x1000, 0):
        tx.nic.pf.dma_add(where, 0x1000, memoryview(tx.memory)[RINGS_BYTES:])
    stopped(tx, data_desc(2**64 - 32, 64), why=lib.STALL_BUFFER)  # behind the last byte there is none, not the first


def test_cve_2020_16092_fragments_of_every_kind(tx: TxRig) -> None:
    """QEMU's e1000e asserted that a packet's fragments can be mapped.  A packet of many pieces, one of which cannot
    be."""
    at = tx.buffer(FRAME)
    stopped(tx, data_desc(IOVA + MEMORY_BYTES - 10, 64), why=lib.STALL_BUFFER)
    tx.enable(0, 64)
    pieces = [data_desc(at + n, 1, eop=n == 59) for n in range(60)]
    tx.post(*pieces)
    assert settle(tx) == [FRAME[:60]]
    for n in (0, 30, 59):
        tx.enable(0, 64)
        bad = list(pieces)
        bad[n] = (BAR, bad[n][1])
        stopped(tx, *bad, why=lib.STALL_BUFFER)
        tx.enable(0, 64)


# ---- contexts --------------------------------------------------------------------------------------------------------


def test_cve_2013_4544_numbers_that_are_too_large(tx: TxRig) -> None:
    """QEMU's vmxnet3 believed queue and interrupt numbers.  A context number has 3 bits, of which two values exist, and
    of those only what was loaded since the queue was enabled."""
    for idx in (0, 1):
        tx.enable(0, 64)
        never = data_desc(tx.buffer(FRAME), 100, IDX=idx, **options(replace(Offload(), mss=100), 100))
        stopped(tx, never, why=lib.STALL_CONTEXT)
    for idx in range(2, 8):
        tx.enable(0, 64)
        stopped(tx, context_desc(Offload(), idx), why=lib.STALL_DESC)
        tx.enable(0, 64)
        want = replace(Offload(), mss=100)
        stopped(tx, data_desc(tx.buffer(FRAME), 100, IDX=idx, **options(want, 100)), why=lib.STALL_CONTEXT)
