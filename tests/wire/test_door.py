# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import errno
import gc
import mmap
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.regs import pci as layout
from device.regs.i82599 import CTRL, EICR, STATUS
from driver import compiled
from driver.claim import Claim
from driver.core.bar import Bar
from driver.core.dma import IOVA_BASE_64, Arena
from driver.doors.config import Config
from driver.doors.door import IrqKind
from driver.doors.open import open_door
from driver.doors.vfio_user import VfioUserDoor
from driver.errors import Busy, DeviceGone, DoorError, DriverError
from tests.rigs import fake_server as wire
from tests.rigs.fake_server import Area, FakeServer

SHORT_S = 0.15
PAGE = 4096
MSIX_AT = 0xA0  # elsewhere than on the real card, on purpose
MSI_AT = 0x50


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IXLAB_RUN_DIR", str(tmp_path / "run"))
    return tmp_path / "nic"


@pytest.fixture
def server(path: Path) -> Iterator[FakeServer]:
    with FakeServer(path) as server:
        server.config[0:4] = bytes.fromhex("8680fb10")
        server.config[0x06] = 0x10  # capability list
        server.config[0x34] = MSI_AT
        server.config[MSI_AT : MSI_AT + 2] = bytes([0x05, MSIX_AT])
        server.config[MSIX_AT : MSIX_AT + 4] = bytes([0x11, 0x00, 63, 0])
        server.bar0[STATUS.offset() : STATUS.offset() + 4] = bytes.fromhex("00000800")
        yield server


def door_to(server: FakeServer, timeout_s: float = SHORT_S) -> VfioUserDoor:
    return VfioUserDoor(server.path, timeout_s=timeout_s, handshake_timeout_s=timeout_s)


@pytest.fixture
def door(server: FakeServer) -> Iterator[VfioUserDoor]:
    door = door_to(server, 2.0)
    yield door
    door.close()


def eventually(condition: object, timeout_s: float = 2.0) -> None:
    assert callable(condition)
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def write_many(bar: Bar, count: int) -> None:
    for _ in range(count):
        bar.write(CTRL, 0)


def open_fds() -> int:
    gc.collect()
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


# ---- a server that behaves -------------------------------------------------------------------------------------------


def test_opening_asks_in_the_order_that_works(server: FakeServer, door: VfioUserDoor) -> None:
    assert server.commands() == [1, 4] + [5] * 7 + [7] * 3
    assert door.name == f"vfio-user:{server.path}"
    assert [door.bar_len_bytes(n) for n in (0, 2, 4, 6, -1)] == [0x20000, 0, 0x4000, 0, 0]
    assert [door.irq_count(kind) for kind in IrqKind] == [1, 1, 64]


def test_registers_are_little_endian_dwords_of_region_0(server: FakeServer, door: VfioUserDoor) -> None:
    bar = Bar(door)
    bar.write_offset(0x2000, 0x11223344)
    bar.flush()
    assert server.bar0[0x2000:0x2004] == b"\x44\x33\x22\x11"
    server.bar0[0x2004:0x2008] = b"\x01\x02\x03\x84"
    assert bar.read_offset(0x2004) == 0x84030201


def test_register_writes_are_posted_and_seen_before_a_later_read(server: FakeServer, door: VfioUserDoor) -> None:
    bar = Bar(door)
    for value in range(50):
        bar.write_offset(0x100, value)
    assert bar.read_offset(0x100) == 49
    posted = [msg for msg in server.log if msg.command == wire.WRITE]
    assert len(posted) == 50
    assert all(msg.no_reply for msg in posted)


def test_every_message_goes_out_whole(server: FakeServer, door: VfioUserDoor) -> None:
    # One datagram-like receive must see header and body together: SOCK_SEQPACKET would show it, here the log does.
    door.config_write(0, bytes(4096))
    assert [len(msg.body) for msg in server.log if msg.command == wire.WRITE] == [20] * 1024


def test_config_space_is_written_in_aligned_pieces(server: FakeServer, door: VfioUserDoor) -> None:
    door.config_write(0x101, bytes(range(10)))
    sizes = [struct.unpack_from("<QII", msg.body)[::2] for msg in server.log if msg.command == wire.WRITE]
    assert sizes == [(0x101, 1), (0x102, 2), (0x104, 4), (0x108, 2), (0x10A, 1)]
    assert door.config_read(0x101, 10) == bytes(range(10))
    assert door.config_read(0, 4096)[:4] == bytes.fromhex("8680fb10")


