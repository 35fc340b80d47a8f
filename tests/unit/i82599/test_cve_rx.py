# SPDX-License-Identifier: BSD-3-Clause
"""Receive bugs that other emulated NICs had: whatever comes from the wire, no byte lands where it may not.

The public numbers are what the bug was called elsewhere.

Ref: the CVE List, by number (github.com/CVEProject/cvelistV5).
"""

from collections.abc import Iterator

import pytest

from device.machine.core import ffi, lib
from device.regs.i82599 import (
    EICR,
    EIMS,
    EITR,
    ETQF,
    ETQS,
    FCTRL,
    FDIRCMD,
    FDIRCTRL,
    FDIRFREE,
    FDIRHASH,
    GPIE,
    HLREG0,
    IVAR,
    IVAR_MISC,
    MAXFRS,
    MRQC,
    RDBAH,
    RDBAL,
    RDH,
    RDLEN,
    RDRXCTL,
    RDT,
    RETA,
    ROC,
    RXCTRL,
    RXPBSIZE,
    SRRCTL,
    STATUS,
)
from tests.rigs.pair import flow, plain
from tests.rigs.rx import IOVA, MEMORY_BYTES, Rig, Ring, one

LOW = 2**32
BAR = 0xFEB0_0000
END = IOVA + MEMORY_BYTES - 4096  # of what is mapped
LONGEST = 16384


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as made:
        made.write(MAXFRS, int(MAXFRS.of(MFS=0xFFFF)))
        made.write(HLREG0, int(HLREG0.of(JUMBOEN=1, RXCRCSTRP=1)))
        yield made
        assert made.guards_whole()


def why(rig: Rig, queue: int = 0) -> int:
    return int(rig.nic.c.rx.queue[queue].stall)


def still_receives(rig: Rig, queue: int = 0) -> None:
    """A ring set up afresh gets a frame, so the device is as good as before."""
    rig.write(FCTRL, int(FCTRL.of(UPE=1, MPE=1, BAM=1)))
    rig.write(RXCTRL, 0)  # what waits in the packet buffer goes
    rig.write(RXCTRL, int(RXCTRL.of(RXEN=1)))
    Ring(rig, queue, 8, 0, {}).disable()
    ring = rig.ring(queue)
    ring.post(2)
    rig.receive(plain(9))
    assert one(ring.take())[0] == plain(9)


@pytest.mark.parametrize("where", [0, BAR, BAR + 0x1000, 2**64 - 64, 2**64 - 1, END - 32, IOVA + MEMORY_BYTES])
def test_cve_2020_28916_a_buffer_that_is_nowhere(rig: Rig, where: int) -> None:
    """QEMU's e1000e ran for ever on a receive descriptor with a NULL buffer; one in the BAR is CVE-2023-3019's way
    in."""
    ring = rig.ring()
    ring.post(4, address=where)
    rig.receive(plain(1), plain(2, 1500))
    assert why(rig) == lib.STALL_BUFFER
    assert rig.count.rx_disabled == 2
    still_receives(rig)


@pytest.mark.parametrize("length", [1523, 9000, LONGEST, LONGEST + 1, 0xFFFF, 70_000])
@pytest.mark.parametrize("sbp", [0, 1])
def test_cve_2012_6075_frames_longer_than_was_asked_for(rig: Rig, length: int, sbp: int) -> None:
    """QEMU's e1000 gave the guest frames beyond its buffers when long packets were off."""
    rig.write(HLREG0, int(HLREG0.of(RXCRCSTRP=1)))
    rig.write(FCTRL, int(FCTRL.of(UPE=1, MPE=1, BAM=1, SBP=sbp)))
    ring = rig.ring()
    ring.post(7)
    rig.receive(bytes(length))
    taken = b"".join(data for data, _, _ in ring.take())
    assert len(taken) in ((length, 0) if sbp and length <= 7 * 2048 else (0,))
    assert rig.read(ROC) == 1
    still_receives(rig)


