# SPDX-License-Identifier: BSD-3-Clause
"""The loop: when it works, when it sleeps, what wakes it, what ends it."""

import errno
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from device.i82599.card import make_registers
from device.i82599.core import VECTORS, CardCore
from device.machine.core import c_function, ffi, lib
from device.machine.irq import IrqFds, IrqKind
from device.machine.loop import Loop
from device.machine.regfile import RegFile, on_write
from device.machine.wire import NullPort
from device.regs.i82599 import (
    EICS,
    EIMS_EX,
    EITR,
    GPIE,
    IVAR,
    RDLEN,
    RDT,
    RXCTRL,
    RXDCTL,
    TDLEN,
    TDT,
    TPR,
    TXDCTL,
    Register,
)

MS = 0.001


@pytest.fixture
def nic() -> Iterator[CardCore]:
    with CardCore() as card:
        card.pf.bus_master = True
        card.link_up = True
        yield card


@pytest.fixture
def rf(nic: CardCore) -> RegFile:
    return make_registers(nic)


@pytest.fixture
def port(nic: CardCore) -> Iterator[NullPort]:
    with NullPort() as null:
        nic.set_port(null.c)
        yield null


class Source:
    """A loop source in Python, on an eventfd."""

    def __init__(self, loop: Loop, run: Callable[[], int], fd: int = -1) -> None:
        self.calls = 0

        def call(_: object) -> int:
            self.calls += 1
            return run()

        self._c = ffi.callback("int(void *)", call)
        loop.set_source(0, fd=fd, run=int(ffi.cast("uintptr_t", self._c)), arg=0)


@pytest.fixture
def eventfd() -> Iterator[int]:
    fd = os.eventfd(0, os.EFD_NONBLOCK)
    yield fd
    os.close(fd)


def run(loop: Loop, timeout_s: float) -> float:
    """Run and close; how long it took."""
    start = time.monotonic()
    try:
        loop.run(timeout_s)
    finally:
        loop.close()
    return time.monotonic() - start


def test_ends_at_its_timeout(nic: CardCore) -> None:
    assert 0.02 <= run(Loop([nic]), 0.02) < 1


def test_stop_ends_a_sleeping_loop(nic: CardCore) -> None:
    loop = Loop([nic])
    timer = threading.Timer(0.01, loop.stop)
    timer.start()
    assert run(loop, 10) < 5
    timer.join()


def test_stop_ends_a_busy_loop(nic: CardCore, eventfd: int) -> None:
    loop = Loop([nic], sources=1)
    source = Source(loop, lambda: 1, eventfd)
    loop.stop()
    assert run(loop, 10) < 5
    assert source.calls == 0


def test_timeout_ends_a_busy_loop(nic: CardCore, eventfd: int) -> None:
    loop = Loop([nic], sources=1)
    source = Source(loop, lambda: 1, eventfd)
    assert run(loop, 0.01) < 5
    assert source.calls % 32 == 0  # one source gets no more than its share of a turn
    assert nic.counters()["loop_turns"] == source.calls / 32


def test_idle_loop_sleeps(nic: CardCore) -> None:
    start = time.thread_time()
    loop = Loop([nic])
    run(loop, 0.1)
    assert time.thread_time() - start < 0.05
    assert loop.sleeps <= 3


def test_a_run_that_begins_idle_does_not_spin(nic: CardCore) -> None:
    """Python looks at signals ten times a second: each run would begin as if something had just happened."""
    loop = Loop([nic], spin_us=10_000_000)
    for _ in range(5):
        loop.run(0.002)
    assert nic.counters()["loop_turns"] <= 5 * 2
    loop.close()


def test_it_spins_after_work_into_the_next_run(nic: CardCore, eventfd: int) -> None:
    """A message may come soon after the last, whoever looked at signals in between."""
    loop = Loop([nic], sources=1, spin_us=10_000_000)
    source = Source(loop, lambda: int(source.calls == 1), eventfd)
    for _ in range(3):
        loop.run(0.002)
    assert loop.sleeps == 0
    loop.close()


def test_an_idle_run_may_last_longer(nic: CardCore) -> None:
    loop = Loop([nic], spin_us=0)
    start = time.monotonic()
    loop.run(0.001, 0.05)
    assert time.monotonic() - start >= 0.05
    start = time.monotonic()
    loop.run(0.02, 0.001)
    assert time.monotonic() - start >= 0.02, "and no shorter"
    loop.close()


