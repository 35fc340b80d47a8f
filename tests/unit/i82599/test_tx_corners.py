# SPDX-License-Identifier: BSD-3-Clause
"""Corners of transmit descriptors: reports that are asked for before the end of a packet, and frames whose FCS is
software's: a packet generator that sends damaged frames on purpose, or one that replays a capture with its FCS."""

import binascii
from collections.abc import Iterator

import pytest

from device.i82599.card import Card
from device.regs.i82599 import CRCERRS, DMATXCTL, GPRC, GPTC, HLREG0, RXCTRL, TDH, TDT, TDWBAH, TDWBAL, TXDCTL
from tests.rigs.tx import IOVA, TxRig, context_desc, data_desc, legacy_desc, rig
from tests.twins.tso import Offload

IFCS = 1 << 25
FRAME = (bytes.fromhex("ffffffffffff020000000002") + b"\x88\xb5" + bytes(range(80))).ljust(100, b"\0")
RS = 1 << 27


@pytest.fixture
def tx() -> Iterator[TxRig]:
    with rig(32) as made:
        yield made


def fcs(frame: bytes) -> bytes:
    return binascii.crc32(frame).to_bytes(4, "little")


def pieces(tx: TxRig, frame: bytes, cuts: int, reports: int, *, legacy: bool = False) -> list[tuple[int, int]]:
    """The frame in so many descriptors; bit n of ``reports``: RS in descriptor n."""
    at, size = tx.buffer(frame), len(frame) // cuts
    make = legacy_desc if legacy else data_desc
    made = []
    for n in range(cuts):
        last = n == cuts - 1
        iova, q1 = make(at + n * size, len(frame) - n * size if last else size, eop=last)
        made.append((iova, q1 & ~RS | (RS if reports >> n & 1 else 0)))
    return made


@pytest.mark.parametrize("legacy", [False, True], ids=["advanced", "legacy"])
@pytest.mark.parametrize("reports", [0b0001, 0b0101, 0b1111, 0b1000, 0])
def test_reports_before_the_end(tx: TxRig, reports: int, legacy: bool) -> None:
    tx.post(*pieces(tx, FRAME, 4, reports, legacy=legacy))
    tx.run()
    assert tx.wire() == [FRAME]
    assert [tx.done(n) for n in range(4)] == [bool(reports >> n & 1) for n in range(4)]
    assert (tx.read(TDH), tx.stall()) == (4, 0)


def test_no_report_before_the_packet_has_left(tx: TxRig) -> None:
    descs = pieces(tx, FRAME, 4, 0b1111)
    tx.post(*descs[:3])
    tx.run()
    assert [tx.done(n) for n in range(4)] == [False] * 4
    tx.post(descs[3])
    tx.run()
    assert [tx.done(n) for n in range(4)] == [True] * 4


def test_a_report_in_the_middle_writes_the_head_back(tx: TxRig) -> None:
    tx.write(TXDCTL, 0)
    tx.write(TDWBAL, (IOVA + 0x100000) & 0xFFFFFFFF | 1)
    tx.write(TDWBAH, IOVA >> 32)
    tx.enable(0, 32)
    tx.post(*pieces(tx, FRAME, 3, 0b001))
    tx.run()
    assert int.from_bytes(tx.memory[0x100000:0x100004], "little") == 3


def test_reports_of_a_segmented_packet(tx: TxRig) -> None:
    data = FRAME.ljust(54 + 5000, b"x")
    first, second = tx.buffer(data[:2000]), tx.buffer(data[2000:])
    tx.post(
        context_desc(Offload(mss=1000)),
        (data_desc(first, 2000, eop=0, DCMD_TSE=1, POPTS_TXSM=1, PAYLEN=5000)[0],
         data_desc(first, 2000, eop=0, DCMD_TSE=1, POPTS_TXSM=1, PAYLEN=5000)[1] | RS),
        data_desc(second, 3054, rs=0),
    )  # fmt: skip
    tx.run()
    assert len(tx.wire()) == 5
    assert [tx.done(n) for n in range(3)] == [False, True, False]


@pytest.mark.parametrize("by", ["IFCS", "TXCRCEN"])
@pytest.mark.parametrize("legacy", [False, True], ids=["advanced", "legacy"])
@pytest.mark.parametrize("right", [True, False])
def test_a_frame_with_its_own_fcs(tx: TxRig, by: str, legacy: bool, right: bool) -> None:
    whole = FRAME + (fcs(FRAME) if right else b"\xde\xad\xbe\xef")
    off = IFCS if by == "IFCS" else 0
    if by == "TXCRCEN":
        tx.write(HLREG0, tx.read(HLREG0) & ~1)
    make = legacy_desc if legacy else data_desc
    iova, q1 = make(tx.buffer(whole), len(whole))
    tx.post((iova, q1 & ~off))
    if by == "IFCS":
        tx.send(FRAME)
    tx.run()
    usual = [FRAME] if by == "IFCS" else []
    assert tx.wire() == ([FRAME] if right else []) + usual
    assert tx.read(GPTC) == right + len(usual)
    assert tx.port.counters()["tx_dropped"] == (0 if right else 1)
    assert tx.done(0)


@pytest.mark.parametrize("right", [True, False])
def test_our_own_receiver_sees_a_wrong_fcs(tx: TxRig, right: bool) -> None:
    tx.write(HLREG0, tx.read(HLREG0) & ~1 | HLREG0.of(LPBK=1))
    tx.write(RXCTRL, 1)
    tx.regs.write(0x05080, 0x700)
    tx.send(FRAME + (fcs(FRAME) if right else bytes(4)))
    tx.run()
    assert (tx.read(CRCERRS), tx.read(GPRC)) == ((0, 1) if right else (1, 0))


def test_what_the_device_changes_makes_the_own_fcs_wrong(tx: TxRig) -> None:
    """Drivers must set IFCS where a tag is put in; one that does not sends a damaged frame."""
    tx.post(context_desc(Offload(vlan=5)))
    whole = FRAME + fcs(FRAME)
    iova, q1 = data_desc(tx.buffer(whole), len(whole), DCMD_VLE=1)
    tx.post((iova, q1 & ~IFCS))
    tx.run()
    assert (tx.wire(), tx.port.counters()["tx_dropped"]) == ([], 1)


def test_a_short_one_is_not_padded(tx: TxRig) -> None:
    short = FRAME[:30] + fcs(FRAME[:30])
    iova, q1 = data_desc(tx.buffer(short), len(short))
    tx.post((iova, q1 & ~IFCS))
    tx.run()
    assert tx.wire() == [FRAME[:30]]


@pytest.mark.parametrize("size", [14, 17])
def test_one_that_has_no_room_for_an_fcs(tx: TxRig, size: int) -> None:
    iova, q1 = data_desc(tx.buffer(FRAME), size)
    tx.post((iova, q1 & ~IFCS))
    tx.run()
    assert (tx.wire(), bool(tx.stall()), tx.read(TDT)) == ([], True, 1)


def test_a_second_tag_is_said_to_be_stored(caplog: pytest.LogCaptureFixture) -> None:
    with Card() as card:
        card.regs.write(DMATXCTL.offset(), 0x81000009)
    assert "insertion of a second VLAN tag" in caplog.text
