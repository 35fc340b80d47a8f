# SPDX-License-Identifier: BSD-3-Clause
"""Which package archives this machine knows: Debian's, by its apt or by ``IXLAB_DEBIAN_MIRROR``, and Ubuntu's own.

No archive is named here.  Guests and their QEMU are made of Debian packages wherever this runs; libvfio-user comes
with the sources of Debian's QEMU or of Ubuntu's.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ci.say import CiError

MIRROR_VARIABLE = "IXLAB_DEBIAN_MIRROR"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
UBUNTU_KEYRING = Path("/usr/share/keyrings/ubuntu-archive-keyring.gpg")
# Releases whose QEMU is looked at for libvfio-user, in this order.
SUITES = ("trixie", "trixie-updates", "bookworm", "trixie-backports", "sid")
SECURITY_SUITES = ("trixie-security", "bookworm-security")
ADVICE = (
    f"set {MIRROR_VARIABLE} to the URL of a Debian archive (http:, https: or file:; the folder with `dists` and "
    "`pool`), or add one to this machine's apt"
)


@dataclass(frozen=True)
class Archive:
    """One release of an archive.

    Attributes:
        uri: Where the archive is.
        suite: The release's name there.
        keyring: Who may have signed it; used if it is there.
    """

    uri: str
    suite: str
    keyring: Path = KEYRING

    def line(self) -> str:
        """Return it as sources.list has it after ``deb`` or ``deb-src``."""
        signed = f"[signed-by={self.keyring}] " if self.keyring.exists() else ""
        return f"{signed}{self.uri} {self.suite} main"


@dataclass(frozen=True)
class Target:
    """One list that apt is configured to get; before its first update, origin and label are empty."""

    origin: str
    label: str
    codename: str
    component: str
    uri: str


def text_of(command: list[str]) -> str:
    """Run a program and return what it wrote to stdout.

    Raises:
        CiError: It failed.
    """
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"}
        )
    except FileNotFoundError as exc:
        raise CiError(f"`{command[0]}` is not on this machine", 3) from exc
    if done.returncode != 0:
        raise CiError(f"`{' '.join(command[:3])}` failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def targets() -> list[Target]:
    """Return the lists apt is configured for, of the component ``main``."""
    form = "$(ORIGIN)|$(LABEL)|$(RELEASE)|$(COMPONENT)|$(REPO_URI)"
    fields = (
        (line + "||||").split("|")[:5] for line in text_of(["apt-get", "indextargets", "--format", form]).splitlines()
    )
    found = [Target(*(field if not field.startswith("$(") else "" for field in line)) for line in fields]
    return [target for target in found if target.component == "main" and target.uri]


def distribution() -> str:
    """Return what this machine says it is: ``debian``, ``ubuntu`` or another; "" if it does not."""
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition("=")[2].strip('"') for line in lines if line.startswith("ID=")), "")


def debian() -> str:
    """Return a Debian archive: the one that was named, else that of this machine's apt.

    Raises:
        CiError: None was named and apt knows none; the message says what to do.
    """
    if named := os.environ.get(MIRROR_VARIABLE):
        if not named.startswith(("http://", "https://", "file:/")):
            raise CiError(f"{MIRROR_VARIABLE}={named} is no URL of an archive; {ADVICE}", 2)
        return named
    known = targets()
    for target in known:
        if (target.origin, target.label) == ("Debian", "Debian"):
            return target.uri
    # Before the first `apt-get update` apt knows where its archives are, but not what they say of themselves.
    if distribution() != "ubuntu":
        for target in known:
            if not target.origin and "security" not in target.uri and "ubuntu" not in target.uri:
                return target.uri
    raise CiError(f"apt on this machine is configured for no Debian archive (see /etc/apt/sources.list.d); {ADVICE}", 3)


def of_sources() -> list[Archive]:
    """Return the releases that may have libvfio-user's source, in the order to look at them.

    Raises:
        CiError: This machine knows no archive that could.
    """
    known = targets()
    found: list[Archive] = []
    for target in known:  # Ubuntu's own QEMU needs nothing that an Ubuntu machine lacks
        ubuntu = target.origin == "Ubuntu" or (not target.origin and "ubuntu" in target.uri)
        if ubuntu and target.codename and not target.codename.endswith("-backports"):
            found.append(Archive(target.uri, target.codename, UBUNTU_KEYRING))
    try:
        mirror = debian()
    except CiError:
        if not found:
            raise
    else:
        found += [Archive(mirror, suite) for suite in SUITES]
    for target in known:
        if target.label == "Debian-Security":
            found += [Archive(target.uri, suite) for suite in SECURITY_SUITES]
    return list(dict.fromkeys(found))
