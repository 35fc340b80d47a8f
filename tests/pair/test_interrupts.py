# SPDX-License-Identifier: BSD-3-Clause
"""From a descriptor that is done to a polled ring: vectors, masks, moderation, and all three kinds of interrupt."""

import os

import pytest

from device.regs.i82599 import EICR, EICS, EICS_EX, EIMC_EX, EIMS, EIMS_EX, EITR, GPIE, IVAR, IVAR_MISC, Register
from driver.compiled import lib
from driver.core.napi import Napi, NapiMode
from driver.doors.door import IrqKind
from driver.ixgbe.interrupts import assign
from tests.rigs.pair import Rig, Wire, flow, plain, quiet, readable, rig, run_napis

KINDS = [IrqKind.MSIX, IrqKind.MSI, IrqKind.INTX]


class Served:
    """A rig whose vectors are polled by the driver's own loop, on this thread."""

    def __init__(self, up: Rig, sink: int = lib.SINK_ECHO, mode: NapiMode = NapiMode.IRQ) -> None:
        self.up = up
        self.napis: list[Napi] = up.adapter.napis()
        for napi in self.napis:
            napi.c.sink, napi.c.mode = sink, mode
        self.turn()  # the service task's first kick is answered and over

    def turn(self) -> None:
        """The device does what it can, then interrupts are taken and rings polled."""
        up = self.up
        up.settle()
        if any(readable(fd) for fd in up.adapter.other_fds()):
            up.adapter.other_irq()
        run_napis(self.napis)
        up.settle()

    def fd(self, n: int = 0) -> int:
        return int(self.napis[n].c.irq_fd)

    def sent(self, vector: int = 0) -> int:
        return self.up.door.irqs.sent(vector)


def swapped(frame: bytes) -> bytes:
    return frame[6:12] + frame[:6] + frame[12:]


# ---- every kind carries traffic --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", list(NapiMode), ids=lambda mode: mode.name.lower())
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name.lower())
def test_traffic_flows_on_every_kind_of_interrupt(wire: Wire, kind: IrqKind, mode: NapiMode) -> None:
    with rig(wire, kinds=[kind]) as up:
        served = Served(up, mode=mode)
        frames = [plain(n, 60 + n) for n in range(120)]
        back: list[bytes] = []
        for start in range(0, 120, 30):
            wire.inject(*frames[start : start + 30])
            for _ in range(10):
                served.turn()
                back += wire.sent()
                if len(back) == start + 30:
                    break
        assert back == [swapped(frame) for frame in frames]
        stats = served.napis[0].stats()
        assert stats["work"] == 120
        assert (stats["irqs"] > 0) == (stats["rearms"] > 0) == (mode is not NapiMode.POLL)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name.lower())
def test_an_idle_port_is_quiet(wire: Wire, kind: IrqKind) -> None:
    with rig(wire, kinds=[kind]) as up:
        served = Served(up)
        before = up.count("irqs")
        for _ in range(5):
            served.turn()
        assert up.count("irqs") == before
        assert quiet(served.fd())


def test_a_completed_transmit_interrupts_too(wire: Wire) -> None:
    with rig(wire) as up:
        served = Served(up)
        up.adapter.tx_rings[0].send([plain(1)])
        up.settle()
        assert readable(served.fd())
        served.turn()
        assert served.napis[0].c.tx_work == 1
        assert not up.adapter.tx_rings[0].pending


def line(up: Rig) -> bool:
    """INTx, as the device last told it."""
    return up.door.irqs.level


def test_intx_stays_up_until_its_causes_are_read(wire: Wire) -> None:
    with rig(wire, kinds=[IrqKind.INTX]) as up:
        served = Served(up)
        wire.inject(plain(1))
        up.settle()
        assert line(up)
        (fd,) = up.adapter.other_fds()
        assert readable(fd)
        up.adapter.other_irq()
        assert not line(up)
        run_napis(served.napis)
        assert served.napis[0].c.work == 1
        assert wire.sent() == [swapped(plain(1))]


# ---- masks -----------------------------------------------------------------------------------------------------------


