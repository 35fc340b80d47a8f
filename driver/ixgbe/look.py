# SPDX-License-Identifier: BSD-3-Clause
"""Looking at a port that nobody drives: no reset, no interrupt, no DMA, and nothing is written to its registers.

But for its module: that is read by the two wires of I2CCTL, under their semaphore.
"""

from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Any, Self

from device.regs.i82599 import STATUS
from driver.core.bar import Bar
from driver.core.clock import SystemClock
from driver.core.probe_pci import enable_device_mem, request_mem_regions
from driver.doors.door import Door
from driver.ixgbe.figures import DUMPED
from driver.ixgbe.hw.hw import Hw
from driver.ixgbe.hw.info import DEVICES
from driver.ixgbe.hw.link import link_figures
from driver.ixgbe.hw.phy import UnsupportedSfpError
from driver.ixgbe.hw.stats import HwStats
from driver.ixgbe.probe import refuse_vf
from driver.ixgbe.probing import ProbeOptions, Probing
from driver.slices import whole


class IxgbeLook:
    """A port, seen and not touched.

    Args:
        door: The function; closed on failure, and by ``close``.

    Raises:
        ProbeError: It is not one of ours, or does not answer.
        Busy: Somebody drives it.
        OSError: It has no registers.
    """

    registers = DUMPED

    def __init__(self, door: Door) -> None:
        self._undo = ExitStack()
        p = Probing(door, ProbeOptions())
        with p.undo:
            p.undo_with("door", door.close)
            for step in (refuse_vf, request_mem_regions, enable_device_mem):
                step(p)
            self.bar = Bar(door, 0, STATUS)
            self.bar.read(STATUS)
            self._door, self._device_id = door, p.device_id
            self._undo = p.undo.pop_all()

    def stats(self) -> dict[str, int]:
        """What the NIC counted since its counters were read last; reading clears them."""
        counters = HwStats(self.bar)
        counters.update()
        return dict(counters.totals)

    def read_link(self) -> dict[str, Any]:
        """The link as the MAC sees it now."""
        return link_figures(self.bar)

    def about_module(self) -> dict[str, Any]:
        """What the module says of itself, and whether it would be driven.

        Raises:
            LinkError: There is no module, or it stopped answering.
        """
        device = DEVICES[self._device_id]
        hw = Hw(self.bar, self._door, device, device.info, SystemClock())
        hw.eeprom.select()
        with suppress(UnsupportedSfpError):  # `about` says it
            hw.phy.identify()
        return dict(whole(hw.phy.about()))

    def close(self) -> None:
        """Let it go as it was; safe to call twice."""
        self._undo.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
