# SPDX-License-Identifier: BSD-3-Clause
"""Virtualization: pools, VLAN and anti-spoof per pool, the mailbox of the PF.

Ref: 82599 datasheet, "Virtualization PF Registers"; names as in Linux ixgbe.
"""

from device.regs.core import RO, W1C, WO, Field, Register, Storage, every


class VFLRE(Storage, at=(0x00600, 0x001C0), access=RO):
    """VFs that were reset: a bit each, 0..31 and 32..63.  Ref: ixgbe."""


class VFLREC(Storage, at=every(0x00700, 4, 2), access=W1C):
    """Writing 1 clears the bit in VFLRE.  Ref: ixgbe."""


class MBVFICR(Register, at=every(0x00710, 4, 4), access=W1C):
    """Mailbox causes of sixteen VFs.  Also called PFMBICR.  Ref: ixgbe."""

    VFREQ = Field(15, 0)    # a request waits
    VFACK = Field(31, 16)   # our message was acknowledged


class PFMBIMR(Storage, at=every(0x00720, 4, 2), reset=0xFFFFFFFF):
    """Mailbox interrupt mask.  Ref: datasheet.  Guess: reset value."""


class PFMAILBOX(Register, at=every(0x04B00, 4, 64)):
    """Mailbox control of one VF.  Ref: ixgbe."""

    STS  = Field(0, access=WO)  # a message is ready for the VF
    ACK  = Field(1, access=WO)  # the VF's message was read
    VFU  = Field(2, access=RO)  # the VF holds the memory
    PFU  = Field(3)             # the PF holds the memory
    RVFU = Field(4, access=WO)  # take it from the VF


class PFMBMEM(Storage, at=every(0x13000, 4, 1024)):
    """Mailbox memory: VF v has words 16v to 16v + 15.  Ref: ixgbe."""


class VMTXSW(Storage, at=every(0x05180, 4, 2)):
    """Pools that may hear themselves: what they send, and is for them, comes back.  Ref: datasheet; DPDK."""


class VT_CTL(Register, at=0x051B0):
    """Pools on, default pool, replication.  Ref: ixgbe."""

    VT_ENABLE = Field(0)
    POOL      = Field(12, 7)    # default pool
    DIS_DEFPL = Field(29)       # no default pool
    REPLEN    = Field(30)       # replicate multicast and broadcast


class VMD_CTL(Storage, at=0x0581C):
    """VMDq control of the 82598.  Ref: ixgbe."""


class VFRE(Storage, at=every(0x051E0, 4, 2)):
    """Receive enable per pool.  Ref: ixgbe."""


class VMVIR(Register, at=every(0x08000, 4, 64)):
    """VLAN tag inserted for a pool.  Ref: ixgbe."""

    PORT_VLAN_ID  = Field(15, 0)
    VLANA_DEFAULT = Field(30)           # every frame gets the tag
    VLANA_NEVER   = Field(31)           # no frame may have one


class VFTE(Storage, at=every(0x08110, 4, 2)):
    """Transmit enable per pool.  Ref: ixgbe."""


class PFVFSPOOF(Register, at=every(0x08200, 4, 8)):
    """Anti-spoof checks of eight pools, a bit each.  Ref: ixgbe."""

    MACAS   = Field(7, 0)
    VLANAS  = Field(15, 8)
    ETHERAS = Field(23, 16)     # EtherTypes of ETQF.TX_ANTISPOOF.  Ref: ixgbe, for later parts


class PFDTXGSWC(Register, at=0x08220):
    """Switching between pools (VEB).  Ref: ixgbe."""

    VT_LBEN = Field(0)    # pools send to each other inside the NIC


class VMECM(Storage, at=every(0x08790, 4, 2)):
    """Pools whose spoofed frames SSVPC counts.  Ref: ixgbe."""


class MPSAR(Storage, at=every(0x0A600, 4, 256)):
    """Pools of a receive address: words 2n (pools 0..31) and 2n + 1 (32..63).  Ref: ixgbe."""


class VMOLR(Register, at=every(0x0F000, 4, 64)):
    """What a pool accepts.  Ref: ixgbe."""

    UPE   = Field(22)   # all unicast, later parts: storage
    VPE   = Field(23)   # all VLANs, later parts: storage
    AUPE  = Field(24)   # untagged frames
    ROMPE = Field(25)   # multicast that hits MTA
    ROPE  = Field(26)   # unicast that hits UTA
    BAM   = Field(27)   # broadcast
    MPE   = Field(28)   # all multicast


class VLVF(Register, at=every(0x0F100, 4, 64)):
    """A VLAN id shared by the pools of VLVFB.  Ref: ixgbe."""

    VLANID = Field(11, 0)   # the VLAN
    VIEN   = Field(31)      # the entry counts


class VLVFB(Storage, at=every(0x0F200, 4, 128)):
    """Pools of a VLVF entry: words 2i (0..31) and 2i + 1 (32..63).  Ref: ixgbe."""


class MRCTL(Register, at=every(0x0F600, 4, 4)):
    """Mirror rule.  Ref: ixgbe."""

    VPME = Field(0)         # mirror pools
    UPME = Field(1)         # mirror the uplink
    DPME = Field(2)         # mirror the downlink
    VLME = Field(3)         # mirror VLANs
    MP   = Field(13, 8)     # to this pool


class VMRVLAN(Storage, at=every(0x0F610, 4, 8)):
    """VLANs of the mirror rules.  Ref: ixgbe."""


class VMRVM(Storage, at=every(0x0F630, 4, 8)):
    """Pools of the mirror rules.  Ref: ixgbe."""
