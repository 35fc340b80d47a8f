# SPDX-License-Identifier: BSD-3-Clause
"""What the pair tests have in common: a cable whose far end is the test, and a driver that is up on a device."""

import os
import select
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet, Raw

from device.i82599.card import Card
from device.machine.wire.base import Port
from device.machine.wire.peer import PeerPort
from device.machine.wire.peer_callers import hello_of
from device.regs.i82599 import MRQC, RETA
from driver.compiled import ffi, lib
from driver.core.napi import Napi, NapiMode
from driver.doors.door import IrqKind
from driver.ixgbe.adapter import Adapter
from driver.ixgbe.hw.link import FlowControl
from driver.ixgbe.probe import ProbeOptions, probe
from driver.ixgbe.sw_init import RSS_KEY
from tests.rigs.driver_clock import NoWait
from tests.rigs.pair_door import PairDoor
from tests.twins.parse import parse
from tests.twins.rss import rss

MAC = "02:00:00:82:59:90"
FAR = "02:00:00:00:00:01"
CLOCK_START_NS = 1_000_000_000
WIRE_MIN_BYTES = 60
FRAME_MAX_BYTES = 16384
MOMENTS_MOST = 50


class Wire(PeerPort):
    """A cable to the test itself: ``inject`` frames into the NIC, take what it sent with ``sent``."""

    def __init__(self) -> None:
        super().__init__(None)
        ours, self.far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.far.setblocking(False)
        self.far.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self._plug(ours)
        self.light(on=True)

    def light(self, *, on: bool) -> None:
        """Switch the far end's laser, which is this end's carrier."""
        self.far.send(hello_of(lit=on))

    def inject(self, *frames: bytes) -> None:
        """Send frames to the NIC; they wait in the cable until it takes a turn."""
        for frame in frames:
            self.far.send(frame)

    def sent(self) -> list[bytes]:
        """Take what the NIC sent since the last call."""
        frames: list[bytes] = []
        while True:
            try:
                frame = self.far.recv(FRAME_MAX_BYTES + 1)
            except BlockingIOError:
                return frames
            if len(frame) >= WIRE_MIN_BYTES:
                frames.append(frame)

    def close(self) -> None:
        super().close()
        self.far.close()


class FewVectors(PairDoor):
    """A door with fewer interrupt vectors than rings."""

    def __init__(self, nic: Card, vectors: int, name: str = "pair") -> None:
        super().__init__(nic, name)
        self._vectors = vectors

    def irq_count(self, kind: IrqKind) -> int:
        return min(super().irq_count(kind), self._vectors)


class Rig:
    """A driver that is up on a device in the same process."""

    def __init__(self, nic: Card, door: PairDoor, adapter: Adapter, time: NoWait) -> None:
        self.nic = nic
        self.door = door
        self.adapter = adapter
        self.time = time

    def settle(self) -> None:
        """Let the device do all it can."""
        self.nic.core.settle(1000)

    def link_up(self) -> bool:
        """What the driver believes of its link."""
        return self.adapter.link.up

    def advance_us(self, us: float) -> None:
        """Move the device's time, which must be manual, and let it do what became due."""
        self.nic.core.advance(round(us * 1000))
        self.settle()

    def count(self, name: str) -> int:
        """One of the device core's own counters."""
        return self.nic.core.counters()[name]

    def send(self, frames: Sequence[bytes], queue: int = 0, offload: Any = None) -> None:
        """Send frames whole; the ring must have room."""
        ring = self.adapter.tx_rings[queue]
        for frame in frames:
            assert ring.post(frame, offload)
        ring.flush()
        self.settle()
        ring.clean()

    def take(self, queue: int = 0) -> list[bytes]:
        """Take every frame out of a receive queue, and give its buffers back."""
        got: list[bytes] = []
        ring = self.adapter.rx_rings[queue]
        while True:
            self.settle()
            frames = ring.harvest()
            if not frames:
                return got
            got += [bytes(frame) for frame in frames]
            ring.refill()

    def take_all(self) -> dict[int, list[bytes]]:
        """Take every frame of every queue that has some."""
        return {ring.queue: got for ring in self.adapter.rx_rings if (got := self.take(ring.queue))}

    def restart(self) -> None:
        """Down and up with new rings; what waits in the cable is gone."""
        adapter = self.adapter
        adapter.down()
        self.settle()
        adapter.up()
        self.nic.link.evaluate()
        adapter.service()

    def echo(self, frames: Sequence[bytes], queue: int = 0) -> list[bytes]:
        """Send into a loopback plug and take what comes back on the same queue."""
        self.send(frames, queue)
        return self.take(queue)


