# SPDX-License-Identifier: BSD-3-Clause
"""Super-frames that a port brings, on their way into a ring: as frames, or coalesced."""

from collections.abc import Iterator
from typing import Any

import pytest
from scapy.layers.inet import TCP
from scapy.layers.l2 import Ether

from device.machine.core import ffi, lib
from device.machine.wire import NullPort
from device.regs.i82599 import GPRC, TPR
from tests.rigs.rsc import Coalescing
from tests.rigs.rx import Rig
from tests.twins.gso import Super
from tests.unit.machine.test_super import made

MSS = 1448


class Bringer(NullPort):
    """Brings these, in batches of four, and knows how often it was asked."""

    def __init__(self, *frames: Super) -> None:
        super().__init__()
        self.left = list(frames)
        self.asked = 0
        self._kept: list[Any] = []
        self._send = ffi.callback("uint32_t(struct port *, const struct frame *, uint32_t)", lambda *_: 0)
        self._recv = ffi.callback(
            "uint32_t(struct port *, struct frame *, uint32_t, const struct clock *)", self._bring
        )
        self._ops = ffi.new("struct port_ops *", {"send": self._send, "recv": self._recv, "caps": lib.PORT_KEEPS})
        self.c.ops = self._ops

    def _bring(self, _port: object, frames: Any, n: int, _clock: object) -> int:
        self.asked += 1
        now, self.left = self.left[: min(n, 4)], self.left[min(n, 4) :]
        self._kept = [ffi.new("uint8_t[]", one.data) for one in now]  # the former ones are gone
        for i, one in enumerate(now):
            frames[i] = {"data": self._kept[i], "len_bytes": len(one.data), "kind": one.kind}
            frames[i].segment_bytes = one.segment_bytes
            frames[i].csum_start, frames[i].csum_offset = one.csum_start, one.csum_offset
        return len(now)


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as made_rig:
        yield made_rig
        assert made_rig.guards_whole()


def plug(rig: Rig, *frames: Super) -> Bringer:
    port = Bringer(*frames)
    rig.nic.set_port(port.c)
    return port


def turns(rig: Rig) -> None:
    while lib.card_step(rig.nic.c):
        pass


def test_the_chip_sees_the_pieces(rig: Rig) -> None:
    one, two = made(40 * MSS, MSS, flags="PA"), made(700, 300, ipv4=False)
    plain = Super(bytes(Ether(dst="02:00:00:82:59:90", type=0x88B5)) + bytes(100), 0, 0, 0, 0)
    ring = rig.ring(0, 64)
    ring.post(63)
    port = plug(rig, one, plain, two, plain)
    turns(rig)
    wanted = [*one.pieces(), plain.data, *two.pieces(), plain.data]
    assert [data for data, _, _ in ring.take()] == [frame.ljust(60, b"\0") for frame in wanted]
    count = port.counters()
    assert (count["rx_frames"], count["rx_bytes"]) == (len(wanted), sum(map(len, wanted)))
    assert (rig.read(GPRC), rig.read(TPR), rig.count.rx_frames) == (45, 45, 45)


def test_a_queue_that_coalesces_gets_them_together(rig: Rig) -> None:
    queue = Coalescing(rig)
    one = made(40 * MSS, MSS, flags="A")
    plug(rig, one)
    turns(rig)
    packets = queue.clean()
    assert [packet.appended for packet in packets] == [22, 18]  # 16 descriptors of 2 KiB take so many
    assert b"".join(bytes(Ether(packet.data)[TCP].payload) for packet in packets) == one.data[54:]
    assert rig.read(GPRC) == 40


def test_sums_are_called_good_that_are(rig: Rig) -> None:
    ring = rig.ring(0, 64)
    ring.post(63)
    plug(rig, made(4000, 1000))
    turns(rig)
    assert [(q1.STAT_L4CS, q1.STAT_IPCS, q1.ERR_TCPE) for _, _, q1 in ring.take()] == [(1, 1, 0)] * 4


def test_no_piece_is_lost_where_descriptors_are_few(rig: Rig) -> None:
    """As much waits in the packet buffer as would of frames; the port is asked again when all has moved on."""
    ring = rig.ring(0, 8)
    supers = [made(60000, MSS, flags="A") for _ in range(12)]
    port = plug(rig, *supers)
    turns(rig)
    assert port.asked == 1
    assert rig.nic.c.rx.fifo.used_bytes < 300_000
    came: list[bytes] = []
    free = 7
    while free:
        ring.post(free)
        turns(rig)
        last = ring.take()
        came += [data for data, _, _ in last]
        free = len(last)
    assert came == [piece for one in supers for piece in one.pieces()]
    assert rig.count.rx_fifo_full == 0


def test_faults_of_the_wire_are_felt_by_pieces(rig: Rig) -> None:
    ring = rig.ring(0, 64)
    ring.post(63)
    rig.nic.c.wire_faults.lose_every = 4
    one = made(40 * MSS, MSS, flags="A")
    plug(rig, one)
    turns(rig)
    assert [data for data, _, _ in ring.take()] == [piece for i, piece in enumerate(one.pieces(), 1) if i % 4]


def test_a_wire_that_is_pulled_takes_along_what_it_brought(rig: Rig) -> None:
    ring = rig.ring(0, 64)
    ring.post(63)
    plug(rig, *[made(60000, 1000) for _ in range(3)])
    lib.card_step(rig.nic.c)
    assert len(ring.take()) in range(1, 65)
    rig.nic.set_port(None)
    turns(rig)
    assert ring.take() == []
