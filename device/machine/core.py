# SPDX-License-Identifier: BSD-3-Clause
"""The device core in C, as Python sees it: the one importer of ``device._core``.

``FastNic`` owns one ``struct nic``.  It decides nothing: it turns C's ``-errno`` into ``OSError``, keeps alive what C
points to, and passes C's callbacks on to a ``Hooks`` object (``device.machine.regfile.RegFile``).
"""

import os
import select
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, Self, TypeAlias

from device._core import ffi, lib

Pointer: TypeAlias = Any  # a cffi pointer or array; mypy cannot know which

BAR0_BYTES: int = lib.NIC_BAR0_BYTES
DMA_READ: int = lib.DMA_READ
DMA_WRITE: int = lib.DMA_WRITE
IRQ_NONE: int = lib.IRQ_NONE
IRQ_INTX: int = lib.IRQ_INTX
IRQ_MSI: int = lib.IRQ_MSI
IRQ_MSIX: int = lib.IRQ_MSIX
VECTORS: int = lib.NIC_VECTORS
FAULTS: dict[int, str] = {
    value: name.removeprefix("FAULT_").lower().replace("_", " ")
    for name, value in ((name, getattr(lib, name)) for name in dir(lib) if name.startswith("FAULT_"))
}

__all__ = ["FastNic", "Hooks", "IrqFds", "Loop", "NicDma", "c_function", "ffi", "lib"]


class Hooks(Protocol):
    """Who hears about register accesses that C passes on."""

    def on_read(self, offset: int, value: int) -> int:
        """Answer a read of the register at ``offset``, which holds ``value``."""

    def on_write(self, offset: int, old: int, now: int, written: int) -> None:
        """Hear of a write: ``old`` became ``now`` by the access rule when the guest wrote ``written``."""

    def on_trace(self, offset: int, value: int, *, is_write: bool) -> None:
        """Hear of an access to a traced register."""

    def on_unknown(self, offset: int, value: int, *, is_write: bool) -> None:
        """Hear of an access to an offset nobody declared."""

    def on_fault(self, queue: int, fault: int, *, is_tx: bool) -> None:
        """Hear that a queue stopped (``FAULTS`` names why)."""


class _Box:
    """What C's ``self`` pointer stands for; empty until a ``Hooks`` moves in."""

    __slots__ = ("hooks",)

    def __init__(self) -> None:
        self.hooks: Hooks | None = None


def _hooks(handle: object) -> Hooks | None:
    box: _Box = ffi.from_handle(handle)
    return box.hooks


def _on_read(handle: object, offset: int, value: int) -> int:
    hooks = _hooks(handle)
    return hooks.on_read(offset, value) if hooks else value


def _on_write(handle: object, offset: int, old: int, now: int, written: int) -> None:
    if hooks := _hooks(handle):
        hooks.on_write(offset, old, now, written)


def _on_trace(handle: object, offset: int, value: int, is_write: int) -> None:
    if hooks := _hooks(handle):
        hooks.on_trace(offset, value, is_write=bool(is_write))


def _on_unknown(handle: object, offset: int, value: int, is_write: int) -> None:
    if hooks := _hooks(handle):
        hooks.on_unknown(offset, value, is_write=bool(is_write))


def _on_fault(handle: object, is_tx: int, queue: int, fault: int) -> None:
    if hooks := _hooks(handle):
        hooks.on_fault(queue, fault, is_tx=bool(is_tx))


ffi.def_extern(name="py_on_read")(_on_read)
ffi.def_extern(name="py_on_write")(_on_write)
ffi.def_extern(name="py_on_trace")(_on_trace)
ffi.def_extern(name="py_on_unknown")(_on_unknown)
ffi.def_extern(name="py_on_fault")(_on_fault)


def _check(rc: int, what: str) -> int:
    if rc < 0:
        raise OSError(-rc, os.strerror(-rc), what)
    return rc


