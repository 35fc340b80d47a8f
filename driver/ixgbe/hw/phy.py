# SPDX-License-Identifier: BSD-3-Clause
"""Which SFP+ module sits in the cage, and whether we want to drive it.

Ref: SFF-8472 for the bytes; ixgbe_identify_sfp_module_generic for the rules.
"""

import enum
import errno
import logging

from device.regs.i82599 import CORECTL
from driver.errors import LinkError, ProbeError
from driver.ixgbe.hw.common import Common
from driver.ixgbe.hw.eeprom import Eeprom
from driver.ixgbe.hw.i2c import DETECT_RETRIES, DIAGNOSTICS_ADDRESS, I2c, NoAckError
from driver.ixgbe.hw.link import Link
from driver.ixgbe.hw.swfw import SwFw

log = logging.getLogger(__name__)

PAGE_BYTES = 256


class SfpType(enum.IntEnum):
    """Kinds of module with Linux's numbers; the odd-looking pairs are for port 0 and 1 of a card."""

    DA_CU_CORE0 = 3
    DA_CU_CORE1 = 4
    SRLR_CORE0 = 5
    SRLR_CORE1 = 6
    DA_ACT_LMT_CORE0 = 7
    DA_ACT_LMT_CORE1 = 8
    CU_1G_CORE0 = 9
    CU_1G_CORE1 = 10
    SX_1G_CORE0 = 11
    SX_1G_CORE1 = 12
    LX_1G_CORE0 = 13
    LX_1G_CORE1 = 14
    NOT_PRESENT = 0xFFFE
    UNKNOWN = 0xFFFF


class PhyType(enum.IntEnum):
    """What the media is driven by, with Linux's numbers.  Observed: 6.1 and 6.12 print 20 for Intel's SFP+ modules."""

    UNKNOWN = 0
    NONE = 1
    SFP_PASSIVE_TYCO = 13
    SFP_PASSIVE_UNKNOWN = 14
    SFP_ACTIVE_UNKNOWN = 15
    SFP_AVAGO = 16
    SFP_FTL = 17
    SFP_FTL_ACTIVE = 18
    SFP_UNKNOWN = 19
    SFP_INTEL = 20
    SFP_UNSUPPORTED = 25


class Byte(enum.IntEnum):
    """Offsets in the identification page."""

    IDENTIFIER = 0x00
    COMP_10G = 0x03
    COMP_1G = 0x06
    CABLE_TECHNOLOGY = 0x08
    BITRATE = 0x0C
    OUI = 0x25
    CABLE_SPEC = 0x3C
    DIAGNOSTICS = 0x5C
    SFF_8472 = 0x5E


class Comp10g(enum.IntFlag):
    """10G Ethernet compliance codes."""

    SR = 0x10
    LR = 0x20


class Comp1g(enum.IntFlag):
    """1G Ethernet compliance codes."""

    SX = 0x01
    LX = 0x02
    T = 0x08


class Cable(enum.IntFlag):
    """Cable technology."""

    PASSIVE = 0x04
    ACTIVE = 0x08


class CableSpec(enum.IntFlag):
    """Active cables: what they conform to."""

    LIMITING = 0x04


class Diagnostics(enum.IntFlag):
    """Diagnostic monitoring type."""

    ADDRESS_CHANGE = 0x04
    IMPLEMENTED = 0x40


IDENTIFIER_SFP = 0x03
OUI_TYCO = bytes.fromhex("004076")
OUI_FTL = bytes.fromhex("009065")
OUI_AVAGO = bytes.fromhex("00176a")
OUI_INTEL = bytes.fromhex("001b21")
# 1G kinds are initialised like SR/LR modules of the same port, and so are limiting active cables.
LIKE_SRLR = range(SfpType.DA_ACT_LMT_CORE0, SfpType.LX_1G_CORE1 + 1)
ONE_GIGABIT = range(SfpType.CU_1G_CORE0, SfpType.LX_1G_CORE1 + 1)


class UnsupportedSfpError(LinkError):
    """A module is there that we do not drive; the message says why."""


class SfpPhy:
    """The cage of one port."""

    def __init__(self, hw: Common, swfw: SwFw, eeprom: Eeprom, link: Link) -> None:
        """Nothing is known until ``identify``."""
        self.hw = hw
        self.eeprom = eeprom
        self.link = link
        self.i2c = I2c(hw, swfw)
        self.type = PhyType.UNKNOWN
        self.sfp_type = SfpType.UNKNOWN
        self.oui = b""
        self.multispeed = False
        self.setup_needed = False
        self.allow_unsupported_sfp = False

    @property
    def present(self) -> bool:
        """Whether a module was found the last time anybody looked."""
        return self.sfp_type not in {SfpType.NOT_PRESENT, SfpType.UNKNOWN}

    @property
    def known(self) -> bool:
        """Whether the cage need not be looked into again: a module was found and is what we drive."""
        return self.present and self.type not in {PhyType.UNKNOWN, PhyType.SFP_UNSUPPORTED}

    @property
    def one_gigabit(self) -> bool:
        """Whether the module cannot do more than 1G."""
        return self.sfp_type in ONE_GIGABIT

    def forget(self) -> None:
        """The cage was opened: nothing is known any more."""
        self.type, self.sfp_type = PhyType.UNKNOWN, SfpType.UNKNOWN

    def mark_absent(self) -> None:
        """The cage is empty."""
        self.sfp_type, self.type, self.oui, self.multispeed = SfpType.NOT_PRESENT, PhyType.UNKNOWN, b"", False

    def identify(self) -> SfpType:
        """Look what is in the cage; remember and return it.  An empty cage is ``NOT_PRESENT``, not an error.

        Raises:
            UnsupportedSfpError: A module is there that we do not drive.
        """
        before = self.sfp_type
        try:
            self._identify()
        except NoAckError as err:
            log.debug("no module: %s", err)
            self.mark_absent()
        except UnsupportedSfpError:
            self.type = PhyType.SFP_UNSUPPORTED
            raise
        if self.sfp_type != before and self.present:
            self.setup_needed = True
        return self.sfp_type

    def _identify(self) -> None:
        read = self.i2c.read_byte
        self.sfp_type = SfpType.UNKNOWN
        identifier = read(Byte.IDENTIFIER, retries=DETECT_RETRIES)
        if identifier != IDENTIFIER_SFP:
            raise UnsupportedSfpError(f"the module says it is of kind {identifier:#04x}, an SFP would say 0x03")
        comp_1g, comp_10g = Comp1g(read(Byte.COMP_1G)), Comp10g(read(Byte.COMP_10G))
        cable = Cable(read(Byte.CABLE_TECHNOLOGY))
        port = self.hw.lan_id
        kind = self._kind(comp_10g, comp_1g, cable)
        if kind is not SfpType.UNKNOWN:
            kind = SfpType(kind + port)
        self.oui = bytes(read(Byte.OUI + n) for n in range(3))
        self.multispeed = bool(
            (Comp1g.SX in comp_1g and Comp10g.SR in comp_10g) or (Comp1g.LX in comp_1g and Comp10g.LR in comp_10g)
        )
        self.sfp_type = kind
        self.type = self._vendor(cable)
        if cable & (Cable.PASSIVE | Cable.ACTIVE) and kind is not SfpType.UNKNOWN:
            return
        if not comp_10g & (Comp10g.SR | Comp10g.LR) and kind not in ONE_GIGABIT:
            raise UnsupportedSfpError(
                f"the module is neither 10GBASE-SR/LR nor a cable (10G code {int(comp_10g):#04x})"
            )
        self._check_vendor()

    def _kind(self, comp_10g: Comp10g, comp_1g: Comp1g, cable: Cable) -> SfpType:
        """The kind for port 0."""
        if Cable.PASSIVE in cable:
            return SfpType.DA_CU_CORE0
        if Cable.ACTIVE in cable:
            spec = CableSpec(self.i2c.read_byte(Byte.CABLE_SPEC))
            return SfpType.DA_ACT_LMT_CORE0 if CableSpec.LIMITING in spec else SfpType.UNKNOWN
        if comp_10g & (Comp10g.SR | Comp10g.LR):
            return SfpType.SRLR_CORE0
        for code, kind in (
            (Comp1g.T, SfpType.CU_1G_CORE0),
            (Comp1g.SX, SfpType.SX_1G_CORE0),
            (Comp1g.LX, SfpType.LX_1G_CORE0),
        ):
            if code in comp_1g:
                return kind
        return SfpType.UNKNOWN

    def _vendor(self, cable: Cable) -> PhyType:
        if Cable.PASSIVE in cable:
            return PhyType.SFP_PASSIVE_TYCO if self.oui == OUI_TYCO else PhyType.SFP_PASSIVE_UNKNOWN
        if self.oui == OUI_FTL:
            return PhyType.SFP_FTL_ACTIVE if Cable.ACTIVE in cable else PhyType.SFP_FTL
        if Cable.ACTIVE in cable:
            return PhyType.SFP_ACTIVE_UNKNOWN
        return {OUI_AVAGO: PhyType.SFP_AVAGO, OUI_INTEL: PhyType.SFP_INTEL}.get(self.oui, PhyType.SFP_UNKNOWN)

    def _check_vendor(self) -> None:
        """Intel's own modules pass, and others where the card or the user allows any."""
        caps = self.eeprom.device_caps()
        if caps.allow_any_sfp or self.sfp_type in ONE_GIGABIT or self.type is PhyType.SFP_INTEL:
            return
        if self.allow_unsupported_sfp:
            log.warning("an untested SFP+ module (vendor %s) is used because you allowed it", self.oui.hex(":"))
            return
        raise UnsupportedSfpError(
            f"the module's vendor {self.oui.hex(':')} is not supported (option allow_unsupported_sfp)"
        )

    def setup_sfp(self) -> None:
        """Load the analog settings for this kind of module and set the link for it.

        Raises:
            UnsupportedSfpError: The EEPROM has no settings for it.
            ProbeError: EIO, the EEPROM has no list of settings, or AUTOC did not take.

        Ref: ixgbe_setup_sfp_modules_82599.
        """
        if not self.present or not self.setup_needed:
            return
        sfp_id = int(self.sfp_type)
        if self.sfp_type in LIKE_SRLR:
            sfp_id = SfpType.SRLR_CORE0 + self.hw.lan_id
        try:
            words = self.eeprom.sfp_init_list(sfp_id)
        except LookupError as err:
            self.type = PhyType.SFP_UNSUPPORTED
            raise UnsupportedSfpError(str(err)) from err
        for word in words:
            self.hw.bar.write(CORECTL, CORECTL(word))
        self.hw.flush()
        self.hw.clock.sleep(0.01)
        try:
            self.link.select_10g_serial()
        except TimeoutError as err:
            raise ProbeError(errno.EIO, f"SFP module setup not complete: {err}") from err
        self.setup_needed = False

    def read_module(self) -> bytes:
        """The module's memory: 256 bytes, or 512 with diagnostics.

        Raises:
            LinkError: No module, or it stopped answering.

        Ref: ixgbe_get_module_info, ixgbe_get_module_eeprom.
        """
        try:
            has_second = self.i2c.read_byte(Byte.SFF_8472) != 0
            kind = Diagnostics(self.i2c.read_byte(Byte.DIAGNOSTICS))
            pages = [bytes(self.i2c.read_byte(n) for n in range(PAGE_BYTES))]
            if has_second and Diagnostics.IMPLEMENTED in kind and Diagnostics.ADDRESS_CHANGE not in kind:
                second = (self.i2c.read_byte(n, address=DIAGNOSTICS_ADDRESS) for n in range(PAGE_BYTES))
                pages.append(bytes(second))
        except NoAckError as err:
            raise LinkError(f"the module cannot be read: {err}") from err
        return b"".join(pages)
