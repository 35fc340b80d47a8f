# SPDX-License-Identifier: BSD-3-Clause
"""Reading the NVM: through EERD, or bit by bit through EEC when the chip sees no valid image.

Words are 16 bits.  Nothing is cached: the NVM can be changed under us by ``ethtool -E`` of another system.
"""

import errno
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from device.regs.i82599 import EEC, EERD
from driver.errors import ProbeError
from driver.ixgbe.hw.common import Common
from driver.ixgbe.hw.swfw import Resource, SwFw

log = logging.getLogger(__name__)

WORD_MAX = 0x10000
EMPTY = frozenset({0, 0xFFFF})

CHECKSUM_WORD = 0x3F
CHECKSUM_SUM = 0xBABA
POINTER_WORDS = range(0x03, 0x0F)
FW_POINTER = 0x0F
PBA_WORDS = (0x15, 0x16)
PBA_GUARD = 0xFAFA
PBA_WORDS_MAX = 6
BOOT_ROM_POINTER = 0x17
BOOT_ROM_LOW, BOOT_ROM_HIGH = 0x83, 0x84
OEM_POINTER = 0x1B
OEM_WORDS = 3
SAN_POINTER = 0x28
SFP_LIST = 0x2B
DEVICE_CAPS = 0x2C
ETRACK_LOW = 0x2D
ETRACK_HIGH = 0x2E
ETRACK_SWAPPED = 0x8000

EERD_TIMEOUT_S = 0.5
GRANT_TRIES = 1000
SPI_READY_TRIES = 5000
SPI_READ = 0x03
SPI_READ_UPPER = 0x0B
SPI_RDSR = 0x05
SPI_DELAY_US = 1


