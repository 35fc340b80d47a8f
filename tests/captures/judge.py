# SPDX-License-Identifier: BSD-3-Clause
"""What descriptors say of frames, held against scapy's sums and the twins of the parser, the filters and RSS."""

from scapy.utils import checksum

from device.regs.i82599 import MRQC
from device.regs.i82599.desc import RXD, RXDADV
from tests.captures.configurations import KEY
from tests.rigs.rx import MAC, Ring
from tests.rigs.usual_rx import Twins
from tests.twins.parse import TCP, UDP, Packet, parse
from tests.twins.rss import rss
from tests.twins.rxfilter import Filters

FILTERS = Filters(addresses={MAC}, upe=True, mpe=True, bam=True)
TYPE_LEAST = 0x600
UDP_LENGTH, UDP_CHECK = slice(4, 6), slice(6, 8)


def length_agrees(data: bytes, packet: Packet) -> bool:
    """Whether a length in the type's place is right, or the frame padded.  Ref: HLREG0.RXLNGTHERREN; 802.3, 3.2.6."""
    tag = 4 * packet.has_vlan
    rest = len(data) - 14 - tag
    return packet.ethertype >= TYPE_LEAST or packet.ethertype == rest or packet.ethertype < rest <= 46


def l4_good(data: bytes, packet: Packet) -> bool | None:
    """Whether TCP's or UDP's checksum is right by scapy's sum; None: there is none to look at."""
    if packet.l4_proto not in {TCP, UDP} or packet.rerouted or packet.fragment:
        return None
    l4 = data[packet.l4 : packet.l4 + packet.l4_len_bytes]
    if packet.l4_proto == UDP:
        length = int.from_bytes(l4[UDP_LENGTH], "big")
        if l4[UDP_CHECK] == b"\0\0" or not 8 <= length <= len(l4):
            return None
        l4 = l4[:length]
    start, many = (packet.l3 + 12, 8) if packet.ip_version == 4 else (packet.l3 + 8, 32)
    pseudo = data[start : start + many] + len(l4).to_bytes(4, "big") + packet.l4_proto.to_bytes(4, "big")
    return int(checksum(pseudo + l4)) == 0


def ip_good(data: bytes, packet: Packet) -> bool:
    """Whether an IPv4 header's checksum is right by scapy's sum."""
    return int(checksum(data[packet.l3 : packet.l3 + data[packet.l3] % 16 * 4])) == 0


def expected(data: bytes, mrqc: int) -> dict[str, int]:
    """What the descriptor of a frame must say."""
    packet = parse(data)
    kind, said = packet.kind, {}
    digest, hashed = rss(KEY, MRQC(mrqc), data, packet)
    good = l4_good(data, packet)
    is_ipv4 = packet.ip_version == 4
    if packet.l4_proto in {0, TCP, UDP}:  # SCTP's CRC has tests of its own
        said = {"L4CS": good is not None, "TCPE": good is False, "UDPCS": good is not None and packet.l4_proto == UDP}
    return {
        "LENGTH": len(data),
        "PKTTYPE": kind,
        "RSSTYPE": int(hashed),
        "RSS_HASH": digest,
        "IPCS": is_ipv4,
        "IPE": is_ipv4 and not ip_good(data, packet),
        **said,
    }


def said_by(q0: RXDADV, q1: RXD) -> dict[str, int]:
    """The same fields as a descriptor has them."""
    return {
        "LENGTH": q1.LENGTH,
        "PKTTYPE": q0.PKTTYPE,
        "RSSTYPE": q0.RSSTYPE,
        "RSS_HASH": q0.RSS_HASH,
        "IPCS": q1.STAT_IPCS,
        "IPE": q1.ERR_IPE,
        "L4CS": q1.STAT_L4CS,
        "TCPE": q1.ERR_TCPE,
        "UDPCS": q1.STAT_UDPCS,
    }


class Judge:
    """Looks at what one batch left in the rings of the first card."""

    def __init__(self) -> None:
        self.frames = 0
        self.summed = 0

    def look(self, twins: Twins, frames: list[bytes], mrqc: int) -> str:
        """Returns what is wrong with the descriptors since the last look, "" if nothing is."""
        wanted: list[list[tuple[bytes, dict[str, int]]]] = [[] for _ in twins.rings[0]]
        for data in frames:
            if FILTERS.passes(data) and length_agrees(data, parse(data)):
                must = expected(data, mrqc)
                wanted[must["RSS_HASH"] % 4 if must["RSSTYPE"] else 0].append((data, must))
                self.summed += must.get("L4CS", 0)
        for ring, list_ in zip(twins.rings[0], wanted, strict=True):
            if text := self._queue(ring, list_):
                return text
        return ""

    def _queue(self, ring: Ring, wanted: list[tuple[bytes, dict[str, int]]]) -> str:
        got = ring.take()
        self.frames += len(got)
        if len(got) != len(wanted):
            return f"queue {ring.queue}: {len(got)} frames, and {len(wanted)} were for it"
        for (data, q0, q1), (frame, must) in zip(got, wanted, strict=True):
            if data != frame:
                return f"queue {ring.queue}: another frame than was sent: {data.hex()}\n{frame.hex()}"
            said = said_by(q0, q1)
            if wrong := [f"{name} {said[name]} instead of {int(n)}" for name, n in must.items() if said[name] != n]:
                return f"queue {ring.queue}: {', '.join(wrong)}: {frame.hex()}"
        return ""
