# SPDX-License-Identifier: BSD-3-Clause
"""Virtual functions: when they are there, their windows onto the card's registers, interrupts and resets."""

from collections.abc import Iterator

import pytest

from device.errors import ConfigError
from device.i82599.card import Card
from device.machine.irq import IrqKind
from device.regs import pci
from device.regs.i82599 import (
    ALL,
    CTRL,
    CTRL_EXT,
    EICR,
    FRTIMER,
    GCR_EXT,
    MBVFICR,
    PFMBIMR,
    PFMBMEM,
    PSRTYPE,
    PVFGORC_LSB,
    PVFGORC_MSB,
    PVFGOTC_LSB,
    PVFGOTC_MSB,
    PVFGPRC,
    PVFGPTC,
    PVFMPRC,
    RDBAL,
    RDT,
    RXDCTL,
    SRRCTL,
    STATUS,
    TDBAL,
    TDT,
    TDWBAL,
    TXDCTL,
    VFLRE,
    VFLREC,
)
from device.regs.i82599.vf import (
    VFCTRL,
    VFFRTIMER,
    VFGORC_LSB,
    VFGORC_MSB,
    VFGOTC_LSB,
    VFGOTC_MSB,
    VFGPRC,
    VFGPTC,
    VFLINKS,
    VFMAILBOX,
    VFMBMEM,
    VFMPRC,
    VFPSRTYPE,
    VFRDBAL,
    VFRDT,
    VFRXDCTL,
    VFSRRCTL,
    VFTDBAL,
    VFTDT,
    VFTDWBAL,
    VFTXDCTL,
    VTEIAC,
    VTEIAM,
    VTEICR,
    VTEICS,
    VTEIMC,
    VTEIMS,
    VTEITR,
    VTIVAR,
    VTIVAR_MISC,
)
from driver.doors.door import IrqKind as Irqs
from tests.rigs.pair_door import PairDoor
from tests.rigs.vf import Vf, card_with, enable, pools, write_config

ALL_ONES = 2**32 - 1
COUNTERS = (
    (VFGPRC, PVFGPRC),
    (VFGORC_LSB, PVFGORC_LSB),
    (VFGORC_MSB, PVFGORC_MSB),
    (VFMPRC, PVFMPRC),
    (VFGPTC, PVFGPTC),
    (VFGOTC_LSB, PVFGOTC_LSB),
    (VFGOTC_MSB, PVFGOTC_MSB),
)
Made = tuple[Card, PairDoor, list[Vf]]


@pytest.fixture
def made() -> Iterator[Made]:
    with card_with(3) as found:
        found[0].core.manual_clock(10**9)
        yield found


@pytest.mark.parametrize("vfs", [-1, 64])
def test_a_card_has_up_to_63(vfs: int) -> None:
    with pytest.raises(ConfigError, match=f"{vfs} virtual functions: a card has 0 to 63"):
        Card(vfs=vfs)


def test_a_function_is_there_once_sriov_has_it_enabled() -> None:
    with card_with(3, enabled=2) as (card, door, vfs):
        assert [vf.door.config_read(0, 4).hex() for vf in vfs] == ["8680ed10", "8680ed10", "ffffffff"]
        assert vfs[2].made.regs.read(VFLINKS.offset()) == ALL_ONES
        assert vfs[1].read(VFCTRL) == 0
        status = card.regs.get(STATUS)
        assert (status.NUM_VFS, status.IOV_ACTIVE) == (2, 1)
        write_config(door, pci.SRIOV_CTRL, pci.SRIOV_CTRL.of(VF_ENABLE=1))
        assert vfs[1].door.config_read(0, 2) == b"\x86\x80"
        assert vfs[1].read(VFCTRL) == ALL_ONES, "without VF MSE no memory answers"


