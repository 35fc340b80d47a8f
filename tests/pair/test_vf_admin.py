# SPDX-License-Identifier: BSD-3-Clause
"""What an administrator decides of a VF, and what a VF asks for, down to the registers of the real device."""

from collections.abc import Iterator

import pytest

from device.machine.wire.loopback import LoopbackPort
from device.regs.i82599 import (
    MAXFRS,
    MPSAR,
    MRCTL,
    MTA,
    PFQDE,
    PFVFSPOOF,
    RAH,
    RAL,
    RTTBCNRC,
    RTTDQSEL,
    VFTA,
    VLVF,
    VLVFB,
    VMECM,
    VMOLR,
    VMRVLAN,
    VMRVM,
    VMVIR,
)
from device.regs.i82599.mbx import HASHES, HEAD, ApiVersion, MessageType, XcastMode
from driver.errors import DriverError
from driver.ixgbe.sriov.messages import address_words
from tests.rigs.vf_pf import PfRig, pf_rig

ONE, TWO, THREE = ("02:00:00:00:00:11", "02:00:00:00:00:22", "02:00:00:00:00:33")
PING = int(MessageType.PF_CONTROL)


@pytest.fixture
def pf(port: LoopbackPort) -> Iterator[PfRig]:
    with pf_rig(port, 5) as rig:
        yield rig


def words(address: str) -> list[int]:
    return address_words(bytes.fromhex(address.replace(":", "")))


