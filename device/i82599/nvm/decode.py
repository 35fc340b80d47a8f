# SPDX-License-Identifier: BSD-3-Clause
"""What an NVM image says, in words: as a driver would find it, and as people and programs read it.

Ref: 82599 datasheet, NVM map; ixgbe for the words that drivers follow to others.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from device.i82599.nvm.image import EMPTY, NO_FCOE, PBA_IS_STRING, Image, Word
from device.machine import vpd

UNSET = frozenset({0, EMPTY})
VERSION_MIN = 6  # below, drivers speak of a pre-production part
PBA_WORDS_MAX = 6  # more does not fit a driver's buffer
BOOT_ROM_LOW, BOOT_ROM_HIGH = 0x83, 0x84
OEM_WORDS = 3
ETRACK_SWAPPED = 0x8000
ANY_SFP, WAKE, NO_CROSSTALK = 0x1, 0xC, 0x80
WAKES = {0x0: "none", 0x4: "both ports", 0x8: "port 0", 0xC: "both ports and port 0"}
VPD_BYTES = 256
SFP_MAX = 64  # a list without an end is not followed for ever
SFP_NAMES = {3: "cable, port 0", 4: "cable, port 1", 5: "optics, port 0", 6: "optics, port 1"}


@dataclass(frozen=True)
class Fact:
    """One thing that an image says.

    Attributes:
        name: What it is.
        words: Where it stands.
        value: As plain data.
        text: In words, with what follows from it.
    """

    name: str
    words: str
    value: Any
    text: str


def version_at(image: Image) -> int | None:
    """Word address of the firmware's version, which drivers look at; None when nothing points there.

    Ref: ixgbe_verify_fw_version_82599: word 0x0F, its word 4, then that block's word 7.
    """
    module = image.read(Word.FIRMWARE)
    block = EMPTY if module in UNSET else image.read(module + 4)
    return None if block in UNSET or block + 7 >= image.words else block + 7


def pba(image: Image) -> tuple[str, str]:
    """The part number and how it is written: ``string``, ``legacy``, or ``none`` where drivers say "Unknown".

    Ref: ixgbe_read_pba_string_generic.
    """
    flag, pointer = image.read(Word.PBA_FLAG), image.read(Word.PBA_POINTER)
    if flag != PBA_IS_STRING:
        digits = f"{flag:04X}{pointer:04X}"
        return f"{digits[:6]}-0{digits[6:]}", "legacy"
    length = EMPTY if pointer in UNSET else image.read(pointer)
    if not 1 < length <= PBA_WORDS_MAX:
        return "", "none"
    raw = b"".join(image.read(pointer + 1 + n).to_bytes(2, "big") for n in range(length - 1))
    return raw.decode("ascii", "replace").rstrip("\0 "), "string"


def etrack(image: Image) -> int:
    """The image's id.  Ref: ixgbe_get_etk_id."""
    low, high = image.read(Word.VERSION_LOW), image.read(Word.VERSION_HIGH)
    return high << 16 | low if high & ETRACK_SWAPPED else low << 16 | high


def oem_version(image: Image) -> str:
    """The version that the card's maker gave it, hexadecimal; "" if there is none.  Ref: ixgbe_get_oem_prod_version."""
    at = image.read(Word.OEM)
    if at in UNSET or image.read(at) != OEM_WORDS or image.read(at + 1) % 16:
        return ""
    version, release = image.read(at + 2), image.read(at + 3)
    return (
        ""
        if EMPTY in {version, release} or not version | release
        else f"{version >> 8:x}.{version % 256:x}.{release:x}"
    )


def boot_rom_version(image: Image) -> str:
    """The boot ROM's version; "" if there is none.  Ref: ixgbe_get_orom_version."""
    at = image.read(Word.BOOT_ROM)
    if at in UNSET:
        return ""
    low, high = image.read(at + BOOT_ROM_LOW), image.read(at + BOOT_ROM_HIGH)
    return "" if EMPTY in {low, high} or not low | high else f"{low >> 8}.{(low % 256) << 8 | high >> 8}.{high % 256}"


