# SPDX-License-Identifier: BSD-3-Clause
"""Faults that any chip knows: each one acts while it is injected and is gone when it ends, and nonsense is refused."""

import re
from collections.abc import Iterator

import pytest

from device.i82599.card import Card
from device.machine.config import ConfigSpace
from device.machine.core import ffi, lib
from device.machine.faults import table
from device.machine.irq import IrqFds, IrqKind
from device.regs import pci
from device.regs.core import Register
from device.regs.i82599 import CTRL, EICR, EICS, EIMS, GPIE, RAL, RDH, STATUS

PAGE_BYTES = 4096
NS_PER_S = 1_000_000_000


@pytest.fixture
def card() -> Iterator[Card]:
    with Card() as card:
        yield card


@pytest.fixture
def space(card: Card) -> ConfigSpace:
    return ConfigSpace(card.pf, card.identity)


def read16(space: ConfigSpace, register: type[Register]) -> int:
    return int.from_bytes(space.read(register.offset(), 2), "little")


def write16(space: ConfigSpace, register: type[Register], value: int) -> None:
    space.write(register.offset(), value.to_bytes(2, "little"))


# ---- registers -----------------------------------------------------------------------------------------------------


def held_s(card: Card) -> float:
    """How long the answer to the last access is to be kept."""
    regs = card.pf.c.regs
    held_ns, regs.hold_ns = int(regs.hold_ns), 0
    return held_ns / NS_PER_S


def test_slow(card: Card) -> None:
    card.faults.inject("slow=RDH:2.5")
    for n in (0, 1, RDH.count - 1):
        card.regs.read(RDH.offset(n))
        assert held_s(card) == 2.5
    card.regs.write(RAL.offset(0), 1)
    card.regs.read(STATUS.offset())
    assert held_s(card) == 0
    card.faults.end("slow=RDH")
    card.regs.read(RDH.offset(0))
    assert held_s(card) == 0


def test_slow_writes_are_not(card: Card) -> None:
    card.faults.inject("slow=RAL:1")
    card.regs.write(RAL.offset(0), 7)
    assert held_s(card) == 0
    assert card.regs.read(RAL.offset(0)) == 7
    assert held_s(card) == 1


def test_stuck_register(card: Card) -> None:
    card.faults.inject("stuck=RAL[3]:0x55")
    card.regs.write(RAL.offset(3), 0x12345678)
    card.regs.write(RAL.offset(4), 0x12345678)
    assert card.regs.read(RAL.offset(3)) == 0x55
    assert card.regs.read(RAL.offset(4)) == 0x12345678
    assert card.faults.end("stuck=RAL[3]:0x55") == 1
    assert card.regs.read(RAL.offset(3)) == 0x12345678, "the write got through; only reading was broken"


def test_stuck_field(card: Card) -> None:
    whole = card.regs.read(CTRL.offset())
    card.faults.inject("stuck=ctrl.rst:1")
    assert card.regs.read(CTRL.offset()) == CTRL(whole).replace(RST=1)
    card.reset(software=False)
    assert CTRL(card.regs.read(CTRL.offset())).RST == 1, "a reset mends nothing"
    card.faults.end("stuck")
    assert card.regs.read(CTRL.offset()) == whole


def test_deaf_register(card: Card) -> None:
    card.faults.inject("deaf=RAL[3]")
    card.regs.write(RAL.offset(3), 0xAA)
    card.regs.write(RAL.offset(2), 0xAA)
    assert (card.regs.read(RAL.offset(3)), card.regs.read(RAL.offset(2))) == (0, 0xAA)
    card.faults.end("deaf=RAL[3]")
    card.regs.write(RAL.offset(3), 0xAA)
    assert card.regs.read(RAL.offset(3)) == 0xAA


# ---- configuration space -------------------------------------------------------------------------------------------


def test_ids(card: Card, space: ConfigSpace) -> None:
    card.faults.inject("ids=1af4:1000")
    assert space.read(0, 4) == bytes.fromhex("f41a0010")
    assert space.read(1, 2) == bytes.fromhex("1a00"), "any part of it"
    assert space.read(4, 2) == b"\0\0"
    card.faults.end("ids")
    assert space.read(0, 4) == bytes.fromhex("8680fb10")


