# SPDX-License-Identifier: BSD-3-Clause
"""Which SFP+ module sits in the cage, and whether we want to drive it.

Ref: SFF-8472 for the bytes; ixgbe_identify_sfp_module_generic for the rules.
"""

import enum
import errno
import logging
from typing import Any

from device.regs import sff
from device.regs.i82599 import CORECTL, ESDP
from device.regs.sff import IDENTIFIER_SFP, Byte, Cable, CableSpec, Comp1g, Comp10g
from driver.errors import LinkError, ProbeError
from driver.ethtool import module
from driver.ixgbe.hw.common import Common
from driver.ixgbe.hw.eeprom import Eeprom
from driver.ixgbe.hw.i2c import DETECT_RETRIES, MODULE_ADDRESS, I2c, NoAckError
from driver.ixgbe.hw.link import Link
from driver.ixgbe.hw.swfw import Resource, SwFw
from driver.slices import Slices, byte_by_byte, whole

log = logging.getLogger(__name__)


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
    BX_1G_CORE0 = 15
    BX_1G_CORE1 = 16
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


PATIENCE_S = 2.0  # with a module that answers now and then
OUI_TYCO = bytes.fromhex("004076")
OUI_FTL = bytes.fromhex("009065")
OUI_AVAGO = bytes.fromhex("00176a")
OUI_INTEL = bytes.fromhex("001b21")
# 1G kinds are initialised like SR/LR modules of the same port, and so are limiting active cables.
LIKE_SRLR = range(SfpType.DA_ACT_LMT_CORE0, SfpType.BX_1G_CORE1 + 1)
ACCEPTED = (
    "driven are cables of any vendor, 1000BASE-SX, -LX, -T and -BX10 of any vendor, and 10G optics by Intel "
    "(by others with allow_unsupported_sfp)"
)
ONE_GIGABIT = range(SfpType.CU_1G_CORE0, SfpType.BX_1G_CORE1 + 1)


class UnsupportedSfpError(LinkError):
    """A module is there that we do not drive; the message says why."""


