# SPDX-License-Identifier: BSD-3-Clause
"""Interrupts: causes, masks, allocation to vectors, moderation.

The cause and mask registers are views of one state; the rules here say what a lone access does, the interrupt block
adds how they act on each other.  Ref: 82599 datasheet, "Interrupt Registers"; names as in Linux ixgbe.
"""

from enum import IntEnum

from device.regs.core import RCW1C, RW, W1C, W1S, WO, Field, Register, Storage, every
from device.regs.i82599.features import CREDITS, POOLS, RSC_DELAYS


class VtMode(IntEnum):
    """Number of pools, in GPIE and GCR_EXT."""

    NONE = 0
    VT16 = 1
    VT32 = 2
    VT64 = 3


class _Causes(Register):
    """Bits of the EICR family."""

    RTX_QUEUE = Field(15, 0)    # legacy and MSI: the bit IVAR names; MSI-X: bit v = vector v
    FLOW_DIR  = Field(16)       # flow director: FDIRCTRL.FULL_THRESH * 16 filters or fewer are free
    RX_MISS   = Field(17)       # a frame found no room in the packet buffer
    PCI       = Field(18)       # PCI exception
    MAILBOX   = Field(19)       # a VF wrote, or was reset
    LSC       = Field(20)       # link status change
    LINKSEC   = Field(21)       # MACsec packet number
    MNG       = Field(22)       # manageability event
    TS        = Field(23)       # thermal sensor
    GPI_SDP0  = Field(24)       # pin 0, also time sync
    GPI_SDP1  = Field(25)       # pin 1: reconfigure link
    GPI_SDP2  = Field(26)       # pin 2: module inserted or removed
    GPI_SDP3  = Field(27)       # pin 3
    ECC       = Field(28)       # packet buffer error; never raised, drivers reset on it
    DHER      = Field(29)       # descriptor handler error
    TCP_TIMER = Field(30)       # TCPTIMER has run down
    OTHER     = Field(31)       # any of the others


class EICR(_Causes, at=0x00800, access=RCW1C):
    """Extended interrupt cause: read clears, writing 1 clears.  Ref: ixgbe."""


class EICS(_Causes, at=0x00808, access=W1S):
    """Cause set; reads give the causes without clearing them.  Ref: ixgbe."""


class EIAC(_Causes, at=0x00810, access=RW):
    """Auto-clear: causes that sending an MSI-X message clears.  Ref: ixgbe."""


class EIMS(_Causes, at=0x00880, access=W1S):
    """Mask set: 1 enables; reads give the mask.  Enabling a pending cause fires at once.  Ref: ixgbe."""


class EIMC(_Causes, at=0x00888, access=W1C):
    """Mask clear: 1 disables.  Ref: ixgbe."""


class EIAM(_Causes, at=0x00890, access=RW):
    """Auto-mask: causes that a read or write of EICR (or a message, with GPIE.EIAME) disables.  Ref: ixgbe."""


class EICS_EX(Storage, at=every(0x00A90, 4, 2), access=W1S):
    """Cause set for queue vectors: bit v of word 0 is vector v, of word 1 vector 32 + v.  Ref: ixgbe."""


class EIMS_EX(Storage, at=every(0x00AA0, 4, 2), access=W1S):
    """Mask set for queue vectors.  Ref: ixgbe."""


class EIMC_EX(Storage, at=every(0x00AB0, 4, 2), access=W1C):
    """Mask clear for queue vectors.  Ref: ixgbe."""


class EIAM_EX(Storage, at=every(0x00AD0, 4, 2)):
    """Auto-mask for queue vectors.  Ref: ixgbe."""


class EICR_EX(Storage, at=every(0x00A80, 4, 2), access=RCW1C):
    """Causes of queue vectors.  Guess: the register exists; Linux never touches it."""


class EIAC_EX(Storage, at=0x00AC0):
    """Auto-clear of queue vectors above 15.  Guess: the register exists; Linux never touches it."""


class EITR(Register, at=every(0x00820, 4, 24) + every(0x12300, 4, 105), asks=False):
    """Moderation of one vector: no two messages closer than the interval.  Ref: ixgbe.  Guess: COUNTER."""

    ITR_INTERVAL = Field(11, 3)                     # 2 us units
    LLI_MOD      = Field(15, stored=CREDITS)        # low latency interrupts are moderated too
    LLI_CREDIT   = Field(20, 16, stored=CREDITS)    # low latency interrupts left
    ITR_COUNTER  = Field(27, 21)                    # what is left of the interval
    CNT_WDIS     = Field(31, access=WO)             # this write leaves the running counter alone


class EITRSEL(Storage, at=0x00894, stored=POOLS):
    """Which of two EITRs the vectors of VF 32..63 use.  Ref: ixgbe."""


class GPIE(Register, at=0x00898):
    """General purpose interrupt enable: pins and interrupt mode.  Ref: ixgbe."""

    SDP0_GPIEN  = Field(0)                      # pin 0 raises EICR.GPI_SDP0
    SDP1_GPIEN  = Field(1)                      # pin 1 raises EICR.GPI_SDP1: a loss of signal
    SDP2_GPIEN  = Field(2)                      # pin 2 raises EICR.GPI_SDP2: module in or out
    SDP3_GPIEN  = Field(3)                      # pin 3 raises EICR.GPI_SDP3
    MSIX_MODE   = Field(4)                      # one vector per cause instead of one for all
    OCD         = Field(5)                      # reading EICR clears only bits 31:16
    EIMEN       = Field(6)                      # EICS fires without waiting for EITR
    LL_INTERVAL = Field(10, 7, stored=CREDITS)  # how often low latency credits come
    RSC_DELAY   = Field(13, 11, stored=RSC_DELAYS)     # how long a coalesced frame waits
    VTMODE      = Field(15, 14, values=VtMode)  # pools, for interrupts
    EIAME       = Field(30)                     # sending a message applies EIAM
    PBA_SUPPORT = Field(31)                     # pending bits of MSI-X follow EICR


class IVAR(Register, at=every(0x00900, 4, 64)):
    """Vectors of Rx and Tx queues 2n and 2n + 1.  Ref: ixgbe."""

    RX0       = Field(5, 0)     # vector of Rx queue 2n
    RX0_VALID = Field(7)        # Rx queue 2n interrupts
    TX0       = Field(13, 8)    # vector of Tx queue 2n
    TX0_VALID = Field(15)       # Tx queue 2n interrupts
    RX1       = Field(21, 16)   # vector of Rx queue 2n + 1
    RX1_VALID = Field(23)       # Rx queue 2n + 1 interrupts
    TX1       = Field(29, 24)   # vector of Tx queue 2n + 1
    TX1_VALID = Field(31)       # Tx queue 2n + 1 interrupts


class IVAR_MISC(Register, at=0x00A00):
    """Vectors of the TCP timer and of all other causes.  Ref: ixgbe."""

    TCP_TIMER       = Field(5, 0)   # vector of the TCP timer
    TCP_TIMER_VALID = Field(7)      # the TCP timer interrupts
    OTHER           = Field(13, 8)  # vector of all other causes: link, mailbox, errors
    OTHER_VALID     = Field(15)     # other causes interrupt
