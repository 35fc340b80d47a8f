# SPDX-License-Identifier: BSD-3-Clause
"""Who holds a mailbox, by the rules that legacy and new-style drivers of both sides rely on."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.i82599.card import Card
from device.regs.i82599 import MBVFICR, PFMAILBOX
from device.regs.i82599.vf import VFMAILBOX
from tests.rigs.vf import Vf, card_with

N = 1


class Box:
    """Both ends of one mailbox."""

    def __init__(self, card: Card, vf: Vf) -> None:
        self.card, self.vf = card, vf
        vf.read(VFMAILBOX)  # RSTD of the start

    def pf(self, **fields: int) -> PFMAILBOX:
        """Write PFMAILBOX and read it back."""
        self.card.regs.write(PFMAILBOX.offset(N), PFMAILBOX.of(**fields))
        return PFMAILBOX(self.card.regs.read(PFMAILBOX.offset(N)))

    def of_vf(self, **fields: int) -> VFMAILBOX:
        """Write VFMAILBOX and look at it."""
        self.vf.write(VFMAILBOX, VFMAILBOX.of(**fields))
        return self.vf.mailbox()


@pytest.fixture
def box() -> Iterator[Box]:
    with card_with(3) as (card, _, vfs):
        yield Box(card, vfs[N])


def test_who_comes_first_holds_it(box: Box) -> None:
    assert box.of_vf(VFU=1) == VFMAILBOX.of(VFU=1)
    assert box.pf(PFU=1) == PFMAILBOX.of(VFU=1), "refused"
    assert box.of_vf() == 0
    assert box.pf(PFU=1) == PFMAILBOX.of(PFU=1)
    assert box.of_vf(VFU=1) == VFMAILBOX.of(PFU=1), "refused"
    assert box.pf() == 0


def test_a_legacy_driver_lets_go_with_its_pulse(box: Box) -> None:
    box.of_vf(VFU=1)
    assert box.of_vf(REQ=1) == 0
    assert box.card.regs.get(MBVFICR).VFREQ == 1 << N
    box.pf(PFU=1)
    assert box.pf(STS=1) == 0
    assert box.vf.mailbox() == VFMAILBOX.of(PFSTS=1)


def test_a_new_style_driver_keeps_it_over_its_pulse(box: Box) -> None:
    assert box.of_vf(VFU=1, REQ=1) == VFMAILBOX.of(VFU=1)
    box.of_vf()
    box.pf(PFU=1)
    assert box.pf(PFU=1, STS=1) == PFMAILBOX.of(PFU=1)
    assert box.vf.mailbox() == VFMAILBOX.of(PFU=1, PFSTS=1)


def test_the_pf_can_take_it_away(box: Box) -> None:
    box.of_vf(VFU=1)
    assert box.pf(RVFU=1) == 0
    box.of_vf(VFU=1)
    assert box.pf(RVFU=1, PFU=1) == PFMAILBOX.of(PFU=1)


def test_pulses_are_told_once(box: Box) -> None:
    box.pf(STS=1)
    box.pf(ACK=1)
    assert box.vf.read(VFMAILBOX) == VFMAILBOX.of(PFSTS=1, PFACK=1)
    assert box.vf.read(VFMAILBOX) == 0
    box.of_vf(VFU=1)
    assert box.of_vf(VFU=1, PFSTS=1, RSTI=1, RSTD=1, PFU=1) == VFMAILBOX.of(VFU=1), "who writes back what it read"


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 2**32 - 1)), max_size=30))
def test_both_never_hold_it(steps: list[tuple[bool, int]]) -> None:
    with card_with(3) as (card, _, vfs):
        for by_pf, value in steps:
            if by_pf:
                card.regs.write(PFMAILBOX.offset(N), value)
            else:
                vfs[N].write(VFMAILBOX, value)
            seen = PFMAILBOX(card.regs.read(PFMAILBOX.offset(N)))
            assert not (seen.PFU and seen.VFU)
            assert not seen & ~(PFMAILBOX.of(PFU=1, VFU=1))
        for other in (0, 2):
            assert vfs[other].mailbox() == VFMAILBOX.of(RSTD=1), "the neighbours hear nothing"
