# SPDX-License-Identifier: BSD-3-Clause
"""Who has connected to a peer wire's socket and not said yet that he is a device: the rule of ``socket_rule.h``."""

import logging
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from device.machine.core import lib
from device.machine.socket_rule import CALLERS_MAX, DEADLINE_S, DEAF_S

MAGIC = b"IXLAB"


def hello_of(*, lit: bool) -> bytes:
    """What a device says first, and again whenever its light changes."""
    return (MAGIC + bytes([lib.PEER_HELLO_VERSION, lit])).ljust(lib.PEER_HELLO_BYTES, b"\0")


HELLOS = (hello_of(lit=False), hello_of(lit=True))


@dataclass
class Caller:
    """A connection, and since when it is there."""

    sock: socket.socket
    since_s: float


class PeerCallers:
    """All of them are listened to at once: whoever says hello first gets the cable, and silence costs nobody else.

    Args:
        name: The port's, for messages.
        log: Where those are told of who were no devices.
        now_s: The time, monotonic.
    """

    def __init__(self, name: str, log: logging.Logger, now_s: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._log = log
        self._now_s = now_s
        self._callers: list[Caller] = []
        self._deaf_until_s = 0.0

    def close(self) -> None:
        """Send everybody away.  May be called twice."""
        for caller in self._callers:
            caller.sock.close()
        self._callers.clear()

    def accept(self, listener: socket.socket) -> None:
        """Take up to ``CALLERS_MAX`` connections from the queue; the oldest makes room.

        Raises:
            OSError: No descriptor or no memory for another; until ``DEAF_S`` later the queue is left alone.
        """
        now_s = self._now_s()
        if now_s < self._deaf_until_s:
            return
        for _ in range(CALLERS_MAX):
            try:
                sock, _ = listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:  # it went away before we came to it
                continue
            except OSError:
                self._deaf_until_s = now_s + DEAF_S
                raise
            sock.setblocking(False)
            if len(self._callers) == CALLERS_MAX:
                self._callers.pop(0).sock.close()
            self._callers.append(Caller(sock, now_s))

    def pick(self) -> tuple[socket.socket, bool] | None:
        """Return the first who has said hello, and whether he sends light; he is no caller any more.

        Whoever has left, or has said something else, or nothing for ``DEADLINE_S``, is sent away.
        """
        now_s = self._now_s()
        for caller in list(self._callers):
            said = _first_words(caller.sock)
            if said in HELLOS:
                self._callers.remove(caller)
                return caller.sock, HELLOS.index(said) == 1
            if said is not None:
                self._send_away(caller, "said no hello first" if said else "")
            elif now_s - caller.since_s >= DEADLINE_S:
                self._send_away(caller, f"said nothing for {DEADLINE_S:g} s")
        return None

    def _send_away(self, caller: Caller, why: str) -> None:
        self._callers.remove(caller)
        caller.sock.close()
        if why:
            self._log.warning(
                "%s: somebody connected and %s: sent away, since only another device belongs there", self._name, why
            )


def _first_words(sock: socket.socket) -> bytes | None:
    """Its first message, or a byte more than any hello has; None: not yet; empty: it has left."""
    try:
        return sock.recv(lib.PEER_HELLO_BYTES + 1)
    except (BlockingIOError, InterruptedError):
        return None
    except OSError:
        return b""
