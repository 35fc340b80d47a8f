# SPDX-License-Identifier: BSD-3-Clause
"""Moderation that runs: the interval in the device's register follows the load, on a clock of the test's own."""

import os
from collections.abc import Callable
from typing import Any

import pytest

from device.regs.i82599 import EICS_EX, EITR
from driver.compiled import ffi, lib
from driver.core.itr import ItrMode
from driver.core.moderation import ItrSetting, Moderation, Policy, parse_itr
from driver.core.napi import Poller, Sink
from driver.errors import DriverError
from tests.rigs.pair import Rig, Wire, plain, rig

EVENTS = 64
STEP_US = 4000
FRAME = 1000


class Load:
    """A vector of a NIC that is up, moderated, with counters that the test moves."""

    def __init__(self, up: Rig, setting: str, *, vector: int = 0, speed_mbps: int = 10_000) -> None:
        self.up = up
        self.napis = up.adapter.napis()
        self.vector = up.adapter.q_vectors[vector]
        self.napi = self.napis[vector]
        self.now_us = 5_000_000
        self.moderation = Moderation(
            list(zip(up.adapter.q_vectors, self.napis, strict=True)),
            up.adapter.vector_hw(),
            parse_itr(setting, 1022),
            speed_mbps=lambda: speed_mbps,
            now_us=lambda: self.now_us,
        )
        self.moderation.start()
        up.settle()
        self.writes = 0

    def eitr_us(self) -> int:
        """What the device moderates by."""
        self.up.settle()
        return int(self.up.nic.regs.get(EITR, self.vector.reg_idx).ITR_INTERVAL) * 2

    def step(
        self, *, rx: int = 0, tx: int = 0, size: int = FRAME, events: int = EVENTS, after_us: int = STEP_US
    ) -> int:
        """So many frames and events later a decision is owed; returns the interval after it."""
        self.now_us += after_us
        self.napi.c.events += events
        for rings, count in ((self.vector.rx, rx), (self.vector.tx, tx)):
            for ring in rings:
                ring.c.stats.packets += count
                ring.c.stats.bytes += count * size
        self.napi.c.owes = 1
        mmio: Any = self.up.adapter.bar.mmio
        before = mmio.writes
        self.moderation.decide(self.napis)
        self.writes = int(mmio.writes - before)
        assert self.napi.c.owes == 0
        return self.eitr_us()

    def at(self) -> str:
        """Where the walk of received frames stands."""
        dim = self.vector.rx_container.dim
        return f"{dim.profile}{dim.tune.value}"


