# SPDX-License-Identifier: BSD-3-Clause
"""Resets, restarts and lost links with work under way: no write comes late, nothing leaks, data is good again."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device.regs.i82599 import CTRL, RDT, RXCTRL, RXDCTL, STATUS, TDT, TXDCTL
from device.regs.pci import EXP_DEVCTL, PCI_COMMAND, PM_PMCSR
from driver.compiled import ffi, lib
from driver.core.bar import Bar
from driver.doors.config import Config
from tests.rigs.pair import MAC, Rig, Wire, flow, offload, plain, rig, run_napis

GUARD_BYTES = 4096
CANARY = b"\xa5" * GUARD_BYTES


@pytest.fixture
def up(wire: Wire) -> Iterator[Rig]:
    with rig(wire, queues=2, mtu=9000) as made:
        yield made


def load(up: Rig, wire: Wire) -> None:
    """Work of every sort in every place: cable, packet buffer, full rings, posted and half-sent frames."""
    wire.inject(*[flow(n, payload=bytes(100 + n)) for n in range(300)])
    for _ in range(3):
        up.nic.step()
    for ring in up.adapter.tx_rings:
        for n in range(20):
            ring.post(plain(n, 60 + 100 * n))
        ring.flush()
        ring.post(plain(99))
    how = offload(l4_len_bytes=20, mss=10, ip_csum=True)
    up.adapter.tx_rings[0].post(flow(1, payload=bytes(3000)), how)
    up.adapter.tx_rings[0].flush()
    wire.inject(*[flow(n, payload=bytes(100)) for n in range(50)])


def drained(up: Rig, wire: Wire) -> None:
    """Forget what is still in the cable, both ways."""
    up.nic.link.evaluate()
    up.adapter.service()
    for ring in up.adapter.tx_rings:
        ring.flush()
        up.settle()
        while ring.clean():
            pass
    up.take_all()
    wire.sent()


def works(up: Rig, wire: Wire) -> None:
    """Frames pass both ways on every queue, unchanged."""
    drained(up, wire)
    frames = [flow(n, payload=bytes([n]) * (20 + n)) for n in range(100)]
    wire.inject(*frames)
    up.settle()
    got = up.take_all()
    assert sorted(frame for part in got.values() for frame in part) == sorted(frames)
    for queue in range(len(up.adapter.tx_rings)):
        up.send(frames[:30], queue)
        assert wire.sent() == frames[:30]
        assert not up.adapter.tx_rings[queue].pending


def memory(up: Rig) -> bytes:
    """Everything the rings own: descriptors and buffers."""
    parts = []
    for ring in (*up.adapter.rx_rings, *up.adapter.tx_rings):
        parts.append(bytes(ffi.buffer(ring.c.desc, ring.count * 16)))
        parts.append(bytes(ffi.buffer(ring.c.buf, ring.count * ring.buf_bytes)))
    return b"".join(parts)


def guard(up: Rig) -> list[memoryview]:
    """Map memory right before and right after the arena; no descriptor ever names it."""
    arena = up.adapter.arena
    assert arena is not None
    views = []
    for iova in (arena.iova_base - GUARD_BYTES, arena.iova_base + arena.len_bytes):
        view = memoryview(bytearray(CANARY))
        up.nic.pf.dma_add(iova, GUARD_BYTES, view.obj)
        views.append(view)
    return views


# ---- after a reset the device keeps its hands off memory -------------------------------------------------------------


def software_reset(up: Rig) -> None:
    up.adapter.bar.update(CTRL, RST=1)


def link_reset(up: Rig) -> None:
    up.adapter.bar.update(CTRL, LRST=1)


def function_level_reset(up: Rig) -> None:
    Config(up.door).update(EXP_DEVCTL, FLR=1)


def sleep_and_wake(up: Rig) -> None:
    Config(up.door).update(PM_PMCSR, POWER_STATE=3)
    Config(up.door).update(PM_PMCSR, POWER_STATE=0)


def lost_client(up: Rig) -> None:
    up.door.reset()


def master_disable(up: Rig) -> None:
    up.adapter.bar.write(CTRL, CTRL.of(GIO_DIS=1))
    assert up.adapter.bar.read(STATUS).GIO == 0


def bus_master_off(up: Rig) -> None:
    Config(up.door).set_master(on=False)


RESETS = [software_reset, link_reset, function_level_reset, sleep_and_wake, lost_client]


@pytest.mark.parametrize("how", [*RESETS, master_disable, bus_master_off], ids=lambda how: how.__name__)
def test_afterwards_not_a_byte_of_dma_memory_changes(up: Rig, wire: Wire, how: Callable[[Rig], None]) -> None:
    load(up, wire)
    how(up)
    before = memory(up)
    dma_errors = up.count("dma_errors")
    wire.inject(*[flow(n, payload=bytes([7]) * 100) for n in range(50)])
    for queue in range(2):
        up.nic.regs.write(RDT.offset(queue), 40)
        up.nic.regs.write(TDT.offset(queue), 40)
    up.settle()
    assert memory(up) == before
    assert up.count("dma_errors") == dma_errors


@pytest.mark.parametrize("how", RESETS, ids=lambda how: how.__name__)
def test_the_driver_comes_back_after_a_reset_it_did_not_ask_for(
    up: Rig, wire: Wire, how: Callable[[Rig], None]
) -> None:
    config = Config(up.door)
    state = config.save_state()
    load(up, wire)
    how(up)
    assert up.nic.regs.get(RXCTRL).RXEN == 0
    assert [up.nic.regs.get(RXDCTL, n).ENABLE + up.nic.regs.get(TXDCTL, n).ENABLE for n in range(2)] == [0, 0]
    config.restore_state(state)
    up.adapter.reinit()
    works(up, wire)


def test_a_reset_function_has_memory_and_bus_master_off(up: Rig) -> None:
    function_level_reset(up)
    command = up.door.config.get(PCI_COMMAND)
    assert (command.MEMORY, command.BUS_MASTER) == (0, 0)
    assert not up.nic.pf.bus_master


def test_dma_goes_on_where_it_stopped_when_bus_master_comes_back(up: Rig, wire: Wire) -> None:
    bus_master_off(up)
    ring = up.adapter.tx_rings[0]
    ring.send([plain(n) for n in range(10)])
    wire.inject(flow(1, payload=bytes(20)))
    up.settle()
    assert (wire.sent(), ring.clean()) == ([], 0)
    Config(up.door).set_master(on=True)
    up.settle()
    assert wire.sent() == [plain(n) for n in range(10)]
    assert ring.clean() == 10


def test_after_down_the_device_reaches_no_memory(up: Rig, wire: Wire) -> None:
    load(up, wire)
    up.adapter.down()
    assert up.door.maps == {}
    assert up.nic.pf.c.dma.count == 0
    wire.inject(*[flow(n, payload=bytes(100)) for n in range(50)])
    up.settle()
    counters = up.nic.report()
    assert (counters.counters["dma_errors"], counters.stalls) == (0, [])


# ---- again and again -------------------------------------------------------------------------------------------------


def fds() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def test_twenty_times_down_and_up_under_load_leave_nothing_behind(up: Rig, wire: Wire) -> None:
    before, threads = len(fds()), threading.active_count()
    for turn in range(20):
        load(up, wire)
        up.adapter.down()
        assert up.door.maps == {}
        assert len(fds()) < before
        up.adapter.up()
        assert len(fds()) == before
        if turn % 5 == 0:
            works(up, wire)
    assert threading.active_count() == threads
    works(up, wire)
    assert up.nic.report().stalls == []


def test_twenty_resets_under_load_keep_the_rings_and_the_guards(up: Rig, wire: Wire) -> None:
    guards = guard(up)
    before = fds()
    rings = [ring.iova for ring in (*up.adapter.rx_rings, *up.adapter.tx_rings)]
    for turn in range(20):
        load(up, wire)
        up.adapter.reinit()
        if turn % 5 == 0:
            works(up, wire)
    works(up, wire)
    assert up.adapter.reinits == 20
    assert [ring.iova for ring in (*up.adapter.rx_rings, *up.adapter.tx_rings)] == rings
    assert fds() == before
    assert all(view == CANARY for view in guards)
    assert up.nic.report().stalls == []
    assert up.count("dma_errors") == 0


def test_whole_life_over_and_over_leaves_nothing_behind() -> None:
    with Wire() as wire:
        before, threads = fds(), threading.active_count()
        for _ in range(5):
            with rig(wire, queues=4) as up:
                load(up, wire)
            wire.sent()
            assert fds() == before
        assert threading.active_count() == threads


def test_what_was_held_in_the_packet_buffer_does_not_come_after_a_reset(up: Rig, wire: Wire) -> None:
    wire.inject(*[flow(1, payload=bytes([n]) * 50) for n in range(100)])
    up.settle()
    assert up.nic.core.c.rx.fifo.frames > 0
    up.adapter.reinit()
    up.nic.link.evaluate()
    up.settle()
    assert up.take_all() == {}
    assert up.nic.core.c.rx.fifo.frames == 0


def test_as_many_frames_after_a_reset_as_before_it_are_sent(up: Rig, wire: Wire) -> None:
    """The tail stands where it stood before the reset, and has to be written all the same."""
    frames = [plain(n) for n in range(5)]
    up.send(frames)
    assert wire.sent() == frames
    up.adapter.reinit()
    up.nic.link.evaluate()
    up.send(frames)
    assert wire.sent() == frames


def test_switching_receive_off_empties_the_packet_buffer(up: Rig, wire: Wire) -> None:
    wire.inject(*[flow(1, payload=bytes([n]) * 50) for n in range(100)])
    up.settle()
    held = int(up.nic.core.c.rx.fifo.frames)
    before = up.count("rx_disabled")
    up.adapter.bar.update(RXCTRL, RXEN=0)
    up.adapter.bar.update(RXCTRL, RXEN=1)
    up.settle()
    assert held > 0
    assert up.count("rx_disabled") == before + held
    assert sum(len(frames) for frames in up.take_all().values()) == 100 - held


def test_a_reset_while_napi_is_scheduled(up: Rig, wire: Wire) -> None:
    napis = up.adapter.napis()
    for napi in napis:
        napi.c.sink = lib.SINK_ECHO
    run_napis(napis)
    for turn in range(5):
        wire.inject(*[flow(n, payload=bytes(100)) for n in range(40)])
        up.settle()
        up.adapter.reinit()  # messages are in the eventfds, frames in the rings
        up.nic.link.evaluate()
        up.adapter.service()
        run_napis(napis)
        up.settle()
        wire.sent()
        frames = [flow(n, payload=bytes([turn]) * 80) for n in range(40)]
        wire.inject(*frames)
        up.settle()
        run_napis(napis)
        assert sorted(wire.sent()) == sorted(frame[6:12] + frame[:6] + frame[12:] for frame in frames)


# ---- link and module -------------------------------------------------------------------------------------------------


def test_link_lost_and_found_with_frames_to_send(up: Rig, wire: Wire) -> None:
    wire.light(on=False)
    up.settle()
    up.nic.link.evaluate()
    ring = up.adapter.tx_rings[0]
    ring.send([plain(n) for n in range(5)])
    ring.post(plain(9))  # posted, never told
    reinits = up.adapter.reinits
    up.adapter.service()
    assert not up.link_up()
    assert up.adapter.reinits == reinits + 1
    assert not ring.pending
    assert wire.sent() == []
    wire.light(on=True)
    up.settle()
    up.nic.link.evaluate()
    up.adapter.service()
    assert up.link_up()
    works(up, wire)


def test_without_a_link_frames_are_dropped_and_completed(up: Rig, wire: Wire) -> None:
    wire.light(on=False)
    up.settle()
    up.nic.link.evaluate()
    up.send([plain(n) for n in range(50)])
    assert not up.adapter.tx_rings[0].pending
    assert up.count("tx_dropped") == 50
    assert up.adapter.stats()["tx_pkts_nic"] == 0
    wire.inject(flow(1))
    up.settle()
    assert up.take_all() == {}


def test_module_out_and_in_under_load(up: Rig, wire: Wire) -> None:
    for kind in ("sr", "lr", "da"):
        load(up, wire)
        up.nic.remove_sfp()
        up.settle()
        up.time.sleep(3)
        up.adapter.other_irq()
        up.adapter.service()
        assert not up.link_up()
        load(up, wire)
        up.nic.insert_sfp(kind)
        up.settle()
        up.time.sleep(3)
        up.adapter.other_irq()
        up.adapter.service()
        up.nic.link.evaluate()
        up.adapter.service()
        assert up.link_up()
        works(up, wire)


def test_the_cable_is_pulled_and_put_back(up: Rig, wire: Wire) -> None:
    load(up, wire)
    up.nic.set_port(None)
    up.adapter.service()
    up.settle()
    assert not up.link_up()
    up.nic.set_port(wire)
    up.nic.link.evaluate()
    up.adapter.service()
    assert up.link_up()
    works(up, wire)


# ---- who may read a register meanwhile -------------------------------------------------------------------------------


def test_registers_answer_during_and_after_every_reset(up: Rig) -> None:
    bar: Bar = up.adapter.bar
    for how in RESETS:
        how(up)
        Config(up.door).update(PCI_COMMAND, MEMORY=1, BUS_MASTER=1)
        assert bar.read(CTRL).RST == 0
        assert bar.read(STATUS).GIO == 1
    assert up.adapter.mac == MAC
