# SPDX-License-Identifier: BSD-3-Clause
"""A door to a function of this machine: Linux VFIO, group API.

Debian's kernels have no VFIO character devices per function (IOMMUFD is off), so the way is container, group, device.

Ref: linux/vfio.h; Documentation/driver-api/vfio.rst.
Observed, in Debian guests (Linux 6.12 and 6.1) under QEMU with intel-iommu, by tests/boot/test_ours*.py: the order of
calls below, and a function level reset when the device is opened.
"""

import contextlib
import errno
import os
import struct
from typing import NoReturn

from driver import compiled
from driver.doors.binding import VFIO_PCI, Binding
from driver.doors.config import CONFIG_BYTES
from driver.doors.door import IrqKind
from driver.doors.kernel import Kernel
from driver.doors.vfio_irqs import VfioIrqs
from driver.errors import Busy, DoorError, NotReadyError, remedy

API_VERSION = 0
TYPE1V2_IOMMU = 3
CONFIG_REGION = 7
BARS = 6

# ioctl numbers: _IO(';', 100 + n).
_BASE = 0x3B64
GET_API_VERSION, CHECK_EXTENSION, SET_IOMMU = _BASE, _BASE + 1, _BASE + 2
GROUP_GET_STATUS, GROUP_SET_CONTAINER, GROUP_UNSET_CONTAINER, GROUP_GET_DEVICE_FD = (_BASE + n for n in (3, 4, 5, 6))
DEVICE_GET_INFO, DEVICE_GET_REGION_INFO = _BASE + 7, _BASE + 8
DEVICE_RESET, IOMMU_MAP_DMA, IOMMU_UNMAP_DMA = _BASE + 11, _BASE + 13, _BASE + 14

GROUP_VIABLE = 1
INFO_RESET = 1
REGION_MMAP = 4
DMA_READ_WRITE = 3


