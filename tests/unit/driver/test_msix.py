# SPDX-License-Identifier: BSD-3-Clause
"""The MSI-X table of a door: what is enabled at once, what is added later, and what each refusal leaves behind."""

import errno
import os
from collections.abc import Iterator, Sequence

import pytest

from driver.core.irq import MsiMap
from driver.core.msix import DoorMsix
from driver.doors.door import FewerIrqsError, IrqKind
from driver.errors import DeviceGone
from tests.rigs.counts import fd_count
from tests.rigs.memory_door import MemoryDoor


class Table(MemoryDoor):
    """A function whose system grants some of its vectors, and that remembers which are armed."""

    def __init__(self, granted: int = 64, *, dynamic: bool = True) -> None:
        super().__init__()
        self.granted = granted
        self.dynamic = dynamic
        self.armed: dict[int, int] = {}
        self.fail: Exception | None = None
        self.asked: list[int] = []

    def irq_enable(self, kind: IrqKind, eventfds: Sequence[int]) -> None:
        self.asked.append(len(eventfds))
        if len(eventfds) > self.granted:
            raise FewerIrqsError(self.name, kind, len(eventfds), self.granted)
        self.armed = dict(enumerate(eventfds))

    def irq_disable(self, kind: IrqKind) -> None:
        self.armed = {}

    def irq_dynamic(self, kind: IrqKind) -> bool:
        return self.dynamic

    def irq_arm(self, kind: IrqKind, index: int, eventfd: int) -> None:
        if self.fail:
            raise self.fail
        self.armed[index] = eventfd

    def irq_disarm(self, kind: IrqKind, index: int) -> None:
        if self.fail:
            raise self.fail
        del self.armed[index]


@pytest.fixture(autouse=True)
def _no_file_left() -> Iterator[None]:
    before = fd_count()
    yield
    assert fd_count() <= before + 1, "the door's memory is one file at most"


def test_what_the_system_has_decides() -> None:
    door = Table(granted=5)
    table = DoorMsix(door)
    assert table.enable(2, 9) == 5
    assert door.asked == [9, 5]
    assert sorted(door.armed) == list(range(5))
    table.disable()
    assert door.armed == {}


@pytest.mark.parametrize("granted", [0, 1])
def test_fewer_than_the_least_are_none(granted: int) -> None:
    door = Table(granted=granted)
    table = DoorMsix(door)
    assert table.enable(2, 9) == -errno.ENOSPC
    assert door.armed == {}
    assert table.irq_fd(0) == -errno.EINVAL


def test_a_vector_is_added_beside_others_and_taken_back() -> None:
    door = Table()
    table = DoorMsix(door)
    assert table.can_alloc_dyn
    assert table.enable(2, 3) == 3
    added = table.alloc_at(7)
    assert (added.index, table.irq_fd(7)) == (7, added.irq_fd)
    assert sorted(door.armed) == [0, 1, 2, 7]
    assert door.armed[7] == added.irq_fd
    os.eventfd_write(added.irq_fd, 1)
    table.free_at(added)
    assert sorted(door.armed) == [0, 1, 2]
    assert table.irq_fd(7) == -errno.EINVAL
    table.free_at(added)  # nothing there any more
    table.disable()


def test_what_cannot_be_added() -> None:
    door = Table()
    table = DoorMsix(door)
    assert table.alloc_at(7).index == -errno.ENOTSUP, "nothing is enabled"
    table.enable(2, 3)
    assert table.alloc_at(2).index == -errno.EBUSY
    assert [table.alloc_at(index).index for index in (64, -1)] == [-errno.ERANGE] * 2
    door.fail = OSError(errno.ENOSPC, "no vector left")
    assert table.alloc_at(9).index == -errno.ENOSPC
    door.fail = DeviceGone("it died")
    assert table.alloc_at(9).index == -errno.EIO
    door.fail = None
    assert sorted(door.armed) == [0, 1, 2]
    table.disable()


def test_a_door_that_cannot_adds_nothing() -> None:
    table = DoorMsix(Table(dynamic=False))
    table.enable(2, 3)
    assert table.alloc_at(7) == MsiMap(-errno.ENOTSUP)
    table.disable()


def test_a_vector_that_cannot_be_disarmed_is_gone_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    door = Table()
    table = DoorMsix(door)
    table.enable(2, 3)
    added = table.alloc_at(7)
    door.fail = OSError(errno.EIO, "stuck")
    table.free_at(added)
    assert "cannot disarm vector 7" in caplog.text
    assert table.irq_fd(7) == -errno.EINVAL
    table.disable()


def test_a_door_without_a_word_about_it_arms_no_single_vector() -> None:
    door = MemoryDoor()
    assert not door.irq_dynamic(IrqKind.MSIX)
    assert door.numa_node == -1
    with pytest.raises(OSError, match="MSIX vector alone"):
        door.irq_arm(IrqKind.MSIX, 1, 3)
    with pytest.raises(OSError, match="MSIX vector alone"):
        door.irq_disarm(IrqKind.MSIX, 1)
