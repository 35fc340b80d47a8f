# SPDX-License-Identifier: BSD-3-Clause
"""The probe on the real device core: what it finds, what it refuses, and that nothing is left when it fails."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.i82599.card import Card
from device.i82599.nvm import image as nvm_image
from device.machine.wire.loopback import LoopbackPort
from device.regs.i82599 import CTRL_EXT, EIMS, EIMS_EX, ESDP, IVAR, IVAR_MISC, MPSAR, RAH, RAL, RXCTRL
from device.regs.pci import PCI_COMMAND
from driver import claim
from driver.core.irq import IrqTracker, MsiMap
from driver.doors.door import IrqKind
from driver.errors import Busy, ProbeError
from driver.ixgbe.adapter import Adapter
from driver.ixgbe.hw.info import DEVICES, VF_DEVICES
from driver.ixgbe.hw.phy import SfpType
from driver.ixgbe.probe import STEPS, ProbeOptions, Probing, probe
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair_door import PairDoor

MAC = "02:00:00:82:59:90"
OPTIONS = ProbeOptions(clock=NoWait(), cpus=4)


class Watch:
    def __init__(self) -> None:
        self.steps: list[tuple[str, str]] = []

    def step(self, name: str, detail: str) -> None:
        self.steps.append((name, detail))


def fds() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.fixture
def adapter(door: PairDoor) -> Iterator[Adapter]:
    with probe(door, OPTIONS) as adapter:
        yield adapter


def clean(nic: Card, door: PairDoor) -> None:
    """Nothing mapped, claimed, able to interrupt or to do DMA."""
    assert door.maps == {}
    assert claim.holder(door.name) == ""
    assert not nic.pf.bus_master
    config = door.config.get(PCI_COMMAND)
    assert (config.BUS_MASTER, config.MEMORY) == (0, 0)
    assert int(nic.regs.get(EIMS)) == 0
    assert [int(nic.regs.get(EIMS_EX, n)) for n in range(2)] == [0, 0]
    assert nic.regs.get(RXCTRL).RXEN == 0
    assert nic.regs.get(CTRL_EXT).DRV_LOAD == 0
    with pytest.raises(OSError, match="closed"):
        door.config_read(0, 2)


# ---- a good card -------------------------------------------------------------------------------------------------


def test_probe_takes_the_steps_in_the_kernels_order(nic: Card, door: PairDoor) -> None:
    watch = Watch()
    with probe(door, OPTIONS, watch) as adapter:
        assert [name for name, _ in watch.steps] == [name for name, _ in STEPS]
        assert all(detail for _, detail in watch.steps)
        assert adapter.mac == MAC
        assert adapter.describe()["sfp"] == "SRLR_CORE0"
        assert adapter.hw.info is DEVICES[0x10FB].info
        assert adapter.describe()["bus"] == "5.0 GT/s x8"
        found = dict(watch.steps)
        assert found["select_eeprom"].startswith("EERD")
        assert "MAC: 2, PHY: 20, SFP+: 5" in found["read_pba"]
        assert found["check_minimum_link"].startswith("32.000 Gb/s")
        assert nic.regs.get(ESDP).SDP3 == 1  # laser off
        assert claim.holder(door.name).startswith(f"pid {os.getpid()} ")
        assert int(nic.regs.get(EIMS)) == 0
    clean(nic, door)
    assert nic.regs.unknown == {}


def test_close_twice_is_close_once(nic: Card, door: PairDoor) -> None:
    adapter = probe(door, OPTIONS)
    adapter.close()
    adapter.close()
    clean(nic, door)


def test_default_filter_is_the_address_of_the_eeprom(nic: Card, adapter: Adapter) -> None:
    address = bytes.fromhex(MAC.replace(":", ""))
    assert int(nic.regs.get(RAL)).to_bytes(4, "little") + nic.regs.get(RAH).RAH.to_bytes(2, "little") == address
    assert nic.regs.get(RAH).AV == 1
    assert [int(nic.regs.get(MPSAR, n)) for n in range(2)] == [1, 0], "pool 0"
    assert adapter.hw.mac.address == address


def test_eeprom_words_and_module_bytes_are_readable(nic: Card, adapter: Adapter) -> None:
    assert adapter.read_eeprom(64) == [nic.nvm.image.read(word) for word in range(64)]
    assert bytes(adapter.read_module(0xA0, n) for n in range(20, 36)).startswith(b"Intel")


def test_a_second_driver_is_told_who_has_the_card(nic: Card, adapter: Adapter, door: PairDoor) -> None:
    with pytest.raises(Busy, match=f"in use by pid {os.getpid()}") as caught:
        probe(PairDoor(nic, door.name), OPTIONS)
    assert caught.value.errno == errno.EBUSY
    assert claim.holder(door.name)


def test_without_a_valid_image_in_the_chip_words_are_read_bit_by_bit(port: LoopbackPort) -> None:
    image = nvm_image.build()
    image.write(0, image.read(0) ^ 0x00C0)  # the signature bits
    image.seal()
    watch = Watch()
    with Card(mac=MAC, nvm=image, port=port) as nic, probe(PairDoor(nic), OPTIONS, watch) as adapter:
        assert adapter.hw.eeprom.bit_bang
        assert adapter.mac == MAC
    assert dict(watch.steps)["select_eeprom"].startswith("EEC.PRES=0: bit-bang")


def test_bit_banged_words_are_those_of_eerd(adapter: Adapter) -> None:
    eeprom = adapter.hw.eeprom
    for word in (0, 0x15, 0x2B, 0x3F, 0x120, 0x1FFF):
        assert eeprom.read_bit_bang(word) == eeprom.read_eerd(word)


# ---- interrupts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("queues", [1, 2, 4, 16, 63])
def test_one_vector_per_pair_and_the_last_for_everything_else(nic: Card, door: PairDoor, queues: int) -> None:
    with probe(door, ProbeOptions(clock=NoWait(), cpus=4, queues=queues)) as adapter:
        adapter.scheme.configure(50)
        assert [vector.reg_idx for vector in adapter.q_vectors] == list(range(queues))
        for queue in range(queues):
            ivar = nic.regs.get(IVAR, queue // 2)
            way = queue % 2
            assert (getattr(ivar, f"RX{way}"), getattr(ivar, f"RX{way}_VALID")) == (queue, 1)
            assert (getattr(ivar, f"TX{way}"), getattr(ivar, f"TX{way}_VALID")) == (queue, 1)
        assert (queues, 1) == (nic.regs.get(IVAR_MISC).OTHER, nic.regs.get(IVAR_MISC).OTHER_VALID)


def test_64_pairs_share_63_vectors(door: PairDoor) -> None:
    with probe(door, ProbeOptions(clock=NoWait(), cpus=4, queues=64)) as adapter:
        served = [vector.rx_container.queues for vector in adapter.q_vectors]
        assert served[0] == [0, 63]
        assert sorted(queue for queues in served for queue in queues) == list(range(64))


@pytest.mark.parametrize("kind", [IrqKind.MSI, IrqKind.INTX])
def test_without_msix_there_is_one_pair_on_one_interrupt(door: PairDoor, kind: IrqKind) -> None:
    with probe(door, ProbeOptions(clock=NoWait(), cpus=4, interrupts=(kind,))) as adapter:
        assert adapter.scheme.kind is kind
        assert adapter.scheme.queues == len(adapter.q_vectors) == 1


def test_fallback_from_msix_to_msi_to_intx(nic: Card) -> None:
    for fault, kind in (("few-msix=1", IrqKind.MSI), ("irq-refused=msi", IrqKind.INTX)):
        nic.faults.inject(fault)
        with probe(PairDoor(nic), OPTIONS) as adapter:
            assert adapter.scheme.kind is kind


def test_no_interrupt_at_all(nic: Card, door: PairDoor) -> None:
    for kind in ("msix", "msi", "intx"):
        nic.faults.inject(f"irq-refused={kind}")
    with pytest.raises(ProbeError, match="no interrupt") as caught:
        probe(door, OPTIONS)
    assert caught.value.code == errno.EIO
    clean(nic, door)


def test_no_vector_left_for_other_causes_gives_all_back(
    nic: Card, door: PairDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    alloc = IrqTracker.alloc_irq
    given: list[MsiMap] = []

    def all_but_the_last(self: IrqTracker, dyn: bool = False) -> MsiMap:
        if len(given) == 4:
            return MsiMap(-errno.ENOENT)
        given.append(alloc(self, dyn))
        return given[-1]

    monkeypatch.setattr(IrqTracker, "alloc_irq", all_but_the_last)
    freed: list[int] = []
    free = IrqTracker.free_irq

    def spy(self: IrqTracker, irq: MsiMap) -> None:
        freed.append(irq.index)
        free(self, irq)

    monkeypatch.setattr(IrqTracker, "free_irq", spy)
    before = fds()
    assert refused(nic, door).code == errno.ENOENT
    assert sorted(freed) == [0, 1, 2, 3]
    assert fds() <= before


# ---- cards we refuse ---------------------------------------------------------------------------------------------


def refused(nic: Card, door: PairDoor, options: ProbeOptions = OPTIONS) -> ProbeError:
    with pytest.raises(ProbeError) as caught:
        probe(door, options)
    clean(nic, door)
    return caught.value


@pytest.mark.parametrize("device", sorted(VF_DEVICES))
def test_a_virtual_function_is_refused_with_einval(nic: Card, door: PairDoor, device: int) -> None:
    nic.faults.inject(f"ids=8086:{device:04x}")
    with pytest.raises(ProbeError, match="should not be a VF") as caught:
        probe(door, OPTIONS)
    assert caught.value.code == errno.EINVAL
    assert nic.report().counters["reg_reads"] == 0


@pytest.mark.parametrize(("vendor", "device"), [(0x8086, 0x1572), (0x1AF4, 0x10FB)])
def test_a_stranger_is_named_and_not_touched(nic: Card, door: PairDoor, vendor: int, device: int) -> None:
    nic.faults.inject(f"ids={vendor:04x}:{device:04x}")
    with pytest.raises(ProbeError, match=f"is {vendor:04x}:{device:04x}; this driver knows .*8086:10fb") as caught:
        probe(door, OPTIONS)
    assert caught.value.code == errno.ENODEV
    assert nic.report().counters["reg_reads"] == 0


def test_siblings_are_driven_by_the_same_operations(nic: Card, door: PairDoor) -> None:
    nic.faults.inject("ids=8086:154d")
    with probe(door, OPTIONS) as adapter:
        assert adapter.describe()["device"] == "82599 dual SFP+ (SF2)"


@pytest.mark.parametrize("word", [0x00, 0x10, 0x3E, 0x3F])
def test_a_wrong_checksum_is_eio(nic: Card, door: PairDoor, word: int) -> None:
    nic.faults.inject(f"nvm={word}:{nic.image.read(word) ^ 0x0100}")
    error = refused(nic, door)
    assert error.code == errno.EIO
    assert "checksum is not valid" in str(error)


def test_a_checksum_pointer_into_nowhere_ends(tmp_path: Path) -> None:
    image = nvm_image.build()
    image.write(0x04, 0x1FF0)
    image.write(0x1FF0, 0xFFF0)  # a section longer than the part
    with Card(nvm=image) as nic:
        assert refused(nic, PairDoor(nic)).code == errno.EIO


@pytest.mark.parametrize(("mac", "why"), [("01:00:5e:00:00:01", "multicast"), ("00:00:00:00:00:00", "zero")])
def test_an_address_no_station_has_is_eio(mac: str, why: str) -> None:
    with Card(mac=mac) as nic:
        error = refused(nic, PairDoor(nic))
    assert error.code == errno.EIO
    assert f"invalid MAC address {mac}: {why}" in str(error)


def test_a_stuck_reset_is_eio(nic: Card, door: PairDoor) -> None:
    nic.faults.inject("stuck=CTRL.RST:1")
    assert "reset polling failed" in str(refused(nic, door))


# ---- modules -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "sfp_type"), [("sr", 5), ("lr", 5), ("da", 3)])
def test_modules_by_kind(kind: str, sfp_type: int) -> None:
    with Card(sfp=kind) as nic, probe(PairDoor(nic), OPTIONS) as adapter:
        assert adapter.hw.phy.sfp_type == sfp_type


@pytest.mark.parametrize(("kind", "sfp_type"), [("sr", 6), ("da", 4)])
def test_the_second_port_has_its_own_numbers(kind: str, sfp_type: int) -> None:
    with Card(sfp=kind, lan_id=1) as nic, probe(PairDoor(nic), OPTIONS) as adapter:
        assert adapter.hw.phy.sfp_type == sfp_type


def test_an_empty_cage_is_no_error() -> None:
    watch = Watch()
    with Card(sfp="none") as nic, probe(PairDoor(nic), OPTIONS, watch) as adapter:
        assert adapter.hw.phy.sfp_type is SfpType.NOT_PRESENT
        assert "no SFP+ module" in dict(watch.steps)["reset_hw"]


def strict_image() -> nvm_image.Image:
    """A card that does not allow any vendor's module (word 0x2C, bit 0)."""
    image = nvm_image.build()
    image.write(0x2C, 0)
    image.seal()
    return image


