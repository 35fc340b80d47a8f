# SPDX-License-Identifier: BSD-3-Clause
"""Modules out of files: bytes, and the text that ethtool prints; the text is typed here as ethtool writes it."""

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from device.errors import ConfigError
from device.i82599.card import Card
from device.i82599.sfp.kinds import make
from device.i82599.sfp.module import Module

File = Callable[[bytes], str]


def pages(kind: str) -> bytes:
    made = make(kind)
    assert made is not None
    return bytes(made.a0) + (bytes(made.a2) if made.a2 is not None else b"")


def text(raw: bytes) -> bytes:
    """Ref: ethtool's dump_hex: a heading, then sixteen bytes a line, each with a space behind it."""
    lines = ["Offset\t\tValues", "------\t\t------"]
    lines += [f"0x{at:04x}:\t\t{raw[at : at + 16].hex(' ')} " for at in range(0, len(raw), 16)]
    return "\n".join(lines).encode() + b"\n"


def module(path: str) -> Module:
    made = make(path)
    assert made is not None
    return made


@pytest.fixture
def file(tmp_path: Path) -> File:
    def write(data: bytes) -> str:
        path = tmp_path / "module"
        path.write_bytes(data)
        return str(path)

    return write


@pytest.mark.parametrize("kind", ["sr", "da", "sx", "bx10", "t", "qsfp"])
@pytest.mark.parametrize(
    "written", [bytes, text, lambda raw: text(raw).replace(b"\n", b"\r\n"), lambda raw: b"\n" + text(raw)]
)
def test_what_was_read_of_a_module_is_one(file: File, kind: str, written: Callable[[bytes], bytes]) -> None:
    raw = pages(kind)
    made = module(file(written(raw)))
    assert bytes(made.a0) == raw[:256]
    assert (b"" if made.a2 is None else bytes(made.a2)) == raw[256:]
    named = make(kind)
    assert named is not None
    assert (made.names, made.speeds_mbps, made.has_laser) == (named.names, named.speeds_mbps, kind != "da")


def test_it_is_called_by_its_path_and_sits_in_the_cage(file: File) -> None:
    path = file(pages("lr"))
    with Card(sfp=path) as nic:
        assert nic.report().card["sfp"] == path
        nic.insert_sfp("sr")
        nic.insert_sfp(path)
        assert nic.report().card["sfp"] == path


@pytest.mark.parametrize("kept", [96, 128])
def test_the_begin_of_a_page_is_filled_up(file: File, kept: int, caplog: pytest.LogCaptureFixture) -> None:
    made = module(file(pages("da")[:kept]))
    assert bytes(made.a0) == pages("da")[:kept].ljust(256, b"\0")
    assert f"{kept} bytes; the rest of page A0h reads 0" in caplog.text


@pytest.mark.parametrize("length", [0, 1, 95, 97, 255, 257, 511, 513, 640, 65537])
def test_other_lengths_are_refused(file: File, length: int) -> None:
    path = file((pages("sr") * 200)[:length])
    with pytest.raises(ConfigError, match=rf"{path}: (more than )?\d+ bytes.*raw on` writes 256 bytes \(A0h\) or 512"):
        make(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda told: told.replace(b"0x0010:", b"0x0020:"), "line 4 begins at 0x0020, wanted 0x0010"),
        (lambda told: told.replace(b"0x0010:", b"0x0010: zz"), "line 4 is '0x0010: zz"),
        (lambda told: told[:600], "bytes of a module"),
        (lambda _told: b"netlink error: Operation not supported\n", "line 1 is 'netlink error: Operation not"),
        (lambda _told: b"\tIdentifier   : 0x03 (SFP)\n", "line 1 is 'Identifier   : 0x03 (SFP)', wanted an offset"),
    ],
)
def test_text_that_is_no_dump(file: File, change: Callable[[bytes], bytes], words: str) -> None:
    path = file(change(text(pages("sr"))))
    with pytest.raises(ConfigError) as refused:
        make(path)
    assert words in str(refused.value)
    assert "`ethtool -m NIC raw on`" in str(refused.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A pipe that nobody writes must not keep the NIC waiting."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    began_s = time.monotonic()
    for path, words in (
        (str(tmp_path / "none"), "No such file"),
        (str(tmp_path), "Is a directory"),
        (str(pipe), "not a plain file"),
        ("/dev/zero", "not a plain file"),
        ("/a\0b", "null"),
    ):
        with pytest.raises(ConfigError, match=words):
            make(path)
    assert time.monotonic() - began_s < 5


def test_wrong_checksums_are_told_and_stay(file: File, caplog: pytest.LogCaptureFixture) -> None:
    raw = bytearray(pages("sr"))
    raw[0x3F] ^= 1
    raw[0x5F] ^= 1
    assert bytes(module(file(bytes(raw))).a0) == raw[:256]
    assert "CC_BASE at 0x3f is" in caplog.text
    assert "CC_EXT at 0x5f is" in caplog.text


def test_a_right_dump_is_taken_without_a_word(file: File, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    module(file(pages("sr")))
    assert caplog.records == []


def test_diagnostics_that_the_file_lacks_are_made_up(file: File, caplog: pytest.LogCaptureFixture) -> None:
    made = module(file(pages("sr")[:256]))
    assert made.a2 is not None
    assert "has no page A2h: one is made up" in caplog.text
    made.rx_light = True
    assert made.live()[0] // 256 == 38


def test_live_values_are_the_files(file: File) -> None:
    """Its alarms come of its own thresholds; what is dark gives no light all the same."""
    raw = bytearray(pages("sr"))
    raw[256 + 96 : 256 + 106] = bytes.fromhex("ff00 8000 0c1c 1388 1388".replace(" ", ""))  # -1 °C …
    raw[256 + 2 : 256 + 4] = bytes.fromhex("0100")  # low alarm at +1 °C
    made = module(file(bytes(raw)))
    assert made.live() == [0xFF00, 0x8000, 0x0C1C, 0x1388, 0]
    made.rx_light = True
    assert made.live()[4] == 0x1388
    assert made.read(0xA2, 112) == 0b01000000  # temperature low
    made.tx_disable = True
    assert made.live()[2:4] == [0, 0]
    assert made.read(0xA2, 112) == 0b01000101


def test_a_stranger_is_told(file: File, caplog: pytest.LogCaptureFixture) -> None:
    module(file(pages("qsfp")))
    assert "the module is a QSFP+; drivers refuse it in an SFP+ cage" in caplog.text
