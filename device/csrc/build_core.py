"""Builds ``device._core``: the machine, the wires and the chip's blocks, from the C files under ``device/``."""

import os
from pathlib import Path

from cffi import FFI

DEVICE = Path(__file__).resolve().parent.parent
ROOT = DEVICE.parent
REGS = DEVICE / "regs" / "i82599"
FLAGS = ["-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"]
FLAGS += os.environ.get("IXLAB_CFLAGS", "").split()

# Each is in cffi's dialect (no guards, no includes); a later one may name the types of an earlier one.
HEADERS = (REGS / "desc.h", DEVICE / "machine" / "core.h")
FOLDERS = ("machine", "i82599")

sources = sorted(path for folder in FOLDERS for path in (DEVICE / folder).rglob("*.c"))
ffi = FFI()
for header in HEADERS:
    ffi.cdef(header.read_text())
ffi.cdef("""
extern "Python" uint32_t py_on_read(void *self, uint32_t offset, uint32_t value);
extern "Python" void py_on_write(void *self, uint32_t offset, uint32_t old, uint32_t now, uint32_t written);
extern "Python" void py_on_trace(void *self, uint32_t offset, uint32_t value, int is_write);
extern "Python" void py_on_unknown(void *self, uint32_t offset, uint32_t value, int is_write);
extern "Python" void py_on_fault(void *self, int is_tx, uint32_t queue, uint32_t fault);
""")
ffi.set_source(
    "device._core",
    "#include <stdint.h>\n" + "".join(f'#include "{header.relative_to(DEVICE)}"\n' for header in HEADERS),
    sources=[str(path.relative_to(ROOT)) for path in sources],
    depends=[str(path.relative_to(ROOT)) for path in (*HEADERS, REGS / "regs.h")],
    include_dirs=["device", "device/machine", "device/regs/i82599"],
    extra_compile_args=FLAGS,
    extra_link_args=os.environ.get("IXLAB_LDFLAGS", "").split(),
)

if __name__ == "__main__":
    ffi.compile(verbose=True)
