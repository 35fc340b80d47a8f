# SPDX-License-Identifier: BSD-3-Clause
"""Descriptor rings and the buffers under them: memory here, the hot loops in driver/core/csrc/rings.c.

A ring owns one piece of DMA memory for its descriptors and one for its buffers; slot i of the ring owns buffer i.  The
family says what its descriptors look like (``RingModel``) and tells the NIC where they are; whoever polls the ring's
q_vector is the only one to touch it.
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from device.regs.core import Register
from driver.compiled import ffi, lib
from driver.core.bar import Bar
from driver.core.dma import Arena, DmaBuffer
from driver.core.qvector import QVector
from driver.errors import DriverError, RingError

HARVEST = 64  # frames one harvest may return

# struct rx_frame, all of a batch's in one call: asking cffi for each member costs ten times as much.
_FRAME = struct.Struct(f"@6I2H{lib.RX_FRAME_BUFS}I{lib.RX_FRAME_BUFS}Q")
_LEN_AT, _DATA_AT = 8, 8 + lib.RX_FRAME_BUFS  # of the first buffer, in what it unpacks to
_FRAME_START = ("bufs", "total_bytes", "found", "rss_hash", "status", "flags", "vlan_tci", "segments")
_C_FRAME: Any = ffi.typeof("struct rx_frame")
_C_STATS: Any = ffi.typeof("struct ring_stats")
_STATS = tuple(name for name, _ in _C_STATS.fields)
assert (_FRAME.size, (*_FRAME_START, "len_bytes", "data")) == (
    ffi.sizeof(_C_FRAME),
    tuple(name for name, _ in _C_FRAME.fields),
)


@dataclass(frozen=True, slots=True)
class RingModel:
    """A family's rings.

    Attributes:
        ops: cffi ``struct ring_ops *``: its descriptors.
        desc_bytes: Size of one.
        counts: How many a ring may have.
        buf_bytes: How large a buffer may be.
        rx_tail: Register that gives Rx descriptors to the NIC, one a queue.
        tx_tail: The same for Tx.
        kinds: What the family found out about a received frame: the kind of its hash, and of its headers.
        stamp_ns: Reads the time stamp of a received frame with this status out of the NIC; None: it has none.
        lro_ops: Its descriptors where the NIC makes one packet of many TCP frames; None: it never does.
        lro_counters: What the kernel's driver calls the frames that such packets were, and those packets.
    """

    ops: object
    desc_bytes: int
    counts: range
    buf_bytes: range
    rx_tail: type[Register]
    tx_tail: type[Register]
    kinds: Callable[[int], tuple[int, int]] = lambda _found: (0, 0)
    stamp_ns: Callable[[Bar, int], int | None] = lambda _bar, _status: None
    lro_ops: object | None = None
    lro_counters: tuple[str, ...] = ()

    def check_count(self, count: int) -> int:
        """A ring length that the hardware takes.

        Raises:
            DriverError: Names the value and the limits.
        """
        able = self.counts
        if count not in able:
            raise DriverError(f"{count} descriptors: a ring has {able[0]} to {able[-1]}, a multiple of {able.step}")
        return count

    def check_buf(self, len_bytes: int) -> int:
        """A buffer size that the hardware takes.

        Raises:
            RingError: Names the value and the limits.
        """
        able = self.buf_bytes
        if len_bytes not in able:
            raise RingError(f"a buffer has {able[0]} to {able[-1]} bytes, a multiple of {able.step}; got {len_bytes}")
        return len_bytes


class _Ring:
    """What both directions share."""

    NAME = ""

    def __init__(
        self, model: RingModel, arena: Arena, bar: Bar, queue: int, count: int, buf_bytes: int, *, first_queue: int = 0
    ) -> None:
        self.model = model
        self.queue = queue
        self.reg_idx = first_queue + queue
        self.count = model.check_count(count)
        self.buf_bytes = model.check_buf(buf_bytes)
        self.q_vector: QVector | None = None
        self._arena = arena
        self._bar = bar
        self._desc: DmaBuffer | None = arena.alloc(
            count * model.desc_bytes, align=128, label=f"{self.NAME} ring {queue}"
        )
        try:
            self._bufs: DmaBuffer | None = arena.alloc(
                count * buf_bytes, align=4096, label=f"{self.NAME} buffers {queue}"
            )
        except Exception:
            arena.free(self._desc)
            raise
        self.iova = self._desc.iova
        self.len_bytes = count * model.desc_bytes
        self.c: Any = None

    def _fill(self, ring: Any, tail: type[Register]) -> None:
        assert self._desc is not None
        assert self._bufs is not None
        ring.bar = self._bar.mmio
        ring.ops = self.model.ops
        ring.desc = ffi.cast("uint64_t *", self._desc.ptr)
        ring.buf = self._bufs.ptr
        ring.buf_iova = self._bufs.iova
        ring.buf_bytes = self.buf_bytes
        ring.count = self.count
        ring.queue = self.queue
        ring.tail_offset = tail.offset(self.reg_idx)
        self.c = ring

    def reset(self) -> None:
        """Forget every descriptor: for a NIC that was just reset or whose queue is disabled."""
        assert self._desc is not None
        self._desc.view[:] = bytes(self.len_bytes)
        self.c.next_to_use = self.c.next_to_clean = 0

    def _live(self) -> Any:
        """The C struct, as long as there is memory under it."""
        if self._desc is None:
            raise RingError(f"{self.NAME} queue {self.queue}: the ring is closed; a port that was down has new ones")
        return self.c

    def stats(self) -> dict[str, int]:
        """Return the ring's own counters by name."""
        return {name: int(getattr(self.c.stats, name)) for name in _STATS}

    def close(self) -> None:
        """Give the memory back; the queue must be disabled.  Safe to call twice."""
        for buffer in (self._desc, self._bufs):
            if buffer is not None:
                self._arena.free(buffer)
        self._desc = self._bufs = None


