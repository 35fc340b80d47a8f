# SPDX-License-Identifier: BSD-3-Clause
"""Where a UNIX socket appears in the file system, and who may connect to it."""

import contextlib
import errno
import grp
import os
import socket
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PATH_MAX_BYTES = 107  # sun_path holds 108 with the final NUL
ALL_BITS = 0o777
GROUP_MODE = 0o660
GID_MAX = 0xFFFF_FFFE


@dataclass(frozen=True)
class SocketRule:
    """Who may connect: whoever may write to the socket's file.

    Attributes:
        mode: Its permission bits; nobody gets more than these at any time.
        gid: Its group; None: whatever the file system gives it.
    """

    mode: int = 0o600
    gid: int | None = None

    @contextlib.contextmanager
    def bound(self, path: Path) -> Iterator[None]:
        """Within, the socket at ``path`` is bound; it has group and mode from the start, or only its owner may in.

        Raises:
            OSError: EPERM: we are not in that group; or whatever the file system said.
        """
        narrow = self.mode & 0o700 if self.gid is not None else self.mode
        before = os.umask(ALL_BITS & ~narrow)
        try:
            yield
        finally:
            os.umask(before)
        if self.gid is None:
            return
        try:
            os.chown(path, -1, self.gid, follow_symlinks=False)
        except PermissionError as exc:
            what = f"{path}: cannot be given to group {self.gid}, which this user is not in; join it, or run as root"
            raise PermissionError(errno.EPERM, what) from exc
        path.chmod(self.mode)  # it is ours, so no link has been put there


OWN = SocketRule()


def mode_of(text: str) -> int:
    """Permission bits as ``chmod`` takes them in octal; raises ``ValueError`` if they are none, or bar their owner."""
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o666 or mode & 0o111 or mode & 0o600 != 0o600:
        raise ValueError(
            f"{text!r} is not a mode for a socket: 600 (its owner), 660 (and its group) or 666 (everybody)"
        )
    return mode


def group_of(text: str) -> int:
    """The number of a group given by name or number; raises ``ValueError`` if there is no such group."""
    if text.isascii() and text.isdigit() and int(text) <= GID_MAX:
        return int(text)
    try:
        return grp.getgrnam(text).gr_gid
    except (KeyError, ValueError):
        raise ValueError(f"no group is called {text!r}; `getent group` lists them") from None


def rule_of(mode: int | None, gid: int | None) -> SocketRule:
    """What was asked for: a group is let in unless a mode says otherwise, and nobody else is."""
    if mode is None:
        mode = OWN.mode if gid is None else GROUP_MODE
    return SocketRule(mode, gid)


def check_path(path: Path) -> None:
    """See that a socket can be made at ``path``; remove a stale one that nobody listens at.

    Raises:
        OSError: ENAMETOOLONG, ENOENT (no such folder), EEXIST (a file that is no socket), or EBUSY (somebody listens).
    """
    length = len(os.fsencode(path))
    if length > PATH_MAX_BYTES:
        what = f"a UNIX socket's path has at most {PATH_MAX_BYTES} bytes, this one {length}: {path}"
        raise OSError(errno.ENAMETOOLONG, what)
    if not path.parent.is_dir():
        raise OSError(errno.ENOENT, f"no such folder: {path.parent}")
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise OSError(errno.EEXIST, f"there is a file that is no socket: {path}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except PermissionError:
            what = f"another user's socket is there: {path}; choose another path"
            raise PermissionError(errno.EACCES, what) from None
        except BlockingIOError:
            pass
    raise OSError(errno.EBUSY, f"another program is listening at {path}")
