# SPDX-License-Identifier: BSD-3-Clause
"""Frames of captures out through both ways, with their checksums left to the card where it can make them."""

from collections.abc import Sequence

from scapy.utils import checksum

from tests.captures.judge import ip_good, l4_good
from tests.rigs.tx import IOVA, Desc, context_desc, data_desc
from tests.rigs.usual_tx import AT, Twins
from tests.twins.parse import TCP, Packet, parse
from tests.twins.tso import CHECK_AT, Offload
from tests.twins.tso import TCP as L4T_TCP
from tests.twins.tso import UDP as L4T_UDP

COUNT = 128  # descriptors: two for each frame of a batch, and some
IP_MOST_BYTES = 511  # the field IPLEN
MAC_BYTES = 14
IP_CHECK = 10


def offload_of(data: bytes, packet: Packet) -> Offload | None:
    """How a driver has this frame's sums made, if the card can and they are right now; None: it is sent as it is."""
    if packet.l3 != MAC_BYTES or not l4_good(data, packet) or packet.l4 - packet.l3 > IP_MOST_BYTES:
        return None
    if packet.ip_version == 4 and not ip_good(data, packet):
        return None
    tcp = packet.l4_proto == TCP
    if not tcp and int.from_bytes(data[packet.l4 + 4 : packet.l4 + 6], "big") != packet.l4_len_bytes:
        return None
    return Offload(
        mac_len=MAC_BYTES,
        ip_len=packet.l4 - packet.l3,
        ipv4=packet.ip_version == 4,
        l4t=L4T_TCP if tcp else L4T_UDP,
        l4_len=20 if tcp else 8,
        ixsm=packet.ip_version == 4,
    )


def without_sums(data: bytes, packet: Packet, how: Offload) -> bytes:
    """The frame as a driver leaves it to the card: no IPv4 sum, and in L4's place that of the pseudo header."""
    frame = bytearray(data[: packet.l4 + packet.l4_len_bytes])
    start, many = (packet.l3 + 12, 8) if how.ipv4 else (packet.l3 + 8, 32)
    pseudo = data[start : start + many] + packet.l4_len_bytes.to_bytes(4, "big") + packet.l4_proto.to_bytes(4, "big")
    at = packet.l4 + CHECK_AT[how.l4t]
    frame[at : at + 2] = (int(checksum(pseudo)) ^ 0xFFFF).to_bytes(2, "big")
    if how.ipv4:
        frame[packet.l3 + IP_CHECK : packet.l3 + IP_CHECK + 2] = bytes(2)
    return bytes(frame)


class Sender:
    """Two cards that send.

    Attributes:
        frames, offloaded: How many were sent, and how many of them with sums made by the card.
    """

    def __init__(self) -> None:
        self.twins = Twins()
        self.frames = 0
        self.offloaded = 0

    def renew(self) -> None:
        """Both cards as new."""
        self.twins.renew(COUNT)

    def send(self, frames: Sequence[bytes]) -> str:
        """One batch out; returns what is different, or what left that should not have, "" if nothing is wrong."""
        at, descs, wanted = AT, list[Desc](), []
        for data in frames:
            packet = parse(data)
            how = offload_of(data, packet)
            handed = without_sums(data, packet, how) if how else data
            wanted.append(data[: len(handed)].ljust(60, b"\0"))
            if how:
                descs += [context_desc(how), data_desc(at, len(handed), POPTS_TXSM=1, POPTS_IXSM=int(how.ixsm), CC=1)]
                self.offloaded += 1
            else:
                descs.append(data_desc(at, len(handed)))
            for card in self.twins.cards:
                card.memory[at - IOVA : at - IOVA + len(handed)] = handed
            at += (len(handed) + 63) // 64 * 64
        self.frames += len(frames)
        self.twins.post(*descs)
        left, text = self.twins.both()
        if text or left == wanted:
            return text
        where = next((n for n, pair in enumerate(zip(left, wanted, strict=False)) if pair[0] != pair[1]), len(left))
        got = left[where].hex() if where < len(left) else "nothing"
        return f"frame {where} left as {got}\ninstead of {wanted[where].hex() if where < len(wanted) else 'nothing'}"
