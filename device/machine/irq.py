# SPDX-License-Identifier: BSD-3-Clause
"""Interrupts as they leave a function: their kinds, and a world made of eventfds."""

import enum
from typing import Protocol

from device.machine.core import Pointer, ffi, lib


class IrqKind(enum.IntEnum):
    """Which kind of interrupt PCI has enabled, or has eventfds; the numbers are C's, better kinds are higher."""

    NONE = lib.IRQ_NONE
    INTX = lib.IRQ_INTX
    MSI = lib.IRQ_MSI
    MSIX = lib.IRQ_MSIX


class Sends(Protocol):
    """What is needed of a function."""

    irq_kind: IrqKind

    def set_irq_sink(self, send: int, line: int, arg: int) -> None:
        """Send interrupts to C functions, given as addresses."""


class IrqFds:
    """Interrupts of a function as eventfds: for tests and for a driver in the same process.

    The caller owns the file descriptors.  Vectors never ``set`` are counted and tell nobody.

    Args:
        function: Whose interrupts.
        vectors: How many messages it has.
    """

    def __init__(self, function: Sends, vectors: int) -> None:
        self._function = function
        self._vector: Pointer = ffi.new("int[]", [int(lib.IRQ_FD_COUNT)] * vectors)
        self._sent: Pointer = ffi.new("uint64_t[]", vectors)
        self._fds: Pointer = ffi.new("struct irq_fds *")
        self._fds.vectors, self._fds.vector, self._fds.sent = vectors, self._vector, self._sent
        self._fds.intx = lib.IRQ_FD_COUNT

        def address(pointer: Pointer) -> int:
            return int(ffi.cast("uintptr_t", pointer))

        function.set_irq_sink(
            address(ffi.addressof(lib, "irq_fds_send")), address(ffi.addressof(lib, "irq_fds_line")), address(self._fds)
        )

    def close(self) -> None:
        """Detach; the function has no interrupts afterwards."""
        self._function.set_irq_sink(0, 0, 0)

    def set(self, vector: int, fd: int) -> None:
        """Signal ``fd`` for ``vector``, or -1: it cannot be sent and stays pending.  What is pending is replayed."""
        self._vector[vector] = fd
        self._function.irq_kind = self._function.irq_kind

    def set_intx(self, fd: int) -> None:
        """Signal ``fd`` whenever the INTx line rises, or -1: it cannot rise.  What is pending is replayed."""
        self._fds.intx = fd
        self._function.irq_kind = self._function.irq_kind

    def sent(self, vector: int = 0) -> int:
        """Messages sent so far (for INTx: edges, under vector 0)."""
        return int(self._sent[vector])

    @property
    def level(self) -> bool:
        """The INTx line."""
        return bool(self._fds.level)
