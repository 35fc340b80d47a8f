# SPDX-License-Identifier: BSD-3-Clause
"""Which archives are used on machines whose apt is configured so or so; apt's part is played by a text."""

from pathlib import Path

import pytest

from ci import archives
from ci.archives import Archive
from ci.say import CiError

DEBIAN = """\
Debian|Debian|bookworm|main|http://deb/debian/
Debian|Debian|bookworm|contrib|http://deb/debian/
Debian|Debian|bookworm-updates|main|http://deb/debian/
Debian|Debian-Security|bookworm-security|main|http://deb/security/
"""
UBUNTU = """\
Ubuntu|Ubuntu|noble|main|http://ubu/ubuntu/
Ubuntu|Ubuntu|noble|universe|http://ubu/ubuntu/
Ubuntu|Ubuntu|noble|universe|http://more/ubuntu/
Ubuntu|Ubuntu|noble|main|http://ubu/ubuntu/
Ubuntu|Ubuntu|noble-updates|main|http://ubu/ubuntu/
Ubuntu|Ubuntu|noble-backports|main|http://ubu/ubuntu/
Ubuntu|Ubuntu|noble-security|main|http://sec/ubuntu/
"""
# Before the first update apt knows the places only.
NEW_DEBIAN = "||trixie-security|main|http://deb/debian-security/\n||trixie|main|http://deb/debian/\n"
NEW_UBUNTU = "||noble|main|http://ubu/ubuntu/\n||noble|universe|http://ubu/ubuntu/\n"


class Machine:
    """What apt and /etc/os-release say."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.apt = DEBIAN
        self.id = "debian"
        monkeypatch.setattr(archives, "text_of", lambda _command: self.apt)
        monkeypatch.setattr(archives, "distribution", lambda: self.id)
        monkeypatch.delenv(archives.MIRROR_VARIABLE, raising=False)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def suites() -> list[tuple[str, str]]:
    return [(archive.uri, archive.suite) for archive in archives.of_sources()]


def test_debians_archive_is_the_one_of_apt(here: Machine) -> None:
    assert archives.debian() == "http://deb/debian/"
    here.apt = NEW_DEBIAN
    assert archives.debian() == "http://deb/debian/"


def test_a_named_archive_comes_first(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for here.apt, here.id in ((DEBIAN, "debian"), (UBUNTU, "ubuntu"), ("", "fedora")):
        monkeypatch.setenv(archives.MIRROR_VARIABLE, "https://near/debian")
        assert archives.debian() == "https://near/debian"


def test_a_named_archive_that_is_none_is_refused(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert here.id == "debian"
    monkeypatch.setenv(archives.MIRROR_VARIABLE, "deb near/debian")
    with pytest.raises(CiError, match=r"IXLAB_DEBIAN_MIRROR=deb near/debian is no URL") as caught:
        archives.debian()
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("apt", "name"),
    [
        (UBUNTU, "ubuntu"),
        (NEW_UBUNTU, "ubuntu"),
        ("", "ubuntu"),
        ("||noble|main|http://near/mirror/\n", "ubuntu"),
        (NEW_UBUNTU, "made-of-ubuntu"),
    ],
)
def test_ubuntu_has_no_debian_archive_and_is_told_how_to_name_one(here: Machine, apt: str, name: str) -> None:
    here.apt, here.id = apt, name
    with pytest.raises(CiError, match=r"no Debian archive.*set IXLAB_DEBIAN_MIRROR") as caught:
        archives.debian()
    assert caught.value.code == 3


def test_debian_looks_in_its_releases_and_their_security_updates(here: Machine) -> None:
    found = suites()
    assert found[:3] == [("http://deb/debian/", name) for name in ("trixie", "trixie-updates", "bookworm")]
    assert ("http://deb/security/", "trixie-security") in found
    assert {"trixie-backports", "sid"} <= {suite for _, suite in found}
    assert here.id == "debian"


@pytest.mark.parametrize("apt", [UBUNTU, NEW_UBUNTU])
def test_ubuntu_looks_in_its_own_qemu_with_its_own_keys(here: Machine, apt: str) -> None:
    here.apt, here.id = apt, "ubuntu"
    found = archives.of_sources()
    assert found[0] == Archive("http://ubu/ubuntu/", "noble", archives.UBUNTU_KEYRING)
    assert not any("trixie" in archive.suite or "backports" in archive.suite for archive in found)
    if apt == UBUNTU:
        assert suites()[1:] == [("http://ubu/ubuntu/", "noble-updates"), ("http://sec/ubuntu/", "noble-security")]


def test_ubuntu_with_a_named_debian_archive_looks_there_too(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    here.apt, here.id = UBUNTU, "ubuntu"
    monkeypatch.setenv(archives.MIRROR_VARIABLE, "file:/srv/debian")
    found = suites()
    assert found.index(("http://ubu/ubuntu/", "noble")) < found.index(("file:/srv/debian", "trixie"))


def test_a_machine_that_knows_no_archive_is_told_what_to_do(here: Machine) -> None:
    here.apt, here.id = "", "fedora"
    with pytest.raises(CiError, match="IXLAB_DEBIAN_MIRROR"):
        archives.of_sources()


def test_a_keyring_is_named_only_where_it_is(tmp_path: Path) -> None:
    ring = tmp_path / "ring.gpg"
    assert Archive("http://a", "sid", ring).line() == "http://a sid main"
    ring.touch()
    assert Archive("http://a", "sid", ring).line() == f"[signed-by={ring}] http://a sid main"