@pytest.mark.parametrize("length", [2048 * 7, 2048 * 7 + 1, LONGEST, LONGEST + 1, 32768, 0xFFFF, 0x1_0000, 0x1_003C])
@pytest.mark.parametrize("drop", [0, 1])
@pytest.mark.parametrize("kib", [2, 9])
def test_cve_2015_7512_frames_longer_than_all_buffers(rig: Rig, length: int, drop: int, kib: int) -> None:
    """Large frames ran over the buffers of QEMU's pcnet, ne2000 (CVE-2018-10839), stellaris_enet (CVE-2016-4001) and
    ethernetlite (CVE-2016-7161); lengths went through types too short for them (CVE-2018-17962)."""
    ring = rig.ring(DROP_EN=drop, BSIZEPACKET=kib)
    ring.post(7)
    rig.receive(bytes(n % 256 for n in range(length)))
    got = ring.take()
    assert [len(data) for data, _, _ in got] == ([length] if length <= min(1024 * kib * 7, LONGEST) else [])
    still_receives(rig)


def test_cve_2015_7295_a_flood_of_frames_that_never_fit(rig: Rig) -> None:
    """Jumbo frames that fit no buffer stopped virtio-net's queue.  Dropped and counted; the next one that fits
    arrives."""
    ring = rig.ring()
    ring.post(7)
    rig.receive(*[bytes(16000)] * 500)
    rig.receive(plain(3))
    assert one(ring.take())[0] == plain(3)
    assert rig.count.rx_no_desc == 500


@pytest.mark.parametrize("length", [0, 13, LONGEST + 1, 2**31 - 1, 2**31, 2**32 + 60, 2**64 - 1])
def test_cve_2018_17963_lengths_beyond_int_max(length: int) -> None:
    """QEMU's net core let packets longer than INT_MAX through to the NICs.  No port passes on what can be no frame."""
    frames, port = ffi.new("struct frame[]", 2), ffi.new("struct port *")
    assert lib.port_keep(port, frames, 1, ffi.NULL, length) == 1
    assert port.count.rx_dropped == 1


@pytest.mark.parametrize("kind", [0, 1, 2, 4, 5, 6, 7])
def test_cve_2016_9776_buffers_of_no_size(rig: Rig, kind: int) -> None:
    """QEMU's mcf_fec went round for ever with a receive buffer size of 0."""
    ring = rig.ring(BSIZEPACKET=0, DESCTYPE=kind)
    ring.post(4, address=IOVA + 0x20000)
    rig.receive(plain(1))
    assert why(rig) == lib.STALL_DESC
    still_receives(rig)


@pytest.mark.parametrize(
    ("length", "head", "tail", "want"),
    [
        (0, 0, 1, lib.STALL_RING_LEN),
        (0x7F, 0, 1, lib.STALL_RING_LEN),
        (128, 8, 1, lib.STALL_TAIL),
        (128, 0, 8, lib.STALL_TAIL),
        (128, 0xFFFF, 0xFFFF, lib.STALL_TAIL),
        (0xFFFF_FFFF, 0, 1, None),
    ],
)
def test_cve_2016_2841_ring_registers_that_contradict_each_other(
    rig: Rig, length: int, head: int, tail: int, want: int | None
) -> None:
    """QEMU's ne2000 looped on such PSTART and PSTOP (CVE-2015-5278), and wrote beyond its memory (CVE-2015-5279); its
    e1000 looped on an RDH beyond the ring (CVE-2016-1981)."""
    ring = rig.ring()
    ring.disable()
    rig.write(RDLEN, length)
    rig.write(RDH, head)
    ring.enable()
    rig.write(RDT, tail)
    rig.receive(*[plain(n) for n in range(20)])
    if want is not None:
        assert why(rig) == want
    still_receives(rig)


@pytest.mark.parametrize("kind", [2, 4, 5])
@pytest.mark.parametrize("header", [0, 1, 15, 63])
def test_split_headers_with_any_header_buffer(rig: Rig, kind: int, header: int) -> None:
    """Packet split: header sizes of any value, header addresses that are nowhere.  No public number."""
    ring = rig.ring(DESCTYPE=kind, BSIZEHEADER=header)
    ring.post(7)  # their header addresses are the top of the address space
    rig.receive(flow(1), flow(2, udp=True, payload=bytes(1000)), plain(3), bytes(4000))
    assert rig.guards_whole()
    still_receives(rig)


