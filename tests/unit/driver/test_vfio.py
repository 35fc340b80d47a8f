# SPDX-License-Identifier: BSD-3-Clause
"""The VFIO door against a stand-in kernel: a sysfs tree in a folder, and ioctls answered from linux/vfio.h by hand."""

import errno
import mmap
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device.regs import pci as layout
from device.regs.i82599 import CTRL, STATUS
from driver.core.bar import Bar
from driver.core.dma import IOVA_BASE_64, Arena
from driver.core.msix import DoorMsix
from driver.doors import binding
from driver.doors.config import Config
from driver.doors.door import FewerIrqsError, IrqKind
from driver.doors.kernel import Kernel, ids
from driver.doors.open import open_door
from driver.doors.vfio import VfioDoor
from driver.errors import Busy, DeviceGone, DoorError

ADDRESS = "0000:01:00.0"
GROUP = 7
CONFIG_AT = 7 << 40  # the kernel keeps each region at index << 40
# linux/vfio.h, computed there as _IO(';', 100 + n) = 0x3B00 | 100 + n
NAMES = {
    0x3B64: "GET_API_VERSION",
    0x3B65: "CHECK_EXTENSION",
    0x3B66: "SET_IOMMU",
    0x3B67: "GROUP_GET_STATUS",
    0x3B68: "GROUP_SET_CONTAINER",
    0x3B69: "GROUP_UNSET_CONTAINER",
    0x3B6A: "GROUP_GET_DEVICE_FD",
    0x3B6B: "DEVICE_GET_INFO",
    0x3B6C: "DEVICE_GET_REGION_INFO",
    0x3B6D: "DEVICE_GET_IRQ_INFO",
    0x3B6E: "DEVICE_SET_IRQS",
    0x3B6F: "DEVICE_RESET",
    0x3B71: "IOMMU_MAP_DMA",
    0x3B72: "IOMMU_UNMAP_DMA",
}
SIZES = {0: 0x80000, 2: 32, 4: 0x4000, 7: 4096}


