# SPDX-License-Identifier: BSD-3-Clause
"""The compiled core: the one importer of ``device._core``, and how C reports failure.

``ffi`` and ``lib`` are for the wrappers (function, loop, wire, a chip's own); everybody else uses their classes.
"""

import os
from typing import Any, TypeAlias

from device._core import ffi, lib

Pointer: TypeAlias = Any  # a cffi pointer or array; mypy cannot know which

__all__ = ["Pointer", "c_function", "check", "counts", "ffi", "lib"]


def check(rc: int, what: str) -> int:
    """Return ``rc``, or raise what a negative one stands for.

    Args:
        rc: Count, or negative errno, as every C function here returns it.
        what: The operation, for the message.

    Raises:
        OSError: ``rc`` is negative.
    """
    if rc < 0:
        raise OSError(-rc, os.strerror(-rc), what)
    return rc


def c_function(name: str) -> int:
    """Address of a C function of the core, for another cffi module to call (``regfile_access``, ``dma_add`` …)."""
    return int(ffi.cast("uintptr_t", ffi.addressof(lib, name)))


def counts(struct: Pointer) -> dict[str, int]:
    """The counters of a C ``struct …_count``, by name."""
    return {name: int(getattr(struct, name)) for name in dir(struct)}
