# SPDX-License-Identifier: BSD-3-Clause
"""A door to a device in another process: our own vfio-user client.

The connection is one UNIX socket.  Set-up and control messages are composed here, registers and the byte stream are C
(driver/core/csrc/vfu_client.c).  Everything the server tells us is checked: it may be another program, another
version, or wrong.

Ref: vfio-user protocol specification 0.9.1 (libvfio-user, docs/vfio-user.rst).
Observed: libvfio-user 0b28d205 answers REGION_INFO with one fd per mappable area where later ones send one for all,
reports flags 0 for the configuration region, and serves one client at a time: the next one's connect() succeeds and its
VERSION stays unanswered.
"""

import contextlib
import errno
import json
import logging
import mmap
import os
import socket
import stat
import struct
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from driver import claim, compiled
from driver.doors.config import CONFIG_BYTES, Config, set_irq_enable
from driver.doors.door import Door, IrqKind
from driver.errors import Busy, DeviceGone, DoorError

log = logging.getLogger(__name__)

PATH_MAX_BYTES = 107  # sun_path without its final NUL
VERSION_MAJOR, VERSION_MINOR = 0, 0
CONFIG_REGION = 7
BARS = 6
CONNECT_RETRY_S = 0.01
NO_ANSWER = (
    "the server accepts but does not answer: it is probably serving another client (one at a time), "
    "or is no vfio-user server"
)

# Commands and flags, by their names in the specification.
VERSION, DMA_MAP, DMA_UNMAP, DEVICE_GET_INFO, DEVICE_GET_REGION_INFO = 1, 2, 3, 4, 5
DEVICE_GET_IRQ_INFO, DEVICE_SET_IRQS, REGION_READ, REGION_WRITE, DEVICE_RESET = 7, 8, 9, 10, 13
INFO_RESET, INFO_PCI = 1, 2
REGION_MMAP, REGION_CAPS = 4, 8
REGION_INFO_BYTES = 32
REGION_CAP_SPARSE = 1
REGION_CAPS_MAX = 16
IRQ_DATA_NONE, IRQ_DATA_EVENTFD, IRQ_UNMASK, IRQ_TRIGGER = 1, 4, 16, 32
DMA_READ_WRITE = 3

OUR_CAPABILITIES = {
    "capabilities": {"max_msg_fds": compiled.REPLY_FDS_MAX, "max_data_xfer_size": compiled.BODY_MAX_BYTES}
}


class Region:
    """What the server said about one region."""

    def __init__(self, index: int, flags: int, len_bytes: int, fd_offset: int) -> None:
        self.index = index
        self.flags = flags
        self.len_bytes = len_bytes
        self.fd_offset = fd_offset
        self.areas: list[tuple[int, int]] = []  # mappable: offset in the region, size
        self.fds: list[int] = []


