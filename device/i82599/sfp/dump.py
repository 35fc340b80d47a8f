# SPDX-License-Identifier: BSD-3-Clause
"""A module out of a file: its pages as bytes, or as ``ethtool -m NIC hex on`` prints them.

Ref: SFF-8472 (A0h, then A2h, 256 bytes each); ethtool's hex dump: a heading, then an offset and 16 bytes a line.
"""

import logging
import re

from device.errors import ConfigError
from device.i82599.sfp.module import CC_BASE, CC_EXT, Module, page_a2
from device.machine.plain_file import read_plain
from device.regs.sff import IDENTIFIER_SFP, IDENTIFIERS, PAGE_BYTES, Byte, has_diagnostics, is_cable

log = logging.getLogger(__name__)

FILE_BYTES_MAX = 65536
SHORT_BYTES = (96, 128)  # what SFF-8472 gives a meaning to, and with the vendor's own bytes
RAW = "`ethtool -m NIC raw on` writes 256 bytes (A0h) or 512 (A0h, then A2h), `hex on` prints the same"
LINE = re.compile(rb"0x([0-9a-fA-F]{1,8}):?\s+((?:[0-9a-fA-F]{2}\s*)+)")
HEADING = re.compile(rb"(Offset\s+Values|-[-\s]*)?")
TEXT = frozenset(b"\t\r\n" + bytes(range(0x20, 0x7F)))


def module_of(path: str) -> Module:
    """Make a module of what is in a file.

    Raises:
        ConfigError: There is no such file, or no module in it.
    """
    try:
        data = read_plain(path, FILE_BYTES_MAX)
        return _module(path, _pages(data))
    except OSError as exc:
        raise ConfigError(f"SFP file {path}: {exc.strerror or exc}") from exc
    except ValueError as exc:
        raise ConfigError(f"SFP file {path}: {exc}") from exc


def _pages(data: bytes) -> bytes:
    """Raises ``ValueError`` with what was wanted and what was seen."""
    if len(data) > FILE_BYTES_MAX:
        raise ValueError(f"more than {FILE_BYTES_MAX} bytes; {RAW}")
    raw = _of_text(data) if data and TEXT.issuperset(data) else data
    if len(raw) not in {*SHORT_BYTES, PAGE_BYTES, 2 * PAGE_BYTES}:
        whole = "" if len(raw) in range(2 * PAGE_BYTES) else "; of a QSFP's pages only the first 256 bytes fit here"
        raise ValueError(f"{len(raw)} bytes of a module; {RAW}; 96 and 128 are taken as the begin of A0h{whole}")
    return raw


def _of_text(data: bytes) -> bytes:
    raw = bytearray()
    for number, line in enumerate(data.split(b"\n"), 1):
        words = line.strip()
        if not raw and HEADING.fullmatch(words):
            continue
        if not words:
            continue
        match = LINE.fullmatch(words)
        if match is None:
            raise ValueError(
                f"line {number} is {words[:60].decode()!r}, wanted an offset and bytes such as '0x0000: 03 04 07 …'; "
                f"{RAW}"
            )
        if int(match[1], 16) != len(raw):
            raise ValueError(
                f"line {number} begins at 0x{match[1].decode()}, wanted {len(raw):#06x}: is a line missing? {RAW}"
            )
        raw += bytes.fromhex(match[2].decode())
    return bytes(raw)


def _module(path: str, pages: bytes) -> Module:
    a0, a2 = pages[:PAGE_BYTES].ljust(PAGE_BYTES, b"\0"), pages[PAGE_BYTES:] or None
    kind = a0[Byte.IDENTIFIER]
    if len(pages) < PAGE_BYTES:
        log.warning("%s: %d bytes; the rest of page A0h reads 0", path, len(pages))
    if kind == IDENTIFIER_SFP:
        for at, start in ((CC_BASE, 0), (CC_EXT, CC_BASE + 1)):
            wanted = sum(a0[start:at]) % 256
            if a0[at] != wanted:
                log.warning("%s: %s at %#04x is %#04x, should be %#04x", path, at.name, at, a0[at], wanted)
    else:
        log.warning(
            "%s: the module is a %s; drivers refuse it in an SFP+ cage", path, IDENTIFIERS.get(kind, f"{kind:#04x}")
        )
    recorded = a2 is not None
    if kind == IDENTIFIER_SFP and a2 is None and has_diagnostics(a0.__getitem__):
        log.warning("%s: the module has diagnostics, and the file has no page A2h: one is made up", path)
        a2 = page_a2()
    return Module(path, a0, a2, has_laser=not is_cable(a0.__getitem__), recorded=recorded)