def test_numbers_that_sriov_does_not_take(made: Made) -> None:
    card, door, _ = made
    write_config(door, pci.SRIOV_NUM_VFS, 1)
    assert (door.config.get(pci.SRIOV_NUM_VFS), card.sriov.enabled) == (3, 3), "not while they are enabled"
    enable(door, 0)
    write_config(door, pci.SRIOV_NUM_VFS, 4)
    assert door.config.get(pci.SRIOV_NUM_VFS) == 0, "and not more than there are"
    assert (door.config.get(pci.SRIOV_TOTAL_VFS), door.config.get(pci.SRIOV_INITIAL_VFS)) == (3, 3)


def test_without_any_the_capability_says_so() -> None:
    with Card() as card:
        door = PairDoor(card)
        enable(door, 1)
        assert (door.config.get(pci.SRIOV_TOTAL_VFS), card.sriov.enabled) == (0, 0)
        door.close()


def test_configuration_space_of_a_virtual_function(made: Made) -> None:
    door = made[2][0].door
    caps, at = [], door.config_read(0x34, 1)[0]
    while at:
        caps.append((at, door.config_read(at, 1)[0]))
        at = door.config_read(at + 1, 1)[0]
    assert caps == [(0x70, 0x11), (0xA0, 0x10)]
    assert door.config_read(0x72, 2) == (2).to_bytes(2, "little"), "three vectors"
    for bar in (0x10, 0x1C):
        door.config_write(bar, b"\xff" * 4)
        assert door.config_read(bar, 4) == (0xFFFFC004).to_bytes(4, "little")
    assert [door.irq_count(kind) for kind in (Irqs.INTX, Irqs.MSI, Irqs.MSIX)] == [0, 0, 3]
    assert door.config_read(0x3D, 1) == b"\0"
    assert door.config_read(0x160, 4) == bytes(4), "it has no virtual functions of its own"


@pytest.mark.parametrize("queues", [2, 4, 8])
def test_a_queue_register_is_the_cards(queues: int) -> None:
    with card_with(3, queues=queues) as (card, _, vfs):
        vf = vfs[2]
        for i in range(queues):
            queue = 2 * queues + i
            for own, of_card in ((VFRDT, RDT), (VFTDT, TDT), (VFRDBAL, RDBAL), (VFTDBAL, TDBAL), (VFTDWBAL, TDWBAL)):
                vf.write(own, 0x1280 + i, i)
                assert card.regs.get(of_card, queue) == vf.read(own, i) != 0, of_card
            vf.write(VFSRRCTL, 0x402, i)
            assert card.regs.get(SRRCTL, queue) == 0x402
            vf.write(VFRXDCTL, VFRXDCTL.of(ENABLE=1), i)
            vf.write(VFTXDCTL, VFTXDCTL.of(ENABLE=1), i)
            assert card.regs.get(RXDCTL, queue).ENABLE == card.regs.get(TXDCTL, queue).ENABLE == 1
            assert card.core.c.owner_of_queue[queue] == vf.made.function.c
        if queues < 8:
            vf.write(VFRDT, 7, queues)
            assert vf.read(VFRDT, queues) == 0, "a window beyond the pool is shut"
            assert card.regs.get(RDT, 3 * queues) == 0


@pytest.mark.parametrize(("queues", "pools_there"), [(8, 16), (4, 32)])
def test_functions_behind_the_last_pool_have_no_queues(queues: int, pools_there: int) -> None:
    """Nor anything else: what lies behind the last queue's registers belongs to the physical function."""
    with card_with(63, queues=queues) as (card, _, vfs):
        card.core.manual_clock(10**9)
        before = [card.regs.get(register, n) for register in ALL for n in range(register.count)]
        for vf in vfs[pools_there:]:
            for register in (VFRDBAL, VFRDT, VFSRRCTL, VFRXDCTL, VFTDBAL, VFTDT, VFTDWBAL, VFTXDCTL):
                for i in range(8):
                    vf.write(register, ALL_ONES, i)
                    assert vf.read(register, i) == 0
        assert [card.regs.get(register, n) for register in ALL for n in range(register.count)] == before