def test_a_foreign_vendor_on_a_strict_card() -> None:
    with Card(nvm=strict_image()) as nic:
        nic.faults.inject("module=0x25:0x12")
        error = refused(nic, PairDoor(nic))
        assert error.code == errno.EOPNOTSUPP
        assert "unsupported SFP+ or QSFP module type was detected" in str(error)
        allowed = ProbeOptions(clock=NoWait(), cpus=2, allow_unsupported_sfp=True)
        with probe(PairDoor(nic), allowed) as adapter:
            assert adapter.hw.phy.sfp_type is SfpType.SRLR_CORE0


@pytest.mark.parametrize(
    ("faults", "why"),
    [
        (["module=0:0x0D"], "of kind 0x0d"),
        (["module=3:0"], "neither 10GBASE-SR/LR nor a cable"),
    ],
)
def test_modules_nobody_can_drive(nic: Card, door: PairDoor, faults: list[str], why: str) -> None:
    for fault in faults:
        nic.faults.inject(fault)
    options = ProbeOptions(clock=NoWait(), cpus=2, allow_unsupported_sfp=True)
    error = refused(nic, door, options)
    assert error.code == errno.EOPNOTSUPP
    assert why in str(error)


def test_a_module_without_settings_in_the_eeprom() -> None:
    image = nvm_image.build()
    listing = image.read(0x2B)
    image.write(listing + 1, 0xFFFF)
    image.seal()
    with Card(nvm=image) as nic:
        error = refused(nic, PairDoor(nic))
    assert error.code == errno.EOPNOTSUPP
    assert "no entry for kind 5" in str(error)


