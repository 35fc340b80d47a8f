# SPDX-License-Identifier: BSD-3-Clause
"""Which TCP flags a segment keeps is software's choice: DTXTCPFLGL for the first and the middle ones, DTXTCPFLGH."""

from collections.abc import Iterator

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from device.regs.i82599 import DTXTCPFLGH, DTXTCPFLGL
from tests.rigs.tx import TxRig, context_desc, data_desc, options, rig
from tests.twins import tso as twin
from tests.twins.tso import Offload

MSS = 100
HOW = Offload(mss=MSS, l4t=twin.TCP, txsm=False)
ALL_FLAGS = 0x1FF  # NS CWR ECE URG ACK PSH RST SYN FIN
OFFSET_BYTES = 20


@pytest.fixture
def tx() -> Iterator[TxRig]:
    with rig(count=16) as made:
        yield made


def segment(tx: TxRig, payload_bytes: int, flags: int) -> list[TCP]:
    """The TCP headers that leave when a packet of that payload is cut up."""
    ether = Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02")
    frame = bytes(ether / IP(src="192.0.2.1", dst="192.0.2.2") / TCP(flags=flags) / Raw(bytes(payload_bytes)))
    tx.post(context_desc(HOW), data_desc(tx.buffer(frame), len(frame), **options(HOW, payload_bytes, tse=True)))
    while tx.run():
        pass
    return [Ether(left)[TCP] for left in tx.wire()]


def kept(tx: TxRig, payload_bytes: int, flags: int = ALL_FLAGS) -> list[int]:
    headers = segment(tx, payload_bytes, flags)
    assert [header.dataofs * 4 for header in headers] == [OFFSET_BYTES] * len(headers)
    return [int(header.flags) for header in headers]


def test_after_reset_fin_and_psh_end_the_last_and_cwr_begins_the_first(tx: TxRig) -> None:
    assert kept(tx, 4 * MSS) == [0x1F6, 0x176, 0x176, 0x17F]


@pytest.mark.parametrize(("first", "middle", "last"), [(0x002, 0x010, 0x001), (0x0FF, 0x000, 0x100), (0, 0x1FF, 0)])
def test_each_mask_holds_for_its_own_segments(tx: TxRig, first: int, middle: int, last: int) -> None:
    tx.write(DTXTCPFLGL, DTXTCPFLGL.of(FIRST=first, MIDDLE=middle))
    tx.write(DTXTCPFLGH, DTXTCPFLGH.of(LAST=last))
    assert kept(tx, 5 * MSS) == [first, middle, middle, middle, last]
    assert kept(tx, MSS + 1) == [first, last]


def test_a_mask_adds_no_flag(tx: TxRig) -> None:
    tx.write(DTXTCPFLGL, DTXTCPFLGL.of(FIRST=0xFFF, MIDDLE=0xFFF))
    tx.write(DTXTCPFLGH, DTXTCPFLGH.of(LAST=0xFFF))
    assert kept(tx, 3 * MSS, flags=0x018) == [0x018] * 3


def test_one_segment_is_the_first_and_the_last(tx: TxRig) -> None:
    tx.write(DTXTCPFLGL, DTXTCPFLGL.of(FIRST=0x080, MIDDLE=0x004))
    tx.write(DTXTCPFLGH, DTXTCPFLGH.of(LAST=0x001))
    assert kept(tx, MSS) == [0x081]
