# SPDX-License-Identifier: BSD-3-Clause
"""The flow director's hash as public drivers compute it: two 32-bit words, walked bit by bit of the key.

Ref: what ixgbe of Linux and FreeBSD and DPDK say of their hash functions; test_the_twin holds it to their numbers.
"""

from dataclasses import dataclass
from ipaddress import ip_address

BUCKET_KEY, SIGNATURE_KEY = 0x3DAD14E2, 0x174D3614  # what Linux writes to FDIRHKEY and FDIRSKEY
UDP, TCP, SCTP = 1, 2, 3
IPV6 = 4


@dataclass(frozen=True)
class Flow:
    """What is hashed of a packet as its receiver sees it; 0 where a mask leaves a field out."""

    src: str = "0.0.0.0"
    dst: str = "0.0.0.0"
    sport: int = 0
    dport: int = 0
    l4: int = 0
    vlan: int = 0
    flex: int = 0
    pool: int = 0

    @property
    def kind(self) -> int:
        """Pool, kind of packet and VLAN tag."""
        return self.pool << 24 | (self.l4 | (IPV6 if ":" in self.src else 0)) << 16 | self.vlan

    @property
    def common(self) -> int:
        """All other 32-bit words, added up."""
        packed = ip_address(self.src).packed + ip_address(self.dst).packed
        sum32 = self.sport << 16 ^ self.dport ^ self.flex << 16
        for at in range(0, len(packed), 4):
            sum32 ^= int.from_bytes(packed[at : at + 4])
        return sum32


def fdir_hash(key: int, kind: int, common: int) -> int:
    """15 bits."""
    high = common ^ kind ^ kind >> 16
    first = common >> 16 | (common & 0xFFFF) << 16
    low = first ^ kind ^ (kind & 0xFFFF) << 16
    result = 0
    for bit in range(16):
        if key >> bit & 1:
            result ^= (low if bit else first) >> bit
        if key >> (bit + 16) & 1:
            result ^= high >> bit
    return result & 0x7FFF


def bucket(flow: Flow, key: int = BUCKET_KEY) -> int:
    """Which bucket, before the table's size cuts it."""
    return fdir_hash(key, flow.kind, flow.common)


def signature(flow: Flow, key: int = SIGNATURE_KEY) -> int:
    """What a signature filter knows of the flow."""
    return fdir_hash(key, flow.kind, flow.common)


def linux_atr(flow: Flow) -> int:
    """FDIRHASH of a flow as Linux adds it from its own transmit path, in signature mode."""
    return signature(flow) << 16 | bucket(flow)