def test_stuck_in_configuration_space(card: Card, space: ConfigSpace) -> None:
    card.faults.inject("stuck=PCI_COMMAND.BUS_MASTER:0")
    write16(space, pci.PCI_COMMAND, 0x0006)
    assert read16(space, pci.PCI_COMMAND) == 0x0002
    assert card.pf.bus_master, "only reading is broken"
    assert space.read(3, 3)[1:] == b"\x02\x00", "a read that covers it"
    card.faults.end("stuck=PCI_COMMAND.BUS_MASTER")
    assert read16(space, pci.PCI_COMMAND) == 0x0006


def test_deaf_in_configuration_space(card: Card, space: ConfigSpace) -> None:
    card.faults.inject("deaf=PCI_COMMAND")
    write16(space, pci.PCI_COMMAND, 0x0006)
    space.write(pci.PCI_COMMAND.offset() + 1, b"\x04")
    assert read16(space, pci.PCI_COMMAND) == 0
    assert not card.pf.bus_master
    line = pci.PCI_INTERRUPT_LINE.offset()
    space.write(line, b"\x0b")
    assert space.read(line, 1) == b"\x0b"
    card.faults.end("deaf=PCI_COMMAND")
    write16(space, pci.PCI_COMMAND, 0x0006)
    assert read16(space, pci.PCI_COMMAND) == 6


def test_a_deaf_register_keeps_even_bits_that_a_1_clears(card: Card, space: ConfigSpace) -> None:
    space.update(pci.PCI_STATUS, DETECTED_PARITY=1)
    card.faults.inject("deaf=PCI_STATUS")
    space.write(pci.PCI_STATUS.offset(), b"\xff\xff")
    assert space.get(pci.PCI_STATUS).DETECTED_PARITY == 1
    card.faults.end("deaf")
    space.write(pci.PCI_STATUS.offset(), b"\xff\xff")
    assert space.get(pci.PCI_STATUS).DETECTED_PARITY == 0


# ---- DMA and interrupts --------------------------------------------------------------------------------------------


def test_no_dma(card: Card, space: ConfigSpace) -> None:
    write16(space, pci.PCI_COMMAND, 0x0006)
    card.pf.dma_add(0x1000, PAGE_BYTES, bytearray(PAGE_BYTES))
    card.faults.inject("no-dma")
    for access in (lambda: card.pf.dma_write(0x1000, b"x"), lambda: card.pf.dma_read(0x1000, 1)):
        with pytest.raises(OSError, match=r"dma .*0x1000"):
            access()
    card.reset(software=True)
    assert not card.pf.does_dma, "a reset mends nothing"
    card.faults.end("no-dma")
    card.pf.dma_write(0x1000, b"x")
    assert card.pf.dma_read(0x1000, 1) == b"x"


@pytest.mark.parametrize(("bits", "below", "above"), [(32, 2**32 - PAGE_BYTES, 2**32), (0, None, PAGE_BYTES)])
def test_dma_reach(card: Card, bits: int, below: int | None, above: int) -> None:
    memory = bytearray(2 * PAGE_BYTES)
    card.faults.inject(f"dma-reach={bits}")
    with pytest.raises(OSError, match="Bad address"):
        card.pf.dma_add(above, PAGE_BYTES, memory)
    if below is not None:
        card.pf.dma_add(below, PAGE_BYTES, memory)
        with pytest.raises(OSError, match="Bad address"):
            card.pf.dma_add(below + PAGE_BYTES - 1, 2, memory)
    card.faults.end("dma-reach")
    card.pf.dma_add(above, PAGE_BYTES, memory)


def test_few_msix_counts_for_the_next_client(card: Card, space: ConfigSpace) -> None:
    def size() -> int:
        return pci.MSIX_CTRL(read16(space, pci.MSIX_CTRL)).TABLE_SIZE + 1

    whole = size()
    assert whole == space.vectors == 64
    card.faults.inject("few-msix=3")
    space.reset()
    assert size() == whole, "who is there has been told"
    space.meet_client()
    assert size() == space.vectors == 3
    space.reset()
    assert size() == 3
    card.faults.end("few-msix")
    space.meet_client()
    assert size() == whole


