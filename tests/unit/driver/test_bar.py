# SPDX-License-Identifier: BSD-3-Clause
import errno
import re
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from device.regs.i82599 import CTRL, EEC, RXDCTL, STATUS
from driver import compiled
from driver.core.bar import Bar
from driver.errors import DeviceGone
from tests.rigs.memory_door import MemoryDoor


class Time:
    """A clock that only sleeping moves; ``at`` acts when its time has come."""

    def __init__(self) -> None:
        self.now = 0.0
        self.at: dict[float, Callable[[], None]] = {}

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for when in [when for when in self.at if when <= self.now]:
            self.at.pop(when)()


@pytest.fixture
def door() -> MemoryDoor:
    return MemoryDoor()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def bar(door: MemoryDoor, time: Time) -> Bar:
    return Bar(door, alive=STATUS, sleep=time.sleep, clock=lambda: time.now)


def test_a_read_is_a_value_of_the_register_and_finds_its_instance(door: MemoryDoor, bar: Bar) -> None:
    door.word(0x01028 + 3 * 0x40, 1 << 25)  # RXDCTL[3].ENABLE
    assert bar.read(RXDCTL, 3).ENABLE == 1
    assert bar.read(RXDCTL, 2).ENABLE == 0
    assert isinstance(bar.read(RXDCTL), RXDCTL)


def test_a_write_is_little_endian_at_the_datasheet_offset(door: MemoryDoor, bar: Bar) -> None:
    bar.write(RXDCTL, RXDCTL.of(ENABLE=1), 64)
    assert door.memory[0x0D028:0x0D02C] == b"\x00\x00\x00\x02"


def test_update_changes_only_the_named_fields(door: MemoryDoor, bar: Bar) -> None:
    door.word(0x01028, 0x40000000)
    assert bar.update(RXDCTL, ENABLE=1) == 0x42000000
    assert bar.read_offset(0x01028) == 0x42000000


