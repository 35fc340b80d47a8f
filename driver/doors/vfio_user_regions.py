# SPDX-License-Identifier: BSD-3-Clause
"""What a vfio-user server says about its regions, checked: sizes, and the areas that can be mapped.

Observed: libvfio-user 0b28d205 answers REGION_INFO with one fd per mappable area where later ones send one for all, and
reports flags 0 for the configuration region.
"""

import errno
import mmap
import os
import struct
from collections.abc import Iterator

from driver import compiled
from driver.doors.vfio_user_connection import Connection, close_all

DEVICE_GET_REGION_INFO = 5
REGION_MMAP, REGION_CAPS = 4, 8
REGION_INFO_BYTES = 32
REGION_CAP_SPARSE = 1
REGION_CAPS_MAX = 16


class Region:
    """What the server said about one region."""

    def __init__(self, index: int, flags: int, len_bytes: int, fd_offset: int) -> None:
        self.index = index
        self.flags = flags
        self.len_bytes = len_bytes
        self.fd_offset = fd_offset
        self.areas: list[tuple[int, int]] = []  # mappable: offset in the region, size
        self.fds: list[int] = []

    def close(self) -> None:
        """Let go of the file descriptors; what is mapped stays mapped."""
        close_all(self.fds)
        self.fds = []

    def map_area(self, name: str, at: int) -> object:
        """Map area number ``at``: a ``uint8_t[]``; ``name`` is the server's, for the message.

        Raises:
            OSError: The server's file is shorter than it said.
        """
        offset, size = self.areas[at]
        fd = self.fds[at if len(self.fds) > 1 else 0]
        start = self.fd_offset + offset
        if os.fstat(fd).st_size < start + size:  # touching what is not there would kill us
            raise OSError(
                errno.EINVAL, f"{name}: region {self.index} area 0x{offset:x}: the server's file is too short"
            )
        return compiled.buffer_at(mmap.mmap(fd, size, offset=start))


def get_region(connection: Connection, index: int) -> Region:
    """Ask about region ``index``.

    Raises:
        DoorError: What the server says cannot be.
        DeviceGone: The server died.
        OSError: It refused.
    """
    size = REGION_INFO_BYTES
    fds: list[int] = []
    for _ in range(2):  # the first reply says how long the whole is
        ask = struct.pack("<IIIIQQ", size, 0, index, 0, 0, 0)
        body, fds = connection.ask(DEVICE_GET_REGION_INFO, ask, REGION_INFO_BYTES, size, compiled.REPLY_FDS_MAX)
        needed, flags, same, cap_offset, len_bytes, fd_offset = struct.unpack_from("<IIIIQQ", body)
        if needed <= size or needed > compiled.BODY_MAX_BYTES:
            break
        close_all(fds)
        size = needed
    else:
        close_all(fds)
        connection.refuse(errno.EPROTO, f"REGION_INFO {index} grows each time it is asked", "the server is wrong")
    region = Region(index, flags, len_bytes, fd_offset)
    region.fds = fds
    try:
        if same != index or needed > size:
            seen = f"REGION_INFO {index} answers for {same}, {needed} bytes"
            connection.refuse(errno.EPROTO, seen, "the server is wrong")
        if flags & REGION_MMAP and fds:
            sparse = list(_sparse_areas(body, cap_offset)) if flags & REGION_CAPS else []
            region.areas = _good_areas(connection, region, sparse or [(0, len_bytes)])
    except BaseException:
        region.close()
        raise
    return region


# Areas from the capability chain of a REGION_INFO reply; a chain that loops or points outside ends the walk.
def _sparse_areas(body: bytes, offset: int) -> Iterator[tuple[int, int]]:
    for _ in range(REGION_CAPS_MAX):
        if offset < REGION_INFO_BYTES or offset + 16 > len(body):
            return
        kind, _, following = struct.unpack_from("<HHI", body, offset)
        if kind == REGION_CAP_SPARSE:
            count, _ = struct.unpack_from("<II", body, offset + 8)
            room = (len(body) - offset - 16) // 16
            for at in range(min(count, room)):
                yield struct.unpack_from("<QQ", body, offset + 16 + 16 * at)
        offset = following


def _good_areas(connection: Connection, region: Region, areas: list[tuple[int, int]]) -> list[tuple[int, int]]:
    page = compiled.PAGE_BYTES
    limit = min(region.len_bytes, compiled.lib.MMIO_PAGES * page)
    if len(region.fds) not in {1, len(areas)}:
        seen = f"region {region.index}: {len(areas)} areas, {len(region.fds)} fds"
        connection.refuse(errno.EPROTO, seen, "the server is wrong")
    for offset, size in areas:
        if offset % page or size % page or not size or offset + size > region.len_bytes:
            connection.refuse(
                errno.EPROTO,
                f"region {region.index} of 0x{region.len_bytes:x} bytes: "
                f"area 0x{offset:x}+0x{size:x} is outside or not whole pages",
                "the server is wrong",
            )
    return [(offset, min(size, limit - offset)) for offset, size in areas if offset < limit]
