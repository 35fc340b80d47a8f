# SPDX-License-Identifier: BSD-3-Clause
"""What can go wrong in the driver, as one small family of exceptions.

A failure of the system stays an ``OSError``; a wait that ran out is a ``TimeoutError``; the rest is here.
"""

import errno
import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Self


def errno_name(code: int) -> str:
    """An errno by its name, as the kernel's sources have it; empty for one that there is not."""
    return "EOPNOTSUPP" if code == errno.EOPNOTSUPP else errno.errorcode.get(code, "")


def code_of(failure: BaseException) -> int:
    """The errno of a failure, positive; 0 if it has none."""
    return getattr(failure, "code", 0) or getattr(failure, "errno", 0) or 0


class DriverError(Exception):
    """Anything the driver itself has to say no to.

    Attributes:
        code: The errno that a kernel driver would have returned, positive; 0 if there is none.
        step: The step of the probe that failed; empty elsewhere.
        undone: What was undone then, in that order; what could not be says why.
        account: What programs are told besides.
    """

    code: int = 0
    step: str = ""
    undone: tuple[str, ...] = ()
    account: Mapping[str, Any] = MappingProxyType({})

    @property
    def errno_name(self) -> str:
        """The errno that a kernel driver would have returned, by name; empty if there is none."""
        return errno_name(code_of(self))

    def with_errno(self, code: int | None) -> Self:
        """The same, with the errno that it comes from."""
        self.code = code or 0
        return self


class ProbeError(DriverError):
    """The function cannot be driven; ``code`` says why as a kernel driver would."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class MissingError(DriverError):
    """Something is missing on this machine: a device node, a right, a module.  The message says how to get it."""


class LinkError(DriverError):
    """The link cannot be set up as asked."""


class RingError(DriverError):
    """A descriptor ring, or the DMA memory under it, was misused."""


class DeviceGone(DriverError):
    """The function no longer answers: its server died, or the card was pulled.

    Reads return all ones from then on and writes go nowhere; only ``close()`` is left.
    """


class DoorError(DriverError, OSError):
    """A door could not be opened.  The message names the door, what was seen and what to do about it.

    It is an ``OSError`` too, so ``errno`` tells the kinds apart for programs.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.message = message

    def __str__(self) -> str:
        return self.message


class NotReadyError(MissingError, DoorError):
    """A function that is there and cannot be reached yet; the message says what has to be done on this machine."""


class DeviceStands(DeviceGone, DoorError):
    """The function has not read what was sent to it in time (errno ETIMEDOUT).

    The message says how much of it waits and where, and what to do.  Its connection is given up: as ``DeviceGone``.
    """


class Busy(DoorError):
    """Somebody else has the function.

    Attributes:
        holder: Who, as far as we could find out; empty if unknown.
    """

    def __init__(self, message: str, holder: str = "") -> None:
        super().__init__(errno.EBUSY, message)
        self.holder = holder


def gone(where: str, code: int, unread_bytes: int = 0, timeout_s: float = 0.0) -> DeviceGone:
    """Return what to raise when a connection is lost for good.

    Args:
        where: The door, and what was tried there.
        code: The errno, positive.
        unread_bytes: With ETIMEDOUT: memory of messages that the device left unread in its socket.
        timeout_s: How long was waited.
    """
    seen = f"{where}: the device no longer answers ({os.strerror(code)})"
    if code == errno.ETIMEDOUT and unread_bytes:
        return DeviceStands(
            code,
            f"{seen}: it stands still, and {unread_bytes} bytes of messages to it wait unread after {timeout_s:g} s; "
            "let it go on if somebody stopped it (SIGCONT, a debugger) and close this driver, or give it longer "
            "(--timeout SECONDS, 0: for ever), start both again",
        )
    return DeviceGone(f"{seen}; close this driver, see why the device ended, start both again")


def remedy(code: int, otherwise: str) -> str:
    """What to do about a file that cannot be opened: limits have advice of their own, whatever the file is.

    Args:
        code: The errno, positive.
        otherwise: The advice for every other errno.
    """
    return {
        errno.EMFILE: "this process has too many open files: raise its limit (ulimit -n), or use fewer queues",
        errno.ENFILE: "the system has too many open files: raise fs.file-max, or end what holds them",
        errno.ENOMEM: "there is no memory left",
    }.get(code, otherwise)
