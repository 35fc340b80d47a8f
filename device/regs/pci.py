# SPDX-License-Identifier: BSD-3-Clause
"""Configuration space of the real card, at its own offsets: 8, 16 and 32 bit registers with their rules.

``keep=True`` marks what a function level reset leaves (the PCI Express base specification's "sticky" bits).
What differs from card to card (subsystem, MAC in the serial number, port) is a reset value here and is set by the
configuration.  Ref: lspci of X520 cards, PCI Express base specification 2.1, PCI power management 1.2, SR-IOV 1.1.
"""

from collections.abc import Iterable, Mapping

from device.regs.core import RO, RW, SC, W1C, Access, Field, Found, Register, every, index

CONFIG_BYTES = 4096


class _Ro8(Register, width=8, access=RO):
    """Base: 8 bits that cannot be written."""

    VALUE = Field(7, 0)


class _Rw8(Register, width=8):
    """Base: 8 bits of storage."""

    VALUE = Field(7, 0)


class _Ro16(Register, width=16, access=RO):
    """Base: 16 bits that cannot be written."""

    VALUE = Field(15, 0)


class _Rw16(Register, width=16):
    """Base: 16 bits of storage."""

    VALUE = Field(15, 0)


class _Ro32(Register, access=RO):
    """Base: 32 bits that cannot be written."""

    VALUE = Field(31, 0)


class _Rw32(Register):
    """Base: 32 bits of storage."""

    VALUE = Field(31, 0)


class _ExtCap(Register, access=RO):
    """Base: header of an extended capability."""

    CAP_ID  = Field(15, 0)      # what the capability is: 1 error reporting, 3 serial number, 14 ARI, 16 SR-IOV
    VERSION = Field(19, 16)     # of the capability
    NEXT    = Field(31, 20)     # where the next capability is


class _Bar64(Register, access=RO):
    """Base: low half of a 64-bit memory BAR; the size is in where ADDR begins."""

    IO       = Field(0)                 # 0: memory
    TYPE     = Field(2, 1, reset=2)     # 64-bit
    PREFETCH = Field(3)                 # differs from card to card


class PCI_VENDOR_ID(_Ro16, at=0x00, reset=0x8086):
    """Intel.  Ref: lspci."""


class PCI_DEVICE_ID(_Ro16, at=0x02, reset=0x10FB):
    """82599ES with SFI.  Ref: lspci."""


class PCI_COMMAND(Register, at=0x04, width=16):
    """Command.  Ref: PCI."""

    IO           = Field(0)     # answer to I/O addresses
    MEMORY       = Field(1)     # answer in the memory windows; 0: registers read all ones
    BUS_MASTER   = Field(2)     # may do DMA and send MSI
    PARITY       = Field(6)     # act on parity errors
    SERR         = Field(8)     # report system errors
    INTX_DISABLE = Field(10)    # keep the INTx line down; set while MSI or MSI-X is on


class PCI_STATUS(Register, at=0x06, width=16, access=W1C):
    """Status.  Ref: PCI."""

    INTX             = Field(3, access=RO)              # interrupt pending
    CAP_LIST         = Field(4, reset=1, access=RO)     # there is a list of capabilities
    MASTER_PARITY    = Field(8)                         # a parity error in a transaction of ours
    SIG_TARGET_ABORT = Field(11)                        # we refused an access
    REC_TARGET_ABORT = Field(12)                        # an access of ours was refused
    REC_MASTER_ABORT = Field(13)                        # nobody answered an access of ours
    SIG_SYSTEM_ERROR = Field(14)                        # we reported a system error
    DETECTED_PARITY  = Field(15)                        # parity was wrong


class PCI_REVISION(_Ro8, at=0x08, reset=0x01):
    """Revision.  Ref: lspci."""


class PCI_PROG_IF(_Ro8, at=0x09):
    """Programming interface.  Ref: lspci."""


class PCI_CLASS(_Ro16, at=0x0A, reset=0x0200):
    """Network controller, Ethernet.  Ref: lspci."""


class PCI_CACHE_LINE(_Rw8, at=0x0C):
    """Cache line size; no effect.  Ref: PCI."""


class PCI_LATENCY(_Ro8, at=0x0D):
    """Latency timer: 0 on PCI Express.  Ref: PCI."""


class PCI_HEADER_TYPE(Register, at=0x0E, width=8, access=RO):
    """Header type.  Ref: lspci."""

    LAYOUT        = Field(6, 0)
    MULTIFUNCTION = Field(7)    # only on a dual-port card


