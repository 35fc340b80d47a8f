# SPDX-License-Identifier: BSD-3-Clause
"""Which pools a frame of the wire is for: its address makes the list, its VLAN a shorter one, VFRE the last."""

from collections.abc import Iterator

import pytest
from scapy.layers.l2 import Dot1Q, Ether

from device.i82599.card import Card
from device.machine.core import lib
from device.regs.i82599 import (
    ETQF,
    FCTRL,
    GPRC,
    MCSTCTRL,
    MPRC,
    MPSAR,
    MTA,
    PFQDE,
    PVFGORC_LSB,
    PVFGORC_MSB,
    PVFGPRC,
    PVFGPTC,
    PVFMPRC,
    QPRDC,
    RAH,
    RAL,
    RDH,
    RUC,
    UTA,
    VFRE,
    VFTA,
    VFTE,
    VLNCTRL,
    VLVF,
    VLVFB,
    VMOLR,
    VT_CTL,
)
from tests.rigs.pools import PoolRig, mac, pool_rig

BROADCAST = b"\xff" * 6
GROUP = bytes.fromhex("01005e000005")
OTHER = bytes.fromhex("020000000fff")
TABLE_BIT = GROUP[4] >> 4 | GROUP[5] << 4  # MCSTCTRL.MO 0: bits 47:36


@pytest.fixture
def card() -> Iterator[PoolRig]:
    """32 pools, none of which accepts more than its addresses; the PF has pool 3, and is not promiscuous."""
    with pool_rig() as made:
        made.use(4, pf=3)
        made.write(FCTRL, FCTRL.of(BAM=1))
        made.listen_pools(0, 1, 2, 3)
        yield made


def frame(to: bytes, vid: int | None = None, *, size: int = 60, cfi: int = 0, kind: int = 0x88B5) -> bytes:
    if vid is None:
        return bytes(Ether(dst=to, src=OTHER, type=kind)).ljust(size, b"\0")
    return bytes(Ether(dst=to, src=OTHER) / Dot1Q(vlan=vid, type=kind, dei=cfi)).ljust(size, b"\0")


def who(card: PoolRig, *args: object, **kwargs: object) -> list[int]:
    card.receive(frame(*args, **kwargs))  # type: ignore[arg-type]  # what frame() takes
    return card.pools()


