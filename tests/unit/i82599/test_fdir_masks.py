# SPDX-License-Identifier: BSD-3-Clause
"""Flow director: each mask by itself, from its write on; and what is never compared or reported."""

from typing import Any

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Dot1Q

from device.regs.core import Register
from device.regs.i82599 import FDIRCTRL, FDIRDIP4M, FDIRM, FDIRSIP4M, FDIRTCPM, FDIRUDPM, RXCSUM
from device.regs.i82599.desc import RssType
from device.regs.i82599.fdir import FdirL4Type
from tests.rigs import fdir
from tests.rigs.rx import Rig, Ring
from tests.twins import fdir as twin
from tests.unit.i82599.test_fdir import L2, PERFECT, add, as_it_lies, bucket_of, mask, where

HOSTS = ("10.1.2.3", "10.9.8.7")
IGNORED = {"VLANID": 1, "VLANP": 1, "POOL": 1, "FLEX": 1, "DIPv6": 1}


@pytest.fixture
def rig(made: Rig) -> Rig:
    fdir.renew(made)
    made.write(FDIRCTRL, PERFECT)
    mask(made)
    return made


@pytest.fixture
def rings(rig: Rig) -> dict[int, Ring]:
    return fdir.queues(rig, 0, 5)


@pytest.mark.parametrize(
    ("register", "ignore", "l4", "other"),
    [
        (FDIRM, FDIRM.of(**IGNORED, L4P=1), FdirL4Type.UDP, {"l4": TCP}),
        (FDIRSIP4M, as_it_lies("0.0.0.255"), FdirL4Type.UDP, {"src": "10.1.2.99"}),
        (FDIRDIP4M, as_it_lies("0.0.0.255"), FdirL4Type.UDP, {"dst": "10.9.8.99"}),
        (FDIRUDPM, 0x0000_FFFF, FdirL4Type.UDP, {"sport": 9}),
        (FDIRTCPM, 0x0000_FFFF, FdirL4Type.TCP, {"sport": 9}),
    ],
)
def test_a_mask_is_in_force_from_its_write_on(
    rig: Rig, rings: dict[int, Ring], register: type[Register], ignore: int, l4: FdirL4Type, other: dict[str, Any]
) -> None:
    """ixgbe_fdir_set_input_mask_82599 writes all of them; a driver that changes one need write no other."""
    before = rig.read(register)
    rig.write(register, ignore)
    bucket = bucket_of(rig, "10.1.2.3", "10.9.8.7", 1000, 2000, 0, 0, {"L4TYPE": l4})
    rig.write(register, before)
    add(rig, bucket=bucket, L4TYPE=l4)
    seen: dict[str, Any] = {"src": "10.1.2.3", "dst": "10.9.8.7", "sport": 1000}
    seen |= {"l4": TCP if l4 == FdirL4Type.TCP else UDP} | other
    frame = L2 / IP(src=seen["src"], dst=seen["dst"]) / seen["l4"](sport=seen["sport"], dport=2000)
    assert where(rig, rings, frame) == 0
    rig.write(register, ignore)
    assert where(rig, rings, frame) == 5


@pytest.mark.parametrize("dei", [0, 1])
def test_the_tags_drop_bit_is_never_compared(rig: Rig, rings: dict[int, Ring], dei: int) -> None:
    """ixgbe masks 0xEFFF of a tag, and DPDK too."""
    mask(rig, VLANID=0, VLANP=0)
    add(rig, vlan=0x2005 | (1 - dei) << 12, bucket=twin.bucket(twin.Flow(*HOSTS, 1000, 2000, twin.TCP, vlan=0x2005)))
    tagged = L2 / Dot1Q(vlan=5, prio=1, dei=dei) / IP(src=HOSTS[0], dst=HOSTS[1]) / TCP(sport=1000, dport=2000)
    assert where(rig, rings, tagged) == 5


def test_without_pcsd_a_filter_steers_and_reports_nothing(rig: Rig, rings: dict[int, Ring]) -> None:
    """RXCSUM.PCSD = 0: checksum and IP identification stand where the report would."""
    add(rig)
    frame = bytes(L2 / IP(src=HOSTS[0], dst=HOSTS[1], id=0x1234) / TCP(sport=1000, dport=2000))
    rig.write(RXCSUM, RXCSUM.of(PCSD=1))
    assert fdir.arrives(rig, rings, frame)[1].RSSTYPE == RssType.FDIR
    rig.write(RXCSUM, 0)
    queue, q0, q1 = fdir.arrives(rig, rings, frame)
    assert (queue, q0.RSSTYPE, q1.STAT_FLM) == (5, RssType.NONE, 1)
