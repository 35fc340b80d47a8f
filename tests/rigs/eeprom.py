# SPDX-License-Identifier: BSD-3-Clause
"""The EEPROM of a card, as a driver reads it."""

from device.i82599.card import Card
from device.regs.i82599 import EERD


def read_word(card: Card, word: int) -> int:
    """One word, by EERD."""
    card.regs.write(EERD.offset(), int(EERD.of(START=1, ADDR=word)))
    return EERD(card.regs.read(EERD.offset())).DATA
