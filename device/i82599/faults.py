# SPDX-License-Identifier: BSD-3-Clause
"""Faults of this chip's parts: bytes of the EEPROM and of the module that are not what they should be."""

from typing import Protocol

from device.i82599.nvm.image import Image
from device.i82599.sfp.block import Sfp
from device.i82599.sfp.module import Module
from device.machine.common_faults import COMMON
from device.machine.faults import Door, Fault, Plan, Target, Undo, halves, number

MODULE_BYTES = 256
SILENT_MAX = 1 << 20


class CardTarget(Target, Protocol):
    """What the faults of this chip reach."""

    image: Image
    sfp: Sfp[Module]


def _nvm(card: CardTarget, arg: str) -> Plan:
    word_text, value_text = halves(arg, "WORD:VALUE")
    image = card.image
    at = 2 * number(word_text, 0, image.words - 1, "a word address of this EEPROM")
    value = number(value_text, 0, 0xFFFF, "a 16-bit value").to_bytes(2, "little")

    def begin() -> Undo:
        # Not a change by the guest: the image does not become dirty.
        old, image.data[at : at + 2] = bytes(image.data[at : at + 2]), value

        def undo() -> None:
            if image.data[at : at + 2] == value:  # unless a guest has written there
                image.data[at : at + 2] = old

        return undo

    return Plan(at, begin)


def _module(card: CardTarget, arg: str) -> Plan:
    offset_text, value_text = halves(arg, "OFFSET:VALUE")
    module = card.sfp.module
    if module is None:
        raise ValueError("there is no module in the cage whose bytes could be changed; plug one first (--sfp)")
    at = number(offset_text, 0, MODULE_BYTES - 1, "an offset in page A0h")
    value = number(value_text, 0, 0xFF, "a byte")

    def begin() -> Undo:
        old, module.a0[at] = module.a0[at], value

        def undo() -> None:
            module.a0[at] = old

        return undo

    return Plan(at, begin)


def _silent(card: CardTarget, arg: str) -> Plan:
    module = card.sfp.module
    if module is None:
        raise ValueError("there is no module in the cage that could fall silent; plug one first (--sfp)")
    left = number(arg, 0, SILENT_MAX, "bytes that it still gives")

    def begin() -> Undo:
        module.answers_left = left

        def undo() -> None:
            module.answers_left = None

        return undo

    return Plan(None, begin)


FAULTS: tuple[Fault[CardTarget], ...] = (
    *COMMON,
    Fault("nvm", Door.PARTS, "WORD:VALUE", "this word of the EEPROM has another value; the checksum stays", _nvm),
    Fault("module", Door.PARTS, "OFFSET:VALUE", "this byte of the module's page A0h is another one", _module),
    Fault("silent", Door.PARTS, "BYTES", "after so many bytes the module answers no more on its two wires", _silent),
)
