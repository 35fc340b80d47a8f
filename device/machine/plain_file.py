# SPDX-License-Identifier: BSD-3-Clause
"""Reading a file that somebody named on a command line or a control socket."""

import errno
import os
import stat


def read_plain(path: str | os.PathLike[str], most_bytes: int) -> bytes:
    """Read a plain file; one byte more than ``most_bytes``, if it has them, tells that it is too long.

    Raises:
        OSError: It cannot be read, or is none: a pipe or a device could keep us waiting.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    with os.fdopen(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "not a plain file")
        return file.read(most_bytes + 1)
