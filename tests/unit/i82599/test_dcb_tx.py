# SPDX-License-Identifier: BSD-3-Clause
"""Traffic classes on transmit: queue to class by MTQC, and who sends next, after what Linux's mqprio has ixgbe write
(ixgbe_dcb_hw_config_82599, ixgbe_setup_mtqc).  DPDK and FreeBSD write the same registers."""

from collections import Counter
from collections.abc import Iterator, Sequence

import pytest

from device.i82599.card import Card
from device.regs.i82599 import MTQC, RTTBCNRC, RTTDCS, RTTDQSEL, RTTDT2C, RTTPCS, RTTPT2C, TDH
from device.regs.i82599.tx import MtqcMode
from tests.rigs import dcb
from tests.rigs.tx import TxRig, context_desc, data_desc
from tests.twins.tso import Offload

FIRST = {4: (0, 64, 96, 112), 8: (0, 32, 64, 80, 96, 104, 112, 120)}
MAP4 = [0, 0, 1, 1, 2, 2, 3, 3]
COUNT = 960
TURN = 64


@pytest.fixture
def tx() -> Iterator[TxRig]:
    with TxRig() as made:
        yield made


def backlog(tx: TxRig, queues: Sequence[int], sizes: Sequence[int] = (1500,), n: int = COUNT - 1) -> None:
    """Frames of queue q begin with byte q."""
    for queue in queues:
        tx.enable(queue, COUNT)
        descs = [data_desc(tx.buffer(bytes([queue]) * size), size) for size in sizes]
        tx.post(*(descs * n)[:n], q=queue)


def sent(tx: TxRig, turns: int) -> list[tuple[int, int]]:
    """Queue and length of what left, in order."""
    left = []
    for _ in range(turns):
        tx.run(TURN)
        left += [(frame[0], len(frame)) for frame in tx.wire()]
    return left


def bytes_of(left: Sequence[tuple[int, int]]) -> Counter[int]:
    total: Counter[int] = Counter()
    for queue, size in left:
        total[queue] += size
    return total


@pytest.mark.parametrize("classes", [4, 8])
@pytest.mark.parametrize("sizes", [(1500,), (60, 1500, 9000), (16000,)], ids=["1500", "mixed", "jumbo"])
def test_mqprio_classes_share_by_their_credits(tx: TxRig, classes: int, sizes: Sequence[int]) -> None:
    refills = [50, 100, 25, 200, 50, 50, 10, 30][:classes]
    dcb.mqprio(tx, classes, MAP4, credits_of=refills)
    backlog(tx, FIRST[classes], sizes)
    left = sent(tx, 12)
    assert len(left) == 12 * TURN
    got = bytes_of(left)
    rounds = sum(got.values()) / sum(refills) / 64
    for queue, refill in zip(FIRST[classes], refills, strict=True):
        assert abs(got[queue] - rounds * refill * 64) <= 2 * max(*sizes, 64 * max(refills)), f"queue {queue}"


def test_queues_of_one_class_share_its_part(tx: TxRig) -> None:
    dcb.mqprio(tx, 4, MAP4, credits_of=[100, 50, 50, 50])
    queues = [0, 1, 63, 64]
    backlog(tx, queues)
    got = bytes_of(sent(tx, 10))
    part = sum(got.values()) / 150
    assert [round(got[queue] / part / 10) for queue in queues] == [3, 3, 3, 5]


@pytest.mark.parametrize("classes", [4, 8])
def test_a_strict_class_goes_first(tx: TxRig, classes: int) -> None:
    dcb.mqprio(tx, classes, MAP4, strict=[1, 3])
    queues = FIRST[classes][:4]
    backlog(tx, queues, n=100)
    order = [queue for queue, _ in sent(tx, 7)]
    assert order[:200] == [queues[3]] * 100 + [queues[1]] * 100
    assert Counter(order[200:]) == {queues[0]: 100, queues[2]: 100}


def test_a_class_without_frames_saves_nothing_up(tx: TxRig) -> None:
    dcb.mqprio(tx, 4, MAP4, credits_of=[50, 50, 50, 50])
    backlog(tx, [0])
    assert bytes_of(sent(tx, 5)) == {0: 5 * 64 * 1500}, "who is alone has all of it"
    backlog(tx, [64])
    got = bytes_of(sent(tx, 2))
    assert abs(got[0] - got[64]) <= 2 * 50 * 64


