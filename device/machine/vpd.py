# SPDX-License-Identifier: BSD-3-Clause
"""Vital product data: what PCI's capability reaches four bytes at a time, and how its contents are laid out.

Ref: PCI 2.2, appendix I: tags of resource data, fields with two letters, RV's checksum over all before it.
"""

from collections.abc import Mapping
from typing import Protocol

STRING, READ_ONLY, READ_WRITE, END = 0x82, 0x90, 0x91, 0x78
DWORD_BYTES = 4


class Vpd(Protocol):
    """Where the data is kept."""

    @property
    def present(self) -> bool:
        """Whether there is any; without it the function has no such capability."""

    def read(self, at: int) -> bytes:
        """Four bytes from byte address ``at`` on."""

    def write(self, at: int, data: bytes) -> None:
        """Take four bytes, as far as they may be written."""


def _large(tag: int, data: bytes) -> bytes:
    return bytes((tag,)) + len(data).to_bytes(2, "little") + data


def build(product: str, fields: Mapping[str, str]) -> bytes:
    """Lay out a product's name and its read-only fields, sealed with a checksum.

    Args:
        product: What people call it.
        fields: Keyword of two letters (PN part number, MN manufacturer, SN serial number …) and value.
    """
    body = b"".join(key.encode("ascii") + bytes((len(text),)) + text.encode("ascii") for key, text in fields.items())
    head = _large(STRING, product.encode("ascii")) + _large(READ_ONLY, body + b"RV\x01\x00")[:-1]
    return head + bytes((-sum(head) % 256, END))


def fields(data: bytes) -> dict[str, str]:
    """Read what ``build`` lays out: the product's name as "product", then the fields, as far as the layout holds."""
    found: dict[str, str] = {}
    at = 0
    while at + 3 <= len(data) and data[at] in {STRING, READ_ONLY, READ_WRITE}:
        start, end = at + 3, at + 3 + int.from_bytes(data[at + 1 : at + 3], "little")
        if data[at] == STRING:
            found["product"] = data[start:end].decode("ascii", "replace")
        else:
            inside = start
            while inside + 3 <= min(end, len(data)):
                key, len_bytes = data[inside : inside + 2].decode("ascii", "replace"), data[inside + 2]
                if key not in {"RV", "RW"}:
                    found[key] = data[inside + 3 : inside + 3 + len_bytes].decode("ascii", "replace")
                inside += 3 + len_bytes
        at = end
    return found


def writable(data: bytes) -> range:
    """Byte addresses that software may change: the fields of the read-write tag; none if the layout is broken."""
    at = 0
    while at + 3 <= len(data) and data[at] >= 0x80:
        start, len_bytes = at + 3, int.from_bytes(data[at + 1 : at + 3], "little")
        if start + len_bytes > len(data):
            break
        if data[at] == READ_WRITE:
            return range(start, start + len_bytes)
        at = start + len_bytes
    return range(0)
