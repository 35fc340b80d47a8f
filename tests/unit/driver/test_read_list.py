# SPDX-License-Identifier: BSD-3-Clause
"""Registers that are read in bursts: order, who gets what when one fails, and what else goes over the same socket."""

import errno
import mmap
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from device.regs.core import Register
from device.regs.i82599 import CRCERRS, GORCH, GORCL, GPRC, MPC, RLEC, RXDCTL, STATUS
from driver import compiled
from driver.core.bar import Bar
from driver.core.read_list import ReadList
from driver.errors import DeviceGone
from driver.ixgbe.hw.stats import COUNTED, HwStats
from tests.rigs.memory_door import MemoryDoor

HEADER = struct.Struct("<HHIII")
ACCESS = struct.Struct("<QII")
READ, WRITE = 9, 10
REPLY, ERROR = 1, 0x20
AT_ONCE = compiled.lib.VFU_READS_AT_ONCE
WAIT_S = 20.0
ALL_ONES = 0xFFFFFFFF

Message = tuple[int, int, int]  # number, command, offset


class SocketDoor(MemoryDoor):
    """A BAR behind a socket of which the test is the other end."""

    def __init__(self, timeout_s: float = WAIT_S) -> None:
        super().__init__("socket")
        self.ours, self.far = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.far.settimeout(WAIT_S)
        self.client = compiled.VfuClient(self.ours.fileno(), timeout_s)
        self.mmio = self.client.window(0, len(self.memory))

    def _take(self, len_bytes: int) -> bytes:
        data = b""
        while len(data) < len_bytes:
            some = self.far.recv(len_bytes - len(data))
            assert some
            data += some
        return data

    def message(self) -> Message:
        number, command, size, _, _ = HEADER.unpack(self._take(HEADER.size))
        body = self._take(size - HEADER.size)
        offset, region, count = ACCESS.unpack_from(body)
        assert (region, count) == (0, 4)
        return number, command, offset

    def burst(self, count: int) -> list[Message]:
        """So many reads, none of which has been answered."""
        found = [self.message() for _ in range(count)]
        assert {command for _, command, _ in found} == {READ}
        return found

    def is_quiet(self) -> bool:
        """Whether nothing more has come."""
        self.far.setblocking(False)
        try:
            return not self.far.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        finally:
            self.far.settimeout(WAIT_S)

    def answer(self, message: Message, value: int | None = None) -> None:
        self.far.sendall(answer_to(message, message[2] + 1 if value is None else value))

    def refuse(self, message: Message, code: int = errno.EPERM) -> None:
        self.far.sendall(HEADER.pack(message[0], READ, HEADER.size, REPLY | ERROR, code))

    def close(self) -> None:
        self.client.close()
        self.ours.close()
        self.far.close()


def answer_to(message: Message, value: int) -> bytes:
    body = ACCESS.pack(message[2], 0, 4) + struct.pack("<I", value)
    return HEADER.pack(message[0], READ, HEADER.size + len(body), REPLY, 0) + body


def registers(count: int) -> list[tuple[type[Register], int]]:
    """As many different ones as a kind has, and then again."""
    return [(RXDCTL, n % RXDCTL.count) for n in range(count)]


@pytest.fixture
def door() -> Iterator[SocketDoor]:
    made = SocketDoor()
    yield made
    made.close()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as made:
        yield made


def hasty(door_s: float = 0.5) -> SocketDoor:
    return SocketDoor(door_s)


@pytest.mark.parametrize("count", [1, 2, AT_ONCE, AT_ONCE + 1, 500])
def test_a_burst_is_there_before_its_first_answer(door: SocketDoor, pool: ThreadPoolExecutor, count: int) -> None:
    reads = ReadList(Bar(door), registers(count))
    found = pool.submit(reads.read)
    left = count
    offsets: list[int] = []
    while left:
        some = min(left, AT_ONCE)
        messages = door.burst(some)
        assert door.is_quiet(), "others have their turn"
        for message in messages:
            door.answer(message)
        offsets += [offset for _, _, offset in messages]
        left -= some
    assert offsets == [RXDCTL.offset(n) for _, n in registers(count)], "in this order"
    assert found.result(WAIT_S) == [offset + 1 for offset in offsets]
    reads.check()