class PCI_BIST(_Ro8, at=0x0F):
    """Self test: none.  Ref: lspci."""


class PCI_BAR0(_Bar64, at=0x10):
    """Registers and a flash window that reads 0: 512 KiB, as cards with flash have.  Ref: lspci."""

    ADDR = Field(31, 19, access=RW)     # where the registers are, 512 KiB


class PCI_BAR1(_Rw32, at=0x14):
    """Registers, address high.  Ref: lspci."""


class PCI_BAR2(Register, at=0x18):
    """I/O window: 32 bytes.  Ref: lspci."""

    IO   = Field(0, reset=1, access=RO)     # 1: I/O
    ADDR = Field(31, 5)                     # where the I/O window is, 32 bytes


class PCI_BAR3(_Ro32, at=0x1C):
    """Unused.  Ref: lspci."""


class PCI_BAR4(_Bar64, at=0x20):
    """MSI-X: 16 KiB.  Ref: lspci."""

    ADDR = Field(31, 14, access=RW)     # where the MSI-X table is, 16 KiB


class PCI_BAR5(_Rw32, at=0x24):
    """MSI-X, address high.  Ref: lspci."""


class PCI_CARDBUS_CIS(_Ro32, at=0x28):
    """Unused.  Ref: lspci."""


class PCI_SUBSYSTEM_VENDOR_ID(_Ro16, at=0x2C, reset=0x8086):
    """Subsystem vendor.  Ref: lspci."""


class PCI_SUBSYSTEM_ID(_Ro16, at=0x2E, reset=0x000C):
    """Subsystem: an X520-2 that has no wake-up.  Ref: lspci."""


class PCI_ROM(Register, at=0x30, access=RO):
    """Expansion ROM: none, unless the device was given one; then it can be written from its size on.  Ref: PCI."""

    ENABLE = Field(0)
    ADDR   = Field(31, 11)


class PCI_CAP_PTR(_Ro8, at=0x34, reset=0x40):
    """First capability.  Ref: lspci."""


class PCI_INTERRUPT_LINE(_Rw8, at=0x3C):
    """For firmware's use.  Ref: PCI."""


class PCI_INTERRUPT_PIN(_Ro8, at=0x3D, reset=1):
    """INTA on port 0, INTB on port 1.  Ref: lspci."""


class PCI_MIN_GNT(_Ro8, at=0x3E):
    """Unused.  Ref: PCI."""


class PCI_MAX_LAT(_Ro8, at=0x3F):
    """Unused.  Ref: PCI."""


class PM_CAP_ID(_Ro8, at=0x40, reset=0x01):
    """Power management.  Ref: lspci."""


class PM_NEXT(_Ro8, at=0x41, reset=0x50):
    """Next capability.  Ref: lspci."""


class PM_PMC(Register, at=0x42, width=16, access=RO):
    """Power management capabilities.  Ref: lspci."""

    VERSION     = Field(2, 0, reset=3)
    PME_CLOCK   = Field(3)
    DSI         = Field(5, reset=1)             # needs initialisation by a driver
    AUX_CURRENT = Field(8, 6)
    D1          = Field(9)
    D2          = Field(10)
    PME_SUPPORT = Field(15, 11, reset=0b01001)  # from D0 and D3hot


class PM_PMCSR(Register, at=0x44, width=16):
    """Power state.  D3hot to D0 resets the function.  Ref: lspci."""

    POWER_STATE   = Field(1, 0)                         # 0 = D0, 3 = D3hot
    NO_SOFT_RESET = Field(3, access=RO)                 # D3hot to D0 would keep the state; 0: it resets
    PME_EN        = Field(8, stored="wake-up")          # may wake the system
    DATA_SELECT   = Field(12, 9)                        # which figure the data byte shows
    DATA_SCALE    = Field(14, 13, reset=1, access=RO)   # unit of the data byte
    PME_STATUS    = Field(15, access=W1C)               # asked for a wake-up


class PM_BSE(_Ro8, at=0x46):
    """Bridge support: none.  Ref: PCI."""


class PM_DATA(_Ro8, at=0x47):
    """Power data.  Guess: 0."""


class MSI_CAP_ID(_Ro8, at=0x50, reset=0x05):
    """MSI.  Ref: lspci."""


