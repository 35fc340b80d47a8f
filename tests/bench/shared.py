# SPDX-License-Identifier: BSD-3-Clause
"""Shared doorbells where the device and the driver are one process."""

import mmap
from collections.abc import Callable
from typing import Any

from device.i82599.core import TAIL_PAGES
from driver import compiled
from driver.compiled import ffi
from tests.rigs.pair import Rig


def share_doorbells(up: Rig) -> Callable[[], None]:
    """Let the driver store into the device's pages of tails, as a client may; returns what ends that.

    Without that, each tail write is a call, in which the device already does some of its work.
    """
    core = up.nic.core
    bar: Any = up.adapter.bar.mmio
    core.share_doorbells()
    pages = mmap.mmap(core.pf.c.regs.shown_fd, TAIL_PAGES[-1] + compiled.PAGE_BYTES)
    views = {page: compiled.buffer_at(pages, page, compiled.PAGE_BYTES) for page in TAIL_PAGES}
    for page, view in views.items():
        compiled.mmio_map(bar, page, view)

    def end() -> None:
        for page in views:  # which stay mapped as long as this function is kept
            bar.page[page // compiled.PAGE_BYTES] = ffi.NULL

    return end
