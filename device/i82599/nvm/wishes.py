# SPDX-License-Identifier: BSD-3-Clause
"""Images to order: what a card's EEPROM should say, be it sane or not, from one that drivers accept."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from device.errors import ConfigError
from device.i82599.nvm.decode import (
    ANY_SFP,
    BOOT_ROM_HIGH,
    BOOT_ROM_LOW,
    ETRACK_SWAPPED,
    NO_CROSSTALK,
    OEM_WORDS,
    version_at,
)
from device.i82599.nvm.image import EMPTY, WORD_VALUES, Image, ImageOptions, Word, build

SIGNATURE_BITS = 0x00C0
LEGACY = re.compile(r"([0-9A-Fa-f]{6})-0([0-9A-Fa-f]{2})")
WAKES = {"none": 0x0, "both": 0x4, "port0": 0x8}
# Room that the builder leaves: for a boot ROM's version, a list of modules with their words, a maker's version.
AT_BOOT_ROM = 0x60
SFP_ROOM = range(0x70, 0xE0)
AT_OEM = 0x178
Version = tuple[int, int, int]


@dataclass(frozen=True)
class Wishes:
    """What an image should say; what is not said is as in an image that drivers accept.

    Attributes:
        base: Address, part number as a string, size.
        etrack: The image's id, as drivers read it.
        pba_legacy: The part number in two words, such as E66560-001, instead.
        sfp: By kind of module the words for CORECTL; None: the usual list; empty: no list at all.
        firmware_version: None: the usual one; -1: there is none.
        oem_version: Major, minor, release.
        boot_rom_version: Major, build, patch.
        any_sfp: Word 0x2C allows modules of any vendor.
        no_crosstalk: Word 0x2C says that the cage's pin need not be looked at for a link.
        wake: Which ports wake the system, a key of ``WAKES``.
        signature: Word 0 has the mark by which the chip knows an EEPROM.
        words: Words that are stored as they are, last.
        checksum: None: right; else what word 0x3F is, or -1 for one that is wrong.
    """

    base: ImageOptions = field(default_factory=ImageOptions)
    etrack: int | None = None
    pba_legacy: str | None = None
    sfp: Mapping[int, Sequence[int]] | None = None
    firmware_version: int | None = None
    oem_version: Version | None = None
    boot_rom_version: Version | None = None
    any_sfp: bool = False
    no_crosstalk: bool = False
    wake: str = "none"
    signature: bool = True
    words: Mapping[int, int] = field(default_factory=dict)
    checksum: int | None = None


def _fits(what: str, value: int, most: int) -> int:
    if not 0 <= value <= most:
        raise ConfigError(f"{what} {value} is out of range: give 0 to {most}")
    return value


def _legacy(text: str) -> list[int]:
    match = LEGACY.fullmatch(text)
    if match is None:
        raise ConfigError(f"legacy part number {text!r}: give six hexadecimal digits, -0 and two more: E66560-001")
    digits = match[1] + match[2]
    return [int(digits[:4], 16), int(digits[4:], 16)]


def _put_sfp(image: Image, sfp: Mapping[int, Sequence[int]]) -> None:
    if not sfp:
        image.write(Word.SFP_LIST, EMPTY)
        return
    at_data = SFP_ROOM.start + 2 + 2 * len(sfp)
    image.write(Word.SFP_LIST, SFP_ROOM.start)
    image.write(SFP_ROOM.start, 1)
    for n, (kind, words) in enumerate(sfp.items()):
        if at_data + len(words) + 2 > SFP_ROOM.stop:
            raise ConfigError(
                f"the list of modules needs more than the {len(SFP_ROOM)} words there are for it at module {kind}: "
                "give fewer modules or words"
            )
        for word in words:
            if not 0 <= word < EMPTY:
                raise ConfigError(
                    f"module {kind}: {word:#x} is no word for CORECTL: give 0 to 0xfffe, the end is added"
                )
        image.put(SFP_ROOM.start + 1 + 2 * n, [_fits("module kind", kind, EMPTY - 1), at_data])
        image.put(at_data, [1, *words, EMPTY])
        at_data += len(words) + 2
    image.write(SFP_ROOM.start + 1 + 2 * len(sfp), EMPTY)


def _etrack(number: int) -> list[int]:
    """Words 0x2D and 0x2E.  Bit 15 of the latter says in which order drivers read them."""
    _fits("eTrack id", number, 0xFFFFFFFF)
    high, low = divmod(number, WORD_VALUES)
    if high & ETRACK_SWAPPED:
        return [low, high]
    if low & ETRACK_SWAPPED:
        raise ConfigError(
            f"eTrack id {number:#010x} is read as {low:#06x}{high:04x}: set its bit 31, or leave its bit 15 clear"
        )
    return [high, low]


def _put_versions(image: Image, wishes: Wishes) -> None:
    if wishes.etrack is not None:
        image.put(Word.VERSION_LOW, _etrack(wishes.etrack))
    if wishes.firmware_version == -1:
        image.write(Word.FIRMWARE, EMPTY)
    elif wishes.firmware_version is not None:
        at = version_at(image)
        assert at is not None, "the builder makes one"
        image.write(at, _fits("firmware version", wishes.firmware_version, EMPTY))
    if wishes.oem_version is not None:
        major, minor, release = wishes.oem_version
        version = _fits("OEM version", major, 0xFF) << 8 | _fits("OEM version", minor, 0xFF)
        image.write(Word.OEM, AT_OEM)
        image.put(AT_OEM, [OEM_WORDS, 0, version, _fits("OEM release", release, EMPTY - 1)])
    if wishes.boot_rom_version is not None:
        major, build_number, patch = wishes.boot_rom_version
        _fits("boot ROM build", build_number, 0xFFFF)
        image.write(Word.BOOT_ROM, AT_BOOT_ROM)
        low = _fits("boot ROM version", major, 0xFF) << 8 | build_number >> 8
        image.write(AT_BOOT_ROM + BOOT_ROM_LOW, low)
        image.write(AT_BOOT_ROM + BOOT_ROM_HIGH, build_number % 256 << 8 | _fits("boot ROM patch", patch, 0xFF))


def make(wishes: Wishes) -> Image:
    """Make an image.

    Raises:
        ConfigError: A wish does not fit its place; the message says what would.
    """
    image = build(wishes.base)
    if wishes.pba_legacy is not None:
        image.put(Word.PBA_FLAG, _legacy(wishes.pba_legacy))
    if wishes.sfp is not None:
        _put_sfp(image, wishes.sfp)
    _put_versions(image, wishes)
    caps = ANY_SFP * wishes.any_sfp | NO_CROSSTALK * wishes.no_crosstalk | WAKES[wishes.wake]
    image.write(Word.DEVICE_CAPS, image.read(Word.DEVICE_CAPS) | caps)
    if not wishes.signature:
        image.write(Word.CONTROL_1, image.read(Word.CONTROL_1) | SIGNATURE_BITS)
    for word, value in wishes.words.items():
        if word == Word.CHECKSUM:
            raise ConfigError("word 0x3f is the checksum: ask for it by --checksum")
        if not image.write(_fits("word address", word, image.words - 1), _fits(f"word {word:#x}:", value, EMPTY)):
            raise ConfigError(f"there is no word {word:#x}: this image has {image.words}")
    image.seal()
    if wishes.checksum is not None:
        right = image.read(Word.CHECKSUM)
        wrong = (right + 1) % WORD_VALUES
        image.write(Word.CHECKSUM, wrong if wishes.checksum == -1 else _fits("checksum", wishes.checksum, EMPTY))
    image.dirty = False
    return image