class SfpPhy:
    """The cage of one port.

    Attributes:
        names: What the module is, in the standards' words.
        refused: Why we do not drive it; "" if we do.
        silent: What it did not answer, if it seems not to be there.
    """

    def __init__(self, hw: Common, swfw: SwFw, eeprom: Eeprom, link: Link) -> None:
        """Nothing is known until ``identify``."""
        self.hw = hw
        self.swfw = swfw
        self.eeprom = eeprom
        self.link = link
        self.i2c = I2c(hw, swfw)
        self.type = PhyType.UNKNOWN
        self.sfp_type = SfpType.UNKNOWN
        self.oui = b""
        self.multispeed = False
        self.setup_needed = False
        self.allow_unsupported_sfp = False
        self.names: list[str] = []
        self.refused = ""
        self.silent = ""

    @property
    def present(self) -> bool:
        """Whether a module was found the last time anybody looked, be it one that we do not drive."""
        return self.sfp_type is not SfpType.NOT_PRESENT and self.type is not PhyType.UNKNOWN

    @property
    def title(self) -> str:
        """What the module is: Linux's name for its kind, or the standards' for one that Linux drives without a name."""
        return self.sfp_type.name if self.sfp_type is not SfpType.UNKNOWN else ", ".join(self.names) or "UNKNOWN"

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
        self.type, self.sfp_type, self.refused, self.silent = PhyType.UNKNOWN, SfpType.UNKNOWN, "", ""

    def mark_absent(self) -> None:
        """The cage is empty."""
        self.sfp_type, self.type, self.oui, self.multispeed = SfpType.NOT_PRESENT, PhyType.UNKNOWN, b"", False

    def identify(self) -> SfpType:
        """Look what is in the cage; remember and return it.  An empty cage is ``NOT_PRESENT``, not an error.

        Raises:
            UnsupportedSfpError: A module is there that we do not drive.
        """
        before, self.refused, self.silent = self.sfp_type, "", ""
        try:
            self._identify()
        except NoAckError as err:
            log.debug("no module: %s", err)
            self.mark_absent()
            self.silent = str(err)
        except UnsupportedSfpError as err:
            self.type, self.refused = PhyType.SFP_UNSUPPORTED, str(err)
            raise
        if self.sfp_type != before and self.present:
            self.setup_needed = True
        return self.sfp_type

    def _identify(self) -> None:
        read = self.i2c.read_byte
        self.sfp_type = SfpType.UNKNOWN
        self.hw.set_lan_id()
        identifier = read(Byte.IDENTIFIER, retries=DETECT_RETRIES)
        if identifier != IDENTIFIER_SFP:
            raise self._refusal(f"the module says it is of kind {identifier:#04x}, an SFP would say 0x03", identifier)
        seen = {Byte.IDENTIFIER: identifier}
        for at in (Byte.CODE_1G, Byte.CODE_10G, Byte.CABLE_TECHNOLOGY, Byte.RATE):
            seen[at] = read(at)
        comp_1g, comp_10g = Comp1g(seen[Byte.CODE_1G]), Comp10g(seen[Byte.CODE_10G])
        cable = Cable(seen[Byte.CABLE_TECHNOLOGY])
        if seen[Byte.RATE] != sff.RATE_1G:  # of another rate it is not Ethernet's
            comp_1g &= ~Comp1g.BX10
        self.names = sff.names(lambda offset: seen.get(Byte(offset), 0))
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
        if cable & (Cable.PASSIVE | Cable.ACTIVE):
            return
        if not comp_10g and kind not in ONE_GIGABIT:
            raise self._refusal("the module is neither 10GBASE-SR/LR nor a cable, nor of a 1G kind that is known")
        self._check_vendor()

    def _refusal(self, why: str, identifier: int = IDENTIFIER_SFP) -> UnsupportedSfpError:
        """What to raise: why, which module it is as far as it says so itself, and which ones are driven."""
        try:
            read, at = self.i2c.read_byte, sff.texts(identifier)
            vendor, part = (sff.text([read(n) for n in at[what]]) or "unnamed" for what in ("vendor", "part"))
            who = f"{vendor} {part} ({', '.join(sff.names(read)) or 'no kind that is known'})"
        except NoAckError as err:
            who = f"it does not say what it is: {err}"
        return UnsupportedSfpError(f"{why}: {who}; {ACCEPTED}")

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
            (Comp1g.BX10, SfpType.BX_1G_CORE0),
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
        raise self._refusal(f"the module's vendor {self.oui.hex(':')} is not supported (option allow_unsupported_sfp)")

    def read(self, offset: int, address: int = MODULE_ADDRESS) -> int:
        """One byte of the module at once; see ``byte``."""
        return int(whole(self.byte(offset, address)))

    def byte(self, offset: int, address: int = MODULE_ADDRESS) -> Slices[int]:
        """One byte of the module, in slices.

        Raises:
            LinkError: There is none, or it does not answer.
        """
        name = self.hw.door.name
        if not self.present:
            if self.silent and self.hw.bar.read(ESDP).SDP2:
                raise LinkError(f"{name}: the SFP+ cage is full, and its module does not answer ({self.silent})")
            raise LinkError(f"{name}: no module in the SFP+ cage")
        try:
            return (yield from self.i2c.byte(offset, address=address))
        except NoAckError as err:
            raise LinkError(f"{name}: the SFP+ module stopped answering: {err}; plug it anew, or another one") from err

    def about(self) -> Slices[dict[str, Any]]:
        """What the module says of itself, and whether it is driven; in slices, done or given up within some seconds.

        Raises:
            LinkError: There is none, or it stopped answering.
        """
        with self.i2c.within(PATIENCE_S):
            found = yield from byte_by_byte(module, lambda address, offset: self.byte(offset, address))
        return {**found, "driven": f"no: {self.refused}" if self.refused else f"yes, as {self.title}"}

    def setup_sfp(self) -> None:
        """Load the analog settings for this kind of module and set the link for it.

        Raises:
            UnsupportedSfpError: The EEPROM has no settings for it.
            ProbeError: EIO, the EEPROM has no list of settings, or AUTOC did not take.
            TimeoutError: The semaphore of the settings cannot be had.

        Ref: ixgbe_setup_sfp_modules_82599.
        """
        if not self.present or self.sfp_type is SfpType.UNKNOWN or not self.setup_needed:
            return
        self.link.look_at_laser()
        sfp_id = int(self.sfp_type)
        if self.sfp_type in LIKE_SRLR:
            sfp_id = SfpType.SRLR_CORE0 + self.hw.lan_id
        try:
            at = self.eeprom.sfp_init_at(sfp_id)
        except LookupError as err:
            self.type = PhyType.SFP_UNSUPPORTED
            raise UnsupportedSfpError(str(err)) from err
        with self.swfw.held(Resource.MAC_CSR):
            for word in self.eeprom.until_end(at):
                self.hw.bar.write(CORECTL, CORECTL(word))
        self.hw.flush()
        self.hw.clock.sleep(0.01)
        try:
            self.link.select_10g_serial()
        except TimeoutError as err:
            raise ProbeError(errno.EIO, f"SFP module setup not complete: {err}") from err
        self.setup_needed = False
