# SPDX-License-Identifier: BSD-3-Clause
"""Shared doorbells: how long a device sleeps depends on whether its client wakes it."""

import time
from collections.abc import Iterator

import pytest

from device.i82599.card import Card
from device.machine.wire import LoopbackPort
from device.regs.i82599 import EICS, RDT

PAUSE_S = 0.003  # longer than the millisecond after which a store should come with a message


@pytest.fixture
def card() -> Iterator[Card]:
    with LoopbackPort() as port, Card(mac="02:00:00:82:59:91", port=port) as made:
        made.core.share_doorbells()
        yield made


def turn(card: Card, *, times: int = 1) -> None:
    for _ in range(times):
        card.core.step()


def store(card: Card, value: int) -> None:
    """As a client does that has the page mapped, after a pause."""
    time.sleep(PAUSE_S)
    turn(card)
    card.core.pf.c.regs.shown[RDT.offset(0) // 4] = value
    turn(card)


def silent(card: Card) -> bool:
    return bool(card.core.c.tails.silent)


def test_a_client_that_sends_no_message_is_silent(card: Card) -> None:
    store(card, 1)
    assert not silent(card), "the message may be under way"
    time.sleep(PAUSE_S)
    turn(card, times=2)
    assert silent(card)


def test_a_message_that_comes_after_the_look_is_no_silence(card: Card) -> None:
    for value in range(1, 4):
        store(card, value)
        card.core.pf.bar0_write(EICS.offset(), bytes(4))
        turn(card)
        time.sleep(PAUSE_S)
        turn(card, times=2)
    assert not silent(card)


def test_a_message_that_comes_first_is_no_silence(card: Card) -> None:
    for value in range(1, 4):
        time.sleep(PAUSE_S)
        card.core.pf.c.regs.shown[RDT.offset(0) // 4] = value
        card.core.pf.bar0_write(EICS.offset(), bytes(4))
        turn(card, times=2)
        time.sleep(PAUSE_S)
        turn(card, times=2)
    assert not silent(card)


def test_a_reset_begins_anew(card: Card) -> None:
    store(card, 1)
    time.sleep(PAUSE_S)
    turn(card, times=2)
    card.core.pf.reset(software=False)
    time.sleep(PAUSE_S)
    turn(card, times=2)
    assert not silent(card)
