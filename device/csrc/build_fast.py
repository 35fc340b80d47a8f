"""Builds ``device._fast``: the device core, from the C files in this folder and nothing else."""

import os
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent
REGS = HERE.parent / "regs"
FLAGS = ["-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"]
FLAGS += os.environ.get("IXLAB_CFLAGS", "").split()

ffi = FFI()
ffi.cdef((REGS / "desc.h").read_text())
ffi.cdef((HERE / "fast.h").read_text())
ffi.cdef("""
extern "Python" uint32_t py_on_read(void *self, uint32_t offset, uint32_t value);
extern "Python" void py_on_write(void *self, uint32_t offset, uint32_t old, uint32_t now, uint32_t written);
extern "Python" void py_on_trace(void *self, uint32_t offset, uint32_t value, int is_write);
extern "Python" void py_on_unknown(void *self, uint32_t offset, uint32_t value, int is_write);
extern "Python" void py_on_fault(void *self, int is_tx, uint32_t queue, uint32_t fault);
""")
ffi.set_source(
    "device._fast",
    '#include <stdint.h>\n#include "desc.h"\n#include "fast.h"\n',
    sources=[f"device/csrc/{path.name}" for path in sorted(HERE.glob("*.c"))],
    depends=["device/csrc/fast.h", "device/regs/desc.h", "device/regs/regs.h"],
    include_dirs=["device/csrc", "device/regs"],
    extra_compile_args=FLAGS,
    extra_link_args=os.environ.get("IXLAB_LDFLAGS", "").split(),
)

if __name__ == "__main__":
    ffi.compile(verbose=True)
