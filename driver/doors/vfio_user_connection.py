# SPDX-License-Identifier: BSD-3-Clause
"""The connection to a vfio-user server: finding it, agreeing on a version, one question at a time.

Observed: libvfio-user 0b28d205 serves one client at a time: the next one's connect() succeeds and its VERSION stays
unanswered.
"""

import contextlib
import errno
import json
import logging
import math
import os
import socket
import stat
import struct
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from driver import claim, compiled
from driver.errors import Busy, DoorError, gone

log = logging.getLogger(__name__)

PATH_MAX_BYTES = 107  # sun_path without its final NUL
VERSION = 1  # the command, by its name in the specification
VERSION_MAJOR, VERSION_MINOR = 0, 0
CONNECT_RETRY_S = 0.01
NO_ANSWER = (
    "the server accepts but does not answer: it is probably serving another client (one at a time), "
    "or is no vfio-user server"
)
OUR_CAPABILITIES = {
    "capabilities": {"max_msg_fds": compiled.REPLY_FDS_MAX, "max_data_xfer_size": compiled.BODY_MAX_BYTES}
}


class Connection:
    """A connection on which both sides have agreed on a version.

    Args:
        path: The server's socket.
        timeout_s: How long any reply may take; a later one breaks the connection for good. 0: for ever.
        handshake_timeout_s: How long connecting and the first reply may take. 0: for ever.

    Attributes:
        client: The C end of it.
        max_fds: How many file descriptors the server takes in one message.

    Raises:
        Busy: The server does not answer, most likely because it serves another client.
        DoorError: No server there, or not one we can talk to.  The message says what to do.
    """

    def __init__(self, path: str, *, timeout_s: float, handshake_timeout_s: float) -> None:
        self.path = path
        self.max_fds = 1
        self._socket = self._connect(time.monotonic() + (handshake_timeout_s or math.inf))
        try:
            self.client = compiled.VfuClient(self._socket.fileno(), handshake_timeout_s)
            self._handshake(handshake_timeout_s)
            self.client.set_timeout(timeout_s)
        except BaseException:
            self.close()
            raise

    def refuse(self, code: int, seen: str, advice: str) -> NoReturn:
        """Say what is wrong with the server, and what to do about it."""
        raise DoorError(code, f"{self.path}: {seen}; {advice}")

    def _connect(self, deadline: float) -> socket.socket:
        start = "start the device first (python -m device --socket PATH) and give the same path"
        length = len(os.fsencode(self.path))
        if length > PATH_MAX_BYTES:
            self.refuse(
                errno.ENAMETOOLONG,
                f"{length} bytes, and a socket path has at most {PATH_MAX_BYTES}",
                "put the socket in a shorter directory",
            )
        try:
            mode = Path(self.path).stat().st_mode
        except FileNotFoundError:
            self.refuse(errno.ENOENT, "no such socket", start)
        except OSError as error:
            self.refuse(error.errno or errno.EIO, f"cannot look at it ({error.strerror})", start)
        if not stat.S_ISSOCK(mode):
            self.refuse(errno.ENOTSOCK, "not a socket", start)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self._connect_until(sock, deadline)
            sock.setblocking(True)  # from here on C keeps the deadlines
        except BaseException:
            sock.close()
            raise
        return sock

    def _connect_until(self, sock: socket.socket, deadline: float) -> None:
        sock.setblocking(False)
        while True:
            try:
                sock.connect(self.path)
            except BlockingIOError:  # the server's backlog is full: others wait before us
                if time.monotonic() >= deadline:
                    self._busy()
                time.sleep(CONNECT_RETRY_S)
            except ConnectionRefusedError:
                self.refuse(errno.ECONNREFUSED, "nobody listens on this socket", "its device has ended; start it again")
            except PermissionError:
                self.refuse(
                    errno.EACCES,
                    "no permission to connect",
                    "run as who started the device, or start it with --socket-mode 666 or --socket-group GROUP",
                )
            except OSError as error:
                self.refuse(error.errno or errno.EIO, f"cannot connect ({error.strerror})", "is it a vfio-user server?")
            else:
                return

    def _busy(self, seen: str = NO_ANSWER) -> NoReturn:
        who = ""
        with contextlib.suppress(OSError):
            who = claim.holder(claim.VFIO_USER + self.path)
        held = f"it is held by {who}; end that first" if who else "end that one first, or check what listens there"
        raise Busy(f"{self.path}: {seen}; {held}", who)

    def _handshake(self, timeout_s: float) -> None:
        advice = "is it a vfio-user server (python -m device)?"
        ours = struct.pack("<HH", VERSION_MAJOR, VERSION_MINOR) + json.dumps(OUR_CAPABILITIES).encode() + b"\0"
        try:
            body, _ = self.client.call(VERSION, ours, reply_max=compiled.BODY_MAX_BYTES)
        except OSError as error:
            if error.errno == errno.ETIMEDOUT:
                log.debug("%s: no answer to VERSION within %g s", self.path, timeout_s)
                self._busy()
            if error.errno == errno.EBUSY:
                self._busy("the server says that it is serving another client (one at a time)")
            if error.errno in {errno.ECONNRESET, errno.EPIPE}:
                self.refuse(error.errno, "the server hung up during the handshake", advice)
            if self.client.broken:
                self.refuse(error.errno or errno.EPROTO, "the answer is not vfio-user", advice)
            self.refuse(error.errno or errno.EIO, f"the server refused our version ({error.strerror})", advice)
        if len(body) < 4:
            self.refuse(errno.EPROTO, f"VERSION reply of {len(body)} bytes", advice)
        major, minor = struct.unpack_from("<HH", body)
        if major != VERSION_MAJOR:
            self.refuse(
                errno.EPROTONOSUPPORT,
                f"the server speaks vfio-user {major}.{minor}, this driver {VERSION_MAJOR}.{VERSION_MINOR}",
                "use a driver and a device of the same release",
            )
        self._take_capabilities(body[4:], advice)

    def _take_capabilities(self, text: bytes, advice: str) -> None:
        self.max_fds = 1  # what a server without a word about it takes
        if not text.strip(b"\0"):
            return
        try:
            said = json.loads(text.rstrip(b"\0")).get("capabilities", {})
            max_fds = said.get("max_msg_fds", 1)
            if not isinstance(max_fds, int) or not 0 < max_fds < 1 << 16:
                self.refuse(errno.EPROTO, f"the server takes {max_fds!r} file descriptors per message", advice)
        except (ValueError, AttributeError):
            self.refuse(errno.EPROTO, f"the server's capabilities are not JSON as agreed ({text[:40]!r})", advice)
        self.max_fds = min(max_fds, compiled.REPLY_FDS_MAX)

    def ask(
        self,
        command: int,
        body: bytes,
        least: int = 0,
        most: int | None = None,
        fds_max: int = 0,
        fds: Sequence[int] = (),
    ) -> tuple[bytes, list[int]]:
        """Send one message and return what comes back, at least ``least`` bytes of it, and its file descriptors.

        Args:
            command: vfio-user command number.
            body: What follows the header.
            least: Shortest reply that makes sense.
            most: Longest one; ``least`` if not given.
            fds_max: Most file descriptors that may come with it; they are the caller's.
            fds: File descriptors that ride along.

        Raises:
            DeviceGone: The server died.
            OSError: It refused, or its reply is too short.
        """
        try:
            reply, got = self.client.call(
                command, body, fds=fds, reply_max=least if most is None else most, reply_fds_max=fds_max
            )
        except OSError as error:
            if self.client.broken:
                raise gone(self.path, self.client.broken, self.client.unread_bytes, self.client.timeout_s) from error
            raise
        if len(reply) < least:
            close_all(got)
            raise OSError(errno.EPROTO, f"{self.path}: reply of {len(reply)} bytes to command {command}, want {least}")
        return reply, got

    def close(self) -> None:
        """Hang up; safe to call twice."""
        if hasattr(self, "client"):
            self.client.close()
        self._socket.close()


def close_all(fds: Sequence[int]) -> None:
    """Close file descriptors."""
    for fd in fds:
        os.close(fd)
