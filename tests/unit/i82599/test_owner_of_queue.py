# SPDX-License-Identifier: BSD-3-Clause
"""A queue given to a second function works in that function's memory, and stands still when that one may not do DMA.

Interrupts of virtual functions are in test_vf.py.
"""

import mmap
from collections.abc import Iterator
from typing import Any

import pytest
from scapy.compat import raw
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from device.i82599.core import BAR0_BYTES
from device.machine.core import check, ffi, lib
from device.machine.function import Function
from device.machine.wire import LoopbackPort
from device.regs.i82599 import DMATXCTL, ETQF, ETQS, RDH, TDBAH, TDBAL, TDH, TDLEN, TDT, TXDCTL
from device.regs.i82599.desc import RXD
from tests.rigs.rx import IOVA, MEMORY_BYTES, Rig, Ring
from tests.rigs.tx import data_desc

GIVEN = 5  # the queue that is the second function's
KEPT = 0
FRAME = raw(Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02", type=0x88B5) / Raw(bytes(range(100))))


class Second:
    """Another function of the card of ``rig``, whose memory has the same addresses and lies elsewhere."""

    def __init__(self, rig: Rig) -> None:
        card = rig.nic.c
        self._struct: Any = ffi.new("struct function *")
        clock = ffi.addressof(card, "clock")
        check(lib.function_init(self._struct, 1, BAR0_BYTES, clock, card, lib.card_ops()), "function_init")
        self.function = Function(self._struct, card)
        self.memory = mmap.mmap(-1, MEMORY_BYTES)
        self.function.dma_add(IOVA, MEMORY_BYTES, self.memory)
        self.function.bus_master = True
        lib.card_own_queue(card, GIVEN, self._struct)

    def close(self, rig: Rig) -> None:
        lib.card_own_queue(rig.nic.c, GIVEN, ffi.addressof(rig.nic.c, "pf"))
        self.function.close()
        lib.function_free(self._struct)


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as made:
        yield made


@pytest.fixture
def second(rig: Rig) -> Iterator[Second]:
    made = Second(rig)
    yield made
    made.close(rig)


@pytest.fixture
def ring(rig: Rig, second: Second) -> Ring:
    """Queue ``GIVEN`` with descriptors in the second function's memory; all our frames are sent to it."""
    made = rig.ring(GIVEN)
    made.post(4)
    second.memory[: len(rig.memory)] = rig.memory[:]
    rig.memory[:] = bytes(len(rig.memory))
    rig.write(ETQF, ETQF.of(FILTER_EN=1, ETYPE=0x88B5))
    rig.write(ETQS, ETQS.of(QUEUE_EN=1, RX_QUEUE=GIVEN))
    return made


def written_back(memory: Any, ring: Ring) -> tuple[bytes, int]:
    """Frame and length that the first descriptor of a ring reports in this memory."""
    q1 = RXD(int.from_bytes(memory[ring.base + 8 : ring.base + 16], "little"))
    return bytes(memory[ring.buffers : ring.buffers + len(FRAME)]), q1.LENGTH if q1.STAT_DD else 0


def test_a_frame_lands_in_the_memory_of_the_queues_owner(rig: Rig, second: Second, ring: Ring) -> None:
    assert rig.nic.c.owner_of_queue[GIVEN] == second.function.c
    rig.receive(FRAME)
    assert written_back(second.memory, ring) == (FRAME, len(FRAME))
    assert not any(bytes(rig.memory)), "the physical function's memory at the same addresses is as it was"


def test_the_other_queues_stay_the_physical_functions(rig: Rig, second: Second, ring: Ring) -> None:
    kept = rig.ring(KEPT, slot=1)
    kept.post(4)
    rig.write(ETQF, 0)
    before = bytes(second.memory)
    rig.receive(FRAME)
    assert [data for data, _, _ in kept.take()] == [FRAME]
    assert bytes(second.memory) == before


def test_without_the_owners_bus_master_the_frame_waits_and_the_others_flow(
    rig: Rig, second: Second, ring: Ring
) -> None:
    second.function.bus_master = False
    assert rig.nic.pf.does_dma
    rig.receive(FRAME)
    assert (rig.read(RDH, GIVEN), written_back(second.memory, ring)[1]) == (0, 0)
    second.function.bus_master = True
    assert rig.drain() == 1
    assert written_back(second.memory, ring) == (FRAME, len(FRAME))


def test_what_the_owner_did_not_map_is_out_of_reach(rig: Rig, second: Second, ring: Ring) -> None:
    second.function.dma_del(IOVA, MEMORY_BYTES)
    rig.receive(FRAME)
    assert {why for _, _, why in rig.nic.stalls.seen} == {"ring unmapped"}
    assert (second.function.c.dma.errors > 0, rig.nic.pf.c.dma.errors) == (True, 0)
    assert not any(bytes(rig.memory))


def test_transmit_reads_the_memory_of_the_queues_owner(rig: Rig, second: Second) -> None:
    ring_at, buffer_at = 0x8000, 0x20000
    q0, q1 = data_desc(IOVA + buffer_at, len(FRAME))
    second.memory[ring_at : ring_at + 16] = q0.to_bytes(8, "little") + q1.to_bytes(8, "little")
    second.memory[buffer_at : buffer_at + len(FRAME)] = FRAME
    rig.write(DMATXCTL, DMATXCTL.of(TE=1))
    rig.write(TDBAL, (IOVA + ring_at) % 2**32, GIVEN)
    rig.write(TDBAH, IOVA + ring_at >> 32, GIVEN)
    rig.write(TDLEN, 8 * 16, GIVEN)
    rig.write(TXDCTL, TXDCTL.of(ENABLE=1), GIVEN)
    rig.write(TDT, 1, GIVEN)
    frames = ffi.new("struct frame[]", lib.FRAME_BATCH)
    with LoopbackPort() as port:
        port.state.keeps = 1
        rig.nic.set_port(port.c)
        assert lib.tx_run(ffi.addressof(rig.nic.c, "tx"), 8) == 1
        assert lib.port_recv(port.c, frames, lib.FRAME_BATCH, ffi.NULL) == 1
        assert bytes(ffi.buffer(frames[0].data, frames[0].len_bytes)) == FRAME
        rig.nic.set_port(None)
    assert rig.read(TDH, GIVEN) == 1
    assert not any(bytes(rig.memory))
