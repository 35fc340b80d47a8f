# SPDX-License-Identifier: BSD-3-Clause
"""What a client brings as memory: which files may be, and what is said when one went away under the device.

A page fault in a file waits for its contents, and the device's one thread with it.  Memory files (memfd, tmpfs,
hugetlbfs) never wait.  A local disk does, but answers, so its files are taken and named; the others (FUSE, a network)
may never answer, and are refused before they are asked anything: ``stat`` would wait for them, too.
"""

import errno
import fcntl
import logging
import os
import stat
from pathlib import Path

from device.machine.function import LostMemory
from device.machine.limit import LimitedLog

LINES_PER_S = 4
NAMED_MAX = 64  # files of one client that are named
# Local file systems; overlay stands on one of them if it is mounted where we are, which takes the right to mount.
DISKS = frozenset(
    {"bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "jfs", "overlay", "vfat", "xfs", "zfs"}
)
ADVICE = "memory is best a memfd sealed with F_SEAL_SHRINK (QEMU: -object memory-backend-memfd,id=m,size=SIZE,share=on)"


def file_system(fd: int) -> str:
    """Type of the file system that an open file lies on, without asking it; "" if it is not mounted where we are."""
    mount = ""
    for line in Path(f"/proc/self/fdinfo/{fd}").read_text().splitlines():
        key, _, value = line.partition(":")
        if key == "mnt_id":
            mount = value.strip()
    with Path("/proc/self/mountinfo").open(errors="replace") as mounts:
        for line in mounts:
            where, _, what = line.partition(" - ")
            if where.split(" ", 1)[0] == mount:
                return what.split(" ", 1)[0]
    return ""


def span(iova: int, len_bytes: int) -> str:
    """A region as the log writes it."""
    return f"[{iova:#x}, {iova + len_bytes - 1:#x}]"


class ClientMemory:
    """Looks at the files of one client after another.

    Args:
        log: Where lines go; a client can cause any number, so most are left out.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = LimitedLog(log, LINES_PER_S)
        self._named: set[str] = set()
        self.client = "an unknown client"

    def meet(self, client: str) -> None:
        """Begin with another client, by its name for people."""
        self.client = client
        self._named.clear()

    def judge(self, iova: int, len_bytes: int, fd: int) -> int:
        """Whether a file that is no memory file may be DMA memory.

        Returns:
            0, or -errno: ENODEV for what is no file at all, EOPNOTSUPP for a file that DMA might wait for in vain.
        """
        what = f"client memory {span(iova, len_bytes)} is"
        name = str(Path(f"/proc/self/fd/{fd}").readlink())
        if not name.startswith("/"):
            self._name(name, f"{what} no file but {name} of {self.client}: refused; {ADVICE}")
            return -errno.ENODEV
        kind = file_system(fd)
        if kind not in DISKS or not stat.S_ISREG(os.fstat(fd).st_mode):
            where = f"on {kind}" if kind else "on a file system that is not mounted here"
            why = "the NIC would stand still while that file system does not answer"
            self._name(name, f"{what} {name} {where}, of {self.client}: refused, since {why}; {ADVICE}")
            return -errno.EOPNOTSUPP
        self._name(name, f"{what} {name} on {kind}, of {self.client}: DMA may have to wait for the disk; {ADVICE}")
        return 0

    def _name(self, name: str, text: str) -> None:
        if name not in self._named and len(self._named) < NAMED_MAX:
            self._named.add(name)
            self._log.line(logging.WARNING, text)

    def tell_lost(self, lost: LostMemory, name: str, seals: int) -> None:
        """Say that memory went away.

        Args:
            lost: Which.
            name: The file that it was a part of.
            seals: That file's ``F_SEAL_*``; -1: it is no memory file.
        """
        if seals < 0:
            why = "its file was cut short, or its disk is full or failed"
            cure = ADVICE
        elif seals & fcntl.F_SEAL_SHRINK:
            why = "its file is sealed, so there was no memory, or no huge page, to fill a hole in it"
            cure = "leave room for all of it, and let the client touch it before it is mapped (QEMU: prealloc=on)"
        else:
            why = "its file was cut short, or the file system it lies on is full"
            cure = "seal the file with F_SEAL_SHRINK (QEMU: memory-backend-memfd does) or give the tmpfs more room"
        more = f", and {lost.regions - 1} more like it" if lost.regions > 1 else ""
        self._log.line(
            logging.ERROR,
            f"client memory {span(lost.iova, lost.len_bytes)}{more} went away under the NIC, first seen at "
            f"{lost.at:#x} ({name or 'a file'} of {self.client}): {why}.  DMA there is refused and counted until it is "
            f"mapped again; {cure}",
        )