def c_function(name: str) -> int:
    """Address of a C function of the core, for another cffi module to call (``nic_bar0``, ``nic_door_read32`` ...)."""
    return int(ffi.cast("uintptr_t", ffi.addressof(lib, name)))


class NicDma:
    """Guest memory for Python blocks (``seam.Dma``)."""

    def __init__(self, nic: "FastNic") -> None:
        self._nic = nic

    def read(self, iova: int, len_bytes: int) -> bytes:
        """Copy ``len_bytes`` in; raises ``OSError`` (EFAULT) outside mapped memory or without Bus Master Enable."""
        return self._nic.dma_read(iova, len_bytes)

    def write(self, iova: int, data: bytes) -> None:
        """Copy ``data`` out; raises ``OSError`` (EFAULT) outside mapped memory or without Bus Master Enable."""
        self._nic.dma_write(iova, data)


class FastNic:
    """One 82599 function in C.

    It also is what blocks ask for interrupts and time (``seam.Irq``, ``seam.Clock``).
    """

    def __init__(self) -> None:
        nic = lib.nic_new()
        if nic == ffi.NULL:
            raise MemoryError("nic_new")
        self._nic: Pointer = ffi.gc(nic, lib.nic_free)
        self._box = _Box()
        self._self: object = ffi.new_handle(self._box)
        self._kept: dict[int, object] = {}  # iova -> buffer that C points into
        self._port: object = None
        self._record: Pointer | None = None
        self._recorded: Pointer | None = None
        nic.self = self._self
        nic.on_read = lib.py_on_read
        nic.on_write = lib.py_on_write
        nic.on_trace = lib.py_on_trace
        nic.on_unknown = lib.py_on_unknown
        nic.on_fault = lib.py_on_fault
        self.dma = NicDma(self)

    def close(self) -> None:
        """Give the memory back; the object is of no use afterwards.  May be called twice."""
        if self._nic is not None:
            ffi.release(self._nic)
            self._nic = None
        self._box.hooks = None
        self._kept.clear()
        self._port = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def c(self) -> Pointer:
        """The ``struct nic *``; raises ``ValueError`` after ``close``."""
        if self._nic is None:
            raise ValueError("this nic is closed")
        return self._nic

    @property
    def handle(self) -> int:
        """Address of the ``struct nic``, to hand to C of another module."""
        return int(ffi.cast("uintptr_t", self.c))

    def set_hooks(self, hooks: Hooks | None) -> None:
        """Send C's callbacks to ``hooks``."""
        self._box.hooks = hooks

    # -- memory ------------------------------------------------------------------------------------------------------

    def dma_add(
        self, iova: int, len_bytes: int, ptr: Pointer | int | bytearray, prot: int = DMA_READ | DMA_WRITE
    ) -> None:
        """Let the device reach ``len_bytes`` at ``ptr`` under ``iova``.

        Args:
            iova: First address as the guest's descriptors name it.
            len_bytes: Length of the region.
            ptr: A cffi pointer, an address as int, or a writable buffer (kept alive until ``dma_del``).
            prot: ``DMA_READ`` (device may read), ``DMA_WRITE`` or both.

        Raises:
            OSError: EINVAL for an empty or wrapping range or a null pointer, EEXIST if it overlaps another.
        """
        where = ptr
        if isinstance(ptr, int):
            where = ffi.cast("void *", ptr)
        elif not isinstance(ptr, ffi.CData):
            where = ffi.from_buffer(ptr, require_writable=True)
            if len(where) < len_bytes:
                raise ValueError(f"dma_add: {len_bytes} bytes wanted of a buffer of {len(where)}")
        _check(lib.dma_add(self.c, iova, len_bytes, where, prot), f"dma_add {iova:#x}+{len_bytes:#x}")
        self._kept[iova] = where

    def dma_del(self, iova: int, len_bytes: int) -> int:
        """Forget every region that lies inside the range.

        Returns:
            How many there were.

        Raises:
            OSError: EINVAL for an empty or wrapping range.
        """
        count = _check(lib.dma_del(self.c, iova, len_bytes), f"dma_del {iova:#x}+{len_bytes:#x}")
        if count:
            left = {self.c.dma.region[i].iova for i in range(self.c.dma.count)}
            self._kept = {start: kept for start, kept in self._kept.items() if start in left}
        return count

    def dma_read(self, iova: int, len_bytes: int) -> bytes:
        """Copy guest memory in; raises ``OSError`` (EFAULT) outside DMA memory or without Bus Master Enable."""
        data = ffi.new("uint8_t[]", max(len_bytes, 1))
        _check(lib.dma_copy_in(self.c, data, iova, len_bytes), f"dma read {iova:#x}+{len_bytes:#x}")
        return bytes(ffi.buffer(data, len_bytes))

    def dma_write(self, iova: int, data: bytes) -> None:
        """Copy ``data`` to guest memory; raises ``OSError`` (EFAULT) outside DMA memory or without Bus Master."""
        _check(lib.dma_copy_out(self.c, iova, ffi.from_buffer(data), len(data)), f"dma write {iova:#x}+{len(data):#x}")

    # -- registers ---------------------------------------------------------------------------------------------------

    def bar0_read(self, offset: int, len_bytes: int = 4) -> bytes:
        """Read BAR0 as the guest does: rules, hooks and all.

        Raises:
            OSError: EINVAL if the range wraps.
        """
        data = ffi.new("uint8_t[]", max(len_bytes, 1))
        _check(lib.nic_bar0(self.c, data, len_bytes, offset, 0), f"BAR0 read {offset:#x}+{len_bytes}")
        return bytes(ffi.buffer(data, len_bytes))

    def bar0_write(self, offset: int, data: bytes) -> None:
        """Write BAR0 as the guest does; 8 bytes are two dwords, low one first.

        Raises:
            OSError: EINVAL if the range wraps.
        """
        source = ffi.cast("uint8_t *", ffi.from_buffer(data))
        _check(lib.nic_bar0(self.c, source, len(data), offset, 1), f"BAR0 write {offset:#x}+{len(data)}")

    def record(self, entries: int) -> None:
        """Note every access from now on, ``entries`` of them at most until ``recorded`` is called; 0 ends that."""
        self._recorded = ffi.new("struct trace_entry[]", entries) if entries else None
        self._record = ffi.new("struct trace *", (self._recorded, entries, 0, 0)) if entries else None
        self.c.trace = self._record or ffi.NULL

    def recorded(self) -> tuple[list[tuple[int, int, int, int, int]], int]:
        """Fetch what was noted since the last call, oldest first, and how many accesses there was no room for.

        Returns:
            Rows of time in ns, ``TRACE_*``, offset, bytes, value; and the number that is missing after them.
        """
        record, noted = self._record, self._recorded
        if record is None or noted is None:
            return [], 0
        rows = [(e.time_ns, e.kind, e.offset, e.len_bytes, e.value) for e in noted[0 : record.used]]
        lost = int(record.lost)
        record.used = record.lost = 0
        return rows, lost

    def peek(self, offset: int) -> int:
        """One dword at ``offset`` without any effect of looking at it."""
        return int(lib.reg_peek(self.c, offset))

    def reset(self, *, software: bool) -> None:
        """Registers to their reset values and C's blocks to their start; ``software`` spares what CTRL.RST spares."""
        lib.nic_reset(self.c, int(software))

    # -- world -------------------------------------------------------------------------------------------------------

    def step(self) -> int:
        """One turn without waiting: port, rings, interrupts.

        Returns:
            Work done; 0 means there was nothing to do.
        """
        return int(lib.nic_step(self.c))

    def settle(self, turns: int = 64) -> int:
        """Step until nothing is left to do, ``turns`` times at most; returns the turns that did work."""
        for turn in range(turns):
            if not self.step():
                return turn
        return turns

    def set_port(self, port: Pointer | None) -> None:
        """Plug in a ``struct port *`` (kept alive), or None for no wire at all."""
        self._port = port
        self.c.port = ffi.NULL if port is None else port

    def now_ns(self) -> int:
        """The device's time in nanoseconds."""
        return int(lib.nic_now(self.c))

    def manual_clock(self, now_ns: int = 0) -> None:
        """From now on time stands still unless ``advance`` moves it."""
        self.c.manual_ns = now_ns
        self.c.clock = ffi.addressof(lib, "nic_manual_clock")
        self.c.clock_arg = self.c

    def advance(self, ns: int) -> None:
        """Move a manual clock forward and send the interrupts that became due."""
        self.c.manual_ns += ns
        lib.intr_run(self.c)

    def cause(self, causes: int) -> None:
        """Latch EICR causes (bits in place, 30:16); masks and moderation decide what follows."""
        lib.intr_cause(self.c, causes)

    @property
    def irq_mode(self) -> int:
        """Which kind of interrupt PCI has enabled (``IRQ_*``); setting it replays what is pending."""
        return int(self.c.irq_mode)

    @irq_mode.setter
    def irq_mode(self, mode: int) -> None:
        lib.intr_mode(self.c, mode)

    @property
    def bus_master(self) -> bool:
        """PCI COMMAND bit 2: without it no DMA."""
        return bool(self.c.bus_master)

    @bus_master.setter
    def bus_master(self, on: bool) -> None:
        self.c.bus_master = int(on)

    @property
    def memory(self) -> bool:
        """PCI COMMAND bit 1 and D0: without it BAR0 reads all ones and takes no writes."""
        return not self.c.memory_off

    @memory.setter
    def memory(self, on: bool) -> None:
        self.c.memory_off = int(not on)

    @property
    def link_up(self) -> bool:
        """Whether frames pass the MAC."""
        return bool(self.c.link_up)

    @link_up.setter
    def link_up(self, up: bool) -> None:
        self.c.link_up = int(up)

    def set_irq_sink(self, send: int, level: int, arg: int) -> None:
        """Send interrupts to C functions of another module, given as addresses (0 = none).

        Args:
            send: ``int (*)(void *arg, uint32_t vector)``: a message; 0 or -errno.
            level: ``int (*)(void *arg, int level)``: the INTx line.
            arg: Their first argument.
        """
        self.c.irq_arg = ffi.cast("void *", arg)
        self.c.irq_send = ffi.cast("int (*)(void *, uint32_t)", send)
        self.c.intx_level = ffi.cast("int (*)(void *, int)", level)

    def counters(self) -> dict[str, int]:
        """What happened so far, by name (``struct nic_count``)."""
        return {name: int(getattr(self.c.count, name)) for name in dir(self.c.count)}


