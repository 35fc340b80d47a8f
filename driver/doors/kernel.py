# SPDX-License-Identifier: BSD-3-Clause
"""What the VFIO door asks of Linux, in one place: a test replaces it."""

import contextlib
import errno
import fcntl
import mmap
import os
from pathlib import Path


class Kernel:
    """The few things we ask of Linux, one method each; ``root`` stands before ``/sys`` and ``/dev``."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root

    def path(self, name: str) -> Path:
        """Return where an absolute name is, seen from the root in use."""
        return self.root / name.lstrip("/")

    def open(self, name: str) -> int:
        """Open a device file for reading and writing."""
        return os.open(self.path(name), os.O_RDWR | os.O_CLOEXEC)

    def close(self, fd: int) -> None:
        """Close one of our files."""
        os.close(fd)

    def ioctl(self, fd: int, request: int, argument: int | bytearray = 0) -> int:
        """Do an ioctl; a bytearray is passed by address and may come back changed."""
        if fd < 0:  # Python's own answer would be a ValueError
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return fcntl.ioctl(fd, request, argument)

    def mmap(self, fd: int, len_bytes: int, offset: int) -> mmap.mmap:
        """Map part of a device file, shared."""
        return mmap.mmap(fd, len_bytes, offset=offset)

    def pread(self, fd: int, len_bytes: int, offset: int) -> bytes:
        """Read from a device file."""
        return os.pread(fd, len_bytes, offset)

    def pwrite(self, fd: int, data: bytes, offset: int) -> int:
        """Write to a device file."""
        return os.pwrite(fd, data, offset)

    def write(self, name: str, text: str) -> None:
        """Write a sysfs attribute in one go."""
        fd = os.open(self.path(name), os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)

    def read(self, name: str) -> str:
        """Read a sysfs attribute."""
        return self.path(name).read_text(encoding="utf-8").strip()

    def link(self, name: str) -> str:
        """Return the last part of what a symbolic link points to; empty if there is no such link."""
        try:
            return self.path(name).readlink().name
        except OSError:
            return ""

    def holders(self, name: str) -> list[str]:
        """Return who has a device file open, as text for people; only those that we may look into."""
        found = []
        for process in self.path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it ended, or is somebody else's
                if any(str(fd.readlink()) == name for fd in (process / "fd").iterdir()):
                    command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                    found.append(f"pid {process.name} ({command})")
        return found


def ids(address: str, kernel: Kernel | None = None) -> tuple[int, int] | None:
    """Return a function's vendor and device id as the system knows them, whoever drives it; None if it is not there."""
    kernel = kernel or Kernel()
    try:
        vendor, device = (
            int(kernel.read(f"/sys/bus/pci/devices/{address}/{name}"), 16) for name in ("vendor", "device")
        )
    except (OSError, ValueError):
        return None
    return vendor, device
