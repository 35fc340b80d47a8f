# SPDX-License-Identifier: BSD-3-Clause
"""A virtual function that nobody drives: its counters, its registers and its link, as they are."""

from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from device.regs.i82599.vf import VFSTATUS
from driver.core.bar import Bar
from driver.core.probe_pci import enable_device_mem, request_mem_regions
from driver.core.read_list import read_counters
from driver.doors.door import Door
from driver.errors import DeviceGone
from driver.ixgbevf.figures import DUMPED, link_figures, no_such_thing
from driver.ixgbevf.probe import VfOptions, VfProbing, check_function, not_enabled
from driver.ixgbevf.stats import COUNTED


class VfLook:
    """A virtual function, seen and not touched.

    Args:
        door: The function; closed on failure, and by ``close``.

    Raises:
        ProbeError: It is not one of ours.
        DeviceGone: It does not exist.
        Busy: Somebody drives it.
        OSError: It has no registers.
    """

    registers = DUMPED

    def __init__(self, door: Door) -> None:
        self._undo = ExitStack()
        p = VfProbing(door, VfOptions())
        with p.undo:
            p.undo_with("door", door.close)
            for step in (check_function, request_mem_regions, enable_device_mem):
                step(p)
            self.bar = Bar(door, 0, VFSTATUS)
            try:
                self.bar.read(VFSTATUS)
            except DeviceGone as err:
                raise not_enabled(door.name, err) from err
            self._name = door.name
            self._undo = p.undo.pop_all()

    def stats(self) -> dict[str, int]:
        """What the hardware counted since its physical function was reset; nothing is cleared by this."""
        return read_counters(self.bar, COUNTED)

    def read_link(self) -> dict[str, Any]:
        """The link as the hardware shows it."""
        return link_figures(self.bar)

    def about_module(self) -> dict[str, Any]:
        """There is none; raises ``DriverError``."""
        raise no_such_thing(self._name, "module")

    def close(self) -> None:
        """Let it go as it was; safe to call twice."""
        self._undo.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
