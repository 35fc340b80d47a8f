# SPDX-License-Identifier: BSD-3-Clause
"""The bindings on a real socket: what a client may rely on, and each mend of the library shown from outside.

Every mend can be left out of the build (``IXLAB_VFU_WITHOUT``, see device/csrc/build_vfu.py).  What its test then does
is written in the test.
"""

import errno
import logging
import mmap
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.i82599.core import CardCore
from device.machine.core import c_function
from device.machine.irq import IrqKind
from device.machine.socket_file import check_path
from device.serve import vfu
from tests.rigs.client import (
    CAPABILITIES,
    CONFIG,
    DMA_MAP,
    DMA_UNMAP,
    GET_INFO,
    HEADER,
    INTX,
    IRQ_INFO,
    MSI,
    MSIX,
    REGION_INFO,
    REGION_READ,
    REGION_WRITE,
    RESET,
    SET_IRQS,
    VERSION,
    Client,
    error_of,
)
from tests.rigs.counts import fd_count
from tests.rigs.process import until

PAGE = 4096
BAR0 = 0x20000
BASE = 0x10_0000


class Ram:
    """A region that is memory and remembers how it was written."""

    def __init__(self, len_bytes: int) -> None:
        self.data = bytearray(len_bytes)
        self.writes: list[tuple[int, bytes]] = []

    def read(self, offset: int, len_bytes: int) -> bytes:
        if offset == 0x100:
            raise OSError(errno.EPERM, "not this one")
        if offset == 0x200:
            raise RuntimeError("a mistake of ours")
        return bytes(self.data[offset : offset + len_bytes])

    def write(self, offset: int, data: bytes) -> None:
        self.writes.append((offset, data))
        self.data[offset : offset + len(data)] = data


class Toy:
    """A function with RAM for BAR0 and configuration space, served by a thread."""

    def __init__(self, path: Path, areas: list[tuple[int, int]] | None = None) -> None:
        self.nic = CardCore()
        self.nic.pf.bus_master = True
        self.bar0, self.config = Ram(BAR0), Ram(4096)
        self.resets: list[vfu.ResetKind] = []
        self.clients: list[bool] = []
        self.armed: list[IrqKind] = []
        self.path = path
        self.memfd = os.memfd_create("bar0")
        os.ftruncate(self.memfd, BAR0)
        self.context = vfu.VfuContext(path, self, logging.getLogger("device.serve.vfu"))
        self.context.add_python_region(0, BAR0, self.bar0, flags=vfu.READ | vfu.WRITE | vfu.MEM)
        if areas:
            function = c_function("regfile_access")
            self.context.add_region(1, BAR0, function, self.nic.pf.regs_handle, areas=areas, fd=self.memfd)
        self.context.add_io_bar(2)
        self.context.add_msix_bar(4)
        self.context.add_config(self.config)
        self.context.set_dma(c_function("dma_add"), c_function("dma_del"), self.nic.pf.dma_handle)
        self.context.realize(msi=1, msix=64)
        self.stop_fd = os.eventfd(0)
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def on_reset(self, kind: vfu.ResetKind) -> None:
        self.resets.append(kind)

    def on_client(self, *, attached: bool) -> None:
        self.clients.append(attached)

    def on_irqs(self, armed: IrqKind) -> None:
        self.armed.append(armed)

    def _serve(self) -> None:
        while self.stop_fd not in select.select([self.stop_fd, self.context.poll_fd], [], [], 0.5)[0]:
            while self.context.run():
                pass

    def wait(self, what: object, want: object) -> None:
        """Poll until ``what()`` is ``want``."""
        assert callable(what)
        deadline = time.monotonic() + 5
        while what() != want and time.monotonic() < deadline:
            time.sleep(0.002)
        assert what() == want

    def close(self) -> None:
        os.eventfd_write(self.stop_fd, 1)
        self.thread.join(10)
        assert not self.thread.is_alive(), "the server is stuck"
        self.context.close()
        self.nic.close()
        os.close(self.stop_fd)
        os.close(self.memfd)


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Toy]:
    made = Toy(tmp_path / "toy.sock")
    yield made
    made.close()


@pytest.fixture
def client(toy: Toy) -> Iterator[Client]:
    with Client(toy.path) as made:
        yield made


