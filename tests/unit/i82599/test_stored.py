# SPDX-License-Identifier: BSD-3-Clause
"""What a driver asks for and only gets stored is said: once a register and driver's life."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.i82599.card import Card
from device.regs.i82599 import ALL, DCA_RXCTRL
from device.regs.i82599 import features as rows
from device.regs.i82599.features import FEATURES, State
from device.trace import read
from tests.rigs.rx import Rig

DATA = Path(__file__).resolve().parents[2] / "data"
CTRL, CTRL_EXT, RST, DRV_LOAD = 0x00000, 0x00018, 0x04000000, 0x10000000
LSECTXCTRL, DCA_RXCTRL2, DCA_RXCTRL70 = 0x08A04, 0x0108C, 0x0D18C


@pytest.fixture
def nic() -> Iterator[Card]:
    with Card(mac="02:00:00:82:59:90") as made:
        yield made


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    lines = [record.getMessage() for record in caplog.records if "stored and not obeyed" in record.getMessage()]
    caplog.clear()
    return lines


# What is asked for, who asks so, and its write.
ASKED = [
    (rows.MACSEC, "the FreeBSD and Linux out-of-tree LinkSec set-up of Tx", LSECTXCTRL, 0x00000002),
    (rows.MACSEC, "the same for Rx", 0x08F04, 0x0000000C),
    (rows.IPSEC, "a driver that did not look at OFF_DIS", 0x08E00, 0x80000001),
    (rows.FCOE, "Linux's ixgbe_configure_fcoe", 0x05100, 0x00000200),
    (rows.DCA, "Linux's dca set-up", 0x11074, 0x00000002),
    (rows.WAKE, "Linux's ethtool -s wol g", 0x05808, 0x00000002),
    (rows.MANAGEMENT, "a driver that lets ARP through to the host", 0x05820, 0x00002000),
    (rows.LEDS, "Linux's ethtool -p", 0x00200, 0x000E0000),
    (rows.PTP_PINS, "Linux's ixgbe_ptp_setup_sdp_X540, in a driver that takes this chip for that", 0x08C20, 0x00000004),
    (rows.POOLS, "Linux's ixgbe_configure_msix with more than 32 VFs", 0x00894, 0x00000001),
    (rows.CREDITS, "a driver that meters its low-latency interrupts", 0x00898, 0x00000080),
    (rows.CREDITS, "FreeBSD's ixgbe_config_gpie", 0x00898, 0x00000780),
    (rows.RSC_DELAYS, "a driver that holds coalesced frames longer", 0x00898, 0x00000800),
    (
        rows.IMMEDIATE_82598,
        "Intel's ixgbe_configure_lli for an 82598",
        0x05A80,
        0x00010050,
    ),
    (rows.IMMEDIATE_82598, "the same, its second half", 0x05AA0, 0x00081000),
    (rows.RX_WEIGHTS, "Linux's ixgbe_dcb_config_rx_arbiter_82599", 0x02430, 0x00000006),
    (rows.DOUBLE_VLAN, "DPDK's rte_eth_dev_set_vlan_offload with QinQ", 0x04A80, 0x81000009),
    (rows.GROUPS, "Linux's dcbtool with a group's strict priority", 0x04910, 0x40064032),
    (rows.POOLS, "a driver that gives pools their shares of a class", 0x04908, 0x00000010),
    (rows.TX_HALT, "DPDK's stop of the security path", 0x08800, 0x00000002),
    (rows.PCIE_COUNT, "a driver that counts transactions", 0x11010, 0x00000001),
    (rows.PCIE_CAUSE, "a driver that wants to hear of PCIe errors", 0x110B8, 0x00000001),
]


@pytest.mark.parametrize(
    ("feature", "offset", "value"),
    [(feature, offset, value) for feature, _, offset, value in ASKED],
    ids=[f"{feature}: {who}" for feature, who, _, _ in ASKED],
)
def test_asking_for_it_is_said_once(
    nic: Card, caplog: pytest.LogCaptureFixture, feature: str, offset: int, value: int
) -> None:
    nic.regs.write(offset, nic.regs.read(offset))
    assert said(caplog) == []
    nic.regs.write(offset, value)
    line = "".join(said(caplog))
    assert feature in line
    assert f"{value:#010x}" in line
    nic.regs.write(offset, value)
    nic.regs.write(CTRL, RST)  # the same driver starts over
    nic.regs.write(offset, value)
    assert said(caplog) == []
    nic.reset(software=False)  # another driver, or another guest
    nic.regs.write(offset, value)
    assert len(said(caplog)) == 1
    assert nic.regs.handler_errors == 0


def test_the_words() -> None:
    """They name the register, the value, the feature and the fields."""
    with Card() as nic:
        lines: list[str] = []

        class Hear(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                lines.append(record.getMessage())

        hear = Hear()
        logging.getLogger("device").addHandler(hear)
        nic.regs.write(DCA_RXCTRL2, 0x20)
        logging.getLogger("device").removeHandler(hear)
    said_so = "asks for cache hints (DCA), which the device has not: DESC_DCA_EN=0x1 is stored and not obeyed"
    assert lines == [f"DCA_RXCTRL[2] <- 0x00000020 {said_so}"]


def test_a_feature_is_named_once_and_each_of_its_fields(nic: Card, caplog: pytest.LogCaptureFixture) -> None:
    """Linux's ixgbe_update_rx_dca sets three bits."""
    nic.regs.write(DCA_RXCTRL.offset(2), int(DCA_RXCTRL.of(DESC_DCA_EN=1, HEAD_DCA_EN=1, DATA_DCA_EN=1)))
    (line,) = said(caplog)
    assert "asks for cache hints (DCA), which the device has not: DESC_DCA_EN" in line
    assert re.findall(r"(\w+)=0x1\b", line) == ["DESC_DCA_EN", "HEAD_DCA_EN", "DATA_DCA_EN"]