def test_two_bars_are_two_windows_over_one_socket(server: FakeServer, door: VfioUserDoor) -> None:
    server.override[wire.READ] = lambda _s, body, _f: body[:16] + body[8:12]
    assert Bar(door, 0).read_offset(0) == 0
    assert Bar(door, 4).read_offset(0) == 4
    assert door.bar_mmio(4) is door.bar_mmio(4)
    with pytest.raises(OSError, match="no BAR 2"):
        door.bar_mmio(2)


def test_a_refused_access_is_an_error_of_that_access_only(server: FakeServer, door: VfioUserDoor) -> None:
    server.override[wire.READ] = lambda _s, _b, _f: errno.EPERM
    bar = Bar(door)
    with pytest.raises(PermissionError, match="CTRL"):
        bar.read(CTRL)
    server.override.clear()
    assert bar.read(CTRL) == 0


def test_vectors_go_in_messages_the_server_takes(server: FakeServer, door: VfioUserDoor) -> None:
    fds = [os.eventfd(0, os.EFD_NONBLOCK) for _ in range(19)]
    try:
        door.irq_enable(IrqKind.MSIX, fds)
        asked = [struct.unpack("<IIIII", msg.body) for msg in server.log if msg.command == wire.SET_IRQS]
        assert asked == [(20, 0x24, 2, 0, 8), (20, 0x24, 2, 8, 8), (20, 0x24, 2, 16, 3)]
        os.eventfd_write(server.eventfds[2][17], 1)
        assert select.select(fds, [], [], 1)[0] == [fds[17]]
        assert server.config[MSIX_AT + 3] == 0x80  # enable, found by walking the list
        door.irq_disable(IrqKind.MSIX)
        assert server.config[MSIX_AT + 3] == 0
        assert server.eventfds[2] == {}
    finally:
        for fd in fds:
            os.close(fd)


def test_one_vector_is_armed_and_disarmed_alone(server: FakeServer, door: VfioUserDoor) -> None:
    fds = [os.eventfd(0, os.EFD_NONBLOCK) for _ in range(4)]
    try:
        door.irq_enable(IrqKind.MSIX, fds[:3])
        start = len(server.log)
        door.irq_arm(IrqKind.MSIX, 7, fds[3])
        assert sorted(server.eventfds[2]) == [0, 1, 2, 7]
        os.eventfd_write(server.eventfds[2][7], 1)
        assert select.select(fds, [], [], 1)[0] == [fds[3]]
        door.irq_disarm(IrqKind.MSIX, 7)
        assert sorted(server.eventfds[2]) == [0, 1, 2]
        asked = [struct.unpack("<IIIII", msg.body) for msg in server.log[start:] if msg.command == wire.SET_IRQS]
        assert asked == [(20, 0x24, 2, 7, 1)] * 2
        assert wire.WRITE not in server.commands()[start:], "the enable bit stays as it is"
        door.irq_disable(IrqKind.MSIX)
    finally:
        for fd in fds:
            os.close(fd)


@pytest.mark.parametrize(("flags", "dynamic"), [(9, False), (1, True)], ids=["NORESIZE", "dynamic"])
def test_the_server_says_whether_vectors_may_be_added(path: Path, flags: int, dynamic: bool) -> None:
    with FakeServer(path, irq_flags=flags) as server, contextlib.closing(door_to(server)) as door:
        assert [door.irq_dynamic(kind) for kind in IrqKind] == [False, False, dynamic]


def test_the_enable_bit_comes_after_the_eventfds_and_goes_before_them(server: FakeServer, door: VfioUserDoor) -> None:
    fd = os.eventfd(0)
    try:
        start = len(server.log)
        door.irq_enable(IrqKind.MSI, [fd])
        door.irq_disable(IrqKind.MSI)
        order = [c for c in server.commands()[start:] if c in {wire.SET_IRQS, wire.WRITE}]
        assert order == [wire.SET_IRQS, wire.WRITE, wire.WRITE, wire.SET_IRQS]
    finally:
        os.close(fd)