@pytest.fixture
def memory() -> Iterator[tuple[int, mmap.mmap]]:
    fd = os.memfd_create("guest")
    os.ftruncate(fd, 64 * PAGE)
    with mmap.mmap(fd, 64 * PAGE) as mapped:
        yield fd, mapped
    os.close(fd)


def open_files(client: Client) -> int:
    """Descriptors of this process, which is client and server, once the server has nothing left to do with a client.

    Its first answer comes when it has looked up who that is, for which it opens files.
    """
    client.read32(0, 0)
    return fd_count()


def eventfds(count: int) -> list[int]:
    return [os.eventfd(0, os.EFD_NONBLOCK) for _ in range(count)]


def fired(fd: int, timeout_s: float = 2) -> int:
    """Count of an eventfd; 0 if it does not fire in time."""
    return os.eventfd_read(fd) if select.select([fd], [], [], timeout_s)[0] else 0


def test_handshake_and_what_the_function_says_of_itself(client: Client) -> None:
    assert struct.unpack_from("<H", client.version) == (0,)
    assert client.version[4:].startswith(b'{"capabilities":{"max_msg_fds":')
    assert client.version.endswith(b"\0")
    argsz, flags, regions, irqs = struct.unpack("<IIII", client.call(GET_INFO, struct.pack("<IIII", 16, 0, 0, 0)))
    assert (argsz, flags, irqs) == (16, 3, 5)
    assert regions >= 9
    sizes = {index: client.region_info(index)[:2] for index in range(9)}
    assert sizes == {
        0: (BAR0, 3),
        1: (0, 0),
        2: (32, 3),
        3: (0, 0),
        4: (0x4000, 3),
        5: (0, 0),
        6: (0, 0),
        7: (4096, 3),
        8: (0, 0),
    }
    counts = [
        struct.unpack("<IIII", client.call(IRQ_INFO, struct.pack("<IIII", 16, 0, index, 0)))[3] for index in range(5)
    ]
    assert counts == [1, 1, 64, 0, 0]


@pytest.mark.parametrize("region", [0, CONFIG])
@pytest.mark.parametrize("len_bytes", [1, 2, 3, 4, 8, 16, 4096])
def test_regions_of_python_take_any_width(client: Client, toy: Toy, region: int, len_bytes: int) -> None:
    data = bytes(range(1, 256)) * 17
    client.write(region, 0, data[:len_bytes])
    assert client.read(region, 0, len_bytes) == data[:len_bytes]