def addresses(pf: PfRig) -> dict[str, set[int]]:
    """Which pools take frames to which address: read from the registers."""
    found: dict[str, set[int]] = {}
    for n in range(128):
        high = pf.nic.regs.get(RAH, n)
        if high.AV:
            raw = int(pf.nic.regs.get(RAL, n)).to_bytes(4, "little") + int(high.RAH).to_bytes(2, "little")
            pools = int(pf.nic.regs.get(MPSAR, 2 * n)) + int(pf.nic.regs.get(MPSAR, 2 * n + 1)) * 2**32
            found.setdefault(raw.hex(":"), set()).update(pool for pool in range(64) if pools // 2**pool % 2)
    return found


def members(pf: PfRig) -> dict[int, set[int]]:
    """Which pools are in which VLAN."""
    regs, found = pf.nic.regs, {}
    for n in range(64):
        if regs.get(VLVF, n).VIEN:
            pools = int(regs.get(VLVFB, 2 * n)) + int(regs.get(VLVFB, 2 * n + 1)) * 2**32
            vid = int(regs.get(VLVF, n).VLANID)
            assert int(regs.get(VFTA, vid // 32)) // 2 ** (vid % 32) % 2, f"VLAN {vid} is let in"
            found[vid] = {pool for pool in range(64) if pools // 2**pool % 2}
    return found


def yes(pf: PfRig, n: int, kind: MessageType, *behind: int, info: int = 0) -> list[int]:
    answer = pf.ask(n, HEAD.of(TYPE=kind, INFO=info), *behind)
    assert HEAD(answer[0]).ACK
    return answer[1:]


def no(pf: PfRig, n: int, kind: MessageType, *behind: int, info: int = 0) -> str:
    answer = pf.ask(n, HEAD.of(TYPE=kind, INFO=info), *behind)
    assert HEAD(answer[0]).NACK
    return str(pf.row(n)["refused"])


# ---- addresses -------------------------------------------------------------------------------------------------------


def test_an_address_is_set_and_the_vf_starts_with_it(pf: PfRig) -> None:
    pf.start(1)
    yes(pf, 1, MessageType.SET_MAC, *words(TWO))
    assert addresses(pf)[TWO] == {1}
    pf.serve()
    row = pf.sriov.change(1, "mac", [ONE])
    assert (row["mac"], row["mac_set"], row["ready"]) == (ONE, True, False)
    assert addresses(pf)[ONE] == {1}
    assert TWO not in addresses(pf)
    pf.settle()
    assert pf.guests[1].receive(1) == [PING]
    assert pf.start(1)[:3] == [HEAD.of(TYPE=MessageType.RESET, ACK=1), *words(ONE)]
    assert addresses(pf)[ONE] == {1}
    assert "is not trusted" in no(pf, 1, MessageType.SET_MAC, *words(TWO))
    pf.sriov.change(1, "trust", ["on"])
    pf.start(1)
    yes(pf, 1, MessageType.SET_MAC, *words(TWO))
    assert {ONE, TWO} & set(addresses(pf)) == {TWO}
    pf.sriov.change(1, "mac", ["none"])
    assert pf.start(1)[0] == HEAD.of(TYPE=MessageType.RESET, NACK=1)


def test_two_with_one_address(pf: PfRig) -> None:
    """A bond of two VFs does that; each gets what is sent to it, and who leaves takes only its own part."""
    for n in (0, 1):
        pf.start(n)
        yes(pf, n, MessageType.SET_MAC, *words(ONE))
    assert addresses(pf)[ONE] == {0, 1}
    yes(pf, 0, MessageType.SET_MAC, *words(TWO))
    assert (addresses(pf)[ONE], addresses(pf)[TWO]) == ({1}, {0})


def test_the_ports_own_address_stays_the_ports(pf: PfRig) -> None:
    pf.start(0)
    ours = pf.adapter.mac
    yes(pf, 0, MessageType.SET_MAC, *words(ours))
    assert addresses(pf)[ours] == {0, 5}
    pf.adapter.set_mac(bytes.fromhex(THREE.replace(":", "")))
    assert addresses(pf)[THREE] == {5}
    assert addresses(pf)[ours] == {0}
    pf.guests[0].reset()
    pf.serve()
    assert ours not in addresses(pf)


def test_a_vf_that_leaves_the_ports_address_leaves_it_to_the_port(pf: PfRig) -> None:
    pf.start(0)
    yes(pf, 0, MessageType.SET_MAC, *words(pf.adapter.mac))
    pf.guests[0].reset()
    pf.serve()
    assert addresses(pf)[pf.adapter.mac] == {5}


def test_the_storage_address_is_the_ports(pf: PfRig) -> None:
    mac = pf.adapter.hw.mac
    assert mac.san_address is not None
    assert addresses(pf)[mac.san_address.hex(":")] == {5}


def test_the_port_takes_the_address_of_a_vf(pf: PfRig) -> None:
    pf.start(0)
    yes(pf, 0, MessageType.SET_MAC, *words(ONE))
    pf.adapter.set_mac(bytes.fromhex(ONE.replace(":", "")))
    assert addresses(pf)[ONE] == {0, 5}
    yes(pf, 0, MessageType.SET_MAC, *words(TWO))
    assert (addresses(pf)[ONE], addresses(pf)[TWO]) == ({5}, {0})


def test_addresses_that_the_port_adds_are_of_its_pool(pf: PfRig) -> None:
    mac = pf.adapter.hw.mac
    pf.start(0)
    yes(pf, 0, MessageType.SET_MAC, *words(ONE))
    for address in (ONE, TWO):
        mac.add_unicast(bytes.fromhex(address.replace(":", "")))
    assert (addresses(pf)[ONE], addresses(pf)[TWO]) == ({0, 5}, {5})
    pf.adapter.reinit()
    assert (addresses(pf)[ONE], addresses(pf)[TWO]) == ({5}, {5})
    pf.start(0)
    yes(pf, 0, MessageType.SET_MAC, *words(ONE))
    for address in (ONE, TWO):
        mac.del_unicast(bytes.fromhex(address.replace(":", "")))
    assert addresses(pf)[ONE] == {0}
    assert TWO not in addresses(pf)


def test_more_addresses(pf: PfRig) -> None:
    pf.start(2)
    yes(pf, 2, MessageType.SET_MACVLAN, *words(ONE), info=1)
    yes(pf, 2, MessageType.SET_MACVLAN, *words(TWO), info=2)
    assert pf.row(2)["macvlans"] == [ONE, TWO]
    assert addresses(pf)[ONE] == addresses(pf)[TWO] == {2}
    yes(pf, 2, MessageType.SET_MACVLAN, *words(THREE), info=1)
    assert {ONE, TWO, THREE} & set(addresses(pf)) == {THREE}
    pf.guests[2].reset()
    pf.serve()
    assert THREE not in addresses(pf)


def test_they_cannot_take_all_of_them(pf: PfRig) -> None:
    """The port keeps sixteen, and each VF one."""
    pf.start(2)
    room = len(pf.adapter.hw.mac.table) - 16 - 5
    for n in range(room):
        yes(pf, 2, MessageType.SET_MACVLAN, *words(f"02:00:00:00:01:{n:02x}"), info=2)
    assert f"all {room} receive addresses" in no(pf, 2, MessageType.SET_MACVLAN, *words(ONE), info=2)
    pf.start(3)
    yes(pf, 3, MessageType.SET_MAC, *words(ONE))


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("01:00:5e:00:00:01", "no station can have it: it is a multicast address"),
        ("00:00:00:00:00:00", "no station can have it: it is zero, `mac none`"),
        ("02:00:00:00:00", "an address is six bytes such as 02:00:00:00:00:01"),
        ("02:00:00:00:00:1g", "an address is six bytes"),
        ("02:00:00:00:00:111", "an address is six bytes"),
    ],
)
def test_addresses_that_cannot_be(pf: PfRig, address: str, said: str) -> None:
    with pytest.raises(DriverError, match=f"mac {address}: {said}"):
        pf.sriov.change(0, "mac", [address])
    assert pf.row(0)["mac"] == ""


# ---- VLANs -----------------------------------------------------------------------------------------------------------


def hidden(pf: PfRig) -> set[int]:
    """Queues that do not see their VLAN: read entry by entry."""
    found = set()
    for queue in range(128):
        pf.nic.regs.write(PFQDE.offset(), PFQDE.of(IDX=queue, RE=1))
        entry = PFQDE(pf.nic.regs.read(PFQDE.offset()))
        if entry.HIDE_VLAN:
            found.add(queue)
    return found


def test_a_port_vlan(pf: PfRig) -> None:
    pf.start(1)
    yes(pf, 1, MessageType.SET_VLAN, 9, info=1)
    assert members(pf) == {0: {1, 5}, 9: {1, 5}}
    pf.sriov.change(1, "vlan", ["100", "qos", "5"])
    assert members(pf) == {0: {5}, 100: {1, 5}}
    assert pf.nic.regs.get(VMVIR, 1) == VMVIR.of(PORT_VLAN_ID=100 + 5 * 2**13, VLANA_DEFAULT=1)
    assert pf.nic.regs.get(VMOLR, 1).AUPE == 0, "frames without a tag are none of its business"
    pf.start(1)
    assert members(pf) == {0: {5}, 100: {1, 5}}
    assert yes(pf, 1, MessageType.GET_QUEUES)[:4] == [4, 4, 1, 0]
    assert "VLAN 100" in no(pf, 1, MessageType.SET_VLAN, 9, info=1)
    pf.sriov.change(1, "vlan", ["0"])
    assert members(pf) == {0: {1, 5}}
    assert int(pf.nic.regs.get(VMVIR, 1)) == 0
    assert pf.nic.regs.get(VMOLR, 1).AUPE == 1


def test_a_port_vlan_is_hidden(pf: PfRig) -> None:
    pf.start(1)
    pf.sriov.change(1, "vlan", ["100"])
    assert int(pf.nic.regs.get(PFQDE)) == PFQDE.of(QDE=1, HIDE_VLAN=1, IDX=7), "the last queue of pool 1"


def test_no_room_for_a_vlan(pf: PfRig) -> None:
    pf.start(0)
    for vid in range(1, 64):
        yes(pf, 0, MessageType.SET_VLAN, vid, info=1)
    assert "all 64 entries" in no(pf, 0, MessageType.SET_VLAN, 64, info=1)
    with pytest.raises(DriverError, match="VLAN 100: all 64 entries"):
        pf.sriov.change(1, "vlan", ["100"])
    assert pf.row(1)["vlan"] == 0
    pf.guests[0].reset()
    pf.serve()
    assert members(pf) == {0: {0, 1, 2, 3, 4, 5} & {0, 5}}


@pytest.mark.parametrize(
    ("behind", "said"),
    [
        (["4095"], "VLAN 4095 is out of range: 0 to 4094"),
        (["-1"], "VLAN -1 is out of range"),
        (["7", "qos", "8"], "qos 8 is out of range: 0 to 7"),
        (["7", "priority", "1"], r"it is `vlan VID \[qos Q\]`"),
        (["7", "qos"], r"it is `vlan VID \[qos Q\]`"),
        (["0", "qos", "1"], "with VLAN 0 there is none"),
    ],
)
def test_vlans_that_cannot_be(pf: PfRig, behind: list[str], said: str) -> None:
    with pytest.raises(DriverError, match=said):
        pf.sriov.change(0, "vlan", behind)
    assert pf.row(0)["vlan"] == 0


# ---- what they take --------------------------------------------------------------------------------------------------


def taken(pf: PfRig, n: int) -> dict[str, int]:
    value = pf.nic.regs.get(VMOLR, n)
    return {name: getattr(value, name) for name in ("BAM", "AUPE", "ROMPE", "MPE")}


def test_reception_modes_of_one_who_is_trusted(pf: PfRig) -> None:
    pf.sriov.change(3, "trust", ["on"])
    pf.start(3)
    assert taken(pf, 3) == {"BAM": 1, "AUPE": 1, "ROMPE": 0, "MPE": 0}
    yes(pf, 3, MessageType.UPDATE_XCAST, XcastMode.ALLMULTI)
    assert taken(pf, 3) == {"BAM": 1, "AUPE": 1, "ROMPE": 1, "MPE": 1}
    yes(pf, 3, MessageType.UPDATE_XCAST, XcastMode.NONE)
    assert taken(pf, 3)["ROMPE"] == taken(pf, 3)["MPE"] == 0
    yes(pf, 3, MessageType.UPDATE_XCAST, XcastMode.ALLMULTI)
    pf.sriov.change(3, "trust", ["off"])
    pf.start(3)
    assert taken(pf, 3)["MPE"] == 0, "what it had while it was trusted is gone"


def multicast(pf: PfRig) -> set[int]:
    return {32 * n + bit for n in range(128) for bit in range(32) if int(pf.nic.regs.get(MTA, n)) // 2**bit % 2}


def test_multicast_hashes_of_all_of_them(pf: PfRig) -> None:
    pf.adapter.set_rx_mode(multicast=[bytes.fromhex("01005e000001")])
    own = multicast(pf)
    assert len(own) == 1
    for n in (0, 1):
        pf.start(n)
    yes(pf, 0, MessageType.SET_MULTICAST, HASHES.of(FIRST=5, SECOND=0xFFF), info=2)
    yes(pf, 1, MessageType.SET_MULTICAST, HASHES.of(FIRST=5, SECOND=77), info=2)
    assert multicast(pf) == own | {5, 77, 0xFFF}
    assert taken(pf, 0)["ROMPE"] == 1
    yes(pf, 1, MessageType.SET_MULTICAST, HASHES.of(FIRST=78), info=1)
    assert multicast(pf) == own | {5, 78, 0xFFF}, "what nobody wants any more is not taken in"
    pf.adapter.set_rx_mode(multicast=[])
    assert multicast(pf) == {5, 78, 0xFFF}
    pf.guests[0].reset()
    pf.serve()
    assert multicast(pf) == {78}
    assert pf.row(1)["multicast"] == 1


# ---- the rest --------------------------------------------------------------------------------------------------------


def test_spoofchk(pf: PfRig) -> None:
    pf.start(2)
    assert int(pf.nic.regs.get(VMECM, 0)) == 0b100, "what is dropped of it is counted"
    pf.sriov.change(2, "spoofchk", ["off"])
    assert pf.nic.regs.get(PFVFSPOOF, 0) == PFVFSPOOF.of(MACAS=0b11011, VLANAS=0b11011)
    pf.start(2)
    assert pf.nic.regs.get(PFVFSPOOF, 0).MACAS == 0b11011, "a VF that starts anew changes nothing of it"
    pf.sriov.change(2, "spoofchk", ["on"])
    assert pf.nic.regs.get(PFVFSPOOF, 0) == PFVFSPOOF.of(MACAS=0b11111, VLANAS=0b11111)


def test_link_state(pf: PfRig) -> None:
    pf.start(0)
    assert yes(pf, 0, MessageType.GET_LINK_STATE)[0] == 1
    assert (pf.row(0)["receives"], pf.row(0)["sends"]) == (True, True)
    pf.sriov.change(0, "state", ["disable"])
    assert (pf.row(0)["receives"], pf.row(0)["sends"]) == (False, False)
    pf.start(0)
    assert yes(pf, 0, MessageType.GET_LINK_STATE)[0] == 0
    assert (pf.row(0)["receives"], pf.row(0)["sends"]) == (False, False)
    for state in ("enable", "auto"):
        assert pf.sriov.change(0, "state", [state])["state"] == state
        pf.start(0)
        assert yes(pf, 0, MessageType.GET_LINK_STATE)[0] == 1
        assert (pf.row(0)["receives"], pf.row(0)["sends"]) == (True, True)


def limits(pf: PfRig) -> dict[int, RTTBCNRC]:
    """The rates that are set, by queue: behind RTTDQSEL."""
    found = {}
    for queue in range(128):
        pf.nic.regs.write(RTTDQSEL.offset(), RTTDQSEL.of(TXDQ_IDX=queue))
        limit = RTTBCNRC(pf.nic.regs.read(RTTBCNRC.offset()))
        if limit.RS_ENA:
            found[queue] = limit
    return found


def test_rates(pf: PfRig) -> None:
    pf.sriov.change(1, "rate", ["0", "1000"])
    pf.sriov.change(2, "rate", ["0", "3000"])
    third = RTTBCNRC.of(RS_ENA=1, RF_INT=3, RF_DEC=2**14 // 3)
    assert limits(pf) == dict.fromkeys(range(4, 8), RTTBCNRC.of(RS_ENA=1, RF_INT=10)) | dict.fromkeys(
        range(8, 12), third
    )
    pf.adapter.reinit()
    pf.adapter.service()
    assert limits(pf)[4] == RTTBCNRC.of(RS_ENA=1, RF_INT=10), "a reset of the port does not change it"
    pf.sriov.change(1, "rate", ["0", "0"])
    assert set(limits(pf)) == set(range(8, 12))


@pytest.mark.parametrize(
    ("behind", "said"),
    [
        (["5", "100"], "guarantees no VF a rate: MIN is 0"),
        (["0", "10"], "MAX is 11 to 10000 Mb/s, or 0"),
        (["0", "10001"], "rate 10001 is out of range: 0 to 10000 Mb/s"),
        (["0", "fast"], "rate fast is out of range"),
    ],
)
def test_rates_that_cannot_be(pf: PfRig, behind: list[str], said: str) -> None:
    with pytest.raises(DriverError, match=said):
        pf.sriov.change(0, "rate", behind)
    assert pf.row(0)["max_mbps"] == 0


def test_no_rate_without_a_link(port: LoopbackPort) -> None:
    with pf_rig(port, 1, up=False) as pf, pytest.raises(DriverError, match="parts of a link of 10000 Mb/s"):
        pf.sriov.change(0, "rate", ["0", "100"])


def test_jumbo_frames_come_with_the_ports(port: LoopbackPort) -> None:
    with pf_rig(port, 2, mtu=9000) as pf:
        pf.start(0, ApiVersion.V1_0)
        pf.start(1, ApiVersion.V1_1)
        assert not pf.row(0)["receives"], "it may not know of them: SET_LPE decides"
        no(pf, 0, MessageType.SET_LPE, 1518)
        yes(pf, 1, MessageType.SET_LPE, 1518)
        assert (pf.row(0)["receives"], pf.row(1)["receives"]) == (False, True)
        assert pf.nic.regs.get(MAXFRS).MFS == 9018
        yes(pf, 1, MessageType.SET_LPE, 9500)
        yes(pf, 1, MessageType.SET_LPE, 1518)
        assert pf.nic.regs.get(MAXFRS).MFS == 9500, "it only grows"
        pf.adapter.set_mtu(1500)
        pf.adapter.service()
        pf.start(1, ApiVersion.V1_1)
        assert pf.row(1)["receives"]
        no(pf, 1, MessageType.SET_LPE, 9018)
        assert not pf.row(1)["receives"]
        yes(pf, 1, MessageType.SET_LPE, 1518)
        assert pf.row(1)["receives"]
        assert pf.nic.regs.get(MAXFRS).MFS == 1522


def test_the_ports_rss_is_shown_to_whom_may_see_it(pf: PfRig) -> None:
    pf.start(0)
    assert "may not read" in no(pf, 0, MessageType.GET_RETA)
    pf.sriov.change(0, "query_rss", ["on"])
    assert yes(pf, 0, MessageType.GET_RETA)[:8] == [0xE4E4E4E4] * 8
    key = b"".join(word.to_bytes(4, "little") for word in yes(pf, 0, MessageType.GET_RSS_KEY)[:10])
    assert key == pf.adapter.sw.rss_key


# ---- mirrors ---------------------------------------------------------------------------------------------------------


def test_mirrors(pf: PfRig) -> None:
    regs = pf.nic.regs
    row = pf.sriov.change(2, "mirror", ["pools", "0,pf", "uplink"])
    assert row["mirror"] == "uplink pools 0,pf"
    assert regs.get(MRCTL, 0) == MRCTL.of(MP=2, VPME=1, UPME=1)
    assert int(regs.get(VMRVM, 0)) == 0b100001
    pf.start(0)
    yes(pf, 0, MessageType.SET_VLAN, 100, info=1)
    pf.sriov.change(1, "mirror", ["vlans", "100", "downlink"])
    assert regs.get(MRCTL, 0) == MRCTL.of(MP=1, VLME=1, DPME=1), "in the order of their VFs"
    assert regs.get(MRCTL, 1) == MRCTL.of(MP=2, VPME=1, UPME=1)
    assert int(regs.get(VMRVLAN, 0)) == 0b10, "the entry of VLAN 100"
    pf.adapter.reinit()
    assert regs.get(MRCTL, 1) == MRCTL.of(MP=2, VPME=1, UPME=1)
    pf.sriov.change(2, "mirror", ["off"])
    assert int(regs.get(MRCTL, 1)) == 0
    assert pf.row(2)["mirror"] == ""


def test_a_mirror_follows_a_vlan_that_comes_later(pf: PfRig) -> None:
    """After a reset of the port nobody is in the VLAN, until its VF is again."""
    pf.start(0)
    yes(pf, 0, MessageType.SET_VLAN, 100, info=1)
    pf.sriov.change(1, "mirror", ["vlans", "100"])
    pf.adapter.reinit()
    assert int(pf.nic.regs.get(MRCTL, 0)) == MRCTL.of(MP=1)
    pf.start(0)
    yes(pf, 0, MessageType.SET_VLAN, 7, info=1)
    yes(pf, 0, MessageType.SET_VLAN, 100, info=1)
    assert pf.nic.regs.get(MRCTL, 0) == MRCTL.of(MP=1, VLME=1)
    assert int(pf.nic.regs.get(VMRVLAN, 0)) == 0b100


@pytest.mark.parametrize(
    ("behind", "said"),
    [
        (["pools", "6"], "'6' is none of them: 0 to 4 or pf"),
        (["pools", "0,,1"], "'' is none of them"),
        (["pools", "1"], "VF 1 cannot be a mirror of itself"),
        (["vlans", "4095"], "'4095' is none of them: 0 to 4094"),
        (["vlans", "100"], "nobody is in VLAN 100"),
        (["sideways"], "it is uplink, downlink, pools LIST"),
        (["pools"], "it is uplink, downlink, pools LIST"),
        (["off", "uplink"], "it is uplink, downlink, pools LIST"),
    ],
)
def test_mirrors_that_cannot_be(pf: PfRig, behind: list[str], said: str) -> None:
    with pytest.raises(DriverError, match=said):
        pf.sriov.change(1, "mirror", behind)
    assert int(pf.nic.regs.get(MRCTL, 0)) == 0


def test_there_are_four_mirrors(pf: PfRig) -> None:
    for n in range(4):
        pf.sriov.change(n, "mirror", ["uplink"])
    with pytest.raises(DriverError, match="has 4 mirrors, and VFs 0, 1, 2, 3 have them"):
        pf.sriov.change(4, "mirror", ["uplink"])
    pf.sriov.change(3, "mirror", ["downlink"])


# ---- numbers, switches, and the table --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "what", "behind", "said"),
    [
        (5, "mac", ["none"], "VF 5 is out of range: there are 0 to 4"),
        (-1, "mac", ["none"], "VF -1 is out of range"),
        (0, "colour", ["red"], "'colour' cannot be changed; there are mac, vlan"),
        (0, "trust", ["maybe"], "trust maybe: it is on or off"),
        (0, "spoofchk", ["1"], "spoofchk 1: it is on or off"),
        (0, "query_rss", ["yes"], "query_rss yes: it is on or off"),
        (0, "state", ["up"], "state up: it is auto, enable or disable"),
        (0, "rate", ["0"], "it is `rate MIN MAX`, not 1 words"),
        (0, "mirror", [], "not 0 words behind mirror"),
    ],
)
def test_what_cannot_be_changed(pf: PfRig, n: int, what: str, behind: list[str], said: str) -> None:
    before = pf.sriov.table()
    with pytest.raises(DriverError, match=said):
        pf.sriov.change(n, what, behind)
    assert pf.sriov.table() == before


def test_decisions_while_the_port_is_down_count_when_it_comes_up(port: LoopbackPort) -> None:
    with pf_rig(port, 2, up=False) as pf:
        pf.sriov.change(0, "mac", [ONE])
        pf.sriov.change(0, "vlan", ["42"])
        pf.sriov.change(1, "spoofchk", ["off"])
        pf.sriov.change(1, "mirror", ["uplink"])
        pf.adapter.up(ring_count=64)
        pf.nic.link.evaluate()
        pf.adapter.service()
        assert pf.start(0)[:3] == [HEAD.of(TYPE=MessageType.RESET, ACK=1), *words(ONE)]
        assert members(pf) == {0: {2}, 42: {0, 2}}
        assert pf.nic.regs.get(PFVFSPOOF, 0).MACAS == 0b01
        assert pf.nic.regs.get(MRCTL, 0).UPME == 1


def test_the_table_says_what_a_driver_asked_for(pf: PfRig) -> None:
    pf.start(1, ApiVersion.V1_3)
    yes(pf, 1, MessageType.SET_LPE, 1518)
    no(pf, 1, MessageType.SET_LPE, 5)
    row = pf.row(1)
    assert (row["api"], row["ready"], row["max_frame"]) == ("1.3", True, 1518)
    assert row["asked"] == {"RESET": 1, "API_NEGOTIATE": 1, "SET_LPE": 2}
    assert row["refused"].startswith("SET_LPE: frames of 5 bytes")
    assert {name: row["mailbox"][name] for name in ("messages", "refused", "restarts", "resets")} == {
        "messages": 4, "refused": 1, "restarts": 1, "resets": 1,
    }  # fmt: skip
    idle = pf.row(0)
    assert (idle["ready"], idle["receives"], idle["asked"], idle["rx_packets"]) == (False, False, {}, 0)
    table = pf.sriov.table()
    assert {name: table[name] for name in ("queues", "port_pool", "port_queue", "up")} == {
        "queues": 4, "port_pool": 5, "port_queue": 20, "up": True,
    }  # fmt: skip
