# SPDX-License-Identifier: BSD-3-Clause
"""What drivers find after a reset and what they expect to read back; offsets and values are typed here on their own."""

from collections.abc import Iterator

import pytest

from device.i82599.card import Card
from device.machine.wire import LoopbackPort
from device.regs.i82599 import RDBAH, RDBAL, RDLEN, RDT, RXDCTL, SRRCTL
from tests.rigs.rx import IOVA, RING_SPACE, Rig

STATUS, LINKS, GIO, LINK_UP, LINKS_UP, NOT_DOWN = 0x00008, 0x042A4, 0x00080000, 0x80, 0x40000000, 0x80
RST, ADV_ONEBUF, DROP_EN, ENABLE = 0x04000000, 0x02000000, 0x10000000, 0x02000000


@pytest.fixture
def nic() -> Iterator[Card]:
    with Card(mac="02:00:00:82:59:90") as made:
        yield made


# Register, its offset, what is there after a reset, and who relies on it.
AFTER_RESET = [
    ("SRRCTL of queue 0", 0x01014, 0x00000402, "tinynf, ixgbevf's write of defaults"),
    ("SRRCTL of queue 15, old address", 0x0213C, 0x00000402, "Linux"),
    ("SRRCTL of queue 127", 0x0DFD4, 0x00000402, "tinynf"),
    ("DCA_RXCTRL of queue 0", 0x0100C, 0x0000B200, "tinynf, which clears bit 12"),
    ("DCA_RXCTRL of queue 127", 0x0DFCC, 0x0000B200, "the same"),
    ("DCA_TXCTRL of queue 0", 0x0600C, 0x00002A00, "ixgbevf's write of defaults"),
    ("DCA_TXCTRL of queue 127", 0x07FCC, 0x00002A00, "the same"),
    ("TFCS", 0x0CE00, 0x000000FF, "1 says that Tx is not paused"),
    ("STATUS", STATUS, GIO, "Linux"),
    ("LINKS", LINKS, 0, "Linux"),
    ("SECTXCTRL", 0x08800, 1, "FreeBSD and DPDK: a part without crypto"),
    ("SECRXCTRL", 0x08D00, 1, "the same"),
    ("PCS1GLSTA", 0x0420C, 0, "no 1G link: Linux's flow control asks for bit 16"),
    ("RDRXCTL", 0x02F00, 0x00100008, "bit 3: all drivers wait for it"),
    ("AUTOC", 0x042A0, 0x00006000, "Linux's loopback test wants what is not 0"),
    ("MAXFRS", 0x04268, 0x05EE0000, "1518 bytes"),
]


@pytest.mark.parametrize(("offset", "value"), [row[1:3] for row in AFTER_RESET], ids=[row[0] for row in AFTER_RESET])
def test_after_a_reset_of_either_kind(nic: Card, offset: int, value: int) -> None:
    assert nic.regs.read(offset) == value
    nic.regs.write(offset, ~value & 0xFFFFFFFF)
    nic.regs.write(0, RST)
    assert nic.regs.read(offset) == value
    nic.regs.write(offset, ~value & 0xFFFFFFFF)
    nic.reset(software=False)
    assert nic.regs.read(offset) == value


# Register, its offset, what a driver sets and finds again.
READ_BACK = [
    ("MRQC L3L4TXSWEN: DPDK with pools", 0x05818, 0x0000800A),
    ("GCR_EXT APBACD", 0x11050, 0x00000010),
    ("WUC of Linux's suspend", 0x05800, 0x00000012),
    ("WUFC of Linux's ethtool -s wol umbg", 0x05808, 0x0000001E),
]


@pytest.mark.parametrize(("offset", "value"), [row[1:] for row in READ_BACK], ids=[row[0] for row in READ_BACK])
def test_what_a_driver_sets_it_finds_again(nic: Card, offset: int, value: int) -> None:
    nic.regs.write(offset, value)
    assert nic.regs.read(offset) == value