def test_no_registers_no_message(door: SocketDoor) -> None:
    reads = ReadList(Bar(door), [])
    assert reads.read() == []
    reads.check()
    assert door.is_quiet()


@pytest.mark.parametrize("size", [1, 7, 36, 37, 100])
def test_answers_may_come_in_any_pieces(door: SocketDoor, pool: ThreadPoolExecutor, size: int) -> None:
    reads = ReadList(Bar(door), registers(20))
    found = pool.submit(reads.read)
    messages = door.burst(20)
    stream = b"".join(answer_to(message, n) for n, message in enumerate(messages))
    for at in range(0, len(stream), size):
        door.far.sendall(stream[at : at + size])
    assert found.result(WAIT_S) == list(range(20))


def test_posted_writes_come_before_and_another_thread_between(door: SocketDoor, pool: ThreadPoolExecutor) -> None:
    bar = Bar(door)
    bar.write_offset(0x100, 1)
    found = pool.submit(ReadList(bar, registers(AT_ONCE + 1)).read)
    assert door.message()[1:] == (WRITE, 0x100)
    first = door.burst(AT_ONCE)
    other = pool.submit(bar.write_offset, 0x200, 2)
    while not other.running():
        pass
    assert door.is_quiet(), "it waits for the burst"
    threading.Event().wait(0.05)  # it is in the queue by now
    for message in first:
        door.answer(message)
    assert door.message()[1:] == (WRITE, 0x200), "and comes before the next"
    door.answer(door.burst(1)[0])
    assert len(found.result(WAIT_S)) == AT_ONCE + 1


@pytest.mark.parametrize("at", [0, 10, 19])
def test_a_refusal_costs_one_register(door: SocketDoor, pool: ThreadPoolExecutor, at: int) -> None:
    bar = Bar(door)
    reads = ReadList(bar, registers(20))
    found = pool.submit(reads.read)
    for n, message in enumerate(door.burst(20)):
        if n == at:
            door.refuse(message)
        else:
            door.answer(message, n)
    assert found.result(WAIT_S) == [None if n == at else n for n in range(20)]
    with pytest.raises(OSError, match=rf"socket: BAR 0 RXDCTL\[{at}\]: Operation not permitted"):
        reads.check()
    again = pool.submit(reads.read)
    for message in door.burst(20):
        door.answer(message, 7)
    assert again.result(WAIT_S) == [7] * 20
    reads.check()


@pytest.mark.parametrize("answered", [0, 1, 19])
def test_what_was_answered_before_the_device_died_counts(
    door: SocketDoor, pool: ThreadPoolExecutor, answered: int
) -> None:
    reads = ReadList(Bar(door, alive=STATUS), registers(AT_ONCE * 2))
    found = pool.submit(reads.read)
    for message in door.burst(AT_ONCE)[:answered]:
        door.answer(message, 9)
    door.far.close()
    assert found.result(WAIT_S) == [9] * answered + [None] * (AT_ONCE * 2 - answered)
    with pytest.raises(DeviceGone, match=rf"RXDCTL\[{answered}\]: the device no longer answers"):
        reads.check()
    assert reads.read() == [None] * (AT_ONCE * 2), "and for good"


def test_a_silent_device_is_given_up(pool: ThreadPoolExecutor) -> None:
    door = hasty(0.2)
    reads = ReadList(Bar(door), registers(10))
    found = pool.submit(reads.read)
    for message in door.burst(10)[:4]:
        door.answer(message, 5)
    assert found.result(WAIT_S) == [5] * 4 + [None] * 6
    with pytest.raises(DeviceGone, match=r"RXDCTL\[4\].*timed out"):
        reads.check()
    door.close()