def test_intx_is_enabled_in_the_command_register_and_unmasked_by_message(
    server: FakeServer, door: VfioUserDoor
) -> None:
    server.config[5] = 0x04  # INTx disabled
    fd = os.eventfd(0)
    try:
        door.irq_enable(IrqKind.INTX, [fd])
        assert server.config[5] == 0
        door.irq_unmask(IrqKind.INTX)
        assert struct.unpack("<IIIII", server.log[-1].body) == (20, 0x11, 0, 0, 1)
        door.irq_disable(IrqKind.INTX)
        assert server.config[5] == 0x04
    finally:
        os.close(fd)


@pytest.mark.parametrize("count", [0, 65])
def test_a_vector_count_that_cannot_be_is_refused_here(server: FakeServer, door: VfioUserDoor, count: int) -> None:
    before = len(server.log)
    with pytest.raises(ValueError, match=f"{count} eventfds for 64 MSIX interrupts"):
        door.irq_enable(IrqKind.MSIX, [0] * count)
    assert len(server.log) == before


def test_a_function_without_msix_capability_says_so(server: FakeServer, door: VfioUserDoor) -> None:
    server.config[MSI_AT + 1] = MSI_AT  # a list that loops
    with pytest.raises(OSError, match="no MSIX_CTRL: its capability is missing"):
        door.irq_enable(IrqKind.MSIX, [0])


def test_dma_memory_is_shared_with_the_server_both_ways(server: FakeServer, door: VfioUserDoor) -> None:
    arena = Arena(door, 3 * PAGE)
    buffer = arena.alloc(64)
    buffer.view[:5] = b"hello"
    fd, size = server.maps[IOVA_BASE_64]
    assert size == 3 * PAGE
    with mmap.mmap(fd, size) as theirs:
        assert theirs[:5] == b"hello"
        theirs[5] = 0x21
    assert buffer.view[5] == 0x21
    arena.free(buffer)
    arena.close()
    assert server.maps == {}


def test_unmapping_what_is_not_mapped_is_refused_without_the_server(server: FakeServer, door: VfioUserDoor) -> None:
    """A server that follows the kernel's VFIO would say that all is well."""
    with contextlib.closing(Arena(door, 2 * PAGE)) as arena:
        for iova, len_bytes in ((0, PAGE), (arena.iova_base, PAGE), (arena.iova_base + PAGE, PAGE)):
            with pytest.raises(FileNotFoundError, match="no DMA map of 0x1000 bytes"):
                door.dma_unmap(iova, len_bytes)
        assert 3 not in server.commands()


@pytest.mark.parametrize("offset", [-1, 4093, 4096, 1 << 64])
def test_config_space_has_an_end(server: FakeServer, door: VfioUserDoor, offset: int) -> None:
    before = len(server.log)
    for access in (lambda: door.config_read(offset, 4), lambda: door.config_write(offset, bytes(4))):
        with pytest.raises(OSError, match=r"4 bytes at configuration offset 0x"):
            access()
    assert len(server.log) == before


@pytest.mark.parametrize("place", [(1, 0, PAGE), (0, 1, PAGE), (0, 0, 1), (0, 0, 0)])
def test_half_pages_are_not_mapped(door: VfioUserDoor, place: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="not whole pages"):
        door.dma_map(0, place[0], 0, place[1], place[2])


def test_reset_reaches_the_server(server: FakeServer, door: VfioUserDoor) -> None:
    door.reset()
    assert server.resets == 1


def test_a_device_without_reset_says_so(server: FakeServer) -> None:
    server.override[wire.GET_INFO] = lambda _s, _b, _f: struct.pack("<IIII", 16, 2, 9, 5)
    door = door_to(server)
    with pytest.raises(OSError, match="offers no reset"):
        door.reset()
    door.close()


def test_config_helpers_find_ids_and_relocated_capabilities(server: FakeServer, door: VfioUserDoor) -> None:
    config = Config(door)
    assert config.ids()[:2] == (0x8086, 0x10FB)
    assert config.find(0x11) == MSIX_AT
    assert config.read(layout.MSIX_CTRL).TABLE_SIZE == 63
    config.enable_memory()
    config.set_master(on=True)
    assert server.config[4] == 0x06
    state = config.save_state()
    server.config[4] = 0
    config.restore_state(state)
    assert server.config[4] == 0x06