@contextmanager
def rig(
    port: Port,
    *,
    queues: int = 1,
    ring_count: int = 64,
    mtu: int = 1500,
    sfp: str = "sr",
    vectors: int = 64,
    kinds: Sequence[IrqKind] = (IrqKind.MSIX, IrqKind.MSI, IrqKind.INTX),
    flow_control: FlowControl = FlowControl.FULL,
    itr_us: int = 0,
    name: str = "pair",
    manual_clock: bool = False,
) -> Iterator[Rig]:
    """A probed adapter that is up; everything goes again afterwards.

    With ``manual_clock`` the device's time stands still unless the test moves it (``Rig.advance_us``).
    """
    time = NoWait()
    options = ProbeOptions(
        clock=time, cpus=4, queues=queues, interrupts=kinds, flow_control=flow_control, itr_us=itr_us
    )
    with Card(mac=MAC, sfp=sfp, port=port) as nic:
        if manual_clock:
            nic.core.manual_clock(CLOCK_START_NS)
        door = FewVectors(nic, vectors, name)
        with probe(door, options) as adapter:
            adapter.up(queues=queues, ring_count=ring_count, mtu=mtu)
            made = Rig(nic, door, adapter, time)
            made.settle()
            nic.link.evaluate()
            adapter.service()
            yield made


def offload(
    *,
    l3: int = 14,
    l4: int = 34,
    l4_len_bytes: int = 0,
    mss: int = 0,
    ipv4: bool = True,
    ip_csum: bool = False,
    l4_csum: bool = True,
    l4_type: int = 1,
    vlan: int | None = None,
) -> Any:
    """The driver's ``struct tx_offload``."""
    off = ffi.new("struct tx_offload *")
    off.l3_offset, off.l4_offset, off.l4_len_bytes, off.mss = l3, l4, l4_len_bytes, mss
    off.ipv4, off.ip_csum, off.l4_csum, off.l4_type = ipv4, ip_csum, l4_csum, l4_type
    off.vlan, off.vlan_tci = vlan is not None, vlan or 0
    return off


def pattern(seed: int, len_bytes: int) -> bytes:
    """Bytes that differ from place to place and from seed to seed."""
    return bytes((seed * 131 + at * 7 + at // 256) % 256 for at in range(len_bytes))


def plain(seed: int, len_bytes: int = 60, dst: str = MAC) -> bytes:
    """A frame of an experimental EtherType; no checksum anywhere."""
    head = bytes(Ether(dst=dst, src=FAR, type=0x88B5)) + seed.to_bytes(4, "big")
    return head + pattern(seed, len_bytes - len(head))


@cache
def flow(n: int, *, v6: bool = False, udp: bool = False, payload: bytes = b"", vlan: int | None = None) -> bytes:
    """A frame of flow number ``n`` to our NIC, with good checksums by scapy."""
    ip: Packet
    if v6:
        ip = IPv6(src=f"2001:db8::{n:x}", dst="2001:db8::ffff")
    else:
        ip = IP(src=f"10.1.{n // 256}.{n % 256}", dst="10.0.0.1")
    tag = Dot1Q(vlan=vlan % 4096, prio=vlan // 8192) if vlan is not None else None
    l4 = UDP(sport=1000 + n, dport=53) if udp else TCP(sport=1000 + n, dport=80, flags="A", seq=n)
    head = Ether(dst=MAC, src=FAR)
    return bytes((head / tag if tag else head) / ip / l4 / Raw(payload))


def steered(up: Rig, frame: bytes) -> int:
    """The queue that the specification of RSS and the table in the registers send ``frame`` to."""
    value, kind = rss(RSS_KEY, up.nic.regs.get(MRQC), frame, parse(frame))
    return int(getattr(up.nic.regs.get(RETA, value % 128 // 4), f"ENTRY{value % 4}")) if kind else 0


def sums_good(frame: bytes) -> bool:
    """Whether every IPv4, TCP and UDP checksum is what scapy makes of the frame."""
    shown = Ether(frame)
    again = shown.copy()
    for layer in (IP, TCP, UDP):
        if layer in again:
            del again[layer].chksum
    return bytes(again) == frame


def readable(fd: int) -> bool:
    """Whether an eventfd was signalled; it is left as it is."""
    return bool(select.select([fd], [], [], 0)[0])


def quiet(fd: int) -> bool:
    """Whether an eventfd was not signalled."""
    return not readable(fd)


def run_napis(napis: Sequence[Napi], ms: float = 1.0) -> None:
    """Run the driver's own loop (interrupt, poll, re-arm) on this thread for a moment.

    A busy machine may let that moment go by without a turn: another one follows while an interrupt waits.
    """
    stop = os.eventfd(0, os.EFD_CLOEXEC)
    try:
        vectors = ffi.new("struct napi *[]", [napi.c for napi in napis])
        for _ in range(MOMENTS_MOST):
            assert lib.napi_run(vectors, len(napis), stop, int(ms * 1e6)) == 0
            if not any(_waits(napi) for napi in napis):
                break
    finally:
        os.close(stop)


def _waits(napi: Napi) -> bool:
    """Whether a vector that interrupts has an interrupt that nobody took, or took and did not serve to the end."""
    if napi.c.mode != NapiMode.IRQ:
        return False
    return bool(napi.c.scheduled) or (napi.c.irq_fd >= 0 and readable(int(napi.c.irq_fd)))