def test_what_happens_ends_an_idle_run_after_its_timeout(nic: CardCore, eventfd: int) -> None:
    """Neither at once, which would be in the way of what follows, nor as late as if nothing had happened."""
    loop = Loop([nic], sources=1, spin_us=0)
    source = Source(loop, lambda: int(source.calls == 2), eventfd)
    timer = threading.Timer(0.05, os.eventfd_write, (eventfd, 1))
    timer.start()
    start = time.monotonic()
    assert source.calls == 0
    loop.run(0.02, 60)
    assert 0.07 <= time.monotonic() - start < 20
    timer.join()
    loop.close()


def test_source_error_ends_the_loop(nic: CardCore, eventfd: int) -> None:
    loop = Loop([nic], sources=1)
    source = Source(loop, lambda: -errno.ENOTCONN, eventfd)  # and with it the callback that C calls
    with pytest.raises(OSError, match="not connected"):
        run(loop, 10)
    assert source.calls == 1


def test_source_without_fd_is_left_alone(nic: CardCore) -> None:
    loop = Loop([nic], sources=1)
    source = Source(loop, lambda: 0)
    run(loop, 0.005)
    assert source.calls == 0


def test_source_wakes_the_loop_and_may_close_itself(nic: CardCore, eventfd: int) -> None:
    loop = Loop([nic], sources=1, spin_us=0)

    def once() -> int:
        if not seen:
            seen.append(1)
            return 0  # nothing yet: the loop goes to sleep on the fd
        fd = ffi.cast("int *", loop.source_fd(0))
        fd[0] = -1
        loop.stop()
        return 1

    seen: list[int] = []
    source = Source(loop, once, eventfd)
    timer = threading.Timer(0.01, os.eventfd_write, (eventfd, 1))
    timer.start()
    assert run(loop, 10) < 5
    timer.join()
    assert source.calls == 2


def test_moderated_interrupt_goes_out_while_the_loop_sleeps(nic: CardCore, rf: RegFile, eventfd: int) -> None:
    fds = IrqFds(nic.pf, VECTORS)
    fds.set(0, eventfd)
    nic.pf.irq_kind = IrqKind.MSIX
    rf.write(GPIE.offset(), GPIE.of(MSIX_MODE=1, EIAME=1))
    rf.write(IVAR.offset(), IVAR.of(RX0=0, RX0_VALID=1))
    rf.write(EITR.offset(0), EITR.of(ITR_INTERVAL=500, CNT_WDIS=1))  # 1 ms
    rf.write(EIMS_EX.offset(0), 1)
    for _ in range(2):
        lib.intr_rx(ffi.addressof(nic.c, "intr"), 0)
    assert fds.sent(0) == 1
    loop = Loop([nic])
    run(loop, 0.02)
    assert fds.sent(0) == 2
    assert loop.sleeps <= 5


@pytest.mark.parametrize("why", ["bus master", "GIO_DIS"])
def test_without_dma_frames_are_dropped_and_counted(nic: CardCore, rf: RegFile, port: NullPort, why: str) -> None:
    if why == "GIO_DIS":
        nic.pf.set_requests(on=False)  # what CTRL.GIO_DIS does
    else:
        nic.pf.bus_master = False
    rf.write(RXCTRL.offset(), RXCTRL.of(RXEN=1))
    port.set_link(up=True)
    port.generate(100)
    assert nic.settle() == 2
    assert nic.counters()["rx_disabled"] == 100
    assert rf.get(TPR) == 100


def test_frames_stay_in_the_port_while_too_many_wait_for_descriptors(
    nic: CardCore, rf: RegFile, port: NullPort
) -> None:
    port.set_link(up=True)
    port.generate(100)
    nic.c.rx.fifo.used_bytes = lib.RX_FIFO_BYTES
    assert nic.step() == 0
    assert port.state.generate == 100
    nic.c.rx.fifo.used_bytes = 0
    assert nic.step() == lib.FRAME_BATCH


