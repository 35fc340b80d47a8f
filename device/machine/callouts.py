# SPDX-License-Identifier: BSD-3-Clause
"""C's calls out to Python about registers: ``py_read``, ``py_write`` and their like, and who hears them."""

import logging
from typing import Protocol

from device.machine.core import Pointer, ffi, lib

log = logging.getLogger(__name__)

LOST = 1 << 32  # an injected fault's answer to a write: it does not reach the register; C's FAULT_LOST


class Listener(Protocol):
    """Who hears about register accesses that C passes on (``device.machine.regfile.RegFile``)."""

    def py_read(self, offset: int, value: int) -> int:
        """Answer a read of the register at ``offset``, which holds ``value``."""

    def py_write(self, offset: int, old: int, now: int, written: int) -> None:
        """Hear of a write: ``old`` became ``now`` by the access rule when the client wrote ``written``."""

    def py_trace(self, offset: int, value: int, *, is_write: bool) -> None:
        """Hear of an access to a traced register."""

    def py_unknown(self, offset: int, value: int, *, is_write: bool) -> None:
        """Hear of an access to an offset nobody declared."""

    def py_none(self, offset: int, written: int) -> None:
        """Hear of a write that sets bits which no field has."""

    def py_fault(self, offset: int, value: int, *, is_write: bool) -> int:
        """Say what becomes of an access that a fault reaches: the value instead, or ``LOST``."""


class _Box:
    """What C's ``self`` pointer stands for; empty until a ``Listener`` moves in.  It holds nothing that holds it."""

    __slots__ = ("listener",)

    def __init__(self) -> None:
        self.listener: Listener | None = None


def _listener(handle: object) -> Listener | None:
    box: _Box = ffi.from_handle(handle)
    return box.listener


def _py_read(handle: object, offset: int, value: int) -> int:
    listener = _listener(handle)
    return listener.py_read(offset, value) if listener else value


def _py_write(handle: object, offset: int, old: int, now: int, written: int) -> None:
    if listener := _listener(handle):
        listener.py_write(offset, old, now, written)


def _py_trace(handle: object, offset: int, value: int, is_write: int) -> None:
    if listener := _listener(handle):
        listener.py_trace(offset, value, is_write=bool(is_write))


def _py_unknown(handle: object, offset: int, value: int, is_write: int) -> None:
    if listener := _listener(handle):
        listener.py_unknown(offset, value, is_write=bool(is_write))


def _py_none(handle: object, offset: int, written: int) -> None:
    if listener := _listener(handle):
        listener.py_none(offset, written)


def _py_fault(handle: object, offset: int, value: int, is_write: int) -> int:
    listener = _listener(handle)
    return listener.py_fault(offset, value, is_write=bool(is_write)) if listener else value


def failed(_kind: object, error: BaseException | None, _trace: object) -> None:
    """Log, within the log's limits, what a call from C raised; cffi by itself prints every one."""
    log.error("a call from C failed", exc_info=error)


ffi.def_extern(name="py_read", onerror=failed)(_py_read)
ffi.def_extern(name="py_write", onerror=failed)(_py_write)
ffi.def_extern(name="py_trace", onerror=failed)(_py_trace)
ffi.def_extern(name="py_unknown", onerror=failed)(_py_unknown)
ffi.def_extern(name="py_none", onerror=failed)(_py_none)
ffi.def_extern(name="py_fault", onerror=failed)(_py_fault)


class Callouts:
    """Where the calls of one register file go: nowhere, until somebody listens.

    Args:
        regs: The ``struct regfile``; keep this object as long as C may use that.
    """

    def __init__(self, regs: Pointer) -> None:
        self._box = _Box()
        self._self: object = ffi.new_handle(self._box)
        regs.self = self._self
        regs.py_read = lib.py_read
        regs.py_write = lib.py_write
        regs.py_trace = lib.py_trace
        regs.py_unknown = lib.py_unknown
        regs.py_none = lib.py_none
        regs.py_fault = lib.py_fault

    def listen(self, listener: Listener | None) -> None:
        """Send them to ``listener`` from now on."""
        self._box.listener = listener
