# SPDX-License-Identifier: BSD-3-Clause
"""The one importer of ``driver._core``: register windows, the vfio-user connection, and how C reports failure.

``ffi`` and ``lib`` are for the other wrappers (rings, a family's too, napi, netdev); everybody else uses their classes.
"""

import errno
import functools
import os
import struct
from collections.abc import Sequence
from typing import Any

from driver._core import ffi, lib

PAGE_BYTES = 4096
BODY_MAX_BYTES = 131072
REPLY_FDS_MAX = 16
READ = struct.Struct("@QIi")  # struct mmio_read

__all__ = [
    "BODY_MAX_BYTES",
    "PAGE_BYTES",
    "REPLY_FDS_MAX",
    "VfuClient",
    "address_of",
    "buffer_at",
    "check",
    "ffi",
    "lib",
    "mmio_drop_pages",
    "mmio_error",
    "mmio_functions",
    "mmio_map",
    "mmio_new",
    "mmio_read32",
    "mmio_read_many",
    "mmio_reads",
    "mmio_unread",
    "mmio_write32",
]


def check(rc: int, what: str) -> int:
    """Return ``rc``, or raise what a negative one stands for.

    Args:
        rc: Count, or negative errno, as every C function here returns it.
        what: The operation, for the message.

    Raises:
        OSError: ``rc`` is negative.
    """
    if rc < 0:
        raise OSError(-rc, f"{what}: {os.strerror(-rc)}")
    return rc


def buffer_at(memory: object, offset: int = 0, len_bytes: int | None = None) -> object:
    """Return a ``uint8_t[]`` over writable memory (an mmap); it keeps the memory alive and mapped.

    Args:
        memory: Anything with the buffer protocol.
        offset: First byte.
        len_bytes: Size; the rest of ``memory`` if not given.
    """
    with memoryview(memory) as whole:  # type: ignore[arg-type]  # an mmap is a Buffer; 3.11 has no name for that type
        end = len(whole) if len_bytes is None else offset + len_bytes
        return ffi.from_buffer("uint8_t[]", whole[offset:end], require_writable=True)


def address_of(pointer: object) -> int:
    """Return where a cffi pointer points, as the kernel wants to be told."""
    return int(ffi.cast("uintptr_t", pointer))


# ---- register windows ------------------------------------------------------------------------------------------------


def _keep(*_: object) -> None:
    """Destructor that does nothing: its arguments live as long as the cffi object it is attached to."""


def mmio_new(len_bytes: int, *owners: object) -> object:
    """Return an empty ``struct mmio`` of ``len_bytes``; every access fails until it is mapped or given functions.

    Args:
        len_bytes: Size of the window; accesses beyond it fail in C.
        owners: Objects that must live as long as the window.
    """
    mmio = ffi.new("struct mmio *")
    mmio.len_bytes = len_bytes
    return ffi.gc(mmio, functools.partial(_keep, mmio, owners))


