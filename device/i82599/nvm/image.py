# SPDX-License-Identifier: BSD-3-Clause
"""The NVM as words: an image to build, check, load and save. No registers here; the block is nvm/block.py.

Bytes are stored as the part stores them: 16-bit words, low byte first.
"""

import logging
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from device.errors import ConfigError
from device.machine import vpd
from device.machine.files import replace_whole

log = logging.getLogger(__name__)

EMPTY = 0xFFFF  # an erased word, and what a read beyond the image returns
CHECKSUM_TOTAL = 0xBABA
WORD_VALUES = 0x10000
SIZE_CODES = range(10)  # EEC.SIZE: 64 words (128 bytes) to 32768 words (64 KiB, all that 16 address bits reach)
POINTERS = range(0x03, 0x0F)  # section pointers whose sections the checksum covers
MAC_BYTES = 6
PBA_CHARS_MAX = 10
DEFAULT_MAC = bytes.fromhex("020000825990")


class Word(IntEnum):
    """Word addresses that software knows.

    Ref: 82599 datasheet, NVM map.
    """

    CONTROL_1 = 0x00
    CONTROL_2 = 0x01
    LAN_CORE_0 = 0x09
    LAN_CORE_1 = 0x0A
    FIRMWARE = 0x0F
    PBA_FLAG = 0x15
    PBA_POINTER = 0x16
    BOOT_ROM = 0x17
    OEM = 0x1B
    SAN_MAC = 0x28
    SFP_LIST = 0x2B
    DEVICE_CAPS = 0x2C
    VERSION_LOW = 0x2D
    VERSION_HIGH = 0x2E
    VPD = 0x2F
    FCOE_CAPS = 0x33
    INIT_CONTROL_3 = 0x38
    CHECKSUM = 0x3F


# Where the builder puts each block. The spaces between them are erased words.
AT_FIRMWARE = 0x100
AT_PASS_THROUGH = 0x110
AT_SFP_LIST = 0x120
AT_SFP_DATA = 0x130
AT_PBA = 0x140
AT_LAN_CORE_0 = 0x150
AT_LAN_CORE_1 = 0x160
AT_SAN_MAC = 0x170
AT_VPD = 0x180
SIZE_CODE_MIN = 3  # 512 words: the smallest part that holds all of the above

SIGNATURE = 0x40  # low byte of word 0: bits 7:6 = 01
PBA_IS_STRING = 0xFAFA
FIRMWARE_VERSION = 6  # must be above 5, or drivers call the card a pre-production part
NO_FCOE = 0x2  # in word 0x2C: the part has no FCoE offload, and drivers do not offer it.  Ref: ixgbe
SFP_IDS = (3, 4, 5, 6)  # direct attach on core 0 and 1, SR/LR on core 0 and 1


@dataclass(frozen=True)
class ImageOptions:
    """What a built image says about the card.

    ``mac`` belongs to port 0; port 1 gets the next address, and the SAN addresses follow unless ``san_mac`` is given.
    ``version`` is the eTrack id that ``ethtool -i`` prints. ``caps`` is word 0x2C, to which ``NO_FCOE`` is added:
    0 means Intel modules only and a cage that must be full for a link; bit 0 allows any module. ``size_code`` is
    EEC.SIZE.
    """

    mac: bytes = DEFAULT_MAC
    san_mac: bytes | None = None
    pba: str = "IXLAB0-001"
    version: int = 0x800061C1
    caps: int = 0x0000
    size_code: int = 7


def next_mac(mac: bytes, steps: int) -> bytes:
    """Count up the last three octets, as a card's label does for its further ports."""
    return mac[:3] + ((int.from_bytes(mac[3:], "big") + steps) % 0x1000000).to_bytes(3, "big")


