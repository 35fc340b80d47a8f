# SPDX-License-Identifier: BSD-3-Clause
"""What can be asked of a running driver about its interrupt vectors: ``irq_table``, ``irq_add`` and so on."""

from collections.abc import Callable
from typing import Any

from driver.core.family import Nic
from driver.errors import DriverError

Handler = Callable[..., Any]


def number(word: str) -> int:
    """A vector's number.

    Raises:
        DriverError: It is none.
    """
    try:
        return int(word)
    except ValueError as exc:
        raise DriverError(f"{word!r} is no vector: give its number, as `irq NIC table` shows them") from exc


def irq_requests(nic: Nic) -> dict[str, Handler]:
    """Return the requests by name; each takes the words behind it."""

    def add(index: str = "") -> dict[str, int]:
        return {"index": nic.irq_table.add(number(index) if index else None)}

    def free(index: str) -> dict[str, int]:
        return {"index": nic.irq_table.free(number(index))}

    def fire(index: str) -> dict[str, int]:
        vector = number(index)
        return {"index": vector, "fired_before": nic.irq_table.fire(vector)}

    def table() -> dict[str, Any]:
        return nic.irq_table.table()

    return {"irq_table": table, "irq_add": add, "irq_free": free, "irq_fire": fire}
