# SPDX-License-Identifier: BSD-3-Clause
"""SFP+ modules as their two-wire interface shows them: identification page A0h, diagnostics page A2h.

Ref: SFF-8472 rev 12 (both pages, checksums, alarm bits), SFF-8024 (codes), SFF-8431 (the pins).
"""

from collections.abc import Callable

from device.regs.sff import Byte, names, speeds_mbps

PAGE_A0 = 0xA0
PAGE_A2 = 0xA2
CC_BASE, CC_EXT = Byte.CC_BASE, Byte.CC_EXT  # of A2h there is the second only: of 0x00..0x5E
STATUS_CONTROL = 110
ALARMS = 112
WARNINGS = 116
USER_AREA = range(120, 248)
LIVE = range(96, 106)
SOFT_TX_DISABLE = 0x40
HOT = 85 * 256  # above the alarm of every module here
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
    code_10g: int = 0,
    code_1g: int = 0,
    cable: int = 0,
    connector: int,
    encoding: int = 0x06,
    rate: int = 0x67,
    extended: int = 0,
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
        code_10g: Byte 3, 10G Ethernet compliance (0x10 SR, 0x20 LR, 0x40 LRM).
        code_1g: Byte 6, 1G Ethernet compliance (0x01 SX, 0x02 LX, 0x08 T, 0x40 BX10).
        cable: Byte 8, cable technology (0x04 passive, 0x08 active).
        connector: Byte 2 (0x07 LC, 0x21 copper pigtail, 0x22 RJ45).
        encoding: Byte 11 (0x01 is 8B/10B, 0x06 64B/66B).
        rate: Byte 12, nominal rate in 100 MBd.
        extended: Byte 36, extended compliance (0x16 10GBASE-T).
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
    codes = (connector, code_10g, 0, 0, code_1g, 0, cable, 0, 0, encoding, rate, 0)
    page[0:20] = bytes((0x03, 0x04, *codes)) + lengths
    page[20:36] = vendor.ljust(16).encode("ascii")
    page[36] = extended
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


def _words(raw: bytes | bytearray) -> list[int]:
    return [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]


def _signed(value: int, quantity: int) -> int:
    """Only the temperature, the first of the quantities, may be below 0."""
    return value - 0x10000 if quantity == 0 and value >= 0x8000 else value


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

    Args:
        kind: What it is called.
        a0: Its identification page.
        a2: Its diagnostics page, if it has one.
        has_laser: Whether Tx disable means anything to it.
        recorded: Its live values are those of ``a2``; else they are made up.

    Attributes:
        answers_left: After so many bytes it answers no more on its two wires; None: it always does.
        hot: Its temperature is above its alarm; 1 or 0.
    """

    def __init__(self, kind: str, a0: bytes, a2: bytes | None, *, has_laser: bool, recorded: bool = False) -> None:
        self.kind = kind
        self.a0 = bytearray(a0)
        self.a2 = None if a2 is None else bytearray(a2)
        self.has_laser = has_laser
        self.recorded = recorded
        self.answers_left: int | None = None
        self.hot = 0
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
    def names(self) -> list[str]:
        """What it is, in the standards' words."""
        return names(self.a0.__getitem__)

    @property
    def speeds_mbps(self) -> frozenset[int]:
        """At which speeds it runs; 1G optics do not lock at 10G, nor the other way round."""
        return speeds_mbps(self.a0.__getitem__)

    def live(self) -> list[int]:
        """Temperature, supply, bias, transmitted power, received power in A2h units.

        Temperature wanders by a fraction of a degree, so that a watcher sees that it is alive.
        """
        second = self.seconds()
        values = [38 * 256 + 64 + second * 37 % 64, 33000 + second * 7 % 20, 3100, 5623, 5012]
        if self.recorded and self.a2 is not None:
            values = _words(self.a2[LIVE.start : LIVE.stop])
        if self.hot:
            values[0] = HOT
        if not self.sending:
            values[2:4] = (0, 0)
        if not self.rx_light:
            values[4] = 0
        return values

    def _flags(self, high: int, low: int) -> bytes:
        # Two bits a quantity, high first: over, under.
        bits = ""
        for i, value in enumerate(self.live()):
            bound = _words(self.a2[8 * i : 8 * i + 8] if self.a2 is not None else b"")
            over, under = (_signed(value, i) > _signed(bound[high], i), _signed(value, i) < _signed(bound[low], i))
            bits += f"{int(over)}{int(under)}"
        return int(bits.ljust(16, "0"), 2).to_bytes(2, "big")

    def slave(self, address: int) -> Page | None:
        """Who answers at an I2C address, if anybody."""
        answers = self.answers_left != 0 and (address == PAGE_A0 or (address == PAGE_A2 and self.a2 is not None))
        return Page(self, address) if answers else None

    def read(self, page: int, offset: int) -> int:
        """One byte of page 0xA0 or 0xA2 as it is now."""
        if self.answers_left:
            self.answers_left -= 1
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
