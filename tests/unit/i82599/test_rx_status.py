# SPDX-License-Identifier: BSD-3-Clause
"""Status and error bits of received frames, as Linux (RXE) and drivers in e1000's manner (PIF) go by them."""

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.packet import Packet, Raw

from device.machine.core import lib
from device.regs.i82599 import CTRL_EXT, FCTRL, MCSTCTRL, MTA, RAH, RAL, RXCSUM, UTA
from device.regs.i82599.desc import RXD, RXDLEG
from device.regs.i82599.rx import DescType
from tests.rigs.rx import MAC, Rig, one
from tests.twins.rxfilter import table_bit

OURS = MAC.hex(":")
MULTI = "01:00:5e:00:00:01"
STRANGER = "02:00:00:00:00:99"
MIB_ERRORS = 0x3F << 24  # CE to USE of the 82598, none of which is RXE's neighbour here
PAYLOAD = IP(src="10.0.0.1", dst="10.0.0.2") / UDP() / Raw(b"x" * 40)


@pytest.fixture
def rig(made: Rig) -> Rig:
    made.renew()
    made.write(RAL, int.from_bytes(MAC[:4], "little"))
    made.write(RAH, RAH.of(RAH=int.from_bytes(MAC[4:], "little"), AV=1))
    return made


def status(rig: Rig, frame: bytes, *, flags: int = 0) -> RXD:
    ring = rig.ring()
    ring.disable()
    ring.enable()
    ring.post(4)
    rig.receive(frame, flags=flags)
    return one(ring.take())[2]


def to(dst: str, packet: Packet = PAYLOAD) -> bytes:
    return bytes(Ether(dst=dst, src="02:00:00:00:00:01") / packet)


def set_bit(rig: Rig, table: type[MTA | UTA], dst: str) -> None:
    bit = table_bit(bytes.fromhex(dst.replace(":", "")), 0)
    rig.write(table, 1 << bit % 32, bit // 32)


@pytest.mark.parametrize(
    ("dst", "how", "wanted"),
    [
        (OURS, "", 0),
        (OURS, "promiscuous", 0),
        ("ff:ff:ff:ff:ff:ff", "", 0),
        (MULTI, "table", 1),
        (MULTI, "promiscuous", 1),
        (MULTI, "address", 0),
        (STRANGER, "table", 1),
        (STRANGER, "promiscuous", 1),
    ],
)
def test_pif_is_set_when_software_must_look_at_the_address(rig: Rig, dst: str, how: str, wanted: int) -> None:
    promiscuous = int(how == "promiscuous")
    rig.write(FCTRL, FCTRL.of(BAM=1, UPE=promiscuous, MPE=promiscuous))
    rig.write(MCSTCTRL, MCSTCTRL.of(MFE=1))
    if how == "table":
        set_bit(rig, MTA if dst == MULTI else UTA, dst)
    if how == "address":
        raw = bytes.fromhex(dst.replace(":", ""))
        rig.write(RAL, int.from_bytes(raw[:4], "little"), 3)
        rig.write(RAH, RAH.of(RAH=int.from_bytes(raw[4:], "little"), AV=1), 3)
    got = status(rig, to(dst))
    assert (wanted, 1, 1) == (got.STAT_PIF, got.STAT_IPCS, got.STAT_L4CS)


def test_the_legacy_format_has_pif(rig: Rig) -> None:
    ring = rig.ring(DESCTYPE=DescType.LEGACY)
    ring.post(2)
    rig.receive(to(STRANGER))
    assert RXDLEG(ring.desc(0)[1]).STAT_PIF


@pytest.mark.parametrize(
    ("frame", "flags"),
    [
        (to(OURS), lib.FRAME_BAD_CRC),
        (to(OURS, Raw(bytes(1600))), 0),
        (to(OURS, Raw(bytes(1600))), lib.FRAME_BAD_CRC),
    ],
    ids=["crc", "size", "both"],
)
def test_rxe_is_the_one_error_of_the_mac(rig: Rig, frame: bytes, flags: int) -> None:
    rig.write(FCTRL, FCTRL.of(SBP=1))
    got = status(rig, frame, flags=flags)
    assert int(got) & MIB_ERRORS == RXD.of(ERR_RXE=1) == 0x2000_0000
    assert (got.STAT_IPCS, got.STAT_L4CS) == (0, 0)


def test_the_legacy_format_has_rxe_in_its_own_place(rig: Rig) -> None:
    rig.write(FCTRL, FCTRL.of(SBP=1))
    ring = rig.ring(DESCTYPE=DescType.LEGACY)
    ring.post(2)
    rig.receive(to(OURS), flags=lib.FRAME_BAD_CRC)
    assert int(ring.desc(0)[1]) >> 40 & 0xFF == 1


@pytest.mark.parametrize(("extended", "wanted"), [(1, 1), (0, 0)])
def test_vext_tells_of_an_outer_tag(rig: Rig, extended: int, wanted: int) -> None:
    rig.write(CTRL_EXT, CTRL_EXT.of(EXTENDED_VLAN=extended))
    got = status(rig, to(OURS, Dot1AD(vlan=1) / Dot1Q(vlan=2) / PAYLOAD))
    assert wanted == got.STAT_VEXT
    assert status(rig, to(OURS)).STAT_VEXT == 0


def fragment(offset: int, more: bool, check: int) -> bytes:
    ip = IP(src="10.0.0.1", dst="10.0.0.2", proto=17, frag=offset, flags="MF" if more else "")
    return to(OURS, ip / Raw(bytes(UDP(sport=1, dport=2, len=1000, chksum=check)) + bytes(40)))


@pytest.mark.parametrize(
    ("frame", "wanted"),
    [
        (fragment(0, more=True, check=0x1234), 1),
        (fragment(0, more=True, check=0), 0),
        (fragment(5, more=True, check=0x1234), 0),
        (fragment(5, more=False, check=0x1234), 0),
        (to(OURS), 0),
    ],
    ids=["first", "not summed", "middle", "last", "whole"],
)
def test_udpv_marks_the_first_fragment_of_a_summed_datagram(rig: Rig, frame: bytes, wanted: int) -> None:
    rig.write(RXCSUM, 0)
    assert wanted == status(rig, frame).STAT_UDPV
    rig.write(RXCSUM, RXCSUM.of(PCSD=1))
    assert status(rig, frame).STAT_UDPV == 0
