# SPDX-License-Identifier: BSD-3-Clause
"""Two cards that receive the same frames: one usual ones the usual way, the other all the exact way."""

from collections.abc import Sequence

from device.regs.i82599 import RAH, RAL, RDH, RDT, Register
from tests.rigs.rx import IOVA, MAC, RING_SPACE, Rig, Ring, batches
from tests.rigs.usual import difference, exact, usual_frames

QUEUES = 4
HEADERS = RING_SPACE + QUEUES * 0x20000  # behind the rings' buffers: where headers go if they are split off
HEADER_BYTES = 128


class Twins:
    """Two cards with the same rings; everything is done to both."""

    def __init__(self) -> None:
        self.cards = (Rig(), Rig())
        self.rings: list[list[Ring]] = []
        self.given: list[int] = []

    def renew(self, count: int = 16, **srrctl: int) -> None:
        """Both as new: four rings of so many descriptors, and our address."""
        self.rings = []
        for card in self.cards:
            card.renew()
            card.write(RAL, int.from_bytes(MAC[:4], "little"))
            card.write(RAH, RAH.of(AV=1, RAH=int.from_bytes(MAC[4:], "little")))
            self.rings.append([card.ring(queue, count, slot=queue, **srrctl) for queue in range(QUEUES)])
        self.given = [0] * QUEUES
        exact(self.cards[1].nic)

    def write(self, register: type[Register], value: int, n: int = 0) -> None:
        for card in self.cards:
            card.write(register, value, n)

    def post(self, count: int) -> None:
        for rings in self.rings:
            for ring in rings:
                ring.post(count)

    def fill(self, most: int = 15) -> None:
        """So many descriptors to each ring, or as many as it has room for."""
        for rings in self.rings:
            for ring in rings:
                head, tail = int(ring.rig.rf.get(RDH, ring.queue)), int(ring.rig.rf.get(RDT, ring.queue))
                ring.post(min(most, ring.count - 1 - (tail - head) % ring.count))

    def give_back(self) -> None:
        """All descriptors but one to each ring, as ``fill`` does, in few pieces; asks only the first card where."""
        for queue, one in enumerate(self.rings[0]):
            tail = (int(one.rig.rf.get(RDH, queue)) - 1) % one.count
            start = self.given[queue]
            if start == tail:
                continue
            at = [*range(start, tail)] if start < tail else [*range(start, one.count), *range(tail)]
            whole = {n: self._fresh(one, n) for n in at}
            for rings in self.rings:
                ring = rings[queue]
                for first, end in ((start, tail),) if start < tail else ((start, one.count), (0, tail)):
                    lies = ring.base + 16 * first
                    ring.rig.memory[lies : lies + 16 * (end - first)] = b"".join(whole[n] for n in range(first, end))
                ring.rig.write(RDT, tail, queue)
            self.given[queue] = tail

    def _fresh(self, ring: Ring, at: int) -> bytes:
        iova = IOVA + ring.buffers + at * ring.buffer_bytes
        header = IOVA + HEADERS + (ring.queue * ring.count + at) * HEADER_BYTES
        return iova.to_bytes(8, "little") + header.to_bytes(8, "little")

    def send(self, frames: Sequence[bytes], flags: int = 0) -> str:
        """The same frames to both; returns what is different then, "" if nothing is."""
        for batch in batches(frames, flags):
            for card in self.cards:
                card.receive_batch(batch)
        usual, other = self.cards
        return difference(usual.nic, other.nic) or self.difference_in_memory()

    def difference_in_memory(self) -> str:
        """The first byte of descriptors and buffers that is different; "" if none is."""
        memory = [card.memory for card in self.cards]
        if memory[0] == memory[1]:
            return ""
        one, other = (bytes(part) for part in memory)
        at = next(n for n in range(len(one)) if one[n] != other[n])
        for ring in self.rings[0]:
            if ring.base <= at < ring.base + 16 * ring.count:
                start = at // 16 * 16
                what = f"descriptor {(at - ring.base) // 16} of queue {ring.queue}"
                return f"{what}: {one[start : start + 16].hex()} {other[start : start + 16].hex()}"
            if ring.buffers <= at < ring.buffers + ring.buffer_bytes * ring.count:
                where, byte = divmod(at - ring.buffers, ring.buffer_bytes)
                return f"buffer {where} of queue {ring.queue}, byte {byte}: {one[at]:#04x} {other[at]:#04x}"
        return f"memory at {at:#x}: {one[at]:#04x} {other[at]:#04x}"

    def receive(self, frames: list[bytes], flags: int = 0) -> None:
        """The same frames to both, and then nothing may be different."""
        assert self.send(frames, flags) == ""

    @property
    def usual(self) -> int:
        """Frames that went the usual way, of which the second card has none."""
        assert usual_frames(self.cards[1].nic)[0] == 0
        return usual_frames(self.cards[0].nic)[0]

    def close(self) -> None:
        for card in self.cards:
            card.nic.close()
