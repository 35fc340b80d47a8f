# SPDX-License-Identifier: BSD-3-Clause
"""Configuration space of the card, against bytes as ``lspci -xxxx`` of an X520 shows them and the specifications."""

import struct

import pytest

from device.regs import pci
from device.regs.core import RO, RW, SC, W1C

IMAGE = pci.reset_bytes()


def word(offset: int) -> int:
    return int(struct.unpack_from("<H", IMAGE, offset)[0])


def dword(offset: int) -> int:
    return int(struct.unpack_from("<I", IMAGE, offset)[0])


def test_it_is_an_82599es() -> None:
    assert (word(0), word(2), IMAGE[8], IMAGE[9], word(10)) == (0x8086, 0x10FB, 1, 0, 0x0200)
    assert (word(0x2C), word(0x2E), IMAGE[0x3D]) == (0x8086, 0x000C, 1)
    assert len(IMAGE) == 4096


def test_the_capability_chain_is_at_the_real_cards_offsets() -> None:
    chain, at = [], IMAGE[0x34]
    while at:
        chain.append((at, IMAGE[at]))
        at = IMAGE[at + 1]
    assert chain == [(0x40, 0x01), (0x50, 0x05), (0x70, 0x11), (0xA0, 0x10), (0xE0, 0x03)]


def test_the_extended_chain() -> None:
    chain, at = [], 0x100
    while at:
        header = dword(at)
        chain.append((at, header & 0xFFFF, header >> 16 & 0xF))
        at = header >> 20
    assert chain == [(0x100, 1, 1), (0x140, 3, 1), (0x150, 0xE, 1), (0x160, 0x10, 1)]


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        (0x42, 0x4823),  # PM 3, DSI, PME from D0 and D3hot
        (0x44, 0x2000),  # data scale 1
        (0x52, 0x0180),  # one MSI vector, 64-bit, maskable
        (0x72, 0x003F),  # 64 MSI-X vectors
        (0xA2, 0x0002),
        (0xA8, 0x2810),  # relaxed ordering, no snoop, 512 byte reads
        (0xAA, 0x0000),  # nothing pending: Linux polls it
        (0xB2, 0x1082),  # 5 GT/s x8
        (0xC8, 0x0000),  # default completion timeout
        (0xD0, 0x0002),
        (0x16C, 64), (0x16E, 64), (0x174, 384), (0x176, 2), (0x17A, 0x10ED),
    ],
)  # fmt: skip
def test_words(offset: int, value: int) -> None:
    assert word(offset) == value


@pytest.mark.parametrize(
    ("offset", "value"),
    [(0x74, 4), (0x78, 0x2004), (0xA4, 0x10008CC2), (0xC4, 0x1F), (0x10C, 0x00062010), (0x118, 0xA0), (0x17C, 0x553)],
)
def test_dwords(offset: int, value: int) -> None:
    assert dword(offset) == value


@pytest.mark.parametrize(
    ("offset", "size"), [(0x10, 512 << 10), (0x20, 16 << 10), (0x184, 16 << 10), (0x190, 16 << 10)]
)
def test_memory_bars_size_as_the_card_does(offset: int, size: int) -> None:
    """What a BIOS computes after writing all ones."""
    writable = pci.bits_bytes(RW)
    both = (dword(offset) | struct.unpack_from("<I", writable, offset)[0]) | (
        struct.unpack_from("<I", writable, offset + 4)[0] << 32
    )
    assert both & 0x7 == 0b100  # memory, 64-bit
    assert (~(both & ~0xF) & 0xFFFFFFFFFFFFFFFF) + 1 == size


def test_the_io_bar_has_32_bytes() -> None:
    writable = struct.unpack_from("<I", pci.bits_bytes(RW), 0x18)[0]
    assert dword(0x18) == 1
    assert (~writable & 0xFFFFFFFF) + 1 == 32


def test_status_bits_clear_by_one_and_flr_is_a_command() -> None:
    clears = pci.bits_bytes(W1C)
    assert struct.unpack_from("<H", clears, 0x06)[0] == 0xF900
    assert struct.unpack_from("<H", clears, 0xAA)[0] == 0x000F
    assert struct.unpack_from("<H", clears, 0x44)[0] == 0x8000
    assert struct.unpack_from("<H", pci.bits_bytes(SC), 0xA8)[0] == 0x8000


def test_ids_cannot_be_written() -> None:
    anything = bytes(a | b for a, b in zip(pci.bits_bytes(RW, SC), pci.bits_bytes(W1C), strict=True))
    assert anything[0:4] == bytes(4)
    assert anything[0x72:0x74] == b"\x00\xc0"
    assert pci.bits_bytes(RO)[0:4] == b"\xff\xff\xff\xff"


def test_lookup() -> None:
    assert pci.lookup(0xA8) == (pci.EXP_DEVCTL, 0, False)
    assert pci.lookup(0xA9) is None
    assert pci.lookup(0x124) == (pci.AER_HEADER_LOG, 2, False)


def test_bars_by_index() -> None:
    assert pci.BARS == {0: 512 * 1024, 2: 32, 4: 16 * 1024}