def test_waiting_frames_that_have_no_place_do_not_keep_the_loop_busy(
    nic: CardCore, rf: RegFile, port: NullPort, eventfd: int
) -> None:
    port.c.fd = eventfd
    os.eventfd_write(eventfd, 1)
    nic.c.rx.fifo.used_bytes = lib.RX_FIFO_BYTES
    run(Loop([nic], spin_us=0), 0.02)
    assert nic.counters()["loop_turns"] <= 3


def test_port_whose_other_end_is_gone_does_not_keep_the_loop_busy(nic: CardCore, rf: RegFile, port: NullPort) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as hung_up:  # polls as POLLHUP, never readable
        port.c.fd = hung_up.fileno()
        run(Loop([nic], spin_us=0), 0.02)
    assert (port.c.fd, port.c.carrier) == (-1, 0)
    assert nic.counters()["loop_turns"] <= 4


def test_door_accesses_run_the_device(nic: CardCore, rf: RegFile) -> None:
    assert c_function("function_write32") != c_function("function_read32")
    assert lib.function_write32(nic.pf.c, RXDCTL.offset(1), RXDCTL.of(VME=1)) == 0
    value = ffi.new("uint32_t *")
    assert lib.function_read32(nic.pf.c, RXDCTL.offset(1), value) == 0
    assert value[0] == RXDCTL.of(VME=1)
    assert nic.counters()["loop_turns"] == 2
    assert lib.function_read32(nic.pf.c, 2**64 - 1, value) < 0


# ---- shared doorbells ----