class FakeKernel(Kernel):
    """Linux as far as the door can see it: one function, its group, its drivers."""

    def __init__(self, root: Path, driver: str = "vfio-pci", *, iommu: bool = True, loaded: bool = True) -> None:
        super().__init__(root)
        self.log: list[tuple[str, object]] = []
        self.fail: dict[str, int] = {}
        self.answers: dict[str, int] = {}
        self.open_files: dict[int, str] = {}
        self.unmapped: int | None = None
        self.config = bytearray(layout.reset_bytes())
        self.bar = mmap.mmap(-1, SIZES[0])
        self.flags = {0: 7, 2: 3, 4: 3, 7: 3}
        self.stuck = ""
        self.device = self.path(f"/sys/bus/pci/devices/{ADDRESS}")
        self.device.mkdir(parents=True)
        for name in ("vfio-pci", "ixgbe"):
            if name != "vfio-pci" or loaded:
                self.path(f"/sys/bus/pci/drivers/{name}").mkdir(parents=True)
        if iommu:
            (self.device / "iommu_group").symlink_to(f"../../../kernel/iommu_groups/{GROUP}")
        self.bind(driver)

    def bind(self, driver: str) -> None:
        (self.device / "driver").unlink(missing_ok=True)
        if driver:
            (self.device / "driver").symlink_to(f"../drivers/{driver}")

    def write(self, name: str, text: str) -> None:
        self.log.append((name, text))
        self._may_fail(Path(name).name)
        if name.endswith("/driver_override"):
            self.override = text.strip()
        elif name.endswith("/unbind"):
            assert not any(path != "/dev/vfio/vfio" for path in self.open_files.values())
            self.bind("")
        elif name.endswith("/drivers_probe"):
            assert text == ADDRESS
            self.bind(self.stuck or self.override or "ixgbe")

    def _may_fail(self, name: str) -> None:
        if name in self.fail:
            raise OSError(self.fail[name], os.strerror(self.fail[name]))

    def open(self, name: str) -> int:
        self._may_fail(name)
        return self._new(name)

    def _new(self, name: str) -> int:
        fd = 1000 + len(self.log)
        self.log.append(("open", name))
        self.open_files[fd] = name
        return fd

    def close(self, fd: int) -> None:
        self.log.append(("close", self.open_files.pop(fd)))

    def ioctl(self, fd: int, request: int, argument: int | bytearray = 0) -> int:
        name = NAMES[request]
        self.log.append((name, bytes(argument) if isinstance(argument, bytearray) else argument))
        if fd not in self.open_files:
            raise OSError(errno.EBADF, "closed")
        self._may_fail(name)
        if name in self.answers and not isinstance(argument, bytearray):
            return self.answers[name]
        handler: Callable[[int | bytearray], int | None] | None = getattr(self, f"_{name.lower()}", None)
        return (handler(argument) if handler else None) or 0

    def _check_extension(self, argument: int | bytearray) -> int:
        return int(argument == 3)

    def _group_get_status(self, argument: int | bytearray) -> None:
        assert isinstance(argument, bytearray)
        argument[4:8] = struct.pack("<I", self.answers.get("status", 1))

    def _group_get_device_fd(self, argument: int | bytearray) -> int:
        assert isinstance(argument, bytearray)
        assert bytes(argument) == ADDRESS.encode() + b"\0"
        return self._new("device")

    def _device_get_info(self, argument: int | bytearray) -> None:
        assert isinstance(argument, bytearray)
        argument[:] = struct.pack("<IIII", 16, self.answers.get("info", 3), self.answers.get("regions", 9), 5)

    def _device_get_region_info(self, argument: int | bytearray) -> None:
        assert isinstance(argument, bytearray)
        assert len(argument) == struct.unpack_from("<I", argument)[0] == 32
        index = struct.unpack_from("<III", argument)[2]
        size = SIZES.get(index, 0)
        argument[:] = struct.pack("<IIIIQQ", 32, self.flags.get(index, 0), index, 0, size, index << 40)

    def _device_get_irq_info(self, argument: int | bytearray) -> None:
        assert isinstance(argument, bytearray)
        index = struct.unpack_from("<III", argument)[2]
        argument[:] = struct.pack("<IIII", 16, self.answers.get("irq_flags", 9), index, (1, 1, 64)[index])

    def _device_set_irqs(self, argument: int | bytearray) -> int:
        return self.answers.get("granted", 0)

    def _iommu_unmap_dma(self, argument: int | bytearray) -> None:
        assert isinstance(argument, bytearray)
        if self.unmapped is not None:
            argument[16:24] = struct.pack("<Q", self.unmapped)

    def mmap(self, fd: int, len_bytes: int, offset: int) -> mmap.mmap:
        assert (self.open_files[fd], offset) == ("device", 0)
        assert len_bytes == SIZES[0]
        return self.bar

    def pread(self, fd: int, len_bytes: int, offset: int) -> bytes:
        assert self.open_files[fd] == "device"
        return bytes(self.config[offset - CONFIG_AT :][:len_bytes])

    def pwrite(self, fd: int, data: bytes, offset: int) -> int:
        assert self.open_files[fd] == "device"
        self.config[offset - CONFIG_AT : offset - CONFIG_AT + len(data)] = data
        return len(data)

    def asked(self, name: str) -> list[object]:
        return [what for who, what in self.log if who == name]


@pytest.fixture
def kernel(tmp_path: Path) -> FakeKernel:
    return FakeKernel(tmp_path)


@pytest.fixture
def door(kernel: FakeKernel) -> Iterator[VfioDoor]:
    door = VfioDoor(ADDRESS, kernel=kernel)
    yield door
    door.close()
    assert kernel.open_files == {}


def test_container_then_group_then_device(kernel: FakeKernel, door: VfioDoor) -> None:
    names = [who for who, _ in kernel.log]
    assert names[:9] == [
        "open",
        "GET_API_VERSION",
        "CHECK_EXTENSION",
        "open",
        "GROUP_GET_STATUS",
        "GROUP_SET_CONTAINER",
        "SET_IOMMU",
        "GROUP_GET_DEVICE_FD",
        "open",
    ]
    assert kernel.asked("open") == ["/dev/vfio/vfio", f"/dev/vfio/{GROUP}", "device"]
    assert kernel.asked("SET_IOMMU") == [3]
    container = next(fd for fd, name in kernel.open_files.items() if name == "/dev/vfio/vfio")
    assert kernel.asked("GROUP_SET_CONTAINER") == [struct.pack("<i", container)]
    assert [door.bar_len_bytes(n) for n in (0, 1, 2, 4, 6)] == [0x80000, 0, 32, 0x4000, 0]
    assert [door.irq_count(kind) for kind in IrqKind] == [1, 1, 64]


