# SPDX-License-Identifier: BSD-3-Clause
"""Where a UNIX socket appears in the file system, and who may connect to it."""

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PATH_MAX_BYTES = 107  # sun_path holds 108 with the final NUL
ALL_BITS = 0o777


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
        except BlockingIOError:
            pass
    raise OSError(errno.EBUSY, f"another program is listening at {path}")
