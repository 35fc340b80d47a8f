# SPDX-License-Identifier: BSD-3-Clause
"""Named faults of this chip and its parts, and the list that all of them make."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.i82599.card import Card
from device.i82599.faults import FAULTS
from device.machine.faults import Fault
from device.machine.wire.loopback import LoopbackPort
from device.regs.core import Register
from device.regs.i82599 import CTRL, EEC, EERD, EEWR, EICR, FWSM, GSSR, LINKS, RAH, RAL, STATUS, SWSM
from device.tables import fault_lines
from tests.rigs.eeprom import read_word

NS_PER_MS = 1_000_000
# What the list is to have; a fault may be added, and none of these may go.
# fmt: off
WANTED = [
    "nvm-checksum", "nvm-stuck", "nvm-absent", "nvm-pointer", "mac-invalid", "mac-multicast", "eec-no-pres",
    "swsm-stuck", "gssr-held", "reset-stuck", "master-disable-stuck", "fw-error", "fw-recovery", "fw-version-error",
    "sfp-foreign", "sfp-unknown", "i2c-nak", "i2c-flaky", "overtemp", "vf-id", "mem-decode-refused", "dma-32bit",
    "dma-refused", "bus-all-ones", "few-msix", "no-msix", "no-msi", "no-irq", "set-irqs-refused", "link-width",
    "link-speed", "port", "dual-port", "subsystem", "pre-production", "pba-legacy", "link-flap", "irq-lost",
    "irq-spurious", "irq-delay", "rx-stall", "tx-stall", "dma-fault", "slow", "stuck", "deaf", "ids", "no-dma",
    "dma-reach", "irq-refused", "wire-lost", "wire-damaged", "nvm", "module", "silent",
]
# fmt: on


@pytest.fixture
def card() -> Iterator[Card]:
    with Card() as card:
        yield card


def reg(card: Card, register: type[Register]) -> Register:
    return register(card.regs.read(register.offset()))


# ---- the list ------------------------------------------------------------------------------------------------------


def test_the_list_is_closed_and_has_every_fault_once() -> None:
    assert sorted(kind.name for kind in FAULTS) == sorted(WANTED)


@pytest.mark.parametrize("kind", FAULTS, ids=lambda kind: kind.name)
def test_each_says_what_it_does_which_branch_it_reaches_and_knows_its_contraries(kind: Fault[Card]) -> None:
    assert kind.does
    assert re.match(r"(none|any|before ixgbe_probe|ixgbe_\w+|ice_\w+): ", kind.reaches), kind.reaches
    assert set(kind.against) <= set(WANTED) - {kind.name} or kind.name.startswith("dma-")


def test_the_list_is_readable_in_80_columns() -> None:
    lines = list(fault_lines(FAULTS))
    assert max(map(len, lines)) <= 80
    assert sorted(line.split()[0] for line in lines if line[0] not in " #") == sorted(kind.written for kind in FAULTS)
    assert sum("-> " in line for line in lines) >= len(FAULTS)


# ---- the EEPROM ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("nvm-pointer", {0x2B: 0xFFFF}),
        ("fw-version-error", {0x0F: 0xFFFF}),
        ("pba-legacy", {0x15: 0xE665, 0x16: 0x6001}),
        ("mac-invalid", {0x151: 0, 0x152: 0, 0x153: 0}),
        ("mac-multicast", {0x151: 0x0001, 0x152: 0x005E, 0x153: 0x0100}),
        ("pre-production", {0x117: 5}),
    ],
)
def test_words_that_change_under_a_right_checksum(card: Card, fault: str, words: dict[int, int]) -> None:
    before = bytes(card.image.data)
    card.faults.inject(fault)
    assert {word: read_word(card, word) for word in words} == words
    assert card.image.checksum_ok
    assert not card.image.dirty
    card.faults.end()
    assert bytes(card.image.data) == before


def test_the_checksum_is_wrong_by_one_whatever_else_changes(card: Card) -> None:
    before = bytes(card.image.data)
    for fault in ("nvm-checksum", "pba-legacy"):
        card.faults.inject(fault)
        assert not card.image.checksum_ok
    card.faults.end("nvm-checksum")
    assert card.image.checksum_ok
    card.faults.end()
    assert bytes(card.image.data) == before


def test_what_faults_change_is_not_saved(card: Card, tmp_path: Path) -> None:
    before = bytes(card.image.data)
    for fault in ("nvm-checksum", "mac-invalid", "fw-error"):
        card.faults.inject(fault)
    card.save_nvm(tmp_path / "nvm.bin")
    assert (tmp_path / "nvm.bin").read_bytes() == before
    assert card.faults.active == ["fw-error"]


def test_an_eeprom_that_is_not_there(card: Card) -> None:
    before = card.regs.get(RAL)
    card.faults.inject("nvm-absent")
    assert EEC(int(reg(card, EEC))).PRES == 0
    assert read_word(card, 0) == 0xFFFF
    card.regs.write(EEWR.offset(), int(EEWR.of(START=1, ADDR=5, DATA=7)))
    card.reset(software=False)
    assert (int(card.regs.get(RAL)), card.regs.get(RAH).AV, card.regs.get(EEC).PRES) == (0, 0, 0)
    card.faults.end()
    card.reset(software=False)
    assert (card.regs.get(RAL), card.regs.get(EEC).PRES) == (before, 1)
    assert card.image.read(5) != 7


def test_the_address_comes_with_the_reset(card: Card) -> None:
    card.faults.inject("mac-multicast")
    card.reset(software=True)
    assert int(card.regs.get(RAL)).to_bytes(4, "little") == bytes.fromhex("01005e00")


# ---- registers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "register", "fields"),
    [
        ("nvm-stuck", EERD, {"DONE": 0}),
        ("nvm-stuck", EEC, {"GNT": 0}),
        ("eec-no-pres", EEC, {"PRES": 0}),
        ("swsm-stuck", SWSM, {"SMBI": 1}),
        ("gssr-held", GSSR, {"FW_EEP": 1, "FW_MAC_CSR": 1, "EEP": 0}),
        ("gssr-held=3", GSSR, {"FW_EEP": 0, "EEP": 1, "PHY0": 1}),
        ("reset-stuck", CTRL, {"RST": 1, "LRST": 1}),
        ("master-disable-stuck", STATUS, {"GIO": 1}),
        ("fw-error", FWSM, {"EXT_ERR_IND": 1}),
        ("fw-recovery", FWSM, {"NVM_RECOVERY": 1}),
        ("port=1", STATUS, {"LAN_ID": 1}),
    ],
)
def test_registers_that_read_otherwise(
    card: Card, fault: str, register: type[Register], fields: dict[str, int]
) -> None:
    card.regs.write(SWSM.offset(), 0)
    card.faults.inject(fault)
    for _ in range(2):
        card.regs.write(SWSM.offset(), 0)
        card.regs.write(GSSR.offset(), 0)
        assert {name: getattr(reg(card, register), name) for name in fields} == fields
        card.reset(software=True)
    card.faults.end()
    assert card.faults.active == []


# ---- the module ----------------------------------------------------------------------------------------------------


def test_a_module_of_nobody_and_one_of_no_kind_have_right_checksums(card: Card) -> None:
    module = card.sfp.module
    assert module is not None
    before = bytes(module.a0)
    for fault in ("sfp-foreign", "sfp-unknown"):
        card.faults.inject(fault)
        assert bytes(module.a0) != before
        assert module.a0[0x3F] == sum(module.a0[:0x3F]) % 256
        card.faults.end()
        assert bytes(module.a0) == before


def test_a_module_that_answers_now_and_then(card: Card) -> None:
    module = card.sfp.module
    assert module is not None
    card.faults.inject("i2c-flaky=4")
    assert card.sfp.bus.deaf_every == 4
    card.faults.end()
    assert card.sfp.bus.deaf_every == 0
    card.faults.inject("i2c-nak")
    assert module.slave(0xA0) is None
    card.remove_sfp()
    assert card.faults.active == [], "they go with the module"


def test_a_module_that_is_too_hot(card: Card) -> None:
    module = card.sfp.module
    assert module is not None
    assert module.read(0xA2, 112) & 0x80 == 0
    card.faults.inject("overtemp")
    assert module.read(0xA2, 96) == 85
    assert module.read(0xA2, 112) & 0x80 == 0x80
    assert EICR(card.regs.read(EICR.offset())).TS == 1
    card.faults.end()
    assert module.read(0xA2, 112) & 0x80 == 0


def test_a_cable_shows_nobody_how_hot_it_is() -> None:
    with Card(sfp="da") as card, pytest.raises(ValueError, match="no diagnostics page"):
        card.faults.inject("overtemp")


# ---- the link ------------------------------------------------------------------------------------------------------


def test_the_link_flaps_by_the_clock_of_the_card() -> None:
    with LoopbackPort() as port, Card(port=port) as card:
        card.regs.write(0x20, card.regs.read(0x20) & ~8 | 0x800)  # ESDP: laser on
        card.poll(10**9)
        assert card.regs.get(LINKS).UP
        card.faults.inject("link-flap=200")
        seen = []
        for ms in range(100, 1000, 100):
            card.poll(10**9 + ms * NS_PER_MS)
            seen.append(card.regs.get(LINKS).UP)
        assert seen == [0, 0, 1, 1, 0, 0, 1, 1, 0]
        assert "link-flap" in card.link.why_down()
        card.faults.end()
        assert card.regs.get(LINKS).UP


# ---- asking --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("gssr-held=0", "0 is out of range; wanted bits of GSSR"),
        ("port=2", "2 is out of range; wanted a port, 0 to 1"),
        ("i2c-flaky=1", "1 is out of range; wanted every how many calls"),
        ("link-flap=5", "5 is out of range; wanted milliseconds, 100 to 60000"),
        ("tx-stall=128", "128 is out of range; wanted a queue, 0 to 127"),
        ("nvm-chksum", "did you mean nvm-checksum"),
        ("nvm-checksum=1", "written nvm-checksum"),
    ],
)
def test_nonsense_is_refused(card: Card, asked: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        card.faults.inject(asked)
    assert card.faults.active == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("nvm-absent", "nvm-checksum"),
        ("nvm-absent", "nvm=5:5"),
        ("nvm-absent", "eec-no-pres"),
        ("mac-invalid", "mac-multicast"),
        ("pre-production", "fw-version-error"),
        ("sfp-foreign", "sfp-unknown"),
        ("i2c-nak", "sfp-foreign"),
        ("i2c-nak", "i2c-flaky=9"),
        ("vf-id", "ids=8086:10fb"),
    ],
)
def test_contraries_are_refused_by_both_names(card: Card, first: str, second: str) -> None:
    for one, other in ((first, second), (second, first)):
        card.faults.inject(one)
        with pytest.raises(ValueError, match="contradict each other") as caught:
            card.faults.inject(other)
        assert one in str(caught.value)
        assert other in str(caught.value)
        card.faults.end()


def test_an_image_without_a_place_for_it_is_no_place_for_a_fault() -> None:
    with Card() as card:
        card.image.write(0x09, 0xFFFF)
        card.image.write(0x0F, 0xFFFF)
        for fault, words in (("mac-invalid", "no LAN core section"), ("pre-production", "no firmware version")):
            with pytest.raises(ValueError, match=words):
                card.faults.inject(fault)


def test_an_empty_cage_has_no_faults() -> None:
    for fault in ("sfp-foreign", "i2c-nak", "i2c-flaky", "overtemp"):
        with Card(sfp="none") as card, pytest.raises(ValueError, match=r"no module in the cage .*plug one first"):
            card.faults.inject(fault)
