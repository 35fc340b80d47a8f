# SPDX-License-Identifier: BSD-3-Clause
"""What parse_frame() of device/machine/parse.c must say, written plainly: the two are compared on random frames."""

from dataclasses import dataclass

from device.regs.i82599.desc import PktType

TCP, UDP, SCTP = 6, 17, 132
EXTENSIONS = {0, 43, 44, 60, 135}
HEADER_BYTES = {TCP: 20, UDP: 8, SCTP: 12}
L4_TYPE = {TCP: PktType.TCP, UDP: PktType.UDP, SCTP: PktType.SCTP}


@dataclass
class Packet:
    """Mirror of ``struct packet``; offsets in bytes, 0 = not there."""

    ethertype: int = 0
    vlan_tci: int = 0
    l3: int = 0
    l4: int = 0
    l4_len_bytes: int = 0
    has_vlan: int = 0
    ip_version: int = 0
    ip_options: int = 0
    fragment: int = 0
    l4_proto: int = 0
    kind: int = 0
    home_src: int = 0
    route_dst: int = 0
    rerouted: int = 0


def _u16(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big")


def _l4(packet: Packet, proto: int, start: int, end: int) -> int:
    if proto not in HEADER_BYTES or end - start < HEADER_BYTES[proto]:
        return 0
    packet.l4, packet.l4_len_bytes, packet.l4_proto = start, end - start, proto
    return int(L4_TYPE[proto])


def _ipv4(data: bytes, at: int, packet: Packet) -> int:
    ip = data[at:]
    header = ip[0] % 16 * 4 if len(ip) >= 20 else 0
    if len(ip) < 20 or ip[0] >> 4 != 4 or not 20 <= header <= len(ip):
        return 0
    packet.l3, packet.ip_version, packet.ip_options = at, 4, int(header > 20)
    packet.fragment = int(_u16(ip, 6) & 0x3FFF != 0)
    kind = int(PktType.IPV4 | (PktType.IPV4_EX if packet.ip_options else 0))
    total = _u16(ip, 2)
    if not packet.fragment and header <= total <= len(ip):
        kind |= _l4(packet, ip[9], at + header, at + total)
    return kind


def _home_address(data: bytes, at: int, end: int, packet: Packet) -> None:
    at += 2
    while end - at >= 2:
        option, length = data[at], data[at + 1]
        if option == 0:
            at += 1
            continue
        if at + 2 + length > end:
            return
        if (option, length) == (0xC9, 16):
            packet.home_src, packet.rerouted = at + 2, 1
        at += 2 + length


def _ipv6(data: bytes, at: int, packet: Packet) -> int:
    if len(data) - at < 40 or data[at] >> 4 != 6:
        return 0
    packet.l3, packet.ip_version = at, 6
    kind = int(PktType.IPV6)
    following, end, at = data[at + 6], at + 40 + _u16(data, at + 4), at + 40
    if end > len(data):
        return kind
    for _ in range(16):
        if following not in EXTENSIONS:
            return kind | _l4(packet, following, at, end)
        packet.ip_options = 1
        kind |= int(PktType.IPV6_EX)
        packet.fragment = int(following == 44)
        length = 8 + 8 * data[at + 1] if end - at >= 8 else 8
        if packet.fragment or length > end - at:
            return kind
        if following == 43:
            packet.rerouted = 1
            if data[at + 2] == 2 and length == 24:
                packet.route_dst = at + 8
        elif following == 60:
            _home_address(data, at, at + length, packet)
        following, at = data[at], at + length
    return kind


def parse(data: bytes, *, double_vlan: bool = False) -> Packet:
    """The whole frame."""
    packet = Packet()
    if len(data) < 14:
        return packet
    at = 12
    inner = not double_vlan
    if double_vlan and _u16(data, at) in {0x8100, 0x88A8} and len(data) >= at + 6:
        at += 4
        inner = True
    if inner and _u16(data, at) == 0x8100 and len(data) >= at + 6:
        packet.has_vlan, packet.vlan_tci = 1, _u16(data, at + 2)
        at += 4
    packet.ethertype = _u16(data, at)
    kind = 0
    if packet.ethertype == 0x0800:
        kind = _ipv4(data, at + 2, packet)
    elif packet.ethertype == 0x86DD:
        kind = _ipv6(data, at + 2, packet)
    packet.kind = int(kind)
    return packet