def test_closing_goes_back_the_same_way(kernel: FakeKernel) -> None:
    door = VfioDoor(ADDRESS, kernel=kernel)
    kernel.log.clear()
    door.close()
    door.close()
    assert kernel.log == [
        ("close", "device"),
        ("GROUP_UNSET_CONTAINER", 0),
        ("close", f"/dev/vfio/{GROUP}"),
        ("close", "/dev/vfio/vfio"),
    ]


def test_registers_are_the_mapped_bar(kernel: FakeKernel, door: VfioDoor) -> None:
    bar = Bar(door)
    bar.write(CTRL, CTRL.of(GIO_DIS=1))
    assert kernel.bar[0:4] == b"\x04\0\0\0"
    kernel.bar[8:12] = b"\0\0\x08\0"
    assert bar.read(STATUS).GIO == 1
    door.close()
    with pytest.raises(DeviceGone):
        bar.read(STATUS)


def test_a_pulled_card_reads_all_ones_and_is_gone(kernel: FakeKernel, door: VfioDoor) -> None:
    bar = Bar(door, alive=STATUS)
    kernel.bar[0:16] = b"\xff" * 16
    with pytest.raises(DeviceGone, match="left the bus"):
        bar.read(CTRL)


@pytest.mark.parametrize(("index", "words"), [(1, "no BAR 1"), (2, "cannot be mapped"), (9, "no BAR 9")])
def test_bars_that_cannot_be_had(door: VfioDoor, index: int, words: str) -> None:
    with pytest.raises(OSError, match=words):
        door.bar_mmio(index)


def test_config_space_is_region_7_of_the_device_file(kernel: FakeKernel, door: VfioDoor) -> None:
    assert Config(door).ids()[:2] == (0x8086, 0x10FB)
    Config(door).set_master(on=True)
    assert kernel.config[4] == 0x04
    with pytest.raises(OSError, match="configuration offset 0x1000"):
        door.config_read(4096, 1)
    with pytest.raises(OSError, match="2 of 4 bytes"):
        door.config_read(4094, 4)


def test_vectors_are_an_array_of_eventfds_in_one_call(kernel: FakeKernel, door: VfioDoor) -> None:
    door.irq_enable(IrqKind.MSIX, list(range(64)))
    door.irq_disable(IrqKind.MSIX)
    door.irq_unmask(IrqKind.INTX)
    assert kernel.asked("DEVICE_SET_IRQS") == [
        struct.pack("<IIIII64i", 20 + 256, 0x24, 2, 0, 64, *range(64)),
        struct.pack("<IIIII", 20, 0x21, 2, 0, 0),
        struct.pack("<IIIII", 20, 0x11, 0, 0, 1),
    ]
    for count in (0, 65):
        with pytest.raises(ValueError, match=f"{count} eventfds"):
            door.irq_enable(IrqKind.MSIX, [0] * count)


def test_one_vector_is_armed_and_disarmed_alone(kernel: FakeKernel, door: VfioDoor) -> None:
    door.irq_arm(IrqKind.MSIX, 7, 33)
    door.irq_disarm(IrqKind.MSIX, 7)
    assert kernel.asked("DEVICE_SET_IRQS") == [
        struct.pack("<IIIIIi", 24, 0x24, 2, 7, 1, 33),
        struct.pack("<IIIIIi", 24, 0x24, 2, 7, 1, -1),
    ]


