# SPDX-License-Identifier: BSD-3-Clause
"""An Rx ring with coalescing, read as Linux's ixgbe_clean_rx_irq reads it, and TCP segments to put into it."""

from dataclasses import dataclass

from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

from device.regs.i82599 import PSRTYPE, RDRXCTL, RSCCTL, RSCDBU
from device.regs.i82599.desc import RXD, RXDADV
from tests.rigs.rx import Rig, Ring

STAMPS = [("NOP", None), ("NOP", None), ("Timestamp", (1000, 5))]


@dataclass(frozen=True)
class Packet:
    """What the driver hands to the stack: ``appended`` is IXGBE_CB(skb)->append_cnt."""

    data: bytes
    appended: int
    last: RXD
    first: RXDADV


class Coalescing:
    """Queue 0 of a rig, set up as Linux does with LRO on; ``maxdesc`` as RSCCTL.MAXDESC has it."""

    def __init__(
        self, rig: Rig, *, count: int = 128, maxdesc: int = 3, queue: int = 0, slot: int = 0, kib: int = 2
    ) -> None:
        rig.write(PSRTYPE, PSRTYPE.of(TCPHDR=1))
        rig.write(RDRXCTL, RDRXCTL.of(CRCSTRIP=1, RSCACKC=1))
        rig.write(RSCDBU, RSCDBU.of(RSCACKDIS=1))
        rig.write(RSCCTL, RSCCTL.of(RSCEN=1, MAXDESC=maxdesc), queue)
        self.rig = rig
        self.ring: Ring = rig.ring(queue, count, slot=slot, BSIZEHEADER=4, BSIZEPACKET=kib)
        self.ring.post(count - 1)
        self.next = 0
        self.skb: dict[int, tuple[bytes, int, RXDADV]] = {}

    def clean(self) -> list[Packet]:
        """Packets that are complete, in the order of the ring; their descriptors are given back."""
        packets, ring, used = [], self.ring, 0
        while True:
            q0, q1 = ring.desc(self.next)
            if not q1.LENGTH or not q1.STAT_DD or q0 == 0:
                break
            here = self.next
            data, appended, first = self.skb.pop(here, (b"", 0, q0))
            data += ring.buffer(here, q1.LENGTH)
            ring.set(here, 0, 0)
            used += 1
            self.next = following = (here + 1) % ring.count
            if q0.RSCCNT:
                appended += q0.RSCCNT - 1
                following = int(q1) >> 4 & 0xFFFF
            if q1.STAT_EOP:
                packets.append(Packet(data, appended, q1, first))
            else:
                self.skb[following] = (data, appended, first)
        if used:
            ring.post(used)
        return packets


def segment(
    seq: int,
    payload: bytes,
    *,
    flow: int = 0,
    flags: str = "A",
    ack: int = 7,
    window: int = 500,
    options: list[tuple[str, object]] | None = None,
    tos: int = 0,
    vlan: int | None = None,
    chksum: int | None = None,
) -> bytes:
    """A TCP segment as it comes from the wire."""
    ether = Ether(dst="02:00:00:82:59:90", src="02:00:00:00:00:01")
    if vlan is not None:
        ether /= Dot1Q(vlan=vlan)
    tcp = TCP(sport=1000 + flow, dport=80, seq=seq % 2**32, ack=ack, flags=flags, window=window, options=options or [])
    return bytes(ether / IP(src="10.0.0.1", dst="10.0.0.2", tos=tos, chksum=chksum) / tcp / Raw(payload)).ljust(
        60, b"\0"
    )


def stream(count: int, size: int = 1448, *, start: int = 1, **how: object) -> list[bytes]:
    """So many segments in a row."""
    return [segment(start + i * size, bytes([(i + start) % 256]) * size, **how) for i in range(count)]  # type: ignore[arg-type]