def test_cve_2013_4544_interrupt_numbers_that_are_too_large(rig: Rig) -> None:
    """QEMU's vmxnet3 believed interrupt indices.  Every IVAR entry, every value; the vector is at most 63."""
    rig.write(GPIE, int(GPIE.of(MSIX_MODE=1)))
    rig.write(EIMS, 0xFFFF_FFFF)
    ring = rig.ring()
    for value in (0, 0x3F, 0x40, 0x7F, 0x80, 0xBF, 0xFF):
        for n in range(IVAR.count):
            rig.write(IVAR, value * 0x0101_0101, n)
        rig.write(IVAR_MISC, value * 0x0101)
        for n in range(EITR.count):
            rig.write(EITR, 0xFFFF_FFFF, n)
        ring.post(1)
        rig.receive(plain(value))
        rig.nic.cause(int(EICR.of(LSC=1)))
        rig.nic.step()
    assert len(ring.take()) == 7
    assert rig.nic.c.intr.waiting < 2**64


def test_cve_2024_6505_queues_that_tables_name(rig: Rig) -> None:
    """virtio-net took a queue from a guest's table as it was.  RETA, ETQS and the flow director name any of 128, on
    or off."""
    rig.write(MRQC, int(MRQC.of(MRQE=1)) | 0xFFFF_0000)
    for value in (0, 15, 0x7F, 0x80, 0xFF):
        for n in range(RETA.count):
            rig.write(RETA, value * 0x0101_0101, n)
        rig.write(ETQF, int(ETQF.of(FILTER_EN=1, ETYPE=0x88B5)))
        rig.write(ETQS, 0xFFFF_FFFF)
        rig.receive(flow(1), flow(2, v6=True), plain(1))
    rig.write(ETQF, 0)
    rig.write(ETQS, 0)
    rig.write(MRQC, 0)
    still_receives(rig)


