# SPDX-License-Identifier: BSD-3-Clause
"""Mailbox messages: numbers and bits as drivers of both sides have them."""

from device.regs.i82599 import mbx
from device.regs.i82599.mbx import HEAD, ApiVersion, MessageType


def test_messages_look_as_drivers_write_them() -> None:
    """Ref: facts of ixgbe and ixgbevf; each number once by hand."""
    assert HEAD.of(TYPE=MessageType.RESET, ACK=1, CTS=1) == 0xA0000001
    assert HEAD.of(TYPE=MessageType.SET_MAC, NACK=1) == 0x40000002
    assert HEAD.of(TYPE=MessageType.SET_MULTICAST, INFO=30) == 0x001E0003
    assert HEAD.of(TYPE=MessageType.PF_CONTROL, CTS=1) == 0x20000100
    assert HEAD(0x20010004).INFO == 1
    assert mbx.HASHES(0x0FFF0020) == mbx.HASHES.of(FIRST=0x020, SECOND=0xFFF)
    assert mbx.HASH(0x0FE3) == mbx.HASH.of(WORD=0x7F, BIT=3)
    assert mbx.RETA_WORD.of(E0=1, E1=2, E15=3) == 0xC0000009
    assert len(mbx.RETA_WORD.FIELDS) * 8 == mbx.RETA_ENTRIES
    assert mbx.VLAN(0xF123).ID == 0x123


def test_versions_are_not_in_the_order_of_their_numbers() -> None:
    """1 is 2.0: a comparison of numbers would take it for less than 1.1."""
    numbers = {ApiVersion.V1_0: 0, ApiVersion.V2_0: 1, ApiVersion.V1_1: 2, ApiVersion.V1_4: 5, ApiVersion.V1_5: 6}
    assert all(version == number for version, number in numbers.items())