@dataclass(frozen=True, slots=True)
class DeviceCaps:
    """Word 0x2C."""

    word: int

    def _bit(self, number: int) -> bool:
        return bool(self.word // 2**number % 2)

    @property
    def allow_any_sfp(self) -> bool:
        """Modules of any vendor may be driven."""
        return self._bit(0)

    @property
    def no_crosstalk_workaround(self) -> bool:
        """Link need not be doubted while the module-present pin reads 0."""
        return self._bit(7)


class Eeprom:
    """The NVM of one card."""

    def __init__(self, hw: Common, swfw: SwFw) -> None:
        """EERD until ``select`` says otherwise."""
        self.hw = hw
        self.swfw = swfw
        self.words = 0
        self.address_bits = 16
        self.read: Callable[[int], int] = self.read_eerd

    @property
    def bit_bang(self) -> bool:
        """Whether words are read bit by bit."""
        return self.read == self.read_bit_bang

    def select(self) -> EEC:
        """Look at EEC and choose how to read.

        Ref: ixgbe_probe: bit 8 (PRES) 0 means that the chip found no valid image, and EERD cannot be trusted.
        """
        eec = self.hw.bar.read(EEC)
        self.words = 2 ** (eec.SIZE + 6)
        self.address_bits = 16 if eec.ADDR_SIZE else 8
        self.read = self.read_eerd if eec.PRES else self.read_bit_bang
        return eec

    def read_eerd(self, word: int) -> int:
        """Read one word through EERD.

        Raises:
            TimeoutError: DONE never came.
        """
        bar = self.hw.bar
        bar.write(EERD, EERD.of(ADDR=word, START=1))
        return bar.wait(EERD, timeout_s=EERD_TIMEOUT_S, DONE=1).DATA

    def read_bit_bang(self, word: int) -> int:
        """Read one word over the SPI wires.

        Raises:
            TimeoutError: The chip never grants the wires, or the part stays busy.

        Ref: 82599 datasheet, EEPROM bit-banging; opcodes are those of SPI EEPROMs.
        """
        with self.swfw.held(Resource.EEP):
            self._request()
            try:
                self._ready()
                opcode = SPI_READ_UPPER if self.address_bits == 8 and word >= 128 else SPI_READ
                self._standby()
                self._shift_out(opcode, 8)
                self._shift_out(word * 2 % 2**self.address_bits, self.address_bits)
                low, high = self._shift_in(8), self._shift_in(8)
            finally:
                self._pins(CS=1, SK=0)
                self.hw.bar.update(EEC, REQ=0)
        return int.from_bytes(bytes((low, high)), "little")

    def _request(self) -> None:
        bar = self.hw.bar
        bar.update(EEC, REQ=1)
        for _ in range(GRANT_TRIES):
            if bar.read(EEC).GNT:
                break
            self.hw.clock.delay_us(5)
        else:
            bar.update(EEC, REQ=0)
            raise TimeoutError("EEC: GNT still 0 after REQ: the chip does not let us at its EEPROM")
        self._pins(CS=0, SK=0)

    def _pins(self, **pins: int) -> None:
        self.hw.bar.update(EEC, **pins)
        self.hw.clock.delay_us(SPI_DELAY_US)

    def _standby(self) -> None:
        """End a command and begin the next: chip select up and down."""
        self._pins(CS=1)
        self._pins(CS=0)

    def _ready(self) -> None:
        """Wait until the part has finished writing."""
        for _ in range(SPI_READY_TRIES):
            self._standby()
            self._shift_out(SPI_RDSR, 8)
            if self._shift_in(8) % 2 == 0:
                return
            self.hw.clock.delay_us(5)
        raise TimeoutError("SPI EEPROM: still busy writing")

    def _shift_out(self, value: int, bits: int) -> None:
        """Most significant bit first; the part samples on the rising clock."""
        for digit in f"{value:0{bits}b}":
            self._pins(DI=int(digit))
            self._pins(SK=1)
            self._pins(SK=0)
        self._pins(DI=0)

    def _shift_in(self, bits: int) -> int:
        value = 0
        for _ in range(bits):
            self._pins(SK=1)
            value = value * 2 + self.hw.bar.read(EEC).DO
            self._pins(SK=0)
        return value

    def checksum(self) -> int:
        """What word 0x3F should hold.

        Ref: ixgbe_calc_eeprom_checksum_generic: words 0..0x3E and the sections that words 3..0x0E point to.
        """
        total = sum(self.read(word) for word in range(CHECKSUM_WORD))
        for word in POINTER_WORDS:
            pointer = self.read(word)
            if pointer in EMPTY:
                continue
            length = self.read(pointer)
            # a length that runs out of the part is as wrong as a bad sum, and the sum will say so
            if length in EMPTY:
                continue
            last = min(pointer + length, max(self.words - 1, pointer))
            total += sum(self.read(at) for at in range(pointer + 1, last + 1))
        return (CHECKSUM_SUM - total) % WORD_MAX

    def validate_checksum(self) -> int:
        """Check the sum and return it.

        Raises:
            ProbeError: EIO, it is wrong or cannot be read.
        """
        try:
            self.read(0)
            want, found = self.checksum(), self.read(CHECKSUM_WORD)
        except TimeoutError as err:
            raise ProbeError(errno.EIO, f"the EEPROM cannot be read: {err}") from err
        if want != found:
            raise ProbeError(
                errno.EIO,
                f"the EEPROM checksum is not valid: word 0x3f is {found:#06x}, the contents want {want:#06x}; "
                "restore the image (device: --nvm FILE)",
            )
        return found

    def pba(self) -> str:
        """The board's part number, "Unknown" if there is none that fits.

        Ref: ixgbe_read_pba_string_generic.
        """
        guard, pointer = (self.read(word) for word in PBA_WORDS)
        if guard != PBA_GUARD:
            digits = f"{guard:04X}{pointer:04X}"
            return f"{digits[:6]}-0{digits[6:]}"
        if pointer in EMPTY:
            return "Unknown"
        length = self.read(pointer)
        if length in EMPTY or not 1 < length <= PBA_WORDS_MAX:
            return "Unknown"
        raw = b"".join(self.read(pointer + 1 + n).to_bytes(2, "big") for n in range(length - 1))
        return raw.decode("ascii", "replace").rstrip("\0 ")

    def device_caps(self) -> DeviceCaps:
        """What this board allows (word 0x2C)."""
        return DeviceCaps(self.read(DEVICE_CAPS))

    def etrack(self) -> str:
        """The eTrack id: 0x and eight digits."""
        low, high = self.read(ETRACK_LOW), self.read(ETRACK_HIGH)
        if high < ETRACK_SWAPPED:
            high, low = low, high
        return f"0x{high:04x}{low:04x}"

    def oem_version(self) -> str:
        """The version that the card's maker gave it, empty if there is none.

        Ref: ixgbe_get_oem_prod_version: word 0x1B points to length, capabilities, version, release.
        """
        at = self.read(OEM_POINTER)
        if at in EMPTY:
            return ""
        length, capabilities = self.read(at), self.read(at + 1)
        if length != OEM_WORDS or capabilities % 16:
            return ""
        version, release = self.read(at + 2), self.read(at + 3)
        if 0xFFFF in {version, release} or not version | release:
            return ""
        return f"{version // 256:x}.{version % 256:x}.{release:x}"

    def boot_rom_version(self) -> str:
        """The version of the boot ROM that stands in the NVM, empty if there is none.

        Ref: ixgbe_get_orom_version: major in the first byte of its two words, build in the next two, patch in the last.
        """
        at = self.read(BOOT_ROM_POINTER)
        if at in EMPTY:
            return ""
        high, low = self.read(at + BOOT_ROM_HIGH), self.read(at + BOOT_ROM_LOW)
        if 0xFFFF in {low, high} or not low | high:
            return ""
        return f"{low // 256}.{low % 256 * 256 + high // 256}.{high % 256}"

    def version(self) -> str:
        """The firmware version as ``ethtool -i`` shows it: the maker's own, else the eTrack id and the boot ROM's.

        Ref: ixgbe_set_fw_version.
        """
        if maker := self.oem_version():
            return maker
        return ", ".join(filter(None, (self.etrack(), self.boot_rom_version())))

    def san_address(self) -> bytes | None:
        """The card's address for storage traffic, None if there is none.

        Ref: ixgbe_get_san_mac_addr_generic: word 0x28 points to three words for each of two ports.
        """
        at = self.read(SAN_POINTER)
        if at in EMPTY:
            return None
        self.hw.set_lan_id()
        words = (self.read(at + 3 * self.hw.function + n) for n in range(3))
        return b"".join(word.to_bytes(2, "little") for word in words)

    def sfp_init_at(self, sfp_id: int) -> int:
        """Where the words are that have to be written to CORECTL for a module of kind ``sfp_id``; ``until_end`` reads.

        Raises:
            LookupError: The list has no entry for this kind; such a module is not supported.
            ProbeError: EIO, there is no list at all.

        Ref: ixgbe_get_sfp_init_sequence_offsets.
        """
        at = self.read(SFP_LIST)
        if at in EMPTY:
            raise ProbeError(errno.EIO, "the EEPROM has no SFP+ initialisation list (word 0x2b)")
        for entry in range(at + 1, max(self.words, at + 2), 2):
            kind = self.read(entry)
            if kind == 0xFFFF:
                break
            if kind == sfp_id:
                data = self.read(entry + 1)
                if data in EMPTY:
                    break
                return data + 1
        raise LookupError(f"the EEPROM's SFP+ list has no entry for kind {sfp_id}")

    def until_end(self, at: int) -> Iterator[int]:
        """The words from ``at`` on, up to 0xFFFF or the end of the part."""
        while at < max(self.words, 1):
            value = self.read(at)
            if value == 0xFFFF:
                return
            yield value
            at += 1

    def firmware_version(self) -> int | None:
        """Version of the firmware module, None if the image has none.

        Ref: ixgbe_verify_fw_version_82599: word 0x0F, its word 4, then that block's word 7.
        """
        module = self.read(FW_POINTER)
        if module in EMPTY:
            return None
        block = self.read(module + 4)
        if block in EMPTY:
            return None
        return self.read(block + 7)
