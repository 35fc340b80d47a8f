# SPDX-License-Identifier: BSD-3-Clause
"""An expansion ROM that does nothing.  Ref: PCI firmware specification, PCI data structure of 24 bytes."""

import struct

PCIR_AT = 0x1C


def image(units: int, *, vendor: int = 0x8086, device: int = 0x10FB, code: int = 0, last: bool = True) -> bytes:
    """One image.

    Args:
        units: Its length in 512 bytes, as it says; it has room for its head in any case.
        vendor: Whose card it is for.
        device: Which one.
        code: 0 for a BIOS, 3 for UEFI.
        last: Whether no other follows.
    """
    data = bytearray(max(512 * units, 0x40))
    # A BIOS calls offset 3: a far return.
    data[0:4] = bytes((0x55, 0xAA, units % 256, 0xCB))
    struct.pack_into("<H", data, 0x18, PCIR_AT)
    data[PCIR_AT : PCIR_AT + 24] = struct.pack(
        "<4sHHHHB3sHHBBH", b"PCIR", vendor, device, 0, 24, 0, b"\x00\x00\x02", units, 1, code, 0x80 * last, 0
    )
    data[-1] = -sum(data) % 256
    return bytes(data)
