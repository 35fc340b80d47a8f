# SPDX-License-Identifier: BSD-3-Clause
"""Whatever the registers of pools say: no frame goes back to its sender, to a pool that does not receive, or twice."""

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.i82599.core import QUEUES
from device.regs.i82599 import (
    CTRL_EXT,
    DMATXCTL,
    ETQF,
    ETQS,
    FCTRL,
    FTQF,
    HLREG0,
    L34TIMIR,
    MAXFRS,
    MCSTCTRL,
    MPSAR,
    MRCTL,
    MRQC,
    MTA,
    MTQC,
    PFDTXGSWC,
    PFQDE,
    PFVFSPOOF,
    PSRTYPE,
    RAH,
    RAL,
    RDBAH,
    RDBAL,
    RDH,
    RDLEN,
    RDT,
    RETA,
    RTRUP2TC,
    RXDCTL,
    SRRCTL,
    SYNQF,
    UTA,
    VFRE,
    VFTA,
    VFTE,
    VLNCTRL,
    VLVF,
    VLVFB,
    VMECM,
    VMOLR,
    VMRVLAN,
    VMRVM,
    VMTXSW,
    VMVIR,
    VT_CTL,
    Register,
)
from tests.rigs.pools import MODES, PoolRig
from tests.rigs.rx import IOVA, RING_SPACE

WORD = st.integers(0, 0xFFFF_FFFF)
FULL = st.one_of(st.sampled_from([0, 0xFFFF_FFFF, 1, 3, 0x5555_5555]), WORD)
ADDRESSES = [bytes.fromhex(text) for text in ("020000000001", "020000000002", "01005e000005", "ffffffffffff")]
MRQES, MTQCS = [mode for mode, _ in MODES.values()], [mtqc for _, mtqc in MODES.values()]
SHIFT = {0x8: 1, 0xB: 1, 0xA: 2, 0xD: 2, 0xC: 3}  # queues of a pool, as a power of two, by MRQC.MRQE
RINGS, RING_BYTES, RING_COUNT = 0x8000 + 0x1000, 0x80, 8

TABLES: list[type[Register]] = [MPSAR, VMOLR, VLVF, VLVFB, PFVFSPOOF, VMVIR, MRCTL, VMRVM, VMRVLAN, PSRTYPE, RETA, ETQF]
TABLES += [ETQS, FTQF, L34TIMIR, UTA, MTA, VFTA, VFRE, VFTE, VMTXSW, VMECM]
SINGLES: list[type[Register]] = [FCTRL, VLNCTRL, MCSTCTRL, MAXFRS, SYNQF, RTRUP2TC, CTRL_EXT]
USUAL = {VLNCTRL: [0, 0x4000_8100, 0x4000_8100], FTQF: [0x8000_0000 | 0x7C00_0000], VLVF: [0x8000_0005]}

WRITE: st.SearchStrategy[tuple[type[Register], int, int]] = st.one_of(
    st.tuples(st.sampled_from(TABLES), st.integers(0, 3), FULL),
    st.tuples(st.sampled_from(TABLES), st.integers(0, 255), FULL),
    st.tuples(st.sampled_from(SINGLES), st.just(0), FULL),
    st.sampled_from([(register, 0, value) for register, values in USUAL.items() for value in values]),
)
TAG = st.sampled_from([b"", b"\x81\x00\x00\x05", b"\x81\x00\xe0\x06", b"\x88\xa8\x00\x05\x81\x00\x00\x05"])
KIND = st.sampled_from(
    [b"\x88\xb5", b"\x88\x08\x00\x01\xff\xff", b"\x08\x00\x45" + bytes(6) + b"\x40\x11", b"\x02\x00"]
)
FRAME = st.builds(
    lambda to, of, tag, kind, size: (to + of + tag + kind).ljust(size, b"\0"),
    st.sampled_from([*ADDRESSES, bytes.fromhex("020000000009")]),
    st.sampled_from(ADDRESSES[:2]),
    TAG,
    KIND,
    st.sampled_from([20, 60, 64, 1000, 1514, 9000]),
)


@pytest.fixture(scope="module")
def card() -> Iterator[PoolRig]:
    with PoolRig() as made:
        yield made


def every_queue(card: PoolRig) -> None:
    """A ring for each, all of whose descriptors name the same buffer."""
    for at in range(RINGS, RINGS + QUEUES * RING_BYTES, 16):
        card.memory[at : at + 8] = (IOVA + RING_SPACE + 0x10000).to_bytes(8, "little")
    for queue in range(QUEUES):
        card.write(RDBAL, (IOVA + RINGS + queue * RING_BYTES) & 0xFFFF_FFFF, queue)
        card.write(RDBAH, IOVA >> 32, queue)
        card.write(RDLEN, RING_COUNT * 16, queue)
        card.write(SRRCTL, SRRCTL.of(BSIZEPACKET=16, DESCTYPE=1, DROP_EN=1), queue)
        card.write(RXDCTL, RXDCTL.of(ENABLE=1), queue)
        card.write(RDT, RING_COUNT - 1, queue)