def test_irq_refused(card: Card) -> None:
    refused = card.pf.c.irq
    card.faults.inject("irq-refused=msix")
    card.faults.inject("irq-refused=msi")
    assert refused.refused == 1 << IrqKind.MSIX | 1 << IrqKind.MSI
    card.faults.end("irq-refused=msix")
    assert refused.refused == 1 << IrqKind.MSI
    card.faults.end()
    assert refused.refused == 0


def test_irq_lost(card: Card) -> None:
    irqs = IrqFds(card.pf, 64)
    card.pf.irq_kind = IrqKind.MSIX
    card.regs.write(GPIE.offset(), int(GPIE.of(MSIX_MODE=1, EIMEN=1)))

    def fire() -> tuple[int, int]:
        for vector in (5, 6):
            bit = 1 << vector
            card.regs.write(EIMS.offset(), bit)
            card.regs.write(EICS.offset(), bit)
        card.step()
        card.regs.write(EICR.offset(), 0xFFFF)
        return irqs.sent(5), irqs.sent(6)

    card.faults.inject("irq-lost=5")
    assert fire() == (0, 1)
    card.faults.end("irq-lost=5")
    assert fire() == (1, 2)
    irqs.close()


# ---- wire ----------------------------------------------------------------------------------------------------------


def come_in(card: Card, frames: int) -> list[tuple[int, bool]]:
    """Let numbered frames in; returns which are left, and whether they are damaged."""
    made = ffi.new("struct frame[]", frames)
    for n in range(frames):
        made[n].len_bytes = n
    left = lib.wire_faults_in(ffi.addressof(card.core.c, "wire_faults"), made, frames)
    return [(int(one.len_bytes), bool(one.flags & lib.FRAME_BAD_CRC)) for one in made[0:left]]


def test_wire_lost_and_wire_damaged(card: Card) -> None:
    card.faults.inject("wire-lost=3")
    assert come_in(card, 7) == [(n, False) for n in (0, 1, 3, 4, 6)]
    card.faults.inject("wire-damaged=2")
    assert come_in(card, 4) == [(0, False), (1, True), (3, True)]
    card.faults.end("wire-lost")
    assert come_in(card, 2) == [(0, False), (1, True)]
    card.faults.end("wire-damaged")
    assert come_in(card, 6) == [(n, False) for n in range(6)]


