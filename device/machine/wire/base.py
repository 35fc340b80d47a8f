# SPDX-License-Identifier: BSD-3-Clause
"""What every port has in common: the C struct, its receive buffers, counters, and an end that may come twice."""

import errno
from types import TracebackType
from typing import Any, ClassVar, Self

from device.errors import ConfigError
from device.machine.core import ffi, lib


class PortBusyError(ConfigError):
    """The interface or path is in use by another program (``errno`` is EBUSY)."""

    errno: ClassVar[int] = errno.EBUSY


class Port:
    """One wire, with the cable plugged in (``seam.Port``).  A context manager: leaving it removes what it made.

    Args:
        kind: ``PORT_*`` of the C core.
        name: What people call it, for messages.
        slots: Frames the buffer holds.
    """

    def __init__(self, kind: int, name: str, *, slots: int = lib.FRAME_BATCH) -> None:
        self.name = name
        self._arena = ffi.new("uint8_t[]", slots * lib.PORT_SLOT_BYTES)
        self.c: Any = ffi.new("struct port *")  # a cffi pointer has no type mypy could know
        self.c.kind = kind
        self.c.fd = -1
        self.c.fd_out = -1
        self.c.carrier = 1
        self.c.arena = self._arena

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def carrier(self) -> bool:
        """Whether the other end of the cable is alive."""
        return bool(self.c.carrier)

    def set_link(self, *, up: bool) -> None:
        """Tell the other end that our side sends light, or has stopped to."""
        self.c.link = int(up)

    def counters(self) -> dict[str, int]:
        """Frames and bytes so far, seen from the device: ``tx`` went out, ``rx`` came in."""
        return {name: int(getattr(self.c.count, name)) for name in dir(self.c.count)}

    def poll(self) -> None:
        """Housekeeping, about every 100 ms: look at the carrier, bring back what broke.  Never waits."""

    def close(self) -> None:
        """Let go of the wire and remove what was made for it.  May be called twice."""
        self.c.fd = -1
        self.c.fd_out = -1
        self.c.carrier = 0
