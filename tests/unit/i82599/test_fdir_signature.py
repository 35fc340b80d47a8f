# SPDX-License-Identifier: BSD-3-Clause
"""Flow director: the hash, and signature filters, which stock ixgbe adds from its own transmit path (ATR)."""

import pytest
from scapy.compat import raw
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import ARP

from device.regs.i82599 import (
    FDIRCTRL,
    FDIRFREE,
    FDIRFSTAT,
    FDIRHKEY,
    FDIRIP6M,
    FDIRM,
    FDIRMATCH,
    FDIRMISS,
    FDIRSKEY,
    FDIRTCPM,
    FDIRUSTAT,
)
from device.regs.i82599.desc import RXDFDIR, PktType, RssType
from device.regs.i82599.fdir import FdirCmd
from tests.rigs.fdir import (
    ATR,
    FLOW,
    IPV4_TYPE,
    IPV6_TYPE,
    L2,
    VLAN_TYPE,
    arrives,
    atr,
    do,
    frame,
    queues,
    renew,
)
from tests.rigs.rx import Rig, Ring
from tests.twins import fdir as twin


@pytest.fixture
def rig(made: Rig) -> Rig:
    return renew(made)


@pytest.fixture
def rings(rig: Rig) -> dict[int, Ring]:
    return queues(rig, 0, 5, 9)


# ---- the hash

# Computed by ixgbe_atr_compute_sig_hash_82599 of Linux and by DPDK's older, slower function, which agree.
PUBLISHED = [
    (FLOW, 0x5D9775E6),
    (twin.Flow("10.1.2.3", "10.9.8.7", 1000, 2000, twin.TCP, vlan=0x6005, flex=VLAN_TYPE), 0x5F737CCB),
    (twin.Flow("192.168.77.200", "172.16.255.1", 443, 51234, twin.TCP, flex=IPV4_TYPE), 0x674D0103),
    (twin.Flow("2001:db8::1:2", "2001:db8::7", 33000, 80, twin.TCP, flex=IPV6_TYPE), 0x07E87EF1),
    (twin.Flow("192.0.2.1", "192.0.2.2", 9, 4242, twin.UDP), 0x59FB00D0),
    (twin.Flow("0.0.0.0", "192.0.2.2", 0, 4242, twin.UDP), 0x4CE17857),
]


@pytest.mark.parametrize(("flow", "hashed"), PUBLISHED)
def test_the_twin(flow: twin.Flow, hashed: int) -> None:
    assert twin.linux_atr(flow) == hashed


def test_the_twin_finds_the_bucket_that_linux_wrote() -> None:
    """Observed: FDIRHASH 0x07FD1857 of `flow-type udp4 dst-ip 192.0.2.2 dst-port 4242`, cut to 13 bits."""
    assert twin.bucket(PUBLISHED[-1][0]) & 0x1FFF == 0x1857


@pytest.mark.parametrize(("flow", "hashed"), PUBLISHED[:4])
def test_every_frame_reports_its_hash(rig: Rig, rings: dict[int, Ring], flow: twin.Flow, hashed: int) -> None:
    rig.write(FDIRCTRL, ATR | FDIRCTRL.of(REPORT_STATUS_ALWAYS=1))
    _, q0, q1 = arrives(rig, rings, frame(flow, vlan=flow.vlan))
    assert (q0.RSSTYPE, q1.STAT_FLM) == (RssType.FDIR, 0)
    assert PktType.TCP | (PktType.IPV6 if ":" in flow.src else PktType.IPV4) == q0.PKTTYPE
    assert (hashed & 0x7FFF, hashed >> 16) == (RXDFDIR(q0).HASH, RXDFDIR(q0).SOFT_ID)


def test_other_keys_and_no_keys(rig: Rig, rings: dict[int, Ring]) -> None:
    rig.write(FDIRCTRL, ATR | FDIRCTRL.of(REPORT_STATUS_ALWAYS=1))
    for bucket_key, signature_key in ((0xFFFF_FFFF, 1), (0x8000_0000, 0x10000), (0, 0)):
        rig.write(FDIRHKEY, bucket_key)
        rig.write(FDIRSKEY, signature_key)
        flow = PUBLISHED[1][0]
        _, q0, _ = arrives(rig, rings, frame(flow, vlan=flow.vlan))
        wanted = twin.bucket(flow, bucket_key), twin.signature(flow, signature_key)
        assert wanted == (RXDFDIR(q0).HASH, RXDFDIR(q0).SOFT_ID)


@pytest.mark.parametrize(("len_bytes", "flex"), [(60, 0), (61, 0), (62, 0x3C3D), (63, 0x3C3D)])
def test_flexible_bytes_behind_the_frames_end_are_0(
    rig: Rig, rings: dict[int, Ring], len_bytes: int, flex: int
) -> None:
    """Drivers may choose any place up to byte 63; what lies behind a short frame is another frame's."""
    rig.write(FDIRCTRL, FDIRCTRL.of(PBALLOC=1, FLEX=30, REPORT_STATUS_ALWAYS=1))
    flow = twin.Flow("192.0.2.1", "192.0.2.2", 9, 4242, twin.UDP, flex=flex)
    payload = bytes(range(42, len_bytes))
    data = bytes(raw(L2 / IP(src=flow.src, dst=flow.dst) / UDP(sport=9, dport=4242, chksum=0) / payload))
    _, q0, _ = arrives(rig, rings, data)
    assert (twin.bucket(flow), twin.signature(flow)) == (RXDFDIR(q0).HASH, RXDFDIR(q0).SOFT_ID)