def test_a_long_access_is_obeyed_in_pieces(client: Client, toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Observed before: one message kept the thread for as long as all of BAR0 takes."""
    lengths: list[int] = []
    read = toy.bar0.read

    def noting(offset: int, len_bytes: int) -> bytes:
        lengths.append(len_bytes)
        return read(offset, len_bytes)

    monkeypatch.setattr(toy.bar0, "read", noting)
    data = os.urandom(0x4004)
    client.write(0, 0x1002, data)
    assert client.read(0, 0x1002, len(data)) == data
    assert lengths[0] == 1022
    assert max(lengths) == max(len(written) for _, written in toy.bar0.writes) == 1024
    client.write(0, 0x1002, data[::-1], posted=True)
    assert client.read(0, 0x1002, 4) == data[::-1][:4]
    assert client.read(0, 0x5002, 4) == data[::-1][0x4000:0x4004]
    assert error_of(client.read, 0, 0x400 - 0x300, 0x4000) == "EPERM", "one piece fails: the whole does"
    assert client.read(0, 0x1002, 2) == data[::-1][:2]


def test_posted_writes_stay_in_order_with_reads(client: Client, toy: Toy) -> None:
    for value in range(200):
        client.write(0, 8, value.to_bytes(4, "little"), posted=True)
    assert client.read32(0, 8) == 199
    assert [data[0] for _, data in toy.bar0.writes] == list(range(200))


def test_a_callback_that_fails_is_an_error_reply(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    assert error_of(client.read, 0, 0x100, 4) == "EPERM"
    assert error_of(client.read, 0, 0x200, 4) == "EIO"
    assert "a mistake of ours" in caplog.text
    assert client.read32(0, 0) == 0


@pytest.mark.parametrize(
    ("region", "offset", "count"),
    [(0, BAR0, 4), (0, BAR0 - 2, 4), (0, 2**64 - 4, 8), (1, 0, 4), (99, 0, 4), (CONFIG, 4094, 4), (0, 0, 2**32 - 1)],
)
def test_access_outside_a_region_is_refused(client: Client, region: int, offset: int, count: int) -> None:
    assert error_of(client.call, REGION_READ, struct.pack("<QII", offset, region, count)) == "EINVAL"
    assert client.read32(0, 0) == 0


def test_msix_table_is_storage_and_pending_bits_are_read_only(client: Client, toy: Toy) -> None:
    entry = struct.pack("<QII", 0xFEE00000_12345678, 0x4041, 0xFFFF_FFFE)
    assert client.read32(4, 12) == 1, "masked after reset"
    client.write(4, 16 * 63, entry)
    assert client.read(4, 16 * 63, 16) == entry[:12] + bytes(4)
    client.write(4, 0x2000, b"\xff" * 8)
    assert client.read(4, 0x2000, 8) == bytes(8)
    with pytest.raises(FileNotFoundError):
        toy.context.irq_send(9)
    assert client.read(4, 0x2000, 8) == bytes([0, 2, 0, 0, 0, 0, 0, 0])


def test_io_bar_is_a_window_to_bar0(client: Client) -> None:
    client.write32(2, 0, 0x1234 * 4)
    client.write32(2, 4, 0xCAFEF00D)
    assert client.read32(0, 0x1234 * 4) == 0xCAFEF00D
    assert client.read32(2, 4) == 0xCAFEF00D
    assert client.read32(2, 0) == 0x1234 * 4
    client.write32(2, 0, 0xFFFF_FFFC)
    assert client.read32(2, 4) == 0
    client.write32(2, 0, 3)
    assert client.read32(2, 4) == 0


def test_dma_memory_is_reached_and_given_back(client: Client, toy: Toy, memory: tuple[int, mmap.mmap]) -> None:
    fd, mapped = memory
    client.map(fd, BASE, 4 * PAGE, offset=PAGE)
    mapped[PAGE : PAGE + 5] = b"hello"
    assert toy.nic.pf.dma_read(BASE, 5) == b"hello"
    toy.nic.pf.dma_write(BASE + 4 * PAGE - 2, b"ok")
    assert mapped[5 * PAGE - 2 : 5 * PAGE] == b"ok"
    client.unmap(BASE, 4 * PAGE)
    with pytest.raises(OSError, match="dma read"):
        toy.nic.pf.dma_read(BASE, 5)


def test_dma_protection_is_the_clients(client: Client, toy: Toy, memory: tuple[int, mmap.mmap]) -> None:
    client.map(memory[0], BASE, PAGE, prot=1)
    assert toy.nic.pf.dma_read(BASE, 4) == bytes(4)
    with pytest.raises(OSError, match="dma write"):
        toy.nic.pf.dma_write(BASE, b"no")


def test_unmap_of_a_range_takes_every_region_inside(client: Client, toy: Toy, memory: tuple[int, mmap.mmap]) -> None:
    """As kernel VFIO does: sweeps over the address space are what a VMM's IOMMU listener sends.

    Observed without the mend (RANGE_UNMAP): the first sweep is refused with ENOENT, the regions stay, and the map that
    follows is refused with EINVAL, so that DMA goes on to the old pages.
    """
    fd, mapped = memory
    for page in (0, 1, 5, 9):
        client.map(fd, BASE + page * PAGE, PAGE, offset=page * PAGE)
    client.unmap(0, 0xFEE00000)
    client.unmap(0xFEF00000, 2**64 - 0xFEF00000)
    assert toy.context.dma_regions == 0
    mapped[20 * PAGE : 20 * PAGE + 3] = b"new"
    client.map(fd, BASE, 16 * PAGE, offset=20 * PAGE)
    assert toy.nic.pf.dma_read(BASE, 3) == b"new"
    # The regions beside the range stay, whatever order they came in.
    client.map(fd, 0x9000_0000, PAGE)
    client.map(fd, 0x1000, PAGE)
    client.unmap(BASE, 2**24)
    assert toy.context.dma_regions == 2
    assert toy.nic.pf.dma_read(0x9000_0000, 1) == toy.nic.pf.dma_read(0x1000, 1) == b"\0"
    client.unmap(0, 0, flags=2)
    assert toy.context.dma_regions == 0


def test_unmap_that_would_cut_a_region_is_refused(client: Client, toy: Toy, memory: tuple[int, mmap.mmap]) -> None:
    client.map(memory[0], BASE, 4 * PAGE)
    assert error_of(client.unmap, BASE, PAGE) == "EINVAL"
    assert error_of(client.unmap, BASE + PAGE, 2**30) == "EINVAL"
    assert error_of(client.unmap, 0, BASE + PAGE) == "EINVAL"
    assert error_of(client.unmap, BASE, 0) == "EINVAL"
    assert toy.nic.pf.dma_read(BASE + 3 * PAGE, 1) == b"\0"


def test_many_regions(client: Client, toy: Toy, memory: tuple[int, mmap.mmap]) -> None:
    """A vIOMMU maps page by page.

    Observed without the mend (MANY_REGIONS): region 17 is refused with EINVAL.
    """
    fd, mapped = memory
    for page in range(64):
        mapped[page * PAGE] = page
        client.map(fd, BASE + (63 - page) * 2 * PAGE, PAGE, offset=page * PAGE)
    assert [toy.nic.pf.dma_read(BASE + (63 - page) * 2 * PAGE, 1)[0] for page in range(64)] == list(range(64))
    client.unmap(0, 2**63)
    assert toy.context.dma_regions == 0


def test_a_region_costs_no_descriptor(client: Client, toy: Toy, memory: tuple[int, mmap.mmap]) -> None:
    """A mapping lives without its file descriptor.

    Observed without the mend (FD_CLOSE): 64 descriptors more; with RLIMIT_NOFILE just above, the map fails and the
    message stream is out of step.
    """
    before = open_files(client)
    for page in range(64):
        client.map(memory[0], BASE + page * PAGE, PAGE, offset=page * PAGE)
    client.map(memory[0], BASE, PAGE)  # the same again is no error, and costs nothing either
    assert error_of(client.map, memory[0], BASE, PAGE, PAGE) == "EEXIST"
    until(lambda: fd_count() == before, "the server, which has answered first, closes them")
    assert toy.nic.pf.dma_read(BASE, 1) == b"\0"


def test_maps_with_few_descriptors_left(client: Client, toy: Toy, memory: tuple[int, mmap.mmap]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = max(int(entry.name) for entry in Path("/proc/self/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 8, hard))
    try:
        for page in range(32):
            client.map(memory[0], BASE + page * PAGE, PAGE, offset=page * PAGE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert toy.context.dma_regions == 32


@pytest.mark.parametrize(
    ("iova", "size", "offset"),
    [(BASE, 0, 0), (2**64 - PAGE, 2 * PAGE, 0), (BASE, 65 * PAGE, 0), (BASE, PAGE, 64 * PAGE), (BASE, PAGE, 2**63)],
    ids=["empty", "wraps", "longer than its file", "behind its file", "negative offset"],
)
def test_impossible_maps_are_refused(
    client: Client, toy: Toy, memory: tuple[int, mmap.mmap], iova: int, size: int, offset: int
) -> None:
    before = open_files(client)
    assert error_of(client.map, memory[0], iova, size, offset) == "EINVAL"
    until(lambda: fd_count() == before, "the server, which has answered first, closes them")
    assert toy.context.dma_regions == 0


def test_overlapping_map_is_refused(client: Client, memory: tuple[int, mmap.mmap]) -> None:
    client.map(memory[0], BASE, 4 * PAGE)
    assert error_of(client.map, memory[0], BASE + PAGE, PAGE) in {"EINVAL", "EEXIST"}


def test_memory_without_a_file_is_not_reached(client: Client, toy: Toy) -> None:
    client.call(DMA_MAP, struct.pack("<IIQQQ", 32, 1, 0, BASE, PAGE))
    assert toy.context.dma_regions == 1
    with pytest.raises(OSError, match="dma read"):
        toy.nic.pf.dma_read(BASE, 1)
    client.unmap(BASE, PAGE)


@pytest.mark.parametrize("client_fds", [1, 8])
def test_one_descriptor_for_several_areas(tmp_path: Path, client_fds: int) -> None:
    """QEMU takes one descriptor in a REGION_INFO reply, and refuses the device if there are more.

    Observed without the mend (ONE_FD): four descriptors; and ENOSPC for a client that announced max_msg_fds 1.
    """
    areas = [(0x1000, PAGE), (0x6000, PAGE), (0x7000, PAGE), (0xD000, PAGE)]
    toy = Toy(tmp_path / "toy.sock", areas)
    try:
        capabilities = b'{"capabilities":{"max_msg_fds":%d}}\0' % client_fds
        with Client(toy.path, capabilities=capabilities) as client:
            size, flags, seen, fds = client.region_info(1)
            assert (size, flags & 4, seen) == (BAR0, 4, areas)
            assert len(fds) == 1
            with mmap.mmap(fds[0], PAGE, offset=0xD000) as mapped:
                mapped[0:4] = b"bell"
            os.close(fds[0])
        assert os.pread(toy.memfd, 4, 0xD000) == b"bell"
    finally:
        toy.close()


def test_msix_eventfds(client: Client, toy: Toy) -> None:
    fds = eventfds(16)
    client.irqs(MSIX, 3, fds)
    assert toy.armed == [IrqKind.MSIX]
    for n, fd in enumerate(fds):
        toy.context.irq_send(3 + n)
        assert fired(fd) == 1
    with pytest.raises(FileNotFoundError):
        toy.context.irq_send(2)
    with pytest.raises(OSError, match="Invalid argument"):
        toy.context.irq_send(64)
    # Taken back one by one: vectors 10 and 11 (the library itself stops at `count`).
    client.irqs(MSIX, 10, [], count=2)
    with pytest.raises(FileNotFoundError):
        toy.context.irq_send(10)
    toy.context.irq_send(12)
    client.irqs(MSIX, 0, [], flags=0x21)
    assert toy.armed == [IrqKind.MSIX, IrqKind.NONE]
    with pytest.raises(FileNotFoundError):
        toy.context.irq_send(12)
    for fd in fds:
        os.close(fd)


def test_an_unheard_vector_is_delivered_when_armed(client: Client, toy: Toy) -> None:
    with pytest.raises(FileNotFoundError):
        toy.context.irq_send(5)
    (fd,) = eventfds(1)
    client.irqs(MSIX, 5, [fd])
    assert fired(fd) == 1
    assert client.read(4, 0x2000, 8) == bytes(8)
    os.close(fd)


def test_kinds_of_interrupts_do_not_disturb_each_other(client: Client, toy: Toy) -> None:
    intx, msix = eventfds(2)
    client.irqs(INTX, 0, [intx])
    client.irqs(MSIX, 0, [msix])
    client.irqs(INTX, 0, [], flags=0x21)  # not armed any more: nothing happens to vector 0
    toy.context.irq_send(0)
    assert fired(msix) == 1
    assert fired(intx, 0) == 0
    assert toy.context.armed is IrqKind.MSIX
    client.irqs(MSI, 0, [intx])
    toy.context.irq_send(0)
    assert (fired(intx), fired(msix, 0)) == (1, 0)
    os.close(intx)
    os.close(msix)


def test_intx_fires_on_the_edge_and_again_on_unmask(client: Client, toy: Toy) -> None:
    (fd,) = eventfds(1)
    client.irqs(INTX, 0, [fd])
    toy.context.set_intx(level=True)
    assert fired(fd) == 1
    toy.context.set_intx(level=True)
    assert fired(fd, 0) == 0, "no edge"
    client.irqs(INTX, 0, [], count=1, flags=0x11)
    assert fired(fd) == 1, "still high when unmasked"
    toy.context.set_intx(level=False)
    client.irqs(INTX, 0, [], count=1, flags=0x11)
    assert fired(fd, 0) == 0
    client.irqs(INTX, 0, [], count=1, flags=0x09)
    toy.context.set_intx(level=True)
    assert fired(fd, 0) == 0, "masked"
    client.irqs(INTX, 0, [], count=1, flags=0x11)
    assert fired(fd) == 1
    os.close(fd)


@pytest.mark.parametrize(
    ("index", "start", "count", "flags"),
    [(MSIX, 60, 5, 0x24), (MSIX, 1, 2**32 - 1, 0x24), (MSIX, 1, 2**32 - 1, 0x11), (3, 0, 1, 0x24), (9, 0, 1, 0x24)],
)
def test_impossible_irqs_are_refused(client: Client, toy: Toy, index: int, start: int, count: int, flags: int) -> None:
    assert error_of(client.irqs, index, start, [], count=count, flags=flags) == "EINVAL"
    assert client.read32(0, 0) == 0


def test_reset_by_the_client(client: Client, toy: Toy, memory: tuple[int, mmap.mmap]) -> None:
    client.map(memory[0], BASE, PAGE)
    client.call(RESET)
    assert toy.resets == [vfu.ResetKind.DEVICE]
    assert toy.nic.pf.dma_read(BASE, 1) == b"\0", "memory survives a reset of the function"


def test_the_server_outlives_its_clients(toy: Toy, memory: tuple[int, mmap.mmap]) -> None:
    (fd,) = eventfds(1)
    for round_ in range(3):
        with Client(toy.path) as client:
            client.map(memory[0], BASE, PAGE)
            client.irqs(MSIX, 0, [fd])
            assert client.read32(0, 0) == 0
        toy.wait(lambda: len(toy.clients), 2 * round_ + 2)
        assert toy.context.dma_regions == 0
        assert toy.context.armed is IrqKind.NONE
    assert toy.clients == [True, False] * 3
    assert toy.resets == [vfu.ResetKind.LOST] * 3
    os.close(fd)


def test_a_second_client_waits_for_its_turn(toy: Toy) -> None:
    with Client(toy.path) as first, Client(toy.path, shake_hands=False) as second:
        ticket = second.send(VERSION, struct.pack("<HH", 0, 1) + CAPABILITIES)
        assert not select.select([second.sock], [], [], 0.1)[0]
        assert first.read32(0, 0) == 0
        first.close()
        assert second.receive(ticket)[0]
        assert second.read32(0, 0) == 0


def test_a_client_that_is_killed(toy: Toy) -> None:
    code = (
        "import sys, signal, os; sys.path.insert(0, '.')\n"
        "from tests.rigs.client import Client\nfrom pathlib import Path\n"
        "c = Client(Path(sys.argv[1])); fd = os.memfd_create('m'); os.ftruncate(fd, 4096); c.map(fd, 4096, 4096)\n"
        "print('up', flush=True)\n"
        "while True: c.write(0, 8, bytes(4), posted=True)\n"
    )
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen([sys.executable, "-c", code, str(toy.path)], stdout=subprocess.PIPE, cwd=root) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        assert toy.context.dma_regions == 1
        process.send_signal(signal.SIGKILL)
    toy.wait(lambda: toy.context.dma_regions, 0)
    with Client(toy.path) as client:
        assert client.read32(0, 0) == 0


def test_a_silent_client_is_sent_away(toy: Toy) -> None:
    """The handshake has a deadline.

    Observed with the library's own handshake: the second client waits for as long as the first one is silent.
    """
    with Client(toy.path, shake_hands=False), Client(toy.path, timeout_s=6) as second:
        assert second.read32(0, 0) == 0


def test_a_client_that_stops_in_the_middle_is_sent_away(toy: Toy) -> None:
    """Observed with the library's own reader: the server waits for the rest of the message for ever."""
    with Client(toy.path) as first, Client(toy.path, timeout_s=8, shake_hands=False) as second:
        first.sock.send(HEADER.pack(7, REGION_WRITE, 200, 0, 0) + bytes(20))
        ticket = second.send(VERSION, struct.pack("<HH", 0, 1))
        assert second.receive(ticket)[0]
    with Client(toy.path) as third:
        third.sock.send(HEADER.pack(7, REGION_WRITE, 200, 0, 0)[:9])
        assert third.sock.recv(100) == b""


def test_a_client_that_reads_no_replies_is_sent_away(toy: Toy) -> None:
    """Observed with the library's own sender: the server blocks in sendmsg() for ever."""
    with Client(toy.path) as first:
        first.sock.setblocking(False)
        ask = HEADER.pack(7, REGION_READ, 32, 0, 0) + struct.pack("<QII", 0, 0, BAR0)
        try:
            while True:
                first.sock.send(ask)
        except BlockingIOError:
            pass
        with Client(toy.path, timeout_s=8) as second:
            assert second.read32(0, 0) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        bytes(3),
        struct.pack("<HH", 1, 0),
        struct.pack("<HH", 0, 1) + b"{}",
        struct.pack("<HH", 0, 1) + b"no json\0",
        struct.pack("<HH", 0, 1) + b'{"capabilities":{"max_msg_fds":-1}}\0',
    ],
    ids=["empty", "short", "major 1", "no NUL", "no JSON", "negative fds"],
)
def test_a_bad_handshake_closes_the_connection(toy: Toy, body: bytes) -> None:
    with Client(toy.path, shake_hands=False) as client:
        ticket = client.send(VERSION, body)
        assert error_of(client.receive, ticket) != "no error"
        assert client.sock.recv(1) == b""
    with Client(toy.path) as client:
        assert client.read32(0, 0) == 0


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", bytes(64), os.urandom(4096), b"\xff" * 16]
)
def test_garbage_is_answered_by_a_closed_connection(toy: Toy, garbage: bytes) -> None:
    for shake_hands in (False, True):
        with Client(toy.path, shake_hands=shake_hands) as client:
            client.sock.send(garbage)
            client.sock.shutdown(socket.SHUT_WR)
            try:
                while client.sock.recv(65536):
                    pass
            except ConnectionResetError:
                pass
        with Client(toy.path) as client:
            assert client.read32(0, 0) == 0


