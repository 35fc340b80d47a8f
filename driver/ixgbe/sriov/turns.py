# SPDX-License-Identifier: BSD-3-Clause
"""Serving the mailboxes, a turn at a time: nobody is waited for, and nobody gets more than a share.

A turn answers at most one message of each VF.  What a VF is in the way of itself (it holds the lock, it has not read
what was sent before) is tried again in a later turn, and after a second without it.  A VF that sends more than its
share is muted until it has a share again, so that it does not even interrupt.

Ref: ixgbe_msg_task, ixgbe_ping_all_vfs.
"""

import logging
from dataclasses import dataclass, field

from device.regs.i82599.mbx import HEAD, ApiVersion, MessageType
from driver.core.clock import Clock
from driver.ixgbe.sriov.chip import PoolChip
from driver.ixgbe.sriov.mailbox import Mailboxes
from driver.ixgbe.sriov.messages import answer_to
from driver.ixgbe.sriov.state import Vf, at_least

log = logging.getLogger(__name__)

PATIENCE_S = 1.0  # how long a VF may hold its lock against us, or leave a message unread
SOON_S, LATER_S = 0.001, 0.02  # when to try again: a VF lets go within a poll of its own, or it takes its time
SHARE_BURST = 256  # messages at once; a VF that joins every VLAN there is sends as many
SHARE_PER_S = 200.0  # and from then on
SHARE_AGAIN = 64.0  # as many have to be there before a muted VF may interrupt again


@dataclass(slots=True)
class Box:
    """Where one mailbox stands.

    Attributes:
        answer: What is to be sent as soon as the VF lets go of its lock.
        answer_s: Since when it waits.
        wants_ping: A ping is to be sent as soon as the VF has read what is there.
        unread_s: Since when a message of ours is unread; None: it has read all.
        may_hold: We may hold the lock until it has read the answer.
        holding: We do.
        share: Messages that it may still send.
        share_s: When that was reckoned.
        muted: It had none left, and does not interrupt.
        was_reset: What its driver asked for before is still to be taken back.
        told: What was logged of it.
    """

    answer: list[int] | None = None
    answer_s: float = 0.0
    wants_ping: bool = False
    unread_s: float | None = None
    may_hold: bool = False
    holding: bool = False
    share: float = SHARE_BURST
    share_s: float = 0.0
    muted: bool = False
    was_reset: bool = False
    told: set[str] = field(default_factory=set)


