# SPDX-License-Identifier: BSD-3-Clause
"""What people are told about receive: rings, why a queue stands still, filters."""

import pytest

from device.i82599.fdir.block import Fdir
from device.i82599.filters.block import Filters
from device.i82599.ring import Ring
from device.i82599.rss.block import Rss
from device.i82599.rx.block import Rx
from device.regs.i82599 import (
    FCTRL,
    FDIRCMD,
    FDIRCTRL,
    FDIRHASH,
    FDIRIPDA,
    FDIRIPSA,
    FDIRPORT,
    MRQC,
    RAH,
    RAL,
    RDBAH,
    RDLEN,
    RDT,
    RETA,
    SRRCTL,
    VFTA,
    VLNCTRL,
)
from device.regs.i82599.fdir import FdirCmd, FdirL4Type
from tests.rigs.rx import IOVA, Rig


def test_rings(rig: Rig) -> None:
    rig.ring(5, 16).post(9)
    rig.receive(bytes(60), bytes(60))
    block = Rx(rig.rf, rig.nic)
    block.reset(software=True)
    assert block.rings() == [Ring(queue=5, iova=IOVA, count=16, head=0, tail=9, stall="")]
    assert block.rings()[0].waiting == 9
    assert Ring(queue=0, iova=0, count=8, head=0, tail=8, stall="").waiting == 0
    assert block.explain(5) == ""


@pytest.mark.parametrize(
    ("register", "value", "tail", "words"),
    [
        (RDBAH, 0xFF, 4, "8 descriptors at 0xff00000000, is not mapped"),
        (RDLEN, 0, 4, "RDLEN is 0x0: write a multiple of 128"),
        (RDLEN, 128, 300, "RDT 300 or RDH 0 lies beyond the 8 descriptors"),
        (SRRCTL, 0, 4, "gives buffers no size"),
    ],
)
def test_why_a_queue_stands_still(rig: Rig, register: type[RDLEN], value: int, tail: int, words: str) -> None:
    rig.ring(0, 8)
    rig.write(register, value)
    rig.write(RDT, tail)
    rig.receive(bytes(60))
    assert words in Rx(rig.rf, rig.nic).explain(0)
    assert Rx(rig.rf, rig.nic).rings()[0].stall


def test_a_bad_buffer_is_named(rig: Rig) -> None:
    rig.ring(0, 8).post(4, address=0x10)
    rig.receive(bytes(60))
    assert "buffer of descriptor 0" in Rx(rig.rf, rig.nic).explain(0)


def test_filter_rows(rig: Rig) -> None:
    block = Filters(rig.rf)
    block.reset(software=False)
    rig.write(FCTRL, FCTRL.of(BAM=1))
    rig.write(RAL, 0x82000002, 7)
    rig.write(RAH, RAH.of(RAH=0x9059, AV=1), 7)
    rig.write(VLNCTRL, VLNCTRL.of(VFE=1))
    rig.write(VFTA, 0x8000_0001, 127)
    rig.write(MRQC, MRQC.of(MRQE=1))
    rig.write(RETA, RETA.of(ENTRY1=3), 4)
    rig.write(FDIRCTRL, 0x4A067F31)
    rig.write(FDIRIPSA, 0x0100000A)
    rig.write(FDIRIPDA, 0x0200000A)
    rig.write(FDIRPORT, FDIRPORT.of(SOURCE=7, DESTINATION=9))
    rig.write(FDIRHASH, FDIRHASH.of(SIG_SW_INDEX=44))
    rig.write(FDIRCMD, FDIRCMD.of(CMD=FdirCmd.ADD_FLOW, L4TYPE=FdirL4Type.UDP, QUEUE_EN=1, RX_QUEUE=3))
    rig.write(FDIRHASH, FDIRHASH.of(SIG_SW_INDEX=45))
    rig.write(FDIRCMD, FDIRCMD.of(CMD=FdirCmd.ADD_FLOW, IPV6=1, DROP=1))
    assert (Rss(rig.rf).describe(), rig.nic.c.fdir.used) == ("RSS over 2", 2)
    assert block.rows() == {
        "addresses": "02:00:00:82:59:90",
        "all of": "BAM",
        "multicast bits": "0",
        "vlans": "2 of 4096",
    }
    assert block.vlans() == [4064, 4095]
    udp, gone = Fdir(rig.nic).flows()
    assert (udp.name, udp.match, udp.queue, udp.drops) == (44, "10.0.0.1 -> 10.0.0.2 UDP 7 -> 9", 3, False)
    assert (gone.name, gone.queue, gone.drops) == (45, None, True)
