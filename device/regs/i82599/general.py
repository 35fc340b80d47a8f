# SPDX-License-Identifier: BSD-3-Clause
"""General control and status: CTRL, STATUS, pins, LEDs, timers, semaphores.

Ref: 82599 datasheet, "General Control Registers"; names as in Linux ixgbe.
"""

from enum import IntEnum

from device.regs.core import RO, SC, Field, ReadOnly, Register
from device.regs.i82599.features import LEDS


class LedMode(IntEnum):
    """What lights an LED."""

    LINK_UP   = 0x0
    LINK_10G  = 0x1
    MAC       = 0x2
    FILTER    = 0x3
    LINK_ACT  = 0x4
    LINK_1G   = 0x5
    LINK_100  = 0x6
    ON        = 0xE
    OFF       = 0xF


class FwMode(IntEnum):
    """What the manageability firmware does."""

    NONE         = 0
    PASS_THROUGH = 2


class CTRL(Register, at=0x00000):
    """Device control.  Both resets act alike here and clear GIO_DIS.  Ref: ixgbe."""

    GIO_DIS = Field(2)              # stop starting DMA; STATUS.GIO then tells when it is quiet
    LRST    = Field(3, access=SC)   # link reset
    RST     = Field(26, access=SC)  # software reset


class STATUS(Register, at=0x00008, access=RO):
    """Device status, also everybody's flush target.  Ref: ixgbe; other drivers for LINK_UP, NUM_VFS, IOV_ACTIVE."""

    LAN_ID     = Field(3, 2)            # port number on a dual-port card
    LINK_UP    = Field(7)               # there is a link
    NUM_VFS    = Field(17, 10)          # virtual functions, from SR-IOV
    IOV_ACTIVE = Field(18)              # there are virtual functions
    GIO        = Field(19, reset=1)     # DMA may be in flight; falls after CTRL.GIO_DIS


class CTRL_EXT(Register, at=0x00018):
    """Extended device control.  Ref: ixgbe.  Guess: EXTENDED_VLAN position."""

    PFRSTD        = Field(14)   # the PF driver is done with its reset; VFs may go on
    NS_DIS        = Field(16)   # no "no snoop" on DMA
    RO_DIS        = Field(17)   # no relaxed ordering on DMA
    EXTENDED_VLAN = Field(26)   # every frame carries an outer VLAN tag
    DRV_LOAD      = Field(28)   # a driver is present; firmware looks at it


class ESDP(Register, at=0x00020, keep=True):
    """Software-defined pins: SDP2 in = module present, SDP3 out = Tx laser off, SDP5 out = rate select.

    Ref: ixgbe.  Guess: reset value; pins keep their state over a software reset, else the laser would flap.
    """

    SDP0        = Field(0)              # level of pin 0
    SDP1        = Field(1)              # level of pin 1
    SDP2        = Field(2, reset=1)     # level of pin 2: a module is in the cage
    SDP3        = Field(3)              # level of pin 3: 1 switches the laser off
    SDP4        = Field(4)              # level of pin 4
    SDP5        = Field(5)              # level of pin 5: 1 selects the 10G rate
    SDP6        = Field(6)              # level of pin 6
    SDP7        = Field(7)              # level of pin 7
    SDP0_DIR    = Field(8)              # directions: 0 = input
    SDP1_DIR    = Field(9)              # 1: pin 1 is an output
    SDP2_DIR    = Field(10)             # 1: pin 2 is an output
    SDP3_DIR    = Field(11, reset=1)    # 1: pin 3 is an output
    SDP4_DIR    = Field(12)             # 1: pin 4 is an output
    SDP5_DIR    = Field(13)             # 1: pin 5 is an output
    SDP6_DIR    = Field(14)             # 1: pin 6 is an output
    SDP7_DIR    = Field(15)             # 1: pin 7 is an output
    SDP0_NATIVE = Field(16)             # the pin belongs to a hardware function
    SDP1_NATIVE = Field(17)             # pin 1 belongs to a hardware function


class I2CCTL(Register, at=0x00028):
    """The two I2C wires of the SFP+ cage, open drain.  Called EODSDP in older maps.  Ref: ixgbe."""

    CLK_IN   = Field(0, reset=1, access=RO)     # level of the clock wire
    CLK_OUT  = Field(1, reset=1)                # 0 pulls the clock wire down
    DATA_IN  = Field(2, reset=1, access=RO)     # level of the data wire
    DATA_OUT = Field(3, reset=1)                # 0 pulls the data wire down


