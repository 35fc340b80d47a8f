# SPDX-License-Identifier: BSD-3-Clause
"""Queues that stopped because of what their driver gave them: counted, and explained once with what mends it."""

import logging
from collections import Counter
from collections.abc import Callable

from device.machine.callouts import failed
from device.machine.core import Pointer, ffi, lib
from device.machine.limit import LimitedLog

log = logging.getLogger(__name__)

LINES_PER_S = 8  # a guest may stop 256 queues at a time, each in several ways
STALLS: dict[int, str] = {
    value: name.removeprefix("STALL_").lower().replace("_", " ")
    for name, value in ((name, getattr(lib, name)) for name in dir(lib) if name.startswith("STALL_"))
}


def _py_stall(handle: object, is_tx: int, queue: int, why: int) -> None:
    stalls: Stalls = ffi.from_handle(handle)
    stalls.tell("tx" if is_tx else "rx", queue, why)


ffi.def_extern(name="py_stall", onerror=failed)(_py_stall)


class Stalls:
    """What a chip's ``struct stalls`` tells.

    Args:
        struct: The ``struct stalls``.

    Attributes:
        seen: ``("rx" or "tx", queue, why)`` to how often.
        explained: The same, to what was said about it: registers, their values, what to do.
        explainers: ``"rx"`` and ``"tx"`` to who can say why a queue stands still; the card sets them.
    """

    def __init__(self, struct: Pointer) -> None:
        self.seen: Counter[tuple[str, int, str]] = Counter()
        self.explained: dict[tuple[str, int, str], str] = {}
        self.explainers: dict[str, Callable[[int], str]] = {}
        self._log = LimitedLog(log, LINES_PER_S)
        self._self: object = ffi.new_handle(self)
        struct.self = self._self
        struct.py_stall = lib.py_stall

    def tell(self, kind: str, queue: int, why: int) -> None:
        """Count a stopped queue; the first of its kind is logged with all that helps to mend it."""
        key = (kind, queue, STALLS.get(why, str(why)))
        if key not in self.seen:
            self.explained[key] = self._explain(*key)
            self._log.line(logging.WARNING, self.explained[key])
        self.seen[key] += 1

    def _explain(self, kind: str, queue: int, why: str) -> str:
        text = ""
        if kind in self.explainers:
            try:
                text = self.explainers[kind](queue)
            except Exception:
                log.exception("explaining %s queue %d failed", kind, queue)
        return text or f"{kind.capitalize()} queue {queue} stands still: {why}"