def test_a_driver_that_goes_and_the_next_one(nic: Card, caplog: pytest.LogCaptureFixture) -> None:
    nic.regs.write(CTRL_EXT, DRV_LOAD)
    nic.regs.write(LSECTXCTRL, 2)
    assert len(said(caplog)) == 1
    nic.regs.write(CTRL_EXT, DRV_LOAD | 1 << 14)
    nic.regs.write(LSECTXCTRL, 2)
    assert said(caplog) == []
    nic.regs.write(CTRL_EXT, 0)
    nic.regs.write(LSECTXCTRL, 2)
    assert len(said(caplog)) == 1


@pytest.mark.parametrize("shared", [False, True], ids=["trapped", "shared"])
def test_in_both_doorbell_modes(caplog: pytest.LogCaptureFixture, shared: bool) -> None:
    """DCA_RXCTRL lies in a page that clients map: what they store there is heard, too."""
    with Rig() as rig:
        if shared:
            rig.nic.share_doorbells()
            regs = rig.nic.pf.c.regs
            regs.shown[DCA_RXCTRL70 // 4] = 0x20
        else:
            rig.rf.write(DCA_RXCTRL70, 0x20)
        rig.nic.step()
        assert rig.rf.read(DCA_RXCTRL70) & 0x20
        assert [line[:14] for line in said(caplog)] == ["DCA_RXCTRL[70]"]
        rig.nic.step()
        assert said(caplog) == []


@pytest.mark.parametrize("path", sorted(DATA.glob("*.trace")), ids=lambda path: path.stem)
def test_stock_ixgbe_is_told_nothing(nic: Card, caplog: pytest.LogCaptureFixture, path: Path) -> None:
    """A probe and an interface that comes up ask for nothing that the device has not."""
    for access in read(path):
        if access.kind == "W":
            nic.pf.bar0_write(access.offset, access.value.to_bytes(access.len_bytes, "little"))
    assert said(caplog) == []


# -- the marks and the table ------------------------------------------------------------------------------------------

# Storage of these tables that asks for nothing, and why a driver misses nothing.
NOTHING_TO_OBEY = {
    "GSSR": "a semaphore is storage",
    "SECTXBUFFAF": "a threshold of a buffer", "SECTXMINIFG": "a gap on the wire",
    "GCR": "completion timeout", "GTV": "a timer of the PHY", "FUNCTAG": "a tag", "GLT": "a latency", "PICAUSE": "W1C",
    "PCIEANACTL": "analog", "PHYDAT": "analog", "PHYCTL": "analog", "PBACL": "messages wait nowhere",
    "PCIEECCCTL": "memory does not fail", "CDQ_MBR": "unknown", "PCIESPARE": "spare", "MISC_REG": "unknown",
    "BARCTRL": "the EEPROM's", "ECC_CTRL": "memory does not fail", "LSWFW": "a semaphore", "FLEX_MNG": "a buffer",
    "HSMC0R": "a mailbox of nobody", "HSMC1R": "the same", "SWSR": "software's own", "HFDR": "debugging",
    "VMD_CTL": "the 82598's", "RTTBCNRTT": "not yet",
}  # fmt: skip


def test_storage_is_marked_or_has_nothing_to_obey() -> None:
    """Of the tables that are mostly storage each register is acted on, marked, or listed above."""
    from device.regs.census import acted_on
    from device.regs.tree import Tree

    tables = {f"device.regs.i82599.{name}" for name in ("security", "general", "pcie", "wake", "virt")}
    storage = {
        register.NAME
        for register in ALL
        if register.__module__ in tables and any(field.is_asked_for for field in register.FIELDS.values())
    }
    storage -= set(acted_on(Tree(ALL)))
    unmarked = {register.NAME for register in ALL if register.NAME in storage and not register.stored_features()}
    assert sorted(unmarked - set(NOTHING_TO_OBEY)) == []


def test_each_mark_is_a_row_and_each_row_has_a_mark() -> None:
    marked = {feature for register in ALL for feature in register.stored_features()}
    states = {row.name: row.state for row in FEATURES}
    assert sorted(marked - {name for name, state in states.items() if state is not State.WORKS}) == []
    assert sorted({name for name, state in states.items() if state is State.STORED} - marked) == []