def sfp_list(image: Image) -> list[dict[str, Any]] | None:
    """By kind of module, the words for CORECTL; None: there is no list.

    Ref: ixgbe_get_sfp_init_sequence_offsets.
    """
    at = image.read(Word.SFP_LIST)
    if at in UNSET:
        return None
    found = []
    for entry in range(at + 1, at + 1 + 2 * SFP_MAX, 2):
        if (kind := image.read(entry)) == EMPTY:
            break
        data, words = image.read(entry + 1), []
        if data not in UNSET:
            for word in range(data + 1, image.words):
                if image.read(word) == EMPTY:
                    break
                words.append(image.read(word))
        found.append({"id": kind, "for": SFP_NAMES.get(kind, "a kind that no driver asks for"), "corectl": words})
    return found


def _san_mac(image: Image, port: int) -> str:
    at = image.read(Word.SAN_MAC)
    start = 2 * (at + 3 * port)
    return "" if at in UNSET or at + 6 > image.words else image.data[start : start + 6].hex(":")


def _show_mac(mac: bytes | None) -> str:
    return "" if mac is None else mac.hex(":")


def _judged(mac: str) -> str:
    if not mac:
        return "none: the card's own, or --mac"
    raw = bytes.fromhex(mac.replace(":", ""))
    wrong = "multicast" if raw[0] % 2 else "" if any(raw) else "zero"
    return f"{mac} ({wrong}: drivers refuse it)" if wrong else mac


def facts(image: Image) -> Iterator[Fact]:
    """What ``image`` says, in the order of its words."""
    signed = image.has_signature
    yield Fact("words", "", image.words, f"{image.words} words, {len(image.data)} bytes")
    yield Fact(
        *("signature", "0x00", signed),
        f"{image.read(0):#06x}: " + ("bits 7:6 are 01" if signed else "bits 7:6 are not 01, EEC.PRES is 0: bit by bit"),
    )
    for port in range(2):
        mac = _show_mac(image.mac(port))
        yield Fact(f"mac{port}", f"{Word.LAN_CORE_0 + port:#04x} ->", mac, _judged(mac))
    version, at = None, version_at(image)
    if at is not None:
        version = image.read(at)
    old = version is None or version < VERSION_MIN
    yield Fact(
        *("firmware", "0x0f ->", version),
        ("no version" if version is None else f"version {version}") + (": drivers say pre-production" if old else ""),
    )
    number, kind = pba(image)
    yield Fact(*("pba", "0x15, 0x16", number), f"{number} ({kind})" if number else "Unknown: no string that fits")
    yield Fact("pba_kind", "0x15", kind, kind)
    for name, word, text in (("boot_rom", "0x17 ->", boot_rom_version(image)), ("oem", "0x1b ->", oem_version(image))):
        yield Fact(name, word, text, text or "none")
    for port in range(2):
        mac = _san_mac(image, port)
        yield Fact(f"san_mac{port}", "0x28 ->", mac, mac or "none")
    listed = sfp_list(image)
    yield Fact(
        "sfp", "0x2b ->", listed, "no list: drivers refuse every module" if listed is None else _show_sfp(listed)
    )
    caps = image.read(Word.DEVICE_CAPS)
    value = {
        "word": caps,
        "any_sfp": bool(caps & ANY_SFP),
        "no_fcoe": bool(caps & NO_FCOE),
        "wake_on_lan": WAKES[caps & WAKE],
        "no_crosstalk_fix": bool(caps & NO_CROSSTALK),
    }
    sfps = "any vendor's modules" if caps & ANY_SFP else "Intel's modules only"
    yield Fact("caps", "0x2c", value, f"{caps:#06x}: {sfps}, wake on LAN {WAKES[caps & WAKE]}")
    yield Fact("etrack", "0x2d, 0x2e", etrack(image), f"{etrack(image):#010x}, as `ethtool -i` shows it")
    start = image.read(Word.VPD)
    product = {} if start in UNSET else vpd.fields(bytes(image.data[2 * start : 2 * start + VPD_BYTES]))
    yield Fact("vpd", "0x2f ->", product, ", ".join(f"{key} {text}" for key, text in product.items()) or "none")
    have, want = image.read(Word.CHECKSUM), image.checksum()
    yield Fact(
        *("checksum", "0x3f", {"word": have, "wanted": want, "ok": have == want}),
        f"{have:#06x}, right" if have == want else f"{have:#06x} is wrong, {want:#06x} is wanted: drivers refuse",
    )


def _show_sfp(listed: list[dict[str, Any]]) -> str:
    return "; ".join(
        f"{each['id']} ({each['for']})" + ("".join(f" {word:#06x}" for word in each["corectl"])) for each in listed
    )


def plain(image: Image) -> dict[str, Any]:
    """The same as plain data, by name."""
    return {fact.name: fact.value for fact in facts(image)}
