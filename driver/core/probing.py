# SPDX-License-Identifier: BSD-3-Clause
"""A probe of any PCI function under way: its steps, and the one stack of what will be undone.

A step is a small function that says what it found.  If one fails, the stack is unwound, last taken first: nothing stays
mapped, claimed, or able to interrupt or to do DMA.
"""

import errno
import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from device.regs.core import Register
from driver.claim import Claim
from driver.core.clock import Clock, SystemClock
from driver.core.dma import IOVA_BASE_64
from driver.core.family import ProbeLog
from driver.doors.config import Config
from driver.doors.door import Door
from driver.errors import DriverError, ProbeError

log = logging.getLogger(__name__)


class QuietLog:
    """Nobody watches; the log has it at debug level."""

    def step(self, name: str, detail: str) -> None:
        """Log the step."""
        log.debug("%s: %s", name, detail)


@dataclass
class PciProbing:
    """A probe under way, as far as every PCI function has it.

    Attributes:
        door: The function.
        undo: What undoes the steps so far.
        clock: Time.
        claim_dir: Where claims live; the usual place if not given.
        iova_base: Where DMA addresses begin.
        saved_state: Configuration space as it was.
        planned: What will be undone, first taken first.
        undone: What was.
    """

    door: Door
    undo: ExitStack = field(default_factory=ExitStack, kw_only=True)
    clock: Clock = field(default_factory=SystemClock, kw_only=True)
    claim_dir: Path | None = field(default=None, kw_only=True)
    iova_base: int = field(default=IOVA_BASE_64, kw_only=True)
    saved_state: dict[type[Register], Register] = field(default_factory=dict, kw_only=True)
    claim_made: Claim | None = field(default=None, kw_only=True)
    planned: list[str] = field(default_factory=list, kw_only=True)
    undone: list[str] = field(default_factory=list, kw_only=True)

    def undo_with(self, what: str, action: Callable[[], object]) -> None:
        """Undo something later, with ``action``; a dead function cannot stop the rest from being undone."""
        self.planned.append(what)
        self.undo.callback(self._undo_one, what, action)

    def _undo_one(self, what: str, action: Callable[[], object]) -> None:
        try:
            action()
        except (DriverError, OSError) as err:
            log.debug("undoing %s: %s", what, err)
            self.undone.append(f"{what}: {err}")
        else:
            self.undone.append(what)

    @property
    def claim(self) -> Claim:
        """The claim, once made."""
        assert self.claim_made is not None
        return self.claim_made

    @property
    def config(self) -> Config:
        """Configuration space."""
        return Config(self.door)


P = TypeVar("P", bound=PciProbing)


def run_steps(p: P, steps: Sequence[tuple[str, Callable[[P], str]]], watch: ProbeLog | None = None) -> ExitStack:
    """Do the steps of a probe; the door is closed with the rest if one fails.

    Returns:
        What undoes all of them.

    Raises:
        DriverError: A step failed; the failure knows which, and what was undone.
    """
    watch = watch or QuietLog()
    p.undo_with("door", p.door.close)
    name = "probe"
    try:
        with p.undo:
            for name, step in steps:
                watch.step(name, step(p))
            return p.undo.pop_all()
    except (DriverError, OSError) as err:
        for what in p.undone:
            watch.step("undone", what)
        raise _failed(name, err, p.undone) from (err if not isinstance(err, DriverError) else err.__cause__)


def _failed(step: str, err: DriverError | OSError, undone: Sequence[str]) -> DriverError:
    """The failure of a step, which knows what it was and what was undone."""
    if isinstance(err, DriverError):
        failure = err
    else:  # a wait that ran out, or an access that was refused: the function does not work
        code = errno.EIO if isinstance(err, TimeoutError) else err.errno or errno.EIO
        failure = ProbeError(code, f"{step}: {err}")
    failure.step, failure.undone = step, tuple(undone)
    return failure