@dataclass(slots=True)  # frozen would cost a call for each member
class RxFrame:
    """One received frame, still in the NIC's buffers: gone when the next batch is asked for.

    Attributes:
        parts: The frame's bytes in order, one view per buffer it spans; nearly always one.
        rss_hash: Hash the NIC computed, or 0.
        rss_type: What it was taken over, as the family has it; 0: there is no hash.
        packet_type: What headers the NIC found, as the family has it.
        status: Status and error bits of its last descriptor, as the family has them.
        vlan_tci: The tag the NIC took out, or None.
        stamp_ns: When it arrived on the NIC's own clock, if the NIC stamped it; else None.
        segments: Frames on the wire that it was; more than one where the NIC coalesces them.
    """

    parts: tuple[memoryview, ...]
    rss_hash: int
    status: int
    vlan_tci: int | None
    rss_type: int
    packet_type: int
    stamp_ns: int | None
    segments: int = 1

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    def __bytes__(self) -> bytes:
        return b"".join(self.parts)


class RxRing(_Ring):
    """Receive ring of one queue.

    Args:
        model: The family's descriptors and limits.
        arena: Where its memory comes from.
        bar: Register window with the tail register.
        queue: Rx queue number.
        count: Descriptors.
        buf_bytes: Bytes per buffer; a longer frame spans several.
        first_queue: What the registers call the function's queue 0; ``reg_idx`` is what they call this one.

    Raises:
        DriverError: ``count`` is none that the model has.
        RingError: The same of ``buf_bytes``, or the arena is full.
    """

    NAME = "Rx"

    def __init__(
        self, model: RingModel, arena: Arena, bar: Bar, queue: int, count: int, buf_bytes: int, *, first_queue: int = 0
    ) -> None:
        super().__init__(model, arena, bar, queue, count, buf_bytes, first_queue=first_queue)
        self._fill(ffi.new("struct rx_ring *"), model.rx_tail)
        self._frames = ffi.new("struct rx_frame[]", HARVEST)
        self._base = int(ffi.cast("uintptr_t", self.c.buf))
        assert self._bufs is not None
        self._read_only = self._bufs.view.toreadonly()
        self.program: object | None = None  # keeps the program alive that C may call
        self.reset()

    def start(self) -> int:
        """Give every buffer to the NIC; the queue must be enabled, or the NIC ignores the tail.  Returns how many."""
        return int(lib.rx_refill(self._live()))

    @property
    def lro(self) -> bool:
        """Whether the queue may make one packet of many TCP frames; changed only while nothing is in the ring."""
        return bool(self.model.lro_ops is not None and self.c.ops == self.model.lro_ops)

    @lro.setter
    def lro(self, on: bool) -> None:
        if on and self.model.lro_ops is None:
            raise RingError(f"Rx queue {self.queue}: this NIC does not coalesce")
        self.c.ops = self.model.lro_ops if on else self.model.ops

    def harvest(self, budget: int = HARVEST) -> list[RxFrame]:
        """Take up to ``budget`` frames out of the ring; they live until ``refill``.

        An XDP program (xdp.py) sees them first; only what it lets pass is returned.
        """
        ring, left = self._live(), 0
        for _ in range(self.count):
            n = left = int(lib.rx_harvest(ring, self._frames, min(budget, HARVEST)))
            if ring.xdp:
                left = int(lib.xdp_run(ring, self._frames, n))
            if left or not n:
                break
            self.refill()
        if not left:
            return []
        return [self._frame(told) for told in _FRAME.iter_unpack(ffi.buffer(self._frames, left * _FRAME.size))]

    def close(self) -> None:
        """As every ring's."""
        self._read_only.release()
        super().close()

    def memory(self) -> tuple[memoryview, int]:
        """The buffers of all slots, and the address of the first."""
        assert self._bufs is not None
        return self._bufs.view, self._base

    # Views are slices of the ring's own memory, so that one kept too long shows old bytes and never faults.
    def _frame(self, told: tuple[int, ...]) -> RxFrame:
        bufs, _, found, rss_hash, status, flags, vlan_tci, segments = told[:_LEN_AT]
        view, parts = self._read_only, []
        for b in range(bufs):
            start = told[_DATA_AT + b] - self._base
            parts.append(view[start : start + told[_LEN_AT + b]])
        rss_type, packet_type = self.model.kinds(found)
        return RxFrame(
            tuple(parts),
            rss_hash,
            status,
            vlan_tci if flags & lib.RX_VLAN else None,
            rss_type,
            packet_type,
            self.model.stamp_ns(self._bar, status),
            segments if flags & lib.RX_COALESCED else 1,
        )

    def refill(self) -> int:
        """Give harvested buffers back, in batches; returns how many went."""
        return int(lib.rx_refill(self._live()))

    def batches(self, *, budget: int = HARVEST) -> Iterator[list[RxFrame]]:
        """Yield what is there, batch after batch, until the ring is empty; a batch dies when the next is asked for."""
        while frames := self.harvest(budget):
            yield frames
            self.refill()


