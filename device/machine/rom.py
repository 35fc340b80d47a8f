# SPDX-License-Identifier: BSD-3-Clause
"""An expansion ROM out of a file, looked at as firmware looks at it.

Ref: PCI firmware specification: 55 aa, the pointer at 0x18 to the PCI data structure, images of 512-byte units.
"""

import logging
from pathlib import Path

from device.errors import ConfigError
from device.machine.plain_file import read_plain

log = logging.getLogger(__name__)

ROM_BYTES_MIN, ROM_BYTES_MAX = 2048, 1 << 24  # what a ROM BAR can say
SIGNATURE, PCIR = b"\x55\xaa", b"PCIR"
UNIT_BYTES = 512
PCIR_AT, PCIR_BYTES = 0x18, 0x18
VENDOR, LENGTH, CODE, INDICATOR = 0x04, 0x10, 0x14, 0x15  # in the PCI data structure
LAST, X86 = 0x80, 0
ERASED = b"\xff"


def load(path: Path, vendor: int, device: int) -> bytes:
    """Read a ROM and fill it up to the power of two that its BAR covers.

    Args:
        path: The file.
        vendor: Whose function it is for, as its images should say.
        device: Which one.

    Raises:
        ConfigError: It cannot be read, or holds no ROM.
    """
    try:
        data = read_plain(path, ROM_BYTES_MAX)
    except OSError as exc:
        raise ConfigError(f"ROM file {path}: {exc.strerror or exc}") from exc
    try:
        _check(path, data, (vendor, device))
    except ValueError as exc:
        raise ConfigError(f"ROM file {path}: {exc}") from exc
    size = ROM_BYTES_MIN
    while size < len(data):
        size *= 2
    return data.ljust(size, ERASED)


def _check(path: Path, data: bytes, ids: tuple[int, int]) -> None:
    if len(data) > ROM_BYTES_MAX:
        raise ValueError(f"more than {ROM_BYTES_MAX} bytes; a ROM BAR cannot be larger")
    at = number = 0
    more = True
    while more:
        at, more = at + _image(path, data, at, f"image {number} at {at:#x}", ids), not _is_last(data, at)
        number += 1
    log.info("%s: %d ROM image%s, %d bytes", path, number, "s" * (number != 1), len(data))


def _data_structure(data: bytes, at: int) -> int:
    return at + int.from_bytes(data[at + PCIR_AT : at + PCIR_AT + 2], "little")


def _is_last(data: bytes, at: int) -> bool:
    return data[_data_structure(data, at) + INDICATOR] >= LAST


def _image(path: Path, data: bytes, at: int, name: str, ids: tuple[int, int]) -> int:
    """Length of the image at ``at`` in bytes; raises ``ValueError`` if there is none."""
    if data[at : at + 2] != SIGNATURE:
        seen = data[at : at + 2].hex(" ") or "nothing"
        raise ValueError(f"{name} begins with {seen}, not with 55 aa; is it an expansion ROM, and all of it?")
    pcir = _data_structure(data, at)
    if at + PCIR_AT + 2 > len(data) or pcir + PCIR_BYTES > len(data):
        raise ValueError(f"{name} ends in the middle of its head, after {len(data) - at} bytes; is it cut?")
    if data[pcir : pcir + 4] != PCIR:
        seen = data[pcir : pcir + 4].hex(" ")
        raise ValueError(f"{name}: at {pcir:#x}, where its word 0x18 points, there is {seen}, not PCIR")
    len_bytes = UNIT_BYTES * int.from_bytes(data[pcir + LENGTH : pcir + LENGTH + 2], "little")
    if not 0 < len_bytes <= len(data) - at:
        raise ValueError(f"{name} says that it is {len_bytes} bytes long, and {len(data) - at} are there; is it cut?")
    words = data[pcir + VENDOR : pcir + VENDOR + 4]
    seen_ids = (int.from_bytes(words[:2], "little"), int.from_bytes(words[2:], "little"))
    if seen_ids != ids:
        log.warning(
            "%s: %s is for %04x:%04x, the card is %04x:%04x; firmware does not run it", path, name, *seen_ids, *ids
        )
    if data[pcir + CODE] == X86 and sum(data[at : at + len_bytes]) % 256:
        log.warning("%s: %s does not sum up to 0; a BIOS does not run it", path, name)
    return len_bytes
