# SPDX-License-Identifier: BSD-3-Clause
"""PCIe block of BAR0.

Ref: 82599 datasheet, "PCIe Registers"; names as in Linux ixgbe.
Guess: configuration of the bus side survives a software reset, except GCR_EXT, whose pool mode belongs to a driver.
"""

from device.regs.core import RO, W1C, Field, ReadOnly, Register, Storage, every
from device.regs.i82599.features import DCA, PCIE_CAUSE, PCIE_COUNT, POOLS
from device.regs.i82599.interrupts import VtMode


class GCR(Storage, at=0x11000, keep=True):
    """PCIe control.  Ref: ixgbe."""


class GTV(Storage, at=0x11004, keep=True):
    """PCIe timer value.  Ref: ixgbe."""


class FUNCTAG(Storage, at=0x11008, keep=True):
    """Function tag.  Ref: ixgbe."""


class GLT(Storage, at=0x1100C, keep=True):
    """PCIe latency timer.  Ref: ixgbe."""


class GSCL(Storage, at=every(0x11010, 4, 4), keep=True, stored=PCIE_COUNT):
    """PCIe statistics control 1 to 4.  Ref: ixgbe."""


class GSCN(Storage, at=every(0x11020, 4, 4), keep=True, stored=PCIE_COUNT):
    """PCIe statistics 0 to 3.  Ref: ixgbe."""


class GSCL_5_8(Storage, at=every(0x11030, 4, 4), keep=True, stored=PCIE_COUNT):
    """PCIe statistics control 5 to 8.  Ref: ixgbe."""


class PCIEANACTL(Storage, at=0x11040, keep=True):
    """PCIe analog control; 82599 software knows it as PHYADR.  Ref: ixgbe."""


class PHYDAT(Storage, at=0x11044, keep=True):
    """PCIe PHY data.  Ref: ixgbe.  Guess: storage."""


class PHYCTL(Storage, at=0x11048, keep=True):
    """PCIe PHY control.  Ref: ixgbe.  Guess: storage."""


class GCR_EXT(Register, at=0x11050):
    """PCIe control, extended: number of pools.  Ref: ixgbe."""

    VT_MODE       = Field(1, 0, values=VtMode)  # for virtual functions
    APBACD        = Field(4)    # do not clear MSI-X pending bits by itself
    BUFFERS_CLEAR = Field(30)   # drop what waits for the bus; software sets and clears it
    MSIX_EN       = Field(31)


class MREVID(ReadOnly, at=0x11064, keep=True):
    """Mirrored revision id.  Ref: ixgbe."""


class PBACL(Storage, at=(0x11068, *every(0x110C4, 4, 7)), access=W1C):
    """Clears MSI-X pending bits.  Ref: ixgbe.  Guess: extent."""


class PCIEECCCTL(Storage, at=0x1106C, keep=True):
    """PCIe memory ECC control.  Ref: ixgbe (dump only)."""


class DCA_ID(Register, at=0x11070, access=RO, keep=True):
    """Requester id for cache hints.  Ref: ixgbe."""

    FUNCTION = Field(2, 0)
    DEVICE   = Field(7, 3)
    BUS      = Field(15, 8)


class DCA_CTRL(Register, at=0x11074):
    """Cache hint control.  Ref: ixgbe."""

    DCA_DIS  = Field(0)
    DCA_MODE = Field(4, 1, stored=DCA)


class CIAA(Storage, at=0x11088, keep=True, stored=POOLS):
    """Address for indirect access to VF config space.  Ref: ixgbe."""


class CIAD(Storage, at=0x1108C, keep=True, stored=POOLS):
    """Data for indirect access to VF config space.  Ref: ixgbe."""


class PCIE_DIAG(ReadOnly, at=every(0x11090, 4, 8), keep=True):
    """PCIe diagnostics.  Ref: ixgbe (dump only)."""


class PICAUSE(Storage, at=0x110B0, access=W1C, keep=True):
    """PCIe interrupt cause.  Ref: ixgbe."""


class CDQ_MBR(Storage, at=0x110B4, keep=True):
    """Completion data queue.  Ref: ixgbe."""


class PIENA(Storage, at=0x110B8, keep=True, stored=PCIE_CAUSE):
    """PCIe interrupt enable.  Ref: ixgbe."""


class PCIESPARE(Storage, at=0x110BC, keep=True):
    """PCIe spare.  Ref: ixgbe."""


class ECC_STATUS(ReadOnly, at=0x110E0, keep=True):
    """Memory ECC status.  Ref: ixgbe."""


class MISC_REG(Storage, at=0x110F0, keep=True):
    """Miscellaneous.  Ref: ixgbe."""


class BARCTRL(Storage, at=0x110F4, keep=True):
    """BAR sizes as the EEPROM set them.  Ref: ixgbe.  Guess: storage."""


class ECC_CTRL(Storage, at=every(0x11100, 4, 2), keep=True):
    """Memory ECC control.  Ref: ixgbe."""