@pytest.mark.parametrize(("flags", "dynamic"), [(9, False), (1, True)], ids=["NORESIZE", "dynamic"])
def test_the_kernel_says_whether_it_can_add_vectors(tmp_path: Path, flags: int, dynamic: bool) -> None:
    kernel = FakeKernel(tmp_path)
    kernel.answers["irq_flags"] = flags
    door = VfioDoor(ADDRESS, kernel=kernel)
    assert [door.irq_dynamic(kind) for kind in IrqKind] == [False, False, dynamic], "one vector alone is all there is"
    assert DoorMsix(door).can_alloc_dyn is dynamic
    door.close()


def test_what_the_kernel_has_of_vectors_decides(kernel: FakeKernel, door: VfioDoor) -> None:
    """VFIO returns how many it could have enabled, and has enabled none then."""
    kernel.answers["granted"] = 3
    with pytest.raises(FewerIrqsError, match="the system has 3 of 9 MSIX") as caught:
        door.irq_enable(IrqKind.MSIX, list(range(9)))
    assert (caught.value.granted, caught.value.errno) == (3, errno.ENOSPC)


def test_the_numa_node_is_what_sysfs_says(kernel: FakeKernel, door: VfioDoor) -> None:
    assert door.numa_node == -1
    (kernel.device / "numa_node").write_text("1\n")
    assert door.numa_node == 1


def test_dma_memory_is_mapped_by_its_address_here(kernel: FakeKernel, door: VfioDoor) -> None:
    arena = Arena(door, 8192)
    buffer = arena.alloc(16)
    asked = kernel.asked("IOMMU_MAP_DMA")[0]
    assert isinstance(asked, bytes)
    argsz, flags, vaddr, iova, size = struct.unpack("<IIQQQ", asked)
    assert (argsz, flags, iova, size) == (32, 3, IOVA_BASE_64, 8192)
    assert vaddr % mmap.PAGESIZE == 0
    assert buffer.iova == iova
    arena.free(buffer)
    arena.close()
    assert kernel.asked("IOMMU_UNMAP_DMA") == [struct.pack("<IIQQ", 24, 0, IOVA_BASE_64, 8192)]


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.ENOMEM, "cannot map 4096 bytes at iova 0x1000: .*ulimit -l"), (errno.EEXIST, "iova 0x1000: File exists$")],
)
def test_memory_that_is_not_mapped_is_explained(kernel: FakeKernel, door: VfioDoor, code: int, words: str) -> None:
    kernel.fail["IOMMU_MAP_DMA"] = code
    with pytest.raises(OSError, match=words) as caught:
        door.dma_map(0, 0, 0, 0x1000, 4096)
    assert caught.value.errno == code


def test_an_unmap_that_did_less_is_an_error(kernel: FakeKernel, door: VfioDoor) -> None:
    kernel.unmapped = 4096
    with pytest.raises(OSError, match="unmapped 4096 of 8192 bytes"):
        door.dma_unmap(0, 8192)


def test_reset_is_asked_of_the_device_if_it_has_one(kernel: FakeKernel, door: VfioDoor, tmp_path: Path) -> None:
    door.reset()
    assert len(kernel.asked("DEVICE_RESET")) == 1
    other = FakeKernel(tmp_path / "other")
    other.answers["info"] = 2
    without = VfioDoor(ADDRESS, kernel=other)
    with pytest.raises(OSError, match="offers no reset"):
        without.reset()
    without.close()


def refused(kernel: FakeKernel, *words: str, bind: bool = False, code: int = 0) -> DoorError:
    with pytest.raises(DoorError) as caught:
        VfioDoor(ADDRESS, bind=bind, kernel=kernel)
    assert ADDRESS in str(caught.value)
    for word in words:
        assert word in str(caught.value)
    if code:
        assert caught.value.errno == code
    assert kernel.open_files == {}
    return caught.value


def test_no_such_function(tmp_path: Path) -> None:
    with pytest.raises(DoorError, match=r"0000:09:00\.0: no such PCI function; `lspci -D`"):
        VfioDoor("0000:09:00.0", kernel=FakeKernel(tmp_path))


def test_no_iommu_says_how_to_boot(tmp_path: Path) -> None:
    refused(FakeKernel(tmp_path, iommu=False), "no iommu_group", "intel_iommu=on", "-device intel-iommu")


