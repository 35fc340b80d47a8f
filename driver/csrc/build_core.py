# SPDX-License-Identifier: BSD-3-Clause
"""Builds ``driver._core``: register access and descriptor rings, from the C files in this folder and nothing else."""

import os
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent
REGS = HERE.parents[1] / "device" / "regs" / "i82599"
FLAGS = ["-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"]
FLAGS += os.environ.get("IXLAB_CFLAGS", "").split()

ffi = FFI()
ffi.cdef((REGS / "desc.h").read_text())
ffi.cdef((HERE / "core.h").read_text())
ffi.set_source(
    "driver._core",
    '#include <stdint.h>\n#include "desc.h"\n#include "core.h"\n',
    sources=[f"driver/csrc/{path.name}" for path in sorted(HERE.glob("*.c"))],
    depends=["driver/csrc/core.h", "device/regs/i82599/desc.h", "device/regs/i82599/regs.h"],
    include_dirs=["driver/csrc", "device/regs/i82599"],
    extra_compile_args=FLAGS,
    extra_link_args=os.environ.get("IXLAB_LDFLAGS", "").split(),
)

if __name__ == "__main__":
    ffi.compile(verbose=True)
