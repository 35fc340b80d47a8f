# SPDX-License-Identifier: BSD-3-Clause
"""A queue that stops: one line in the log with registers, their values and what to do, and a row in the report."""

import logging
import mmap
from collections.abc import Iterator

import pytest

from device.i82599.card import Card
from device.i82599.tx.block import Tx
from device.machine.wire import LoopbackPort
from device.regs.i82599 import (
    DMATXCTL,
    FCTRL,
    RDBAH,
    RDLEN,
    RDT,
    RXCTRL,
    RXDCTL,
    SRRCTL,
    TDBAH,
    TDBAL,
    TDLEN,
    TDT,
    TXDCTL,
    Register,
)
from device.regs.i82599.desc import TXDADV
from tests.rigs.tx import TxRig, context_desc, data_desc, rig
from tests.twins.tso import Offload

IOVA = 0x4000_0000
NOWHERE = 0x9_0000_0000


@pytest.fixture
def nic() -> Iterator[Card]:
    with LoopbackPort() as port, Card(port=port) as made:
        made.pf.dma_add(IOVA, 1 << 20, mmap.mmap(-1, 1 << 20))
        made.pf.bus_master = True
        yield made


def put(nic: Card, register: type[Register], value: int, n: int = 0) -> None:
    nic.regs.write(register.offset(n), int(value))


def start_rx(nic: Card, queue: int, iova: int, len_bytes: int = 1024) -> None:
    put(nic, RXCTRL, RXCTRL.of(RXEN=1))
    put(nic, RXDCTL, 0, queue)
    put(nic, RDBAH, iova >> 32, queue)
    put(nic, RDLEN, len_bytes, queue)
    put(nic, SRRCTL, SRRCTL.of(BSIZEPACKET=2, DESCTYPE=1), queue)
    put(nic, RXDCTL, RXDCTL.of(ENABLE=1), queue)
    put(nic, RDT, 7, queue)


def start_tx(nic: Card, queue: int, iova: int) -> None:
    put(nic, DMATXCTL, DMATXCTL.of(TE=1))
    put(nic, TXDCTL, 0, queue)
    put(nic, TDBAL, iova & 0xFFFF_FFFF, queue)
    put(nic, TDBAH, iova >> 32, queue)
    put(nic, TDLEN, 1024, queue)
    put(nic, TXDCTL, TXDCTL.of(ENABLE=1), queue)
    put(nic, TDT, 3, queue)


def test_each_queue_and_stall_is_told_once_with_registers_and_a_remedy(
    nic: Card, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            start_rx(nic, 3, 0xAB_0000_0000)
            start_tx(nic, 70, 0xCD_0000_0000)
            nic.step()
        start_rx(nic, 5, 0, len_bytes=0)
        nic.step()
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 3
    assert said[0].startswith("Rx queue 3 stands still: its ring, 64 descriptors at 0xab00000000, is not mapped")
    assert "clear RXDCTL.ENABLE and set it again" in said[0]
    assert said[1].startswith("Tx queue 70 stands still: its ring, 64 descriptors at 0xcd00000000, is not mapped")
    assert "clear TXDCTL.ENABLE and set it again" in said[1]
    assert "Rx queue 5 stands still: RDLEN is 0x0" in said[2]
    assert nic.report().stalls == [("rx[3]", said[0], 3), ("rx[5]", said[2], 1), ("tx[70]", said[1], 3)]
    assert nic.report().faults == nic.report().stalls, "their older name"
    assert nic.core.counters()["stalls"] == nic.core.counters()["faults"] == 7


def test_the_report_has_rings_and_filters(nic: Card) -> None:
    put(nic, FCTRL, FCTRL.of(UPE=1))
    start_rx(nic, 1, 0)
    put(nic, RXCTRL, 0)
    start_tx(nic, 2, IOVA)
    report = nic.report()
    assert report.rings == [("rx[1]", "0x0", 64, 0, 7, 7), ("tx[2]", "0x40000000", 64, 0, 3, 3)]
    assert report.filters["all of"] == "UPE"
    assert report.filters["addresses"]


def test_an_explanation_that_fails_is_a_log_line_and_a_plain_word(nic: Card, caplog: pytest.LogCaptureFixture) -> None:
    nic.core.stalls.explainers["rx"] = lambda queue: str(1 // (queue - queue))
    start_rx(nic, 3, 0xAB_0000_0000)
    nic.step()
    assert nic.report().stalls == [("rx[3]", "Rx queue 3 stands still: ring unmapped", 1)]
    assert "explaining rx queue 3 failed" in caplog.text


def bad_tail(tx: TxRig) -> None:
    tx.write(TDT, 8)


def bad_buffer(tx: TxRig) -> None:
    tx.post(data_desc(NOWHERE, 100))


def bad_type(tx: TxRig) -> None:
    tx.post((tx.buffer(bytes(100)), int(TXDADV.of(DTALEN=100, DTYP=7, DCMD_DEXT=1, DCMD_EOP=1))))


def bad_context(tx: TxRig) -> None:
    tx.post(data_desc(tx.buffer(bytes(100)), 100, POPTS_IXSM=1, IDX=2))


def bad_mss(tx: TxRig) -> None:
    how = Offload(mac_len=14, ip_len=20, l4_len=20, mss=0, l4t=1, ipv4=True)
    tx.post(context_desc(how), data_desc(tx.buffer(bytes(200)), 200, DCMD_TSE=1, PAYLEN=146))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (bad_tail, "TDT 8 or TDH 0 lies beyond the 8 descriptors of TDLEN"),
        (bad_buffer, "the packet at descriptor 0 has a buffer outside memory"),
        (bad_type, "no known type"),
        (bad_context, "wants a context that was never loaded"),
        (bad_mss, "(context 0: MSS 0, L4LEN 20)"),
    ],
)
def test_what_is_said_of_a_transmit_queue(spoil: object, words: str) -> None:
    assert callable(spoil)
    with rig() as tx:
        block = Tx(tx.regs, tx.nic)
        assert block.explain(0) == ""
        spoil(tx)
        tx.run()
        assert words in block.explain(0)
        assert block.explain(0).startswith("Tx queue 0 stands still: ")
        assert "set it again" in block.explain(0)
        assert block.rings()[0].stall
