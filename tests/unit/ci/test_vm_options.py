# SPDX-License-Identifier: BSD-3-Clause
"""What ``ci vm`` takes and tells, without a guest."""

import struct
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from ci import complaints, junit, own_kernel, vm_step
from ci.command_line import parse
from ci.nic import Nic
from ci.say import CiError
from ci.talk import Message


@pytest.mark.parametrize("text", ["512M", "4G", "64G"])
def test_memory_as_qemu_spells_it(text: str) -> None:
    assert parse(["vm", "--memory", text]).memory == text


@pytest.mark.parametrize("text", ["", "0G", "1", "1T", "1.5G", "-1G", "1G,slots=2"])
def test_other_memory_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["vm", f"--memory={text}"])
    assert caught.value.code == 2
    assert "such as 512M or 4G" in capsys.readouterr().err


def test_what_only_makes_sense_with_a_command_is_refused_without(tmp_path: Path) -> None:
    with pytest.raises(CiError, match="no such folder"):
        vm_step.main(parse(["vm", "--run", "true", "--share", str(tmp_path / "none")]))
    with pytest.raises(CiError, match="--junit"):
        vm_step.main(parse(["vm", "--run", "true", "--junit", str(tmp_path / "none" / "x.xml")]))


@pytest.mark.parametrize(("word", "told"), [("on", None), ("off", True)])
def test_posted_writes_are_qemus_own_unless_turned_off(word: str, told: bool | None) -> None:
    nic = Nic.__new__(Nic)  # no device is started
    nic.number, nic.socket = 1, Path("/tmp/nic.sock")
    nic.options = vm_step.nic_of(parse(["vm", "--posted", word]))
    assert nic.arguments().get("x-no-posted-writes") is told


def test_a_shared_folder_may_have_a_comma(tmp_path: Path) -> None:
    folder = tmp_path / "a,b"
    folder.mkdir()
    assert f"path={tmp_path}/a,,b," in vm_step.shared(folder)[1]


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("WARNING: CPU: 0 PID: 77 at drivers/net/ethernet/intel/ixgbe/ixgbe_main.c:1 x+0x1/0x2", True),
        ("BUG: kernel NULL pointer dereference, address: 0000000000000008", True),
        ("kernel BUG at mm/slub.c:500!", True),
        ("BUG: KASAN: use-after-free in x", True),
        ("UBSAN: array-index-out-of-bounds in x", True),
        ("Oops: 0000 [#1] PREEMPT SMP", True),
        ("[    5.1] WARNING: CPU: 1 PID: 1 at x", True),
        ("ixgbe 0000:01:00.0: WARNING: in a line of its own words", False),
        ("user program said BUG: no", False),
        ("DMAR: VT-d Scalable Mode not enabled, no PASID allocation", False),
    ],
)
def test_a_kernels_report_of_a_bug_is_known_by_how_it_begins(text: str, bad: bool) -> None:
    assert bool(complaints.fatal([Message(6, text)])) == bad


def test_junit_tells_the_command_and_the_kernel(tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    junit.write(path, "ls <&>\x00", 3, 1.5, "out\x1b[1m ]]> é\n", ["WARNING: CPU: 0", "more"])
    suite = ET.parse(path).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "2")
    first, second = suite.findall("testcase")
    assert first.get("name", "").startswith("ls <&>")
    assert "]]> é" in (first.findtext("system-out") or "")
    found = first.find("failure")
    assert found is not None
    assert found.get("message") == "exit code 3"
    found = second.find("failure")
    assert found is not None
    assert found.get("message") == "WARNING: CPU: 0"
    junit.write(path, "true", 0, 1.5, "begin " + "x" * junit.OUTPUT_MOST_CHARS, [])
    suite = ET.parse(path).getroot()
    assert suite.get("failures") == "0"
    assert suite.findtext("testcase/system-out") == "x" * junit.OUTPUT_MOST_CHARS, "of a long one the end"


# ---- kernels of one's own


def bzimage(path: Path, version: bytes = b"6.99.0-mine (me@here) #1 SMP\0") -> Path:
    data = bytearray(0x1000)
    data[own_kernel.MAGIC_OFFSET : own_kernel.MAGIC_OFFSET + 4] = own_kernel.MAGIC
    data[own_kernel.VERSION_OFFSET : own_kernel.VERSION_OFFSET + 2] = struct.pack("<H", 0x600)
    data[0x800 : 0x800 + len(version)] = version
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_a_bzimage_is_known_and_says_its_release(tmp_path: Path) -> None:
    image = bzimage(tmp_path / "bzImage")
    (tmp_path / "x.deb").write_bytes(b"!<arch>\n")
    assert own_kernel.is_image(image)
    assert not own_kernel.is_image(tmp_path / "x.deb")
    own_kernel.stage_image(image, tmp_path / "tree", ["ixgbe", "dca?"])
    assert (tmp_path / "tree/boot/vmlinuz-6.99.0-mine").read_bytes() == image.read_bytes()
    built_in = (tmp_path / "tree/lib/modules/6.99.0-mine/modules.builtin").read_text()
    assert built_in == "kernel/ixgbe.ko\nkernel/dca.ko\n"


@pytest.mark.parametrize("version", [b"\0", b"../../etc (x)\0"])
def test_an_image_without_a_release_is_refused(tmp_path: Path, version: bytes) -> None:
    with pytest.raises(CiError, match="does not say its release"):
        own_kernel.release_of(bzimage(tmp_path / "bzImage", version))


def test_a_build_tree_brings_its_modules(tmp_path: Path) -> None:
    tree = tmp_path / "linux"
    bzimage(tree / own_kernel.IMAGE)
    assert own_kernel.is_build_tree(tree)
    module = tree / "drivers/net/ethernet/intel/ixgbe/ixgbe.ko"
    module.parent.mkdir(parents=True)
    module.write_bytes(b"ELF")
    (tree / "include/config").mkdir(parents=True)
    (tree / "include/config/kernel.release").write_text("6.99.0-mine+\n")
    with pytest.raises(CiError, match=r"no modules\.builtin"):
        own_kernel.stage_build(tree, tmp_path / "half")
    (tree / "modules.builtin").write_text("kernel/fs/9p/9p.ko\n")
    own_kernel.stage_build(tree, tmp_path / "laid")
    base = tmp_path / "laid/lib/modules/6.99.0-mine+"
    assert (base / "kernel/drivers/net/ethernet/intel/ixgbe/ixgbe.ko").read_bytes() == b"ELF"
    assert (base / "modules.builtin").read_text() == "kernel/fs/9p/9p.ko\n"


@pytest.mark.parametrize("words", [["--vf", "-1"], ["--vf", "63"], ["--vf", "two"], ["--pf", "stock"]])
def test_virtual_functions_there_cannot_be(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["vm", *words])
    assert caught.value.code == 2
    assert words[1] in capsys.readouterr().err


def test_virtual_functions_that_contradict() -> None:
    with pytest.raises(CiError, match="each virtual function once"):
        vm_step.main(parse(["vm", "--run", "true", "--vf", "1", "--vf", "1"]))
    with pytest.raises(CiError, match="--driver ixgbevf"):
        vm_step.main(parse(["vm", "--run", "true", "--vf", "1", "--driver", "ixgbe"]))
