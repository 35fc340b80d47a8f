# SPDX-License-Identifier: BSD-3-Clause
"""Public captures, out of source packages of programs that read captures: frames that nobody of us wrote.

apt fetches the tarballs and verifies them by the signed list of a release.  Only the capture files are kept of them, in
the cache, in a folder named after package and version.
"""

import shutil
import tempfile
from pathlib import Path

from ci import archives
from ci.archives import Archive
from ci.say import CiError, Timed, say, writable
from ci.source_package import Apt, reason, tarball

PACKAGES = ("tcpdump", "ndpi", "wireshark")
PREFIX = "captures-"
KEEP = (".pcap", ".pcapng", ".cap")


def is_capture(name: str) -> bool:
    """Whether a file's name is that of a capture; packed ones are."""
    return name.lower().removesuffix(".gz").endswith(KEEP)


def kept(cache: Path) -> dict[str, Path]:
    """Return the folders of captures that the cache has, by package."""
    found = {}
    for package in PACKAGES:
        for folder in sorted(cache.glob(f"{PREFIX}{package}-*")):
            found[package] = folder
    return found


def ensure(cache: Path) -> dict[str, Path]:
    """Return folders with captures, by package; fetch what the cache does not have.

    Args:
        cache: Folder for what is slow to make.

    Raises:
        CiError: Not one package could be had; the message says why, for each.
    """
    found = kept(cache)
    missing = [package for package in PACKAGES if package not in found]
    if not missing:
        return found
    seen: dict[str, list[str]] = {package: [] for package in missing}
    try:
        with Timed(f"getting the captures of {', '.join(missing)}"):
            for archive in _releases(cache):
                if missing:
                    _from(archive, cache, missing, seen)
    except CiError as exc:
        if not found:
            raise CiError(str(exc), 3) from exc
        say(str(exc))
    for package in missing:
        say(f"no captures of {package}: {'; '.join(seen[package]) or 'nowhere to look'}")
    found = kept(cache)
    if not found:
        why = "".join(f"\n    {package}: {'; '.join(seen[package])}" for package in missing)
        raise CiError(f"no source package with captures could be had:{why}\n{archives.ADVICE}", 3)
    return found


def _releases(cache: Path) -> list[Archive]:
    """Return where to look.

    Raises:
        CiError: This machine cannot fetch source packages, or keep what is in them.
    """
    if shutil.which("apt-get") is None:
        raise CiError("captures come from Debian source packages, and this machine has no apt-get", 3)
    writable(cache, "a folder of captures")
    return archives.of_sources()


def _from(archive: Archive, cache: Path, missing: list[str], seen: dict[str, list[str]]) -> None:
    """Fetch from one release what is missing, and take what was had off that list."""
    where = f"{archive.suite} ({archive.uri})"
    with tempfile.TemporaryDirectory(prefix=".captures-", dir=cache) as folder:
        work = Path(folder)
        try:
            apt = Apt(archive, work)
        except CiError as exc:
            for package in missing:
                seen[package].append(f"{where}: {reason(exc)}")
            return
        for package in tuple(missing):
            try:
                apt.source(package, "--tar-only")
                _unpack(package, work, cache)
            except CiError as exc:
                seen[package].append(f"{where}: {reason(exc)}")
            else:
                missing.remove(package)


def _unpack(package: str, work: Path, cache: Path) -> None:
    """Keep the captures of a package's tarball.

    Raises:
        CiError: There is no one tarball, or it has none.
    """
    originals = list(work.glob(f"{package}_*.orig.tar.*"))
    if len(originals) != 1:
        raise CiError(f"apt-get source {package} brought {sorted(path.name for path in work.iterdir())}")
    name = originals[0].name.partition(".orig.tar")[0].replace("_", "-", 1)
    made = work / f"made-{package}"
    made.mkdir()
    with tarball(originals[0]) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() and is_capture(member.name) else None
            if stream is not None:  # one folder for all, and no name leads out of it
                (made / member.name.partition("/")[2].replace("/", "+")).write_bytes(stream.read())
    if not any(made.iterdir()):
        raise CiError(f"{originals[0].name} has no captures")
    try:
        made.rename(cache / f"{PREFIX}{name}")
    except OSError:
        if package not in kept(cache):  # else somebody was faster
            raise