@pytest.mark.parametrize("driver", ["ixgbe", ""])
def test_not_bound_says_the_commands(tmp_path: Path, driver: str) -> None:
    error = refused(FakeKernel(tmp_path, driver), "drivers_probe", "echo vfio-pci >", driver or "no driver has it")
    assert ("unbind" in str(error)) == bool(driver)


def test_not_bound_and_not_loaded_says_to_load_it_first(tmp_path: Path) -> None:
    refused(FakeKernel(tmp_path, "ixgbe", loaded=False), "do: modprobe vfio-pci; echo vfio-pci >")


def test_ids_are_those_of_sysfs_whoever_drives_it(tmp_path: Path) -> None:
    kernel = FakeKernel(tmp_path, "ixgbe")
    assert ids(ADDRESS, kernel) is None
    for name, value in (("vendor", "0x1af4\n"), ("device", "0x1005\n")):
        (kernel.device / name).write_text(value)
    assert ids(ADDRESS, kernel) == (0x1AF4, 0x1005)
    assert ids("0000:09:00.0", kernel) is None


@pytest.mark.parametrize("driver", ["ixgbe", ""])
def test_bind_takes_the_function_and_close_gives_it_back(tmp_path: Path, driver: str) -> None:
    kernel = FakeKernel(tmp_path, driver)
    if not driver:
        kernel.path("/sys/bus/pci/drivers/ixgbe").rmdir()
    door = VfioDoor(ADDRESS, bind=True, kernel=kernel)
    assert kernel.link(f"/sys/bus/pci/devices/{ADDRESS}/driver") == "vfio-pci"
    door.close()
    assert kernel.link(f"/sys/bus/pci/devices/{ADDRESS}/driver") == driver
    assert kernel.override == ""


def test_a_function_that_had_vfio_pci_keeps_it(kernel: FakeKernel) -> None:
    VfioDoor(ADDRESS, bind=True, kernel=kernel).close()
    assert kernel.link(f"/sys/bus/pci/devices/{ADDRESS}/driver") == "vfio-pci"


def test_bind_without_the_module(tmp_path: Path) -> None:
    refused(FakeKernel(tmp_path, "ixgbe", loaded=False), "modprobe vfio-pci", bind=True)


def test_bind_without_rights_is_undone(tmp_path: Path) -> None:
    kernel = FakeKernel(tmp_path, "ixgbe")
    kernel.fail["unbind"] = errno.EPERM
    refused(kernel, "cannot bind to vfio-pci", "are you root?", bind=True, code=errno.EPERM)
    assert kernel.override == ""
    assert kernel.link(f"/sys/bus/pci/devices/{ADDRESS}/driver") == "ixgbe"


def test_bind_that_does_not_take_is_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binding, "BIND_WAIT_S", 0.02)
    kernel = FakeKernel(tmp_path, "ixgbe")
    kernel.stuck = "ixgbe"
    refused(kernel, "vfio-pci was to get it, ixgbe has it; see dmesg", bind=True, code=errno.EINVAL)
    assert kernel.link(f"/sys/bus/pci/devices/{ADDRESS}/driver") == "ixgbe"


def test_a_failure_after_binding_gives_the_function_back(tmp_path: Path) -> None:
    kernel = FakeKernel(tmp_path, "ixgbe")
    kernel.fail["GROUP_GET_DEVICE_FD"] = errno.EINVAL
    refused(kernel, "GROUP_GET_DEVICE_FD", bind=True)
    assert kernel.link(f"/sys/bus/pci/devices/{ADDRESS}/driver") == "ixgbe"


def test_a_group_in_use_names_who_has_it(kernel: FakeKernel) -> None:
    kernel.fail[f"/dev/vfio/{GROUP}"] = errno.EBUSY
    for pid, target in (("12", "/dev/null"), ("34", f"/dev/vfio/{GROUP}"), ("56", "")):
        folder = kernel.path(f"/proc/{pid}")
        (folder / "fd").mkdir(parents=True)
        (folder / "cmdline").write_bytes(b"qemu\0-M\0q35\0")
        if target:
            (folder / "fd" / "3").symlink_to(target)
    with pytest.raises(Busy, match=rf"group {GROUP} is in use by pid 34 \(qemu -M q35\); end that first") as caught:
        VfioDoor(ADDRESS, kernel=kernel)
    assert caught.value.holder == "pid 34 (qemu -M q35)"


