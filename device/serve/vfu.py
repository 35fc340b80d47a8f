# SPDX-License-Identifier: BSD-3-Clause
"""A PCI function on a vfio-user socket: the one importer of ``device._vfu`` (libvfio-user and our glue around it).

``VfuContext`` owns the socket file, the library's context and one client at a time; it outlives its clients.  One
thread runs it, by ``run`` or through the C loop (``run_function``).  Addresses of C functions come as ints, because
they belong to another cffi module (``device.machine.core.c_function``).
"""

import contextlib
import enum
import errno
import logging
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, Self

from device.machine.function import LostMemory
from device.machine.irq import IrqKind
from device.machine.limit import LimitedLog
from device.machine.socket_file import OWN, SocketRule, check_path
from device.serve.doorman import peer, tell_turned_away
from device.serve.memory import ClientMemory

try:
    from device._vfu import ffi, lib
except ModuleNotFoundError as exc:
    raise ImportError(
        "this copy was built without libvfio-user, so the device has no socket (device._vfu is missing); it is built "
        "where gcc, json-c's headers (libjson-c-dev) and libvfio-user's sources are"
    ) from exc

READ: int = lib.VDEV_READ
WRITE: int = lib.VDEV_WRITE
MEM: int = lib.VDEV_MEM
CONFIG: int = lib.VDEV_CONFIG
ROM = 6
CONFIG_BYTES = 4096
MSIX_BYTES: int = lib.VDEV_MSIX_BYTES
IO_BYTES = 32

__all__ = [
    "CONFIG",
    "MEM",
    "READ",
    "WRITE",
    "Listener",
    "Region",
    "ResetKind",
    "VfuContext",
    "no_new_privileges",
]


class ResetKind(enum.IntEnum):
    """Why the function is reset."""

    DEVICE = lib.VDEV_RESET_DEVICE  # the client asked
    LOST = lib.VDEV_RESET_LOST  # the client is gone
    FLR = lib.VDEV_RESET_FLR  # by configuration space


class Listener(Protocol):
    """Who hears what the client does besides accessing regions.  Exceptions are logged and go no further."""

    def on_reset(self, kind: ResetKind) -> None:
        """Reset the function."""

    def on_client(self, *, attached: bool) -> None:
        """Hear that a client came (after its handshake) or went (after the reset)."""

    def on_irqs(self, armed: IrqKind) -> None:
        """Hear that another kind of interrupt has eventfds now."""


class Region(Protocol):
    """A region served by Python."""

    def read(self, offset: int, len_bytes: int) -> bytes:
        """Return ``len_bytes`` bytes; an ``OSError``'s errno becomes the client's."""

    def write(self, offset: int, data: bytes) -> None:
        """Take a write; an ``OSError``'s errno becomes the client's."""


