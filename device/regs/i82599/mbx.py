# SPDX-License-Identifier: BSD-3-Clause
"""Messages between the drivers of a VF and of its PF: sixteen words in the mailbox memory (PFMBMEM, VFMBMEM).

Word 0 is ``HEAD``; a reply repeats the type, with ACK or NACK.  The chip knows nothing of this: it is what drivers
agreed upon, and what each may say depends on the version that the VF negotiated.

Ref: Linux ixgbe and ixgbevf 6.1, 6.12.
"""

from enum import IntEnum

from device.regs.core import Field, Register

WORDS = 16              # of a message
HASHES_MAX = 30         # multicast hashes of one SET_MULTICAST
RETA_ENTRIES = 128      # of GET_RETA's reply
RSS_KEY_BYTES = 40      # of GET_RSS_KEY's reply


class MessageType(IntEnum):
    """What a message is about.  From the VF, except PF_CONTROL."""

    RESET              = 0x01   # the VF starts anew; reply: MAC in words 1, 2 with ACK, none with NACK; MO in word 3
    SET_MAC            = 0x02   # words 1, 2: the address
    SET_MULTICAST      = 0x03   # INFO hashes, two a word from word 1 on
    SET_VLAN           = 0x04   # INFO 1: add, 0: remove; word 1: VLAN
    SET_LPE            = 0x05   # word 1: largest frame with its checksum, bytes
    SET_MACVLAN        = 0x06   # INFO 0: forget all, else add; words 1, 2: the address
    API_NEGOTIATE      = 0x08   # word 1: ApiVersion
    GET_QUEUES         = 0x09   # reply: QueuesWord
    GET_RETA           = 0x0A   # reply: RETA_ENTRIES, sixteen a word from word 1 on
    GET_RSS_KEY        = 0x0B   # reply: the key from word 1 on
    UPDATE_XCAST       = 0x0C   # word 1: XcastMode, in the reply the one that counts
    IPSEC_ADD          = 0x0D
    IPSEC_DEL          = 0x0E
    GET_LINK_STATE     = 0x10   # reply: word 1 is 1 when the PF lets the VF have a link
    GET_PF_LINK_STATE  = 0x11   # from 1.6 on
    FEATURES_NEGOTIATE = 0x12   # from 1.7 on
    PF_CONTROL         = 0x100  # from the PF: look at the link, and at whether CTS is still there


class ApiVersion(IntEnum):
    """What API_NEGOTIATE asks for.  Numbers are not in the order of versions: 2.0 came to nothing."""

    V1_0 = 0
    V2_0 = 1
    V1_1 = 2
    V1_2 = 3
    V1_3 = 4
    V1_4 = 5
    V1_5 = 6    # the VF holds its lock (VFU) from a request until it has read the reply
    V1_6 = 7
    V1_7 = 8


class XcastMode(IntEnum):
    """What a VF wants to receive beside its own unicast."""

    NONE     = 0
    MULTI    = 1    # broadcast, and multicast by the hash table
    ALLMULTI = 2
    PROMISC  = 3


class QueuesWord(IntEnum):
    """Words of GET_QUEUES's reply."""

    TX         = 1  # queues, or traffic classes
    RX         = 2
    TRANS_VLAN = 3  # not 0: the PF adds and removes the VF's tag
    DEFAULT    = 4  # queue of traffic class 0


class HEAD(Register):
    """Word 0.  Ref: ixgbe."""

    TYPE = Field(15, 0, values=MessageType)
    INFO = Field(23, 16)
    CTS  = Field(29)    # from the PF: clear to send, the VF's RESET was answered
    NACK = Field(30)    # refused
    ACK  = Field(31)    # done


class ADDRESS_LOW(Register):
    """First word of an address, its first byte lowest.  Ref: ixgbe."""

    BYTES = Field(31, 0)


class ADDRESS_HIGH(Register):
    """Second word of an address.  Ref: ixgbe."""

    BYTES = Field(15, 0)


class HASHES(Register):
    """Two multicast hashes.  Ref: ixgbe."""

    FIRST  = Field(15, 0)
    SECOND = Field(31, 16)


class HASH(Register, width=16):
    """A multicast hash: where it stands in MTA.  Ref: ixgbe."""

    BIT  = Field(4, 0)
    WORD = Field(11, 5)


class VLAN(Register):
    """Word 1 of SET_VLAN.  Ref: ixgbe."""

    ID = Field(11, 0)


class RETA_WORD(Register):
    """Sixteen entries of the RSS table, two bits each.  Ref: ixgbe."""

    E0  = Field(1, 0)
    E1  = Field(3, 2)
    E2  = Field(5, 4)
    E3  = Field(7, 6)
    E4  = Field(9, 8)
    E5  = Field(11, 10)
    E6  = Field(13, 12)
    E7  = Field(15, 14)
    E8  = Field(17, 16)
    E9  = Field(19, 18)
    E10 = Field(21, 20)
    E11 = Field(23, 22)
    E12 = Field(25, 24)
    E13 = Field(27, 26)
    E14 = Field(29, 28)
    E15 = Field(31, 30)
