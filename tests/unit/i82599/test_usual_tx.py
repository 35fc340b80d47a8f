# SPDX-License-Identifier: BSD-3-Clause
"""Descriptors give the same frames, write-backs, counters and causes whichever of the two ways they go."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.machine.core import ffi, lib
from device.regs.i82599 import (
    DMATXCTL,
    FCTRL,
    HLREG0,
    MTQC,
    RTTBCNRC,
    RTTDQSEL,
    RXCTRL,
    TDBAL,
    TDLEN,
    TDWBAL,
    TXDCTL,
    Register,
)
from tests.rigs.tx import DESC_BYTES, IOVA, MEMORY_BYTES, Desc, context_desc, data_desc, legacy_desc
from tests.rigs.usual import difference
from tests.rigs.usual_tx import AT, COUNT, WB, Twins
from tests.twins.tso import Offload

TCP_OFFLOAD = Offload(mac_len=14, ip_len=20, ipv4=True, l4t=1, l4_len=20, mss=0, txsm=True)
UDP_OFFLOAD = Offload(mac_len=14, ip_len=20, ipv4=True, l4t=0, l4_len=8, mss=0, ixsm=True, txsm=True)

DESCS: dict[str, list[Desc]] = {
    "short": [data_desc(AT, 60)],
    "long": [data_desc(AT + 64, 1514)],
    "longest": [data_desc(AT + 128, 16384)],
    "not reported": [data_desc(AT, 64, rs=0)],
    "to be padded": [data_desc(AT, 59)],
    "no header": [data_desc(AT, 13)],
    "null": [data_desc(AT, 0)],
    "two pieces": [data_desc(AT, 30, eop=0), data_desc(AT + 30, 40)],
    "no end": [data_desc(AT, 64, eop=0)],
    "legacy": [legacy_desc(AT, 64)],
    "context": [context_desc(UDP_OFFLOAD)],
    "checksums": [context_desc(UDP_OFFLOAD), data_desc(AT, 64, POPTS_TXSM=1)],
    "all sums": [context_desc(UDP_OFFLOAD), data_desc(AT, 1000, POPTS_TXSM=1, POPTS_IXSM=1, CC=1)],
    "tcp sum, second context": [context_desc(TCP_OFFLOAD, 1), data_desc(AT, 65, POPTS_TXSM=1, IDX=1)],
    "sctp sum": [context_desc(replace(UDP_OFFLOAD, l4t=2)), data_desc(AT, 100, POPTS_TXSM=1)],
    "no such sum": [context_desc(replace(UDP_OFFLOAD, l4t=3)), data_desc(AT, 100, POPTS_TXSM=1)],
    "sum behind the end": [context_desc(replace(UDP_OFFLOAD, ip_len=300)), data_desc(AT, 100, POPTS_TXSM=1)],
    "header too short": [context_desc(replace(UDP_OFFLOAD, ip_len=4)), data_desc(AT, 100, POPTS_IXSM=1)],
    "no context": [data_desc(AT, 64, POPTS_TXSM=1, IDX=1)],
    "no such context": [data_desc(AT, 64, POPTS_TXSM=1, IDX=3)],
    "context to be reported": [context_desc(UDP_OFFLOAD, rs=True), *[data_desc(AT, 64)] * 2],
    "sums, to be padded": [context_desc(UDP_OFFLOAD), data_desc(AT, 50, POPTS_TXSM=1)],
    "tag": [context_desc(Offload(vlan=5)), data_desc(AT, 64, DCMD_VLE=1)],
    "segments": [data_desc(AT, 64, DCMD_TSE=1)],
    "stamp": [data_desc(AT, 64, MAC_TSTAMP=1)],
    "checks its context": [data_desc(AT, 64, CC=1)],
    "its own FCS": [(AT, data_desc(AT, 64)[1] & ~(1 << 25))],
    "unknown": [(AT, 1 << 29 | 1 << 20 | 1 << 24 | 64)],
    "nowhere": [data_desc(0x1000, 64)],
    "over the end": [data_desc(IOVA + MEMORY_BYTES - 32, 64)],
    "done already": [(AT, data_desc(AT, 64)[1] | 1 << 32)],
    "payload length": [data_desc(AT, 64, PAYLEN=64)],
}
SUMMED = {"checksums", "all sums", "tcp sum, second context", "sctp sum"}
USUAL = SUMMED | {"short", "long", "longest", "not reported", "done already", "payload length"}
WRITES: list[tuple[type[Register], int, int]] = [
    (HLREG0, 0, HLREG0.of(TXCRCEN=1, TXPADEN=1, RXCRCSTRP=1)),
    (HLREG0, 0, HLREG0.of(TXPADEN=1, RXCRCSTRP=1)),
    (DMATXCTL, 0, DMATXCTL.of(TE=1, VT=0x8100)),
    (DMATXCTL, 0, 0),
    (TDWBAL, 0, TDWBAL.of(HEAD_WB_EN=1) | WB & 0xFFFF_FFFF),
    (TDWBAL, 0, 0),
    (MTQC, 0, 0),
    (RTTDQSEL, 0, 0),
    (RTTBCNRC, 0, RTTBCNRC.of(RS_ENA=1, RF_INT=10)),
    (RTTBCNRC, 0, 0),
    (TDLEN, 0, COUNT * DESC_BYTES),
    (TDBAL, 0, IOVA & 0xFFFF_FFFF),
    (TXDCTL, 0, 0),
    (TXDCTL, 0, TXDCTL.of(ENABLE=1)),
]


@pytest.fixture(scope="module")
def made() -> Iterator[Twins]:
    twins = Twins()
    yield twins
    twins.close()


@pytest.fixture
def twins(made: Twins) -> Twins:
    made.renew()
    return made


@pytest.mark.parametrize("name", DESCS)
def test_each_kind(twins: Twins, name: str) -> None:
    before = twins.usual
    twins.post(*DESCS[name])
    twins.run()
    assert (twins.usual > before) == (name in USUAL | {"context to be reported"})


@pytest.mark.parametrize("name", sorted(set(DESCS) - USUAL))
def test_between_usual_ones(twins: Twins, name: str) -> None:
    """What is not usual ends a run of usual ones, and another run begins behind it."""
    before = twins.usual
    twins.post(*DESCS["short"] * 3, *DESCS[name], *DESCS["long"] * 3)
    twins.run()
    assert twins.usual - before >= 3


@pytest.mark.parametrize("budget", [1, 2, 5, 63, 64, 65])
def test_budgets(twins: Twins, budget: int) -> None:
    for _ in range(3):
        twins.post(*DESCS["short"] * 20)
        twins.post(*DESCS["long"] * 9, q=5)
        for _ in range(4):
            twins.run(budget)


def test_round_and_round(twins: Twins) -> None:
    for n in range(50):
        twins.post(*DESCS["short"] * (n % 7 + 1))
        assert len(twins.run()) == n % 7 + 1


def test_the_head_is_reported_instead(twins: Twins) -> None:
    twins.write(TDWBAL, TDWBAL.of(HEAD_WB_EN=1) | WB & 0xFFFF_FFFF)
    twins.post(*DESCS["short"] * 5)
    twins.run()
    assert twins.cards[0].memory[WB - IOVA] == 5
    assert not twins.cards[0].done(0)


STEP = st.one_of(
    st.tuples(st.just("post"), st.lists(st.sampled_from(sorted(DESCS)), min_size=1, max_size=10)),
    st.tuples(st.just("post"), st.lists(st.sampled_from(sorted(USUAL)), min_size=1, max_size=20)),
    st.tuples(st.just("post other"), st.lists(st.sampled_from(sorted(DESCS)), min_size=1, max_size=6)),
    st.tuples(st.just("write"), st.sampled_from(range(len(WRITES)))),
    st.tuples(st.just("run"), st.sampled_from([1, 3, 64, 1000])),
)


@given(st.lists(STEP, min_size=4, max_size=30))
@settings(max_examples=150, deadline=None)
def test_any_sequence(made: Twins, steps: list[tuple[str, object]]) -> None:
    """Descriptors of all kinds between writes to the registers that decide about them."""
    made.renew()
    for what, with_what in steps:
        if what == "write":
            assert isinstance(with_what, int)
            register, n, value = WRITES[with_what]
            made.write(register, value, n)
        elif what == "run":
            assert isinstance(with_what, int)
            made.run(with_what)
        else:
            assert isinstance(with_what, list)
            made.post(*(desc for name in with_what for desc in DESCS[name]), q=5 if what == "post other" else 0)
            made.run()


def test_a_plug_brings_back_the_same_with_and_without_its_slots(twins: Twins) -> None:
    """With a receiver that is on, frames that come back need not lie in the plug meanwhile; counts stay the same."""
    for card in twins.cards:
        card.port.state.keeps = 0
    before = [int(card.port.c.count.rx_frames) for card in twins.cards]
    for card in twins.cards:
        card.write(RXCTRL, RXCTRL.of(RXEN=1))
        card.write(FCTRL, FCTRL.of(UPE=1, MPE=1, BAM=1))
    twins.post(*DESCS["short"] * 5, *DESCS["two pieces"], *DESCS["long"] * 3)
    for card in twins.cards:
        for _ in range(3):
            lib.card_step(card.nic.c)
    usual, other = twins.cards
    assert difference(usual.nic, other.nic) == ""
    assert [int(card.port.c.count.rx_frames) - n for card, n in zip(twins.cards, before, strict=True)] == [9, 9]
    counts = [ffi.buffer(ffi.addressof(card.port.c, "count"))[:] for card in twins.cards]
    assert counts[0] == counts[1]


def test_a_plug_that_is_in_use_keeps_the_order(twins: Twins) -> None:
    """While a frame is under way in it, others go behind it."""
    card = twins.cards[0]
    data = ffi.new("uint8_t[]", 60)  # by a name, or it is gone before it is sent
    frame = ffi.new("struct frame *", {"data": data, "len_bytes": 60})
    assert lib.port_offer(card.port.c, frame, 1) == 1
    card.port.state.keeps = 0
    assert card.port.c.ops.loops(card.port.c, 4) == 0
    card.wire()
    assert card.port.c.ops.loops(card.port.c, 4) == 4