def arrived(card: PoolRig) -> dict[int, int]:
    """Frames by queue since the last look."""
    new = {}
    for queue in range(QUEUES):
        head = int(card.rf.get(RDH, queue))
        if head != (int(card.rf.get(RDT, queue)) + 1) % RING_COUNT:
            new[queue] = (head - int(card.rf.get(RDT, queue)) - 1) % RING_COUNT
            card.write(RDT, (head - 1) % RING_COUNT, queue)
    return new


def has(card: PoolRig, register: type[Register], pool: int) -> bool:
    return bool(int(card.rf.get(register, pool // 32)) >> pool % 32 & 1)


def look(card: PoolRig, sender: int | None) -> None:
    """One frame came, or was sent by this pool: who has it now?"""
    new = arrived(card)
    shift = SHIFT.get(int(card.rf.get(MRQC)) & 0xF, 0)
    if not int(card.rf.get(VT_CTL)) & 1:
        return
    if not shift:
        assert sum(new.values()) <= 1, "queues that belong to no pool"
        assert sender is None or not new
        return
    pools: dict[int, int] = {}
    for queue, n in new.items():
        pools[queue >> shift] = pools.get(queue >> shift, 0) + n
    assert all(has(card, VFRE, pool) for pool in pools)
    assert set(pools.values()) <= {1}
    if sender is not None:
        assert sender not in pools or has(card, VMTXSW, sender)
        assert has(card, VFTE, sender)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_registers_and_frames(card: PoolRig, data: st.DataObject) -> None:
    card.renew()
    card.sent.clear()
    card.wire.all()
    every_queue(card)
    mrqe, mtqc = data.draw(st.sampled_from([*zip(MRQES, MTQCS, strict=True), (0x8, 0x6), (0xD, 0xB)]))
    card.write(VT_CTL, VT_CTL.of(VT_ENABLE=1, REPLEN=data.draw(st.integers(0, 1)), POOL=data.draw(st.integers(0, 63))))
    card.write(MRQC, mrqe | 0x00330000)
    card.write(MTQC, mtqc)
    card.write(PFDTXGSWC, 1)
    card.write(DMATXCTL, DMATXCTL.of(TE=1, VT=0x8100))
    card.write(HLREG0, HLREG0.of(TXPADEN=1, TXCRCEN=1, JUMBOEN=1))
    for n, address in enumerate(ADDRESSES):
        card.write(RAL, int.from_bytes(address[:4], "little"), n)
        card.write(RAH, RAH.of(RAH=int.from_bytes(address[4:], "little"), AV=1), n)
        card.bits(MPSAR, [data.draw(st.integers(0, 63)), n], n)
    for enables, half in itertools.product((VFRE, VFTE), range(2)):
        card.write(enables, data.draw(FULL), half)
    for pool in range(4):
        card.write(VMOLR, data.draw(FULL), pool)
    queue = data.draw(st.integers(0, QUEUES - 1))
    card.speak(queue)
    for _ in range(data.draw(st.integers(1, 6))):
        for register, n, value in data.draw(st.lists(WRITE, max_size=6)):
            card.write(register, value, n % register.count)
        frame = data.draw(FRAME)
        if data.draw(st.booleans()):
            card.receive(frame)
            look(card, None)
            continue
        card.send_from(queue, frame)
        if card.done(queue):
            look(card, queue >> (int(card.rf.get(MTQC)) >> 2 & 3))
        else:
            assert arrived(card) == {}, "it waits"
            break
    for value in (0, 0xFFFF_FFFF):
        card.write(PFQDE, value)
    assert card.guards_whole()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mrqc=WORD, mtqc=WORD, vt_ctl=WORD, pools=WORD, frame=FRAME)
def test_any_mode_at_all(card: PoolRig, mrqc: int, mtqc: int, vt_ctl: int, pools: int, frame: bytes) -> None:
    """MRQC and MTQC may say what they like, and not the same."""
    card.renew()
    card.sent.clear()
    every_queue(card)
    modes: dict[type[Register], int] = {VT_CTL: vt_ctl | 1, MRQC: mrqc, MTQC: mtqc, PFDTXGSWC: 1, DMATXCTL: 1}
    for mode, value in modes.items():
        card.write(mode, value)
    for table in (VFRE, VFTE, VMOLR):
        for n in range(table.count):
            card.write(table, pools, n)
    card.receive(frame)
    look(card, None)
    card.speak(5)
    card.send_from(5, frame)
    if mtqc & 2 and card.done(5):
        look(card, 5 >> (mtqc >> 2 & 3) if mtqc >> 2 & 3 else None)
    assert card.guards_whole()
