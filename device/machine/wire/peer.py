# SPDX-License-Identifier: BSD-3-Clause
"""A cable between two devices: a SOCK_SEQPACKET UNIX socket, one message a frame.

Whoever comes first listens, the second connects; either may go and come back.  A message too short for a frame says
whether its sender's laser is on: that is the other side's carrier.  A device says so first; whoever connects to a
listening one and does not is a stranger, and does not get the cable (``peer_callers``).
"""

import contextlib
import errno
import logging
import os
import socket
from pathlib import Path
from typing import Self

from device.errors import ConfigError
from device.machine.socket_file import OWN, PATH_MAX_BYTES
from device.machine.socket_rule import CALLERS_MAX
from device.machine.wire.base import Port
from device.machine.wire.peer_callers import PeerCallers, hello_of

log = logging.getLogger(__name__)

BUFFER_BYTES = 1 << 20  # frames under way in one direction

Inode = tuple[int, int]


class PeerPort(Port):
    """One end of the cable.

    Args:
        path: Where the two meet; None for an end that ``pair`` provides.

    Raises:
        ConfigError: ``path`` is too long, is a file that is no socket, or cannot be used.
    """

    KIND = "peer"
    ARG = ":PATH"

    def __init__(self, path: Path | None) -> None:
        super().__init__(f"peer {path or 'pair'}")
        self.path = path
        self._sock: socket.socket | None = None
        self._listener: socket.socket | None = None
        self._inode: Inode | None = None  # of our listening socket's file
        self._hello_due = False
        self._lit = False
        self._callers = PeerCallers(self.name, log)
        self.c.carrier = 0
        if path is None:
            return
        if len(os.fsencode(path)) > PATH_MAX_BYTES:
            raise ConfigError(f"{self.name}: the path has {len(os.fsencode(path))} bytes, {PATH_MAX_BYTES} fit")
        try:
            self._meet(path)
        except OSError as err:
            self.close()
            raise ConfigError(f"{self.name}: {err.strerror}") from err

    @classmethod
    def from_arg(cls, arg: str) -> Self:
        """Another device, with the same PATH."""
        return cls(Path(arg))

    @classmethod
    def pair(cls) -> tuple[Self, Self]:
        """Two ends of one cable in this process."""
        ends = cls(None), cls(None)
        for end, sock in zip(ends, socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET), strict=True):
            end._plug(sock)
        return ends

    @property
    def connected(self) -> bool:
        """Whether there is a device at the other end, lit or not."""
        return bool(self.c.fd >= 0)

    def set_link(self, *, up: bool) -> None:
        """Tell the other device whether we send light."""
        super().set_link(up=up)
        self._lit = up
        self._say_hello()

    def why_dark(self) -> str:
        """Nobody is there, or the other one's laser is off."""
        if self.carrier:
            return ""
        if self.connected:
            return f"the device at the other end of {self.name} sends no light: bring its driver up"
        return f"no device is at the other end of {self.name}: start one with the same PATH"

    def poll(self) -> None:
        """Accept, connect or listen again, whatever is needed."""
        self._unplug_dead()
        if self._hello_due:
            self._say_hello()
        if self.path is None:
            return
        try:
            if self._listener:
                self._accept(self._listener)
            if not self._sock:
                self._meet(self.path)
        except OSError as err:
            if err.errno != self.c.last_errno:  # once, not ten times a second
                self.c.last_errno = err.errno or errno.EIO
                log.warning("%s: %s", self.name, err.strerror)

    def close(self) -> None:
        """Pull the cable; a socket file that is ours is removed.  May be called twice."""
        super().close()
        for sock in (self._sock, self._listener):
            if sock:
                sock.close()
        self._callers.close()
        self._remove_file()
        self._sock = self._listener = None
        self.path = None

    # A listening file that somebody else replaced is no longer ours.
    def _remove_file(self) -> None:
        if self.path and self._inode and _inode(self.path) == self._inode:
            with contextlib.suppress(OSError):
                self.path.unlink()
        self._inode = None

    def _plug(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        self._sock = sock
        self._callers.close()
        self.c.fd = sock.fileno()
        self._say_hello()

    # C saw the end of the connection and took the fd out of use.
    def _unplug_dead(self) -> None:
        if self._sock and self.c.fd < 0:
            self._sock.close()
            self._sock = None
            self._hello_due = False
            log.info("%s: the other device is gone", self.name)

    def _say_hello(self) -> None:
        if not self._sock or self.c.fd < 0:
            return
        try:
            self._sock.send(hello_of(lit=self._lit), socket.MSG_NOSIGNAL | socket.MSG_DONTWAIT)
        except BlockingIOError:
            self._hello_due = True
        except OSError:
            self._hello_due = False  # C will find it dead as well
        else:
            self._hello_due = False

    # Who only connects, and says nothing, does not get the cable: the other device may come behind him.
    def _accept(self, listener: socket.socket) -> None:
        self._callers.accept(listener)
        if self._sock:
            self._callers.close()  # a cable has two ends
            return
        found = self._callers.pick()
        if found:
            sock, lit = found
            self._plug(sock)
            self.c.carrier = int(lit)
            log.info("%s: another device is there", self.name)

    def _meet(self, path: Path) -> None:
        if self._listener:
            if _inode(path) == self._inode:
                return
            self._listener.close()  # two came at once, and the other one's file stands: go to him
            self._listener = None
            self._inode = None
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            sock.setblocking(False)
            sock.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            sock.close()
            self._listen(path)
        except BlockingIOError:
            sock.close()  # a listener with a full queue: try again at the next poll
        except OSError:
            sock.close()
            raise
        else:
            self._plug(sock)
            log.info("%s: connected", self.name)

    # Two that listen at once take the file from each other; the loser sees that at its next poll and connects.
    def _listen(self, path: Path) -> None:
        if path.exists() and not path.is_socket():
            raise OSError(errno.EEXIST, "the file exists and is no socket")
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            listener.setblocking(False)
            with OWN.bound(path):
                listener.bind(str(path))
            listener.listen(CALLERS_MAX)
        except OSError as err:
            listener.close()
            if err.errno == errno.EADDRINUSE:
                return
            raise
        self._listener = listener
        self._inode = _inode(path)


def _inode(path: Path) -> Inode | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino
