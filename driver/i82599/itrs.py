# SPDX-License-Identifier: BSD-3-Clause
"""Moderation of a vector whose Rx and Tx side share one register, as this chip's all do."""

from device.regs.i82599 import EITR
from device.regs.i82599.vf import VTEITR
from driver.core.bar import Bar
from driver.core.itr import ITR_GRANULARITY_US, ItrIndex


class SharedItrs:
    """The interval registers of a function: one for each vector, and no rate limit.

    Args:
        bar: The function's registers.
        register: EITR of a port, VTEITR of a virtual function.
    """

    def __init__(self, bar: Bar, register: type[EITR] | type[VTEITR]) -> None:
        self.bar = bar
        self._register = register
        self._wanted_us: dict[int, dict[ItrIndex, int]] = {}

    def write_itr(self, itr_idx: ItrIndex, reg_idx: int, itr_us: int) -> None:
        """Rx and Tx share the register: the shorter interval counts, as in Linux."""
        self._wanted_us.setdefault(reg_idx, {})[itr_idx] = itr_us
        self._write_shortest(reg_idx)

    def let_go_itr(self, itr_idx: ItrIndex, reg_idx: int) -> None:
        """What is left of the two decides; if nothing is, the register stays as it is."""
        wanted = self._wanted_us.get(reg_idx, {})
        if wanted.pop(itr_idx, None) is not None and wanted:
            self._write_shortest(reg_idx)

    def _write_shortest(self, reg_idx: int) -> None:
        register = self._register
        units = min(self._wanted_us[reg_idx].values()) // ITR_GRANULARITY_US
        most = register.ITR_INTERVAL.max
        self.bar.write(register, register.of(ITR_INTERVAL=min(units, most), CNT_WDIS=1), reg_idx)

    def write_intrl(self, reg_idx: int, value: int) -> None:
        """There is no such register here."""
