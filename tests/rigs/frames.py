# SPDX-License-Identifier: BSD-3-Clause
"""Frames that say their number; needs nothing of the device."""

ETHERTYPE = b"\x88\xb5"
BROADCAST = b"\xff" * 6
PEER = bytes.fromhex("020000000001")


def frame(n: int, len_bytes: int = 100, *, dst: bytes = BROADCAST) -> bytes:
    """A frame that says its number."""
    return (dst + PEER + ETHERTYPE + n.to_bytes(4, "big")).ljust(len_bytes, bytes([n % 251]))