class VfioDoor(VfioIrqs):
    """A PCI function of this machine.

    Args:
        address: ``DDDD:BB:DD.F``.
        bind: Take it from its kernel driver and give it back at the end.
        kernel: What we ask of Linux.

    Raises:
        Busy: Another process has the group.
        DoorError: The function cannot be used; the message says what to do.
    """

    def __init__(self, address: str, *, bind: bool = False, kernel: Kernel | None = None) -> None:
        self.name = address
        self._kernel = kernel or Kernel()
        self._container = self._group = self._device = -1
        self._in_container = False
        self._mmio: dict[int, object] = {}
        self._maps: list[object] = []
        self._binding = Binding(address, self._kernel)
        self._binding.need(bind=bind)
        try:
            self._open_container()
            self._open_group()
            self._open_device()
        except BaseException:
            self.close()
            raise

    # ---- opening ---------------------------------------------------------------------------------------------------

    def _refuse(self, error: OSError, doing: str, advice: str) -> NoReturn:
        code = error.errno or errno.EIO
        raise DoorError(code, f"{self.name}: {doing}: {os.strerror(code)}; {remedy(code, advice)}") from error

    def _open_container(self) -> None:
        try:
            self._container = self._kernel.open("/dev/vfio/vfio")
        except OSError as error:
            advice = "be root" if error.errno in {errno.EACCES, errno.EPERM} else "modprobe vfio vfio_iommu_type1"
            self._refuse(error, "/dev/vfio/vfio", advice)
        version = self._kernel.ioctl(self._container, GET_API_VERSION)
        if version != API_VERSION:
            raise DoorError(errno.EPROTO, f"{self.name}: VFIO API version {version}, this driver knows {API_VERSION}")
        if self._kernel.ioctl(self._container, CHECK_EXTENSION, TYPE1V2_IOMMU) != 1:
            raise NotReadyError(
                errno.ENODEV, f"{self.name}: VFIO has no type 1 IOMMU driver; do: modprobe vfio_iommu_type1"
            )

    def _open_group(self) -> None:
        group = self._binding.group
        try:
            self._group = self._kernel.open(f"/dev/vfio/{group}")
        except OSError as error:
            if error.errno == errno.EBUSY:
                who = ", ".join(self._kernel.holders(f"/dev/vfio/{group}"))
                advice = "end that first" if who else "root is told which one"
                said = f"{self.name}: group {group} is in use by {who or 'another process'}; {advice}"
                raise Busy(said, who) from error
            denied = error.errno in {errno.EACCES, errno.EPERM}
            self._refuse(error, f"/dev/vfio/{group}", "be root" if denied else f"is the function bound to {VFIO_PCI}?")
        status = bytearray(struct.pack("<II", 8, 0))
        self._kernel.ioctl(self._group, GROUP_GET_STATUS, status)
        if not struct.unpack("<II", status)[1] & GROUP_VIABLE:
            raise DoorError(
                errno.EPERM,
                f"{self.name}: group {group} has other functions that kernel drivers hold: bind all of "
                f"/sys/kernel/iommu_groups/{group}/devices to {VFIO_PCI}, "
                "or put the device behind a root port of its own",
            )
        self._kernel.ioctl(self._group, GROUP_SET_CONTAINER, bytearray(struct.pack("<i", self._container)))
        self._in_container = True
        try:
            self._kernel.ioctl(self._container, SET_IOMMU, TYPE1V2_IOMMU)
        except OSError as error:
            advice = (
                "can the IOMMU remap interrupts? QEMU wants intremap=on, or vfio_iommu_type1 allow_unsafe_interrupts=1"
            )
            self._refuse(error, "SET_IOMMU", advice)

    def _open_device(self) -> None:
        try:
            # A bytearray, so that the result is the ioctl's own, the fd; the kernel only reads the name.
            name = bytearray(self.name.encode() + b"\0")
            self._device = self._kernel.ioctl(self._group, GROUP_GET_DEVICE_FD, name)
        except OSError as error:
            self._refuse(error, "GROUP_GET_DEVICE_FD", "see dmesg")
        info = bytearray(struct.pack("<IIII", 16, 0, 0, 0))
        self._kernel.ioctl(self._device, DEVICE_GET_INFO, info)
        _, flags, regions, irqs = struct.unpack("<IIII", info)
        if regions <= CONFIG_REGION or irqs <= IrqKind.MSIX:
            raise DoorError(errno.EPROTO, f"{self.name}: VFIO shows {regions} regions and {irqs} interrupts: not PCI")
        self._can_reset = bool(flags & INFO_RESET)
        self._regions = {index: self._region(index) for index in (*range(BARS), CONFIG_REGION)}
        self._ask_irqs()

    def _region(self, index: int) -> tuple[int, int, int]:
        info = bytearray(struct.pack("<IIIIQQ", 32, 0, index, 0, 0, 0))
        self._kernel.ioctl(self._device, DEVICE_GET_REGION_INFO, info)
        _, flags, _, _, len_bytes, offset = struct.unpack("<IIIIQQ", info)
        return flags, len_bytes, offset

    # ---- using -----------------------------------------------------------------------------------------------------

    @property
    def numa_node(self) -> int:
        """The NUMA node that the function is nearest to, as sysfs has it; -1 if none."""
        try:
            return int(self._kernel.read(f"/sys/bus/pci/devices/{self.name}/numa_node"))
        except (OSError, ValueError):
            return -1

    def config_read(self, offset: int, len_bytes: int) -> bytes:
        """Read configuration space.

        Raises:
            OSError: Outside of it.
        """
        return self._config_part(
            offset, len_bytes, self._kernel.pread(self._device, len_bytes, self._config_at(offset))
        )

    def config_write(self, offset: int, data: bytes) -> None:
        """Write configuration space; the kernel lets through what is safe and emulates the rest.

        Raises:
            OSError: Outside of it.
        """
        wrote = self._kernel.pwrite(self._device, data, self._config_at(offset))
        self._config_part(offset, len(data), data[:wrote])

    def _config_at(self, offset: int) -> int:
        if not 0 <= offset < CONFIG_BYTES:
            raise OSError(errno.EINVAL, f"{self.name}: configuration offset 0x{offset:x}")
        return self._regions[CONFIG_REGION][2] + offset

    def _config_part(self, offset: int, wanted: int, data: bytes) -> bytes:
        if len(data) != wanted:
            raise OSError(errno.EIO, f"{self.name}: {len(data)} of {wanted} bytes at configuration offset 0x{offset:x}")
        return data

    def bar_len_bytes(self, index: int) -> int:
        """Size of BAR ``index``; 0 if the function does not have it."""
        return self._regions[index][1] if 0 <= index < BARS else 0

    def bar_mmio(self, index: int) -> object:
        """Return the ``struct mmio *`` of BAR ``index``, mapped whole.

        Raises:
            OSError: The function does not have it, or it cannot be mapped.
        """
        if index in self._mmio:
            return self._mmio[index]
        len_bytes = self.bar_len_bytes(index)
        if self._device < 0 or not len_bytes:
            raise OSError(errno.ENXIO, f"{self.name}: no BAR {index}")
        flags, _, offset = self._regions[index]
        if not flags & REGION_MMAP:
            raise OSError(
                errno.EINVAL, f"{self.name}: BAR {index} cannot be mapped (smaller than a page, or I/O ports)"
            )
        size = min(len_bytes, compiled.lib.MMIO_PAGES * compiled.PAGE_BYTES)
        mmio = compiled.mmio_new(len_bytes)
        memory = compiled.buffer_at(self._kernel.mmap(self._device, size, offset))
        compiled.mmio_map(mmio, 0, memory)
        self._maps.append(memory)
        self._mmio[index] = mmio
        return mmio

    def dma_map(self, fd: int, fd_offset: int, ptr: int, iova: int, len_bytes: int) -> None:
        """Pin ``len_bytes`` at ``ptr`` and let the function reach them at ``iova``.

        Raises:
            OSError: Memory lock limit (ENOMEM), overlap (EEXIST), or an iova the IOMMU cannot do (EINVAL).
        """
        del fd, fd_offset
        ask = bytearray(struct.pack("<IIQQQ", 32, DMA_READ_WRITE, ptr, iova, len_bytes))
        self._dma(IOMMU_MAP_DMA, ask, f"map {len_bytes} bytes at iova 0x{iova:x}")

    def _dma(self, request: int, ask: bytearray, doing: str) -> None:
        try:
            self._kernel.ioctl(self._container, request, ask)
        except OSError as error:
            code = error.errno or errno.EIO
            advice = "; raise the limit of locked memory (ulimit -l), or be root" if code == errno.ENOMEM else ""
            raise OSError(code, f"{self.name}: cannot {doing}: {os.strerror(code)}{advice}") from error

    def dma_unmap(self, iova: int, len_bytes: int) -> None:
        """Take it back and unpin it.

        Raises:
            OSError: Nothing of that size was mapped there.
        """
        ask = bytearray(struct.pack("<IIQQ", 24, 0, iova, len_bytes))
        self._dma(IOMMU_UNMAP_DMA, ask, f"unmap {len_bytes} bytes at iova 0x{iova:x}")
        gone = struct.unpack("<IIQQ", ask)[3]
        if gone != len_bytes:
            raise OSError(errno.EINVAL, f"{self.name}: unmapped {gone} of {len_bytes} bytes at iova 0x{iova:x}")

    def reset(self) -> None:
        """Function level reset; the kernel saves and restores configuration space round it.

        Raises:
            OSError: The function has no reset.
        """
        if not self._can_reset:
            raise OSError(errno.ENOTSUP, f"{self.name}: the function offers no reset")
        self._kernel.ioctl(self._device, DEVICE_RESET)

    def close(self) -> None:
        """Give everything back, in reverse order, the kernel driver last.  Safe to call twice.

        A BAR mapping that somebody still holds makes the unbinding wait in the kernel, so ours go first.
        """
        for mmio in self._mmio.values():
            compiled.mmio_drop_pages(mmio)
        self._mmio.clear()
        self._maps.clear()
        for attribute in ("_device", "_group", "_container"):
            fd = getattr(self, attribute)
            if attribute == "_group" and self._in_container:
                self._in_container = False
                with contextlib.suppress(OSError):  # closing the group does it too
                    self._kernel.ioctl(fd, GROUP_UNSET_CONTAINER)
            if fd >= 0:
                setattr(self, attribute, -1)
                self._kernel.close(fd)
        self._binding.restore()
