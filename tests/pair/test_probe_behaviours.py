# SPDX-License-Identifier: BSD-3-Clause
"""What the probe does on cards that are not as they should be, or not of today: a test for each behaviour."""

import errno
import logging

import pytest

from device.i82599.card import Card
from device.i82599.nvm import image as nvm_image
from device.regs.core import Register
from device.regs.i82599 import CTRL, CTRL_EXT, EIMS, EIMS_EX, GCR_EXT, HLREG0, IVAR, RXCTRL, WUS
from device.regs.pci import EXP_DEVSTA, PCI_COMMAND
from driver.core.bar import Bar
from driver.doors.config import Config, LinkStatus
from driver.errors import ProbeError
from driver.ixgbe.interrupts import IxgbeVectors, assign
from driver.ixgbe.probe import ProbeOptions, probe
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair import Wire, plain, rig
from tests.rigs.pair_door import PairDoor

OPTIONS = ProbeOptions(clock=NoWait(), cpus=2)
Logs = pytest.LogCaptureFixture


class Watch:
    def __init__(self) -> None:
        self.steps: dict[str, str] = {}

    def step(self, name: str, detail: str) -> None:
        self.steps[name] = detail


def probed(nic: Card) -> tuple[dict[str, str], dict[str, str]]:
    """What the steps said, and what the card is."""
    watch = Watch()
    with probe(PairDoor(nic), OPTIONS, watch) as adapter:
        return watch.steps, adapter.describe()


def warnings(caplog: Logs) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[type[Register], int]]:
    """Every register write of the driver."""
    seen: list[tuple[type[Register], int]] = []
    write = Bar.write

    def spy(self: Bar, reg: type[Register], value: int, n: int = 0) -> None:
        seen.append((reg, int(value)))
        write(self, reg, value, n)

    monkeypatch.setattr(Bar, "write", spy)
    return seen


# ---- what the board is ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subsystem", "port", "wakes"),
    [(0x17D0, 0, "magic packet"), (0x17D0, 1, "no"), (0x17D2, 0, "no")],
    ids=["its first port", "its second port", "another board"],
)
def test_wake_on_lan_goes_by_board_and_port(subsystem: int, port: int, wakes: str) -> None:
    with Card(lan_id=port) as nic:
        nic.faults.inject(f"stuck=PCI_SUBSYSTEM_ID:{subsystem:#x}")
        steps, about = probed(nic)
    assert about["wake_on_lan"] == wakes
    assert steps["check_wol"].endswith(f"wake on LAN {wakes}")


def test_a_slot_that_is_too_slow_is_told(nic: Card, caplog: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Config, "link_status", lambda _: LinkStatus(2.5, 4))
    steps, _ = probed(nic)
    (said,) = warnings(caplog)
    assert "PCIe limits this port: 8.000 Gb/s available, 10 Gb/s wanted" in said
    assert steps["check_minimum_link"].startswith("8.000 Gb/s")


def test_a_slot_that_is_fast_enough_is_no_news(nic: Card, caplog: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Config, "link_status", lambda _: LinkStatus(5.0, 4))
    probed(nic)
    assert warnings(caplog) == []


def test_pre_production_firmware_is_a_warning(caplog: Logs) -> None:
    image = nvm_image.build()
    image.write(0x0F, 0xFFFF)  # no firmware module
    image.seal()
    with Card(nvm=image) as nic:
        steps, _ = probed(nic)
    (said,) = warnings(caplog)
    assert "pre-production" in said
    assert steps["start_hw"].endswith("pre-production firmware")


@pytest.mark.parametrize(("version", "told"), [(5, 1), (6, 0)])
def test_firmware_up_to_version_5_is_pre_production(caplog: Logs, version: int, told: int) -> None:
    image = nvm_image.build()
    image.write(nvm_image.AT_PASS_THROUGH + 7, version)
    image.seal()
    with Card(nvm=image) as nic:
        probed(nic)
    assert len([line for line in warnings(caplog) if "pre-production" in line]) == told


def test_a_part_number_of_the_old_kind() -> None:
    image = nvm_image.build()
    image.write(0x15, 0x1234)
    image.write(0x16, 0x5678)
    image.seal()
    with Card(nvm=image) as nic:
        assert probed(nic)[1]["pba"] == "123456-078"


