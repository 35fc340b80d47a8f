# SPDX-License-Identifier: BSD-3-Clause
"""CPUs by name, and threads pinned to them."""

import os
import threading
from pathlib import Path

import pytest

from driver.core.cpus import online_cpus
from driver.core.threads import Pin, check_cpus, parse_cpus, system_cpus, written_cpus
from driver.errors import DriverError


@pytest.mark.parametrize(
    ("text", "cpus", "written"),
    [("0", {0}, "0"), ("0-1,3", {0, 1, 3}, "0-1,3"), ("3,1-2\n", {1, 2, 3}, "1-3"), ("2-2", {2}, "2")],
)
def test_lists_as_the_kernel_writes_them(text: str, cpus: set[int], written: str) -> None:
    assert parse_cpus(text) == cpus
    assert written_cpus(cpus) == written


@pytest.mark.parametrize("text", ["", ",", "0,", "a", "-1", "1-", "3-1", "0--1", "²", "0-99999999999", "0 1"])
def test_what_is_no_list_is_named(text: str) -> None:
    with pytest.raises(DriverError, match="CPUs are written as 0-1,3, at least one; got "):
        parse_cpus(text)


def test_none_is_written_as_nothing() -> None:
    assert written_cpus(()) == ""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "present").write_text("0-511\n")
    (tmp_path / "online").write_text("0-499\n")
    return tmp_path


def test_cpus_that_cannot_be_are_refused_with_those_that_can(folder: Path) -> None:
    mine = online_cpus()
    assert check_cpus(mine, folder) == mine
    for wanted, said in {
        (): "no CPU is named",
        (0, 512): "there is no CPU 512; there are 0-511",
        (0, 505): "CPU 505 is offline; online are 0-499",
        (498,): f"this process may not use CPU 498; it may use {written_cpus(mine)}",
    }.items():
        with pytest.raises(DriverError, match=said):
            check_cpus(frozenset(wanted), folder)


def test_where_the_kernel_does_not_say_python_counts(tmp_path: Path) -> None:
    assert system_cpus("online", tmp_path) == set(range(os.cpu_count() or 1))


class Thread:
    """A thread that pins itself and then waits."""

    def __init__(self, wanted: frozenset[int]) -> None:
        self.pin = Pin(wanted)
        self._pinned, self._end = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._pinned.wait(10)

    def _run(self) -> None:
        self.pin.here()
        self._pinned.set()
        self._end.wait(10)
        self.pin.ended()

    def where(self) -> frozenset[int]:
        assert self._thread.native_id
        return frozenset(os.sched_getaffinity(self._thread.native_id))

    def end(self) -> None:
        self._end.set()
        self._thread.join(10)


def test_a_thread_is_pinned_and_moved_and_let_go() -> None:
    mine = online_cpus()
    first, last = frozenset({min(mine)}), frozenset({max(mine)})
    thread = Thread(first)
    assert (thread.where(), thread.pin.cpus) == (first, first)
    assert online_cpus() == mine  # the process is not
    thread.pin.move(last)
    assert (thread.where(), thread.pin.cpus) == (last, last)
    thread.pin.move(frozenset())
    assert (thread.where(), thread.pin.cpus, thread.pin.why_not) == (mine, frozenset(), "no CPU is preferred")
    thread.end()
    thread.pin.move(first)  # only noted
    assert (thread.pin.wanted, thread.pin.cpus) == (first, frozenset())


def test_a_cpu_that_is_not_there_leaves_the_thread_free(monkeypatch: pytest.MonkeyPatch) -> None:
    thread = Thread(frozenset({8000}))
    assert thread.where() == online_cpus()
    assert thread.pin.why_not == "CPU 8000 is offline, or not for this process"
    thread.end()
    monkeypatch.setattr("os.sched_setaffinity", refuse)
    thread = Thread(frozenset({min(online_cpus())}))
    assert not thread.pin.cpus
    assert "Operation not permitted" in thread.pin.why_not
    thread.end()


def refuse(_id: int, _cpus: set[int]) -> None:
    raise PermissionError(1, "Operation not permitted")