class MSI_NEXT(_Ro8, at=0x51, reset=0x70):
    """Next capability.  Ref: lspci."""


class MSI_CTRL(Register, at=0x52, width=16):
    """MSI control: one vector, 64-bit, maskable.  Ref: lspci."""

    ENABLE        = Field(0)                        # MSI is on
    MULTI_CAPABLE = Field(3, 1, access=RO)          # log2 of the vectors on offer
    MULTI_ENABLE  = Field(6, 4)                     # log2 of the vectors granted
    ADDR_64       = Field(7, reset=1, access=RO)    # takes 64-bit addresses
    MASKABLE      = Field(8, reset=1, access=RO)    # vectors can be masked one by one


class MSI_ADDR_LO(Register, at=0x54):
    """Message address, low.  Ref: PCI."""

    ADDR = Field(31, 2)


class MSI_ADDR_HI(_Rw32, at=0x58):
    """Message address, high.  Ref: PCI."""


class MSI_DATA(_Rw16, at=0x5C):
    """Message data.  Ref: PCI."""


class MSI_MASK(Register, at=0x60):
    """Masked vectors.  Ref: PCI."""

    VECTOR0 = Field(0)


class MSI_PENDING(Register, at=0x64, access=RO):
    """Pending vectors.  Ref: PCI."""

    VECTOR0 = Field(0)


class MSIX_CAP_ID(_Ro8, at=0x70, reset=0x11):
    """MSI-X.  Ref: lspci."""


class MSIX_NEXT(_Ro8, at=0x71, reset=0xA0):
    """Next capability.  Ref: lspci."""


class MSIX_CTRL(Register, at=0x72, width=16):
    """MSI-X control; Linux reads the size from this offset.  Ref: lspci."""

    TABLE_SIZE    = Field(10, 0, reset=63, access=RO)   # vectors - 1
    FUNCTION_MASK = Field(14)                           # all vectors are masked
    ENABLE        = Field(15)                           # MSI-X is on


class MSIX_TABLE(Register, at=0x74, access=RO):
    """Where the table is.  Ref: lspci."""

    BIR    = Field(2, 0, reset=4)
    OFFSET = Field(31, 3)   # 8-byte units


