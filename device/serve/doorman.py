# SPDX-License-Identifier: BSD-3-Clause
"""Who comes while another client is served is told so: its handshake is answered with EBUSY, and it is sent away.

Left in the queue it would wait for a reply until its own patience ends, and could only say that nobody answers.
"""

import contextlib
import errno
import logging
import os
import select
import socket
import struct
from pathlib import Path

log = logging.getLogger(__name__)

LOOKS_MAX = 10  # how often a silent caller is looked at before it is sent away without a word
CALLERS_MAX = 8  # a look
CREDENTIALS = struct.Struct("3i")  # SO_PEERCRED: pid, uid, gid
HEADER = struct.Struct("<HHIII")  # id, command, size, flags, errno.  Ref: vfio-user specification, header
VERSION = 1
REPLY, ERROR = 1, 1 << 5
MESSAGE_MAX_BYTES = 65536


def peer(sock: socket.socket) -> str:
    """Who is at the other end, for people: pid and program."""
    pid, _, _ = CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size))
    with contextlib.suppress(OSError):
        return f"pid {pid} ({Path(f'/proc/{pid}/comm').read_text().strip()})"
    return f"pid {pid}"


def _left(conn_fd: int) -> bool:
    look = select.poll()
    look.register(conn_fd, select.POLLRDHUP)
    return bool(look.poll(0))


class Doorman:
    """Looks after the queue at a listening socket.

    Args:
        listen_fd: The socket, non-blocking; it stays its owner's.
    """

    def __init__(self, listen_fd: int) -> None:
        self._listener = socket.socket(fileno=os.dup(listen_fd))
        self._silent: dict[socket.socket, int] = {}
        self.turned_away = 0

    def close(self) -> None:
        """Send away whoever is still here.  May be called twice."""
        for caller in self._silent:
            caller.close()
        self._silent.clear()
        self._listener.close()

    def poll(self, conn_fd: int) -> None:
        """Turn away who has come, without waiting.

        Args:
            conn_fd: The served client's connection, or -1: whoever comes is welcome.
        """
        if conn_fd != -1 and not _left(conn_fd):
            for _ in range(CALLERS_MAX):
                try:
                    caller, _ = self._listener.accept()
                except OSError:
                    break
                caller.setblocking(False)
                self._silent[caller] = LOOKS_MAX
        for caller in list(self._silent):
            if self._answer(caller, conn_fd):
                caller.close()
                del self._silent[caller]

    def _answer(self, caller: socket.socket, conn_fd: int) -> bool:
        """Answer a caller's first message; True if there is no more to be done about it."""
        self._silent[caller] -= 1
        try:
            message = caller.recv(MESSAGE_MAX_BYTES)
        except BlockingIOError:
            return self._silent[caller] <= 0
        except OSError:
            return True
        if not message:  # it only looked whether somebody listens
            return True
        self.turned_away += 1
        busy = ""
        if conn_fd != -1:
            with socket.socket(fileno=os.dup(conn_fd)) as client:
                busy = peer(client)
        log.warning("%s was turned away (EBUSY): %s is this NIC's client; end that one first", peer(caller), busy)
        number, command = HEADER.unpack_from(message)[:2] if len(message) >= HEADER.size else (0, VERSION)
        with contextlib.suppress(OSError):
            caller.send(HEADER.pack(number, command, HEADER.size, REPLY | ERROR, errno.EBUSY))
        return True
