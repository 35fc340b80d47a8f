# SPDX-License-Identifier: BSD-3-Clause
"""Builds ``device._vfu``: libvfio-user, our wrappers around four of its files, and the glue to the device core.

The library's sources are found in ``$IXLAB_VFU`` (a folder with ``include`` and ``lib``, made by ``ci/vfu.py``), else
in the newest one in the cache.  For tests of the mends: ``IXLAB_VFU_WITHOUT="RANGE_UNMAP MANY_REGIONS FD_CLOSE MULTI"``
(any of them) leaves a mend out.
"""

import os
import shutil
import subprocess
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent
GLUE = HERE.parent / "serve" / "csrc"
WRAPPED = {"dma.c": "x_dma.c", "irq.c": "x_irq.c", "libvfio-user.c": "x_libvfio.c", "tran_sock.c": "x_tran_sock.c"}
KEPT = ("migration.c", "pci.c", "pci_caps.c", "tran.c")


def library() -> Path:
    """Return the folder of libvfio-user's sources.

    Raises:
        SystemExit: There is none; the message says how to get it.
    """
    named = os.environ.get("IXLAB_VFU")
    if named:
        found = [Path(named)]
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ixlab"
        found = sorted(base.glob("libvfio-user-*/"), key=lambda path: path.stat().st_mtime)
    if not found or not (found[-1] / "lib" / "dma.c").exists():
        raise SystemExit(
            f"libvfio-user's sources are not in {found[-1] if found else 'the cache'}: run `python3 -m ci setup`"
        )
    return found[-1]


def json_c() -> dict[str, list[str]]:
    """Return how to link json-c: the static archive if there is one, so that the extension needs libc alone."""
    compiler = shutil.which("gcc") or "cc"
    answer = subprocess.run([compiler, "-print-file-name=libjson-c.a"], capture_output=True, text=True, check=False)
    archive = Path(answer.stdout.strip())
    if archive.is_absolute() and archive.exists():
        return {"extra_objects": [str(archive)], "extra_link_args": ["-Wl,--exclude-libs,ALL"]}
    return {"libraries": ["json-c"]}


lib = library()
# Warnings of the library's own code are its authors' business, so no -Werror here.
flags = ["-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-fvisibility=hidden", "-Wno-unused-parameter"]
flags += [
    "-Wno-missing-field-initializers",
    "-Wno-maybe-uninitialized",
    "-Wno-sign-compare",
    "-Wno-pointer-arith",
    "-Wno-unused-variable",
]
flags += os.environ.get("IXLAB_CFLAGS", "").split()
linking = json_c()
linking["extra_link_args"] = linking.get("extra_link_args", []) + os.environ.get("IXLAB_LDFLAGS", "").split()

ffi = FFI()
ffi.cdef((GLUE / "glue.h").read_text(encoding="utf-8"))
ffi.cdef("""
extern "Python" int64_t py_region(void *self, uint8_t *buf, uint64_t count, uint64_t offset, int is_write);
extern "Python" int py_on_reset(void *self, int kind);
extern "Python" void py_on_client(void *self, int attached);
extern "Python" void py_on_irqs(void *self, int armed);
extern "Python" int py_on_file(void *self, uint64_t iova, uint64_t len_bytes, int fd);
extern "Python" void py_on_log(void *self, int level, const char *text);
extern "Python" void py_on_turned_away(void *self, int caller_fd, int client_fd);
""")
ffi.set_source(
    os.environ.get("IXLAB_PREFIX", "") + "device._vfu",  # an installed copy is ixlab.device._vfu; setup.py says so
    '#include <stdint.h>\n#include "glue.h"\n',
    sources=[
        f"device/serve/csrc/{name}"
        for name in (
            "glue.c",
            "session.c",
            "burst.c",
            "bars.c",
            "irqs.c",
            "memory.c",
            "hold.c",
            "eventfds.c",
            "irq_fd.c",
            "conn.c",
            "conn_reply.c",
            "last_words.c",
            "callers.c",
            "pieces.c",
            "rights.c",
            "letgo.c",
            *WRAPPED.values(),
        )
    ]
    + [str(lib / "lib" / name) for name in KEPT],
    depends=[f"device/serve/csrc/{name}.h" for name in ("glue", "mend", "conn", "callers", "pieces")],
    include_dirs=["device", "device/serve/csrc", str(lib / "include"), str(lib / "lib"), "/usr/include/json-c"],
    # Misuse of the library must not abort a server: its asserts are checked by us where a client can reach them.
    define_macros=[("_GNU_SOURCE", None), ("NDEBUG", None)]
    + [(f"WITHOUT_{name}", None) for name in os.environ.get("IXLAB_VFU_WITHOUT", "").split()],
    extra_compile_args=flags,
    py_limited_api=True,
    **linking,
)

if __name__ == "__main__":
    ffi.compile(verbose=True)
