"""Builds ``device._core``: the machine, the wires and the chip's blocks, from the C files under ``device/``."""

import os
from pathlib import Path

from cffi import FFI

DEVICE = Path(__file__).resolve().parent.parent
ROOT = DEVICE.parent
REGS = DEVICE / "regs" / "i82599"
WIRE = DEVICE / "machine" / "wire"
FLAGS = ["-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"]
FLAGS += os.environ.get("IXLAB_CFLAGS", "").split()

# In cffi's dialect (no guards, no includes); a later one may name the types of an earlier one.  chip.h and bytes.h are
# not here: inline functions are the compiler's alone.
MACHINE = ("clock", "trace", "guard", "dma", "irq", "stall", "csum", "toeplitz", "parse", "eth", "regfile", "wire/port")
ABOVE_WIRES = ("super", "faults", "function", "socket_rule", "loop")
CHIP = (
    "pass",
    "intr/intr",
    "filters/filters",
    "rss/rss",
    "fdir/fdir",
    "rx/rx",
    "rx/rsc",
    "stats/stats",
    "tx/tx",
    "flow/flow",
    "time/timesync",
)
CHIP += ("tails/tails", "virt/virt", "vf/vf", "card")
HEADERS = (
    REGS / "desc.h",
    *(DEVICE / "machine" / f"{name}.h" for name in MACHINE),
    *sorted(set(WIRE.glob("*.h")) - {WIRE / "port.h"}),  # kinds of ports, as far as they have one
    *(DEVICE / "machine" / f"{name}.h" for name in ABOVE_WIRES),
    *(DEVICE / "i82599" / f"{name}.h" for name in CHIP),
)
# Every file in wire/ but port.c is a kind of port: KIND.c has KIND_ops, and port_ops_of() finds it by name.
KINDS = sorted(path.stem for path in set(WIRE.glob("*.c")) - {WIRE / "port.c"})
FIND = "".join(
    (
        *(f"extern const struct port_ops {kind}_ops;\n" for kind in KINDS),
        "const struct port_ops *port_ops_of(const char *kind)\n{\n",
        *(f'    if (!strcmp(kind, "{kind}"))\n        return &{kind}_ops;\n' for kind in KINDS),
        "    return NULL;\n}\n",
    )
)
INCLUDES = ("<stdint.h>", "<string.h>", *(f'"{header.relative_to(DEVICE)}"' for header in HEADERS))
FOLDERS = ("machine", "i82599")

sources = sorted(path for folder in FOLDERS for path in (DEVICE / folder).rglob("*.c"))
ffi = FFI()
for header in HEADERS:
    ffi.cdef(header.read_text(encoding="utf-8"))
ffi.cdef("""
extern "Python" uint32_t py_read(void *self, uint32_t offset, uint32_t value);
extern "Python" void py_write(void *self, uint32_t offset, uint32_t old, uint32_t now, uint32_t written);
extern "Python" void py_trace(void *self, uint32_t offset, uint32_t value, int is_write);
extern "Python" void py_unknown(void *self, uint32_t offset, uint32_t value, int is_write);
extern "Python" void py_none(void *self, uint32_t offset, uint32_t written);
extern "Python" uint64_t py_fault(void *self, uint32_t offset, uint32_t value, int is_write);
extern "Python" void py_stall(void *self, int is_tx, uint32_t queue, uint32_t why);
""")
ffi.set_source(
    os.environ.get("IXLAB_PREFIX", "") + "device._core",  # an installed copy is ixlab.device._core; setup.py says so
    "".join(f"#include {header}\n" for header in INCLUDES) + FIND,
    sources=[str(path.relative_to(ROOT)) for path in sources],
    depends=[str(path.relative_to(ROOT)) for path in (*HEADERS, REGS / "regs.h")],
    include_dirs=["device", "device/regs/i82599"],
    extra_compile_args=FLAGS,
    extra_link_args=os.environ.get("IXLAB_LDFLAGS", "").split(),
)

if __name__ == "__main__":
    ffi.compile(verbose=True)
