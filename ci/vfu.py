# SPDX-License-Identifier: BSD-3-Clause
"""libvfio-user's source, out of Debian's qemu source package.

Debian has no libvfio-user package, but the source package of its QEMU carries it.  apt fetches and verifies that
package with a configuration of its own in a temporary folder, so nothing of the machine's own apt changes; the mirror
is the machine's.  The few files we compile stay in the cache, named after the recipe.
"""

import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ci.say import CiError, Timed, run, say

RELEASE = "trixie"
PACKAGE = "qemu"
FOLDER = "subprojects/libvfio-user/"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
KEEP = (".c", ".h")
# What our wrappers were written for: revision 0b28d205.  A digest over names and contents of lib/ and include/.
DIGEST = "59cc98a6aa1cd37fa19037969d50fe05a63dab6d1e70a4192d4c65c187fc45b4"


def ensure(cache: Path) -> Path:
    """Return a folder with libvfio-user's ``include`` and ``lib``; fetch it if the cache has none.

    Args:
        cache: Folder for what is slow to make.

    Raises:
        CiError: No apt or mirror here, the download failed, or the source is not the revision our wrappers fit.
    """
    target = cache / f"libvfio-user-{DIGEST[:12]}"
    if (target / "lib" / "dma.c").exists():
        return target
    if shutil.which("apt-get") is None:
        raise CiError("libvfio-user's source comes from a Debian source package, and this machine has no apt-get", 3)
    cache.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix=".libvfio-user-", dir=cache) as folder,
        Timed("getting libvfio-user's source"),
    ):
        work = Path(folder)
        _download(work)
        made = work / "made"
        _unpack(work, made)
        seen = digest(made)
        if seen != DIGEST:
            raise CiError(
                f"libvfio-user in Debian {RELEASE}'s {PACKAGE} source package is not the revision our wrappers were "
                f"written for (digest {seen[:12]}, wanted {DIGEST[:12]}); compare it, then change DIGEST in ci/vfu.py"
            )
        try:
            made.rename(target)
        except OSError:
            # Somebody else was faster; theirs has the same digest.
            if not (target / "lib" / "dma.c").exists():
                raise
    return target


def digest(folder: Path) -> str:
    """Hash the files of an unpacked library by name and content."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        total.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def mirror() -> str:
    """Return the Debian archive this machine's apt is configured for.

    Raises:
        CiError: apt knows no Debian archive.
    """
    listed = run_text(["apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)"])
    configured = run_text(["apt-get", "indextargets", "--format", "$(SITE)|$(COMPONENT)|$(REPO_URI)"])
    for line in listed.splitlines():
        origin, label, component, uri = (line + "|||").split("|")[:4]
        if (origin, label, component) == ("Debian", "Debian", "main") and uri:
            return uri
    # Before the first `apt-get update` apt knows where its archives are, but not what they say of themselves.
    for line in configured.splitlines():
        _, component, uri = (line + "||").split("|")[:3]
        if component == "main" and uri and "security" not in uri:
            return uri
    raise CiError("apt on this machine is configured for no Debian archive (see /etc/apt/sources.list.d)", 3)


def run_text(command: list[str]) -> str:
    """Run a program and return what it wrote to stdout.

    Raises:
        CiError: It failed.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"})
    if done.returncode != 0:
        raise CiError(f"`{' '.join(command[:3])}` failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def _download(work: Path) -> None:
    for name in ("lists/partial", "cache/archives/partial"):
        (work / name).mkdir(parents=True)
    signed = f"signed-by={KEYRING} " if KEYRING.exists() else ""
    (work / "sources.list").write_text(f"deb-src [{signed}] {mirror()} {RELEASE} main\n", encoding="utf-8")
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
    base = ["apt-get", "-q"]
    for key, value in options.items():
        base += ["-o", f"{key}={value}"]
    try:
        _apt([*base, "-o", "APT::Update::Error-Mode=any", "update"], work)
    except CiError as exc:
        say(f"the mirror's Release file was refused ({_reason(exc)}); trying again without its date")
        base += ["-o", "Acquire::Check-Valid-Until=false", "-o", "Acquire::Check-Date=false"]
        _apt([*base, "-o", "APT::Update::Error-Mode=any", "update"], work)
    _apt([*base, "source", "--download-only", PACKAGE], work)


def _apt(command: list[str], work: Path) -> None:
    run(command, cwd=work, quiet=True, timeout_s=900, env={"LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"})


def _reason(exc: CiError) -> str:
    lines = [line for line in str(exc).splitlines() if line.startswith(("E:", "W:"))]
    return lines[-1] if lines else str(exc).splitlines()[-1]


@contextmanager
def _tar(path: Path) -> Iterator[tarfile.TarFile]:
    # A stream: the archive is big and what we want of it is small.  A Python built without lzma asks xz.
    try:
        import lzma
    except ImportError:
        with subprocess.Popen(["xz", "-dc", str(path)], stdout=subprocess.PIPE) as xz:
            with tarfile.open(fileobj=xz.stdout, mode="r|") as archive:
                yield archive
            xz.kill()
        return
    with lzma.open(path) as plain, tarfile.open(fileobj=plain, mode="r|") as archive:
        yield archive


def _unpack(work: Path, target: Path) -> None:
    originals = list(work.glob(f"{PACKAGE}_*.orig.tar.*"))
    changes = list(work.glob(f"{PACKAGE}_*.debian.tar.*"))
    if len(originals) != 1 or len(changes) != 1:
        raise CiError(f"apt-get source {PACKAGE} brought {sorted(path.name for path in work.iterdir())}")
    with _tar(originals[0]) as archive:
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
    with _tar(changes[0]) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() and "/patches/" in member.name else None
            if stream is not None and f"/{FOLDER}lib".encode() in stream.read():
                raise CiError(f"Debian's {member.name} changes libvfio-user; teach ci/vfu.py to apply it")