@pytest.mark.parametrize("size", [0, 15, 2**20 + 33, 2**32 - 1])
def test_a_size_that_cannot_be_is_refused_and_ends_the_session(toy: Toy, size: int) -> None:
    with Client(toy.path) as client:
        client.sock.send(HEADER.pack(7, REGION_READ, size, 0, 0))
        with pytest.raises(OSError, match="Invalid"):
            client.receive(7)
        assert client.sock.recv(1) == b""
    with Client(toy.path) as client:
        assert client.read32(0, 0) == 0


def test_a_large_message_in_pieces(client: Client, toy: Toy) -> None:
    """A body need not arrive at once.

    Observed with the library's own reader: EINVAL, and the rest of the body is taken for the next header.
    """
    data = os.urandom(BAR0)
    body = struct.pack("<QII", 0, 0, len(data)) + data
    client.sock.send(HEADER.pack(9, REGION_WRITE, HEADER.size + len(body), 0, 0) + body[:1000])
    for start in range(1000, len(body), 30000):
        time.sleep(0.002)
        client.sock.sendall(body[start : start + 30000])
    client.receive(9)
    assert client.read(0, 0x1000, 0x1000) == data[0x1000:0x2000]


@pytest.mark.parametrize("command", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17, 18, 99, 65535])
@pytest.mark.parametrize("len_bytes", [0, 1, 7, 15, 20, 64])
def test_short_messages_are_answered(toy: Toy, command: int, len_bytes: int) -> None:
    with Client(toy.path) as client:
        for fill in (0, 0xFF):
            error_of(client.call, command, bytes([fill]) * len_bytes)
        assert client.read32(0, 0) == 0


