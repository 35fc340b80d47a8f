# SPDX-License-Identifier: BSD-3-Clause
"""Faults of the EEPROM: what it holds, and how it answers.

Words change with the checksum as right or wrong as it was, but for those faults that are about the checksum.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from device.i82599.nvm.block import Nvm
from device.i82599.nvm.decode import version_at
from device.i82599.nvm.image import EMPTY, PBA_IS_STRING, WORD_VALUES, Image, Word
from device.machine.common_faults import stuck_at
from device.machine.faults import Door, Fault, Plan, Target, Undo, halves, number

PART = "nvm"
CONTENTS = ("nvm", "nvm-checksum", "nvm-pointer", "mac-invalid", "mac-multicast", "pba-legacy")
VERSIONS = ("pre-production", "fw-version-error")
OLD_VERSION = 5  # the last that drivers call pre-production
LEGACY_PBA = (0xE665, 0x6001)  # read as E66560-001
NOBODY = bytes(6)
MULTICAST = bytes.fromhex("01005e000001")
Words = Callable[["HasNvm"], Mapping[int, int]]


class HasNvm(Target, Protocol):
    """What these faults reach."""

    image: Image
    nvm: Nvm


def _put(image: Image, word: int, value: int) -> None:
    # Not a change by the guest: the image does not become dirty.
    image.data[2 * word : 2 * word + 2] = value.to_bytes(2, "little")


def _wrong_by(image: Image) -> int:
    return (image.read(Word.CHECKSUM) - image.checksum()) % WORD_VALUES


def _change(image: Image, words: Mapping[int, int]) -> None:
    """Store words; the checksum stays as right or wrong as it was."""
    wrong_by = _wrong_by(image)
    for word, value in words.items():
        _put(image, word, value)
    _put(image, Word.CHECKSUM, (image.checksum() + wrong_by) % WORD_VALUES)


def _with_words(words_of: Words) -> Callable[[HasNvm, str], Plan]:
    def plan(card: HasNvm, _arg: str) -> Plan:
        image, new = card.image, words_of(card)

        def begin() -> Undo:
            old = {word: image.read(word) for word in new}
            _change(image, new)
            # A word that a guest has written meanwhile stays.
            return lambda: _change(image, {word: old[word] for word in new if image.read(word) == new[word]})

        return Plan(None, begin)

    return plan


def _nvm(card: HasNvm, arg: str) -> Plan:
    word_text, value_text = halves(arg, "WORD:VALUE")
    image = card.image
    word = number(word_text, 0, image.words - 1, "a word address of this EEPROM")
    value = number(value_text, 0, 0xFFFF, "a 16-bit value")

    def begin() -> Undo:
        old = image.read(word)
        _put(image, word, value)

        def undo() -> None:
            if image.read(word) == value:  # unless a guest has written there
                _put(image, word, old)

        return undo

    return Plan(2 * word, begin)


def _checksum(card: HasNvm, _arg: str) -> Plan:
    image = card.image

    def add(steps: int) -> None:
        _put(image, Word.CHECKSUM, (image.read(Word.CHECKSUM) + steps) % WORD_VALUES)

    def begin() -> Undo:
        add(1)
        return lambda: add(-1)

    return Plan(None, begin)


def _absent(card: HasNvm, _arg: str) -> Plan:
    nvm = card.nvm

    def begin() -> Undo:
        nvm.set_absent(absent=True)
        return lambda: nvm.set_absent(absent=False)

    return Plan(None, begin)


def _address(mac: bytes) -> Words:
    def words(card: HasNvm) -> Mapping[int, int]:
        at = card.image.mac_at(card.nvm.port)
        if at is None:
            raise ValueError("this image has no LAN core section that could hold an address (words 0x09, 0x0a)")
        return {at + n: int.from_bytes(mac[2 * n : 2 * n + 2], "little") for n in range(3)}

    return words


def _old_version(card: HasNvm) -> Mapping[int, int]:
    at = version_at(card.image)
    if at is None:
        raise ValueError("this image has no firmware version (word 0x0f): drivers call it pre-production already")
    return {at: OLD_VERSION}


def _sealed(words: Mapping[int, int]) -> Callable[[HasNvm, str], Plan]:
    return _with_words(lambda _card: words)


def _without_pres(target: Target, arg: str) -> Plan:
    return stuck_at("EEC.PRES:0")(target, arg)


FAULTS: tuple[Fault[HasNvm], ...] = (
    Fault(
        "nvm",
        Door.PARTS,
        "WORD:VALUE",
        "this word of the EEPROM has another value; the checksum stays",
        _nvm,
        reaches="any: whichever branch reads that word; most words: checksum -> err_sw_init (-EIO)",
        part=PART,
    ),
    Fault(
        "nvm-checksum",
        Door.PARTS,
        "",
        "the EEPROM's checksum, word 0x3f, is wrong by one",
        _checksum,
        reaches="ixgbe_probe: validate_checksum -> err_sw_init (-EIO)",
        part=PART,
    ),
    Fault(
        "nvm-stuck",
        Door.REGISTER_READ,
        "",
        "a read of the EEPROM never ends: EERD.DONE and EEC.GNT stay 0; stock waits 0.5 s a word",
        stuck_at("EERD.DONE:0", "EEC.GNT:0"),
        reaches="ixgbe_probe: reset_hw, the list of modules is not read; HW Init failed -> err_sw_init (-EIO)",
    ),
    Fault(
        "nvm-absent",
        Door.PARTS,
        "",
        "there is no EEPROM: EEC.PRES is 0, EERD reads ones, the SPI wires read 0",
        _absent,
        reaches="ixgbe_probe: EEC bit 8 is 0, words bit by bit; reset_hw: HW Init failed -> err_sw_init (-EIO)",
        against=(*CONTENTS, *VERSIONS, "nvm-stuck", "eec-no-pres"),
    ),
    Fault(
        "nvm-pointer",
        Door.PARTS,
        "",
        "word 0x2b, which points to the list of modules, points nowhere; the checksum is right",
        _sealed({Word.SFP_LIST: EMPTY}),
        reaches="ixgbe_probe: reset_hw, ixgbe_get_sfp_init_sequence_offsets; HW Init failed -> err_sw_init (-EIO)",
        part=PART,
    ),
    Fault(
        "mac-invalid",
        Door.PARTS,
        "",
        "the card's address is 00:00:00:00:00:00, from the next reset on",
        _with_words(_address(NOBODY)),
        reaches="ixgbe_probe: is_valid_ether_addr -> err_sw_init (-EIO)",
        against=("mac-multicast",),
        part=PART,
    ),
    Fault(
        "mac-multicast",
        Door.PARTS,
        "",
        "the card's address is a multicast one, from the next reset on",
        _with_words(_address(MULTICAST)),
        reaches="ixgbe_probe: is_valid_ether_addr -> err_sw_init (-EIO)",
        against=("mac-invalid",),
        part=PART,
    ),
    Fault(
        "eec-no-pres",
        Door.REGISTER_READ,
        "",
        "EEC.PRES is 0: the chip found no valid image, and drivers read it bit by bit",
        _without_pres,
        reaches="ixgbe_probe: !(eec & BIT(8)) -> ixgbe_read_eeprom_bit_bang_generic; goes on, and in 6.12 fails there: "
        "HW Init failed (-EIO), as it takes a size from EEC only with PRES",
    ),
    Fault(
        "pre-production",
        Door.PARTS,
        "",
        f"the firmware's version is {OLD_VERSION}",
        _with_words(_old_version),
        reaches="ixgbe_probe: start_hw gives IXGBE_ERR_EEPROM_VERSION -> warning; goes on",
        against=("fw-version-error",),
        part=PART,
    ),
    Fault(
        "fw-version-error",
        Door.PARTS,
        "",
        "word 0x0f points to no firmware module, so that there is no version",
        _sealed({Word.FIRMWARE: EMPTY}),
        reaches="ixgbe_probe: start_hw, ixgbe_verify_fw_version_82599 finds none -> warning; goes on",
        against=("pre-production",),
        part=PART,
    ),
    Fault(
        "pba-legacy",
        Door.PARTS,
        "",
        "the part number is in two words (E66560-001), not a string",
        _sealed({Word.PBA_FLAG: LEGACY_PBA[0], Word.PBA_POINTER: LEGACY_PBA[1]}),
        reaches="ixgbe_probe: ixgbe_read_pba_string_generic, guard is not 0xFAFA; goes on",
        part=PART,
    ),
)
assert LEGACY_PBA[0] != PBA_IS_STRING
