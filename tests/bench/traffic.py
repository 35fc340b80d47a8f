# SPDX-License-Identifier: BSD-3-Clause
"""Frames of many flows through a driver's rings: traffic.c, with its templates; and the ideal device of ideal.c."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cffi import FFI
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether

from ci.say import ROOT, CiError
from driver import compiled
from driver.compiled import lib
from driver.core.bar import Bar
from driver.core.dma import Arena
from driver.core.rings import RxRing, TxRing
from driver.ixgbe.rings import RINGS
from tests.bench.nic import HERE, library
from tests.rigs.memory_door import MemoryDoor

FAR = "02:00:00:00:00:01"
FLOWS = 64
WINDOW = 256  # frames under way
TIMEOUT_S = 60.0
FRAME_MAX = 2048  # how far templates are apart
ARENA_BYTES = 8 << 20
RING_COUNT = 512
BUF_BYTES = 2048
SOURCE_LOW_AT = 28  # the low two bytes of an IPv4 source address, behind an Ethernet header


@dataclass(frozen=True, slots=True)
class Kind:
    """What frames are made of.

    Attributes:
        name: For people.
        flow_at: Where a frame has the number of its flow.
        number_at: Where it has its own number within the flow.
        summed: The NIC makes the checksums of IP and TCP or UDP, and looks at them on arrival.
    """

    name: str
    flow_at: int
    number_at: int
    summed: bool


PLAIN = Kind("plain", 14, 16, summed=False)
UDP4 = Kind("UDP, sums, RSS", SOURCE_LOW_AT, 42, summed=True)
TCP4 = Kind("TCP, sums, RSS", SOURCE_LOW_AT, 54, summed=True)


def _added(data: bytes) -> int:
    total = sum(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def template(kind: Kind, flow: int, len_bytes: int, mac: str) -> bytes:
    """A frame of a flow as the NIC gets it: with the pseudo header's sum where it is to put the whole."""
    head = Ether(dst=mac, src=FAR, type=0x0800 if kind.summed else 0x88B5)
    if not kind.summed:
        start = bytes(head) + flow.to_bytes(2, "big")
        return start + bytes(len_bytes - len(start))
    source, own = f"10.1.{flow // 256}.{flow % 256}", "10.0.0.1"
    size, port = len_bytes - 14 - 20, 1024 + flow * 40503 % 60000
    addresses = bytes(map(int, (*source.split("."), *own.split("."))))
    number = 17 if kind is UDP4 else 6
    pseudo = _added(addresses + number.to_bytes(2, "big") + size.to_bytes(2, "big"))
    if kind is UDP4:
        l4: Any = UDP(sport=port, dport=53, len=size, chksum=pseudo)
    else:
        l4 = TCP(sport=port, dport=80, flags="A", seq=flow, chksum=pseudo)
    start = bytes(head / IP(src=source, dst=own, len=len_bytes - 14, proto=number, chksum=0) / l4)
    return start + bytes(len_bytes - len(start))


@cache
def _declared() -> Any:
    ffi = FFI()
    for path in (*(ROOT / "driver" / "core" / "csrc" / f"{name}.h" for name in ("mmio", "rings")), HERE / "traffic.h"):
        ffi.cdef(path.read_text(encoding="utf-8"))
    for name in ("latency", "ideal"):
        ffi.cdef((HERE / f"{name}.h").read_text(encoding="utf-8"))
    return ffi


