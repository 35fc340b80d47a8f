# SPDX-License-Identifier: BSD-3-Clause
"""Flow director.

Ref: 82599 datasheet, "Flow Director Registers"; names as in Linux ixgbe.
"""

from enum import IntEnum

from device.regs.core import RC, RO, SC, STICKS, Counter, Field, Register, Storage, every


class PbAlloc(IntEnum):
    """Rx packet buffer given to the filter table."""

    NONE = 0
    K64  = 1
    K128 = 2
    K256 = 3


class FdirCmd(IntEnum):
    """What FDIRCMD does."""

    NONE          = 0
    ADD_FLOW      = 1
    REMOVE_FLOW   = 2
    QUERY_REM_FILT = 3


class FdirL4Type(IntEnum):
    """L4 protocol of a filter."""

    NONE = 0
    UDP  = 1
    TCP  = 2
    SCTP = 3


class FDIRCTRL(Register, at=0x0EE00):
    """Flow director control.  Ref: ixgbe."""

    PBALLOC              = Field(1, 0, values=PbAlloc)
    INIT_DONE            = Field(3, access=RO)  # rises after a write
    PERFECT_MATCH        = Field(4)
    REPORT_STATUS        = Field(5)             # frames that match get RSS type 15
    REPORT_STATUS_ALWAYS = Field(7)             # all that the flow director looks at do
    DROP_Q               = Field(14, 8)
    FLEX                 = Field(20, 16)        # offset of the two flexible bytes, in words
    FILTERMODE           = Field(22, 21)        # Guess: storage on this part
    SEARCHLIM            = Field(23)            # Guess: storage
    MAX_LENGTH           = Field(27, 24)        # Guess: filters of a bucket before frames are marked; 0 = none
    FULL_THRESH          = Field(31, 28)        # EICR.FLOW_DIR with 16 times as many free; Guess: 0 = never


class FDIRSIPv6(Storage, at=every(0x0EE0C, 4, 3)):
    """Source IPv6 address, first three words, each with its first byte lowest.  Ref: ixgbe."""


class FDIRIPSA(Storage, at=0x0EE18):
    """Source IPv4 address, or last word of the IPv6 one; first byte lowest.  Observed: Linux 6.12."""


class FDIRIPDA(Storage, at=0x0EE1C):
    """Destination IPv4 address, first byte lowest.  Observed: Linux 6.12."""


class FDIRPORT(Register, at=0x0EE20):
    """Ports.  Ref: ixgbe."""

    SOURCE      = Field(15, 0)
    DESTINATION = Field(31, 16)


class FDIRVLAN(Register, at=0x0EE24):
    """VLAN tag and flexible bytes.  Ref: ixgbe."""

    VLAN = Field(15, 0)
    FLEX = Field(31, 16)


class FDIRHASH(Register, at=0x0EE28):
    """Hash bucket and the number software gave the filter.  Linux writes it with FDIRCMD as 8 bytes.  Ref: ixgbe."""

    HASH         = Field(14, 0)
    BUCKET_VALID = Field(15)        # Guess: storage
    SIG_SW_INDEX = Field(31, 16)    # signature, or software's index


class FDIRCMD(Register, at=0x0EE2C):
    """Add, remove or query a filter; CMD reads 0 when done.  Ref: ixgbe."""

    CMD           = Field(1, 0, access=SC, values=FdirCmd)
    FILTER_VALID  = Field(2, access=RO)     # answer of a query
    FILTER_UPDATE = Field(3)                # adding what exists replaces it; else it only collides
    IPV6DMATCH    = Field(4)                # Guess: storage
    L4TYPE        = Field(6, 5, values=FdirL4Type)
    IPV6          = Field(7)
    CLEARHT       = Field(8)                # empty the hash table
    DROP          = Field(9)
    INT           = Field(10)               # Guess: storage
    LAST          = Field(11)               # Guess: storage
    COLLISION     = Field(12)               # this filter was added twice
    QUEUE_EN      = Field(15)
    RX_QUEUE      = Field(22, 16)
    TUNNEL_FILTER = Field(23)               # Guess: storage on this part
    VT_POOL       = Field(29, 24)


class FDIRFREE(Register, at=0x0EE38):
    """Free filters, and those that collided.  Ref: ixgbe; DPDK for what they mean."""

    FREE = Field(15, 0)
    COLL = Field(30, 16)


class FDIRDIP4M(Storage, at=0x0EE3C):
    """Destination IPv4 mask: 1 = ignore the bit.  Ref: ixgbe."""


class FDIRSIP4M(Storage, at=0x0EE40):
    """Source IPv4 mask: 1 = ignore the bit.  Ref: ixgbe."""


class FDIRTCPM(Register, at=0x0EE44):
    """TCP port masks: 1 = ignore; each half is written with its bits in reverse order.  Ref: ixgbe."""

    SOURCE      = Field(15, 0)
    DESTINATION = Field(31, 16)


class FDIRUDPM(Register, at=0x0EE48):
    """UDP port masks: 1 = ignore; each half is written with its bits in reverse order.  Ref: ixgbe."""

    SOURCE      = Field(15, 0)
    DESTINATION = Field(31, 16)


class FDIRLEN(Register, at=0x0EE4C, access=RC):
    """Longest bucket list seen since the last read.  Ref: ixgbe; DPDK for MAXLEN and MAXHASH."""

    MAXLEN     = Field(5, 0)
    BUCKET_LEN = Field(13, 8)       # Guess: filters in the bucket of the last query
    MAXHASH    = Field(30, 16)      # bucket of the filter that made it so long


class FDIRUSTAT(Register, at=0x0EE50, counter=True, full=STICKS):
    """Filters added and removed.  Ref: ixgbe.  Guess: each half sticks by itself, as statistics do."""

    ADD    = Field(15, 0)   # filters added
    REMOVE = Field(31, 16)  # filters removed


class FDIRFSTAT(Register, at=0x0EE54, counter=True, full=STICKS):
    """Filters that could not be added or removed.

    Ref: ixgbe; DPDK for the fields, eight bits each.  Guess: each field sticks by itself, as statistics do.
    """

    FADD    = Field(7, 0)   # filters that could not be added
    FREMOVE = Field(15, 8)  # filters that could not be removed


class FDIRMATCH(Counter, at=0x0EE58):
    """Frames that matched.  Ref: ixgbe.  Guess: sticks, as statistics do."""


class FDIRMISS(Counter, at=0x0EE5C):
    """Frames that did not.  Ref: ixgbe.  Guess: sticks, as statistics do."""


class FDIRHKEY(Storage, at=0x0EE68):
    """Key of the bucket hash.  Ref: ixgbe, which writes 0x3DAD14E2."""


class FDIRSKEY(Storage, at=0x0EE6C):
    """Key of the signature hash.  Ref: ixgbe, which writes 0x174D3614."""


class FDIRM(Register, at=0x0EE70):
    """Which fields filters ignore, and the hash too: 1 = ignore.  Ref: ixgbe."""

    VLANID = Field(0)
    VLANP  = Field(1)
    POOL   = Field(2)
    L4P    = Field(3)
    FLEX   = Field(4)
    DIPv6  = Field(5)


class FDIRIP6M(Register, at=0x0EE74):
    """IPv6 byte masks: 1 = ignore; bit i is byte i as it lies in the header.  Ref: ixgbe; DPDK for the order."""

    SOURCE      = Field(15, 0)
    DESTINATION = Field(31, 16)