class FRTIMER(ReadOnly, at=0x00048):
    """Free-running timer.  Ref: ixgbe.  Guess: counts microseconds."""


class TCPTIMER(Register, at=0x0004C, reset=0x100):
    """A timer for software; raises EICR.TCP_TIMER.  Ref: ixgbe.  Guess: reset value."""

    DURATION       = Field(7, 0)            # milliseconds
    KICKSTART      = Field(8, access=SC)    # a command, reads 0
    TCPCOUNTEN     = Field(9)               # off: stands still
    TCPCOUNTFINISH = Field(10, access=SC)   # ends at once.  Guess: a command, reads 0
    LOOP           = Field(11)              # starts over at its end


class LEDCTL(Register, at=0x00200, stored=LEDS):
    """Four LEDs, one byte each; LED2 shows link and activity.  Ref: ixgbe.  Guess: reset value."""

    LED0_MODE    = Field(3, 0, values=LedMode)              # what lights LED 0
    GLOBAL_BLINK = Field(5)                                 # blink rate of all LEDs
    LED0_IVRT    = Field(6)                                 # LED 0 is lit when it would be dark
    LED0_BLINK   = Field(7)                                 # LED 0 blinks
    LED1_MODE    = Field(11, 8, values=LedMode)             # what lights LED 1
    LED1_IVRT    = Field(14)                                # LED 1 is lit when it would be dark
    LED1_BLINK   = Field(15)                                # LED 1 blinks
    LED2_MODE    = Field(19, 16, reset=4, values=LedMode)   # what lights LED 2
    LED2_IVRT    = Field(22)                                # LED 2 is lit when it would be dark
    LED2_BLINK   = Field(23)                                # LED 2 blinks
    LED3_MODE    = Field(27, 24, values=LedMode)            # what lights LED 3
    LED3_IVRT    = Field(30)                                # LED 3 is lit when it would be dark
    LED3_BLINK   = Field(31)                                # LED 3 blinks


class SWSM(Register, at=0x10140, keep=True):
    """Software semaphore.  Reading SMBI as 0 acquires it (the read sets it).

    Ref: ixgbe.  Guess: survives a software reset, since it is shared with the other port.
    """

    SMBI     = Field(0)     # a driver of either port has it; reading 0 takes it
    SWESMBI  = Field(1)     # software has it, not firmware
    WMNG     = Field(2)     # wake the firmware
    DRV_LOAD = Field(3)     # a driver is loaded


class FWSM(Register, at=0x10148, access=RO, keep=True):
    """What the firmware says of itself: none here, but valid.  Ref: ixgbe."""

    MODE         = Field(3, 1, values=FwMode)   # what firmware is for
    NVM_RECOVERY = Field(5)         # later chips' drivers look at it: firmware asks for a new image
    FW_VALID     = Field(15, reset=1)           # firmware runs, and MODE says what it does
    EXT_ERR_IND  = Field(24, 19)    # nonzero makes the driver warn every two seconds


class FACTPS(Register, at=0x10150, access=RO, keep=True):
    """Function active and power state.  Ref: ixgbe."""

    MNGCG = Field(29)   # manageability clock gated
    LFS   = Field(30)   # LAN function select: port numbers swapped


class GSSR(Register, at=0x10160, keep=True):
    """Who holds which resource: software's bits and, five higher, firmware's.  Also called SW_FW_SYNC.

    Ref: ixgbe.  Guess: survives a software reset, as it is shared.
    """

    EEP        = Field(0)   # software has the EEPROM
    PHY0       = Field(1)   # software has port 0's I2C and MDIO wires
    PHY1       = Field(2)   # software has port 1's I2C and MDIO wires
    MAC_CSR    = Field(3)   # software has the link registers
    FLASH      = Field(4)   # software has the flash
    FW_EEP     = Field(5)   # firmware has the EEPROM
    FW_PHY0    = Field(6)   # firmware has port 0's wires
    FW_PHY1    = Field(7)   # firmware has port 1's wires
    FW_MAC_CSR = Field(8)   # firmware has the link registers
    FW_FLASH   = Field(9)   # firmware has the flash
    SW_MNG     = Field(10)  # software has the way to firmware (HICR)
    FW_SW_MNG  = Field(15)  # firmware has that way
