# SPDX-License-Identifier: BSD-3-Clause
"""How the program ends: INT, TERM and HUP are asked to be the same, and whatever was made is taken away again."""

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

from device.errors import DeviceError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class EndedEarlyError(DeviceError):
    """A signal came before the device was ready."""


class Ending:
    """Turns signals into an end in order: an exception until there is a server, then ``stop``, and in the end nothing.

    A HUP that was ignored when we were started (``nohup``) stays ignored.
    """

    def __init__(self) -> None:
        self._stop: Callable[[], None] | None = None
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        for number in SIGNALS:
            before = signal.getsignal(number)
            if number != signal.SIGHUP or before is not signal.SIG_IGN:
                self._before[number] = before
                signal.signal(number, self._heard)
        return self

    def _heard(self, number: int, _frame: FrameType | None) -> None:
        if self._stop is None:
            self.deaf()
            raise EndedEarlyError(f"ended by {signal.Signals(number).name} before it was ready")
        self._stop()

    def by(self, stop: Callable[[], None]) -> None:
        """From now on a signal calls ``stop``."""
        self._stop = stop

    def deaf(self) -> None:
        """An impatient second signal must not stop the cleaning up, nor kill us in the interpreter's last moments."""
        for number in self._before:
            signal.signal(number, signal.SIG_IGN)
        self._before.clear()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)  # type: ignore[arg-type]  # what getsignal gave
