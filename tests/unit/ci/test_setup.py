# SPDX-License-Identifier: BSD-3-Clause
"""Set-up on machines that are shared, read-only, or lack something."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ci import build, net, say, vfu
from ci.say import ROOT, CiError

HOLDS = "import sys; from pathlib import Path; from ci import build\n"
HOLDS += "with build.alone(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()\n"


def test_a_second_set_up_waits_for_the_first_and_says_for_whom(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = tmp_path / "lock"
    words = [sys.executable, "-c", HOLDS, str(lock)]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdin is not None
        assert first.stdout.readline() == "held\n"
        with pytest.raises(CiError, match=rf"another set-up.*pid {first.pid}"), build.alone(lock, timeout_s=0.3):
            raise AssertionError("two at once")
        assert f"another set-up is running in this checkout (pid {first.pid})" in capsys.readouterr().err
        first.stdin.close()
    with build.alone(lock, timeout_s=0):
        assert lock.read_text().strip() == str(os.getpid())


def test_a_cache_that_cannot_be_made_is_an_error_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(CiError, match=r"cannot be written \(.*\); set XDG_CACHE_HOME") as caught:
        say.cache_dir()
    assert caught.value.code == 3


def test_what_a_read_only_cache_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(CiError, match=r"the kernel is not in the cache.*Read-only file system.*XDG_CACHE_HOME"):
        say.writable(tmp_path, "the kernel")
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/apt-get")
    with pytest.raises(CiError, match=r"libvfio-user's source is not in the cache"):
        vfu.ensure(tmp_path)
    (tmp_path / f"libvfio-user-{vfu.DIGEST[:12]}" / "lib").mkdir(parents=True)
    (tmp_path / f"libvfio-user-{vfu.DIGEST[:12]}" / "lib" / "dma.c").touch()
    assert vfu.ensure(tmp_path).name.startswith("libvfio-user-"), "a filled one will do"


def test_without_libvfio_user_the_rest_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[dict[str, str]] = []

    def none(_cache: Path) -> Path:
        raise vfu.NoSource("no release has it", 3)

    monkeypatch.setattr(vfu, "ensure", none)
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "STAMP", tmp_path / "stamp")
    monkeypatch.setattr(build, "extension_sources", list)
    monkeypatch.setattr(build, "run", lambda _words, *, env, quiet: ran.append({**env, "quiet": str(quiet)}))
    (tmp_path / "device").mkdir()
    (tmp_path / "device/_vfu.abi3.so").touch()
    build.extensions()
    assert ran[0]["IXLAB_VFU"] == ""
    assert not (tmp_path / "device/_vfu.abi3.so").exists(), "one of an older library would be worse than none"
    said = capsys.readouterr().err
    assert "no release has it" in said
    assert "What works: the driver" in said


@pytest.mark.parametrize(
    ("effective", "uid", "want"),
    [
        ("000001ffffffffff", 0, ""),
        ("0000000000201000", 1000, ""),  # inside a user namespace of our own
        ("0000000000000000", 1000, "no root"),
        ("00000000a80425fb", 0, "root without CAP_NET_ADMIN"),  # what a container engine leaves by default
        ("0000000000001000", 0, "root without CAP_NET_ADMIN"),
    ],
)
def test_rights_are_looked_at_not_the_user(
    monkeypatch: pytest.MonkeyPatch, effective: str, uid: int, want: str
) -> None:
    monkeypatch.setattr(Path, "read_text", lambda _self: f"Name: x\nCapEff:\t{effective}\n")
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    found = net.lacking()
    assert found.startswith(want)
    assert bool(found) == bool(want)
