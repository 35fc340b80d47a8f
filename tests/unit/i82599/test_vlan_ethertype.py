# SPDX-License-Identifier: BSD-3-Clause
"""Which ethertype makes a VLAN tag: VLNCTRL.VET, and EXVET outside it.  scapy builds the frames."""

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet, Raw

from device.regs.i82599 import CTRL_EXT, EXVET, VFTA, VLNCTRL
from tests.rigs.rx import Rig, one

BASE = Ether(dst="ff:ff:ff:ff:ff:ff", src="02:00:00:00:00:01")
IN_IP = IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=1, dport=2) / Raw(b"z" * 40)


@pytest.fixture
def rig(made: Rig) -> Rig:
    made.renew()
    made.ring().enable(VME=1)
    return made


def tagged(tpid: int, vid: int, inner: Packet = IN_IP) -> bytes:
    frame = BASE.copy()
    frame.type = tpid
    return bytes(frame / Dot1Q(vlan=vid) / inner)


def stripped(rig: Rig, frame: bytes) -> int | None:
    """The tag that was taken out, if any; the frame itself is checked."""
    ring = rig.ring()
    ring.disable()
    ring.enable(VME=1)
    ring.post(4)
    rig.receive(frame)
    data, _, status = one(ring.take())
    if not status.STAT_VP:
        assert data == frame
        return None
    assert data == frame[:12] + frame[16:]
    return int(status.VLAN)


def test_the_standard_ethertype_after_reset(rig: Rig) -> None:
    assert stripped(rig, tagged(0x8100, 7)) == 7
    assert stripped(rig, tagged(0x9100, 7)) is None


def test_another_ethertype_takes_its_place(rig: Rig) -> None:
    rig.write(VLNCTRL, VLNCTRL.of(VET=0x9100))
    assert stripped(rig, tagged(0x9100, 7)) == 7
    assert stripped(rig, tagged(0x8100, 7)) is None


def test_filtering_looks_at_the_same_tag(rig: Rig) -> None:
    rig.write(VLNCTRL, VLNCTRL.of(VET=0x9100, VFE=1))
    rig.write(VFTA, 1 << 7)
    assert stripped(rig, tagged(0x9100, 7)) == 7
    assert stripped(rig, tagged(0x8100, 8)) is None, "no tag, so nothing to filter"
    before = rig.count.rx_filtered
    rig.receive(tagged(0x9100, 8))
    assert rig.count.rx_filtered == before + 1


def test_the_outer_ethertype_of_double_tags(rig: Rig) -> None:
    rig.write(CTRL_EXT, CTRL_EXT.of(EXTENDED_VLAN=1))
    rig.write(EXVET, EXVET.of(VET_EXT=0x9200))
    inner = Dot1Q(vlan=5) / IN_IP
    frame = BASE.copy()
    frame.type = 0x9200
    both = bytes(frame / Dot1Q(vlan=9, type=0x8100) / inner)
    ring = rig.ring()
    ring.disable()
    ring.enable(VME=1)
    ring.post(4)
    rig.receive(both)
    data, _, status = one(ring.take())
    assert (status.STAT_VP, status.VLAN) == (1, 5)
    assert data == both[:16] + both[20:]
