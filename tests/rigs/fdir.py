# SPDX-License-Identifier: BSD-3-Clause
"""The flow director's commands as drivers give them, and frames that meet its filters."""

from scapy.compat import raw
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet

from device.regs.i82599 import FDIRCMD, FDIRCTRL, FDIRHASH, FDIRHKEY, FDIRSKEY
from device.regs.i82599.desc import RXD, RXDADV
from device.regs.i82599.fdir import FdirCmd
from tests.rigs.rx import Rig, Ring, one
from tests.twins import fdir as twin

ATR = 0x4A060001  # what Linux writes for signature filters: 64 KB, flexible bytes from 12 on, 64 filters left
PERFECT = 0x4A067F31  # and with ntuple filters on
IPV4_TYPE, IPV6_TYPE, VLAN_TYPE = 0x0800, 0x86DD, 0x8100
L2 = Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02")
FLOW = twin.Flow("10.1.2.3", "10.9.8.7", 1000, 2000, twin.TCP, flex=IPV4_TYPE)


def renew(rig: Rig) -> Rig:
    """As new, with what Linux writes for signature filters."""
    rig.renew()
    rig.write(FDIRHKEY, twin.BUCKET_KEY)
    rig.write(FDIRSKEY, twin.SIGNATURE_KEY)
    rig.write(FDIRCTRL, ATR)
    return rig


def queues(rig: Rig, *numbers: int) -> dict[int, Ring]:
    """A ring for each, with descriptors."""
    made = {queue: rig.ring(queue, slot=slot) for slot, queue in enumerate(numbers)}
    for ring in made.values():
        ring.post(7)
    return made


def frame(flow: twin.Flow, *, vlan: int = 0) -> bytes:
    """What brings this flow."""
    layer: Packet = L2 / Dot1Q(vlan=vlan & 0xFFF, prio=vlan >> 13) if vlan else L2
    layer /= IPv6(src=flow.src, dst=flow.dst) if ":" in flow.src else IP(src=flow.src, dst=flow.dst)
    return bytes(raw(layer / {twin.UDP: UDP, twin.TCP: TCP}[flow.l4](sport=flow.sport, dport=flow.dport)))


def do(rig: Rig, hashed: int, command: FdirCmd, **fields: int) -> FDIRCMD:
    """One store of 64 bits, as Linux does it."""
    rig.rf.write(FDIRHASH.offset(), FDIRCMD.of(CMD=command, **fields) << 32 | hashed, 8)
    answer = FDIRCMD(rig.read(FDIRCMD))
    assert answer.CMD == 0, "done at once"
    return answer


def atr(rig: Rig, flow: twin.Flow, queue: int = 5, **fields: int) -> FDIRCMD:
    """As ixgbe_fdir_add_signature_filter_82599: the flow's kind, and the queue it was sent from."""
    fixed = {
        "FILTER_UPDATE": 1,
        "LAST": 1,
        "QUEUE_EN": 1,
        "RX_QUEUE": queue,
        "L4TYPE": flow.l4,
        "IPV6": ":" in flow.src,
    }
    return do(rig, twin.linux_atr(flow), FdirCmd.ADD_FLOW, **(fixed | fields))


def arrives(rig: Rig, rings: dict[int, Ring], data: bytes) -> tuple[int, RXDADV, RXD]:
    """A frame from the wire: its queue, and what its descriptor says."""
    rig.receive(data)
    for queue, ring in rings.items():
        if taken := ring.take():
            ring.post(1)
            return queue, *one(taken)[1:]
    raise AssertionError("it is on no queue")
