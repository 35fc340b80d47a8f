# SPDX-License-Identifier: BSD-3-Clause
"""What the probe does about firmware and NVM as stock ixgbe does it: versions, addresses, who holds the link."""

import pytest

from device.i82599.card import Card
from device.i82599.nvm import image as nvm_image
from device.machine.wire import NullPort
from device.regs.core import Register
from device.regs.i82599 import AUTOC, CORECTL, ESDP, FLEX_MNG, GSSR, HICR, MANC, MPSAR, PCS1GANA, RAH, RAL
from device.regs.i82599.general import FwMode
from device.regs.pci import EXP_DEVCTL
from driver.core.bar import Bar
from driver.doors.config import Config
from driver.ixgbe.hw.link import FlowControl
from driver.ixgbe.probe import ProbeOptions, probe
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair import Wire, plain, rig
from tests.rigs.pair_door import PairDoor

OPTIONS = ProbeOptions(clock=NoWait(), cpus=2)
LAST_RAR = RAL.count - 1


def described(image: nvm_image.Image, lan_id: int = 0) -> dict[str, str]:
    """What the probe says of a card with this NVM."""
    image.seal()
    with Card(nvm=image, lan_id=lan_id) as nic, probe(PairDoor(nic), OPTIONS) as adapter:
        return adapter.describe()


# ---- versions ------------------------------------------------------------------------------------------------------


def image_with(**blocks: dict[int, int]) -> nvm_image.Image:
    image = nvm_image.build()
    for words in blocks.values():
        for word, value in words.items():
            image.write(word, value)
    return image


OEM = {0x1B: 0x300, 0x300: 3, 0x301: 0x10, 0x302: 0x1234, 0x303: 0x5}
BOOT_ROM = {0x17: 0x400, 0x400 + 0x83: 0x0112, 0x400 + 0x84: 0x3405}


def test_the_makers_version_is_the_firmware_version() -> None:
    assert described(image_with(oem=OEM, rom=BOOT_ROM))["firmware_version"] == "12.34.5"


@pytest.mark.parametrize("spoilt", [{0x1B: 0}, {0x300: 4}, {0x301: 1}, {0x302: 0xFFFF}, {0x302: 0, 0x303: 0}])
def test_a_makers_version_that_is_none(spoilt: dict[int, int]) -> None:
    assert described(image_with(oem=OEM | spoilt))["firmware_version"] == "0x800061c1"


def test_the_boot_rom_version_stands_behind_the_etrack_id() -> None:
    assert described(image_with(rom=BOOT_ROM))["firmware_version"] == "0x800061c1, 1.4660.5"


@pytest.mark.parametrize("spoilt", [{0x17: 0}, {0x483: 0xFFFF}, {0x484: 0xFFFF}, {0x483: 0, 0x484: 0}])
def test_a_boot_rom_version_that_is_none(spoilt: dict[int, int]) -> None:
    assert described(image_with(rom=BOOT_ROM | spoilt))["firmware_version"] == "0x800061c1"


# ---- the storage address -------------------------------------------------------------------------------------------


def rar(nic: Card, index: int) -> tuple[str, int]:
    raw = int(nic.regs.get(RAL, index)).to_bytes(4, "little") + nic.regs.get(RAH, index).RAH.to_bytes(2, "little")
    return raw.hex(":"), nic.regs.get(RAH, index).AV


def pools(nic: Card, index: int) -> tuple[int, int]:
    return int(nic.regs.get(MPSAR, 2 * index)), int(nic.regs.get(MPSAR, 2 * index + 1))


def test_the_storage_address_has_the_last_place(nic: Card, door: PairDoor) -> None:
    with probe(door, OPTIONS) as adapter:
        assert adapter.describe()["san_mac"] == "02:00:00:82:59:92"
        assert rar(nic, LAST_RAR) == ("02:00:00:82:59:92", 1)
        assert pools(nic, LAST_RAR) == pools(nic, 0) == (1, 0)
        adapter.up(queues=1)
        adapter.reinit()
        assert rar(nic, LAST_RAR) == ("02:00:00:82:59:92", 1)
        assert pools(nic, LAST_RAR) == (1, 0)
        assert len(adapter.hw.mac.table) == LAST_RAR, "nobody else gets its place"