class Turns:
    """The mailboxes of a port's VFs."""

    def __init__(self, chip: PoolChip, clock: Clock, name: str) -> None:
        """Nobody wants anything yet."""
        self.chip = chip
        self.clock = clock
        self.name = name
        self.mailboxes = Mailboxes(chip.bar, chip.pools.vfs)
        self.boxes = [Box() for _ in chip.vfs]

    def begin(self) -> None:
        """After a reset of the port: locks are free, and nothing is under way."""
        self.boxes = [Box(share=box.share, share_s=box.share_s, told=box.told) for box in self.boxes]

    @property
    def due_s(self) -> float:
        """Seconds until there is something to try again; infinity if there is not."""
        now_s = self.clock.now_s()
        return min((self._due(box, now_s) for box in self.boxes), default=float("inf"))

    @staticmethod
    def _due(box: Box, now_s: float) -> float:
        if box.answer is not None:
            return SOON_S if now_s - box.answer_s < LATER_S else LATER_S
        if box.muted or box.wants_ping or box.was_reset or box.unread_s is not None:
            return LATER_S
        return float("inf")

    def ping(self, vf: Vf) -> None:
        """Tell a VF to look at its link, and whether it is still clear to send."""
        self.boxes[vf.n].wants_ping = True

    # ---- a turn ----------------------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Look at all mailboxes once and do what can be done now."""
        now_s = self.clock.now_s()
        events = self.mailboxes.look()
        for vf in self.chip.vfs:
            box = self.boxes[vf.n]
            self._refill(vf, box, now_s)
            has_read = vf.n in events.acks
            if has_read:
                self._read_by(vf, box)
            box.was_reset = box.was_reset or vf.n in events.resets
            if box.was_reset and self._takes(vf, box):
                self._reset(vf, box)
            has_sent = vf.n in events.requests and not box.was_reset
            if has_sent and self._takes(vf, box):
                self._request(vf, box, now_s)
            elif has_read and not has_sent and not vf.cts and box.answer is None and self._takes(vf, box):
                self._send(vf, box, [int(HEAD.of(NACK=1))], now_s)  # who is not clear to send has to start anew
            self._later(vf, box, now_s)

    def _refill(self, vf: Vf, box: Box, now_s: float) -> None:
        box.share = min(SHARE_BURST, box.share + max(0.0, now_s - box.share_s) * SHARE_PER_S)
        box.share_s = now_s
        if box.muted and box.share >= SHARE_AGAIN:
            box.muted = False
            self.mailboxes.mute(vf.n, on=False)

    def _takes(self, vf: Vf, box: Box) -> bool:
        """Take one of a VF's share; False if it has none left, and is muted until it has."""
        if box.share >= 1:
            box.share -= 1
            return True
        if not box.muted:
            box.muted = True
            vf.counts["floods"] += 1
            self.mailboxes.mute(vf.n, on=True)
        self._tell(vf, box, f"sends messages or resets itself without end: it gets {SHARE_PER_S:g} a second")
        return False

    def _reset(self, vf: Vf, box: Box) -> None:
        box.was_reset = box.wants_ping = box.holding = False
        box.answer = box.unread_s = None
        vf.counts["resets"] += 1
        self.chip.stop(vf)
        self.chip.write_traffic(vf)

    def _read_by(self, vf: Vf, box: Box) -> None:
        vf.counts["acks"] += 1
        box.unread_s = None
        if box.holding:
            box.holding = False
            self.mailboxes.release(vf.n)

    def _request(self, vf: Vf, box: Box, now_s: float) -> None:
        vf.counts["messages"] += 1
        box.holding, box.answer = False, None  # reading lets go of the lock; who asks again waits for nothing older
        spoken = vf.api  # by the one who asks: the answer that agrees upon 1.5 is still read in the old way, by lock
        answer = answer_to(self.chip, vf, self.mailboxes.read(vf.n))
        if answer is not None:
            box.may_hold = at_least(spoken, ApiVersion.V1_5)
            self._send(vf, box, answer, now_s)

    def _send(self, vf: Vf, box: Box, answer: list[int], now_s: float, *, force: bool = False) -> bool:
        hold = box.may_hold and bool(HEAD(answer[0]).CTS)
        if self.mailboxes.write(vf.n, answer, hold=hold, force=force):
            box.answer, box.holding, box.unread_s = None, hold, now_s
            return True
        if box.answer is None:
            box.answer, box.answer_s = answer, now_s
        return False

    def _later(self, vf: Vf, box: Box, now_s: float) -> None:
        """What had to wait for the VF, and must not wait for ever."""
        if box.answer is not None:
            late = now_s - box.answer_s >= PATIENCE_S
            if self._send(vf, box, box.answer, now_s, force=late) and late:
                vf.counts["locks_taken"] += 1
                self._tell(vf, box, f"held its mailbox for more than {PATIENCE_S:g} s: it was taken from it")
        if box.unread_s is not None and now_s - box.unread_s >= PATIENCE_S:
            box.unread_s = None
            if vf.started:  # one without a driver reads nothing
                vf.counts["unread"] += 1
                # So does each guest whose interface is down, after its probe.
                self._tell(vf, box, f"has not read a message for {PATIENCE_S:g} s", logging.INFO)
            if box.holding:
                box.holding = False
                self.mailboxes.release(vf.n)
        if box.wants_ping and box.answer is None and box.unread_s is None:
            ping = int(HEAD.of(TYPE=MessageType.PF_CONTROL, CTS=int(vf.cts)))
            if self.mailboxes.write(vf.n, [ping]):
                box.wants_ping, box.unread_s = False, now_s
                vf.counts["pings"] += 1

    def _tell(self, vf: Vf, box: Box, what: str, level: int = logging.WARNING) -> None:
        """Log something of a VF once."""
        if what not in box.told:
            box.told.add(what)
            log.log(level, "%s: VF %d %s (said once)", self.name, vf.n, what)
