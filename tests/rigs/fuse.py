# SPDX-License-Identifier: BSD-3-Clause
"""A FUSE file system with one file in it, which answers until the file is open, and then never again.

The protocol's few messages by hand.  Ref: Linux, include/uapi/linux/fuse.h.
"""

import contextlib
import os
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

LOOKUP, GETATTR, OPEN, INIT, STATFS = 1, 3, 14, 26, 17
IN_HEADER = struct.Struct("<IIQQIIII")  # len, opcode, unique, nodeid, uid, gid, pid, padding
OUT_HEADER = struct.Struct("<IiQ")  # len, error, unique
ATTR = struct.Struct("<QQQQQQIIIIIIIIII")
MESSAGE_BYTES = 1 << 17
FILE_NODE = 2
DIRECTORY, FILE = 0o040755, 0o100666
SIZE = 4096


def attributes(node: int) -> bytes:
    mode = FILE if node == FILE_NODE else DIRECTORY
    return ATTR.pack(node, SIZE, 8, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, SIZE, 0)


def answer(request: bytes) -> tuple[bytes, bool]:
    """What is answered to a request, and whether it was the last one that is."""
    _, opcode, unique, node, *_ = IN_HEADER.unpack_from(request)
    body = b""
    if opcode == INIT:
        body = struct.pack("<IIIIHHIIHHI7I", 7, 31, 0, 0, 0, 0, 4096, 1, 0, 0, 0, *[0] * 7)
    elif opcode == LOOKUP:
        body = struct.pack("<QQQQII", FILE_NODE, 0, 0, 0, 0, 0) + attributes(FILE_NODE)
    elif opcode == GETATTR:
        body = struct.pack("<QII", 0, 0, 0) + attributes(node)
    elif opcode == OPEN:
        body = struct.pack("<QIi", 1, 0, 0)
    return OUT_HEADER.pack(OUT_HEADER.size + len(body), 0, unique) + body, opcode == OPEN


@contextlib.contextmanager
def silent_fuse(folder: Path) -> Iterator[int]:
    """The open file, whose file system has nobody behind it any more; all of it away at the end."""
    folder.mkdir()
    try:
        fuse = os.open("/dev/fuse", os.O_RDWR)
    except OSError as exc:
        pytest.skip(f"no FUSE here: {exc}")
    options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0"
    mounted = subprocess.run(["mount", "-i", "-t", "fuse", "-o", options, "none", folder], pass_fds=[fuse], check=False)
    if mounted.returncode:
        os.close(fuse)
        pytest.skip("mounting FUSE is not allowed here")

    def serve() -> None:
        last = False
        while not last:
            reply, last = answer(os.read(fuse, MESSAGE_BYTES))
            os.write(fuse, reply)

    thread = threading.Thread(target=serve)
    thread.start()
    fd = os.open(folder / "file", os.O_RDWR)
    thread.join()
    try:
        yield fd
    finally:
        # Without its descriptor the file system fails whoever still waits for it.
        os.close(fuse)
        with contextlib.suppress(OSError):  # it says once more that nobody answered
            os.close(fd)
        subprocess.run(["umount", "--lazy", folder], check=True)
