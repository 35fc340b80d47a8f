# SPDX-License-Identifier: BSD-3-Clause
"""Mirror rules, as DPDK's rte_eth_mirror_rule_set writes them: a copy of what others get, for a pool that watches."""

from collections.abc import Iterator

import pytest
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

from device.regs.i82599 import FCTRL, MRCTL, VFRE, VMRVLAN, VMRVM, VT_CTL
from tests.rigs.pools import PoolRig, mac, pool_rig

BROADCAST = b"\xff" * 6
STRANGER = bytes.fromhex("020000000fff")
WATCHER = 9


@pytest.fixture
def card() -> Iterator[PoolRig]:
    """Pool n has address n; pool 9 watches and accepts nothing by itself."""
    with pool_rig() as made:
        made.use(2, pf=3)
        made.write(FCTRL, FCTRL.of(BAM=1))
        for pool in (0, 1, 2, 3, 40):
            made.address(pool, mac(pool), pool)
        made.modes(0, 1, 2, 3, BAM=1, AUPE=1)
        made.listen_pools(0, 1, 2, 3, 40, WATCHER)
        yield made


def frame(to: bytes, of: bytes, vid: int | None = None) -> bytes:
    ether = Ether(dst=to, src=of, type=0x88B5) if vid is None else Ether(dst=to, src=of) / Dot1Q(vlan=vid, type=0x88B5)
    return bytes(ether / Raw(bytes(range(46))))


def rule(card: PoolRig, n: int = 0, *, to: int = WATCHER, pools: int = 0, vlans: int = 0, **rules: int) -> None:
    for register, value in ((VMRVM, pools), (VMRVLAN, vlans)):
        card.write(register, value & 0xFFFF_FFFF, n)
        card.write(register, value >> 32, n + 4)
    card.write(MRCTL, MRCTL.of(MP=to, **rules), n)


def arrives(card: PoolRig, data: bytes) -> list[int]:
    card.receive(data)
    return card.pools()


@pytest.mark.parametrize("n", range(4))
def test_a_pool_is_mirrored(card: PoolRig, n: int) -> None:
    """What it gets, from the wire and from other pools, and not what it sends."""
    rule(card, n, pools=1 << 1 | 1 << 40, VPME=1)
    assert arrives(card, frame(mac(1), STRANGER)) == [1, WATCHER]
    assert arrives(card, frame(mac(40), STRANGER)) == [WATCHER, 40]
    assert arrives(card, frame(mac(2), STRANGER)) == [2]
    assert card.turn(0, frame(mac(1), mac(0))) == ([1, WATCHER], 0)
    assert card.turn(1, frame(mac(2), mac(1))) == ([2], 0)
    rule(card, n, pools=1 << 1)
    assert arrives(card, frame(mac(1), STRANGER)) == [1]


def test_the_copy_is_the_frame_and_says_if_it_was_switched(card: PoolRig) -> None:
    rule(card, pools=1 << 1, VPME=1)
    told = []
    for sender in (None, 0):
        if sender is None:
            card.receive(frame(mac(1), STRANGER))
        else:
            card.send(sender, frame(mac(1), mac(sender)))
        taken = card.taken()
        ((seen, q1),), ((copy, also),) = taken[2], taken[2 * WATCHER]
        assert seen == copy
        told.append((q1.STAT_LB, also.STAT_LB))
    assert told == [(0, 0), (1, 1)]


def test_the_uplink_is_mirrored(card: PoolRig) -> None:
    """All that comes from the wire for somebody."""
    rule(card, UPME=1)
    assert arrives(card, frame(mac(2), STRANGER)) == [2, WATCHER]
    assert arrives(card, frame(BROADCAST, STRANGER)) == [0, 1, 2, 3, WATCHER]
    assert arrives(card, frame(STRANGER, STRANGER)) == []
    assert card.turn(0, frame(BROADCAST, mac(0))) == ([1, 2, 3], 1)


def test_the_downlink_is_mirrored(card: PoolRig) -> None:
    """All that leaves by the wire."""
    rule(card, DPME=1)
    assert card.turn(0, frame(STRANGER, mac(0))) == ([WATCHER], 1)
    assert card.turn(0, frame(BROADCAST, mac(0))) == ([1, 2, 3, WATCHER], 1)
    assert card.turn(0, frame(mac(1), mac(0))) == ([1], 0)
    assert arrives(card, frame(mac(1), STRANGER)) == [1]


def test_vlans_are_mirrored(card: PoolRig) -> None:
    """By their place in VLVF."""
    card.vlan(2, 5, 0, 1)
    card.vlan(45, 6, 0, 1)
    rule(card, vlans=1 << 45, VLME=1)
    assert arrives(card, frame(mac(1), STRANGER, 6)) == [1, WATCHER]
    assert arrives(card, frame(mac(1), STRANGER, 5)) == [1]
    assert card.turn(0, frame(mac(1), mac(0), 6)) == ([1, WATCHER], 0)
    assert arrives(card, frame(mac(1), STRANGER)) == [1]


def test_rules_add_up_and_a_pool_gets_one_copy(card: PoolRig) -> None:
    rule(card, 0, pools=1 << 1, VPME=1)
    rule(card, 1, UPME=1)
    rule(card, 2, to=2, UPME=1, DPME=1)
    rule(card, 3, to=1, UPME=1)
    assert arrives(card, frame(mac(1), STRANGER)) == [1, 2, WATCHER]


def test_the_sender_is_never_the_target(card: PoolRig) -> None:
    rule(card, to=1, DPME=1)
    assert card.turn(1, frame(STRANGER, mac(1))) == ([], 1)
    assert card.turn(0, frame(STRANGER, mac(0))) == ([1], 1)


def test_a_target_that_does_not_receive_or_does_not_exist(card: PoolRig) -> None:
    rule(card, UPME=1)
    card.bits(VFRE, [0, 1, 2, 3])
    assert arrives(card, frame(mac(1), STRANGER)) == [1]
    card.bits(VFRE, [WATCHER])
    assert arrives(card, frame(mac(1), STRANGER)) == [], "it is for nobody who receives"
    card.bits(VFRE, range(64))
    card.use(4, pf=3)
    card.rings.clear()
    card.listen(4)
    rule(card, to=40, UPME=1)
    assert arrives(card, frame(mac(1), STRANGER)) == [1]


def test_without_replication_nothing_is_mirrored(card: PoolRig) -> None:
    rule(card, UPME=1)
    card.write(VT_CTL, VT_CTL.of(VT_ENABLE=1, POOL=3))
    assert arrives(card, frame(mac(1), STRANGER)) == [1]
