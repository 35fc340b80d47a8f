# SPDX-License-Identifier: BSD-3-Clause
"""Who ports a driver is told what it does wrong: one line each and driver's life, with register, value and remedy."""

import logging
import mmap
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.i82599.card import Card
from device.machine.wire import LoopbackPort
from device.trace import read

DATA = Path(__file__).resolve().parents[2] / "data"
IOVA = 0x4000_0000
CTRL, CTRL_EXT, RST, GIO_DIS, DRV_LOAD = 0x00000, 0x00018, 0x04000000, 0x4, 0x10000000
RXCTRL, FCTRL, DMATXCTL, RAH0, RXPBSIZE1 = 0x3000, 0x5080, 0x4A80, 0x5404, 0x3C04
ENABLE = 0x02000000


def rx(register: int, n: int) -> int:
    return 0x1000 + 0x40 * n + register if n < 64 else 0xD000 + 0x40 * (n - 64) + register


def tx(register: int, n: int) -> int:
    return 0x6000 + 0x40 * n + register


BAL, BAH, LEN, HEAD, SRRCTL, TAIL, DCTL = 0x00, 0x04, 0x08, 0x10, 0x14, 0x18, 0x28
LOOK_NS = 100_000_000


@pytest.fixture
def nic() -> Iterator[Card]:
    with LoopbackPort() as port, Card(mac="02:00:00:82:59:90", port=port) as made:
        made.core.manual_clock()
        made.pf.dma_add(IOVA, 1 << 20, mmap.mmap(-1, 1 << 20))
        made.pf.bus_master = True
        yield made


def write(nic: Card, offset: int, value: int) -> None:
    nic.regs.write(offset, value)


def looks(nic: Card, times: int = 2) -> None:
    for _ in range(times):
        nic.core.advance(LOOK_NS)
        nic.poll()


def said(caplog: pytest.LogCaptureFixture, level: int = logging.WARNING) -> list[str]:
    lines = [record.getMessage() for record in caplog.records if record.levelno >= level]
    caplog.clear()
    return lines


def start_rx(nic: Card, n: int = 0, *, srrctl: int = 0x02000402, tail: int = 7, **other: int) -> None:
    write(nic, rx(BAL, n), other.get("base", IOVA))
    write(nic, rx(LEN, n), other.get("length", 128))
    write(nic, rx(SRRCTL, n), srrctl)
    write(nic, rx(DCTL, n), ENABLE)
    if tail:
        write(nic, rx(TAIL, n), tail)


def start_tx(nic: Card, n: int = 0) -> None:
    write(nic, DMATXCTL, 0x81000001)
    write(nic, tx(BAL, n), IOVA)
    write(nic, tx(LEN, n), 128)
    write(nic, tx(DCTL, n), ENABLE)


# -- DMA that is off --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", ["rx", "tx"])
def test_bus_mastering_off_while_rings_wait(nic: Card, caplog: pytest.LogCaptureFixture, direction: str) -> None:
    """A driver that forgot pci_set_master."""
    nic.pf.bus_master = False
    start_rx(nic, 3, tail=5 if direction == "rx" else 0)
    start_tx(nic, 70)
    if direction == "tx":
        write(nic, tx(TAIL, 70), 5)
    looks(nic, 1)
    assert said(caplog) == [], "it may come in a moment"
    looks(nic, 1)
    name = "rx[3]" if direction == "rx" else "tx[70]"
    why = "PCI COMMAND (0x04) has no BUS_MASTER, or the function is not in D0"
    assert said(caplog) == [f"{name} has 5 descriptors and waits: {why}; set COMMAND bit 2 before queues are enabled"]
    looks(nic)
    assert said(caplog) == []


def test_dma_that_the_driver_stopped_itself(nic: Card, caplog: pytest.LogCaptureFixture) -> None:
    start_rx(nic)
    write(nic, CTRL, GIO_DIS)
    looks(nic)
    line = "".join(said(caplog))
    assert "CTRL is 0x00000004: GIO_DIS stops all DMA; clear CTRL.GIO_DIS" in line