def test_a_group_in_use_is_busy(kernel: FakeKernel) -> None:
    kernel.fail[f"/dev/vfio/{GROUP}"] = errno.EBUSY
    error = refused(kernel, f"group {GROUP} is in use by another process", "root is told", code=errno.EBUSY)
    assert isinstance(error, Busy)


@pytest.mark.parametrize(
    ("where", "code", "words"),
    [
        ("/dev/vfio/vfio", errno.ENOENT, "modprobe vfio"),
        ("/dev/vfio/vfio", errno.EACCES, "be root"),
        (f"/dev/vfio/{GROUP}", errno.EPERM, "be root"),
        (f"/dev/vfio/{GROUP}", errno.ENOENT, "bound to vfio-pci?"),
        ("SET_IOMMU", errno.EPERM, "intremap=on"),
        ("GROUP_GET_DEVICE_FD", errno.EINVAL, "see dmesg"),
    ],
)
def test_what_the_kernel_refuses_is_explained(kernel: FakeKernel, where: str, code: int, words: str) -> None:
    kernel.fail[where] = code
    refused(kernel, words, os.strerror(code), code=code)


@pytest.mark.parametrize(
    ("answer", "value", "words"),
    [
        ("GET_API_VERSION", 1, "VFIO API version 1"),
        ("CHECK_EXTENSION", 0, "modprobe vfio_iommu_type1"),
        ("status", 0, f"/sys/kernel/iommu_groups/{GROUP}/devices"),
        ("regions", 1, "not PCI"),
    ],
)
def test_answers_we_cannot_work_with(kernel: FakeKernel, answer: str, value: int, words: str) -> None:
    kernel.answers[answer] = value
    refused(kernel, words)


def test_the_kernel_class_itself(tmp_path: Path) -> None:
    kernel = Kernel(tmp_path)
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "file").write_bytes(bytes(8192))
    (tmp_path / "dev" / "link").symlink_to("../drivers/ixgbe")
    assert kernel.link("/dev/link") == "ixgbe"
    assert kernel.link("/dev/none") == ""
    kernel.write("/dev/file", "hello")
    fd = kernel.open("/dev/file")
    assert kernel.pread(fd, 5, 0) == b"hello"
    assert kernel.pwrite(fd, b"j", 0) == 1
    with kernel.mmap(fd, 4096, 4096) as page:
        page[0] = 7
    assert kernel.pread(fd, 1, 4096) == b"\x07"
    kernel.close(fd)


def test_ioctl_hands_over_the_buffer_and_returns_the_kernels_own_number() -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, b"abc")
    waiting = bytearray(4)
    assert Kernel().ioctl(read_end, 0x541B, waiting) == 0  # FIONREAD
    assert struct.unpack("<i", waiting) == (3,)
    os.close(read_end)
    os.close(write_end)


def test_a_closed_file_is_an_error_of_the_system() -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        Kernel().ioctl(-1, 0x541B)


@pytest.mark.parametrize(
    "name",
    ["", "nic", "vfio-user", "/run/nic.sock", "1:0.0", "0000:01:00.8", "0000:01:20.0", "00000:01:00.0", "01:00.0 "],
)
def test_names_that_are_no_door(name: str) -> None:
    with pytest.raises(DoorError, match="neither a socket nor a PCI address") as caught:
        open_door(name)
    assert caught.value.errno == errno.EINVAL


def test_a_socket_name_without_a_path() -> None:
    with pytest.raises(DoorError, match="the socket's path is missing"):
        open_door("vfio-user:")


@pytest.mark.parametrize("name", ["ffff:ff:1f.7", "FFFF:FF:1F.7"])
def test_an_address_opens_the_kernels_door(name: str) -> None:
    with pytest.raises(DoorError, match=r"ffff:ff:1f\.7: no such PCI function"):
        open_door(name)


def test_the_domain_may_be_left_out() -> None:
    with pytest.raises(DoorError, match=r"0000:ff:1f\.7"):
        open_door("ff:1f.7")
