# SPDX-License-Identifier: BSD-3-Clause
"""``--user``: whose rights the device keeps once everything is open that needs more."""

import contextlib
import grp
import logging
import os
import pwd
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from device.errors import ConfigError, MissingError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class User:
    """Who the device is to be.

    Attributes:
        name: As it was asked for.
        uid: Its number.
        gid: Its group.
        groups: All its groups.
    """

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]


def user_of(text: str) -> User:
    """Find ``NAME[:GROUP]``; both may be numbers.

    Raises:
        ValueError: There is none, or it is root.
    """
    name, colon, group = text.partition(":")
    entry: pwd.struct_passwd | None = None
    with contextlib.suppress(KeyError):
        entry = pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
    if entry is None and not (name.isdecimal() and group):
        raise ValueError(
            f"there is no user {name!r}" + ("; a number without a name wants :GROUP" if name.isdecimal() else "")
        )
    uid = int(name) if entry is None else entry.pw_uid
    if uid == 0:
        raise ValueError(f"{name} is root, who keeps all rights; name another user")
    if not colon:
        assert entry is not None
        return User(text, uid, entry.pw_gid, tuple(os.getgrouplist(entry.pw_name, entry.pw_gid)))
    try:
        gid = int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid
    except KeyError:
        raise ValueError(f"there is no group {group!r}") from None
    return User(text, uid, gid, (gid,))


def become(user: User, sockets: Iterable[Path]) -> None:
    """Be ``user`` from now on, without any capability and for good; ``sockets`` are its own then.

    Raises:
        ConfigError: There is no such user in this user namespace.
        MissingError: We may not.
    """
    paths = [path for path in sockets if path.exists()]
    try:
        for path in paths:
            ours = path.lstat().st_gid == os.getegid()  # another group was asked for, and stays
            os.chown(path, user.uid, user.gid if ours else -1, follow_symlinks=False)
        os.setgroups(user.groups)
        os.setresgid(user.gid, user.gid, user.gid)
        os.setresuid(user.uid, user.uid, user.uid)  # takes every capability away, from every thread
    except PermissionError as exc:
        raise MissingError(f"--user {user.name}: only root may become another user ({exc.strerror})") from exc
    except OSError as exc:
        raise ConfigError(
            f"--user {user.name}: {exc.strerror}; uid {user.uid} must exist in this user namespace"
        ) from exc
    log.info("running as %s from now on (uid %d, gid %d), without any capability", user.name, user.uid, user.gid)
    for path in paths:
        if not os.access(path.absolute().parent, os.W_OK | os.X_OK, effective_ids=True):
            log.warning(
                "%s: its folder is not writable for %s, so it stays behind at the end; the next start takes its place",
                *(path, user.name),
            )