def test_frames_to_it_arrive() -> None:
    wire = Wire()
    with rig(wire) as up:
        wire.inject(plain(1, dst="02:00:00:82:59:92"), plain(2, dst="02:00:00:82:59:93"))
        assert up.take() == [plain(1, dst="02:00:00:82:59:92")]
    wire.close()


def test_the_second_port_has_its_own() -> None:
    assert described(nvm_image.build(), 1)["san_mac"] != described(nvm_image.build())["san_mac"]


def test_a_card_may_have_its_functions_swapped(nic: Card, door: PairDoor) -> None:
    nic.faults.inject("stuck=FACTPS.LFS:1")
    with probe(door, OPTIONS) as adapter:
        assert (adapter.hw.lan_id, adapter.hw.function) == (0, 1)
        assert adapter.describe()["san_mac"] == "02:00:00:82:59:93"


@pytest.mark.parametrize("words", [{0x28: 0xFFFF}, {0x28: 0}, {0x170: 0x0001}, {0x170: 0, 0x171: 0, 0x172: 0}])
def test_a_card_without_one(words: dict[int, int]) -> None:
    image = image_with(san=words)
    image.seal()
    with Card(nvm=image) as nic, probe(PairDoor(nic), OPTIONS) as adapter:
        assert adapter.describe()["san_mac"] == "none"
        assert rar(nic, LAST_RAR)[1] == 0
        assert len(adapter.hw.mac.table) == LAST_RAR + 1


# ---- a word to firmware --------------------------------------------------------------------------------------------


