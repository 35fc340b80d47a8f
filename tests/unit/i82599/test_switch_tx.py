# SPDX-License-Identifier: BSD-3-Clause
"""What a pool sends: to other pools inside the card, to the wire, to both, or to nobody."""

from collections.abc import Iterator

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

from device.regs.i82599 import (
    CRCERRS,
    ETQF,
    FCTRL,
    GPRC,
    GPTC,
    HLREG0,
    MAXFRS,
    MCSTCTRL,
    MFLCN,
    MPRC,
    MRQC,
    MTA,
    MTQC,
    PFDTXGSWC,
    PFQDE,
    PFVFSPOOF,
    PVFGOTC_LSB,
    PVFGOTC_MSB,
    PVFGPRC,
    PVFGPTC,
    QPTC,
    RLEC,
    ROC,
    RXCTRL,
    SSVPC,
    TDH,
    TSYNCTXCTL,
    TXDGPC,
    UTA,
    VFRE,
    VFTE,
    VMECM,
    VMTXSW,
    VMVIR,
    XEC,
)
from tests.rigs.pools import PoolRig, mac, pool_rig
from tests.rigs.tx import context_desc, data_desc, options
from tests.twins.tso import Offload

BROADCAST = b"\xff" * 6
GROUP = bytes.fromhex("01005e000005")
STRANGER = bytes.fromhex("020000000fff")
PF = 3


@pytest.fixture
def card() -> Iterator[PoolRig]:
    """32 pools; pool n has address n, the PF has pool 3; all want broadcast, pools 1 and 2 all multicast."""
    with pool_rig() as made:
        made.use(4, pf=PF)
        made.write(FCTRL, FCTRL.of(BAM=1))
        for pool in range(4):
            made.address(pool, mac(pool), pool)
        made.modes(0, 3, BAM=1, AUPE=1)
        made.modes(1, 2, BAM=1, AUPE=1, MPE=1)
        made.listen_pools(0, 1, 2, 3)
        yield made


def frame(to: bytes, of: bytes, vid: int | None = None, *, size: int = 60, kind: int = 0x88B5) -> bytes:
    ether = Ether(dst=to, src=of, type=kind) if vid is None else Ether(dst=to, src=of) / Dot1Q(vlan=vid, type=kind)
    return bytes(ether / Raw(bytes(range(40)))).ljust(size, b"\0")


# -- where it goes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sender", [0, 1, PF])
def test_unicast_for_another_pool_stays_inside(card: PoolRig, sender: int) -> None:
    card.send(sender, frame(mac(2), mac(sender)))
    ((data, q1),) = card.taken()[8]
    assert data == frame(mac(2), mac(sender))
    assert (q1.STAT_LB, q1.STAT_PIF) == (1, 0)
    assert card.wire.all() == []


def test_what_is_for_nobody_here_goes_to_the_wire(card: PoolRig) -> None:
    sent = frame(STRANGER, mac(1))
    card.send(1, sent)
    assert (card.pools(), card.wire.all()) == ([], [sent])
    card.write(FCTRL, FCTRL.of(UPE=1))
    assert card.turn(1, sent) == ([], 1), "the default pool takes strangers of the wire only"


def test_a_frame_of_the_wire_is_not_looped(card: PoolRig) -> None:
    card.receive(frame(mac(1), STRANGER))
    ((_, q1),) = card.taken()[4]
    assert q1.STAT_LB == 0
    assert card.wire.all() == []


@pytest.mark.parametrize("sender", [0, 1, PF])
def test_broadcast_goes_to_all_others_and_to_the_wire(card: PoolRig, sender: int) -> None:
    assert card.turn(sender, frame(BROADCAST, mac(sender))) == ([n for n in range(4) if n != sender], 1)


