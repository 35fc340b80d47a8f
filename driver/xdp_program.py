# SPDX-License-Identifier: BSD-3-Clause
"""Load the XDP program that the command line names: ``FILE.py:NAME`` or ``FILE.so:NAME``."""

import re
import runpy
from pathlib import Path
from typing import Any

from cffi import FFI

from driver.core.xdp import SIGNATURE
from driver.errors import DriverError

WRITTEN = "FILE.py:NAME or FILE.so:NAME"
C_NAME = re.compile(r"[A-Za-z_]\w*")


def load(text: str) -> Any:
    """Return what ``Nic.xdp`` takes.

    Args:
        text: ``FILE.py:NAME``, a function in a Python file, which is run for it; or ``FILE.so:NAME``, a C function in
            a shared library.

    Raises:
        DriverError: It is not written so, there is no such file or function, or loading it failed.
    """
    file, colon, name = text.rpartition(":")
    path = Path(file)
    if not colon or not file or not C_NAME.fullmatch(name) or path.suffix not in {".py", ".so"}:
        raise DriverError(f"XDP program {text!r} is not written {WRITTEN}")
    if not path.is_file():
        raise DriverError(f"XDP program {text!r}: there is no file {path}")
    return _python(path, name) if path.suffix == ".py" else _library(path, name)


def _python(path: Path, name: str) -> Any:
    try:
        names = runpy.run_path(str(path), run_name=path.stem)
    except Exception as exc:
        raise DriverError(f"XDP program {path}: loading it failed: {exc!r}") from exc
    if not callable(names.get(name)):
        there = ", ".join(sorted(word for word, what in names.items() if callable(what) and not word.startswith("_")))
        raise DriverError(f"XDP program {path}: no function is called {name}; there is {there or 'none'}")
    return names[name]


def _library(path: Path, name: str) -> Any:
    ffi = FFI()
    ffi.cdef(f"uint32_t {name}(void *frame, void *context);")
    try:
        library: Any = ffi.dlopen(str(path.resolve()))
    except OSError as exc:
        raise DriverError(f"XDP program {path}: loading it failed: {exc}") from exc
    try:
        return ffi.addressof(library, name)
    except AttributeError:
        raise DriverError(f"XDP program {path} exports no function {name}; wanted {SIGNATURE}") from None
