# SPDX-License-Identifier: BSD-3-Clause
"""PTP's messages, and a receive rig that can be asked to stamp them."""

from scapy.compat import raw
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from device.regs.i82599 import ETQF, RXMTRL, RXSTMPH, TIMINCA, TSYNCRXCTL
from tests.rigs.rx import Rig, Ring

L2 = Ether(dst="01:1b:19:00:00:00", src="02:00:00:00:00:02")
SYNC, DELAY_REQ, PDELAY_REQ, PDELAY_RESP, FOLLOW_UP, ANNOUNCE = 0, 1, 2, 3, 8, 11
EVENT_PORT, GENERAL_PORT = 319, 320
START_NS = 5_000_000_000
NS = TIMINCA.of(INCPERIOD=5, INCVALUE=32)  # SYSTIM counts nanoseconds at 10 Gb/s
SOURCE = bytes.fromhex("a1a2a3a4a5a6")
SEQUENCE = 0x1234


def v2(kind: int) -> bytes:
    """A version 2 message of this type."""
    head = bytes([kind, 2, 0, 44]) + bytes(18) + SOURCE + bytes(2)
    return (head + SEQUENCE.to_bytes(2, "big")).ljust(44, b"\0")


def v1(control: int) -> bytes:
    """A version 1 message of this control."""
    head = bytes([0, 1]) + bytes(20) + SOURCE + bytes(2) + SEQUENCE.to_bytes(2, "big")
    return (head + bytes([control])).ljust(124, b"\0")


def l2(message: bytes, head: Packet = L2) -> bytes:
    part = head.copy()
    part.lastlayer().type = 0x88F7
    return raw(part / Raw(message)).ljust(60, b"\0")


def udp(message: bytes, port: int = EVENT_PORT, ip: Packet | None = None) -> bytes:
    return raw(L2 / (ip or IP(dst="224.0.1.129")) / UDP(sport=5000, dport=port) / Raw(message))


EVERY = {
    "l2 sync": l2(v2(SYNC)),
    "l2 delay_req": l2(v2(DELAY_REQ)),
    "l2 pdelay_req": l2(v2(PDELAY_REQ)),
    "l2 pdelay_resp": l2(v2(PDELAY_RESP)),
    "l2 follow_up": l2(v2(FOLLOW_UP)),
    "l2 announce": l2(v2(ANNOUNCE)),
    "l2 v1": l2(v1(0)),
    "v4 sync": udp(v2(SYNC)),
    "v4 delay_req": udp(v2(DELAY_REQ)),
    "v4 pdelay_resp": udp(v2(PDELAY_RESP)),
    "v4 announce": udp(v2(ANNOUNCE)),
    "v6 sync": udp(v2(SYNC), ip=IPv6(dst="ff0e::181")),
    "v4 general port": udp(v2(SYNC), GENERAL_PORT),
    "v1 sync": udp(v1(0)),
    "v1 delay_req": udp(v1(1)),
    "v1 general port": udp(v1(0), GENERAL_PORT),
}


class PtpRig(Rig):
    """Time in our hands, SYSTIM at 0 and counting nanoseconds, and the ethertype filter that ixgbe writes for PTP."""

    def __init__(self) -> None:
        super().__init__()
        self.nic.manual_clock(START_NS)
        self.renew()
        self.write(TIMINCA, NS)
        self.write(ETQF, ETQF.of(FILTER_EN=1, IEEE_1588=1, ETYPE=0x88F7), 3)


def listen(rig: Rig, kind: int, **rxmtrl: int) -> Ring:
    """Stamp this type of message, as ixgbe_ptp_set_timestamp_mode does it."""
    ring = rig.ring(count=16)
    ring.post(15)
    rig.write(TSYNCRXCTL, TSYNCRXCTL.of(ENABLED=1, TYPE=kind))
    rig.write(RXMTRL, RXMTRL.of(UDP_PORT=EVENT_PORT, **rxmtrl))
    rig.read(RXSTMPH)
    return ring


def stamped(rig: Rig, ring: Ring, frame: bytes, **how: int) -> bool:
    """Whether the frame gets a stamp, in descriptor and registers alike; the stamp is read."""
    rig.receive(frame, **how)
    ((data, _, q1),) = ring.take()
    assert data == frame
    valid = bool(TSYNCRXCTL(rig.read(TSYNCRXCTL)).VALID)
    assert valid == bool(q1.STAT_TS)
    rig.read(RXSTMPH)
    ring.post(1)
    return valid
