# SPDX-License-Identifier: BSD-3-Clause
import logging
from pathlib import Path

import pytest

from device.errors import ConfigError
from device.i82599.nvm.image import DEFAULT_MAC, Image, ImageOptions, build, load


def words_of(image: Image) -> list[int]:
    raw = bytes(image.data)
    return [raw[i] | raw[i + 1] << 8 for i in range(0, len(raw), 2)]


def driver_checksum(words: list[int]) -> int:
    """As a driver does it: words 0..0x3E, then each section behind 0x03..0x0E."""
    total = sum(words[:0x3F])
    for pointer in words[0x03:0x0F]:
        if pointer in (0, 0xFFFF):
            continue
        length = words[pointer]
        if length in (0, 0xFFFF):
            continue
        total += sum(words[pointer + 1 : pointer + 1 + length])
    return (0xBABA - total) & 0xFFFF


@pytest.fixture
def image() -> Image:
    return build(ImageOptions(mac=bytes.fromhex("0225907fa1fe")))


def test_checksum_agrees_with_a_second_computation(image: Image) -> None:
    words = words_of(image)
    assert len(words) == 8192
    assert words[0x3F] == driver_checksum(words)
    assert image.checksum_ok


def test_checksum_covers_the_sections(image: Image) -> None:
    image.write(image.read(0x09) + 2, 0x1234)
    assert not image.checksum_ok
    assert image.checksum() == driver_checksum(words_of(image))


def test_words_drivers_need(image: Image) -> None:
    words = words_of(image)
    assert words[0] == 0x0740
    assert words[0x2D] == 0x61C1
    assert words[0x2E] == 0x8000
    assert words[0x2C] == 0x0002  # Intel modules only, cage must be full, and no FCoE: Linux offers none
    assert words_of(build(ImageOptions(caps=0x0081)))[0x2C] == 0x0083
    # firmware version, found as a driver finds it
    assert words[words[words[0x0F] + 4] + 7] > 5
    assert words[words[0x0F] + 2] == 0xFFFF


def test_sfp_list_names_every_module_type(image: Image) -> None:
    words = words_of(image)
    at = words[0x2B] + 1
    found = {}
    while words[at] != 0xFFFF:
        found[words[at]] = words[at + 1]
        at += 2
    assert sorted(found) == [3, 4, 5, 6]
    for data in found.values():
        assert words[data + 1] == 0xFFFF


def test_pba_string_is_big_endian_pairs() -> None:
    words = words_of(build(ImageOptions(pba="E66560-001")))
    assert words[0x15] == 0xFAFA
    block = words[0x16]
    assert words[block] == 6
    assert b"".join(w.to_bytes(2, "big") for w in words[block + 1 : block + 6]) == b"E66560-001"


def test_macs_low_byte_first(image: Image) -> None:
    words = words_of(image)
    core = [words[0x09], words[0x0A]]
    assert [b"".join(w.to_bytes(2, "little") for w in words[c + 1 : c + 4]).hex() for c in core] == [
        "0225907fa1fe",
        "0225907fa1ff",
    ]
    san = words[0x28]
    assert b"".join(w.to_bytes(2, "little") for w in words[san : san + 6]).hex() == "0225907fa2000225907fa201"
    assert image.mac(0) == bytes.fromhex("0225907fa1fe")
    assert image.mac(1) == bytes.fromhex("0225907fa1ff")


def test_set_mac_keeps_a_good_checksum_good_and_a_bad_one_bad(image: Image) -> None:
    assert image.set_mac(bytes.fromhex("021122334455"))
    assert image.checksum_ok
    image.write(0x3F, 0)
    assert image.set_mac(bytes.fromhex("021122334456"))
    assert image.read(0x3F) == 0


def test_no_lan_core_section_no_mac(image: Image) -> None:
    image.write(0x09, 0xFFFF)
    assert image.mac(0) is None
    assert not image.set_mac(DEFAULT_MAC)


def test_pointer_outside_the_image_is_harmless(image: Image) -> None:
    image.write(0x0D, 0x7000)  # beyond 8192 words: reads as an empty section
    image.seal()
    assert image.checksum_ok
    image.write(0x09, 8190)
    assert image.mac(0) is None


def test_beyond_the_image(image: Image) -> None:
    assert image.read(8192) == 0xFFFF
    image.write(8192, 1)
    assert not image.dirty


def test_save_and_load(tmp_path: Path, image: Image, caplog: pytest.LogCaptureFixture) -> None:
    image.write(0x200, 0xCAFE)
    dirty = [image.dirty]
    image.save(tmp_path / "card.nvm")
    assert [*dirty, image.dirty] == [True, False]
    assert bytes(load(tmp_path / "card.nvm").data) == bytes(image.data)
    assert not caplog.records
    assert [p.name for p in tmp_path.iterdir()] == ["card.nvm"]


def test_save_failure_leaves_nothing(tmp_path: Path, image: Image) -> None:
    (tmp_path / "card.nvm").mkdir()
    with pytest.raises(OSError, match=r"card\.nvm"):
        image.save(tmp_path / "card.nvm")
    assert [p.name for p in tmp_path.iterdir()] == ["card.nvm"]


def test_corrupt_checksum_loads_with_a_warning(tmp_path: Path, image: Image, caplog: pytest.LogCaptureFixture) -> None:
    right = image.read(0x3F)
    image.write(0x3F, right ^ 0x0101)
    image.save(tmp_path / "bad.nvm")
    with caplog.at_level(logging.WARNING):
        loaded = load(tmp_path / "bad.nvm")
    assert loaded.read(0x3F) == right ^ 0x0101
    assert f"{right:#06x}" in caplog.text


@pytest.mark.parametrize("size", [0, 1, 16383, 16386, 64, 131072, 12288])
def test_wrong_size_says_so(tmp_path: Path, size: int) -> None:
    path = tmp_path / "short.nvm"
    path.write_bytes(bytes(size))
    with pytest.raises(ConfigError, match=rf"short\.nvm.* {size} bytes.*16384"):
        load(path)


def test_missing_file_and_directory(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "none.nvm")
    with pytest.raises(ConfigError, match="directory"):
        load(tmp_path)


@pytest.mark.parametrize(
    "options",
    [
        ImageOptions(mac=b"\x02"),
        ImageOptions(pba="E66560-0011"),
        ImageOptions(pba="é"),
        ImageOptions(size_code=2),
        ImageOptions(size_code=10),
        ImageOptions(caps=0x10000),
    ],
)
def test_options_that_do_not_fit(options: ImageOptions) -> None:
    with pytest.raises(ConfigError):
        build(options)


@pytest.mark.parametrize("code", range(3, 10))
def test_every_size(code: int) -> None:
    image = build(ImageOptions(size_code=code))
    assert image.words == 1 << (code + 6)
    assert Image(bytes(image.data)).size_code == code