@pytest.mark.parametrize(("low", "high"), [(0x61C1, 0x8000), (0x8000, 0x61C1)], ids=["as usual", "the other way round"])
def test_the_etrack_id_in_either_order(low: int, high: int) -> None:
    image = nvm_image.build()
    image.write(0x2D, low)
    image.write(0x2E, high)
    image.seal()
    with Card(nvm=image) as nic:
        assert probed(nic)[1]["firmware_version"] == "0x800061c1"


@pytest.mark.parametrize("fault", ["stuck=FWSM.EXT_ERR_IND:3", "stuck=FWSM.FW_VALID:0"])
def test_firmware_that_complains_is_a_warning(nic: Card, caplog: Logs, fault: str) -> None:
    nic.faults.inject(fault)
    steps, _ = probed(nic)
    assert [line for line in warnings(caplog) if line.startswith("firmware error detected: ")]
    assert steps["check_fw_error"].startswith("error: ")


@pytest.mark.parametrize(("bit", "step"), [("MEMORY", "enable_device_mem"), ("BUS_MASTER", "set_master")])
def test_a_command_that_does_not_stick_is_an_error(nic: Card, door: PairDoor, bit: str, step: str) -> None:
    """ixgbe_probe: pci_enable_device_mem, and a card that would do no DMA."""
    nic.faults.inject(f"stuck=PCI_COMMAND.{bit}:0")
    with pytest.raises(ProbeError) as caught:
        probe(door, OPTIONS)
    assert (caught.value.code, caught.value.step) == (errno.EIO, step)


@pytest.mark.parametrize("before", [0, 1])
def test_memory_decoding_is_left_as_it_was(door: PairDoor, before: int) -> None:
    """Firmware may have switched it on, for itself."""
    door.config_write(0x04, bytes([2 * before, 0]))
    with probe(door, OPTIONS):
        assert door.config.get(PCI_COMMAND).MEMORY == 1
        seen = door.config
    assert before == seen.get(PCI_COMMAND).MEMORY


def test_whoever_waits_in_vain_fails_with_eio(door: PairDoor) -> None:
    """As Linux does; not with the ETIMEDOUT that a door may know."""

    def slow(_: object) -> str:
        raise TimeoutError(errno.ETIMEDOUT, "no answer")

    with pytest.raises(ProbeError, match="slow: ") as caught:
        probe(door, OPTIONS, steps=[("slow", slow)])
    assert caught.value.code == errno.EIO


# ---- vectors -------------------------------------------------------------------------------------------------------


def test_with_a_vector_for_every_ring_each_has_its_own(nic: Card, bar: Bar, door: PairDoor) -> None:
    assert assign(4, 2, 2) == [([0], [], []), ([1], [], []), ([], [0], []), ([], [1], [])]
    assert [share[:2] for share in assign(6, 3, 2)] == [
        ([0], []), ([1], []), ([2], []), ([], [0]), ([], [1]), ([], [])
    ]  # fmt: skip
    assert assign(3, 2, 2) == [([0], [0], []), ([1], [1], []), ([], [], [])]
    door.config_write(0x04, b"\x02\x00")
    registers = IxgbeVectors(bar)
    for vector, (rx, tx, _) in enumerate(assign(4, 2, 2)):
        for queue in rx:
            registers.map_rx(queue, vector, 0)  # type: ignore[arg-type]  # not looked at
        for queue in tx:
            registers.map_tx(queue, vector, 0)  # type: ignore[arg-type]
    ivar = nic.regs.get(IVAR)
    assert (ivar.RX0, ivar.RX1, ivar.TX0, ivar.TX1) == (0, 1, 2, 3)


# ---- what it writes ------------------------------------------------------------------------------------------------


def test_wake_status_is_cleared_once(nic: Card, writes: list[tuple[type[Register], int]]) -> None:
    probed(nic)
    assert [value for reg, value in writes if reg is WUS] == [0xFFFFFFFF]


