# SPDX-License-Identifier: BSD-3-Clause
"""What ``ci.guest`` says and does on machines that lack what it wants: programs that are fakes, and no guest at all."""

import os
import select
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from ci import archives, guest, machine, net
from ci.guest import Kernel, Qemu
from ci.say import ROOT, CiError

NEW = "QEMU emulator version 11.0.1 (Debian 1:11.0.1+ds-1)"
OLD = "QEMU emulator version 7.2.0 (Debian 1:7.2+dfsg-7)"
LISTED = 'name "e1000", bus PCI\nname "vfio-user-pci", bus PCI'
MIRROR = "http://mirror.invalid/debian"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is first in PATH, a cache that is empty, and a mirror that is none."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(archives, "debian", lambda: MIRROR)
    monkeypatch.setattr(machine, "ensure", lambda _needs: None)
    return folder


def script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{textwrap.dedent(body)}\n")
    path.chmod(0o755)
    return path


def fake_qemu(path: Path, version: str = NEW, devices: str = LISTED) -> Path:
    return script(path, f"case $1 in --version) echo '{version}';; -device) echo '{devices}';; *) exit 9;; esac")


@pytest.fixture
def in_cache(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Debian's QEMU can be had: it is a fake, too.  What was unpacked is noted."""
    unpacked: list[tuple[str, ...]] = []

    def unpack(_suites: object, packages: tuple[str, ...], target: Path) -> None:
        unpacked.append(tuple(packages))
        fake_qemu(target / "usr/bin/qemu-system-x86_64")

    def by_loader(tree: Path, program: str, name: str = "") -> list[str]:
        assert not name
        return [str(tree / program)]

    monkeypatch.setattr(guest, "unpack", unpack)
    monkeypatch.setattr(guest, "by_loader", by_loader)
    return unpacked


# ---- QEMU


def test_a_qemu_in_path_that_is_new_enough_is_taken(programs: Path) -> None:
    path = fake_qemu(programs / "qemu-system-x86_64")
    assert guest.qemu() == Qemu((str(path),), "11.0.1", "PATH")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (f"echo '{OLD}'", ("is 7.2.0, older than 10.1",)),
        ("echo 'QEMU emulator version 10.0.9'", ("is 10.0.9, older than 10.1",)),
        ("echo something else", ("does not say its version",)),
        ("kill -SEGV $$", ("does not run here",)),
        ("exit 127", ("does not run here",)),
        ("exec sleep 60", ("does not answer",)),
        (f"[ $1 != -device ] || exec echo 'name \"e1000\"'; echo '{NEW}'", ("without vfio-user-pci",)),
        (f"[ $1 != -device ] || exec sleep 60; echo '{NEW}'", ("does not answer",)),
        (f"[ $1 != -device ] || kill -SEGV $$; echo '{NEW}'", ("does not run here",)),
    ],
)
def test_a_qemu_in_path_that_will_not_do_is_named_and_debians_is_used(
    programs: Path,
    in_cache: list[tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    body: str,
    words: tuple[str, ...],
) -> None:
    monkeypatch.setattr(guest, "ANSWER_TIMEOUT_S", 0.5 if "sleep" in body else 30.0)
    path = script(programs / "qemu-system-x86_64", body)
    found = guest.qemu()
    assert found.home != "PATH"
    assert found.command[0].startswith(found.home)
    assert in_cache == [guest.QEMU_PACKAGES]
    said = capsys.readouterr().err
    assert str(path) in said
    assert "using Debian's own QEMU from the cache" in said
    assert all(word in said for word in words), said
    guest.qemu()
    assert len(in_cache) == 1, "the second time it is there"


def test_no_qemu_in_path_is_no_news(
    tmp_path: Path, programs: Path, in_cache: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not list(programs.iterdir())
    monkeypatch.setenv("PATH", str(programs))
    assert guest.qemu().home.startswith(str(tmp_path / "cache"))
    assert len(in_cache) == 1


def test_debians_qemu_that_does_not_run_here_is_said_and_not_kept_for_ever(
    programs: Path, in_cache: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(programs))
    home = Path(guest.qemu().home)
    script(home / "usr/bin/qemu-system-x86_64", "exit 1")
    with pytest.raises(CiError, match=rf"{home}.* does not run here.*remove that folder") as caught:
        guest.qemu()
    assert caught.value.code == 3


# ---- the cache: mmdebstrap and the mirror


FAILS = "echo 'I: automatically chosen mode'; echo 'E: no such package'; exit 1"


def fake_mmdebstrap(programs: Path, body: str) -> Path:
    """A mmdebstrap that notes its arguments; returns where."""
    notes = programs.parent / "mmdebstrap.log"
    script(programs / "mmdebstrap", f'echo "$*" >>{notes}\n{body}')
    return notes


def test_a_mirror_that_cannot_be_used_is_named_with_what_to_do(
    tmp_path: Path, programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = fake_mmdebstrap(programs, FAILS)
    with pytest.raises(CiError) as caught:
        guest.unpack(["trixie"], ["bash"], tmp_path / "tree")
    assert "E: no such package" in str(caught.value)
    assert MIRROR in str(caught.value)
    assert "/etc/apt" in str(caught.value)
    assert len(notes.read_text().splitlines()) == 2
    assert "trying again" in capsys.readouterr().err
    assert not (tmp_path / "tree").exists()


def test_a_stale_mirror_is_worked_round_and_said(
    tmp_path: Path, programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its Release file has expired: the second try does not look at the date, and only that is different."""
    expired = "E: Release file for x is expired (invalid since 9d)"
    body = f"case $* in *Check-Valid-Until*false*) ;; *) mkdir -p {tmp_path}/tree; echo '{expired}'; exit 25;; esac"
    notes = fake_mmdebstrap(programs, body)
    guest.unpack(["trixie", "trixie-backports"], ["bash", "python3"], tmp_path / "tree")
    said = capsys.readouterr().err
    assert expired in said
    assert "without the Release file's date" in said
    first, second = notes.read_text().splitlines()
    for line in (first, second):
        assert "--include=bash,python3" in line
        assert f"{MIRROR} trixie main" in line
        assert f"{MIRROR} trixie-backports main" in line
    assert "Check-Valid-Until" not in first


def test_an_interrupted_making_leaves_nothing_that_looks_made(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_mmdebstrap(programs, FAILS)
    monkeypatch.setattr("ci.guest.shutil.which", lambda _name: None)
    with pytest.raises(CiError):
        guest.qemu()
    assert list((tmp_path / "cache/ixlab").iterdir()) == []


def test_no_mirror_at_all(programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    script(programs / "apt-get", "exit 0")
    with pytest.raises(CiError, match=r"no Debian archive.*/etc/apt/sources\.list\.d") as caught:
        guest.unpack(["trixie"], ["bash"], tmp_path / "tree")
    assert caught.value.code == 3


# ---- the accelerator


@pytest.fixture
def kvm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A /dev/kvm that opens."""
    path = tmp_path / "kvm"
    path.touch()
    monkeypatch.setattr(guest, "KVM", path)
    return path


def probe(path: Path, timeout_s: float = 30.0) -> str:
    image = Kernel("6.12", Path("/no/vmlinuz"), Path("/no/initrd"))
    return guest.accelerator(Qemu((str(path),), "11.0.1", "PATH"), image, timeout_s=timeout_s)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("echo booting; echo guest runs", "kvm"),
        ("echo qemu: failed to initialize kvm >&2; exit 1", "tcg"),
        ("echo KVM internal error; kill -ABRT $$", "tcg"),
        ("echo booting; exec sleep 60", "tcg"),
    ],
)
@pytest.mark.usefixtures("kvm")
def test_kvm_is_used_only_where_a_guest_runs_and_that_is_asked_once(
    programs: Path, capsys: pytest.CaptureFixture[str], body: str, name: str
) -> None:
    calls = programs.parent / "calls"
    path = script(programs / "qemu-system-x86_64", f"echo $* >>{calls}\n{body}")
    assert probe(path, 0.5 if "sleep" in body else 30.0) == name
    assert f"using {name}" in capsys.readouterr().err
    assert "-accel kvm" in calls.read_text()
    assert probe(path) == name
    assert len(calls.read_text().splitlines()) == 1


ASKS = """
import pathlib, sys
from ci import guest
guest.KVM = pathlib.Path(sys.argv[1])
image = guest.Kernel("6.12", pathlib.Path("/no/vmlinuz"), pathlib.Path("/no/initrd"))
guest.accelerator(guest.Qemu((sys.argv[2],), "11.0.1", "PATH"), image)
"""


def test_the_guest_that_asks_for_kvm_ends_with_us(programs: Path, kvm: Path) -> None:
    """However we end: a guest that hangs under KVM would stay for ever."""
    told = programs.parent / "pid"
    os.mkfifo(told)
    path = script(programs / "qemu-system-x86_64", f"echo $$ >{told}\nexec sleep 60")
    with subprocess.Popen([sys.executable, "-c", ASKS, str(kvm), str(path)], cwd=ROOT) as asking:
        process = os.pidfd_open(int(told.read_text()))
        asking.kill()
    try:
        ended, _, _ = select.select([process], [], [], 30)
        if not ended:
            signal.pidfd_send_signal(process, signal.SIGKILL)
        assert ended
    finally:
        os.close(process)


def test_without_dev_kvm_nothing_is_asked(programs: Path, kvm: Path) -> None:
    kvm.unlink()
    assert probe(script(programs / "qemu-system-x86_64", "echo guest runs")) == "tcg"


def test_a_dev_kvm_that_others_own_is_none(programs: Path, kvm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kvm.chmod(stat.S_IRUSR)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert probe(script(programs / "qemu-system-x86_64", "echo guest runs")) == "tcg"


# ---- kernels

RELEASE = "9.9.9-test"


def module(path: Path, depends: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x7fELF\0license=GPL\0depends=" + depends.encode() + b"\0name=x\0")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A kernel in a folder, with every module that a guest wants."""
    made = tmp_path / "kernel"
    (made / "boot").mkdir(parents=True)
    (made / f"boot/vmlinuz-{RELEASE}").write_bytes(b"a kernel")
    modules = made / "usr/lib/modules" / RELEASE
    for line in guest.lines("modules"):
        name = line.removesuffix("?").strip()
        module(modules / f"kernel/{name}.ko", "mdio,dca" if name == "ixgbe" else "")
    module(modules / "kernel/mdio.ko")
    module(modules / "kernel/dca.ko")
    (modules / "modules.builtin").write_text("kernel/x/virtio.ko\n")
    return made


@pytest.fixture
def userland(tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "guest-0"
    made.mkdir()
    (made / "root.cpio").write_bytes(b"userland")
    script(programs / "depmod", "exit 0")
    monkeypatch.setattr(guest, "userland", lambda: made)
    monkeypatch.setattr(guest, "by_loader", lambda *_: [str(programs / "depmod")])
    return made


@pytest.mark.usefixtures("userland")
def test_a_kernel_of_ones_own(tree: Path) -> None:
    made = guest.kernel(str(tree))
    assert made.release == RELEASE
    initrd = made.initrd.read_bytes()
    assert initrd.startswith(b"userland")
    for name in ("ixgbe", "mdio", "dca"):
        assert f"usr/lib/modules/{RELEASE}/kernel/{name}.ko".encode() in initrd


def without(tree: Path, name: str) -> Path:
    (tree / "usr/lib/modules" / RELEASE / f"kernel/{name}.ko").unlink()
    return tree


@pytest.mark.usefixtures("userland")
def test_a_kernel_without_ixgbe_is_named_with_what_to_do(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(CiError) as caught:
        guest.kernel(str(without(tree, "ixgbe")))
    assert RELEASE in str(caught.value)
    assert "no module ixgbe" in str(caught.value)
    assert "CONFIG_IXGBE=m" in str(caught.value)
    assert "--driver none" in str(caught.value)
    assert not list((tmp_path / "cache/ixlab").iterdir())


@pytest.mark.usefixtures("userland")
def test_a_kernel_without_ixgbe_will_do_for_who_does_not_want_it(tree: Path) -> None:
    """The same folder, with and without: two kernels in the cache."""
    whole = guest.kernel(str(tree))
    less = guest.kernel(str(without(tree, "ixgbe")), driver="none")
    assert b"ixgbe.ko" in whole.initrd.read_bytes()
    assert b"ixgbe.ko" not in less.initrd.read_bytes()
    assert b"9p.ko" in less.initrd.read_bytes()


@pytest.mark.usefixtures("userland")
@pytest.mark.parametrize("driver", ["ixgbe", "none"])
def test_a_kernel_that_no_guest_can_do_with(tree: Path, driver: str) -> None:
    with pytest.raises(CiError, match="no module virtio_console"):
        guest.kernel(str(without(tree, "virtio_console")), driver=driver)


@pytest.mark.usefixtures("userland")
def test_a_package_without_ixgbe(tree: Path, tmp_path: Path) -> None:
    without(tree, "ixgbe")
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN/control").write_text(
        "Package: linux-image\nVersion: 1\nArchitecture: amd64\nMaintainer: x <x@y>\nDescription: x\n"
    )
    package = tmp_path / "linux-image.deb"
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", "-Znone", tree, package], check=True, timeout=60)
    with pytest.raises(CiError, match="no module ixgbe"):
        guest.kernel(str(package))
    assert guest.kernel(str(package), driver="ours").release == RELEASE


@pytest.mark.usefixtures("userland")
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda tree: (tree / f"boot/vmlinuz-{RELEASE}").unlink(), "holds no boot/vmlinuz-"),
        (lambda tree: shutil.rmtree(tree / "usr"), f"holds no modules for {RELEASE}"),
    ],
)
def test_a_folder_that_is_no_kernel(tree: Path, spoil: Callable[[Path], object], words: str) -> None:
    spoil(tree)
    with pytest.raises(CiError, match=words):
        guest.kernel(str(tree))


@pytest.mark.usefixtures("userland")
def test_a_file_that_is_no_package(tmp_path: Path) -> None:
    path = tmp_path / "linux.deb"
    path.write_bytes(b"no package " * 100)
    with pytest.raises(CiError, match=r"dpkg-deb.*exited with 2[\s\S]*not a Debian format archive"):
        guest.kernel(str(path))


# ---- the wire


@pytest.mark.parametrize(
    ("there", "words"), [(False, "is not there.*modprobe tun"), (True, "is not open to this user.*sudo")]
)
def test_no_tap_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool, words: str) -> None:
    tun = tmp_path / "tun"
    monkeypatch.setattr(net, "TUN", tun)
    monkeypatch.setattr(os, "access", lambda *_: False)
    if there:
        tun.touch()
    with pytest.raises(CiError, match=f"{tun} {words}") as caught:
        net.need_tun()
    assert caught.value.code == 3
