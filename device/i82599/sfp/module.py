# SPDX-License-Identifier: BSD-3-Clause
"""SFP+ modules as their two-wire interface shows them: identification page A0h, diagnostics page A2h.

Ref: SFF-8472 rev 12 (both pages, checksums, alarm bits), SFF-8024 (codes), SFF-8431 (the pins).
"""

from collections.abc import Callable

from device.errors import ConfigError

KINDS = ("sr", "lr", "da", "none")
PAGE_A0 = 0xA0
PAGE_A2 = 0xA2
CC_BASE = 0x3F  # sum of 0x00..0x3E
CC_EXT = 0x5F  # sum of 0x40..0x5E; A2h: of 0x00..0x5E
STATUS_CONTROL = 110
ALARMS = 112
WARNINGS = 116
USER_AREA = range(120, 248)
LIVE = range(96, 106)
SOFT_TX_DISABLE = 0x40
INTEL_OUI = bytes.fromhex("001b21")

# Thresholds, in A2h units: high alarm, low alarm, high warning, low warning.
# Temperature 1/256 °C, supply 100 µV, bias 2 µA, transmitted and received power 0.1 µW.
THRESHOLDS = (
    (78 * 256, (-13 * 256) % 0x10000, 73 * 256, (-8 * 256) % 0x10000),
    (37000, 29000, 36000, 30000),
    (6000, 1000, 5500, 1500),
    (10000, 1000, 7943, 1585),
    (10000, 100, 7943, 158),
)


def page_a0(  # every argument is a field of the page
    *,
    code_10g: int,
    cable: int = 0,
    connector: int,
    encoding: int = 0x06,
    lengths: bytes,
    vendor: str,
    oui: bytes = INTEL_OUI,
    part: str,
    revision: str = "A",
    serial: str,
    wavelength: int,
    options: int,
    diagnostics: int = 0,
    enhanced: int = 0,
    sff_8472: int = 0,
) -> bytes:
    """Build an identification page with right checksums.

    Args:
        code_10g: Byte 3, 10G Ethernet compliance (0x10 SR, 0x20 LR).
        cable: Byte 8, cable technology (0x04 passive, 0x08 active).
        connector: Byte 2 (0x07 LC, 0x21 copper pigtail).
        encoding: Byte 11 (0x06 is 64B/66B).
        lengths: Bytes 14..19, link lengths.
        vendor: Bytes 20..35.
        oui: Bytes 37..39.
        part: Bytes 40..55.
        revision: Bytes 56..59.
        serial: Bytes 68..83.
        wavelength: Bytes 60..61, nm (for cables: compliance).
        options: Byte 65, which optional pins work.
        diagnostics: Byte 92, diagnostics type.
        enhanced: Byte 93, enhanced options.
        sff_8472: Byte 94, revision obeyed; 0: no diagnostics.
    """
    page = bytearray(256)
    page[0:20] = bytes((0x03, 0x04, connector, code_10g, 0, 0, 0, 0, cable, 0, 0, encoding, 0x67, 0)) + lengths
    page[20:36] = vendor.ljust(16).encode("ascii")
    page[37:40] = oui
    page[40:56] = part.ljust(16).encode("ascii")
    page[56:60] = revision.ljust(4).encode("ascii")
    page[60:62] = wavelength.to_bytes(2, "big")
    page[65] = options
    page[68:84] = serial.ljust(16).encode("ascii")
    page[84:92] = b"150101  "
    page[92:95] = bytes((diagnostics, enhanced, sff_8472))
    seal_a0(page)
    return bytes(page)


def seal_a0(page: bytearray) -> None:
    """Write both checksums of an identification page."""
    page[CC_BASE] = sum(page[:CC_BASE]) % 256
    page[CC_EXT] = sum(page[64:CC_EXT]) % 256


def page_a2() -> bytes:
    """Build a diagnostics page: thresholds and unity calibration; the live bytes are filled in when read."""
    page = bytearray(256)
    page[0:40] = b"".join(value.to_bytes(2, "big") for row in THRESHOLDS for value in row)
    page[68:72] = bytes.fromhex("3f800000")  # Rx power slope 1.0, IEEE 754
    for slope in (76, 80, 84, 88):
        page[slope : slope + 2] = b"\x01\x00"  # 1.0 in 8.8 fixed point
    page[CC_EXT] = sum(page[:CC_EXT]) % 256
    return bytes(page)


class Page:
    """One bus address of a module, as the I2C bus asks for it."""

    def __init__(self, module: "Module", page: int) -> None:
        self.module = module
        self.page = page

    def read(self, offset: int) -> int:
        """The byte at ``offset`` as it is now."""
        return self.module.read(self.page, offset)

    def write(self, offset: int, value: int) -> None:
        """Take a byte."""
        self.module.write(self.page, offset, value)


