# SPDX-License-Identifier: BSD-3-Clause
"""Network namespaces that cannot outlive us: each is held by a process that ends when we do."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from ci.processes import OUR_GROUP, OWN_GROUP
from ci.say import CiError, say

TUN = Path("/dev/net/tun")
CAP_NET_ADMIN = 12  # linux/capability.h
CAP_SYS_ADMIN = 21


def need_tun() -> None:
    """See that interfaces can be made.

    Raises:
        CiError: There is no /dev/net/tun, or it is not for this user.
    """
    if not TUN.exists():
        raise CiError(f"{TUN} is not there, and the wire is a tap: load the module (modprobe tun), as root", 3)
    if not os.access(TUN, os.R_OK | os.W_OK):
        raise CiError(f"{TUN} is not open to this user, and the wire is a tap: use sudo", 3)


def enter_user_namespace(arguments: Sequence[str]) -> None:
    """Without root: go on in a user and network namespace of our own, with its rights; does not return if it can.

    The user stays who it is: programs that give up root (tcpdump) could not do so in there.

    Raises:
        CiError: This machine does not let unprivileged users do so, or has no /dev/net/tun for them.
    """
    probe = ["unshare", "--user", "--map-current-user", "--keep-caps", "--net", "true"]
    if os.environ.get("IXLAB_USERNS") or shutil.which("unshare") is None:
        raise CiError(f"{lacking()}: this needs root, or unshare(1) from util-linux: run it with sudo", 3)
    if subprocess.run(probe, capture_output=True, check=False).returncode != 0:
        raise CiError(
            f"{lacking()}: this needs root with its rights, or a kernel that lets users make namespaces "
            "(unprivileged_userns_clone): use sudo, or a container that has NET_ADMIN and SYS_ADMIN",
            3,
        )
    need_tun()
    say(f"{lacking()}: going on in a user and network namespace of our own")
    os.environ["IXLAB_USERNS"] = "1"
    os.execvp("unshare", [*probe[:-1], sys.executable, "-m", "ci", *arguments])


def entered() -> bool:
    """Whether this process is already inside, where there is no network to fetch anything from."""
    return bool(os.environ.get("IXLAB_USERNS"))


def lacking() -> str:
    """Return why this process may not make interfaces and namespaces; "" if it may."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        status = ""
    found = next((line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), "0")
    if all(int(found, 16) >> number & 1 for number in (CAP_NET_ADMIN, CAP_SYS_ADMIN)):
        return ""
    if os.geteuid() != 0:
        return "no root"
    return "root without CAP_NET_ADMIN and CAP_SYS_ADMIN, as in an unprivileged container"


def privileged() -> bool:
    """Whether this process may make interfaces and namespaces: root, or inside a user namespace of our own."""
    return not lacking()


class Namespace:
    """One network namespace, by the process that holds it.

    The holder reads a pipe of ours: when we are gone, however we went, it ends and the namespace with it.

    Attributes:
        name: What people call it.
        path: ``/proc/PID/ns/net`` of the holder.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo ready; exec cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=OWN_GROUP,
        )  # fmt: skip
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != b"ready\n":
            self._holder.wait(10)
            raise CiError(f"cannot make a network namespace ({name}): root is needed", 3)
        self.path = f"/proc/{self._holder.pid}/ns/net"

    def command(self, words: Sequence[str]) -> list[str]:
        """Return the command that runs ``words`` inside."""
        return ["nsenter", f"--net={self.path}", "--", *words]

    def run(self, *words: str, timeout_s: float = 60, check: bool = True) -> str:
        """Run a program inside; returns what it printed.

        Raises:
            CiError: It failed or took too long.
        """
        done = subprocess.run(self.command(words), text=True, capture_output=True, timeout=timeout_s, check=False)
        if check and done.returncode != 0:
            raise CiError(
                f"in namespace {self.name}: `{' '.join(words)}` exited with {done.returncode}: {done.stderr.strip()}"
            )
        return done.stdout

    def popen(
        self, *words: str, stdout: int | None = None, stderr: int | None = None, group: int = OUR_GROUP
    ) -> subprocess.Popen[str]:
        """Start a program inside."""
        return subprocess.Popen(self.command(words), text=True, stdout=stdout, stderr=stderr, process_group=group)

    def close(self) -> None:
        """Let the namespace go; safe to call twice."""
        for stream in (self._holder.stdin, self._holder.stdout):
            if stream is not None:
                stream.close()
        if self._holder.poll() is None:
            self._holder.wait(10)

    def __enter__(self) -> "Namespace":
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
