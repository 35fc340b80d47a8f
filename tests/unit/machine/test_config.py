# SPDX-License-Identifier: BSD-3-Clause
"""Configuration space as a guest sees it: the real card's bytes at its offsets, sizing, and what writes set going."""

import struct
from collections.abc import Callable

import pytest

from device.i82599.identity import identity_of
from device.machine.config import BARS, ConfigSpace
from device.machine.irq import IrqKind
from device.regs.core import Register

COMMAND, STATUS = 0x04, 0x06
MSI_CTRL, MSI_MASK, MSIX_CTRL = 0x52, 0x60, 0x72
PMCSR, DEVCTL = 0x44, 0xA8


class World:
    """A function that remembers what it was told."""

    mac = bytes.fromhex("a0369f123456")
    lan_id = 0
    bus_master: bool
    memory: bool
    irq_kind: IrqKind
    config: ConfigSpace
    config_read_faults: list[Callable[[int, bytes], bytes]]
    config_write_faults: list[Callable[[int, bytes, bytes], bytes]]

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []
        self.intx_level = False
        self.vector_limit: int | None = None
        self.missing_irqs: set[IrqKind] = set()
        self.is_present = True
        self.vfs: list[tuple[int, bool]] = []
        self.config_read_faults, self.config_write_faults = [], []

    def __setattr__(self, name: str, value: object) -> None:
        names = {"bus_master": "bus_master", "memory": "memory", "irq_kind": "irq"}
        if name in names:
            self.told.append((names[name], value))
        super().__setattr__(name, value)

    def on_sriov(self, count: int, *, memory: bool) -> None:
        self.vfs.append((count, memory))

    def on_reset(self) -> None:
        self.told.append(("reset", None))

    def identity(self) -> list[tuple[type[Register], int]]:
        return identity_of(self.mac, self.lan_id)

    def heard(self) -> list[tuple[str, object]]:
        told, self.told = self.told, []
        return told


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def space(world: World) -> ConfigSpace:
    made = ConfigSpace(world, world.identity)
    world.heard()
    return made


def word(space: ConfigSpace, offset: int) -> int:
    return int.from_bytes(space.read(offset, 2), "little")


def dword(space: ConfigSpace, offset: int) -> int:
    return int.from_bytes(space.read(offset, 4), "little")


def put16(space: ConfigSpace, offset: int, value: int) -> None:
    space.write(offset, struct.pack("<H", value))


def put32(space: ConfigSpace, offset: int, value: int) -> None:
    space.write(offset, struct.pack("<I", value))


def test_header_is_the_cards(space: ConfigSpace) -> None:
    assert struct.unpack("<HHHHBBH", space.read(0, 12)) == (0x8086, 0x10FB, 0, 0x0010, 1, 0, 0x0200)
    assert space.read(0x0E, 1) == b"\0"
    assert struct.unpack("<HH", space.read(0x2C, 4)) == (0x8086, 0x000C)
    assert space.read(0x3D, 1) == b"\x01"


def test_capabilities_are_where_linux_and_the_datasheet_have_them(space: ConfigSpace) -> None:
    chain, at = [], space.read(0x34, 1)[0]
    while at:
        chain.append((at, space.read(at, 1)[0]))
        at = space.read(at + 1, 1)[0]
    assert chain == [(0x40, 0x01), (0x50, 0x05), (0x70, 0x11), (0xA0, 0x10)]
    extended, at = [], 0x100
    while at:
        header = dword(space, at)
        extended.append((at, header & 0xFFFF, header >> 16 & 0xF))
        at = header >> 20
    assert extended == [(0x100, 1, 1), (0x140, 3, 1), (0x150, 0x0E, 1), (0x160, 0x10, 1)]


def test_words_that_linux_reads_by_offset(space: ConfigSpace) -> None:
    assert word(space, MSIX_CTRL) & 0x7FF == 63
    assert word(space, 0xAA) & 0x20 == 0, "no transactions pending"
    assert word(space, 0xB2) & 0x3FF == 0x082, "5 GT/s, x8"
    assert word(space, 0xC8) & 0xF == 0
    assert dword(space, 0xA4) & 1 << 28, "FLR"


