# SPDX-License-Identifier: BSD-3-Clause
"""Captures whose numbers are wrong or unusual, one at a time; libpcap says the same of each."""

import struct
from pathlib import Path

import pytest

from device.errors import ConfigError
from device.machine.wire.capture import HEADER_BYTES, Capture
from tests.unit.machine.test_capture import FRAMES, TIMES_S, block, classic, option, pcapng, played, times_ns, with_fcs

VERSION_AT, SNAPLEN_AT, LINK_TYPE_AT = 4, 16, 20  # of a classic file
CAPLEN, LENGTH = HEADER_BYTES + 8, HEADER_BYTES + 12  # of its first record
SECTION_BYTES, SECTION_VERSION_AT = 28, 12
LONGEST = 262144
TSOFFSET, FCSLEN = 14, 13


def with_word(data: bytes, at: int, value: int, form: str = "<I") -> bytes:
    changed = bytearray(data)
    struct.pack_into(form, changed, at, value)
    return bytes(changed)


def by_hand(frames: list[bytes], order: str = ">") -> bytes:
    """A classic file in microseconds, of a machine that scapy is not on."""
    header = struct.pack(order + "IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, LONGEST, 1)
    heads = [struct.pack(order + "IIII", 7, n, len(frame), len(frame)) for n, frame in enumerate(frames)]
    return header + b"".join(head + frame for head, frame in zip(heads, frames, strict=True))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "in"


@pytest.mark.parametrize("link_type", [0, 2, 113, 0xFFFF])
def test_only_ethernet_is_played(path: Path, link_type: int) -> None:
    with pytest.raises(ConfigError, match=f"link type {link_type} at offset 20 is not Ethernet"):
        Capture(classic(path, link_type=link_type))
    path.write_bytes(with_word(pcapng(), SECTION_BYTES + 8, link_type, "<H"))
    with pytest.raises(ConfigError, match=f"link type {link_type}, not Ethernet"):
        Capture(path)


@pytest.mark.parametrize("major", [0, 1, 3])
def test_other_formats_are_refused(path: Path, major: int) -> None:
    path.write_bytes(with_word(classic(path).read_bytes(), VERSION_AT, major, "<H"))
    with pytest.raises(ConfigError, match=f"format version {major} at offset 4"):
        Capture(path)


@pytest.mark.parametrize(("major", "minor", "taken"), [(1, 0, True), (1, 2, True), (1, 1, False), (2, 0, False)])
def test_other_formats_of_sections_are_refused(path: Path, major: int, minor: int, taken: bool) -> None:
    path.write_bytes(with_word(pcapng(), SECTION_VERSION_AT, major | minor << 16))
    if taken:
        assert played(path) == FRAMES
    else:
        with pytest.raises(ConfigError, match=f"format version {major}.{minor} at offset 12"):
            Capture(path)


def test_more_of_a_frame_than_the_files_snaplen_is_not_played(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.write_bytes(with_word(classic(path).read_bytes(), SNAPLEN_AT, 100))
    assert played(path) == [frame[:100].ljust(len(frame), b"\0") for frame in FRAMES]
    assert any("padded" in line for line in caplog.messages)


def test_a_frame_that_was_shorter_than_what_is_kept_is_all_of_that(path: Path) -> None:
    path.write_bytes(with_word(classic(path).read_bytes(), LENGTH, 10))
    assert played(path) == FRAMES
    path.write_bytes(with_word(classic(path, [with_fcs(frame) for frame in FRAMES]).read_bytes(), LENGTH, 10))
    assert played(path) == FRAMES, "an FCS is taken off its end"


@pytest.mark.parametrize("cut", [3, 1000])
def test_what_is_torn_at_the_end_is_not_there_any_more(path: Path, cut: int) -> None:
    """What the port in C walks through is whole from end to end."""
    path.write_bytes(classic(path).read_bytes()[:-cut])
    assert len(times_ns(path)) == Capture(path).records < len(FRAMES)
    assert played(path) == FRAMES[: Capture(path).records]


def test_a_file_of_the_other_byte_order_that_has_to_be_made_anew(path: Path) -> None:
    path.write_bytes(by_hand(FRAMES)[:-1])
    assert played(path) == FRAMES[:-1]
    assert times_ns(path) == [7 * 10**9 + n * 1000 for n in range(len(FRAMES) - 1)]


def test_four_zeros_are_no_fcs_of_nothing(path: Path) -> None:
    path.write_bytes(by_hand([bytes(4)] * 3))
    assert Capture(path).data == path.read_bytes()


def test_a_frame_longer_than_any_is_refused(path: Path) -> None:
    whole = classic(path).read_bytes()
    for at, words in ((CAPLEN, "and a frame has at most 262144"), (LENGTH, "a frame of 262145 bytes")):
        path.write_bytes(with_word(whole, at, LONGEST + 1))
        with pytest.raises(ConfigError, match=words):
            Capture(path)


@pytest.mark.parametrize(
    ("length", "again", "words"),
    [
        (34, 34, "cannot have a length of 34"),
        (8, 8, "cannot have a length of 8"),
        (20 << 20, 20 << 20, "cannot have a length of"),
        (36, 32, "a length of 36, and of 32 at its end"),
    ],
)
def test_a_block_whose_length_cannot_be(path: Path, length: int, again: int, words: str) -> None:
    body = struct.pack("<II", 0xBAD, length) + bytes(max(0, min(length, 64) - 12)) + struct.pack("<I", again)
    path.write_bytes(pcapng() + body)
    with pytest.raises(ConfigError, match=words):
        Capture(path)


def test_interfaces_that_differ_in_fcs_are_refused(path: Path) -> None:
    other = block(1, struct.pack("<HHI", 1, 0, 0) + option(FCSLEN, b"\4") + bytes(4))
    path.write_bytes(pcapng() + other)
    with pytest.raises(ConfigError, match="differ in snaplen or FCS"):
        Capture(path)


def test_a_frame_longer_than_its_interfaces_snaplen_is_refused(path: Path) -> None:
    path.write_bytes(pcapng().replace(struct.pack("<HHI", 1, 0, 0), struct.pack("<HHI", 1, 0, 64)))
    with pytest.raises(ConfigError, match="at most 64"):
        Capture(path)


@pytest.mark.parametrize(("offset_s", "first_s"), [(9, TIMES_S[0] + 9), (-9, TIMES_S[0] - 9), (-(2**40), 0)])
def test_an_interface_has_an_offset_of_time(path: Path, offset_s: int, first_s: float) -> None:
    """Before 1970 there is no time that a classic file could tell."""
    path.write_bytes(pcapng(options=option(TSOFFSET, struct.pack("<q", offset_s))))
    assert times_ns(path)[0] == int(first_s) * 10**9


def test_each_section_has_its_byte_order(path: Path) -> None:
    path.write_bytes(pcapng("<") + pcapng(">") + pcapng("<"))
    assert played(path) == FRAMES * 3
