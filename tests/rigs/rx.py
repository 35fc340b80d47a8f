# SPDX-License-Identifier: BSD-3-Clause
"""A device core, guest memory with guard areas, and one or more Rx rings: what the receive tests share."""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, Self

from device.i82599.card import make_registers
from device.i82599.core import CardCore
from device.machine.core import ffi, lib
from device.regs.i82599 import FCTRL, RDBAH, RDBAL, RDH, RDLEN, RDRXCTL, RDT, RXCSUM, RXCTRL, RXDCTL, SRRCTL, Register
from device.regs.i82599.desc import RXD, RXDADV
from device.regs.i82599.rx import DescType

GUARD = 0xA5
GUARD_BYTES = 4096
IOVA = 0x1_0000_0000
MEMORY_BYTES = 1 << 20
RING_SPACE = 0x10000  # rings below, buffers above
MAC = bytes.fromhex("020000825990")


class Rig:
    """One function with bus master and link, RXEN on, promiscuous."""

    def __init__(self, vfs: int = 0) -> None:
        self.nic = CardCore(vfs)
        self.rf = make_registers(self.nic)
        self._before: dict[str, int] = {}
        self._whole = ffi.new("uint8_t[]", MEMORY_BYTES + 2 * GUARD_BYTES)
        start = (int(ffi.cast("uintptr_t", self._whole)) + GUARD_BYTES + 4095) // 4096 * 4096
        self._skip = start - int(ffi.cast("uintptr_t", self._whole))
        self.bytes_mapped = MEMORY_BYTES - 4096
        self.memory: Any = ffi.buffer(self._whole + self._skip, self.bytes_mapped)
        ffi.memmove(self._whole, bytes([GUARD]) * len(self._whole), len(self._whole))
        self.renew()

    def renew(self) -> None:
        """As new: reset, nothing mapped but our memory, which is all 0, and no counts.  Quicker than another one."""
        self.nic.pf.dma_del(0, 2**64 - 1)
        self.nic.pf.reset(software=False)
        self.nic.stalls.seen.clear()
        self._before = self.nic.counters()
        self.memory[:] = bytes(self.bytes_mapped)
        self.nic.pf.dma_add(IOVA, self.bytes_mapped, self._whole + self._skip)
        self.nic.pf.bus_master = True
        self.nic.link_up = True
        self.write(RXCTRL, RXCTRL.of(RXEN=1))
        self.write(RXCSUM, RXCSUM.of(PCSD=1))
        self.write(RDRXCTL, RDRXCTL.of(CRCSTRIP=1))
        self.write(FCTRL, FCTRL.of(UPE=1, MPE=1, BAM=1))

    def map(self, offset: int, len_bytes: int) -> None:
        """A part of the memory, as a region of its own."""
        self.nic.pf.dma_add(IOVA + offset, len_bytes, self._whole + self._skip + offset)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.nic.close()

    def write(self, register: type[Register], value: int, n: int = 0) -> None:
        """As the guest writes."""
        self.rf.write(register.offset(n), int(value))

    def read(self, register: type[Register], n: int = 0) -> int:
        """As the guest reads."""
        return self.rf.read(register.offset(n))

    def guards_whole(self) -> bool:
        """Whether nothing outside DMA memory was written."""
        all_bytes = bytes(ffi.buffer(self._whole))
        end = self._skip + self.bytes_mapped
        return set(all_bytes[: self._skip]) == {GUARD} and set(all_bytes[end:]) == {GUARD}

    @property
    def count(self) -> SimpleNamespace:
        """The device's counters since ``clear``."""
        return SimpleNamespace(**{name: n - self._before.get(name, 0) for name, n in self.nic.counters().items()})

    def ring(self, queue: int = 0, count: int = 8, *, slot: int = 0, **srrctl: int) -> "Ring":
        """Program and enable a queue as Linux does; no descriptors are given to it yet."""
        return Ring(self, queue, count, slot, srrctl)

    def receive(self, *frames: bytes, flags: int = 0) -> None:
        """Frames from the wire, one batch per 64."""
        for batch in batches(frames, flags):
            self.receive_batch(batch)

    def receive_batch(self, batch: Any) -> None:
        """One ``struct frame[]`` from the wire."""
        lib.rx_frames(ffi.addressof(self.nic.c, "rx"), batch, len(batch))
        lib.card_tell_stalls(self.nic.c)

    def drain(self) -> int:
        """Let waiting frames go where descriptors are."""
        moved = int(lib.rx_frames(ffi.addressof(self.nic.c, "rx"), ffi.NULL, 0))
        lib.card_tell_stalls(self.nic.c)
        return moved


