# SPDX-License-Identifier: BSD-3-Clause
"""What the registers say of a vector: its interval, and which causes are routed to it.

With MSI and INTx the entries do not hold a vector but a bit of EICR; everything there is vector 0.

Ref: ixgbe_set_ivar, ixgbe_write_eitr.
"""

from collections.abc import Iterable
from typing import Any

from device.regs.i82599 import EITR, IVAR, IVAR_MISC
from driver.core.bar import Bar
from driver.core.itr import ITR_GRANULARITY_US

ITR_MAX_US = EITR.ITR_INTERVAL.max * ITR_GRANULARITY_US
QUEUE_CAUSES = ("RX0", "TX0", "RX1", "TX1")
MISC_CAUSES = ("TCP_TIMER", "OTHER")


def read_vectors(bar: Bar, reg_idxs: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Read the EITR of each of these vectors, and every IVAR.

    Returns:
        By vector: ``eitr_us`` in µs, and ``ivar``: names of the valid entries that hold it.
    """
    routes: dict[int, list[str]] = {}
    for n in range(IVAR.count):
        _add_routes(routes, f"IVAR[{n}]", bar.read(IVAR, n), QUEUE_CAUSES)
    _add_routes(routes, "IVAR_MISC", bar.read(IVAR_MISC), MISC_CAUSES)
    return {
        reg_idx: {
            "eitr_us": int(bar.read(EITR, reg_idx).ITR_INTERVAL) * ITR_GRANULARITY_US,
            "ivar": routes.get(reg_idx, []),
        }
        for reg_idx in reg_idxs
    }


def _add_routes(routes: dict[int, list[str]], name: str, entry: IVAR | IVAR_MISC, causes: Iterable[str]) -> None:
    for cause in causes:
        if getattr(entry, f"{cause}_VALID"):
            routes.setdefault(int(getattr(entry, cause)), []).append(f"{name}.{cause}")
