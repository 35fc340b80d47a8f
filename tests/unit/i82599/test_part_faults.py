# SPDX-License-Identifier: BSD-3-Clause
"""Faults of this chip's parts: words of the EEPROM and bytes of the module."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.i82599.card import Card
from tests.rigs.eeprom import read_word

WORD = 0x15


@pytest.fixture
def card() -> Iterator[Card]:
    with Card() as card:
        yield card


def sums_right(card: Card) -> bool:
    return card.image.checksum_ok


def test_a_word_of_the_eeprom(card: Card) -> None:
    before = read_word(card, WORD)
    assert sums_right(card)
    card.faults.inject(f"nvm={WORD:#x}:0x1234")
    assert read_word(card, WORD) == 0x1234
    assert not sums_right(card)
    assert not card.image.dirty
    card.faults.inject(f"nvm={WORD}:0x4321")
    assert card.faults.active == [f"nvm={WORD}:0x4321"]
    assert read_word(card, WORD) == 0x4321
    card.faults.end("nvm")
    assert read_word(card, WORD) == before


def test_a_word_that_the_guest_wrote_meanwhile_stays(card: Card) -> None:
    card.faults.inject(f"nvm={WORD}:0x1234")
    card.image.write(WORD, 0x5555)
    card.faults.end("nvm")
    assert read_word(card, WORD) == 0x5555


def test_a_broken_word_is_not_saved(card: Card, tmp_path: Path) -> None:
    before = bytes(card.image.data)
    card.faults.inject(f"nvm={WORD}:0x1234")
    card.save_nvm(tmp_path / "nvm.bin")
    assert (tmp_path / "nvm.bin").read_bytes() == before


def test_a_byte_of_the_module(card: Card) -> None:
    module = card.sfp.module
    assert module is not None
    page = bytes(module.read(0xA0, at) for at in range(64))
    card.faults.inject("module=0x25:0x12")
    card.faults.inject("module=37:0x13")
    assert [module.read(0xA0, at) for at in range(64)] == [*page[:0x25], 0x13, *page[0x26:]]
    card.faults.end("module")
    assert bytes(module.read(0xA0, at) for at in range(64)) == page


def test_a_module_takes_its_faults_with_it(card: Card) -> None:
    card.faults.inject("module=0x25:0x12")
    card.faults.inject("silent=0")
    card.faults.inject(f"nvm={WORD}:0x1234")
    card.insert_sfp("sr")
    assert card.faults.active == [f"nvm={WORD}:0x1234"]
    assert card.sfp.module is not None
    assert card.sfp.module.read(0xA0, 0x25) != 0x12


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("nvm=1", "wanted WORD:VALUE"),
        ("nvm=8192:1", "8192 is out of range; wanted a word address of this EEPROM, 0 to 8191"),
        ("nvm=1:65536", "65536 is out of range; wanted a 16-bit value"),
        ("module=256:1", "256 is out of range; wanted an offset in page A0h, 0 to 255"),
        ("module=1:256", "256 is out of range; wanted a byte, 0 to 255"),
        ("silent=-1", "-1 is out of range; wanted bytes that it still gives"),
    ],
)
def test_nonsense_is_refused(card: Card, asked: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        card.faults.inject(asked)
    assert card.faults.active == []


def test_there_is_nothing_to_break_in_an_empty_cage() -> None:
    for asked in ("module=1:1", "silent=0"):
        with Card(sfp="none") as card, pytest.raises(ValueError, match=r"no module in the cage .*plug one first"):
            card.faults.inject(asked)


def test_a_module_that_falls_silent(card: Card) -> None:
    """It answers no address any more; what it holds is still there when it speaks again."""
    module = card.sfp.module
    assert module is not None
    card.faults.inject("silent=2")
    assert [module.read(0xA0, at) for at in (0, 3)] == [0x03, 0x10]
    assert module.slave(0xA0) is None
    assert module.slave(0xA2) is None
    card.faults.end("silent")
    assert module.slave(0xA0) is not None
    assert module.read(0xA0, 0) == 0x03
