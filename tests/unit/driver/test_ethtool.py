# SPDX-License-Identifier: BSD-3-Clause
"""Decoding of modules, links and EEPROM, on data that was typed in from the standards, not from our device."""

import struct
from collections.abc import Callable

import pytest

from device.regs.i82599 import ALL, CTRL, EICR, GPRC, LINKS, RDT, SWSM, Register
from driver import ethtool
from driver.core.bar import Bar
from driver.ixgbe.figures import DUMPED
from driver.ixgbe.hw.link import link_figures
from tests.rigs.memory_door import MemoryDoor


def reader(a0: bytes, a2: bytes = bytes(256)) -> Callable[[int, int], int]:
    pages = {0xA0: a0, 0xA2: a2}
    return lambda address, offset: pages[address][offset]


def page(
    *,
    code: int = 0,
    one: int = 0,
    base_t: int = 0,
    cable: int = 0,
    copper_m: int = 0,
    nm: int = 0,
    diagnostics: int = 0,
) -> bytes:
    """Ref: SFF-8472 table 4-1."""
    data = bytearray(256)
    data[0], data[3], data[8], data[18], data[92] = 3, code, cable, copper_m, diagnostics
    data[6], data[36] = one, base_t
    data[20:36] = b"EXAMPLE OPTICS  "
    data[37:40] = bytes.fromhex("001b21")
    data[40:56] = b"XY-85\xff-SR       "
    data[56:60] = b"A1  "
    data[60:62] = nm.to_bytes(2, "big")
    data[68:84] = b"SN 0001         "
    data[84:92] = b"240131  "
    return bytes(data)


def test_an_optical_module_with_diagnostics() -> None:
    live = bytearray(256)
    live[96:106] = struct.pack(">hHHHH", -5 * 256 - 128, 33000, 3100, 5012, 10000)
    assert ethtool.module(reader(page(code=0x10, nm=850, diagnostics=0x68), bytes(live))) == {
        "identifier": "SFP/SFP+",
        "type": "10GBASE-SR",
        "vendor": "EXAMPLE OPTICS",
        "vendor_oui": "00:1b:21",
        "part": "XY-85?-SR",
        "revision": "A1",
        "serial": "SN 0001",
        "date": "240131",
        "wavelength_nm": 850,
        "temperature_c": -5.5,
        "voltage_v": 3.3,
        "bias_ma": 6.2,
        "tx_power_mw": 0.5012,
        "rx_power_mw": 1.0,
    }


def test_a_module_without_diagnostics_is_not_asked_for_them() -> None:
    found = ethtool.module(reader(page(code=0x20, nm=1310), b""))
    assert (found["type"], found["wavelength_nm"]) == ("10GBASE-LR", 1310)
    assert "temperature_c" not in found


@pytest.mark.parametrize(("cable", "kind"), [(0x04, "passive direct attach"), (0x08, "active direct attach")])
def test_a_cable_has_a_length_and_no_wavelength(cable: int, kind: str) -> None:
    found = ethtool.module(reader(page(cable=cable, copper_m=3, nm=0x0100)))
    assert (found["type"], found["length_m"]) == (kind, 3)
    assert "wavelength_nm" not in found


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        ({"one": 0x01}, "1000BASE-SX"),
        ({"one": 0x02}, "1000BASE-LX"),
        ({"one": 0x08}, "1000BASE-T"),
        ({"one": 0x40}, "1000BASE-BX10"),
        ({"code": 0x40}, "10GBASE-LRM"),
        ({"code": 0x80}, "10GBASE-ER"),
        ({"code": 0x10, "one": 0x01}, "10GBASE-SR, 1000BASE-SX"),
        ({"base_t": 0x16}, "10GBASE-T"),
        ({}, "10G code 0x00, 1G code 0x00"),
    ],
)
def test_kinds_have_the_standards_names(codes: dict[str, int], kind: str) -> None:
    assert ethtool.module(reader(page(**codes)))["type"] == kind


def test_something_else_in_the_cage() -> None:
    found = ethtool.module(reader(b"\x0d" + page()[1:]))
    assert (found["identifier"], found["type"]) == ("QSFP+", "QSFP+")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (0x70000000, {"up": True, "speed_mbps": 10000, "duplex": "full"}),
        (0x60000000, {"up": True, "speed_mbps": 1000, "duplex": "full"}),
        (0x30000000, {"up": False, "speed_mbps": 0, "duplex": "full"}),
    ],
)
def test_link_words(value: int, found: dict[str, object]) -> None:
    door = MemoryDoor()
    door.word(LINKS.offset(), value)
    assert link_figures(Bar(door)) == found
    door.close()


def test_a_dump_names_registers_and_fields() -> None:
    door = MemoryDoor()
    bar = Bar(door)
    door.word(RDT.offset(3), 511)
    door.word(CTRL.offset(), int(CTRL.of(RST=1)))
    door.word(GPRC.offset(), 99)
    rows = ethtool.registers(bar, DUMPED)
    assert {"name": "CTRL", "offset": 0, "value": 1 << 26, "fields": {"RST": 1}} in rows
    assert [row["value"] for row in rows if row["name"] == "RDT[3]"] == [511]
    assert all(row["value"] for row in rows)
    assert not [row for row in rows if row["name"] == "GPRC"]
    assert len(ethtool.registers(bar, DUMPED, zero=True, names=("RDT",))) == RDT.count
    assert [row["name"] for row in ethtool.registers(bar, DUMPED, names=("RDT",))] == ["RDT[0]", "RDT[3]"]
    assert [row["name"] for row in ethtool.registers(bar, DUMPED, names=("RDT[3]", "RDT[7]"))] == ["RDT[3]", "RDT[7]"]
    door.close()


@pytest.mark.parametrize("register", [EICR, GPRC, SWSM])
def test_what_a_read_changes_is_left_alone(register: type[Register]) -> None:
    assert register not in DUMPED


def test_most_registers_can_be_dumped() -> None:
    assert len(DUMPED) > len(ALL) / 2


def test_hexdump_has_bytes_in_the_order_of_ethtool() -> None:
    assert ethtool.hexdump([0x0740, 0xFFFF, *range(7)]) == [
        "0x0000:  40 07 ff ff 00 00 01 00 02 00 03 00 04 00 05 00",
        "0x0010:  06 00",
    ]