def test_drv_load_is_set_while_the_port_is_up(nic: Card, door: PairDoor) -> None:
    with probe(door, OPTIONS) as adapter:
        assert nic.regs.get(CTRL_EXT).DRV_LOAD == 0
        adapter.up(queues=1)
        assert nic.regs.get(CTRL_EXT).DRV_LOAD == 1
        adapter.down()
        assert nic.regs.get(CTRL_EXT).DRV_LOAD == 0
        adapter.up(queues=1)
    assert nic.regs.get(CTRL_EXT).DRV_LOAD == 0


def test_the_end_leaves_it_silent_whatever_was_on(nic: Card, door: PairDoor) -> None:
    adapter = probe(door, OPTIONS)
    adapter.bar.update(RXCTRL, RXEN=1)
    adapter.bar.write(EIMS, EIMS.of(LSC=1))
    adapter.bar.write(EIMS_EX, 0xFF, 1)
    adapter.bar.update(CTRL_EXT, DRV_LOAD=1)
    adapter.close()
    assert nic.regs.get(RXCTRL).RXEN == 0
    assert int(nic.regs.get(EIMS)) == 0
    assert int(nic.regs.get(EIMS_EX, 1)) == 0
    assert nic.regs.get(CTRL_EXT).DRV_LOAD == 0


# ---- DMA that does not end -----------------------------------------------------------------------------------------


def resets(writes: list[tuple[type[Register], int]]) -> int:
    return sum(1 for reg, value in writes if reg is CTRL and (CTRL(value).RST or CTRL(value).LRST))


def test_dma_that_ends_wants_one_reset(nic: Card, writes: list[tuple[type[Register], int]]) -> None:
    probed(nic)
    assert resets(writes) == 1
    assert GCR_EXT not in [reg for reg, _ in writes]


def test_dma_that_ends_late_wants_a_second_reset(nic: Card, writes: list[tuple[type[Register], int]]) -> None:
    """And what is left in the transmit buffers is sent in a circle first."""
    nic.faults.inject("stuck=STATUS.GIO:1")
    probed(nic)
    assert resets(writes) == 2
    circle = [(reg, value) for reg, value in writes if reg in {HLREG0, GCR_EXT}]
    loops = [HLREG0(value).LPBK for reg, value in circle if reg is HLREG0]
    clears = [GCR_EXT(value).BUFFERS_CLEAR for reg, value in circle if reg is GCR_EXT]
    assert (loops[:2], clears) == ([1, 0], [1, 0])


def test_a_second_reset_is_for_this_time_only(
    nic: Card, door: PairDoor, writes: list[tuple[type[Register], int]]
) -> None:
    nic.faults.inject("stuck=STATUS.GIO:1")
    with probe(door, OPTIONS) as adapter:
        nic.faults.end()
        writes.clear()
        adapter.up(queues=1)
        adapter.down()
        assert resets(writes) == 1


def test_dma_that_never_ends_is_an_error(nic: Card, door: PairDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    nic.faults.inject("stuck=STATUS.GIO:1")
    read = Config.read

    def pending(self: Config, reg: type[Register]) -> Register:
        return EXP_DEVSTA.of(TRANSACTIONS_PENDING=1) if reg is EXP_DEVSTA else read(self, reg)

    monkeypatch.setattr(Config, "read", pending)
    with pytest.raises(ProbeError, match="PCIe primary disable timed out") as caught:
        probe(door, OPTIONS)
    assert caught.value.code == errno.EALREADY
    assert caught.value.step == "reset_hw"


# ---- polling -------------------------------------------------------------------------------------------------------


def test_a_backlog_of_sent_frames_wants_another_poll() -> None:
    """A poll completes 256 frames of a ring; as many as that means that there may be more."""
    wire = Wire()
    with rig(wire, ring_count=1024) as up:
        ring = up.adapter.tx_rings[0]
        for n in range(300):
            assert ring.post(plain(n))
            if n % 50 == 0:
                ring.flush()
                up.settle()
                wire.sent()
        ring.flush()
        up.settle()
        (napi,) = up.adapter.napis()
        assert napi.poll(64) == 64, "not complete: it must not arm the interrupt"
        assert napi.stats()["tx_work"] == 256
        assert napi.poll(64) < 64
        assert napi.stats()["tx_work"] == 300
    wire.close()
