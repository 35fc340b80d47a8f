# SPDX-License-Identifier: BSD-3-Clause
"""Files that fail: what is lost is counted, a torn line is finished, and it is told once."""

import logging
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from device.machine.files import CALM_S, LineFile, Losses, OwnFile, replace_whole


@pytest.fixture
def losses(monkeypatch: pytest.MonkeyPatch) -> Losses:
    monkeypatch.setattr("device.machine.files.CALM_S", 0.0)
    return Losses("file", "lines", logging.getLogger("test"))


def test_a_torn_line_is_finished_and_the_lost_ones_have_a_line(
    tmp_path: Path, losses: Losses, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, real = 10, os.write

    def write(fd: int, data: bytes) -> int:
        nonlocal room
        if not room:
            raise OSError(28, "No space left on device")
        taken = data[:room]
        room -= len(taken)
        return real(fd, taken)

    file = LineFile(OwnFile(tmp_path / "f"), losses, lambda n, why: f"# {n}: {why}")
    monkeypatch.setattr(os, "write", write)
    for n in range(3):
        file.write([f"line {n}a", f"line {n}b"])
        losses.tell()
    assert losses.count == 4, "one is whole, one is torn"
    room = 1000
    file.write(["after"])
    losses.tell()
    assert (tmp_path / "f").read_text() == "line 0a\nline 0b\n# 4: No space left on device\nafter\n"
    assert caplog.messages == [
        "file: No space left on device; lines are lost from here on, all else goes on",
        "file: works again; 4 lines were lost",
    ]
    file.close()


def test_all_is_well_only_when_it_has_been_for_a_while(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full now and again is told once a spell, with what the whole spell lost."""
    now_s = 100.0
    monkeypatch.setattr("device.machine.files.time", SimpleNamespace(monotonic=lambda: now_s))
    losses = Losses("file", "lines", logging.getLogger("test"))
    for lost in (3, 2):
        losses.lose(lost, "disk full")
        losses.tell()
        losses.mended()
        losses.tell()
        now_s += CALM_S - 0.01
        losses.tell()
        losses.mended()  # more was taken: that does not begin the while anew
        assert caplog.messages == ["file: disk full; lines are lost from here on, all else goes on"]
    now_s += 0.01
    losses.tell()
    assert caplog.messages[1:] == ["file: works again; 5 lines were lost"]
    losses.lose(1, "moved away")
    losses.mended()  # before anybody looked
    now_s += CALM_S
    losses.tell()
    losses.tell()
    assert caplog.messages[2:] == ["file: works again; 1 lines were lost"]
    losses.tell(end=True)
    assert len(caplog.messages) == 3, "nothing more was lost"
    assert losses.count == 6


def test_what_is_lost_at_the_end_is_told(losses: Losses, caplog: pytest.LogCaptureFixture) -> None:
    file = LineFile(OwnFile(Path("/dev/full")), losses)
    file.write(["a", "b"])
    file.close()
    assert caplog.messages == ["file: No space left on device; 2 lines were lost"]


def test_a_folder_that_is_gone_leaves_the_moved_file_in_use(
    tmp_path: Path, losses: Losses, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    file = LineFile(OwnFile(folder / "f"), losses)
    (folder / "f").rename(tmp_path / "moved")
    folder.rmdir()
    for n in range(3):
        file.write([str(n)])
    assert (tmp_path / "moved").read_text() == "0\n1\n2\n"
    assert len(caplog.messages) == 1
    assert "cannot be made anew (No such file or directory)" in caplog.messages[0]
    file.close()


def test_a_file_in_the_place_of_another(tmp_path: Path) -> None:
    file, link = tmp_path / "f", tmp_path / "link"
    file.write_bytes(b"old")
    file.chmod(0o604)
    link.symlink_to("f")
    inode = file.stat().st_ino
    replace_whole(link, b"new")
    assert file.read_bytes() == b"new"
    assert file.stat().st_mode & 0o777 == 0o604
    assert file.stat().st_ino != inode, "never written in place"
    assert link.is_symlink()
    assert len(list(tmp_path.iterdir())) == 2
    with pytest.raises(FileNotFoundError):
        replace_whole(tmp_path / "no" / "f", b"")
