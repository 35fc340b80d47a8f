# SPDX-License-Identifier: BSD-3-Clause
"""Images made to order, read by the real driver: it finds what ``python -m device.nvm show`` says."""

from pathlib import Path
from typing import Any

import pytest

from device.i82599.card import Card
from device.i82599.nvm import decode
from device.i82599.nvm.image import load
from device.nvm import main
from driver.ixgbe.hw.eeprom import Eeprom
from driver.ixgbe.probe import ProbeOptions, probe
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair_door import PairDoor


def as_driver(eeprom: Eeprom) -> dict[str, Any]:
    address = eeprom.san_address()
    return {
        "pba": eeprom.pba(),
        "etrack": int(eeprom.etrack(), 16),
        "oem": eeprom.oem_version(),
        "boot_rom": eeprom.boot_rom_version(),
        "firmware": eeprom.firmware_version(),
        "san_mac0": address.hex(":") if address else "",
        "words": eeprom.words,
    }


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--pba-legacy", "E66560-001", "--etrack", "0x12345678", "--mac", "02:00:00:00:00:07"),
        ("--oem-version", "1.2.a", "--boot-rom-version", "2.300.4", "--firmware-version", "7", "--words", "1024"),
        ("--firmware-version", "none", "--no-signature", "--san-mac", "02:00:00:00:01:00"),
    ],
    ids=["as it is", "legacy", "versions", "bit by bit"],
)
def test_the_driver_finds_what_show_says(tmp_path: Path, options: tuple[str, ...]) -> None:
    path = tmp_path / "nvm.bin"
    assert main(["make", str(path), *options]) == 0
    said = decode.plain(load(path))
    with Card(nvm=path) as nic, probe(PairDoor(nic), ProbeOptions(clock=NoWait(), cpus=2)) as adapter:
        seen = as_driver(adapter.hw.eeprom)
        assert seen == {name: said[name] for name in seen}
        assert adapter.mac == said["mac0"]
        assert adapter.hw.eeprom.bit_bang is not said["signature"]