class IrqFds:
    """Interrupts of a ``FastNic`` as eventfds: for tests and for a driver in the same process.

    The caller owns the file descriptors.  Vectors never ``set`` are counted and tell nobody.
    """

    def __init__(self, nic: FastNic) -> None:
        self._nic = nic
        self._fds: Pointer = ffi.new("struct irq_fds *")
        self._fds.intx = lib.IRQ_FD_COUNT
        for vector in range(VECTORS):
            self._fds.vector[vector] = lib.IRQ_FD_COUNT
        self._nic.c.irq_arg = self._fds
        self._nic.c.irq_send = ffi.addressof(lib, "irq_fds_send")
        self._nic.c.intx_level = ffi.addressof(lib, "irq_fds_level")

    def close(self) -> None:
        """Detach; the nic has no interrupts afterwards."""
        self._nic.set_irq_sink(0, 0, 0)

    def set(self, vector: int, fd: int) -> None:
        """Signal ``fd`` for ``vector``, or -1: it cannot be sent and stays pending.  What is pending is replayed."""
        self._fds.vector[vector] = fd
        self._nic.irq_mode = self._nic.irq_mode

    def set_intx(self, fd: int) -> None:
        """Signal ``fd`` whenever the INTx line rises, or -1: it cannot rise.  What is pending is replayed."""
        self._fds.intx = fd
        self._nic.irq_mode = self._nic.irq_mode

    def sent(self, vector: int = 0) -> int:
        """Messages sent so far (for INTx: edges, under vector 0)."""
        return int(self._fds.sent[vector])

    @property
    def level(self) -> bool:
        """The INTx line."""
        return bool(self._fds.level)