class MSIX_PBA(Register, at=0x78, access=RO):
    """Where the pending bits are.  Ref: lspci."""

    BIR    = Field(2, 0, reset=4)
    OFFSET = Field(31, 3, reset=0x2000 // 8)    # 8-byte units


class EXP_CAP_ID(_Ro8, at=0xA0, reset=0x10):
    """PCI Express.  Ref: lspci."""


class EXP_NEXT(_Ro8, at=0xA1, reset=0xE0):
    """Next capability; 0 where the card has no VPD.  Ref: lspci."""


class EXP_CAP(Register, at=0xA2, width=16, access=RO):
    """PCI Express endpoint, version 2.  Ref: lspci."""

    VERSION     = Field(3, 0, reset=2)
    TYPE        = Field(7, 4)
    SLOT        = Field(8)
    IRQ_MESSAGE = Field(13, 9)


class EXP_DEVCAP(Register, at=0xA4, access=RO):
    """Device capabilities.  Ref: lspci."""

    MPS              = Field(2, 0, reset=2)     # 512 bytes
    PHANTOM          = Field(4, 3)
    EXT_TAG          = Field(5)
    L0S_LATENCY      = Field(8, 6, reset=3)     # < 512 ns
    L1_LATENCY       = Field(11, 9, reset=6)    # < 64 us
    RBER             = Field(15, reset=1)       # role based error reporting
    SLOT_POWER       = Field(25, 18)
    SLOT_POWER_SCALE = Field(27, 26)
    FLR              = Field(28, reset=1)


class EXP_DEVCTL(Register, at=0xA8, width=16):
    """Device control.  Ref: lspci."""

    COR_EN      = Field(0)                  # report corrected errors
    NONFATAL_EN = Field(1)                  # report errors that cost a transaction
    FATAL_EN    = Field(2)                  # report errors that cost the link
    UR_EN       = Field(3)                  # report requests nobody understands
    RELAXED     = Field(4, reset=1)         # writes may overtake each other
    MPS         = Field(7, 5)               # largest packet: 128 bytes << MPS
    EXT_TAG     = Field(8, access=RO)       # tags of eight bits
    PHANTOM     = Field(9, access=RO)       # function numbers as tags
    AUX_POWER   = Field(10, access=RO)      # may draw standby power
    NO_SNOOP    = Field(11, reset=1)        # DMA may pass by the caches
    MRRS        = Field(14, 12, reset=2)    # 512 bytes
    FLR         = Field(15, access=SC)      # function level reset


class EXP_DEVSTA(Register, at=0xAA, width=16, access=W1C):
    """Device status.  Ref: PCI."""

    COR                  = Field(0)
    NONFATAL             = Field(1)
    FATAL                = Field(2)
    UR                   = Field(3)
    AUX_POWER            = Field(4, access=RO)
    TRANSACTIONS_PENDING = Field(5, access=RO)


class EXP_LNKCAP(Register, at=0xAC, access=RO):
    """Link capabilities: 5 GT/s x8.  Ref: lspci.  Guess: exit latencies."""

    LINK_SPEED = Field(3, 0, reset=2)
    LINK_WIDTH = Field(9, 4, reset=8)
    ASPM       = Field(11, 10, reset=1)     # L0s
    L0S_EXIT   = Field(14, 12, reset=4)
    L1_EXIT    = Field(17, 15, reset=3)
    CLOCK_PM   = Field(18)
    PORT       = Field(31, 24)


class EXP_LNKCTL(Register, at=0xB0, width=16):
    """Link control.  Ref: PCI."""

    ASPM         = Field(1, 0)  # sleep states of the link: 1 = L0s, 2 = L1
    RCB          = Field(3)     # reads end at 128 bytes, not 64
    COMMON_CLOCK = Field(6)     # both ends share a clock
    EXT_SYNCH    = Field(7)     # longer training, for analysers


class EXP_LNKSTA(Register, at=0xB2, width=16, access=RO):
    """Link status; Linux reads it at this offset.  Ref: lspci."""

    LINK_SPEED = Field(3, 0, reset=2)   # 5 GT/s
    LINK_WIDTH = Field(9, 4, reset=8)   # lanes in use
    TRAINING   = Field(11)              # link training is going on
    SLOT_CLOCK = Field(12, reset=1)     # uses the slot's clock


class EXP_DEVCAP2(Register, at=0xC4, access=RO):
    """Device capabilities 2.  Ref: lspci."""

    CTO_RANGES  = Field(3, 0, reset=0xF)    # ABCD
    CTO_DISABLE = Field(4, reset=1)


class EXP_DEVCTL2(Register, at=0xC8, width=16):
    """Device control 2; Linux reads the timeout at this offset.  Ref: lspci."""

    CTO         = Field(3, 0)   # how long a read may take
    CTO_DISABLE = Field(4)      # a read may take for ever


class EXP_DEVSTA2(_Ro16, at=0xCA):
    """Device status 2: nothing.  Ref: PCI."""


class EXP_LNKCAP2(_Ro32, at=0xCC):
    """Link capabilities 2: nothing.  Ref: PCI."""


class EXP_LNKCTL2(Register, at=0xD0, width=16, keep=True):
    """Link control 2.  Ref: lspci."""

    TARGET_SPEED          = Field(3, 0, reset=2)
    ENTER_COMPLIANCE      = Field(4)
    AUTONOMOUS_DISABLE    = Field(5, access=RO)
    SELECTABLE_DEEMPHASIS = Field(6, access=RO)
    MARGIN                = Field(9, 7)
    ENTER_MODIFIED        = Field(10)
    COMPLIANCE_SOS        = Field(11)
    COMPLIANCE_DEEMPHASIS = Field(12)


class EXP_LNKSTA2(Register, at=0xD2, width=16, access=RO):
    """Link status 2.  Ref: lspci."""

    DEEMPHASIS = Field(0)   # 0 = -6 dB


class VPD_CAP_ID(_Ro8, at=0xE0, reset=0x03):
    """Vital product data.  Ref: lspci."""


class VPD_NEXT(_Ro8, at=0xE1):
    """Last capability.  Ref: lspci."""


class VPD_ADDR(Register, at=0xE2, width=16):
    """Where to read or write; writing it does that, and FLAG turns over when it is done.  Ref: PCI."""

    ADDR = Field(14, 0)     # bytes
    FLAG = Field(15)        # written 0: read, 1: write


class VPD_DATA(_Rw32, at=0xE4):
    """Four bytes read, or to be written.  Ref: PCI."""


class AER_CAP(_ExtCap, at=0x100, reset=0x14010001):
    """Advanced error reporting, version 1.  Ref: lspci."""


class AER_UNC_STATUS(Register, at=0x104, access=W1C, keep=True):
    """Uncorrectable errors.  Ref: PCI."""

    DLP  = Field(4)
    PTLP = Field(12)
    FCP  = Field(13)
    CTO  = Field(14)
    CA   = Field(15)
    UNX  = Field(16)
    RXOF = Field(17)
    MALF = Field(18)
    ECRC = Field(19)
    UR   = Field(20)


class AER_UNC_MASK(Register, at=0x108, keep=True):
    """Uncorrectable errors not reported.  Ref: PCI."""

    DLP  = Field(4)
    PTLP = Field(12)
    FCP  = Field(13)
    CTO  = Field(14)
    CA   = Field(15)
    UNX  = Field(16)
    RXOF = Field(17)
    MALF = Field(18)
    ECRC = Field(19)
    UR   = Field(20)


class AER_UNC_SEVERITY(Register, at=0x10C, keep=True):
    """Uncorrectable errors that are fatal.  Ref: lspci."""

    DLP  = Field(4, reset=1)
    PTLP = Field(12)
    FCP  = Field(13, reset=1)
    CTO  = Field(14)
    CA   = Field(15)
    UNX  = Field(16)
    RXOF = Field(17, reset=1)
    MALF = Field(18, reset=1)
    ECRC = Field(19)
    UR   = Field(20)


class AER_COR_STATUS(Register, at=0x110, access=W1C, keep=True):
    """Correctable errors.  Ref: PCI."""

    RXERR    = Field(0)
    BAD_TLP  = Field(6)
    BAD_DLLP = Field(7)
    ROLLOVER = Field(8)
    TIMEOUT  = Field(12)
    ADVISORY = Field(13)


class AER_COR_MASK(Register, at=0x114, keep=True):
    """Correctable errors not reported.  Ref: PCI."""

    RXERR    = Field(0)
    BAD_TLP  = Field(6)
    BAD_DLLP = Field(7)
    ROLLOVER = Field(8)
    TIMEOUT  = Field(12)
    ADVISORY = Field(13, reset=1)


class AER_CONTROL(Register, at=0x118, keep=True):
    """ECRC.  Ref: lspci."""

    FIRST_ERROR        = Field(4, 0, access=RO)
    ECRC_GEN_CAPABLE   = Field(5, reset=1, access=RO)
    ECRC_GEN_EN        = Field(6)
    ECRC_CHECK_CAPABLE = Field(7, reset=1, access=RO)
    ECRC_CHECK_EN      = Field(8)


class AER_HEADER_LOG(_Ro32, at=every(0x11C, 4, 4), keep=True):
    """Header of the packet in error.  Ref: PCI."""


class DSN_CAP(_ExtCap, at=0x140, reset=0x15010003):
    """Device serial number, version 1.  Ref: lspci."""


class DSN_LO(_Ro32, at=0x144):
    """Serial number, low: ff dd ee ff of MAC aa:bb:cc:dd:ee:ff, highest byte first.  Ref: lspci."""


class DSN_HI(_Ro32, at=0x148):
    """Serial number, high: aa bb cc ff, highest byte first.  Ref: lspci."""


class ARI_CAP(_ExtCap, at=0x150, reset=0x1601000E):
    """Alternative routing id, version 1.  Ref: lspci."""


class ARI_CAPS(Register, at=0x154, width=16, access=RO):
    """ARI capability.  Ref: lspci."""

    MFVC          = Field(0)
    ACS           = Field(1)
    NEXT_FUNCTION = Field(15, 8)    # 1 on port 0 of a dual-port card


class ARI_CTRL(_Ro16, at=0x156):
    """ARI control: nothing.  Ref: lspci."""


class SRIOV_CAP(_ExtCap, at=0x160, reset=0x00010010):
    """SR-IOV, version 1; the last one.  Ref: lspci."""


class SRIOV_CAPS(_Ro32, at=0x164):
    """SR-IOV capabilities: no migration.  Ref: lspci."""


class SRIOV_CTRL(Register, at=0x168, width=16):
    """SR-IOV control.  Ref: PCI."""

    VF_ENABLE     = Field(0)
    MIGRATION     = Field(1, access=RO)
    MIGRATION_IRQ = Field(2, access=RO)
    VF_MSE        = Field(3)    # memory space of all VFs
    ARI           = Field(4)    # hierarchy routes more than 8 functions; changes SRIOV_VF_OFFSET


class SRIOV_STATUS(_Ro16, at=0x16A):
    """SR-IOV status.  Ref: PCI."""


class SRIOV_INITIAL_VFS(_Ro16, at=0x16C, reset=64):
    """VFs there are.  Ref: lspci."""


class SRIOV_TOTAL_VFS(_Ro16, at=0x16E, reset=64):
    """VFs there can be.  Ref: lspci."""


class SRIOV_NUM_VFS(_Rw16, at=0x170):
    """VFs wanted, at most 64; counts from VF_ENABLE on.  Ref: lspci."""


class SRIOV_FUNC_LINK(_Ro8, at=0x172):
    """Own function number.  Ref: lspci."""


class SRIOV_VF_OFFSET(_Ro16, at=0x174, reset=384):
    """First VF: 384 functions on; 128 with SRIOV_CTRL.ARI.  Ref: lspci."""


class SRIOV_VF_STRIDE(_Ro16, at=0x176, reset=2):
    """From VF to VF.  Ref: lspci."""


class SRIOV_VF_DEVICE_ID(_Ro16, at=0x17A, reset=0x10ED):
    """82599 virtual function.  Ref: lspci."""


class SRIOV_SUPPORTED_PAGES(_Ro32, at=0x17C, reset=0x553):
    """Page sizes, bit n = 4 KiB << n.  Ref: lspci."""


class SRIOV_SYSTEM_PAGE(_Rw32, at=0x180, reset=0x1):
    """Page size in use.  Ref: lspci."""


class SRIOV_BAR0(_Bar64, at=0x184):
    """Registers of the VFs, 16 KiB each.  Ref: lspci."""

    ADDR = Field(31, 14, access=RW)


class SRIOV_BAR1(_Rw32, at=0x188):
    """Registers of the VFs, address high.  Ref: lspci."""


class SRIOV_BAR2(_Ro32, at=0x18C):
    """Unused.  Ref: lspci."""


class SRIOV_BAR3(_Bar64, at=0x190):
    """MSI-X of the VFs, 16 KiB each.  Ref: lspci."""

    ADDR = Field(31, 14, access=RW)


class SRIOV_BAR4(_Rw32, at=0x194):
    """MSI-X of the VFs, address high.  Ref: lspci."""


class SRIOV_BAR5(_Ro32, at=0x198):
    """Unused.  Ref: lspci."""


class SRIOV_MIGRATION(_Ro32, at=0x19C):
    """VF migration state: none.  Ref: lspci."""


CONFIG: tuple[type[Register], ...] = tuple(
    item
    for item in list(globals().values())
    if isinstance(item, type) and issubclass(item, Register) and item.__module__ == __name__ and item.AT
)
_INDEX = index(CONFIG, CONFIG_BYTES)


def bars(registers: Iterable[type[Register]] = CONFIG) -> Mapping[int, int]:
    """BAR index to size in bytes: what the lowest address bit that can be set is worth.  Upper halves are none."""
    found = {
        (register.offset() - PCI_BAR0.offset()) // 4: register.FIELDS["ADDR"]
        for register in registers
        if register.AT[0] in range(PCI_BAR0.offset(), PCI_CARDBUS_CIS.offset()) and "ADDR" in register.FIELDS
    }
    return {n: field.mask & -field.mask for n, field in found.items()}


BARS = bars()


def lookup(offset: int) -> Found | None:
    """Which register starts at a byte offset of configuration space: (class, instance, False), or None."""
    return _INDEX.get(offset)


def reset_bytes(registers: Iterable[type[Register]] = CONFIG) -> bytes:
    """All 4096 bytes as they are after a reset, of a function with these registers."""
    image = bytearray(CONFIG_BYTES)
    for register in registers:
        for n, offset in enumerate(register.AT):
            image[offset : offset + register.WIDTH // 8] = register.reset(n).to_bytes(register.WIDTH // 8, "little")
    return bytes(image)


def bits_bytes(*kinds: Access, registers: Iterable[type[Register]] = CONFIG) -> bytes:
    """A mask over all 4096 bytes: the bits whose rule is one of ``kinds``."""
    mask = bytearray(CONFIG_BYTES)
    for register in registers:
        for offset in register.AT:
            mask[offset : offset + register.WIDTH // 8] = register.bits(*kinds).to_bytes(register.WIDTH // 8, "little")
    return bytes(mask)