class Traffic:
    """traffic.c, latency.c and ideal.c, compiled for the driver of this checkout."""

    def __init__(self, folder: Path) -> None:
        self.ffi = _declared()
        self.lib: Any = self.ffi.dlopen(str(library(folder, "traffic", "latency", "ideal")))
        assert self.lib.TRAFFIC_FRAME_MAX == FRAME_MAX
        self.calls = self.ffi.new("struct traffic_calls *")
        names = {"post": "tx_post", "flush": "tx_flush", "clean": "tx_clean", "harvest": "rx_harvest"}
        names |= {"refill": "rx_refill", "now": "napi_now", "write32": "mmio_write32"}
        for member, name in names.items():
            setattr(self.calls, member, self._here(compiled.ffi.addressof(lib, name), f"struct traffic_calls:{member}"))

    def _here(self, pointer: Any, kind: str) -> Any:
        """A pointer of the driver's module as one of ours."""
        struct, _, member = kind.partition(":")
        fields = dict(self.ffi.typeof(struct).fields)
        return self.ffi.cast(fields[member].type, int(compiled.ffi.cast("uintptr_t", pointer)))

    def run(
        self,
        rx: list[RxRing],
        tx: list[TxRing],
        kind: Kind,
        mac: str,
        *,
        len_bytes: int,
        batch: int,
        frames: int,
        step: tuple[int, int] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Any:
        """Send ``frames`` frames and take them back; every one is looked at.

        Args:
            rx: Rings that they come back to.
            tx: Rings that they go out on, a batch each in turn.
            kind: What they are made of.
            mac: Whom they are for.
            len_bytes: Of a frame, without its FCS.
            batch: Frames a doorbell.
            frames: How many.
            step: Address of a device's turn, and its argument, if it has no thread of its own.
            timeout_s: How long they may take.

        Returns:
            ``struct traffic``: ``elapsed_ns``, and ``step_ns`` of it in ``step``.

        Raises:
            CiError: A frame was lost, damaged, out of order or without its sum; or a queue had none.
        """
        ffi = self.ffi
        t = ffi.new("struct traffic *")
        flows = max(FLOWS, len(tx))
        text = bytearray(flows * FRAME_MAX)
        for flow in range(flows):
            made = template(kind, flow, len_bytes, mac)
            text[flow * FRAME_MAX : flow * FRAME_MAX + len(made)] = made
        templates = ffi.from_buffer("uint8_t[]", text, require_writable=True)
        rings = [self._rings("struct rx_ring *", rx), self._rings("struct tx_ring *", tx)]
        t.rx, t.tx, t.rx_count, t.tx_count = rings[0], rings[1], len(rx), len(tx)
        t.templates, t.flows, t.len_bytes = templates, flows, len_bytes
        t.flow_at, t.number_at = kind.flow_at, kind.number_at
        offload = ffi.new("struct tx_offload *")
        if kind.summed:
            offload.l3_offset, offload.l4_offset, offload.ipv4 = 14, 34, 1
            offload.ip_csum = offload.l4_csum = 1
            offload.l4_type = 0 if kind is UDP4 else 1
            t.want_flags = lib.RX_CSUM_GOOD
        t.off = offload
        t.frames, t.batch, t.window = frames, batch, WINDOW
        t.deadline_ns = lib.napi_now() + int(timeout_s * 1e9)
        if step is not None:
            t.step = ffi.cast("int (*)(void *)", step[0])
            t.device = ffi.cast("void *", step[1])
        rc = self.lib.traffic_run(t, self.calls)
        if rc or t.bad:
            why = os.strerror(-rc) if rc else "damaged"
            raise CiError(f"{kind.name}: sent {t.sent}, received {t.received}, bad {t.bad}: {why}")
        if kind.summed and frames >= FLOWS and not all(t.received_of[n] for n in range(min(len(rx), 4))):
            raise CiError(f"{kind.name}: a queue had no frame: {[int(t.received_of[n]) for n in range(len(rx))]}")
        return t

    def ring(self, kind: str, ring: Any) -> Any:
        """A ring of the driver's as a pointer of this module's."""
        return self.ffi.cast(kind, compiled.address_of(ring.c))

    def _rings(self, kind: str, rings: list[Any]) -> Any:
        return self.ffi.new(f"{kind}[]", [self.ring(kind, ring) for ring in rings])

    def mpps(self, rx: list[RxRing], tx: list[TxRing], kind: Kind, mac: str, **how: Any) -> float:
        """Frames per µs of ``run``."""
        t = self.run(rx, tx, kind, mac, **how)
        return float(t.received * 1e3 / t.elapsed_ns)


class Ideal:
    """An Rx and a Tx ring of the driver's, and the ideal device; its thread is there only while it is measured."""

    def __init__(self, traffic: Traffic) -> None:
        self._door = MemoryDoor("ideal")
        bar = Bar(self._door)
        self._arena = Arena(self._door, ARENA_BYTES)
        self.rx = RxRing(RINGS, self._arena, bar, 0, RING_COUNT, BUF_BYTES)
        self.tx = TxRing(RINGS, self._arena, bar, 0, RING_COUNT, BUF_BYTES)
        self._lib, ffi = traffic.lib, traffic.ffi
        tails = compiled.address_of(compiled.buffer_at(self._door.memory))
        self._rings = rings = ffi.new("struct ideal_rings *")
        rings.tx_tail = ffi.cast("uint32_t *", tails + int(self.tx.c.tail_offset))
        rings.rx_tail = ffi.cast("uint32_t *", tails + int(self.rx.c.tail_offset))
        rings.tx_desc = ffi.cast("uint64_t *", compiled.address_of(self.tx.c.desc))
        rings.rx_desc = ffi.cast("uint64_t *", compiled.address_of(self.rx.c.desc))
        rings.count, rings.memory = RING_COUNT, ffi.cast("uint8_t *", self._door.ptr)
        rings.iova = self._arena.iova_base
        self.rx.start()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """The thread, for the time of the block."""
        made = self._lib.ideal_start(self._rings)
        if not made:
            raise CiError("the ideal device did not start: no memory, or no thread")
        try:
            yield
        finally:
            self._lib.ideal_stop(made)

    def close(self) -> None:
        """Give the memory back."""
        for each in (self.rx, self.tx, self._arena, self._door):
            each.close()


@contextmanager
def traffic() -> Iterator[Traffic]:
    """The C, built in a folder that goes again."""
    with tempfile.TemporaryDirectory(prefix="ixlab-bench-") as folder:
        yield Traffic(Path(folder))
