# SPDX-License-Identifier: BSD-3-Clause
"""The function as a whole: reset, DMA gate, cage and wire, report. Offsets and bits are typed here on their own."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.errors import ConfigError
from device.i82599.card import BLOCKS, Card
from device.i82599.identity import parse_mac
from device.i82599.nvm.image import ImageOptions, build
from device.machine.core import ffi, lib
from device.machine.wire import LoopbackPort, PeerPort
from device.regs.i82599 import RXCTRL

MAC = "02:25:90:7f:a1:fe"
CTRL, STATUS, CTRL_EXT, ESDP, LINKS, AUTOC = 0x00000, 0x00008, 0x00018, 0x00020, 0x042A4, 0x042A0
EICR, EICS, EIMS, EIAC, EIAM, GPIE, EITR0, IVAR0 = 0x800, 0x808, 0x880, 0x810, 0x890, 0x898, 0x820, 0x900
RAL0, RAH0, GSSR, SWSM, SECTXSTAT, SECRXSTAT = 0x5400, 0x5404, 0x10160, 0x10140, 0x8804, 0x8D04
SYSTIML, TIMINCA = 0x08C0C, 0x08C14
GIO_DIS, LRST, RST = 0x4, 0x8, 0x04000000
GIO, UP, LSC = 0x00080000, 0x40000000, 0x00100000


@pytest.fixture
def nic() -> Iterator[Card]:
    with Card(mac=MAC) as made:
        made.core.manual_clock()
        yield made


def test_every_block_is_built_and_has_its_hook(nic: Card) -> None:
    assert [type(block) for block in nic.blocks] == list(BLOCKS)


def read(nic: Card, offset: int) -> int:
    return nic.regs.read(offset)


def write(nic: Card, offset: int, value: int) -> None:
    nic.regs.write(offset, value)


def test_what_a_driver_meets(nic: Card) -> None:
    assert read(nic, CTRL) == 0
    assert read(nic, STATUS) == 0x00080000
    assert read(nic, RAL0) == 0x7F902502
    assert read(nic, RAH0) == 0x8000FEA1
    assert read(nic, 0x10148) == 0x00008000  # FWSM
    assert read(nic, SECTXSTAT) == read(nic, SECRXSTAT) == 3
    assert read(nic, 0x10150) == 0  # FACTPS
    assert read(nic, 0x15F00) == 0  # HICR


def test_status_takes_no_writes(nic: Card) -> None:
    write(nic, STATUS, ~0x7FFFF30F & 0xFFFFFFFF)
    assert read(nic, STATUS) == 0x00080000


# offset, value written, value after a software reset, after a PCI reset
RESET_TABLE = [
    ("CTRL.GIO_DIS", CTRL, GIO_DIS, 0, 0),
    ("CTRL_EXT PFRSTD, NS_DIS, DRV_LOAD", CTRL_EXT, 0x10014000, 0, 0),
    ("ESDP laser off", ESDP, 0x808, 0x80E, 0x806),
    ("EIMS", EIMS, 0x0000FFFF, 0, 0),
    ("EICS pending causes", EICS, 0x0000000F, 0, 0),
    ("EIAC", EIAC, 0xFFFF, 0, 0),
    ("EIAM", EIAM, 0xFFFF, 0, 0),
    ("GPIE", GPIE, 0x10, 0, 0),
    ("EITR0", EITR0, 0x3E8, 0, 0),
    ("IVAR0", IVAR0, 0x81808180, 0, 0),
    ("IVAR_MISC", 0xA00, 0x8180, 0, 0),
    ("RAL0", RAL0, 0x11111111, 0x7F902502, 0x7F902502),
    ("RAH0", RAH0, 0, 0x8000FEA1, 0x8000FEA1),
    ("RAL3", 0x5418, 0x11111111, 0, 0),
    ("MTA5", 0x5214, 0xFFFFFFFF, 0, 0),
    ("VFTA9", 0xA024, 0xFFFFFFFF, 0, 0),
    ("FCTRL", 0x5080, 0x502, 0, 0),
    ("MRQC", 0x5818, 0x00370001, 0, 0),
    ("RETA0", 0x5C00, 0x03020100, 0, 0),
    ("RSSRK0", 0x5C80, 0xDEADBEEF, 0, 0),
    ("RDBAL0", 0x1000, 0x12345680, 0, 0),
    ("RDLEN0", 0x1008, 0x1000, 0, 0),
    ("RDH0", 0x1010, 0, 0, 0),
    ("RDT0", 0x1018, 7, 0, 0),
    ("RXDCTL0", 0x1028, 0x02000000, 0, 0),
    ("TDBAL0", 0x6000, 0x12345680, 0, 0),
    ("TDT0", 0x6018, 7, 0, 0),
    ("TXDCTL0", 0x6028, 0x02000000, 0, 0),
    ("DMATXCTL", 0x4A80, 1, 0x81000000, 0x81000000),
    ("AUTOC", AUTOC, 0x6001, 0x6000, 0x6000),
    ("GSSR", GSSR, 0x9, 0x9, 0),
    ("EEMNGDATA", 0x10114, 0x5A, 0x5A, 0),
]


@pytest.mark.parametrize("bit", [RST, LRST], ids=["RST", "LRST"])
def test_software_reset_table(nic: Card, bit: int) -> None:
    for _, offset, value, _, _ in RESET_TABLE:
        write(nic, offset, value)
    write(nic, CTRL, read(nic, CTRL) | bit)
    assert read(nic, CTRL) == 0
    got = {name: read(nic, offset) for name, offset, *_ in RESET_TABLE}
    assert got == {name: after for name, _, _, after, _ in RESET_TABLE}
    assert nic.resets == {"software": 1, "pci": 0}


def test_pci_reset_table(nic: Card) -> None:
    for _, offset, value, _, _ in RESET_TABLE:
        write(nic, offset, value)
    nic.reset(software=False)
    assert {name: read(nic, offset) for name, offset, *_ in RESET_TABLE} == {
        name: after for name, _, _, _, after in RESET_TABLE
    }


def test_reset_of_a_nic_nobody_touched_changes_no_word(nic: Card) -> None:
    words = bytes(nic.pf.bar0_read(0x5400, 0x80)) + bytes(nic.pf.bar0_read(0x4200, 0x140))
    nic.reset(software=True)
    assert bytes(nic.pf.bar0_read(0x5400, 0x80)) + bytes(nic.pf.bar0_read(0x4200, 0x140)) == words
    assert read(nic, EICR) == 0


def may_dma(nic: Card) -> bool:
    return nic.pf.does_dma


def test_gio_master_disable(nic: Card) -> None:
    nic.pf.bus_master = True
    assert may_dma(nic)
    write(nic, CTRL, GIO_DIS)
    assert read(nic, CTRL) == GIO_DIS
    assert read(nic, STATUS) & GIO == 0
    assert not may_dma(nic)
    nic.pf.bus_master = True  # PCI cannot override it
    assert not may_dma(nic)
    write(nic, CTRL, GIO_DIS | RST)  # the driver never clears the bit itself
    assert read(nic, CTRL) == 0
    assert read(nic, STATUS) & GIO
    assert may_dma(nic)


def test_bus_master_off_stays_off_over_reset(nic: Card) -> None:
    assert not may_dma(nic)
    write(nic, CTRL, RST)
    assert not may_dma(nic)


def test_lan_id() -> None:
    image = build(ImageOptions(mac=bytes.fromhex("0225907fa1fe")))
    with Card(nvm=image, lan_id=1) as nic:
        assert read(nic, STATUS) >> 2 & 3 == 1
        assert read(nic, RAH0) == 0x8000FFA1
        nic.reset(software=True)
        assert read(nic, STATUS) >> 2 & 3 == 1
    with Card(mac=MAC, lan_id=1) as nic:
        assert read(nic, RAH0) == 0x8000FEA1  # an address given is ours, whichever port we are
    with pytest.raises(ConfigError, match="port number 2"):
        Card(lan_id=2)


# -- the wire ---------------------------------------------------------------------------------------------------------


def test_link_follows_port_and_laser(nic: Card) -> None:
    assert read(nic, LINKS) & UP == 0
    port = LoopbackPort()
    nic.set_port(port)
    assert read(nic, LINKS) == 0x70000000
    assert nic.core.c.rx.link_up == 1
    assert port.c.link == 1
    write(nic, ESDP, read(nic, ESDP) | 8)
    assert nic.core.c.rx.link_up == 0
    assert port.c.link == 0
    nic.set_port(None)
    assert read(nic, LINKS) & UP == 0
    port.close()


def test_link_change_is_an_interrupt_cause(nic: Card) -> None:
    port = LoopbackPort()
    nic.set_port(port)
    assert read(nic, EICR) & LSC
    assert read(nic, EICR) == 0
    port.c.carrier = 0
    nic.poll()
    assert read(nic, EICR) & LSC
    assert read(nic, LINKS) & UP == 0
    port.close()


def test_poll_looks_ten_times_a_second(nic: Card) -> None:
    port = LoopbackPort()
    nic.set_port(port)
    nic.poll(0)
    port.c.carrier = 0
    nic.poll(99_999_999)
    assert read(nic, LINKS) & UP
    nic.poll(100_000_000)
    assert read(nic, LINKS) & UP == 0
    port.close()


def test_two_cards_on_one_cable(nic: Card) -> None:
    ours, theirs = PeerPort.pair()
    with Card() as other:
        nic.set_port(ours)
        other.set_port(theirs)
        for now in range(3):
            for one in (nic, other):
                one.step()
                one.poll(now * 100_000_000)
        assert read(nic, LINKS) & read(other, LINKS) & UP
        write(other, ESDP, read(other, ESDP) | 8)  # they switch their laser off
        nic.step()
        nic.poll(400_000_000)
        assert read(nic, LINKS) & UP == 0
        other.set_port(None)
    ours.close()
    theirs.close()


def test_hot_swap(nic: Card) -> None:
    port = LoopbackPort()
    nic.set_port(port)
    write(nic, GPIE, 0x6)
    read(nic, EICR)
    nic.remove_sfp()
    assert read(nic, ESDP) & 4 == 0
    assert read(nic, LINKS) & UP == 0
    assert read(nic, EICR) & 0x04100000 == 0x04100000  # SDP2 and LSC
    nic.remove_sfp()
    assert read(nic, EICR) == 0
    nic.insert_sfp("lr")
    assert read(nic, ESDP) & 4
    assert read(nic, LINKS) & UP
    assert nic.report().card["sfp"] == "lr"
    nic.insert_sfp("da")  # one comes out first
    assert nic.report().card["sfp"] == "da"
    with pytest.raises(ConfigError, match="xfp"):
        nic.insert_sfp("xfp")
    assert nic.report().card["sfp"] == "da"
    port.close()


@pytest.mark.parametrize(("kind", "lms", "tick_ns", "quanta_ns"), [("sr-dual", 3, 6.4, 51_200), ("sx", 2, 64, 512_000)])
def test_clock_and_pauses_follow_the_modules_speed(kind: str, lms: int, tick_ns: float, quanta_ns: int) -> None:
    """A thousand quanta of 512 bits, and a thousand ticks of SYSTIM."""
    with LoopbackPort() as port, Card(mac=MAC, sfp=kind, port=port) as nic:
        nic.core.manual_clock()
        write(nic, AUTOC, lms << 13)
        assert read(nic, LINKS) & UP
        assert lib.flow_quanta_ns(ffi.addressof(nic.core.c, "flow"), 1000) == quanta_ns
        write(nic, TIMINCA, 0x01000001)
        before = read(nic, SYSTIML)
        nic.core.advance(int(1000 * tick_ns))
        assert read(nic, SYSTIML) - before == 1000


def test_empty_cage() -> None:
    for sfp in ("none", None):
        with Card(sfp=sfp) as nic:
            assert read(nic, ESDP) & 4 == 0
            assert nic.report().card["sfp"] == "none"


# -- options and files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [MAC, "02-25-90-7F-A1-FE", bytes.fromhex("0225907fa1fe")])
def test_mac_spellings(text: str | bytes) -> None:
    assert parse_mac(text) == bytes.fromhex("0225907fa1fe")


@pytest.mark.parametrize(
    "text", ["", "02:25", "02:25:90:7f:a1:zz", "02:25:90:7f:a1:100", "02:25:90:7f:a1:fe:00", b"\2"]
)
def test_mac_nonsense(text: str | bytes) -> None:
    with pytest.raises(ConfigError, match="six bytes"):
        parse_mac(text)


@pytest.mark.parametrize(("text", "word"), [("01:00:5e:00:00:01", "multicast"), ("00:00:00:00:00:00", "zero")])
def test_addresses_for_the_driver_to_refuse(text: str, word: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), Card(mac=text) as nic:
        assert word in caplog.text
        assert nic.report().card["mac"] == text
        assert read(nic, RAH0) >> 31 == 1


def test_nvm_file_and_its_address(tmp_path: Path) -> None:
    path = tmp_path / "card.nvm"
    build(ImageOptions(mac=bytes.fromhex("021122334455"))).save(path)
    with Card(nvm=path) as nic:
        assert nic.report().card["mac"] == "02:11:22:33:44:55"
    with Card(nvm=str(path), mac=MAC) as nic:
        assert nic.report().card["mac"] == MAC
        assert nic.image.checksum_ok
        write(nic, 0x10018, 0x1234 << 16 | 0x30 << 2 | 1)
        assert nic.report().card["nvm"] == "changed"
        nic.save_nvm(tmp_path / "new.nvm")
        assert nic.report().card["nvm"] == "unchanged"
    with Card(nvm=tmp_path / "new.nvm") as nic:
        assert nic.image.read(0x30) == 0x1234
        assert nic.report().card["mac"] == MAC


def test_nvm_without_a_place_for_the_address() -> None:
    image = build()
    image.write(0x09, 0xFFFF)
    with pytest.raises(ConfigError, match="no LAN core section"):
        Card(nvm=image, mac=MAC)
    with Card(nvm=image) as nic:
        assert nic.report().card["mac"] == "02:00:00:82:59:90"


def test_failed_construction_leaks_nothing(tmp_path: Path) -> None:
    fds = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        with pytest.raises(ConfigError):
            Card(nvm=tmp_path / "none")
        with pytest.raises(ConfigError):
            Card(sfp="x")
    assert len(list(Path("/proc/self/fd").iterdir())) == fds


def test_close_twice_and_no_fd_left() -> None:
    fds = len(list(Path("/proc/self/fd").iterdir()))
    nic = Card()
    nic.close()
    nic.close()
    assert nic.closed
    assert len(list(Path("/proc/self/fd").iterdir())) == fds


# -- what happened ----------------------------------------------------------------------------------------------------


def test_report_names_what_was_unknown(nic: Card) -> None:
    assert read(nic, 0x1FFF0) == 0
    read(nic, 0x1FFF0)
    write(nic, 0x1FFF4, 5)
    write(nic, 0x1FFF0, 5)
    report = nic.report()
    assert report.unknown == [("0x1fff0", 2, 1), ("0x1fff4", 0, 1)]
    assert report.counters["reg_unknown"] == 4


def test_report_counts(nic: Card) -> None:
    write(nic, 0x0425C, 1 << 30)
    for _ in range(4):
        read(nic, SWSM)
    write(nic, 0x15F00, 2)
    write(nic, CTRL, RST)
    counters = nic.report().counters
    assert counters["mdio_commands"] == 1
    assert (counters["semaphore_taken"], counters["semaphore_contended"]) == (1, 1)
    assert counters["firmware_commands"] == 1
    assert counters["software_resets"] == 1
    assert counters["handler_errors"] == 0
    assert nic.report().wire == {}


def test_trace_logs_every_access(caplog: pytest.LogCaptureFixture) -> None:
    with Card(trace=[RXCTRL]) as nic, caplog.at_level(logging.INFO):
        write(nic, 0x3000, 1)
        assert "RXCTRL" in caplog.text
        assert "RXEN=1" in caplog.text


# -- what a guest may throw at it -------------------------------------------------------------------------------------


def test_reading_all_of_the_map_is_harmless(nic: Card) -> None:
    """A register dump reads most of it: nothing may fail, and nothing may look like a card that is gone."""
    ones = [offset for offset in range(0, 0x20000, 4) if read(nic, offset) == 0xFFFFFFFF]
    assert [offset for offset in ones if offset not in range(0x720, 0x728)] == []  # PFMBIMR is all ones
    assert nic.regs.handler_errors == 0
    assert read(nic, STATUS) == 0x00080000


SLOW_REGISTERS = (CTRL, ESDP, 0x00028, AUTOC, 0x042A8, 0x04240, 0x0425C, 0x10010, 0x10014, 0x10018, SWSM, 0x15F00)


@given(
    st.lists(
        st.tuples(st.sampled_from(SLOW_REGISTERS), st.integers(0, 0xFFFFFFFF) | st.integers(0, 0xFF), st.booleans()),
        max_size=200,
    )
)
@settings(max_examples=50, deadline=None)
def test_no_sequence_of_accesses_upsets_a_block(accesses: list[tuple[int, int, bool]]) -> None:
    with Card(mac=MAC) as nic:
        port = LoopbackPort(4)
        nic.set_port(port)
        for offset, value, is_write in accesses:
            if is_write:
                write(nic, offset, value)
            else:
                read(nic, offset)
        assert nic.regs.handler_errors == 0
        write(nic, CTRL, RST)
        assert read(nic, STATUS) == 0x00080000 | (0x80 if read(nic, LINKS) & UP else 0)
        assert read(nic, LINKS) & UP or read(nic, ESDP) & 0x808 != 0x800
        nic.reset(software=False)
        assert read(nic, LINKS) & UP
        port.close()


# -- ethtool -t: registers --------------------------------------------------------------------------------------------

PATTERNS = (0x5A5A5A5A, 0xA5A5A5A5, 0x00000000, 0xFFFFFFFF)
FULL = 0xFFFFFFFF
# offset, how many, stride, mask that reads back, mask that is written
STORAGE = [
    ("FCRTL", 0x03220, 1, 4, 0x8007FFF0, 0x8007FFF0),
    ("FCRTH", 0x03260, 1, 4, 0x8007FFF0, 0x8007FFF0),
    ("PFCTOP", 0x03008, 1, 4, FULL, FULL),
    ("FCTTV", 0x03200, 1, 4, FULL, FULL),
    ("RDBAH", 0x01004, 4, 0x40, FULL, FULL),
    ("RDBAL", 0x01000, 4, 0x40, 0xFFFFFF80, 0xFFFFFF80),
    ("RDLEN", 0x01008, 4, 0x40, 0x000FFF80, 0x000FFFFF),
    ("TDBAH", 0x06004, 4, 0x40, FULL, FULL),
    ("TDBAL", 0x06000, 4, 0x40, 0xFFFFFF80, FULL),
    ("TDLEN", 0x06008, 4, 0x40, 0x000FFF80, 0x000FFF80),
    ("RAL", 0x05400, 16, 8, FULL, FULL),
    ("RAH", 0x05404, 16, 8, 0x8000FFFF, 0x800CFFFF),
    ("MTA", 0x05200, 128, 4, FULL, FULL),
]


@pytest.mark.parametrize(
    ("name", "base", "count", "stride", "mask", "writes"), STORAGE, ids=[row[0] for row in STORAGE]
)
def test_register_patterns(nic: Card, name: str, base: int, count: int, stride: int, mask: int, writes: int) -> None:
    for offset in range(base, base + count * stride, stride):
        before = read(nic, offset)
        for pattern in PATTERNS:
            write(nic, offset, pattern & writes)
            assert read(nic, offset) == pattern & writes & mask, f"{name} at {offset:#x}"
        write(nic, offset, before)


def test_register_patterns_without_a_mask(nic: Card) -> None:
    write(nic, 0x05088, 0)  # VLNCTRL
    assert read(nic, 0x05088) == 0
    write(nic, 0x03000, 1)  # RXCTRL
    assert read(nic, 0x03000) & 1 == 1
    write(nic, 0x03000, 0)
    assert read(nic, 0x03000) & 1 == 0


def test_tails_are_storage_while_the_queue_is_on(nic: Card) -> None:
    for queue in range(4):
        write(nic, 0x01028 + 0x40 * queue, 0x02000000)
        assert read(nic, 0x01028 + 0x40 * queue) & 0x02000000
        for pattern in PATTERNS:
            write(nic, 0x01018 + 0x40 * queue, pattern & 0xFFFF)
            assert read(nic, 0x01018 + 0x40 * queue) == pattern & 0xFFFF