def test_serial_number_is_made_of_the_mac(space: ConfigSpace) -> None:
    # MAC a0:36:9f:12:34:56 -> a0-36-9f-ff-ff-12-34-56, most significant byte last in memory
    assert space.read(0x144, 8)[::-1] == bytes.fromhex("a0369fffff123456")


@pytest.mark.parametrize(("bar", "flags"), [(0, 0x4), (2, 0x1), (4, 0x4)])
def test_bar_sizing(space: ConfigSpace, bar: int, flags: int) -> None:
    at = 0x10 + 4 * bar
    put32(space, at, 0xFFFF_FFFF)
    assert dword(space, at) == (-BARS[bar] & 0xFFFF_FFFF) | flags
    put32(space, at, 0xFE00_0000)
    assert dword(space, at) == 0xFE00_0000 | flags
    if flags & 4:
        put32(space, at + 4, 0xFFFF_FFFF)
        assert dword(space, at + 4) == 0xFFFF_FFFF


@pytest.mark.parametrize("at", [0x00, 0x08, 0x1C, 0x28, 0x2C, 0x30, 0x34, 0x3E, 0x74, 0xA4, 0x100, 0x144, 0x200, 0xFFC])
def test_what_is_read_only_stays(space: ConfigSpace, at: int) -> None:
    before = dword(space, at)
    put32(space, at, ~before & 0xFFFF_FFFF)
    assert dword(space, at) == before


def test_every_byte_can_be_read_and_written_in_any_width(space: ConfigSpace) -> None:
    whole = space.read(0, 4096)
    for len_bytes in (1, 2, 3, 4, 7, 8, 256):
        assert b"".join(space.read(at, min(len_bytes, 4096 - at)) for at in range(0, 4096, len_bytes)) == whole
    space.write(0x0C, b"\x10")
    space.write(0x3B, b"\xff\x0a\xff")  # across INTERRUPT_LINE
    assert space.read(0x0C, 1) == b"\x10"
    assert space.read(0x3B, 3) == b"\x00\x0a\x01"


@pytest.mark.parametrize(("offset", "len_bytes"), [(4096, 1), (4095, 2), (-1, 1)])
def test_outside_is_an_error(space: ConfigSpace, offset: int, len_bytes: int) -> None:
    with pytest.raises(OSError, match="no bytes"):
        space.read(offset, len_bytes)
    with pytest.raises(OSError, match="no bytes"):
        space.write(offset, bytes(len_bytes))


def test_bus_master_is_told_once(space: ConfigSpace, world: World) -> None:
    put16(space, COMMAND, 0x0146)
    assert world.heard() == [("bus_master", True)]
    assert word(space, COMMAND) == 0x0146
    put16(space, COMMAND, 0x0046)
    assert world.heard() == []
    space.write(COMMAND, b"\x02")
    assert world.heard() == [("bus_master", False)]


def test_status_bits_are_cleared_by_writing_ones(space: ConfigSpace) -> None:
    from device.regs.pci import PCI_STATUS

    space.update(PCI_STATUS, REC_MASTER_ABORT=1, SIG_SYSTEM_ERROR=1)
    put16(space, STATUS, 0x2000)
    assert word(space, STATUS) == 0x4010
    put32(space, COMMAND, 0xFFFF_0000)
    assert word(space, STATUS) == 0x0010


def test_intx_status_follows_the_line(space: ConfigSpace, world: World) -> None:
    world.intx_level = True
    assert space.read(0, 64)[STATUS] == 0x18
    world.intx_level = False
    assert word(space, STATUS) == 0x0010


