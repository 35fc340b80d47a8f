# SPDX-License-Identifier: BSD-3-Clause
"""Transmit queues: doorbell to wire to DD, and what stops a queue."""

import random
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.i82599.ring import Ring
from device.i82599.tx.block import Tx
from device.machine.core import lib
from device.machine.function import DMA_READ
from device.regs.i82599 import (
    DMATXCTL,
    GPTC,
    HLREG0,
    IVAR,
    RTTDCS,
    TDBAH,
    TDH,
    TDLEN,
    TDT,
    TDWBAH,
    TDWBAL,
    TXDCTL,
    TXDGPC,
    Register,
)
from device.regs.i82599.desc import TXDADV
from tests.rigs.tx import CTXT, DESC_BYTES, IOVA, MEMORY_BYTES, TxRig, context_desc, data_desc, legacy_desc, rig
from tests.twins.tso import Offload

FRAME = bytes(range(100))
NOWHERE = 0x9_0000_0000


@pytest.fixture
def tx() -> Iterator[TxRig]:
    with rig() as made:
        yield made


def frames(n: int) -> list[bytes]:
    return [bytes([i]) * (60 + i) for i in range(n)]


# -- the plain way ---------------------------------------------------------------------------------------------------


def test_a_doorbell_sends_and_marks_done(tx: TxRig) -> None:
    tx.send(FRAME)
    assert not tx.done(0)
    assert tx.run() == 1
    assert tx.wire() == [FRAME]
    assert tx.done(0)
    assert tx.read(TDH) == tx.read(TDT) == 1


def test_write_back_sets_dword_3_to_1_and_leaves_the_rest(tx: TxRig) -> None:
    tx.send(FRAME)
    before = bytes(tx.memory[:DESC_BYTES])
    tx.run()
    assert tx.memory[:12] == before[:12]
    assert tx.memory[12:16] == b"\x01\0\0\0"


def test_done_is_written_after_the_payload_was_handed_over(tx: TxRig) -> None:
    tx.post(data_desc(tx.ring_iova(), 64))  # sends its own descriptor
    tx.run()
    (left,) = tx.wire()
    assert not TXDADV(int.from_bytes(left[8:16], "little")).STAT_DD
    assert tx.done(0)


def test_the_queues_interrupt_cause_comes_with_rs_only(tx: TxRig) -> None:
    tx.write(IVAR, IVAR.of(TX0=3, TX0_VALID=1))
    tx.post(data_desc(tx.buffer(FRAME), 100, rs=False))
    tx.run()
    assert tx.nic.c.intr.cause_q == 0
    for one in frames(4):
        tx.send(one)
    tx.run()
    assert tx.nic.c.intr.cause_q == 1 << 3


def test_without_rs_nothing_is_written_back(tx: TxRig) -> None:
    tx.post(data_desc(tx.buffer(FRAME), len(FRAME), rs=False))
    tx.run()
    assert tx.wire() == [FRAME]
    assert not tx.done(0)
    assert tx.read(TDH) == 1


def test_the_ring_wraps(tx: TxRig) -> None:
    sent = frames(30)
    left: list[bytes] = []
    for one in sent:
        tx.send(one)
        tx.run()
        left += tx.wire()
    assert left == sent
    assert tx.read(TDH) == 30 % 8


def test_a_full_ring_is_sent_in_order(tx: TxRig) -> None:
    sent = frames(7)
    for one in sent:
        tx.send(one)
    assert tx.run() == 7
    assert tx.wire() == sent
    assert all(tx.done(i) for i in range(7))


def test_a_frame_of_many_pieces_is_one_frame(tx: TxRig) -> None:
    parts = [FRAME[:10], FRAME[10:11], FRAME[11:]]
    tx.post(*(data_desc(tx.buffer(part), len(part), eop=part is parts[-1]) for part in parts))
    assert tx.run() == 1
    assert tx.wire() == [FRAME]
    assert [tx.done(i) for i in range(3)] == [False, False, True]