@pytest.mark.parametrize("value", [-1, 1 << 32])
def test_a_value_that_does_not_fit_is_refused_before_the_bus(door: MemoryDoor, bar: Bar, value: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        bar.write(CTRL, value)
    with pytest.raises(ValueError, match="does not fit"):
        bar.write_offset(0, value)
    assert door.memory[0:4] == bytes(4)


def test_a_value_of_another_register_is_refused(bar: Bar) -> None:
    with pytest.raises(TypeError, match="CTRL: got a value of STATUS"):
        bar.write(CTRL, STATUS(0))


def test_an_instance_that_does_not_exist_is_refused(bar: Bar) -> None:
    with pytest.raises(IndexError, match="RXDCTL"):
        bar.read(RXDCTL, 128)


def test_wait_returns_when_the_field_has_its_value(door: MemoryDoor, bar: Bar, time: Time) -> None:
    time.at[0.001] = lambda: door.word(0x01028, 1 << 25)
    assert bar.wait(RXDCTL, timeout_s=0.01, ENABLE=1).ENABLE == 1
    assert 0.001 <= time.now < 0.002


def test_wait_gives_up_and_names_register_wanted_and_seen(door: MemoryDoor, bar: Bar, time: Time) -> None:
    door.word(0x01028 + 0x40, 1 << 30)
    with pytest.raises(TimeoutError, match=r"memory: waited 0.01 s for RXDCTL\[1\] ENABLE=1, last read .*VME=1"):
        bar.wait(RXDCTL, 1, timeout_s=0.01, ENABLE=1)
    assert 0.01 <= time.now < 0.011


def test_wait_without_time_still_reads_once(door: MemoryDoor, bar: Bar, time: Time) -> None:
    door.word(0x01028, 1 << 25)
    assert bar.wait(RXDCTL, timeout_s=0, ENABLE=1).ENABLE == 1
    assert time.now == 0


def test_wait_looks_once_more_after_the_deadline(door: MemoryDoor, bar: Bar, time: Time) -> None:
    time.at[0.01] = lambda: door.word(0x01028, 1 << 25)
    assert bar.wait(RXDCTL, timeout_s=0.01, ENABLE=1).ENABLE == 1


def test_wait_for_a_field_that_does_not_exist_names_those_that_do(bar: Bar) -> None:
    with pytest.raises(ValueError, match=r"no field ENABEL; it has .*ENABLE"):
        bar.wait(RXDCTL, timeout_s=0, ENABEL=1)


def test_all_ones_with_a_sane_status_is_a_value(door: MemoryDoor, bar: Bar) -> None:
    door.word(EEC.offset(), 0xFFFFFFFF)
    assert bar.read(EEC) == 0xFFFFFFFF


def test_all_ones_and_status_too_is_a_function_that_left(door: MemoryDoor, bar: Bar) -> None:
    door.word(EEC.offset(), 0xFFFFFFFF)
    door.word(STATUS.offset(), 0xFFFFFFFF)
    with pytest.raises(DeviceGone, match="memory: EEC and STATUS read all ones"):
        bar.read(EEC)


def test_without_a_register_that_tells_all_ones_are_a_value(door: MemoryDoor) -> None:
    for register in (EEC, STATUS):
        door.word(register.offset(), 0xFFFFFFFF)
    bar = Bar(door)
    assert bar.read(EEC) == 0xFFFFFFFF
    assert bar.read(STATUS) == 0xFFFFFFFF
    bar.flush()
    assert compiled.ffi.cast("struct mmio *", bar.mmio).reads == 3


def test_a_closed_door_is_a_device_that_is_gone(door: MemoryDoor, bar: Bar) -> None:
    door.close()
    for _ in range(2):
        with pytest.raises(DeviceGone, match="memory: CTRL"):
            bar.read(CTRL)
        with pytest.raises(DeviceGone, match="memory: CTRL"):
            bar.write(CTRL, 0)


@pytest.mark.parametrize("offset", [0x20000, 0x1FFFE, 2, 1 << 40])
def test_outside_the_bar_is_refused_once_and_the_bar_lives_on(bar: Bar, offset: int) -> None:
    with pytest.raises(OSError, match="BAR 0") as caught:
        bar.read_offset(offset)
    assert caught.value.errno == errno.EINVAL
    with pytest.raises(OSError, match="BAR 0"):
        bar.write_offset(offset, 1)
    assert bar.read_offset(0) == 0


def test_accesses_are_counted(bar: Bar) -> None:
    bar.flush()
    bar.write(CTRL, 0)
    window = compiled.ffi.cast("struct mmio *", bar.mmio)
    assert (window.reads, window.writes) == (1, 1)


@pytest.mark.parametrize(("offset", "size"), [(1, 4096), (0, 4095), (128 * 4096, 4096)])
def test_only_whole_pages_inside_the_window_can_be_mapped(door: MemoryDoor, offset: int, size: int) -> None:
    with pytest.raises(ValueError, match="not page aligned, or beyond 128 pages"):
        compiled.mmio_map(door.mmio, offset, compiled.buffer_at(door.memory, 0, size))


def test_the_type_stub_names_every_function_of_the_headers(root: Path) -> None:
    headers = runpy.run_path(str(root / "driver/csrc/build_core.py"))["HEADERS"]
    header = re.sub(r"/\*.*?\*/", "", "\n".join(path.read_text() for path in headers), flags=re.DOTALL)
    functions = set(re.findall(r"^(?!typedef)[a-z].*?\b(\w+)\([^;{]*\);", header, flags=re.MULTILINE))
    stub = (root / "driver/_core.pyi").read_text()
    assert functions >= {"mmio_read32", "vfu_client_call"}
    assert functions == set(re.findall(r"def (\w+)\(", stub))
    assert set(re.findall(r"^extern .*?(\w+);", header, flags=re.MULTILINE)) == {
        "i82599_ring_ops",
        "i82599_rsc_ring_ops",
    }
    assert set(re.findall(r"#define (\w+) ", header)) == set(re.findall(r"^    (\w+): Final", stub, flags=re.MULTILINE))
