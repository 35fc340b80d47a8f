# SPDX-License-Identifier: BSD-3-Clause
"""Builds ``driver._core``: the neutral C files in ``driver/core/csrc``, and each family's descriptors beside them.

The compiler looks for headers in ``driver/core/csrc`` only.  So a neutral file cannot see a chip's registers; a family
names its own by their path.
"""

import os
from pathlib import Path

from cffi import FFI

DRIVER = Path(__file__).resolve().parents[1]
CORE = DRIVER / "core" / "csrc"
FLAGS = ["-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"]
FLAGS += ["-flto=auto"]  # many small files, and a call between two of them costs no more than one within
FLAGS += os.environ.get("IXLAB_CFLAGS", "").split()

# Read by the C compiler and by cffi, so they stay in cffi's dialect: no guards, no includes, no function-like macros.
# A header may use the types of those before it; a .c file includes those it may know, in this order.
HEADERS = [
    CORE / f"{name}.h" for name in ("mmio", "vfu_client", "rings", "vnet", "netdev", "xdp", "netns", "napi", "apps")
] + [path for path in sorted(DRIVER.glob("*/csrc/*.h")) if path.parent != CORE]


def from_root(path: Path) -> str:
    """A path as the build wants it: from the checkout's root."""
    return str(path.relative_to(DRIVER.parent))


declarations = "\n".join(path.read_text(encoding="utf-8") for path in HEADERS)
ffi = FFI()
ffi.cdef(declarations)
# What C calls where an XDP program is a Python function; driver/core/xdp.py is behind it.
ffi.cdef('extern "Python" uint32_t xdp_python(struct xdp_frame *frame, void *context);')
ffi.set_source(
    os.environ.get("IXLAB_PREFIX", "") + "driver._core",  # an installed copy is ixlab.driver._core; setup.py says so
    f"#include <stdint.h>\n{declarations}",
    sources=[from_root(path) for path in sorted(DRIVER.glob("*/csrc/*.c"))],
    depends=[from_root(path) for path in (*DRIVER.glob("*/csrc/*.h"), *DRIVER.parent.glob("device/regs/*/*.h"))],
    include_dirs=[from_root(CORE)],
    extra_compile_args=FLAGS,
    extra_link_args=["-flto=auto", "-O2", *os.environ.get("IXLAB_LDFLAGS", "").split()],
)

if __name__ == "__main__":
    ffi.compile(verbose=True)