class TxRing(_Ring):
    """Transmit ring of one queue; arguments and errors as ``RxRing``.

    Attributes:
        xdp: It is no queue of the interface: only programs send on it.
    """

    NAME = "Tx"
    xdp = False

    def __init__(
        self, model: RingModel, arena: Arena, bar: Bar, queue: int, count: int, buf_bytes: int, *, first_queue: int = 0
    ) -> None:
        super().__init__(model, arena, bar, queue, count, buf_bytes, first_queue=first_queue)
        ring = ffi.new("struct tx_ring *")
        self._sent = ring.sent = ffi.new("uint64_t[]", count)
        self._fill(ring, model.tx_tail)
        self.reset()

    def reset(self) -> None:
        """Forget every descriptor, and the frames that were under way."""
        super().reset()
        self.c.tail_written = 0
        self.c.sent_to_use = self.c.sent_to_clean = 0
        self.c.sent_bytes = self.c.cleaned_bytes = 0
        self.c.stuck_ns = 0

    @property
    def free(self) -> int:
        """Descriptors that may be filled now."""
        return int(lib.tx_free(self.c))

    @property
    def pending(self) -> bool:
        """Whether frames were given to the NIC that it has not completed."""
        return bool(self.c.next_to_use != self.c.next_to_clean)

    def post(self, frame: bytes | bytearray | memoryview, offload: Any = None) -> bool:
        """Copy a frame into the ring, without telling the NIC yet; False if there is no room.

        Args:
            frame: Ethernet frame without FCS.
            offload: cffi ``struct tx_offload *`` or None.

        Raises:
            RingError: The frame or the offload cannot be described to the NIC.
        """
        rc = lib.tx_post(self._live(), ffi.from_buffer(frame), len(frame), offload or ffi.NULL)
        if rc == -lib.RING_EINVAL:
            raise RingError(f"Tx queue {self.queue}: a frame of {len(frame)} bytes with this offload cannot be sent")
        return rc > 0

    def flush(self) -> None:
        """Write the tail once for everything posted."""
        ring = self._live()
        self._bar.before_doorbell()
        lib.tx_flush(ring)

    def send(self, frames: Sequence[bytes]) -> int:
        """Post and flush; returns how many frames found room.

        Raises:
            RingError: The first frame cannot be described to the NIC; others like it end the batch before them.
        """
        ring = self._live()
        sent = int(lib.tx_post_packed(ring, b"".join(frames), [len(frame) for frame in frames], len(frames)))
        if sent == -lib.RING_EINVAL:
            raise RingError(f"Tx queue {self.queue}: a frame of {len(frames[0])} bytes cannot be sent")
        self.flush()
        return sent

    def clean(self, budget: int = 256) -> int:
        """Reclaim up to ``budget`` completed frames; returns how many."""
        return int(lib.tx_clean(self._live(), budget, lib.napi_now()))