def test_flow_director_tables_that_are_full(rig: Rig) -> None:
    """More filters than there is room for, without a table, twice the same, and away again.  No public number."""
    for pballoc in range(4):
        rig.write(FDIRCTRL, int(FDIRCTRL.of(PBALLOC=pballoc, PERFECT_MATCH=1)))
        room = (1024 << pballoc) - 1 if pballoc else 0
        for n in range(room + 3 if pballoc < 2 else 3):
            rig.write(FDIRHASH, int(FDIRHASH.of(HASH=n % 8192, SIG_SW_INDEX=n // 8192)))
            rig.write(FDIRCMD, int(FDIRCMD.of(CMD=1, L4TYPE=n % 4, QUEUE_EN=1, RX_QUEUE=127)))
            assert rig.nic.c.fdir.used <= room
        free = FDIRFREE(rig.read(FDIRFREE)).FREE
        assert rig.nic.c.fdir.used + free == room
        rig.receive(flow(1))
        for command in range(4):
            rig.write(FDIRCMD, 0xFFFF_FFFC | command)
    rig.write(FDIRCTRL, 0)
    still_receives(rig)


@pytest.mark.parametrize("how", ["function reset", "software reset", "unmapped", "receive off"])
def test_frames_that_wait_when_their_ring_goes(rig: Rig, how: str) -> None:
    """Use after reset: frames in the packet buffer, and the ring they wait for is gone.  No public number of its
    own."""
    ring = rig.ring()
    for at in range(ring.count):  # buffers there are, but they are not the device's yet
        ring.set(at, IOVA + ring.buffers, 0)
    rig.receive(*[plain(n, 1000) for n in range(40)])
    assert rig.nic.c.rx.fifo.frames == 40
    match how:
        case "unmapped":
            rig.nic.pf.dma_del(0, 2**64 - 1)
        case "receive off":
            rig.write(RXCTRL, 0)
            rig.write(RXCTRL, int(RXCTRL.of(RXEN=1)))
        case _:
            rig.nic.pf.reset(software=how == "software reset")
    assert rig.nic.c.rx.fifo.frames == (40 if how == "unmapped" else 0)
    ring.post(7)
    rig.drain()
    rig.nic.settle()
    assert rig.read(RDH) == 0
    assert not any(rig.memory[0x10000:])
    rig.renew()
    still_receives(rig)


def test_a_buffer_size_that_is_reserved(rig: Rig) -> None:
    """BSIZEPACKET has five bits, and 16 KiB is the most.  No public number."""
    rig.write(HLREG0, int(HLREG0.of(JUMBOEN=1)))
    rig.write(RDRXCTL, 0)
    rig.ring(BSIZEPACKET=31).post(3)
    rig.receive(bytes(LONGEST))  # and 4 bytes of FCS, which are one too many for 16 KiB
    assert rig.read(RDH) == 2
    rig.write(HLREG0, int(HLREG0.of(JUMBOEN=1, RXCRCSTRP=1)))
    still_receives(rig)


def test_a_packet_buffer_larger_than_there_is(rig: Rig) -> None:
    """Frames wait in our memory, and the guest says in how much of it.  No public number."""
    rig.write(RXPBSIZE, 0xFFFF_FFFF)
    ring = rig.ring()
    sent = 64 * 6
    rig.receive(*[plain(n, 1500) for n in range(sent)])
    kept = rig.nic.c.rx.fifo.frames
    assert 0 < kept < sent
    assert rig.nic.c.rx.fifo.used_bytes <= lib.RX_FIFO_BYTES
    assert rig.count.rx_fifo_full == sent - kept
    got: list[bytes] = []
    while len(got) < kept:
        ring.post(7)
        assert rig.drain()
        got += [data for data, _, _ in ring.take()]
    assert got == [plain(n, 1500) for n in range(kept)]
    still_receives(rig)


def test_cve_2021_20203_rings_at_the_end_of_the_address_space(rig: Rig) -> None:
    """Base plus length that wraps: nothing there is memory, whatever 64 bits make of it."""
    for low, high, length in ((0xFFFF_FF80, 0xFFFF_FFFF, 0xF_FF80), (0, 0, 128), (0xFFFF_FF80, 0, 0xF_FF80)):
        ring = rig.ring()
        ring.disable()
        rig.write(RDBAL, low)
        rig.write(RDBAH, high)
        rig.write(RDLEN, length)
        rig.write(SRRCTL, int(SRRCTL.of(BSIZEPACKET=2, DESCTYPE=1)))
        ring.enable()
        rig.write(RDT, 7)
        assert why(rig) == lib.STALL_RING_UNMAPPED, "told at once, not at the first frame"
        rig.receive(plain(1))
        assert why(rig) == lib.STALL_RING_UNMAPPED
    still_receives(rig)


def test_cve_2015_8743_accesses_of_every_width_around_the_end_of_the_bar(rig: Rig) -> None:
    """QEMU's ne2000 read and wrote beyond its memory by wide port accesses."""
    end = lib.CARD_BAR0_BYTES
    for width in (1, 2, 3, 4, 8, 16, 4096):
        for offset in (end - width - 1, end - width, end - width + 1, end - 1, end, end + 1, 2**31, 2**32 - 1):
            assert len(rig.nic.pf.bar0_read(offset, width)) == width
            rig.nic.pf.bar0_write(offset, bytes(width))
    buffer = ffi.new("uint8_t[]", 16)
    regs = ffi.addressof(rig.nic.c.pf, "regs")
    for offset, count in ((end - 8, 16), (2**32 + STATUS.offset(), 4), (2**63, 16)):
        ffi.memmove(buffer, b"\xa5" * 16, 16)
        assert lib.regfile_access(regs, buffer, count, offset, 0) == count
        assert not any(bytes(buffer)[max(end - offset, 0) : count]), "what is no register reads 0, and shows no memory"
    for offset in (2**64 - 1, 2**64 - 16, 2**63):
        for is_write in (0, 1):
            lib.regfile_access(regs, buffer, 16, offset, is_write)
    still_receives(rig)
