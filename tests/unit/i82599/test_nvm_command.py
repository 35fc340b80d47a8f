# SPDX-License-Identifier: BSD-3-Clause
"""``python -m device.nvm``: images to order, and what one holds."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from device.i82599.nvm import decode, wishes
from device.i82599.nvm.image import Image, ImageOptions, build, load
from device.nvm import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "nvm.bin"


def made(path: Path, *options: str) -> dict[str, Any]:
    assert main(["make", str(path), *options]) == 0
    return decode.plain(load(path))


# ---- make ----------------------------------------------------------------------------------------------------------


def test_without_wishes_it_is_the_image_that_every_card_has(path: Path) -> None:
    made(path)
    assert path.read_bytes() == bytes(build().data)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (["--mac", "02:00:00:00:00:07"], {"mac0": "02:00:00:00:00:07", "mac1": "02:00:00:00:00:08"}),
        (["--mac", "01:00:5e:00:00:01"], {"mac0": "01:00:5e:00:00:01"}),
        (["--san-mac", "02:00:00:00:01:00"], {"san_mac0": "02:00:00:00:01:00", "san_mac1": "02:00:00:00:01:01"}),
        (["--pba", "G12345-007"], {"pba": "G12345-007", "pba_kind": "string"}),
        (["--pba-legacy", "E66560-001"], {"pba": "E66560-001", "pba_kind": "legacy"}),
        (["--sfp", "none"], {"sfp": None}),
        (["--no-signature"], {"signature": False}),
        (["--etrack", "0x80001234"], {"etrack": 0x80001234}),
        (["--etrack", "0x12345678"], {"etrack": 0x12345678}),
        (["--firmware-version", "5"], {"firmware": 5}),
        (["--firmware-version", "none"], {"firmware": None}),
        (["--oem-version", "1.2.a"], {"oem": "1.2.a"}),
        (["--boot-rom-version", "2.300.4"], {"boot_rom": "2.300.4"}),
        (["--words", "1024"], {"words": 1024}),
    ],
)
def test_a_wish_comes_true_under_a_right_checksum(path: Path, options: list[str], wanted: dict[str, Any]) -> None:
    seen = made(path, *options)
    assert {name: seen[name] for name in wanted} == wanted
    assert seen["checksum"]["ok"]


def test_the_list_of_modules_and_their_words(path: Path) -> None:
    listed = made(path, "--sfp", "3:0x1,2", "--sfp", "5")["sfp"]
    assert [(each["id"], each["corectl"]) for each in listed] == [(3, [1, 2]), (5, [])]


def test_what_a_board_allows_and_wakes(path: Path) -> None:
    caps = made(path, "--any-sfp", "--no-crosstalk", "--wake", "port0")["caps"]
    assert caps == {
        "word": 0x8B, "any_sfp": True, "no_fcoe": True, "wake_on_lan": "port 0", "no_crosstalk_fix": True
    }  # fmt: skip


def test_any_word_and_any_checksum(path: Path) -> None:
    assert made(path, "--word", "0x60=0x1234", "--word", "0x61=7")["checksum"]["ok"]
    assert (load(path).read(0x60), load(path).read(0x61)) == (0x1234, 7)
    for asked, word in (("bad", None), ("0x1234", 0x1234)):
        seen = made(path, "--force", "--checksum", asked)["checksum"]
        assert not seen["ok"]
        assert word is None or seen["word"] == word


def test_it_is_written_whole_or_not_at_all(path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    path.write_bytes(b"old")
    assert main(["make", str(path)]) == 1
    assert "is there already" in capsys.readouterr().err
    assert path.read_bytes() == b"old"

    def full(_fd: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        assert main(["make", str(path), "--force"]) == 1
    assert "No space left on device; nothing was written" in capsys.readouterr().err
    assert path.read_bytes() == b"old"
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert main(["make", str(path), "--force"]) == 0
    assert load(path).checksum_ok


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--mac", "02:00"], 2, "'02:00' is not six bytes like 02:00:00:82:59:90"),
        (["--pba", "A PART NUMBER THAT IS TOO LONG"], 1, "must have 1 to 10 ASCII characters"),
        (["--pba-legacy", "E66560"], 1, "'E66560': give six hexadecimal digits, -0 and two more: E66560-001"),
        (["--pba", "A", "--pba-legacy", "E66560-001"], 2, "contradict each other"),
        (["--sfp", "none", "--sfp", "5"], 2, "contradict each other"),
        (["--sfp", "five"], 2, "'five' is not a number: give one such as 12 or 0x2b"),
        (["--sfp", "70000"], 1, "module kind 70000 is out of range: give 0 to 65534"),
        (["--sfp", "5:0xFFFF"], 1, "module 5: 0xffff is no word for CORECTL"),
        (["--sfp", "5:" + ",".join("1" for _ in range(200))], 1, "give fewer modules or words"),
        (["--etrack", "0x100000000"], 1, "eTrack id 4294967296 is out of range"),
        (["--etrack", "0x1234A678"], 1, "is read as 0xa6781234: set its bit 31, or leave its bit 15 clear"),
        (["--firmware-version", "new"], 2, "'new' is not a number"),
        (["--firmware-version", "70000"], 1, "firmware version 70000 is out of range: give 0 to 65535"),
        (["--oem-version", "1.2"], 2, "'1.2': give three hexadecimal numbers with dots"),
        (["--oem-version", "100.0.1"], 1, "OEM version 256 is out of range: give 0 to 255"),
        (["--boot-rom-version", "a.b.c"], 2, "give three numbers with dots, such as 1.2.3"),
        (["--checksum", "fine"], 2, "'fine' is not a number"),
        (["--checksum", "65536"], 1, "checksum 65536 is out of range"),
        (["--word", "5"], 2, "'5': give WORD=VALUE, such as 0x2c=0x0081"),
        (["--word", "0x3f=1"], 1, "word 0x3f is the checksum: ask for it by --checksum"),
        (["--word", "9000=1"], 1, "word address 9000 is out of range: give 0 to 8191"),
        (["--word", "5=65536"], 1, "65536 is out of range"),
        (["--words", "7"], 2, "'7' is not one of"),
    ],
)
def test_a_wish_that_cannot_be_says_what_can(
    path: Path, capsys: Capture, options: list[str], code: int, words: str
) -> None:
    assert main(["make", str(path), *options]) == code
    assert words in " ".join(capsys.readouterr().err.split())
    assert not path.exists()


# ---- show ----------------------------------------------------------------------------------------------------------


def test_it_is_shown_to_people_in_80_columns(path: Path, capsys: Capture) -> None:
    made(path, "--checksum", "bad", "--firmware-version", "5", "--mac", "00:00:00:00:00:00")
    capsys.readouterr()
    assert main(["show", str(path)]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    for words in ("drivers refuse", "pre-production", "zero", "IXLAB0-001 (string)", "0x800061c1", "8192 words"):
        assert words in text, words


def test_it_is_shown_to_programs(path: Path, capsys: Capture) -> None:
    made(path)
    capsys.readouterr()
    assert main(["show", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == decode.plain(build())


@pytest.mark.parametrize("data", [b"\xff" * 1024, bytes(1024), bytes(range(256)) * 64])
def test_an_image_of_nonsense_is_shown_all_the_same(path: Path, capsys: Capture, data: bytes) -> None:
    path.write_bytes(data)
    assert main(["show", str(path)]) == 0
    assert "drivers refuse" in capsys.readouterr().out


def test_what_is_no_image_is_exit_code_1(path: Path, capsys: Capture) -> None:
    assert main(["show", str(path)]) == 1
    assert "No such file or directory" in capsys.readouterr().err
    path.write_bytes(b"short")
    assert main(["show", str(path)]) == 1
    assert "5 bytes long" in capsys.readouterr().err


# ---- as drivers read it --------------------------------------------------------------------------------------------


def test_a_list_of_modules_without_an_end_ends() -> None:
    image = Image(bytes(1024))
    image.write(0x2B, 0x40)
    assert len(decode.sfp_list(image) or []) == decode.SFP_MAX


def test_the_builders_image_has_room_for_every_wish() -> None:
    image = wishes.make(
        wishes.Wishes(ImageOptions(size_code=3), oem_version=(1, 2, 3), boot_rom_version=(1, 2, 3), sfp={5: [1]})
    )
    usual = decode.plain(build(ImageOptions(size_code=3)))
    seen = decode.plain(image)
    assert {name for name in usual if usual[name] != seen[name]} == {"boot_rom", "oem", "sfp", "checksum"}
    assert seen["checksum"]["ok"]
