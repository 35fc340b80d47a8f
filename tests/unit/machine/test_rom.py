# SPDX-License-Identifier: BSD-3-Clause
"""Expansion ROMs out of files, built here as the PCI firmware specification has them."""

import logging
import os
import struct
import time
from pathlib import Path

import pytest

from device.errors import ConfigError
from device.i82599.card import Card
from device.machine.config import ConfigSpace
from device.machine.rom import load
from tests.rigs.rom import image

IDS = (0x8086, 0x10FB)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "card.rom"


@pytest.mark.parametrize(("units", "size"), [(1, 2048), (4, 2048), (5, 4096), (128, 65536), (129, 131072)])
def test_it_is_filled_up_to_a_power_of_two(file: Path, units: int, size: int) -> None:
    data = image(units)
    file.write_bytes(data)
    assert load(file, *IDS) == data.ljust(size, b"\xff")


def test_several_images(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    data = image(3, last=False) + image(2, code=3)
    file.write_bytes(data + b"\0" * 100)  # what is behind the last one is nobody's business
    assert load(file, *IDS)[: len(data)] == data
    assert "2 ROM images, 2660 bytes" in caplog.text
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "image 0 at 0x0 begins with nothing, not with 55 aa"),
        (b"MZ" + bytes(2046), "image 0 at 0x0 begins with 4d 5a, not with 55 aa; is it an expansion ROM"),
        (b"\x55\xaa" + bytes(20), "image 0 at 0x0 ends in the middle of its head, after 22 bytes; is it cut?"),
        (b"\x55\xaa" + bytes(2046), "at 0x0, where its word 0x18 points, there is 55 aa 00 00, not PCIR"),
        (image(1)[:0x30], "ends in the middle of its head, after 48 bytes; is it cut?"),
        (image(4)[:1024], "image 0 at 0x0 says that it is 2048 bytes long, and 1024 are there; is it cut?"),
        (image(0), "says that it is 0 bytes long"),
        (image(1, last=False), "image 1 at 0x200 begins with nothing, not with 55 aa"),
        (image(1, last=False) + b"\0" * 512, "image 1 at 0x200 begins with 00 00, not with 55 aa"),
        (image(1) + bytes(1 << 24), "more than 16777216 bytes; a ROM BAR cannot be larger"),
    ],
    ids=range(10),
)
def test_what_is_no_rom(file: Path, data: bytes, words: str) -> None:
    file.write_bytes(data)
    with pytest.raises(ConfigError) as refused:
        load(file, *IDS)
    assert str(refused.value).startswith(f"ROM file {file}: ")
    assert words in str(refused.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A pipe that nobody writes must not keep the NIC waiting."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    began_s = time.monotonic()
    for path, words in ((tmp_path / "none", "No such file"), (tmp_path, "directory"), (pipe, "not a plain file")):
        with pytest.raises(ConfigError, match=words):
            load(path, *IDS)
    assert time.monotonic() - began_s < 5


def test_firmware_would_not_run_it(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    file.write_bytes(image(1, device=0x1528))
    load(file, *IDS)
    assert "image 0 at 0x0 is for 8086:1528, the card is 8086:10fb; firmware does not run it" in caplog.text
    data = bytearray(image(1))
    data[100] ^= 1
    file.write_bytes(data)
    load(file, *IDS)
    assert "does not sum up to 0; a BIOS does not run it" in caplog.text


# ---- its BAR -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 2048, 1 << 19, 1 << 24])
def test_bar_sizing(size: int) -> None:
    """Ref: PCI: software writes all ones but the enable bit, reads, and puts back what was there."""
    with Card() as nic:
        space = ConfigSpace(nic.pf, nic.identity, rom_bytes=size)
        assert space.read(0x30, 4) == bytes(4)
        space.write(0x30, struct.pack("<I", 0xFFFF_FFFE))
        assert struct.unpack("<I", space.read(0x30, 4))[0] == (-size & 0xFFFF_FFFF)
        space.write(0x30, struct.pack("<I", 0xFE00_0001))
        assert struct.unpack("<I", space.read(0x30, 4))[0] == (0xFE00_0001 if size else 0)
        space.flr()
        assert space.read(0x30, 4) == bytes(4)