def mmio_map(mmio: object, offset: int, memory: object) -> None:
    """Let the pages from ``offset`` on be reached by plain loads and stores.

    Args:
        mmio: The window.
        offset: Where in the window ``memory`` starts; a multiple of 4096.
        memory: ``uint8_t[]`` from :func:`buffer_at`, a whole number of pages.  The caller keeps it alive until
            :func:`mmio_drop_pages`.

    Raises:
        ValueError: Not page aligned, or beyond the pages a window can map.
    """
    size = len(memory)  # type: ignore[arg-type]  # a cffi array has a length
    if offset % PAGE_BYTES or size % PAGE_BYTES or offset + size > lib.MMIO_PAGES * PAGE_BYTES:
        raise ValueError(f"window pages 0x{offset:x}+0x{size:x}: not page aligned, or beyond {lib.MMIO_PAGES} pages")
    base = ffi.cast("uint8_t *", memory)
    for at in range(0, size, PAGE_BYTES):
        mmio.page[(offset + at) // PAGE_BYTES] = base + at  # type: ignore[attr-defined]  # a cffi struct


def mmio_wake_by(mmio: object, offset: int) -> None:
    """Say which register wakes whoever looks at mapped pages now and then: a 0 changes nothing there."""
    ffi.cast("struct mmio *", mmio).wake_offset = offset


def mmio_slept(mmio: object) -> None:
    """Nothing was stored for long: the next store to a mapped page comes with a message."""
    ffi.cast("struct mmio *", mmio).slept = 1


def mmio_drop_pages(mmio: object) -> None:
    """Forget every mapped page and function: from here on accesses fail with ENODEV.  No thread may be inside."""
    window = ffi.cast("struct mmio *", mmio)
    for index in range(lib.MMIO_PAGES):
        window.page[index] = ffi.NULL
    window.read32 = window.read_many = ffi.NULL
    window.write32 = ffi.NULL


def mmio_functions(mmio: object, read32: int, write32: int, arg: int) -> None:
    """Reach unmapped pages through two C functions of another module (an in-process device).

    Args:
        mmio: The window.
        read32: Address of ``int f(void *arg, uint64_t offset, uint32_t *value)``.
        write32: Address of ``int f(void *arg, uint64_t offset, uint32_t value)``.
        arg: Address passed to both.
    """
    window = ffi.cast("struct mmio *", mmio)
    window.read32 = ffi.cast("int (*)(void *, uint64_t, uint32_t *)", read32)
    window.write32 = ffi.cast("int (*)(void *, uint64_t, uint32_t)", write32)
    window.arg = ffi.cast("void *", arg)


def mmio_read32(mmio: object, offset: int) -> int:
    """Read one register; all ones on failure, and then :func:`mmio_error` says why."""
    return lib.mmio_read32(mmio, offset)


def mmio_reads(offsets: Sequence[int]) -> object:
    """Return a ``struct mmio_read[]`` for :func:`mmio_read_many`, which may be used again and again."""
    return ffi.new("struct mmio_read[]", [{"offset": offset} for offset in offsets])


def mmio_read_many(mmio: object, reads: object) -> list[tuple[int, int]]:
    """Read registers in this order, in one go where the door can: of each its value and errno (positive), or 0."""
    lib.mmio_read_many(mmio, reads, len(reads))  # type: ignore[arg-type]  # a cffi array has a length
    return [(value, -error) for _, value, error in READ.iter_unpack(ffi.buffer(reads))]


def mmio_write32(mmio: object, offset: int, value: int) -> None:
    """Write one register; posted where the door can.  Failure shows in :func:`mmio_error`."""
    lib.mmio_write32(mmio, offset, value)


def mmio_error(mmio: object, *, clear: bool = False) -> int:
    """Return the first errno (positive) an access met, or 0."""
    window = ffi.cast("struct mmio *", mmio)
    code = -int(window.error)
    if clear:
        window.error = 0
    return code


def mmio_unread(mmio: object) -> tuple[int, float]:
    """What broke a vfio-user window by a timeout: memory of messages that the server left unread, seconds waited.

    Returns:
        (0, 0.0) for any other window or end.
    """
    window = ffi.cast("struct mmio *", mmio)
    if window.write32 != ffi.addressof(lib, "vfu_client_write32"):
        return 0, 0.0
    client = ffi.cast("struct vfu_client *", window.arg)
    return int(client.unread_bytes), client.timeout_ms / 1000


# ---- vfio-user connection --------------------------------------------------------------------------------------------


def _timeout_ms(timeout_s: float) -> int:
    return max(1, round(timeout_s * 1000)) if timeout_s else 0


class VfuClient:
    """The C end of a vfio-user connection: calls with a deadline, and register windows over it.

    The socket belongs to the caller and must outlive :meth:`close`.
    """

    def __init__(self, fd: int, timeout_s: float) -> None:
        self._c = ffi.gc(ffi.new("struct vfu_client *"), lib.vfu_client_free)
        self._views: list[Any] = []
        self._fd = fd
        self._timeout_ms = _timeout_ms(timeout_s)
        check(lib.vfu_client_open(self._c, fd, self._timeout_ms), "vfio-user connection")

    @property
    def broken(self) -> int:
        """The errno (positive) that broke the connection for good, or 0."""
        return -int(self._c.error)

    @property
    def timeout_s(self) -> float:
        """How long a reply may take; 0: for ever."""
        return self._timeout_ms / 1000

    @property
    def unread_bytes(self) -> int:
        """When a timeout broke it, here or in a window: memory of messages that the server left unread."""
        return max(int(client.unread_bytes) for client in (self._c, *self._views))

    def set_timeout(self, timeout_s: float) -> None:
        """Change how long a reply may take from the next call on, 0 for ever; no thread may be inside a call."""
        check(-self.broken, "vfio-user connection")
        self._timeout_ms = _timeout_ms(timeout_s)
        check(lib.vfu_client_open(self._c, self._fd, self._timeout_ms), "vfio-user connection")

    def call(
        self, command: int, body: bytes = b"", *, fds: Sequence[int] = (), reply_max: int = 0, reply_fds_max: int = 0
    ) -> tuple[bytes, list[int]]:
        """Send one message and wait for its reply.

        Args:
            command: vfio-user command number.
            body: What follows the header, at most 128 KiB.
            fds: File descriptors that ride along, at most 16.
            reply_max: Longest reply body we accept, in bytes.
            reply_fds_max: Most file descriptors we accept; more are closed.

        Returns:
            The reply's body, and its file descriptors, which the caller now owns.

        Raises:
            OSError: The server refused (its errno), or the connection is broken (see :attr:`broken`).
        """
        reply = ffi.new("uint8_t[]", max(1, reply_max))
        reply_fds = ffi.new("int[]", max(1, reply_fds_max))
        rc = lib.vfu_client_call(
            self._c, command, body, len(body), list(fds), len(fds), reply, reply_max, reply_fds, reply_fds_max
        )
        check(rc, f"vfio-user command {command}")
        return bytes(ffi.buffer(reply, rc)), [fd for fd in list(reply_fds)[:reply_fds_max] if fd >= 0]

    def window(self, region: int, len_bytes: int) -> object:
        """Return a ``struct mmio`` whose accesses become REGION_READ and posted REGION_WRITE of ``region``."""
        if self.broken:
            raise OSError(errno.ENODEV, "vfio-user connection is closed")
        view = ffi.new("struct vfu_client *")
        view.lock = self._c.lock  # one lock for the socket, whoever talks
        view.region = region
        check(lib.vfu_client_open(view, self._fd, self._timeout_ms), "vfio-user window")
        self._views.append(view)
        mmio = mmio_new(len_bytes, view, self._c)
        window = ffi.cast("struct mmio *", mmio)
        window.read32 = ffi.addressof(lib, "vfu_client_read32")
        window.read_many = ffi.addressof(lib, "vfu_client_read_many")
        window.write32 = ffi.addressof(lib, "vfu_client_write32")
        window.arg = view
        return mmio

    def close(self) -> None:
        """Wake whoever waits; every later call fails with ENODEV.  The socket is shut down, not closed."""
        lib.vfu_client_close(self._c)
        for view in self._views:
            lib.vfu_client_close(view)
