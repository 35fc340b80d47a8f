# SPDX-License-Identifier: BSD-3-Clause
"""A card whose queues are dealt out to pools: rings of both directions, and a wire with somebody at its far end.

What is written is what ixgbe_configure_virtualization, ixgbe_setup_mrqc and ixgbe_setup_mtqc write.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self

from device.i82599.vf.function import VirtualFunction
from device.machine.wire import PeerPort
from device.regs.i82599 import (
    DMATXCTL,
    HLREG0,
    MPSAR,
    MRQC,
    MTQC,
    PFDTXGSWC,
    PSRTYPE,
    RAH,
    RAL,
    RDBAL,
    RETA,
    RSSRK,
    TDBAH,
    TDBAL,
    TDH,
    TDLEN,
    TDT,
    TXDCTL,
    VFRE,
    VFTA,
    VFTE,
    VLNCTRL,
    VLVF,
    VLVFB,
    VMOLR,
    VT_CTL,
    Register,
)
from device.regs.i82599.desc import RXD
from device.regs.i82599.filters import MrqeMode
from device.regs.i82599.tx import MtqcMode
from tests.rigs.rx import IOVA, RING_SPACE, Rig, Ring
from tests.rigs.tx import Desc, data_desc
from tests.rigs.wire import Wire

RSS_FIELDS = 0x00330000
TX_RINGS, TX_BUFFERS, TX_END = 0x8000, 0x80000, 0xF0000
RING_BYTES, SLOT_BYTES, RING_COUNT = 0x100, 0x4000, 8

# Queues of a pool, and MRQC.MRQE and MTQC for that many.
MODES = {
    2: (MrqeMode.VMDQRSS64, MtqcMode.VT_64VF),
    4: (MrqeMode.VMDQRSS32, MtqcMode.VT_32VF),
    8: (MrqeMode.VMDQRT8TC, MtqcMode.VT_8TC),
}


def mac(n: int) -> bytes:
    """A unicast address of ours."""
    return bytes.fromhex("0200000000") + bytes([n])


class PoolRig(Rig):
    """One function with pools; ``use`` and the others write registers as drivers do."""

    def __init__(self, vfs: int = 0) -> None:
        super().__init__(vfs)
        self.ours, self.far = PeerPort.pair()
        self.nic.set_port(self.ours.c)
        self.wire = Wire(self.far)
        self.each = 0
        self.vfs: list[VirtualFunction] = []
        self.rings: dict[int, Ring] = {}
        self.sent: dict[int, int] = {}
        self.next_buffer = TX_BUFFERS

    def __exit__(self, *_: object) -> None:
        self.nic.set_port(None)
        super().__exit__()
        self.ours.close()
        self.far.close()

    def __enter__(self) -> Self:
        return self

    def bits(self, register: type[Register], pools: Sequence[int], n: int = 0) -> None:
        """A register pair with a bit for each pool."""
        value = sum(1 << pool for pool in pools)
        self.write(register, value & 0xFFFF_FFFF, 2 * n)
        self.write(register, value >> 32, 2 * n + 1)

    def use(self, each: int, *, pf: int = 0, pools: Sequence[int] = range(64), veb: bool = True, **vt_ctl: int) -> None:
        """Pools of ``each`` queues; ``pools`` may send and receive, ``pf`` is the default one."""
        self.each = each
        mrqe, mtqc = MODES[each]
        self.write(VT_CTL, VT_CTL.of(**{"VT_ENABLE": 1, "POOL": pf, "REPLEN": 1} | vt_ctl))
        self.write(MRQC, RSS_FIELDS | mrqe)
        self.write(MTQC, mtqc)
        self.bits(VFRE, pools)
        self.bits(VFTE, pools)
        self.write(PFDTXGSWC, int(veb))
        self.write(DMATXCTL, DMATXCTL.of(TE=1, VT=0x8100))
        self.write(HLREG0, self.read(HLREG0) | HLREG0.of(TXPADEN=1, TXCRCEN=1))
        for n in range(RETA.count):
            self.write(RETA, 0x03020100, n)
        for n in range(RSSRK.count):
            self.write(RSSRK, 0x9E3779B9 * (n + 1) & 0xFFFF_FFFF, n)

    def address(self, n: int, address: bytes, *pools: int) -> None:
        """Receive address ``n``, and whose it is."""
        self.write(RAL, int.from_bytes(address[:4], "little"), n)
        self.write(RAH, RAH.of(RAH=int.from_bytes(address[4:], "little"), AV=1), n)
        self.bits(MPSAR, pools, n)

    def vlan(self, n: int, vid: int, *pools: int) -> None:
        """VLAN ``vid`` belongs to ``pools``; VLANs are filtered from now on."""
        self.write(VLNCTRL, VLNCTRL.of(VFE=1, VET=0x8100))
        self.write(VFTA, self.read(VFTA, vid // 32) | 1 << vid % 32, vid // 32)
        self.write(VLVF, VLVF.of(VLANID=vid, VIEN=1), n)
        self.bits(VLVFB, pools, n)

    def modes(self, *pools: int, **fields: int) -> None:
        """VMOLR of each of them."""
        for pool in pools:
            self.write(VMOLR, VMOLR.of(**fields), pool)

    def rss(self, *pools: int, bits: int) -> None:
        """PSRTYPE.RQPL of each of them."""
        for pool in pools:
            self.write(PSRTYPE, PSRTYPE.of(RQPL=bits), pool)

    # -- rings -------------------------------------------------------------------------------------------------------

    def listen(self, *queues: int, post: int = RING_COUNT - 1) -> None:
        """Rx rings, at most 16 of them."""
        for queue in queues:
            ring = self.rings[queue] = self.ring(queue, RING_COUNT)
            slot = len(self.rings) - 1
            ring.base, ring.buffers = slot * RING_BYTES, RING_SPACE + slot * SLOT_BYTES
            self.write(RDBAL, (IOVA + ring.base) & 0xFFFF_FFFF, queue)
            ring.post(post)

    def listen_pools(self, *pools: int, post: int = RING_COUNT - 1) -> None:
        """The first queue of each of them."""
        self.listen(*(pool * self.each for pool in pools), post=post)

    def got(self) -> dict[int, list[bytes]]:
        """Frames by queue, of those that have any; descriptors are given back."""
        return {queue: [data for data, _ in found] for queue, found in self.taken().items()}

    def taken(self) -> dict[int, list[tuple[bytes, RXD]]]:
        """The same, each with its last descriptor."""
        frames = {}
        for queue, ring in self.rings.items():
            before = ring.next
            if found := [(data, q1) for data, _, q1 in ring.take()]:
                frames[queue] = found
            if used := (ring.next - before) % ring.count:
                ring.post(used)
        return frames

    def pools(self) -> list[int]:
        """Pools that got a frame since the last look, once for each frame."""
        return sorted(queue // self.each for queue, found in self.got().items() for _ in found)

    def speak(self, *queues: int) -> None:
        """Tx rings, at most 64 of them."""
        for queue in queues:
            self.sent[queue] = 0
            iova = IOVA + TX_RINGS + (len(self.sent) - 1) * RING_BYTES
            self.write(TDBAL, iova & 0xFFFF_FFFF, queue)
            self.write(TDBAH, iova >> 32, queue)
            self.write(TDLEN, RING_COUNT * 16, queue)
            self.write(TXDCTL, TXDCTL.of(ENABLE=1), queue)

    def buffer(self, data: bytes) -> int:
        """Put data where a queue can send it from; its iova."""
        room = (len(data) + 63) // 64 * 64
        if self.next_buffer + room > TX_END:
            self.next_buffer = TX_BUFFERS
        at = self.next_buffer
        self.next_buffer += room
        self.memory[at : at + len(data)] = data
        return IOVA + at

    def post(self, queue: int, *descs: Desc) -> None:
        """Descriptors into a Tx ring, and its tail."""
        base = TX_RINGS + list(self.sent).index(queue) * RING_BYTES
        for q0, q1 in descs:
            at = base + self.sent[queue] * 16
            self.memory[at : at + 16] = q0.to_bytes(8, "little") + q1.to_bytes(8, "little")
            self.sent[queue] = (self.sent[queue] + 1) % RING_COUNT
        self.write(TDT, self.sent[queue], queue)

    def send(self, pool: int, *frames: bytes, **fields: int) -> None:
        """Frames from the first queue of a pool, each with a turn of its own."""
        for frame in frames:
            self.send_from(pool * self.each, frame, **fields)

    def send_from(self, queue: int, frame: bytes, **fields: int) -> None:
        """One frame from this queue, and a turn."""
        if queue not in self.sent:
            self.speak(queue)
        self.post(queue, data_desc(self.buffer(frame), len(frame), **fields))
        self.nic.step()

    def done(self, queue: int) -> bool:
        """Whether all that was posted to a Tx ring has left it."""
        return self.read(TDH, queue) == self.sent[queue]

    def turn(self, pool: int, frame: bytes, **fields: int) -> tuple[list[int], int]:
        """One frame sent by a pool: which pools got it, and how many left by the wire."""
        self.send(pool, frame, **fields)
        return self.pools(), len(self.wire.all())


@contextmanager
def pool_rig(vfs: int = 0) -> Iterator[PoolRig]:
    """A rig of one's own."""
    with PoolRig(vfs) as made:
        yield made
