# SPDX-License-Identifier: BSD-3-Clause
"""A peer for the driver of a virtual function: registers in memory, and answers that a test makes up.

It works whenever the driver waits (``sleep`` is its clock's), as the driver of a physical function would.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from device.regs.core import Register
from device.regs.i82599.mbx import HEAD, WORDS, ApiVersion, MessageType
from device.regs.i82599.vf import VFCTRL, VFMAILBOX, VFMBMEM
from tests.rigs.driver_clock import NoWait

Answers = Callable[[list[int]], Sequence[Sequence[int]] | None]
"""From a message to what is sent for it, one after the other; None: it is not even read."""

GIVEN = bytes.fromhex("020000000a01")
LOW, HIGH = int.from_bytes(GIVEN[:4], "little"), int.from_bytes(GIVEN[4:], "little")


def good(words: list[int], *, api: ApiVersion = ApiVersion.V1_5, order: Sequence[ApiVersion] = ()) -> list[list[int]]:
    """What a driver that speaks up to ``api`` answers."""
    kind = HEAD(words[0]).TYPE
    ack, nack = int(HEAD(words[0]).replace(ACK=1, CTS=1)), int(HEAD(words[0]).replace(NACK=1, CTS=1))
    known = order or (ApiVersion.V1_0, ApiVersion.V1_1, ApiVersion.V1_2, ApiVersion.V1_3, ApiVersion.V1_4, api)
    if kind == MessageType.RESET:
        return [[int(HEAD.of(TYPE=kind, ACK=1)), LOW, HIGH, 0]]
    if kind == MessageType.API_NEGOTIATE:
        return [[ack if words[1] in known else nack]]
    if kind == MessageType.GET_QUEUES:
        return [[ack, 4, 4, 0, 0]]
    if kind == MessageType.GET_LINK_STATE:
        return [[ack, 1]]
    return [[ack, *words[1:]]]


class PeerBar:
    """Registers of a virtual function whose mailbox somebody answers.

    Args:
        answers: What they say.

    Attributes:
        clock: Time; whoever waits on it lets the peer work.
        heard: Every message that was read.
        writes: Every write, in order: register and value.
        in_reset: RSTI.
        reset_over: RSTD, until it is read.
        holds: The peer has the lock, and keeps it.
        slow: It answers a turn after it has read.
    """

    def __init__(self, answers: Answers = good) -> None:
        self.answers = answers
        self.clock = NoWait()
        self.heard: list[list[int]] = []
        self.writes: list[tuple[str, int]] = []
        self.in_reset = self.reset_over = self.holds = False
        self.resets = 0
        self._words: dict[tuple[str, int], int] = {}
        self.slow = self._read = False
        self._vfu = self._request = self._pfsts = self._pfack = False
        self._outbox: Iterator[Sequence[int]] = iter(())
        self._sleep = self.clock.sleep
        self.clock.sleep = self._wait  # type: ignore[method-assign]  # it is how the peer gets its turn

    def _wait(self, seconds: float) -> None:
        self._sleep(seconds)
        self.work()

    def work(self) -> None:
        """A turn of the peer."""
        if self._read:
            self._read = False
            self.say_next()
        elif self._request:
            message = [self._words.get((VFMBMEM.NAME, n), 0) for n in range(WORDS)]
            answers = self.answers(message)
            if answers is None:
                return
            self._request, self._pfack = False, True
            self.heard.append(message)
            self._outbox = iter(answers)
            self._read = True
            if not self.slow:
                self.work()

    def say_next(self) -> None:
        """Send the next of the answers."""
        for words in self._outbox:
            self.say(words)
            return

    def say(self, words: Sequence[int]) -> None:
        """Put a message there, and tell of it."""
        for n in range(WORDS):
            self._words[VFMBMEM.NAME, n] = words[n] if n < len(words) else 0
        self._pfsts = True

    # ---- as Bar ----------------------------------------------------------------------------------------------------

    def read(self, reg: type[Register], n: int = 0) -> Any:
        if reg is not VFMAILBOX:
            return reg(self._words.get((reg.NAME, n), 0))
        seen = VFMAILBOX.of(
            VFU=int(self._vfu), PFU=int(self.holds), PFSTS=int(self._pfsts), PFACK=int(self._pfack),
            RSTI=int(self.in_reset), RSTD=int(self.reset_over),
        )  # fmt: skip
        self._pfsts = self._pfack = self.reset_over = False
        return seen

    def write(self, reg: type[Register], value: int, n: int = 0) -> None:
        self.writes.append((reg.NAME, int(value)))
        if reg is VFMAILBOX:
            written = VFMAILBOX(int(value))
            self._vfu = bool(written.VFU) and not self.holds
            self._request = self._request or bool(written.REQ)
            if written.ACK:
                self.say_next()
        elif reg is VFCTRL:
            self.resets += VFCTRL(int(value)).RST
        else:
            self._words[reg.NAME, n] = int(value)

    def update(self, reg: type[Register], n: int = 0, **fields: int) -> Any:
        value = self.read(reg, n).replace(**fields)
        self.write(reg, value, n)
        return value

    def flush(self) -> None:
        """Nothing is late here."""