def test_a_frame_waits_for_its_last_piece(tx: TxRig) -> None:
    tx.post(data_desc(tx.buffer(FRAME[:50]), 50, eop=False))
    assert tx.run() == 0
    assert not tx.stall()
    assert tx.read(TDH) == 0
    tx.send(FRAME[50:])
    tx.run()
    assert tx.wire() == [FRAME]


def test_a_buffer_may_cross_from_one_region_into_the_next(tx: TxRig) -> None:
    more = bytearray(4096)
    tx.nic.pf.dma_add(IOVA + MEMORY_BYTES, 4096, more)
    tx.memory[-40:] = FRAME[:40]
    more[:60] = FRAME[40:]
    tx.post(data_desc(IOVA + MEMORY_BYTES - 40, 100))
    tx.run()
    assert tx.wire() == [FRAME]
    assert tx.nic.counters()["dma_errors"] == 0


def test_a_ring_may_lie_in_several_regions() -> None:
    with rig(count=256) as tx:
        tx.nic.pf.dma_del(IOVA, MEMORY_BYTES)
        view = memoryview(tx.memory)
        for at in range(0, MEMORY_BYTES, 65536):
            tx.nic.pf.dma_add(IOVA + at, 65536, view[at : at + 65536])
        tx.nic.pf.dma_del(IOVA, 65536)
        for at in range(0, 65536, 2048):
            tx.nic.pf.dma_add(IOVA + at, 2048, view[at : at + 2048])
        for one in frames(200):
            tx.send(one)
        assert tx.run(64) == 64
        assert tx.run() == 136
        assert tx.wire() == frames(200)
        assert all(tx.done(i) for i in range(200))
        assert tx.nic.counters()["dma_errors"] == 0
        tx.nic.close()
        view.release()


def test_short_frames_are_padded_if_the_mac_pads(tx: TxRig) -> None:
    tx.send(b"s" * 20)
    tx.regs.update(HLREG0, TXPADEN=1)
    tx.run()
    tx.regs.update(HLREG0, TXPADEN=0)
    tx.send(b"t" * 20)
    tx.run()
    assert tx.wire() == [(b"s" * 20).ljust(60, b"\0"), b"t" * 20]


def test_a_null_descriptor_sends_nothing_and_is_done(tx: TxRig) -> None:
    tx.post(data_desc(0, 0), legacy_desc(0, 0))
    tx.send(FRAME)
    tx.run()
    assert tx.wire() == [FRAME]
    assert tx.done(0)
    assert tx.done(1)
    assert not tx.stall()


def test_counters_follow_the_wire(tx: TxRig) -> None:
    for one in frames(3):
        tx.send(one)
    tx.run()
    assert tx.nic.counters()["tx_frames"] == 3
    assert tx.nic.counters()["tx_bytes"] == 60 + 61 + 62
    assert tx.read(TXDGPC) == 3
    assert tx.read(TXDGPC) == 0
    assert tx.read(GPTC) == 3


def test_vlan_goes_in_behind_the_addresses(tx: TxRig) -> None:
    how = Offload(vlan=0xE123, ixsm=False, txsm=False)
    tx.post(context_desc(how), data_desc(tx.buffer(FRAME), len(FRAME), DCMD_VLE=1))
    tx.write(DMATXCTL, DMATXCTL.of(TE=1, VT=0x88A8))
    tx.run()
    assert tx.wire() == [FRAME[:12] + bytes.fromhex("88a8e123") + FRAME[12:]]
    assert not tx.done(0)
    assert tx.done(1)


def test_legacy_checksum_and_vlan(tx: TxRig) -> None:
    tx.post(legacy_desc(tx.buffer(FRAME), 100, CMD_IC=1, CSS=20, CSO=50, CMD_VLE=1, VLAN=0x0042))
    tx.run()
    (left,) = tx.wire()
    assert left[12:16] == bytes.fromhex("81000042")
    frame = left[:12] + left[16:]
    assert frame[:50] + frame[52:] == FRAME[:50] + FRAME[52:]
    words = [*struct.unpack(">40H", FRAME[20:])]
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    assert frame[50:52] == struct.pack(">H", total ^ 0xFFFF)
    assert tx.done(0)


