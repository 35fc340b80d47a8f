# SPDX-License-Identifier: BSD-3-Clause
"""Bugs that other emulated NICs had, tried over the socket, one after another on the same device, with both doorbells.

After each the device must be as good as new (``RawGuest.alive``), and the function's own report must say what was
wrong.
The same bugs are tried closer in tests/unit/i82599/test_cve_*.py, which say what each was elsewhere.

Ref: the CVE List, by number (github.com/CVEProject/cvelistV5).
"""

import mmap
import os
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from device.regs.i82599 import (
    EERD,
    EICS,
    EIMS,
    GPIE,
    HLREG0,
    IVAR,
    IVAR_MISC,
    MAXFRS,
    MRQC,
    PFMAILBOX,
    RDH,
    RDT,
    RETA,
    ROC,
    SWSM,
    TDH,
    TDT,
    TDWBAH,
    TDWBAL,
    VFLRE,
)
from device.regs.i82599.desc import RXD, TXCTX0, TXCTX1, TXD, TXDADV, L4Type, TxDescType
from tests.rigs.client import DMA_MAP, DMA_UNMAP, MSIX, RESET, error_of
from tests.rigs.counts import fd_count
from tests.rigs.process import Device, until
from tests.rigs.raw_guest import BUFFERS, IOVA, MEMORY_BYTES, RX_RING, TX_RING, RawGuest

BAR = 0xFEB0_0000
PAGE = 0x1000
LONGEST_RING = 0xFFF80
MSIX_BYTES, PBA = 0x4000, 0x2000
QUEUES = 128
WHOLE = {"DTYP": TxDescType.DATA, "DCMD_DEXT": 1, "DCMD_EOP": 1, "DCMD_IFCS": 1, "DCMD_RS": 1}
AT = IOVA + BUFFERS


