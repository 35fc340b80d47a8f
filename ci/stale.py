# SPDX-License-Identifier: BSD-3-Clause
"""The folder of one run, which says in its name whose it is; and what a run that was killed left behind.

Processes and namespaces of a killed run are gone by themselves (``ci.processes``, ``ci.net``). Its folder, and what the
driver noted about the socket in it, are removed by the next run: but only when its owner is surely dead.
"""

import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path

from ci import processes
from ci.say import say

NAME = re.compile(r"ixlab-(?P<kind>[a-z]+)-(?P<space>\d+)-(?P<pid>\d+)-(?P<start>\d+)-\w+")


def started(pid: int | str) -> str:
    """When a process started, in clock ticks since the boot; "" if there is none, or it is dead but not yet reaped."""
    try:
        found = processes.stat(pid)
    except OSError:
        return ""
    return "" if found.state in "ZX" else found.start


def _space() -> int:
    return Path("/proc/self/ns/pid").stat().st_ino


def run_folder(kind: str) -> Path:
    """Make the folder of this run of ``kind``, and remove those of killed ones."""
    sweep(kind)
    pid = os.getpid()
    return Path(tempfile.mkdtemp(prefix=f"ixlab-{kind}-{_space()}-{pid}-{started(pid)}-"))


def abandoned(folder: Path, kind: str) -> bool:
    """Whether it is ours, of a run of ``kind``, and its process is gone: pid and start time together name one."""
    name = NAME.fullmatch(folder.name)
    if not name or name["kind"] != kind or int(name["space"]) != _space():
        return False  # the pid of another container says nothing here
    try:
        ours = folder.lstat().st_uid == os.geteuid() and not folder.is_symlink()
    except OSError:
        return False
    return ours and started(name["pid"]) != name["start"]


def sweep(kind: str) -> list[Path]:
    """Remove what killed runs of ``kind`` left behind; returns their folders."""
    found = [folder for folder in Path(tempfile.gettempdir()).glob(f"ixlab-{kind}-*") if abandoned(folder, kind)]
    for folder in found:
        say(f"removing what a {kind} that was killed left behind: {folder}")
        for socket in folder.glob("*.sock"):
            _forget_claim(socket)
        shutil.rmtree(folder, ignore_errors=True)
    return found


def _forget_claim(socket: Path) -> None:
    """Remove the driver's claim of a NIC that is no more, unless somebody holds it."""
    from driver import claim
    from driver.errors import DriverError

    name = f"{claim.VFIO_USER}{socket}"
    with contextlib.suppress(DriverError, OSError):
        if claim.status_path(name).with_suffix(".claim").exists():
            claim.Claim(name).release()
