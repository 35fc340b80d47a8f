# SPDX-License-Identifier: BSD-3-Clause
"""Flow director's perfect filters, programmed with the register sequences Linux uses (82599.md 6.9)."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from scapy.compat import raw
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.layers.sctp import SCTP

from device.regs.i82599 import (
    FDIRCMD,
    FDIRCTRL,
    FDIRDIP4M,
    FDIRFREE,
    FDIRFSTAT,
    FDIRHASH,
    FDIRHKEY,
    FDIRIP6M,
    FDIRIPDA,
    FDIRIPSA,
    FDIRM,
    FDIRMATCH,
    FDIRMISS,
    FDIRPORT,
    FDIRSIP4M,
    FDIRSKEY,
    FDIRTCPM,
    FDIRUDPM,
    FDIRUSTAT,
    FDIRVLAN,
    FDIRSIPv6,
    Register,
)
from device.regs.i82599.desc import RXDADV, RXDFDIR, RssType
from device.regs.i82599.fdir import FdirCmd, FdirL4Type
from tests.rigs.rx import Rig, Ring, one
from tests.twins import fdir as twin

PERFECT = 0x4A067F31  # what Linux writes with ntuple filters on
L2 = Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02")
FLOW = L2 / IP(src="10.1.2.3", dst="10.9.8.7") / TCP(sport=1000, dport=2000)


@pytest.fixture
def rig(made: Rig) -> Rig:
    made.renew()
    made.write(FDIRHKEY, twin.BUCKET_KEY)
    made.write(FDIRSKEY, twin.SIGNATURE_KEY)
    made.write(FDIRCTRL, PERFECT)
    mask(made)
    return made


@pytest.fixture
def rings(rig: Rig) -> dict[int, Ring]:
    made = {queue: rig.ring(queue, slot=slot) for slot, queue in enumerate((0, 5, 127))}
    for queue in (0, 5):
        made[queue].post(7)
    made[127].disable()
    return made


def reverse16(value: int) -> int:
    return int(f"{value:016b}"[::-1], 2)


def as_it_lies(address: str) -> int:
    """An address as the registers hold it: its first byte lowest.  Observed: Linux 6.12, 192.0.2.2 -> 0x020200C0."""
    return int.from_bytes(IPv4Address(address).packed, "little")


def mask(
    rig: Rig, *, src: int = 0xFFFFFFFF, dst: int = 0xFFFFFFFF, sport: int = 0xFFFF, dport: int = 0xFFFF, **ignore: int
) -> None:
    """Masks with 1 = compare, stored as Linux does: inverted, ports bit-reversed."""
    rig.write(FDIRM, FDIRM.of(**({"VLANID": 1, "VLANP": 1, "POOL": 1, "FLEX": 1, "DIPv6": 1} | ignore)))
    ports = reverse16(dport) << 16 | reverse16(sport)
    rig.write(FDIRTCPM, ~ports & 0xFFFFFFFF)
    rig.write(FDIRUDPM, ~ports & 0xFFFFFFFF)
    rig.write(FDIRSIP4M, ~as_it_lies(str(IPv4Address(src))) & 0xFFFFFFFF)
    rig.write(FDIRDIP4M, ~as_it_lies(str(IPv4Address(dst))) & 0xFFFFFFFF)


def unmasked(rig: Rig, register: type[Register]) -> int:
    return ~rig.read(register) & 0xFFFF_FFFF


def bucket_of(rig: Rig, src: str, dst: str, sport: int, dport: int, vlan: int, flex: int, cmd: dict[str, int]) -> int:
    """The bucket as drivers compute it: of the fields under the masks that are written."""
    fdirm = FDIRM(rig.read(FDIRM))
    ports = unmasked(rig, FDIRUDPM if cmd["L4TYPE"] == FdirL4Type.UDP else FDIRTCPM)
    mask_of = {src: FDIRSIP4M, dst: FDIRDIP4M}
    under = {
        text: str(IPv4Address((as_it_lies(text) & unmasked(rig, register)).to_bytes(4, "little")))
        for text, register in mask_of.items()
    }
    vlan_mask = (0 if fdirm.VLANID else 0x0FFF) | (0 if fdirm.VLANP else 0xE000)
    flow = twin.Flow(
        src=under[src],
        dst=under[dst],
        sport=sport & reverse16(ports & 0xFFFF),
        dport=dport & reverse16(ports >> 16),
        l4=0 if fdirm.L4P else cmd["L4TYPE"],
        vlan=vlan & vlan_mask,
        flex=0 if fdirm.FLEX else int.from_bytes(flex.to_bytes(2, "little")),
        pool=0 if fdirm.POOL else cmd.get("VT_POOL", 0),
    )
    return twin.bucket(flow)


def add(
    rig: Rig,
    name: int = 1,
    *,
    src: str = "10.1.2.3",
    dst: str = "10.9.8.7",
    sport: int = 1000,
    dport: int = 2000,
    vlan: int = 0,
    flex: int = 0,
    bucket: int | None = None,
    **cmd: int,
) -> None:
    fields = {"CMD": FdirCmd.ADD_FLOW, "FILTER_UPDATE": 1, "LAST": 1, "QUEUE_EN": 1, "RX_QUEUE": 5}
    fields |= {"L4TYPE": FdirL4Type.TCP} | cmd
    if bucket is None:
        bucket = bucket_of(rig, src, dst, sport, dport, vlan, flex, fields)
    rig.write(FDIRIPSA, as_it_lies(src))
    rig.write(FDIRIPDA, as_it_lies(dst))
    rig.write(FDIRPORT, FDIRPORT.of(SOURCE=sport, DESTINATION=dport))
    rig.write(FDIRVLAN, FDIRVLAN.of(VLAN=vlan, FLEX=flex))
    rig.write(FDIRHASH, FDIRHASH.of(HASH=bucket, SIG_SW_INDEX=name))
    rig.write(FDIRCMD, FDIRCMD.of(**fields))
    assert FDIRCMD(rig.read(FDIRCMD)).CMD == 0


BUCKET = twin.bucket(twin.Flow("10.1.2.3", "10.9.8.7", 1000, 2000, twin.TCP))  # of FLOW


def query(rig: Rig, name: int) -> FDIRCMD:
    rig.write(FDIRHASH, FDIRHASH.of(HASH=BUCKET, SIG_SW_INDEX=name))
    rig.write(FDIRCMD, FDIRCMD.of(CMD=FdirCmd.QUERY_REM_FILT))
    return FDIRCMD(rig.read(FDIRCMD))


def where(rig: Rig, rings: dict[int, Ring], frame: Ether) -> int | None:
    rig.receive(raw(frame))
    for queue, ring in rings.items():
        if ring.take():
            ring.post(1)
            return queue
    return None


def test_init_done(rig: Rig) -> None:
    assert FDIRCTRL(rig.read(FDIRCTRL)).INIT_DONE
    assert FDIRFREE(rig.read(FDIRFREE)).FREE == 2047


def test_a_match_goes_to_the_filters_queue_and_is_reported(rig: Rig, rings: dict[int, Ring]) -> None:
    add(rig, 0x77)
    rig.receive(raw(FLOW))
    _, q0, q1 = one(rings[5].take())
    assert q1.STAT_FLM
    assert RXDADV(q0).RSSTYPE == RssType.FDIR, "DPDK reads the id only then"
    assert (RXDFDIR(q0).HASH, RXDFDIR(q0).SOFT_ID) == (BUCKET, 0x77)
    assert (rig.read(FDIRMATCH), rig.read(FDIRMISS)) == (1, 0)
    assert rig.read(FDIRMATCH) == 0


@pytest.mark.parametrize(
    "other",
    [
        L2 / IP(src="10.1.2.4", dst="10.9.8.7") / TCP(sport=1000, dport=2000),
        L2 / IP(src="10.1.2.3", dst="10.9.8.6") / TCP(sport=1000, dport=2000),
        L2 / IP(src="10.1.2.3", dst="10.9.8.7") / TCP(sport=1001, dport=2000),
        L2 / IP(src="10.1.2.3", dst="10.9.8.7") / TCP(sport=1000, dport=2001),
        L2 / IP(src="10.1.2.3", dst="10.9.8.7") / TCP(sport=2000, dport=1000),
        L2 / IP(src="10.1.2.3", dst="10.9.8.7") / UDP(sport=1000, dport=2000),
        L2 / IP(src="10.1.2.3", dst="10.9.8.7") / SCTP(sport=1000, dport=2000),
        L2 / IP(src="10.1.2.3", dst="10.9.8.7", flags="MF") / TCP(sport=1000, dport=2000),
    ],
)
def test_every_field_counts(rig: Rig, rings: dict[int, Ring], other: Ether) -> None:
    add(rig)
    assert where(rig, rings, other) == 0
    assert rig.read(FDIRMISS) == 1


def test_masks(rig: Rig, rings: dict[int, Ring]) -> None:
    mask(rig, src=0xFFFFFF00, dst=0, sport=0xFFF0, dport=0)
    add(rig)
    assert where(rig, rings, L2 / IP(src="10.1.2.99", dst="1.1.1.1") / TCP(sport=1007, dport=9)) == 5
    assert where(rig, rings, L2 / IP(src="10.1.3.99", dst="1.1.1.1") / TCP(sport=1007, dport=9)) == 0
    assert where(rig, rings, L2 / IP(src="10.1.2.99", dst="1.1.1.1") / TCP(sport=1008, dport=9)) == 0
    mask(rig, dport=0x00FF, sport=0, L4P=1)
    add(rig, 2, L4TYPE=FdirL4Type.NONE)
    assert where(rig, rings, L2 / IP(src="10.1.2.3", dst="10.9.8.7") / UDP(sport=9, dport=0xFFD0)) == 5


def test_vlan_id_and_priority(rig: Rig, rings: dict[int, Ring]) -> None:
    mask(rig, VLANID=0)
    add(rig, vlan=0x2005)
    tagged = IP(src="10.1.2.3", dst="10.9.8.7") / TCP(sport=1000, dport=2000)
    assert where(rig, rings, L2 / Dot1Q(vlan=5, prio=7) / tagged) == 5
    assert where(rig, rings, L2 / Dot1Q(vlan=6, prio=1) / tagged) == 0
    assert where(rig, rings, L2 / tagged) == 0
    mask(rig, VLANP=0)
    add(rig, 2, vlan=0x2005)
    assert where(rig, rings, L2 / Dot1Q(vlan=6, prio=1) / tagged) == 5


def test_flexible_bytes(rig: Rig, rings: dict[int, Ring]) -> None:
    """FDIRCTRL.FLEX = 6: bytes 12 and 13, the EtherType as it lies in memory."""
    mask(rig, FLEX=0)
    add(rig, flex=0x0008)
    assert where(rig, rings, FLOW) == 5
    rig.write(FDIRCTRL, PERFECT)
    add(rig, flex=0x0009)
    assert where(rig, rings, FLOW) == 0


def test_the_drop_queue_is_off_so_frames_are_gone(rig: Rig, rings: dict[int, Ring]) -> None:
    add(rig, DROP=1, RX_QUEUE=127)
    assert where(rig, rings, FLOW) is None
    assert (rig.count.rx_disabled, rig.read(FDIRMATCH)) == (1, 1)


def test_a_filter_without_a_queue_only_marks(rig: Rig, rings: dict[int, Ring]) -> None:
    add(rig, QUEUE_EN=0)
    rig.receive(raw(FLOW))
    assert one(rings[0].take())[2].STAT_FLM


def test_query_and_remove(rig: Rig, rings: dict[int, Ring]) -> None:
    add(rig, 3)
    answer = query(rig, 3)
    assert (answer.FILTER_VALID, answer.RX_QUEUE) == (1, 5)
    assert not query(rig, 4).FILTER_VALID
    rig.write(FDIRHASH, FDIRHASH.of(HASH=BUCKET, SIG_SW_INDEX=3))
    rig.write(FDIRCMD, FDIRCMD.of(CMD=FdirCmd.REMOVE_FLOW))
    assert not query(rig, 3).FILTER_VALID
    assert where(rig, rings, FLOW) == 0
    assert FDIRFREE(rig.read(FDIRFREE)).FREE == 2047
    rig.write(FDIRHASH, FDIRHASH.of(HASH=BUCKET, SIG_SW_INDEX=3))
    rig.write(FDIRCMD, FDIRCMD.of(CMD=FdirCmd.REMOVE_FLOW))
    stat, failed = FDIRUSTAT(rig.read(FDIRUSTAT)), FDIRFSTAT(rig.read(FDIRFSTAT))
    assert (stat.ADD, stat.REMOVE, failed.FADD, failed.FREMOVE) == (1, 1, 0, 1)


def test_update_replaces(rig: Rig, rings: dict[int, Ring]) -> None:
    add(rig, 3)
    add(rig, 3, sport=4000, bucket=BUCKET)
    assert FDIRFREE(rig.read(FDIRFREE)).FREE == 2046
    assert where(rig, rings, FLOW) == 0


def test_a_full_table_refuses(rig: Rig) -> None:
    for name in range(2047):
        rig.write(FDIRHASH, FDIRHASH.of(SIG_SW_INDEX=name))
        rig.write(FDIRCMD, FDIRCMD.of(CMD=FdirCmd.ADD_FLOW))
    assert FDIRFREE(rig.read(FDIRFREE)).FREE == 0
    add(rig, 60000)
    assert FDIRFSTAT(rig.read(FDIRFSTAT)).FADD == 1


def test_init_empties_the_table(rig: Rig, rings: dict[int, Ring]) -> None:
    add(rig)
    rig.write(FDIRCTRL, PERFECT)
    assert where(rig, rings, FLOW) == 0


def bucket_of_ipv6(source: bytes) -> int:
    """Without the destination, which FDIRM.DIPv6 leaves out."""
    return twin.bucket(twin.Flow(str(IPv6Address(source)), "::", 1000, 2000, twin.TCP))


def test_ipv6_source(rig: Rig, rings: dict[int, Ring]) -> None:
    packed = IPv6Address("2001:db8::1:2").packed
    for n in range(3):
        rig.write(FDIRSIPv6, int.from_bytes(packed[4 * n : 4 * n + 4], "little"), n)
    add(rig, src=str(IPv4Address(packed[12:])), IPV6=1, bucket=bucket_of_ipv6(packed))
    near = L2 / IPv6(src="2001:db8::1:3", dst="::1") / TCP(sport=1000, dport=2000)
    assert where(rig, rings, L2 / IPv6(src="2001:db8::1:2", dst="::1") / TCP(sport=1000, dport=2000)) == 5
    assert where(rig, rings, near) == 0
    rig.write(FDIRIP6M, FDIRIP6M.of(SOURCE=0x8000))
    add(rig, src=str(IPv4Address(packed[12:])), IPV6=1, bucket=bucket_of_ipv6(packed[:15] + b"\0"))
    assert where(rig, rings, near) == 5


def test_many_filters_each_find_their_flow(rig: Rig, rings: dict[int, Ring]) -> None:
    for name in range(600):
        add(rig, name, sport=name, RX_QUEUE=5 if name % 2 else 0)
    for port in (1, 299, 599):
        frame = L2 / IP(src="10.1.2.3", dst="10.9.8.7") / TCP(sport=port, dport=2000)
        assert where(rig, rings, frame) == 5
    assert rig.read(FDIRMATCH) == 3


def test_a_filter_as_linux_writes_it(rig: Rig, rings: dict[int, Ring]) -> None:
    """Word for word what ixgbe of Linux 6.12 wrote for `flow-type udp4 dst-ip 192.0.2.2 dst-port 4242 action 1`."""
    values = {FDIRM: 0x37, FDIRTCPM: 0xFFFF, FDIRUDPM: 0xFFFF, FDIRSIP4M: 0xFFFFFFFF, FDIRDIP4M: 0, FDIRIPSA: 0}
    values |= {FDIRIPDA: 0x020200C0, FDIRPORT: 0x10920000, FDIRVLAN: 0, FDIRHASH: 0x07FD1857}
    for register, value in values.items():
        rig.write(register, value)
    rig.write(FDIRCMD, 0x18829 & ~int(FDIRCMD.of(RX_QUEUE=1)) | int(FDIRCMD.of(RX_QUEUE=5)))
    assert where(rig, rings, L2 / IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=9, dport=4242)) == 5
    assert where(rig, rings, L2 / IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=9, dport=4243)) == 0
