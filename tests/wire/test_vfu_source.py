# SPDX-License-Identifier: BSD-3-Clause
"""How libvfio-user's source gets here: apt's part is played by files of our own, so nothing is fetched."""

import io
import tarfile
from pathlib import Path

import pytest

from ci import archives, source_package, vfu
from ci.archives import Archive
from ci.say import CiError

LIBRARY = {
    "lib/dma.c": b"int dma;\n",
    "lib/private.h": b"#define N 16\n",
    "lib/meson.build": b"not kept\n",
    "include/libvfio-user.h": b"int api;\n",
    "LICENSE": b"BSD\n",
    "samples/server.c": b"not kept\n",
}


def archive(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:xz") as made:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))


SUITES = ("one", "two", "three")


class Apt:
    """apt-get, as far as it is asked: the releases that have QEMU, and what it holds there.

    Attributes:
        commands: What was asked.
        patch: What Debian changes.
        has: The library in each release's QEMU; a release that is not here has no QEMU.
        refusals: How often it says that a Release file is expired.
    """

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.patch = b"--- a/hw/net/e1000.c\n"
        self.has: dict[str, dict[str, bytes]] = {"one": LIBRARY}
        self.refusals = 0

    def asked(self) -> list[str]:
        """Return the releases asked for the source, each time."""
        return [words[-1] for words in self.commands if "source" in words]

    def __call__(self, command: list[str], work: Path) -> None:
        suite = (work / "sources.list").read_text().split()[-2]
        self.commands.append([*command, suite])
        if self.refusals:
            self.refusals -= 1
            raise CiError("`apt-get update` exited with 100\nE: Release file for InRelease is expired (since 3d).")
        if "source" in command:
            if suite not in self.has:
                raise CiError("`apt-get source` exited with 100\nE: Unable to find a source package for qemu")
            files = {f"qemu-1/subprojects/libvfio-user/{name}": data for name, data in self.has[suite].items()}
            archive(work / "qemu_1.orig.tar.xz", {"qemu-1/README": b"big", **files, "qemu-1/dma.c": b"other"})
            archive(work / "qemu_1-1.debian.tar.xz", {"debian/patches/one.diff": self.patch})


@pytest.fixture
def apt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Apt:
    fake = Apt()
    (tmp_path / "cache").mkdir()
    monkeypatch.setattr(source_package, "_apt", fake)
    monkeypatch.setattr(archives, "of_sources", lambda: [Archive("http://mirror.invalid/debian/", s) for s in SUITES])
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/apt-get")
    monkeypatch.setattr(vfu, "DIGEST", wanted())
    return fake


def wanted() -> str:
    import hashlib

    total = hashlib.sha256()
    for name in ("LICENSE", "include/libvfio-user.h", "lib/dma.c", "lib/private.h"):
        total.update(name.encode() + b"\0" + LIBRARY[name] + b"\0")
    return total.hexdigest()


def test_only_what_is_compiled_is_kept_and_once(apt: Apt, tmp_path: Path) -> None:
    made = vfu.ensure(tmp_path / "cache")
    kept = sorted(str(path.relative_to(made)) for path in made.rglob("*") if path.is_file())
    assert kept == ["LICENSE", "include/libvfio-user.h", "lib/dma.c", "lib/private.h"]
    asked = len(apt.commands)
    assert vfu.ensure(tmp_path / "cache") == made
    assert len(apt.commands) == asked
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [made.name]


def test_apt_of_the_machine_is_left_alone(apt: Apt, tmp_path: Path) -> None:
    vfu.ensure(tmp_path / "cache")
    for command in apt.commands:
        options = dict(word.split("=", 1) for word in command if "=" in word)
        for name in ("Dir::Etc::sourcelist", "Dir::State::lists", "Dir::Cache"):
            assert options[name].startswith(str(tmp_path))
        assert options["Dir::Etc::sourceparts"] == "-"


def test_an_expired_release_file_is_worked_round_and_said(
    apt: Apt, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    apt.refusals = 1
    vfu.ensure(tmp_path / "cache")
    assert "Acquire::Check-Valid-Until=false" not in apt.commands[0]
    assert all("Acquire::Check-Valid-Until=false" in command for command in apt.commands[1:])
    assert "expired" in capsys.readouterr().err


def test_a_mirror_that_fails_everywhere_is_an_error(apt: Apt, tmp_path: Path) -> None:
    apt.refusals = 2 * len(SUITES)
    with pytest.raises(vfu.NoSource, match=r"(?s)one .*expired.*two .*expired.*three .*expired"):
        vfu.ensure(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


OTHER = {**LIBRARY, "lib/dma.c": b"int dma2;\n"}


@pytest.mark.parametrize(
    ("has", "asked"),
    [
        ({"one": OTHER, "two": LIBRARY}, ["one", "two"]),
        ({"two": OTHER, "three": LIBRARY}, ["one", "two", "three"]),
        ({"one": LIBRARY, "two": OTHER}, ["one"]),
    ],
)
def test_a_release_that_has_moved_on_is_said_and_another_one_serves(
    apt: Apt, tmp_path: Path, capsys: pytest.CaptureFixture[str], has: dict[str, dict[str, bytes]], asked: list[str]
) -> None:
    apt.has = has
    made = vfu.ensure(tmp_path / "cache")
    assert (made / "lib/dma.c").read_bytes() == LIBRARY["lib/dma.c"]
    assert apt.asked() == asked
    said = capsys.readouterr().err
    assert said.count("another revision") == sum(has.get(suite) is OTHER for suite in asked)
    assert said.count("Unable to find") == sum(suite not in has for suite in asked)


def test_files_that_do_not_count_may_change(apt: Apt, tmp_path: Path) -> None:
    """A new QEMU around the same library is no reason to stop."""
    apt.has = {"one": {**LIBRARY, "lib/meson.build": b"new\n", "samples/server.c": b"new\n"}}
    vfu.ensure(tmp_path / "cache")


def test_when_none_has_it_each_is_named_with_what_it_had(apt: Apt, tmp_path: Path) -> None:
    apt.has = {"one": OTHER, "three": {"README": b""}}
    with pytest.raises(vfu.NoSource) as caught:
        vfu.ensure(tmp_path / "cache")
    said = str(caught.value)
    for words in (
        "one (http://mirror.invalid/debian/): its qemu has another",
        "two (",
        "three (",
        "has no subprojects",
    ):
        assert words in said
    assert "IXLAB_DEBIAN_MIRROR" in said
    assert caught.value.code == 3
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_patch_by_debian_is_noticed(apt: Apt, tmp_path: Path) -> None:
    apt.patch = b"--- a/subprojects/libvfio-user/lib/dma.c\n"
    with pytest.raises(CiError, match=r"one\.diff"):
        vfu.ensure(tmp_path / "cache")


def test_without_apt_it_says_so(apt: Apt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(CiError) as caught:
        vfu.ensure(tmp_path / "cache")
    assert caught.value.code == 3