# ---- ATR


@pytest.mark.parametrize(("flow", "hashed"), PUBLISHED[:4])
def test_atr_of_stock_ixgbe_steers(rig: Rig, rings: dict[int, Ring], flow: twin.Flow, hashed: int) -> None:
    data = frame(flow, vlan=flow.vlan)
    assert arrives(rig, rings, data)[0] == 0
    do(rig, hashed, FdirCmd.ADD_FLOW, FILTER_UPDATE=1, LAST=1, QUEUE_EN=1, RX_QUEUE=5, L4TYPE=flow.l4)
    queue, q0, q1 = arrives(rig, rings, data)
    assert (queue, q1.STAT_FLM) == (5, 1)
    assert q0.RSSTYPE != RssType.FDIR, "Linux asks for no report"
    back = twin.Flow(flow.dst, flow.src, flow.dport, flow.sport, flow.l4, flow.vlan, flow.flex)
    assert arrives(rig, rings, frame(back, vlan=flow.vlan))[0] == 0
    assert (rig.read(FDIRMATCH), rig.read(FDIRMISS)) == (1, 2)


def test_a_flow_that_moves_to_another_cpu(rig: Rig, rings: dict[int, Ring]) -> None:
    """aRFS: Linux adds the same hash again, with the queue that now sends."""
    for queue in (5, 9, 0, 5):
        atr(rig, FLOW, queue)
        assert arrives(rig, rings, frame(FLOW))[0] == queue
    assert FDIRFREE(rig.read(FDIRFREE)) == FDIRFREE.of(FREE=8190)
    assert FDIRUSTAT(rig.read(FDIRUSTAT)).ADD == 4


def test_masks_of_a_signature_filter(rig: Rig, rings: dict[int, Ring]) -> None:
    """As DPDK sets them: the VLAN, the flexible bytes and a port left out; FDIRM.DIPv6 says nothing of the hash."""
    rig.write(FDIRM, FDIRM.of(VLANID=1, VLANP=1, POOL=1, FLEX=1, DIPv6=1))
    rig.write(FDIRTCPM, 0x0000_FFFF)
    atr(rig, twin.Flow("10.1.2.3", "10.9.8.7", 0, 2000, twin.TCP))
    assert arrives(rig, rings, frame(FLOW, vlan=5))[0] == 5
    six = twin.Flow("2001:db8::1", "2001:db8::2", 7, 80, twin.TCP)
    atr(rig, twin.Flow("2001:db8::1", "2001:db8::2", 0, 80, twin.TCP), 9)
    assert arrives(rig, rings, frame(six))[0] == 9
    rig.write(FDIRIP6M, FDIRIP6M.of(DESTINATION=0x8000))
    assert arrives(rig, rings, frame(six))[0] == 0
    atr(rig, twin.Flow("2001:db8::1", "2001:db8::", 0, 80, twin.TCP), 9)
    assert arrives(rig, rings, frame(six))[0] == 9


def test_sixteen_bits_of_dpdk(rig: Rig, rings: dict[int, Ring]) -> None:
    """DPDK writes the signature's bit 15, Linux leaves it 0; both steer."""
    do(rig, 0x8000_0000 | twin.linux_atr(FLOW), FdirCmd.ADD_FLOW, QUEUE_EN=1, RX_QUEUE=5)
    assert arrives(rig, rings, frame(FLOW))[0] == 5
    atr(rig, FLOW, 9)
    assert arrives(rig, rings, frame(FLOW))[0] == 9


def test_remove_and_query_a_signature_filter(rig: Rig, rings: dict[int, Ring]) -> None:
    """As DPDK erases: query, and remove what is there."""
    atr(rig, FLOW)
    answer = do(rig, twin.linux_atr(FLOW), FdirCmd.QUERY_REM_FILT)
    assert (answer.FILTER_VALID, answer.RX_QUEUE) == (1, 5)
    assert not do(rig, twin.linux_atr(FLOW) ^ 0x10000, FdirCmd.QUERY_REM_FILT).FILTER_VALID
    do(rig, twin.linux_atr(FLOW), FdirCmd.REMOVE_FLOW)
    assert not do(rig, twin.linux_atr(FLOW), FdirCmd.QUERY_REM_FILT).FILTER_VALID
    assert arrives(rig, rings, frame(FLOW))[0] == 0
    do(rig, twin.linux_atr(FLOW), FdirCmd.REMOVE_FLOW)
    stat, failed = FDIRUSTAT(rig.read(FDIRUSTAT)), FDIRFSTAT(rig.read(FDIRFSTAT))
    assert (stat.ADD, stat.REMOVE, failed.FADD, failed.FREMOVE) == (1, 1, 0, 1)


def test_frames_without_ip_are_none_of_its_business(rig: Rig, rings: dict[int, Ring]) -> None:
    rig.write(FDIRCTRL, ATR | FDIRCTRL.of(REPORT_STATUS_ALWAYS=1))
    _, q0, _ = arrives(rig, rings, bytes(raw(L2 / ARP())).ljust(60, b"\0"))
    assert q0.RSSTYPE == RssType.NONE
    assert (rig.read(FDIRMATCH), rig.read(FDIRMISS)) == (0, 0)
