# SPDX-License-Identifier: BSD-3-Clause
"""How libvfio-user's source gets here: apt's part is played by files of our own, so nothing is fetched."""

import io
import tarfile
from pathlib import Path

import pytest

from ci import vfu
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


class Apt:
    """apt-get, as far as it is asked."""

    def __init__(self, patch: bytes = b"--- a/hw/net/e1000.c\n") -> None:
        self.commands: list[list[str]] = []
        self.patch = patch
        self.refusals = 0

    def __call__(self, command: list[str], work: Path) -> None:
        self.commands.append(command)
        if self.refusals:
            self.refusals -= 1
            raise CiError("`apt-get update` exited with 100\nE: Release file for InRelease is expired (since 3d).")
        if "source" in command:
            files = {f"qemu-1/subprojects/libvfio-user/{name}": data for name, data in LIBRARY.items()}
            archive(work / "qemu_1.orig.tar.xz", {"qemu-1/README": b"big", **files, "qemu-1/dma.c": b"other"})
            archive(work / "qemu_1-1.debian.tar.xz", {"debian/patches/one.diff": self.patch})


@pytest.fixture
def apt(monkeypatch: pytest.MonkeyPatch) -> Apt:
    fake = Apt()
    monkeypatch.setattr(vfu, "_apt", fake)
    monkeypatch.setattr(vfu, "mirror", lambda: "http://mirror.invalid/debian/")
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


def test_a_mirror_that_fails_twice_is_an_error(apt: Apt, tmp_path: Path) -> None:
    apt.refusals = 2
    with pytest.raises(CiError, match="expired"):
        vfu.ensure(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_another_revision_is_refused(apt: Apt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vfu, "DIGEST", "0" * 64)
    with pytest.raises(CiError, match="not the revision"):
        vfu.ensure(tmp_path / "cache")
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


@pytest.mark.parametrize(
    ("listed", "configured", "want"),
    [
        (
            "Debian|Debian-Security|main|http://a/\nDebian|Debian|contrib|http://b/\nDebian|Debian|main|http://c/\n",
            "",
            "http://c/",
        ),
        ("||main|\n", "http://s|main|http://s/security/\nhttp://d|main|http://d/\n", "http://d/"),
    ],
)
def test_the_mirror_is_the_machines(monkeypatch: pytest.MonkeyPatch, listed: str, configured: str, want: str) -> None:
    answers = iter([listed, configured])
    monkeypatch.setattr(vfu, "run_text", lambda _: next(answers))
    assert vfu.mirror() == want


def test_a_machine_without_debian_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vfu, "run_text", lambda _: "Ubuntu|Ubuntu|main|\n")
    with pytest.raises(CiError, match="no Debian archive"):
        vfu.mirror()
