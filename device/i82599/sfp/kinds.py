# SPDX-License-Identifier: BSD-3-Clause
"""The modules there are by name, and modules made of a file.

Part numbers are those of modules that are sold, except where the vendor is "ixlab".
"""

from collections.abc import Callable, Mapping
from functools import partial

from device.errors import ConfigError
from device.i82599.sfp.dump import module_of
from device.i82599.sfp.module import Module, page_a0, page_a2

FINISAR, AVAGO = bytes.fromhex("009065"), bytes.fromhex("00176a")
_fibre = partial(page_a0, connector=0x07, options=0x1A, diagnostics=0x68, enhanced=0xF0, sff_8472=0x03)
_fibre_1g = partial(_fibre, encoding=0x01, rate=0x0D)
NONE = "none"


def _optic(kind: str, a0: bytes) -> Module:
    return Module(kind, a0, page_a2(), has_laser=True)


def _sr(kind: str) -> Module:
    a0 = _fibre(
        code_10g=0x10, lengths=bytes((0, 0, 8, 2, 0, 30)), vendor="Intel Corp", part="FTLX8571D3BCV-IT",
        serial="IXLAB000001", wavelength=850,
    )  # fmt: skip
    return _optic(kind, a0)


def _lr(kind: str) -> Module:
    a0 = _fibre(
        code_10g=0x20, lengths=bytes((10, 100, 0, 0, 0, 0)), vendor="Intel Corp", part="FTLX1471D3BCV-IT",
        serial="IXLAB000002", wavelength=1310,
    )  # fmt: skip
    return _optic(kind, a0)


def _da(kind: str) -> Module:
    a0 = page_a0(
        cable=0x04, connector=0x21, encoding=0, lengths=bytes((0, 0, 0, 0, 3, 0)), vendor="ixlab", oui=bytes(3),
        part="DAC-3M", serial="IXLAB000003", wavelength=0x0100, options=0,
    )  # fmt: skip
    return Module(kind, a0, None, has_laser=False)


def _da_active(kind: str) -> Module:
    a0 = page_a0(
        cable=0x08, connector=0x21, encoding=0, lengths=bytes((0, 0, 0, 0, 7, 0)), vendor="ixlab", oui=bytes(3),
        part="DAC-A-7M", serial="IXLAB000004", wavelength=0x0400, options=0,
    )  # fmt: skip
    return Module(kind, a0, None, has_laser=False)


def _sr_dual(kind: str) -> Module:
    a0 = _fibre(
        code_10g=0x10, code_1g=0x01, lengths=bytes((0, 0, 8, 2, 0, 30)), vendor="Intel Corp",
        part="AFBR-703SDZ-IN2", serial="IXLAB000005", wavelength=850,
    )  # fmt: skip
    return _optic(kind, a0)


def _lrm(kind: str) -> Module:
    a0 = _fibre(
        code_10g=0x40, lengths=bytes((0, 0, 22, 22, 0, 22)), vendor="FINISAR CORP.", oui=FINISAR,
        part="FTLX1371D3BCL", serial="IXLAB000006", wavelength=1310,
    )  # fmt: skip
    return _optic(kind, a0)


def _ten_t(kind: str) -> Module:
    a0 = page_a0(
        extended=0x16, connector=0x22, lengths=bytes((0, 0, 0, 0, 30, 0)), vendor="ixlab", oui=bytes(3),
        part="SFP-10G-T", serial="IXLAB000007", wavelength=0, options=0x12,
    )  # fmt: skip
    return Module(kind, a0, None, has_laser=True)  # Tx disable holds its PHY in reset


def _sx(kind: str) -> Module:
    a0 = _fibre_1g(
        code_1g=0x01, lengths=bytes((0, 0, 55, 27, 0, 0)), vendor="FINISAR CORP.", oui=FINISAR,
        part="FTLF8519P3BNL", serial="IXLAB000008", wavelength=850,
    )  # fmt: skip
    return _optic(kind, a0)


def _lx(kind: str) -> Module:
    a0 = _fibre_1g(
        code_1g=0x02, lengths=bytes((10, 100, 55, 55, 0, 0)), vendor="FINISAR CORP.", oui=FINISAR,
        part="FTLF1318P3BTL", serial="IXLAB000009", wavelength=1310,
    )  # fmt: skip
    return _optic(kind, a0)


def _bx10(kind: str) -> Module:
    a0 = _fibre_1g(
        code_1g=0x40, lengths=bytes((10, 100, 0, 0, 0, 0)), vendor="ixlab", oui=bytes(3),
        part="BX10-U", serial="IXLAB000010", wavelength=1310,
    )  # fmt: skip
    return _optic(kind, a0)


def _t(kind: str) -> Module:
    a0 = page_a0(
        code_1g=0x08, connector=0x22, encoding=0x01, rate=0x0D, lengths=bytes((0, 0, 0, 0, 100, 0)),
        vendor="FINISAR CORP.", oui=FINISAR, part="FCLF8521P2BTL", serial="IXLAB000011", wavelength=0, options=0x12,
    )  # fmt: skip
    return Module(kind, a0, None, has_laser=True)  # Tx disable holds its PHY in reset


def _foreign(kind: str) -> Module:
    a0 = _fibre(
        code_10g=0x10, lengths=bytes((0, 0, 8, 2, 0, 30)), vendor="AVAGO", oui=AVAGO, part="AFBR-700SDZ",
        serial="IXLAB000012", wavelength=850,
    )  # fmt: skip
    return _optic(kind, a0)


def _qsfp(kind: str) -> Module:
    """A QSFP+ by an adapter: it answers at the same address, with other pages.  Ref: SFF-8636, page 00h."""
    page = bytearray(256)
    page[0:3] = bytes((0x0D, 0x05, 0x02))
    page[128:132] = bytes((0x0D, 0x00, 0x0C, 0x04))  # MPO, 40GBASE-SR4
    page[139:148] = bytes((0x05, 0x67, 0, 0, 50, 0, 0, 0, 0))
    page[148:164] = b"FINISAR CORP".ljust(16)
    page[165:168] = FINISAR
    page[168:186] = b"FTL410QE2C".ljust(16) + b"A "
    page[186:188] = (850 * 20).to_bytes(2, "big")
    page[191] = sum(page[128:191]) % 256
    page[196:220] = b"IXLAB000013".ljust(16) + b"150101  "
    page[223] = sum(page[192:223]) % 256
    return Module(kind, bytes(page), None, has_laser=True)


_MAKERS: Mapping[str, Callable[[str], Module]] = {
    "sr": _sr,
    "lr": _lr,
    "da": _da,
    "da-active": _da_active,
    "sr-dual": _sr_dual,
    "lrm": _lrm,
    "10g-t": _ten_t,
    "sx": _sx,
    "lx": _lx,
    "bx10": _bx10,
    "t": _t,
    "foreign": _foreign,
    "qsfp": _qsfp,
}
KINDS: tuple[str, ...] = (*_MAKERS, NONE)


def make(word: str) -> Module | None:
    """A module by its kind, or of a file; None for "none".

    Args:
        word: One of ``KINDS``, or a file's path, with a slash in it.

    Raises:
        ConfigError: No such kind, no such file, or the file holds no module.
    """
    if word == NONE:
        return None
    if word in _MAKERS:
        return _MAKERS[word](word)
    if "/" not in word:
        raise ConfigError(
            f"SFP kind {word!r} is unknown; choose one of {', '.join(KINDS)}, or a file by a path with a /"
        )
    return module_of(word)