class Image:
    """An NVM of 2**k words. Reads and writes beyond the end behave as the part does: 0xFFFF and nothing."""

    def __init__(self, data: bytes) -> None:
        """Take ``data`` (bytes, words low byte first).

        Raises:
            ConfigError: The length is not that of a part this chip can address.
        """
        sizes = {2 ** (code + 7): code for code in SIZE_CODES}
        if len(data) not in sizes:
            raise ConfigError(
                f"NVM image is {len(data)} bytes long; a whole one has a power of two from 128 to 65536 bytes"
                " (16384 for this card). Is it truncated?"
            )
        self.size_code = sizes[len(data)]
        self.data = bytearray(data)
        self.dirty = False

    @property
    def words(self) -> int:
        """Length in words."""
        return len(self.data) // 2

    @property
    def has_signature(self) -> bool:
        """Whether word 0 carries the mark by which the chip believes that an EEPROM is there (bits 7:6 = 01)."""
        return self.data[0] // SIGNATURE == 1

    def read(self, word: int) -> int:
        """Word at address ``word``; 0xFFFF beyond the image."""
        if not 0 <= word < self.words:
            return EMPTY
        return int.from_bytes(self.data[2 * word : 2 * word + 2], "little")

    def write(self, word: int, value: int) -> bool:
        """Store a word; beyond the image nothing happens (False)."""
        if not 0 <= word < self.words:
            return False
        self.data[2 * word : 2 * word + 2] = value.to_bytes(2, "little")
        self.dirty = True
        return True

    def write_byte(self, offset: int, value: int) -> None:
        """Store one byte (offset in bytes), as an SPI write does."""
        self.data[offset] = value
        self.dirty = True

    def put(self, word: int, values: list[int]) -> None:
        """Store consecutive words."""
        for i, value in enumerate(values):
            self.write(word + i, value)

    def checksum(self) -> int:
        """What word 0x3F has to be: 0xBABA less the sum of words 0x00..0x3E and of the sections they point to.

        Ref: 82599 datasheet, software checksum (word 0x3F).
        """
        total = sum(self.read(word) for word in range(Word.CHECKSUM))
        for pointer in POINTERS:
            section = self.read(pointer)
            if section in {0, EMPTY}:
                continue
            len_words = self.read(section)
            if len_words not in {0, EMPTY}:
                total += sum(self.read(section + 1 + i) for i in range(len_words))
        return (CHECKSUM_TOTAL - total) % WORD_VALUES

    @property
    def checksum_ok(self) -> bool:
        """Whether word 0x3F is right."""
        return self.read(Word.CHECKSUM) == self.checksum()

    def seal(self) -> None:
        """Write the checksum word."""
        self.write(Word.CHECKSUM, self.checksum())

    def mac_at(self, port: int) -> int | None:
        """Word address of the address of ``port`` (0 or 1); None when the image has no such section."""
        section = self.read(Word.LAN_CORE_1 if port else Word.LAN_CORE_0)
        return None if section in {0, EMPTY} or section + 3 >= self.words else section + 1

    def mac(self, port: int = 0) -> bytes | None:
        """Address of ``port`` (0 or 1) from its LAN core section, or None when the image has no such section."""
        at = self.mac_at(port)
        return None if at is None else bytes(self.data[2 * at : 2 * at + MAC_BYTES])

    def set_mac(self, mac: bytes, port: int = 0) -> bool:
        """Change the address of ``port``; a checksum that was right stays right. False: there is no place for it."""
        at = self.mac_at(port)
        if at is None:
            return False
        was_ok = self.checksum_ok
        self.data[2 * at : 2 * at + MAC_BYTES] = mac
        self.dirty = True
        if was_ok:
            self.seal()
        return True

    def save(self, path: Path) -> None:
        """Write the image to ``path``, whole or not at all.

        Raises:
            OSError: The file cannot be written.
        """
        replace_whole(path, bytes(self.data))
        self.dirty = False


def _words_of_text(text: str) -> list[int]:
    raw = text.encode("ascii")
    return [int.from_bytes(raw[i : i + 2], "big") for i in range(0, len(raw), 2)]


def _words_of_mac(mac: bytes) -> list[int]:
    return [int.from_bytes(mac[i : i + 2], "little") for i in range(0, MAC_BYTES, 2)]


