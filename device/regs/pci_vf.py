# SPDX-License-Identifier: BSD-3-Clause
"""Configuration space of a virtual function, as an ordinary function's: what it has otherwise than ``device.regs.pci``.

A real one has no ids and no BARs of its own, because the SR-IOV capability of its physical function gives them; a
virtual function on a socket of its own is found by these.  Ref: lspci of X520 virtual functions; SR-IOV 1.1; facts the
Linux driver ixgbevf relies on.
"""

from device.regs import pci
from device.regs.core import RO, RW, Field, Register


class VF_DEVICE_ID(Register, at=0x02, width=16, access=RO, reset=0x10ED):
    """82599 virtual function.  Ref: lspci."""

    VALUE = Field(15, 0)


class _Bar64(Register, access=RO):
    """Base: low half of a 64-bit memory BAR of 16 KiB."""

    IO       = Field(0)
    TYPE     = Field(2, 1, reset=2)
    PREFETCH = Field(3)
    ADDR     = Field(31, 14, access=RW)


class _Upper(Register):
    """Base: high half of a 64-bit BAR."""

    VALUE = Field(31, 0)


class VF_BAR0(_Bar64, at=0x10):
    """Registers.  Ref: SR-IOV BAR0 of the physical function."""


class VF_BAR1(_Upper, at=0x14):
    """Registers, address high."""


class VF_BAR3(_Bar64, at=0x1C):
    """MSI-X table and pending bits.  Ref: SR-IOV BAR3 of the physical function."""


class VF_BAR4(_Upper, at=0x20):
    """MSI-X, address high."""


class VF_CAP_PTR(Register, at=0x34, width=8, access=RO, reset=0x70):
    """First capability: MSI-X, for there is no power management and no MSI.  Ref: lspci."""

    VALUE = Field(7, 0)


class VF_INTERRUPT_PIN(Register, at=0x3D, width=8, access=RO):
    """None: a virtual function has no INTx.  Ref: SR-IOV 1.1."""

    VALUE = Field(7, 0)


class VF_MSIX_TABLE(Register, at=0x74, access=RO):
    """Where the MSI-X table is: BAR 3.  Ref: lspci."""

    BIR    = Field(2, 0, reset=3)
    OFFSET = Field(31, 3)


class VF_MSIX_PBA(Register, at=0x78, access=RO):
    """Where the pending bits are: BAR 3, 0x2000.  Ref: lspci."""

    BIR    = Field(2, 0, reset=3)
    OFFSET = Field(31, 3, reset=0x2000 >> 3)


class VF_EXP_NEXT(Register, at=0xA1, width=8, access=RO):
    """The last capability.  Ref: lspci."""

    VALUE = Field(7, 0)


class VF_AER_CAP(Register, at=0x100, access=RO):
    """Error reporting; the next one is ARI.  Ref: lspci."""

    CAP_ID  = Field(15, 0, reset=1)
    VERSION = Field(19, 16, reset=1)
    NEXT    = Field(31, 20, reset=0x150)


class VF_ARI_CAP(Register, at=0x150, access=RO):
    """Alternative routing id, the last one.  Ref: lspci."""

    CAP_ID  = Field(15, 0, reset=14)
    VERSION = Field(19, 16, reset=1)
    NEXT    = Field(31, 20)


_OWN: tuple[type[Register], ...] = (
    *(VF_DEVICE_ID, VF_BAR0, VF_BAR1, VF_BAR3, VF_BAR4, VF_CAP_PTR, VF_INTERRUPT_PIN, VF_MSIX_TABLE, VF_MSIX_PBA),
    *(VF_EXP_NEXT, VF_AER_CAP, VF_ARI_CAP),
)
_SHARED = ("PCI_", "MSIX_", "EXP_", "AER_", "ARI_")
_ABSENT = (pci.PCI_BAR2, pci.PCI_BAR5, pci.PCI_ROM)

CONFIG: tuple[type[Register], ...] = (
    *_OWN,
    *(
        register
        for register in pci.CONFIG
        if register.NAME.startswith(_SHARED)
        and register not in _ABSENT
        and register.AT[0] not in {own.AT[0] for own in _OWN}
    ),
)
BARS = pci.bars(CONFIG)
