# SPDX-License-Identifier: BSD-3-Clause
"""The loop that runs devices (one thread for everything): C, with the GIL released."""

import os
import select
from collections.abc import Iterable
from typing import Protocol

from device.machine.core import Pointer, check, ffi, lib

SOURCES_MAX: int = lib.LOOP_SOURCES_MAX
CHIPS_MAX: int = lib.LOOP_CHIPS_MAX


class Chip(Protocol):
    """What the loop runs: a chip's struct and its table of operations."""

    @property
    def c(self) -> Pointer:
        """The chip's struct."""

    @property
    def ops(self) -> Pointer:
        """Its ``const struct chip_ops *``."""


class Loop:
    """Sockets of functions, chips, and sleep when there is nothing to do.

    Args:
        chips: What it runs.
        sources: How many ``struct loop_source`` to have, one a function; fill them through ``set_source``.
        spin_us: Busy time without work before it sleeps.

    Raises:
        ValueError: More chips or sources than one loop takes.
    """

    def __init__(self, chips: Iterable[Chip], *, sources: int = 0, spin_us: int = 50) -> None:
        self._kept = tuple(chips)
        for what, wanted, most in (("functions", sources, SOURCES_MAX), ("chips", len(self._kept), CHIPS_MAX)):
            if wanted > most:
                raise ValueError(f"one loop runs up to {most} {what}, not {wanted}: give it fewer")
        self._chips: Pointer = ffi.new("struct loop_chip[]", max(len(self._kept), 1))
        for n, chip in enumerate(self._kept):
            self._chips[n].chip, self._chips[n].ops = chip.c, chip.ops
        self._sources: Pointer = ffi.new("struct loop_source[]", max(sources, 1))
        for n in range(max(sources, 1)):
            self._sources[n].fd = -1
        self._stop_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._loop: Pointer = ffi.new("struct loop *")
        self._loop.chip, self._loop.chips = self._chips, len(self._kept)
        self._loop.source, self._loop.sources = self._sources, sources
        self._loop.stop_fd = self._stop_fd
        self._loop.wake_fd = -1
        self._loop.spin_us = spin_us

    @property
    def stop_fd(self) -> int:
        """Eventfd that ends ``run`` when written."""
        return self._stop_fd

    @property
    def sleeps(self) -> int:
        """How often it waited so far."""
        return int(self._loop.sleeps)

    def set_source(self, n: int, *, fd: int, run: int, arg: int) -> None:
        """Fill source ``n``.

        Args:
            n: Which one, from 0.
            fd: Readable when there is work; -1 = not now.
            run: Address of ``int (*)(void *arg)``: what it cost, in messages, 0 nothing to do, -errno ends the loop.
            arg: Its argument.
        """
        self._sources[n].fd = fd
        self._sources[n].run = ffi.cast("int (*)(void *)", run)
        self._sources[n].arg = ffi.cast("void *", arg)

    def source_fd(self, n: int) -> int:
        """Address of the source's ``int fd``: its ``run`` may change it at any time."""
        return int(ffi.cast("uintptr_t", ffi.addressof(self._sources[n], "fd")))

    def wake_on(self, fd: int) -> None:
        """Return from ``run`` within a millisecond while ``fd`` is readable; -1: no such thing."""
        self._loop.wake_fd = fd

    def run(self, timeout_s: float | None = None, idle_s: float = 0.0) -> None:
        """Run until ``stop``, the fd of ``wake_on``, ``timeout_s``, a signal that interrupts the sleep, or an error.

        A busy loop does not notice signals before the timeout: keep that short, or write to ``stop_fd``.

        Args:
            timeout_s: How long; None: no limit.
            idle_s: How long if nothing happens, where that is longer; ``timeout_s`` counts from what happens first.

        Raises:
            OSError: A source returned an error.
        """
        timeout_ns = -1 if timeout_s is None else int(timeout_s * 1e9)
        self._loop.idle_ns = int(idle_s * 1e9)
        try:
            check(lib.loop_run(self._loop, timeout_ns), "loop_run")
        except InterruptedError:
            return

    def stop(self) -> None:
        """End ``run`` from another thread, or make the next one end at once."""
        os.eventfd_write(self._stop_fd, 1)

    def clear(self) -> None:
        """Forget an earlier ``stop``."""
        if select.select([self._stop_fd], [], [], 0)[0]:
            os.eventfd_read(self._stop_fd)

    def close(self) -> None:
        """Release the eventfd."""
        if self._stop_fd >= 0:
            os.close(self._stop_fd)
            self._stop_fd = -1
