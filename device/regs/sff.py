# SPDX-License-Identifier: BSD-3-Clause
"""What the identification page of a module says, by SFF-8472's offsets and codes, and what it is called.

Ref: SFF-8472 rev 12 (address A0h), SFF-8024 (identifiers, connectors, extended codes), SFF-8636 (QSFP's page 00h).
"""

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum, IntFlag

Read = Callable[[int], int]
PAGE_A0, PAGE_A2 = 0xA0, 0xA2  # I2C addresses
PAGE_BYTES = 256
ASCII = range(0x20, 0x7F)


class Byte(IntEnum):
    """Offsets in page A0h."""

    IDENTIFIER       = 0x00
    CONNECTOR        = 0x02
    CODE_10G         = 0x03
    CODE_1G          = 0x06
    CABLE_TECHNOLOGY = 0x08
    RATE             = 0x0C     # nominal, 100 MBd
    EXTENDED_CODE    = 0x24
    OUI              = 0x25
    CABLE_SPEC       = 0x3C
    CC_BASE          = 0x3F     # sum of 0x00..0x3E
    DIAGNOSTICS      = 0x5C
    SFF_8472         = 0x5E
    CC_EXT           = 0x5F     # sum of 0x40..0x5E


class Comp10g(IntFlag):
    """10G Ethernet compliance codes."""

    SR  = 0x10
    LR  = 0x20
    LRM = 0x40
    ER  = 0x80


class Comp1g(IntFlag):
    """1G Ethernet compliance codes."""

    SX   = 0x01
    LX   = 0x02
    CX   = 0x04
    T    = 0x08
    BX10 = 0x40


class Cable(IntFlag):
    """Cable technology."""

    PASSIVE = 0x04
    ACTIVE  = 0x08


class CableSpec(IntFlag):
    """Active cables: what they conform to."""

    LIMITING = 0x04


class Diagnostics(IntFlag):
    """Diagnostic monitoring type."""

    ADDRESS_CHANGE = 0x04
    IMPLEMENTED    = 0x40


IDENTIFIER_SFP = 0x03
RATE_1G = 0x0D  # 1.25 GBd, rounded up
RATE_10G_MIN = 0x63  # 9.9 GBd: what a 10G serial lane may be called at least
IDENTIFIERS: Mapping[int, str] = {
    0x01: "GBIC", 0x02: "soldered module", IDENTIFIER_SFP: "SFP/SFP+", 0x06: "XFP", 0x0B: "DWDM SFP", 0x0C: "QSFP",
    0x0D: "QSFP+", 0x11: "QSFP28", 0x18: "QSFP-DD", 0x19: "OSFP", 0x1E: "QSFP+ with CMIS",
}  # fmt: skip
QSFP = frozenset({0x0C, 0x0D, 0x11})  # these keep SFF-8636's pages
BASE_T: Mapping[int, str] = {0x16: "10GBASE-T", 0x1C: "10GBASE-T short reach", 0x1D: "5GBASE-T", 0x1E: "2.5GBASE-T"}
OUIS: Mapping[str, str] = {"004076": "Tyco", "009065": "Finisar", "00176a": "Avago", "001b21": "Intel"}


# Where a page says who made the module; QSFPs have it elsewhere.
_SFP_TEXTS = {
    "vendor": range(20, 36), "oui": range(37, 40), "part": range(40, 56), "revision": range(56, 60),
    "serial": range(68, 84), "date": range(84, 92),
}  # fmt: skip
_QSFP_TEXTS = {
    "vendor": range(148, 164), "oui": range(165, 168), "part": range(168, 184), "revision": range(184, 186),
    "serial": range(196, 212), "date": range(212, 220),
}  # fmt: skip


def texts(identifier: int) -> Mapping[str, range]:
    """Offsets of vendor, oui, part, revision, serial and date in the page of such a module."""
    return _QSFP_TEXTS if identifier in QSFP else _SFP_TEXTS


def names(read: Read) -> list[str]:
    """What a module can be, in the standards' words; none if its page names nothing known.

    Args:
        read: Returns the byte at an offset of page A0h; only those that matter are asked for.
    """
    identifier = read(Byte.IDENTIFIER)
    if identifier != IDENTIFIER_SFP:
        return [IDENTIFIERS.get(identifier, f"module of kind {identifier:#04x}")]
    found = []
    cable, code_10g, code_1g = read(Byte.CABLE_TECHNOLOGY), read(Byte.CODE_10G), read(Byte.CODE_1G)
    if cable & Cable.PASSIVE:
        found.append("passive direct attach")
    elif cable & Cable.ACTIVE:
        limiting = read(Byte.CABLE_SPEC) & CableSpec.LIMITING
        found.append("active direct attach (limiting)" if limiting else "active direct attach")
    found += [f"10GBASE-{code.name}" for code in Comp10g if code_10g & code]
    base_t = BASE_T.get(read(Byte.EXTENDED_CODE))
    found += [base_t] if base_t else []
    return found + [f"1000BASE-{code.name}" for code in Comp1g if code_1g & code]


def is_cable(read: Read) -> bool:
    """Whether the module is the end of a cable: it has no laser, and any vendor's is driven."""
    return bool(read(Byte.CABLE_TECHNOLOGY) & (Cable.PASSIVE | Cable.ACTIVE))


def has_diagnostics(read: Read) -> bool:
    """Whether page A2h is there and can be read at an address of its own."""
    kind = Diagnostics(read(Byte.DIAGNOSTICS))
    return Diagnostics.IMPLEMENTED in kind and Diagnostics.ADDRESS_CHANGE not in kind


def speeds_mbps(read: Read) -> frozenset[int]:
    """At which speeds the module's lane runs: 10,000, 1,000, both, or none that an SFP+ cage has."""
    if read(Byte.IDENTIFIER) != IDENTIFIER_SFP:
        return frozenset()
    ten = read(Byte.CODE_10G) & sum(Comp10g) or is_cable(read) or read(Byte.RATE) >= RATE_10G_MIN
    one = read(Byte.CODE_1G) & sum(Comp1g)
    return frozenset({10_000} if ten else ()) | frozenset({1_000} if one else ())


def text(raw: Sequence[int]) -> str:
    """A text field of a page, as people may see it."""
    return "".join(chr(byte) if byte in ASCII else "?" for byte in raw).strip()
