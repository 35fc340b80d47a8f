# SPDX-License-Identifier: BSD-3-Clause
"""libvfio-user's source, out of the source package of a distribution's QEMU.

Debian and Ubuntu have no libvfio-user package, but the source package of their QEMU carries it.  Several releases
carry the very revision our wrappers fit: its files are pinned by a digest, not the package they came in, so that a new
QEMU in one release stops nobody.  apt fetches and verifies with a configuration of its own in a temporary folder, so
nothing of the machine's own apt changes; the archives are those the machine knows.  The few files we compile stay in
the cache, named after the digest.
"""

import hashlib
import shutil
import tempfile
from pathlib import Path

from ci import archives
from ci.archives import Archive
from ci.say import CiError, Timed, say, writable
from ci.source_package import Apt, reason, tarball

PACKAGE = "qemu"
FOLDER = "subprojects/libvfio-user/"
KEEP = (".c", ".h")
# What our wrappers were written for: revision 0b28d205.  A digest over names and contents of lib/ and include/.
# Observed: in QEMU 7.2 (bookworm) and 10.0 (trixie); QEMU pins one revision for years.
DIGEST = "59cc98a6aa1cd37fa19037969d50fe05a63dab6d1e70a4192d4c65c187fc45b4"


class NoSource(CiError):
    """libvfio-user's source could not be had here; what does without it can go on."""


def ensure(cache: Path) -> Path:
    """Return a folder with libvfio-user's ``include`` and ``lib``; fetch it if the cache has none.

    Args:
        cache: Folder for what is slow to make.

    Raises:
        NoSource: No apt here, or no release has the revision our wrappers fit; the message says what each had.
    """
    target = cache / f"libvfio-user-{DIGEST[:12]}"
    if (target / "lib" / "dma.c").exists():
        return target
    if shutil.which("apt-get") is None:
        raise NoSource("libvfio-user's source comes from a Debian source package, and this machine has no apt-get", 3)
    cache.mkdir(parents=True, exist_ok=True)
    try:
        found = archives.of_sources()
    except CiError as exc:
        raise NoSource(str(exc), 3) from exc
    writable(cache, "libvfio-user's source")
    seen: list[str] = []
    with Timed("getting libvfio-user's source"):
        for archive in found:
            try:
                _from(archive, cache, target)
            except CiError as exc:
                seen.append(f"{archive.suite} ({archive.uri}): {reason(exc)}")
                say(f"not from {seen[-1]}")
            else:
                return target
        raise NoSource(
            "no release has the revision of libvfio-user that our wrappers were written for "
            f"(digest {DIGEST[:12]}):\n    " + "\n    ".join(seen) + f"\n{archives.ADVICE}; or compare what there "
            "is, and change DIGEST in ci/vfu.py",
            3,
        )


def _from(archive: Archive, cache: Path, target: Path) -> None:
    """Fetch from one release.

    Raises:
        CiError: It cannot be fetched, or is another revision.
    """
    with tempfile.TemporaryDirectory(prefix=".libvfio-user-", dir=cache) as folder:
        work = Path(folder)
        Apt(archive, work).source(PACKAGE)
        made = work / "made"
        _unpack(work, made)
        if (seen := digest(made)) != DIGEST:
            raise CiError(f"its {PACKAGE} has another revision (digest {seen[:12]})")
        try:
            made.rename(target)
        except OSError:
            # Somebody else was faster; theirs has the same digest.
            if not (target / "lib" / "dma.c").exists():
                raise


def digest(folder: Path) -> str:
    """Hash the files of an unpacked library by name and content."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        total.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def _unpack(work: Path, target: Path) -> None:
    originals = list(work.glob(f"{PACKAGE}_*.orig.tar.*"))
    changes = list(work.glob(f"{PACKAGE}_*.debian.tar.*"))
    if len(originals) != 1 or len(changes) != 1:
        raise CiError(f"apt-get source {PACKAGE} brought {sorted(path.name for path in work.iterdir())}")
    with tarball(originals[0]) as archive:
        for member in archive:
            _, _, name = member.name.partition(f"/{FOLDER}")
            if not member.isfile():
                continue
            if name == "LICENSE" or (name.startswith(("lib/", "include/")) and name.endswith(KEEP)):
                stream = archive.extractfile(member)
                if stream is not None:
                    path = target / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(stream.read())
    if not (target / "lib" / "dma.c").exists():
        raise CiError(f"{originals[0].name} has no {FOLDER}")
    with tarball(changes[0]) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() and "/patches/" in member.name else None
            if stream is not None and f"/{FOLDER}lib".encode() in stream.read():
                raise CiError(f"its {member.name} changes libvfio-user; teach ci/vfu.py to apply it")