def set_bit(card: PoolRig, table: type, bit: int) -> None:
    card.write(table, card.read(table, bit // 32) | 1 << bit % 32, bit // 32)


# -- addresses --------------------------------------------------------------------------------------------------------


def test_an_address_belongs_to_the_pools_of_mpsar(card: PoolRig) -> None:
    card.address(0, mac(1), 1)
    card.address(7, mac(2), 0, 2)
    assert who(card, mac(1)) == [1]
    assert who(card, mac(2)) == [0, 2]
    assert who(card, mac(3)) == []
    card.address(9, mac(1), 3)
    assert who(card, mac(1)) == [1, 3], "twice in the table: both have it"
    card.write(RAH, RAH.of(RAH=int.from_bytes(mac(1)[4:], "little")), 0)
    assert who(card, mac(1)) == [3]
    card.write(RAL, 0, 9)
    assert who(card, mac(1)) == []


def test_pools_that_do_not_exist_get_nothing(card: PoolRig) -> None:
    card.address(0, mac(1), 1, 32, 63)
    card.address(1, mac(2), 40)
    card.write(FCTRL, FCTRL.of(UPE=1))
    assert who(card, mac(1)) == [1]
    assert who(card, mac(2)) == [3], "it is nobody's, as far as there are pools: a stranger"
    card.listen_pools(8)
    card.modes(40, BAM=1)
    assert who(card, BROADCAST) == [], "no queue of pool 8's either"
    assert card.guards_whole()


def test_strangers_are_the_default_pools_if_fctrl_lets_them_in(card: PoolRig) -> None:
    assert who(card, mac(9)) == []
    card.write(FCTRL, FCTRL.of(UPE=1))
    assert who(card, mac(9)) == [3]
    card.address(0, mac(1), 1)
    assert who(card, mac(1)) == [1]
    card.write(VT_CTL, VT_CTL.of(VT_ENABLE=1, POOL=3, REPLEN=1, DIS_DEFPL=1))
    assert who(card, mac(9)) == []
    card.write(VT_CTL, VT_CTL.of(VT_ENABLE=1, POOL=2, REPLEN=1))
    assert who(card, mac(9)) == [2]


def test_the_descriptor_tells_whose_address_it_was_not(card: PoolRig) -> None:
    card.write(FCTRL, FCTRL.of(UPE=1))
    card.address(0, mac(1), 1)
    card.modes(1, BAM=1, MPE=1)
    told = []
    for to in (mac(1), mac(9), BROADCAST, GROUP):
        card.receive(frame(to))
        ((_, q1),) = next(iter(card.taken().values()))
        told.append((q1.STAT_PIF, q1.STAT_LB))
    assert told == [(0, 0), (1, 0), (0, 0), (1, 0)]


def test_broadcast_goes_to_all_who_asked(card: PoolRig) -> None:
    card.modes(0, 2, 3, BAM=1)
    assert who(card, BROADCAST) == [0, 2, 3]
    card.modes(2, MPE=1, ROMPE=1, ROPE=1)
    assert who(card, BROADCAST) == [0, 3]


def test_multicast_by_table_by_promiscuity_or_by_its_very_address(card: PoolRig) -> None:
    card.modes(0, ROMPE=1)
    card.modes(1, MPE=1)
    card.modes(2, BAM=1, ROPE=1)
    set_bit(card, MTA, TABLE_BIT)
    assert who(card, GROUP) == [1], "MCSTCTRL.MFE is off"
    card.write(MCSTCTRL, MCSTCTRL.of(MFE=1))
    assert who(card, GROUP) == [0, 1]
    assert who(card, bytes.fromhex("01005e000015")) == [1]
    card.write(MCSTCTRL, MCSTCTRL.of(MFE=1, MO=3))
    assert who(card, GROUP) == [1]
    card.write(MCSTCTRL, MCSTCTRL.of(MFE=1))
    card.address(0, GROUP, 2)
    assert who(card, GROUP) == [1, 2], "an exact filter goes before the table"


def test_unicast_by_table(card: PoolRig) -> None:
    card.modes(1, 2, ROPE=1)
    card.write(FCTRL, FCTRL.of(UPE=1))
    bit = mac(9)[4] >> 4 | mac(9)[5] << 4
    assert who(card, mac(9)) == [3]
    set_bit(card, UTA, bit)
    assert who(card, mac(9)) == [1, 2]
    card.address(0, mac(9), 0)
    assert who(card, mac(9)) == [0]


# -- without replication ----------------------------------------------------------------------------------------------


def test_without_replication_one_pool_has_a_frame(card: PoolRig) -> None:
    card.use(4, pf=3, REPLEN=0)
    card.modes(0, 1, 2, BAM=1, MPE=1, ROMPE=1)
    card.address(0, mac(1), 1, 2)
    assert who(card, mac(1)) == [1]
    assert who(card, BROADCAST) == [3]
    assert who(card, GROUP) == []
    card.write(MCSTCTRL, MCSTCTRL.of(MFE=1))
    set_bit(card, MTA, TABLE_BIT)
    assert who(card, GROUP) == [3]
    card.write(FCTRL, FCTRL.of(MPE=1))
    assert who(card, bytes.fromhex("01005e7fffff")) == [3]
    assert who(card, BROADCAST) == [3]
    card.address(1, GROUP, 2)
    assert who(card, GROUP) == [2]
    card.write(FCTRL, 0)
    assert who(card, BROADCAST) == []


# -- VLANs ------------------------------------------------------------------------------------------------------------


def test_a_vlan_makes_the_list_shorter(card: PoolRig) -> None:
    card.modes(0, 1, 2, 3, BAM=1, AUPE=1)
    card.address(0, mac(1), 1)
    assert who(card, BROADCAST, 5) == [0, 1, 2, 3], "VLNCTRL.VFE is off"
    card.vlan(0, 5, 0, 1)
    card.vlan(40, 6, 1, 2)
    assert who(card, BROADCAST, 5) == [0, 1]
    assert who(card, BROADCAST, 6) == [1, 2]
    assert who(card, BROADCAST, 7) == []
    assert who(card, mac(1), 6) == [1]
    card.vlan(40, 6, 2)
    assert who(card, mac(1), 6) == [], "its address makes the list, and no other pool inherits the frame"


def test_the_bit_of_vfta_is_needed_too(card: PoolRig) -> None:
    card.modes(0, BAM=1)
    card.vlan(0, 5, 0)
    card.write(VFTA, 0, 0)
    assert who(card, BROADCAST, 5) == []


def test_a_vlan_without_an_entry_is_the_default_pools(card: PoolRig) -> None:
    """ixgbe_vlan_rx_add_vid leaves VLVF out for the physical function."""
    card.modes(0, 3, BAM=1)
    card.vlan(0, 5, 0)
    set_bit(card, VFTA, 9)
    assert who(card, BROADCAST, 9) == [3]
    card.write(VLVF, VLVF.of(VLANID=5), 0)
    assert who(card, BROADCAST, 5) == [3], "an entry that is not valid is none"


def test_untagged_frames_need_aupe(card: PoolRig) -> None:
    card.modes(0, 1, BAM=1)
    card.modes(2, BAM=1, AUPE=1)
    card.address(0, mac(1), 1)
    assert who(card, BROADCAST) == [0, 1, 2]
    card.vlan(0, 5, 1)
    assert who(card, BROADCAST) == [2]
    assert who(card, mac(1)) == []
    card.modes(1, AUPE=1)
    assert who(card, mac(1)) == [1]


def test_the_first_of_two_entries_counts_and_garbage_harms_nobody(card: PoolRig) -> None:
    card.modes(0, 1, BAM=1)
    card.vlan(9, 5, 1)
    card.vlan(3, 5, 0)
    assert who(card, BROADCAST, 5) == [0]
    for n in range(64):
        card.write(VLVF, 0xFFFF_FFFF, n)
    assert who(card, BROADCAST, 5) == []
    card.write(VLNCTRL, VLNCTRL.of(VFE=1, VET=0x8100, CFIEN=1, CFI=1))
    card.vlan(3, 5, 0)
    card.write(VLNCTRL, VLNCTRL.of(VFE=1, VET=0x8100, CFIEN=1, CFI=1))
    assert who(card, BROADCAST, 5) == []
    assert who(card, BROADCAST, 5, cfi=1) == [0]


# -- VFRE and EtherTypes ----------------------------------------------------------------------------------------------


def test_vfre_has_the_last_word(card: PoolRig) -> None:
    card.modes(0, 1, 2, BAM=1)
    card.address(0, mac(1), 1)
    card.bits(VFRE, [0, 2, 3])
    assert who(card, BROADCAST) == [0, 2]
    assert who(card, mac(1)) == []
    assert card.nic.c.virt.count.rx_no_pool == 1
    card.bits(VFRE, range(64))
    assert who(card, mac(1)) == [1]


def test_an_ethertype_filter_with_a_pool(card: PoolRig) -> None:
    card.modes(0, 1, BAM=1)
    card.write(ETQF, ETQF.of(FILTER_EN=1, ETYPE=0x88CC, POOL_EN=1, POOL=2))
    assert who(card, BROADCAST, kind=0x88CC) == [2]
    assert who(card, BROADCAST) == [0, 1]
    assert who(card, mac(8), kind=0x88CC) == [], "what no pool accepts is not the filter's either"
    card.write(ETQF, ETQF.of(FILTER_EN=1, ETYPE=0x88CC, POOL_EN=1, POOL=60))
    assert who(card, BROADCAST, kind=0x88CC) == []
    card.write(ETQF, ETQF.of(FILTER_EN=1, ETYPE=0x88CC, POOL=2))
    assert who(card, BROADCAST, kind=0x88CC) == [0, 1]


def test_runts_are_dropped_before_pools_are_asked(card: PoolRig) -> None:
    card.address(0, mac(1), 1)
    card.receive(frame(mac(1))[:40], flags=lib.FRAME_EXACT)
    assert (card.pools(), card.read(RUC)) == ([], 1)


# -- one pool and the others ------------------------------------------------------------------------------------------


def test_a_pool_that_is_off_or_out_of_order_stops_nobody(card: PoolRig) -> None:
    card.modes(0, 1, 2, BAM=1)
    card.rings.pop(0).disable()
    for _ in range(3):
        assert who(card, BROADCAST) == [1, 2]
    assert card.count.rx_disabled == 3
    assert card.nic.c.rx.fifo.frames == 0


def test_a_full_pool_that_drops_loses_its_own_frames_only(card: PoolRig) -> None:
    card.modes(0, 1, BAM=1)
    card.write(PFQDE, PFQDE.of(QDE=1, IDX=0, WE=1))
    ring = card.rings.pop(0)
    card.receive(*[frame(BROADCAST)] * 7)
    assert card.pools() == [1] * 7
    card.receive(frame(BROADCAST), frame(BROADCAST))
    assert card.pools() == [1] * 2
    assert (card.read(QPRDC), card.read(RDH, 0), card.nic.c.rx.fifo.frames) == (2, 7, 0)
    assert len(ring.take()) == 7


def test_a_full_pool_that_does_not_drop_holds_up_the_others_as_on_the_chip(card: PoolRig) -> None:
    card.modes(0, 1, BAM=1)
    ring = card.rings.pop(0)
    card.receive(*[frame(BROADCAST)] * 7)
    card.pools()
    card.receive(frame(BROADCAST), frame(BROADCAST))
    assert card.pools() == []
    ring.post(4)
    card.drain()
    assert card.pools() == [1, 1]


# -- counters ---------------------------------------------------------------------------------------------------------


def test_each_pool_counts_what_it_got(card: PoolRig) -> None:
    card.modes(0, 1, BAM=1, MPE=1)
    card.address(0, mac(1), 1)
    for to, size in ((mac(1), 60), (BROADCAST, 100), (GROUP, 1000)):
        card.receive(frame(to, size=size))
        card.pools()
    assert [card.read(PVFGPRC, pool) for pool in range(3)] == [2, 3, 0]
    assert [card.read(PVFMPRC, pool) for pool in range(3)] == [1, 1, 0]
    assert [card.read(PVFGORC_LSB, pool) for pool in range(3)] == [104 + 1004, 64 + 104 + 1004, 0]
    assert [card.read(PVFGPRC, pool) for pool in range(3)] == [2, 3, 0], "reading clears nothing"
    assert (card.read(GPRC), card.read(MPRC)) == (3, 1), "the MAC counts a frame once, however many pools have it"


def test_pools_count_frames_that_had_to_wait_and_none_that_were_dropped(card: PoolRig) -> None:
    card.listen(16, 20, post=0)
    card.write(PFQDE, PFQDE.of(QDE=1, IDX=20, WE=1))
    card.address(0, mac(1), 4)
    card.address(1, mac(2), 5)
    card.receive(frame(mac(2)), frame(mac(1)))
    assert [card.read(PVFGPRC, pool) for pool in (4, 5)] == [0, 0]
    card.rings[16].post(7)
    card.drain()
    assert [card.read(PVFGPRC, pool) for pool in (4, 5)] == [1, 0]


def test_octets_of_a_pool_begin_again_after_36_bits(card: PoolRig) -> None:
    card.address(0, mac(1), 1)
    card.nic.c.pf.regs.word[PVFGORC_LSB.offset(1) // 4] = 0xFFFF_FFFF
    card.nic.c.pf.regs.word[PVFGORC_MSB.offset(1) // 4] = 0xF
    card.nic.c.pf.regs.word[PVFGPRC.offset(1) // 4] = 0xFFFF_FFFF
    assert who(card, mac(1)) == [1]
    assert (card.read(PVFGORC_MSB, 1), card.read(PVFGORC_LSB, 1), card.read(PVFGPRC, 1)) == (0, 63, 0)


def test_clients_that_map_the_pages_see_the_counters(card: PoolRig) -> None:
    card.nic.share_doorbells()
    card.address(0, mac(1), 1)
    assert who(card, mac(1)) == [1]
    shown = card.nic.c.pf.regs.shown
    assert (shown[PVFGPRC.offset(1) // 4], shown[PVFGORC_LSB.offset(1) // 4]) == (1, 64)


def test_a_reset_forgets_all_pools(card: PoolRig) -> None:
    card.address(0, mac(1), 1)
    card.nic.pf.reset(software=True)
    for register in (VT_CTL, VFRE, MPSAR, VMOLR, PVFGPRC):
        assert card.read(register, 1 if register.count > 1 else 0) == 0
    card.receive(frame(mac(1)))
    assert not card.nic.c.virt.on


# -- the report -------------------------------------------------------------------------------------------------------


def test_the_report_shows_pools_in_use() -> None:
    with Card(mac="02:00:00:82:59:90") as card:
        regs = card.regs
        assert card.report().pools == []
        for register, n, value in (
            (VT_CTL, 0, VT_CTL.of(VT_ENABLE=1, POOL=40, REPLEN=1)),
            (MPSAR, 1, 1 << 8),
            (RAL, 3, 0x00000002),
            (RAH, 3, RAH.of(AV=1, RAH=0x0100)),
            (MPSAR, 6, 2),
            (VLVF, 9, VLVF.of(VLANID=77, VIEN=1)),
            (VLVFB, 18, 2),
            (VMOLR, 1, VMOLR.of(BAM=1, AUPE=1)),
            (VFRE, 0, 2),
            (VFTE, 1, 1 << 8),
        ):
            regs.write(register.offset(n), int(value))
        regs.put(PVFGPRC, 40, 12)
        regs.put(PVFGPTC, 2, 5)
        assert card.report().pools == [
            ("1", "02:00:00:00:00:01", "77", "AUPE BAM no Tx", 0, 0),
            ("2", "", "", "no Rx no Tx", 0, 5),
            ("40*", "02:00:00:82:59:90", "", "no Rx", 12, 0),
        ]