def test_descriptors_nobody_wants_are_closed(client: Client, toy: Toy, memory: tuple[int, mmap.mmap]) -> None:
    before = open_files(client)
    for command in (GET_INFO, REGION_INFO, SET_IRQS, DMA_UNMAP, RESET, 99):
        error_of(client.call, command, bytes(8), [memory[0]] * 5)
    error_of(client.call, DMA_MAP, struct.pack("<IIQQQ", 32, 3, 0, BASE, PAGE), [memory[0]] * 100)
    client.unmap(0, 2**63)
    until(lambda: fd_count() == before, "the server, which has answered first, closes them")
    with Client(toy.path, shake_hands=False) as other:
        client.close()
        socket.send_fds(other.sock, [HEADER.pack(7, 2, 3, 9, 0)], [memory[0]] * 5)
        other.sock.recv(100)
    toy.wait(lambda: toy.context.attached, False)
    until(lambda: fd_count() == before - 2, "less the client's socket and the server's end of it")


def test_paths(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 108)
    assert error_of(check_path, long) == "ENAMETOOLONG"
    assert error_of(check_path, tmp_path / "no" / "folder") == "ENOENT"
    plain = tmp_path / "file"
    plain.write_text("mine")
    assert error_of(check_path, plain) == "EEXIST"
    assert plain.read_text() == "mine"
    stale = tmp_path / "stale"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(stale))
        listener.listen()
        assert error_of(check_path, stale) == "EBUSY"
    check_path(stale)
    assert not stale.exists()


def test_the_socket_is_removed_at_the_end(tmp_path: Path) -> None:
    toy = Toy(tmp_path / "toy.sock")
    with Client(toy.path) as client:
        client.read32(0, 0)
        toy.close()
        assert not toy.path.exists()
        assert client.sock.recv(1) == b""
