# SPDX-License-Identifier: BSD-3-Clause
"""As many functions as a card can have, in one loop: none is overlooked, and one too many is refused."""

import errno
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from device.machine.core import ffi, lib
from device.machine.loop import CHIPS_MAX, SOURCES_MAX, Loop
from tests.rigs.toy import ToyChip

FUNCTIONS = 66  # a PF, 64 VFs, and one more
PATIENCE_S = 20.0


class Work:
    """The work of one function: something to read, and how often it was found."""

    def __init__(self, stack: ExitStack, *, sock: bool) -> None:
        self.seen = 0
        self.put: Callable[[], object]
        if sock:
            ours, theirs = (stack.enter_context(end) for end in socket.socketpair())
            ours.setblocking(False)
            self.fd, self.put = ours.fileno(), lambda: theirs.send(b"!")
        else:
            self.fd = os.eventfd(0, os.EFD_NONBLOCK)
            stack.callback(os.close, self.fd)
            self.put = lambda: os.eventfd_write(self.fd, 1)
        self.c = ffi.callback("int(void *)", self._run)

    def _run(self, _: object) -> int:
        try:
            os.read(self.fd, 8)
        except BlockingIOError:
            return 0
        self.seen += 1
        return 1

    def found(self) -> bool:
        """Wait until it was."""
        return until(lambda: self.seen == 1)


def until(true: Callable[[], bool]) -> bool:
    """Wait for it, but not for ever."""
    end_s = time.monotonic() + PATIENCE_S
    while not true() and time.monotonic() < end_s:
        time.sleep(0.0002)
    return true()


def slept_since(loop: Loop, sleeps: int) -> bool:
    """Wait until the loop went to sleep once more than so often."""
    return until(lambda: loop.sleeps > sleeps)


@pytest.fixture
def works() -> Iterator[list[Work]]:
    with ExitStack() as stack:
        yield [Work(stack, sock=n % 2 == 0) for n in range(FUNCTIONS)]


def test_each_of_66_functions_wakes_the_loop(works: list[Work]) -> None:
    loop = Loop([], sources=FUNCTIONS, spin_us=0)
    for n, work in enumerate(works):
        loop.set_source(n, fd=work.fd, run=int(ffi.cast("uintptr_t", work.c)), arg=0)
    overlooked: list[int] = []

    def client() -> None:
        slept = 0
        for n, work in enumerate(works):
            asleep = slept_since(loop, slept)
            slept = loop.sleeps
            work.put()
            if not (asleep and work.found()):
                overlooked.append(n)
                break
        loop.stop()

    thread = threading.Thread(target=client)
    thread.start()
    loop.run(2 * PATIENCE_S)
    thread.join()
    loop.close()
    assert overlooked == []
    assert [work.seen for work in works] == [1] * FUNCTIONS


def test_one_function_too_many_is_refused() -> None:
    assert SOURCES_MAX >= FUNCTIONS
    Loop([], sources=SOURCES_MAX).close()
    with pytest.raises(ValueError, match="up to 80 functions, not 81"):
        Loop([], sources=SOURCES_MAX + 1)


def test_one_chip_too_many_is_refused() -> None:
    class Chip:
        def __init__(self, toy: ToyChip) -> None:
            self.c, self.ops = ffi.NULL, toy.ops

    with ToyChip(4096) as toy, pytest.raises(ValueError, match="up to 8 chips, not 9"):
        Loop([Chip(toy)] * (CHIPS_MAX + 1))


def test_c_refuses_what_its_tables_cannot_hold() -> None:
    loop = ffi.new("struct loop *")
    loop.sources = SOURCES_MAX + 1
    assert lib.loop_run(loop, 0) == -errno.E2BIG
    loop.sources, loop.chips = 0, CHIPS_MAX + 1
    assert lib.loop_run(loop, 0) == -errno.E2BIG
