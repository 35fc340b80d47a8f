# SPDX-License-Identifier: BSD-3-Clause
"""Named faults of any PCI function: each one acts while it is injected, and is gone when it ends."""

import re
from collections.abc import Iterator

import pytest

from device.i82599.card import Card
from device.machine.config import ConfigSpace
from device.machine.core import lib
from device.machine.irq import IrqFds, IrqKind
from device.regs import pci
from device.regs.core import Register
from device.regs.i82599 import CTRL, EEC, EICR, EICS, EIMS, GPIE, RAL, STATUS

PAGE_BYTES = 4096
ALL_ONES = 0xFFFFFFFF
NS_PER_MS = 1_000_000


@pytest.fixture
def card() -> Iterator[Card]:
    with Card() as card:
        yield card


@pytest.fixture
def space(card: Card) -> ConfigSpace:
    return ConfigSpace(card.pf, card.identity)


def read(space: ConfigSpace, register: type[Register]) -> int:
    return int.from_bytes(space.read(register.offset(), register.WIDTH // 8), "little")


def write16(space: ConfigSpace, register: type[Register], value: int) -> None:
    space.write(register.offset(), value.to_bytes(2, "little"))


def test_memory_decoding_is_refused(card: Card, space: ConfigSpace) -> None:
    card.faults.inject("mem-decode-refused")
    write16(space, pci.PCI_COMMAND, 0x0006)
    assert read(space, pci.PCI_COMMAND) == 4
    assert card.regs.read(STATUS.offset()) == ALL_ONES
    card.faults.end()
    assert read(space, pci.PCI_COMMAND) == 4, "it did not take"
    assert card.regs.read(STATUS.offset()) != ALL_ONES


# ---- surprise removal ----------------------------------------------------------------------------------------------


def gone(card: Card, space: ConfigSpace) -> bool:
    return card.regs.read(STATUS.offset()) == ALL_ONES and space.read(0, 8) == b"\xff" * 8


def test_a_function_that_left_the_bus(card: Card, space: ConfigSpace) -> None:
    irqs = IrqFds(card.pf, 64)
    card.pf.irq_kind = IrqKind.MSIX
    write16(space, pci.PCI_COMMAND, 0x0006)
    card.pf.dma_add(0x1000, PAGE_BYTES, bytearray(PAGE_BYTES))
    card.regs.write(GPIE.offset(), int(GPIE.of(MSIX_MODE=1, EIMEN=1)))
    card.regs.write(EIMS.offset(), 1)
    space.update(pci.PCI_STATUS, DETECTED_PARITY=1)
    before = card.regs.get(RAL)
    card.faults.inject("bus-all-ones")
    assert gone(card, space)
    card.regs.write(RAL.offset(), 0x1234)
    space.write(0, bytes(64))
    card.regs.write(EICS.offset(), 1)
    card.core.cause(EICR.LSC.mask)
    with pytest.raises(OSError, match="dma read"):
        card.pf.dma_read(0x1000, 1)
    assert irqs.sent(0) == 0
    card.faults.end()
    assert not gone(card, space)
    assert card.regs.get(RAL) == before
    assert read(space, pci.PCI_COMMAND) == 6, "what was written there is lost"
    assert space.get(pci.PCI_STATUS).DETECTED_PARITY
    card.pf.dma_read(0x1000, 1)
    irqs.close()


def test_a_function_that_leaves_at_an_access(card: Card, space: ConfigSpace) -> None:
    card.faults.inject("bus-all-ones=EEC:3")
    for _ in range(2):
        assert card.regs.read(EEC.offset()) != ALL_ONES
    assert not gone(card, space)
    assert card.regs.read(EEC.offset()) == ALL_ONES
    assert gone(card, space)
    card.faults.end()
    assert not gone(card, space)
    assert card.regs.read(EEC.offset()) != ALL_ONES


def test_a_write_at_which_it_leaves_is_lost(card: Card, space: ConfigSpace) -> None:
    card.faults.inject("bus-all-ones=CTRL")
    card.regs.write(CTRL.offset(), int(CTRL.of(RST=1)))
    assert card.resets["software"] == 0
    assert gone(card, space)


# ---- DMA -----------------------------------------------------------------------------------------------------------


def test_dma_32bit_and_dma_refused_are_short_for_dma_reach(card: Card) -> None:
    memory = bytearray(PAGE_BYTES)
    card.faults.inject("dma-32bit")
    with pytest.raises(OSError, match="Bad address"):
        card.pf.dma_add(2**32, PAGE_BYTES, memory)
    card.pf.dma_add(2**32 - PAGE_BYTES, PAGE_BYTES, memory)
    card.faults.end()
    card.faults.inject("dma-refused")
    with pytest.raises(OSError, match="Bad address"):
        card.pf.dma_add(0x1000, PAGE_BYTES, memory)
    card.faults.end()
    card.pf.dma_add(2**40, PAGE_BYTES, memory)


def test_so_many_dma_accesses_fail_and_then_the_fault_is_over(card: Card, space: ConfigSpace) -> None:
    write16(space, pci.PCI_COMMAND, 0x0006)
    card.pf.dma_add(0x1000, PAGE_BYTES, bytearray(PAGE_BYTES))
    card.faults.inject("dma-fault=2")
    assert card.faults.active == ["dma-fault=2"]
    for _ in range(2):
        with pytest.raises(OSError, match="0x1000"):
            card.pf.dma_read(0x1000, 1)
    card.pf.dma_read(0x1000, 1)
    assert card.faults.active == [], "it has ended by itself"
    card.faults.inject("dma-fault")
    card.faults.end()
    card.pf.dma_write(0x1000, b"x")


# ---- interrupts ----------------------------------------------------------------------------------------------------


def chain(space: ConfigSpace) -> list[int]:
    at, found = space.read(0x34, 1)[0], []
    while at and at not in found:
        found.append(at)
        at = space.read(at + 1, 1)[0]
    return found


@pytest.mark.parametrize(
    ("faults", "kinds", "caps"),
    [
        ([], {IrqKind.MSIX, IrqKind.MSI, IrqKind.INTX}, [0x40, 0x50, 0x70, 0xA0]),
        (["no-msix"], {IrqKind.MSI, IrqKind.INTX}, [0x40, 0x50, 0xA0]),
        (["no-msi"], {IrqKind.MSIX, IrqKind.INTX}, [0x40, 0x70, 0xA0]),
        (["no-msi", "no-msix"], {IrqKind.INTX}, [0x40, 0xA0]),
        (["no-irq"], set(), [0x40, 0xA0]),
    ],
)
def test_kinds_of_interrupt_that_are_not_there(
    card: Card, space: ConfigSpace, faults: list[str], kinds: set[IrqKind], caps: list[int]
) -> None:
    whole = chain(space)
    for fault in faults:
        card.faults.inject(fault)
    space.reset()
    assert chain(space) == whole, "who is there has been told"
    space.meet_client()
    assert {kind for kind in IrqKind if kind and space.offers(kind)} == kinds
    assert chain(space) == caps
    assert bool(space.vectors) is (IrqKind.MSIX in kinds)
    assert bool(read(space, pci.PCI_INTERRUPT_PIN)) is (IrqKind.INTX in kinds)
    card.faults.end()
    space.meet_client()
    assert chain(space) == whole


def test_the_kth_who_sets_eventfds_is_refused(card: Card) -> None:
    card.faults.inject("set-irqs-refused=3")
    assert card.pf.c.irq.refuse_in == 3
    card.pf.c.irq.refuse_in = 0
    assert card.faults.active == []


def test_spurious_interrupts(card: Card) -> None:
    irqs = IrqFds(card.pf, 64)
    card.pf.irq_kind = IrqKind.MSIX
    card.faults.inject("irq-spurious=5")
    for ms in (0, 100, 200):
        card.poll(10**9 + ms * NS_PER_MS)
    assert (irqs.sent(5), irqs.sent(0)) == (3, 0)
    card.faults.end()
    card.poll(2 * 10**9)
    assert irqs.sent(5) == 3
    card.pf.irq_kind = IrqKind.INTX
    card.faults.inject("irq-spurious")
    for ms in (100, 200):
        card.poll(3 * 10**9 + ms * NS_PER_MS)
    assert irqs.sent(0) == 2
    assert not irqs.level
    irqs.close()


def fire(card: Card, vector: int = 3) -> None:
    card.regs.write(EIMS.offset(), 1 << vector)
    card.regs.write(EICS.offset(), 1 << vector)


def test_messages_are_late_and_nobody_waits(card: Card) -> None:
    irqs = IrqFds(card.pf, 64)
    card.core.manual_clock(10**9)
    card.pf.irq_kind = IrqKind.MSIX
    card.regs.write(GPIE.offset(), int(GPIE.of(MSIX_MODE=1, EIMEN=1)))
    card.faults.inject("irq-delay=20")
    for so_far in (0, 1):
        fire(card)
        assert irqs.sent(3) == so_far
        card.core.advance(19 * NS_PER_MS)
        assert irqs.sent(3) == so_far
        assert lib.card_ops().may_sleep(card.core.c) <= NS_PER_MS
        card.core.advance(NS_PER_MS)
        assert irqs.sent(3) == so_far + 1
        card.regs.write(EICR.offset(), ALL_ONES)
    card.faults.end()
    fire(card)
    assert irqs.sent(3) == 3
    irqs.close()


def test_every_message_is_lost_even_the_line(card: Card) -> None:
    irqs = IrqFds(card.pf, 64)
    card.faults.inject("irq-lost")
    for kind in (IrqKind.MSIX, IrqKind.INTX):
        card.pf.irq_kind = kind
        fire(card, 0)
        card.regs.write(EICR.offset(), ALL_ONES)
    assert irqs.sent(0) == 0
    card.faults.end()
    fire(card, 0)
    assert irqs.sent(0) == 1
    irqs.close()


# ---- the slot ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "register", "field", "value"),
    [
        ("link-width=1", pci.EXP_LNKSTA, "LINK_WIDTH", 1),
        ("link-speed=1", pci.EXP_LNKSTA, "LINK_SPEED", 1),
        ("dual-port", pci.PCI_HEADER_TYPE, "MULTIFUNCTION", 1),
        ("subsystem=0x0470", pci.PCI_SUBSYSTEM_ID, "VALUE", 0x0470),
    ],
)
def test_what_the_slot_says(
    card: Card, space: ConfigSpace, fault: str, register: type[Register], field: str, value: int
) -> None:
    before = read(space, register)
    card.faults.inject(fault)
    assert getattr(register(read(space, register)), field) == value
    card.faults.end()
    assert read(space, register) == before


def test_two_fields_of_one_register_at_once(card: Card, space: ConfigSpace) -> None:
    card.faults.inject("link-width=4")
    card.faults.inject("link-speed=1")
    status = pci.EXP_LNKSTA(read(space, pci.EXP_LNKSTA))
    assert (status.LINK_WIDTH, status.LINK_SPEED) == (4, 1)
    assert space.read(pci.EXP_LNKSTA.offset() + 1, 1) == space.read(pci.EXP_LNKSTA.offset(), 2)[1:]


# ---- asking --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("bus-all-ones=PCI_COMMAND", "wanted a whole register of BAR0, such as EEC"),
        ("bus-all-ones=EEC.PRES", "wanted a whole register of BAR0"),
        ("bus-all-ones=EEC:0", "0 is out of range; wanted at which access it leaves"),
        ("bus-all-ones=NOSUCH", "no register is called NOSUCH"),
        ("bus-all-ones=", "written bus-all-ones[=REG[:NTH]]"),
        ("dma-fault=0", "0 is out of range; wanted how many accesses fail"),
        ("no-msix=1", "written no-msix"),
        ("set-irqs-refused", "written set-irqs-refused=K"),
        ("set-irqs-refused=65", "65 is out of range"),
        ("irq-spurious=64", "64 is out of range; wanted a vector, 0 to 63"),
        ("irq-delay=0", "0 is out of range; wanted milliseconds, 1 to 10000"),
        ("link-width=33", "33 is out of range; wanted lanes, 1 to 32"),
        ("link-speed=9", "9 is out of range; wanted a generation, 1 to 3"),
        ("subsystem=65536", "65536 is out of range; wanted an id"),
        ("no-msi-x", "no fault is called 'no-msi-x'; did you mean no-msix or no-msi"),
        ("few-misx=3", "no fault is called 'few-misx'; did you mean few-msix"),
    ],
)
def test_nonsense_is_refused(card: Card, asked: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        card.faults.inject(asked)
    assert card.faults.active == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("no-msix", "few-msix=4"),
        ("no-irq", "no-msi"),
        ("no-irq", "set-irqs-refused=1"),
        ("dma-32bit", "dma-refused"),
        ("dma-32bit", "dma-reach=40"),
        ("mem-decode-refused", "bus-all-ones"),
    ],
)
def test_faults_that_contradict_each_other_are_refused_by_both_names(card: Card, first: str, second: str) -> None:
    for one, other in ((first, second), (second, first)):
        card.faults.inject(one)
        for ask in (card.faults.check, card.faults.inject):
            with pytest.raises(ValueError, match="contradict each other") as caught:
                ask(other)
            assert one in str(caught.value)
            assert other in str(caught.value)
        assert card.faults.active == [one]
        card.faults.end()
        card.faults.inject(other)
        card.faults.end()
