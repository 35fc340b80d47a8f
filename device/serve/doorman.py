# SPDX-License-Identifier: BSD-3-Clause
"""Who comes while another client is served is told so: its handshake is answered with EBUSY, and it is sent away.

Left in the queue it would wait for a reply until its own patience ends, and could only say that nobody answers.  The
answer is given in C (callers.c); here it is put into words.
"""

import contextlib
import logging
import os
import socket
import struct
from pathlib import Path

from device.machine.limit import LimitedLog

LINES_PER_S = 20
CREDENTIALS = struct.Struct("3i")  # SO_PEERCRED: pid, uid, gid

log = logging.getLogger(__name__)
_limited = LimitedLog(log, LINES_PER_S)


def peer(sock: socket.socket) -> str:
    """Who is at the other end, for people: pid and program."""
    pid, _, _ = CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size))
    with contextlib.suppress(OSError):
        return f"pid {pid} ({Path(f'/proc/{pid}/comm').read_text(encoding='utf-8').strip()})"
    return f"pid {pid}"


def tell_turned_away(caller_fd: int, client_fd: int) -> None:
    """Log that a caller was told EBUSY; both sockets stay their owner's."""
    with socket.socket(fileno=os.dup(caller_fd)) as caller, socket.socket(fileno=os.dup(client_fd)) as client:
        words = "%s was turned away (EBUSY): %s is this NIC's client; end that one first"
        _limited.line(logging.WARNING, words % (peer(caller), peer(client)))