# ---- asking --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("bogus", "no fault is called 'bogus'; there are slow, stuck,"),
        ("", "no fault is called ''"),
        ("stuck", "written stuck=REG[N][.FIELD]:VALUE"),
        ("no-dma=1", "written no-dma"),
        ("slow=EERD", "'EERD': wanted REG:SECONDS"),
        ("slow=EERD:soon", "'soon' is not a number of seconds"),
        ("slow=EERD:0", "0 to 60 seconds, not 0"),
        ("slow=EERD:nan", "0 to 60 seconds, not nan"),
        ("slow=EERD:61", "0 to 60 seconds, not 61"),
        ("slow=RDH[2]:1", "only whole registers of BAR0"),
        ("slow=PCI_COMMAND:1", "only whole registers of BAR0"),
        ("stuck=STATUS", "wanted REG[N][.FIELD]:VALUE"),
        ("stuck=NOSUCH:1", "no register is called NOSUCH; `python -m device.regs list`"),
        ("stuck=a-b:1", "names no register; wanted REG, REG[N] or REG[N].FIELD"),
        ("stuck=RAL[128]:1", "there is no RAL[128]: it has 128 of them"),
        ("stuck=CTRL.NOPE:1", "CTRL has no field NOPE; it has "),
        ("stuck=CTRL.RST:2", "2"),
        ("stuck=CTRL:word", "'word' is not a number; wanted a value, 0 to 4294967295"),
        ("stuck=CTRL:0x100000000", "out of range"),
        ("stuck=PCI_COMMAND:0x10000", "0x10000"),
        ("deaf=CTRL.RST", "only whole registers can be deaf"),
        ("deaf=NOSUCH", "no register is called NOSUCH"),
        ("ids=8086", "two hexadecimal numbers of at most four digits, such as 8086:1572"),
        ("ids=8086:xyz", "two hexadecimal numbers"),
        ("ids=8086:12345", "two hexadecimal numbers"),
        ("dma-reach=64", "64 is out of range; wanted address bits, 0 to 63"),
        ("few-msix=0", "0 is out of range; wanted vectors, 1 to 64"),
        ("irq-refused=bell", "'bell' is no kind of interrupt; there are intx, msi, msix"),
        ("irq-lost=64", "64 is out of range; wanted a vector, 0 to 63"),
        ("wire-lost=0", "0 is out of range; wanted every how many frames"),
        ("wire-damaged=all", "'all' is not a number"),
    ],
)
def test_nonsense_is_refused_and_changes_nothing(card: Card, space: ConfigSpace, asked: str, words: str) -> None:
    card.faults.inject("stuck=CTRL.RST:1")
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        card.faults.inject(asked)
    assert asked.partition("=")[0] in str(caught.value)
    assert card.faults.active == ["stuck=CTRL.RST:1"]
    assert space.read(0, 4) == bytes.fromhex("8680fb10")


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ("stuck=STATUS:1", "stuck=status:2", False),
        ("stuck=STATUS:1", "stuck=STATUS.LAN_ID:1", True),
        ("stuck=RAL[0]:1", "stuck=RAL[1]:1", True),
        ("slow=EERD:1", "slow=eerd:2", False),
        ("deaf=RAL", "deaf=RAL[0]", False),
        ("ids=8086:1", "ids=8086:2", False),
        ("dma-reach=32", "dma-reach=0", False),
        ("few-msix=3", "few-msix=4", False),
        ("irq-refused=msix", "irq-refused=MSIX", False),
        ("irq-lost=3", "irq-lost=0x3", False),
        ("irq-lost=3", "irq-lost=4", True),
        ("wire-lost=3", "wire-lost=4", False),
        ("no-dma", "no-dma", False),
    ],
)
def test_one_that_reaches_the_same_takes_the_others_place(card: Card, first: str, second: str, both: bool) -> None:
    card.faults.inject(first)
    card.faults.inject(second)
    assert card.faults.active == ([first, second] if both else [second])


def test_what_took_the_place_acts_and_ends_as_if_it_were_the_first(card: Card) -> None:
    memory = bytearray(PAGE_BYTES)
    card.faults.inject("dma-reach=32")
    card.faults.inject("dma-reach=0")
    with pytest.raises(OSError, match="Bad address"):
        card.pf.dma_add(0x1000, PAGE_BYTES, memory)
    card.faults.inject("stuck=RAL[9]:5")
    card.faults.inject("stuck=RAL[9]:6")
    assert card.regs.read(RAL.offset(9)) == 6
    assert card.faults.end() == 2
    assert card.regs.read(RAL.offset(9)) == 0
    card.pf.dma_add(2**40, PAGE_BYTES, memory)


def test_ending_by_name_by_place_and_all(card: Card) -> None:
    def inject() -> None:
        for asked in ("stuck=RAL:1", "stuck=RAL[1]:1", "stuck=STATUS:1", "no-dma"):
            card.faults.inject(asked)

    for asked, left in (
        ("stuck", ["no-dma"]),
        ("STUCK=ral", ["stuck=RAL[1]:1", "stuck=STATUS:1", "no-dma"]),
        ("stuck=STATUS:1", ["stuck=RAL:1", "stuck=RAL[1]:1", "no-dma"]),
        ("no-dma", ["stuck=RAL:1", "stuck=RAL[1]:1", "stuck=STATUS:1"]),
        ("stuck=STATUS:10", ["stuck=RAL:1", "stuck=RAL[1]:1", "stuck=STATUS:1", "no-dma"]),
        ("", []),
    ):
        inject()
        assert card.faults.end(asked) == 4 - len(left)
        assert sorted(card.faults.active) == sorted(left)
        assert card.report().injected == card.faults.active
        card.faults.end()


def test_the_table_has_every_kind(card: Card) -> None:
    rows = table(card.faults.kinds.values())
    assert [re.split(r"[=\[]", row[0])[0] for row in rows] == list(card.faults.kinds)
    assert all(all(row) for row in rows)
