# SPDX-License-Identifier: BSD-3-Clause
"""Counters as a driver meets them: frames go through rings, and registers are read over the bus."""

from collections.abc import Iterator

import pytest

from device.regs.i82599 import (
    GOTCL,
    PRC64,
    PRC127,
    PTC64,
    PTC127,
    QBRC_H,
    QBRC_L,
    RQSMR,
    TXDGBCH,
    TXDGBCL,
    TXDGPC,
)
from tests.rigs.rx import Rig
from tests.rigs.tx import TxRig, rig

FCS_BYTES = 4
HEADER = bytes.fromhex("020000000001 020000000002 88b5")


def frame(len_bytes: int) -> bytes:
    return HEADER.ljust(len_bytes, b"\x5a")


@pytest.fixture
def rx() -> Iterator[Rig]:
    with Rig() as made:
        made.ring(count=32).post(31)
        yield made


@pytest.fixture
def tx() -> Iterator[TxRig]:
    with rig(count=32) as made:
        yield made


# A minimal frame has 64 octets with its FCS, and a shorter one is padded to them; one octet more is the next class.
LENGTHS = [(14, 1, 0), (59, 1, 0), (60, 1, 0), (61, 0, 1)]


@pytest.mark.parametrize(("len_bytes", "minimal", "longer"), LENGTHS)
def test_64_octets_received(rx: Rig, len_bytes: int, minimal: int, longer: int) -> None:
    rx.receive(frame(len_bytes))
    assert (rx.read(PRC64), rx.read(PRC127)) == (minimal, longer)
    assert (rx.read(PRC64), rx.read(PRC127)) == (0, 0), "a read clears"


@pytest.mark.parametrize(("len_bytes", "minimal", "longer"), LENGTHS)
def test_64_octets_sent(tx: TxRig, len_bytes: int, minimal: int, longer: int) -> None:
    tx.send(frame(len_bytes))
    assert tx.run() == 1
    assert (tx.read(PTC64), tx.read(PTC127)) == (minimal, longer)
    assert (tx.read(PTC64), tx.read(PTC127)) == (0, 0), "a read clears"


def test_queue_octets_carry_into_their_high_half(rx: Rig) -> None:
    rx.write(RQSMR, RQSMR.of(MAP0=3))
    rx.rf.put(QBRC_L, 3, 2**32 - 100)
    rx.rf.put(QBRC_H, 3, 0x7)
    rx.receive(frame(60), frame(90))
    assert (rx.read(QBRC_L, 3), rx.read(QBRC_H, 3)) == (50, 0x8)
    assert (rx.read(QBRC_L, 3), rx.read(QBRC_H, 3)) == (0, 0), "each half clears when it is read"


def test_octets_that_dma_sent_are_those_that_left(tx: TxRig) -> None:
    for len_bytes in (14, 60, 1514):
        tx.send(frame(len_bytes))
    assert tx.run() == 3
    octets = 64 + 64 + 1514 + FCS_BYTES
    assert (tx.read(TXDGPC), tx.read(TXDGBCL), tx.read(TXDGBCH), tx.read(GOTCL)) == (3, octets, 0, octets)
    tx.nic.link_up = False
    tx.send(frame(60))
    assert (tx.run(), tx.read(TXDGPC), tx.read(TXDGBCL)) == (1, 0, 0)


def test_octets_that_dma_sent_carry_into_their_high_half(tx: TxRig) -> None:
    tx.regs.put(TXDGBCL, 0, 2**32 - 1)
    tx.send(frame(60))
    assert tx.run() == 1
    assert (tx.read(TXDGBCL), tx.read(TXDGBCH)) == (63, 1)