def poke(nic: CardCore, offset: int, value: int) -> None:
    """A store of the client into the shared page."""
    nic.pf.c.regs.shown[offset // 4] = value


def test_tails_in_shared_memory_are_doorbells(nic: CardCore, rf: RegFile) -> None:
    nic.share_doorbells()
    for control, tail, queue in [(RXDCTL, RDT, 3), (TXDCTL, TDT, 64)]:
        poke(nic, control.offset(queue), control.of(ENABLE=1))
        assert lib.tails_look(ffi.addressof(nic.c, "tails"), 0, 0) == 1
        poke(nic, tail.offset(queue), 7)
        assert lib.tails_look(ffi.addressof(nic.c, "tails"), 0, 0) == 1
        assert lib.tails_look(ffi.addressof(nic.c, "tails"), 0, 0) == 0
        poke(nic, control.offset(queue), 0)
        assert lib.tails_look(ffi.addressof(nic.c, "tails"), 0, 0) == 1
    assert nic.counters()["doorbells"] == 2, "each is counted once"
    assert (nic.pf.peek(RDT.offset(3)), nic.pf.peek(TDT.offset(64))) == (7, 7)


def test_what_was_stored_before_a_doorbell_is_seen_with_it(nic: CardCore, rf: RegFile) -> None:
    """A client goes on storing while we look: whatever it stores, nothing is taken without what it stored before."""
    nic.share_doorbells()
    order: list[str] = []

    class Block:
        @on_write(TDLEN, RDLEN)
        def described(self, n: int, _old: Register, _new: Register, written: Register) -> None:
            order.append(f"{written.NAME} {n}")
            if isinstance(
                written, TDLEN
            ):  # now the client enables this queue, and describes a ring for what comes back
                poke(nic, TXDCTL.offset(n), TXDCTL.of(ENABLE=1))
                poke(nic, TDT.offset(n), 1)
                poke(nic, RDLEN.offset(n), 128)

        @on_write(TXDCTL, TDT)
        def rung(self, n: int, _old: Register, _new: Register, written: Register) -> None:
            order.append(f"{written.NAME} {n}")

    rf.bind(Block())
    poke(nic, TDLEN.offset(3), 128)
    tails = ffi.addressof(nic.c, "tails")
    lib.tails_look(tails, 0, 0)
    assert order == ["TDLEN 3", "RDLEN 3"]
    lib.tails_look(tails, 0, 0)
    assert order[2:] == ["TXDCTL 3", "TDT 3"]


def test_a_tail_set_together_with_enable_counts_after_it(nic: CardCore, rf: RegFile) -> None:
    nic.share_doorbells()
    poke(nic, TXDCTL.offset(0), TXDCTL.of(ENABLE=1))
    poke(nic, TDT.offset(0), 1)
    assert lib.tails_look(ffi.addressof(nic.c, "tails"), 0, 0) == 2
    assert nic.c.tx.pending[0] == 1


def test_sleeping_loop_looks_at_shared_tails(nic: CardCore, rf: RegFile) -> None:
    nic.share_doorbells(1000)
    loop = Loop([nic], spin_us=0)
    run(loop, 0.02)
    assert loop.sleeps <= 2, "while no queue is on it looks rarely"
    poke(nic, TXDCTL.offset(0), TXDCTL.of(ENABLE=1))
    loop = Loop([nic], spin_us=0)
    run(loop, 0.2)
    assert 5 <= loop.sleeps <= 250, "a look a millisecond, as far as the machine lets it"


@pytest.mark.parametrize(
    ("still_ns", "silent", "wait_ns"),
    [
        (0, 0, 50_000),
        (400_000, 0, 50_000),
        (8_000_000, 0, 500_000),
        (8_000_000, 1, 500_000),
        (64_000_000, 0, 4_000_000),
        (64_000_000, 1, 1_000_000),
        (10_000_000_000, 0, 20_000_000),
        (10_000_000_000, 1, 1_000_000),
    ],
)
def test_the_longer_tails_stand_still_the_more_rarely_it_looks(
    nic: CardCore, rf: RegFile, still_ns: int, silent: int, wait_ns: int
) -> None:
    nic.share_doorbells(50)
    tails = nic.c.tails
    tails.rx_on[0] = 1
    tails.silent = silent
    tails.busy_ns = lib.clock_mono() - still_ns
    found = lib.tails_wait_ns(ffi.addressof(tails))
    assert wait_ns <= found <= wait_ns + 2_000_000, "and what went by meanwhile"


@pytest.mark.parametrize("told", ["never", "before the look", "after the look"])
@pytest.mark.parametrize("pause_ns", [0, 1_000_000_000])
def test_who_stores_after_a_pause_without_a_message_is_known(
    nic: CardCore, rf: RegFile, pause_ns: int, told: str
) -> None:
    """A client's message follows its store, so a look may fall between the two: it has a millisecond."""
    nic.share_doorbells(50)
    tails = ffi.addressof(nic.c, "tails")
    poke(nic, TXDCTL.offset(0), TXDCTL.of(ENABLE=1))
    tails.busy_ns = lib.clock_mono()
    assert lib.tails_look(tails, 0, 0) == 1
    tails.busy_ns = lib.clock_mono() - pause_ns
    poke(nic, TDT.offset(0), 1)
    if told == "before the look":
        nic.pf.bar0_write(EICS.offset(), bytes(4))
    assert lib.tails_look(tails, 0, 0) == 1
    assert tails.silent == 0, "the message may be under way"
    if told == "after the look":
        nic.pf.bar0_write(EICS.offset(), bytes(4))
        assert lib.tails_look(tails, 0, 0) == 0
    time.sleep(0.003)
    assert lib.tails_look(tails, 0, 0) == 0
    assert tails.silent == (pause_ns > 0 and told == "never")
    rf.reset(software=True)
    assert tails.silent == 0


def test_somebody_elses_fd_ends_the_sleep(nic: CardCore, rf: RegFile) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        loop = Loop([nic], spin_us=0)
        loop.wake_on(ours.fileno())
        theirs.send(b"!")
        run(loop, 60)
    assert loop.sleeps == 1


def test_reset_forgets_what_was_seen(nic: CardCore, rf: RegFile) -> None:
    nic.share_doorbells()
    poke(nic, RDT.offset(0), 7)
    nic.step()
    rf.reset(software=True)
    assert (nic.pf.peek(RDT.offset(0)), nic.pf.c.regs.shown[RDT.offset(0) // 4]) == (0, 0)
    assert nic.step() == 0


def test_doorbells_are_lost_while_memory_decoding_is_off(nic: CardCore, rf: RegFile) -> None:
    nic.share_doorbells()
    nic.pf.memory = False
    poke(nic, TXDCTL.offset(0), TXDCTL.of(ENABLE=1))
    poke(nic, TDT.offset(0), 1)
    nic.step()
    assert (nic.c.tx.pending[0], nic.counters()["doorbells"]) == (0, 0)
    assert nic.pf.bar0_read(TDT.offset(0), 8) == b"\xff" * 8
    nic.pf.bar0_write(TDT.offset(0), bytes(4))
    nic.pf.memory = True
    assert nic.pf.bar0_read(TDT.offset(0)) == b"\1\0\0\0"
