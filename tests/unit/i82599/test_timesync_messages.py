# SPDX-License-Identifier: BSD-3-Clause
"""Which received messages are stamped.  Each test names the call of a public driver that needs what it checks."""

from collections.abc import Iterator

import pytest
from scapy.compat import raw
from scapy.layers.inet import IP, UDP, IPOption_Router_Alert
from scapy.layers.l2 import Dot1Q
from scapy.packet import Raw

from device.regs.i82599 import CTRL_EXT, ETQF, RXMTRL, TSYNCRXCTL, VLNCTRL
from device.regs.i82599.timesync import TsyncType
from tests.rigs.ptp import (
    ANNOUNCE,
    DELAY_REQ,
    EVENT_PORT,
    EVERY,
    GENERAL_PORT,
    L2,
    SYNC,
    PtpRig,
    l2,
    listen,
    stamped,
    udp,
    v2,
)
from tests.rigs.rx import Rig


@pytest.fixture
def rig() -> Iterator[PtpRig]:
    with PtpRig() as rig:
        yield rig


PEER = {"l2 pdelay_req", "l2 pdelay_resp"}


@pytest.mark.parametrize(
    ("kind", "rxmtrl", "wanted"),
    [
        # ixgbe_ptp_set_timestamp_mode, HWTSTAMP_FILTER_PTP_V2_EVENT and every other version 2 filter.
        (
            TsyncType.EVENT_V2,
            {},
            PEER | {"l2 sync", "l2 delay_req", "v4 sync", "v4 delay_req", "v4 pdelay_resp", "v6 sync"},
        ),
        # ixgbe_ptp_set_timestamp_mode, HWTSTAMP_FILTER_PTP_V1_L4_SYNC and _DELAY_REQ.
        (TsyncType.L4_V1, {"CTRLT": 0}, {"v1 sync"}),
        (TsyncType.L4_V1, {"CTRLT": 1}, {"v1 delay_req"}),
        # DPDK's ixgbe_timesync_enable leaves the type at 0 and RXMTRL alone: Sync, and both messages of peer delay.
        (TsyncType.L2_V2, {}, PEER | {"l2 sync"}),
        (TsyncType.L2_V2, {"MSGT": DELAY_REQ}, PEER | {"l2 delay_req"}),
        # libmoon's enableRxTimestamps.
        (TsyncType.L2_L4_V2, {}, PEER | {"l2 sync", "v4 sync", "v4 pdelay_resp", "v6 sync"}),
        (TsyncType.L2_L4_V2, {"MSGT": ANNOUNCE}, PEER | {"l2 announce", "v4 announce", "v4 pdelay_resp"}),
        # The type of later parts, and those that no part has.
        (TsyncType.ALL, {}, set()),
        *[(reserved, {}, set()) for reserved in (3, 6, 7)],
    ],
)
def test_each_type_stamps_its_messages_and_no_other(
    rig: Rig, kind: int, rxmtrl: dict[str, int], wanted: set[str]
) -> None:
    ring = listen(rig, kind, **rxmtrl)
    assert {name for name, frame in EVERY.items() if stamped(rig, ring, frame)} == wanted


def test_without_enable_nothing_is_stamped(rig: Rig) -> None:
    # ixgbe_ptp_set_timestamp_mode, HWTSTAMP_FILTER_NONE.
    ring = listen(rig, TsyncType.EVENT_V2)
    rig.write(TSYNCRXCTL, TSYNCRXCTL.of(TYPE=TsyncType.EVENT_V2))
    assert not any(stamped(rig, ring, frame) for frame in EVERY.values())
    rig.write(TSYNCRXCTL, TSYNCRXCTL.of(ENABLED=1, TYPE=TsyncType.EVENT_V2))
    assert stamped(rig, ring, EVERY["l2 sync"])


def test_on_ethernet_the_filter_and_its_1588_bit_are_needed(rig: Rig) -> None:
    # ixgbe_ptp_set_timestamp_mode writes ETQF 3 for the version 2 filters and 0 for the others.
    ring = listen(rig, TsyncType.EVENT_V2)
    for etqf in (0, ETQF.of(FILTER_EN=1, ETYPE=0x88F7), ETQF.of(IEEE_1588=1, ETYPE=0x88F7)):
        rig.write(ETQF, etqf, 3)
        assert not stamped(rig, ring, EVERY["l2 sync"])
        assert stamped(rig, ring, EVERY["v4 sync"])
    rig.write(ETQF, 0, 3)
    rig.write(ETQF, ETQF.of(FILTER_EN=1, IEEE_1588=1, ETYPE=0x88F7), 6)
    assert stamped(rig, ring, EVERY["l2 sync"])


def test_the_port_is_rxmtrls(rig: Rig) -> None:
    # libmoon's enableRxTimestamps takes any port.
    assert RXMTRL(rig.read(RXMTRL)).UDP_PORT == 0x319, "as it is after reset, which that driver works round"
    ring = listen(rig, TsyncType.EVENT_V2)
    rig.write(RXMTRL, RXMTRL.of(UDP_PORT=GENERAL_PORT))
    assert [stamped(rig, ring, EVERY[name]) for name in ("v4 general port", "v4 sync")] == [True, False]


@pytest.mark.parametrize(
    "frame",
    [
        l2(v2(SYNC), L2 / Dot1Q(vlan=5)),
        udp(v2(SYNC), ip=Dot1Q(vlan=5) / IP(dst="224.0.1.129")),
        udp(v2(SYNC), ip=IP(dst="224.0.1.129", options=[IPOption_Router_Alert()])),
        l2(bytes([0x10, 0x12]) + v2(SYNC)[2:]),  # 802.1AS: what is above the type and the version does not count
    ],
)
def test_where_the_message_starts_does_not_matter(rig: Rig, frame: bytes) -> None:
    # ixgbe_ptp_rx_rgtstamp.  ptp4l on a VLAN, and gPTP.
    assert stamped(rig, listen(rig, TsyncType.EVENT_V2), frame)


def test_behind_two_tags(rig: Rig) -> None:
    # ixgbe_ptp_rx_rgtstamp.
    rig.write(CTRL_EXT, CTRL_EXT.of(EXTENDED_VLAN=1))
    rig.write(VLNCTRL, VLNCTRL.of(VET=0x8100))
    ring = listen(rig, TsyncType.EVENT_V2)
    outer = L2.copy()
    outer.type = 0x88A8
    assert stamped(rig, ring, l2(v2(SYNC), outer / Dot1Q(vlan=9) / Dot1Q(vlan=5)))


@pytest.mark.parametrize(
    "frame",
    [
        udp(v2(SYNC)[:35]),
        raw(L2 / IP(dst="224.0.1.129", flags="MF") / UDP(dport=EVENT_PORT) / Raw(v2(SYNC))),
        udp(b""),
        l2(bytes([SYNC, 3]) + bytes(42)),
        raw(L2 / IP(proto=6) / UDP(dport=EVENT_PORT) / Raw(v2(SYNC))),
    ],
)
def test_what_is_no_message_is_not_stamped(rig: Rig, frame: bytes) -> None:
    # ixgbe_ptp_rx_rgtstamp: a stamp that nobody asks for would block the next one.
    assert not stamped(rig, listen(rig, TsyncType.EVENT_V2), frame.ljust(60, b"\0"))
