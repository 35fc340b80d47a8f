# SPDX-License-Identifier: BSD-3-Clause
"""An outlet whose reader stands still: what fits waits, the rest is counted, and the writer never waits."""

import logging
import threading
import time
from collections.abc import Iterator

import pytest

from device.machine.files import Losses
from device.outlet import KEPT_MAX_BYTES, Outlet

LONG_S = 10.0


class Reader:
    """What an outlet writes to; it takes only while it is let."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.begun = threading.Event()
        self.let = threading.Event()
        self.works = True

    def put(self, data: bytes) -> bool:
        self.begun.set()
        assert self.let.wait(LONG_S)
        self.taken.append(data)
        return self.works


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def losses() -> Losses:
    return Losses("pipe", "lines", logging.getLogger("test"))


@pytest.fixture
def outlet(reader: Reader, losses: Losses) -> Iterator[Outlet]:
    made = Outlet(reader.put, losses)
    yield made
    reader.let.set()
    made.end()


def test_what_does_not_fit_is_lost_and_counted_by_lines(outlet: Outlet, reader: Reader, losses: Losses) -> None:
    outlet.write(b"first\n")
    assert reader.begun.wait(LONG_S)
    half = KEPT_MAX_BYTES // 2
    outlet.write(b"h" * half)
    outlet.write(b"r" * (KEPT_MAX_BYTES - half))
    assert (losses.count, losses.why) == (0, ""), "so much waits"
    outlet.write(b"a\nb\nc\n")
    assert (losses.count, losses.why) == (3, "nobody reads it")
    outlet.write(b"no end")
    assert losses.count == 4, "a part of a line is one"
    outlet.write(b"")
    assert losses.count == 4
    reader.let.set()
    outlet.drain(LONG_S)
    assert b"".join(reader.taken) == b"first\n" + b"h" * half + b"r" * (KEPT_MAX_BYTES - half)
    assert losses.why == "", "and all is well"
    outlet.write(b"later\n")
    outlet.drain(LONG_S)
    assert reader.taken[-1] == b"later\n"
    assert losses.count == 4


def test_all_is_not_well_while_more_waits(losses: Losses) -> None:
    takes, taken = threading.Semaphore(0), threading.Semaphore(0)

    def put(_: bytes) -> bool:
        taken.release()
        return takes.acquire(timeout=LONG_S)

    outlet = Outlet(put, losses)
    outlet.write(b"first\n")
    assert taken.acquire(timeout=LONG_S)
    outlet.write(b"x" * KEPT_MAX_BYTES)
    outlet.write(b"lost\n")
    takes.release()
    assert taken.acquire(timeout=LONG_S), "the second piece is being written"
    assert losses.why == "nobody reads it"
    takes.release()
    outlet.drain(LONG_S)
    assert losses.why == ""
    outlet.end()


def test_what_was_not_taken_mends_nothing(outlet: Outlet, reader: Reader, losses: Losses) -> None:
    losses.lose(1, "disk full")
    reader.works = False
    reader.let.set()
    outlet.write(b"a\n")
    outlet.drain(LONG_S)
    assert losses.why == "disk full"
    reader.works = True
    outlet.write(b"b\n")
    outlet.drain(LONG_S)
    assert losses.why == ""


def test_after_its_end_it_takes_nothing(outlet: Outlet, reader: Reader, losses: Losses) -> None:
    reader.let.set()
    outlet.write(b"a\n")
    outlet.end()
    assert reader.taken == [b"a\n"]
    outlet.write(b"b\nc\n")
    assert losses.count == 2
    assert reader.taken == [b"a\n"]


def test_its_end_waits_for_a_reader_but_not_for_long(
    reader: Reader, losses: Losses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.outlet.DRAIN_S", 0.1)
    outlet = Outlet(reader.put, losses)
    outlet.write(b"a\n")
    assert reader.begun.wait(LONG_S)
    begin_s = time.monotonic()
    outlet.drain(0.2)
    assert 0.2 <= time.monotonic() - begin_s < LONG_S / 2
    reader.let.set()
    outlet.end()
    assert reader.taken == [b"a\n"]