def test_interrupt_kind_follows_the_enable_bits(space: ConfigSpace, world: World) -> None:
    assert space.function.irq_kind is IrqKind.INTX
    put16(space, COMMAND, 0x0400)
    put16(space, MSIX_CTRL, 0xC000)  # enabled, all vectors masked: what Linux does first
    put16(space, MSIX_CTRL, 0x8000)
    put16(space, MSIX_CTRL, 0x0000)
    put16(space, MSI_CTRL, 0x0001)
    put32(space, MSI_MASK, 1)
    put32(space, MSI_MASK, 0)
    put16(space, MSI_CTRL, 0x0000)
    put16(space, COMMAND, 0x0000)
    modes = [
        IrqKind.NONE,
        IrqKind.MSIX,
        IrqKind.NONE,
        IrqKind.MSI,
        IrqKind.NONE,
        IrqKind.MSI,
        IrqKind.NONE,
        IrqKind.INTX,
    ]
    assert [what for name, what in world.heard() if name == "irq"] == modes


def test_a_client_that_only_arms_eventfds_gets_its_kind(space: ConfigSpace, world: World) -> None:
    space.set_armed(IrqKind.MSIX)
    assert world.heard() == [("irq", IrqKind.MSIX)]
    put16(space, MSIX_CTRL, 0x8000)
    assert world.heard() == []
    put16(space, MSIX_CTRL, 0)
    space.set_armed(IrqKind.NONE)
    assert world.heard() == [("irq", IrqKind.INTX)]


def test_numbers_of_kinds_are_the_cores() -> None:
    assert [int(mode) for mode in IrqKind] == [IrqKind.NONE, IrqKind.INTX, IrqKind.MSI, IrqKind.MSIX]


def flr(space: ConfigSpace) -> None:
    put16(space, DEVCTL, word(space, DEVCTL) | 0x8000)


def d3_and_back(space: ConfigSpace) -> None:
    put16(space, PMCSR, 3)
    put16(space, PMCSR, 0)


@pytest.mark.parametrize("how", [flr, d3_and_back])
def test_function_level_resets(space: ConfigSpace, world: World, how: Callable[[ConfigSpace], None]) -> None:
    put16(space, COMMAND, 0x0006)
    put16(space, MSIX_CTRL, 0x8000)
    put32(space, 0x10, 0xFE00_0000)
    put16(space, 0x168, 0x0009)
    put32(space, 0x118, 0x0140)  # AER: sticky
    world.heard()
    how(space)
    told = world.heard()
    assert told.count(("reset", None)) == 1
    assert told.index(("bus_master", False)) < told.index(("reset", None)), "DMA stops first"
    assert told[-1] == ("irq", IrqKind.INTX)
    assert (word(space, COMMAND), word(space, MSIX_CTRL), dword(space, 0x10), word(space, 0x168)) == (0, 0x3F, 4, 0)
    assert word(space, DEVCTL) & 0x8000 == 0
    assert dword(space, 0x118) & 0x0140 == 0x0140
    assert word(space, PMCSR) & 3 == 0


def test_d3hot_stops_dma_and_unknown_states_are_ignored(space: ConfigSpace, world: World) -> None:
    put16(space, COMMAND, 0x0004)
    put16(space, PMCSR, 1)
    assert word(space, PMCSR) & 3 == 0
    assert world.heard() == [("bus_master", True)]
    put16(space, PMCSR, 3)
    assert set(world.heard()) == {("bus_master", False), ("memory", False)}
    put16(space, PMCSR, 2)
    assert word(space, PMCSR) & 3 == 3


def memory(world: World) -> list[object]:
    return [on for what, on in world.heard() if what == "memory"]


def test_memory_decoding_goes_when_the_client_switches_it_off(space: ConfigSpace, world: World) -> None:
    """A client that never sets the bit is served; one that clears it is not, until it sets it again."""
    for command in (0x0400, 0x0002, 0x0402):
        put16(space, COMMAND, command)
        assert memory(world) == []
    put16(space, COMMAND, 0)
    assert memory(world) == [False]
    put16(space, COMMAND, 0x0400)
    assert memory(world) == []
    put16(space, COMMAND, 0x0002)
    assert memory(world) == [True]


