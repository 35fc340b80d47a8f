# SPDX-License-Identifier: BSD-3-Clause
"""Vital product data: the capability as Linux's pci_vpd_read uses it, and the layout that lspci decodes."""

import struct

import pytest

from device.i82599.card import Card
from device.i82599.nvm.image import Image, build
from device.machine.config import ConfigSpace
from device.machine.vpd import build as lay_out
from device.machine.vpd import writable

CAP, ADDR, DATA = 0xE0, 0xE2, 0xE4
FLAG = 0x8000


def word(space: ConfigSpace, offset: int) -> int:
    return int.from_bytes(space.read(offset, 2), "little")


def read(space: ConfigSpace, at: int) -> bytes:
    """Ref: Linux's pci_vpd_read: address with flag 0, wait for flag 1, four bytes of data."""
    space.write(ADDR, struct.pack("<H", at))
    assert word(space, ADDR) == at | FLAG
    return space.read(DATA, 4)


def write(space: ConfigSpace, at: int, data: bytes) -> None:
    """Ref: Linux's pci_vpd_write: data, then address with flag 1, wait for flag 0."""
    space.write(DATA, data)
    space.write(ADDR, struct.pack("<H", at | FLAG))
    assert word(space, ADDR) == at


def area(space: ConfigSpace) -> bytes:
    return b"".join(read(space, at) for at in range(0, 256, 4))


def fields(data: bytes) -> tuple[str, dict[str, bytes], int]:
    """Name, fields and length up to the end tag.  Ref: PCI 2.2, appendix I."""
    assert data[0] == 0x82
    at = 3 + int.from_bytes(data[1:3], "little")
    name = data[3:at].decode()
    assert data[at] == 0x90
    end = at + 3 + int.from_bytes(data[at + 1 : at + 3], "little")
    at, found = at + 3, {}
    while at < end:
        key, length = data[at : at + 2].decode(), data[at + 2]
        found[key] = data[at + 3 : at + 3 + length]
        if key == "RV":
            assert sum(data[: at + 4]) % 256 == 0, "the checksum is good"
        at += 3 + length
    assert (at, data[end]) == (end, 0x78)
    return name, found, end + 1


def space_of(image: Image) -> tuple[Card, ConfigSpace]:
    nic = Card(nvm=image)
    return nic, ConfigSpace(nic.pf, nic.identity, vpd=nic.vpd)


def test_it_is_the_last_capability() -> None:
    nic, space = space_of(build())
    with nic:
        assert space.read(0xA1, 1) == bytes([CAP])
        assert space.read(CAP, 2) == b"\x03\x00"


def test_what_lspci_decodes() -> None:
    nic, space = space_of(build())
    with nic:
        name, found, _ = fields(area(space))
        assert name == "82599ES 10-Gigabit SFI/SFP+"
        assert {key: value for key, value in found.items() if key != "RV"} == {
            "PN": b"IXLAB0-001", "MN": b"ixlab", "SN": b"IXLAB000001",
        }  # fmt: skip


def test_it_lies_in_the_eeprom_where_word_2f_points() -> None:
    """``ethtool -e`` shows the same bytes."""
    nic, space = space_of(build())
    with nic:
        start = 2 * nic.image.read(0x2F)
        assert area(space) == bytes(nic.image.data[start : start + 256])
        nic.image.write_byte(start + 3, ord("X"))
        assert read(space, 0)[3:] == b"X"


def test_any_address() -> None:
    nic, space = space_of(build())
    with nic:
        whole = area(space)
        assert read(space, 5) == whole[5:9]
        assert read(space, 254) == whole[254:] + b"\xff\xff"
        assert read(space, 0x7FFC) == b"\xff" * 4
        space.write(CAP, struct.pack("<HH", 0xFFFF, 8))  # a dword over the capability's head
        assert space.read(DATA, 4) == whole[8:12]


@pytest.mark.parametrize("pointer", [0, 0xFFFF, 0x4000])
def test_an_eeprom_without_it(pointer: int) -> None:
    image = build()
    image.write(0x2F, pointer)
    nic, space = space_of(image)
    with nic:
        assert space.read(0xA1, 1) == b"\0"
        assert space.read(CAP, 8) == bytes(8)
        space.write(CAP, b"\xff" * 8)
        assert space.read(CAP, 8) == bytes(8)
        image.write(0x2F, 0x180)
        space.flr()
        assert area(space)[:1] == b"\x82"


def test_only_the_read_write_part_can_be_written() -> None:
    image = build()
    body = b"YA\x08ASSET  1" + b"RW\x10" + bytes(16)
    data = b"\x82\x02\x00ab" + b"\x91" + len(body).to_bytes(2, "little") + body + b"\x78"
    start = 2 * image.read(0x2F)
    image.data[start : start + len(data)] = data
    nic, space = space_of(image)
    with nic:
        nic.image.dirty = False
        write(space, 0, b"zzzz")
        assert (area(space)[: len(data)], nic.image.dirty) == (data, False)
        write(space, 6, b"zzYA")  # the tag's length stays, its first field may change
        assert area(space)[: len(data)] == data
        at = data.index(b"ASSET")
        write(space, at, b"asse")
        assert area(space)[: len(data)] == data.replace(b"ASSE", b"asse")
        assert nic.image.dirty
        write(space, len(data) - 2, b"\1\2\3\4")  # over the end
        assert area(space)[len(data) - 2 : len(data)] == b"\1\x78"


@pytest.mark.parametrize("data", [b"", b"\xff" * 256, b"\x82\xff\xff", b"\x91\xff\xff" + bytes(9), b"\x78\x91\1\0a"])
def test_a_broken_layout_has_nothing_to_write(data: bytes) -> None:
    assert writable(data) == range(0)


def test_the_default_fits_its_place() -> None:
    image = build()
    *_, length = fields(bytes(image.data[2 * image.read(0x2F) :]))
    assert length <= 256
    assert image.checksum_ok
    assert fields(lay_out("x" * 200, {"PN": "y" * 30}))[0] == "x" * 200