class Module:
    """A plugged module: its pages, and the pins that the card drives and reads.

    ``tx_disable`` is the pin that the card drives; ``rx_light`` says whether the other end sends light. A cable
    without a laser ignores the first.
    """

    def __init__(self, kind: str, a0: bytes, a2: bytes | None, *, has_laser: bool) -> None:
        self.kind = kind
        self.a0 = bytearray(a0)
        self.a2 = None if a2 is None else bytearray(a2)
        self.has_laser = has_laser
        self.tx_disable = False
        self.rx_light = False
        self.seconds: Callable[[], int] = int  # clock of the live values; the cage sets it

    @property
    def soft_tx_disable(self) -> bool:
        """Whether software switched the laser off over the two-wire interface (A2h byte 110 bit 6)."""
        return self.a2 is not None and self.a2[STATUS_CONTROL] // SOFT_TX_DISABLE % 2 == 1

    @property
    def sending(self) -> bool:
        """Whether the other end can see us."""
        return not (self.has_laser and (self.tx_disable or self.soft_tx_disable))

    @property
    def one_gigabit(self) -> bool:
        """Whether it can run at 1 Gb/s (A0h byte 6 names a 1G type)."""
        return self.a0[6] != 0

    def live(self) -> list[int]:
        """Temperature, supply, bias, transmitted power, received power in A2h units.

        Temperature wanders by a fraction of a degree, so that a watcher sees that it is alive.
        """
        second = self.seconds()
        temperature = 38 * 256 + 64 + second * 37 % 64
        return [
            temperature,
            33000 + second * 7 % 20,
            3100 if self.sending else 0,
            5623 if self.sending else 0,
            5012 if self.rx_light else 0,
        ]

    def _flags(self, high: int, low: int) -> bytes:
        # Two bits a quantity, high first: over, under.
        bits = ""
        for i, value in enumerate(self.live()):
            signed = value - 0x10000 if i == 0 and value >= 0x8000 else value
            bound = [v - 0x10000 if i == 0 and v >= 0x8000 else v for v in THRESHOLDS[i]]
            bits += f"{int(signed > bound[high])}{int(signed < bound[low])}"
        return int(bits.ljust(16, "0"), 2).to_bytes(2, "big")

    def slave(self, address: int) -> Page | None:
        """Who answers at an I2C address, if anybody."""
        answers = address == PAGE_A0 or (address == PAGE_A2 and self.a2 is not None)
        return Page(self, address) if answers else None

    def read(self, page: int, offset: int) -> int:
        """One byte of page 0xA0 or 0xA2 as it is now."""
        if page == PAGE_A0 or self.a2 is None:
            return self.a0[offset]
        if offset in LIVE:
            return b"".join(value.to_bytes(2, "big") for value in self.live())[offset - LIVE.start]
        if offset == STATUS_CONTROL:
            # bit 7 Tx disable pin, 6 soft Tx disable, 1 loss of signal, others 0
            return int(f"{int(self.tx_disable)}{int(self.soft_tx_disable)}0000{int(not self.rx_light)}0", 2)
        if offset in {ALARMS, ALARMS + 1}:
            return self._flags(0, 1)[offset - ALARMS]
        if offset in {WARNINGS, WARNINGS + 1}:
            return self._flags(2, 3)[offset - WARNINGS]
        return self.a2[offset]

    def write(self, page: int, offset: int, value: int) -> None:
        """Take a byte. Only the diagnostics page's control byte and user area can be changed without a password."""
        if page == PAGE_A2 and self.a2 is not None and (offset in USER_AREA or offset == STATUS_CONTROL):
            self.a2[offset] = value


def make(kind: str) -> Module | None:
    """A module of ``kind``: sr, lr, da; None for "none".

    Raises:
        ConfigError: No such kind.
    """
    match kind:
        case "none":
            return None
        case "sr":
            a0 = page_a0(
                code_10g=0x10, connector=0x07, lengths=bytes((0, 0, 8, 2, 0, 30)), vendor="Intel Corp",
                part="FTLX8571D3BCV-IT", serial="IXLAB000001", wavelength=850, options=0x1A,
                diagnostics=0x68, enhanced=0xF0, sff_8472=0x03,
            )  # fmt: skip
            return Module(kind, a0, page_a2(), has_laser=True)
        case "lr":
            a0 = page_a0(
                code_10g=0x20, connector=0x07, lengths=bytes((10, 100, 0, 0, 0, 0)), vendor="Intel Corp",
                part="FTLX1471D3BCV-IT", serial="IXLAB000002", wavelength=1310, options=0x1A,
                diagnostics=0x68, enhanced=0xF0, sff_8472=0x03,
            )  # fmt: skip
            return Module(kind, a0, page_a2(), has_laser=True)
        case "da":
            a0 = page_a0(
                code_10g=0, cable=0x04, connector=0x21, encoding=0, lengths=bytes((0, 0, 0, 0, 3, 0)), vendor="ixlab",
                oui=bytes(3), part="DAC-3M", serial="IXLAB000003", wavelength=0x0100, options=0,
            )  # fmt: skip
            return Module(kind, a0, None, has_laser=False)
        case _:
            raise ConfigError(f"SFP kind {kind!r} is unknown; choose one of {', '.join(KINDS)}")