class VfioUserDoor(Door):
    """A PCI function behind a vfio-user socket.

    Args:
        path: The server's socket.
        timeout_s: How long any reply may take; a later one breaks the connection for good.
        handshake_timeout_s: How long connecting and the first reply may take.

    Raises:
        Busy: The server does not answer, most likely because it serves another client.
        DoorError: No server there, or not one we can talk to.  The message says what to do.

    Two threads may use one door.  Mapped pages and messages are not ordered against each other: read any register
    through a message between the two if the order matters.
    """

    def __init__(self, path: str | Path, *, timeout_s: float = 5.0, handshake_timeout_s: float = 2.0) -> None:
        self.path = str(path)
        self.name = f"{claim.VFIO_USER}{self.path}"
        self._mmio: dict[int, object] = {}
        self._maps: list[object] = []
        self._regions: dict[int, Region] = {}
        self._dma: dict[int, int] = {}
        self._closed = False
        self._max_fds = 1
        self._socket = self._connect(time.monotonic() + handshake_timeout_s)
        try:
            self._client = compiled.VfuClient(self._socket.fileno(), handshake_timeout_s)
            self._handshake(handshake_timeout_s)
            self._client.set_timeout(timeout_s)
            self._get_info()
            for index in (*range(BARS), CONFIG_REGION):
                self._regions[index] = self._get_region(index)
            self._irqs = {kind: self._get_irq_count(kind) for kind in IrqKind}
        except BaseException:
            self.close()
            raise

    # ---- opening ---------------------------------------------------------------------------------------------------

    def _refuse(self, code: int, seen: str, advice: str) -> NoReturn:
        raise DoorError(code, f"{self.path}: {seen}; {advice}")

    def _connect(self, deadline: float) -> socket.socket:
        start = "start the device first (python -m device --socket PATH) and give the same path"
        length = len(os.fsencode(self.path))
        if length > PATH_MAX_BYTES:
            self._refuse(
                errno.ENAMETOOLONG,
                f"{length} bytes, and a socket path has at most {PATH_MAX_BYTES}",
                "put the socket in a shorter directory",
            )
        try:
            mode = Path(self.path).stat().st_mode
        except FileNotFoundError:
            self._refuse(errno.ENOENT, "no such socket", start)
        except OSError as error:
            self._refuse(error.errno or errno.EIO, f"cannot look at it ({error.strerror})", start)
        if not stat.S_ISSOCK(mode):
            self._refuse(errno.ENOTSOCK, "not a socket", start)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self._connect_until(sock, deadline)
            sock.setblocking(True)  # from here on C keeps the deadlines
        except BaseException:
            sock.close()
            raise
        return sock

    def _connect_until(self, sock: socket.socket, deadline: float) -> None:
        sock.setblocking(False)
        while True:
            try:
                sock.connect(self.path)
            except BlockingIOError:  # the server's backlog is full: others wait before us
                if time.monotonic() >= deadline:
                    self._busy()
                time.sleep(CONNECT_RETRY_S)
            except ConnectionRefusedError:
                self._refuse(
                    errno.ECONNREFUSED, "nobody listens on this socket", "its device has ended; start it again"
                )
            except PermissionError:
                self._refuse(
                    errno.EACCES, "no permission to connect", "run as the user who started the device, or as root"
                )
            except OSError as error:
                self._refuse(
                    error.errno or errno.EIO, f"cannot connect ({error.strerror})", "is it a vfio-user server?"
                )
            else:
                return

    def _busy(self, seen: str = NO_ANSWER) -> NoReturn:
        who = ""
        with contextlib.suppress(OSError):
            who = claim.holder(self.name)
        held = f"it is held by {who}; end that first" if who else "end that one first, or check what listens there"
        raise Busy(f"{self.path}: {seen}; {held}", who)

    def _handshake(self, timeout_s: float) -> None:
        advice = "is it a vfio-user server (python -m device)?"
        ours = struct.pack("<HH", VERSION_MAJOR, VERSION_MINOR) + json.dumps(OUR_CAPABILITIES).encode() + b"\0"
        try:
            body, _ = self._client.call(VERSION, ours, reply_max=compiled.BODY_MAX_BYTES)
        except OSError as error:
            if error.errno == errno.ETIMEDOUT:
                log.debug("%s: no answer to VERSION within %g s", self.path, timeout_s)
                self._busy()
            if error.errno == errno.EBUSY:
                self._busy("the server says that it is serving another client (one at a time)")
            if error.errno in {errno.ECONNRESET, errno.EPIPE}:
                self._refuse(error.errno, "the server hung up during the handshake", advice)
            if self._client.broken:
                self._refuse(error.errno or errno.EPROTO, "the answer is not vfio-user", advice)
            self._refuse(error.errno or errno.EIO, f"the server refused our version ({error.strerror})", advice)
        if len(body) < 4:
            self._refuse(errno.EPROTO, f"VERSION reply of {len(body)} bytes", advice)
        major, minor = struct.unpack_from("<HH", body)
        if major != VERSION_MAJOR:
            self._refuse(
                errno.EPROTONOSUPPORT,
                f"the server speaks vfio-user {major}.{minor}, this driver {VERSION_MAJOR}.{VERSION_MINOR}",
                "use a driver and a device of the same release",
            )
        self._take_capabilities(body[4:], advice)

    def _take_capabilities(self, text: bytes, advice: str) -> None:
        self._max_fds = 1  # what a server without a word about it takes
        if not text.strip(b"\0"):
            return
        try:
            said = json.loads(text.rstrip(b"\0")).get("capabilities", {})
            max_fds = said.get("max_msg_fds", 1)
            if not isinstance(max_fds, int) or not 0 < max_fds < 1 << 16:
                self._refuse(errno.EPROTO, f"the server takes {max_fds!r} file descriptors per message", advice)
        except (ValueError, AttributeError):
            self._refuse(errno.EPROTO, f"the server's capabilities are not JSON as agreed ({text[:40]!r})", advice)
        self._max_fds = min(max_fds, compiled.REPLY_FDS_MAX)

    def _get_info(self) -> None:
        body, _ = self._ask(DEVICE_GET_INFO, struct.pack("<IIII", 16, 0, 0, 0), 16)
        _, flags, regions, irqs = struct.unpack("<IIII", body)
        if not flags & INFO_PCI:
            self._refuse(errno.ENODEV, f"not a PCI function (flags 0x{flags:x})", "this driver wants one")
        if regions <= CONFIG_REGION or irqs <= IrqKind.MSIX:
            self._refuse(
                errno.EPROTO, f"{regions} regions and {irqs} interrupt kinds", "a PCI function has 8 and 3 at least"
            )
        self._can_reset = bool(flags & INFO_RESET)

    def _get_irq_count(self, kind: IrqKind) -> int:
        body, _ = self._ask(DEVICE_GET_IRQ_INFO, struct.pack("<IIII", 16, 0, kind, 0), 16)
        _, _, index, count = struct.unpack("<IIII", body)
        if index != kind or count > 2048:
            self._refuse(
                errno.EPROTO, f"IRQ_INFO {kind.name} answers index {index}, count {count}", "the server is wrong"
            )
        return int(count)

    def _get_region(self, index: int) -> Region:
        size = REGION_INFO_BYTES
        fds: list[int] = []
        for _ in range(2):  # the first reply says how long the whole is
            ask = struct.pack("<IIIIQQ", size, 0, index, 0, 0, 0)
            body, fds = self._ask(DEVICE_GET_REGION_INFO, ask, REGION_INFO_BYTES, size, compiled.REPLY_FDS_MAX)
            needed, flags, same, cap_offset, len_bytes, fd_offset = struct.unpack_from("<IIIIQQ", body)
            if needed <= size or needed > compiled.BODY_MAX_BYTES:
                break
            _close_all(fds)
            size = needed
        else:
            _close_all(fds)
            self._refuse(errno.EPROTO, f"REGION_INFO {index} grows each time it is asked", "the server is wrong")
        region = Region(index, flags, len_bytes, fd_offset)
        region.fds = fds
        self._regions[index] = region  # close() finds the fds from here on
        if same != index or needed > size:
            self._refuse(errno.EPROTO, f"REGION_INFO {index} answers for {same}, {needed} bytes", "the server is wrong")
        if flags & REGION_MMAP and fds:
            sparse = list(self._sparse_areas(body, cap_offset)) if flags & REGION_CAPS else []
            region.areas = self._good_areas(region, sparse or [(0, len_bytes)])
        return region

    # Areas from the capability chain of a REGION_INFO reply; a chain that loops or points outside ends the walk.
    def _sparse_areas(self, body: bytes, offset: int) -> Iterator[tuple[int, int]]:
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

    def _good_areas(self, region: Region, areas: list[tuple[int, int]]) -> list[tuple[int, int]]:
        page = compiled.PAGE_BYTES
        limit = min(region.len_bytes, compiled.lib.MMIO_PAGES * page)
        if len(region.fds) not in {1, len(areas)}:
            self._refuse(
                errno.EPROTO, f"region {region.index}: {len(areas)} areas, {len(region.fds)} fds", "the server is wrong"
            )
        for offset, size in areas:
            if offset % page or size % page or not size or offset + size > region.len_bytes:
                self._refuse(
                    errno.EPROTO,
                    f"region {region.index} of 0x{region.len_bytes:x} bytes: "
                    f"area 0x{offset:x}+0x{size:x} is outside or not whole pages",
                    "the server is wrong",
                )
        return [(offset, min(size, limit - offset)) for offset, size in areas if offset < limit]

    # ---- talking ---------------------------------------------------------------------------------------------------

    # One call; what comes back is at least `least` bytes long.
    def _ask(
        self,
        command: int,
        body: bytes,
        least: int = 0,
        most: int | None = None,
        fds_max: int = 0,
        fds: Sequence[int] = (),
    ) -> tuple[bytes, list[int]]:
        try:
            reply, got = self._client.call(
                command, body, fds=fds, reply_max=least if most is None else most, reply_fds_max=fds_max
            )
        except OSError as error:
            if self._client.broken:
                raise DeviceGone(
                    f"{self.path}: the device no longer answers ({os.strerror(self._client.broken)}); "
                    "close this driver, see why the device ended, start both again"
                ) from error
            raise
        if len(reply) < least:
            _close_all(got)
            raise OSError(errno.EPROTO, f"{self.path}: reply of {len(reply)} bytes to command {command}, want {least}")
        return reply, got

    def config_read(self, offset: int, len_bytes: int) -> bytes:
        """Read configuration space.

        Raises:
            DeviceGone: The server died.
            OSError: It refused, or the offset is outside.
        """
        self._check_config(offset, len_bytes)
        ask = struct.pack("<QII", offset, CONFIG_REGION, len_bytes)
        reply, _ = self._ask(REGION_READ, ask, 16 + len_bytes)
        return reply[16:]

    def config_write(self, offset: int, data: bytes) -> None:
        """Write configuration space, in pieces of 1, 2 or 4 aligned bytes as a bus does.

        Raises:
            DeviceGone: The server died.
            OSError: It refused, or the offset is outside.
        """
        self._check_config(offset, len(data))
        at = 0
        while at < len(data):
            size = next(n for n in (4, 2, 1) if (offset + at) % n == 0 and at + n <= len(data))
            ask = struct.pack("<QII", offset + at, CONFIG_REGION, size) + data[at : at + size]
            self._ask(REGION_WRITE, ask, 16)
            at += size

    def _check_config(self, offset: int, len_bytes: int) -> None:
        if not 0 <= offset <= CONFIG_BYTES - len_bytes:
            raise OSError(errno.EINVAL, f"{self.path}: {len_bytes} bytes at configuration offset 0x{offset:x}")

    def bar_len_bytes(self, index: int) -> int:
        """Size of BAR ``index``; 0 if the function does not have it."""
        region = self._regions.get(index) if 0 <= index < BARS else None
        return region.len_bytes if region else 0

    def bar_mmio(self, index: int) -> object:
        """Return the ``struct mmio *`` of BAR ``index``: messages, and plain memory where the server offers pages.

        Raises:
            OSError: The function does not have it, or its pages cannot be mapped.
        """
        if index in self._mmio:
            return self._mmio[index]
        len_bytes = self.bar_len_bytes(index)
        if self._closed or not len_bytes:
            raise OSError(errno.ENXIO, f"{self.path}: no BAR {index}")
        mmio = self._client.window(index, len_bytes)
        region = self._regions[index]
        for at, (offset, size) in enumerate(region.areas):
            memory = self._map_area(region, region.fds[at if len(region.fds) > 1 else 0], offset, size)
            self._maps.append(memory)
            compiled.mmio_map(mmio, offset, memory)
        self._mmio[index] = mmio
        return mmio

    def _map_area(self, region: Region, fd: int, offset: int, size: int) -> object:
        start = region.fd_offset + offset
        if os.fstat(fd).st_size < start + size:  # touching what is not there would kill us
            raise OSError(
                errno.EINVAL, f"{self.path}: region {region.index} area 0x{offset:x}: the server's file is too short"
            )
        return compiled.buffer_at(mmap.mmap(fd, size, offset=start))

    # ---- interrupts ------------------------------------------------------------------------------------------------

    def irq_count(self, kind: IrqKind) -> int:
        """How many interrupts of this kind the function offers."""
        return self._irqs[kind]

    def _set_irqs(self, kind: IrqKind, flags: int, start: int, fds: Sequence[int], count: int) -> None:
        self._ask(DEVICE_SET_IRQS, struct.pack("<IIIII", 20, flags, kind, start, count), fds=fds)

    def irq_enable(self, kind: IrqKind, eventfds: Sequence[int]) -> None:
        """Enable ``kind``: eventfds first, in messages of as many as the server takes, then the bit in config space.

        Raises:
            ValueError: No eventfd, or more than the function has interrupts.
            DeviceGone: The server died.
            OSError: It refused.
        """
        if not 0 < len(eventfds) <= self.irq_count(kind):
            raise ValueError(f"{self.path}: {len(eventfds)} eventfds for {self.irq_count(kind)} {kind.name} interrupts")
        for start in range(0, len(eventfds), self._max_fds):
            some = eventfds[start : start + self._max_fds]
            self._set_irqs(kind, IRQ_DATA_EVENTFD | IRQ_TRIGGER, start, some, len(some))
        set_irq_enable(Config(self), kind, enable=True, vectors=len(eventfds))

    def irq_disable(self, kind: IrqKind) -> None:
        """Disable ``kind``; no eventfd fires after the return.

        Raises:
            DeviceGone: The server died.
            OSError: It refused.
        """
        set_irq_enable(Config(self), kind, enable=False)
        self._set_irqs(kind, IRQ_DATA_NONE | IRQ_TRIGGER, 0, (), 0)

    def irq_unmask(self, kind: IrqKind) -> None:
        """INTx: the handler is done, the line may fire again."""
        self._set_irqs(kind, IRQ_DATA_NONE | IRQ_UNMASK, 0, (), 1)

    # ---- memory, reset, end ----------------------------------------------------------------------------------------

    def dma_map(self, fd: int, fd_offset: int, ptr: int, iova: int, len_bytes: int) -> None:
        """Let the server map ``len_bytes`` of ``fd`` and know them by ``iova``; ``ptr`` is of no use to it.

        Raises:
            ValueError: Not whole pages.
            DeviceGone: The server died.
            OSError: It refused (EINVAL, EEXIST: overlaps another mapping).
        """
        del ptr
        page = compiled.PAGE_BYTES
        if fd_offset % page or iova % page or len_bytes % page or len_bytes <= 0:
            raise ValueError(f"{self.path}: DMA map of 0x{len_bytes:x} bytes at iova 0x{iova:x} is not whole pages")
        self._ask(DMA_MAP, struct.pack("<IIQQQ", 32, DMA_READ_WRITE, fd_offset, iova, len_bytes), fds=[fd])
        self._dma[iova] = len_bytes

    def dma_unmap(self, iova: int, len_bytes: int) -> None:
        """Take a mapping back; it must be one that was made, not a part of it.

        Raises:
            DeviceGone: The server died, and the mapping with it.
            OSError: There is no such mapping.
        """
        if self._dma.get(iova) != len_bytes:  # servers that follow the kernel's VFIO say nothing of it
            raise OSError(errno.ENOENT, f"{self.path}: no DMA map of 0x{len_bytes:x} bytes at iova 0x{iova:x}")
        self._ask(DMA_UNMAP, struct.pack("<IIQQ", 24, 0, iova, len_bytes), 0, 24)
        del self._dma[iova]

    def reset(self) -> None:
        """Reset the function.

        Raises:
            DeviceGone: The server died.
            OSError: It cannot.
        """
        if not self._can_reset:
            raise OSError(errno.ENOTSUP, f"{self.path}: the device offers no reset")
        self._ask(DEVICE_RESET, b"")

    def close(self) -> None:
        """Hang up; the server then forgets mappings and interrupts.  Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        for mmio in self._mmio.values():
            compiled.mmio_drop_pages(mmio)
        self._mmio.clear()
        self._maps.clear()
        for region in self._regions.values():
            _close_all(region.fds)
            region.fds = []
        if hasattr(self, "_client"):
            self._client.close()
        self._socket.close()


def _close_all(fds: Sequence[int]) -> None:
    for fd in fds:
        os.close(fd)
