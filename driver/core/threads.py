# SPDX-License-Identifier: BSD-3-Clause
"""Threads that poll: one for all vectors or one each, and the CPUs that they may run on.

Ref: Linux /sys/devices/system/cpu, sched_setaffinity(2).
"""

import enum
import os
import threading
from collections.abc import Iterable
from pathlib import Path

from driver.core.cpus import numbers, online_cpus
from driver.errors import DriverError

CPU_FOLDER = Path("/sys/devices/system/cpu")
CPUS_MAX = 8192  # more than any kernel is built for


class Threads(enum.Enum):
    """How many threads poll."""

    ONE = "one"
    VECTOR = "vector"


def parse_cpus(text: str) -> frozenset[int]:
    """Return the CPUs of a list as the kernel writes it: ``0-1,3``.

    Raises:
        DriverError: It is no such list, or it is empty.
    """
    found: set[int] = set()
    for part in text.strip().split(","):
        first, dash, last = part.partition("-")
        ends = (first, last) if dash else (first, first)
        if not all(end.isascii() and end.isdigit() and int(end) < CPUS_MAX for end in ends) or int(first) > int(
            ends[1]
        ):
            raise DriverError(f"CPUs are written as 0-1,3, at least one; got {text!r}")
        found.update(range(int(first), int(ends[1]) + 1))
    return frozenset(found)


def written_cpus(cpus: Iterable[int]) -> str:
    """CPUs as a list that ``parse_cpus`` reads; empty for none."""
    return numbers(cpus, ",")


def system_cpus(which: str, folder: Path = CPU_FOLDER) -> frozenset[int]:
    """The CPUs that are ``present`` or ``online``; where the kernel does not say, those that Python counts."""
    try:
        return parse_cpus((folder / which).read_text())
    except (OSError, DriverError):
        return frozenset(range(os.cpu_count() or 1))


def check_cpus(cpus: frozenset[int], folder: Path = CPU_FOLDER) -> frozenset[int]:
    """Return ``cpus`` if a thread can run on each of them.

    Raises:
        DriverError: None is named, or one does not exist, is offline, or is not for this process.
    """
    present, online, allowed = system_cpus("present", folder), system_cpus("online", folder), online_cpus()
    if not cpus:
        raise DriverError("no CPU is named: nothing could serve the vector")
    if absent := cpus - present:
        raise DriverError(f"there is no CPU {written_cpus(absent)}; there are {written_cpus(present)}")
    if offline := cpus - online:
        raise DriverError(f"CPU {written_cpus(offline)} is offline; online are {written_cpus(online)}")
    if foreign := cpus - allowed:
        raise DriverError(f"this process may not use CPU {written_cpus(foreign)}; it may use {written_cpus(allowed)}")
    return cpus


class Pin:
    """Where a thread shall run, and where it may.

    Attributes:
        wanted: The CPUs that it shall run on; none: any.
        cpus: Those that it is pinned to; none: it is not pinned.
        why_not: Why it is not.
    """

    def __init__(self, wanted: frozenset[int]) -> None:
        self.wanted = wanted
        self.cpus: frozenset[int] = frozenset()
        self.why_not = ""
        self._native_id = 0
        self._lock = threading.Lock()  # the thread pins itself as it starts, somebody else moves it later

    def here(self) -> None:
        """Pin the calling thread."""
        with self._lock:
            self._native_id = threading.get_native_id()
            self._apply()

    def move(self, wanted: frozenset[int]) -> None:
        """Want other CPUs from now on; a thread that runs moves at once."""
        with self._lock:
            self.wanted = wanted
            if self._native_id:
                self._apply()

    def ended(self) -> None:
        """The thread is gone: its number may be another's."""
        with self._lock:
            self._native_id = 0
            self.cpus, self.why_not = frozenset(), ""

    def _apply(self) -> None:
        usable = self.wanted & system_cpus("online") & online_cpus()
        self.cpus, self.why_not = frozenset(), ""
        if not self.wanted:
            self.why_not = "no CPU is preferred"
        elif not usable:
            self.why_not = f"CPU {written_cpus(self.wanted)} is offline, or not for this process"
        try:
            os.sched_setaffinity(self._native_id, usable or online_cpus())
        except OSError as exc:
            self.why_not = f"CPU {written_cpus(self.wanted)}: {exc.strerror}"
        else:
            self.cpus = usable