def test_head_write_back_replaces_dd(tx: TxRig) -> None:
    where = tx.buffer(b"\xee" * 8)
    tx.write(TDWBAH, where >> 32)
    tx.write(TDWBAL, where % 2**32 + 1)
    for one in frames(5):
        tx.send(one)
    tx.run()
    assert tx.memory[where - IOVA : where - IOVA + 8] == struct.pack("<I", 5) + b"\xee" * 4
    assert not tx.done(4)


def test_an_unmapped_head_write_back_is_a_counted_error(tx: TxRig) -> None:
    tx.write(TDWBAH, NOWHERE >> 32)
    tx.write(TDWBAL, 1)
    tx.send(FRAME)
    tx.run()
    assert tx.wire() == [FRAME]
    assert tx.nic.counters()["dma_errors"] == 1


# -- contexts --------------------------------------------------------------------------------------------------------


def test_two_contexts_stay_until_overwritten(tx: TxRig) -> None:
    plain = {"ixsm": False, "txsm": False}
    tx.post(context_desc(Offload(vlan=10, **plain), 0), context_desc(Offload(vlan=11, **plain), 1))
    for idx in (0, 1, 0, 1):
        tx.post(data_desc(tx.buffer(FRAME), 100, DCMD_VLE=1, IDX=idx))
    tx.run()
    tx.post(context_desc(Offload(vlan=12, **plain), 1))
    for idx in (0, 1):
        tx.post(data_desc(tx.buffer(FRAME), 100, DCMD_VLE=1, IDX=idx))
    tx.run()
    assert [frame[15] for frame in tx.wire()] == [10, 11, 10, 11, 10, 12]


def test_a_context_is_done_only_if_it_asks(tx: TxRig) -> None:
    tx.post(context_desc(Offload()), context_desc(Offload(), rs=True))
    assert tx.run() == 0
    assert [tx.done(0), tx.done(1)] == [False, True]
    assert tx.read(TDH) == 2


@pytest.mark.parametrize("field", ["DCMD_VLE", "POPTS_IXSM", "POPTS_TXSM", "DCMD_TSE", "CC"])
def test_a_context_that_was_never_loaded_stops_the_queue(tx: TxRig, field: str) -> None:
    tx.send(FRAME, **{field: 1, "IDX": 1})
    tx.run()
    assert tx.stall() == lib.STALL_CONTEXT
    assert not tx.wire()


def test_contexts_are_lost_when_the_queue_is_enabled_again(tx: TxRig) -> None:
    tx.post(context_desc(Offload(vlan=1)))
    tx.run()
    tx.enable()
    tx.send(FRAME, DCMD_VLE=1)
    tx.run()
    assert tx.stall() == lib.STALL_CONTEXT


# -- what may go on and what stands still ----------------------------------------------------------------------------


def test_enable_is_acknowledged_at_once(tx: TxRig) -> None:
    assert TXDCTL(tx.read(TXDCTL)).ENABLE
    tx.write(TXDCTL, 0)
    assert not TXDCTL(tx.read(TXDCTL)).ENABLE


def test_nothing_moves_while_something_is_off(tx: TxRig) -> None:
    tx.send(FRAME)
    tx.write(DMATXCTL, DMATXCTL.of(TE=0))
    assert tx.run() == 0
    tx.write(DMATXCTL, DMATXCTL.of(TE=1))
    tx.write(RTTDCS, RTTDCS.of(ARBDIS=1))
    assert tx.run() == 0
    tx.write(RTTDCS, 0)
    tx.nic.pf.bus_master = False
    assert tx.run() == 0
    tx.nic.pf.bus_master = True
    tx.nic.pf.set_requests(on=False)  # what CTRL.GIO_DIS does
    assert tx.run() == 0
    assert not tx.wire()
    tx.nic.pf.set_requests(on=True)
    assert tx.run() == 1
    assert tx.wire() == [FRAME]


