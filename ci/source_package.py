# SPDX-License-Identifier: BSD-3-Clause
"""Source packages of a distribution, fetched and verified by apt with a configuration of its own.

All of it lies in a temporary folder, so nothing of the machine's own apt changes; which archives there are, archives.py
says.  What is wanted of a package is taken out of its tarballs as they stream by.
"""

import os
import re
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ci.archives import Archive
from ci.say import CiError, run, say

SUMMARY = "some archives."  # apt's last line, below those that say which
EXPIRED = re.compile(r"expired|not valid yet", re.IGNORECASE)


class Apt:
    """apt for the sources of one release.

    Attributes:
        work: Folder for its configuration, its lists and what it fetches.
    """

    def __init__(self, archive: Archive, work: Path) -> None:
        """Get the release's list of sources.

        Raises:
            CiError: apt failed; the message holds its words.
        """
        self.work = work
        for name in ("lists/partial", "cache/archives/partial"):
            (work / name).mkdir(parents=True)
        (work / "sources.list").write_text(f"deb-src {archive.line()}\n", encoding="utf-8")
        options = {
            "Dir::Etc::sourcelist": work / "sources.list",
            "Dir::Etc::sourceparts": "-",
            "Dir::Etc::preferences": "-",
            "Dir::Etc::preferencesparts": "-",
            "Dir::State::lists": work / "lists",
            "Dir::State::status": "/dev/null",
            "Dir::Cache": work / "cache",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
        }
        self._base = ["apt-get", "-q"]
        for key, value in options.items():
            self._base += ["-o", f"{key}={value}"]
        update = ["-o", "APT::Update::Error-Mode=any", "update"]
        try:
            _apt([*self._base, *update], work)
        except CiError as exc:
            if not EXPIRED.search(str(exc)):
                raise
            say(f"the mirror's Release file was refused ({reason(exc)}); trying again without its date")
            self._base += ["-o", "Acquire::Check-Valid-Until=false", "-o", "Acquire::Check-Date=false"]
            _apt([*self._base, *update], work)

    def source(self, package: str, *options: str) -> None:
        """Bring a package's files to the folder, still packed.

        Args:
            package: Its name.
            options: What else apt-get source is told, such as ``--tar-only``.

        Raises:
            CiError: This release has no such package, or it could not be fetched.
        """
        _apt([*self._base, "source", "--download-only", *options, package], self.work)


def _apt(command: list[str], work: Path) -> None:
    run(command, cwd=work, quiet=True, timeout_s=900, env={"LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"})


def reason(exc: CiError) -> str:
    """Return the line of a failure that says most: apt's last complaint, else the last line."""
    lines = [line for line in str(exc).splitlines() if line.startswith(("E:", "W:")) and not line.endswith(SUMMARY)]
    return lines[-1] if lines else str(exc).splitlines()[-1]


@contextmanager
def tarball(path: Path) -> Iterator[tarfile.TarFile]:
    """Open a tarball as a stream: it is big and what we want of it is small."""
    if path.suffix != ".xz":
        with tarfile.open(path, mode="r|*") as archive:
            yield archive
        return
    try:
        import lzma
    except ImportError:  # a Python built without it asks xz
        with subprocess.Popen(["xz", "-dc", str(path)], stdout=subprocess.PIPE) as xz:
            with tarfile.open(fileobj=xz.stdout, mode="r|") as archive:
                yield archive
            xz.kill()
        return
    with lzma.open(path) as plain, tarfile.open(fileobj=plain, mode="r|") as archive:
        yield archive
