# SPDX-License-Identifier: BSD-3-Clause
"""A PCI function: registers, DMA memory and interrupts in C, and what a reset by PCI does to the chip behind it.

``Function`` wraps one ``struct function``, which belongs to a chip.  It decides nothing: it turns C's ``-errno`` into
``OSError``, and keeps alive what C points to.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from device.machine.callouts import LOST, Callouts, Listener
from device.machine.core import Pointer, check, counts, ffi, lib
from device.machine.irq import IrqKind

DMA_READ: int = lib.DMA_READ
DMA_WRITE: int = lib.DMA_WRITE


class OnSriov(Protocol):
    """Who is told of virtual functions."""

    def __call__(self, count: int, *, memory: bool) -> None:
        """So many are enabled; ``memory``: they answer in their BARs."""


ConfigReadFault = Callable[[int, bytes], bytes]  # offset and what would be read, to what is read instead
ConfigWriteFault = Callable[[int, bytes, bytes], bytes]  # offset, what was written, what is there, to what arrives

__all__ = ["DMA_READ", "DMA_WRITE", "LOST", "Function", "LostMemory"]


@dataclass(frozen=True)
class LostMemory:
    """Memory of the client that went away under the device: what was lost first since anybody asked.

    Attributes:
        iova: Where its region begins, as the guest's descriptors name it.
        len_bytes: Length of the region.
        at: The address that could not be reached.
        file: What it was a part of, as whoever mapped it counts files.
        regions: How many regions were lost in all.
    """

    iova: int
    len_bytes: int
    at: int
    file: int
    regions: int


def _nothing() -> None:
    pass


def _no_vfs(count: int, *, memory: bool) -> None:
    pass


class Function:
    """What PCI sees of a card, once per physical and virtual function.

    Args:
        struct: The ``struct function *``.
        owner: The struct it is part of, which lives at least as long as this object.

    Attributes:
        on_reset: What the chip does when PCI resets the function (FLR, bus reset, D3hot to D0, a lost client).
        config: Its configuration space, once somebody attached one.
        config_read_faults: Injected: each may change what a client reads of configuration space.
        config_write_faults: Injected: each may change what a client writes there.
        vector_limit: Injected: it offers no more MSI-X vectors than this; None: all it has.
        missing_irqs: It does not offer these kinds of interrupt: injected, or as a virtual function.
        is_present: Whether it is on the bus; a virtual function that is not enabled is not.
        on_sriov: Hears how many virtual functions SR-IOV has enabled, and whether they answer in their BARs.
    """

    def __init__(self, struct: Pointer, owner: Pointer) -> None:
        self._struct: Pointer | None = struct
        self._owner: Pointer | None = owner
        self._callouts = Callouts(struct.regs)
        self._kept: dict[int, object] = {}  # iova -> buffer that C points into
        self._record: Pointer | None = None
        self._recorded: Pointer | None = None
        self.config_read_faults: list[ConfigReadFault] = []
        self.config_write_faults: list[ConfigWriteFault] = []
        self.vector_limit: int | None = None
        self.missing_irqs: set[IrqKind] = set()
        self.on_reset: Callable[[], None] = _nothing
        self.on_sriov: OnSriov = _no_vfs
        self._present = True
        self.config: Any = None  # a ConfigSpace, which knows this class: its type would make a circle

    def close(self) -> None:
        """Let go of the struct.  May be called twice."""
        self._struct = self._owner = None
        self._callouts.listen(None)
        self._kept.clear()

    @property
    def c(self) -> Pointer:
        """The ``struct function *``; raises ``ValueError`` after ``close``."""
        if self._struct is None:
            raise ValueError("this function is closed")
        return self._struct

    @property
    def handle(self) -> int:
        """Address of the ``struct function``, to hand to C of another module."""
        return int(ffi.cast("uintptr_t", self.c))

    @property
    def regs_handle(self) -> int:
        """Address of its ``struct regfile``."""
        return int(ffi.cast("uintptr_t", ffi.addressof(self.c, "regs")))

    @property
    def closed(self) -> bool:
        """Whether its card is gone."""
        return self._struct is None

    def fault_handles(self) -> tuple[int, int, int, int]:
        """Addresses of what faults tell a door: how long answers are kept, how far DMA reaches, what is refused."""
        places = (("regs", "hold_ns"), ("dma", "reach"), ("irq", "refused"), ("irq", "refuse_in"))
        hold_ns, reach, refused, refuse_in = (
            int(ffi.cast("uintptr_t", ffi.addressof(self.c, *place))) for place in places
        )
        return hold_ns, reach, refused, refuse_in

    @property
    def dma_handle(self) -> int:
        """Address of its ``struct dma``."""
        return int(ffi.cast("uintptr_t", ffi.addressof(self.c, "dma")))

    def set_listener(self, listener: Listener | None) -> None:
        """Send C's callbacks to ``listener``."""
        self._callouts.listen(listener)

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
        rc = lib.dma_add(ffi.addressof(self.c, "dma"), iova, len_bytes, where, prot)
        check(rc, f"dma_add {iova:#x}+{len_bytes:#x}")
        self._kept[iova] = where

    def dma_del(self, iova: int, len_bytes: int) -> int:
        """Forget every region that lies inside the range.

        Returns:
            How many there were.

        Raises:
            OSError: EINVAL for an empty or wrapping range.
        """
        dma = self.c.dma
        count = check(lib.dma_del(ffi.addressof(self.c, "dma"), iova, len_bytes), f"dma_del {iova:#x}+{len_bytes:#x}")
        if count:
            left = {dma.region[i].iova for i in range(dma.count)}
            self._kept = {start: kept for start, kept in self._kept.items() if start in left}
        return count

    def dma_read(self, iova: int, len_bytes: int) -> bytes:
        """Copy guest memory in; raises ``OSError`` (EFAULT) outside DMA memory or without Bus Master Enable."""
        data = ffi.new("uint8_t[]", max(len_bytes, 1))
        rc = lib.dma_copy_in(ffi.addressof(self.c, "dma"), data, iova, len_bytes)
        check(rc, f"dma read {iova:#x}+{len_bytes:#x}")
        return bytes(ffi.buffer(data, len_bytes))

    def dma_write(self, iova: int, data: bytes) -> None:
        """Copy ``data`` to guest memory; raises ``OSError`` (EFAULT) outside DMA memory or without Bus Master."""
        rc = lib.dma_copy_out(ffi.addressof(self.c, "dma"), iova, ffi.from_buffer(data), len(data))
        check(rc, f"dma write {iova:#x}+{len(data):#x}")

    def take_lost(self) -> LostMemory | None:
        """Memory that went away since the last call; None: nothing did.  It stays lost until it is mapped anew."""
        lost = self.c.dma.lost
        if not lost.regions:
            return None
        found = LostMemory(int(lost.iova), int(lost.len_bytes), int(lost.at), int(lost.file), int(lost.regions))
        lost.regions = 0
        return found

    def _dma_off(self, reason: int, *, off: bool) -> None:
        kept = self.c.dma.off & ~reason
        self.c.dma.off = kept | reason if off else kept

    @property
    def bus_master(self) -> bool:
        """Whether PCI lets it do DMA: COMMAND.BUS_MASTER, in D0.  The one place where that is kept."""
        return not self.c.dma.off & lib.DMA_OFF_MASTER

    @bus_master.setter
    def bus_master(self, on: bool) -> None:
        self._dma_off(lib.DMA_OFF_MASTER, off=not on)

    def set_requests(self, *, on: bool) -> None:
        """The chip's own gate for DMA requests, besides PCI's."""
        self._dma_off(lib.DMA_OFF_CHIP, off=not on)

    def set_reachable(self, *, on: bool, reason: int = lib.DMA_BROKEN_FAULT) -> None:
        """A fault's gate: while it is shut, queues run on and their DMA fails as if nothing were mapped."""
        kept = self.c.dma.broken & ~reason
        self.c.dma.broken = kept if on else kept | reason

    @property
    def does_dma(self) -> bool:
        """Whether nothing at all keeps it from doing DMA."""
        return not (self.c.dma.off or self.c.dma.broken)

    # -- registers ---------------------------------------------------------------------------------------------------

    def bar0_read(self, offset: int, len_bytes: int = 4) -> bytes:
        """Read BAR0 as the guest does: rules, hooks and all.

        Raises:
            OSError: EINVAL if the range wraps.
        """
        data = ffi.new("uint8_t[]", max(len_bytes, 1))
        rc = lib.regfile_access(ffi.addressof(self.c, "regs"), data, len_bytes, offset, 0)
        check(rc, f"BAR0 read {offset:#x}+{len_bytes}")
        return bytes(ffi.buffer(data, len_bytes))

    def bar0_write(self, offset: int, data: bytes) -> None:
        """Write BAR0 as the guest does; 8 bytes are two dwords, low one first.

        Raises:
            OSError: EINVAL if the range wraps.
        """
        source = ffi.cast("uint8_t *", ffi.from_buffer(data))
        rc = lib.regfile_access(ffi.addressof(self.c, "regs"), source, len(data), offset, 1)
        check(rc, f"BAR0 write {offset:#x}+{len(data)}")

    def peek(self, offset: int) -> int:
        """One dword at ``offset`` without any effect of looking at it."""
        return int(lib.reg_peek(ffi.addressof(self.c, "regs"), offset))

    @property
    def memory(self) -> bool:
        """PCI COMMAND bit 1 and D0: without it BAR0 reads all ones and takes no writes."""
        return not self.c.regs.off & lib.REG_OFF_PCI

    @memory.setter
    def memory(self, on: bool) -> None:
        self.set_answers(on=on, reason=lib.REG_OFF_PCI)

    def set_answers(self, *, on: bool, reason: int) -> None:
        """Whether BAR0 answers, as far as ``reason`` (``REG_OFF_*``) goes; faults have reasons of their own."""
        kept = self.c.regs.off & ~reason
        self.c.regs.off = kept if on else kept | reason

    @property
    def is_present(self) -> bool:
        """Whether it is on the bus."""
        return self._present

    @is_present.setter
    def is_present(self, on: bool) -> None:
        self._present = on
        self.set_answers(on=on, reason=lib.REG_OFF_ABSENT)

    def record(self, entries: int) -> None:
        """Note every access from now on, ``entries`` of them at most until ``recorded`` is called; 0 ends that."""
        self._recorded = ffi.new("struct trace_entry[]", entries) if entries else None
        self._record = ffi.new("struct trace *", (self._recorded, entries, 0, 0)) if entries else None
        self.c.regs.trace = self._record or ffi.NULL

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

    def now_ns(self) -> int:
        """The device's time in nanoseconds."""
        return int(lib.clock_now(self.c.regs.clock))

    def reset(self, *, software: bool) -> None:
        """Registers and C's blocks to their start; ``software`` spares what a software reset spares."""
        lib.function_reset(self.c, int(software))

    # -- interrupts --------------------------------------------------------------------------------------------------

    @property
    def irq_kind(self) -> IrqKind:
        """Which kind of interrupt PCI has enabled; setting it replays what is pending."""
        return IrqKind(int(self.c.irq.kind))

    @irq_kind.setter
    def irq_kind(self, kind: int) -> None:
        lib.irq_set_kind(ffi.addressof(self.c, "irq"), int(kind))

    @property
    def intx_level(self) -> bool:
        """The INTx line as the chip last told the world."""
        return bool(self.c.irq.level)

    def set_irq_sink(self, send: int, line: int, arg: int) -> None:
        """Send interrupts to C functions of another module, given as addresses (0 = none).

        Args:
            send: ``int (*)(void *arg, uint32_t vector)``: a message; 0 or -errno.
            line: ``int (*)(void *arg, int level)``: the INTx line.
            arg: Their first argument.
        """
        irq = self.c.irq
        irq.arg = ffi.cast("void *", arg)
        irq.send = ffi.cast("int (*)(void *, uint32_t)", send)
        irq.line = ffi.cast("int (*)(void *, int)", line)

    # -- figures -----------------------------------------------------------------------------------------------------

    def counters(self) -> dict[str, int]:
        """What happened so far, by name."""
        return {**counts(self.c.regs.count), "dma_errors": int(self.c.dma.errors)}
