# SPDX-License-Identifier: BSD-3-Clause
"""A guest may be wrong: random registers, descriptors and frames never crash, and never write outside DMA memory."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.machine.core import ffi, lib
from device.regs.i82599 import (
    FCTRL,
    FDIRCMD,
    FDIRCTRL,
    FDIRM,
    HLREG0,
    MAXFRS,
    MRQC,
    RDBAH,
    RDBAL,
    RDH,
    RDLEN,
    RDRXCTL,
    RDT,
    RETA,
    RSSRK,
    RXCSUM,
    RXDCTL,
    RXPBSIZE,
    SRRCTL,
    Register,
)
from tests.rigs.rx import IOVA, Rig

WORD = st.integers(0, 0xFFFF_FFFF)
NEAR = [IOVA, IOVA + 0x1000, IOVA + 0xFEF80, IOVA + 0xFF000, IOVA - 128]
ADDRESS = st.one_of(st.sampled_from([*NEAR, 0, 2**64 - 1, 2**64 - 128]), st.integers(IOVA, IOVA + 0xFFFFF))
QUEUE = {RDBAL, RDBAH, RDLEN, RDT, RDH, SRRCTL, RXDCTL}
WRITE: st.SearchStrategy[tuple[type[Register], int]] = st.one_of(
    st.tuples(st.sampled_from([RDLEN]), st.sampled_from([0, 1, 128, 256, 0x2000, 0xFFFFF])),
    st.tuples(st.sampled_from([RDT, RDH]), st.sampled_from([0, 1, 5, 7, 8, 15, 511, 0xFFFF])),
    st.tuples(st.just(RDBAL), st.sampled_from([address & 0xFFFF_FFFF for address in NEAR])),
    st.tuples(st.just(RDBAH), st.sampled_from([0, 1, 1, 1, 0xFFFF_FFFF])),
    st.tuples(st.just(RXDCTL), st.sampled_from([0, 1 << 25, 1 << 25, 1 << 25 | 1 << 30])),
    st.tuples(st.just(SRRCTL), st.sampled_from([0x02000001, 0x12000002, 0, 0x0A00001F, 0x00000402])),
    st.tuples(
        st.sampled_from(
            [FCTRL, MRQC, RXCSUM, HLREG0, RDRXCTL, MAXFRS, RXPBSIZE, FDIRCTRL, FDIRCMD, FDIRM, RSSRK, RETA]
        ),
        WORD,
    ),
)
TYPES = st.sampled_from([b"\x08\x00\x45", b"\x86\xdd\x60", b"\x81\x00\x00\x05\x08\x00\x45", b"\x88\x08\x00\x01", b""])
FRAME = st.builds(
    lambda kind, body, size: (bytes(12) + kind + body)[:size] + bytes(max(size - 12 - len(kind) - len(body), 0)),
    TYPES,
    st.binary(max_size=80),
    st.sampled_from([0, 1, 13, 14, 59, 60, 64, 100, 1514, 1518, 3000, 9000, 16384]),
)


QUICK = [HealthCheck.function_scoped_fixture]


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with Rig() as made:
        yield made


@settings(max_examples=200, deadline=None, suppress_health_check=QUICK)
@given(data=st.data())
def test_random_registers_descriptors_and_frames(rig: Rig, data: st.DataObject) -> None:
    rig.renew()
    for queue in (0, 1):
        rig.ring(queue, 16, slot=queue)
    sent = 0
    for _ in range(data.draw(st.integers(1, 12))):
        for register, value in data.draw(st.lists(WRITE, max_size=5)):
            rig.write(register, value, data.draw(st.integers(0, 1)) if register in QUEUE else 0)
        for slot, address in data.draw(st.lists(st.tuples(st.integers(0, 31), ADDRESS), max_size=8)):
            at = slot // 16 * 0x1000 + slot % 16 * 16
            rig.memory[at : at + 8] = address.to_bytes(8, "little")
        frames = data.draw(st.lists(FRAME, max_size=6))
        sent += len(frames)
        rig.receive(*frames)
        rig.drain()
    count = rig.count
    gone = count.rx_filtered + count.rx_no_desc + count.rx_fifo_full + count.rx_disabled
    assert count.rx_frames + gone + rig.nic.c.rx.fifo.frames == sent, "every frame is stored, waits, or is counted"
    assert rig.guards_whole()


@settings(deadline=None, suppress_health_check=QUICK)
@given(data=st.binary(max_size=300), double_vlan=st.integers(0, 1), mrqc=WORD)
def test_random_bytes_through_every_pure_function(rig: Rig, data: bytes, double_vlan: int, mrqc: int) -> None:
    exact = ffi.new("uint8_t[]", data) if data else ffi.new("uint8_t[]", 1)
    packet, kind, hit = ffi.new("struct packet *"), ffi.new("uint32_t *"), ffi.new("struct fdir_filter *")
    rig.write(MRQC, mrqc)
    lib.parse_frame(exact, len(data), double_vlan, packet)
    lib.rx_checksum_status(exact, len(data), packet)
    lib.rx_fragment_word(exact, len(data), packet)
    if len(data) >= 14:
        rig.write(FDIRCTRL, 0x4A1F7F31)
        rig.write(FDIRCMD, 1)
        lib.rss_hash(ffi.addressof(rig.nic.c, "rss"), exact, packet, kind)
        lib.filters_pass(ffi.addressof(rig.nic.c, "filters"), exact, len(data), packet)
        lib.fdir_match(ffi.addressof(rig.nic.c, "fdir"), exact, packet, hit)
