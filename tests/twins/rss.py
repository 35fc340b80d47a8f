# SPDX-License-Identifier: BSD-3-Clause
"""Toeplitz hash and the choice of its input, bit by bit, as the Microsoft RSS specification words it."""

from device.regs.i82599 import MRQC
from device.regs.i82599.desc import RssType
from tests.twins.parse import TCP, UDP, Packet


def toeplitz(key: bytes, data: bytes) -> int:
    """For every 1 bit of the input, the 32 key bits that start at its position, all xored."""
    bits = int.from_bytes(key, "big")
    width = 8 * len(key)
    result = 0
    for i in range(8 * len(data)):
        if data[i // 8] >> (7 - i % 8) & 1:
            result ^= bits >> (width - 32 - i) & 0xFFFF_FFFF
    return result


def rss(key: bytes, mrqc: MRQC, data: bytes, packet: Packet) -> tuple[int, RssType]:
    """Hash and type of one frame; (0, NONE) if it is not hashed."""
    if mrqc.MRQE not in {1, 4, 5, 0xA, 0xB} or not packet.ip_version:
        return 0, RssType.NONE
    ports = data[packet.l4 : packet.l4 + 4]
    if packet.ip_version == 4:
        ip = data[packet.l3 + 12 : packet.l3 + 20]
        choices = [
            (packet.l4_proto == TCP and mrqc.RSS_FIELD_IPV4_TCP, RssType.IPV4_TCP, ip + ports),
            (packet.l4_proto == UDP and mrqc.RSS_FIELD_IPV4_UDP, RssType.IPV4_UDP, ip + ports),
            (mrqc.RSS_FIELD_IPV4, RssType.IPV4, ip),
        ]
    else:
        src, dst = data[packet.l3 + 8 : packet.l3 + 24], data[packet.l3 + 24 : packet.l3 + 40]
        home = data[packet.home_src :][:16] if packet.home_src else src
        final = data[packet.route_dst :][:16] if packet.route_dst else dst
        rows = [(mrqc.RSS_FIELD_IPV6, RssType.IPV6, mrqc.RSS_FIELD_IPV6_EX, RssType.IPV6_EX, b"")]
        if packet.l4_proto == TCP:
            fields = mrqc.RSS_FIELD_IPV6_TCP, RssType.IPV6_TCP, mrqc.RSS_FIELD_IPV6_EX_TCP, RssType.IPV6_EX_TCP
            rows.insert(0, (*fields, ports))
        if packet.l4_proto == UDP:
            fields = mrqc.RSS_FIELD_IPV6_UDP, RssType.IPV6_UDP, mrqc.RSS_FIELD_IPV6_EX_UDP, RssType.IPV6_EX_UDP
            rows.insert(0, (*fields, ports))
        choices = []
        for plain, plain_type, extended, extended_type, tail in rows:
            other = packet.home_src or packet.route_dst
            choices.append((extended and (other or not plain), extended_type, home + final + tail))
            choices.append((plain, plain_type, src + dst + tail))
    return next(((toeplitz(key, taken), kind) for wanted, kind, taken in choices if wanted), (0, RssType.NONE))