def test_no_ring_waits(nic: Card, caplog: pytest.LogCaptureFixture) -> None:
    start_rx(nic, tail=0)
    start_tx(nic)
    nic.pf.bus_master = False
    looks(nic)
    nic.pf.bus_master = True
    write(nic, rx(TAIL, 0), 5)
    looks(nic)
    nic.pf.bus_master = False
    looks(nic, 1)
    nic.pf.bus_master = True
    looks(nic, 1)
    assert said(caplog) == []


# -- tails of queues that are off -------------------------------------------------------------------------------------


def test_a_receive_tail_before_enable(nic: Card, caplog: pytest.LogCaptureFixture) -> None:
    write(nic, rx(TAIL, 65), 7)
    start_rx(nic, 65, tail=0)
    line = "RDT[65] <- 0x00000007 came while RXDCTL[65].ENABLE was 0 and is ignored: "
    assert said(caplog) == [line + "write RDT again once RXDCTL.ENABLE reads 1"]
    assert nic.report().rings == [("rx[65]", hex(IOVA), 8, 0, 7, 0)], "none of them is the device's"
    write(nic, rx(TAIL, 65), 7)
    assert nic.report().rings == [("rx[65]", hex(IOVA), 8, 0, 7, 7)]
    looks(nic)
    assert said(caplog) == []


def test_a_transmit_tail_before_enable(nic: Card, caplog: pytest.LogCaptureFixture) -> None:
    write(nic, tx(TAIL, 2), 1)
    start_tx(nic, 2)
    line = "TDT[2] <- 0x00000001 came while TXDCTL[2].ENABLE was 0 and counts only from then on, and on the chip may be"
    assert said(caplog) == [line + " lost: write TDT again once TXDCTL.ENABLE reads 1"]


def test_a_tail_of_a_queue_that_is_never_enabled(nic: Card, caplog: pytest.LogCaptureFixture) -> None:
    write(nic, rx(TAIL, 64), 7)
    write(nic, rx(TAIL, 65), 7)
    looks(nic, 1)
    assert [line[:14] for line in said(caplog)] == ["RDT[65] <- 0x0"]
    looks(nic)
    assert said(caplog) == [], "once a register"


def test_what_drivers_write_before_enable_all_the_same(nic: Card, caplog: pytest.LogCaptureFixture) -> None:
    """Linux's ixgbe_configure_rx_ring: RDH and RDT are set to 0, after whatever was there."""
    write(nic, rx(TAIL, 0), 7)
    write(nic, rx(HEAD, 0), 0)
    write(nic, rx(TAIL, 0), 0)
    start_rx(nic)
    start_tx(nic)
    looks(nic)
    assert said(caplog) == []


def test_shared_doorbells_hide_the_order(caplog: pytest.LogCaptureFixture) -> None:
    """The device takes such a tail then, so nothing is ignored and nothing said."""
    with Card() as nic:
        nic.core.manual_clock()
        nic.core.share_doorbells()
        nic.pf.bus_master = True
        write(nic, rx(TAIL, 0), 7)
        start_rx(nic, tail=0)
        looks(nic)
        assert said(caplog) == []
        assert nic.report().rings[0][5] == 7


# -- sizes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("srrctl", "words"),
    [
        (0x02000800, "gives packet buffers 0 KiB: BSIZEPACKET (bits 4:0) counts KiB and not bytes, 1 to 16; for 2048"),
        (0x02000011, "gives packet buffers 17 KiB: BSIZEPACKET (bits 4:0) counts KiB and not bytes"),
        (0x06000402, "asks for DESCTYPE 3, which is none: write 0 (LEGACY), 1 (ADV_ONEBUF), 2 (HDR_SPLIT), 5 ("),
        (0x04000002, "splits headers and gives their buffers no size: BSIZEHEADER (bits 13:8) counts 64 bytes"),
    ],
)
def test_buffers_of_no_size(nic: Card, caplog: pytest.LogCaptureFixture, srrctl: int, words: str) -> None:
    start_rx(nic, 1, srrctl=srrctl, tail=0)
    line = "".join(said(caplog))
    assert line.startswith(f"SRRCTL[1] <- {srrctl:#010x} {words}")
    start_rx(nic, 2, srrctl=srrctl, tail=0)
    assert said(caplog) == []


