# SPDX-License-Identifier: BSD-3-Clause
import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from driver import claim
from driver.claim import Claim
from driver.errors import Busy, DoorError

NAME = "vfio-user:/nowhere/nic.sock"


def test_the_second_is_refused_and_told_who(tmp_path: Path) -> None:
    with Claim(NAME, tmp_path), pytest.raises(Busy) as caught:
        Claim(NAME, tmp_path)
    assert caught.value.errno == errno.EBUSY
    assert f"pid {os.getpid()}" in caught.value.holder
    assert sys.orig_argv[0] in str(caught.value)
    assert NAME in str(caught.value)


def test_two_spellings_of_one_address_are_one_claim(tmp_path: Path) -> None:
    assert claim.status_path("0A:00.0", tmp_path) == claim.status_path("0000:0a:00.0", tmp_path)
    with Claim("0000:0a:00.0", tmp_path):
        assert claim.holder("0A:00.0", tmp_path) != ""


def test_another_function_is_free(tmp_path: Path) -> None:
    with Claim(NAME, tmp_path), Claim("0000:01:00.0", tmp_path):
        assert claim.holder("0000:01:00.1", tmp_path) == ""


def test_holder_tells_only_while_held(tmp_path: Path) -> None:
    assert claim.holder(NAME, tmp_path) == ""
    held = Claim(NAME, tmp_path)
    assert f"pid {os.getpid()}" in claim.holder(NAME, tmp_path)
    held.release()
    held.release()
    assert claim.holder(NAME, tmp_path) == ""


def test_release_leaves_no_file(tmp_path: Path) -> None:
    held = Claim(NAME, tmp_path)
    held.status_path.touch()
    held.release()
    assert list(tmp_path.iterdir()) == []


def test_two_spellings_of_a_socket_are_one_claim(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with Claim(f"vfio-user:{tmp_path}/nic", tmp_path), pytest.raises(Busy):
        Claim(f"vfio-user:{tmp_path}/link/../{tmp_path.name}/nic", tmp_path)


def test_a_killed_holder_holds_nothing(tmp_path: Path, root: Path) -> None:
    code = (
        "import pathlib; from driver.claim import Claim; "
        f"c = Claim({NAME!r}, pathlib.Path({str(tmp_path)!r})); print('held', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        with pytest.raises(Busy, match=f"pid {child.pid} "):
            Claim(NAME, tmp_path)
        child.kill()
        child.wait(5)
        assert len(list(tmp_path.iterdir())) == 1  # the file stays, the lock does not
        with Claim(NAME, tmp_path):
            assert f"pid {os.getpid()}" in claim.holder(NAME, tmp_path)


def test_a_claim_file_with_rubbish_is_taken_over(tmp_path: Path) -> None:
    with Claim(NAME, tmp_path) as held:
        path = held.path
    path.write_bytes(b"\xff rubbish")
    with Claim(NAME, tmp_path):
        path.write_bytes(b"[]")
        assert claim.holder(NAME, tmp_path) == "a process that has not said who it is"


def test_the_status_path_fits_a_socket_address() -> None:
    path = claim.status_path("vfio-user:/" + "x" * 300, Path("/run/ixlab"))
    assert len(str(path)) < 107


def test_run_dir_is_private_and_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IXLAB_RUN_DIR", str(tmp_path / "deep" / "run"))
    path = claim.run_dir()
    assert path.is_dir()
    assert path.stat().st_mode & 0o077 == 0


def test_no_place_for_claims_says_which_variable_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("IXLAB_RUN_DIR", str(blocked / "run"))
    with pytest.raises(DoorError, match="IXLAB_RUN_DIR"):
        claim.run_dir()


def test_a_link_planted_for_us_is_not_followed(tmp_path: Path) -> None:
    with Claim(NAME, tmp_path) as held:
        path = held.path
    victim = tmp_path / "victim"
    victim.write_text("precious")
    path.symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"):
        Claim(NAME, tmp_path)
    assert victim.read_text() == "precious"