class RomRegion:
    """An expansion ROM."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, offset: int, len_bytes: int) -> bytes:
        """Part of it; the library has looked that it is inside."""
        return self.data[offset : offset + len_bytes]

    def write(self, _offset: int, _data: bytes) -> None:
        """Refuse: the library does not even ask."""
        raise OSError(errno.EPERM, "an expansion ROM cannot be written")


_LEVELS = {3: logging.WARNING, 4: logging.WARNING, 5: logging.INFO, 6: logging.DEBUG, 7: logging.DEBUG}
_SYSLOG = ((logging.DEBUG, 7), (logging.INFO, 6), (logging.WARNING, 4), (logging.ERROR, 3))
LOG_LINES_PER_S = 20


def _failed(kind: object, value: BaseException | None, trace: object) -> None:
    # A callback raised.  cffi gives C the declared error value; what happened is for the log.
    logging.getLogger("device.serve.vfu").error("a callback failed", exc_info=value)


def _on_region(handle: object, buf: object, count: int, offset: int, is_write: int) -> int:
    region: Region = ffi.from_handle(handle)
    try:
        if is_write:
            region.write(offset, bytes(ffi.buffer(buf, count)))
        else:
            ffi.memmove(buf, region.read(offset, count), count)
    except OSError as exc:
        return -(exc.errno or errno.EIO)
    return count


def _on_reset(handle: object, kind: int) -> int:
    context: VfuContext = ffi.from_handle(handle)
    context.listener.on_reset(ResetKind(kind))
    return 0


def _on_client(handle: object, attached: int) -> None:
    context: VfuContext = ffi.from_handle(handle)
    if attached:
        context.meet_client()
    context.listener.on_client(attached=bool(attached))


def _on_irqs(handle: object, armed: int) -> None:
    context: VfuContext = ffi.from_handle(handle)
    context.listener.on_irqs(IrqKind(armed))


def _on_file(handle: object, iova: int, len_bytes: int, fd: int) -> int:
    context: VfuContext = ffi.from_handle(handle)
    return context.memory.judge(iova, len_bytes, fd)


def _on_log(handle: object, level: int, text: object) -> None:
    context: VfuContext = ffi.from_handle(handle)
    context.hear(level, ffi.string(text).decode(errors="replace"))


def _on_turned_away(_handle: object, caller_fd: int, client_fd: int) -> None:
    tell_turned_away(caller_fd, client_fd)


# Without these error values a failed callback would be answered as a success.
ffi.def_extern(name="py_region", error=-errno.EIO, onerror=_failed)(_on_region)
ffi.def_extern(name="py_on_reset", error=-errno.EIO, onerror=_failed)(_on_reset)
ffi.def_extern(name="py_on_client", onerror=_failed)(_on_client)
ffi.def_extern(name="py_on_irqs", onerror=_failed)(_on_irqs)
ffi.def_extern(name="py_on_file", error=-errno.EIO, onerror=_failed)(_on_file)
ffi.def_extern(name="py_on_log", onerror=_failed)(_on_log)
ffi.def_extern(name="py_on_turned_away", onerror=_failed)(_on_turned_away)


def _check(rc: int, what: str) -> int:
    if rc < 0:
        raise OSError(-rc, os.strerror(-rc), what)
    return rc


def _address(function: object) -> int:
    return int(ffi.cast("uintptr_t", function))


def no_new_privileges() -> None:
    """See that neither this process nor one it starts ever gains a right it has not now.

    Raises:
        OSError: This kernel cannot.
    """
    _check(lib.vdev_no_new_privs(), "no_new_privs")


class VfuContext:
    """One PCI function on one socket.

    Use: create, ``add_region`` …, ``set_dma``, ``realize``, then ``run`` over and over, ``close``.

    Args:
        path: Where the socket appears; a stale file is replaced.
        listener: Who hears of resets, clients and interrupts.
        log: Where the library's words go; its level decides how many there are.
        rule: Who may connect.

    Raises:
        OSError: See ``check_path``; or whatever bind() said.
    """

    def __init__(self, path: Path, listener: Listener, log: logging.Logger, rule: SocketRule = OWN) -> None:
        self.listener = listener
        self.path = path
        self._log = log
        self._limited = LimitedLog(log, LOG_LINES_PER_S)
        self.memory = ClientMemory(log)
        check_path(path)
        self._v: Any = lib.vdev_new()
        if self._v == ffi.NULL:
            raise MemoryError("vdev_new")
        self._self: object = ffi.new_handle(self)
        self._kept: list[object] = []
        self._ino = 0
        self._v.self = self._self
        self._v.on_log = lib.py_on_log
        self._v.on_reset = lib.py_on_reset
        self._v.on_client = lib.py_on_client
        self._v.on_irqs = lib.py_on_irqs
        self._v.on_turned_away = lib.py_on_turned_away
        self._v.on_file = lib.py_on_file
        level = next((syslog for python, syslog in _SYSLOG if log.isEnabledFor(python)), 2)
        try:
            with rule.bound(path):
                _check(lib.vdev_open(self._v, os.fsencode(path), level), f"listening at {path}")
                self._ino = path.lstat().st_ino
        except OSError:
            if self._v.ctx != ffi.NULL:  # it was bound: that file is ours to remove
                with contextlib.suppress(OSError):
                    self._ino = path.lstat().st_ino
            self.close()
            raise

    def close(self) -> None:
        """Send the client away, forget its memory, remove the socket.  May be called twice."""
        if self._v is None:
            return
        vdev, self._v = self._v, None
        lib.vdev_free(vdev)
        self._kept.clear()
        # Whoever gave up its rights (--user) may have to leave the file behind; that was said then.
        with contextlib.suppress(FileNotFoundError, PermissionError):
            if self._ino and self.path.lstat().st_ino == self._ino:
                self.path.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what is offered ----------------------------------------------------------------------------------------------

    def _region(self, index: int, function: object, arg: object, flags: int, len_bytes: int) -> None:
        self._v.region[index].access = function
        self._v.region[index].arg = arg
        _check(lib.vdev_add_region(self._v, index, len_bytes, flags, ffi.NULL, 0, -1), f"region {index}")

    def add_region(
        self,
        index: int,
        len_bytes: int,
        function: int,
        arg: int,
        *,
        flags: int = READ | WRITE | MEM,
        areas: Sequence[tuple[int, int]] = (),
        fd: int = -1,
    ) -> None:
        """Serve a region by a C function.

        Args:
            index: VFIO region index: 0-5 the BARs, 7 configuration space.
            len_bytes: Its size.
            function: Address of a C function, ``struct vdev_region``'s ``access``.
            arg: Its first argument.
            flags: ``READ``, ``WRITE``, ``MEM``.
            areas: (offset, length) of parts the client may map from ``fd``; both the same in region and file.
            fd: The file behind ``areas``; one descriptor serves them all.

        Raises:
            OSError: The library refused.
        """
        self._v.region[index].access = ffi.cast("int64_t (*)(void *, uint8_t *, uint64_t, uint64_t, int)", function)
        self._v.region[index].arg = ffi.cast("void *", arg)
        listed = ffi.new("struct vdev_area[]", [{"offset": start, "len_bytes": length} for start, length in areas])
        _check(lib.vdev_add_region(self._v, index, len_bytes, flags, listed, len(areas), fd), f"region {index}")

    def add_python_region(self, index: int, len_bytes: int, region: Region, *, flags: int = READ | WRITE) -> None:
        """Serve a region by Python; raises ``OSError`` if the library refuses."""
        handle = ffi.new_handle(region)
        self._kept.append(handle)
        self._region(index, lib.py_region, handle, flags, len_bytes)

    def add_rom(self, data: bytes) -> None:
        """Serve an expansion ROM, which can be read whatever its BAR says: so do those who know VFIO."""
        self.add_python_region(ROM, len(data), RomRegion(data), flags=READ)

    def add_config(self, region: Region) -> None:
        """Serve all 4096 bytes of configuration space by ``region``."""
        self.add_python_region(CONFIG, CONFIG_BYTES, region, flags=READ | WRITE | lib.VDEV_ALWAYS_CB)

    def add_msix_bar(self, index: int) -> None:
        """Serve a BAR with the MSI-X table at 0 and its pending bits at 0x2000."""
        self._region(index, ffi.addressof(lib, "vdev_msix_access"), self._v, READ | WRITE | MEM, MSIX_BYTES)

    def add_io_bar(self, index: int) -> None:
        """Serve an I/O BAR with IOADDR and IODATA, a window to region 0."""
        self._region(index, ffi.addressof(lib, "vdev_io_access"), self._v, READ | WRITE, IO_BYTES)

    def set_dma(self, add: int, delete: int, dma: int, guard: int = 0, is_lost: int = 0) -> None:
        """Report the client's memory to C functions of the core, by their addresses (``dma_add`` and so on).

        Args:
            add: Told of memory that the client maps.
            delete: Told of memory that it takes back.
            dma: Address of the function's ``struct dma``, their first argument.
            guard: Told how that memory is mapped, so that its loss ends nothing but DMA; 0: nobody is.
            is_lost: Asked whether memory that is mapped again was lost, and must be mapped anew; 0: nobody is.
        """
        self._v.dma_add = ffi.cast("int (*)(void *, uint64_t, uint64_t, void *, uint32_t)", add)
        self._v.dma_del = ffi.cast("int (*)(void *, uint64_t, uint64_t)", delete)
        self._v.dma_guard = ffi.cast("int (*)(void *, uint64_t, void *, uint64_t, uint32_t)", guard)
        self._v.dma_is_lost = ffi.cast("int (*)(void *, uint64_t, uint64_t)", is_lost)
        self._v.dma = ffi.cast("void *", dma)

    def set_faults(self, hold_ns: int, dma_reach: int, irq_refused: int, irq_refuse_in: int) -> None:
        """Look for injected faults at these addresses, which are the function's.

        Args:
            hold_ns: ``uint64_t``: the answer to the access just made is kept so long.
            dma_reach: ``uint64_t``: memory that ends above this iova is refused, unless it is 0.
            irq_refused: ``uint32_t``: ``1 << IrqKind`` of the kinds whose eventfds are refused.
            irq_refuse_in: ``uint32_t``: counts those who set eventfds; the one that makes it 0 is refused.
        """
        self._v.hold_ns = ffi.cast("uint64_t *", hold_ns)
        self._v.dma_reach = ffi.cast("uint64_t *", dma_reach)
        self._v.irq_refused = ffi.cast("uint32_t *", irq_refused)
        self._v.irq_refuse_in = ffi.cast("uint32_t *", irq_refuse_in)

    def realize(self, *, msi: int = 1, msix: int = 64) -> None:
        """Finish the function: one INTx, ``msi`` and ``msix`` vectors.  Clients may come now.

        Raises:
            OSError: Too many vectors.
        """
        _check(lib.vdev_realize(self._v, msi, msix), "realize")

    def set_msix(self, vectors: int) -> None:
        """Tell a client that has just come of ``vectors`` MSI-X vectors, not more than ``realize`` was told.

        Raises:
            OSError: They are more.
        """
        _check(lib.vdev_set_msix(self._v, vectors), f"{vectors} MSI-X vectors")

    def set_intx_msi(self, *, intx: bool, msi: bool) -> None:
        """Tell a client that has just come whether there is an INTx line, and an MSI vector.

        Raises:
            OSError: The library refused.
        """
        _check(lib.vdev_set_intx_msi(self._v, int(intx), int(msi)), "INTx and MSI")

    # -- running ------------------------------------------------------------------------------------------------------

    def run(self) -> int:
        """Serve what is there, without waiting; returns how much there was."""
        return _check(lib.vdev_run(self._v), "vdev_run")

    @property
    def poll_fd(self) -> int:
        """Readable when ``run`` has something to do; changes when a client comes or goes."""
        return int(self._v.watch[0])

    def watch(self, where: int) -> None:
        """Keep ``poll_fd`` at the address ``where`` (an ``int`` in C) from now on."""
        pointer = ffi.cast("int *", where)
        pointer[0] = self.poll_fd
        self._v.watch = pointer

    @property
    def handle(self) -> int:
        """Address of the ``struct vdev``: first argument of the functions below."""
        return _address(self._v)

    @property
    def run_function(self) -> int:
        """Address of ``int (*)(void *vdev)``: what ``run`` does, for the loop in C."""
        return _address(ffi.addressof(lib, "vdev_run"))

    @property
    def irq_function(self) -> int:
        """Address of ``int (*)(void *vdev, uint32_t vector)``: signals a vector, -ENOENT if nobody listens."""
        return _address(ffi.addressof(lib, "vdev_irq_send"))

    @property
    def intx_function(self) -> int:
        """Address of ``int (*)(void *vdev, int level)``: moves the INTx line."""
        return _address(ffi.addressof(lib, "vdev_intx_level"))

    def irq_send(self, vector: int) -> None:
        """Signal a vector; raises ``OSError`` (ENOENT) if nobody listens."""
        _check(lib.vdev_irq_send(self._v, vector), f"vector {vector}")

    def set_intx(self, *, level: bool) -> None:
        """Move the INTx line; raises ``OSError`` (ENOENT) if it rose and nobody listens."""
        _check(lib.vdev_intx_level(self._v, int(level)), "INTx")

    def meet_client(self) -> None:
        """Note who has come, for what may have to be said of it later."""
        try:
            copy = os.dup(int(self._v.conn_fd))
        except OSError:  # there are no more descriptors: it is served all the same
            self.memory.meet("a client")
            return
        with socket.socket(fileno=copy) as client:
            self.memory.meet(peer(client))

    def tell_lost(self, lost: LostMemory) -> None:
        """Say that memory of the client went away."""
        file = self._v.file[lost.file]
        self.memory.tell_lost(lost, ffi.string(file.name).decode(errors="replace"), int(file.seals))

    def drop(self) -> None:
        """Send the client away."""
        lib.vdev_drop(self._v)

    def turn_away(self) -> None:
        """Tell whoever waits for the client that is served to come another time; without waiting."""
        lib.vdev_tend(self._v)

    def reset_state(self) -> None:
        """MSI-X table, pending bits and IOADDR as after power-on."""
        lib.vdev_reset_state(self._v)

    # -- what there is to see -----------------------------------------------------------------------------------------

    @property
    def attached(self) -> bool:
        """Whether a client is there."""
        return self._v is not None and int(self._v.conn_fd) != -1

    @property
    def armed(self) -> IrqKind:
        """The kind of interrupt that has eventfds."""
        return IrqKind(int(self._v.armed))

    @property
    def intx(self) -> bool:
        """The INTx line."""
        return self._v is not None and bool(self._v.intx)

    @property
    def dma_regions(self) -> int:
        """Regions of client memory mapped now."""
        return int(lib.vdev_dma_regions(self._v))

    @property
    def vectors_armed(self) -> int:
        """Interrupts that have an eventfd of the client now, of whichever kind."""
        return int(lib.vdev_vectors_armed(self._v))

    def counters(self) -> dict[str, int]:
        """What happened so far, by name (``struct vdev_count``)."""
        return {name: int(getattr(self._v.count, name)) for name in dir(self._v.count)}

    def hear(self, level: int, text: str) -> None:
        """Take a line of the library's log.  A client that talks nonsense can cause any number: most are left out."""
        self._limited.line(_LEVELS.get(level, logging.ERROR), text)