@pytest.mark.parametrize("plane", ["packet", "descriptor"])
def test_the_last_weighted_arbiter_decides(tx: TxRig, plane: str) -> None:
    tx.write(MTQC, MtqcMode.DCB_4TC)
    for tc, (inner, outer) in enumerate([(100, 50), (50, 100), (50, 50), (50, 50)]):
        tx.write(RTTDT2C, RTTDT2C.of(CRQ=inner, MCL=500), tc)
        tx.write(RTTPT2C, RTTPT2C.of(CRQ=outer, MCL=500), tc)
    tx.write(RTTDCS, RTTDCS.of(TDPAC=1, TDRM=1))
    if plane == "packet":
        tx.write(RTTPCS, RTTPCS.of(TPPAC=1, TPRM=1))
    backlog(tx, [0, 64])
    got = bytes_of(sent(tx, 10))
    more, less = (64, 0) if plane == "packet" else (0, 64)
    assert got[more] / got[less] == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize("missing", ["weights", "classes"])
def test_without_weights_or_classes_queues_take_turns(tx: TxRig, missing: str) -> None:
    dcb.mqprio(tx, 4, MAP4, credits_of=[10, 500, 10, 10])
    if missing == "classes":
        tx.write(MTQC, MtqcMode.Q64)
    else:
        tx.write(RTTDCS, 0)
        tx.write(RTTPCS, 0)
    backlog(tx, [0, 64])
    assert bytes_of(sent(tx, 10)) == {0: 5 * 64 * 1500, 64: 5 * 64 * 1500}


@pytest.mark.parametrize("register", [RTTDCS, RTTPCS])
def test_nothing_is_sent_while_an_arbiter_is_off(tx: TxRig, register: type[RTTDCS] | type[RTTPCS]) -> None:
    dcb.mqprio(tx, 4, MAP4)
    before = tx.read(register)
    tx.write(register, before | dcb.ARBDIS)
    backlog(tx, [0])
    assert sent(tx, 2) == []
    tx.write(register, before)
    assert len(sent(tx, 1)) == 64


def test_segments_pay_too(tx: TxRig) -> None:
    """A packet for TSO is cut by its class's credits, and goes on where it was."""
    dcb.mqprio(tx, 4, MAP4, credits_of=[25, 25, 25, 25])
    how = Offload(mss=1000)
    for queue in (0, 64):
        tx.enable(queue, 64)
        data = bytes([queue]) * (54 + 40_000)
        data_at = tx.buffer(data)
        desc = data_desc(data_at, len(data), DCMD_TSE=1, POPTS_IXSM=1, POPTS_TXSM=1, PAYLEN=40_000)
        tx.post(context_desc(how), desc, q=queue)
    order = [queue for queue, _ in sent(tx, 3)]
    assert Counter(order) == {0: 40, 64: 40}
    longest = max(len(run) for run in "".join("x" if queue else " " for queue in order).split())
    assert longest <= 2, "25 credits are 1,600 bytes"
    assert tx.done(1, 0)
    assert tx.done(1, 64)


def test_a_limited_queue_leaves_its_class_to_the_others(tx: TxRig) -> None:
    dcb.mqprio(tx, 4, MAP4)
    tx.nic.manual_clock(1_000_000_000)
    tx.write(RTTDQSEL, 0)
    tx.write(RTTBCNRC, 1 << 31 | 1000 << 14)
    backlog(tx, [0, 1, 64])
    got = bytes_of(sent(tx, 10))
    assert got[0] == 1500
    assert abs(got[1] - got[64]) <= 2 * 50 * 64 + 1500
    assert tx.read(TDH, 0) == 1


def test_strict_within_a_group_is_said_to_be_stored(caplog: pytest.LogCaptureFixture) -> None:
    with Card() as card:
        card.regs.write(RTTPT2C.offset(2), 1 << 30 | 50)
    assert "strict classes within a bandwidth group" in caplog.text