def batches(frames: Sequence[bytes], flags: int = 0) -> Iterator[Any]:
    """Frames as C takes them, ``struct frame[]`` of 64 at most; each lives until the next is asked for."""
    for start in range(0, len(frames), lib.FRAME_BATCH):
        kept = [ffi.from_buffer("uint8_t[]", frame) for frame in frames[start : start + lib.FRAME_BATCH]]
        batch = ffi.new("struct frame[]", len(kept))
        for n, data in enumerate(kept):
            batch[n].data = data
            batch[n].len_bytes = len(data)
            batch[n].flags = flags
        yield batch


class Ring:
    """Software's side of one Rx ring: one buffer per descriptor."""

    def __init__(self, rig: Rig, queue: int, count: int, slot: int, srrctl: dict[str, int]) -> None:
        self.rig = rig
        self.queue = queue
        self.count = count
        fields = {"BSIZEPACKET": 2, "DESCTYPE": DescType.ADV_ONEBUF} | srrctl
        self.buffer_bytes = fields["BSIZEPACKET"] * 1024
        self.base = slot * 0x1000
        self.buffers = RING_SPACE + slot * 0x20000
        self.next = 0
        rig.write(RDBAL, (IOVA + self.base) & 0xFFFF_FFFF, queue)
        rig.write(RDBAH, IOVA + self.base >> 32, queue)
        rig.write(RDLEN, 16 * count, queue)
        rig.write(RDH, 0, queue)
        rig.write(RDT, 0, queue)
        rig.write(SRRCTL, SRRCTL.of(**fields), queue)
        self.enable()

    def enable(self, **fields: int) -> None:
        """RXDCTL.ENABLE."""
        self.rig.write(RXDCTL, RXDCTL.of(ENABLE=1, **fields), self.queue)

    def disable(self) -> None:
        """RXDCTL.ENABLE off."""
        self.rig.write(RXDCTL, 0, self.queue)

    def post(self, count: int, *, address: int | None = None) -> None:
        """Give descriptors to the device, buffers in place, and move the tail."""
        tail = int(self.rig.rf.get(RDT, self.queue))
        for i in range(tail, tail + count):
            at = i % self.count
            iova = IOVA + self.buffers + at * self.buffer_bytes if address is None else address
            self.set(at, iova, 0xFFFF_FFFF_FFFF_FFF0)
        self.rig.write(RDT, (tail + count) % self.count, self.queue)

    def set(self, at: int, q0: int, q1: int) -> None:
        """Write descriptor ``at``."""
        start = self.base + 16 * at
        self.rig.memory[start : start + 16] = q0.to_bytes(8, "little") + q1.to_bytes(8, "little")

    def desc(self, at: int) -> tuple[RXDADV, RXD]:
        """Descriptor ``at``, read as an advanced write-back."""
        raw = self.rig.memory[self.base + 16 * at : self.base + 16 * at + 16]
        return RXDADV(int.from_bytes(raw[:8], "little")), RXD(int.from_bytes(raw[8:], "little"))

    def buffer(self, at: int, len_bytes: int) -> bytes:
        """What lies in the buffer of descriptor ``at``."""
        start = self.buffers + at * self.buffer_bytes
        return bytes(self.rig.memory[start : start + len_bytes])

    def take(self) -> list[tuple[bytes, RXDADV, RXD]]:
        """Frames that are complete, oldest first: data, quadword 0, quadword 1 of the last descriptor."""
        frames = []
        data = b""
        head = int(self.rig.rf.get(RDH, self.queue))
        while self.next != head:
            q0, q1 = self.desc(self.next)
            assert q1.STAT_DD
            data += self.buffer(self.next, q1.LENGTH)
            self.next = (self.next + 1) % self.count
            if q1.STAT_EOP:
                frames.append((data, q0, q1))
                data = b""
        assert not data
        return frames


def one(frames: Sequence[tuple[bytes, RXDADV, RXD]]) -> tuple[bytes, RXDADV, RXD]:
    """The only frame."""
    assert len(frames) == 1
    return frames[0]
