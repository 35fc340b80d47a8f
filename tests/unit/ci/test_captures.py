# SPDX-License-Identifier: BSD-3-Clause
"""Captures out of source packages, apt's part played by files of our own; and frames out of captures."""

import gzip
import io
import struct
import tarfile
from pathlib import Path

import pytest

from ci import archives, captures, source_package
from ci.archives import Archive
from ci.say import CiError
from tests.captures.reader import DamagedError, frames_of

FRAME = bytes(range(14)) + b"\x88\xb5"


def pcap(*frames: bytes, linktype: int = 1) -> bytes:
    """A capture file."""
    records = b"".join(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame for frame in frames)
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, linktype) + records


def pcapng(*frames: bytes, linktypes: tuple[int, ...] = (1,)) -> bytes:
    """The same in the other format; frames come from the interfaces in turn."""

    def block(kind: int, body: bytes) -> bytes:
        size = 12 + len(body)
        return struct.pack("<II", kind, size) + body + struct.pack("<I", size)

    parts = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))]
    parts += [block(1, struct.pack("<HHI", linktype, 0, 65535)) for linktype in linktypes]
    for n, frame in enumerate(frames):
        head = struct.pack("<IIIII", n % len(linktypes), 0, 0, len(frame), len(frame))
        parts.append(block(6, head + frame + bytes(-len(frame) % 4)))
    return b"".join(parts)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "one.pcap"


@pytest.mark.parametrize("made", [pcap(FRAME), pcapng(FRAME), gzip.compress(pcap(FRAME))], ids=["pcap", "ng", "gz"])
def test_every_format_is_read_and_frames_are_padded(path: Path, made: bytes) -> None:
    path.write_bytes(made)
    assert frames_of(path, 10) == [FRAME.ljust(60, b"\0")]


def test_only_ethernet_of_a_mac_s_size_and_so_many(path: Path) -> None:
    path.write_bytes(pcap(FRAME, linktype=113))
    assert frames_of(path, 10) == []
    path.write_bytes(pcap(FRAME[:13], bytes(16001), FRAME, bytes(16000), FRAME))
    assert [len(frame) for frame in frames_of(path, 10)] == [60, 16000, 60]
    assert len(frames_of(path, 2)) == 2
    path.write_bytes(pcapng(b"a" * 60, b"b" * 60, b"c" * 60, linktypes=(1, 113)))
    assert [frame[:1] for frame in frames_of(path, 10)] == [b"a", b"c"]


@pytest.mark.parametrize(
    "made",
    [b"", b"nothing", gzip.compress(b"nothing"), pcap()[:12]],
    ids=["empty", "of another kind", "packed, of another kind", "cut in its header"],
)
def test_a_damaged_file_is_named(path: Path, made: bytes) -> None:
    path.write_bytes(made)
    with pytest.raises(DamagedError, match=r"one\.pcap: "):
        frames_of(path, 10)


def test_what_lies_before_a_damage_counts(path: Path) -> None:
    path.write_bytes(pcap(bytes(60), bytes(60))[:-70])
    assert len(frames_of(path, 10)) == 1


class Apt:
    """apt-get: which tarball each package has here, and what was asked."""

    def __init__(self) -> None:
        self.has: dict[str, dict[str, bytes]] = {}
        self.asked: list[str] = []

    def __call__(self, command: list[str], work: Path) -> None:
        if "source" not in command:
            return
        package = command[-1]
        self.asked.append(package)
        if package not in self.has:
            raise CiError(f"`apt-get source` exited with 100\nE: Unable to find a source package for {package}")
        with tarfile.open(work / f"{package}_1.2.orig.tar.gz", "w:gz") as made:
            for name, data in self.has[package].items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                made.addfile(member, io.BytesIO(data))


@pytest.fixture
def apt(monkeypatch: pytest.MonkeyPatch) -> Apt:
    fake = Apt()
    monkeypatch.setattr(source_package, "_apt", fake)
    monkeypatch.setattr(archives, "of_sources", lambda: [Archive("http://mirror.invalid/debian/", "one")])
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/apt-get")
    return fake


def test_captures_only_are_kept_and_who_is_missing_is_named(
    apt: Apt, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"t-1/tests/a.pcap": b"a", "t-1/b.PCAPNG.gz": b"b", "t-1/../../c.cap": b"c", "t-1/d.c": b"d"}
    apt.has = {"tcpdump": files, "wireshark": {"w/README": b""}}
    found = captures.ensure(tmp_path)
    assert found == {"tcpdump": tmp_path / "captures-tcpdump-1.2"}
    assert sorted(path.name for path in found["tcpdump"].iterdir()) == ["..+..+c.cap", "b.PCAPNG.gz", "tests+a.pcap"]
    assert list(tmp_path.iterdir()) == [found["tcpdump"]]
    said = capsys.readouterr().err
    assert "no captures of ndpi: one (http://mirror.invalid/debian/): E: Unable to find a source package" in said
    assert "no captures of wireshark" in said
    assert "has no captures" in said
    captures.ensure(tmp_path)
    assert apt.asked.count("tcpdump") == 1, "what is kept is not fetched again"


def test_without_any_each_is_named_with_the_reason(apt: Apt, tmp_path: Path) -> None:
    with pytest.raises(CiError) as caught:
        captures.ensure(tmp_path)
    assert caught.value.code == 3
    for package in captures.PACKAGES:
        assert f"{package}: one (http://mirror.invalid/debian/): E: Unable to find" in str(caught.value)
    assert archives.MIRROR_VARIABLE in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_without_apt_what_is_kept_serves(
    apt: Apt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(CiError, match="no apt-get") as caught:
        captures.ensure(tmp_path)
    assert caught.value.code == 3
    (tmp_path / "captures-ndpi-4.2").mkdir()
    assert list(captures.ensure(tmp_path)) == ["ndpi"]
    assert "no apt-get" in capsys.readouterr().err
    assert not apt.asked