def build(options: ImageOptions | None = None) -> Image:
    """Make an image that drivers accept.

    Raises:
        ConfigError: An option does not fit its place.
    """
    opt = options or ImageOptions()
    san_mac = opt.san_mac or next_mac(opt.mac, 2)
    if len(opt.mac) != MAC_BYTES or len(san_mac) != MAC_BYTES:
        raise ConfigError(f"a MAC address has {MAC_BYTES} bytes, got {opt.mac.hex(':')} and {san_mac.hex(':')}")
    if not (opt.pba.isascii() and 0 < len(opt.pba) <= PBA_CHARS_MAX):
        raise ConfigError(f"PBA {opt.pba!r} must have 1 to {PBA_CHARS_MAX} ASCII characters")
    if opt.size_code not in SIZE_CODES or opt.size_code < SIZE_CODE_MIN:
        raise ConfigError(f"NVM size code {opt.size_code} is outside {SIZE_CODE_MIN}..{SIZE_CODES[-1]}")
    if not (0 <= opt.caps < WORD_VALUES and 0 <= opt.version < WORD_VALUES**2):
        raise ConfigError(f"NVM caps {opt.caps:#x} or version {opt.version:#x} does not fit 16 or 32 bits")

    image = Image(b"\xff" * 2 ** (opt.size_code + 7))
    image.put(Word.CONTROL_1, [int.from_bytes(bytes((SIGNATURE, opt.size_code)), "little"), 0])
    image.put(Word.PBA_FLAG, [PBA_IS_STRING, AT_PBA])
    text = _words_of_text(opt.pba.ljust(len(opt.pba) + len(opt.pba) % 2))
    image.put(AT_PBA, [1 + len(text), *text])

    for pointer, at, mac in (
        (Word.LAN_CORE_0, AT_LAN_CORE_0, opt.mac),
        (Word.LAN_CORE_1, AT_LAN_CORE_1, next_mac(opt.mac, 1)),
    ):
        image.write(pointer, at)
        image.put(at, [3, *_words_of_mac(mac)])
    image.write(Word.SAN_MAC, AT_SAN_MAC)
    image.put(AT_SAN_MAC, _words_of_mac(san_mac) + _words_of_mac(next_mac(san_mac, 1)))

    # Firmware module: no LESM (word +2 stays erased), a pass-through block (word +4) that holds the version at +7.
    image.write(Word.FIRMWARE, AT_FIRMWARE)
    image.write(AT_FIRMWARE + 4, AT_PASS_THROUGH)
    image.write(AT_PASS_THROUGH + 7, FIRMWARE_VERSION)

    # SFP initialisation: pairs of module id and data block; our blocks ask for no CORECTL write.
    pairs = [word for sfp_id in SFP_IDS for word in (sfp_id, AT_SFP_DATA)]
    image.write(Word.SFP_LIST, AT_SFP_LIST)
    image.put(AT_SFP_LIST, [1, *pairs, EMPTY])
    image.put(AT_SFP_DATA, [1, EMPTY])

    product = vpd.build("82599ES 10-Gigabit SFI/SFP+", {"PN": opt.pba, "MN": "ixlab", "SN": "IXLAB000001"})
    image.write(Word.VPD, AT_VPD)
    image.data[2 * AT_VPD : 2 * AT_VPD + len(product)] = product

    version = opt.version.to_bytes(4, "little")
    image.write(Word.DEVICE_CAPS, opt.caps | NO_FCOE)
    image.put(Word.VERSION_LOW, [int.from_bytes(version[:2], "little"), int.from_bytes(version[2:], "little")])
    image.write(Word.FCOE_CAPS, 0)
    image.write(Word.INIT_CONTROL_3, 0)
    image.seal()
    image.dirty = False
    return image


def load(path: Path) -> Image:
    """Read an image file. A wrong checksum is only a warning: finding it out is the driver's job.

    Raises:
        ConfigError: The file cannot be read, or its size is not that of an EEPROM.
    """
    try:
        data = path.read_bytes()
    except OSError as err:
        raise ConfigError(f"NVM file {path}: {err.strerror}") from err
    try:
        image = Image(data)
    except ConfigError as err:
        raise ConfigError(f"NVM file {path}: {err}") from err
    if not image.checksum_ok:
        wanted, seen = image.checksum(), image.read(Word.CHECKSUM)
        log.warning(
            "NVM file %s: checksum word 0x3f is %#06x, should be %#06x; drivers will refuse", path, seen, wanted
        )
    if not image.has_signature:
        log.warning("NVM file %s: word 0 is %#06x, bits 7:6 should be 01; EEC.PRES stays 0", path, image.read(0))
    return image