def test_a_disabled_queue_sends_when_it_is_enabled(tx: TxRig) -> None:
    tx.write(TXDCTL, 0)
    tx.send(FRAME)
    assert tx.run() == 0
    tx.write(TXDCTL, TXDCTL.of(ENABLE=1))
    assert tx.run() == 1


def test_link_down_completes_and_drops(tx: TxRig) -> None:
    tx.nic.link_up = False
    tx.send(FRAME)
    tx.run()
    assert tx.done(0)
    assert not tx.wire()
    assert tx.nic.counters()["tx_dropped"] == 1
    assert tx.read(GPTC) == 0


def test_no_port_completes_and_drops(tx: TxRig) -> None:
    tx.nic.set_port(None)
    tx.send(FRAME)
    tx.run()
    assert tx.done(0)
    assert tx.nic.counters()["tx_dropped"] == 1


def test_a_full_port_drops_and_counts(tx: TxRig) -> None:
    tx.port.state.slots = 2
    for one in frames(5):
        tx.send(one)
    assert tx.run() == 5
    assert tx.wire() == frames(2)
    assert tx.nic.counters()["tx_frames"] == 2
    assert tx.nic.counters()["tx_dropped"] == tx.port.counters()["tx_dropped"] == 3
    assert all(tx.done(i) for i in range(5))


def test_mac_loopback_does_not_reach_the_wire(tx: TxRig) -> None:
    tx.regs.update(HLREG0, LPBK=1)
    tx.nic.link_up = False
    tx.send(FRAME)
    tx.run()
    assert tx.done(0)
    assert not tx.wire()
    count = tx.nic.counters()
    assert count["tx_frames"] == 1
    assert count["rx_disabled"] == 1  # it came to our own receiver, which is off


def test_queues_take_turns_and_the_budget_is_kept() -> None:
    with TxRig() as tx:
        for q in (0, 5, 64, 127):
            tx.enable(q, 256)
            for _ in range(200):
                tx.send(bytes([q]) * 64, q=q)
        assert tx.run(64) == 64
        assert tx.run(192) == 192
        assert sorted({frame[0] for frame in tx.wire()}) == [0, 5, 64, 127]
        while tx.run(50):
            tx.wire()
        assert tx.nic.counters()["tx_frames"] == 800
        assert list(tx.nic.c.tx.pending) == [0, 0]


def test_reset_forgets_pending_work(tx: TxRig) -> None:
    tx.send(FRAME)
    tx.nic.pf.reset(software=True)
    assert tx.run() == 0


# -- stalls ----------------------------------------------------------------------------------------------------------


def bad(tx: TxRig, what: str) -> None:
    """Program one thing wrong and ring the bell."""
    where = tx.buffer(FRAME)
    if what == "tdlen 0":
        tx.write(TDLEN, 0)
    elif what == "ring unmapped":
        tx.write(TDBAH, NOWHERE >> 32)
    elif what == "tail":
        tx.write(TDT, 8)
        return
    elif what == "head":
        tx.write(TDH, 9)
    descs = {
        "buffer": [data_desc(NOWHERE, 100)],
        "buffer end": [data_desc(IOVA + MEMORY_BYTES - 50, 100)],
        "buffer wraps": [data_desc(2**64 - 50, 100)],
        "second buffer": [data_desc(where, 50, eop=False), data_desc(NOWHERE, 50)],
        "dtyp": [(where, int(TXDADV.of(DTALEN=100, DTYP=7, DCMD_DEXT=1, DCMD_EOP=1)))],
        "zero length": [data_desc(where, 0, eop=False), data_desc(where, 100)],
        "zero length end": [data_desc(where, 100, eop=False), data_desc(where, 0)],
        "64 KiB": [data_desc(IOVA, 65535)],
        "too long": [data_desc(IOVA, 16000, eop=False), data_desc(IOVA, 385)],
        "runt": [data_desc(where, 13)],
        "no eop": [data_desc(where, 10, eop=False)] * 7,
        "context inside": [data_desc(where, 50, eop=False), context_desc(Offload()), data_desc(where, 50)],
        "mixed": [data_desc(where, 50, eop=False), legacy_desc(where, 50)],
        "context 2": [context_desc(Offload(), 2)],
        "idx 2": [context_desc(Offload()), data_desc(where, 100, POPTS_IXSM=1, IDX=2)],
        "ip header": [context_desc(Offload(mac_len=90, ip_len=20)), data_desc(where, 100, POPTS_IXSM=1)],
        "ip length": [context_desc(Offload(ip_len=10)), data_desc(where, 100, POPTS_IXSM=1)],
        "l4 header": [context_desc(Offload(ip_len=70)), data_desc(where, 100, POPTS_TXSM=1)],
        "sctp header": [context_desc(Offload(ip_len=76, l4t=2)), data_desc(where, 100, POPTS_TXSM=1)],
        "l4 type": [context_desc(Offload(l4t=3)), data_desc(where, 100, POPTS_TXSM=1)],
        "legacy cso": [legacy_desc(where, 100, CMD_IC=1, CSS=20, CSO=99)],
        "legacy css": [legacy_desc(where, 100, CMD_IC=1, CSS=100, CSO=50)],
    }
    tx.post(*descs.get(what, [data_desc(where, 100)]))