def test_half_an_answer_has_no_more_time_than_a_whole_one(pool: ThreadPoolExecutor) -> None:
    door = hasty(0.3)
    reads = ReadList(Bar(door), registers(1))
    found = pool.submit(reads.read)
    stream = answer_to(door.burst(1)[0], 1)
    for byte in stream:
        if found.done():
            break
        door.far.sendall(bytes([byte]))
        threading.Event().wait(0.1)
    assert found.result(WAIT_S) == [None]
    door.close()


def test_each_answer_has_the_time_of_a_single_one(pool: ThreadPoolExecutor) -> None:
    """A device whose registers are slow is not given up for being asked many at a time."""
    door = hasty(2.0)
    found = pool.submit(ReadList(Bar(door), registers(5)).read)
    for message in door.burst(5):
        threading.Event().wait(0.6)  # 3 s for all of them
        door.answer(message, 1)
    assert found.result(WAIT_S) == [1] * 5
    door.close()


def _longer(message: Message) -> bytes:
    body = ACCESS.pack(message[2], 0, 8) + bytes(8)
    return HEADER.pack(message[0], READ, HEADER.size + len(body), REPLY, 0) + body


@pytest.mark.parametrize(
    "wrong",
    [
        _longer,
        lambda message: answer_to((message[0] + 1, READ, 0), 0),
        lambda message: HEADER.pack(message[0], WRITE, HEADER.size + 20, REPLY, 0) + bytes(20),
        lambda message: HEADER.pack(message[0], READ, 4, REPLY, 0),
        lambda message: HEADER.pack(message[0], READ, HEADER.size + 20, 0, 0) + bytes(20),
    ],
    ids=["longer", "of another", "to a write", "too short", "no reply"],
)
def test_an_answer_that_cannot_be_ends_the_connection(
    door: SocketDoor, pool: ThreadPoolExecutor, wrong: Callable[[Message], bytes]
) -> None:
    reads = ReadList(Bar(door), registers(3))
    found = pool.submit(reads.read)
    messages = door.burst(3)
    door.answer(messages[0], 1)
    door.far.sendall(wrong(messages[1]))
    assert found.result(WAIT_S) == [1, None, None]
    with pytest.raises(DeviceGone, match="Protocol error"):
        reads.check()


def test_more_answers_than_questions_end_the_connection(door: SocketDoor, pool: ThreadPoolExecutor) -> None:
    found = pool.submit(ReadList(Bar(door), registers(2)).read)
    first, second = door.burst(2)
    refusal = HEADER.pack(first[0], READ, HEADER.size, REPLY | ERROR, errno.EPERM)
    door.far.sendall(refusal + answer_to(second, 3) + b"more")
    assert found.result(WAIT_S) == [None, 3]
    assert door.client.broken == 0, "its own connection has not been used since"
    assert compiled.mmio_read32(door.mmio, 0) == ALL_ONES
    assert compiled.mmio_error(door.mmio) == errno.EPROTO


def test_offsets_that_are_no_register_are_not_asked_for(door: SocketDoor, pool: ThreadPoolExecutor) -> None:
    offsets = [0x10, 0x11, 0x12, 0x1FFFC, 0x1FFFE, 0x20000, 2**63, 0x14]
    reads = compiled.mmio_reads(offsets)
    found = pool.submit(compiled.mmio_read_many, door.mmio, reads)
    for offset in (0x10, 0x1FFFC, 0x14):
        message = door.burst(1)[0]
        assert message[2] == offset
        door.answer(message)
    good = {0x10: 0x11, 0x1FFFC: 0x1FFFD, 0x14: 0x15}
    wanted = [(good[offset], 0) if offset in good else (ALL_ONES, errno.EINVAL) for offset in offsets]
    assert found.result(WAIT_S) == wanted
    assert compiled.mmio_error(door.mmio) == 0


def test_mapped_pages_are_read_in_their_place(door: SocketDoor, pool: ThreadPoolExecutor) -> None:
    memory = mmap.mmap(-1, 4096)
    memory[0:4] = b"\x2a\0\0\0"
    compiled.mmio_map(door.mmio, 0x1000, compiled.buffer_at(memory))
    found = pool.submit(compiled.mmio_read_many, door.mmio, compiled.mmio_reads([0x0, 0x4, 0x1000, 0x8]))
    for message in door.burst(2):
        door.answer(message)
    door.answer(door.burst(1)[0])
    assert found.result(WAIT_S) == [(1, 0), (5, 0), (0x2A, 0), (9, 0)]