def masked(up: Rig, vector: int) -> bool:
    return not int(up.nic.regs.get(EIMS_EX, vector // 32)) & 2 ** (vector % 32)


def test_a_message_masks_its_vector_and_the_poll_re_arms_it(wire: Wire) -> None:
    with rig(wire) as up:
        served = Served(up)
        assert not masked(up, 0)
        wire.inject(plain(1))
        up.settle()
        assert masked(up, 0)
        assert served.sent() == served.napis[0].c.irqs + 1
        served.turn()
        assert not masked(up, 0)


def test_what_comes_while_masked_waits_and_is_told_on_re_arming(wire: Wire) -> None:
    with rig(wire) as up:
        served = Served(up)
        wire.inject(plain(1))
        up.settle()
        count = served.sent()
        for n in range(5):
            wire.inject(plain(n))
            up.settle()
        assert served.sent() == count
        # The driver takes the frames but has not re-armed: frames that come now are told by the write itself.
        assert served.napis[0].poll(64) == 6
        os.eventfd_read(served.fd())
        wire.inject(plain(9))
        up.settle()
        assert quiet(served.fd())
        offset, value = up.adapter.scheme.rearm(up.adapter.q_vectors[0])
        up.adapter.bar.write_offset(offset, value)
        assert readable(served.fd())
        assert served.sent() == count + 1


def test_a_masked_vector_does_not_hold_up_another(wire: Wire) -> None:
    with rig(wire, queues=2) as up:
        served = Served(up)
        up.adapter.bar.write(EIMC_EX, 1, 0)
        wire.inject(*[flow(n, payload=bytes(20)) for n in range(20)])
        up.settle()
        assert quiet(served.fd(0))
        assert readable(served.fd(1))
        up.adapter.bar.write(EIMS_EX, 1, 0)
        assert readable(served.fd(0))


def test_polls_beyond_the_budget_do_not_re_arm(wire: Wire) -> None:
    with rig(wire, ring_count=256) as up:
        served = Served(up, lib.SINK_DROP)
        (napi,) = served.napis
        wire.inject(*[plain(n) for n in range(100)])
        up.settle()
        before = napi.c.rearms
        assert napi.poll(64) == 64
        assert masked(up, 0)
        assert napi.poll(64) == 36
        assert napi.c.rearms == before
        served.turn()
        assert napi.c.rearms > before
        assert not masked(up, 0)


# ---- moderation ------------------------------------------------------------------------------------------------------


def test_messages_keep_their_distance(wire: Wire) -> None:
    with rig(wire, itr_us=100, manual_clock=True) as up:
        assert up.nic.regs.get(EITR, 0).ITR_INTERVAL == 50
        served = Served(up)
        up.advance_us(1000)
        served.turn()
        count = served.sent()
        wire.inject(plain(1))
        up.settle()
        assert served.sent() == count + 1  # at once: the last one is long ago
        served.turn()
        wire.inject(plain(2))
        up.settle()
        up.advance_us(99)
        assert (served.sent(), quiet(served.fd())) == (count + 1, True)
        up.advance_us(1)
        assert (served.sent(), quiet(served.fd())) == (count + 2, False)
        assert up.count("irqs_moderated") >= 1


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name.lower())
def test_a_busy_vector_sends_no_more_than_moderation_allows(wire: Wire, kind: IrqKind) -> None:
    with rig(wire, itr_us=50, kinds=[kind], manual_clock=True) as up:
        up.advance_us(1000)
        served = Served(up)
        before = up.count("irqs")
        for n in range(200):  # a frame every 5 us for a millisecond
            wire.inject(plain(n))
            up.advance_us(5)
            if any(readable(fd) for fd in up.adapter.other_fds()) or readable(served.fd()):
                served.turn()
        assert 10 <= up.count("irqs") - before <= 21
        up.advance_us(50)
        served.turn()
        assert served.napis[0].c.work == 200


def test_no_moderation_means_a_message_for_every_frame(wire: Wire) -> None:
    with rig(wire, itr_us=0) as up:
        served = Served(up, lib.SINK_DROP)
        before = served.sent()
        for n in range(10):
            wire.inject(plain(n))
            served.turn()
        assert served.sent() == before + 10


def test_the_interval_can_change_while_it_runs(wire: Wire) -> None:
    with rig(wire, queues=2) as up:
        up.adapter.set_itr_us(30)
        assert [up.nic.regs.get(EITR, n).ITR_INTERVAL for n in range(2)] == [15, 15]


# ---- software interrupts ---------------------------------------------------------------------------------------------


def test_a_kick_interrupts_just_that_vector_masked_or_not(wire: Wire) -> None:
    with rig(wire, queues=4) as up:
        served = Served(up)
        up.adapter.bar.write(EICS_EX, 1 << 2, 0)
        assert [readable(served.fd(n)) for n in range(4)] == [False, False, True, False]
        assert masked(up, 2)
        os.eventfd_read(served.fd(2))
        up.adapter.bar.write(EICS_EX, 1 << 2, 0)
        assert readable(served.fd(2))
        served.turn()
        assert not masked(up, 2)


def test_the_service_task_finds_frames_whose_interrupt_was_lost(wire: Wire) -> None:
    with rig(wire, queues=2) as up:
        served = Served(up)
        wire.inject(*[flow(n, payload=bytes(20)) for n in range(20)])
        up.settle()
        for n in range(2):
            os.eventfd_read(served.fd(n))  # nobody ever sees them
        served.turn()
        assert wire.sent() == []
        up.time.sleep(2.5)
        up.adapter.service()
        served.turn()
        assert len(wire.sent()) == 20


# ---- which vector ----------------------------------------------------------------------------------------------------


def ivar_entries(up: Rig, queues: int) -> dict[int, tuple[int | None, int | None]]:
    """Vector of each queue pair's Rx and Tx, None where the entry is not valid."""
    found = {}
    for queue in range(queues):
        entry: Register = up.nic.regs.get(IVAR, queue // 2)
        rx, tx = (
            getattr(entry, f"{way}{queue % 2}") if getattr(entry, f"{way}{queue % 2}_VALID") else None
            for way in ("RX", "TX")
        )
        found[queue] = (rx, tx)
    return found


def test_each_pair_has_its_vector_and_the_last_is_for_the_rest(wire: Wire) -> None:
    with rig(wire, queues=5) as up:
        assert ivar_entries(up, 8) == {n: (n, n) if n < 5 else (None, None) for n in range(8)}
        assert up.nic.regs.get(IVAR_MISC) == IVAR_MISC.of(OTHER=5, OTHER_VALID=1)
        assert up.nic.regs.get(GPIE).MSIX_MODE == 1


@pytest.mark.parametrize(("queues", "vectors"), [(8, 4), (4, 2), (16, 8), (7, 4), (64, 64), (5, 64)])
def test_fewer_vectors_than_rings_are_shared_and_every_ring_is_polled(wire: Wire, queues: int, vectors: int) -> None:
    with rig(wire, queues=queues, vectors=vectors) as up:
        plan = assign(min(queues, vectors - 1), queues, queues)
        assert [
            (sorted(vector.rx_container.queues), sorted(vector.tx_container.queues)) for vector in up.adapter.q_vectors
        ] == [share[:2] for share in plan]
        wanted = {queue: vector for vector, (rx, _, _) in enumerate(plan) for queue in rx}
        assert ivar_entries(up, queues) == {queue: (vector, vector) for queue, vector in wanted.items()}
        served = Served(up)
        frames = [flow(n, payload=bytes(20)) for n in range(64)]
        wire.inject(*frames)
        served.turn()
        served.turn()
        assert sorted(wire.sent()) == sorted(map(swapped, frames))


def test_one_msix_vector_is_too_few_so_msi_is_used(wire: Wire) -> None:
    with rig(wire, queues=4, vectors=1) as up:
        assert up.adapter.scheme.kind is IrqKind.MSI
        assert len(up.adapter.rx_rings) == 1
        served = Served(up)
        wire.inject(plain(1))
        served.turn()
        assert wire.sent() == [swapped(plain(1))]


def test_a_queues_frames_tell_only_its_own_vector(wire: Wire) -> None:
    with rig(wire, queues=4) as up:
        served = Served(up, lib.SINK_DROP)
        for n in range(16):
            wire.inject(flow(n, payload=bytes(20)))
            up.settle()
            told = [vector for vector in range(4) if readable(served.fd(vector))]
            ((queue, _),) = up.take_all().items()
            assert told == [queue]
            served.turn()


def test_the_link_tells_only_the_other_vector(wire: Wire) -> None:
    with rig(wire, queues=2) as up:
        served = Served(up)
        wire.light(on=False)
        up.settle()
        up.nic.link.evaluate()
        assert [readable(served.fd(n)) for n in range(2)] == [False, False]
        assert readable(up.adapter.other_fds()[0])
        up.adapter.other_irq()
        assert up.adapter.stats()["lsc_int"] == 1


def test_sixty_three_vectors(wire: Wire) -> None:
    """Vectors 32 and up live in the second word of every mask."""
    with rig(wire, queues=63) as up:
        served = Served(up)
        for queue in (0, 31, 32, 62):
            up.adapter.tx_rings[queue].send([plain(queue)])
            up.settle()
            assert [n for n in range(63) if readable(served.fd(n))] == [queue]
            assert masked(up, queue)
            served.turn()
            assert not masked(up, queue)
        assert len(wire.sent()) == 4


# ---- the registers ---------------------------------------------------------------------------------------------------


def test_queue_causes_are_cleared_by_the_message(wire: Wire) -> None:
    with rig(wire, queues=2) as up:
        served = Served(up)
        wire.inject(flow(1, payload=bytes(20)))
        up.settle()
        assert any(readable(served.fd(n)) for n in range(2))
        assert up.nic.regs.get(EICR).RTX_QUEUE == 0


def test_reading_eics_does_not_clear(wire: Wire) -> None:
    with rig(wire) as up:
        Served(up)
        up.adapter.bar.write(EIMC_EX, 1, 0)
        wire.inject(plain(1))
        up.settle()
        assert up.adapter.bar.read(EICS).RTX_QUEUE == 1
        assert up.adapter.bar.read(EICS).RTX_QUEUE == 1
        assert up.adapter.bar.read(EIMS).RTX_QUEUE & 1 == 0


def test_after_down_nothing_interrupts(wire: Wire) -> None:
    with rig(wire, queues=2) as up:
        served = Served(up)
        before = up.count("irqs")
        fds = [served.fd(n) for n in range(2)]
        up.adapter.down()
        wire.inject(*[flow(n, payload=bytes(20)) for n in range(10)])
        up.settle()
        up.adapter.bar.write(EICS_EX, 3, 0)
        assert up.count("irqs") == before
        assert all(quiet(fd) for fd in fds)
