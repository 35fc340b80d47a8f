# SPDX-License-Identifier: BSD-3-Clause
"""Which frames the filters let through, as a table of sets: what rx_filter() in C must answer."""

from dataclasses import dataclass, field

from tests.twins.parse import parse

BROADCAST = b"\xff" * 6


def table_bit(address: bytes, kind: int) -> int:
    """Bit of MTA or UTA that belongs to an address; ``kind`` is MCSTCTRL.MO."""
    number = int.from_bytes(address, "little")
    low = {0: 36, 1: 35, 2: 34, 3: 32}[kind]
    return number >> low & 0xFFF


@dataclass
class Filters:
    """The filter registers as sets and flags."""

    addresses: set[bytes] = field(default_factory=set)
    multicast_bits: set[int] = field(default_factory=set)
    unicast_bits: set[int] = field(default_factory=set)
    vlans: set[int] = field(default_factory=set)
    mo: int = 0
    mfe: bool = False
    upe: bool = False
    mpe: bool = False
    bam: bool = False
    vfe: bool = False
    jumbo_bytes: int = 0  # 0: HLREG0.JUMBOEN is off

    def passes(self, data: bytes) -> bool:
        """Whether a frame (without FCS) reaches a queue."""
        packet = parse(data)
        limit = (self.jumbo_bytes or 1518) - 4 + 4 * packet.has_vlan
        if not 60 <= len(data) <= limit or packet.ethertype == 0x8808:
            return False
        address = data[:6]
        if address == BROADCAST:
            wanted = self.bam or self.mpe
        elif address in self.addresses:
            wanted = True
        elif address[0] & 1:
            wanted = self.mpe or (self.mfe and table_bit(address, self.mo) in self.multicast_bits)
        else:
            wanted = self.upe or table_bit(address, self.mo) in self.unicast_bits
        return wanted and (not self.vfe or not packet.has_vlan or packet.vlan_tci & 0xFFF in self.vlans)