STALLS = {
    "tdlen 0": lib.STALL_RING_LEN,
    "ring unmapped": lib.STALL_RING_UNMAPPED,
    "tail": lib.STALL_TAIL,
    "head": lib.STALL_TAIL,
    "buffer": lib.STALL_BUFFER,
    "buffer end": lib.STALL_BUFFER,
    "buffer wraps": lib.STALL_BUFFER,
    "second buffer": lib.STALL_BUFFER,
    "idx 2": lib.STALL_CONTEXT,
} | dict.fromkeys(
    (
        *("dtyp", "zero length", "zero length end", "64 KiB", "too long", "runt", "no eop", "context inside", "mixed"),
        *("context 2", "ip header", "ip length", "l4 header", "sctp header", "l4 type", "legacy cso", "legacy css"),
    ),
    lib.STALL_DESC,
)


@pytest.mark.parametrize("what", STALLS)
def test_a_bad_queue_stops_alone_until_enabled_again(what: str) -> None:
    with rig() as tx:
        tx.enable(1)
        bad(tx, what)
        tx.send(FRAME, q=1)
        assert tx.run() == 1
        assert tx.stall() == STALLS[what]
        assert tx.nic.counters()["stalls"] == 1
        assert tx.wire() == [FRAME]  # the other queue's
        tx.write(TDT, 0)
        tx.write(TDT, 1)
        assert tx.run() == 0  # doorbells do not help
        assert tx.nic.counters()["stalls"] == 1
        tx.enable()
        tx.send(FRAME)
        tx.run()
        assert tx.wire() == [FRAME]


def test_frames_before_the_stall_are_sent_and_done(tx: TxRig) -> None:
    tx.send(FRAME)
    tx.post(data_desc(NOWHERE, 100))
    tx.run()
    assert tx.wire() == [FRAME]
    assert [tx.done(0), tx.done(1)] == [True, False]
    assert tx.read(TDH) == 1


def test_a_stall_is_reported_once_with_its_queue(tx: TxRig, caplog: pytest.LogCaptureFixture) -> None:
    tx.nic.pf.set_listener(tx.regs)
    bad(tx, "buffer")
    tx.run()
    tx.run()
    assert len(caplog.records) == 1
    assert "0" in caplog.text


def test_read_only_memory_holds_no_ring(tx: TxRig) -> None:
    tx.nic.pf.dma_del(IOVA, MEMORY_BYTES)
    tx.nic.pf.dma_add(IOVA, MEMORY_BYTES, tx.memory, DMA_READ)
    tx.send(FRAME)
    tx.run()
    assert tx.stall() == lib.STALL_RING_UNMAPPED


# -- whatever the guest writes ---------------------------------------------------------------------------------------

