# SPDX-License-Identifier: BSD-3-Clause
"""Expansion ROM and vital product data through the socket, as QEMU and Linux read them; modules out of files."""

import struct
from pathlib import Path

import pytest

from device.i82599.sfp.kinds import make
from driver.doors.open import open_door
from tests.rigs.client import Client, error_of
from tests.rigs.process import Device, Run
from tests.rigs.rom import image

ROM, CONFIG = 6, 7
READ_FLAG = 1


@pytest.fixture
def rom(tmp_path: Path) -> Path:
    path = tmp_path / "card.rom"
    path.write_bytes(image(150))
    return path


@pytest.mark.parametrize("doorbells", ["trapped", "shared"])
def test_the_rom_as_qemu_reads_it(tmp_path: Path, rom: Path, doorbells: str) -> None:
    """Ref: QEMU sizes the BAR by configuration space, and reads the region in one piece when a guest first looks."""
    whole = rom.read_bytes().ljust(131072, b"\xff")
    with Device(tmp_path, "--rom", str(rom), "--doorbells", doorbells) as device, Client(device.path) as client:
        client.write32(CONFIG, 0x30, 0xFFFF_F800)
        assert -client.read32(CONFIG, 0x30) & 0xFFFF_FFFF == len(whole)
        client.write32(CONFIG, 0x30, 0)
        assert client.region_info(ROM)[:3] == (len(whole), READ_FLAG, [])
        assert client.read(ROM, 0, len(whole)) == whole
        assert client.read(ROM, 0x1C, 4) == b"PCIR"
        assert error_of(client.read, ROM, len(whole) - 2, 4) == "EINVAL"
        assert error_of(client.write, ROM, 0, b"\0\0\0\0") != "no error"
        assert client.read(ROM, 0, 2) == b"\x55\xaa"


def test_without_one_there_is_no_region(tmp_path: Path) -> None:
    with Device(tmp_path) as device, Client(device.path) as client:
        assert client.region_info(ROM)[:3] == (0, 0, [])
        client.write32(CONFIG, 0x30, 0xFFFF_FFFF)
        assert client.read32(CONFIG, 0x30) == 0
        assert error_of(client.read, ROM, 0, 4) == "EINVAL"


def test_a_file_that_is_no_rom(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "no.rom"
    path.write_bytes(b"MZ")
    code, err = run("--socket", str(tmp_path / "s"), "--rom", str(path))
    assert code == 1
    assert f"ROM file {path}: image 0 at 0x0 begins with 4d 5a, not with 55 aa" in err
    assert [entry.name for entry in tmp_path.iterdir()] == ["no.rom"]


def test_vpd_through_our_drivers_door(tmp_path: Path) -> None:
    """Four bytes at a time, as Linux does it for `lspci -vv` and /sys/bus/pci/devices/…/vpd."""
    with Device(tmp_path) as device:
        door = open_door(device.name)
        try:
            (at,) = door.config_read(0xA1, 1)
            assert door.config_read(at, 1) == b"\x03"
            data = b""
            for offset in range(0, 64, 4):
                door.config_write(at + 2, struct.pack("<H", offset))
                assert door.config_read(at + 2, 2) == struct.pack("<H", offset | 0x8000)
                data += door.config_read(at + 4, 4)
        finally:
            door.close()
    assert data[3:].startswith(b"82599ES 10-Gigabit SFI/SFP+\x90")
    assert b"PN\x0aIXLAB0-001" in data


def test_a_module_out_of_a_file_and_another_put_in(tmp_path: Path, run: Run) -> None:
    made = make("bx10")
    assert made is not None
    raw, text = tmp_path / "raw", tmp_path / "text"
    raw.write_bytes(bytes(made.a0))
    text.write_text("".join(f"0x{at:04x}:\t\t{made.a0[at : at + 16].hex(' ')} \n" for at in range(0, 256, 16)))
    with Device(tmp_path, "--sfp", str(raw)) as device:
        assert device.report()["card"]["sfp"] == str(raw)
        for path in ("sr", str(text), "none", str(raw)):
            assert device.ask(sfp=path)["sfp"] == path
            assert device.report()["card"]["sfp"] == path
    raw.write_bytes(bytes(made.a0)[:200])
    code, err = run("--socket", str(tmp_path / "s"), "--sfp", str(raw))
    assert code == 1
    assert f"SFP file {raw}: 200 bytes of a module" in err