def test_an_eeprom_without_module_settings() -> None:
    image = nvm_image.build()
    image.write(0x2B, 0xFFFF)
    image.seal()
    with Card(nvm=image) as nic:
        assert refused(nic, PairDoor(nic)).code == errno.EIO


# ---- failure at every step ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", range(len(STEPS)), ids=[name for name, _ in STEPS])
@pytest.mark.parametrize("when", ["before", "after"])
def test_failure_at_any_step_leaves_nothing(nic: Card, door: PairDoor, at: int, when: str) -> None:
    before = fds()

    def fail(p: Probing) -> str:
        if when == "after":
            STEPS[at][1](p)
        raise TimeoutError("nobody answers")

    steps = [*STEPS[:at], (STEPS[at][0], fail), *STEPS[at + 1 :]]
    with pytest.raises(ProbeError, match=f"{STEPS[at][0]}: nobody answers") as caught:
        probe(door, OPTIONS, steps=steps)
    assert caught.value.code == errno.EIO
    clean(nic, door)
    assert fds() <= before
    with probe(PairDoor(nic), OPTIONS) as adapter:  # and the card is as good as new
        assert adapter.mac == MAC


def test_dma_mask_falls_back_to_32_bits(nic: Card, door: PairDoor) -> None:
    nic.faults.inject("dma-reach=32")
    watch = Watch()
    with probe(door, OPTIONS, watch) as adapter:
        assert dict(watch.steps)["set_dma_mask"].startswith("32 bit")
        adapter.up(queues=1)
        assert all(iova + size <= 2**32 for iova, size in door.maps.items())


def test_no_dma_at_all(nic: Card, door: PairDoor) -> None:
    nic.faults.inject("dma-reach=0")
    assert "no usable DMA configuration" in str(refused(nic, door))