class Loop:
    """The loop that runs devices (design: one thread, one loop): C, with the GIL released.

    Args:
        nics: The functions it runs.
        sources: How many ``struct loop_source`` to have; fill them through ``source``.
        spin_us: Busy time without work before it sleeps.
        poll_tails_us: Shared doorbells: longest sleep, in microseconds; 0 for trapped ones.
    """

    def __init__(self, nics: Iterable[FastNic], *, sources: int = 0, spin_us: int = 50, poll_tails_us: int = 0) -> None:
        self._nics: Sequence[FastNic] = tuple(nics)
        self._pointers: Pointer = ffi.new("struct nic *[]", [nic.c for nic in self._nics])
        self._sources: Pointer = ffi.new("struct loop_source[]", max(sources, 1))
        for n in range(max(sources, 1)):
            self._sources[n].fd = -1
        self._stop_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._loop: Pointer = ffi.new("struct loop *")
        self._loop.nic = self._pointers
        self._loop.nics = len(self._nics)
        self._loop.source = self._sources
        self._loop.sources = sources
        self._loop.stop_fd = self._stop_fd
        self._loop.wake_fd = -1
        self._loop.spin_us = spin_us
        self._loop.poll_tails_us = poll_tails_us

    @property
    def stop_fd(self) -> int:
        """Eventfd that ends ``run`` when written ."""
        return self._stop_fd

    def set_source(self, n: int, *, fd: int, run: int, arg: int) -> None:
        """Fill source ``n``.

        Args:
            n: Which one, from 0.
            fd: Readable when there is work; -1 = not now.
            run: Address of ``int (*)(void *arg)``: >0 did work, 0 nothing to do, -errno ends the loop.
            arg: Its argument.
        """
        self._sources[n].fd = fd
        self._sources[n].run = ffi.cast("int (*)(void *)", run)
        self._sources[n].arg = ffi.cast("void *", arg)

    def source_fd(self, n: int) -> int:
        """Address of the source's ``int fd``: its ``run`` may change it at any time."""
        return int(ffi.cast("uintptr_t", ffi.addressof(self._sources[n], "fd")))

    def wake_on(self, fd: int) -> None:
        """Return from ``run`` instead of sleeping while ``fd`` is readable; -1: no such thing."""
        self._loop.wake_fd = fd

    def run(self, timeout_s: float | None = None) -> None:
        """Run until ``stop``, the fd of ``wake_on``, ``timeout_s``, a signal that interrupts the sleep, or an error.

        A busy loop does not notice signals before the timeout: keep that short, or write to ``stop_fd``.

        Raises:
            OSError: A source returned an error.
        """
        timeout_ns = -1 if timeout_s is None else int(timeout_s * 1e9)
        try:
            _check(lib.nic_loop(self._loop, timeout_ns), "nic_loop")
        except InterruptedError:
            return

    def stop(self) -> None:
        """End ``run`` from another thread, or make the next one end at once."""
        os.eventfd_write(self._stop_fd, 1)

    def clear(self) -> None:
        """Forget an earlier ``stop``."""
        if select.select([self._stop_fd], [], [], 0)[0]:
            os.eventfd_read(self._stop_fd)

    def close(self) -> None:
        """Release the eventfd."""
        if self._stop_fd >= 0:
            os.close(self._stop_fd)
            self._stop_fd = -1
