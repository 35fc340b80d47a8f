# SPDX-License-Identifier: BSD-3-Clause
"""A log that a guest cannot flood: so many lines a second, and then how many were left out."""

import logging
import time


class LimitedLog:
    """Passes lines on to a log, at most ``lines_per_s`` a second.

    Args:
        log: Where they go.
        lines_per_s: How many of them.
    """

    def __init__(self, log: logging.Logger, lines_per_s: int) -> None:
        self._log = log
        self._most = lines_per_s
        self._second = 0
        self._lines = 0

    def line(self, level: int, text: str) -> None:
        """Log a line, or say that there are more and count them: a line of a later second is preceded by how many."""
        if not self._log.isEnabledFor(level):
            return
        second = int(time.monotonic())
        if second != self._second:
            if self._lines > self._most:
                self._log.warning("%d more lines left out", self._lines - self._most)
            self._second, self._lines = second, 0
        self._lines += 1
        if self._lines <= self._most:
            self._log.log(level, "%s", text)
        elif self._lines == self._most + 1:
            self._log.warning("more lines are left out for the rest of this second")