GOLDEN: list[tuple[str, Callable[[int], int], str]] = [
    ("constant", lambda _: 1000, "0L 1R 0L 1R 0L 1R 0L 1R 0L 1R 1Z"),
    ("more at higher profiles", lambda profile: 1000 * (profile + 1), "0L 1R 2R 3R 4R 4T 4T"),
    ("latency bound", lambda profile: 4000 // (profile + 1), "0L 0T 0T"),
]


@pytest.mark.parametrize(("frames", "expect"), [row[1:] for row in GOLDEN], ids=[row[0] for row in GOLDEN])
def test_dim_walks_and_the_register_follows(wire: Wire, frames: Callable[[int], int], expect: str) -> None:
    with rig(wire) as up:
        load = Load(up, "dim")
        assert load.eitr_us() == 8
        trace = []
        for _ in expect.split():
            profile = load.vector.rx_container.dim.profile
            eitr_us = load.step(rx=frames(profile), tx=frames(profile))
            trace.append(load.at())
            assert eitr_us == (2, 8, 16, 62, 126)[load.vector.rx_container.dim.profile]
            assert load.writes == (2 if load.vector.rx_container.dim.profile != profile else 0)  # Rx and Tx moved
        assert " ".join(trace) == expect


def test_auto_is_quick_for_who_waits_and_slow_for_bulk(wire: Wire) -> None:
    with rig(wire) as up:
        load = Load(up, "auto")
        assert (load.eitr_us(), load.moderation.who(0), load.napi.c.decide_events) == (4, "auto quick", 16)
        assert (load.step(rx=64, tx=64, size=98), load.writes) == (4, 0)  # a ping: one of each an interrupt
        assert (load.step(rx=3 * 64, tx=3 * 64 - 1, size=60), load.writes) == (4, 0)
        assert (load.step(rx=4 * 64, size=60), load.writes) == (50, 1)
        assert load.moderation.who(0) == "auto bulk"
        assert (load.step(rx=5 * 64, size=60), load.writes) == (50, 0)
        assert (load.step(rx=64, tx=64, size=98), load.writes) == (4, 1)
        assert load.step(tx=64, size=60_000) == 50  # few packets, but of many segments each
        assert load.step(events=1, after_us=2_000_000) == 4
        load.step(rx=10_000, events=0)  # so much that nothing interrupts
        assert load.eitr_us() == 50


def test_one_changed_profile_is_one_write_and_the_silent_side_has_no_say(wire: Wire) -> None:
    with rig(wire) as up:
        load = Load(up, "dim")
        load.step(rx=2000)
        assert load.writes == 2  # Rx moved, Tx left the register to it
        for profile in (1, 2, 3, 4):
            assert load.step(rx=1000 * profile) == (2, 8, 16, 62, 126)[profile]
            assert load.writes == 1
        assert load.moderation.who(0) == "dim rx 4R tx -"
        assert load.step(rx=1000 * 5, tx=10) == 2  # it is back, and walks: to the left at first
        assert load.writes == 1
        assert load.moderation.who(0) == "dim rx 4T tx 0L"


def test_fewer_events_than_64_a_second_bring_it_back(wire: Wire) -> None:
    with rig(wire) as up:
        load = Load(up, "dim")
        for profile in range(5):
            load.step(rx=1000 * (profile + 1), tx=1000 * (profile + 1))
        assert load.eitr_us() == 62
        assert load.step(rx=1, events=1, after_us=2_000_000) == 8
        assert load.moderation.who(0) == "dim rx 1T tx 1T"
        load.step(rx=1, events=1, after_us=2_000_000)
        assert load.writes == 0  # it is where it should be
        assert load.step(rx=1000, tx=1000) == 2  # and the first move is left again


def test_a_second_that_is_over_gives_no_decision(wire: Wire) -> None:
    with rig(wire) as up:
        load = Load(up, "dim")
        assert load.step(rx=1000, tx=1000, after_us=1_000_000) == 8
        assert load.step(rx=1000, tx=1000) == 2


def test_the_event_counter_of_dim_wraps_where_ours_does_not(wire: Wire) -> None:
    with rig(wire) as up:
        load = Load(up, "dim")
        load.napi.c.events = 65536 - 32
        load.moderation.start()
        assert load.step(rx=1000, tx=1000) == 2
        assert load.napi.stats()["events"] == 65536 + 32


@pytest.mark.parametrize(("setting", "us"), [("50", 50), ("0", 0), ("1022", 1022), ("51", 50)])
def test_static_never_changes(wire: Wire, setting: str, us: int) -> None:
    with rig(wire) as up:
        load = Load(up, setting)
        for _ in range(5):
            assert load.step(rx=100_000, tx=100_000) == us
            assert load.writes == 0
        assert load.napi.c.decide_events == 0
        assert load.vector.rx_container.itr_mode is ItrMode.STATIC
        assert load.moderation.who(0) == "static"


def test_adaptive_follows_what_an_interrupt_brings(wire: Wire) -> None:
    with rig(wire) as up:
        load = Load(up, "adaptive")
        assert load.eitr_us() == 50
        assert load.step(rx=EVENTS * 10) == 52  # some packets an interrupt: a little more patience
        assert load.writes == 1
        assert load.moderation.who(0) == "adaptive bulk"
        assert load.step(rx=EVENTS * 60) == 52
        assert load.writes == 0
        assert load.step(rx=EVENTS * 100) == 26
        assert load.step(rx=EVENTS * 300, size=1500) == 118
        assert load.step(rx=EVENTS, tx=EVENTS, size=60) == 10
        assert load.moderation.who(0) == "adaptive latency"
        assert load.step(rx=EVENTS * 10, tx=EVENTS, size=60) == 12  # one side in bulk has the word


def test_adaptive_is_quick_after_a_pause(wire: Wire) -> None:
    with rig(wire) as up:
        load = Load(up, "adaptive")
        assert load.step(rx=EVENTS * 300, size=1500) == 118
        assert load.step(rx=1, events=1, after_us=2_000_000) == 10
        assert load.moderation.who(0) == "adaptive latency"


def test_adaptive_waits_longer_on_a_slower_link(wire: Wire) -> None:
    with rig(wire) as up:
        load = Load(up, "adaptive", speed_mbps=1000)
        assert load.step(rx=EVENTS * 300, tx=EVENTS * 300, size=60) == 80


def test_each_vector_has_its_own_interval(wire: Wire) -> None:
    with rig(wire, queues=4, vectors=3) as up:  # two rings each
        load = Load(up, "dim", vector=1)
        load.step(rx=1000, tx=1000)
        assert [int(up.nic.regs.get(EITR, n).ITR_INTERVAL) * 2 for n in range(2)] == [8, 2]


def test_a_reset_starts_again_where_it_should(wire: Wire) -> None:
    with rig(wire, itr_us=50) as up:
        load = Load(up, "dim")
        load.step(rx=1000, tx=1000)
        up.adapter.reinit()
        assert load.eitr_us() == 50
        load.moderation.start()
        assert load.eitr_us() == 8
        load.moderation.set(ItrSetting(Policy.ADAPTIVE))
        load.moderation.start()
        assert load.eitr_us() == 50
        load.moderation.set(ItrSetting(itr_us=30))
        load.moderation.start()
        assert (load.eitr_us(), load.moderation.who(0)) == (30, "static")


@pytest.mark.parametrize("word", ["", "dym", "-1", "1023", "5.5", "²", "99999999999999999999"])
def test_no_other_word_is_a_setting(word: str) -> None:
    with pytest.raises(DriverError, match="dim, adaptive, or 0 to 1022 microseconds; got "):
        parse_itr(word, 1022)


# ---- the loop --------------------------------------------------------------------------------------------------------


def run(napis: list[Any], ms: float = 1.0) -> int:
    stop = os.eventfd(0, os.EFD_CLOEXEC)
    try:
        vectors = ffi.new("struct napi *[]", [napi.c for napi in napis])
        return int(lib.napi_run(vectors, len(napis), stop, int(ms * 1e6)))
    finally:
        os.close(stop)


def test_a_loop_that_slept_says_so(wire: Wire) -> None:
    """The device may sleep, too, and the next doorbell has to wake it."""
    with rig(wire) as up:
        napis = up.adapter.napis()
        bar: Any = up.adapter.bar.mmio
        bar.slept = 0
        napis[0].c.mode = lib.NAPI_POLL
        run(napis)
        assert bar.slept == 0
        napis[0].c.mode = lib.NAPI_IRQ
        run(napis, 5)
        assert bar.slept == 1


def test_events_are_interrupts_of_vectors_with_rings(wire: Wire) -> None:
    with rig(wire, queues=2) as up:
        napis = up.adapter.napis()
        Poller(napis, sink=Sink.DROP).close()
        run(napis)
        napis[1].c.rx_count = napis[1].c.tx_count = 0
        before = [napi.stats() for napi in napis]
        up.adapter.bar.write(EICS_EX, 3, 0)
        up.settle()
        run(napis)
        counts = [(napi.stats(), was) for napi, was in zip(napis, before, strict=True)]
        assert [(now["irqs"] - was["irqs"], now["events"] - was["events"]) for now, was in counts] == [(1, 1), (1, 0)]


def test_the_loop_comes_back_when_a_decision_is_owed(wire: Wire) -> None:
    with rig(wire, manual_clock=True) as up:
        napis = up.adapter.napis()
        Poller(napis, sink=Sink.DROP).close()
        napi = napis[0].c

        def interrupts(count: int) -> int:
            for n in range(count):
                wire.inject(plain(n))
                up.advance_us(100)
                if rc := run(napis):
                    return rc
            return 0

        napi.decided_ns = lib.napi_now()
        assert interrupts(3) == 0  # nobody asked
        napi.decide_events = 3
        napi.decided_events, napi.decided_ns = napi.events, lib.napi_now() + 10**9
        assert interrupts(2) == 0
        napi.decided_ns = lib.napi_now() - 2_000_000
        assert interrupts(1) == lib.NAPI_DECIDE
        napi.owes, napi.decided_events, napi.decided_ns = 0, napi.events, lib.napi_now() + 10**8
        assert interrupts(3) == 0  # too soon after the last
        napi.decided_ns = lib.napi_now() - 10**9
        napi.decided_events = napi.events
        assert interrupts(1) == lib.NAPI_DECIDE  # a second is over


def test_what_a_decision_meets_ends_the_poller(wire: Wire) -> None:
    class Broken:
        def start(self) -> None:
            napi.c.decide_events = 1

        def decide(self, napis: object) -> None:
            raise DriverError("the register is gone")

    with rig(wire) as up:
        (napi,) = up.adapter.napis()
        poller = Poller([napi], sink=Sink.DROP, moderation=Broken())
        poller.start()
        os.set_blocking(poller.done_fd(), True)
        assert os.eventfd_read(poller.done_fd()) == 1
        assert str(poller.error) == "the register is gone"
        poller.close()


def test_a_busy_vector_keeps_neither_another_s_interrupt_nor_the_end_waiting(wire: Wire) -> None:
    """While one is polled without pause the loop still looks, now and then, who else wants something."""
    with rig(wire, queues=2) as up:
        busy, quiet = up.adapter.napis()[:2]
        Poller([busy, quiet], sink=Sink.DROP).close()
        busy.c.mode, quiet.c.mode = lib.NAPI_POLL, lib.NAPI_IRQ
        run([busy, quiet])
        before = quiet.stats(), busy.stats()
        up.adapter.bar.write(EICS_EX, 1 << up.adapter.q_vectors[1].reg_idx, 0)
        up.settle()
        run([busy, quiet], ms=5)
        assert quiet.stats()["irqs"] - before[0]["irqs"] == 1
        assert quiet.stats()["polls"] - before[0]["polls"] >= 1
        assert busy.stats()["polls"] - before[1]["polls"] > 64
        poller = Poller([busy, quiet], sink=Sink.DROP)
        busy.c.mode = lib.NAPI_POLL
        poller.start()
        poller.stop()
        assert poller.error is None
        poller.close()