def test_other_windows(made: Made) -> None:
    card, _, vfs = made
    vfs[1].write(VFMBMEM, 0xABCD, 3)
    assert card.regs.get(PFMBMEM, 16 + 3) == 0xABCD
    card.regs.write(PFMBMEM.offset(32 + 15), 77)
    assert vfs[2].read(VFMBMEM, 15) == 77
    vfs[1].write(VFPSRTYPE, VFPSRTYPE.of(RQPL=1))
    assert card.regs.get(PSRTYPE, 1) == 1 << 29
    for n, (own, of_card) in enumerate(COUNTERS, 3):
        card.regs.put(of_card, 1, n)
        assert (vfs[0].read(own), vfs[1].read(own), vfs[1].read(own)) == (0, n, n), of_card
    assert vfs[0].read(VFFRTIMER) == card.regs.read(FRTIMER.offset())


def test_queues_of_one_whose_pools_change_stop(made: Made) -> None:
    card, door, vfs = made
    vfs[1].write(VFRXDCTL, VFRXDCTL.of(ENABLE=1))
    card.regs.write(GCR_EXT.offset(), 0)
    assert card.core.c.owner_of_queue[2] == card.pf.c
    assert not card.regs.get(RXDCTL, 2).ENABLE, "its ring lies in the virtual function's memory"
    pools(card, 2, 3)
    vfs[1].write(VFTXDCTL, VFTXDCTL.of(ENABLE=1))
    enable(door, 0)
    assert not card.regs.get(TXDCTL, 2).ENABLE


def test_a_vector_for_each_queue_and_one_for_the_mailbox(made: Made) -> None:
    card, _, vfs = made
    vf = vfs[1]
    vf.door.config.set_armed(IrqKind.MSIX)
    vf.write(VTIVAR, VTIVAR.of(RX0=0, RX0_VALID=1, TX1=1, TX1_VALID=1))
    vf.write(VTIVAR_MISC, VTIVAR_MISC.of(OTHER=2, OTHER_VALID=1))
    c = card.core.c
    c.rx.written(c, 2)  # queue 0 of pool 1
    assert (vf.read(VTEICS), vf.door.irqs.sent(0)) == (1, 0), "masked: it only latches"
    vf.write(VTEIMS, 7)
    assert [vf.door.irqs.sent(n) for n in range(3)] == [1, 0, 0]
    c.tx.written(c, 3)
    assert [vf.door.irqs.sent(n) for n in range(3)] == [1, 1, 0]
    card.regs.write(0x4B00 + 4, 1)  # PFMAILBOX(1).STS
    assert [vf.door.irqs.sent(n) for n in range(3)] == [1, 1, 1]
    assert not any(vfs[0].door.irqs.sent(n) + vfs[2].door.irqs.sent(n) for n in range(3))
    assert vf.read(VTEICR) == 7
    assert vf.read(VTEICR) == 0
    vf.write(VTEIMC, 1)
    vf.write(VTEICS, 3)
    assert [vf.door.irqs.sent(n) for n in range(3)] == [1, 2, 1]


def test_automask_and_autoclear(made: Made) -> None:
    vf = made[2][0]
    vf.door.config.set_armed(IrqKind.MSIX)
    vf.write(VTEIAC, 1)
    vf.write(VTEIAM, 1)
    vf.write(VTEIMS, 3)
    vf.write(VTEICS, 3)
    assert (vf.read(VTEIMS), vf.read(VTEICS)) == (2, 2)


def test_moderation(made: Made) -> None:
    card, _, vfs = made
    vf = vfs[2]
    vf.door.config.set_armed(IrqKind.MSIX)
    vf.write(VTEITR, VTEITR.of(ITR_INTERVAL=50), 1)  # 100 us
    vf.write(VTEIAC, 7)
    vf.write(VTEIMS, 7)
    vf.write(VTEICS, 2)
    vf.write(VTEICS, 2)
    assert vf.door.irqs.sent(1) == 1
    card.core.advance(99_000)
    card.step()
    assert vf.door.irqs.sent(1) == 1
    card.core.advance(2_000)
    card.step()
    assert vf.door.irqs.sent(1) == 2
    assert vf.made.counters()["irqs_moderated"] == 1