@pytest.fixture(scope="module", params=["trapped", "shared"])
def device(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    folder: Path = tmp_path_factory.mktemp("cve")
    with Device(folder, "--doorbells", request.param, "--loopback") as made:
        with RawGuest(made.path) as guest:
            guest.alive()
        made.without_client()
        fds = fd_count(made.pid)
        yield made
        made.without_client()
        until(lambda: fd_count(made.pid) <= fds, f"no more than the {fds} files of before are open")


@pytest.fixture
def guest(device: Device) -> Iterator[RawGuest]:
    device.without_client()
    with RawGuest(device.path) as made:
        made.open()
        yield made


def data(len_bytes: int, **fields: int) -> int:
    return int(TXDADV.of(DTALEN=len_bytes, **{**WHOLE, "PAYLEN": len_bytes, **fields}))


def context(mss: int = 100, l4_len: int = 20, *, mac: int = 14, ip: int = 20, l4t: int = L4Type.TCP) -> tuple[int, int]:
    q1 = TXCTX1.of(IPV4=1, L4T=l4t, DTYP=TxDescType.CTXT, DCMD_DEXT=1, L4LEN=l4_len, MSS=mss)
    return int(TXCTX0.of(IPLEN=ip, MACLEN=mac)), int(q1)


def send(guest: RawGuest, *descs: tuple[int, int], **ring: int) -> None:
    guest.descriptors(TX_RING, *descs)
    guest.tx_ring(**ring)
    guest.write(TDT, len(descs))
    guest.read(TDH)


def receive(guest: RawGuest, buffer: int, frame_bytes: int = 100, *, count: int = 7, **ring: int) -> None:
    """A frame to ourselves, into a ring whose buffers are all one place."""
    guest.descriptors(RX_RING, *[(buffer, 2**64 - 16)] * count)
    guest.rx_ring(**ring)
    guest.write(RDT, count)
    send(guest, (AT, data(frame_bytes)))
    guest.read(RDH)


TSO = {"DCMD_TSE": 1, "POPTS_IXSM": 1, "POPTS_TXSM": 1}
TX_BUFFER, RX_BUFFER = "Tx .* has a buffer outside memory", "Rx .* the buffer of descriptor .* outside memory"
TX_RING_LOST, RX_RING_LOST = "Tx .* its ring, .* is not mapped", "Rx .* its ring, .* is not mapped"
TX_LENGTHS = "Tx .* a descriptor of no known type, or of lengths that cannot be"


class Try(NamedTuple):
    """What is done, and what is reported of it: how often queues stopped, by what says why; and refused DMA."""

    do: Callable[[RawGuest], object]
    stops: dict[str, int]
    dma_errors: int


TRIES: dict[str, Try] = {}


def tried(
    name: str, stops: dict[str, int] | None = None, dma_errors: int = 0
) -> Callable[[Callable[[RawGuest], object]], Callable[[RawGuest], object]]:
    def keep(do: Callable[[RawGuest], object]) -> Callable[[RawGuest], object]:
        TRIES[name] = Try(do, stops or {}, dma_errors)
        return do

    return keep


@tried(
    "CVE-2020-15859 CVE-2023-3019 send from the BAR, which QEMU tells of as memory without a file", {TX_BUFFER: 1}, 1
)
def _(guest: RawGuest) -> None:
    guest.client.call(DMA_MAP, struct.pack("<IIQQQ", 32, 3, 0, BAR, PAGE))
    send(guest, (BAR, data(100)))


@tried("CVE-2022-2962 receive into the BAR", {RX_BUFFER: 1}, 1)
def _(guest: RawGuest) -> None:
    guest.client.call(DMA_MAP, struct.pack("<IIQQQ", 32, 3, 0, BAR, PAGE))
    receive(guest, BAR + TDT.offset(0) % PAGE)


@tried("CVE-2021-20255 rings and write-back in the BAR", {RX_RING_LOST: 2, TX_RING_LOST: 2}, 6)
def _(guest: RawGuest) -> None:
    for base in (BAR, BAR + 0x6000):
        guest.rx_ring(base=base)
        guest.write(RDT, 7)
        guest.write(TDWBAH, 0)
        guest.write(TDWBAL, (base + TDT.offset(0)) | 1)
        send(guest, (AT, data(100)))
        send(guest, (AT, data(100)), base=base)


@tried("CVE-2023-3019 the tails' own file as memory")
def _(guest: RawGuest) -> None:
    _, _, areas, fds = guest.client.region_info(0)
    for fd in fds:
        if error_of(guest.client.map, fd, BAR, PAGE, areas[0][0]) == "no error":
            receive(guest, BAR + RDT.offset(0) % PAGE)
            send(guest, (AT, data(100)), base=BAR)
        os.close(fd)


@tried("CVE-2020-28916 a receive buffer at 0", {RX_BUFFER: 1}, 1)
def _(guest: RawGuest) -> None:
    receive(guest, 0)


@tried(
    "CVE-2016-1981 CVE-2017-9310 heads outside the ring",
    {"Tx .* beyond the 64 descriptors of TDLEN": 1, "Rx .* beyond the 64 descriptors of RDLEN": 1},
)
def _(guest: RawGuest) -> None:
    send(guest, (AT, data(100)), head=0xFFFF)
    receive(guest, AT, head=64)


@tried("CVE-2016-7909 CVE-2017-17381 rings of no length", {"Tx .* TDLEN is 0x0": 1, "Rx .* RDLEN is 0x0": 1})
def _(guest: RawGuest) -> None:
    send(guest, (AT, data(100)), len_bytes=0)
    receive(guest, AT, len_bytes=0)


@tried("CVE-2016-7907 CVE-2016-7908 descriptors of length 0", {TX_LENGTHS: 1})
def _(guest: RawGuest) -> None:
    send(guest, *[(AT, data(0, DCMD_EOP=0))] * 63)
    send(guest, *[(AT, data(0))] * 63)


@tried("CVE-2016-8910 rings full of what is no frame")
def _(guest: RawGuest) -> None:
    guest.poke(TX_RING, struct.pack("<QQ", *context()) * (LONGEST_RING // 16))
    for queue in range(QUEUES):
        guest.tx_ring(queue, len_bytes=LONGEST_RING)
        guest.write(TDT, LONGEST_RING // 16 - 1, queue)
    guest.read(TDH)


@tried("CVE-2016-9776 receive buffers of no size", {"Rx .* gives buffers no size": 1})
def _(guest: RawGuest) -> None:
    receive(guest, AT, BSIZEPACKET=0)


@tried("CVE-2015-3209 a packet that is never ended", {TX_LENGTHS: 2})
def _(guest: RawGuest) -> None:
    send(guest, *[(AT, data(8000, DCMD_EOP=0))] * 40)
    send(guest, *[(AT, data(60, DCMD_EOP=0))] * 63)


@tried(
    "CVE-2021-20257 CVE-2015-6815 CVE-2019-5609 segmentation that cannot be",
    {"Tx .* segmentation with MSS 0 or with headers longer than itself": 7},
)
def _(guest: RawGuest) -> None:
    for made in (context(0), context(mac=127, ip=511, l4_len=255), context(mac=0, ip=0, l4_len=0), context(0xFFFF)):
        send(guest, made, (AT, data(254, PAYLEN=200, **TSO)))
        send(guest, made, (AT, data(16000, PAYLEN=0x3FFFF, **TSO)))


@tried("CVE-2016-6834 segments of one byte, and of none")
def _(guest: RawGuest) -> None:
    send(guest, context(1), (AT, data(16000, PAYLEN=16000 - 54, **TSO)))
    send(guest, context(1), (AT, data(54, PAYLEN=0, **TSO)))


@tried("CVE-2022-23087 checksums outside the frame", {TX_LENGTHS: 4})
def _(guest: RawGuest) -> None:
    for cso in (0, 58, 59, 98, 99, 100, 255):
        send(guest, (AT, int(TXD.of(LENGTH=100, CMD_EOP=1, CMD_RS=1, CMD_IC=1, CSO=cso, CSS=cso))))
    send(guest, context(ip=511), (AT, data(100, POPTS_TXSM=1, POPTS_IXSM=1)))


@tried("CVE-2024-3567 an SCTP checksum in a packet that is too short", {TX_LENGTHS: 3})
def _(guest: RawGuest) -> None:
    for length in (14, 34, 45):
        send(guest, context(l4t=L4Type.SCTP), (AT, data(length, POPTS_TXSM=1)))


@tried("CVE-2020-27617 segmentation of what is no IP")
def _(guest: RawGuest) -> None:
    guest.poke(BUFFERS, bytes(12) + b"\xff\xff" + bytes(300))
    send(guest, context(), (AT, data(254, PAYLEN=200, **TSO)))


@tried("CVE-2020-16092 CVE-2020-11102 pieces that are not there, lengths beyond any frame", {TX_BUFFER: 3}, 3)
def _(guest: RawGuest) -> None:
    send(guest, (AT, data(60, DCMD_EOP=0)), (BAR, data(60)))
    send(guest, (IOVA + MEMORY_BYTES - 10, data(60)))
    send(guest, (2**64 - 16, data(64)), (AT, data(0xFFFF)))


@tried("CVE-2021-3416 CVE-2015-7504 loopback that feeds itself", {RX_BUFFER: 3}, 3)
def _(guest: RawGuest) -> None:
    guest.write(HLREG0, int(HLREG0.of(LPBK=1, TXCRCEN=1)))  # with the FCS
    guest.poke(BUFFERS, struct.pack("<QQ", AT, data(1024)) * 64)
    for buffer in (IOVA + TX_RING, IOVA + RX_RING, AT):
        receive(guest, buffer, 1024)
        for n in range(40):
            guest.write(TDT, n * 7 % 64)
            guest.write(RDT, n * 5 % 64)


@tried("CVE-2021-20203 rings at the end of the address space", {RX_RING_LOST: 1, TX_RING_LOST: 1}, 2)
def _(guest: RawGuest) -> None:
    send(guest, (AT, data(100)), base=2**64 - 128, len_bytes=LONGEST_RING)
    guest.rx_ring(base=2**64 - 128, len_bytes=LONGEST_RING)
    guest.write(RDT, 9)


@tried("CVE-2021-3748 memory unmapped while it is in use, and a reset while a packet is half sent")
def _(guest: RawGuest) -> None:
    packet = (AT, data(16000, PAYLEN=16000 - 54, **TSO))
    for end in (lambda: guest.client.unmap(IOVA, MEMORY_BYTES), guest.flr, lambda: guest.client.call(RESET)):
        guest.open()
        send(guest, context(1), packet)
        end()
        guest.read(TDH)
        if end.__name__ != "flr":
            guest.client.call(DMA_UNMAP, struct.pack("<IIQQ", 24, 0, IOVA, MEMORY_BYTES))
            guest.client.map(guest.fd, IOVA, MEMORY_BYTES)
            guest.master()


@tried("CVE-2020-13754 the MSI-X table and around it")
def _(guest: RawGuest) -> None:
    for at in (0, 1, 11, 12, 15, 16 * 63 + 12, PBA - 4, PBA, PBA + 7, MSIX_BYTES - 1):
        guest.client.write(4, at, b"\xff" * min(7, MSIX_BYTES - at))
    before = guest.client.read(4, PBA, 8)
    guest.client.write(4, PBA, b"\xff" * 8)
    assert guest.client.read(4, PBA, 8) == before, "pending bits are read-only"
    assert guest.client.read(4, 12, 4) == b"\1\0\0\0", "of Vector Control there is one bit"
    for at, count in ((MSIX_BYTES - 4, 8), (MSIX_BYTES, 4), (2**63, 4), (2**64 - 4, 8)):
        assert error_of(guest.client.read, 4, at, count) == "EINVAL"
        assert error_of(guest.client.write, 4, at, bytes(count)) == "EINVAL"


@tried("CVE-2013-4544 vectors and queues that are too many")
def _(guest: RawGuest) -> None:
    guest.write(GPIE, int(GPIE.of(MSIX_MODE=1)))
    guest.write(EIMS, 0xFFFF_FFFF)
    for n in range(IVAR.count):
        guest.write(IVAR, 0xFFFF_FFFF, n)
    guest.write(IVAR_MISC, 0xFFFF_FFFF)
    guest.write(EICS, 0xFFFF_FFFF)
    receive(guest, AT)
    for start, count in ((63, 2), (2**32 - 1, 2), (0, 2**32 - 1)):
        assert error_of(guest.client.irqs, MSIX, start, [], count=count) == "EINVAL"


@tried("CVE-2024-6505 queues that a table names")
def _(guest: RawGuest) -> None:
    guest.write(MRQC, int(MRQC.of(MRQE=1)) | 0xFFFF_0000)
    for n in range(RETA.count):
        guest.write(RETA, 0xFFFF_FFFF, n)
    receive(guest, AT)


@tried("CVE-2015-8743 the window in I/O space")
def _(guest: RawGuest) -> None:
    for at in (0x1FFFC, 0x20000, 0x7FFFC, 0x80000, 0xFFFF_FFFC, 0xFFFF_FFFF, 3):
        guest.client.write32(2, 0, at)
        guest.client.read32(2, 4)
        guest.client.write32(2, 4, 0xFFFF_FFFF)
        guest.client.read(2, 5, 3)


@tried("mailbox, virtual functions, semaphores and EEPROM, which no public number names")
def _(guest: RawGuest) -> None:
    for n in range(PFMAILBOX.count):
        guest.write(PFMAILBOX, 0xFFFF_FFFF, n)
    for n in range(VFLRE.count):
        guest.write(VFLRE, 0xFFFF_FFFF, n)
    for _ in range(100):
        guest.read(SWSM)
    for address in (0, 0x3FFF, 0xFFFF_FFFF):
        guest.write(EERD, int(EERD.of(START=1)) | address)
        guest.read(EERD)


UNTOUCHED = BUFFERS + 0x10_0000  # of the guest's memory, to its end: nobody may write there
PATTERN = b"\xa5" * (MEMORY_BYTES - UNTOUCHED)
WHEN_MEMORY_GOES = "CVE-2021-3748"  # the ring may still be running then, or not


def stopped(before: dict[str, Any], after: dict[str, Any]) -> dict[str, int]:
    """How often queues stopped in between, by the words of the report."""
    counts = {words: count for _, words, count in after["stalls"]}
    for _, words, count in before["stalls"]:
        counts[words] -= count
    return {words: count for words, count in counts.items() if count}


@pytest.mark.parametrize("name", TRIES, ids=lambda name: re.sub(r"[^\w-]+", "-", name)[:60])
def test_a_bug_of_other_nics(device: Device, guest: RawGuest, name: str) -> None:
    wanted = TRIES[name]
    guest.poke(UNTOUCHED, PATTERN)
    before = device.report()
    wanted.do(guest)
    after = device.report()
    moved = {name: after["counters"][name] - before["counters"][name] for name in after["counters"]}
    seen = stopped(before, after)
    if not name.startswith(WHEN_MEMORY_GOES):
        assert sum(seen.values()) == moved["stalls"] == sum(wanted.stops.values())
        for words, count in wanted.stops.items():
            assert sum(n for text, n in seen.items() if re.search(words, text)) == count, (words, seen)
        assert moved["dma_errors"] == wanted.dma_errors
    assert moved["handler_errors"] == moved["slow_answers"] == 0
    assert guest.memory[UNTOUCHED:] == PATTERN
    guest.alive()
    assert guest.memory[UNTOUCHED:] == PATTERN
    assert device.report()["client"] is True
    assert "Traceback" not in device.error_text()


@pytest.mark.parametrize("jumbo", [False, True])
def test_cve_2012_6075_frames_of_any_length_from_the_wire(tmp_path: Path, jumbo: bool) -> None:
    """Large frames on the wire were what ended most of QEMU's NICs (CVE-2015-7512, CVE-2018-10839, CVE-2018-17963)."""
    lengths = [0, 1, 13, 14, 59, 60, 1514, 1523, 9000, 16384, 16385, 65535, 65549, 262144]
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
    capture = tmp_path / "in.pcap"
    records = [struct.pack("<IIII", 0, 0, length, length) + bytes(length) for length in lengths]
    capture.write_bytes(header + b"".join(records))
    with Device(tmp_path, "--pcap", f"{capture},", "--sfp", "none") as device, RawGuest(device.path) as guest:
        guest.poke(UNTOUCHED, PATTERN)
        guest.open(loop=False)
        guest.write(HLREG0, int(HLREG0.of(TXPADEN=1, RXCRCSTRP=1, JUMBOEN=int(jumbo))))
        guest.write(MAXFRS, int(MAXFRS.of(MFS=LONGEST_FRAME)))
        guest.descriptors(RX_RING, *[(AT, 0)] * 63)
        guest.rx_ring()
        guest.write(RDT, 63)
        device.ask(sfp="sr")  # light: only now the wire brings anything
        until(lambda: device.report()["port"]["rx_frames"] == FIT, "all frames that fit are there")
        taken = [60, 60, 60, 1514, *([1523, 9000, 16384] if jumbo else [])]
        until(lambda: len(received(guest)) == len(taken), "they are in the ring")
        assert received(guest) == taken
        report = device.report()
        assert report["port"]["rx_dropped"] == len(lengths) - FIT
        assert guest.read(ROC) == FIT - len(taken)
        assert (report["counters"]["dma_errors"], report["counters"]["stalls"]) == (0, 0)
        assert guest.memory[UNTOUCHED:] == PATTERN
        guest.alive()


LONGEST_FRAME = 0xFFFF  # MAXFRS
FIT = 7  # of these frames: from an Ethernet header to what a port's slot holds


def received(guest: RawGuest) -> list[int]:
    """Length of each whole frame in the Rx ring."""
    lengths, length = [], 0
    for at in range(RX_RING, RX_RING + 63 * 16, 16):
        writeback = RXD(struct.unpack_from("<Q", guest.memory, at + 8)[0])
        if not writeback.STAT_DD:
            break
        length += writeback.LENGTH
        if writeback.STAT_EOP:
            lengths.append(length)
            length = 0
    return lengths


def test_what_a_client_maps_of_the_tails_is_no_way_to_more(device: Device) -> None:
    """Shared doorbells: nothing but tail pages, and no store there ends the device (the class of CVE-2021-3750)."""
    with RawGuest(device.path) as guest:
        _, _, areas, fds = guest.client.region_info(0)
        guest.open()
        for fd in fds:
            for offset, length in areas:
                with mmap.mmap(fd, length, offset=offset) as page:
                    for at in range(0, length, 4):
                        page[at : at + 4] = b"\xff\xff\xff\xff"
                    guest.read(TDH)
                    page[:] = bytes(length)
            os.close(fd)
        guest.alive()