# Register, its offset, the bits that exist: all ones are written and only these are read.
NOT_MORE = [
    ("SECTXCTRL", 0x08800, 0x7),
    ("SECRXCTRL", 0x08D00, 0x3),
    ("SECTXMINIFG", 0x08810, 0x1F0F),
    ("GCR_EXT", 0x11050, 0xC0000013),
    ("MRQC", 0x05818, 0x01FF800F),
    ("MAXFRS", 0x04268, 0xFFFF0000),
    ("EXVET", 0x05078, 0xFFFF0000),
    ("FCRTV", 0x032A0, 0x0000FFFF),
    ("WUC", 0x05800, 0x00000013),
    ("WUFC", 0x05808, 0x003F81FF),
    ("TFCS", 0x0CE00, 0xFF),
    ("PCS1GLSTA, which the link sets", 0x0420C, 0),
    ("PCS1GANLP, which the other end sends", 0x0421C, 0),
    ("PCS1GANLPNP, the same", 0x04224, 0),
]


@pytest.mark.parametrize(("offset", "bits"), [row[1:] for row in NOT_MORE], ids=[row[0] for row in NOT_MORE])
def test_reserved_bits_do_not_stick(nic: Card, offset: int, bits: int) -> None:
    nic.regs.write(offset, 0xFFFFFFFF)
    assert nic.regs.read(offset) == bits


@pytest.mark.parametrize("offset", [0x08800, 0x08D00], ids=["SECTXCTRL", "SECRXCTRL"])
def test_a_driver_that_asks_for_crypto_hears_that_there_is_none(nic: Card, offset: int) -> None:
    """FreeBSD and DPDK write 0 and look whether the engine stays off."""
    nic.regs.write(offset, 0)
    assert nic.regs.read(offset) == 1
    nic.regs.write(offset, 2)  # what everybody uses: hold the path
    assert nic.regs.read(offset) == 3


@pytest.mark.parametrize("shared", [False, True], ids=["trapped", "shared"])
@pytest.mark.parametrize("queue", [0, 70])
def test_a_driver_that_only_changes_the_type_receives(queue: int, shared: bool) -> None:
    """Tinynf, and others that read SRRCTL, set DESCTYPE and DROP_EN, and write it: the sizes are the chip's own."""
    with Rig() as rig:
        if shared:
            rig.nic.share_doorbells()
        rig.write(RDBAL, IOVA & 0xFFFFFFFF, queue)
        rig.write(RDBAH, IOVA >> 32, queue)
        rig.write(RDLEN, 128, queue)
        rig.write(SRRCTL, rig.read(SRRCTL, queue) | ADV_ONEBUF | DROP_EN, queue)
        rig.write(RXDCTL, ENABLE, queue)
        rig.memory[:8] = (IOVA + RING_SPACE).to_bytes(8, "little")
        rig.rf.write(0x0EB00, queue % 16)  # RETA, for queue 0
        if queue:
            rig.rf.write(0x05128, 0x800088B5)  # ETQF: this ethertype
            rig.rf.write(0x0EC00, 0x80000000 | queue << 16)  # ETQS: to this queue
        rig.write(RDT, 1, queue)
        rig.nic.settle()
        frame = bytes(6) + bytes.fromhex("02000000000188b5") + bytes(1500)
        rig.receive(frame)
        assert bytes(rig.memory[RING_SPACE : RING_SPACE + len(frame)]) == frame
        assert rig.count.stalls == 0


def test_status_and_links_tell_of_the_link(nic: Card) -> None:
    """STATUS bit 7 is the link; LINKS bit 7 that it was never down since the last look."""
    seen = LINKS_UP | NOT_DOWN
    with LoopbackPort() as wire:

        def light(on: int) -> None:
            wire.c.carrier = on
            nic.link.evaluate()

        nic.regs.write(0x00020, 0x800)  # ESDP: the laser is on
        nic.set_port(wire)
        light(0)
        assert (nic.regs.read(STATUS), nic.regs.read(LINKS)) == (GIO, 0)
        light(1)
        assert nic.regs.read(STATUS) == GIO | LINK_UP
        assert nic.regs.read(LINKS) & seen == LINKS_UP
        assert nic.regs.read(LINKS) & seen == LINKS_UP | NOT_DOWN
        light(1)
        assert nic.regs.read(LINKS) & seen == LINKS_UP | NOT_DOWN
        light(0)
        light(1)
        assert nic.regs.read(STATUS) == GIO | LINK_UP
        assert nic.regs.read(LINKS) & seen == LINKS_UP  # it was down, if unseen
        assert nic.regs.read(LINKS) & seen == LINKS_UP | NOT_DOWN
        nic.regs.write(0, RST)
        assert nic.regs.read(STATUS) == GIO | LINK_UP
