# SPDX-License-Identifier: BSD-3-Clause
"""A driver that programs nonsense: the queue concerned stands still and says why once; everything else goes on."""

import logging
from collections.abc import Iterator

import pytest

from device.regs.i82599 import (
    RDBAH,
    RDBAL,
    RDH,
    RDLEN,
    RDT,
    RXDCTL,
    SRRCTL,
    TDBAH,
    TDBAL,
    TDH,
    TDLEN,
    TDT,
    TXDCTL,
    Register,
)
from device.regs.i82599.desc import TXCTX0, TXCTX1, TXD, TXDADV, L4Type, TxDescType
from driver.compiled import ffi, lib
from driver.doors.config import Config
from driver.ixgbe.config import rx_ring, tx_ring
from tests.rigs.pair import Rig, Wire, flow, plain, rig, steered

BAD = 1  # the queue that gets the nonsense; 0 and 2 are fine
NOWHERE = 0x5_0000_0000  # no memory is mapped there
LOW = 2**32

BadRing = tuple[str, dict[str, tuple[type[Register], int]], int]  # the stall, registers, tail
Descs = list[tuple[int | None, int]]


@pytest.fixture
def up(wire: Wire, caplog: pytest.LogCaptureFixture) -> Iterator[Rig]:
    caplog.set_level(logging.WARNING)
    with rig(wire, queues=3) as made:
        yield made


@pytest.fixture
def bad_flows(up: Rig) -> list[bytes]:
    """Frames for the queue that will get the nonsense."""
    return [frame for n in range(100) if steered(up, frame := flow(n, payload=bytes(20))) == BAD][:5]


def others_go_on(up: Rig, wire: Wire) -> None:
    """The other queues send and receive."""
    wire.sent()
    for queue in (0, 2):
        up.send([plain(queue), plain(queue + 10)], queue)
        assert wire.sent() == [plain(queue), plain(queue + 10)]
    wire.inject(plain(7))  # not IP: queue 0
    assert up.take(0) == [plain(7)]


def stall(up: Rig, caplog: pytest.LogCaptureFixture, way: str, why: str, times: int = 1) -> None:
    """One queue stopped, for this reason; it was counted each time and logged once."""
    assert up.nic.core.stalls.seen == {(way, BAD, why): times}
    assert up.count("stalls") == times
    (record,) = [
        one for one in caplog.records if one.name != "device.machine.told"
    ]  # of a wrong length they are told, too
    assert record.getMessage().startswith(f"{way.capitalize()} queue {BAD} stands still: ")
    assert f"{way.upper()}DCTL.ENABLE" in record.getMessage()  # what to do about it


def restart_tx(up: Rig, wire: Wire) -> None:
    """Disable, set up as at first, enable: the queue sends again."""
    ring = up.adapter.tx_rings[BAD]
    ring.reset()
    tx_ring(up.adapter.bar, ring)
    wire.sent()
    up.send([plain(1), plain(2)], BAD)
    assert wire.sent() == [plain(1), plain(2)]
    assert not ring.pending


def restart_rx(up: Rig, wire: Wire, frames: list[bytes]) -> None:
    """Disable, set up as at first, enable: the queue receives again."""
    ring = up.adapter.rx_rings[BAD]
    ring.reset()
    rx_ring(up.adapter.bar, ring, drop=False)
    wire.inject(*frames)
    assert up.take(BAD) == frames


def ring_write(up: Rig, enable: type[Register], **registers: tuple[type[Register], int]) -> None:
    """Reprogram the bad queue as a driver would: off, registers, on."""
    bar = up.adapter.bar
    bar.update(enable, BAD, ENABLE=0)
    for register, value in registers.values():
        bar.write(register, value, BAD)
    bar.update(enable, BAD, ENABLE=1)


# ---- rings -----------------------------------------------------------------------------------------------------------

