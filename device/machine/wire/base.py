# SPDX-License-Identifier: BSD-3-Clause
"""What every port has in common: the C struct, its receive buffers, counters, and an end that may come twice."""

import errno
from types import TracebackType
from typing import ClassVar, Self

from device.errors import ConfigError, MissingError
from device.machine.core import Pointer, ffi, lib


class PortBusyError(ConfigError):
    """The interface or path is in use by another program (``errno`` is EBUSY)."""

    errno: ClassVar[int] = errno.EBUSY


class Port:
    """One wire, with the cable plugged in (``seam.Port``).  A context manager: leaving it removes what it made.

    Attributes:
        KIND: What ``--wire`` calls it; KIND.c moves its frames.
        ARG: What ``--wire`` takes behind it: ":NAME" must be there, "[:NAME]" may, "" is nothing.
        c: Its ``struct port *``.
        state: What C knows of this kind only: a ``struct KIND_port *``, or NULL.

    Args:
        name: What people call it, for messages.
        state: See above.
        slots: Frames the buffer holds.

    Raises:
        MissingError: KIND.c came after the C module was built.
    """

    KIND: ClassVar[str] = ""
    ARG: ClassVar[str] = ""

    def __init__(self, name: str, *, state: Pointer = ffi.NULL, slots: int = lib.FRAME_BATCH) -> None:
        self.name = name
        self.state = state
        self._slots = ffi.new("uint8_t[][PORT_SLOT_BYTES]", slots)
        self.c: Pointer = ffi.new("struct port *")
        self.c.ops = lib.port_ops_of(self.KIND.encode())
        if not self.c.ops:
            raise MissingError(f"{name}: {self.KIND}.c is not built in; build it: python3 -m ci setup")
        self.c.state = state
        self.c.fd = -1
        self.c.carrier = 1
        self.c.slot = self._slots

    @classmethod
    def from_arg(cls, arg: str) -> Self:
        """What ``--wire KIND:ARG`` asks for: each kind says here, in its first line, what that is.

        Args:
            arg: ARG as it was typed; "" if there was none, which comes only where ``ARG`` allows it.

        Raises:
            ValueError: ``arg`` cannot be meant; says what could.
            DeviceError: As the constructor.
        """
        raise NotImplementedError

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

    def set_offload(self, *, on: bool) -> None:
        """Let super-frames pass whole, or never; most wires have none."""

    def why_dark(self) -> str:
        """Why there is no carrier and what mends it, for people; "" if there is one, or nothing is known."""
        return ""

    def counters(self) -> dict[str, int]:
        """Frames and bytes so far, seen from the device: ``tx`` went out, ``rx`` came in."""
        return {name: int(getattr(self.c.count, name)) for name in dir(self.c.count)}

    def poll(self) -> None:
        """Housekeeping: look at the carrier, bring back what broke.  Never waits.

        It is called every 100 ms, and every 500 while nothing happens.
        """

    def close(self) -> None:
        """Let go of the wire and remove what was made for it.  May be called twice."""
        self.c.fd = -1
        self.c.carrier = 0
