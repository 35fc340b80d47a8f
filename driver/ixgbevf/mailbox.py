# SPDX-License-Identifier: BSD-3-Clause
"""The mailbox to the driver of the physical function: sixteen words, a lock, and four bits that are told once.

Up to API 1.4 whoever sends lets go of the lock with the very write that says so; from 1.5 on it is held until the other
side has read.  Every wait has a deadline.  What comes back may be anything: a message counts only if it answers ours.

Ref: ixgbevf_write_mbx_vf, ixgbevf_read_mbx_vf and their legacy kin; 82599 datasheet, "Mailbox".
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from device.regs.i82599.mbx import HEAD, WORDS, ApiVersion, MessageType
from device.regs.i82599.vf import VFMAILBOX, VFMBMEM
from driver.core.bar import Bar
from driver.core.clock import Clock
from driver.errors import DriverError

log = logging.getLogger(__name__)

ANSWER_S = 1.0  # for the whole of a question; ixgbevf gives each half of it as long
POLL_S = 0.0005
STRANGERS_MAX = 8  # messages that are no answer, before the other side is given up
SENDS = 2  # a ping that crosses our question may overwrite it: it is asked once more
TOLD_ONCE = ("PFSTS", "PFACK", "RSTD")

VERSIONS = {
    ApiVersion.V1_0: "1.0",
    ApiVersion.V1_1: "1.1",
    ApiVersion.V1_2: "1.2",
    ApiVersion.V1_3: "1.3",
    ApiVersion.V1_4: "1.4",
    ApiVersion.V1_5: "1.5",
}
"""Those we speak, lowest first: the numbers themselves have no order."""

ORDER = tuple(VERSIONS)


class MailboxError(DriverError):
    """The driver of the physical function does not answer, or not in a way that makes sense."""


class RefusedError(MailboxError):
    """It answered no."""


class RestartError(MailboxError):
    """It no longer knows us: this function has to be reset and to introduce itself again."""


class _Lost(Exception):
    """Our question was overwritten before it was read."""


class Mailbox:
    """The function's end of its mailbox.

    Args:
        bar: Register window.
        clock: Time.
        name: The door, for messages.

    Attributes:
        api: The version agreed upon.
        on_ping: Told of each ping, with its head.
        on_lost: Told why, when the peer turns out not to know us.
    """

    def __init__(self, bar: Bar, clock: Clock, name: str) -> None:
        self.bar = bar
        self.clock = clock
        self.name = name
        self.api = ApiVersion.V1_0
        self.on_ping: Callable[[HEAD], None] = lambda _head: None
        self.on_lost: Callable[[str], None] = lambda _why: None
        self._told: set[str] = set()

    def at_least(self, version: ApiVersion) -> bool:
        """Whether the version agreed upon is this or a later one."""
        return ORDER.index(self.api) >= ORDER.index(version)

    # ---- the register ----------------------------------------------------------------------------------------------

    def look(self) -> VFMAILBOX:
        """Read it; what it tells once is kept until somebody takes it."""
        seen = self.bar.read(VFMAILBOX)
        self._told.update(name for name in TOLD_ONCE if getattr(seen, name))
        return seen

    def told(self, name: str) -> bool:
        """Whether ``name`` was told since this was asked last."""
        self.look()
        found = name in self._told
        self._told.discard(name)
        return found

    def forget(self) -> None:
        """What was told before a reset is of no use after it."""
        self._told.clear()
        self.api = ApiVersion.V1_0

    def in_reset(self) -> bool:
        """Whether the physical function is being reset, or has no driver."""
        return bool(self.look().RSTI)

    def _wait(self, what: str, holds: Callable[[], bool], deadline_s: float) -> None:
        while True:
            late = self.clock.now_s() >= deadline_s
            if holds():
                return
            if self.in_reset():
                raise RestartError(f"{self.name}: {what}: the physical function is being reset")
            if late:
                raise MailboxError(
                    f"{self.name}: waited {ANSWER_S:g} s for {what}: the physical function's driver does not answer"
                )
            self.clock.sleep(POLL_S)

    def _lock(self) -> bool:
        self.bar.write(VFMAILBOX, VFMAILBOX.of(VFU=1))
        return bool(self.look().VFU)

    # ---- messages --------------------------------------------------------------------------------------------------

    def ask(self, kind: MessageType, *words: int, info: int = 0) -> list[int]:
        """Send a message and return the answer, all sixteen words of it.

        Args:
            kind: What it is about.
            words: What follows the head.
            info: Goes into the head.

        Raises:
            RefusedError: The answer is no.
            RestartError: Our peer does not know us, or is being reset.
            MailboxError: There is no answer in time, or none that makes sense.
            DeviceGone: The function no longer answers.
        """
        head = HEAD.of(TYPE=kind, INFO=info)
        try:
            for _ in range(SENDS):
                with suppress(_Lost):
                    return self._judged(kind, self._exchange(kind, [int(head), *words]))
        except RestartError as err:
            self.on_lost(str(err))
            raise
        raise MailboxError(f"{self.name}: {kind.name}: pings overwrite each question before it is read")

    def _exchange(self, kind: MessageType, message: Sequence[int]) -> list[int]:
        deadline_s = self.clock.now_s() + ANSWER_S
        self._send(kind, message, deadline_s)
        for _ in range(STRANGERS_MAX):
            self._wait(f"the answer to {kind.name}", lambda: self.told("PFSTS"), deadline_s)
            answer = self._receive()
            head = HEAD(answer[0])
            if head.TYPE == MessageType.PF_CONTROL:
                if head.NACK or head.ACK:
                    raise _Lost
                self.on_ping(head)
                continue
            return answer
        raise MailboxError(f"{self.name}: {kind.name}: {STRANGERS_MAX} pings in a row, and no answer")

    def _send(self, kind: MessageType, message: Sequence[int], deadline_s: float) -> None:
        hold = int(self.at_least(ApiVersion.V1_5))
        self._wait(f"the mailbox ({kind.name})", self._lock, deadline_s)
        self._told -= {"PFSTS", "PFACK"}
        for n, word in enumerate(message):
            self.bar.write(VFMBMEM, int(word), n)
        self.bar.write(VFMAILBOX, VFMAILBOX.of(REQ=1, VFU=hold))
        try:
            self._wait(f"{kind.name} to be read", lambda: self.told("PFACK"), deadline_s)
        finally:
            if hold:
                self.bar.write(VFMAILBOX, 0)

    def _receive(self) -> list[int]:
        """Take the message that is there, and say so.

        It holds still until then, whoever has the lock: the answer that agrees upon 1.5 may be held already.
        """
        if not self.at_least(ApiVersion.V1_5):
            self._lock()
        message = [int(self.bar.read(VFMBMEM, n)) for n in range(WORDS)]
        self.bar.write(VFMAILBOX, VFMAILBOX.of(ACK=1))
        return message

    def _judged(self, kind: MessageType, answer: list[int]) -> list[int]:
        head = HEAD(answer[0])
        if kind is MessageType.RESET and kind == head.TYPE and head.ACK != head.NACK:
            return answer  # NACK is an answer there: we have no address
        if head.NACK and not head.CTS and not head.ACK:
            raise RestartError(f"{self.name}: {kind.name}: we are not clear to send ({head})")
        if kind != head.TYPE or head.ACK == head.NACK:
            raise MailboxError(
                f"{self.name}: {kind.name} was answered with {int(head):#010x} ({head}), which makes no sense"
            )
        if head.NACK:
            raise RefusedError(f"{self.name}: the physical function's driver refuses {kind.name}")
        return answer

    def take(self) -> HEAD | None:
        """Take a message that came without a question; its head, or None if there is none."""
        if not self.told("PFSTS"):
            return None
        return HEAD(self._receive()[0])