@pytest.mark.parametrize("how", ["VFCTRL", "FLR"])
def test_reset_of_one(made: Made, how: str) -> None:
    card, _, vfs = made
    vf = vfs[1]
    for n in range(2):
        vfs[n].write(VFRXDCTL, VFRXDCTL.of(ENABLE=1))
        vfs[n].write(VFTXDCTL, VFTXDCTL.of(ENABLE=1))
    vf.write(VFRDBAL, 0x1000)
    vf.write(VTEIMS, 7)
    vf.write(VTIVAR, 0x80)
    vf.write(VFMAILBOX, VFMAILBOX.of(VFU=1))
    vf.read(VFMAILBOX)
    if how == "FLR":
        vf.door.config_write(pci.EXP_DEVCTL.offset(), (0x8000).to_bytes(2, "little"))
    else:
        vf.write(VFCTRL, VFCTRL.of(RST=1))
    assert (vf.read(VTEIMS), vf.read(VTIVAR), vf.mailbox()) == (0, 0, 0)
    assert not card.regs.get(RXDCTL, 2).ENABLE
    assert not card.regs.get(TXDCTL, 2).ENABLE
    assert card.regs.get(RDBAL, 2) == 0x1000, "queue registers keep their values"
    assert card.regs.get(RXDCTL, 0).ENABLE, "the neighbour's queue goes on"
    assert card.regs.get(VFLRE, 0) == 2
    assert card.regs.get(EICR).MAILBOX
    card.regs.write(VFLREC.offset(0), 3)
    assert card.regs.get(VFLRE, 0) == 0


def test_reset_of_the_physical_function(made: Made) -> None:
    card, _, vfs = made
    vfs[0].read(VFMAILBOX)
    card.regs.write(CTRL.offset(), CTRL.of(RST=1))
    assert [vf.mailbox() for vf in vfs] == [VFMAILBOX.of(RSTI=1)] * 3
    assert card.sriov.enabled == 3, "CTRL.RST leaves SR-IOV as it was"
    assert card.regs.get(STATUS).NUM_VFS == 3
    assert vfs[0].read(VFMAILBOX) == VFMAILBOX.of(RSTI=1) == vfs[0].read(VFMAILBOX), "a level"
    card.regs.write(CTRL_EXT.offset(), CTRL_EXT.of(PFRSTD=1))
    assert vfs[0].read(VFMAILBOX) == VFMAILBOX.of(RSTD=1)
    assert vfs[0].read(VFMAILBOX) == 0


def test_who_is_held_stays_in_reset_when_the_physical_function_goes(made: Made) -> None:
    _, door, vfs = made
    vfs[2].door.close()
    door.config_write(pci.EXP_DEVCTL.offset(), (0x8000).to_bytes(2, "little"))
    assert vfs[2].made.function.is_present is False
    assert vfs[0].door.config_read(0, 2) == b"\x86\x80"
    assert vfs[0].mailbox() == VFMAILBOX.of(RSTI=1)
    vfs[0].write(VFRDT, 3)
    assert vfs[0].read(VFRDT) == 0, "it has no queues now"
    enable(door, 3)
    pools(door.nic, 2, 3)
    assert vfs[0].read(VFMAILBOX) == VFMAILBOX.of(RSTD=1)
    vfs[0].write(VFRDT, 3)
    assert vfs[0].read(VFRDT) == 3


def test_the_mask_of_mailbox_interrupts(made: Made) -> None:
    card, _, vfs = made
    card.regs.write(PFMBIMR.offset(0), ALL_ONES - 2)
    vfs[1].write(VFMAILBOX, VFMAILBOX.of(REQ=1))
    assert (card.regs.get(MBVFICR).VFREQ, card.regs.get(EICR).MAILBOX) == (2, 0)
    vfs[0].write(VFMAILBOX, VFMAILBOX.of(ACK=1))
    assert (card.regs.get(MBVFICR).VFACK, card.regs.get(EICR).MAILBOX) == (1, 1)
    card.regs.write(MBVFICR.offset(0), 2)
    assert card.regs.get(MBVFICR) == MBVFICR.of(VFACK=1)