@pytest.mark.parametrize("how", [flr, d3_and_back, ConfigSpace.reset])
def test_a_reset_gives_memory_decoding_back(
    space: ConfigSpace, world: World, how: Callable[[ConfigSpace], None]
) -> None:
    put16(space, COMMAND, 2)
    put16(space, COMMAND, 0)
    assert memory(world) == [False]
    how(space)
    assert memory(world)[-1] is True
    put16(space, COMMAND, 0x0400)
    assert memory(world) == [], "COMMAND was 0 after the reset, and nobody switched it off"


def test_bus_reset_clears_the_sticky_bits_too(space: ConfigSpace, world: World) -> None:
    put32(space, 0x118, 0x0140)
    space.reset()
    assert dword(space, 0x118) == 0x00A0
    assert ("reset", None) in world.heard()


def test_sriov_numbers(space: ConfigSpace) -> None:
    assert struct.unpack("<HHHB", space.read(0x16C, 7)) == (64, 64, 0, 0)
    assert struct.unpack("<HHHH", space.read(0x174, 8)) == (384, 2, 0, 0x10ED)
    put16(space, 0x168, 0x0010)
    assert word(space, 0x174) == 128
    put16(space, 0x170, 63)
    put16(space, 0x170, 65)
    assert word(space, 0x170) == 63
    put32(space, 0x184, 0xFFFF_FFFF)
    assert dword(space, 0x184) == 0xFFFF_C004


def test_port_one_uses_intb() -> None:
    world = World()
    world.lan_id = 1
    space = ConfigSpace(world, world.identity)
    assert space.read(0x3D, 1) == b"\x02"
    assert space.read(0x172, 1) == b"\x01"


@pytest.mark.parametrize(
    ("best", "chain"),
    [
        (IrqKind.MSIX, [0x01, 0x05, 0x11, 0x10]),
        (IrqKind.MSI, [0x01, 0x05, 0x10]),
        (IrqKind.INTX, [0x01, 0x10]),
    ],
)
def test_a_card_may_offer_less_than_msix(world: World, best: IrqKind, chain: list[int]) -> None:
    space = ConfigSpace(world, world.identity, best=best)
    for _ in range(2):
        seen, at = [], space.read(0x34, 1)[0]
        while at:
            kind, following = space.read(at, 2)
            seen.append(kind)
            at = following
        assert seen == chain
        space.reset()
    space.write(MSIX_CTRL, b"\x00\x80")
    space.write(MSI_CTRL, b"\x01\x00")
    assert bool(word(space, MSIX_CTRL)) is (best is IrqKind.MSIX)
    assert bool(word(space, MSI_CTRL)) is (best is not IrqKind.INTX)


def test_pme_enable_lives_through_d3hot(space: ConfigSpace) -> None:
    """Ref: PCI power management 1.2, 5.4.1: leaving D3hot keeps what waking needs; an FLR does not."""
    assert word(space, 0x42) == 0x4823  # as lspci has it: version 3, DSI, PME from D0 and D3hot
    assert word(space, PMCSR) == 0x2000  # D0, no soft reset, data scale 1
    put16(space, PMCSR, 0x0103)
    put16(space, PMCSR, 0x0100)
    assert (space.flrs, word(space, PMCSR)) == (1, 0x2100)
    put16(space, PMCSR, 0x8103)
    put16(space, PMCSR, 0x8000)  # the status bit clears, and never was set
    assert (space.flrs, word(space, PMCSR)) == (2, 0x2000)
    put16(space, PMCSR, 0x0100)
    put16(space, DEVCTL, word(space, DEVCTL) | 0x8000)
    assert (space.flrs, word(space, PMCSR)) == (3, 0x2000)


def test_wake_up_is_stored_and_said(space: ConfigSpace, caplog: pytest.LogCaptureFixture) -> None:
    put16(space, PMCSR, 0x0100)
    put16(space, PMCSR, 0x0100)
    assert caplog.text.count("PM_PMCSR <- 0x2100 asks for wake-up, which the device has not: PME_EN=0x1 is stored") == 1