def test_multicast_goes_to_those_who_asked_and_to_the_wire(card: PoolRig) -> None:
    assert card.turn(1, frame(GROUP, mac(1))) == ([2], 1)
    assert card.turn(0, frame(GROUP, mac(0))) == ([1, 2], 1)
    card.modes(0, ROMPE=1)
    card.write(MCSTCTRL, MCSTCTRL.of(MFE=1))
    bit = GROUP[4] >> 4 | GROUP[5] << 4
    card.write(MTA, 1 << bit % 32, bit // 32)
    assert card.turn(1, frame(GROUP, mac(1))) == ([0, 2], 1)
    card.address(9, GROUP, 3)
    assert card.turn(1, frame(GROUP, mac(1))) == ([2, 3], 1), "who has it as an address of his own does not keep it"


def test_unicast_by_table_goes_both_ways(card: PoolRig) -> None:
    """Only who has the very address keeps it off the wire."""
    card.modes(2, ROPE=1)
    bit = STRANGER[4] >> 4 | STRANGER[5] << 4
    card.write(UTA, 1 << bit % 32, bit // 32)
    assert card.turn(1, frame(STRANGER, mac(1))) == ([2], 1)


def test_ones_own_address_is_nobody_elses(card: PoolRig) -> None:
    assert card.turn(1, frame(mac(1), mac(1))) == ([], 1)
    card.address(9, mac(1), 2)
    assert card.turn(1, frame(mac(1), mac(1))) == ([2], 0)


def test_a_pool_hears_itself_only_if_vmtxsw_says_so(card: PoolRig) -> None:
    """DPDK's enable_loop_back."""
    card.write(VMTXSW, 1 << 1)
    assert card.turn(1, frame(mac(1), mac(1))) == ([1], 0)
    assert card.turn(1, frame(BROADCAST, mac(1))) == ([0, 1, 2, 3], 1)
    assert card.turn(2, frame(BROADCAST, mac(2))) == ([0, 1, 3], 1)


def test_without_the_switch_all_goes_to_the_wire(card: PoolRig) -> None:
    """VEPA: PFDTXGSWC.VT_LBEN is 0."""
    card.write(PFDTXGSWC, 0)
    assert card.turn(1, frame(mac(2), mac(1))) == ([], 1)
    assert card.turn(1, frame(BROADCAST, mac(1))) == ([], 1)


def test_a_pool_that_does_not_receive_gets_nothing_and_the_wire_neither(card: PoolRig) -> None:
    card.bits(VFRE, [0, 1, 3])
    assert card.turn(1, frame(mac(2), mac(1))) == ([], 0)
    assert card.turn(1, frame(BROADCAST, mac(1))) == ([0, 3], 1)


def test_vlans_part_the_pools(card: PoolRig) -> None:
    card.vlan(0, 5, 0, 1)
    card.vlan(1, 6, 2, 3)
    assert card.turn(1, frame(BROADCAST, mac(1), 5)) == ([0], 1)
    assert card.turn(1, frame(BROADCAST, mac(1), 6)) == ([2, 3], 1), "nothing says that pool 1 may not send it"
    assert card.turn(1, frame(mac(0), mac(1), 5)) == ([0], 0)
    assert card.turn(1, frame(mac(2), mac(1), 5)) == ([], 1), "there may be one of that address in VLAN 5 outside"
    card.modes(0, BAM=1)
    assert card.turn(1, frame(BROADCAST, mac(1))) == ([2, 3], 1), "pool 0 wants no untagged frames"


def test_without_replication_the_default_pool_has_broadcast(card: PoolRig) -> None:
    card.use(4, pf=PF, REPLEN=0)
    assert card.turn(1, frame(BROADCAST, mac(1))) == ([PF], 1)
    assert card.turn(PF, frame(BROADCAST, mac(PF))) == ([], 1)
    assert card.turn(1, frame(mac(2), mac(1))) == ([2], 0)
    card.address(9, mac(9), 1, 2)
    assert card.turn(1, frame(mac(9), mac(1))) == ([2], 0), "the sender is no candidate"


def test_an_ethertype_filter_with_a_pool_takes_sent_frames_too(card: PoolRig) -> None:
    card.write(ETQF, ETQF.of(FILTER_EN=1, ETYPE=0x88CC, POOL_EN=1, POOL=PF))
    assert card.turn(1, frame(BROADCAST, mac(1), kind=0x88CC)) == ([PF], 1)
    assert card.turn(PF, frame(BROADCAST, mac(PF), kind=0x88CC)) == ([], 1)


def test_rx_and_tx_that_disagree_about_pools_switch_nothing(card: PoolRig) -> None:
    card.write(MRQC, 0xB)
    assert card.turn(1, frame(mac(2), mac(1))) == ([], 1)
    card.write(MRQC, 1)
    assert card.turn(1, frame(BROADCAST, mac(1))) == ([], 1)


def test_an_mtqc_without_pools_sends_all_to_the_wire(card: PoolRig) -> None:
    card.write(MTQC, 0)
    assert card.turn(1, frame(mac(2), mac(1))) == ([], 1)


def test_without_a_link_or_a_receiver_nothing_is_switched(card: PoolRig) -> None:
    card.nic.link_up = False
    assert card.turn(1, frame(mac(2), mac(1))) == ([], 0)
    assert (card.count.tx_frames, card.count.tx_dropped, card.count.switched_frames) == (0, 1, 0)
    card.nic.link_up = True
    card.write(RXCTRL, 0)
    assert card.turn(1, frame(mac(2), mac(1)))[0] == []
    card.write(RXCTRL, 1)
    assert card.turn(1, frame(mac(2), mac(1))) == ([2], 0)


def test_a_mac_that_loops_is_a_wire_like_any_other(card: PoolRig) -> None:
    """What the switch keeps inside never reaches it, and a looped frame is no switched one."""
    card.write(HLREG0, card.read(HLREG0) | HLREG0.of(LPBK=1))
    card.send(1, frame(mac(2), mac(1)))
    assert [[q1.STAT_LB for _, q1 in found] for found in card.taken().values()] == [[1]]
    card.send(1, frame(BROADCAST, mac(1)))
    looped = {queue // 4: [q1.STAT_LB for _, q1 in found] for queue, found in card.taken().items()}
    assert looped == {0: [1, 0], 1: [0], 2: [1, 0], 3: [1, 0]}


# -- offloads ---------------------------------------------------------------------------------------------------------


def test_segments_reach_the_other_pool_each_in_its_place(card: PoolRig) -> None:
    headers = Ether(dst=mac(2), src=mac(1)) / IP(src="10.0.0.1", dst="10.0.0.2", chksum=0) / TCP(seq=100, chksum=0)
    payload = bytes(n % 251 for n in range(5000))
    how = Offload(mac_len=14, ip_len=20, l4_len=20, mss=1000, ipv4=True, l4t=1, ixsm=True, txsm=True)
    data = bytes(headers) + payload
    card.speak(4)
    first = data_desc(card.buffer(data), len(data), **options(how, len(payload), tse=True))
    card.post(4, context_desc(how), first)
    card.nic.step()
    segments = [Ether(data) for data in card.got()[8]]
    assert b"".join(bytes(segment[TCP].payload) for segment in segments) == payload
    assert [segment[TCP].seq for segment in segments] == [100 + 1000 * n for n in range(5)]
    assert card.wire.all() == []


def test_checksums_are_filled_in_and_found_good(card: PoolRig) -> None:
    packet = Ether(dst=mac(2), src=mac(1)) / IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=1, dport=2) / Raw(b"x" * 30)
    data = bytearray(bytes(packet))
    pseudo = sum(int.from_bytes(data[at : at + 2], "big") for at in range(26, 34, 2)) + 17 + 38
    data[24:26] = bytes(2)
    data[40:42] = (pseudo % 0xFFFF).to_bytes(2, "big")
    how = Offload(mac_len=14, ip_len=20, ipv4=True, l4t=0, ixsm=True, txsm=True)
    card.speak(4)
    card.post(4, context_desc(how), data_desc(card.buffer(bytes(data)), len(data), **options(how)))
    card.nic.step()
    ((arrived, q1),) = card.taken()[8]
    assert arrived == bytes(packet)
    assert (q1.STAT_IPCS, q1.STAT_L4CS, q1.ERR_IPE, q1.ERR_TCPE) == (1, 1, 0, 0)


def test_wrong_checksums_are_told_and_not_counted_by_the_mac(card: PoolRig) -> None:
    packet = Ether(dst=mac(2), src=mac(1)) / IP(chksum=1) / UDP(sport=1, dport=2, chksum=1) / Raw(b"x" * 30)
    card.send(1, bytes(packet))
    ((_, q1),) = card.taken()[8]
    assert (q1.ERR_IPE, q1.ERR_TCPE, card.read(XEC)) == (1, 1, 0)
    card.receive(bytes(packet))
    assert card.read(XEC) == 1


def test_short_frames_are_padded(card: PoolRig) -> None:
    short = frame(mac(2), mac(1))[:30]
    card.send(1, short)
    assert card.got() == {8: [short.ljust(60, b"\0")]}


def test_a_frame_longer_than_the_mac_would_bring_is_not_brought_either(card: PoolRig) -> None:
    """MAXFRS counts for local frames, too; counters of the MAC know nothing of them."""
    assert card.turn(1, frame(mac(2), mac(1), size=1515)) == ([], 0)
    assert (card.read(ROC), card.read(RLEC)) == (0, 0)
    card.write(HLREG0, card.read(HLREG0) | HLREG0.of(JUMBOEN=1))
    card.write(MAXFRS, MAXFRS.of(MFS=9018))
    card.send(1, frame(mac(2), mac(1), size=9014))
    assert [len(data) for data in card.got()[8]] == [9014]
    assert card.turn(1, frame(mac(2), mac(1), size=9015)) == ([], 0)
    assert card.turn(1, frame(BROADCAST, mac(1), size=9015)) == ([], 1), "what the wire does with it is the wire's"


def test_a_wrong_length_field_is_no_error_of_the_mac(card: PoolRig) -> None:
    assert card.turn(1, frame(mac(2), mac(1), kind=1000, size=100)) == ([2], 0)
    assert card.read(RLEC) == 0


def test_a_damaged_frame_is_switched_to_nobody(card: PoolRig) -> None:
    """IFCS off and a wrong FCS of its own."""
    data = frame(mac(2), mac(1)) + b"\0\0\0\0"
    card.speak(4)
    q0, q1 = data_desc(card.buffer(data), len(data))
    card.post(4, (q0, q1 & ~(1 << 25)))
    card.nic.step()
    assert (card.pools(), card.wire.all()) == ([], [])
    assert (card.read(CRCERRS), card.count.switched_frames) == (0, 0)


def test_a_stamp_is_taken_of_a_frame_that_stays_inside(card: PoolRig) -> None:
    card.write(TSYNCTXCTL, TSYNCTXCTL.of(ENABLED=1))
    card.send(1, frame(mac(2), mac(1)), MAC_TSTAMP=1)
    assert card.pools() == [2]
    assert TSYNCTXCTL(card.read(TSYNCTXCTL)).VALID == 1


# -- what may leave at all --------------------------------------------------------------------------------------------


def test_a_pool_that_may_not_send_waits_and_holds_up_nobody(card: PoolRig) -> None:
    card.bits(VFTE, [0, 2, 3])
    assert card.turn(1, frame(mac(2), mac(1))) == ([], 0)
    assert card.turn(0, frame(mac(2), mac(0))) == ([2], 0)
    assert card.read(TDH, 4) == 0
    card.bits(VFTE, range(64))
    card.nic.step()
    assert (card.pools(), card.read(TDH, 4)) == ([2], 1)


def test_a_forged_address_is_dropped_and_counted(card: PoolRig) -> None:
    card.write(PFVFSPOOF, PFVFSPOOF.of(MACAS=1 << 1))
    card.write(VMECM, 1 << 1)
    assert card.turn(1, frame(mac(2), mac(1))) == ([2], 0)
    assert card.turn(1, frame(mac(2), mac(0))) == ([], 0)
    assert card.turn(1, frame(BROADCAST, STRANGER)) == ([], 0)
    assert card.turn(0, frame(mac(2), mac(1))) == ([2], 0), "nobody looks at what pool 0 sends"
    assert (card.read(SSVPC), card.read(SSVPC)) == (2, 0)
    assert card.read(TDH, 4) == 3, "a dropped frame is done with as any other"
    card.write(VMECM, 0)
    assert card.turn(1, frame(mac(2), mac(0))) == ([], 0)
    assert (card.read(SSVPC), card.nic.c.virt.count.tx_spoofed) == (0, 3)


def test_the_high_pools_have_their_own_registers(card: PoolRig) -> None:
    card.address(30, mac(30), 30)
    card.listen_pools(30)
    card.write(PFVFSPOOF, PFVFSPOOF.of(MACAS=1 << 6), 3)
    card.write(VMECM, 1 << 30)
    assert card.turn(30, frame(mac(2), mac(30))) == ([2], 0)
    assert card.turn(30, frame(mac(2), mac(31))) == ([], 0)
    assert card.read(SSVPC) == 1


def test_a_vlan_that_is_not_its_own_is_dropped(card: PoolRig) -> None:
    card.vlan(0, 5, 1, 2)
    card.vlan(1, 6, 2)
    card.write(PFVFSPOOF, PFVFSPOOF.of(VLANAS=1 << 1))
    assert card.turn(1, frame(BROADCAST, mac(1), 5)) == ([2], 1)
    assert card.turn(1, frame(BROADCAST, mac(1), 6)) == ([], 0)
    assert card.turn(1, frame(BROADCAST, mac(1), 7)) == ([], 0)
    assert card.turn(1, frame(BROADCAST, mac(1))) == ([0, 2, 3], 1), "no tag is no forged one"
    assert card.nic.c.virt.count.tx_spoofed == 2


def test_a_tag_put_in_by_the_device_is_looked_at_too(card: PoolRig) -> None:
    card.vlan(0, 5, 1, 2)
    card.write(PFVFSPOOF, PFVFSPOOF.of(VLANAS=1 << 1))
    card.speak(4)
    for vid, expected in ((5, [2]), (6, [])):
        how = Offload(mac_len=14, ip_len=0, vlan=vid, ixsm=False, txsm=False)
        data = frame(BROADCAST, mac(1))
        card.post(4, context_desc(how), data_desc(card.buffer(data), len(data), **options(how)))
        card.nic.step()
        assert card.pools() == expected


def test_an_ethertype_may_be_forbidden(card: PoolRig) -> None:
    """Linux's ixgbe forbids pools 0x8808 (pause) and 0x88CC (LLDP) so."""
    card.write(ETQF, ETQF.of(FILTER_EN=1, TX_ANTISPOOF=1, ETYPE=0x8808), 7)
    card.write(PFVFSPOOF, PFVFSPOOF.of(ETHERAS=1 << 1))
    pause = bytes.fromhex("0180c2000001") + mac(1) + bytes.fromhex("88080001ffff")
    assert card.turn(1, pause) == ([], 0)
    assert card.turn(1, frame(BROADCAST, mac(1), 5, kind=0x8808)) == ([], 0)
    assert card.turn(0, pause)[1] == 1
    assert card.turn(1, frame(mac(2), mac(1))) == ([2], 0)
    card.write(ETQF, ETQF.of(FILTER_EN=1, ETYPE=0x8808), 7)
    assert card.turn(1, pause)[1] == 1


def test_a_pools_pause_frame_pauses_nobody_here(card: PoolRig) -> None:
    card.modes(3, BAM=1, MPE=1)
    card.write(MFLCN, MFLCN.of(RFCE=1))
    pause = bytes.fromhex("0180c2000001") + mac(1) + bytes.fromhex("88080001ffff")
    assert card.turn(1, pause) == ([2, 3], 1)
    assert card.nic.c.flow.paused == 0
    card.receive(pause.ljust(60, b"\0"))
    assert card.nic.c.flow.paused == 0xFF, "the wire's pauses all"


# -- the tag that a pool must have ------------------------------------------------------------------------------------


def test_a_default_tag_is_put_into_every_frame(card: PoolRig) -> None:
    card.vlan(0, 5, 1, 2)
    card.write(VMVIR, VMVIR.of(VLANA_DEFAULT=1, PORT_VLAN_ID=3 << 13 | 5), 1)
    bare = frame(BROADCAST, mac(1))
    card.send(1, bare)
    tagged = bare[:12] + bytes.fromhex("81006005") + bare[12:]
    assert (card.got(), card.wire.all()) == ({8: [tagged]}, [tagged])
    how = Offload(mac_len=14, ip_len=0, vlan=9, ixsm=False, txsm=False)
    card.post(4, context_desc(how), data_desc(card.buffer(bare), len(bare), **options(how)))
    card.nic.step()
    assert card.got() == {8: [tagged]}, "the descriptor's tag is not asked for"
    card.write(PFVFSPOOF, PFVFSPOOF.of(VLANAS=1 << 1))
    card.vlan(0, 5, 2)
    assert card.turn(1, bare)[0] == [2], "the tag is the PF's, so the pool forged nothing"


@pytest.mark.parametrize("rule", [VMVIR.of(VLANA_DEFAULT=1, PORT_VLAN_ID=5), VMVIR.of(VLANA_NEVER=1)])
def test_a_frame_that_brings_a_tag_where_the_pf_chooses_it_is_dropped(card: PoolRig, rule: int) -> None:
    card.vlan(0, 5, 1, 2)
    card.write(VMECM, 1 << 1)
    card.write(VMVIR, rule, 1)
    assert card.turn(1, frame(BROADCAST, mac(1), 5)) == ([], 0)
    assert card.read(SSVPC) == 1
    assert card.turn(1, frame(BROADCAST, mac(1)))[1] == 1


def test_never_a_tag_takes_none_from_the_descriptor_either(card: PoolRig) -> None:
    card.write(VMVIR, VMVIR.of(VLANA_NEVER=1), 1)
    bare = frame(BROADCAST, mac(1))
    how = Offload(mac_len=14, ip_len=0, vlan=9, ixsm=False, txsm=False)
    card.speak(4)
    card.post(4, context_desc(how), data_desc(card.buffer(bare), len(bare), **options(how)))
    card.nic.step()
    assert card.wire.all() == [bare]


def test_a_tag_that_makes_a_frame_too_long_stops_the_queue(card: PoolRig) -> None:
    card.write(VMVIR, VMVIR.of(VLANA_DEFAULT=1, PORT_VLAN_ID=5), 1)
    card.send(1, frame(BROADCAST, mac(1), size=16381))
    assert card.nic.stalls.seen
    assert card.turn(0, frame(mac(2), mac(0))) == ([2], 0)


# -- counters ---------------------------------------------------------------------------------------------------------


def test_the_mac_counts_what_reaches_it_and_the_pool_what_it_sent(card: PoolRig) -> None:
    card.turn(1, frame(mac(2), mac(1)))
    card.turn(1, frame(STRANGER, mac(1), size=100))
    card.turn(1, frame(BROADCAST, mac(1)))
    assert (card.read(GPTC), card.read(GPRC), card.read(MPRC)) == (2, 0, 0)
    assert (card.read(PVFGPTC, 1), card.read(PVFGOTC_LSB, 1), card.read(PVFGOTC_MSB, 1)) == (3, 64 + 104 + 64, 0)
    assert card.read(PVFGPTC, 0) == 0
    assert [card.read(PVFGPRC, pool) for pool in range(4)] == [1, 0, 2, 1]
    assert (card.read(QPTC), card.read(TXDGPC)) == (3, 3)
    assert (card.count.switched_frames, card.count.pool_copies) == (2, 2)
    assert card.count.tx_frames == 3


def test_a_frame_that_a_full_wire_keeps_is_counted_once_by_its_pool(card: PoolRig) -> None:
    """The copies inside are made at once; the wire takes its own later."""
    card.write(MFLCN, MFLCN.of(RFCE=1))
    card.write(HLREG0, card.read(HLREG0) | HLREG0.of(JUMBOEN=1))
    card.write(MAXFRS, MAXFRS.of(MFS=9018))
    sent = 0
    while not card.nic.c.flow.kept and sent < 500:
        card.send(1, frame(BROADCAST, mac(1), size=9014))
        sent += 1
        assert card.pools() == [0, 2, 3]
    assert (card.nic.c.flow.kept, card.read(PVFGPTC, 1)) == (1, sent)
    assert card.read(GPTC) == sent - 1
    assert len(card.wire.all()) == sent - 1
    card.nic.step()
    assert (len(card.wire.all()), card.read(GPTC), card.read(PVFGPTC, 1)) == (1, 1, sent)


def test_two_pools_of_one_port_vlan_never_see_its_tag(card: PoolRig) -> None:
    """``ip link set eth0 vf N vlan 5``, as ixgbe_enable_port_vlan writes it."""
    card.vlan(0, 5, 1, 2)
    card.write(VMECM, 0xFFFF_FFFF)
    for pool in (1, 2):
        card.write(VMVIR, VMVIR.of(VLANA_DEFAULT=1, PORT_VLAN_ID=5), pool)
        card.modes(pool, BAM=1)
        card.write(PFQDE, PFQDE.of(QDE=1, HIDE_VLAN=1, IDX=4 * pool, WE=1))
    sent = frame(BROADCAST, mac(1))
    card.send(1, sent)
    assert card.got() == {8: [sent]}
    assert [data[12:16] for data in card.wire.all()] == [bytes.fromhex("81000005")]
    assert card.turn(0, frame(mac(2), mac(0))) == ([], 1), "from outside the VLAN"
    assert card.turn(1, frame(BROADCAST, mac(1), 5)) == ([], 0)
    assert card.read(SSVPC) == 1


def test_what_was_forged_is_not_counted_as_sent(card: PoolRig) -> None:
    card.write(PFVFSPOOF, PFVFSPOOF.of(MACAS=1 << 1))
    card.turn(1, frame(STRANGER, STRANGER))
    assert [card.read(register, n) for register, n in ((GPTC, 0), (PVFGPTC, 1), (QPTC, 0), (TXDGPC, 0))] == [0] * 4
    assert (card.count.tx_frames, card.count.tx_dropped) == (0, 1)