def test_a_closed_window_refuses_each(door: SocketDoor) -> None:
    reads = compiled.mmio_reads([0, 4])
    compiled.mmio_drop_pages(door.mmio)
    assert compiled.mmio_read_many(door.mmio, reads) == [(ALL_ONES, errno.ENODEV)] * 2


# ---- in memory: what all ones mean -----------------------------------------------------------------------------------


def test_all_ones_are_a_value_while_the_function_is_there() -> None:
    memory = MemoryDoor()
    memory.word(GPRC.offset(), ALL_ONES)
    reads = ReadList(Bar(memory, alive=STATUS), [(GPRC, 0), (RLEC, 0)])
    assert reads.read() == [ALL_ONES, 0]
    reads.check()


def test_a_function_that_left_gives_no_values() -> None:
    memory = MemoryDoor()
    memory.word(GPRC.offset(), 5)
    memory.word(RLEC.offset(), ALL_ONES)
    memory.word(STATUS.offset(), ALL_ONES)
    reads = ReadList(Bar(memory, alive=STATUS), [(GPRC, 0), (RLEC, 0)])
    assert reads.read() == [5, None]
    with pytest.raises(DeviceGone, match="RLEC and STATUS read all ones"):
        reads.check()


def test_without_a_register_that_tells_all_ones_are_a_value() -> None:
    memory = MemoryDoor()
    memory.word(GPRC.offset(), ALL_ONES)
    memory.word(STATUS.offset(), ALL_ONES)
    assert ReadList(Bar(memory), [(GPRC, 0)]).read() == [ALL_ONES]


# ---- statistics ------------------------------------------------------------------------------------------------------


def test_statistics_are_read_in_few_bursts(door: SocketDoor, pool: ThreadPoolExecutor) -> None:
    """220 messages, each with an answer before the next, were half of what an idle NIC and its driver cost."""
    stats = HwStats(Bar(door, alive=STATUS))
    moved = pool.submit(stats.update)
    left, bursts = len(COUNTED), 0
    while left:
        for message in door.burst(min(left, AT_ONCE)):
            door.answer(message, 1)
        left, bursts = left - min(left, AT_ONCE), bursts + 1
    assert moved.result(WAIT_S)["rx_bytes_nic"] == 1 + 2**32
    assert bursts == -(-len(COUNTED) // AT_ONCE) <= 4


def test_counters_that_were_cleared_by_reading_are_in_the_totals(door: SocketDoor, pool: ThreadPoolExecutor) -> None:
    """The device dies in the middle, or refuses one: what it gave before is counted, and only once."""
    stats = HwStats(Bar(door, alive=STATUS))
    values = {MPC.offset(0): 2, GPRC.offset(): 10, CRCERRS.offset(): 3, RLEC.offset(): 4}
    lost = {GORCL.offset(), GORCH.offset()}
    moved = pool.submit(stats.update)
    left = len(COUNTED)
    while left:
        for message in door.burst(min(left, AT_ONCE)):
            if message[2] in lost:
                door.refuse(message)
            else:
                door.answer(message, values.get(message[2], 0))
        left -= min(left, AT_ONCE)
    with pytest.raises(OSError, match="GORCL: Operation not permitted"):
        moved.result(WAIT_S)
    assert (stats.totals["rx_pkts_nic"], stats.totals["rx_missed_errors"], stats.totals["rx_errors"]) == (8, 2, 7)

    moved = pool.submit(stats.update)
    for message in door.burst(AT_ONCE)[: MPC.count]:
        door.answer(message, 1)
    door.far.close()
    with pytest.raises(DeviceGone):
        moved.result(WAIT_S)
    assert stats.totals["rx_missed_errors"] == 2 + MPC.count
    assert stats.totals["rx_errors"] == 7