@pytest.mark.parametrize(
    ("offset", "value", "words"),
    [
        (rx(LEN, 0), 1000, "RDLEN[0] <- 0x000003e8 sets bits 0x68, which no field has and which stay as they were: "),
        (rx(LEN, 0), 1000, "it counts bytes and takes multiples of 128, 8 descriptors; it holds 0x380 now"),
        (tx(LEN, 0), 100, "TDLEN[0] <- 0x00000064 sets bits 0x64"),
        (rx(BAL, 0), IOVA + 16, "a ring begins at a multiple of 128 bytes; it holds 0x40000000 now"),
        (tx(BAL, 0), IOVA + 64, "a ring begins at a multiple of 128 bytes; it holds 0x40000000 now"),
        (RXPBSIZE1, 512, "RXPBSIZE[1] <- 0x00000200 sets bits 0x200"),
        (RXPBSIZE1, 512, "its value is bytes, in steps of 1024; it holds 0x0 now"),
        (0x3220, 0x18, "FCRTL[0] <- 0x00000018 sets bits 0x8"),
        (0x3260, 0x18, "its value is bytes, in steps of 16; it holds 0x10 now"),
        (rx(SRRCTL, 0), 0x02080002, "SRRCTL[0] <- 0x02080002 sets bits 0x80000"),
    ],
)
def test_values_in_another_unit(
    nic: Card, caplog: pytest.LogCaptureFixture, offset: int, value: int, words: str
) -> None:
    write(nic, offset, value)
    looks(nic, 1)
    assert said(caplog) == []
    looks(nic, 1)
    assert words in "".join(said(caplog))


def test_a_ring_is_judged_when_it_is_switched_on(nic: Card, caplog: pytest.LogCaptureFixture) -> None:
    start_rx(nic, 4, length=1000, base=IOVA + 16)
    assert sorted(line[:8] for line in said(caplog)) == ["RDBAL[4]", "RDLEN[4]"]
    write(nic, tx(BAL, 4), IOVA + 16)
    write(nic, tx(LEN, 4), 1000)
    write(nic, tx(DCTL, 4), ENABLE)
    assert sorted(line[:8] for line in said(caplog)) == ["TDBAL[4]", "TDLEN[4]"]


# -- bits that are none -----------------------------------------------------------------------------------------------


def test_reserved_bits(nic: Card, caplog: pytest.LogCaptureFixture) -> None:
    write(nic, RAH0, 0x80050001)
    write(nic, RAH0, 0x80050001)
    looks(nic)
    line = "RAH[0] <- 0x80050001 sets bits 0x50000, which no field has and which stay as they were: "
    assert said(caplog) == [line + "write reserved bits as they read"]
    write(nic, RAH0, 0x80060001)
    looks(nic)
    assert said(caplog) == [], "once a register"


def test_a_reset_does_not_hide_them(nic: Card, caplog: pytest.LogCaptureFixture) -> None:
    write(nic, RAH0, 0x80050001)
    write(nic, CTRL, RST)
    assert len(said(caplog)) == 1


def test_what_stock_ixgbe_writes_at_each_start_is_not_told(nic: Card, caplog: pytest.LogCaptureFixture) -> None:
    """ixgbe_configure_msix's 1950 and the water mark of a class without a packet buffer; other such values are told."""
    eitr, fcrth = 0x00820 + 4 * 2, 0x03260 + 4 * 1
    write(nic, eitr, 1950)
    write(nic, fcrth, 0xFFFFA000)
    looks(nic)
    assert said(caplog) == []
    write(nic, eitr, 1951)
    write(nic, fcrth, 0xFFFFA010)
    looks(nic)
    assert [line.split()[0] for line in said(caplog)] == ["EITR[2]", "FCRTH[1]"]


def test_who_tries_which_bits_stick_is_not_told(nic: Card, caplog: pytest.LogCaptureFixture) -> None:
    """Linux's reg_pattern_test: four patterns, and the old value back."""
    for offset in (rx(LEN, 0), tx(BAL, 0), RAH0):
        before = nic.regs.read(offset)
        for pattern in (0x5A5A5A5A, 0xA5A5A5A5, 0x00000000, 0xFFFFFFFF):
            write(nic, offset, pattern)
            nic.regs.read(offset)
            write(nic, offset, before)
        write(nic, offset, before)
    looks(nic)
    write(nic, rx(DCTL, 0), ENABLE)
    write(nic, CTRL, RST)
    assert said(caplog) == []