addresses = st.sampled_from(
    [IOVA, IOVA + 1, IOVA + MEMORY_BYTES - 1, IOVA + MEMORY_BYTES - 64, NOWHERE, 0, 2**64 - 1, IOVA + 0x200000]
)
lengths = st.sampled_from([0, 1, 13, 14, 15, 59, 60, 100, 1514, 9000, 16384, 16385, 65535])


def _data(iova: int, length: int, idx: int, bits: int, payload: int) -> tuple[int, int]:
    names = ("DCMD_EOP", "DCMD_RS", "DCMD_VLE", "DCMD_TSE", "POPTS_IXSM", "POPTS_TXSM", "CC", "DCMD_IFCS")
    flags = {name: bits >> i & 1 for i, name in enumerate(names)}
    return iova, int(TXDADV.of(DTALEN=length, DTYP=3, DCMD_DEXT=1, IDX=idx, PAYLEN=payload, **flags))


data_descs = st.builds(
    _data,
    addresses,
    lengths,
    st.integers(0, 2),
    st.integers(0, 255),
    st.sampled_from([0, 1, 46, 1460, 60000, 2**18 - 1]),
)
context_descs = st.builds(
    context_desc,
    st.builds(
        Offload,
        mac_len=st.integers(0, 127),
        ip_len=st.integers(0, 511),
        l4_len=st.integers(0, 255),
        l4t=st.integers(0, 3),
        ipv4=st.booleans(),
        mss=st.sampled_from([0, 1, 8, 536, 1460, 9000, 65535]),
        vlan=st.integers(0, 0xFFFF),
    ),
    st.integers(0, 2),
)
legacy_descs = st.builds(
    lambda iova, length, rest: (iova, length + (rest & ~0x2000FFFF)), addresses, lengths, st.integers(0, 2**64 - 1)
)
wild_descs = st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.one_of(data_descs, context_descs, legacy_descs, wild_descs), min_size=1, max_size=60),
    st.integers(0, 2**32 - 1),
)
def test_random_descriptors_neither_crash_nor_hang(descs: list[tuple[int, int]], seed: int) -> None:
    chance = random.Random(seed)  # noise is enough here
    with rig(count=64) as tx:
        tx.post(*descs, doorbell=False)
        tx.write(TDT, len(descs))
        for _ in range(200):  # 256 KiB at MSS 1 would be thousands of turns, each bounded
            sent = tx.run(64)
            assert sent <= 64
            if not sent:
                break
            for frame in tx.wire():
                assert len(frame) <= lib.FRAME_MAX_BYTES
            if chance.random() < 0.1:
                break
        assert tx.read(TDH) < 64


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([TDBAH, TDLEN, TDH, TDT, TXDCTL, TDWBAL, TDWBAH, DMATXCTL, RTTDCS, HLREG0]),
            st.one_of(st.integers(0, 2**32 - 1), st.integers(0, 255), st.just(1 << 25)),
            st.integers(0, 127),
        ),
        max_size=40,
    )
)
def test_random_register_writes_neither_crash_nor_hang(writes: list[tuple[type[Register], int, int]]) -> None:
    with rig(count=64) as tx:
        for _ in range(20):
            tx.send(FRAME)
        for register, value, n in writes:
            tx.write(register, value, n % register.count)
            assert tx.run(64) <= 64
        assert tx.nic.counters()["tx_frames"] <= 64 * len(writes)


def test_rings_are_reported(tx: TxRig) -> None:
    tx.enable(3, 16)
    tx.send(FRAME, q=3)
    bad(tx, "tail")
    tx.run(0)
    assert tx.nic.c.tx.queue[0].stall == 0
    assert Tx(tx.regs, tx.nic).rings() == [
        Ring(0, tx.ring_iova(0), 8, 0, 8, ""),
        Ring(3, tx.ring_iova(3), 16, 0, 1, ""),
    ]
    tx.run()
    assert [(r.stall, r.waiting) for r in Tx(tx.regs, tx.nic).rings()] == [("tail", 0), ("", 0)]


def test_context_type_is_what_the_rig_says() -> None:
    assert TXDADV(context_desc(Offload())[1]).DTYP == CTXT