TX_RINGS: dict[str, BadRing] = {
    "base unmapped": ("ring unmapped", {"low": (TDBAL, NOWHERE % LOW), "high": (TDBAH, NOWHERE // LOW)}, 4),
    "base at the top": ("ring unmapped", {"low": (TDBAL, LOW - 128), "high": (TDBAH, LOW - 1)}, 4),
    "length 0": ("ring len", {"len": (TDLEN, 0)}, 4),
    "length below a unit": ("ring len", {"len": (TDLEN, 127)}, 4),
    "tail beyond": ("tail", {}, 64),
    "tail far beyond": ("tail", {}, 0xFFFF),
    "head beyond": ("tail", {"head": (TDH, 64)}, 4),
    "length no multiple, tail beyond": ("tail", {"len": (TDLEN, 0x90)}, 8),
}


@pytest.mark.parametrize("name", TX_RINGS)
def test_a_tx_ring_that_cannot_be(up: Rig, wire: Wire, caplog: pytest.LogCaptureFixture, name: str) -> None:
    why, registers, tail = TX_RINGS[name]
    ring_write(up, TXDCTL, **registers)
    for _ in range(3):
        up.adapter.bar.write(TDT, tail, BAD)
        up.settle()
    stall(up, caplog, "tx", why)
    assert wire.sent() == []
    others_go_on(up, wire)
    restart_tx(up, wire)


RX_RINGS: dict[str, BadRing] = {
    "base unmapped": ("ring unmapped", {"low": (RDBAL, NOWHERE % LOW), "high": (RDBAH, NOWHERE // LOW)}, 4),
    "base at the top": ("ring unmapped", {"low": (RDBAL, LOW - 128), "high": (RDBAH, LOW - 1)}, 4),
    "length 0": ("ring len", {"len": (RDLEN, 0)}, 4),
    "length below a unit": ("ring len", {"len": (RDLEN, 127)}, 4),
    "tail beyond": ("tail", {}, 64),
    "tail far beyond": ("tail", {}, 0xFFFF),
    "head beyond": ("tail", {"head": (RDH, 64)}, 4),
    "length no multiple, tail beyond": ("tail", {"len": (RDLEN, 0x90)}, 8),
}


@pytest.mark.parametrize("name", RX_RINGS)
def test_an_rx_ring_that_cannot_be(
    up: Rig, wire: Wire, caplog: pytest.LogCaptureFixture, bad_flows: list[bytes], name: str
) -> None:
    why, registers, tail = RX_RINGS[name]
    ring_write(up, RXDCTL, **registers)
    for _ in range(3):
        up.adapter.bar.write(RDT, tail, BAD)
        wire.inject(*bad_flows)
        up.settle()
    stall(up, caplog, "rx", why)
    assert up.take(BAD) == []
    assert up.count("rx_disabled") >= len(bad_flows)
    others_go_on(up, wire)
    restart_rx(up, wire, bad_flows)


def test_a_length_that_is_no_multiple_of_128_is_rounded_down(up: Rig, wire: Wire) -> None:
    ring_write(up, TXDCTL, len=(TDLEN, 0x8F), head=(TDH, 0), tail=(TDT, 0))
    assert int(up.nic.regs.get(TDLEN, BAD)) == 0x80
    ring = up.adapter.tx_rings[BAD]
    for n in range(7):
        ring.post(plain(n))
    up.adapter.bar.write(TDT, 7, BAD)
    up.settle()
    assert wire.sent() == [plain(n) for n in range(7)]
    assert up.nic.report().stalls == []


def test_the_same_stall_again_is_counted_but_not_logged(up: Rig, wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(5):
        ring_write(up, TXDCTL, head=(TDH, 0))
        up.adapter.bar.write(TDT, 64, BAD)
        up.settle()
    stall(up, caplog, "tx", "tail", times=5)


def test_memory_taken_away_under_running_rings(up: Rig, wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    """An IOMMU that unmaps too early: stalls, not crashes; new memory and a reset make it good."""
    arena = up.adapter.arena
    assert arena is not None
    up.door.dma_unmap(arena.iova_base, arena.len_bytes)
    wire.inject(plain(1))
    up.adapter.tx_rings[0].send([plain(2)])
    up.settle()
    assert {why for _, _, why in up.nic.core.stalls.seen} == {"ring unmapped"}
    assert wire.sent() == []
    caplog.clear()
    up.adapter.down()
    up.adapter.up()
    up.nic.link.evaluate()
    up.adapter.service()
    wire.inject(plain(3))
    assert up.take() == [plain(3)]
    others_go_on(up, wire)


# ---- descriptors -----------------------------------------------------------------------------------------------------


def data(len_bytes: int, **fields: int) -> int:
    """Quadword 1 of an advanced data descriptor that is a packet by itself."""
    whole = {"DCMD_EOP": 1, "DCMD_IFCS": 1, "DCMD_RS": 1, "PAYLEN": len_bytes % 2**18, **fields}
    return int(TXDADV.of(DTALEN=len_bytes, DTYP=TxDescType.DATA, DCMD_DEXT=1, **whole))


def context(mss: int = 1000, l4_len: int = 20, *, mac_len: int = 14, ip_len: int = 20, idx: int = 0) -> tuple[int, int]:
    """An IPv4 TCP context."""
    q1 = TXCTX1.of(IPV4=1, L4T=L4Type.TCP, DTYP=TxDescType.CTXT, DCMD_DEXT=1, IDX=idx, L4LEN=l4_len, MSS=mss)
    return int(TXCTX0.of(IPLEN=ip_len, MACLEN=mac_len)), int(q1)


def send_raw(up: Rig, *descs: tuple[int | None, int]) -> None:
    """Put raw descriptors into the bad queue, buffers of its ring where no address is given, and ring the bell."""
    ring = up.adapter.tx_rings[BAD]
    at = int(up.nic.regs.get(TDT, BAD))
    for n, (q0, q1) in enumerate(descs):
        slot = (at + n) % ring.count
        ring.c.desc[2 * slot] = ring.c.buf_iova if q0 is None else q0
        ring.c.desc[2 * slot + 1] = q1
    frame = flow(1, payload=bytes(range(200)))
    ffi.buffer(ring.c.buf, len(frame))[:] = frame
    up.adapter.bar.write(TDT, (at + len(descs)) % ring.count, BAD)
    up.settle()


TSE = {"DCMD_TSE": 1, "POPTS_TXSM": 1, "POPTS_IXSM": 1}
DESCRIPTORS: dict[str, tuple[str, Descs]] = {
    "buffer outside": ("buffer", [(NOWHERE, data(64))]),
    "buffer at the top": ("buffer", [(2**64 - 16, data(64))]),
    "second buffer outside": ("buffer", [(None, data(64, DCMD_EOP=0)), (NOWHERE, data(64))]),
    "64 KiB": ("desc", [(None, data(0xFFFF))]),
    "16 KiB and one byte": ("desc", [(None, data(16385))]),
    "many that are too long together": (
        "desc",
        [*((None, data(8000, DCMD_EOP=0)) for _ in range(3)), (None, data(60))],
    ),
    "zero length inside a packet": ("desc", [(None, data(64, DCMD_EOP=0)), (None, data(0))]),
    "zero length, more to come": ("desc", [(None, data(0, DCMD_EOP=0)), (None, data(64))]),
    "shorter than a header": ("desc", [(None, data(13))]),
    "unknown type": ("desc", [(None, int(TXDADV.of(DTALEN=64, DTYP=1, DCMD_DEXT=1, DCMD_EOP=1)))]),
    "kinds mixed in one packet": (
        "desc",
        [(None, data(64, DCMD_EOP=0)), (None, int(TXD.of(LENGTH=64, CMD_EOP=1)))],
    ),
    "context inside a packet": ("desc", [(None, data(64, DCMD_EOP=0)), context(), (None, data(64))]),
    "context number 2": ("desc", [context(idx=2)]),
    "data names context 2": ("context", [context(), (None, data(64, IDX=2, **TSE))]),
    "no context": ("context", [(None, data(254, PAYLEN=200, **TSE))]),
    "no context of that number": ("context", [context(), (None, data(254, PAYLEN=200, IDX=1, **TSE))]),
    "no context for a checksum": ("context", [(None, data(254, POPTS_TXSM=1))]),
    "mss 0": ("tso", [context(0), (None, data(254, PAYLEN=200, **TSE))]),
    "headers longer than the packet": ("tso", [context(), (None, data(40, PAYLEN=0, **TSE))]),
    "payload length that is not there": ("tso", [context(), (None, data(254, PAYLEN=5000, **TSE))]),
    "no Ethernet header": ("tso", [context(mac_len=0), (None, data(254, PAYLEN=214, **TSE))]),
    "no IP header": ("tso", [context(ip_len=0), (None, data(254, PAYLEN=220, **TSE))]),
    "no TCP header": ("tso", [context(l4_len=0), (None, data(254, PAYLEN=220, **TSE))]),
    "segments longer than any frame": (
        "tso",
        [context(0xFFFF), *[(None, data(8000, DCMD_EOP=0, PAYLEN=23946, **TSE))] * 2, (None, data(8000, **TSE))],
    ),
    "checksum beyond the frame": ("desc", [context(ip_len=500), (None, data(254, POPTS_TXSM=1))]),
    "legacy checksum beyond the frame": (
        "desc",
        [(None, int(TXD.of(LENGTH=64, CMD_EOP=1, CMD_IC=1, CSO=70, CSS=14)))],
    ),
    "a ring without an end of packet": ("desc", [(None, data(60, DCMD_EOP=0))] * 63),
}


@pytest.mark.parametrize("name", DESCRIPTORS)
def test_a_tx_descriptor_that_cannot_be_obeyed(
    up: Rig, wire: Wire, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    why, descs = DESCRIPTORS[name]
    send_raw(up, *descs)
    stall(up, caplog, "tx", why)
    assert wire.sent() == []
    head = up.nic.regs.get(TDH, BAD)
    send_raw(up, (None, data(254)))
    assert wire.sent() == []
    assert up.nic.regs.get(TDH, BAD) == head
    assert up.count("stalls") == 1
    others_go_on(up, wire)
    restart_tx(up, wire)


def test_enabling_a_queue_again_forgets_its_contexts(up: Rig, wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    packet = data(254, PAYLEN=200, **TSE)
    send_raw(up, context(), (None, packet))
    assert len(wire.sent()) == 1
    ring_write(up, TXDCTL, head=(TDH, 0), tail=(TDT, 0))
    send_raw(up, (None, packet))
    stall(up, caplog, "tx", "context")


def test_good_packets_before_a_bad_one_leave_and_are_reported(up: Rig, wire: Wire) -> None:
    frame = flow(1, payload=bytes(range(200)))
    send_raw(up, *[(None, data(len(frame)))] * 5, (NOWHERE, data(64)), (None, data(len(frame))))
    assert wire.sent() == [frame] * 5
    assert up.nic.regs.get(TDH, BAD) == 5
    desc = up.adapter.tx_rings[BAD].c.desc
    assert [TXD(desc[2 * n + 1]).STAT_DD for n in range(7)] == [1] * 5 + [0, 0]


def test_a_null_descriptor_between_packets_is_no_stall(up: Rig, wire: Wire) -> None:
    frame = flow(1, payload=bytes(range(200)))
    send_raw(up, (None, data(len(frame))), (0, data(0)), (None, data(len(frame))))
    assert wire.sent() == [frame] * 2
    assert up.nic.report().stalls == []


def test_a_packet_that_has_not_all_come_yet_waits(up: Rig, wire: Wire) -> None:
    frame = flow(1, payload=bytes(range(200)))
    send_raw(up, (None, data(100, DCMD_EOP=0, DCMD_RS=0)))
    assert (wire.sent(), up.nic.report().stalls) == ([], [])
    send_raw(up, (up.adapter.tx_rings[BAD].c.buf_iova + 100, data(len(frame) - 100)))
    assert wire.sent() == [frame]


def test_an_rx_buffer_outside_memory(
    up: Rig, wire: Wire, caplog: pytest.LogCaptureFixture, bad_flows: list[bytes]
) -> None:
    ring = up.adapter.rx_rings[BAD]
    head = int(up.nic.regs.get(RDH, BAD))
    ring.c.desc[2 * ((head + 2) % ring.count)] = NOWHERE
    wire.inject(*bad_flows)
    up.settle()
    assert [bytes(frame) for frame in ring.harvest()] == bad_flows[:2]
    stall(up, caplog, "rx", "buffer")
    assert up.nic.regs.get(RDH, BAD) == (head + 2) % ring.count
    others_go_on(up, wire)
    restart_rx(up, wire, bad_flows)


def test_a_frame_that_needs_more_buffers_than_the_ring_has_is_dropped(up: Rig, wire: Wire) -> None:
    """It would wait for ever, and all others behind it."""
    up.adapter.set_mtu(9000)
    up.nic.link.evaluate()
    bar = up.adapter.bar
    ring_write(up, RXDCTL, len=(RDLEN, 128))
    for queue in range(3):
        bar.update(SRRCTL, queue, BSIZEPACKET=1, DROP_EN=0)
    ring = up.adapter.rx_rings[BAD]
    head = int(up.nic.regs.get(RDH, BAD))
    bar.write(RDT, (head + 7) % 8, BAD)
    frames = [flow(n, payload=bytes(8900)) for n in range(100)]
    wire.inject(next(frame for frame in frames if steered(up, frame) == BAD))
    wire.inject(plain(1))
    assert up.take(0) == [plain(1)]
    assert up.count("rx_no_desc") == 1
    assert ring.harvest() == []


def test_buffers_of_no_size(up: Rig, wire: Wire, caplog: pytest.LogCaptureFixture, bad_flows: list[bytes]) -> None:
    up.adapter.bar.update(SRRCTL, BAD, BSIZEPACKET=0)
    wire.inject(*bad_flows)
    up.settle()
    stall(up, caplog, "rx", "desc")
    others_go_on(up, wire)
    restart_rx(up, wire, bad_flows)


def test_a_length_the_nic_lies_about_does_not_reach_the_next_buffer(up: Rig) -> None:
    """The driver's side of it: a write-back longer than a buffer is cut to the buffer."""
    ring = up.adapter.rx_rings[BAD]
    slot = ring.c.next_to_clean
    ring.c.desc[2 * slot + 1] = 0xFFFF << 32 | 3
    (frame,) = ring.harvest()
    assert len(frame) == ring.buf_bytes


def test_a_frame_over_more_buffers_than_anyone_may_send_is_an_error(up: Rig) -> None:
    ring = up.adapter.rx_rings[BAD]
    slot = ring.c.next_to_clean
    bufs = lib.RX_FRAME_BUFS + 1
    for n in range(bufs):
        ring.c.desc[2 * ((slot + n) % ring.count) + 1] = 2048 << 32 | (3 if n == bufs - 1 else 1)
    assert ring.harvest() == []
    assert ring.stats()["errors"] == 1
    assert ring.c.next_to_clean == (slot + bufs) % ring.count


# ---- queues that are off, doors that are taken -----------------------------------------------------------------------


def test_doorbells_of_queues_that_are_off_do_nothing(up: Rig, wire: Wire) -> None:
    for queue in (3, 64, 127):
        up.adapter.bar.write(TDT, 5, queue)
        up.adapter.bar.write(RDT, 5, queue)
    up.settle()
    assert (up.count("stalls"), wire.sent()) == (0, [])
    others_go_on(up, wire)


def test_enabled_queues_that_were_never_set_up_are_harmless(up: Rig, wire: Wire) -> None:
    for queue in range(3, 128):
        up.adapter.bar.update(TXDCTL, queue, ENABLE=1)
        up.adapter.bar.update(RXDCTL, queue, ENABLE=1)
    up.settle()
    assert up.count("stalls") == 0
    others_go_on(up, wire)
    for queue in range(3, 128):
        up.adapter.bar.write(TDT, 1, queue)
    up.settle()
    assert {why for _, _, why in up.nic.core.stalls.seen} == {"ring len"}
    others_go_on(up, wire)


def test_a_receive_queue_that_nobody_fills_holds_up_only_what_it_must(
    up: Rig, wire: Wire, bad_flows: list[bytes]
) -> None:
    """With DROP_EN the frames of a ring that software forgot are dropped; the others' pass."""
    for queue in range(3):
        up.adapter.bar.update(SRRCTL, queue, DROP_EN=1)
    before = up.count("rx_frames") + 1
    wire.inject(*bad_flows * 20)
    up.settle()
    wire.inject(plain(1))
    assert up.take(0) == [plain(1)]
    assert len(up.take(BAD)) == up.count("rx_frames") - before
    assert up.adapter.stats()["rx_no_dma_resources"] == 100 - (up.count("rx_frames") - before)


def test_bus_master_off_is_no_stall_and_no_dma_error(up: Rig, wire: Wire) -> None:
    Config(up.door).set_master(on=False)
    up.adapter.tx_rings[BAD].send([plain(1)])
    wire.inject(plain(2))
    up.settle()
    assert (up.count("stalls"), up.count("dma_errors"), wire.sent()) == (0, 0, [])
    Config(up.door).set_master(on=True)
    up.settle()
    assert wire.sent() == [plain(1)]
    others_go_on(up, wire)
