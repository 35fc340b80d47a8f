# SPDX-License-Identifier: BSD-3-Clause
"""What this machine has, and how what is missing gets onto it: Debian packages, by apt, as root."""

import importlib
import importlib.util
import os
import shutil
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ci.say import CiError, Timed, run, say


@dataclass(frozen=True)
class Need:
    """One Debian package and how to see that it is not needed any more."""

    package: str
    why: str
    have: Callable[[], bool]


def _have_program(name: str) -> Callable[[], bool]:
    return lambda: shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is not None


def _have_file(path: str) -> Callable[[], bool]:
    return lambda: Path(path).exists()


def _have_venv() -> bool:
    # Debian splits ensurepip off, and leaves the venv module behind.
    importlib.invalidate_caches()
    return all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))


def _have_headers() -> bool:
    return (Path(sysconfig.get_paths()["include"]) / "Python.h").exists()


VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"

KEYRING = Need(
    "debian-archive-keyring", "checks what apt brings", _have_file("/usr/share/keyrings/debian-archive-keyring.gpg")
)
BUILD: tuple[Need, ...] = (
    Need("gcc", "compiles the C extensions", _have_program("gcc")),
    Need("libc6-dev", "C headers", _have_file("/usr/include/stdio.h")),
    Need("linux-libc-dev", "kernel headers", _have_file("/usr/include/linux/vfio.h")),
    Need("libjson-c-dev", "libvfio-user reads JSON with it", _have_file("/usr/include/json-c/json.h")),
    Need("ca-certificates", "HTTPS", _have_file("/etc/ssl/certs/ca-certificates.crt")),
    Need("util-linux", "unshare and nsenter", _have_program("nsenter")),
)

NETWORK: tuple[Need, ...] = (
    Need("iproute2", "shows the interfaces", _have_program("ip")),
    Need("iputils-ping", "pings through the NIC", _have_program("ping")),
    Need("tcpdump", "a witness we did not write", _have_program("tcpdump")),
)
VALGRIND = Need("valgrind", "counts instructions", _have_file("/usr/include/valgrind/callgrind.h"))


def python_needs() -> tuple[Need, ...]:
    """Return what Debian's own python3 lacks for building; any other CPython brings it."""
    if Path(sys.base_prefix) != Path("/usr"):
        if not _have_venv() or not _have_headers():
            raise CiError(
                f"{sys.executable} lacks venv or its C headers; use a complete CPython or /usr/bin/python3", 3
            )
        return ()
    return (
        Need(f"python{VERSION}-venv", "venv and pip", _have_venv),
        Need(f"libpython{VERSION}-dev", "Python's C headers", _have_headers),
    )


def missing(needs: tuple[Need, ...]) -> list[Need]:
    """Return the needs this machine does not meet yet."""
    return [need for need in needs if not need.have()]


def apt(*arguments: str, quiet: bool = True) -> None:
    """Run apt-get without questions; a stale mirror's expired Release file is worked round and said.

    Raises:
        CiError: apt-get failed twice; the message ends with its own words.
    """
    env = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    base = ["apt-get", "-q", "-y", "-o", "Dpkg::Use-Pty=0", "-o", "Acquire::Retries=3"]
    try:
        run([*base, *arguments], env=env, quiet=quiet, timeout_s=1800)
    except CiError as exc:
        say(
            f"apt-get {arguments[0]} failed ({str(exc).splitlines()[-1]}); trying again without the Release file's date"
        )
        run([*base, "-o", "Acquire::Check-Valid-Until=false", *arguments], env=env, quiet=quiet, timeout_s=1800)


def ensure(needs: tuple[Need, ...]) -> None:
    """Install the Debian packages that are missing.

    Raises:
        CiError: Not root (the message is the one line to run), no apt here, or apt failed.
    """
    lacking = missing(needs)
    if not lacking:
        return
    names = [need.package for need in lacking]
    listed = ", ".join(f"{need.package} ({need.why})" for need in lacking)
    if shutil.which("apt-get") is None:
        raise CiError(f"missing on this machine, and there is no apt-get to bring it: {listed}", 3)
    if os.geteuid() != 0:
        command = f"sudo apt-get install -y --no-install-recommends {' '.join(names)}"
        raise CiError(f"missing on this machine: {listed}\n    run:  {command}", 3)
    with Timed(f"installing {listed}"):
        apt("update")
        apt("install", "--no-install-recommends", *names)
    still = [need.package for need in missing(needs)]
    if still:
        raise CiError(f"apt-get installed {', '.join(still)} but what it should bring is still not there", 3)
