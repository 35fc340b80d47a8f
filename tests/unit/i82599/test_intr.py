# SPDX-License-Identifier: BSD-3-Clause
"""Interrupts as the Linux driver programs and expects them; one sentence of that a test."""

import os
from collections.abc import Iterator

import pytest

from device.i82599.card import make_registers
from device.i82599.core import VECTORS, CardCore
from device.machine.core import ffi, lib
from device.machine.irq import IrqFds, IrqKind
from device.regs.core import Register
from device.regs.i82599 import (
    EIAC,
    EIAM,
    EIAM_EX,
    EICR,
    EICR_EX,
    EICS,
    EICS_EX,
    EIMC,
    EIMC_EX,
    EIMS,
    EIMS_EX,
    EITR,
    EITRSEL,
    GPIE,
    IVAR,
    IVAR_MISC,
    STATUS,
)

ALL = 0xFFFF_FFFF
US = 1000
QUEUES = 4
OTHER = QUEUES  # the vector after those of the queues
ITR_50_US = EITR.of(ITR_INTERVAL=25, CNT_WDIS=1)
MISC_MASK = 0xD618_0000
LSC = EICR.of(LSC=1)


class Bench:
    """A nic whose time and interrupts belong to the test; registers as the guest sees them."""

    def __init__(self) -> None:
        self.nic = CardCore()
        self.nic.manual_clock(1_000_000_000)
        self.rf = make_registers(self.nic)
        self.fds = IrqFds(self.nic.pf, VECTORS)
        self.fd = os.eventfd(0, os.EFD_NONBLOCK)
        for vector in range(64):
            self.fds.set(vector, self.fd)
        self.fds.set_intx(self.fd)
        self._seen = [0] * 64

    def close(self) -> None:
        self.nic.close()
        os.close(self.fd)

    def read(self, reg: type[Register], n: int = 0) -> int:
        return self.rf.read(reg.offset(n))

    def write(self, reg: type[Register], value: int, n: int = 0) -> None:
        self.rf.write(reg.offset(n), int(value))

    def rx(self, queue: int) -> None:
        lib.intr_rx(ffi.addressof(self.nic.c, "intr"), queue)

    def tx(self, queue: int) -> None:
        lib.intr_tx(ffi.addressof(self.nic.c, "intr"), queue)

    def line(self) -> bool:
        """Whether INTx is asserted."""
        return self.fds.level

    def fired(self) -> list[int]:
        """Vectors of the messages since the last look, each as often as it came."""
        now = [self.fds.sent(vector) for vector in range(64)]
        new = [vector for vector in range(64) for _ in range(now[vector] - self._seen[vector])]
        self._seen = now
        return new


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def open_msix(bench: Bench, itr: int = 0) -> None:
    """The order and values of ndo_open with four queue pairs."""
    bench.nic.pf.irq_kind = IrqKind.MSIX
    for n in range(2):
        bench.write(EIAM_EX, ALL, n)
    bench.write(GPIE, 0xC000_0036)
    for queue in range(0, QUEUES, 2):
        pair = [queue | 0x80, queue | 0x80, (queue + 1) | 0x80, (queue + 1) | 0x80]
        bench.write(IVAR, int.from_bytes(bytes(pair), "little"), queue // 2)
    bench.write(IVAR_MISC, (OTHER | 0x80) << 8)
    for vector in range(QUEUES):
        bench.write(EITR, itr, vector)
    bench.write(EITR, 1950, OTHER)
    bench.write(EIAC, 0x4000_FFFF)
    bench.read(EICR)
    bench.write(EIMS, MISC_MASK)
    for n in range(2):
        bench.write(EIMS_EX, ALL, n)


def open_legacy(bench: Bench, mode: int) -> None:
    """One queue on cause bit 0, as Linux does without MSI-X."""
    bench.nic.pf.irq_kind = mode
    bench.write(EIAM, 0xFFFF)
    bench.write(GPIE, GPIE.of(SDP1_GPIEN=1, SDP2_GPIEN=1))
    bench.write(IVAR, 0x8080)
    bench.read(EICR)
    bench.write(EIMS, 0xC010_FFFF)
    bench.write(EIMS_EX, ALL)


# ---- MSI-X ----


@pytest.mark.parametrize("queue", range(QUEUES))
def test_queue_event_sends_its_vector_for_rx_and_tx(bench: Bench, queue: int) -> None:
    open_msix(bench)
    bench.rx(queue)
    assert bench.fired() == [queue]
    bench.write(EIMS_EX, 1 << queue)
    bench.tx(queue)
    assert bench.fired() == [queue]


def test_sending_clears_the_cause_and_masks_the_vector(bench: Bench) -> None:
    open_msix(bench)
    bench.rx(2)
    assert bench.read(EICS) == 0
    assert bench.read(EIMS_EX) == ALL ^ 1 << 2
    assert bench.read(EIMS) == MISC_MASK & ~0x8000_0000 | 0xFFFF ^ 1 << 2


def test_events_while_masked_fire_once_on_the_write_that_unmasks(bench: Bench) -> None:
    open_msix(bench)
    bench.rx(1)
    assert bench.fired() == [1]
    bench.rx(1)
    bench.tx(1)
    assert bench.fired() == []
    assert bench.read(EICS) == 1 << 1
    bench.write(EIMS_EX, 1 << 1)
    assert bench.fired() == [1]
    bench.write(EIMS_EX, 1 << 1)
    assert bench.fired() == []


def test_unmasking_without_an_event_is_silent(bench: Bench) -> None:
    open_msix(bench)
    bench.rx(0)
    bench.fired()
    bench.write(EIMS_EX, ALL)
    assert bench.fired() == []


def test_low_bits_of_base_and_ex_registers_are_the_same(bench: Bench) -> None:
    open_msix(bench)
    bench.write(EIMC, 0x0005)
    assert bench.read(EIMS_EX) == ALL ^ 5
    bench.write(EIMC_EX, 0x0002)
    assert bench.read(EIMS) & 0xFFFF == 0xFFFF ^ 7
    bench.write(EIAM, 0x1234)
    assert bench.read(EIAM_EX) == 0xFFFF_1234
    bench.write(EIAM_EX, 0x4321)
    assert bench.read(EIAM) == 0x4321


@pytest.mark.parametrize("vector", [16, 31, 32, 63])
def test_vectors_above_15_fire_every_time(bench: Bench, vector: int) -> None:
    open_msix(bench)
    bench.write(IVAR, vector | 0x80, 60)
    for _ in range(2):
        bench.rx(120)
        assert bench.fired() == [vector]
        assert bench.read(EIMS_EX, vector // 32) == ALL ^ 1 << vector % 32
        bench.write(EIMS_EX, 1 << vector % 32, vector // 32)


def test_queue_without_valid_bit_is_silent(bench: Bench) -> None:
    open_msix(bench)
    bench.rx(QUEUES)
    bench.tx(127)
    bench.rx(128)  # no such queue
    assert bench.fired() == []
    assert bench.read(EICS) == 0


# ---- the other causes ----


def test_link_change_sends_the_other_vector_and_stays_latched(bench: Bench) -> None:
    open_msix(bench)
    bench.nic.cause(LSC)
    assert bench.fired() == [OTHER]
    assert EICS(bench.read(EICS)).LSC == 1


def test_the_handler_of_linux_sees_and_clears_it(bench: Bench) -> None:
    open_msix(bench)
    for _ in range(3):
        bench.nic.advance(1_000_000)
        bench.nic.cause(LSC)
        assert bench.fired() == [OTHER]
        eicr = bench.read(EICS) & 0xFFFF_0000
        bench.write(EICR, eicr)
        assert EICR(eicr).LSC == 1
        bench.write(EIMC, LSC)
        bench.write(EIMS, MISC_MASK & ~int(LSC))
        bench.write(EIMS, LSC)
        assert bench.fired() == []
        assert bench.read(EICS) == 0


def test_other_vector_is_not_masked_through_eims_ex(bench: Bench) -> None:
    open_msix(bench)
    bench.nic.cause(LSC)
    assert bench.read(EIMS_EX) == ALL
    bench.write(EIMC_EX, ALL)  # nor does EIMS_EX have a say in it
    bench.write(EICR, LSC)
    bench.nic.advance(1_000_000)
    bench.fired()
    bench.nic.cause(LSC)
    assert bench.fired() == [OTHER]


def test_masked_other_cause_fires_when_enabled(bench: Bench) -> None:
    open_msix(bench)
    bench.write(EIMC, LSC)
    bench.nic.cause(LSC)
    assert bench.fired() == []
    bench.write(EIMS, LSC)
    assert bench.fired() == [OTHER]


def test_bit_31_says_that_some_other_cause_is_there(bench: Bench) -> None:
    open_msix(bench)
    bench.rx(0)
    assert EICS(bench.read(EICS)).OTHER == 0
    bench.nic.cause(EICR.of(MAILBOX=1))
    assert bench.read(EICS) == EICR.of(MAILBOX=1, OTHER=1)


def test_pins_raise_their_cause_only_if_gpie_lets_them(bench: Bench) -> None:
    open_msix(bench)  # SDP1 and SDP2 on
    bench.nic.cause(EICR.of(GPI_SDP0=1, GPI_SDP2=1, GPI_SDP3=1))
    assert bench.read(EICS) == EICR.of(GPI_SDP2=1, OTHER=1)
    assert bench.fired() == [OTHER]


def test_tcp_timer_has_a_vector_of_its_own(bench: Bench) -> None:
    open_msix(bench)
    bench.write(IVAR_MISC, IVAR_MISC.of(TCP_TIMER=9, TCP_TIMER_VALID=1, OTHER=OTHER, OTHER_VALID=1))
    bench.nic.cause(EICR.of(TCP_TIMER=1))
    assert bench.fired() == [9]
    assert bench.read(EICS) == 0  # EIAC names it
    bench.nic.cause(LSC)
    assert bench.fired() == [OTHER]


def test_a_vector_shared_with_a_queue_keeps_the_two_masks_apart(bench: Bench) -> None:
    open_msix(bench)
    bench.write(IVAR_MISC, IVAR_MISC.of(OTHER=0, OTHER_VALID=1))
    bench.rx(0)
    assert bench.read(EIMS_EX) == ALL ^ 1
    bench.nic.cause(LSC)
    assert bench.fired() == [0, 0]
    assert bench.read(EIMS_EX) == ALL ^ 1


# ---- EICR, EICS ----


def test_causes_latch_whatever_the_mask_says(bench: Bench) -> None:
    bench.nic.cause(LSC)
    assert EICR(bench.read(EICR)).LSC == 1
    assert bench.read(EICR) == 0


def test_reading_eicr_clears_all_but_with_ocd_only_the_upper_half(bench: Bench) -> None:
    bench.write(GPIE, GPIE.of(OCD=1))
    bench.write(EICS, 0x0010_000F)
    assert bench.read(EICR) == 0x8010_000F
    assert bench.read(EICR) == 0x000F
    bench.write(GPIE, 0)
    assert bench.read(EICR) == 0x000F
    assert bench.read(EICR) == 0


def test_writing_ones_to_eicr_clears_those(bench: Bench) -> None:
    bench.write(EICS, 0x0010_000F)
    bench.write(EICR, 0x0003)
    assert bench.read(EICS) == 0x8010_000C
    bench.write(EICR, ALL)
    assert bench.read(EICS) == 0


def test_eicr_access_applies_eiam_unless_messages_do(bench: Bench) -> None:
    bench.write(EIAM, 0x0010_00F0)
    bench.write(EIMS, 0x0018_0FFF)
    bench.write(GPIE, GPIE.of(EIAME=1))
    bench.read(EICR)
    assert bench.read(EIMS) == 0x0018_0FFF
    bench.write(GPIE, 0)
    bench.write(EICR, 0)
    assert bench.read(EIMS) == 0x0008_0F0F


def test_eicr_ex_holds_the_upper_vectors(bench: Bench) -> None:
    bench.write(EICS_EX, 0x8000_0001, 0)
    bench.write(EICS_EX, 0x8000_0001, 1)
    assert bench.read(EICR) == 1
    assert bench.read(EICR_EX, 0) == 0x8000_0000
    assert bench.read(EICR_EX, 0) == 0
    bench.write(EICR_EX, 1, 1)
    assert bench.read(EICS_EX, 1) == 0x8000_0000


def test_kick_reaches_every_vector_without_packets(bench: Bench) -> None:
    open_msix(bench)
    bench.write(EICS_EX, 0b1111)
    assert bench.fired() == [0, 1, 2, 3]


def test_kick_recovers_a_vector_left_masked(bench: Bench) -> None:
    open_msix(bench)
    bench.rx(3)
    bench.fired()
    bench.write(EICS_EX, 1 << 3)  # EIAM names the bit, so EICS unmasks it too
    assert bench.fired() == [3]
    assert bench.read(EIMS_EX) == ALL ^ 1 << 3


def test_kick_of_a_vector_the_driver_disabled_waits(bench: Bench) -> None:
    open_msix(bench)
    bench.write(EIAM_EX, 0)
    bench.write(EIMC_EX, 1)
    bench.write(EICS_EX, 1)
    assert bench.fired() == []
    bench.write(EIMS_EX, 1)
    assert bench.fired() == [0]


def test_interrupt_test_of_ethtool(bench: Bench) -> None:
    bench.nic.pf.irq_kind = IrqKind.MSI
    for i in range(10):
        bench.write(EIMC, ALL)
        bench.read(EICR)
        bit = 1 << i
        bench.write(EIMC, bit)
        bench.write(EICS, bit)
        assert bench.fired() == []
        bench.read(EICR)
        bench.write(EIMS, bit)
        bench.write(EICS, bit)
        assert bench.fired() == [0]
        assert bench.read(EICR) & bit


# ---- moderation ----


def test_events_within_the_interval_coalesce(bench: Bench) -> None:
    open_msix(bench, itr=ITR_50_US)
    bench.rx(0)
    assert bench.fired() == [0]
    bench.write(EIMS_EX, 1)
    for _ in range(5):
        bench.rx(0)
    bench.nic.advance(49 * US)
    assert bench.fired() == []
    bench.nic.advance(1 * US)
    assert bench.fired() == [0]
    bench.nic.advance(1000 * US)
    assert bench.fired() == []
    assert bench.nic.counters()["irqs_moderated"] == 1


def test_interval_counts_from_the_last_message(bench: Bench) -> None:
    open_msix(bench, itr=ITR_50_US)
    bench.rx(0)
    bench.write(EIMS_EX, 1)
    bench.fired()
    bench.nic.advance(50 * US)
    bench.rx(0)
    assert bench.fired() == [0]


def test_interval_0_is_no_moderation(bench: Bench) -> None:
    open_msix(bench, itr=0)
    for _ in range(3):
        bench.rx(0)
        bench.write(EIMS_EX, 1)
    assert bench.fired() == [0, 0, 0]


def test_vectors_are_moderated_apart(bench: Bench) -> None:
    open_msix(bench, itr=ITR_50_US)
    bench.write(EITR, EITR.of(ITR_INTERVAL=5, CNT_WDIS=1), 1)
    for queue in (0, 1):
        bench.rx(queue)
        bench.write(EIMS_EX, 1 << queue)
        bench.rx(queue)
    assert bench.fired() == [0, 1]
    bench.nic.advance(10 * US)
    assert bench.fired() == [1]
    bench.nic.advance(40 * US)
    assert bench.fired() == [0]


def test_rewriting_eitr_with_cnt_wdis_leaves_the_running_interval(bench: Bench) -> None:
    open_msix(bench, itr=ITR_50_US)
    bench.rx(0)
    bench.write(EIMS_EX, 1)
    bench.rx(0)
    bench.nic.advance(40 * US)
    bench.write(EITR, ITR_50_US)
    bench.fired()
    bench.nic.advance(10 * US)
    assert bench.fired() == [0]


def test_writing_eitr_without_cnt_wdis_ends_the_running_interval(bench: Bench) -> None:
    open_msix(bench, itr=ITR_50_US)
    bench.rx(0)
    bench.write(EIMS_EX, 1)
    bench.rx(0)
    bench.fired()
    bench.write(EITR, EITR.of(ITR_INTERVAL=25))
    assert bench.fired() == [0]


def test_switching_moderation_off_lets_the_waiting_message_go(bench: Bench) -> None:
    open_msix(bench, itr=ITR_50_US)
    bench.rx(0)
    bench.write(EIMS_EX, 1)
    bench.rx(0)
    bench.fired()
    bench.write(EITR, EITR.of(CNT_WDIS=1))
    assert bench.fired() == [0]


def test_cnt_wdis_reads_0(bench: Bench) -> None:
    bench.write(EITR, ITR_50_US, 30)
    assert bench.read(EITR, 30) == EITR.of(ITR_INTERVAL=25)


def test_masking_while_waiting_keeps_the_cause_for_later(bench: Bench) -> None:
    open_msix(bench, itr=ITR_50_US)
    bench.rx(0)
    bench.write(EIMS_EX, 1)
    bench.rx(0)
    bench.fired()
    bench.write(EIMC_EX, 1)
    bench.nic.advance(100 * US)
    assert bench.fired() == []
    bench.write(EIMS_EX, 1)
    assert bench.fired() == [0]


def test_clearing_the_cause_while_waiting_cancels_the_message(bench: Bench) -> None:
    open_msix(bench, itr=ITR_50_US)
    bench.rx(0)
    bench.write(EIMS_EX, 1)
    bench.rx(0)
    bench.fired()
    bench.write(EICR, 1)
    bench.nic.advance(100 * US)
    assert bench.fired() == []


@pytest.mark.parametrize("eimen", [0, 1])
def test_kick_waits_for_eitr_unless_eimen(bench: Bench, eimen: int) -> None:
    open_msix(bench, itr=ITR_50_US)
    bench.write(GPIE, 0xC000_0036 | GPIE.of(EIMEN=eimen))
    bench.rx(0)
    bench.write(EIMS_EX, 1)
    bench.fired()
    bench.write(EICS_EX, 1)
    assert bench.fired() == [0] * eimen
    bench.nic.advance(50 * US)
    assert bench.fired() == [0] * (1 - eimen)


def test_other_causes_are_moderated_too(bench: Bench) -> None:
    open_msix(bench)  # 1950: 486 us
    bench.nic.cause(LSC)
    bench.write(EICR, LSC)
    bench.nic.cause(LSC)
    assert bench.fired() == [OTHER]
    bench.nic.advance(485 * US)
    assert bench.fired() == []
    bench.nic.advance(1 * US)
    assert bench.fired() == [OTHER]


# ---- MSI, INTx, MSI-X with one vector ----


def test_msi_isr_of_linux(bench: Bench) -> None:
    open_legacy(bench, IrqKind.MSI)
    for _ in range(2):
        bench.rx(0)
        assert bench.fired() == [0]
        bench.write(EIMC, ALL)
        assert bench.read(EICR) == 1
        bench.rx(0)
        assert bench.fired() == []
        bench.write(EIMS_EX, ALL)
        assert bench.fired() == [0]
        bench.read(EICR)
        assert bench.read(EIMS) & 0xFFFF == 0
        bench.write(EIMS, 0xC010_FFFF)
        assert bench.fired() == []


@pytest.mark.parametrize("mode", [IrqKind.MSI, IrqKind.INTX])
def test_legacy_watchdog_kick(bench: Bench, mode: int) -> None:
    open_legacy(bench, mode)
    bench.write(EICS, EICS.of(TCP_TIMER=1, OTHER=1))
    assert bench.fired() == [0]
    assert EICR(bench.read(EICR)).TCP_TIMER == 1


def test_legacy_ivar_names_one_of_16_cause_bits(bench: Bench) -> None:
    open_legacy(bench, IrqKind.MSI)
    bench.write(IVAR, IVAR.of(RX0=0x25, RX0_VALID=1, TX0=3, TX0_VALID=1))
    bench.rx(0)
    bench.tx(0)
    assert bench.read(EICR) == 1 << 5 | 1 << 3


def test_eics_unmasks_what_eiam_names(bench: Bench) -> None:
    open_legacy(bench, IrqKind.MSI)
    bench.write(EIMC, ALL)
    bench.write(EICS, 1)
    assert bench.read(EIMS) == 1
    assert bench.fired() == [0]


def test_intx_is_high_exactly_while_something_is_pending(bench: Bench) -> None:
    open_legacy(bench, IrqKind.INTX)
    assert not bench.line()
    bench.rx(0)
    assert bench.line()
    bench.write(EIMC, ALL)
    assert not bench.line()
    bench.write(EIMS, ALL)
    assert bench.line()
    assert bench.read(EICR) == 1
    assert not bench.line()
    bench.nic.cause(LSC)
    assert bench.line()
    bench.write(EICR, LSC)
    assert not bench.line()


def test_intx_rises_once_for_many_causes(bench: Bench) -> None:
    open_legacy(bench, IrqKind.INTX)
    bench.rx(0)
    bench.tx(0)
    bench.nic.cause(LSC)
    assert bench.fired() == [0]


def test_intx_obeys_moderation_when_it_rises(bench: Bench) -> None:
    open_legacy(bench, IrqKind.INTX)
    bench.write(EITR, ITR_50_US)
    bench.rx(0)
    bench.read(EICR)
    bench.write(EIMS, ALL)
    bench.rx(0)
    assert not bench.line()
    bench.nic.advance(50 * US)
    assert bench.line()


def test_msix_without_multiple_mode_uses_vector_0(bench: Bench) -> None:
    open_legacy(bench, IrqKind.MSIX)
    bench.rx(0)
    bench.nic.cause(LSC)
    assert bench.fired() == [0, 0]


# ---- the world changes ----


def test_what_was_pending_is_replayed_when_pci_enables_interrupts(bench: Bench) -> None:
    open_msix(bench)
    bench.nic.pf.irq_kind = IrqKind.NONE
    bench.rx(1)
    bench.nic.cause(LSC)
    assert bench.fired() == []
    bench.nic.pf.irq_kind = IrqKind.MSIX
    assert bench.fired() == [1, OTHER]


def test_message_that_cannot_be_sent_is_not_lost(bench: Bench) -> None:
    open_msix(bench)
    bench.fds.set(0, -1)
    bench.rx(0)
    assert bench.read(EICS) == 1
    assert bench.nic.counters()["irqs"] == 0
    bench.fds.set(0, bench.fd)
    assert bench.fired() == [0]


def test_leaving_intx_drops_the_line(bench: Bench) -> None:
    open_legacy(bench, IrqKind.INTX)
    bench.rx(0)
    assert bench.line()
    bench.nic.pf.irq_kind = IrqKind.NONE
    assert not bench.line()


def test_nobody_listening_is_harmless(bench: Bench) -> None:
    bench.fds.close()
    for mode in (IrqKind.INTX, IrqKind.MSI, IrqKind.MSIX):
        open_legacy(bench, mode)
        bench.rx(0)
        bench.nic.pf.irq_kind = IrqKind.NONE


def test_reset_forgets_causes_masks_and_the_line(bench: Bench) -> None:
    open_msix(bench, itr=ITR_50_US)
    bench.rx(0)
    bench.nic.cause(LSC)
    bench.rf.reset(software=True)
    assert [bench.read(reg) for reg in (EICS, EIMS, EIAC, EIAM, EIMS_EX, GPIE, IVAR, EITR)] == [0] * 8
    open_legacy(bench, IrqKind.INTX)
    bench.rx(0)
    bench.rf.reset(software=True)
    assert not bench.line()
    assert bench.nic.pf.irq_kind == IrqKind.INTX  # PCI's business


def test_reading_everything_has_no_effect_but_eicr(bench: Bench) -> None:
    open_msix(bench)
    bench.nic.cause(LSC)
    for reg in (EICS, EIMS, EIMC, EIAC, EIAM, GPIE, EITRSEL, EICS_EX, EIMS_EX, STATUS):
        bench.read(reg)
    assert EICS(bench.read(EICS)).LSC == 1
    assert bench.rf.get(EICR) == EICR.of(LSC=1, OTHER=1)


def test_fd_counts_messages(bench: Bench) -> None:
    open_msix(bench)
    bench.write(EICS_EX, 0b11)
    assert os.eventfd_read(bench.fd) == 2
