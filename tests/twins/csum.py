# SPDX-License-Identifier: BSD-3-Clause
"""Twin of device/machine/csum.c: the same sums, bit by bit and word by word."""

CRC32C = 0x82F63B78
FCS = 0xEDB88320


def rfc1071(data: bytes, start: int = 0) -> int:
    """Ones' complement sum of big-endian words, folded, not complemented."""
    total = start
    for i in range(0, len(data), 2):
        total += int.from_bytes(data[i : i + 2].ljust(2, b"\0"), "big")
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def checksum(data: bytes, start: int = 0) -> int:
    """The checksum as it is stored."""
    return rfc1071(data, start) ^ 0xFFFF


def crc(data: bytes, polynomial: int) -> int:
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (polynomial if register & 1 else 0)
    return register ^ 0xFFFFFFFF