@pytest.fixture
def commands(nic: Card, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Firmware that answers; returns what it was told."""
    told: list[bytes] = []
    write = Bar.write

    def spy(self: Bar, reg: type[Register], value: int, n: int = 0) -> None:
        write(self, reg, value, n)
        if reg is HICR and HICR(int(value)).C:
            told.append(b"".join(int(nic.regs.get(FLEX_MNG, at)).to_bytes(4, "little") for at in range(3)))
            nic.regs.put(FLEX_MNG, 0, 0x000105DD)
            nic.regs.put(HICR, 0, int(HICR.of(EN=1, SV=1)))

    monkeypatch.setattr(Bar, "write", spy)
    nic.regs.put(HICR, 0, int(HICR.of(EN=1)))
    return told


def steps_of(nic: Card) -> dict[str, str]:
    seen: dict[str, str] = {}

    class Watch:
        def step(self, name: str, detail: str) -> None:
            seen[name] = detail

    with probe(PairDoor(nic), OPTIONS, Watch()):
        return seen


def test_firmware_is_told_that_a_driver_is_here(nic: Card, commands: list[bytes]) -> None:
    assert steps_of(nic)["set_fw_drv_ver"] == "told, at try 1"
    (block,) = commands
    assert (block[0], block[1], block[4:9]) == (0xDD, 5, b"\0\xff\xff\xff\xff")
    assert sum(block) % 256 == 0
    assert int(nic.regs.get(GSSR)) == 0


def test_an_answer_that_is_not_valid_is_none(nic: Card, commands: list[bytes]) -> None:
    nic.faults.inject("stuck=HICR.SV:0")
    assert steps_of(nic)["set_fw_drv_ver"] == "nobody there to be told"
    assert len(commands) == 4


def test_without_firmware_four_tries_are_enough(nic: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    read, reads = Bar.read, [0]

    def spy(self: Bar, reg: type[Register], n: int = 0) -> Register:
        reads[0] += reg is HICR
        return read(self, reg, n)

    monkeypatch.setattr(Bar, "read", spy)
    assert steps_of(nic)["set_fw_drv_ver"] == "nobody there to be told"
    assert reads == [4]
    assert int(nic.regs.get(GSSR)) == 0


def test_firmware_that_never_answers_costs_half_a_second_a_try(nic: Card, door: PairDoor) -> None:
    for field in ("EN", "C"):
        nic.faults.inject(f"stuck=HICR.{field}:1")
    with probe(door, OPTIONS) as adapter:
        start_s = adapter.hw.clock.now_s()
        assert adapter.hw.firmware.tell_driver_version() == 0
        assert 2.0 <= adapter.hw.clock.now_s() - start_s < 2.2
    assert int(nic.regs.get(GSSR)) == 0


# ---- who holds the link --------------------------------------------------------------------------------------------


def test_a_veto_of_firmware_keeps_the_link_and_the_laser_as_they_are(nic: Card, door: PairDoor) -> None:
    nic.faults.inject("stuck=MMNGC.MNG_VETO:1")
    with probe(door, OPTIONS) as adapter:
        assert nic.regs.get(ESDP).SDP3 == 0
        before = int(nic.regs.get(AUTOC))
        adapter.hw.link.write_autoc(AUTOC.of(LMS=1))
        assert int(nic.regs.get(AUTOC)) == before
    assert nic.regs.get(ESDP).SDP3 == 0


def test_firmware_that_uses_the_port_keeps_the_laser_on(nic: Card, door: PairDoor) -> None:
    nic.faults.inject(f"stuck=FWSM.MODE:{FwMode.PASS_THROUGH}")
    nic.regs.put(MANC, 0, 0x20000)
    with probe(door, OPTIONS) as adapter:
        assert adapter.hw.link.managed()
        assert nic.regs.get(ESDP).SDP3 == 0
        adapter.up(queues=1)
        adapter.down()
        assert nic.regs.get(ESDP).SDP3 == 0


@pytest.mark.parametrize("fault", ["stuck=FACTPS.MNGCG:1", "stuck=FWSM.MODE:0", ""])
def test_firmware_that_does_not_use_the_port_has_no_say(nic: Card, door: PairDoor, fault: str) -> None:
    if fault:
        nic.faults.inject(f"stuck=FWSM.MODE:{FwMode.PASS_THROUGH}")
        nic.faults.inject(fault)
        nic.regs.put(MANC, 0, 0x20000)
    with probe(door, OPTIONS) as adapter:
        assert not adapter.hw.link.managed()
        assert nic.regs.get(ESDP).SDP3 == 1


def test_a_modules_settings_are_written_under_their_semaphore(monkeypatch: pytest.MonkeyPatch) -> None:
    image = nvm_image.build()
    at = image.read(nvm_image.AT_SFP_LIST + 6)  # kind 5's data
    image.write(at + 1, 0x1234)
    image.write(at + 2, 0xFFFF)
    image.seal()
    held: list[int] = []
    with NullPort() as port, Card(nvm=image, port=port) as nic:
        write = Bar.write

        def spy(self: Bar, reg: type[Register], value: int, n: int = 0) -> None:
            if reg is CORECTL:
                held.append(nic.regs.get(GSSR).MAC_CSR)
            write(self, reg, value, n)

        monkeypatch.setattr(Bar, "write", spy)
        with probe(PairDoor(nic), OPTIONS):
            assert held == [1]
            assert int(nic.regs.get(GSSR)) == 0


@pytest.mark.parametrize(
    ("flow_control", "bits"),
    [(FlowControl.NONE, 0), (FlowControl.TX, 0x100), (FlowControl.RX, 0x180), (FlowControl.FULL, 0x180)],
)
def test_pauses_are_offered_to_the_far_end(nic: Card, door: PairDoor, flow_control: FlowControl, bits: int) -> None:
    with probe(door, ProbeOptions(clock=NoWait(), cpus=2, flow_control=flow_control)):
        assert int(nic.regs.get(PCS1GANA)) & 0x180 == bits


# ---- errors of the bus ---------------------------------------------------------------------------------------------


def test_errors_are_reported_while_it_is_driven(door: PairDoor) -> None:
    before = Config(door).read(EXP_DEVCTL)
    with probe(door, OPTIONS):
        assert Config(door).read(EXP_DEVCTL) == before.replace(COR_EN=1, NONFATAL_EN=1, FATAL_EN=1, UR_EN=1)
    assert door.config.get(EXP_DEVCTL) == before


def test_a_function_that_cannot_tell_of_what_kind_they_are_is_let_be(
    nic: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Config, "find_extended", lambda _self, _cap: 0)
    door = PairDoor(nic)
    before = door.config.get(EXP_DEVCTL)
    with probe(door, OPTIONS):
        assert door.config.get(EXP_DEVCTL) == before