def test_two_threads_share_one_door(server: FakeServer, door: VfioUserDoor) -> None:
    bar = Bar(door)
    wrong: list[int] = []

    def work(offset: int) -> None:
        for value in range(300):
            bar.write_offset(offset, value)
            if bar.read_offset(offset) != value:
                wrong.append(offset)

    threads = [threading.Thread(target=work, args=(offset,)) for offset in (0x2000, 0x3000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []


def test_close_hangs_up_and_leaves_no_descriptor(server: FakeServer) -> None:
    door = door_to(server)
    before = open_fds()
    door.bar_mmio(0)
    door.close()
    door.close()
    eventually(lambda: server._conn is None)
    eventually(lambda: open_fds() == before - 2)  # our end, and the server's
    with pytest.raises(DeviceGone):
        door.config_read(0, 2)
    with pytest.raises(OSError, match="no BAR 0"):
        door.bar_mmio(0)


def test_a_server_serves_the_next_client(server: FakeServer) -> None:
    for _ in range(3):
        door = door_to(server)
        assert Bar(door).read(STATUS).GIO == 1
        door.close()


# ---- mapped pages ----------------------------------------------------------------------------------------------------


@pytest.fixture
def backing() -> Iterator[int]:
    fd = os.memfd_create("bar0")
    os.ftruncate(fd, 0x8000)
    yield fd
    os.close(fd)


@pytest.mark.parametrize("fds", [1, 2], ids=["one fd for all areas", "one fd per area"])
def test_sparse_areas_become_plain_memory_and_the_rest_stays_messages(
    server: FakeServer, backing: int, fds: int
) -> None:
    server.sparse = Area([(0x1000, 0x1000), (0x6000, 0x2000)], backing, fds=fds)
    door = door_to(server)
    bar = Bar(door)
    before = len(server.log)
    bar.write_offset(0x1018, 0xABCD)
    bar.write_offset(0x7FFC, 0x1234)
    assert os.pread(backing, 4, 0x1018) == b"\xcd\xab\0\0"
    assert os.pread(backing, 4, 0x7FFC) == b"\x34\x12\0\0"
    os.pwrite(backing, b"\x55\0\0\0", 0x6000)
    assert bar.read_offset(0x6000) == 0x55
    assert len(server.log) == before
    assert bar.read_offset(0x5FFC) == 0
    assert len(server.log) == before + 1
    door.close()
    with pytest.raises(DeviceGone):
        bar.write_offset(0x1018, 1)


def test_areas_count_from_the_regions_offset_in_the_file(server: FakeServer, backing: int) -> None:
    server.sparse = Area([(0x2000, 0x1000)], backing, fd_offset=0x4000)
    door = door_to(server)
    Bar(door).write_offset(0x2000, 7)
    assert os.pread(backing, 1, 0x6000) == b"\x07"
    door.close()


def test_a_file_shorter_than_its_area_is_not_touched(server: FakeServer, backing: int) -> None:
    server.sparse = Area([(0x8000, 0x1000)], backing)
    door = door_to(server)
    with pytest.raises(OSError, match="file is too short"):
        door.bar_mmio(0)
    door.close()


@pytest.mark.parametrize(
    "areas",
    [[(0x1001, 0x1000)], [(0x1000, 0x800)], [(0x1000, 0)], [(0x1F000, 0x2000)], [(1 << 63, 1 << 63)]],
    ids=["odd offset", "odd size", "empty", "beyond the end", "wraps"],
)
def test_areas_that_cannot_be_are_refused(server: FakeServer, backing: int, areas: list[tuple[int, int]]) -> None:
    server.sparse = Area(areas, backing)
    before = open_fds()
    with pytest.raises(DoorError, match=r"area 0x.* is outside or not whole pages; the server is wrong"):
        door_to(server)
    eventually(lambda: open_fds() == before)


def test_neither_one_fd_nor_one_per_area_is_refused(server: FakeServer, backing: int) -> None:
    server.sparse = Area([(0x1000, 0x1000)] * 3, backing, fds=2)
    with pytest.raises(DoorError, match="3 areas, 2 fds"):
        door_to(server)


def test_more_fds_than_we_take_break_the_connection_and_none_stays_open(server: FakeServer, backing: int) -> None:
    server.sparse = Area([(0x1000, 0x1000)], backing, fds=20)
    before = open_fds()
    with pytest.raises(DriverError, match="nic"):
        door_to(server)
    eventually(lambda: open_fds() == before)


def test_a_capability_chain_that_loops_ends(server: FakeServer, backing: int) -> None:
    def loop(_server: FakeServer, body: bytes, _fds: list[int]) -> bytes:
        index = struct.unpack_from("<III", body)[2]
        return struct.pack("<IIIIQQ", 48, 15, index, 32, 0x20000, 0) + struct.pack("<HHIII", 9, 1, 32, 0, 0)

    server.override[wire.REGION_INFO] = lambda s, b, f: loop(s, b, f)[: 32 if b[0] == 32 else 48]
    door = door_to(server)
    assert door.bar_len_bytes(0) == 0x20000
    door.close()


def test_region_info_that_grows_is_refused(server: FakeServer) -> None:
    server.override[wire.REGION_INFO] = lambda _s, body, _f: struct.pack(
        "<IIIIQQ", struct.unpack_from("<I", body)[0] + 8, 3, 0, 0, 0x1000, 0
    )
    with pytest.raises(DoorError, match="grows each time"):
        door_to(server)


# ---- nobody there, or somebody else ----------------------------------------------------------------------------------


def refused(path: Path | str, code: int, *words: str, timeout_s: float = SHORT_S) -> DoorError:
    before, start = open_fds(), time.monotonic()
    with pytest.raises(DoorError) as caught:
        VfioUserDoor(path, timeout_s=timeout_s, handshake_timeout_s=timeout_s)
    assert time.monotonic() - start < timeout_s + 1
    assert caught.value.errno == code
    assert str(path) in str(caught.value)
    for word in words:
        assert word in str(caught.value)
    eventually(lambda: open_fds() <= before)  # the server's end goes a moment later
    return caught.value


def test_socket_absent(path: Path) -> None:
    refused(path, errno.ENOENT, "no such socket", "start the device first")


def test_not_a_socket(path: Path) -> None:
    path.write_text("hello")
    refused(path, errno.ENOTSOCK, "not a socket", "start the device first")


def test_path_through_a_file(path: Path) -> None:
    path.write_text("hello")
    refused(path / "nic", errno.ENOTDIR, "cannot look at it")


def test_nobody_listens_any_more(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.bind(str(path))
    refused(path, errno.ECONNREFUSED, "nobody listens", "start it again")


def test_a_datagram_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(path))
        refused(path, errno.EPROTOTYPE, "is it a vfio-user server?")


def test_path_too_long(tmp_path: Path) -> None:
    long = tmp_path / ("x" * (108 - len(str(tmp_path)) - 1))
    assert len(str(long)) == 108
    refused(long, errno.ENAMETOOLONG, "108 bytes", "at most 107", "shorter directory")
    refused(str(long)[:107], errno.ENOENT)


def test_silence_is_a_server_that_serves_somebody_else(server: FakeServer) -> None:
    first = door_to(server)
    error = refused(server.path, errno.EBUSY, "probably serving another client")
    assert isinstance(error, Busy)
    assert error.holder == ""
    first.close()


def test_silence_names_the_holder_if_it_is_one_of_us(server: FakeServer) -> None:
    first = door_to(server)
    with Claim(first.name):
        error = refused(server.path, errno.EBUSY, f"held by pid {os.getpid()}", "end that first")
    assert isinstance(error, Busy)
    assert str(os.getpid()) in error.holder
    first.close()


def test_a_full_backlog_is_busy_too(path: Path) -> None:
    waiting: list[socket.socket] = []
    with FakeServer(path, listen_only=True):
        for _ in range(2):
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.connect(str(path))
            waiting.append(sock)
        error = refused(path, errno.EBUSY, "serving another client")
        assert isinstance(error, Busy)
        for sock in waiting:
            sock.close()


def test_a_server_that_never_answers(path: Path) -> None:
    with FakeServer(path, silent=True):
        refused(path, errno.EBUSY, "is no vfio-user server")


@pytest.mark.parametrize(
    "raw", [b"HTTP/1.1 400 Bad Request\r\n\r\n", bytes(16), b"\xff" * 64], ids=["http", "zeros", "ones"]
)
def test_a_server_of_another_kind(path: Path, raw: bytes) -> None:
    with FakeServer(path, raw=raw):
        refused(path, errno.EPROTO, "the answer is not vfio-user", "python -m device")


def test_half_an_answer_is_no_answer(path: Path) -> None:
    with FakeServer(path, raw=b"\0\0\1\0"):
        refused(path, errno.EBUSY, "does not answer")


def test_a_server_that_hangs_up_at_once(path: Path) -> None:
    with FakeServer(path, die_on=wire.VERSION):
        refused(path, errno.ECONNRESET, "hung up during the handshake")


def test_a_server_that_dies_while_it_is_asked(path: Path) -> None:
    with (
        FakeServer(path, die_on=wire.IRQ_INFO),
        pytest.raises(DeviceGone, match=f"{path}: the device no longer answers"),
    ):
        VfioUserDoor(path, timeout_s=SHORT_S)


def test_another_major_version(path: Path) -> None:
    with FakeServer(path, version=(1, 0)):
        refused(path, errno.EPROTONOSUPPORT, "vfio-user 1.0", "0.0")


def test_another_minor_version_is_fine(path: Path) -> None:
    with FakeServer(path, version=(0, 3)):
        VfioUserDoor(path, timeout_s=SHORT_S).close()


def test_a_server_that_refuses_our_version(path: Path) -> None:
    with FakeServer(path) as server:
        server.override[wire.VERSION] = lambda _s, _b, _f: errno.EINVAL
        refused(path, errno.EINVAL, "refused our version")


@pytest.mark.parametrize(
    "text", [b"{", b"\xff\xfe\0", b"[]\0", b"7\0", b'{"capabilities":3}\0', b'{"capabilities":{"max_msg_fds":0}}\0']
)
def test_capabilities_that_are_not_as_agreed(path: Path, text: bytes) -> None:
    with FakeServer(path, capabilities=text):
        refused(path, errno.EPROTO)


def test_a_server_without_capabilities_gets_one_fd_at_a_time(path: Path) -> None:
    with FakeServer(path, capabilities=b"") as server:
        server.config[6], server.config[0x34] = 0x10, 0x50
        server.config[0x50:0x52] = b"\x11\0"
        door = VfioUserDoor(path, timeout_s=SHORT_S)
        fd = os.eventfd(0)
        door.irq_enable(IrqKind.MSIX, [fd, fd, fd])
        assert server.commands().count(wire.SET_IRQS) == 3
        door.close()
        os.close(fd)


@pytest.mark.parametrize(
    ("command", "answer", "words"),
    [
        (wire.GET_INFO, struct.pack("<IIII", 16, 1, 9, 5), "not a PCI function"),
        (wire.GET_INFO, struct.pack("<IIII", 16, 3, 7, 5), "7 regions"),
        (wire.REGION_INFO, struct.pack("<IIIIQQ", 32, 3, 5, 0, 4096, 0), "answers for 5"),
        (wire.REGION_INFO, struct.pack("<IIIIQQ", 1 << 30, 3, 0, 0, 4096, 0), "1073741824 bytes"),
        (wire.IRQ_INFO, struct.pack("<IIII", 16, 1, 2, 1), "answers index 2"),
        (wire.IRQ_INFO, struct.pack("<IIII", 16, 1, 0, 1 << 31), "count 2147483648"),
    ],
)
def test_answers_that_cannot_be(path: Path, command: int, answer: bytes, words: str) -> None:
    with FakeServer(path) as server:
        server.override[command] = lambda _s, _b, _f: answer
        with pytest.raises(DoorError, match=words):
            VfioUserDoor(path, timeout_s=SHORT_S)


@pytest.mark.parametrize("answer", [b"", b"1234"])
def test_answers_that_are_too_short(path: Path, answer: bytes) -> None:
    with FakeServer(path) as server:
        server.override[wire.GET_INFO] = lambda _s, _b, _f: answer
        with pytest.raises(OSError, match=f"reply of {len(answer)} bytes to command 4, want 16"):
            VfioUserDoor(path, timeout_s=SHORT_S)


@pytest.mark.parametrize("extra", [1, 4096])
def test_answers_that_are_too_long(path: Path, extra: int) -> None:
    with FakeServer(path) as server:
        server.override[wire.GET_INFO] = lambda _s, _b, _f: bytes(16 + extra)
        with pytest.raises(DeviceGone, match="Protocol error"):
            VfioUserDoor(path, timeout_s=SHORT_S)


def test_replies_to_somebody_else_are_not_taken(path: Path) -> None:
    with FakeServer(path, reply_id_offset=1):
        refused(path, errno.EPROTO, "not vfio-user")


# ---- the end comes later ---------------------------------------------------------------------------------------------


def test_a_server_that_dies_mid_run(server: FakeServer) -> None:
    door = door_to(server)
    bar, arena = Bar(door), Arena(door, PAGE)
    fd = os.eventfd(0)
    server.die()
    eventually(lambda: server._conn is None)
    for _ in range(3):  # reads, posted writes (EPIPE without a signal), messages: all the same, each time
        with pytest.raises(DeviceGone, match=str(server.path)):
            bar.read(EICR)
        with pytest.raises(DeviceGone, match="start both again"):
            bar.write(CTRL, 0)
        with pytest.raises(DeviceGone, match=str(server.path)):
            door.config_read(0, 4)
        with pytest.raises(DeviceGone, match=str(server.path)):
            door.irq_enable(IrqKind.MSIX, [fd])
    arena.close()
    door.close()
    os.close(fd)


def test_a_first_write_to_a_dead_server_is_noticed(server: FakeServer) -> None:
    door = door_to(server)
    bar = Bar(door)
    server.die()
    eventually(lambda: server._conn is None)
    with pytest.raises(DeviceGone, match=str(server.path)):
        bar.write(CTRL, 0)
    door.close()


def test_a_server_that_dies_between_question_and_answer(server: FakeServer) -> None:
    door = door_to(server)
    server.die_on = wire.READ
    with pytest.raises(DeviceGone, match=str(server.path)):
        Bar(door).read(CTRL)
    door.close()


def test_a_server_that_falls_silent_is_gone_after_the_timeout_and_at_once_from_then_on(server: FakeServer) -> None:
    door = door_to(server)
    bar = Bar(door)
    server.silent = True
    start = time.monotonic()
    with pytest.raises(DeviceGone, match="timed out"):
        bar.read(CTRL)
    assert SHORT_S <= time.monotonic() - start < SHORT_S + 1
    server.silent = False
    start = time.monotonic()
    with pytest.raises(DeviceGone):
        bar.read(CTRL)
    assert time.monotonic() - start < SHORT_S
    door.close()


def test_a_server_that_stops_reading_cannot_hold_us_in_a_posted_write(path: Path) -> None:
    stuck = threading.Event()

    def hold(_server: FakeServer, body: bytes, _fds: list[int]) -> bytes:
        stuck.wait(5)
        return body[:16]

    with FakeServer(path) as server:
        door = VfioUserDoor(path, timeout_s=SHORT_S)
        bar = Bar(door)
        server.override[wire.WRITE] = hold
        start = time.monotonic()
        with pytest.raises(DeviceGone, match="timed out"):
            write_many(bar, 100_000)
        assert time.monotonic() - start < 5
        stuck.set()
        server.override.clear()
        door.close()


def test_close_wakes_a_thread_that_waits_for_an_answer(server: FakeServer) -> None:
    door = door_to(server, 10.0)
    bar = Bar(door)
    server.silent = True
    seen: list[BaseException] = []

    def read() -> None:
        try:
            bar.read(CTRL)
        except DeviceGone as error:
            seen.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    eventually(lambda: server.commands()[-1] == wire.READ)
    door.close()
    thread.join(2)
    assert not thread.is_alive()
    assert len(seen) == 1


@pytest.mark.parametrize("size", [3, 8])
def test_a_register_answer_of_another_size_breaks_the_connection(server: FakeServer, size: int) -> None:
    door = door_to(server)
    server.override[wire.READ] = lambda _s, body, _f: body[:16] + bytes(size)
    with pytest.raises(DeviceGone, match="Protocol error"):
        Bar(door).read(CTRL)
    door.close()


def test_messages_beyond_128_kib_are_never_sent(server: FakeServer, door: VfioUserDoor) -> None:
    before = len(server.log)
    with pytest.raises(OSError, match="long") as caught:
        door._client.call(wire.WRITE, bytes(compiled.BODY_MAX_BYTES + 1))
    assert caught.value.errno == errno.EMSGSIZE
    with pytest.raises(OSError, match="long"):
        door._client.call(wire.SET_IRQS, b"", fds=[0] * 17)
    assert len(server.log) == before
    assert door.config_read(0, 2) == b"\x86\x80"


# ---- from a name -----------------------------------------------------------------------------------------------------


def test_open_door_by_socket(server: FakeServer) -> None:
    door = open_door(f"vfio-user:{server.path}", timeout_s=SHORT_S)
    assert door.bar_len_bytes(0) == 0x20000
    door.close()
