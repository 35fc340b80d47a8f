# SPDX-License-Identifier: BSD-3-Clause
"""The service task: the mailbox, the link, statistics, hangs; and the way back after the physical function was reset.

The peer may reset the port, be restarted or be gone for a while.  What tells of it: RSTI while it lasts, RSTD when it
is over, a ping or an answer without CTS.  The link is down then, and the function introduces itself again as soon as
it can; nothing here waits for a peer that is in reset.

Ref: ixgbevf_service_task, ixgbevf_watchdog_update_link, ixgbevf_check_mac_link_vf, ixgbevf_reset_subtask.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, runtime_checkable

from device.regs.i82599.mbx import HEAD
from device.regs.i82599.vf import VTIVAR_MISC
from driver.core.progress import Progress
from driver.ixgbevf.hw import VfLink
from driver.ixgbevf.mailbox import STRANGERS_MAX, MailboxError, RestartError
from driver.ixgbevf.port import VfPort

log = logging.getLogger(__name__)

WATCHDOG_S = 2.0
RETRY_S = 1.0  # after an introduction that failed: it cost a second itself
FRESH_S = 3.0  # so long after the link came the system still joins its multicast groups


@runtime_checkable
class HasGroups(Protocol):
    """An interface that knows which multicast groups the system has joined on it."""

    def groups(self) -> list[bytes]:
        """Their addresses."""


class VfService:
    """Periodic work of one virtual function.

    Args:
        port: The function.
        reinit: Resets it while it runs, with an introduction.
        recover: The same, for a function that lost its configuration space.
        set_multicast: Tells the peer the groups.
        tell_again: Tells it everything about reception.
    """

    def __init__(
        self,
        port: VfPort,
        reinit: Callable[[], None],
        recover: Callable[[], None],
        set_multicast: Callable[[list[bytes]], None],
        tell_again: Callable[[], None],
    ) -> None:
        """Nothing is due until ``start``."""
        self.port = port
        self._reinit = reinit
        self._recover = recover
        self._set_multicast = set_multicast
        self._tell_again = tell_again
        self.lost = ""
        self.tx_timeout_count = 0
        self.pings = 0
        self.losses = 0
        self.kicks = 0
        self._ask_link = True
        self._was_up = False  # as VFLINKS had it at the last look, whether we may have it or not
        self._may_have_link = True
        self._untold = False
        self._watchdog_s = float("-inf")
        self._retry_s = float("-inf")
        self._link_s = float("-inf")
        self._told = ""
        self._progress = Progress()
        port.hw.mailbox.on_ping = self._pinged
        port.hw.mailbox.on_lost = self.lose

    def start(self) -> None:
        """The function came up: look at everything at the next pass."""
        self.lost = self._told = ""
        self._ask_link = True
        self._watchdog_s = float("-inf")
        self._progress.clear()

    def counts(self) -> dict[str, int]:
        """Figures of the service task."""
        return {
            "tx_timeout_count": self.tx_timeout_count,
            "resets": self.port.hw.resets,
            "pings": self.pings,
            "pf_losses": self.losses,
        }

    @property
    def is_fresh(self) -> bool:
        """Whether the link came just now."""
        return self.port.hw.clock.now_s() - self._link_s < FRESH_S

    def run(self) -> None:
        """One pass.

        Raises:
            DeviceGone: The function no longer answers.
            DriverError: It cannot be set up again.
        """
        port = self.port
        if not port.running:
            return
        if not self.lost:
            self._mail()
        with suppress(RestartError):  # the mailbox has told of it
            if self.lost and not self._come_back():
                return
            self._check_link()
            self._watch()

    # ---- the peer --------------------------------------------------------------------------------------------------

    def _pinged(self, head: HEAD) -> None:
        """A message that is no answer: look at the link; without CTS the peer has forgotten us."""
        self.pings += 1
        self._ask_link = True
        if not head.CTS:
            self.lose("the physical function's driver does not know it any more")

    def lose(self, why: str) -> None:
        """The peer does not know us any more, and the function is of no use until it does."""
        if self.lost:
            return
        port = self.port
        self.lost = why
        self.losses += 1
        self._retry_s = float("-inf")
        port.hw.clear = False
        if port.running:
            log.warning("%s: %s; it waits, and introduces itself again", port.door.name, why)
        port.link = VfLink()

    def _mail(self) -> None:
        mailbox = self.port.hw.mailbox
        if mailbox.in_reset():
            self.lose("the physical function is being reset")
        elif mailbox.told("RSTD"):
            self.lose("the physical function was reset")
        elif not self.port.bar.read(VTIVAR_MISC).OTHER_VALID:
            self.lose("somebody reset this function")
        for _ in range(STRANGERS_MAX):
            head = None if self.lost else mailbox.take()
            if head is None:
                return
            self._pinged(head)

    def _come_back(self) -> bool:
        """Introduce ourselves again if the peer is there; True if that worked."""
        hw, now_s = self.port.hw, self.port.hw.clock.now_s()
        if hw.mailbox.in_reset() or now_s < self._retry_s:
            return False
        try:
            self._recover()
        except MailboxError as err:
            self._retry_s = hw.clock.now_s() + RETRY_S
            self.say(str(err))
            return False
        log.info("%s: it is back", self.port.door.name)
        return True

    def later(self, why: str) -> None:
        """The peer did not answer to a wish: it is told again."""
        self._untold = True
        self.say(why)

    def say(self, what: str) -> None:
        """Log what goes wrong with the peer, once until something else does."""
        if what != self._told:
            self._told = what
            log.warning("%s", what)

    # ---- link ------------------------------------------------------------------------------------------------------

    def _check_link(self) -> None:
        port = self.port
        before, seen = port.link, port.hw.read_link()
        was_up, self._was_up = self._was_up, seen.up
        if seen.up and (self._ask_link or not was_up):
            self._ask_link = False
            self._ask_for_link()
        port.link = now = seen if self._may_have_link else VfLink()
        if now.up and not before.up:
            self._link_s = port.hw.clock.now_s()
            log.info("%s: link is up, %g Gb/s", port.door.name, now.speed_mbps / 1000)
        elif before.up and not now.up:
            log.info("%s: link is down", port.door.name)

    def _ask_for_link(self) -> None:
        """Ask whether we may have one; a peer that does not answer has not changed its mind."""
        try:
            may = self.port.hw.may_have_link()
        except RestartError:
            raise
        except MailboxError as err:
            self.say(str(err))
            return
        if not may and self._may_have_link:
            log.info("%s: the physical function's driver lets it have no link", self.port.door.name)
        self._may_have_link = may

    # ---- now and then ----------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        port = self.port
        if isinstance(port.netdev, HasGroups):
            self._set_multicast(port.netdev.groups())
        now_s = port.hw.clock.now_s()
        if now_s - self._watchdog_s < WATCHDOG_S:
            return
        self._watchdog_s = now_s
        port.stats_nic.update()
        if self._untold:
            self._untold = False
            self._tell_again()
        if not port.link.up:
            self._progress.clear()
        elif (queue := self._progress.stuck(port.senders)) is not None:
            log.error("%s: detected Tx unit hang on queue %d, resetting", port.door.name, queue)
            self.tx_timeout_count += 1
            self._reinit()
            return
        self.kicks += 1
        port.scheme.kick()
