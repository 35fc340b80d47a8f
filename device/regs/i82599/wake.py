# SPDX-License-Identifier: BSD-3-Clause
"""Wake-up and manageability: storage for drivers and firmware that are not here.

Ref: 82599 datasheet, "Wake-up Control Registers", "Management Filters Registers"; names as in Linux ixgbe.
Guess: a software reset leaves both alone, for both outlive a driver.
"""

from device.regs.core import RO, W1C, Field, ReadOnly, Register, Storage, every
from device.regs.i82599.features import MANAGEMENT, WAKE


class MAVTV(Storage, at=every(0x05010, 4, 8), keep=True, stored=MANAGEMENT):
    """Management VLAN tags.  Ref: ixgbe."""


class MDEF_EXT(Storage, at=every(0x05160, 4, 8), keep=True, stored=MANAGEMENT):
    """Manageability decision filters, extended.  Ref: ixgbe."""


class METF(Storage, at=every(0x05190, 4, 4), keep=True, stored=MANAGEMENT):
    """Management ethertype filters.  Ref: ixgbe."""


class WUC(Register, at=0x05800, keep=True):
    """Wake-up control.  Ref: ixgbe."""

    APME       = Field(0, stored=WAKE)      # advanced power management wake-up
    PME_EN     = Field(1, stored=WAKE)      # may wake the system
    PME_STATUS = Field(2, access=W1C)       # asked for a wake-up
    WKEN       = Field(4, stored=WAKE)      # wake-up filters are on


class _Wakers(Register):
    """What may wake a host, as in WUFC and WUS."""

    LNKC = Field(0)         # link change
    MAG  = Field(1)         # magic packet
    EX   = Field(2)         # our own address
    MC   = Field(3)         # multicast
    BC   = Field(4)         # broadcast
    ARP  = Field(5)         # an ARP request for our address
    IPV4 = Field(6)         # a packet to our IPv4 address
    IPV6 = Field(7)         # a packet to our IPv6 address
    MNG  = Field(8)         # management
    FLX  = Field(21, 16)    # flexible filters


class WUFC(_Wakers, at=0x05808, keep=True, stored=WAKE):
    """Wake-up filter control.  Ref: ixgbe."""

    IGNORE_TCO = Field(15)  # not for packets that management takes


class WUS(Storage, at=0x05810, access=W1C, keep=True, stored=WAKE):
    """Wake-up status.  Ref: ixgbe."""


class MANC(Storage, at=0x05820, keep=True, stored=MANAGEMENT):
    """Management control.  Ref: ixgbe."""


class MFVAL(Storage, at=0x05824, keep=True, stored=MANAGEMENT):
    """Management filters valid.  Ref: ixgbe."""


class IPAV(Storage, at=0x05838, keep=True, stored=WAKE):
    """Wake-up IP addresses valid.  Ref: ixgbe."""


class IP4AT(Storage, at=every(0x05840, 4, 8), keep=True, stored=WAKE):
    """Wake-up IPv4 addresses, every other word.  Ref: ixgbe."""


class MANC2H(Storage, at=0x05860, keep=True, stored=MANAGEMENT):
    """Management to host.  Ref: ixgbe."""


class IP6AT(Storage, at=every(0x05880, 4, 4), keep=True, stored=WAKE):
    """Wake-up IPv6 address.  Ref: ixgbe."""


class MDEF(Storage, at=every(0x05890, 4, 8), keep=True, stored=MANAGEMENT):
    """Manageability decision filters.  Ref: ixgbe."""


class MIPAF(Storage, at=every(0x058B0, 4, 16), keep=True, stored=MANAGEMENT):
    """Manageability IP address filters.  Ref: ixgbe."""


class WUPL(Storage, at=0x05900, keep=True, stored=WAKE):
    """Wake-up packet length.  Ref: ixgbe."""


class MMAL(Storage, at=every(0x05910, 8, 4), keep=True, stored=MANAGEMENT):
    """Manageability MAC address, low.  Ref: ixgbe."""


class MMAH(Storage, at=every(0x05914, 8, 4), keep=True, stored=MANAGEMENT):
    """Manageability MAC address, high.  Ref: ixgbe."""


class WUPM(Storage, at=every(0x05A00, 4, 32), keep=True, stored=WAKE):
    """Wake-up packet.  Ref: ixgbe."""


class FHFT(Storage, at=every(0x09000, 4, 256), keep=True, stored=WAKE):
    """Flexible host filter table: four filters of 256 bytes.  Ref: ixgbe."""


class FTFT(Storage, at=every(0x09400, 4, 256), keep=True, stored=MANAGEMENT):
    """Flexible management filter table.  Ref: ixgbe."""


class FHFT_EXT(Storage, at=every(0x09800, 4, 128), keep=True, stored=WAKE):
    """Flexible host filters 4 and 5.  Ref: ixgbe."""


class LSWFW(Storage, at=0x15014, keep=True):
    """LAN software and firmware semaphore.  Ref: ixgbe."""


class FLEX_MNG(Storage, at=every(0x15800, 4, 448), keep=True):
    """Shared memory of host and firmware.  Ref: ixgbe."""


class HICR(Register, at=0x15F00, keep=True):
    """Host interface control.  EN = 0: there is no firmware to talk to, and drivers give up at once.  Ref: ixgbe."""

    EN              = Field(0, access=RO)   # firmware listens; 0: nobody there
    C               = Field(1)              # command
    SV              = Field(2, access=RO)   # status valid
    FW_RESET_ENABLE = Field(6)              # FW_RESET counts
    FW_RESET        = Field(7)              # restart the firmware


class HSMC0R(Storage, at=0x15F04, keep=True):
    """Host slave mailbox 0.  Ref: ixgbe.  Guess: storage."""


class HSMC1R(Storage, at=0x15F08, keep=True):
    """Host slave mailbox 1.  Ref: ixgbe.  Guess: storage."""


class FWSTS(ReadOnly, at=0x15F0C, keep=True):
    """Firmware status.  Ref: ixgbe."""


class SWSR(Storage, at=0x15F10, keep=True):
    """Software status.  Ref: ixgbe."""


class HFDR(Storage, at=0x15FE8, keep=True):
    """Host firmware debug.  Ref: ixgbe."""
