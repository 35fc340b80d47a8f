# SPDX-License-Identifier: BSD-3-Clause
"""Sums: published vectors first, then the twin."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.utils import checksum as scapy_checksum

from device.machine.core import lib
from tests.twins import csum as twin

# RFC 3720 B.4; the RFC prints the bytes as they go out, least significant first.
ISCSI_READ = bytes.fromhex(
    "01c00000 00000000 00000000 00000000 14000000 00000400 00000014 00000018 28000000 00000000 02000000 00000000"
)
CRC32C_VECTORS = [
    (bytes(32), 0x8A9136AA),
    (b"\xff" * 32, 0x62A8AB43),
    (bytes(range(32)), 0x46DD794E),
    (bytes(range(31, -1, -1)), 0x113FDB5C),
    (ISCSI_READ, 0xD9963A56),
    (b"123456789", 0xE3069283),
    (b"", 0),
]


@pytest.mark.parametrize(("data", "crc"), CRC32C_VECTORS)
def test_crc32c_has_the_published_values(data: bytes, crc: int) -> None:
    assert lib.crc32c(data, len(data)) == crc
    assert twin.crc(data, twin.CRC32C) == crc


def test_rfc1071_example() -> None:
    data = bytes.fromhex("0001f203f4f5f6f7")
    assert lib.csum_fold(lib.csum_add(0, data, len(data))) == 0xDDF2 ^ 0xFFFF
    assert twin.rfc1071(data) == 0xDDF2


@given(st.binary(max_size=2000))
def test_checksum_agrees_with_scapy_and_the_twin(data: bytes) -> None:
    ours = lib.csum_fold(lib.csum_add(0, data, len(data)))
    assert ours == twin.checksum(data)
    assert ours in (scapy_checksum(data), 0xFFFF if not any(data) else ours)


@given(st.lists(st.binary(max_size=64).map(lambda b: b + b), max_size=8), st.binary(max_size=65))
def test_sum_of_pieces_is_the_sum_of_the_whole(pieces: list[bytes], last: bytes) -> None:
    total = 0
    for piece in [*pieces, last]:
        total = lib.csum_add(total, piece, len(piece))
    whole = b"".join(pieces) + last
    assert lib.csum_fold(total) == lib.csum_fold(lib.csum_add(0, whole, len(whole)))


def test_sum_of_a_large_buffer_does_not_overflow() -> None:
    data = b"\xff" * 262144
    assert lib.csum_fold(lib.csum_add(0xFFFFFFFF, data, len(data))) == 0


@given(st.binary(min_size=2, max_size=200).map(lambda b: b[: len(b) // 2 * 2]))
def test_a_stored_checksum_verifies(data: bytes) -> None:
    check = lib.csum_fold(lib.csum_add(0, data, len(data)))
    signed = data + check.to_bytes(2, "big")
    assert lib.csum_fold(lib.csum_add(0, signed, len(signed))) == 0


@given(st.binary(max_size=300))
def test_crcs_agree_with_zlib_and_the_twin(data: bytes) -> None:
    assert lib.crc32_fcs(data, len(data)) == zlib.crc32(data)
    assert lib.crc32c(data, len(data)) == twin.crc(data, twin.CRC32C)