def test_bits_that_read_1_are_written_back(nic: Card, caplog: pytest.LogCaptureFixture) -> None:
    """And a register that takes no writes has no wrong ones."""
    write(nic, 0x4240, nic.regs.read(0x4240))
    write(nic, 0x2F00, nic.regs.read(0x2F00))
    write(nic, 0x8, 0xFFFFFFFF)
    looks(nic)
    assert said(caplog) == []


def test_in_a_page_that_clients_map(caplog: pytest.LogCaptureFixture) -> None:
    with Card() as nic:
        nic.core.manual_clock()
        nic.core.share_doorbells()
        nic.pf.c.regs.shown[rx(LEN, 0) // 4] = 1000
        nic.regs.read(rx(LEN, 0))
        looks(nic)
        assert "RDLEN[0] <- 0x000003e8" in "".join(said(caplog))
        assert nic.regs.read(rx(LEN, 0)) == 0x380


# -- filters ----------------------------------------------------------------------------------------------------------


def test_fctrl_while_receiving(nic: Card, caplog: pytest.LogCaptureFixture) -> None:
    write(nic, FCTRL, 0x400)
    write(nic, RXCTRL, 1)
    write(nic, FCTRL, 0x400)
    assert said(caplog) == [], "nothing changes"
    write(nic, FCTRL, 0x402)
    assert said(caplog) == [
        "FCTRL <- 0x00000402 changes SBP=1 while RXCTRL.RXEN is 1: clear RXEN, change FCTRL, set RXEN again"
    ]
    write(nic, RXCTRL, 0)
    write(nic, FCTRL, 0x400)
    assert said(caplog) == []


def test_what_linux_changes_while_it_receives_is_no_warning(nic: Card, caplog: pytest.LogCaptureFixture) -> None:
    """ixgbe_set_rx_mode, of an interface that becomes promiscuous."""
    caplog.set_level(logging.INFO)
    write(nic, RXCTRL, 1)
    write(nic, FCTRL, 0x300)
    assert said(caplog, logging.INFO) == [
        "FCTRL <- 0x00000300 changes MPE=1 UPE=1 while RXCTRL.RXEN is 1: clear RXEN, change FCTRL, set RXEN again"
    ]
    write(nic, FCTRL, 0)
    assert said(caplog, logging.INFO) == []
    write(nic, FCTRL, 0x700)
    assert len(said(caplog)) == 1, "another bit is another matter"


# -- whose life -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["PCI reset", "DRV_LOAD"])
def test_the_next_driver_is_told_again(nic: Card, caplog: pytest.LogCaptureFixture, end: str) -> None:
    write(nic, CTRL_EXT, DRV_LOAD)
    for _ in range(2):
        write(nic, RXCTRL, 1)
        write(nic, FCTRL, 0x2)
        assert len(said(caplog)) == 1
        write(nic, CTRL, RST)
        write(nic, CTRL_EXT, DRV_LOAD)
        write(nic, RXCTRL, 1)
        write(nic, FCTRL, 0x2)
        assert said(caplog) == [], "the same driver starts over"
        write(nic, FCTRL, 0)
        if end == "DRV_LOAD":
            write(nic, CTRL_EXT, 0)
            write(nic, CTRL_EXT, DRV_LOAD)
        else:
            nic.reset(software=False)


@pytest.mark.parametrize("path", sorted(DATA.glob("*.trace")), ids=lambda path: path.stem)
def test_stock_ixgbe_is_told_nothing(nic: Card, caplog: pytest.LogCaptureFixture, path: Path) -> None:
    """A probe and an interface that comes up, with a look at every moment when there could be one."""
    for access in read(path):
        if access.kind == "W":
            nic.pf.bar0_write(access.offset, access.value.to_bytes(access.len_bytes, "little"))
            looks(nic, 1)
    looks(nic)
    assert [line for line in said(caplog) if "<-" in line or "waits" in line] == []


def test_they_are_limited_to_so_many_a_second(
    nic: Card, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.machine.limit.time.monotonic", lambda: 1e6)  # all in one second
    for n in range(20):
        nic.regs.told.say(n, f"line {n}")
    lines = said(caplog)
    assert len(lines) == 9
    assert "left out" in lines[8]
